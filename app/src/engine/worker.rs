//! One named thread per port: the only place in the engine that starts threads. One job at a time; a second request
//! is refused with a sentence. Dropping the worker asks the running job to stop, leaves the board as the options say,
//! closes the port and waits for the thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use std::thread::JoinHandle;
use std::time::Duration;

use super::board_link::BoardLink;
use super::cancel::CancelToken;
use super::error::{JobError, Stop};
use super::event::{Event, Outcome, Stage};
use super::job::Job;
use super::request::{LinkOptions, PortChoice, Request};
use super::surroundings::Surroundings;
use super::{agent_in_flash, ask_agent, detect, erase, monitor, read, what_boots, write};
use crate::caught::caught;
use crate::model::cause::Cause;

/// Called after events were sent; a window asks for a repaint, a terminal does nothing.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Events on their way to a front end that does not look; the worker waits when this many are not taken.
const WAITING_EVENTS: usize = 4096;

/// Starts a thread of the engine under a name that a debugger shows.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the engine that starts threads"
)]
pub(super) fn spawn_named(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
}

/// A request was made while a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A job is running on this board; wait for it, or cancel it")]
pub struct Busy;

/// The thread of one port.
pub struct Worker {
    requests: Option<Sender<(Request, CancelToken)>>,
    events: Receiver<Event>,
    busy: Arc<AtomicBool>,
    cancel: CancelToken,
    table_offset: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread with surroundings in memory: for tests. Front ends use [`Self::start_in`].
    ///
    /// # Errors
    /// As [`Self::start_in`].
    pub fn start(port: &PortChoice, options: LinkOptions, wake: Wake) -> io::Result<Self> {
        Self::start_in(&Surroundings::in_memory(), port, options, wake)
    }

    /// Starts the thread. The port is opened by the first job, so a port that is not there is that job's failure.
    ///
    /// # Errors
    /// When the thread, or the practice board that was asked for, cannot be started.
    pub fn start_in(
        around: &Surroundings,
        port: &PortChoice,
        options: LinkOptions,
        wake: Wake,
    ) -> io::Result<Self> {
        let link = BoardLink::new(port, options, around)?;
        let table_offset = link.table_offset();
        let (requests, inbox) = channel();
        let (outbox, events) = sync_channel(WAITING_EVENTS);
        let busy = Arc::new(AtomicBool::new(false));
        let thread = spawn_named(&format!("board {port}"), {
            let busy = Arc::clone(&busy);
            move || serve(link, &inbox, &outbox, &busy, &wake)
        })?;
        Ok(Self {
            requests: Some(requests),
            events,
            busy,
            cancel: CancelToken::default(),
            table_offset,
            thread: Some(thread),
        })
    }

    /// Says where the agent is to look for the partition table, from the next job on.
    pub fn look_for_table_at(&self, offset: u32) {
        self.table_offset.store(offset, Ordering::Relaxed);
    }

    /// Starts a job.
    ///
    /// # Errors
    /// When a job is running.
    pub fn submit(&mut self, request: Request) -> Result<(), Busy> {
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(Busy);
        }
        self.cancel = CancelToken::default();
        let sent = self
            .requests
            .as_ref()
            .map(|requests| requests.send((request, self.cancel.clone())));
        match sent {
            Some(Ok(())) => Ok(()),
            // The thread is gone; whoever waits for events hears of it.
            _ => Err(Busy),
        }
    }

    /// Asks the running job to stop at its next block boundary.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Whether a job runs or its ending has not been sent yet.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// The next event, if there is one.
    ///
    /// # Errors
    /// When the worker is gone and nothing follows any more.
    pub fn try_event(&self) -> Result<Option<Event>, WorkerGone> {
        match self.events.try_recv() {
            Ok(event) => Ok(Some(event)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(WorkerGone),
        }
    }

    /// Waits for the next event, but not longer than this.
    ///
    /// # Errors
    /// When the worker is gone and nothing follows any more.
    pub fn wait_event_for(&self, time: Duration) -> Result<Option<Event>, WorkerGone> {
        match self.events.recv_timeout(time) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(WorkerGone),
        }
    }

    /// Waits for the next event; `None` when the worker is gone.
    pub fn wait_event(&self) -> Option<Event> {
        self.events.recv().ok()
    }
}

/// The worker ended without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The worker of this board stopped")]
pub struct WorkerGone;

impl Drop for Worker {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.requests = None;
        // Unread events must not keep the thread from ending.
        while self.events.recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // A panic of a job was answered by `serve`; there is nobody left to tell here.
            thread.join().ok();
        }
    }
}

fn serve(
    mut link: BoardLink,
    inbox: &Receiver<(Request, CancelToken)>,
    outbox: &SyncSender<Event>,
    busy: &AtomicBool,
    wake: &Wake,
) {
    while let Ok((request, cancel)) = inbox.recv() {
        let mut send = |event: Event| {
            // A front end that is gone wants no events; its dropping ends this loop.
            outbox.send(event).ok();
            wake();
        };
        send(Event::Started {
            name: request.name(),
        });
        let ending = perform(&mut link, &request, &cancel, &mut send);
        busy.store(false, Ordering::Release);
        send(ending);
    }
    link.leave();
}

/// Runs one job; whatever happens, there is an ending.
fn perform(
    link: &mut BoardLink,
    request: &Request,
    cancel: &CancelToken,
    send: &mut dyn FnMut(Event),
) -> Event {
    // Libraries below us index what a port sent; what would end the thread must end only the job.
    let result = caught(|| {
        let mut job = Job::new(send, cancel);
        link.begin_job();
        run(link, request, &mut job)
    });
    match result {
        Ok(Ok(outcome)) => Event::Finished(outcome),
        Ok(Err(Stop::Cancelled(state))) => Event::Cancelled { state },
        Ok(Err(Stop::Failed(error))) => {
            link.close();
            Event::Failed(error)
        }
        Err(panic) => {
            link.close();
            Event::Failed(
                JobError::new(
                    format!(
                        "{} stopped: what the board sent could not be understood",
                        request.name()
                    ),
                    "board",
                    "Reset the board and try again",
                )
                .because(Cause::NoisyLine)
                .with_detail(panic),
            )
        }
    }
}

fn run(link: &mut BoardLink, request: &Request, job: &mut Job<'_>) -> Result<Outcome, Stop> {
    match request {
        Request::Detect => detect::run(link, job),
        Request::Write(plan) => write::run(link, plan, job),
        Request::Verify(plan) => write::verify(link, plan, job),
        Request::Read(region) => read::run(link, *region, job),
        Request::ReadPieces(wanted) => read::run_pieces(link, wanted, job),
        Request::Erase(region) => erase::run(link, *region, job),
        Request::Agent(question) => ask_agent::run(link, question, job),
        Request::WhatBoots { table_offset } => what_boots::run(link, *table_offset, job),
        Request::AgentInFlash {
            change,
            table_offset,
        } => agent_in_flash::run(link, change, *table_offset, job),
        Request::Monitor(settings) => monitor::run(link, settings, job),
        Request::Reset => {
            job.stage(Stage::Connecting);
            link.reset(job)?;
            Ok(Outcome::Reset)
        }
    }
}
