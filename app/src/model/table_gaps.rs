//! What lies between the partitions: free space, and what is reserved for the bootloader and the table itself.
//! For the map, and for finding room.

use super::chip::Chip;
use super::partition_table::PartitionTable;
use super::region::Region;

/// What a stretch of flash without a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Area {
    /// In front of the bootloader, where some chips keep keys.
    Reserved,
    /// The second-stage bootloader may fill all of it.
    Bootloader,
    /// The partition table.
    Table,
    Free,
}

/// A stretch of flash without a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub area: Area,
    pub region: Region,
}

/// Everything that no partition covers, in order. Without a flash size nothing behind the last partition is free.
pub fn gaps(table: &PartitionTable, flash_size: Option<u32>, chip: Option<Chip>) -> Vec<Gap> {
    let settings = &table.settings;
    let bootloader = settings
        .primary_bootloader_offset
        .or_else(|| chip.map(|chip| chip.facts().bootloader_offset))
        .unwrap_or(0)
        .min(settings.table_offset);
    let first_usable = settings.first_usable();
    let mut gaps = Vec::new();
    for (area, region) in [
        (Area::Reserved, Region::new(0, bootloader)),
        (
            Area::Bootloader,
            Region::new(bootloader, settings.table_offset - bootloader),
        ),
        (Area::Table, settings.table_region()),
    ] {
        if region.size > 0 {
            gaps.push(Gap { area, region });
        }
    }
    gaps.extend(
        free_regions(table, flash_size)
            .into_iter()
            .map(|region| Gap {
                area: Area::Free,
                region,
            }),
    );
    // A table in the middle of nowhere is not hidden: what it and the bootloader cover is no free space.
    gaps.retain(|gap| gap.area != Area::Free || gap.region.offset >= first_usable);
    gaps
}

/// The regions behind the table that no partition covers, in order.
pub fn free_regions(table: &PartitionTable, flash_size: Option<u32>) -> Vec<Region> {
    let mut taken: Vec<Region> = table
        .layout()
        .iter()
        .map(|placed| placed.region)
        .filter(|region| region.size > 0)
        .collect();
    taken.sort_unstable();
    let mut free = Vec::new();
    let mut end = u64::from(table.settings.first_usable());
    let mut push = |from: u64, to: u64| {
        if from < to
            && let (Ok(from), Ok(size)) = (u32::try_from(from), u32::try_from(to - from))
        {
            free.push(Region::new(from, size));
        }
    };
    for region in taken {
        let start = flash_size.map_or(u64::from(region.offset), |size| {
            u64::from(region.offset.min(size))
        });
        push(end, start);
        end = end.max(region.end());
    }
    if let Some(flash_size) = flash_size {
        push(end, u64::from(flash_size));
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::partition_table::{Offset, Row, Size};
    use std::sync::Arc;

    fn table(regions: &[(u32, u32)]) -> PartitionTable {
        let row = |(index, (offset, size)): (usize, &(u32, u32))| {
            Arc::new(Row {
                name: format!("p{index}"),
                kind: 1,
                subtype: 6,
                offset: Offset::At(*offset),
                size: Size::Bytes(*size),
                flags: 0,
                spelling: None,
            })
        };
        PartitionTable {
            rows: regions.iter().enumerate().map(row).collect(),
            ..PartitionTable::default()
        }
    }

    #[test]
    fn everything_is_a_partition_a_gap_or_reserved() {
        let table = table(&[(0x9000, 0x6000), (0x1_0000, 0x10_0000)]);
        let gaps = gaps(&table, Some(0x20_0000), Some(Chip::Esp32));
        let expected = [
            (Area::Reserved, 0, 0x1000),
            (Area::Bootloader, 0x1000, 0x7000),
            (Area::Table, 0x8000, 0x1000),
            (Area::Free, 0xF000, 0x1000),
            (Area::Free, 0x11_0000, 0xF_0000),
        ];
        let found: Vec<_> = gaps
            .iter()
            .map(|gap| (gap.area, gap.region.offset, gap.region.size))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn overlaps_and_partitions_beyond_the_flash_leave_no_false_gap() {
        let table = table(&[
            (0x9000, 0x7000),
            (0xA000, 0x1000),
            (0x40_0000, 0x1000),
            (u32::MAX, u32::MAX),
        ]);
        assert_eq!(
            free_regions(&table, Some(0x20_0000)),
            [Region::new(0x1_0000, 0x1F_0000)]
        );
        assert_eq!(free_regions(&table, None).len(), 2);
    }
}
