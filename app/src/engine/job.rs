//! What every job holds while it runs: where to report, and the wish to stop.

use std::time::{Duration, Instant};

use super::cancel::CancelToken;
use super::event::{Event, Monitored, RegionState, Stage};
use crate::device::session::Go;
use crate::model::region::Region;

/// `Advanced` is reported this often at most; the last one of a stage always arrives.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// A running job.
pub(super) struct Job<'a> {
    send: &'a mut dyn FnMut(Event),
    cancel: &'a CancelToken,
    last: Option<Instant>,
}

impl<'a> Job<'a> {
    pub(super) fn new(send: &'a mut dyn FnMut(Event), cancel: &'a CancelToken) -> Self {
        Self {
            send,
            cancel,
            last: None,
        }
    }

    pub(super) fn stage(&mut self, stage: Stage) {
        self.last = None;
        (self.send)(Event::Stage(stage));
    }

    /// Bytes done of all bytes of this stage; tells whether to go on.
    pub(super) fn advanced(&mut self, done: u64, total: u64) -> Go {
        let due = self.last.is_none_or(|last| last.elapsed() >= REPORT_EVERY);
        if due || done >= total {
            self.last = Some(Instant::now());
            (self.send)(Event::Advanced { done, total });
        }
        self.go()
    }

    pub(super) fn send(&mut self, event: Event) {
        (self.send)(event);
    }

    pub(super) fn region(&mut self, region: Region, state: RegionState) {
        (self.send)(Event::Region { region, state });
    }

    /// What a monitor heard.
    pub(super) fn monitored(&mut self, monitored: Monitored) {
        (self.send)(Event::Monitor(monitored));
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        (self.send)(Event::Note(note.into()));
    }

    /// Whether to go on.
    pub(super) fn go(&self) -> Go {
        if self.cancel.is_cancelled() {
            Go::Stop
        } else {
            Go::On
        }
    }
}
