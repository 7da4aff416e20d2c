//! Answers that read all bytes of something: sums, proofs, and the self-test.

use super::{Answered, Desk};
use crate::bin_image::{Bin, find_path};
use crate::bin_verify::verify;
use crate::crc::Sums;
use crate::error::Error;
use crate::flash::{Flash, for_each_run, inside};
use crate::message::{DIGESTS_PER_FRAME, SECTOR_SIZE, UNKNOWN};
use crate::mmu::Hardware;
use crate::reply::{FileSum, RegionSums, SelfTested, Verified};
use crate::request::Place;

/// Bytes that a self-test compares at a time.
const SELF_TEST_STEP: usize = 256;

impl<H: Hardware> Desk<H> {
    pub(super) fn sum(&mut self, offset: u32, size: u32) -> Result<u32, Error> {
        let mut sums = Sums::new();
        let digests = &mut self.digests;
        for_each_run(&mut self.mmu, offset, size, |run| {
            digests.update_zlib(&mut sums, run);
        })?;
        Ok(sums.zlib())
    }

    pub(super) fn crc_region(&mut self, offset: u32, size: u32) -> Result<(), Error> {
        let before = self.mmu.hardware().cycles();
        let sums = self.both_sums(offset, size)?;
        let cycles = self.mmu.hardware().cycles().wrapping_sub(before);
        RegionSums {
            offset,
            size,
            crc32: sums.zlib(),
            crc32c: sums.castagnoli(),
            cycles,
        }
        .write(&mut self.reply);
        Ok(())
    }

    fn both_sums(&mut self, offset: u32, size: u32) -> Result<Sums, Error> {
        let mut sums = Sums::new();
        let digests = &mut self.digests;
        for_each_run(&mut self.mmu, offset, size, |run| {
            digests.update(&mut sums, run);
        })?;
        Ok(sums)
    }

    pub(super) fn crc_file(&mut self, place: &Place, path: &[u8]) -> Result<(), Error> {
        let top = self.open(place)?;
        let found = find_path(&mut self.mmu, &top, path)?;
        let recorded = found
            .bin
            .check_record(&mut self.mmu, &found.entry)?
            .map(|record| record.crc32);
        let before = self.mmu.hardware().cycles();
        let computed = self.sum(found.flash_offset(), found.entry.size)?;
        let cycles = self.mmu.hardware().cycles().wrapping_sub(before);
        let (flash_offset, size) = (found.flash_offset(), found.entry.size);
        FileSum {
            flash_offset,
            size,
            computed,
            recorded,
            cycles,
        }
        .write(&mut self.reply);
        Ok(())
    }

    pub(super) fn verify(&mut self, place: &Place, path: &[u8]) -> Result<(), Error> {
        let (mut start, mut size) = self.partition(place)?;
        if !path.is_empty() {
            let top = Bin::open(&mut self.mmu, start, size)?;
            let found = find_path(&mut self.mmu, &top, path)?;
            (start, size) = (found.flash_offset(), found.entry.size);
        }
        let before = self.mmu.hardware().cycles();
        let mut first = None;
        let tally = verify(&mut self.mmu, start, size, &mut self.digests, |fault| {
            first.get_or_insert(*fault);
        })?;
        let cycles = self.mmu.hardware().cycles().wrapping_sub(before);
        Verified {
            tally,
            cycles,
            first,
        }
        .write(&mut self.reply);
        Ok(())
    }

    pub(super) fn self_test(&mut self, offset: u32, size: u32) -> Result<(), Error> {
        if !inside(offset, size, self.mmu.size()) {
            return Err(Error::OutOfRange);
        }
        let (mut compared, mut different, mut first) = (0_u32, 0_u32, UNKNOWN);
        let mut by_rom = [0; SELF_TEST_STEP];
        while compared < size {
            let len = size.saturating_sub(compared).min(SELF_TEST_STEP as u32);
            let at = offset.saturating_add(compared);
            let part = by_rom.get_mut(..len as usize).ok_or(Error::OutOfRange)?;
            if !self.mmu.hardware_mut().rom_read(at, part) {
                return Err(Error::RomRead);
            }
            let mut expected = part.iter();
            let mut place = at;
            for_each_run(&mut self.mmu, at, len, |run| {
                for (mapped, by_rom) in run.iter().zip(expected.by_ref()) {
                    if mapped != by_rom {
                        different = different.saturating_add(1);
                        first = first.min(place);
                    }
                    place = place.saturating_add(1);
                }
            })?;
            compared = compared.saturating_add(len);
        }
        SelfTested {
            compared,
            different,
            first,
        }
        .write(&mut self.reply);
        Ok(())
    }

    /// u32 offset of the first sector, u32 number of sectors, then CRC-32 and CRC-32C of each; an empty region gives one
    /// frame without sectors.
    pub(super) fn sector_digests(
        &mut self,
        offset: u32,
        size: u32,
        send: &mut dyn FnMut(&[u8]),
    ) -> Answered {
        if !inside(offset, size, self.mmu.size()) {
            return Err(Error::OutOfRange);
        }
        let end = offset.saturating_add(size);
        let mut at = offset;
        loop {
            let count = (end.saturating_sub(at) / SECTOR_SIZE).min(DIGESTS_PER_FRAME);
            self.next_frame();
            self.reply.u32(at);
            self.reply.u32(count);
            for _ in 0..count {
                let sums = self.both_sums(at, SECTOR_SIZE)?;
                self.reply.u32(sums.zlib());
                self.reply.u32(sums.castagnoli());
                at = at.saturating_add(SECTOR_SIZE);
            }
            self.send(send);
            if at >= end {
                return Ok(None);
            }
        }
    }
}
