//! The ESP32-C3 itself: watchdogs, flash, MMU and cache, cycles, and the ways out.
//!
//! Register numbers are those of ESP-IDF's `soc/esp32c3/register/soc/*_reg.h`; the functions are the boot ROM's, at the
//! addresses in `esp32c3.ld`. Nothing here writes to flash.

use core::arch::asm;

use device_agent::mmu::{DATA_BUS, ENTRIES, Hardware, PAGE_SIZE};
use device_agent::request::Into;

use crate::port::PORTS;
use crate::register::Register;

/// The crystal of every ESP32-C3.
pub const XTAL_HZ: u32 = 40_000_000;

const RTC_OPTIONS0: Register = Register(0x6000_8000);
const RTC_OPTION1: Register = Register(0x6000_80F4);
const RTC_WDT_CONFIG0: Register = Register(0x6000_8090);
const RTC_WDT_CONFIG1: Register = Register(0x6000_8094);
const RTC_WDT_FEED: Register = Register(0x6000_80A4);
const RTC_WDT_PROTECT: Register = Register(0x6000_80A8);
const RTC_SWD_CONF: Register = Register(0x6000_80AC);
const RTC_SWD_PROTECT: Register = Register(0x6000_80B0);
const TIMER_GROUPS: [u32; 2] = [0x6001_F000, 0x6002_0000];
const SYSTEM_SYSCLK_CONF: Register = Register(0x600C_0058);
const SPI0_CACHE_FCTRL: Register = Register(0x6000_303C);
const CACHE_CTRL1: Register = Register(0x600C_4004);
const MMU_TABLE: u32 = 0x600C_5000;

const SPI1_CMD: Register = Register(0x6000_2000);
const SPI1_CTRL: Register = Register(0x6000_2008);
const SPI1_USER: Register = Register(0x6000_2018);
const SPI1_USER2: Register = Register(0x6000_2020);
const SPI1_MISO_DLEN: Register = Register(0x6000_2028);
const SPI1_W0: Register = Register(0x6000_2058);

/// `RTC_OPTIONS0`: resets everything but the RTC domain.
const SW_SYS_RST: u32 = 1 << 31;
/// `RTC_OPTION1`: the ROM goes to its download loader whatever the straps say.
const FORCE_DOWNLOAD_BOOT: u32 = 1;
/// Opens the watchdogs' registers for writing.
const WDT_KEY: u32 = 0x50D8_3AA1;
/// Opens the super watchdog's register for writing.
const SWD_KEY: u32 = 0x8F1D_312A;
const SWD_AUTO_FEED: u32 = 1 << 31;
const SWD_DISABLE: u32 = 1 << 30;
/// `SPI1_CTRL`: keeps the flash chip's write-protect pin high while nothing is sent.
const WP_HIGH: u32 = 1 << 21;
/// `CACHE_CTRL1`: both buses are shut.
const SHUT_BUSES: u32 = 0b11;
/// Largest flash that the MMU's eight bits of page reach.
const LARGEST_FLASH: u32 = 256 * PAGE_SIZE;

unsafe extern "C" {
    safe fn esp_rom_spiflash_config_param(
        id: u32,
        size: u32,
        block: u32,
        sector: u32,
        page: u32,
        status: u32,
    ) -> u32;
    safe fn esp_rom_spiflash_attach(pins: u32, legacy: bool);
    fn esp_rom_spiflash_read(offset: u32, into: *mut u32, len: u32) -> u32;
    safe fn ets_get_cpu_frequency() -> u32;
    #[link_name = "Cache_Invalidate_Addr"]
    safe fn cache_invalidate_addr(addr: u32, len: u32) -> u32;
    #[link_name = "Cache_Invalidate_ICache_All"]
    safe fn cache_invalidate_all();
    #[link_name = "Cache_Disable_ICache"]
    safe fn cache_disable() -> u32;
    #[link_name = "Cache_Enable_ICache"]
    safe fn cache_enable(autoload: u32);
    #[link_name = "Cache_MMU_Init"]
    safe fn cache_mmu_init();
}

/// Who started this program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The ROM's loader or the flasher stub: neither uses the cache, and the flash may not be attached.
    Loader,
    /// The second-stage bootloader, as an app: the flash is attached, the cache is on, and what it mapped stays.
    App,
}

/// The chip as the agent uses it.
pub struct Chip {
    /// Bytes of flash that the chip's identification and the MMU allow; 0 before [`Chip::start`].
    flash_size: u32,
}

