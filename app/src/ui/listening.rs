//! The monitor's side of the board link: whether somebody wants to listen, what was heard, and the job for which the
//! port was given up.
//!
//! The port has one user at a time. A job that is asked for while the monitor listens ends the listening, runs, and
//! when it has ended the monitor takes the port back. All of that is decided here; the engine knows nothing of it.

use crate::engine::error::JobError;
use crate::engine::event::{Event, Monitored};
use crate::engine::monitor_input::MonitorInput;
use crate::engine::request::{Monitor, MonitorElf, Request};
use crate::formats::console::decode::Part;

/// Bytes of text that are taken in during one frame; the rest waits in order for the next.
const TAKEN_AT_ONCE: usize = 256 * 1024;

/// Where the port is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Off,
    /// The monitor has the port, or is opening it.
    Listening,
    /// The port is being given up.
    Stopping,
    /// A job has the port; the monitor will take it back.
    GivenUp,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Listening {
    /// How to listen, while somebody wants to.
    wanted: Option<Monitor>,
    running: bool,
    stopping: bool,
    /// The job that waits for the port.
    waiting: Option<Request>,
    heard: Vec<Monitored>,
    failure: Option<JobError>,
    pub input: MonitorInput,
}

/// What the board link has to do next.
pub enum Next {
    Nothing,
    Submit(Request),
}

impl Listening {
    /// Where the port is.
    pub fn phase(&self) -> Phase {
        match (&self.wanted, self.running, self.stopping) {
            (_, true, true) => Phase::Stopping,
            (_, true, false) => Phase::Listening,
            (Some(_), false, _) => Phase::GivenUp,
            (None, false, _) => Phase::Off,
        }
    }

    /// Whether the monitor's job is the worker's at the moment.
    pub fn has_port(&self) -> bool {
        self.running
    }

    /// Somebody wants to listen from now on.
    pub fn want(&mut self, baud: u32, elf: Option<MonitorElf>) -> Monitor {
        let monitor = Monitor {
            baud,
            reset: false,
            elf,
            input: self.input.clone(),
        };
        self.wanted = Some(monitor.clone());
        monitor
    }

    /// How to listen, while somebody wants to.
    pub fn wanted(&self) -> Option<&Monitor> {
        self.wanted.as_ref()
    }

    /// Nobody wants to listen any more.
    pub fn unwant(&mut self) {
        self.wanted = None;
    }

    /// The port is wanted for a job: it runs when the monitor has let go.
    pub fn give_up_for(&mut self, request: Request) {
        self.waiting = Some(request);
        self.stopping = true;
    }

    /// Whether a job waits for the port.
    pub fn has_job(&self) -> bool {
        self.waiting.is_some()
    }

    /// The monitor is told to let go.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// The monitor's job was handed to the worker.
    pub fn started(&mut self) {
        (self.running, self.stopping) = (true, false);
    }

    /// The worker is gone, with everything that it did.
    pub fn lost(&mut self) {
        *self = Self {
            heard: std::mem::take(&mut self.heard),
            ..Self::default()
        };
    }

    /// Takes in what the worker says while the monitor runs, up to a bounded amount. `event` gives the next event, or
    /// an error when the worker is gone. Returns whether something may be left.
    pub fn take_in<E>(&mut self, mut event: impl FnMut() -> Result<Option<Event>, E>) -> bool {
        let mut taken = 0;
        while self.running && taken < TAKEN_AT_ONCE {
            match event() {
                Ok(Some(Event::Monitor(monitored))) => {
                    taken += weight(&monitored);
                    self.heard.push(monitored);
                }
                Ok(Some(Event::Note(note))) => {
                    self.heard
                        .push(Monitored::Port(note, std::time::SystemTime::now()));
                }
                Ok(Some(Event::Failed(error))) => {
                    self.wanted = None;
                    self.running = false;
                    self.failure = Some(error);
                }
                Ok(Some(event)) => self.running = !event.is_ending(),
                Ok(None) => return false,
                Err(_) => {
                    self.wanted = None;
                    self.running = false;
                }
            }
        }
        if !self.running {
            self.stopping = false;
        }
        self.running
    }

    /// What to do now that no job runs.
    pub fn take_next(&mut self) -> Next {
        if self.running {
            return Next::Nothing;
        }
        let waiting = self.waiting.take();
        match waiting.or_else(|| self.wanted.clone().map(Request::Monitor)) {
            Some(request) => Next::Submit(request),
            None => Next::Nothing,
        }
    }

    /// What was heard since the last time, in order.
    pub fn take_heard(&mut self) -> Vec<Monitored> {
        std::mem::take(&mut self.heard)
    }

    /// Why the monitor ended by itself, once.
    pub fn take_failure(&mut self) -> Option<JobError> {
        self.failure.take()
    }
}

fn weight(monitored: &Monitored) -> usize {
    let Monitored::Heard(parts, _) = monitored else {
        return 1;
    };
    parts
        .iter()
        .map(|part| match part {
            Part::Text(bytes) | Part::Unknown(bytes) => bytes.len(),
            Part::Defmt(line) => line.text.len(),
            Part::Meaning(text) => text.len(),
        })
        .sum()
}
