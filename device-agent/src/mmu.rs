//! Plans the pages of the ESP32-C3's MMU: which entry shows which 64 KiB of flash.
//!
//! 128 entries serve both buses: entry `i` is seen at 0x3C000000 + i * 64 KiB as data and at 0x42000000 + i * 64 KiB as
//! code (ESP-IDF, `soc/esp32c3/include/soc/ext_mem_defs.h`). A page goes to the entry of its own number modulo 128, so
//! that flash of up to 8 MiB is seen without gaps, and larger flash slides through the same entries; where that entry is
//! taken by somebody else, the free one nearest the end is used. What is mapped is checked against the hardware at each
//! use, because an app may share the table. Registers and cache instructions are behind [`Hardware`].

use crate::error::Error;
use crate::flash::{Flash, inside};

/// Entries of the table.
pub const ENTRIES: u8 = 128;
/// Bytes that one entry shows.
pub const PAGE_SIZE: u32 = 0x1_0000;
/// Bit of an entry: it shows nothing. The eight bits below are the flash page.
pub const INVALID: u32 = 0x100;
/// Bits of an entry that say which flash page it shows.
pub const PAGE_MASK: u32 = 0xFF;
/// Where entry 0 is seen on the data bus.
pub const DATA_BUS: u32 = 0x3C00_0000;
/// Where entry 0 is seen on the instruction bus.
pub const CODE_BUS: u32 = 0x4200_0000;
/// What the planner needs of a chip, or of something that plays one.
pub trait Hardware {
    /// Bytes of flash.
    fn flash_size(&self) -> u32;

    /// The table's entry `index`, below [`ENTRIES`].
    fn entry(&self, index: u8) -> u32;

    /// Writes an entry. On a chip: from RAM and with interrupts off.
    fn set_entry(&mut self, index: u8, value: u32);

    /// Drops what the cache holds of the page at `index`.
    fn invalidate(&mut self, index: u8);

    /// The [`PAGE_SIZE`] bytes seen through an entry that is valid; shorter where the flash ends.
    fn page(&self, index: u8) -> &[u8];

    /// Reads flash by the ROM's own routine, around MMU and cache; `false` when it failed.
    fn rom_read(&mut self, offset: u32, into: &mut [u8]) -> bool;

    /// CPU cycles since some moment; it wraps.
    fn cycles(&self) -> u32;

    /// CPU cycles in a second; 0 when not known.
    fn cpu_hz(&self) -> u32 {
        0
    }

    /// Called between pieces of work (a look-up, a sector): time for the chip to take bytes from its port.
    fn breathe(&mut self) {}

    /// Drops all that the cache holds.
    fn invalidate_all(&mut self) {
        for index in 0..ENTRIES {
            self.invalidate(index);
        }
    }
}

/// Whether somebody else uses the table too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// The agent runs from RAM, alone.
    Alone,
    /// An app runs from flash: its pages are used where they fit and never changed, and the last entry, which the
    /// bootloader and esp-hal use, is never taken.
    Shared,
}

/// Where a region of flash is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Address of its first byte on the data bus.
    pub vaddr: u32,
    /// The same on the instruction bus.
    pub vaddr_code: u32,
    /// Whether all of it follows without a gap.
    pub contiguous: bool,
}

/// The table's entries, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Entries that show nothing.
    pub free: u16,
    /// Entries that the agent took.
    pub own: u16,
}

/// Flash through the MMU.
#[derive(Debug)]
pub struct Mmu<H> {
    hardware: H,
    sharing: Sharing,
    /// Whether the agent took an entry.
    own: [bool; ENTRIES as usize],
    /// For each flash page the entry that shows it plus 1, or 0. All zero at first, so that the loader need not bring it.
    entry_of: [u8; 256],
    /// Where the next search for an entry to take back begins.
    victim: u8,
}

impl<H: Hardware> Mmu<H> {
    /// Nothing is mapped yet.
    pub const fn new(hardware: H, sharing: Sharing) -> Self {
        Self {
            hardware,
            sharing,
            own: [false; ENTRIES as usize],
            entry_of: [0; 256],
            victim: 0,
        }
    }

    /// The chip.
    pub const fn hardware(&self) -> &H {
        &self.hardware
    }

    /// The chip, to be changed.
    pub const fn hardware_mut(&mut self) -> &mut H {
        &mut self.hardware
    }

    /// Whether somebody else uses the table too.
    pub const fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// From now on somebody else uses the table too. Before anything is mapped.
    pub const fn share(&mut self) {
        self.sharing = Sharing::Shared;
    }

    /// Whether the flash has more pages than the table has entries, so that what is mapped changes.
    pub fn is_sliding(&self) -> bool {
        self.hardware.flash_size() > u32::from(ENTRIES).saturating_mul(PAGE_SIZE)
    }

