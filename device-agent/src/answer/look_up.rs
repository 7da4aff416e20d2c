//! Answers about files: where they are, what a directory holds, and what a look-up costs.

use super::{Desk, table_offset};
use crate::bin_image::{Bin, Entry, Found, find_path, open_path};
use crate::error::Error;
use crate::message::{HEADER_SIZE, UNKNOWN};
use crate::mmu::Hardware;
use crate::partition_table;
use crate::reply::{
    Benched, CrcSource, Cycles, Found as FoundReply, FoundFlags, Listed, ListedFlags, Spot,
};
use crate::request::{FindFlags, Names, Place};

impl<H: Hardware> Desk<H> {
    /// The region of the partition that a request names: offset and size.
    pub(super) fn partition(&mut self, place: &Place) -> Result<(u32, u32), Error> {
        let row = partition_table::find(
            &mut self.mmu,
            table_offset(place.table_offset),
            place.label(),
        )?;
        Ok((row.offset, row.size))
    }

    pub(super) fn open(&mut self, place: &Place) -> Result<Bin, Error> {
        let (offset, size) = self.partition(place)?;
        Bin::open(&mut self.mmu, offset, size)
    }

    fn look_up(
        &mut self,
        start: u32,
        size: u32,
        flags: FindFlags,
        path: &[u8],
    ) -> Result<(Bin, Found), Error> {
        let top = if flags.has(FindFlags::WALK) {
            Bin::open_plain(&self.mmu, start, size)?
        } else {
            Bin::open(&mut self.mmu, start, size)?
        };
        Ok((top, find_path(&mut self.mmu, &top, path)?))
    }

    /// CPU cycles of one look-up.
    fn timed(
        &mut self,
        start: u32,
        size: u32,
        flags: FindFlags,
        path: &[u8],
    ) -> Result<u32, Error> {
        let before = self.mmu.hardware().cycles();
        self.look_up(start, size, flags, path)?;
        Ok(self.mmu.hardware().cycles().wrapping_sub(before))
    }

    pub(super) fn find(
        &mut self,
        place: &Place,
        flags: FindFlags,
        path: &[u8],
    ) -> Result<(), Error> {
        let (start, size) = self.partition(place)?;
        let (top, found) = self.look_up(start, size, flags, path)?;
        let (mut cycles_cold, mut cycles_warm) = (UNKNOWN, UNKNOWN);
        if flags.has(FindFlags::CYCLES) {
            // All pages are mapped by now; only the cache is empty.
            self.mmu.hardware_mut().invalidate_all();
            cycles_cold = self.timed(start, size, flags, path)?;
            cycles_warm = self.timed(start, size, flags, path)?;
        }
        let (crc32, crc_source) = self.crc_of(&found, flags)?;
        let flash_offset = found.flash_offset();
        let is_bin = found
            .bin
            .child(&mut self.mmu, &found.entry)
            .is_ok_and(|child| child.index().is_some());
        // Last, because a window may slide with every read.
        let mapping = self.mmu.map(flash_offset, found.entry.size).ok();
        let contiguous = mapping.is_some_and(|mapping| mapping.contiguous);
        let reply = FoundReply {
            offset: flash_offset.saturating_sub(top.start()),
            size: found.entry.size,
            flash_offset,
            vaddr: mapping.map_or(UNKNOWN, |mapping| mapping.vaddr),
            vaddr_code: mapping.map_or(UNKNOWN, |mapping| mapping.vaddr_code),
            crc32,
            crc_source,
            flags: FoundFlags(
                if contiguous {
                    FoundFlags::CONTIGUOUS
                } else {
                    0
                } | if self.mmu.is_sliding() {
                    FoundFlags::SLIDING
                } else {
                    0
                } | if is_bin { FoundFlags::BIN } else { 0 },
            ),
            cycles_cold,
            cycles_warm,
            partition_offset: start,
        };
        reply.write(&mut self.reply);
        Ok(())
    }

    fn crc_of(&mut self, found: &Found, flags: FindFlags) -> Result<(u32, CrcSource), Error> {
        if flags.has(FindFlags::COMPUTE_CRC) {
            return Ok((
                self.sum(found.flash_offset(), found.entry.size)?,
                CrcSource::Computed,
            ));
        }
        Ok(match found.bin.check_record(&mut self.mmu, &found.entry)? {
            Some(record) => (record.crc32, CrcSource::Record),
            None => (0, CrcSource::None),
        })
    }

    pub(super) fn find_many(&mut self, place: &Place, names: &Names<'_>) -> Result<(), Error> {
        let top = self.open(place)?;
        for path in names.iter() {
            let spot = match find_path(&mut self.mmu, &top, path) {
                Ok(found) => Spot {
                    offset: found.flash_offset().saturating_sub(top.start()),
                    size: found.entry.size,
                },
                Err(error) => Spot {
                    offset: UNKNOWN,
                    size: u32::from(error.number()),
                },
            };
            spot.write(&mut self.reply);
        }
        Ok(())
    }

    pub(super) fn list(&mut self, place: &Place, start: u32, path: &[u8]) -> Result<(), Error> {
        let top = self.open(place)?;
        let bin = open_path(&mut self.mmu, &top, path)?;
        let base = bin.start().wrapping_sub(top.start());
        self.reply.u32(0);
        self.reply.u32(start);
        let mut entries = bin.entries();
        let mut number = 0_u32;
        while let Some(entry) = entries.next(&mut self.mmu)? {
            if number >= start && self.reply.room() >= Listed::SIZE {
                let line = self.line(&bin, base, &entry);
                line.write(&mut self.reply);
            }
            number = number.saturating_add(1);
        }
        self.reply.patch_u32(HEADER_SIZE, number);
        Ok(())
    }

    fn line(&mut self, bin: &Bin, base: u32, entry: &Entry) -> Listed {
        let record = bin.check_record(&mut self.mmu, entry);
        let child = bin.child(&mut self.mmu, entry);
        let mut flags = 0;
        if record.is_err() || child.is_err() {
            flags |= ListedFlags::CORRUPT;
        }
        if child.is_ok_and(|child| child.index().is_some()) {
            flags |= ListedFlags::BIN;
        }
        let record = record.ok().flatten();
        if record.is_some() {
            flags |= ListedFlags::RECORD;
        }
        Listed {
            name: entry.name,
            offset: base.wrapping_add(entry.offset),
            size: entry.size,
            crc32: record.map_or(0, |record| record.crc32),
            flags: ListedFlags(flags),
        }
    }

    pub(super) fn bench(
        &mut self,
        place: &Place,
        count: u16,
        flags: FindFlags,
        path: &[u8],
    ) -> Result<(), Error> {
        let (start, size) = self.partition(place)?;
        // Maps the pages, so that the first look-up is not dearer than the others.
        self.look_up(start, size, flags, path)?;
        let (mut cold, mut warm) = (Cycles::new(), Cycles::new());
        for _ in 0..count {
            self.mmu.hardware_mut().invalidate_all();
            cold.add(self.timed(start, size, flags, path)?);
            warm.add(self.timed(start, size, flags, path)?);
        }
        Benched {
            count: u32::from(count),
            cold,
            warm,
        }
        .write(&mut self.reply);
        Ok(())
    }
}
