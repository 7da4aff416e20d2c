//! A session's writing: one zlib stream over one region, in blocks that are already packed.
//!
//! Nothing is proven by it, and nothing is repeated: the stub answers a block before it programs it, so an error may
//! belong to the block before. Whoever asked finds out by digests where to go on.

use espflash::command::Command;

use super::error::DeviceError;
use super::session::{Go, Session};
use crate::model::cost::{Part, Work};
use crate::model::region::{BLOCK, Region};

/// A piece of a zlib stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamBlock {
    pub bytes: Vec<u8>,
    /// Bytes of flash that the chip has unpacked after it.
    pub unpacked: u64,
}

impl Session {
    /// Erases and writes the whole sectors of `region` with what `blocks` unpack to, which must be just as many bytes.
    /// No block may be longer than `block_size`. `sent` hears how many bytes of flash are with the board and returns
    /// whether to go on; stopping leaves everything before the last block written.
    pub fn write(
        &mut self,
        region: Region,
        block_size: u32,
        blocks: &mut dyn Iterator<Item = StreamBlock>,
        sent: &mut dyn FnMut(u64) -> Go,
    ) -> Result<(), DeviceError> {
        let begin = Command::FlashDeflBegin {
            size: region.size,
            // The stub takes as many as come; it counts the bytes of flash.
            blocks: region.size.div_ceil(block_size),
            block_size,
            offset: region.offset,
            supports_encryption: false,
        };
        let erase_unit = Work::erase(Region::new(0, BLOCK)) + Work::erase(Region::new(0, 1));
        let time = self.patience_for(erase_unit.time(Part::SLOW));
        self.command(begin, time, "writing", region.offset)?;
        // An answer waits until the block before is programmed, and what that needed erased.
        let (mut before, mut done) = (0, 0);
        for (sequence, block) in (0..).zip(blocks) {
            let open = Region::new(region.offset, (block.unpacked - before) as u32);
            let work = Work::program(open) + Work::erase(open) + erase_unit;
            let wire = self.link().carry(block.bytes.len() as u64);
            let time = self.patience_for(work.time(Part::SLOW) + wire);
            let command = Command::FlashDeflData {
                data: &block.bytes,
                pad_to: 0,
                pad_byte: 0xFF,
                sequence,
            };
            let offset = region.offset + done as u32;
            self.command(command, time, "writing", offset)?;
            (before, done) = (done, block.unpacked);
            if sent(done) == Go::Stop {
                return Err(DeviceError::Cancelled);
            }
        }
        Ok(())
    }

    /// Ends a write whose digest will not be asked: tells whether every byte came, and what became of the last block.
    pub fn end_write(&mut self, region: Region) -> Result<(), DeviceError> {
        let time =
            self.patience_for((Work::program(region) + Work::erase(region)).time(Part::SLOW));
        let end = Command::FlashDeflEnd { reboot: false };
        self.command(end, time, "writing", region.offset).map(drop)
    }
}
