//! The chips, one table row each, and what a board says of itself.

use serde::{Deserialize, Serialize};

use super::region::Region;

/// An Espressif chip that Flashpack knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Chip {
    Esp32,
    Esp32s2,
    Esp32s3,
    Esp32c2,
    #[default]
    Esp32c3,
    Esp32c5,
    Esp32c6,
    Esp32c61,
    Esp32h2,
    Esp32p4,
}

/// What differs from chip to chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChipFacts {
    pub chip: Chip,
    /// As printed by Espressif: `ESP32-C3`.
    pub name: &'static str,
    /// As typed at a command line: `esp32c3`.
    pub id: &'static str,
    /// The number in the image header and in the chip's security information (ESP-IDF, `esp_app_format.h`).
    pub image_id: u16,
    /// Where the boot ROM looks for the bootloader, in bytes from the start of the flash.
    pub bootloader_offset: u32,
}

const fn row(
    chip: Chip,
    name: &'static str,
    id: &'static str,
    image_id: u16,
    bootloader_offset: u32,
) -> ChipFacts {
    ChipFacts {
        chip,
        name,
        id,
        image_id,
        bootloader_offset,
    }
}

/// Every known chip.
pub const CHIPS: [ChipFacts; 10] = [
    row(Chip::Esp32, "ESP32", "esp32", 0, 0x1000),
    row(Chip::Esp32s2, "ESP32-S2", "esp32s2", 2, 0x1000),
    row(Chip::Esp32s3, "ESP32-S3", "esp32s3", 9, 0),
    row(Chip::Esp32c2, "ESP32-C2", "esp32c2", 0xC, 0),
    row(Chip::Esp32c3, "ESP32-C3", "esp32c3", 5, 0),
    row(Chip::Esp32c5, "ESP32-C5", "esp32c5", 0x17, 0x2000),
    row(Chip::Esp32c6, "ESP32-C6", "esp32c6", 0xD, 0),
    row(Chip::Esp32c61, "ESP32-C61", "esp32c61", 0x14, 0),
    row(Chip::Esp32h2, "ESP32-H2", "esp32h2", 0x10, 0),
    row(Chip::Esp32p4, "ESP32-P4", "esp32p4", 0x12, 0x2000),
];

impl Chip {
    /// The chip's row of the table.
    pub fn facts(self) -> &'static ChipFacts {
        // The table holds every variant; a test checks it. The C3 stands in so that no path can panic.
        CHIPS
            .iter()
            .find(|facts| facts.chip == self)
            .unwrap_or(&CHIPS[4])
    }

    /// The chip as typed: `esp32c3`, `ESP32-C3`.
    pub fn from_name(text: &str) -> Option<Self> {
        let plain = text.to_ascii_lowercase().replace(['-', '_'], "");
        CHIPS
            .iter()
            .find(|facts| facts.id == plain)
            .map(|facts| facts.chip)
    }

    /// The chip of an image header or of the security information.
    pub fn from_image_id(image_id: u16) -> Option<Self> {
        CHIPS
            .iter()
            .find(|facts| facts.image_id == image_id)
            .map(|facts| facts.chip)
    }
}

impl std::fmt::Display for Chip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.facts().name)
    }
}

/// What a board says of itself. What is not known is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BoardIdentity {
    pub chip: Chip,
    /// Major and minor wafer revision.
    pub revision: Option<(u32, u32)>,
    /// Base MAC address, as esptool prints it: `60:55:f9:00:00:01`.
    pub mac: Option<String>,
    /// Bytes of flash, from the flash chip's identification.
    pub flash_size: Option<u32>,
    /// Maker, type and capacity bytes of the flash chip (`RDID`, 0x9F), maker lowest.
    pub flash_id: Option<u32>,
    /// Security flags of the chip (`GET_SECURITY_INFO`).
    pub security_flags: Option<u32>,
    /// Whether the chip starts only signed images.
    pub secure_boot: Option<bool>,
    /// Whether its loader is in secure download mode: no stub, no reading, no registers.
    pub secure_download: Option<bool>,
    /// Whether an odd number of bits of `SPI_BOOT_CRYPT_CNT` is set: flash is encrypted.
    pub flash_encrypted: Option<bool>,
}

/// Bits of the security flags (`GET_SECURITY_INFO`; esptool, `loader.py`).
const SECURE_BOOT_EN: u32 = 1 << 0;
const SECURE_DOWNLOAD_ENABLE: u32 = 1 << 2;

impl BoardIdentity {
    /// What is known when the chip told nothing but what it is and how it is secured.
    pub fn of_chip(chip: Chip, security: Option<(u32, u8)>) -> Self {
        let flag = |bit: u32| security.map(|(flags, _)| flags & bit != 0);
        Self {
            chip,
            revision: None,
            mac: None,
            flash_size: None,
            flash_id: None,
            security_flags: security.map(|(flags, _)| flags),
            secure_boot: flag(SECURE_BOOT_EN),
            secure_download: flag(SECURE_DOWNLOAD_ENABLE),
            flash_encrypted: security.map(|(_, count)| !count.count_ones().is_multiple_of(2)),
        }
    }

    /// The security state in words: `none`, `flash encryption, secure boot`; `unknown` if the chip did not tell.
    pub fn security(&self) -> String {
        let states = [
            (self.flash_encrypted, "flash encryption"),
            (self.secure_boot, "secure boot"),
            (self.secure_download, "secure download mode"),
        ];
        if states.iter().all(|(on, _)| on.is_none()) {
            return "unknown".to_owned();
        }
        let on: Vec<&str> = states
            .iter()
            .filter(|(on, _)| *on == Some(true))
            .map(|(_, name)| *name)
            .collect();
        if on.is_empty() {
            "none: no flash encryption, no secure boot".to_owned()
        } else {
            on.join(", ")
        }
    }

    /// All of the flash, when its size is known.
    pub fn flash(&self) -> Option<Region> {
        self.flash_size.map(|size| Region::new(0, size))
    }
}

/// A MAC address as it is shown: `60:55:f9:00:00:01`.
pub fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chip_has_its_own_row() {
        for facts in CHIPS {
            assert_eq!(facts.chip.facts(), &facts);
            assert_eq!(Chip::from_name(facts.name), Some(facts.chip));
            assert_eq!(Chip::from_image_id(facts.image_id), Some(facts.chip));
        }
        assert_eq!(Chip::Esp32p4.facts().name, "ESP32-P4");
    }
}
