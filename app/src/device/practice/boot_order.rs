//! Which app the bootloader tries, and in which order: partition table and otadata as ESP-IDF's bootloader reads them
//! (`flash_partitions.c`, `bootloader_common_loader.c`, `bootloader_utility.c`).

use device_agent::partition_table::{DEFAULT_OFFSET, MAX_ROWS, ROW_SIZE, Row, TableRow};
use md5::{Digest as _, Md5};

use super::request::read_u32;

const TABLE: usize = DEFAULT_OFFSET as usize;
const ROW_LEN: usize = ROW_SIZE as usize;
const ROWS_MAX: usize = MAX_ROWS as usize;
const APP: u8 = 0;
const DATA: u8 = 1;
const FACTORY: u8 = 0;
const OTA_DATA: u8 = 0;
const FIRST_OTA: u8 = 0x10;
const TEST: u8 = 0x20;
const SECTOR: u32 = 0x1000;
/// States of an otadata record that forbid its slot.
const INVALID: u32 = 3;
const ABORTED: u32 = 4;

/// Why there is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFault {
    /// This row has neither the magic of a row nor that of the end.
    Magic { row: usize, magic: u16 },
    /// The MD5 row does not match the rows before it.
    Md5,
}

/// The partitions, in the table's order.
pub fn read_table(flash: &[u8]) -> Result<Vec<Row>, TableFault> {
    let mut rows = Vec::new();
    let mut at = TABLE;
    while let Some(row) = flash
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .and_then(TableRow::parse)
    {
        match row {
            TableRow::Partition(row) => rows.push(row),
            TableRow::Md5(stored) => {
                let covered = flash.get(TABLE..at).unwrap_or_default();
                if Md5::digest(covered).as_slice() != stored {
                    return Err(TableFault::Md5);
                }
            }
        }
        at += ROW_LEN;
        if at == TABLE + ROWS_MAX * ROW_LEN {
            return Ok(rows);
        }
    }
    let magic = flash
        .get(at..at + 2)
        .map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    if rows.is_empty() || magic != 0xFFFF {
        return Err(TableFault::Magic {
            row: (at - TABLE) / ROW_LEN,
            magic,
        });
    }
    Ok(rows)
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `None` is the factory app or the test app, else the number of the OTA slot.
    pub slot: Option<u32>,
    pub partition: Row,
}

/// The apps in the order of trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub candidates: Vec<Candidate>,
    /// Where otadata is, if it names no slot and there is no factory app: the bootloader then writes which slot it took.
    pub record_choice_at: Option<u32>,
    /// Whether otadata had nothing to say.
    pub by_default: bool,
}

/// Reads otadata and puts the apps in order.
pub fn order(flash: &[u8], rows: &[Row]) -> Order {
    let app = |subtype: u8| {
        rows.iter()
            .find(|row| row.kind == APP && row.subtype == subtype)
            .copied()
    };
    let factory = app(FACTORY);
    // Slots count from ota_0 without a gap.
    let slots: Vec<Row> = (FIRST_OTA..FIRST_OTA + 16).map_while(app).collect();
    let otadata = rows
        .iter()
        .find(|row| row.kind == DATA && row.subtype == OTA_DATA);
    let sequence = otadata.and_then(|row| newest_sequence(flash, row.offset));
    let chosen = match sequence {
        Some(sequence) if !slots.is_empty() => Some((sequence - 1) % slots.len() as u32),
        _ => None,
    };
    let numbered = || {
        (0u32..).zip(&slots).map(|(slot, row)| Candidate {
            slot: Some(slot),
            partition: *row,
        })
    };
    let start = chosen.or(if factory.is_some() { None } else { Some(0) });
    let below = numbered().filter(|candidate| candidate.slot <= start && start.is_some());
    let mut candidates: Vec<Candidate> = below.collect();
    candidates.reverse();
    candidates.extend(factory.map(|partition| Candidate {
        slot: None,
        partition,
    }));
    candidates.extend(numbered().filter(|candidate| candidate.slot > start));
    candidates.extend(app(TEST).map(|partition| Candidate {
        slot: None,
        partition,
    }));
    let record_choice_at = otadata
        .filter(|_| chosen.is_none() && factory.is_none() && !slots.is_empty())
        .map(|row| row.offset);
    Order {
        candidates,
        record_choice_at,
        by_default: chosen.is_none(),
    }
}

/// The record that the bootloader writes for the slot that it took: sequence number, and state VALID.
pub fn record_for(slot: u32) -> [u8; 32] {
    let mut record = [0xFF; 32];
    let sequence = (slot + 1).to_le_bytes();
    record[..4].copy_from_slice(&sequence);
    record[24..28].copy_from_slice(&2u32.to_le_bytes());
    record[28..].copy_from_slice(&sequence_crc(sequence).to_le_bytes());
    record
}

fn newest_sequence(flash: &[u8], offset: u32) -> Option<u32> {
    let record = |at: u32| {
        let bytes = flash.get(at as usize..)?;
        let (sequence, state, crc) = (
            read_u32(bytes, 0)?,
            read_u32(bytes, 24)?,
            read_u32(bytes, 28)?,
        );
        let valid = sequence != u32::MAX
            && sequence != 0
            && state != INVALID
            && state != ABORTED
            && crc == sequence_crc(sequence.to_le_bytes());
        valid.then_some(sequence)
    };
    record(offset).max(record(offset.checked_add(SECTOR)?))
}

