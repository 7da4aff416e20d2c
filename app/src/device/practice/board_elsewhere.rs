//! The practice board where there is no pseudo-terminal: it cannot be started, and says why.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use super::options::Options;

/// The buttons of a development board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    Reset,
    BootAndReset,
}

/// A board that does not exist.
#[derive(Debug)]
pub struct Board(Infallible);

impl Board {
    /// Always fails.
    ///
    /// # Errors
    /// The practice board needs a pseudo-terminal.
    pub fn start(_options: Options) -> io::Result<Self> {
        let message = "the practice board needs a pseudo-terminal, which this system does not have: connect a board";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }

    /// The port of the board.
    pub fn port(&self) -> &Path {
        match self.0 {}
    }

    /// Presses a button.
    pub fn press(&self, _button: Button) {
        match self.0 {}
    }

    /// Pulls the plug and puts it in again.
    pub fn plug_in_again(&self) -> PathBuf {
        match self.0 {}
    }

    /// Stops the board.
    ///
    /// # Errors
    /// None: there is no board.
    pub fn stop(self) -> io::Result<()> {
        match self.0 {}
    }
}
