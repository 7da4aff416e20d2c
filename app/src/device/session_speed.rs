//! The speed of a session. Every loader starts at 115200 baud and is asked for more once it is connected; what was asked
//! for is proven before anything relies on it, because some lines do not carry it and some bridges cannot do it.

use std::time::Duration;

use espflash::command::Command;

use super::error::DeviceError;
use super::exchange::{Failure, Found};
use super::loader_error::failed;
use super::serial::START_BAUD;
use super::session::Session;

/// How long one question waits while a speed is tried; answers take a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often a speed is tried before it counts as one that the line does not carry.
const TRIES: usize = 2;
/// How often a board that hears badly is told to slow down.
const SLOW_DOWN_TRIES: usize = 16;

/// What became of a wish for another speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// Both ends speak at it.
    Carried,
    /// The line does not carry it, and the session goes on at the speed that it started with.
    NotCarried,
    /// The line does not carry it, and the board stays at it until it is reset.
    Lost,
}

impl Session {
    /// Changes the speed of both ends and proves it. Without `can_reset` a board that is lost by this is asked many
    /// times to come back.
    ///
    /// # Errors
    /// When the port itself fails.
    pub fn change_baud(&mut self, baud: u32, can_reset: bool) -> Result<Speed, DeviceError> {
        let gone = |session: &Self, failure| failed(&session.port, "connecting", 0, failure);
        match self.try_baud(baud) {
            Ok(true) => {
                self.baud = baud;
                return Ok(Speed::Carried);
            }
            Ok(false) => {}
            Err(failure) => return Err(gone(self, failure)),
        }
        let tries = if can_reset { 1 } else { SLOW_DOWN_TRIES };
        match self.come_back(baud, tries) {
            Ok(true) => Ok(Speed::NotCarried),
            Ok(false) => Ok(Speed::Lost),
            Err(failure) => Err(gone(self, failure)),
        }
    }

    /// Puts both ends back to the speed at which the next connection will look for the board.
    pub fn back_to_start_baud(&mut self) {
        if self.baud > START_BAUD && self.try_baud(START_BAUD).is_ok_and(|carried| carried) {
            self.baud = START_BAUD;
        }
    }

    /// Whether both ends understand each other at this speed. If not, this end is at it and the other one may be.
    fn try_baud(&mut self, baud: u32) -> Result<bool, Failure> {
        let patience = PATIENCE.mul_f64(self.scale);
        let change = Command::ChangeBaudrate {
            new_baud: baud,
            prior_baud: self.baud,
        };
        // Whether the answer to this was damaged or the change refused, only the new speed can tell.
        match self.exchange.request(change, patience) {
            Ok(_) | Err(Failure::Silent | Failure::Damaged(_) | Failure::Refused(_)) => {}
            Err(end @ (Failure::Gone(_) | Failure::Erased)) => return Err(end),
        }
        self.exchange.set_baud(baud)?;
        for _ in 0..TRIES {
            if self.exchange.answers_cleanly(patience)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds the board at the speed of the start again. Where it is at `baud`, it is told to go back: now and then a
    /// request arrives whole even on a line that damages most of them.
    fn come_back(&mut self, baud: u32, tries: usize) -> Result<bool, Failure> {
        let patience = PATIENCE.mul_f64(self.scale) / 3;
        for attempt in 0..=tries {
            self.exchange.set_baud(START_BAUD)?;
            if self.exchange.find(2, patience)? == Found::Stub {
                self.baud = START_BAUD;
                return Ok(true);
            }
            if attempt < tries {
                self.exchange.set_baud(baud)?;
                let back = Command::ChangeBaudrate {
                    new_baud: START_BAUD,
                    prior_baud: baud,
                };
                let lone_delimiter = attempt % 2 == 1;
                self.exchange.tell_blindly(back, lone_delimiter, patience)?;
            }
        }
        Ok(false)
    }
}
