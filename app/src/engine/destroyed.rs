//! What an erase destroys, in words, before it is done: decided from the board's table, shown by the window and by the
//! command line.

use crate::engine::plan::TABLE;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::PartitionTable;
use crate::model::region::Region;

/// Everything that a region holds of: partitions by name, the table itself. `None`: the board's table is not known,
/// and nothing can be said.
pub fn destroyed(region: Region, table: Option<&PartitionTable>) -> Option<Vec<String>> {
    let table = table?;
    let mut lines = Vec::new();
    if region.overlaps(table.settings.table_region()) {
        lines.push(format!(
            "the {TABLE} at {}: the board no longer finds its partitions",
            hex(table.settings.table_offset)
        ));
    }
    for placed in table.layout() {
        let Some(shared) = region.intersection(placed.region) else {
            continue;
        };
        let name = placed.row.shown_name();
        let place = format!(
            "{} at {}",
            human_size(u64::from(shared.size)),
            hex(shared.offset)
        );
        lines.push(if shared == placed.region {
            format!("all of {name}: {place}")
        } else {
            format!("a part of {name}: {place}")
        });
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::project_file;

    #[test]
    fn partitions_and_the_table_are_named() {
        let table = project_file::sample().table;
        let all = destroyed(Region::new(0, 0x40_0000), Some(&table)).unwrap();
        assert!(
            all[0].starts_with("the partition table at 0x8000"),
            "{all:?}"
        );
        assert!(
            all.contains(&"all of bin: 1 MiB at 0x300000".to_owned()),
            "{all:?}"
        );
        let part = destroyed(Region::new(0x30_0000, 0x1000), Some(&table)).unwrap();
        assert_eq!(part, ["a part of bin: 4 KiB at 0x300000"]);
        assert_eq!(
            destroyed(Region::new(0, 0x1000), Some(&table)),
            Some(Vec::new())
        );
        assert_eq!(destroyed(Region::new(0, 0x1000), None), None);
    }
}
