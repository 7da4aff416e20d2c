//! Which partitions a plan lies in: the table that is in force once the plan is carried out, reduced to what a write
//! is checked against.

use std::sync::Arc;

use super::partition_table::{PartitionTable, TableSettings};
use super::region::Region;

/// A partition by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanPartition {
    pub name: String,
    pub kind: u8,
    pub subtype: u8,
    pub region: Region,
}

/// The partitions around a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanLayout {
    /// Where the table itself lies.
    pub settings: TableSettings,
    /// Empty when no table is known.
    pub partitions: Arc<[PlanPartition]>,
}

impl PlanLayout {
    /// The places of a table.
    pub fn of(table: &PartitionTable) -> Self {
        let layout = table.layout();
        let partitions = layout.iter().map(|placed| PlanPartition {
            name: placed.row.name.clone(),
            kind: placed.row.kind,
            subtype: placed.row.subtype,
            region: placed.region,
        });
        Self {
            settings: table.settings,
            partitions: partitions.collect(),
        }
    }

    /// The partition in which this byte of the flash lies.
    pub fn at(&self, offset: u32) -> Option<&PlanPartition> {
        let byte = Region::new(offset, 1);
        let mut partitions = self.partitions.iter();
        partitions.find(|partition| partition.region.contains(byte))
    }
}
