//! Watches which serial ports there are, off the frame: looks once a second, and tells only what has changed.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::ports::{ListedPort, list};
use super::worker::{Wake, spawn_named};

/// Time between two looks; a listing takes about a millisecond.
const EVERY: Duration = Duration::from_secs(1);

/// The watch. Dropping it ends its thread.
pub struct PortWatch {
    changes: Receiver<Vec<ListedPort>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PortWatch {
    /// Starts watching. `known` is what is shown already.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(mut known: Vec<ListedPort>, wake: Wake) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let (sender, changes) = channel();
        let thread = spawn_named("port watch", move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                // A list that cannot be had now may be had later; until then the last one is shown.
                let Ok(now) = list() else {
                    continue;
                };
                if now != known {
                    known.clone_from(&now);
                    if sender.send(now).is_err() {
                        return;
                    }
                    wake();
                }
            }
        })?;
        Ok(Self {
            changes,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The latest list, if it has changed since the last call.
    pub fn poll(&self) -> Option<Vec<ListedPort>> {
        self.changes.try_iter().last()
    }
}

impl Drop for PortWatch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
