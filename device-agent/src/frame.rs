//! Frames on the wire: COBS with 0x00 as the delimiter, and a CRC-32 over what is inside.
//!
//! A frame is `00`, the COBS form of body and CRC-32 (zlib, little-endian), `00`. The leading delimiter parts it from
//! whatever a boot loader printed before. The decoder never answers for a frame that is not whole and right: after any
//! error, and after a frame that is too long, it drops everything up to the next delimiter. Empty frames are nothing.

use crate::crc::crc32;

/// Bytes of the check at the end of a frame.
pub const CHECK_SIZE: usize = 4;
/// The byte that ends every frame and stands in none.
pub const DELIMITER: u8 = 0;
/// Data bytes that one COBS code byte can cover.
const LONGEST_RUN: usize = 254;

/// Bytes that a body of `len` takes on the wire at most, both delimiters included.
pub const fn encoded_size(len: usize) -> usize {
    let data = len.saturating_add(CHECK_SIZE);
    data.saturating_add(data / LONGEST_RUN).saturating_add(3)
}

/// Writes the frame of a body and returns its bytes; `None` when `out` is too small ([`encoded_size`] is enough).
pub fn encode<'a>(body: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
    let check = crc32(body).to_le_bytes();
    *out.first_mut()? = DELIMITER;
    // `code` is where the count of the run being written will go, `at` where the next byte goes.
    let (mut code, mut at) = (1_usize, 2_usize);
    let mut run = 1_u8;
    for &byte in body.iter().chain(&check) {
        if byte != DELIMITER {
            *out.get_mut(at)? = byte;
            at = at.checked_add(1)?;
            run = run.wrapping_add(1);
        }
        if byte == DELIMITER || run == u8::MAX {
            *out.get_mut(code)? = run;
            code = at;
            at = at.checked_add(1)?;
            run = 1;
        }
    }
    *out.get_mut(code)? = run;
    *out.get_mut(at)? = DELIMITER;
    out.get(..at.checked_add(1)?)
}

/// Finds frames in a stream of bytes; `N` bounds body and check together.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize> {
    buffer: [u8; N],
    /// Bytes decoded so far of the frame being received.
    len: usize,
    /// Bytes that the current run still has to bring; 0 when a code byte comes next.
    run: u8,
    /// Whether a zero follows when the current run is over.
    zero: bool,
    /// Whether everything up to the next delimiter is dropped.
    lost: bool,
    /// Whether any byte came since the last delimiter.
    begun: bool,
    bad: u32,
}

impl<const N: usize> Decoder<N> {
    /// Waiting for a frame.
    pub const fn new() -> Self {
        Self {
            buffer: [0; N],
            len: 0,
            run: 0,
            zero: false,
            lost: false,
            begun: false,
            bad: 0,
        }
    }

    /// Runs of bytes between delimiters that were no good frame; it wraps.
    pub const fn bad(&self) -> u32 {
        self.bad
    }

    /// Takes one byte; gives the body when it ended a good frame.
    pub fn push(&mut self, byte: u8) -> Option<&[u8]> {
        if byte == DELIMITER {
            return self.end();
        }
        self.begun = true;
        if self.lost {
            return None;
        }
        if self.run == 0 {
            if self.zero {
                self.keep(DELIMITER);
            }
            self.run = byte.wrapping_sub(1);
            self.zero = byte != u8::MAX;
        } else {
            self.keep(byte);
            self.run = self.run.wrapping_sub(1);
        }
        None
    }

    fn keep(&mut self, byte: u8) {
        match self.buffer.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len = self.len.wrapping_add(1);
            }
            None => self.lost = true,
        }
    }

    fn end(&mut self) -> Option<&[u8]> {
        let (begun, whole, len) = (self.begun, !self.lost && self.run == 0, self.len);
        (self.begun, self.lost, self.zero, self.run, self.len) = (false, false, false, 0, 0);
        if !begun {
            return None;
        }
        let body = self
            .buffer
            .get(..len)
            .filter(|_| whole)
            .and_then(|frame| frame.split_last_chunk::<CHECK_SIZE>());
        match body {
            Some((body, check)) if u32::from_le_bytes(*check) == crc32(body) => Some(body),
            _ => {
                self.bad = self.bad.wrapping_add(1);
                None
            }
        }
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}
