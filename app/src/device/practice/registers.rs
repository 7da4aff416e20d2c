//! The registers that hosts read and write through the loaders: eFuses, the SPI controller's user commands, the RTC
//! watchdog, the software reset. A register that is not modelled holds what was written to it, 0 to begin with.

use std::collections::BTreeMap;
use std::time::Duration;

use super::chips::ChipRow;

/// Where every chip tells what it is.
const MAGIC_ADDR: u32 = 0x4000_1000;
const SPI_CMD: u32 = 0x00;
const SPI_USR2: u32 = 0x20;
const SPI_MISO_DLEN: u32 = 0x28;
const SPI_W0: u32 = 0x58;
/// Bit of `SPI_CMD` that starts a user command; reads 0 again when it is done.
const SPI_START: u32 = 1 << 18;
/// Commands that flash chips answer: identification, and the three status registers (all zero: ready, unprotected).
const RDID: u32 = 0x9F;
const STATUS_COMMANDS: [u32; 3] = [0x05, 0x35, 0x15];
/// Word that unlocks the RTC watchdog.
const WATCHDOG_KEY: u32 = 0x50D8_3AA1;
/// Clock of the RTC watchdog: 136 kHz on the C3, by its data sheet.
const WATCHDOG_TICKS_PER_SECOND: u32 = 136_000;
const BIT_31: u32 = 1 << 31;

/// What a write brings about besides the register's new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Nothing,
    /// The chip resets; into the loader if the forced download bit is set.
    SoftwareReset {
        force_download: bool,
    },
    /// The RTC watchdog will reset the chip after this time.
    WatchdogStarted(Duration),
    WatchdogStopped,
}

/// All registers of a chip.
#[derive(Debug)]
pub struct Registers {
    row: &'static ChipRow,
    /// Burnt in: writes have no effect.
    fixed: BTreeMap<u32, u32>,
    words: BTreeMap<u32, u32>,
}

impl Registers {
    /// The registers of a chip with this MAC address; `encrypted` sets one bit of `SPI_BOOT_CRYPT_CNT`.
    pub fn new(row: &'static ChipRow, mac: [u8; 6], encrypted: bool) -> Self {
        let [m0, m1, m2, m3, m4, m5] = mac;
        let efuse = row.efuse_base;
        let fixed = BTreeMap::from([
            (MAGIC_ADDR, row.magic),
            (efuse + 0x34, u32::from(encrypted) << 18),
            (efuse + 0x44, u32::from_be_bytes([m2, m3, m4, m5])),
            (efuse + 0x48, u32::from_be_bytes([0, 0, m0, m1])),
            (efuse + 0x50, row.efuse_revision),
        ]);
        Self {
            row,
            fixed,
            words: BTreeMap::new(),
        }
    }

    /// The value of a register.
    pub fn read(&self, addr: u32) -> u32 {
        self.fixed
            .get(&addr)
            .or_else(|| self.words.get(&addr))
            .copied()
            .unwrap_or(0)
    }

    /// Writes the bits of `mask`. `flash_id` is what an attached flash chip answers to `RDID`.
    pub fn write(&mut self, addr: u32, value: u32, mask: u32, flash_id: Option<u32>) -> Effect {
        let row = self.row;
        let value = (value & mask) | (self.read(addr) & !mask);
        let is_watchdog = addr == row.watchdog_config0 || addr == row.watchdog_config1;
        if is_watchdog && self.read(row.watchdog_protect) != WATCHDOG_KEY {
            return Effect::Nothing;
        }
        self.words.insert(addr, value);
        if addr == row.spi_base + SPI_CMD && value & SPI_START != 0 {
            self.run_spi_command(flash_id);
        } else if addr == row.watchdog_config0 {
            // Bits 28 to 30 say what the first stage does: from 3 on it resets something.
            let resets = value & BIT_31 != 0 && (value >> 28) & 7 >= 3;
            if !resets {
                return Effect::WatchdogStopped;
            }
            let ticks = self.read(row.watchdog_config1);
            return Effect::WatchdogStarted(
                Duration::from_secs(1) * ticks / WATCHDOG_TICKS_PER_SECOND,
            );
        } else if addr == row.reset && row.reset != 0 && value & BIT_31 != 0 {
            return Effect::SoftwareReset {
                force_download: self.read(row.force_download) & 1 != 0,
            };
        }
        Effect::Nothing
    }

