//! The flash chip: NOR physics, and what it costs and counts.
//!
//! Programming only clears bits, erasing sets them by sectors or blocks. An erase that power leaves in the middle has
//! set some bits and not others; a page so left is programmed up to some byte. Offsets past the end wrap around, as
//! the address lines of a real chip do: bounds are the loader's business.

use std::ops::Range;
use std::sync::Arc;

use super::faults::{Faults, FlashFault, PowerLoss};
use super::random::Random;
use super::report::FlashCount;
use crate::model::cost::{PAGE, Work};
use crate::model::region::{BLOCK, SECTOR};

/// Why an operation was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// The chip reported a failure.
    Failed,
    /// There is no power any more: nothing after this happens.
    PowerLost,
}

/// A flash chip with its contents.
#[derive(Debug)]
pub struct Flash {
    /// Shared with the agent while it runs; it only reads, so nothing is copied then.
    bytes: Arc<Vec<u8>>,
    counters: FlashCount,
    /// Work since it was last taken.
    work: Work,
    /// One per sector: contents changed since it was last taken.
    changed: Vec<bool>,
    operations: u64,
    faults: Vec<(u64, FlashFault)>,
    stuck_bytes: Vec<u32>,
    write_protected: bool,
    power_loss: Option<PowerLoss>,
    random: Random,
}

impl Flash {
    /// A chip that holds `bytes`, whose number must be a power of two of at least one block.
    pub fn new(bytes: Vec<u8>, faults: &Faults) -> Self {
        let sectors = bytes.len() / SECTOR as usize;
        Self {
            bytes: Arc::new(bytes),
            counters: FlashCount::default(),
            work: Work::NONE,
            changed: vec![false; sectors],
            operations: 0,
            faults: faults.flash.clone(),
            stuck_bytes: faults.stuck_bytes.clone(),
            write_protected: faults.write_protected,
            power_loss: None,
            random: Random::new(faults.seed.wrapping_mul(4)),
        }
    }

    /// Bytes that the chip holds.
    pub fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// The answer to `RDID` (0x9F): maker 0x20, type 0x40, and the capacity as a power of two, lowest byte first.
    pub fn id(&self) -> u32 {
        0x4020 | (self.size().trailing_zeros() << 16)
    }

