//! The ROM's writing: it erases the whole region first, then takes blocks in their sequence, as they are or as parts of
//! one zlib stream, and programs what each brings before it is answered.

use super::erasing::Erasing;
use super::flash::{Flash, FlashError};
use super::inflate::{Corrupt, Inflater, Step};
use super::request::{self, DataBlock, Request};
use super::rom::error;
use crate::model::region::{Region, SECTOR};

/// A write under way.
#[derive(Debug)]
pub struct Writing {
    offset: u32,
    remaining: u32,
    /// Blocks announced.
    blocks: u32,
    /// Sequence number of the next block.
    sequence: u32,
    inflater: Option<Inflater>,
}

impl Writing {
    /// Erases `region` for a write of so many blocks; a stream with an inflater, as they are without.
    pub fn begin(
        region: Region,
        blocks: u32,
        inflater: Option<Inflater>,
        flash: &mut Flash,
    ) -> Result<Self, u8> {
        // The ROM's erase routine takes only whole sectors to begin with.
        if !region.offset.is_multiple_of(SECTOR) {
            return Err(error::FAILED);
        }
        Erasing::new(region)
            .erase_rest(flash)
            .map_err(erase_failed)?;
        Ok(Self {
            offset: region.offset,
            remaining: region.size,
            blocks,
            sequence: 0,
            inflater,
        })
    }

    /// Whether every announced block has come.
    pub fn is_complete(&self) -> bool {
        self.sequence >= self.blocks
    }

    /// Writes what a block brings; `len` is the length of its data.
    pub fn take(&mut self, request: &Request<'_>, len: usize, flash: &mut Flash) -> Result<(), u8> {
        let block = checked_block(request, len, &mut self.sequence)?;
        if self.inflater.is_none() {
            return self.program(block.payload, flash);
        }
        let mut input = block.payload;
        loop {
            let inflater = self.inflater.as_mut().ok_or(error::DEFLATE_PARAMETER)?;
            match inflater.step(&mut input).map_err(stream_corrupt)? {
                Step::Write(bytes) => self.program(&bytes, flash)?,
                Step::NeedsInput => return Ok(()),
            }
        }
    }

    /// Programs what still belongs to the announced size.
    fn program(&mut self, bytes: &[u8], flash: &mut Flash) -> Result<(), u8> {
        let len = bytes.len().min(self.remaining as usize);
        flash
            .program(self.offset, &bytes[..len])
            .map_err(write_failed)?;
        self.offset += len as u32;
        self.remaining -= len as u32;
        Ok(())
    }
}

/// A block counts by its number before its checksum is looked at: sent again, it is out of sequence.
pub fn checked_block<'a>(
    request: &Request<'a>,
    len: usize,
    expected: &mut u32,
) -> Result<DataBlock<'a>, u8> {
    let data = request.data.get(..len).ok_or(error::MESSAGE)?;
    let block = Request { data, ..*request }
        .data_block()
        .ok_or(error::MESSAGE)?;
    if block.len as usize != block.payload.len() || block.sequence != *expected {
        return Err(error::MESSAGE);
    }
    *expected += 1;
    if request::checksum(block.payload) != request.checksum {
        return Err(error::CHECKSUM);
    }
    Ok(block)
}

fn erase_failed(_: FlashError) -> u8 {
    error::FAILED
}

fn write_failed(_: FlashError) -> u8 {
    error::WRITE
}

