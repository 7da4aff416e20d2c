//! How carefully bytes are sent: the size of a block and the speed of the port. Every error makes it more careful, the
//! block size first; nothing makes it bolder again before the job ends.

use crate::device::serial::START_BAUD;
use crate::device::session::Form;
use crate::model::region::{BLOCK, SECTOR};

/// Bytes of a block as long as nothing goes wrong; the stub has room for this much.
pub(super) const BLOCK_MAX: u32 = 0x4000;
/// Bytes of the smallest block.
const BLOCK_MIN: u32 = 0x400;
/// Blocks of flash that a stream brings before a digest is asked, once something went wrong. Nothing is left of one that
/// breaks, so it has to be short; packed it has less than half as many.
const STREAM_BLOCKS: u32 = 8;
/// The same for bytes that are sent as they are: of those all is left that was answered, so only the asking is to be kept
/// short.
const PLAIN_MAX: u32 = BLOCK;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    block: u32,
    baud: u32,
}

impl Pace {
    /// The pace of a job that begins, over a port of this speed.
    pub(super) fn new(baud: u32) -> Self {
        Self {
            block: BLOCK_MAX,
            baud,
        }
    }

    /// Bytes of a block, packed.
    pub(super) fn block(self) -> u32 {
        self.block
    }

    /// Bits per second.
    pub(super) fn baud(self) -> u32 {
        self.baud
    }

    /// Whether nothing went wrong so far: all is packed into one stream, and proven at its end.
    pub(super) fn is_bold(self) -> bool {
        self.block == BLOCK_MAX
    }

    /// Bytes of flash that are sent in this form before they are proven.
    pub(super) fn unproven_max(self, form: Form) -> u32 {
        match form {
            _ if self.is_bold() => u32::MAX,
            Form::Stream => (self.block * STREAM_BLOCKS).max(SECTOR),
            Form::Plain => PLAIN_MAX,
        }
    }

    /// The pace after an error: half the block size, then half the speed down to that of the loader's start.
    #[must_use]
    pub(super) fn slower(self) -> Self {
        if self.block > BLOCK_MIN {
            return Self {
                block: self.block / 2,
                ..self
            };
        }
        Self {
            baud: (self.baud / 2).max(START_BAUD.min(self.baud)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_halved_before_the_speed() {
        let mut pace = Pace::new(921_600);
        let mut seen = Vec::new();
        for _ in 0..9 {
            seen.push((pace.block(), pace.baud()));
            pace = pace.slower();
        }
        assert_eq!(
            seen,
            [
                (0x4000, 921_600),
                (0x2000, 921_600),
                (0x1000, 921_600),
                (0x800, 921_600),
                (0x400, 921_600),
                (0x400, 460_800),
                (0x400, 230_400),
                (0x400, 115_200),
                (0x400, 115_200),
            ]
        );
    }

    #[test]
    fn only_an_undisturbed_job_leaves_everything_unproven_until_its_end() {
        let pace = Pace::new(115_200);
        assert_eq!(pace.unproven_max(Form::Stream), u32::MAX);
        assert_eq!(pace.slower().unproven_max(Form::Stream), 0x1_0000);
        assert_eq!(pace.slower().unproven_max(Form::Plain), 0x1_0000);
        let slowest = (0..9).fold(pace, |pace, _| pace.slower());
        assert_eq!(slowest.unproven_max(Form::Stream), 0x2000);
        assert_eq!(slowest.unproven_max(Form::Plain), 0x1_0000);
        assert_eq!(slowest.baud(), 115_200);
    }
}
