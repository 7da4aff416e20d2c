//! A board on the command line: one worker, its events told to the report, jobs one after the other.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::{After, Before, Link};
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::report::Report;
use crate::engine::event::{Event, Outcome};
use crate::engine::job_state::{Ending, JobState};
use crate::engine::ports::practice_is_possible;
use crate::engine::request::{self, LinkOptions, PortChoice, Request};
use crate::engine::surroundings::Surroundings;
use crate::engine::worker::{Wake, Worker};
use crate::model::keep::Keep;
use crate::model::partition_table::TableSettings;
use crate::model::region::Region;
use crate::store::kept::KeptFolder;

/// A board that a command works with. Dropping it leaves the board as `--after` says.
pub struct Board {
    worker: Worker,
    around: Surroundings,
    name: String,
    /// Where its partition table is looked for, in bytes from the start of the flash.
    table_offset: u32,
}

/// Takes a proven piece of a read; without bytes what is in hand is right.
type TakePiece<'t> = dyn FnMut(Region, Option<&[u8]>) -> Result<(), Failure> + 't;

/// How often a running job looks whether Ctrl+C was pressed.
const LOOK_UP: Duration = Duration::from_millis(100);

impl Board {
    /// Gets ready; the port itself is opened by the first job.
    pub fn open(port: &Path, link: Link) -> Result<Self, Failure> {
        let name = choose(port)?.to_string();
        let around = surroundings();
        let worker = start_in(&around, port, options(link), Arc::new(|| ()))?;
        let mut board = Self {
            worker,
            around,
            name,
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
                _ => {}
            }
        }
        if let Some(failure) = not_taken {
            return Err(failure);
        }
        match job.ending {
            Some(Ending::Finished(outcome)) => Ok(outcome),
            Some(Ending::Failed(error)) => Err(error.into()),
            Some(Ending::Cancelled { state }) => Err(Failure::new(
                state,
                self.name.clone(),
                "Run the same command again",
            )),
            None => Err(self.unexpected()),
        }
    }

    /// The safe place for what must outlive the program.
    pub fn keep(&self) -> &dyn Keep {
        &**self.around.keep()
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

/// Starts the worker of a port; `wake` is called after its events.
pub fn start(port: &Path, options: LinkOptions, wake: Wake) -> Result<Worker, Failure> {
    start_in(&surroundings(), port, options, wake)
}

/// What this user keeps beside the settings; in memory where there is no such folder.
fn surroundings() -> Surroundings {
    KeptFolder::of_user().map_or_else(Surroundings::in_memory, |kept| {
        Surroundings::new(Arc::new(kept))
    })
}

fn start_in(
    around: &Surroundings,
    port: &Path,
    options: LinkOptions,
    wake: Wake,
) -> Result<Worker, Failure> {
    let choice = choose(port)?;
    let name = choice.to_string();
    Worker::start_in(around, &choice, options, wake).map_err(|error| {
        Failure::new(
            format!("Cannot start with {name}: {error}"),
            name.clone(),
            "Close other programs and try again",
        )
    })
}

fn choose(port: &Path) -> Result<PortChoice, Failure> {
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

fn options(link: Link) -> LinkOptions {
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
        baud: link.baud,
        chip: link.chip,
        ..LinkOptions::default()
    }
}
