//! The way into a running monitor: bytes for the board, a reset, another speed. Bounded, and never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that may wait for the board.
const ROOM: usize = 64 * 1024;

/// What a monitor is asked to do while it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Send(Vec<u8>),
    Reset,
    /// Bits per second.
    Baud(u32),
}

/// Clones are the same input.
#[derive(Clone, Debug, Default)]
pub struct MonitorInput(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    wishes: Mutex<VecDeque<Wish>>,
    came: Condvar,
}

impl PartialEq for MonitorInput {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MonitorInput {}

impl MonitorInput {
    /// Sends bytes to the board as soon as the monitor can.
    ///
    /// # Errors
    /// When too much is waiting already: nothing of these bytes is taken.
    pub fn send(&self, bytes: impl Into<Vec<u8>>) -> Result<(), InputFull> {
        let bytes = bytes.into();
        let mut wishes = self.lock();
        let waiting: usize = wishes
            .iter()
            .map(|wish| match wish {
                Wish::Send(bytes) => bytes.len(),
                Wish::Reset | Wish::Baud(_) => 1,
            })
            .sum();
        if waiting + bytes.len() > ROOM {
            return Err(InputFull);
        }
        wishes.push_back(Wish::Send(bytes));
        self.0.came.notify_all();
        Ok(())
    }

    /// Resets the board.
    pub fn reset(&self) {
        self.push_once(Wish::Reset);
    }

    /// Listens at another speed, in bits per second.
    pub fn set_baud(&self, baud: u32) {
        self.push_once(Wish::Baud(baud));
    }

    /// The next wish, if there is one.
    pub(super) fn take(&self) -> Option<Wish> {
        self.lock().pop_front()
    }

    /// Waits until something is wished for, but no longer than `time`.
    pub(super) fn wait(&self, time: Duration) {
        let wishes = self.lock();
        if wishes.is_empty() {
            drop(self.0.came.wait_timeout(wishes, time));
        }
    }

    fn push_once(&self, wish: Wish) {
        let mut wishes = self.lock();
        if wishes.back() != Some(&wish) {
            wishes.push_back(wish);
        }
        self.0.came.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Wish>> {
        self.0.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The board does not take what was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The board does not take what was sent before; wait, or reset it")]
pub struct InputFull;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wished_for_comes_in_order_and_bounded() {
        let input = MonitorInput::default();
        input.send("a").unwrap();
        input.reset();
        input.reset();
        input.set_baud(9600);
        assert_eq!(input.take(), Some(Wish::Send(b"a".to_vec())));
        assert_eq!(input.take(), Some(Wish::Reset));
        assert_eq!(input.take(), Some(Wish::Baud(9600)));
        assert_eq!(input.take(), None);
        input.send(vec![0; ROOM]).unwrap();
        assert_eq!(input.send("b"), Err(InputFull));
        assert_eq!(input.take(), Some(Wish::Send(vec![0; ROOM])));
        input.send("b").unwrap();
        input.wait(Duration::from_hours(1));
        assert_eq!(input.take(), Some(Wish::Send(b"b".to_vec())));
    }
}
