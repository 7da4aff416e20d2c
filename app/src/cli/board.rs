//! A board on the command line: one worker, its events told to the report, jobs one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::{After, Before, Link, Which};
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::report::Report;
use crate::engine::event::{Event, Outcome};
use crate::engine::job_state::{Ending, JobState};
use crate::engine::ports::{self, LastSeen, practice_is_possible};
use crate::engine::request::{self, LinkOptions, PortChoice, Request};
use crate::engine::surroundings::Surroundings;
use crate::engine::worker::{Wake, Worker};
use crate::model::chip::{BoardIdentity, mac_text};
use crate::model::cost;
use crate::model::keep::Keep;
use crate::model::partition_table::TableSettings;
use crate::model::region::Region;
use crate::store::kept::KeptFolder;
use crate::store::known_boards::{self, KnownBoard};

/// Bits per second of a board that was never used before.
pub const DEFAULT_BAUD: u32 = 115_200;

/// A board that a command works with. Dropping it leaves the board as `--after` says.
pub struct Board {
    worker: Worker,
    around: Surroundings,
    name: String,
    /// Where its partition table is looked for, in bytes from the start of the flash.
    table_offset: u32,
    baud: u32,
    /// What it said of itself, once it was asked.
    identity: Option<BoardIdentity>,
    /// Said before the first job.
    note: Option<String>,
}

/// Takes a proven piece of a read; without bytes what is in hand is right.
type TakePiece<'t> = dyn FnMut(Region, Option<&[u8]>) -> Result<(), Failure> + 't;

/// How often a running job looks whether Ctrl+C was pressed.
pub const LOOK_UP: Duration = Duration::from_millis(100);

impl Board {
    /// Gets ready; the port itself is opened by the first job. Without a port it is the board with the MAC address,
    /// else the only known one.
    pub fn open(which: Which<'_>, link: Link) -> Result<Self, Failure> {
        let Chosen {
            port,
            mac,
            baud,
            note,
        } = choose(which)?;
        let name = port.to_string();
        let around = surroundings();
        let options = LinkOptions {
            mac,
            ..options(link, baud)
        };
        let baud = options.baud;
        let worker = start_in(&around, &port, options, Arc::new(|| ()))?;
        let mut board = Self {
            worker,
            around,
            name,
            baud,
            identity: None,
            note,
            table_offset: TableSettings::default().table_offset,
        };
        if let Some(offset) = link.table_offset {
            board.look_for_table_at(offset);
        }
        Ok(board)
    }

    /// Where the board's partition table lies, for this program and for the agent.
    pub fn look_for_table_at(&mut self, offset: u32) {
        self.table_offset = offset;
        self.worker.look_for_table_at(offset);
    }

    /// Where the board's partition table is looked for.
    pub fn table_offset(&self) -> u32 {
        self.table_offset
    }

    /// Carries out one job and waits for its ending. Ctrl+C stops the job at its next block.
    pub fn ask(&mut self, request: Request, report: &mut Report) -> Result<Outcome, Failure> {
        self.ask_for_pieces(request, report, &mut |_, _| Ok(()))
    }

    /// The same; every piece that is read goes to `take`. When that fails, the job is stopped.
    pub fn ask_for_pieces(
        &mut self,
        request: Request,
        report: &mut Report,
        take: &mut TakePiece<'_>,
    ) -> Result<Outcome, Failure> {
        if let Some(note) = self.note.take() {
            report.note(&note);
        }
        let interrupt = Interrupt::begin(&self.name)?;
        let mut not_taken = None;
        let began = Instant::now();
        let mut job = JobState::new(request.name());
        self.worker
            .submit(request)
            .map_err(|busy| Failure::new(busy.to_string(), self.name.clone(), "Try again"))?;
        while job.is_running() {
            if interrupt.asked() {
                self.worker.cancel();
            }
            let event = match self.worker.wait_event_for(LOOK_UP) {
                Ok(Some(event)) => event,
                Ok(None) => continue,
                Err(_gone) => {
                    job.worker_stopped();
                    break;
                }
            };
            if let Event::Piece { region, bytes } = &event
                && not_taken.is_none()
            {
                not_taken = take(*region, bytes.as_deref()).err();
                if not_taken.is_some() {
                    self.worker.cancel();
                }
            }
            let seen = event.clone();
            job.fold(event, began.elapsed());
            match seen {
                Event::Stage(stage) => report.stage(stage.label()),
                Event::Advanced { .. } => report.progress(job.done, job.total, &job.line()),
                Event::Note(note) => report.note(&note),
                Event::Slower(baud) => self.baud = baud,
                _ => {}
            }
        }
        if let Some(failure) = not_taken {
            return Err(failure);
        }
        match job.ending {
            Some(Ending::Finished(outcome)) => {
                if let Outcome::Detected(identity) = &outcome {
                    self.identity = Some(identity.clone());
                }
                Ok(outcome)
            }
            Some(Ending::Failed(error)) => Err(error.into()),
            Some(Ending::Cancelled { state }) => Err(Failure::new(
                state,
                self.name.clone(),
                "Run the same command again",
            )),
            None => Err(self.unexpected()),
        }
    }

    /// Its port, as it is typed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bits per second once connected.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// What carries its bytes, for the cost model.
    pub fn carrier(&self) -> cost::Link {
        let listed = ports::list().unwrap_or_default();
        if ports::is_chips_own_usb(&listed, Path::new(&self.name)) {
            cost::Link::Usb
        } else {
            cost::Link::Uart(self.baud)
        }
    }

    /// The safe place for what must outlive the program.
    pub fn keep(&self) -> &dyn Keep {
        &**self.around.keep()
    }

