//! One plan on several boards at once: a worker, a job and an outcome for each, so that a failure of one never touches
//! another. Boards can be swapped: what was written on a port is counted, and the same plan goes to the next board there.
//!
//! Nothing here waits; a front end is woken and calls [`Several::poll`].

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::error::JobError;
use super::event::{Event, Outcome, WriteSummary};
use super::job_state::{Ending, JobState};
use super::request::{LinkOptions, PortChoice, Request};
use super::surroundings::Surroundings;
use super::worker::{Wake, Worker};
use crate::model::cause::Cause;
use crate::model::flash_plan::FlashPlan;
use crate::model::number::human_size;

/// How one board ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardResult {
    pub port: String,
    /// Its MAC address, when it got as far as saying it.
    pub mac: Option<String>,
    pub chip: Option<String>,
    pub ok: bool,
    /// What happened, in a sentence.
    pub message: String,
    /// What to do; empty when all is well.
    pub help: String,
    pub cause: Option<Cause>,
    /// The speed that its line carries, where that is less than was asked for.
    pub slower: Option<u32>,
    /// Figures of a write that was finished.
    pub written: Option<WriteSummary>,
}

/// What was done to all boards so far, ready to be saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub good: usize,
    pub failed: usize,
    /// The plan does not prove what it writes; each board's own figures say so in a file.
    #[serde(skip)]
    pub no_verify: bool,
    pub boards: Vec<BoardResult>,
}

impl Summary {
    /// A line for each board, and a last one that counts.
    pub fn to_text(&self) -> String {
        let mut lines: Vec<String> = self
            .boards
            .iter()
            .map(|board| {
                let mac = board.mac.as_deref().unwrap_or("MAC unknown");
                let word = if board.ok { "ok" } else { "FAILED" };
                format!("{word:6}  {}  {mac}  {}\n", board.port, board.message)
            })
            .collect();
        lines.push(self.counts() + "\n");
        lines.concat()
    }

    /// `7 written and verified, 1 failed`; what was not proven is not said to be.
    pub fn counts(&self) -> String {
        let proven = if self.no_verify {
            "written, not verified"
        } else {
            "written and verified"
        };
        format!("{} {proven}, {} failed", self.good, self.failed)
    }

    /// As a file of this name holds it: JSON if it ends so, else text.
    pub fn to_file(&self, path: &Path) -> String {
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
        } else {
            self.to_text()
        }
    }
}

/// Where a board is, and what is known of it beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardPlace {
    pub port: PortChoice,
    /// No other board than this one is meant, the first time.
    pub mac: Option<[u8; 6]>,
    /// The speed that it was used with last.
    pub baud: Option<u32>,
}

impl From<PortChoice> for BoardPlace {
    fn from(port: PortChoice) -> Self {
        Self {
            port,
            mac: None,
            baud: None,
        }
    }
}

/// One port with the board of the moment.
pub struct OneBoard {
    pub port: PortChoice,
    place: BoardPlace,
    pub state: JobState,
    /// Boards that were written well on this port.
    pub count: usize,
    pub mac: Option<String>,
    chip: Option<String>,
    began: Instant,
    worker: Option<Worker>,
}

/// A plan and the boards that it goes to.
pub struct Several {
    pub plan: Arc<FlashPlan>,
    pub boards: Vec<OneBoard>,
    pub summary: Summary,
    options: LinkOptions,
    around: Surroundings,
    wake: Wake,
}

impl Several {
    /// Starts on all ports. One that cannot even be started on is that board's failure.
    pub fn start(
        places: Vec<impl Into<BoardPlace>>,
        plan: Arc<FlashPlan>,
        options: LinkOptions,
        around: Surroundings,
        wake: Wake,
    ) -> Self {
        let board = |place: BoardPlace| OneBoard {
            port: place.port.clone(),
            place,
            state: JobState::new("Write"),
            count: 0,
            mac: None,
            chip: None,
            began: Instant::now(),
            worker: None,
        };
        let summary = Summary {
            no_verify: plan.no_verify,
            ..Summary::default()
        };
        let mut several = Self {
            plan,
            boards: places.into_iter().map(Into::into).map(board).collect(),
            summary,
            options,
            around,
            wake,
        };
        for index in 0..several.boards.len() {
            several.begin(index);
        }
        several
    }

    /// Writes the same to the next board on a port, after its board was swapped. Nothing happens while its job runs.
    pub fn next(&mut self, index: usize) {
        let ended = |board: &&OneBoard| !board.state.is_running();
        if self.boards.get(index).as_ref().is_some_and(ended) {
            self.begin(index);
        }
    }

    /// Asks all running jobs to stop at their next block.
    pub fn cancel(&mut self) {
        for worker in self.boards.iter().filter_map(|board| board.worker.as_ref()) {
            worker.cancel();
        }
    }

