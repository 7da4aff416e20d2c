//! Replies about files and where they are.

use crate::message::{Fields, Writer};

/// Where a reply's CRC-32 comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CrcSource {
    /// There is none: no check record, and none was asked for.
    None = 0,
    /// The check record behind the file; the bytes themselves were not read.
    Record = 1,
    /// Computed from the file's bytes, as mapped.
    Computed = 2,
}

impl CrcSource {
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Record,
            2 => Self::Computed,
            _ => Self::None,
        }
    }
}

/// Answer to `Find`: 40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// From the start of the outermost Bin.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// From the start of the flash.
    pub flash_offset: u32,
    /// Address of the first byte on the data bus; [`crate::message::UNKNOWN`] when no entry could be had.
    pub vaddr: u32,
    /// The same on the instruction bus.
    pub vaddr_code: u32,
    /// CRC-32 (zlib), when there is a source.
    pub crc32: u32,
    /// Where that comes from.
    pub crc_source: CrcSource,
    /// Bits of [`FoundFlags`].
    pub flags: FoundFlags,
    /// CPU cycles of the look-up after the cache was emptied; [`crate::message::UNKNOWN`] when not measured.
    pub cycles_cold: u32,
    /// CPU cycles of the same look-up once more.
    pub cycles_warm: u32,
    /// Flash offset of the partition.
    pub partition_offset: u32,
}

/// What else is true of a file that was found, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FoundFlags(pub u8);

impl FoundFlags {
    /// All of the file is mapped, without a gap between its pages.
    pub const CONTIGUOUS: u8 = 1;
    /// The address may change with the next request, because the window slides.
    pub const SLIDING: u8 = 2;
    /// The file is a Bin with an index.
    pub const BIN: u8 = 4;

    /// Whether a bit is set.
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

impl Found {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.offset);
        to.u32(self.size);
        to.u32(self.flash_offset);
        to.u32(self.vaddr);
        to.u32(self.vaddr_code);
        to.u32(self.crc32);
        to.u8(self.crc_source as u8);
        to.u8(self.flags.0);
        to.u16(0);
        to.u32(self.cycles_cold);
        to.u32(self.cycles_warm);
        to.u32(self.partition_offset);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        let (offset, size, flash_offset) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (vaddr, vaddr_code, crc32) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (crc_source, flags) = (
            CrcSource::from_number(fields.u8()?),
            FoundFlags(fields.u8()?),
        );
        fields.u16()?;
        Some(Self {
            offset,
            size,
            flash_offset,
            vaddr,
            vaddr_code,
            crc32,
            crc_source,
            flags,
            cycles_cold: fields.u32()?,
            cycles_warm: fields.u32()?,
            partition_offset: fields.u32()?,
        })
    }
}

/// One name's place in the answer to `FindMany`: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// From the start of the outermost Bin; [`crate::message::UNKNOWN`] when not found.
    pub offset: u32,
    /// Bytes; an error's number when not found.
    pub size: u32,
}

impl Spot {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.offset);
        to.u32(self.size);
    }

    /// Reads the next one.
    pub fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            offset: fields.u32()?,
            size: fields.u32()?,
        })
    }
}

/// One line in the answer to `List`: 24 bytes. Before the first stand u32 entries in all and u32 number of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The 8 stored bytes.
    pub name: [u8; 8],
    /// From the start of the outermost Bin; as stored, wrapping, when the entry leaves its Bin.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// CRC-32 of the check record, when there is one.
    pub crc32: u32,
    /// Bits of [`ListedFlags`].
    pub flags: ListedFlags,
}

/// What else is true of a listed entry, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ListedFlags(pub u32);

impl ListedFlags {
    /// A nested Bin with an index.
    pub const BIN: u32 = 1;
    /// The check record's CRC-32 is given.
    pub const RECORD: u32 = 2;
    /// The entry leaves its Bin, or its record or index is wrong: nothing can be read through it.
    pub const CORRUPT: u32 = 4;

    /// Whether a bit is set.
    pub const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

impl Listed {
    /// Bytes of a line.
    pub const SIZE: usize = 24;

    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.bytes(&self.name);
        to.u32(self.offset);
        to.u32(self.size);
        to.u32(self.crc32);
        to.u32(self.flags.0);
    }

    /// Reads the next one.
    pub fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            name: fields.array()?,
            offset: fields.u32()?,
            size: fields.u32()?,
            crc32: fields.u32()?,
            flags: ListedFlags(fields.u32()?),
        })
    }
}
