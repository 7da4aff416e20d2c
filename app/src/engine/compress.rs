//! Packs what is about to be sent, on a thread of its own, a block ahead of the wire.
//!
//! One zlib stream per run of sectors. The first block is ready after the first few thousand bytes, so that packing
//! never delays it noticeably; a run that packs extremely well is cut into blocks all the same, so that progress and
//! cancelling stay fine-grained and the chip never unpacks for long before it answers. Nothing here knows of boards.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::{Compress, Compression, FlushCompress, Status};

use super::worker::spawn_named;
use crate::device::session::{DataBlock, UNPACKED_MAX};
use crate::model::region::SECTOR;

/// Blocks that are packed ahead.
const AHEAD: usize = 4;

/// The blocks of one stream, as they become ready.
pub(super) struct Packing(Receiver<DataBlock>);

impl Packing {
    /// Starts to pack a range of `bytes` into blocks of `block` bytes. Dropping the blocks ends the thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        bytes: Arc<Vec<u8>>,
        range: Range<usize>,
        block: usize,
    ) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(AHEAD);
        spawn_named("packing", move || {
            pack(&bytes[range], block, &mut |block| send(&sender, block));
        })?;
        Ok(Self(receiver))
    }
}

impl Iterator for Packing {
    type Item = DataBlock;

    fn next(&mut self) -> Option<DataBlock> {
        self.0.recv().ok()
    }
}

/// Whether anybody still wants more.
fn send(sender: &SyncSender<DataBlock>, block: DataBlock) -> bool {
    sender.send(block).is_ok()
}

/// Packs a few bytes at once.
pub(super) fn blocks(bytes: &[u8], block: u32) -> Vec<DataBlock> {
    let mut blocks = Vec::new();
    pack(bytes, block as usize, &mut |block| {
        blocks.push(block);
        true
    });
    blocks
}

/// The same bytes as they are, in blocks of `block` bytes; those behind the first `taken`.
pub(super) fn plain(bytes: &[u8], taken: u64, block: u32) -> impl Iterator<Item = DataBlock> {
    let mut unpacked = taken;
    bytes[taken as usize..]
        .chunks(block as usize)
        .map(move |bytes| {
            unpacked += bytes.len() as u64;
            DataBlock {
                bytes: bytes.to_vec(),
                unpacked,
            }
        })
}

/// Whether less than half is left of these bytes when they are packed.
pub(super) fn packs_to_half(bytes: &[u8]) -> bool {
    let packed: usize = blocks(bytes, SECTOR)
        .iter()
        .map(|block| block.bytes.len())
        .sum();
    2 * packed < bytes.len()
}

/// Packs `bytes` into one zlib stream and gives it on in blocks of at most `block` bytes, until `give` wants no more.
pub fn pack(bytes: &[u8], block: usize, give: &mut dyn FnMut(DataBlock) -> bool) {
    // Level 6: level 9 takes three times as long for less than 1 % of size.
    let mut encoder = Compress::new(Compression::new(6), true);
    let mut out = vec![0; block];
    let (mut filled, mut given) = (0, 0);
    loop {
        let read = encoder.total_in() as usize;
        let until = bytes.len().min(given + UNPACKED_MAX as usize);
        let flush = match (until == bytes.len(), read == until) {
            (true, _) => FlushCompress::Finish,
            (false, true) => FlushCompress::Sync,
            (false, false) => FlushCompress::None,
        };
        let before = encoder.total_out();
        let status = encoder.compress(&bytes[read..until], &mut out[filled..], flush);
        filled += (encoder.total_out() - before) as usize;
        let ended = match status {
            Ok(status) => status == Status::StreamEnd,
            // Packing bytes in memory cannot fail; a stream without its end is found by the digest at the latest.
            Err(_) => true,
        };
        let synced = flush == FlushCompress::Sync && filled < block;
        if filled == block || synced || ended {
            let bytes_out = out[..filled].to_vec();
            let unpacked = encoder.total_in();
            given = unpacked as usize;
            filled = 0;
            let block = DataBlock {
                bytes: bytes_out,
                unpacked,
            };
            if !give(block) || ended {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn text(len: usize) -> Vec<u8> {
        (0..len as u32)
            .flat_map(|at| (at.wrapping_mul(at) % 977).to_string().into_bytes())
            .take(len)
            .collect()
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut seed = 1u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn the_blocks_are_one_stream_of_these_bytes() {
        for bytes in [
            text(1),
            text(0x1000),
            text(300_000),
            noise(100_000),
            vec![0xFF; 1 << 20],
        ] {
            for block in [0x400_u32, 0x4000] {
                let blocks = blocks(&bytes, block);
                let stream: Vec<u8> = blocks
                    .iter()
                    .flat_map(|block| block.bytes.clone())
                    .collect();
                let mut back = Vec::new();
                flate2::read::ZlibDecoder::new(&stream[..])
                    .read_to_end(&mut back)
                    .unwrap();
                assert_eq!(back, bytes);
                assert!(
                    blocks
                        .iter()
                        .all(|packed| packed.bytes.len() <= block as usize)
                );
                assert_eq!(blocks.last().unwrap().unpacked, bytes.len() as u64);
            }
        }
    }

    #[test]
    fn plain_blocks_are_the_bytes_themselves() {
        let bytes = text(0x1003);
        let blocks: Vec<_> = plain(&bytes, 0, 0x400).collect();
        assert_eq!(blocks.len(), 5);
        assert_eq!(blocks[3].unpacked, 0x1000);
        assert_eq!(blocks[4].unpacked, 0x1003);
        let joined: Vec<u8> = blocks.into_iter().flat_map(|block| block.bytes).collect();
        assert_eq!(joined, bytes);
        let rest: Vec<_> = plain(&bytes, 0x800, 0x1000).collect();
        assert_eq!((rest.len(), rest[0].unpacked), (1, 0x1003));
        assert_eq!(rest[0].bytes, bytes[0x800..]);
    }

    #[test]
    fn text_is_worth_packing_and_noise_is_not() {
        assert!(packs_to_half(&text(0x1_0000)));
        assert!(!packs_to_half(&noise(0x1_0000)));
    }

    #[test]
    fn no_block_unpacks_to_more_than_the_limit() {
        let blocks = blocks(&vec![0xFF; 1 << 20], 0x4000);
        let mut before = 0;
        for block in &blocks {
            assert!(block.unpacked - before <= u64::from(UNPACKED_MAX));
            before = block.unpacked;
        }
        assert!(blocks.len() >= 8, "{}", blocks.len());
    }

    #[test]
    fn packing_stops_when_nobody_wants_more() {
        let mut count = 0;
        pack(&noise(0x10_0000), 0x1000, &mut |_| {
            count += 1;
            count < 3
        });
        assert_eq!(count, 3);
    }

    #[test]
    fn a_thread_packs_the_same() {
        let bytes = Arc::new(text(200_000));
        let packing = Packing::start(Arc::clone(&bytes), 0x1000..0x2_0000, 0x1000).unwrap();
        assert_eq!(
            packing.collect::<Vec<_>>(),
            blocks(&bytes[0x1000..0x2_0000], 0x1000)
        );
    }
}
