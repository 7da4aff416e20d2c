//! The chips that a practice board can be, one row each: what tells them apart when a host asks.
//!
//! Only the ESP32-C3 can do everything here; the others are enough of a chip to be recognised and refused.
//! Sources: espressif/esptool `targets/*.py`, esp-rs/espflash `target/mod.rs`, boot logs of the chips' ROMs.

use crate::model::chip::Chip;

/// What differs from chip to chip.
#[derive(Debug, PartialEq, Eq)]
pub struct ChipRow {
    pub chip: Chip,
    /// Value of the register at 0x40001000, by which tools knew chips before they could ask for the chip id.
    pub magic: u32,
    /// First register of the SPI controller that the flash is on.
    pub spi_base: u32,
    /// First register of the eFuse controller.
    pub efuse_base: u32,
    /// Word 3 of eFuse block 1: the wafer revision's minor number, in this chip's place for it.
    pub efuse_revision: u32,
    /// Registers of the RTC watchdog: write protection, configuration 0 and 1.
    pub watchdog_protect: u32,
    pub watchdog_config0: u32,
    pub watchdog_config1: u32,
    /// Registers of the software reset (bit 31) and of the forced download mode (bit 0); 0 where they are elsewhere.
    pub reset: u32,
    pub force_download: u32,
    /// First two lines that the ROM prints.
    pub banner: &'static str,
    /// How the ROM names booting from flash, and waiting for a download.
    pub boot_from_flash: &'static str,
    pub boot_to_download: &'static str,
}

static ROWS: [ChipRow; 3] = [
    ChipRow {
        chip: Chip::Esp32c3,
        magic: 0x1B31_506F,
        spi_base: 0x6000_2000,
        efuse_base: 0x6000_8800,
        efuse_revision: 4 << 18,
        watchdog_protect: 0x6000_80A8,
        watchdog_config0: 0x6000_8090,
        watchdog_config1: 0x6000_8094,
        reset: 0x6000_8000,
        force_download: 0x6000_80F4,
        banner: "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n",
        boot_from_flash: "boot:0xc (SPI_FAST_FLASH_BOOT)",
        boot_to_download: "boot:0x4 (DOWNLOAD(USB/UART0/1))",
    },
    ChipRow {
        chip: Chip::Esp32s3,
        magic: 0x0000_0009,
        spi_base: 0x6000_2000,
        efuse_base: 0x6000_7000,
        efuse_revision: 2 << 18,
        watchdog_protect: 0x6000_80B0,
        watchdog_config0: 0x6000_8098,
        watchdog_config1: 0x6000_809C,
        reset: 0x6000_8000,
        force_download: 0x6000_812C,
        banner: "ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\n",
        boot_from_flash: "boot:0x8 (SPI_FAST_FLASH_BOOT)",
        boot_to_download: "boot:0x0 (DOWNLOAD(USB/UART0))",
    },
    ChipRow {
        chip: Chip::Esp32c6,
        magic: 0x2CE0_806F,
        spi_base: 0x6000_3000,
        efuse_base: 0x600B_0800,
        efuse_revision: 1 << 18,
        watchdog_protect: 0x600B_1C18,
        watchdog_config0: 0x600B_1C00,
        watchdog_config1: 0x600B_1C04,
        reset: 0,
        force_download: 0,
        banner: "ESP-ROM:esp32c6-20220919\r\nBuild:Sep 19 2022\r\n",
        boot_from_flash: "boot:0xc (SPI_FAST_FLASH_BOOT)",
        boot_to_download: "boot:0x4 (DOWNLOAD(USB/UART0/SDIO_REI_FEO))",
    },
];

/// The row of a chip, if a practice board can be one.
pub fn row(chip: Chip) -> Option<&'static ChipRow> {
    ROWS.iter().find(|row| row.chip == chip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_chips_have_rows_of_their_own() {
        for chip in [Chip::Esp32c3, Chip::Esp32s3, Chip::Esp32c6] {
            let row = row(chip).unwrap();
            assert_eq!(row.chip, chip);
            assert!(row.banner.contains(chip.facts().id));
        }
        assert_eq!(row(Chip::Esp32), None);
    }
}
