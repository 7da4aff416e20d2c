//! Reads the binary partition table of ESP-IDF where it lies.
//!
//! Rows of 32 bytes begin with AA 50; a row that begins with EB EB holds the MD5 of the rows before it, whatever its
//! filler is (ESP-IDF writes FF, `esp32flash_mpy` zeros); a row of FF ends the table. The MD5 is not computed here: the
//! host does that from the rows. Types and subtypes are numbers and nothing is refused for being unknown.

use crate::error::Error;
use crate::flash::{Flash, inside, read};

/// Where ESP-IDF puts the table unless told otherwise, in bytes from the start of the flash.
pub const DEFAULT_OFFSET: u32 = 0x8000;
/// Bytes of a row.
pub const ROW_SIZE: u32 = 32;
/// Rows that a table can have (0xC00 bytes).
pub const MAX_ROWS: u32 = 96;
/// Bytes of a label.
pub const LABEL_SIZE: usize = 16;
/// Where the label stands in a row.
const LABEL_AT: core::ops::Range<usize> = 12..28;
/// First bytes of a partition's row.
const PARTITION: [u8; 2] = [0xAA, 0x50];
/// First bytes of the row that holds the MD5.
const MD5: [u8; 2] = [0xEB, 0xEB];

/// One partition as its row says; not checked against the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// 0 app, 1 data, 2 bootloader, 3 partition table, 0x40 to 0xFE custom.
    pub kind: u8,
    /// Meaning depends on the type.
    pub subtype: u8,
    /// Bytes from the start of the flash.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// NUL-padded; 16 characters have no NUL.
    pub label: [u8; LABEL_SIZE],
    /// Bit 0 encrypted, bit 1 read-only.
    pub flags: u32,
}

/// What a row of the table can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableRow {
    /// A partition.
    Partition(Row),
    /// The MD5 of all rows before it.
    Md5([u8; 16]),
}

impl TableRow {
    /// The row of 32 stored bytes; `None` when the table ends here, by a row of FF or by one that is no row.
    pub fn parse(bytes: &[u8; ROW_SIZE as usize]) -> Option<Self> {
        let (head, tail) = bytes.split_first_chunk::<12>()?;
        let (label, flags) = tail.split_first_chunk::<LABEL_SIZE>()?;
        let [m0, m1, kind, subtype, o0, o1, o2, o3, s0, s1, s2, s3] = *head;
        match [m0, m1] {
            PARTITION => Some(Self::Partition(Row {
                kind,
                subtype,
                offset: u32::from_le_bytes([o0, o1, o2, o3]),
                size: u32::from_le_bytes([s0, s1, s2, s3]),
                label: *label,
                flags: u32::from_le_bytes(*flags.first_chunk()?),
            })),
            MD5 => Some(Self::Md5(*bytes.last_chunk()?)),
            _ => None,
        }
    }
}

/// A label without its padding: what stands before the first NUL.
pub fn label(stored: &[u8]) -> &[u8] {
    stored.split(|&byte| byte == 0).next().unwrap_or(stored)
}

/// The 32 bytes of the row with this number, counted from 0; `None` behind the last.
///
/// # Errors
/// [`Error::OutOfRange`] when the table leaves the flash.
pub fn row<F: Flash + ?Sized>(
    flash: &mut F,
    table_offset: u32,
    number: u32,
) -> Result<Option<[u8; ROW_SIZE as usize]>, Error> {
    if number >= MAX_ROWS {
        return Ok(None);
    }
    let offset = table_offset.saturating_add(number.saturating_mul(ROW_SIZE));
    let bytes: [u8; ROW_SIZE as usize] = read(flash, offset)?;
    let is_row = bytes.starts_with(&PARTITION) || bytes.starts_with(&MD5);
    Ok(is_row.then_some(bytes))
}

/// The partition of this label, first match first.
///
/// # Errors
/// [`Error::NoTable`] when there is no row at all, [`Error::NoPartition`] when none has the label,
/// [`Error::OutOfRange`] when the table or the partition leaves the flash.
pub fn find<F: Flash + ?Sized>(
    flash: &mut F,
    table_offset: u32,
    wanted: &[u8],
) -> Result<Row, Error> {
    let mut number = 0_u32;
    while let Some(bytes) = row(flash, table_offset, number)? {
        number = number.saturating_add(1);
        if bytes.get(LABEL_AT).map(label) != Some(wanted) {
            continue;
        }
        if let Some(TableRow::Partition(row)) = TableRow::parse(&bytes) {
            return if inside(row.offset, row.size, flash.size()) {
                Ok(row)
            } else {
                Err(Error::OutOfRange)
            };
        }
    }
    Err(if number == 0 {
        Error::NoTable
    } else {
        Error::NoPartition
    })
}
