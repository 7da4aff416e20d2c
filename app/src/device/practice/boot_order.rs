//! The partition table as ESP-IDF's bootloader reads it from flash (`flash_partitions.c`), and with it the order in
//! which apps are tried; the rules themselves are those of [`crate::formats::boot_order`].

use device_agent::partition_table::{DEFAULT_OFFSET, MAX_ROWS, ROW_SIZE, Row, TableRow};
use md5::{Digest as _, Md5};

use crate::formats::boot_order::{self, Order};
use crate::formats::otadata::OtaData;

const TABLE: usize = DEFAULT_OFFSET as usize;
const ROW_LEN: usize = ROW_SIZE as usize;
const ROWS_MAX: usize = MAX_ROWS as usize;
const APP: u8 = 0;
const DATA: u8 = 1;
const OTA_DATA: u8 = 0;

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

/// The apps in the order of trying, and where otadata is, if the bootloader writes there which slot it took.
pub fn order(flash: &[u8], rows: &[Row]) -> (Order<Row>, Option<u32>) {
    let app = |subtype: u8| {
        rows.iter()
            .find(|row| row.kind == APP && row.subtype == subtype)
            .copied()
    };
    let otadata = rows
        .iter()
        .find(|row| row.kind == DATA && row.subtype == OTA_DATA);
    let read =
        otadata.map(|row| OtaData::read(flash.get(row.offset as usize..).unwrap_or_default()));
    let order = boot_order::order(&app, read);
    let record_at = otadata
        .filter(|_| order.records_choice)
        .map(|row| row.offset);
    (order, record_at)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::formats::otadata::{State, record};

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
    fn check(
        rows: &[[u8; 32]],
        records: &[(u32, [u8; 32])],
        expected: &[Option<u32>],
    ) -> (Order<Row>, Option<u32>) {
        let flash = flash(rows, records);
        let order = order(&flash, &read_table(&flash).unwrap());
        assert_eq!(
            order
                .0
                .candidates
                .iter()
                .map(|candidate| candidate.slot)
                .collect::<Vec<_>>(),
            expected
        );
        order
    }

    fn record_for(slot: u32) -> [u8; 32] {
        record(slot + 1, State::Valid)
    }

    #[test]
    fn table_and_otadata_are_found_in_flash() {
        let rows = two_slots();
        let (order, record_at) = check(&rows, &[], &[Some(0), Some(1)]);
        assert_eq!((record_at, order.by_default), (Some(0xE000), true));
        let (order, record_at) = check(
            &rows,
            &[(0xE000, record_for(0)), (0xF000, record_for(1))],
            &[Some(1), Some(0)],
        );
        assert_eq!((record_at, order.by_default), (None, false));
        assert_eq!(order.candidates[0].partition.offset, 0x2_0000);
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
