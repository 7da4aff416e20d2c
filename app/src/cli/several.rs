//! `flashpack write` to several boards at once: one plan, a line for each board as it ends, and a summary.

use std::io::{self, BufRead as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};

use super::args::{Common, Which, Write};
use super::board::{self, Chosen, DEFAULT_BAUD, LOOK_UP, choose, options, surroundings};
use super::confirm::confirm;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::report::Report;
use crate::engine::plan_view::{PlanLine, PlanView};
use crate::engine::ports;
use crate::engine::request::PortChoice;
use crate::engine::several::{BoardPlace, Several, Summary};
use crate::model::cost;
use crate::model::flash_plan::FlashPlan;
use crate::model::number::human_size;
use crate::store::known_boards::{self, KnownBoard};
use crate::store::replace::replace;

/// Whether this command line means more than one board, or one after the other.
pub fn is_meant(args: &Write) -> bool {
    args.board.port.len() + args.board.mac.len() > 1
        || args.board.all
        || args.board.next
        || args.board.summary.is_some()
}

/// What carries the bytes to the boards that are meant, for the cost model.
pub fn carrier(args: &Write) -> cost::Link {
    let baud = args.board.link.baud.unwrap_or(DEFAULT_BAUD);
    let listed = ports::list().unwrap_or_default();
    let mut meant = args.board.port.clone();
    if args.board.all {
        meant = ports::of_same_kind(&listed, meant.first().map(PathBuf::as_path));
    }
    let usb = |port: &PathBuf| ports::is_chips_own_usb(&listed, port);
    if !meant.is_empty() && meant.iter().all(usb) {
        cost::Link::Usb
    } else {
        cost::Link::Uart(baud)
    }
}

/// Writes a plan to all boards that are meant.
pub fn run(
    args: &Write,
    plan: &Arc<FlashPlan>,
    view: &PlanView,
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    let places = places(args)?;
    let mut lines = vec![format!(
        "This writes {} to each of {} boards ({}):",
        human_size(plan.total_bytes()),
        places.len(),
        places
            .iter()
            .map(|place| place.port.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    )];
    lines.extend(view.writes.iter().map(PlanLine::text));
    confirm(&lines, "write", common, report)?;
    let (sender, woken) = channel();
    let wake = Arc::new(move || {
        // Nobody waits any more when the command is over.
        sender.send(()).ok();
    });
    let options = options(args.board.link, None);
    let mut several = Several::start(places, Arc::clone(plan), options, surroundings(), wake);
    loop {
        let interrupt = Interrupt::begin("--port")?;
        while several.is_running() {
            if interrupt.asked() {
                several.cancel();
            }
            if woken.recv_timeout(LOOK_UP) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
            let ended = several.poll();
            for index in ended {
                let board = &several.boards[index];
                report.note(&format!("{}: {}", board.port, board.line()));
            }
            progress(&several, report);
        }
        let stopped = interrupt.asked();
        drop(interrupt);
        if stopped || !args.board.next || !swapped(&several, report) {
            break;
        }
        for index in 0..several.boards.len() {
            several.next(index);
        }
    }
    let summary = &several.summary;
    remember(args, summary);
    if let Some(path) = &args.board.summary {
        replace(path, summary.to_file(path).as_bytes())?;
    }
    report.result(summary, &summary.to_text());
    match summary.boards.iter().find(|board| !board.ok) {
        None => Ok(()),
        Some(first) => {
            let message = format!(
                "{} of {} boards failed, the first on {}: {}",
                summary.failed,
                summary.boards.len(),
                first.port,
                first.message
            );
            let help = if first.help.is_empty() {
                "Write to that board again".to_owned()
            } else {
                first.help.clone()
            };
            let mut failure = Failure::new(message, first.port.clone(), help);
            failure.error.cause = first.cause;
            Err(failure)
        }
    }
}

/// Where the boards are that are meant.
fn places(args: &Write) -> Result<Vec<BoardPlace>, Failure> {
    if !args.board.all {
        let ports = args.board.port.iter().map(|port| Which {
            port: Some(port.as_path()),
            mac: None,
        });
        let macs = args.board.mac.iter().map(|mac| Which {
            port: None,
            mac: Some(*mac),
        });
        let mut named: Vec<Which<'_>> = ports.chain(macs).collect();
        if named.is_empty() {
            named.push(args.board.which());
        }
        let mut places: Vec<BoardPlace> = Vec::new();
        for which in named {
            let Chosen {
                port, mac, baud, ..
            } = choose(which)?;
            if let Some(twice) = places.iter().find(|place| place.port == port) {
                return Err(Failure::usage(
                    format!("{} is named twice", twice.port),
                    "--port",
                    "Name each board once; a board's MAC address and its port are the same board",
                ));
            }
            let baud = args.board.link.baud.or(baud);
            places.push(BoardPlace { port, mac, baud });
        }
        return Ok(places);
    }
    let like = args.board.port.first().map(PathBuf::as_path);
    let listed = ports::list()?;
    let same = ports::of_same_kind(&listed, like);
    if same.is_empty() {
        // The sentence is the same as when one board is looked for.
        ports::only_board(&listed)?;
    }
    let known = known_boards::load();
    let place = |path: PathBuf| BoardPlace {
        baud: args.board.link.baud.or_else(|| known.baud_on(&path)),
        mac: None,
        port: PortChoice::Path(path),
    };
    Ok(same.into_iter().map(place).collect())
}

/// Remembers every board that was written well, with what was written.
fn remember(args: &Write, summary: &Summary) {
    for board in summary.boards.iter().filter(|board| board.ok) {
        if let (Some(mac), Some(chip)) = (&board.mac, &board.chip) {
            board::remember(KnownBoard {
                mac: mac.clone(),
                chip: chip.clone(),
                port: PathBuf::from(&board.port),
                baud: board.slower.or(args.board.link.baud),
                files: args.targets.iter().map(PathBuf::from).collect(),
                ..KnownBoard::default()
            });
        }
    }
}

fn progress(several: &Several, report: &mut Report) {
    let sum = |of: fn(&crate::engine::job_state::JobState) -> u64| {
        several
            .boards
            .iter()
            .map(|board| of(&board.state))
            .sum::<u64>()
    };
    let (done, all) = several.done();
    let rate: f64 = several
        .boards
        .iter()
        .filter_map(|board| board.state.rate_bytes_per_sec())
        .sum();
    let line = format!("{done} of {all} boards done · {:.0} KiB/s", rate / 1024.0);
    report.progress(sum(|state| state.done), sum(|state| state.total), &line);
}

/// Waits until the boards were swapped; false when there are no more.
fn swapped(several: &Several, report: &mut Report) -> bool {
    report.talk(&format!(
        "{} written so far. Swap the boards and press Enter to write the next; q and Enter ends",
        several.summary.good
    ));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    matches!(read, Ok(count) if count > 0) && answer.trim() != "q"
}