impl Chip {
    pub const fn new() -> Self {
        Self { flash_size: 0 }
    }

    /// Makes the chip ready: no watchdog, a running cycle counter, an attached flash, and an MMU and a cache that serve.
    pub fn start(&mut self, start: Start) {
        stop_watchdogs();
        start_cycle_counter();
        self.flash_size = find_flash(start);
        if start == Start::Loader {
            start_cache();
        }
        CACHE_CTRL1.clear(SHUT_BUSES);
    }
}

impl Hardware for Chip {
    fn flash_size(&self) -> u32 {
        self.flash_size
    }

    fn entry(&self, index: u8) -> u32 {
        entry_register(index).read()
    }

    fn set_entry(&mut self, index: u8, value: u32) {
        entry_register(index).write(value);
    }

    fn invalidate(&mut self, index: u8) {
        cache_invalidate_addr(DATA_BUS + u32::from(index % ENTRIES) * PAGE_SIZE, PAGE_SIZE);
    }

    fn page(&self, index: u8) -> &[u8] {
        let addr = DATA_BUS + u32::from(index % ENTRIES) * PAGE_SIZE;
        // SAFETY: the 64 KiB behind each of the 128 entries are readable memory as soon as the buses are open; the entry
        // changes only by `set_entry`, which needs the chip exclusively, so not while the slice lives. Nothing writes flash.
        unsafe { core::slice::from_raw_parts(addr as *const u8, PAGE_SIZE as usize) }
    }

    fn rom_read(&mut self, offset: u32, into: &mut [u8]) -> bool {
        // The ROM reads whole words from aligned offsets to aligned places, so the bytes pass through here.
        let mut words = [0_u32; 16];
        let mut done = 0;
        while done < into.len() {
            let at = offset + done as u32;
            let skip = (at % 4) as usize;
            let len = (into.len() - done).min(size_of_val(&words) - 4);
            let whole = (skip + len).next_multiple_of(4) as u32;
            // SAFETY: `words` is aligned and has room for `whole` bytes, at most 64.
            if unsafe { esp_rom_spiflash_read(at - skip as u32, words.as_mut_ptr(), whole) } != 0 {
                return false;
            }
            for (index, slot) in into[done..done + len].iter_mut().enumerate() {
                let place = skip + index;
                *slot = (words[place / 4] >> (place % 4 * 8)) as u8;
            }
            done += len;
        }
        true
    }

    fn cycles(&self) -> u32 {
        cycles()
    }

    fn cpu_hz(&self) -> u32 {
        ets_get_cpu_frequency() * 1_000_000
    }

    fn breathe(&mut self) {
        PORTS.pump();
    }

    fn invalidate_all(&mut self) {
        cache_invalidate_all();
    }
}

fn entry_register(index: u8) -> Register {
    Register(MMU_TABLE + u32::from(index % ENTRIES) * 4)
}

/// The ROM leaves the RTC watchdog and that of timer group 0 running on a boot from flash; a loader may have them off. All
/// four are stopped, as ESP-IDF's bootloader does (`bootloader_super_wdt_auto_feed`, `wdt_hal_disable`).
fn stop_watchdogs() {
    RTC_WDT_PROTECT.write(WDT_KEY);
    RTC_WDT_FEED.write(1 << 31);
    RTC_WDT_CONFIG0.write(0);
    RTC_WDT_PROTECT.write(0);
    RTC_SWD_PROTECT.write(SWD_KEY);
    RTC_SWD_CONF.set(SWD_AUTO_FEED | SWD_DISABLE);
    RTC_SWD_PROTECT.write(0);
    for group in TIMER_GROUPS {
        let (config, feed, protect) = (
            Register(group + 0x48),
            Register(group + 0x60),
            Register(group + 0x64),
        );
        protect.write(WDT_KEY);
        feed.write(1);
        config.write(0);
        protect.write(0);
    }
}

/// Lets the core's performance counter count cycles (ESP32-C3 TRM, "Performance Counter": mpcer, mpcmr, mpccr).
fn start_cycle_counter() {
    // SAFETY: these three registers of the core count events and do nothing else.
    unsafe {
        asm!("csrw 0x7E0, {one}", "csrw 0x7E1, {one}", one = in(reg) 1_u32, options(nomem, nostack));
    };
}

/// CPU cycles since the start; it wraps.
pub fn cycles() -> u32 {
    let count;
    // SAFETY: reads a counter. Not `nomem`, so that what is measured stays between two readings.
    unsafe { asm!("csrr {count}, 0x7E2", count = out(reg) count, options(nostack)) };
    count
}

