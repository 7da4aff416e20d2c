//! What this open session has itself proven about the board's flash, sector by sector.
//!
//! Inside an open session nothing else can have written the flash, so what was verified need not be asked again. The
//! knowledge ends with the session: at any timeout, re-open or reset it is dropped as a whole.

use std::collections::BTreeMap;

use device_agent::crc::{Digests, Sums};
use md5::{Digest as _, Md5};

use crate::device::agent_client::SectorDigest;
use crate::model::region::{Region, SECTOR};

/// Digests of whole sectors by their offset.
#[derive(Debug, Default)]
pub(super) struct Proven(BTreeMap<u32, Known>);

/// A digest that the board gave.
#[derive(Clone, Copy, Debug)]
enum Known {
    Md5([u8; 16]),
    /// The agent's two sums of mapped flash.
    Sums(SectorDigest),
}

impl Known {
    fn fits(self, bytes: &[u8]) -> bool {
        match self {
            Self::Md5(digest) => digest == <[u8; 16]>::from(Md5::digest(bytes)),
            Self::Sums(digest) => digest == sums(bytes),
        }
    }
}

/// The sums that the agent would compute of these bytes.
fn sums(bytes: &[u8]) -> SectorDigest {
    let mut digests = Digests::new();
    let mut sums = Sums::new();
    digests.update(&mut sums, bytes);
    SectorDigest {
        crc32: sums.zlib(),
        crc32c: sums.castagnoli(),
    }
}

impl Proven {
    /// A digest has just shown that the board holds `bytes` at `region`, which is made of whole sectors.
    pub(super) fn learn(&mut self, region: Region, bytes: &[u8]) {
        for (index, sector) in bytes.chunks_exact(SECTOR as usize).enumerate() {
            let offset = region.offset + index as u32 * SECTOR;
            self.0
                .insert(offset, Known::Md5(Md5::digest(sector).into()));
        }
    }

    /// The agent has told the sums of the sectors of `region`, in order.
    pub(super) fn learn_sums(&mut self, region: Region, digests: &[SectorDigest]) {
        for (index, digest) in digests.iter().enumerate() {
            self.0
                .insert(region.offset + index as u32 * SECTOR, Known::Sums(*digest));
        }
    }

    /// Bytes of a region of whole sectors of which nothing is known.
    pub(super) fn unknown_bytes(&self, region: Region) -> u64 {
        let end = u32::try_from(region.end()).unwrap_or(u32::MAX);
        let known = self.0.range(region.offset..end).count() as u64;
        u64::from(region.size).saturating_sub(known * u64::from(SECTOR))
    }

    /// The flash there is about to change.
    pub(super) fn forget(&mut self, region: Region) {
        let sectors = region.sectors();
        let end = u32::try_from(sectors.end()).unwrap_or(u32::MAX);
        let gone: Vec<u32> = self
            .0
            .range(sectors.offset..end)
            .map(|(offset, _)| *offset)
            .collect();
        for offset in gone {
            self.0.remove(&offset);
        }
    }

    /// The session is over.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the contents of the sector at `offset` are known.
    pub(super) fn knows(&self, offset: u32) -> bool {
        self.0.contains_key(&offset)
    }

    /// Whether the sector at `offset` holds `bytes`, if that is known.
    pub(super) fn holds(&self, offset: u32, bytes: &[u8]) -> Option<bool> {
        self.0.get(&offset).map(|known| known.fits(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_sums_are_compared_with_the_same_sums() {
        let mut proven = Proven::default();
        let (a, b) = (vec![1; SECTOR as usize], vec![2; SECTOR as usize]);
        proven.learn_sums(Region::new(0x4000, 0x2000), &[sums(&a), sums(&b)]);
        assert_eq!(proven.holds(0x4000, &a), Some(true));
        assert_eq!(proven.holds(0x5000, &a), Some(false));
        assert_eq!(proven.unknown_bytes(Region::new(0x3000, 0x4000)), 0x2000);
        // The check value of both sums: the digits 1 to 9.
        assert_eq!(
            sums(b"123456789"),
            SectorDigest {
                crc32: 0xCBF4_3926,
                crc32c: 0xE306_9283
            }
        );
    }

    #[test]
    fn knows_what_it_learned_until_it_is_forgotten() {
        let mut proven = Proven::default();
        let bytes = vec![7; 3 * SECTOR as usize];
        proven.learn(Region::new(0x1000, 0x3000), &bytes);
        assert_eq!(proven.holds(0x2000, &bytes[..0x1000]), Some(true));
        assert_eq!(proven.holds(0x2000, &[8; 0x1000]), Some(false));
        assert_eq!(proven.holds(0x4000, &bytes[..0x1000]), None);
        // One byte of a sector is enough to lose it.
        proven.forget(Region::new(0x2FFF, 1));
        assert_eq!(proven.holds(0x2000, &bytes[..0x1000]), None);
        assert_eq!(proven.holds(0x3000, &bytes[..0x1000]), Some(true));
    }
}
