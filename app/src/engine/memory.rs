//! What was last verified on a board, by its MAC address: kept from one run of the program to the next.
//!
//! It only decides which sectors are asked about together. The board is asked about every one of them all the same:
//! another program may have written it since, and what is kept here may be lost or damaged at any time without harm.

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};

use crate::model::keep::{Keep, board_name};
use crate::model::region::{Region, SECTOR};

const MAGIC: &[u8; 4] = b"FPS1";
/// Bytes of one entry: the sector's number, and the first bytes of its MD5.
const ENTRY_LEN: usize = 4 + 8;

/// The sectors of one board.
pub(super) struct Memory {
    name: Option<String>,
    sectors: BTreeMap<u32, [u8; 8]>,
    changed: bool,
}

impl Memory {
    /// What is kept of the board with this MAC address; what cannot be read counts as nothing.
    pub(super) fn of(keep: &dyn Keep, mac: Option<&str>) -> Self {
        let name = mac.map(|mac| format!("seen-{}.bin", board_name(mac)));
        let kept = name
            .as_deref()
            .and_then(|name| keep.get(name).ok().flatten());
        let entries = kept
            .as_deref()
            .and_then(|bytes| bytes.strip_prefix(MAGIC))
            .unwrap_or_default();
        let sectors = entries.chunks_exact(ENTRY_LEN).filter_map(|entry| {
            let (number, digest) = entry.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*number), *digest.first_chunk()?))
        });
        Self {
            sectors: sectors.collect(),
            name,
            changed: false,
        }
    }

    /// Whether the board is likely to hold these bytes in this sector.
    pub(super) fn likely(&self, sector: Region, bytes: &[u8]) -> Option<bool> {
        let seen = self.sectors.get(&(sector.offset / SECTOR))?;
        Some(*seen == digest(bytes))
    }

    /// The board was shown to hold these bytes at `region`, which is made of whole sectors.
    pub(super) fn learn(&mut self, region: Region, bytes: &[u8]) {
        for (number, sector) in (region.offset / SECTOR..).zip(bytes.chunks_exact(SECTOR as usize))
        {
            let seen = digest(sector);
            self.changed |= self.sectors.insert(number, seen) != Some(seen);
        }
    }

    /// Keeps it. If that fails the next write asks in another order, so nobody needs to hear of it.
    pub(super) fn store(&self, keep: &dyn Keep) {
        let (Some(name), true) = (&self.name, self.changed) else {
            return;
        };
        let mut bytes = MAGIC.to_vec();
        for (number, digest) in &self.sectors {
            bytes.extend(number.to_le_bytes());
            bytes.extend(digest);
        }
        keep.put(name, &bytes).ok();
    }
}

fn digest(bytes: &[u8]) -> [u8; 8] {
    let digest: [u8; 16] = Md5::digest(bytes).into();
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::keep::InMemory;

    const MAC: Option<&str> = Some("60:55:F9:00:00:01");

    #[test]
    fn remembers_by_mac_and_says_only_what_is_likely() {
        let keep = InMemory::default();
        let mut memory = Memory::of(&keep, MAC);
        let bytes = [vec![1; SECTOR as usize], vec![2; SECTOR as usize]].concat();
        let region = Region::new(0x4000, 2 * SECTOR);
        memory.learn(region, &bytes);
        memory.store(&keep);
        let again = Memory::of(&keep, MAC);
        let sector = |index: u32| Region::new(0x4000 + index * SECTOR, SECTOR);
        assert_eq!(again.likely(sector(0), &[1; SECTOR as usize]), Some(true));
        assert_eq!(again.likely(sector(1), &[1; SECTOR as usize]), Some(false));
        assert_eq!(again.likely(sector(2), &[1; SECTOR as usize]), None);
        let other = Memory::of(&keep, Some("60:55:F9:00:00:02"));
        assert_eq!(other.likely(sector(0), &[1; SECTOR as usize]), None);
    }

    #[test]
    fn anything_may_be_in_the_file() {
        let keep = InMemory::default();
        for bytes in [
            &b""[..],
            b"FPS",
            b"FPS1",
            b"FPS1123",
            b"FPS2123456789012",
            &[0xFF; 40],
        ] {
            keep.put("seen-60-55-f9-00-00-01.bin", bytes).unwrap();
            let memory = Memory::of(&keep, MAC);
            assert_eq!(memory.likely(Region::new(0, SECTOR), &[0]), None);
        }
    }
}
