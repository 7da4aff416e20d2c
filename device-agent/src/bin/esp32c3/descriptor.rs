//! What the image says of itself: an `esp_app_desc_t` of 256 bytes (ESP-IDF, `esp_app_desc.h`).
//!
//! esptool's `image-info` shows it, and a test of the bundled image reads it. The protocol's version stands in the first of
//! the structure's reserved words at its end.

use device_agent::{PROJECT_NAME, PROTOCOL_VERSION, VERSION};

#[repr(C)]
pub struct Descriptor {
    magic: u32,
    secure_version: u32,
    reserved1: [u32; 2],
    version: [u8; 32],
    project_name: [u8; 32],
    /// Time and date stay empty, so that the same sources give the same image.
    time: [u8; 16],
    date: [u8; 16],
    idf_version: [u8; 32],
    elf_sha256: [u8; 32],
    min_efuse_block_revision: u16,
    max_efuse_block_revision: u16,
    /// Logarithm of the page size.
    mmu_page_size: u8,
    reserved3: [u8; 3],
    protocol_version: u32,
    reserved2: [u32; 17],
}

const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let text = text.as_bytes();
    let mut index = 0;
    while index < text.len() && index < N {
        bytes[index] = text[index];
        index += 1;
    }
    bytes
}

// SAFETY: the section is this program's own; the linker script puts it first among the constants.
#[unsafe(link_section = ".app_desc")]
#[used]
static DESCRIPTOR: Descriptor = Descriptor {
    magic: 0xABCD_5432,
    secure_version: 0,
    reserved1: [0; 2],
    version: padded(VERSION),
    project_name: padded(PROJECT_NAME),
    time: [0; 16],
    date: [0; 16],
    idf_version: [0; 32],
    elf_sha256: [0; 32],
    min_efuse_block_revision: 0,
    max_efuse_block_revision: u16::MAX,
    mmu_page_size: 16,
    reserved3: [0; 3],
    protocol_version: PROTOCOL_VERSION as u32,
    reserved2: [0; 17],
};

const _: () = assert!(size_of::<Descriptor>() == 256);
