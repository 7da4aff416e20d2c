//! Requests: what a host may ask, field by field.
//!
//! Parsing checks lengths and what can be checked without flash; whether a region is inside the flash is the agent's
//! business. Paths and names are the last bytes of a message, without an end mark.

use crate::error::Error;
use crate::message::{Fields, HEADER_SIZE, Kind, Writer};
use crate::partition_table::LABEL_SIZE;

/// Label that stands for "the data partition": what `flash.py` of `esp32flash_mpy` opens.
pub const DEFAULT_LABEL: &[u8] = b"bin";
/// Names in one [`Request::FindMany`] at most; their replies fill one message.
pub const MAX_NAMES: usize = 128;
/// Slowest and fastest speed that [`Request::SetBaud`] takes.
pub const BAUD_RANGE: core::ops::RangeInclusive<u32> = 9_600..=5_000_000;

/// Look-ups in one [`Request::Bench`] at most, so that the agent is not silent for long.
pub const MAX_BENCH: u16 = 1000;

/// Which partition, and by which table. 20 bytes: u32 offset of the table, 16 bytes of label (all NUL: `bin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the start of the flash; [`crate::message::UNKNOWN`] is where the agent looks by itself (0x8000).
    pub table_offset: u32,
    /// NUL-padded.
    pub label: [u8; LABEL_SIZE],
}

impl Place {
    /// A partition by label; `None` when the label has over 16 bytes.
    pub fn new(table_offset: u32, label: &[u8]) -> Option<Self> {
        let mut padded = [0; LABEL_SIZE];
        padded.get_mut(..label.len())?.copy_from_slice(label);
        Some(Self {
            table_offset,
            label: padded,
        })
    }

    /// The label without padding, `bin` when none was given.
    pub fn label(&self) -> &[u8] {
        match crate::partition_table::label(&self.label) {
            [] => DEFAULT_LABEL,
            label => label,
        }
    }

    fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            table_offset: fields.u32()?,
            label: fields.array()?,
        })
    }

    fn write(&self, to: &mut Writer) {
        to.u32(self.table_offset);
        to.bytes(&self.label);
    }
}

/// What a look-up also does, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FindFlags(pub u8);

impl FindFlags {
    /// Compute the file's CRC-32 from its bytes, even where a check record holds one.
    pub const COMPUTE_CRC: u8 = 1;
    /// Measure the look-up: once with a cold cache and once more.
    pub const CYCLES: u8 = 2;
    /// Don't use the index: walk, as a reader does that has never heard of it.
    pub const WALK: u8 = 4;

    /// Whether a bit is set.
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Where a restart leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Into {
    /// The ROM's download loader, by the force-download bit and a software reset.
    Loader = 0,
    /// The flash: what the board ran before.
    Flash = 1,
}

/// What the MMU is to do before its entries are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MapAction {
    /// Nothing.
    Report = 0,
    /// Map all of the flash, as far as entries are free.
    All = 1,
    /// Give back every entry that the agent took.
    Release = 2,
}

/// How wide a [`Request::Peek`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Width {
    /// `mem8`.
    One = 1,
    /// `mem16`.
    Two = 2,
    /// `mem32`.
    Four = 4,
}

/// Several names, each a byte of length and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    /// Checks that the bytes are names, at most [`MAX_NAMES`] of them.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let mut count = 0_usize;
        while fields.end().is_none() {
            let len = fields.u8()?;
            fields.bytes(usize::from(len))?;
            count = count.saturating_add(1);
        }
        (count <= MAX_NAMES).then_some(Self(bytes))
    }

    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut fields = Fields(self.0);
        core::iter::from_fn(move || {
            let len = fields.u8()?;
            fields.bytes(usize::from(len))
        })
    }
}