fn stream_corrupt(_: Corrupt) -> u8 {
    error::DEFLATE
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::super::bench::{Bench, block_data, compress};
    use super::super::request::Command;
    use super::*;

    fn attached(words: &[&str]) -> Bench {
        let mut bench = Bench::new(words);
        assert!(bench.ask(Command::SpiAttach, &[0, 0]).is_ok());
        bench
    }

    #[test]
    fn erases_before_it_answers_and_programs_before_it_answers() {
        let mut bench = attached(&[]);
        bench.machine.silicon.flash.overwrite(0x1000, &[0; 0x2000]);
        assert!(
            bench
                .ask(Command::FlashBegin, &[0x400, 1, 0x400, 0x1000, 0])
                .is_ok()
        );
        assert_eq!(bench.flash(0x1000, 0x1000), [0xFF; 0x1000]);
        assert_eq!(
            bench.flash(0x2000, 0x1000),
            [0; 0x1000],
            "the next sector is not touched"
        );
        assert!(bench.block(Command::FlashData, 0, &[5; 0x400]).is_ok());
        assert_eq!(bench.flash(0x1000, 0x400), [5; 0x400]);
        let hex = bench.ask(Command::SpiFlashMd5, &[0x1000, 0x400, 0, 0]).data;
        let digest = format!("{:x}", Md5::digest([5; 0x400]));
        assert_eq!((&hex[..32], &hex[32..]), (digest.as_bytes(), &[0; 4][..]));
    }

    #[test]
    fn inflates_a_stream_and_compares_its_checksum() {
        let data: Vec<u8> = (0..40_000u32).map(|at| (at / 100) as u8).collect();
        let mut stream = compress(&data);
        let mut bench = attached(&[]);
        assert!(
            bench
                .ask(Command::FlashDeflBegin, &[0xA000, 1, 0x4000, 0, 0])
                .is_ok()
        );
        for (sequence, block) in (0..).zip(stream.chunks(100)) {
            assert!(bench.block(Command::FlashDeflData, sequence, block).is_ok());
        }
        assert_eq!(bench.flash(0, data.len()), data);
        *stream.last_mut().unwrap() ^= 1;
        bench.ask(Command::FlashDeflBegin, &[0xA000, 1, 0x4000, 0, 0]);
        assert_eq!(
            bench.block(Command::FlashDeflData, 0, &stream).data,
            [1, 0x0B, 0, 0]
        );
    }

    #[test]
    fn a_wrong_checksum_is_refused_and_nothing_written() {
        let mut bench = attached(&[]);
        bench.ask(Command::FlashBegin, &[0x400, 1, 0x400, 0, 0]);
        let answer = &bench.raw(Command::FlashData, 0, &block_data(0, &[5; 16]))[0];
        assert_eq!(answer[8..], [1, 7, 0, 0]);
        assert_eq!(bench.flash(0, 16), [0xFF; 16]);
        let answer = &bench.raw(Command::MemData, 0, &block_data(0, &[5; 16]))[0];
        assert_eq!(answer[8..], [1, 5, 0, 0], "nothing was begun");
        bench.ask(Command::MemBegin, &[16, 1, 16, 0x4038_0000]);
        let answer = &bench.raw(Command::MemData, 0, &block_data(0, &[5; 16]))[0];
        assert_eq!(answer[8..], [1, 7, 0, 0]);
    }

    #[test]
    fn blocks_count_by_their_numbers_even_if_they_came_damaged() {
        let mut bench = attached(&[]);
        assert!(
            bench
                .ask(Command::FlashBegin, &[0xC00, 3, 0x400, 0x1000, 0])
                .is_ok()
        );
        let block = |bench: &mut Bench, sequence, byte| {
            bench
                .block(Command::FlashData, sequence, &[byte; 0x400])
                .data[1]
        };
        assert_eq!(block(&mut bench, 0, 0x11), 0);
        assert_eq!(block(&mut bench, 0, 0x22), error::MESSAGE);
        assert_eq!(block(&mut bench, 2, 0x22), error::MESSAGE);
        let damaged = &bench.raw(Command::FlashData, 0, &block_data(1, &[0x33; 0x400]))[0];
        assert_eq!(damaged[9], error::CHECKSUM);
        assert_eq!(
            block(&mut bench, 1, 0x33),
            error::MESSAGE,
            "it cannot be sent again"
        );
        assert_eq!(block(&mut bench, 2, 0x44), 0);
        assert_eq!(bench.flash(0x1000, 0x400), [0x11; 0x400]);
        assert_eq!(bench.flash(0x1400, 0x400), [0x44; 0x400]);
    }

    #[test]
    fn failures_of_the_flash_are_told_at_once() {
        let mut bench = attached(&["fail:flash@1", "fail:flash@2"]);
        bench.ask(Command::FlashBegin, &[0x1000, 1, 0x400, 0, 0]);
        assert_eq!(
            bench.block(Command::FlashData, 0, &[5; 16]).data,
            [1, 8, 0, 0]
        );
        assert_eq!(
            bench
                .ask(Command::FlashBegin, &[0x1000, 1, 0x400, 0, 0])
                .data,
            [1, 6, 0, 0]
        );
        assert_eq!(
            bench
                .ask(Command::FlashBegin, &[0x1000, 1, 0x400, 0x1400, 0])
                .data,
            [1, 6, 0, 0],
            "not the start of a sector"
        );
        assert_eq!(
            bench
                .ask(Command::FlashBegin, &[0x1001, 1, 0x400, 0x3F_F000, 0])
                .data,
            [1, 6, 0, 0]
        );
    }
}
