//! The MMU table and the partition table, as the agent sees them.

use device_agent::error::Error as Fault;
use device_agent::mmu::{CODE_BUS, DATA_BUS, PAGE_SIZE};
use device_agent::reply::{InfoFlags, MapHeader};
use device_agent::request::MapAction;

use super::super::agent_answer::{Mapping, MmuEntry, MmuTable};
use super::super::error::DeviceError;
use super::AgentSession;

impl AgentSession {
    /// The MMU table, after `mapping` was done to it.
    pub fn map(&mut self, mapping: Mapping) -> Result<MmuTable, DeviceError> {
        let action = match mapping {
            Mapping::AsItIs => MapAction::Report,
            Mapping::All => MapAction::All,
            Mapping::Released => MapAction::Release,
        };
        let map = self
            .client
            .map(action)
            .map_err(|error| self.failed(error))?;
        let entries = (0..).zip(map.entries);
        Ok(MmuTable {
            page_size: PAGE_SIZE,
            free: map.header.free,
            own: map.header.own,
            sliding: map.header.flags.has(InfoFlags::SLIDING),
            entries: entries.map(|(index, word)| entry(index, word)).collect(),
        })
    }

    /// The rows of the board's partition table as stored, 32 bytes each; `None` when there is no table there.
    pub fn table(&mut self) -> Result<Option<Vec<u8>>, DeviceError> {
        match self.client.table(self.table_offset) {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if error.fault() == Some(Fault::NoTable) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }
}

fn entry(index: u16, word: u16) -> MmuEntry {
    let shows = word & MapHeader::INVALID == 0;
    let page = u32::from(word & MapHeader::PAGE);
    let seen = u32::from(index) * PAGE_SIZE;
    MmuEntry {
        index,
        flash_offset: shows.then_some(page * PAGE_SIZE),
        own: word & MapHeader::OWN != 0,
        vaddr: DATA_BUS + seen,
        vaddr_code: CODE_BUS + seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_what_it_shows_and_where() {
        let taken = entry(5, MapHeader::OWN | 0x30);
        assert_eq!(taken.flash_offset, Some(0x30_0000));
        assert!(taken.own);
        assert_eq!((taken.vaddr, taken.vaddr_code), (0x3C05_0000, 0x4205_0000));
        assert_eq!(entry(5, MapHeader::INVALID | 0x03).flash_offset, None);
    }
}