    /// Whether any board is being written.
    pub fn is_running(&self) -> bool {
        self.boards.iter().any(|board| board.state.is_running())
    }

    /// How many boards are done, of how many.
    pub fn done(&self) -> (usize, usize) {
        let ended = self.boards.iter().filter(|board| !board.state.is_running());
        (ended.count(), self.boards.len())
    }

    /// Takes in what the workers reported. Returns the ports whose boards have just ended.
    pub fn poll(&mut self) -> Vec<usize> {
        let mut ended = Vec::new();
        for (index, board) in self.boards.iter_mut().enumerate() {
            if board.state.is_running() && board.poll(&self.plan) {
                let result = board.result();
                if result.ok {
                    board.count += 1;
                    self.summary.good += 1;
                } else {
                    self.summary.failed += 1;
                }
                self.summary.boards.push(result);
                // The port is free for whoever swaps the board.
                board.worker = None;
                ended.push(index);
            }
        }
        ended
    }

    fn begin(&mut self, index: usize) {
        let Some(board) = self.boards.get_mut(index) else {
            return;
        };
        board.state = JobState::new("Write");
        board.began = Instant::now();
        (board.mac, board.chip) = (None, None);
        let options = LinkOptions {
            // The next board on this port is another one.
            mac: board.place.mac.take(),
            baud: board.place.baud.unwrap_or(self.options.baud),
            ..self.options
        };
        let worker = Worker::start_in(&self.around, &board.port, options, Arc::clone(&self.wake));
        match worker {
            Ok(mut worker) => {
                // A new worker is never busy.
                worker.submit(Request::Detect).ok();
                board.worker = Some(worker);
            }
            Err(error) => {
                let error = JobError::new(
                    format!("Cannot start with {}: {error}", board.port),
                    board.port.to_string(),
                    "Close other programs and try again",
                );
                board.state.ending = Some(Ending::Failed(error));
            }
        }
        if !board.state.is_running() {
            let result = board.result();
            self.summary.failed += 1;
            self.summary.boards.push(result);
        }
    }
}

impl OneBoard {
    /// Whether the board has ended now.
    fn poll(&mut self, plan: &Arc<FlashPlan>) -> bool {
        while self.state.is_running() {
            match self.worker.as_ref().map(Worker::try_event) {
                Some(Ok(Some(Event::Finished(Outcome::Detected(identity))))) => {
                    self.mac = identity.mac;
                    self.chip = Some(identity.chip.to_string());
                    let sent = self
                        .worker
                        .as_mut()
                        .map(|worker| worker.submit(Request::Write(Arc::clone(plan))));
                    if !matches!(sent, Some(Ok(()))) {
                        self.state.worker_stopped();
                    }
                }
                Some(Ok(Some(event))) => self.state.fold(event, self.began.elapsed()),
                Some(Ok(None)) => return false,
                Some(Err(_)) | None => self.state.worker_stopped(),
            }
        }
        true
    }

    fn result(&self) -> BoardResult {
        let mut result = BoardResult {
            port: self.port.to_string(),
            mac: self.mac.clone(),
            chip: self.chip.clone(),
            ok: false,
            message: String::new(),
            help: String::new(),
            cause: None,
            slower: self.state.slower,
            written: None,
        };
        match &self.state.ending {
            Some(Ending::Finished(Outcome::Written(written))) => {
                let proven = if written.verified {
                    "verified"
                } else {
                    "not verified"
                };
                let slower = self.state.slower.map_or_else(String::new, |baud| {
                    format!(" (at {baud} baud: the line carries no more)")
                });
                result.ok = true;
                let unchanged = match written.unchanged {
                    0 => String::new(),
                    bytes => format!(", {} unchanged", human_size(bytes)),
                };
                let secs = match written.millis {
                    0..100 => "less than 0.1 s".to_owned(),
                    millis => format!("{:.1} s", millis as f64 / 1000.0),
                };
                result.message = format!(
                    "{} written and {proven} in {secs}{unchanged}{slower}",
                    human_size(written.written)
                );
                result.written = Some(*written);
            }
            Some(Ending::Failed(error)) => {
                result.message.clone_from(&error.message);
                result.help.clone_from(&error.help);
                result.cause = error.cause;
            }
            Some(Ending::Cancelled { state }) => result.message.clone_from(state),
            Some(Ending::Finished(_)) | None => {
                result.message = "The job ended without the answer that was asked for".into();
            }
        }
        result
    }

    /// What a screen shows of this board: `Writing 62 % · 88 KiB/s`, or how it ended.
    pub fn line(&self) -> String {
        if self.state.is_running() {
            self.state.line()
        } else {
            self.result().message
        }
    }
}
