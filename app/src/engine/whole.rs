//! What a region of a plan becomes on the way to the board: whole sectors, because flash is erased by sectors.

use std::ops::Range;
use std::sync::Arc;

use crate::model::region::Region;

/// A region in whole sectors, with the neighbour bytes of the board in the shared ones.
pub(super) struct Whole {
    pub(super) offset: u32,
    pub(super) bytes: Arc<Vec<u8>>,
}

impl Whole {
    pub(super) fn new(offset: u32, bytes: Vec<u8>) -> Self {
        Self {
            offset,
            bytes: Arc::new(bytes),
        }
    }

    pub(super) fn region(&self) -> Region {
        Region::new(self.offset, self.bytes.len() as u32)
    }

    /// The bytes wanted at `region`, which must lie inside.
    pub(super) fn part(&self, region: Region) -> &[u8] {
        &self.bytes[self.range(region)]
    }

    /// Where these bytes are.
    pub(super) fn range(&self, region: Region) -> Range<usize> {
        let start = (region.offset - self.offset) as usize;
        start..start + region.size as usize
    }
}
