//! A stretch of flash, and the only arithmetic on flash offsets.

use serde::{Deserialize, Serialize};

/// Smallest unit that NOR flash erases, in bytes.
pub const SECTOR: u32 = 0x1000;
/// Unit of the fast erase command and of the chip's MMU page, in bytes.
pub const BLOCK: u32 = 0x1_0000;

/// `size` bytes of flash that start at `offset`, both in bytes from the start of the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Region {
    /// First byte, from the start of the flash.
    pub offset: u32,
    /// Bytes occupied; may be 0.
    pub size: u32,
}

impl Region {
    /// A region from its first byte and its size.
    pub const fn new(offset: u32, size: u32) -> Self {
        Self { offset, size }
    }

    /// One past the last byte. 64 bits wide, because a wrong table may reach past 4 GiB.
    pub const fn end(self) -> u64 {
        self.offset as u64 + self.size as u64
    }

    /// Whether the two share at least one byte.
    pub const fn overlaps(self, other: Self) -> bool {
        self.size > 0
            && other.size > 0
            && (self.offset as u64) < other.end()
            && (other.offset as u64) < self.end()
    }

    /// Whether all of `other` lies inside this region.
    pub const fn contains(self, other: Self) -> bool {
        other.offset >= self.offset && other.end() <= self.end()
    }

    /// Whether offset and size are both multiples of `unit`.
    pub const fn is_aligned(self, unit: u32) -> bool {
        self.offset.is_multiple_of(unit) && self.size.is_multiple_of(unit)
    }

    /// The smallest region of whole sectors that covers this one; it stops at the last sector below 4 GiB.
    #[must_use]
    pub fn sectors(self) -> Self {
        let offset = self.offset - self.offset % SECTOR;
        let end = self.end().div_ceil(u64::from(SECTOR)) * u64::from(SECTOR);
        let size = (end - u64::from(offset)).min(u64::from(u32::MAX - (SECTOR - 1)));
        Self::new(offset, size as u32)
    }

    /// The shared part, if there is one.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let offset = self.offset.max(other.offset);
        let end = self.end().min(other.end());
        (u64::from(offset) < end).then(|| Self::new(offset, (end - u64::from(offset)) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_do_not_overlap() {
        assert!(!Region::new(0, 0x1000).overlaps(Region::new(0x1000, 1)));
        assert!(Region::new(0, 0x1001).overlaps(Region::new(0x1000, 1)));
        assert!(!Region::new(5, 0).overlaps(Region::new(0, 10)));
    }

    #[test]
    fn sectors_round_outwards() {
        assert_eq!(
            Region::new(0x1234, 1).sectors(),
            Region::new(0x1000, 0x1000)
        );
        assert_eq!(
            Region::new(0x1FFF, 2).sectors(),
            Region::new(0x1000, 0x2000)
        );
        assert_eq!(Region::new(0x1000, 0).sectors(), Region::new(0x1000, 0));
        assert!(Region::new(u32::MAX, u32::MAX).sectors().is_aligned(SECTOR));
    }

    #[test]
    fn intersection_of_distant_regions_is_none() {
        let a = Region::new(0x1000, 0x1000);
        assert_eq!(
            a.intersection(Region::new(0x1800, 0x1000)),
            Some(Region::new(0x1800, 0x800))
        );
        assert_eq!(a.intersection(Region::new(0x2000, 0x1000)), None);
    }
}
