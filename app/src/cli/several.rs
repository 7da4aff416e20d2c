//! `flashpack write` to several boards at once: one plan, a line for each board as it ends, and a summary.

use std::io::{self, BufRead as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};

use super::args::{Common, Write};
use super::board::{LOOK_UP, by_name, options, surroundings};
use super::confirm::confirm;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::report::Report;
use crate::engine::plan_view::{PlanLine, PlanView};
use crate::engine::ports;
use crate::engine::request::PortChoice;
use crate::engine::several::Several;
use crate::model::flash_plan::FlashPlan;
use crate::model::number::human_size;
use crate::store::replace::replace;

/// Whether this command line means more than one board, or one after the other.
pub fn is_meant(args: &Write) -> bool {
    args.board.port.len() > 1 || args.board.all || args.board.next || args.board.summary.is_some()
}

/// Writes a plan to all boards that are meant.
pub fn run(
    args: &Write,
    plan: &Arc<FlashPlan>,
    view: &PlanView,
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    let ports = ports(args)?;
    let mut lines = vec![format!(
        "This writes {} to each of {} boards ({}):",
        human_size(plan.total_bytes()),
        ports.len(),
        ports
            .iter()
            .map(PortChoice::to_string)
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
    let mut several = Several::start(ports, Arc::clone(plan), options, surroundings(), wake);
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

fn ports(args: &Write) -> Result<Vec<PortChoice>, Failure> {
    let like = args.board.port.first().map(PathBuf::as_path);
    if !args.board.all {
        return match args.board.port.as_slice() {
            [] => Ok(vec![PortChoice::Path(ports::only_board(&ports::list()?)?)]),
            named => named.iter().map(|port| by_name(port)).collect(),
        };
    }
    let listed = ports::list()?;
    let same = ports::of_same_kind(&listed, like);
    if same.is_empty() {
        // The sentence is the same as when one board is looked for.
        ports::only_board(&listed)?;
    }
    Ok(same.into_iter().map(PortChoice::Path).collect())
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