/// One request. The layouts are in the order of the fields here; see `docs/agent-protocol.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// No fields.
    Info,
    /// Place, u8 flags, path.
    Find {
        /// The partition.
        place: Place,
        /// What else is done.
        flags: FindFlags,
        /// Names joined by `/`.
        path: &'a [u8],
    },
    /// u32 offset, u32 size.
    Read {
        /// Bytes from the start of the flash.
        offset: u32,
        /// Bytes; any number of frames comes back.
        size: u32,
    },
    /// u8 where to.
    Restart {
        /// Loader or flash.
        into: Into,
    },
    /// Place, names.
    FindMany {
        /// The partition.
        place: Place,
        /// Paths.
        names: Names<'a>,
    },
    /// Place, u32 number of the first entry, path of a Bin (empty: the outermost).
    List {
        /// The partition.
        place: Place,
        /// Counted from 0, without `!`.
        start: u32,
        /// Which Bin.
        path: &'a [u8],
    },
    /// u32 offset of the table, u32 number of the first row.
    Table {
        /// Bytes from the start of the flash.
        table_offset: u32,
        /// Counted from 0.
        start: u32,
    },
    /// u8 action.
    Map {
        /// What is done first.
        action: MapAction,
    },
    /// u32 offset, u8 width.
    Peek {
        /// Bytes from the start of the flash, aligned or not.
        offset: u32,
        /// Bytes to read.
        width: Width,
    },
    /// u32 offset, u32 size.
    CrcRegion {
        /// Bytes from the start of the flash.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// Place, path.
    CrcFile {
        /// The partition.
        place: Place,
        /// The file.
        path: &'a [u8],
    },
    /// Place, path of a Bin (empty: the outermost).
    Verify {
        /// The partition.
        place: Place,
        /// Which Bin.
        path: &'a [u8],
    },
    /// u32 offset, u32 size, both multiples of a sector.
    Digests {
        /// Bytes from the start of the flash.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// u32 offset, u32 size.
    SelfTest {
        /// Bytes from the start of the flash.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// u32 bits per second.
    SetBaud {
        /// In [`BAUD_RANGE`].
        baud: u32,
    },
    /// Place, u16 count, u8 flags, path.
    Bench {
        /// The partition.
        place: Place,
        /// Look-ups to make, 1 to [`MAX_BENCH`].
        count: u16,
        /// Only [`FindFlags::WALK`] matters.
        flags: FindFlags,
        /// The file.
        path: &'a [u8],
    },
}

impl<'a> Request<'a> {
    /// Its number.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Info => Kind::Info,
            Self::Find { .. } => Kind::Find,
            Self::Read { .. } => Kind::Read,
            Self::Restart { .. } => Kind::Restart,
            Self::FindMany { .. } => Kind::FindMany,
            Self::List { .. } => Kind::List,
            Self::Table { .. } => Kind::Table,
            Self::Map { .. } => Kind::Map,
            Self::Peek { .. } => Kind::Peek,
            Self::CrcRegion { .. } => Kind::CrcRegion,
            Self::CrcFile { .. } => Kind::CrcFile,
            Self::Verify { .. } => Kind::Verify,
            Self::Digests { .. } => Kind::Digests,
            Self::SelfTest { .. } => Kind::SelfTest,
            Self::SetBaud { .. } => Kind::SetBaud,
            Self::Bench { .. } => Kind::Bench,
        }
    }

    /// The request of a message's header and fields, and its sequence number.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] for a kind that is not known, [`Error::Malformed`] for fields that are not allowed.
    pub fn parse(kind: u8, zero: u8, fields: &'a [u8]) -> Result<Self, Error> {
        let kind = Kind::from_number(kind).ok_or(Error::UnknownRequest)?;
        if zero != 0 {
            return Err(Error::Malformed);
        }
        Self::parse_fields(kind, &mut Fields(fields)).ok_or(Error::Malformed)
    }

    fn parse_fields(kind: Kind, fields: &mut Fields<'a>) -> Option<Self> {
        let request = match kind {
            Kind::Info => Self::Info,
            Kind::Find => Self::Find {
                place: Place::parse(fields)?,
                flags: flags(fields)?,
                path: path(fields)?,
            },
            Kind::Read => Self::Read {
                offset: fields.u32()?,
                size: fields.u32()?,
            },
            Kind::Restart => Self::Restart {
                into: into(fields.u8()?)?,
            },
            Kind::FindMany => Self::FindMany {
                place: Place::parse(fields)?,
                names: Names::new(fields.rest())?,
            },
            Kind::List => Self::List {
                place: Place::parse(fields)?,
                start: fields.u32()?,
                path: fields.rest(),
            },
            Kind::Table => Self::Table {
                table_offset: fields.u32()?,
                start: fields.u32()?,
            },
            Kind::Map => Self::Map {
                action: action(fields.u8()?)?,
            },
            Kind::Peek => Self::Peek {
                offset: fields.u32()?,
                width: width(fields.u8()?)?,
            },
            Kind::CrcRegion => Self::CrcRegion {
                offset: fields.u32()?,
                size: fields.u32()?,
            },
            Kind::CrcFile => Self::CrcFile {
                place: Place::parse(fields)?,
                path: path(fields)?,
            },
            Kind::Verify => Self::Verify {
                place: Place::parse(fields)?,
                path: fields.rest(),
            },
            Kind::Digests => Self::Digests {
                offset: sectors(fields.u32()?)?,
                size: sectors(fields.u32()?)?,
            },
            Kind::SelfTest => Self::SelfTest {
                offset: fields.u32()?,
                size: fields.u32()?,
            },
            Kind::SetBaud => Self::SetBaud {
                baud: fields.u32().filter(|baud| BAUD_RANGE.contains(baud))?,
            },
            Kind::Bench => Self::Bench {
                place: Place::parse(fields)?,
                count: fields
                    .u16()
                    .filter(|count| (1..=MAX_BENCH).contains(count))?,
                flags: flags(fields)?,
                path: path(fields)?,
            },
        };
        fields.end()?;
        Some(request)
    }

    /// Writes the message, header first.
    pub fn write(&self, sequence: u16, to: &mut Writer) {
        to.begin(self.kind().number(), 0, sequence);
        match self {
            Self::Info => {}
            Self::Find { place, flags, path } => {
                place.write(to);
                to.u8(flags.0);
                to.bytes(path);
            }
            Self::Read { offset, size }
            | Self::CrcRegion { offset, size }
            | Self::Digests { offset, size }
            | Self::SelfTest { offset, size } => {
                to.u32(*offset);
                to.u32(*size);
            }
            Self::Restart { into } => to.u8(*into as u8),
            Self::FindMany { place, names } => {
                place.write(to);
                to.bytes(names.0);
            }
            Self::List { place, start, path } => {
                place.write(to);
                to.u32(*start);
                to.bytes(path);
            }
            Self::Table {
                table_offset,
                start,
            } => {
                to.u32(*table_offset);
                to.u32(*start);
            }
            Self::Map { action } => to.u8(*action as u8),
            Self::Peek { offset, width } => {
                to.u32(*offset);
                to.u8(*width as u8);
            }
            Self::CrcFile { place, path } | Self::Verify { place, path } => {
                place.write(to);
                to.bytes(path);
            }
            Self::SetBaud { baud } => to.u32(*baud),
            Self::Bench {
                place,
                count,
                flags,
                path,
            } => {
                place.write(to);
                to.u16(*count);
                to.u8(flags.0);
                to.bytes(path);
            }
        }
    }

    /// Parts a message into its header and fields: kind, the zero byte, sequence number, fields.
    pub fn header(message: &[u8]) -> Option<(u8, u8, u16, &[u8])> {
        let (&[kind, zero, s0, s1], fields) = message.split_first_chunk::<HEADER_SIZE>()?;
        Some((kind, zero, u16::from_le_bytes([s0, s1]), fields))
    }
}

fn flags(fields: &mut Fields<'_>) -> Option<FindFlags> {
    let known = FindFlags::COMPUTE_CRC | FindFlags::CYCLES | FindFlags::WALK;
    fields.u8().filter(|bits| bits & !known == 0).map(FindFlags)
}

/// A path that must name something.
fn path<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    Some(fields.rest()).filter(|path| !path.is_empty())
}

fn into(number: u8) -> Option<Into> {
    [Into::Loader, Into::Flash]
        .into_iter()
        .find(|into| *into as u8 == number)
}

fn action(number: u8) -> Option<MapAction> {
    [MapAction::Report, MapAction::All, MapAction::Release]
        .into_iter()
        .find(|action| *action as u8 == number)
}

fn width(number: u8) -> Option<Width> {
    [Width::One, Width::Two, Width::Four]
        .into_iter()
        .find(|width| *width as u8 == number)
}

fn sectors(value: u32) -> Option<u32> {
    Some(value).filter(|value| value.is_multiple_of(crate::message::SECTOR_SIZE))
}
