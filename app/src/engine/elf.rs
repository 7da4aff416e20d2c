//! ELF files where an app belongs: they become app images before anything looks at them.

use std::sync::Arc;

use crate::device::elf_image;
use crate::model::chip::Chip;
use crate::model::number::human_size;

/// What an app partition belongs to, for ELF files that are to go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppFor {
    pub chip: Chip,
    /// Bytes of flash; the image's header names them.
    pub flash_size: u32,
}

/// Whether these bytes are an ELF file.
pub fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(elf_image::MAGIC)
}

/// The app image of an ELF file.
///
/// # Errors
/// Why there is none, and what to do.
pub fn app_image(elf: &[u8], target: AppFor) -> Result<Arc<[u8]>, (String, &'static str)> {
    match elf_image::app_image(elf, target.chip, target.flash_size) {
        Ok(image) => Ok(image.into()),
        Err(reason) => Err((
            reason,
            "Choose the .elf or .bin file that the build made for this chip",
        )),
    }
}

/// What was done, as one sentence without a full stop.
pub fn done(source: &str, image: &[u8]) -> String {
    format!(
        "{source} is an ELF file: {} of it become an app image",
        human_size(image.len() as u64)
    )
}