    /// Remembers the board by its MAC address: port, speed and what was written to it. A board inside this program is
    /// gone with it; what cannot be kept is no failure of the command.
    pub fn remember(&self, files: Vec<PathBuf>, elf: Option<PathBuf>) {
        let Some((identity, mac)) = self
            .identity
            .as_ref()
            .and_then(|identity| Some((identity, identity.mac.clone()?)))
        else {
            return;
        };
        remember(KnownBoard {
            mac,
            chip: identity.chip.to_string(),
            port: PathBuf::from(&self.name),
            baud: Some(self.baud),
            files,
            elf,
            ..KnownBoard::default()
        });
    }

    /// The answer was of another kind than the question; the engine's contract is broken.
    pub fn unexpected(&self) -> Failure {
        Failure::new(
            "The job ended without the answer that was asked for",
            self.name.clone(),
            "Report this, with the command line",
        )
    }
}

/// Remembers a board with the serial number of its port. One inside this program is gone with it.
pub fn remember(mut board: KnownBoard) {
    if board.port.as_os_str() == PortChoice::Practice.to_string().as_str() {
        return;
    }
    let listed = ports::list().unwrap_or_default();
    board.serial = ports::find(&listed, &board.port).and_then(|port| port.serial.clone());
    for file in board.files.iter_mut().chain(&mut board.elf) {
        *file = absolute(file);
    }
    // What cannot be kept is no failure of the command.
    known_boards::remember(board).ok();
}

/// A project's path, or a target with that of its file, from any folder.
fn absolute(target: &Path) -> PathBuf {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match target.to_str().and_then(|text| text.split_once('=')) {
        Some((place, file)) if !target.exists() => {
            format!("{place}={}", whole(Path::new(file)).display()).into()
        }
        _ => whole(target),
    }
}

/// Starts the worker of a port, or of the only known board; `wake` is called after its events. Returns the port as it
/// is typed, and what is to be said about it.
pub fn start(
    port: Option<&Path>,
    options: LinkOptions,
    wake: Wake,
) -> Result<(Worker, String, Option<String>), Failure> {
    let Chosen { port, note, .. } = choose(Which { port, mac: None })?;
    let worker = start_in(&surroundings(), &port, options, wake)?;
    Ok((worker, port.to_string(), note))
}

/// What this user keeps beside the settings; in memory where there is no such folder.
pub fn surroundings() -> Surroundings {
    KeptFolder::of_user().map_or_else(Surroundings::in_memory, |kept| {
        Surroundings::new(Arc::new(kept))
    })
}

fn start_in(
    around: &Surroundings,
    port: &PortChoice,
    options: LinkOptions,
    wake: Wake,
) -> Result<Worker, Failure> {
    Worker::start_in(around, port, options, wake).map_err(|error| {
        Failure::new(
            format!("Cannot start with {port}: {error}"),
            port.to_string(),
            "Close other programs and try again",
        )
    })
}

/// Which port is meant, and what is to be said about it.
pub struct Chosen {
    pub port: PortChoice,
    /// No other board than this one is meant.
    pub mac: Option<[u8; 6]>,
    /// What this board was used with last.
    pub baud: Option<u32>,
    pub note: Option<String>,
}

/// Finds the board that is meant among those that are plugged in.
pub fn choose(Which { port, mac }: Which<'_>) -> Result<Chosen, Failure> {
    let known = known_boards::load();
    let typed = port
        .and_then(Path::to_str)
        .and_then(|port| port.strip_prefix("mac:"));
    let mac = match typed {
        Some(typed) => {
            let mac = super::args::mac(typed).map_err(|reason| {
                Failure::usage(reason, typed, "flashpack info prints a board's MAC address")
            })?;
            Some(mac)
        }
        None => mac,
    };
    if let Some(address) = mac {
        let mac = mac_text(address);
        let board = known.find(&mac);
        let seen = board.map(|board| LastSeen {
            port: board.port.clone(),
            serial: board.serial.clone(),
        });
        let path = ports::by_mac(&ports::list()?, &mac, seen.as_ref())?;
        return Ok(Chosen {
            note: Some(format!("The board {mac} is on {}", path.display())),
            baud: board.and_then(|board| board.baud),
            port: PortChoice::Path(path),
            mac: Some(address),
        });
    }
    let Some(port) = port else {
        let path = ports::only_board(&ports::list()?)?;
        return Ok(Chosen {
            note: Some(format!("Using {}, the only known board", path.display())),
            baud: known.baud_on(&path),
            port: PortChoice::Path(path),
            mac: None,
        });
    };
    Ok(Chosen {
        mac: None,
        port: by_name(port)?,
        baud: known.baud_on(port),
        note: None,
    })
}

/// A port by its path, or the practice board.
fn by_name(port: &Path) -> Result<PortChoice, Failure> {
    if port.as_os_str() != "practice" {
        return Ok(PortChoice::Path(port.to_path_buf()));
    }
    if practice_is_possible() {
        Ok(PortChoice::Practice)
    } else {
        Err(Failure::new(
            "A practice board needs a pseudo-terminal, which this system does not have",
            "practice",
            "Connect a board, or use Linux or macOS",
        ))
    }
}

/// `baud` is what the board was used with last.
pub fn options(link: Link, baud: Option<u32>) -> LinkOptions {
    LinkOptions {
        before: match link.before {
            Before::Auto => request::Before::Auto,
            Before::DefaultReset => request::Before::DefaultReset,
            Before::UsbReset => request::Before::UsbReset,
            Before::NoReset => request::Before::NoReset,
        },
        after: match link.after {
            After::HardReset => request::After::HardReset,
            After::WatchdogReset => request::After::WatchdogReset,
            After::NoReset => request::After::NoReset,
        },
        baud: link.baud.or(baud).unwrap_or(DEFAULT_BAUD),
        chip: link.chip,
        ..LinkOptions::default()
    }
}
