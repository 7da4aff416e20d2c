//! What requests and replies have in common: header, kinds, sizes, and cursors over their bytes.
//!
//! Every message is a fixed little-endian layout, so that another language needs no library for it. A request is u8 kind,
//! u8 zero, u16 sequence number, then the fields of [`crate::request`]; a reply is u8 kind with bit 7 set, u8 status (0 or an
//! [`Error`]'s number), the request's sequence number, then the fields of [`crate::reply`]. The receiver of a reply ignores
//! bytes behind those it knows; a request with a byte too many is malformed.

use crate::error::Error;

/// Bytes before the fields.
pub const HEADER_SIZE: usize = 4;
/// Bytes of flash in one reply at most.
pub const MAX_DATA: usize = 1024;
/// Bytes of fields in one message at most, either way.
pub const MAX_PAYLOAD: usize = 1040;
/// Bytes of a message at most, without the frame around it.
pub const MAX_MESSAGE: usize = HEADER_SIZE + MAX_PAYLOAD;
/// Bytes of a message and its check: what a decoder must hold.
pub const MAX_DECODED: usize = MAX_MESSAGE + crate::frame::CHECK_SIZE;
/// Bytes of the largest message on the wire.
pub const MAX_ENCODED: usize = crate::frame::encoded_size(MAX_MESSAGE);
/// Bit that tells a reply's kind from its request's.
pub const REPLY: u8 = 0x80;
/// Stands for what is not known: an address, a cycle count.
pub const UNKNOWN: u32 = u32::MAX;
/// Bytes of a flash sector, the unit of digests.
pub const SECTOR_SIZE: u32 = 4096;
/// Sector digests in one reply.
pub const DIGESTS_PER_FRAME: u32 = 32;

/// What is asked. The numbers are the protocol; bit `n` of `info`'s capabilities is kind `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Who answers, and what it can do.
    Info = 1,
    /// Where a file is.
    Find = 2,
    /// Bytes of flash, streamed.
    Read = 3,
    /// Reset into the loader or into flash.
    Restart = 4,
    /// Where several files are, offsets and sizes only.
    FindMany = 5,
    /// A directory.
    List = 6,
    /// The partition table.
    Table = 7,
    /// The MMU's entries.
    Map = 8,
    /// One byte, half-word or word of flash.
    Peek = 9,
    /// Sums of a region.
    CrcRegion = 10,
    /// Sum of a file, with what its check record holds.
    CrcFile = 11,
    /// Proof of a Bin and all in it.
    Verify = 12,
    /// Sums of every sector of a region, streamed.
    Digests = 13,
    /// Mapped reads against the ROM's.
    SelfTest = 14,
    /// Another speed.
    SetBaud = 15,
    /// Cycles of many look-ups.
    Bench = 16,
}

impl Kind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [Self; 16] = [
        Self::Info,
        Self::Find,
        Self::Read,
        Self::Restart,
        Self::FindMany,
        Self::List,
        Self::Table,
        Self::Map,
        Self::Peek,
        Self::CrcRegion,
        Self::CrcFile,
        Self::Verify,
        Self::Digests,
        Self::SelfTest,
        Self::SetBaud,
        Self::Bench,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its bit in `info`'s capabilities.
    pub const fn capability(self) -> u32 {
        1 << self.number()
    }
}

/// The first four bytes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// The request's kind; a number, because an agent answers kinds it does not know too.
    pub kind: u8,
    /// What went wrong; `Ok` when the fields follow. Numbers of a newer protocol count as [`Error::Unsupported`].
    pub status: Result<(), Error>,
    /// The request's sequence number.
    pub sequence: u16,
}

impl ReplyHeader {
    /// Parts a message into header and fields; `None` when it is no reply.
    pub fn parse(message: &[u8]) -> Option<(Self, &[u8])> {
        let (&[kind, status, s0, s1], fields) = message.split_first_chunk::<HEADER_SIZE>()?;
        if kind & REPLY == 0 {
            return None;
        }
        let status = match status {
            0 => Ok(()),
            number => Err(Error::from_number(number).unwrap_or(Error::Unsupported)),
        };
        Some((
            Self {
                kind: kind & !REPLY,
                status,
                sequence: u16::from_le_bytes([s0, s1]),
            },
            fields,
        ))
    }
}

/// Takes fields from the front of a message. Each is `None` when the bytes are over.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(first)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// `Some` when nothing is left: what a request's parser ends with.
    pub fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A message being written. What does not fit is not written, and [`Writer::message`] then gives `None`.
#[derive(Clone, Debug)]
pub struct Writer {
    buffer: [u8; MAX_MESSAGE],
    len: usize,
    full: bool,
}

impl Writer {
    /// Empty.
    pub const fn new() -> Self {
        Self {
            buffer: [0; MAX_MESSAGE],
            len: 0,
            full: false,
        }
    }

    /// Starts a message anew with its header.
    pub fn begin(&mut self, kind: u8, status: u8, sequence: u16) {
        (self.len, self.full) = (0, false);
        let [s0, s1] = sequence.to_le_bytes();
        self.bytes(&[kind, status, s0, s1]);
    }

    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        match self.buffer.get_mut(self.len..end) {
            Some(room) => {
                // The same length as `room`; a loop, because a copy of slices would check that and could panic.
                for (slot, &byte) in room.iter_mut().zip(bytes) {
                    *slot = byte;
                }
                self.len = end;
            }
            None => self.full = true,
        }
    }

    /// Appends a byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    /// Appends a half-word.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Appends a word.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Appends a double word.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Writes over a word that was appended before, `at` bytes from the start of the message.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        let end = at.saturating_add(4);
        if let Some(room) = self.buffer.get_mut(at..end) {
            for (slot, byte) in room.iter_mut().zip(value.to_le_bytes()) {
                *slot = byte;
            }
        }
    }

    /// Drops what was written behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Bytes that still fit.
    pub fn room(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    /// What was written; `None` when something did not fit.
    pub fn message(&self) -> Option<&[u8]> {
        if self.full {
            None
        } else {
            self.buffer.get(..self.len)
        }
    }
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}
