//! What can go wrong, as small numbers that fit a reply's status byte.
//!
//! The numbers are part of the protocol: new ones are appended, none is ever changed or used again.

use core::fmt;

/// Why a request could not be answered, or flash content could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Error {
    /// The request's kind is not one this agent knows. Not the same as a malformed request.
    UnknownRequest = 1,
    /// The request is of a known kind, but its length or one of its fields is not allowed.
    Malformed = 2,
    /// The region reaches past the end of the flash.
    OutOfRange = 3,
    /// There is no partition table at the offset given.
    NoTable = 4,
    /// The table has no partition of that label.
    NoPartition = 5,
    /// No file has that name.
    NotFound = 6,
    /// A directory, its index or a check record contradicts itself or leaves its image.
    Corrupt = 7,
    /// Images are nested deeper than the reader follows, or the walk took too many steps.
    TooDeep = 8,
    /// Every MMU entry is taken by somebody else.
    NoFreeEntry = 9,
    /// The chip's ROM could not read the flash, so there is nothing to compare with.
    RomRead = 10,
    /// This board or this build cannot do that.
    Unsupported = 11,
}

impl Error {
    /// Every error, in the order of the numbers.
    pub const ALL: [Self; 11] = [
        Self::UnknownRequest,
        Self::Malformed,
        Self::OutOfRange,
        Self::NoTable,
        Self::NoPartition,
        Self::NotFound,
        Self::Corrupt,
        Self::TooDeep,
        Self::NoFreeEntry,
        Self::RomRead,
        Self::Unsupported,
    ];

    /// The number on the wire; never 0, which stands for success.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The error of a status byte; `None` for 0 and for numbers of a newer protocol.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.number() == number)
    }

    /// A short name, as the protocol document spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownRequest => "unknown-request",
            Self::Malformed => "malformed",
            Self::OutOfRange => "out-of-range",
            Self::NoTable => "no-table",
            Self::NoPartition => "no-partition",
            Self::NotFound => "not-found",
            Self::Corrupt => "corrupt",
            Self::TooDeep => "too-deep",
            Self::NoFreeEntry => "no-free-entry",
            Self::RomRead => "rom-read",
            Self::Unsupported => "unsupported",
        }
    }

    /// A sentence for people, without a full stop.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownRequest => "the agent does not know this request",
            Self::Malformed => "the request has a wrong length or a field outside its range",
            Self::OutOfRange => "the region reaches past the end of the flash",
            Self::NoTable => "there is no partition table at this offset",
            Self::NoPartition => "the partition table has no partition of this label",
            Self::NotFound => "no file of this name is in the image",
            Self::Corrupt => "the image's directory contradicts itself or leaves its partition",
            Self::TooDeep => "images are nested too deep or the directory never ends",
            Self::NoFreeEntry => "no free MMU entry is left to map this page",
            Self::RomRead => "the chip's ROM could not read the flash",
            Self::Unsupported => "this board or build of the agent cannot do this",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for Error {}