    /// What a reset leaves. The forced download bit is in a part that only power or the RTC watchdog clears; returns
    /// whether it is still set.
    pub fn reset(&mut self, keep_force_download: bool) -> bool {
        let force_download = self.read(self.row.force_download);
        self.words.clear();
        let kept = keep_force_download && force_download & 1 != 0;
        if kept {
            self.words.insert(self.row.force_download, force_download);
        }
        kept
    }

    fn run_spi_command(&mut self, flash_id: Option<u32>) {
        let base = self.row.spi_base;
        let command = self.read(base + SPI_USR2) & 0xFF;
        let answer = match flash_id {
            Some(id) if command == RDID => id,
            Some(_) if STATUS_COMMANDS.contains(&command) => 0,
            // Nothing drives the line.
            _ => u32::MAX,
        };
        let bits = (self.read(base + SPI_MISO_DLEN) & 0x3FF) + 1;
        let mask = 1u32.checked_shl(bits).map_or(u32::MAX, |bit| bit - 1);
        self.words.insert(base + SPI_W0, answer & mask);
        self.words.insert(base + SPI_CMD, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::practice::chips;
    use crate::model::chip::Chip;

    fn c3() -> Registers {
        Registers::new(
            chips::row(Chip::Esp32c3).unwrap(),
            [0x60, 0x55, 0xF9, 1, 2, 3],
            true,
        )
    }

    #[test]
    fn efuses_tell_mac_revision_and_encryption_and_cannot_be_written() {
        let mut registers = c3();
        registers.write(0x6000_8844, 0, u32::MAX, None);
        assert_eq!(registers.read(0x6000_8844), 0xF901_0203);
        assert_eq!(registers.read(0x6000_8848), 0x6055);
        assert_eq!(registers.read(0x6000_8850) >> 18 & 7, 4);
        assert_eq!(registers.read(0x6000_8834) >> 18 & 7, 1);
        assert_eq!(registers.read(MAGIC_ADDR), 0x1B31_506F);
        assert_eq!(registers.read(0x1234), 0);
    }

    #[test]
    fn only_masked_bits_are_written() {
        let mut registers = c3();
        registers.write(0x100, 0xFFFF, u32::MAX, None);
        registers.write(0x100, 0, 0x00F0, None);
        assert_eq!(registers.read(0x100), 0xFF0F);
    }

    #[test]
    fn the_flash_is_identified_through_the_spi_controller() {
        let mut registers = c3();
        let mut identify = |id| {
            registers.write(0x6000_2028, 23, u32::MAX, id);
            registers.write(0x6000_2020, 7 << 28 | 0x9F, u32::MAX, id);
            assert_eq!(
                registers.write(0x6000_2000, 1 << 18, u32::MAX, id),
                Effect::Nothing
            );
            assert_eq!(registers.read(0x6000_2000), 0);
            registers.read(0x6000_2058)
        };
        assert_eq!(identify(Some(0x16_4020)), 0x16_4020);
        assert_eq!(identify(None), 0xFF_FFFF);
    }

    #[test]
    fn the_watchdog_starts_only_when_it_is_unlocked() {
        let mut registers = c3();
        let enable = 1 << 31 | 5 << 28 | 1 << 8 | 2;
        assert_eq!(
            registers.write(0x6000_8090, enable, u32::MAX, None),
            Effect::Nothing
        );
        registers.write(0x6000_80A8, WATCHDOG_KEY, u32::MAX, None);
        registers.write(0x6000_8094, 1360, u32::MAX, None);
        let started = Effect::WatchdogStarted(Duration::from_millis(10));
        assert_eq!(
            registers.write(0x6000_8090, enable, u32::MAX, None),
            started
        );
        assert_eq!(
            registers.write(0x6000_8090, 0, u32::MAX, None),
            Effect::WatchdogStopped
        );
    }

    #[test]
    fn a_software_reset_minds_the_forced_download_bit() {
        let mut registers = c3();
        let reset = |registers: &mut Registers| registers.write(0x6000_8000, BIT_31, BIT_31, None);
        assert_eq!(
            reset(&mut registers),
            Effect::SoftwareReset {
                force_download: false
            }
        );
        registers.write(0x6000_80F4, 1, 1, None);
        registers.reset(true);
        assert_eq!(
            reset(&mut registers),
            Effect::SoftwareReset {
                force_download: true
            }
        );
        registers.reset(false);
        assert_eq!(
            reset(&mut registers),
            Effect::SoftwareReset {
                force_download: false
            }
        );
    }
}
