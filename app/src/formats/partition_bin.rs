//! The partition table as it lies in flash: rows of 32 bytes, a row with their MD5, a row of FF.
//!
//! [`read`] shows whatever can be shown, and says what is wrong; [`write()`] gives the very bytes of ESP-IDF's
//! `gen_esp32part.py` 1.5. [`find_in_image`] looks for a table in a firmware image or a dump of a flash.
//! Layout and sources: `docs/formats.md`. Nothing here panics on any input.

use std::sync::Arc;

use md5::{Digest, Md5};

use crate::model::number::hex;
use crate::model::partition_table::{
    MAX_ROWS, NAME_BYTES, Offset, PartitionTable, Row, Size, TableSettings,
};
use crate::model::problem::{Column, Place, Problem};
use crate::model::region::SECTOR;
use crate::model::table_spelling::Spelling;

/// Bytes of a row.
pub const ROW_BYTES: usize = 32;
/// Most bytes of a table; the rest of its sector is left for a signature.
pub const TABLE_BYTES: usize = 0xC00;
/// First bytes of a row.
pub const ROW_MAGIC: [u8; 2] = [0xAA, 0x50];
/// First bytes of the row with the MD5; readers of ESP-IDF look at these two only.
pub const MD5_MAGIC: [u8; 2] = [0xEB, 0xEB];

/// Where tables are looked for first: 0x8000 of the flash; the same in images that start at the bootloader's offset
/// (0x1000 on ESP32 and ESP32-S2, 0x2000 on ESP32-C5 and ESP32-P4).
const USUAL_OFFSETS: [usize; 3] = [0x8000, 0x7000, 0x6000];

/// What the MD5 row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Md5Row {
    /// There is one, and it is right.
    Right,
    /// There is one, and the rows are not those it was made of.
    Wrong,
    Missing,
}

/// What came out of reading a binary table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub table: PartitionTable,
    pub md5: Md5Row,
    /// What was noticed while reading; what is wrong with the table as such is found by `model::table_check`.
    pub problems: Vec<Problem>,
    /// Why this is no partition table at all, if it is none.
    pub refusal: Option<Problem>,
}

/// Whether these bytes begin like a binary table.
pub fn looks_like_table(bytes: &[u8]) -> bool {
    bytes.starts_with(&ROW_MAGIC)
        || (bytes.starts_with(&MD5_MAGIC)
            && md5_of_rows(&[]) == bytes.get(16..32).unwrap_or_default())
}

/// Reads a binary table. What follows its end is not looked at.
pub fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading {
        table: PartitionTable::default(),
        md5: Md5Row::Missing,
        problems: Vec::new(),
        refusal: None,
    };
    if !looks_like_table(bytes) {
        let problem = Problem::error(
            Place::Table,
            "This is not a binary partition table: it does not begin with AA 50",
            "Open a table, or a firmware image that contains one",
        );
        reading.refusal = Some(problem.clone());
        reading.problems.push(problem);
        return reading;
    }
    let mut hashed = Vec::new();
    let mut ended = false;
    for chunk in bytes.chunks(ROW_BYTES) {
        let Ok(row) = <&[u8; ROW_BYTES]>::try_from(chunk) else {
            reading.problems.push(Problem::error(
                Place::Table,
                format!(
                    "The table is cut: {} bytes follow the last whole row of 32",
                    chunk.len()
                ),
                "Read it again, 0xC00 bytes of it",
            ));
            ended = true;
            break;
        };
        if row == &[0xFF; ROW_BYTES] {
            ended = true;
            break;
        }
        if row.starts_with(&MD5_MAGIC) {
            md5_row(row, &hashed, &mut reading);
        } else if row.starts_with(&ROW_MAGIC) {
            if reading.md5 != Md5Row::Missing {
                reading.problems.push(Problem::warning(
                    Place::Row {
                        row: reading.table.rows.len(),
                        column: None,
                    },
                    "This row stands behind the MD5 row, where the chip does not look",
                    "Write the table again",
                ));
            }
            hashed.extend_from_slice(row);
            read_row(row, &mut reading);
        } else {
            reading.problems.push(Problem::error(
                Place::Row { row: reading.table.rows.len(), column: None },
                format!("Row {} begins with {:02X} {:02X} instead of AA 50; it and what follows was not read", reading.table.rows.len() + 1, row[0], row[1]),
                "Read the table again, or write a new one",
            ));
            ended = true;
            break;
        }
    }
    if !ended {
        reading.problems.push(Problem::error(
            Place::Table,
            "The table has no end: no row of FF follows the last one",
            "Read it again, 0xC00 bytes of it",
        ));
    }
    if reading.md5 == Md5Row::Missing {
        reading.problems.push(Problem::warning(
            Place::Table,
            "The table has no MD5 row; apps built with ESP-IDF's defaults refuse such a table",
            "Write it again: Flashpack adds the row",
        ));
    }
    reading
}

fn md5_row(row: &[u8; ROW_BYTES], hashed: &[u8], reading: &mut Reading) {
    if reading.md5 != Md5Row::Missing {
        reading.problems.push(Problem::warning(
            Place::Table,
            "The table has two MD5 rows; the bootloader refuses such a table",
            "Write the table again",
        ));
    }
    if md5_of_rows(hashed) == row[16..] {
        reading.md5 = Md5Row::Right;
        return;
    }
    reading.md5 = Md5Row::Wrong;
    reading.problems.push(Problem::error(
        Place::Table,
        "The table's MD5 does not match its rows: it was damaged, or changed by a tool that left the MD5 alone",
        "Check the rows, then write the table again",
    ));
}

fn md5_of_rows(rows: &[u8]) -> [u8; 16] {
    Md5::digest(rows).into()
}

