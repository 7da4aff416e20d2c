//! The agent as a state machine: bytes in, frames out, and what the caller must do then.
//!
//! It does no I/O and allocates nothing; all buffers are inside the value. A request is answered at the byte that ends its
//! frame, so requests may be sent without waiting for answers. A frame that is not whole and right is never answered, nor
//! is a reply that comes back by an echo. What each answer holds is made in [`crate::answer`].

use crate::answer::Desk;
use crate::error::Error;
use crate::frame::Decoder;
use crate::message::{MAX_DECODED, REPLY};
use crate::mmu::{Hardware, Mmu, Sharing};
use crate::request::{Into, Request};

/// What the caller does after the reply has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Reset the chip. The agent is gone then.
    Restart(Into),
    /// Change the speed of the port, in bits per second.
    SetBaud(u32),
}

/// An agent on a chip, or on something that plays one.
#[derive(Debug)]
pub struct Agent<H> {
    decoder: Decoder<MAX_DECODED>,
    desk: Desk<H>,
}

impl<H: Hardware> Agent<H> {
    /// Waiting for the first byte, with nothing mapped.
    pub const fn new(hardware: H, sharing: Sharing) -> Self {
        Self {
            decoder: Decoder::new(),
            desk: Desk::new(Mmu::new(hardware, sharing)),
        }
    }

    /// The chip.
    pub const fn hardware(&self) -> &H {
        self.desk.mmu.hardware()
    }

    /// The chip, to be changed.
    pub const fn hardware_mut(&mut self) -> &mut H {
        self.desk.mmu.hardware_mut()
    }

    /// The flash as the agent sees it.
    pub const fn flash(&mut self) -> &mut Mmu<H> {
        &mut self.desk.mmu
    }

    /// Bytes between delimiters that were no good frame, counted in runs; it wraps.
    pub const fn bad_frames(&self) -> u32 {
        self.decoder.bad()
    }

    /// Takes one byte in. Each call of `send` brings one whole frame for the port the byte came from; a stream makes many.
    pub fn receive(&mut self, byte: u8, send: &mut dyn FnMut(&[u8])) -> Option<Action> {
        let message = self.decoder.push(byte)?;
        let (kind, zero, sequence, fields) = Request::header(message)?;
        if kind & REPLY != 0 {
            return None;
        }
        let answered = Request::parse(kind, zero, fields)
            .and_then(|request| self.desk.answer(kind, sequence, &request, send));
        answered.unwrap_or_else(|error: Error| {
            self.desk.fail(kind, sequence, error, send);
            None
        })
    }
}
