//! What is in the way of a partition that is moved or resized: for the figures of a drag, and for the sentence that says
//! why a step was not made.
//!
//! Only looks; how far an edit goes is decided in `table_arrange`.

use super::partition_table::PartitionTable;
use super::table_arrange::{Edge, Limits, Neighbours, nearest_multiple};
use super::table_places::{Place, places};

/// What is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// All of it, so that it starts at the wanted offset.
    Whole,
    /// One of its edges, to the wanted offset.
    Edge(Edge),
}

/// What stands in the way of row `index` when `moved` is wanted at `to`, snapped as the edit would snap it: the name of
/// the nearest partition that stays, `the partition table`, or `the end of the flash`. `None` if nothing does.
pub fn in_the_way(
    table: &PartitionTable,
    index: usize,
    moved: Moved,
    to: i64,
    limits: &Limits,
) -> Option<String> {
    let row = table.rows.get(index)?;
    let places = places(table);
    let own = *places.get(index)?;
    // In front of the flash there is nothing; the table is in the way long before.
    let to = u64::try_from(to).unwrap_or(0);
    let size_unit = u64::from(limits.size_unit(row.kind));
    let (start, end) = match moved {
        Moved::Whole => {
            let start = nearest_multiple(to, own.unit);
            (start, start + (own.end - own.start))
        }
        Moved::Edge(Edge::Start) => (nearest_multiple(to, own.unit).min(own.end), own.end),
        Moved::Edge(Edge::End) => {
            let len = nearest_multiple(to.saturating_sub(own.start), size_unit);
            (own.start, own.start + len)
        }
    };
    let nearest = places
        .iter()
        .enumerate()
        .filter(|(other, place)| *other != index && !place.fixed && place.end > place.start)
        .filter(|(_, place)| place.start < end && start < place.end)
        .min_by_key(|(_, place)| distance(&own, place));
    let first = u64::from(table.settings.first_usable());
    match nearest {
        Some((other, _)) if limits.neighbours == Neighbours::Block => {
            table.rows.get(other).map(|row| row.shown_name().to_owned())
        }
        _ if start < first && start < own.start => Some("the partition table".to_owned()),
        _ if end > limits.end() && end > own.end => Some("the end of the flash".to_owned()),
        _ => None,
    }
}

fn distance(own: &Place, other: &Place) -> u64 {
    if other.start >= own.end {
        other.start - own.end
    } else {
        own.start.saturating_sub(other.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::partition_table::{APP, DATA, Offset, Row, Size};
    use std::sync::Arc;

    fn row(name: &str, kind: u8, offset: u32, size: u32) -> Arc<Row> {
        Arc::new(Row {
            name: name.to_owned(),
            kind,
            subtype: 0,
            offset: Offset::At(offset),
            size: Size::Bytes(size),
            flags: 0,
            spelling: None,
        })
    }

    #[track_caller]
    fn check(index: usize, moved: Moved, to: i64, neighbours: Neighbours, expected: Option<&str>) {
        let table = PartitionTable {
            rows: vec![
                row("nvs", DATA, 0x9000, 0x6000),
                row("main", APP, 0x1_0000, 0x10_0000),
                row("vfs", DATA, 0x20_0000, 0x10_0000),
            ],
            ..PartitionTable::default()
        };
        let limits = Limits {
            flash_size: Some(4 << 20),
            neighbours,
            fine: false,
        };
        let found = in_the_way(&table, index, moved, to, &limits);
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn the_neighbour_that_blocks_is_named() {
        use Neighbours::{Block, Push};
        let end = Moved::Edge(Edge::End);
        let start = Moved::Edge(Edge::Start);
        check(1, end, 0x20_0000, Block, None);
        check(1, end, 0x21_0000, Block, Some("vfs"));
        check(1, end, 0x50_0000, Block, Some("vfs"));
        check(1, end, 0x21_0000, Push, None);
        check(1, end, 0x50_0000, Push, Some("the end of the flash"));
        check(1, start, 0x0, Block, Some("nvs"));
        check(0, start, -5, Block, Some("the partition table"));
        check(2, Moved::Whole, 0x18_0000, Block, None);
        check(2, Moved::Whole, 0x10_8000, Block, Some("main"));
        check(2, Moved::Whole, 0x9000, Block, Some("main"));
        check(
            2,
            Moved::Whole,
            0x38_0000,
            Block,
            Some("the end of the flash"),
        );
        check(2, Moved::Whole, 0x20_0400, Block, None);
        check(7, Moved::Whole, 0, Block, None);
    }
}
