//! What is selected: one thing, the same in the map, the table and the contents.

use crate::model::region::Region;

/// A stretch of flash that belongs to no partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Bootloader,
    PartitionTable,
}

/// The selected thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Selection {
    #[default]
    Nothing,
    /// A row of the table, by its place.
    Row(usize),
    Free(Region),
    Reserved(Reserved),
}

impl Selection {
    /// The selected row.
    pub fn row(self) -> Option<usize> {
        match self {
            Self::Row(row) => Some(row),
            _ => None,
        }
    }
}
