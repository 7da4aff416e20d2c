//! The partition table as the user means it: rows that may be wrong, in the order of the file.
//!
//! Offsets and sizes may be left to be computed, as ESP-IDF's `gen_esp32part.py` does; [`PartitionTable::layout`]
//! computes them. What is wrong with a table is found by `table_check`; how it is spelled in a file is kept beside
//! each row (`table_spelling`), so that what was not edited is written back byte for byte (`formats::partition_csv`).
//! Edits are made by `table_edit`, which keeps the spelling; names of types and subtypes are in `table_names`.

use std::sync::Arc;

use super::region::Region;
use super::table_extra::ExtraSubtypes;
use super::table_spelling::{Spelling, TableText};

pub use super::table_names::{
    APP, BOOTLOADER, DATA, DATA_OTA, FLAG_ENCRYPTED, FLAG_READONLY, PARTITION_TABLE, flags_text,
    subtype_name, subtypes, type_name, types,
};

/// Bytes of flash that the table itself occupies: one sector.
pub const TABLE_SIZE: u32 = 0x1000;
/// Most rows that fit a table with its MD5 row; `gen_esp32part.py` refuses the 95th.
pub const MAX_ROWS: usize = 94;
/// Bytes of a name in the binary table; what is longer is cut there without a word.
pub const NAME_BYTES: usize = 16;

/// Where a row starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Offset {
    /// Behind the row before it, aligned for its type.
    #[default]
    Auto,
    /// At this offset in flash.
    At(u32),
}

/// How far a row reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Left empty; only bootloader and partition-table rows may.
    Auto,
    Bytes(u32),
    /// Up to this offset in flash (a negative size in the file).
    UpTo(u32),
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub kind: u8,
    pub subtype: u8,
    pub offset: Offset,
    pub size: Size,
    /// Bit 0 encrypted, bit 1 readonly; unknown bits are kept.
    pub flags: u32,
    /// How the row was spelled in the file it came from; `None` for a row made here.
    pub spelling: Option<Arc<Spelling>>,
}

impl Row {
    /// Whether this row is the bootloader, or the table, that the board starts from: ESP-IDF fills in its place from
    /// settings and leaves it out of the computation of offsets.
    pub fn is_primary(&self) -> bool {
        matches!(self.kind, BOOTLOADER | PARTITION_TABLE) && self.subtype == 0
    }

    /// Alignment of the row's offset in bytes: 64 KiB for apps, 4 KiB for everything else.
    pub fn offset_unit(&self) -> u32 {
        offset_unit(self.kind)
    }

    /// The subtype as an OTA slot number, for `ota_0` to `ota_15`.
    pub fn ota_slot(&self) -> Option<u8> {
        (self.kind == APP && (0x10..=0x1F).contains(&self.subtype)).then(|| self.subtype - 0x10)
    }

    /// The name for messages: a partition without one is called so.
    pub fn shown_name(&self) -> &str {
        if self.name.is_empty() {
            "(no name)"
        } else {
            &self.name
        }
    }

    /// The name as the chip sees it: the first 16 bytes, up to a zero.
    pub fn stored_name(&self) -> &[u8] {
        let bytes = self.name.as_bytes();
        let field = bytes.get(..NAME_BYTES).unwrap_or(bytes);
        field.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// Alignment of the offset of a partition of this type, in bytes.
pub const fn offset_unit(kind: u8) -> u32 {
    if kind == APP {
        super::region::BLOCK
    } else {
        super::region::SECTOR
    }
}

/// A row whose place is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Index of the row in the table.
    pub index: usize,
    pub row: &'a Row,
    pub region: Region,
}

/// Where a row comes to lie by ESP-IDF's arithmetic, before it is squeezed into 32 bits: a wrong table may reach past
/// 4 GiB, and a size "up to" an offset below the row's own is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub offset: i64,
    pub size: i64,
}

impl Extent {
    /// One past the last byte.
    pub const fn end(self) -> i64 {
        self.offset.saturating_add(self.size)
    }

    /// The same place as flash can hold it; what is beyond is cut to the nearest that can.
    pub fn region(self) -> Region {
        let squeeze = |value: i64| u32::try_from(value.max(0)).unwrap_or(u32::MAX);
        Region::new(squeeze(self.offset), squeeze(self.size))
    }
}

/// Settings that ESP-IDF's tool takes on its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// Where the table itself lies in flash.
    pub table_offset: u32,
    /// Needed only by tables with a bootloader row.
    pub primary_bootloader_offset: Option<u32>,
    /// Needed only by tables with a recovery bootloader row.
    pub recovery_bootloader_offset: Option<u32>,
    /// Names of subtypes beyond ESP-IDF's own.
    pub extra: ExtraSubtypes,
}