    /// All contents.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All contents, to be shared.
    pub fn contents(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// Replaces contents behind the chip's back, as a test or another programmer would. Nothing is counted.
    pub fn overwrite(&mut self, offset: u32, data: &[u8]) {
        let bytes = Arc::make_mut(&mut self.bytes);
        let size = bytes.len();
        let (mut at, mut rest) = (offset as usize % size, data);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(size - at));
            bytes[at..at + now.len()].copy_from_slice(now);
            (at, rest) = (0, later);
        }
        for at in (offset as usize..offset as usize + data.len()).step_by(SECTOR as usize) {
            self.changed[at % size / SECTOR as usize] = true;
        }
        if let Some(last) = (offset as usize + data.len()).checked_sub(1) {
            self.changed[last % size / SECTOR as usize] = true;
        }
    }

    /// Adds a fault while the board runs.
    pub fn add_faults(&mut self, faults: &Faults) {
        self.faults.extend(&faults.flash);
        self.stuck_bytes.extend(&faults.stuck_bytes);
        self.write_protected |= faults.write_protected;
    }

    /// Adds faults while the board runs; operations count from here.
    pub fn add_faults_from_here(&mut self, faults: &Faults) {
        let here = self.operations;
        let mut added = faults.clone();
        for (at, _) in &mut added.flash {
            *at += here;
        }
        self.add_faults(&added);
        self.random = Random::new(faults.seed.wrapping_mul(4));
    }

    /// Nothing goes wrong any more.
    pub fn mend(&mut self) {
        self.faults.clear();
        self.stuck_bytes.clear();
        self.write_protected = false;
    }

    /// What was done so far.
    pub fn counters(&self) -> FlashCount {
        self.counters
    }

    /// Erases and programs so far: the numbers that faults are addressed by.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// The work since this was last called.
    pub fn take_work(&mut self) -> Work {
        std::mem::take(&mut self.work)
    }

    /// How power was lost, if it was. From then on no operation is done until [`Self::power_on`].
    pub fn power_loss(&self) -> Option<PowerLoss> {
        self.power_loss
    }

    /// Power is back.
    pub fn power_on(&mut self) {
        self.power_loss = None;
    }

    /// The sectors whose contents changed since this was last called, as ranges of bytes.
    pub fn take_changed(&mut self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (sector, changed) in self.changed.iter_mut().enumerate() {
            if std::mem::take(changed) {
                let start = sector * SECTOR as usize;
                let end = start + SECTOR as usize;
                match ranges.last_mut() {
                    Some(range) if range.end == start => range.end = end,
                    _ => ranges.push(start..end),
                }
            }
        }
        ranges
    }

    /// Erases the sector that `offset` lies in.
    pub fn erase_sector(&mut self, offset: u32) -> Result<(), FlashError> {
        self.counters.sectors_erased += 1;
        self.work.sectors += 1;
        self.erase(offset, SECTOR)
    }

    /// Erases the 64 KiB block that `offset` lies in.
    pub fn erase_block(&mut self, offset: u32) -> Result<(), FlashError> {
        self.counters.blocks_erased += 1;
        self.work.blocks += 1;
        self.erase(offset, BLOCK)
    }

    /// Programs `data` page by page: every bit becomes 0 where `data` has 0, and none becomes 1.
    pub fn program(&mut self, offset: u32, data: &[u8]) -> Result<(), FlashError> {
        let (mut offset, mut data) = (offset, data);
        while !data.is_empty() {
            let room = (PAGE - offset % PAGE) as usize;
            let (page, rest) = data.split_at(room.min(data.len()));
            self.program_page(offset, page)?;
            offset = offset.wrapping_add(page.len() as u32);
            data = rest;
        }
        Ok(())
    }

    /// Reads `len` bytes.
    pub fn read(&self, offset: u32, len: usize) -> Vec<u8> {
        let start = self.wrapped(offset);
        match self.bytes.get(start..start + len) {
            Some(bytes) => bytes.to_vec(),
            None => self
                .bytes
                .iter()
                .cycle()
                .skip(start)
                .take(len)
                .copied()
                .collect(),
        }
    }

    /// Whether the sector that `offset` lies in is blank.
    pub fn is_blank_sector(&self, offset: u32) -> bool {
        self.bytes[self.aligned_range(offset, SECTOR)]
            .iter()
            .all(|byte| *byte == 0xFF)
    }

    /// Accounts for `bytes` bytes that an MD5 request read.
    pub fn count_md5(&mut self, bytes: u64) {
        self.counters.bytes_hashed += bytes;
        self.work += Work::md5(bytes);
    }

    /// Accounts for `bytes` bytes that the agent digested.
    pub fn count_agent_digest(&mut self, bytes: u64) {
        self.counters.bytes_hashed += bytes;
        self.work += Work::agent_digest(bytes);
    }

    fn erase(&mut self, offset: u32, unit: u32) -> Result<(), FlashError> {
        let range = self.aligned_range(offset, unit);
        let fault = self.begin_operation(range.clone())?;
        if self.write_protected {
            return Ok(());
        }
        match fault {
            None => Arc::make_mut(&mut self.bytes)[range].fill(0xFF),
            Some(FlashFault::Fail) => return Err(FlashError::Failed),
            Some(FlashFault::PowerLoss(loss)) => {
                for byte in &mut Arc::make_mut(&mut self.bytes)[range] {
                    *byte |= self.random.next_byte();
                }
                return Err(self.lose_power(loss));
            }
        }
        Ok(())
    }

    fn program_page(&mut self, offset: u32, data: &[u8]) -> Result<(), FlashError> {
        let start = self.wrapped(offset);
        let range = start..start + data.len();
        let fault = self.begin_operation(range.clone())?;
        self.counters.pages_programmed += 1;
        self.work.pages += 1;
        if self.write_protected {
            return Ok(());
        }
        let len = match fault {
            None => data.len(),
            Some(FlashFault::Fail) => return Err(FlashError::Failed),
            Some(FlashFault::PowerLoss(_)) => self.random.below(data.len() as u64) as usize,
        };
        let mut violated = false;
        let page = &mut Arc::make_mut(&mut self.bytes)[range];
        for ((at, old), &new) in (start..).zip(page).zip(data).take(len) {
            violated |= new & !*old != 0;
            if !self.stuck_bytes.contains(&(at as u32)) {
                *old &= new;
            }
        }
        self.counters.program_violations += u64::from(violated);
        match fault {
            Some(FlashFault::PowerLoss(loss)) => Err(self.lose_power(loss)),
            _ => Ok(()),
        }
    }

    /// Numbers the operation, marks what it touches, and finds its fault.
    fn begin_operation(&mut self, range: Range<usize>) -> Result<Option<FlashFault>, FlashError> {
        if self.power_loss.is_some() {
            return Err(FlashError::PowerLost);
        }
        let number = self.operations;
        self.operations += 1;
        let sectors = range.start / SECTOR as usize..range.end.div_ceil(SECTOR as usize);
        self.changed[sectors].fill(true);
        let index = self.faults.iter().position(|(at, _)| *at == number);
        Ok(index.map(|index| self.faults.swap_remove(index).1))
    }

    fn lose_power(&mut self, loss: PowerLoss) -> FlashError {
        self.power_loss = Some(loss);
        FlashError::PowerLost
    }

    fn wrapped(&self, offset: u32) -> usize {
        offset as usize % self.bytes.len()
    }

    fn aligned_range(&self, offset: u32, unit: u32) -> Range<usize> {
        let start = self.wrapped(offset - offset % unit);
        start..start + unit as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flash(words: &[&str]) -> Flash {
        let mut faults = Faults::default();
        for word in words {
            faults.add_word(word).unwrap();
        }
        Flash::new(vec![0xFF; 0x20_0000], &faults)
    }

    #[test]
    fn programming_only_clears_bits() {
        let mut flash = flash(&[]);
        flash.program(0x10, &[0b1100]).unwrap();
        assert_eq!(flash.counters().program_violations, 0);
        flash.program(0x10, &[0b1010]).unwrap();
        assert_eq!(flash.bytes()[0x10], 0b1000);
        assert_eq!(flash.counters().program_violations, 1);
        flash.erase_sector(0xFFF).unwrap();
        assert_eq!(flash.bytes()[0x10], 0xFF);
    }

    #[test]
    fn counts_and_names_what_changed() {
        let mut flash = flash(&[]);
        flash.program(0xFF0, &[0; 0x20]).unwrap();
        flash.erase_block(0x1_2345).unwrap();
        flash.erase_sector(0x1F_F000).unwrap();
        let counters = flash.counters();
        assert_eq!(
            (
                counters.pages_programmed,
                counters.blocks_erased,
                counters.sectors_erased
            ),
            (2, 1, 1)
        );
        assert_eq!(
            flash.take_changed(),
            [0..0x2000, 0x1_0000..0x2_0000, 0x1F_F000..0x20_0000]
        );
        assert!(flash.take_changed().is_empty());
        assert_eq!(
            flash.take_work(),
            Work {
                pages: 2,
                blocks: 1,
                sectors: 1,
                ..Work::NONE
            }
        );
        assert_eq!(flash.take_work(), Work::NONE);
        assert_eq!(flash.operations(), 4);
    }

    #[test]
    fn says_its_size_as_flash_chips_do() {
        assert_eq!(flash(&[]).id(), 0x15_4020);
        assert_eq!(
            Flash::new(vec![0xFF; 0x40_0000], &Faults::default()).id(),
            0x16_4020
        );
    }

    #[test]
    fn offsets_past_the_end_wrap_around() {
        let mut flash = flash(&[]);
        flash.program(0x20_0000, &[7]).unwrap();
        assert_eq!(flash.bytes()[0], 7);
        assert_eq!(flash.read(0x1F_FFFF, 2), [0xFF, 7]);
    }

    #[test]
    fn a_cut_erase_leaves_random_bits_and_a_cut_page_a_prefix() {
        let mut flash = flash(&["unplug:flash@17=never", "brown-out:flash@20"]);
        flash.program(0, &[0; 0x1000]).unwrap();
        flash.program(0x1000, &[0; 1]).unwrap();
        assert_eq!(flash.erase_sector(0), Err(FlashError::PowerLost));
        assert!(matches!(flash.power_loss(), Some(PowerLoss::Unplug(_))));
        let set = flash.bytes()[..0x1000]
            .iter()
            .map(|byte| byte.count_ones())
            .sum::<u32>();
        assert!((0x3000..0x5000).contains(&set), "{set}");
        assert_eq!(flash.erase_sector(0), Err(FlashError::PowerLost));
        flash.power_on();
        flash.erase_sector(0).unwrap();
        flash.erase_sector(0x3000).unwrap();
        assert_eq!(flash.program(0x3000, &[0; 256]), Err(FlashError::PowerLost));
        let page = &flash.bytes()[0x3000..0x3100];
        let prefix = page.iter().take_while(|byte| **byte == 0).count();
        assert!(
            prefix < 256 && page[prefix..].iter().all(|byte| *byte == 0xFF),
            "{prefix}"
        );
    }

    #[test]
    fn faults_hit_the_operation_that_they_name() {
        let mut broken = flash(&["fail:flash@1", "stuck:flash@5"]);
        broken.program(0, &[0; 8]).unwrap();
        assert_eq!(broken.bytes()[..8], [0, 0, 0, 0, 0, 0xFF, 0, 0]);
        assert_eq!(broken.erase_sector(0), Err(FlashError::Failed));
        assert_eq!(broken.bytes()[0], 0);
        broken.erase_sector(0).unwrap();
        let mut protected = flash(&["protected:flash"]);
        protected.program(0, &[0]).unwrap();
        assert_eq!(protected.bytes()[0], 0xFF);
    }

    #[test]
    fn finds_blank_sectors() {
        let mut flash = flash(&[]);
        flash.overwrite(0x1FFF, &[0]);
        assert!(flash.is_blank_sector(0xFFF) && !flash.is_blank_sector(0x1000));
        assert!(flash.is_blank_sector(0x2000));
    }
}
