//! Loads a program into a chip's RAM through its loader and starts it. The ROM loader and the stub take the same
//! commands.

use std::time::Duration;

use espflash::Error;
use espflash::command::Command;
use espflash::connection::Connection;

/// Bytes of one block; the C3's ROM has room for this much.
const BLOCK: usize = 0x1800;

/// Sends every segment (address and bytes), then jumps to `entry`. `time` bounds each answer.
pub(super) fn send(
    connection: &mut Connection,
    segments: &[(u32, &[u8])],
    entry: u32,
    time: Duration,
) -> Result<(), Error> {
    for (addr, bytes) in segments {
        let begin = Command::MemBegin {
            size: bytes.len() as u32,
            blocks: bytes.len().div_ceil(BLOCK) as u32,
            block_size: BLOCK as u32,
            offset: *addr,
            supports_encryption: false,
        };
        connection.with_timeout(time, |connection| connection.command(begin))?;
        for (sequence, data) in bytes.chunks(BLOCK).enumerate() {
            let block = Command::MemData {
                data,
                pad_to: 4,
                pad_byte: 0,
                sequence: sequence as u32,
            };
            connection.with_timeout(time, |connection| connection.command(block))?;
        }
    }
    let end = Command::MemEnd {
        no_entry: false,
        entry,
    };
    connection.with_timeout(time, |connection| connection.command(end))?;
    Ok(())
}
