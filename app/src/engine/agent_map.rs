//! What the chip's MMU shows, beside the partitions that the board's own table names. A board without a table still has
//! a map; its pages then have no names.

use serde::Serialize;

use crate::device::agent_answer::{Mapping, MmuEntry, MmuTable};
use crate::device::agent_session::AgentSession;
use crate::device::error::DeviceError;
use crate::formats::partition_bin;
use crate::model::region::Region;

/// The MMU table and the partitions on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardMap {
    pub mmu: MmuTable,
    /// In the order of the board's table; empty when it has none.
    pub partitions: Vec<BoardPartition>,
}

/// A row of the board's own table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardPartition {
    pub name: String,
    pub kind: u8,
    pub subtype: u8,
    pub region: Region,
}

impl BoardMap {
    /// The partitions that an entry shows a part of, in the order of the table.
    pub fn shown_by(&self, entry: &MmuEntry) -> impl Iterator<Item = &BoardPartition> {
        let page = entry
            .flash_offset
            .map(|offset| Region::new(offset, self.mmu.page_size));
        self.partitions
            .iter()
            .filter(move |partition| page.is_some_and(|page| page.overlaps(partition.region)))
    }

    /// A partition of the board by name.
    pub fn partition(&self, name: &str) -> Option<&BoardPartition> {
        self.partitions
            .iter()
            .find(|partition| partition.name == name)
    }
}

pub(super) fn run(agent: &mut AgentSession, mapping: Mapping) -> Result<BoardMap, DeviceError> {
    // First, because reading the table maps its page.
    let partitions = partitions(agent)?;
    Ok(BoardMap {
        mmu: agent.map(mapping)?,
        partitions,
    })
}

fn partitions(agent: &mut AgentSession) -> Result<Vec<BoardPartition>, DeviceError> {
    let Some(mut rows) = agent.table()? else {
        return Ok(Vec::new());
    };
    // What ends a table in flash is not part of the answer.
    rows.extend([0xFF; 32]);
    let table = partition_bin::read(&rows).table;
    Ok(table
        .layout()
        .iter()
        .map(|placed| BoardPartition {
            name: placed.row.shown_name().to_owned(),
            kind: placed.row.kind,
            subtype: placed.row.subtype,
            region: placed.region,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_shows_every_partition_of_its_page() {
        let partition = |name: &str, offset, size| BoardPartition {
            name: name.into(),
            kind: 1,
            subtype: 2,
            region: Region::new(offset, size),
        };
        let entry = |index, flash_offset| MmuEntry {
            index,
            flash_offset,
            own: true,
            vaddr: 0,
            vaddr_code: 0,
        };
        let map = BoardMap {
            mmu: MmuTable {
                page_size: 0x1_0000,
                free: 126,
                own: 2,
                sliding: false,
                entries: vec![entry(0, Some(0)), entry(1, None), entry(2, Some(0x2_0000))],
            },
            partitions: vec![
                partition("nvs", 0x9000, 0x6000),
                partition("phy", 0xF000, 0x1000),
                partition("app", 0x1_0000, 0x1_0001),
            ],
        };
        let names = |at: usize| -> Vec<&str> {
            map.shown_by(&map.mmu.entries[at])
                .map(|partition| partition.name.as_str())
                .collect()
        };
        assert_eq!(names(0), ["nvs", "phy"]);
        assert!(names(1).is_empty());
        assert_eq!(names(2), ["app"], "one byte of it is enough");
        assert!(map.partition("phy").is_some() && map.partition("x").is_none());
    }
}
