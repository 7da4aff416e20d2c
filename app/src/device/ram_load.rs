//! Loads a program into a chip's RAM through its loader and starts it. The ROM loader and the stub take the same
//! commands.
//!
//! Each block is begun and sent by itself, so that one that was damaged on its way is simply sent again: nothing that
//! is in RAM but was not started does any harm.

use std::time::Duration;

use espflash::command::Command;

use super::exchange::{Exchange, Failure};

/// Bytes of one block; the C3's ROM has room for this much.
const BLOCK: usize = 0x1800;
/// Bytes of one block after one was lost.
const SMALL_BLOCK: usize = 0x400;
/// How often a block is sent before loading fails.
const TRIES: usize = 8;

/// Sends every segment (address and bytes), then jumps to `entry`. `time` bounds each answer, `scale` multiplies the
/// waiting after a failure.
pub(super) fn send(
    exchange: &mut Exchange,
    segments: &[(u32, &[u8])],
    entry: u32,
    time: Duration,
    scale: f64,
) -> Result<(), Failure> {
    let mut block = BLOCK;
    for (addr, bytes) in segments {
        let mut done = 0;
        let mut tries = 0;
        while done < bytes.len() {
            let data = &bytes[done..bytes.len().min(done + block)];
            match send_block(exchange, addr + done as u32, data, time) {
                Ok(()) => {
                    done += data.len();
                    tries = 0;
                }
                Err(failure @ Failure::Gone(_)) => return Err(failure),
                Err(failure) => {
                    tries += 1;
                    if tries >= TRIES {
                        return Err(failure);
                    }
                    block = SMALL_BLOCK;
                    exchange.resync(scale)?;
                }
            }
        }
    }
    let end = Command::MemEnd {
        no_entry: false,
        entry,
    };
    exchange.request(end, time).map(drop)
}

fn send_block(
    exchange: &mut Exchange,
    addr: u32,
    data: &[u8],
    time: Duration,
) -> Result<(), Failure> {
    let begin = Command::MemBegin {
        size: data.len().next_multiple_of(4) as u32,
        blocks: 1,
        block_size: data.len().next_multiple_of(4) as u32,
        offset: addr,
        supports_encryption: false,
    };
    exchange.request(begin, time)?;
    let block = Command::MemData {
        data,
        pad_to: 4,
        pad_byte: 0,
        sequence: 0,
    };
    exchange.request(block, time).map(drop)
}
