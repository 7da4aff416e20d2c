//! What a worker has besides its port: a safe place for bytes that must outlive the program, and the practice board of
//! this program, which keeps its flash from one connection to the next.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::practice;
use crate::model::keep::{InMemory, Keep};

/// Shared by all workers of one front end; clones are the same.
#[derive(Clone, Debug)]
pub struct Surroundings {
    keep: Arc<dyn Keep>,
    practice: PracticeHome,
}

impl Surroundings {
    /// With this safe place and a practice board that nobody has used yet.
    pub fn new(keep: Arc<dyn Keep>) -> Self {
        Self {
            keep,
            practice: PracticeHome::default(),
        }
    }

    /// Nothing outlives the program.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(InMemory::default()))
    }

    /// The safe place.
    pub fn keep(&self) -> &Arc<dyn Keep> {
        &self.keep
    }

    pub(super) fn practice(&self) -> &PracticeHome {
        &self.practice
    }
}

/// Where the practice board waits while no worker uses it, with its flash as it was left.
#[derive(Clone, Debug, Default)]
pub(super) struct PracticeHome(Arc<Mutex<Option<practice::Board>>>);

impl PracticeHome {
    /// Plugs the board in, with BOOT held as at its first start; a second one while it is in use is another board.
    pub(super) fn borrow(&self) -> std::io::Result<(PathBuf, BorrowedBoard)> {
        let waiting = self.slot().take();
        let (port, board) = if let Some(board) = waiting {
            (board.plug_in_again(), board)
        } else {
            let board = practice::Board::start(practice::Options::default())?;
            (board.port().to_path_buf(), board)
        };
        let borrowed = BorrowedBoard {
            home: self.clone(),
            board: Some(board),
        };
        Ok((port, borrowed))
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<practice::Board>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A practice board in use. Dropping it puts it back.
#[derive(Debug)]
pub(super) struct BorrowedBoard {
    home: PracticeHome,
    board: Option<practice::Board>,
}

impl BorrowedBoard {
    /// Presses a button of the board, as the control lines of a real port do.
    pub(super) fn press(&self, button: practice::Button) {
        if let Some(board) = &self.board {
            board.press(button);
        }
    }
}

impl Drop for BorrowedBoard {
    fn drop(&mut self) {
        let board = self.board.take();
        let mut slot = self.home.slot();
        if slot.is_none() {
            *slot = board;
        }
    }
}
