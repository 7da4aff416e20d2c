//! Partitions that a changed table moves or shrinks, with the data that the board holds in them.

use serde::Serialize;

use super::number::{hex, human_size};
use super::partition_table::{APP, DATA, PartitionTable};
use super::region::Region;
use super::table_diff;

/// A partition that the new table puts elsewhere, or makes smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedMove {
    /// Its name in the new table.
    pub name: String,
    /// Where the board has it now.
    pub from: Region,
    /// Where the new table has it.
    pub to: Region,
}

impl PlannedMove {
    /// What is read from the board and written to the new place; `None` for a partition that only shrinks.
    pub fn carried(&self) -> Option<(Region, u32)> {
        let size = self.from.size.min(self.to.size);
        (self.from.offset != self.to.offset)
            .then(|| (Region::new(self.from.offset, size), self.to.offset))
    }

    /// Bytes at its end that have no room any more.
    pub fn lost(&self) -> u32 {
        self.from.size.saturating_sub(self.to.size)
    }

    /// The bytes on the board that the new table takes away from it: all of them when it moves, else its end.
    pub fn at_stake(&self) -> Region {
        if self.from.offset == self.to.offset {
            Region::new(self.from.offset + self.to.size, self.lost())
        } else {
            self.from
        }
    }

    /// What becomes of it, as one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let size = human_size(u64::from(self.from.size));
        let mut text = if self.from.offset == self.to.offset {
            format!("{} holds data and shrinks from {size}", self.name)
        } else {
            format!(
                "{} holds data and moves from {} to {}",
                self.name,
                hex(self.from.offset),
                hex(self.to.offset)
            )
        };
        if self.lost() > 0 {
            let lost = human_size(u64::from(self.lost()));
            text = format!("{text}: its last {lost} have no place any more");
        }
        text
    }
}

/// Why it is not known which data a table leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MovesUnknown {
    /// The plan goes to several boards, which are not looked at before.
    SeveralBoards,
    /// The board's own table was not read, or not yet.
    UnreadTable,
    /// The board's own table could not be read to its end; why, as a sentence without a full stop.
    DamagedTable(String),
}

impl MovesUnknown {
    /// What is not known and why, as one sentence without a full stop.
    pub fn sentence(&self) -> String {
        match self {
            Self::SeveralBoards => {
                "Several boards are not asked one by one whether this table leaves data behind on them"
                    .to_owned()
            }
            Self::UnreadTable => {
                "Whether this table leaves data behind is not known, because the board's own table was not read"
                    .to_owned()
            }
            Self::DamagedTable(why) => format!(
                "Whether this table leaves data behind is not known for all of the board, because its own table cannot be used: {why}"
            ),
        }
    }

    /// What to do about it, as one sentence without a full stop.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::SeveralBoards => {
                "Write to each board by itself, with one --port: then it is asked"
            }
            Self::UnreadTable => {
                "Connect again, so that it is read, or back the board up first: flashpack backup"
            }
            Self::DamagedTable(_) => "Back the board up first: flashpack backup",
        }
    }
}

/// Every app or data partition that the new table moves or shrinks, those aside that `is_rewritten` says are written
/// anew anyway. Whether the board holds data in them only the board can tell.
pub fn moves(
    old: &PartitionTable,
    new: &PartitionTable,
    is_rewritten: &dyn Fn(Region) -> bool,
) -> Vec<PlannedMove> {
    let changes = table_diff::diff(old, new).into_iter();
    let moves = changes.filter_map(|change| {
        let (old, new) = (change.old.as_ref()?, change.new.as_ref()?);
        let kind = old.kind == new.kind && matches!(old.kind, APP | DATA);
        let planned = PlannedMove {
            name: new.name.clone(),
            from: old.region,
            to: new.region,
        };
        let affected = planned.carried().is_some() || planned.lost() > 0;
        (kind && affected && old.region.size > 0 && !is_rewritten(new.region)).then_some(planned)
    });
    moves.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::partition_table::{Offset, Row, Size};
    use std::sync::Arc;

    fn table(rows: &[(&str, u32, u32)]) -> PartitionTable {
        let rows = rows.iter().map(|(name, offset, size)| {
            Arc::new(Row {
                name: (*name).to_owned(),
                kind: DATA,
                subtype: 6,
                offset: Offset::At(*offset),
                size: Size::Bytes(*size),
                flags: 0,
                spelling: None,
            })
        });
        PartitionTable {
            rows: rows.collect(),
            ..PartitionTable::default()
        }
    }

    #[test]
    fn moved_and_shrunk_partitions_are_found_and_others_are_not() {
        let old = table(&[
            ("same", 0x9000, 0x1000),
            ("moved", 0xA000, 0x2000),
            ("shrunk", 0xC000, 0x4000),
            ("grown", 0x1_0000, 0x1000),
            ("gone", 0x2_0000, 0x1000),
            ("written", 0x3_0000, 0x1000),
        ]);
        let new = table(&[
            ("same", 0x9000, 0x1000),
            ("moved", 0x4_0000, 0x1000),
            ("shrunk", 0xC000, 0x1000),
            ("grown", 0x1_0000, 0x8000),
            ("new", 0x2_0000, 0x1000),
            ("written", 0x5_0000, 0x1000),
        ]);
        let found = moves(&old, &new, &|region| region.offset == 0x5_0000);
        let names: Vec<&str> = found.iter().map(|planned| planned.name.as_str()).collect();
        assert_eq!(names, ["moved", "shrunk"]);
        assert_eq!(
            found[0].carried(),
            Some((Region::new(0xA000, 0x1000), 0x4_0000))
        );
        assert_eq!(found[0].at_stake(), Region::new(0xA000, 0x2000));
        assert_eq!(found[1].carried(), None);
        assert_eq!(found[1].at_stake(), Region::new(0xD000, 0x3000));
        assert!(
            found[0]
                .sentence()
                .contains("from 0xA000 to 0x40000: its last 4 KiB")
        );
        assert!(
            found[1]
                .sentence()
                .contains("shrinks from 16 KiB: its last 12 KiB")
        );
        assert_eq!(moves(&old, &old, &|_| false), []);
    }
}
