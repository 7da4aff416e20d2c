//! Erasing a region in the largest aligned units, a unit at a time: what the ROM and the stub both do.

use super::flash::{Flash, FlashError};
use crate::model::region::{BLOCK, Region, SECTOR};

/// A region that is being erased from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasing {
    /// Where the next unit begins.
    next: u64,
    end: u64,
}

impl Erasing {
    /// All sectors that `region` touches. A region of no size inside a sector touches that sector, as in the loaders.
    pub fn new(region: Region) -> Self {
        let sector = u64::from(SECTOR);
        Self {
            next: u64::from(region.offset) / sector * sector,
            end: region.end().div_ceil(sector) * sector,
        }
    }

    /// Where the next unit begins: everything before it, back to the start, is erased.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.next >= self.end
    }

    /// Passes one sector without erasing it.
    pub fn skip_sector(&mut self) {
        self.next += u64::from(SECTOR);
    }

    /// Erases one block if it is aligned and wholly inside, else one sector.
    pub fn erase_unit(&mut self, flash: &mut Flash) -> Result<(), FlashError> {
        let offset = self.next as u32;
        if offset.is_multiple_of(BLOCK) && self.end - self.next >= u64::from(BLOCK) {
            self.next += u64::from(BLOCK);
            flash.erase_block(offset)
        } else {
            self.next += u64::from(SECTOR);
            flash.erase_sector(offset)
        }
    }

    /// Erases all that is left.
    pub fn erase_rest(&mut self, flash: &mut Flash) -> Result<(), FlashError> {
        while !self.is_done() {
            self.erase_unit(flash)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::practice::faults::Faults;
    use crate::model::cost::Work;

    #[test]
    fn erases_what_the_cost_model_says() {
        for (offset, size) in [
            (0, 0x2_0000),
            (0xF000, 0x1_2000),
            (0x1FFF, 2),
            (0x3000, 0x3000),
        ] {
            let region = Region::new(offset, size);
            let mut flash = Flash::new(vec![0; 0x10_0000], &Faults::default());
            Erasing::new(region).erase_rest(&mut flash).unwrap();
            assert_eq!(flash.take_work(), Work::erase(region), "{region:?}");
            let sectors = region.sectors();
            for (at, byte) in flash.bytes().iter().enumerate() {
                let inside = sectors.contains(Region::new(at as u32, 1));
                assert_eq!(*byte == 0xFF, inside, "{region:?} {at:#x}");
            }
        }
    }
}
