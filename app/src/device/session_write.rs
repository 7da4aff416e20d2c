//! A session's writing: one region at a time, in blocks that are already packed or as they are.
//!
//! Nothing is proven by it, and nothing is repeated: the stub answers a block before it programs it, so an error may
//! belong to the block before. Whoever asked finds out by digests where to go on.

use espflash::command::Command;

use super::error::DeviceError;
use super::exchange::Failure;
use super::loader_error::failed;
use super::session::{Go, Session};
use crate::model::cost::{Part, Work};
use crate::model::region::{BLOCK, Region};

/// The stub's status when a write is ended before all announced bytes came, or a request has a wrong length
/// (espressif/esp-flasher-stub).
const BAD_DATA_LEN: u16 = 0xC000;
/// The same for a block whose checksum is wrong.
const BAD_CHECKSUM: u16 = 0xC100;

/// Bytes of flash that one block of a stream unpacks to at most.
pub const UNPACKED_MAX: u32 = 0x2_0000;

/// How bytes go to the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One zlib stream over all blocks. The stub programs what it unpacked when its window of 32 KiB is full or the stream
    /// ends, so of a short one that breaks nothing is left.
    Stream,
    /// As they are. What a block brought is in the flash before the next one is answered.
    Plain,
}

impl Form {
    /// The command that says that `region` comes.
    fn begin(self, region: Region, block_size: u32) -> Command<'static> {
        let Region { offset, size } = region;
        // The stub takes as many as come; it counts the bytes of flash.
        let blocks = size.div_ceil(block_size);
        let supports_encryption = false;
        match self {
            Self::Stream => Command::FlashDeflBegin {
                size,
                blocks,
                block_size,
                offset,
                supports_encryption,
            },
            Self::Plain => Command::FlashBegin {
                size,
                blocks,
                block_size,
                offset,
                supports_encryption,
            },
        }
    }

    /// The command that brings a block.
    fn data(self, data: &[u8], sequence: u32) -> Command<'_> {
        let (pad_to, pad_byte) = (0, 0xFF);
        match self {
            Self::Stream => Command::FlashDeflData {
                data,
                pad_to,
                pad_byte,
                sequence,
            },
            Self::Plain => Command::FlashData {
                data,
                pad_to,
                pad_byte,
                sequence,
            },
        }
    }

    /// The command that ends a write and stays in the stub.
    fn end(self) -> Command<'static> {
        match self {
            Self::Stream => Command::FlashDeflEnd { reboot: false },
            Self::Plain => Command::FlashEnd { reboot: false },
        }
    }
}

/// A piece of what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataBlock {
    pub bytes: Vec<u8>,
    /// Bytes of flash that the chip has received after it, unpacked.
    pub unpacked: u64,
}

/// How far the blocks of a write have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Blocks that the stub has answered.
    pub blocks: u32,
    /// Bytes of flash in them, unpacked.
    pub bytes: u64,
}

/// Whether the stub says by this that a block came damaged and that it did nothing with it. Of the blocks before it only a
/// digest tells.
pub fn was_not_taken(error: &DeviceError) -> bool {
    matches!(
        error,
        DeviceError::Refused {
            status: BAD_DATA_LEN | BAD_CHECKSUM,
            ..
        }
    )
}

impl Session {
    /// Erases and writes the whole sectors of `region` with what the blocks of a stream unpack to, which must be just as many
    /// bytes.
    pub fn write(
        &mut self,
        region: Region,
        block_size: u32,
        blocks: &mut dyn Iterator<Item = DataBlock>,
    ) -> Result<(), DeviceError> {
        self.begin_write(region, Form::Stream, block_size)?;
        let mut taken = Taken::default();
        self.send_blocks(region, Form::Stream, &mut taken, blocks, &mut |_| Go::On)
    }

    /// Says that whole sectors come, in blocks that are no longer than `block_size`. The stub has erased the first sector
    /// when it answers.
    pub fn begin_write(
        &mut self,
        region: Region,
        form: Form,
        block_size: u32,
    ) -> Result<(), DeviceError> {
        let time = self.patience_for(erase_unit().time(Part::SLOW));
        let begin = form.begin(region, block_size);
        self.command(begin, time, "writing", region.offset)
            .map(drop)
    }

    /// Sends the blocks of a write that was begun, those behind what is `taken`. `sent` hears how many bytes of flash are
    /// with the board and returns whether to go on; stopping leaves everything before the last block written.
    pub fn send_blocks(
        &mut self,
        region: Region,
        form: Form,
        taken: &mut Taken,
        blocks: &mut dyn Iterator<Item = DataBlock>,
        sent: &mut dyn FnMut(u64) -> Go,
    ) -> Result<(), DeviceError> {
        // An answer waits until the block before is programmed, and what that needed erased.
        let mut before = taken.bytes;
        for block in blocks {
            let open = Region::new(region.offset, (block.unpacked - before) as u32);
            let work = Work::program(open) + Work::erase(open) + erase_unit();
            let wire = self.link().carry(block.bytes.len() as u64);
            let time = self.patience_for(work.time(Part::SLOW) + wire);
            let command = form.data(&block.bytes, taken.blocks);
            let offset = region.offset + taken.bytes as u32;
            self.command(command, time, "writing", offset)?;
            before = taken.bytes;
            *taken = Taken {
                blocks: taken.blocks + 1,
                bytes: block.unpacked,
            };
            if sent(taken.bytes) == Go::Stop {
                return Err(DeviceError::Cancelled);
            }
        }
        Ok(())
    }

    /// Ends a write: tells whether no fewer bytes came than were announced, and what became of the last block. The command
    /// that announces them is protected by nothing, so `false` means that it was not the one that was sent. Of a stream the
    /// stub tells also when there was too much; what is too much of plain blocks it leaves out without a word.
    ///
    /// A chip whose power dipped is back in its ROM loader, which takes the end for a reason to leave. So a digest is
    /// asked before, which only the stub answers with 16 bytes.
    pub fn end_write(&mut self, region: Region, form: Form) -> Result<bool, DeviceError> {
        // What went before the last block was answered for.
        let open = Region::new(region.offset, region.size.min(UNPACKED_MAX));
        let work = Work::program(open) + Work::erase(open) + erase_unit();
        let time = self.patience_for(work.time(Part::SLOW));
        let page = Command::FlashMd5 {
            offset: region.offset,
            size: region.size.min(0x100),
        };
        let is_there = self.command(page, time, "writing", region.offset)?;
        if is_there.data.len() != 16 {
            self.disturbed = true;
            return Err(self.protocol("a digest was expected after a write".into()));
        }
        // A request that was damaged on its way has the status of an incomplete write, but only once.
        for _ in 0..2 {
            match self.exchange.request(form.end(), time) {
                Ok(_) => return Ok(true),
                Err(failure) => {
                    self.disturbed = true;
                    if !matches!(failure, Failure::Refused(BAD_DATA_LEN)) {
                        return Err(failed(&self.port, "writing", region.offset, failure));
                    }
                }
            }
        }
        Ok(false)
    }
}

/// What the stub may erase at one go.
fn erase_unit() -> Work {
    Work::erase(Region::new(0, BLOCK)) + Work::erase(Region::new(0, 1))
}
