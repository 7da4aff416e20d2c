//! The board: the chosen port, the worker on it, what the board said of itself, and the running job.
//!
//! The engine does the work; this only starts it, folds its events, and keeps what is known.

use std::sync::Arc;
use std::time::Instant;

use super::board_job::Job;
use super::board_memory::BoardMemory;
use super::listening::{Listening, Next};
use crate::engine::error::JobError;
use crate::engine::event::{Event, Outcome};
use crate::engine::job_state::{Ending, JobState};
use crate::engine::port_watch::PortWatch;
use crate::engine::ports::{self, ListedPort};
use crate::engine::request::{LinkOptions, Monitor, MonitorElf, PortChoice, Request};
use crate::engine::surroundings::Surroundings;
use crate::engine::worker::{Worker, WorkerGone};
use crate::formats::partition_bin::TABLE_BYTES;
use crate::model::baud;
use crate::model::boots::Boots;
use crate::model::cause::Cause;
use crate::model::chip::BoardIdentity;
use crate::model::cost::Link;
use crate::model::keep::Keep;
use crate::model::partition_table::TableSettings;
use crate::model::region::Region;

/// A proven piece of a read; without bytes what is in hand is right.
pub type Piece = (Region, Option<Arc<[u8]>>);

/// The board and the way to it.
pub struct BoardLink {
    pub port: PortChoice,
    /// Bits per second once connected.
    pub baud: u32,
    pub ports: Vec<ListedPort>,
    pub identity: Option<BoardIdentity>,
    /// What it would start, while nothing has been written since it was asked.
    pub boots: Option<Boots>,
    pub memory: BoardMemory,
    pub job: Option<Job>,
    /// Where the agent looks for the partition table: the project's setting.
    pub table_offset: u32,
    /// Pieces of a read that nobody has taken yet.
    pieces: Vec<Piece>,
    pub listening: Listening,
    worker: Option<Worker>,
    /// The last job ended because nobody could be reached. Who the board was is still known then.
    away: bool,
    /// `None` where no thread could be started: then *Look for ports again* does it.
    watch: Option<PortWatch>,
    around: Surroundings,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl BoardLink {
    /// Nothing is opened before [`Self::submit`].
    pub fn new(port: PortChoice, around: Surroundings, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        // A machine without a list of ports still has the practice board; *Look for ports again* says why.
        let ports = ports::list().unwrap_or_default();
        let watch = PortWatch::start(ports.clone(), Arc::clone(&wake)).ok();
        Self {
            port,
            baud: baud::START,
            ports,
            identity: None,
            boots: None,
            memory: BoardMemory::default(),
            job: None,
            table_offset: TableSettings::default().table_offset,
            pieces: Vec::new(),
            listening: Listening::default(),
            worker: None,
            away: false,
            watch,
            around,
            wake,
        }
    }

    /// The safe place of this user.
    pub fn keep(&self) -> Arc<dyn Keep> {
        Arc::clone(self.around.keep())
    }

    /// What carries a job's bytes, for modelled times: the chip's own USB where the list of ports says so, else a line
    /// of the chosen speed.
    pub fn link(&self) -> Link {
        match &self.port {
            PortChoice::Path(path) if ports::is_chips_own_usb(&self.ports, path) => Link::Usb,
            PortChoice::Path(_) | PortChoice::Practice => Link::Uart(self.baud),
        }
    }

    /// Takes in what was plugged in or out meanwhile.
    pub fn poll_ports(&mut self) {
        if let Some(ports) = self.watch.as_ref().and_then(PortWatch::poll) {
            self.ports = ports;
        }
    }

    /// Looks for serial ports again.
    pub fn refresh_ports(&mut self) -> Result<(), JobError> {
        self.ports = ports::list()?;
        Ok(())
    }

    /// Uses another port at this speed; the one in use is closed.
    pub fn choose(&mut self, port: PortChoice, baud: u32) {
        self.disconnect();
        self.port = port;
        self.baud = baud;
    }

    /// Closes the port and forgets the board.
    pub fn disconnect(&mut self) {
        self.worker = None;
        self.away = false;
        self.listening.lost();
        self.identity = None;
        self.boots = None;
        self.memory.forget_all();
    }

    /// What outlives a connection.
    pub fn around(&self) -> &Surroundings {
        &self.around
    }

    /// Whether a board has answered on the port, and was not lost since.
    pub fn is_connected(&self) -> bool {
        self.identity.is_some() && self.worker.is_some() && !self.away
    }

    /// The job that runs, if any.
    pub fn running(&self) -> Option<&Job> {
        self.job.as_ref().filter(|job| job.state.is_running())
    }

    /// Starts a job, opening the port if need be. The sentence says why not.
    pub fn submit(&mut self, request: Request) -> Result<(), String> {
        if self.running().is_some() {
            return Err("The board is busy: wait for the running job, or cancel it".to_owned());
        }
        if self.listening.has_port() {
            // The job begins when the monitor has let go of the port: see `poll`.
            self.listening.give_up_for(request.clone());
            if let Some(worker) = &self.worker {
                worker.cancel();
            }
        } else {
            self.hand_over(request.clone())?;
        }
        let name = request.name();
        let state = JobState::new(name);
        self.job = Some(Job {
            request,
            state,
            started: Instant::now(),
            stopping: false,
        });
        Ok(())
    }

    /// Gives a request to the worker, which is started if need be.
    fn hand_over(&mut self, request: Request) -> Result<(), String> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start_in(
                &self.around,
                &self.port,
                LinkOptions {
                    baud: self.baud,
                    ..LinkOptions::default()
                },
                self.wake.clone(),
            )
            .map_err(|error| format!("Cannot start working on {}: {error}", self.port))?,
        };
        worker.look_for_table_at(self.table_offset);
        let submitted = worker.submit(request).map_err(|busy| busy.to_string());
        self.worker = Some(worker);
        submitted
    }

    /// Listens from now on; while a job runs, from its end on. A monitor that runs begins anew.
    pub fn start_monitor(&mut self, baud: u32, elf: Option<MonitorElf>) -> Result<Monitor, String> {
        let monitor = self.listening.want(baud, elf);
        if self.listening.has_port() {
            self.listening.stop();
            if let Some(worker) = &self.worker {
                worker.cancel();
            }
        } else if self.running().is_none() {
            self.take_port_back()?;
        }
        Ok(monitor)
    }

    /// Stops listening.
    pub fn stop_monitor(&mut self) {
        self.listening.unwant();
        if self.listening.has_port() {
            self.listening.stop();
            if let Some(worker) = &self.worker {
                worker.cancel();
            }
        }
    }

    /// Listens at another speed, now and the next time.
    pub fn set_monitor_baud(&mut self, baud: u32) {
        if let Some(elf) = self.listening.wanted().map(|monitor| monitor.elf.clone()) {
            self.listening.want(baud, elf);
            self.listening.input.set_baud(baud);
        }
    }

    fn take_port_back(&mut self) -> Result<(), String> {
        match self.listening.take_next() {
            Next::Nothing => Ok(()),
            Next::Submit(request) => {
                let listens = matches!(request, Request::Monitor(_));
                let result = self.hand_over(request);
                // Somebody may have cancelled the job while it waited for the port.
                if let (false, Some(worker), Some(job)) = (listens, &self.worker, &self.job)
                    && job.stopping
                {
                    worker.cancel();
                }
                if listens {
                    match &result {
                        Ok(()) => self.listening.started(),
                        Err(_) => self.listening.unwant(),
                    }
                }
                result
            }
        }
    }

    /// Takes in what the monitor heard, and moves the port between it and the jobs.
    fn poll_listening(&mut self) {
        if self.listening.has_port() {
            let worker = self.worker.as_ref();
            let left = self.listening.take_in(|| match worker {
                Some(worker) => worker.try_event(),
                None => Err(WorkerGone),
            });
            if left {
                // More than one frame's worth has come: the next frame goes on.
                (self.wake)();
            }
        }
        let waits = self.listening.has_job();
        if self.listening.has_port() || (self.running().is_some() && !waits) {
            return;
        }
        if self.take_port_back().is_err()
            && waits
            && let Some(job) = &mut self.job
        {
            job.state.worker_stopped();
        }
    }

    /// Asks the running job to stop at its next block boundary.
    pub fn cancel(&mut self) {
        if let (Some(worker), Some(job)) = (&self.worker, &mut self.job)
            && job.state.is_running()
        {
            job.stopping = true;
            worker.cancel();
        }
    }

    /// Takes in what the worker reported. Returns the job when it has just ended.
    pub fn poll(&mut self) -> Option<Job> {
        let ended = self.poll_job();
        self.poll_listening();
        ended
    }

    fn poll_job(&mut self) -> Option<Job> {
        if self.listening.has_port() {
            return None;
        }
        let job = self.job.as_mut().filter(|job| job.state.is_running())?;
        while job.state.is_running() {
            match self.worker.as_ref().map(Worker::try_event) {
                Some(Ok(Some(Event::Piece { region, bytes }))) => {
                    self.pieces.push((region, bytes));
                }
                Some(Ok(Some(event))) => job.state.fold(event, job.started.elapsed()),
                Some(Ok(None)) => break,
                Some(Err(_)) | None => job.state.worker_stopped(),
            }
        }
        if job.state.is_running() {
            return None;
        }
        let job = job.clone();
        self.baud = job.state.slower.unwrap_or(self.baud);
        self.learn(&job);
        Some(job)
    }

    /// The pieces that have come since the last call.
    pub fn take_pieces(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.pieces)
    }

    fn learn(&mut self, job: &Job) {
        self.away = match &job.state.ending {
            Some(Ending::Failed(error)) => {
                error.unreachable || error.cause == Some(Cause::StoppedAnswering)
            }
            _ => false,
        };
        if matches!(job.request, Request::Write(_) | Request::Erase(_)) {
            self.boots = None;
        }
        match (&job.state.ending, &job.request) {
            (Some(Ending::Finished(Outcome::Boots(boots))), _) => {
                if !boots.table.is_empty() {
                    self.memory
                        .table_was_read(boots.table_offset, boots.table.clone());
                }
                self.boots = Some(boots.clone());
            }
            (Some(Ending::Finished(Outcome::Detected(identity))), _) => {
                if self
                    .identity
                    .as_ref()
                    .is_some_and(|known| known != identity)
                {
                    self.memory.forget_all();
                    self.boots = None;
                }
                self.identity = Some(identity.clone());
            }
            (Some(Ending::Finished(Outcome::Written(summary))), Request::Write(plan))
                if summary.verified =>
            {
                self.memory.proven(plan);
            }
            (Some(Ending::Finished(Outcome::Compared { differing })), Request::Verify(plan)) => {
                self.memory.compared(plan, differing);
            }
            (Some(Ending::Finished(Outcome::Read { region, bytes })), _)
                if region.size as usize == TABLE_BYTES =>
            {
                self.memory.table_was_read(region.offset, bytes.clone());
            }
            (Some(Ending::Finished(Outcome::Erased(region))), _) => self.memory.forget(*region),
            (Some(Ending::Finished(Outcome::Reset)), _) => self.identity = None,
            (Some(Ending::Failed(_)), Request::Detect) => self.disconnect(),
            // What was not proven, or ended half-way, may have changed anything there.
            (Some(_), Request::Write(plan)) => {
                for write in &plan.writes {
                    self.memory.forget(write.region());
                }
            }
            _ => {}
        }
    }
}
