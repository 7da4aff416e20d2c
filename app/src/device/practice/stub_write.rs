//! The stub's writing: one region at a time, erased just in time, from blocks as they are or from one zlib stream.
//!
//! All of it happens after the answer to the block that brought the bytes.

use super::erasing::Erasing;
use super::flash::FlashError;
use super::inflate::{Corrupt, Inflater, Step};
use super::silicon::Silicon;
use super::stub::error;
use crate::model::region::{Region, SECTOR};

/// A write under way.
#[derive(Debug)]
pub struct Writing {
    offset: u32,
    remaining: u32,
    /// Bytes of flash that the stub takes the chip to have.
    flash_size: u32,
    erasing: Erasing,
    /// A sector was not blank: from here on everything is erased without looking.
    dirty_seen: bool,
    inflater: Option<Inflater>,
}

impl Writing {
    /// A write of `region`; a stream with an inflater, blocks as they are without.
    pub fn new(region: Region, flash_size: u32, inflater: Option<Inflater>) -> Self {
        let erasing = Erasing::new(region);
        let Region {
            offset,
            size: remaining,
        } = region;
        Self {
            offset,
            remaining,
            flash_size,
            erasing,
            dirty_seen: false,
            inflater,
        }
    }

    /// Whether every announced byte was written.
    pub fn is_complete(&self) -> bool {
        self.remaining == 0
    }

    /// Writes a block, clipped to what was announced.
    pub fn take(&mut self, bytes: &[u8], silicon: &mut Silicon) -> Result<(), u16> {
        let len = bytes.len().min(self.remaining as usize);
        self.program(&bytes[..len], silicon)
    }

    /// Writes what a block of the stream brings.
    pub fn inflate(
        &mut self,
        sequence: u32,
        block: &[u8],
        silicon: &mut Silicon,
    ) -> Result<(), u16> {
        let mut input = block;
        loop {
            // Erasing goes on while the processor inflates.
            if !input.is_empty() {
                self.erase_next(silicon)?;
            }
            let inflater = self.inflater.as_mut().ok_or(error::INFLATE)?;
            if sequence == 0 && input.len() == block.len() {
                inflater.rewind_window();
            }
            match inflater.step(&mut input).map_err(stream_corrupt)? {
                Step::Write(bytes) => self.program(&bytes, silicon)?,
                Step::NeedsInput => return Ok(()),
            }
        }
    }

    /// Starts to erase the next unit, unless nothing was found dirty so far and the next sector is blank.
    pub fn erase_next(&mut self, silicon: &mut Silicon) -> Result<(), u16> {
        if self.erasing.is_done() {
            return Ok(());
        }
        if !self.dirty_seen {
            let next = self.erasing.next();
            if next + u64::from(SECTOR) > u64::from(self.flash_size) {
                return Err(error::SPI);
            }
            if silicon.flash.is_blank_sector(next as u32) {
                self.erasing.skip_sector();
                return Ok(());
            }
            self.dirty_seen = true;
        }
        self.erasing
            .erase_unit(&mut silicon.flash)
            .map_err(spi_failed)
    }

    /// Erases up to the end of `bytes`, then programs them.
    fn program(&mut self, bytes: &[u8], silicon: &mut Silicon) -> Result<(), u16> {
        let end = u64::from(self.offset) + bytes.len() as u64;
        if bytes.len() > self.remaining as usize {
            return Err(error::TOO_MUCH);
        }
        while self.erasing.next() < end {
            self.erase_next(silicon)?;
        }
        if end > u64::from(self.flash_size) {
            return Err(error::SPI);
        }
        silicon
            .flash
            .program(self.offset, bytes)
            .map_err(spi_failed)?;
        self.offset = end as u32;
        self.remaining -= bytes.len() as u32;
        Ok(())
    }
}

fn spi_failed(_: FlashError) -> u16 {
    error::SPI
}