    /// Counts the entries, as the hardware has them now.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage { free: 0, own: 0 };
        for index in 0..ENTRIES {
            if self.is_free(index) {
                usage.free = usage.free.saturating_add(1);
            } else if self.is_own(index) {
                usage.own = usage.own.saturating_add(1);
            }
        }
        usage
    }

    /// Whether the agent took an entry, and nobody has changed it since.
    pub fn is_own(&self, index: u8) -> bool {
        let entry = self.hardware.entry(index);
        let ours = self.entry_of.get((entry & PAGE_MASK) as usize).copied()
            == Some(index.saturating_add(1));
        self.own.get(usize::from(index)) == Some(&true) && entry & INVALID == 0 && ours
    }

    fn is_free(&self, index: u8) -> bool {
        self.hardware.entry(index) & INVALID != 0
    }

    /// Whether an entry may be taken when it is free.
    fn is_ours_to_take(&self, index: u8) -> bool {
        self.sharing == Sharing::Alone || index.wrapping_add(1) < ENTRIES
    }

    /// Maps all of the flash as far as entries go, first page first.
    ///
    /// # Errors
    /// [`Error::NoFreeEntry`] when an entry is missing for a page; the pages before it stay mapped.
    pub fn map_all(&mut self) -> Result<(), Error> {
        let window = u32::from(ENTRIES).saturating_mul(PAGE_SIZE);
        let pages = self.hardware.flash_size().min(window).div_ceil(PAGE_SIZE);
        for page in 0..pages {
            self.entry_for(page as u8)?;
        }
        Ok(())
    }

    /// Gives every entry back that the agent took.
    pub fn release(&mut self) {
        for index in 0..ENTRIES {
            if self.is_own(index) {
                self.hardware.set_entry(index, INVALID);
                self.hardware.invalidate(index);
            }
        }
        self.own = [false; ENTRIES as usize];
        self.entry_of = [0; 256];
    }

    /// Maps a region and says where it is seen.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when it leaves the flash, [`Error::NoFreeEntry`] when its first page cannot be mapped.
    pub fn map(&mut self, offset: u32, size: u32) -> Result<Mapping, Error> {
        // A byte at the very end still has a page; an empty file there has none.
        if !inside(offset, size.max(1), self.hardware.flash_size()) {
            return Err(Error::OutOfRange);
        }
        let first = offset / PAGE_SIZE;
        let last = offset.saturating_add(size.max(1)).saturating_sub(1) / PAGE_SIZE;
        let base = self.entry_for(first as u8)?;
        let pages = last.saturating_sub(first);
        let mut contiguous = pages < u32::from(ENTRIES);
        if contiguous {
            for page in 1..=pages {
                let entry = self.entry_for(first.saturating_add(page) as u8);
                contiguous &= entry
                    .is_ok_and(|entry| u32::from(entry) == u32::from(base).saturating_add(page));
            }
        }
        // Mapping the rest may have slid the first page away.
        let now = self.entry_for(first as u8)?;
        let within = u32::from(now).saturating_mul(PAGE_SIZE) | (offset % PAGE_SIZE);
        Ok(Mapping {
            vaddr: DATA_BUS | within,
            vaddr_code: CODE_BUS | within,
            contiguous: contiguous && now == base,
        })
    }

    /// The entry that shows a flash page, which is mapped first if it is not.
    fn entry_for(&mut self, page: u8) -> Result<u8, Error> {
        let known = self
            .entry_of
            .get(usize::from(page))
            .and_then(|entry| entry.checked_sub(1));
        match known {
            // The window may have slid, or another program may have changed the table.
            Some(entry) if self.shows(entry, page) => Ok(entry),
            _ => self.map_page(page),
        }
    }

    #[cold]
    fn map_page(&mut self, page: u8) -> Result<u8, Error> {
        let entry = match self.mapped_by_others(page) {
            Some(entry) => entry,
            None => self.take(page)?,
        };
        // What the cache holds of this address is of an earlier page, or of flash before it was written.
        self.hardware.invalidate(entry);
        if let Some(slot) = self.entry_of.get_mut(usize::from(page)) {
            *slot = entry.saturating_add(1);
        }
        Ok(entry)
    }

    /// Whether the hardware has this page at this entry now.
    fn shows(&self, entry: u8, page: u8) -> bool {
        self.hardware.entry(entry) & (INVALID | PAGE_MASK) == u32::from(page)
    }

    fn mapped_by_others(&self, page: u8) -> Option<u8> {
        (0..ENTRIES).find(|&entry| self.shows(entry, page))
    }

    fn take(&mut self, page: u8) -> Result<u8, Error> {
        let preferred = page % ENTRIES;
        let may = |mmu: &Self, index: u8| mmu.is_ours_to_take(index) && mmu.is_free(index);
        let entry = if may(self, preferred) || self.is_own(preferred) {
            preferred
        } else if let Some(free) = (0..ENTRIES).rev().find(|&index| may(self, index)) {
            free
        } else {
            self.next_victim().ok_or(Error::NoFreeEntry)?
        };
        if let Some(own) = self.own.get_mut(usize::from(entry)) {
            *own = true;
        }
        self.hardware.set_entry(entry, u32::from(page));
        Ok(entry)
    }

    /// An entry of our own to be used again, each in turn.
    fn next_victim(&mut self) -> Option<u8> {
        let start = self.victim;
        let index = (0..ENTRIES)
            .map(|step| start.wrapping_add(step) % ENTRIES)
            .find(|&index| self.is_own(index))?;
        self.victim = index.wrapping_add(1) % ENTRIES;
        Some(index)
    }
}

impl<H: Hardware> Flash for Mmu<H> {
    fn size(&self) -> u32 {
        self.hardware.flash_size()
    }

    fn view(&mut self, offset: u32, len: u32) -> Result<&[u8], Error> {
        if !inside(offset, len, self.hardware.flash_size()) {
            return Err(Error::OutOfRange);
        }
        if len == 0 {
            return Ok(&[]);
        }
        let page = u8::try_from(offset / PAGE_SIZE).map_err(|_beyond| Error::OutOfRange)?;
        let entry = self.entry_for(page)?;
        let start = (offset % PAGE_SIZE) as usize;
        let end = start.saturating_add(len as usize).min(PAGE_SIZE as usize);
        self.hardware
            .page(entry)
            .get(start..end)
            .ok_or(Error::OutOfRange)
    }
}