impl Default for TableSettings {
    fn default() -> Self {
        Self {
            table_offset: 0x8000,
            primary_bootloader_offset: None,
            recovery_bootloader_offset: None,
            extra: ExtraSubtypes::default(),
        }
    }
}

impl TableSettings {
    /// First offset behind the table, where the first partition may start.
    pub const fn first_usable(&self) -> u32 {
        self.table_offset.saturating_add(TABLE_SIZE)
    }

    /// Where the table itself lies.
    pub const fn table_region(&self) -> Region {
        Region::new(self.table_offset, TABLE_SIZE)
    }
}

/// A table that may be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionTable {
    pub settings: TableSettings,
    pub rows: Vec<Arc<Row>>,
    /// What stood around the rows in the CSV file that the table came from; `None` if it came from none.
    pub text: Option<Arc<TableText>>,
}

impl PartitionTable {
    /// Every row with the place that ESP-IDF gives it, in the order of the table. Offsets left empty follow the row
    /// before, aligned for their type; nonsense is cut to what 32 bits hold.
    pub fn layout(&self) -> Vec<Placed<'_>> {
        self.extents()
            .into_iter()
            .zip(&self.rows)
            .enumerate()
            .map(|(index, (extent, row))| Placed {
                index,
                row,
                region: extent.region(),
            })
            .collect()
    }

    /// The places by the arithmetic of `gen_esp32part.py` 1.5 (`PartitionTable.from_csv`), one for each row.
    pub fn extents(&self) -> Vec<Extent> {
        let table_offset = i64::from(self.settings.table_offset);
        let mut last_end = table_offset + i64::from(TABLE_SIZE);
        let mut extents = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let offset = match row.offset {
                Offset::At(offset) => i64::from(offset),
                Offset::Auto => self
                    .offset_from_settings(row)
                    .unwrap_or_else(|| align_up(last_end, i64::from(row.offset_unit()))),
            };
            let size = match row.size {
                Size::Bytes(size) => i64::from(size),
                Size::UpTo(end) => i64::from(end) - offset,
                Size::Auto => self.size_from_settings(row),
            };
            let extent = Extent { offset, size };
            if !row.is_primary() {
                last_end = extent.end();
            }
            extents.push(extent);
        }
        extents
    }

    /// The offset of a row whose place is a setting; `None` if it follows the row before it.
    fn offset_from_settings(&self, row: &Row) -> Option<i64> {
        match (row.kind, row.subtype) {
            (BOOTLOADER, 0) => Some(i64::from(
                self.settings.primary_bootloader_offset.unwrap_or(0),
            )),
            (BOOTLOADER, 2) => self.settings.recovery_bootloader_offset.map(i64::from),
            (PARTITION_TABLE, 0) => Some(i64::from(self.settings.table_offset)),
            _ => None,
        }
    }

    /// The size of a row that leaves it empty: a bootloader may fill the room below the table.
    fn size_from_settings(&self, row: &Row) -> i64 {
        match row.kind {
            BOOTLOADER => self
                .settings
                .primary_bootloader_offset
                .map_or(0, |bootloader| {
                    i64::from(self.settings.table_offset) - i64::from(bootloader)
                }),
            PARTITION_TABLE => i64::from(TABLE_SIZE),
            _ => 0,
        }
    }

    /// The first partition of this name, with its place.
    pub fn find(&self, name: &str) -> Option<Placed<'_>> {
        self.layout()
            .into_iter()
            .find(|placed| placed.row.name == name)
    }

    /// The partitions of this type and, if given, subtype.
    pub fn find_by_type(&self, kind: u8, subtype: Option<u8>) -> Vec<Placed<'_>> {
        let wanted = |placed: &Placed<'_>| {
            placed.row.kind == kind && subtype.is_none_or(|subtype| placed.row.subtype == subtype)
        };
        self.layout().into_iter().filter(wanted).collect()
    }

    /// The partition that says which app boots: the first of its kind, as the bootloader takes it.
    pub fn otadata(&self) -> Option<Placed<'_>> {
        self.find_by_type(DATA, Some(DATA_OTA)).into_iter().next()
    }

    /// The app that a board with erased otadata starts: the factory app, else the lowest OTA slot.
    pub fn default_boot_app(&self) -> Option<Placed<'_>> {
        let apps = self.find_by_type(APP, None);
        let factory = apps.iter().find(|placed| placed.row.subtype == 0);
        let lowest = || {
            apps.iter()
                .filter(|app| app.row.ota_slot().is_some())
                .min_by_key(|app| app.row.subtype)
        };
        factory.or_else(lowest).copied()
    }

    /// Where the last partition ends, in bytes from the start of the flash; the end of the table if there is none.
    pub fn end(&self) -> u64 {
        let first_usable = u64::from(self.settings.first_usable());
        self.layout()
            .iter()
            .map(|placed| placed.region.end())
            .fold(first_usable, u64::max)
    }
}