/// CPU cycles in so many milliseconds.
pub fn cycles_of_millis(millis: u32) -> u32 {
    ets_get_cpu_frequency()
        .max(1)
        .saturating_mul(1000)
        .saturating_mul(millis)
}

/// Does nothing for so long.
pub fn wait_millis(millis: u32) {
    let start = cycles();
    let goal = cycles_of_millis(millis);
    while cycles().wrapping_sub(start) < goal {}
}

/// The clock of the peripherals: 80 MHz when the CPU runs from the PLL, else the CPU's own.
pub fn apb_hz() -> u32 {
    let config = SYSTEM_SYSCLK_CONF.read();
    match (config >> 10) & 3 {
        1 => 80_000_000,
        2 => 17_500_000,
        _ => XTAL_HZ / ((config & 0x3FF) + 1),
    }
}

/// Bytes of flash; attaches it first when no loader did.
fn find_flash(start: Start) -> u32 {
    let mut size = size_by_id(read_flash_id());
    // What the bootloader attached is in use by the cache, in a mode of its own.
    if size == 0 && start == Start::Loader {
        esp_rom_spiflash_attach(0, false);
        size = size_by_id(read_flash_id());
    }
    if size != 0 {
        // The ROM refuses to read past the size it knows; this changes its own note, not the flash.
        esp_rom_spiflash_config_param(0, size, 0x1_0000, 0x1000, 0x100, 0xFFFF);
    }
    size
}

/// The third byte of the answer to RDID is the logarithm of the size; 0 when it is none that a flash chip has.
fn size_by_id(id: u32) -> u32 {
    match (id >> 16) & 0xFF {
        log @ 0x12..=0x19 => (1 << log).min(LARGEST_FLASH),
        _ => 0,
    }
}

/// Asks the flash chip for its identification (RDID, 0x9F) through SPI1, as espflash and esptool do from the host.
fn read_flash_id() -> u32 {
    let (user, user2, len) = (SPI1_USER.read(), SPI1_USER2.read(), SPI1_MISO_DLEN.read());
    let ctrl = SPI1_CTRL.read();
    // One line each way, whatever mode the flash is read in (ESP-IDF, `bootloader_execute_flash_command`).
    SPI1_CTRL.write(WP_HIGH);
    // A command of 8 bits, then 24 bits to read.
    SPI1_USER.write((1 << 31) | (1 << 28));
    SPI1_USER2.write((7 << 28) | 0x9F);
    SPI1_MISO_DLEN.write(23);
    SPI1_W0.write(0);
    SPI1_CMD.write(1 << 18);
    // Ends within microseconds; bounded, so that a dead controller does not keep the agent from answering.
    for _ in 0..100_000 {
        if SPI1_CMD.read() & (1 << 18) == 0 {
            break;
        }
    }
    let id = SPI1_W0.read() & 0xFF_FFFF;
    SPI1_CTRL.write(ctrl);
    SPI1_USER.write(user);
    SPI1_USER2.write(user2);
    SPI1_MISO_DLEN.write(len);
    id
}

/// Empties MMU and cache. Safe because nothing runs from flash: this program lies in RAM, and the
/// loaders that brought it do not use the cache.
fn start_cache() {
    cache_disable();
    cache_mmu_init();
    cache_invalidate_all();
    // CACHE_REQ_EN: SPI0 serves the cache.
    SPI0_CACHE_FCTRL.set(1);
    cache_enable(0);
}

/// Leaves for the loader or for what is in flash.
pub fn restart(into: Into) -> ! {
    match into {
        Into::Loader => RTC_OPTION1.set(FORCE_DOWNLOAD_BOOT),
        Into::Flash => {
            RTC_OPTION1.clear(FORCE_DOWNLOAD_BOOT);
            // A software reset does not sample the boot straps again, so a board that was brought into its loader by
            // GPIO9 would come back there. The RTC watchdog's reset of everything does; after some 15 ms.
            RTC_WDT_PROTECT.write(WDT_KEY);
            RTC_WDT_CONFIG1.write(2000);
            RTC_WDT_CONFIG0.write((1 << 31) | (5 << 28) | (1 << 8) | 2);
            RTC_WDT_PROTECT.write(0);
            wait_millis(200);
        }
    }
    loop {
        RTC_OPTIONS0.set(SW_SYS_RST);
    }
}
