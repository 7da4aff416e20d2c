//! The second-stage bootloader that espflash brings along, as its library gives it.
//!
//! The library gives it only beside an app that it lays out, so it is handed an ELF file of a header and nothing more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use espflash::flasher::{FlashData, FlashSettings};
use espflash::image_format::idf::IdfBootloaderFormat;
use espflash::target::Chip as EspChip;

use super::elf_image::{MAGIC, flash};
use crate::model::chip::Chip;

/// The partition table's offset that this bootloader was built for, in bytes from the start of the flash.
pub const TABLE_OFFSET: u32 = 0x8000;

/// Bytes of an ELF file's header.
const HEADER: usize = 52;

/// The bootloader for this chip; `flash_size` goes into its header.
///
/// # Errors
/// Why there is none, as one sentence without a full stop.
pub fn bundled(chip: Chip, flash_size: u32) -> Result<Vec<u8>, String> {
    let none = || format!("espflash has no bootloader for the {chip}");
    let target: EspChip = chip.facts().id.parse().map_err(|_unknown| none())?;
    let settings = FlashSettings::new(None, flash(flash_size), None);
    let data = FlashData::new(settings, 0, None, target, target.default_xtal_frequency());
    let elf = empty_elf();
    let made = catch_unwind(AssertUnwindSafe(|| {
        let image = IdfBootloaderFormat::new(&elf, &data, None, None, None, None)?;
        let at = chip.facts().bootloader_offset;
        let mut segments = image.flash_segments();
        let found = segments.find(|segment| segment.addr == at);
        Ok::<_, espflash::Error>(found.map(|segment| segment.data.into_owned()))
    }));
    match made {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Err(error)) => Err(format!("{}: {error}", none())),
        Ok(Ok(None)) | Err(_) => Err(none()),
    }
}

/// An ELF file (System V ABI; 32 bits, lowest byte first, RISC-V) without a single section.
fn empty_elf() -> Vec<u8> {
    let mut elf = MAGIC.to_vec();
    // Class, order, version; then an executable for RISC-V.
    elf.extend([1, 1, 1]);
    elf.resize(16, 0);
    elf.extend([2, 0, 0xF3, 0, 1, 0, 0, 0]);
    elf.resize(HEADER, 0);
    elf[40] = HEADER as u8;
    elf
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::app_image;

    #[test]
    fn espflash_gives_a_sound_bootloader_for_the_c3() {
        for size in [2, 4, 16] {
            let bytes = bundled(Chip::Esp32c3, size << 20).unwrap();
            let image = app_image::parse(&bytes).unwrap();
            assert_eq!(image.chip(), Some(Chip::Esp32c3));
            assert_eq!(image.flash_size, Some(size << 20));
            assert!(image.checksum.is_right() && image.sha256.unwrap().is_right());
            assert!(bytes.len() <= TABLE_OFFSET as usize);
        }
    }
}