fn read_row(bytes: &[u8; ROW_BYTES], reading: &mut Reading) {
    let word = |at: usize| {
        bytes
            .get(at..at + 4)
            .and_then(|word| word.try_into().ok())
            .map_or(0, u32::from_le_bytes)
    };
    let mut stored_name = [0; NAME_BYTES];
    stored_name.copy_from_slice(&bytes[12..28]);
    let name = shown_name(&stored_name);
    if std::str::from_utf8(without_padding(&stored_name)).is_err() {
        reading.problems.push(Problem::error(
            Place::Row {
                row: reading.table.rows.len(),
                column: Some(Column::Name),
            },
            format!("The name of this row is not UTF-8; it is shown as {name}"),
            "Rename the partition",
        ));
    }
    reading.table.rows.push(Arc::new(Row {
        name,
        kind: bytes[2],
        subtype: bytes[3],
        offset: Offset::At(word(4)),
        size: Size::Bytes(word(8)),
        flags: word(28),
        spelling: Some(Arc::new(Spelling {
            stored_name: Some(stored_name),
            ..Spelling::default()
        })),
    }));
}

fn without_padding(name: &[u8; NAME_BYTES]) -> &[u8] {
    let end = name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(NAME_BYTES);
    name.get(..end).unwrap_or(name)
}

fn shown_name(stored: &[u8; NAME_BYTES]) -> String {
    String::from_utf8_lossy(without_padding(stored)).into_owned()
}

/// Why a table cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("the table has {rows} partitions, but only {MAX_ROWS} fit: remove some")]
    TooManyRows { rows: usize },
    #[error("the place of {name} does not fit 32 bits: check its offset and size")]
    DoesNotFit { name: String },
}

/// The bytes of the table as they go to flash: 0xC00 of them, exactly as `gen_esp32part.py` writes them. Unknown flag
/// bits, which that tool drops, are kept. Whether the table is one that the tool accepts is for
/// `table_check::esp_idf_errors` to say.
///
/// # Errors
/// When there are too many rows, or a computed place does not fit its field.
pub fn write(table: &PartitionTable) -> Result<Vec<u8>, WriteError> {
    if table.rows.len() > MAX_ROWS {
        return Err(WriteError::TooManyRows {
            rows: table.rows.len(),
        });
    }
    let mut bytes = Vec::with_capacity(TABLE_BYTES);
    for (row, extent) in table.rows.iter().zip(table.extents()) {
        let field = |value: i64| {
            u32::try_from(value)
                .ok()
                .ok_or_else(|| WriteError::DoesNotFit {
                    name: row.name.clone(),
                })
        };
        let (offset, size) = (field(extent.offset)?, field(extent.size)?);
        bytes.extend_from_slice(&ROW_MAGIC);
        bytes.extend_from_slice(&[row.kind, row.subtype]);
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&name_field(row));
        bytes.extend_from_slice(&row.flags.to_le_bytes());
    }
    let md5 = md5_of_rows(&bytes);
    bytes.extend_from_slice(&MD5_MAGIC);
    bytes.resize(bytes.len() + 14, 0xFF);
    bytes.extend_from_slice(&md5);
    bytes.resize(TABLE_BYTES, 0xFF);
    Ok(bytes)
}

/// The name's field: cut at 16 bytes, filled with zeros. A name that was no text when it was read, and was not edited,
/// goes back as it was.
fn name_field(row: &Row) -> [u8; NAME_BYTES] {
    let as_read = row
        .spelling
        .as_ref()
        .and_then(|spelling| spelling.stored_name);
    if let Some(stored) = as_read.filter(|stored| shown_name(stored) == row.name) {
        return stored;
    }
    let mut field = [0; NAME_BYTES];
    for (place, byte) in field.iter_mut().zip(row.name.as_bytes()) {
        *place = *byte;
    }
    field
}

/// Looks for a table inside a firmware image or a dump of a whole flash: at the usual offsets, then in every sector.
/// A table with a right MD5 wins over one without. Gives the table's place in `bytes` and the table, whose setting
/// `table_offset` is 0x8000 when it was found at a usual place, else the place where it was found.
pub fn find_in_image(bytes: &[u8]) -> Option<(u32, Reading)> {
    let sectors = (0..bytes.len())
        .step_by(SECTOR as usize)
        .filter(|offset| !USUAL_OFFSETS.contains(offset));
    let mut second_best = None;
    for offset in USUAL_OFFSETS.into_iter().chain(sectors) {
        let Some(rest) = bytes.get(offset..) else {
            continue;
        };
        if !rest.starts_with(&ROW_MAGIC) {
            continue;
        }
        let mut reading = read(rest.get(..TABLE_BYTES).unwrap_or(rest));
        let place = u32::try_from(offset).ok()?;
        let table_offset = if USUAL_OFFSETS.contains(&offset) {
            0x8000
        } else {
            place
        };
        reading.table.settings = TableSettings {
            table_offset,
            ..TableSettings::default()
        };
        if reading.md5 == Md5Row::Right {
            return Some((place, reading));
        }
        let plausible = !reading.table.rows.is_empty()
            && reading
                .problems
                .iter()
                .all(|problem| problem.place == Place::Table);
        if plausible && second_best.is_none() {
            second_best = Some((place, reading));
        }
    }
    second_best
}

/// A sentence for a table that was found in an image.
pub fn found_at(place: u32, reading: &Reading) -> String {
    let md5 = match reading.md5 {
        Md5Row::Right => "with the right MD5",
        Md5Row::Wrong => "with a wrong MD5",
        Md5Row::Missing => "without MD5",
    };
    format!(
        "partition table with {} rows found at {} of the file, {md5}",
        reading.table.rows.len(),
        hex(place)
    )
}