/// The next multiple of `unit` that is not below `value`.
fn align_up(value: i64, unit: i64) -> i64 {
    match value.rem_euclid(unit) {
        0 => value,
        rest => value.saturating_add(unit - rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, kind: u8, subtype: u8, offset: Offset, size: Size) -> Arc<Row> {
        Arc::new(Row {
            name: name.to_owned(),
            kind,
            subtype,
            offset,
            size,
            flags: 0,
            spelling: None,
        })
    }

    fn table(rows: Vec<Arc<Row>>) -> PartitionTable {
        PartitionTable {
            rows,
            ..PartitionTable::default()
        }
    }

    #[track_caller]
    fn check(rows: Vec<Arc<Row>>, expected: &[(u32, u32)]) {
        let table = table(rows);
        let places: Vec<_> = table
            .layout()
            .iter()
            .map(|placed| (placed.region.offset, placed.region.size))
            .collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn empty_offsets_follow_and_are_aligned_for_their_type() {
        check(
            vec![
                row("first", APP, 0, Offset::Auto, Size::Bytes(0x10_0000)),
                row("second", DATA, 0x15, Offset::Auto, Size::Bytes(0x10_0000)),
                row("mini", DATA, 0x40, Offset::Auto, Size::Bytes(0x8000)),
                row("other", APP, 0, Offset::Auto, Size::Bytes(0x10_0000)),
            ],
            &[
                (0x1_0000, 0x10_0000),
                (0x11_0000, 0x10_0000),
                (0x21_0000, 0x8000),
                (0x22_0000, 0x10_0000),
            ],
        );
    }

    #[test]
    fn a_size_up_to_an_offset_is_what_is_left() {
        check(
            vec![
                row("first", APP, 0, Offset::At(0x1_0000), Size::UpTo(0x20_0000)),
                row("second", DATA, 0x15, Offset::Auto, Size::Bytes(0x10_0000)),
            ],
            &[(0x1_0000, 0x1F_0000), (0x20_0000, 0x10_0000)],
        );
    }

    #[test]
    fn bootloader_and_table_rows_come_from_the_settings() {
        let rows = vec![
            row("bootloader", BOOTLOADER, 0, Offset::Auto, Size::Auto),
            row(
                "partition_table",
                PARTITION_TABLE,
                0,
                Offset::Auto,
                Size::Auto,
            ),
            row("FactoryApp", APP, 0, Offset::Auto, Size::Bytes(0x10_0000)),
            row("OtaBTLDR", BOOTLOADER, 1, Offset::Auto, Size::Auto),
            row("OtaPrtTable", PARTITION_TABLE, 1, Offset::Auto, Size::Auto),
            row("RecoveryBTLDR", BOOTLOADER, 2, Offset::Auto, Size::Auto),
        ];
        let mut table = table(rows);
        table.settings = TableSettings {
            table_offset: 0x9000,
            primary_bootloader_offset: Some(0x1000),
            recovery_bootloader_offset: Some(0x20_0000),
            ..TableSettings::default()
        };
        let places: Vec<_> = table
            .layout()
            .iter()
            .map(|placed| (placed.region.offset, placed.region.size))
            .collect();
        assert_eq!(
            places,
            [
                (0x1000, 0x8000),
                (0x9000, 0x1000),
                (0x1_0000, 0x10_0000),
                (0x11_0000, 0x8000),
                (0x11_8000, 0x1000),
                (0x20_0000, 0x8000),
            ]
        );
    }

    #[test]
    fn nonsense_is_cut_and_never_panics() {
        check(
            vec![
                row("a", APP, 0, Offset::At(u32::MAX), Size::Bytes(u32::MAX)),
                row("b", DATA, 0, Offset::Auto, Size::UpTo(0)),
                row("c", DATA, 0, Offset::Auto, Size::Auto),
            ],
            &[(u32::MAX, u32::MAX), (u32::MAX, 0), (0, 0)],
        );
    }

    #[test]
    fn default_boot_is_the_factory_app_else_the_lowest_slot() {
        let slots = vec![
            row("ota_1", APP, 0x11, Offset::Auto, Size::Bytes(0x1_0000)),
            row("ota_0", APP, 0x10, Offset::Auto, Size::Bytes(0x1_0000)),
        ];
        assert_eq!(
            table(slots.clone()).default_boot_app().unwrap().row.name,
            "ota_0"
        );
        let mut with_factory = slots;
        with_factory.push(row("main", APP, 0, Offset::Auto, Size::Bytes(0x1_0000)));
        assert_eq!(
            table(with_factory).default_boot_app().unwrap().row.name,
            "main"
        );
        assert!(PartitionTable::default().default_boot_app().is_none());
    }
}