fn stream_corrupt(_: Corrupt) -> u16 {
    error::INFLATE
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::super::bench::{Bench, block_data, compress};
    use super::super::report::FlashCount;
    use super::super::request::Command;

    fn begin(bench: &mut Bench, size: u32, offset: u32) {
        assert_eq!(
            bench
                .ask(Command::FlashBegin, &[size, 1, 0x4000, offset])
                .data,
            [0; 2]
        );
    }

    #[test]
    fn writes_hashes_and_takes_the_neighbours_of_a_sector() {
        let mut bench = Bench::with_stub(&[]);
        bench.machine.silicon.flash.overwrite(0x1000, &[0; 0x3000]);
        begin(&mut bench, 0x1000, 0x1800);
        assert!(bench.block(Command::FlashData, 0, &[5; 0x1000]).is_ok());
        assert!(bench.ask(Command::FlashEnd, &[0]).is_ok());
        assert_eq!(bench.flash(0x1000, 0x800), [0xFF; 0x800]);
        assert_eq!(bench.flash(0x1800, 0x1000), [5; 0x1000]);
        assert_eq!(bench.flash(0x2800, 0x800), [0xFF; 0x800]);
        assert_eq!(bench.flash(0x3000, 0x1000), [0; 0x1000]);
        let digest = bench
            .ask(Command::SpiFlashMd5, &[0x1800, 0x1000, 0, 0])
            .data;
        assert_eq!(
            (&digest[..16], &digest[16..]),
            (Md5::digest([5; 0x1000]).as_slice(), &[0, 0][..])
        );
        assert_eq!(bench.machine.running(), "stub");
    }

    #[test]
    fn the_last_block_is_clipped_to_what_was_announced() {
        let mut bench = Bench::with_stub(&[]);
        begin(&mut bench, 0x10, 0);
        assert!(bench.block(Command::FlashData, 0, &[5; 0x400]).is_ok());
        assert!(bench.ask(Command::FlashEnd, &[1]).is_ok());
        assert_eq!(
            bench.flash(0, 0x11),
            [[5; 0x10].as_slice(), &[0xFF]].concat()
        );
    }

    #[test]
    fn a_late_error_is_the_status_of_the_next_command_which_is_not_done() {
        // Operation 0 is the first page.
        let mut bench = Bench::with_stub(&["fail:flash@0"]);
        begin(&mut bench, 0x200, 0);
        assert!(
            bench.block(Command::FlashData, 0, &[5; 0x100]).is_ok(),
            "it is answered before it is written"
        );
        assert_eq!(
            bench.ask(Command::EraseRegion, &[0x1000, 0x1000]).data,
            [0xC4, 0]
        );
        assert_eq!(bench.machine.silicon.flash.counters().sectors_erased, 0);
        assert!(bench.ask(Command::EraseRegion, &[0x1000, 0x1000]).is_ok());
    }

    #[test]
    fn the_end_tells_whether_all_has_come() {
        let mut bench = Bench::with_stub(&[]);
        assert_eq!(bench.ask(Command::FlashEnd, &[1]).data, [0xC6, 0]);
        assert_eq!(bench.block(Command::FlashData, 0, &[1]).data, [0xC6, 0]);
        begin(&mut bench, 2, 0);
        bench.block(Command::FlashData, 0, &[1]);
        assert_eq!(bench.ask(Command::FlashEnd, &[1]).data, [0xC0, 0]);
        bench.block(Command::FlashData, 1, &[1]);
        assert!(bench.ask(Command::FlashEnd, &[1]).is_ok());
        // The idiom of a soft reset: nothing happens.
        begin(&mut bench, 0, 0);
        assert!(bench.ask(Command::FlashEnd, &[0]).is_ok());
        assert_eq!(bench.machine.running(), "stub");
    }

    #[test]
    fn blocks_are_checked() {
        let mut bench = Bench::with_stub(&[]);
        begin(&mut bench, 0x100, 0);
        assert_eq!(
            bench.raw(Command::FlashData, 0, &block_data(0, &[1, 2]))[0][8..],
            [0xC1, 0]
        );
        assert_eq!(bench.raw(Command::FlashData, 0, &[0; 8])[0][8..], [0xC8, 0]);
        let mut longer = block_data(0, &[1, 2]);
        longer.push(3);
        assert_eq!(bench.raw(Command::FlashData, 0, &longer)[0][8..], [0xC9, 0]);
        assert_eq!(bench.flash(0, 2), [0xFF, 0xFF]);
    }

    #[test]
    fn erases_just_in_time_and_skips_blank_sectors_until_a_dirty_one() {
        let mut bench = Bench::with_stub(&[]);
        // Sectors 0 and 1 of a block are blank, 2 is dirty: from there on all is erased, by the largest aligned unit.
        bench.machine.silicon.flash.overwrite(0x1_2000, &[0]);
        let counters = |bench: &Bench| {
            let FlashCount {
                sectors_erased,
                blocks_erased,
                ..
            } = bench.machine.silicon.flash.counters();
            (sectors_erased, blocks_erased)
        };
        begin(&mut bench, 0x2_0000, 0x1_0000);
        assert_eq!(counters(&bench), (0, 0));
        for sequence in 0..8 {
            assert!(
                bench
                    .block(Command::FlashData, sequence, &[5; 0x4000])
                    .is_ok()
            );
            let erased = [
                (2, 0),
                (6, 0),
                (10, 0),
                (14, 0),
                (14, 1),
                (14, 1),
                (14, 1),
                (14, 1),
            ];
            assert_eq!(counters(&bench), erased[sequence as usize], "{sequence}");
        }
        assert!(bench.ask(Command::FlashEnd, &[1]).is_ok());
        assert_eq!(bench.flash(0x1_0000, 0x2_0000), vec![5; 0x2_0000]);
    }

    #[test]
    fn inflates_one_stream_over_all_blocks() {
        let data: Vec<u8> = (0..100_000u32).map(|at| (at / 100) as u8).collect();
        let stream = compress(&data);
        let mut bench = Bench::with_stub(&[]);
        let begin = [data.len() as u32, 1, 0x4000, 0x1_0000];
        assert!(bench.ask(Command::FlashDeflBegin, &begin).is_ok());
        for (sequence, block) in (0..).zip(stream.chunks(300)) {
            assert!(bench.block(Command::FlashDeflData, sequence, block).is_ok());
        }
        assert!(bench.ask(Command::FlashDeflEnd, &[1]).is_ok());
        assert_eq!(bench.flash(0x1_0000, data.len()), data);
    }

    #[test]
    fn a_stream_that_is_none_or_too_long_or_too_short_is_told_late() {
        let stream = compress(&[7; 100]);
        let defl = |size: u32, block: &[u8]| {
            let mut bench = Bench::with_stub(&[]);
            bench.ask(Command::FlashDeflBegin, &[size, 1, 0x4000, 0]);
            assert!(bench.block(Command::FlashDeflData, 0, block).is_ok());
            bench.ask(Command::FlashDeflEnd, &[1]).data
        };
        assert_eq!(defl(100, &stream), [0, 0]);
        assert_eq!(defl(100, &[0xFF; 20]), [0xC7, 0]);
        assert_eq!(defl(99, &stream), [0xC9, 0]);
        assert_eq!(defl(101, &stream), [0xC0, 0]);
    }

    #[test]
    fn writing_past_the_end_fails_and_erasing_there_wraps_around() {
        let mut bench = Bench::with_stub(&[]);
        bench.machine.silicon.flash.overwrite(0, &[0; 0x1000]);
        assert_eq!(
            bench
                .ask(Command::FlashBegin, &[0x1000, 1, 0x4000, 0x20_0000])
                .data,
            [0xC4, 0]
        );
        assert!(
            bench
                .ask(Command::EraseRegion, &[0x20_0000, 0x1000])
                .is_ok()
        );
        assert_eq!(bench.flash(0, 0x1000), [0xFF; 0x1000]);
    }
}