/// ESP-IDF's `crc32_le(UINT32_MAX, …)`: the ROM inverts its seed, so this is a CRC-32 that starts at 0.
fn sequence_crc(sequence: [u8; 4]) -> u32 {
    let mut crc = 0u32;
    for byte in sequence {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A row of a table: type, subtype, offset, size, label.
    pub fn row(kind: u8, subtype: u8, offset: u32, size: u32, label: &str) -> [u8; 32] {
        let mut row = [0; 32];
        row[..4].copy_from_slice(&[0xAA, 0x50, kind, subtype]);
        row[4..8].copy_from_slice(&offset.to_le_bytes());
        row[8..12].copy_from_slice(&size.to_le_bytes());
        row[12..12 + label.len()].copy_from_slice(label.as_bytes());
        row
    }

    fn flash(rows: &[[u8; 32]], records: &[(u32, [u8; 32])]) -> Vec<u8> {
        let mut flash = vec![0xFF; 0x20_0000];
        for (index, row) in rows.iter().enumerate() {
            flash[0x8000 + index * 32..][..32].copy_from_slice(row);
        }
        for (at, record) in records {
            flash[*at as usize..][..32].copy_from_slice(record);
        }
        flash
    }

    fn with_state(mut record: [u8; 32], state: u32) -> [u8; 32] {
        record[24..28].copy_from_slice(&state.to_le_bytes());
        record
    }

    const OTADATA: (u8, u8, u32, u32, &str) = (1, 0, 0xE000, 0x2000, "otadata");

    fn two_slots() -> [[u8; 32]; 3] {
        let (kind, subtype, offset, size, label) = OTADATA;
        [
            row(kind, subtype, offset, size, label),
            row(0, 0x10, 0x1_0000, 0x1_0000, "app0"),
            row(0, 0x11, 0x2_0000, 0x1_0000, "app1"),
        ]
    }

    #[track_caller]
    fn check(rows: &[[u8; 32]], records: &[(u32, [u8; 32])], expected: &[Option<u32>]) -> Order {
        let flash = flash(rows, records);
        let order = order(&flash, &read_table(&flash).unwrap());
        assert_eq!(
            order
                .candidates
                .iter()
                .map(|candidate| candidate.slot)
                .collect::<Vec<_>>(),
            expected
        );
        order
    }

    #[test]
    fn crc_is_the_published_one() {
        assert_eq!(sequence_crc(1u32.to_le_bytes()), 0x4743_989A);
        assert_eq!(sequence_crc(4u32.to_le_bytes()), 0x709D_68A8);
    }

    #[test]
    fn otadata_chooses_the_slot_of_the_newest_valid_record() {
        let rows = two_slots();
        let order = check(&rows, &[], &[Some(0), Some(1)]);
        assert_eq!(
            (order.record_choice_at, order.by_default),
            (Some(0xE000), true)
        );
        check(&rows, &[(0xE000, record_for(0))], &[Some(0), Some(1)]);
        let order = check(
            &rows,
            &[(0xE000, record_for(0)), (0xF000, record_for(1))],
            &[Some(1), Some(0)],
        );
        assert_eq!((order.record_choice_at, order.by_default), (None, false));
        let aborted = with_state(record_for(1), ABORTED);
        check(
            &rows,
            &[(0xE000, record_for(2)), (0xF000, aborted)],
            &[Some(0), Some(1)],
        );
        let mut broken = record_for(1);
        broken[28] ^= 1;
        check(&rows, &[(0xF000, broken)], &[Some(0), Some(1)]);
    }

    #[test]
    fn factory_comes_first_unless_otadata_says_otherwise_and_test_last() {
        let mut rows = two_slots().to_vec();
        rows.push(row(0, 0x20, 0x4_0000, 0x1_0000, "test"));
        rows.push(row(0, 0, 0x3_0000, 0x1_0000, "factory"));
        let order = check(&rows, &[], &[None, Some(0), Some(1), None]);
        assert_eq!(order.candidates[0].partition.offset, 0x3_0000);
        assert_eq!(order.candidates[3].partition.offset, 0x4_0000);
        check(
            &rows,
            &[(0xE000, record_for(1))],
            &[Some(1), Some(0), None, None],
        );
        check(
            &rows,
            &[(0xE000, record_for(0))],
            &[Some(0), None, Some(1), None],
        );
    }

    #[test]
    fn a_table_that_is_none_is_told_by_its_row() {
        let blank = vec![0xFF; 0x1_0000];
        assert_eq!(
            read_table(&blank),
            Err(TableFault::Magic {
                row: 0,
                magic: 0xFFFF
            })
        );
        let mut cut = flash(&two_slots(), &[]);
        cut[0x8000 + 64] = 0;
        assert_eq!(
            read_table(&cut),
            Err(TableFault::Magic {
                row: 2,
                magic: 0x5000
            })
        );
        let mut sum = [0xFF; 32];
        sum[..2].copy_from_slice(&[0xEB, 0xEB]);
        let mut table = flash(&two_slots(), &[(0x8000 + 96, sum)]);
        assert_eq!(read_table(&table), Err(TableFault::Md5));
        let digest = Md5::digest(&table[0x8000..0x8000 + 96]);
        table[0x8000 + 96 + 16..0x8000 + 128].copy_from_slice(&digest);
        assert_eq!(read_table(&table).map(|rows| rows.len()), Ok(3));
    }
}
