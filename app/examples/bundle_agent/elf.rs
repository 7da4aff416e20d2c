//! Makes ESP images out of the firmware's ELF file, in the layout that esptool, the ROM and ESP-IDF's bootloader know:
//! one for a loader, and one that is an app in flash.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// Number of the ESP32-C3 in an image header (ESP-IDF, `esp_app_format.h`).
const CHIP_ID: u16 = 5;
/// Type of a program header whose bytes are loaded.
const PT_LOAD: u32 = 1;
const IMAGE_HEADER: usize = 24;
const SEGMENT_HEADER: usize = 8;

#[derive(Clone, Copy)]
struct Segment<'a> {
    addr: u32,
    bytes: &'a [u8],
}

/// Flash size in the upper half: 1 MB, the smallest, so that it suits every board. Speed in the lower: 40 MHz.
const SMALLEST_FLASH: u8 = 0;
/// The same for 4 MB.
const USUAL_FLASH: u8 = 0x20;
/// Where the bootloader of ESP-IDF maps an app's constants and its code from; the page of 64 KiB is the same in flash.
const MAPPED_DATA: u32 = 0x3C00_0000;
const MAPPED_CODE: u32 = 0x4201_0000;
/// Bytes of an `esp_app_desc_t`, with which the firmware's lowest segment begins.
const DESCRIPTOR: usize = 256;
/// Bytes before the first segment's data.
const HEAD: u32 = 32;
/// How far behind its first entry the firmware has the one for the bootloader: two whole instructions.
const APP_ENTRY: u32 = 8;
/// What is there: `li a0, 1`.
const APP_ENTRY_CODE: [u8; 4] = 0x0010_0513_u32.to_le_bytes();

/// The image for a loader: what is loaded, lowest address first, so that the descriptor is at its start.
pub fn to_image(elf: &[u8]) -> Result<Vec<u8>> {
    Ok(image(&segments(elf)?, word(elf, 24)?, USUAL_FLASH))
}

/// The same as an app for a slot in flash. The bootloader wants a mapped segment of constants, which begins with the
/// descriptor, and one of code; what runs is copied into RAM by it, and started at the firmware's second entry.
pub fn to_app_image(elf: &[u8]) -> Result<Vec<u8>> {
    let loaded = segments(elf)?;
    let entry = word(elf, 24)?;
    let first = loaded.first().map_or(&[][..], |segment| segment.bytes);
    let descriptor = first.get(..DESCRIPTOR).context("it has no descriptor")?;
    let code = loaded.iter().find(|segment| segment.addr == entry);
    let second = code.and_then(|code| code.bytes.get(APP_ENTRY as usize..));
    ensure!(
        second.is_some_and(|code| code.starts_with(&APP_ENTRY_CODE)),
        "it has no entry for the bootloader"
    );
    let mut segments = vec![Segment {
        addr: MAPPED_DATA + HEAD,
        bytes: descriptor,
    }];
    segments.extend(loaded);
    // A mapped segment lies in its page as it lies in the image.
    let before: usize = segments
        .iter()
        .map(|segment| SEGMENT_HEADER + segment.bytes.len().next_multiple_of(4))
        .sum();
    segments.push(Segment {
        addr: MAPPED_CODE + (IMAGE_HEADER + before + SEGMENT_HEADER) as u32,
        bytes: &[0; 4],
    });
    Ok(image(&segments, entry + APP_ENTRY, SMALLEST_FLASH))
}

/// Header, segments, checksum, SHA-256.
fn image(segments: &[Segment<'_>], entry: u32, flash: u8) -> Vec<u8> {
    let mut image = vec![0xE9, segments.len() as u8, 2, flash];
    image.extend(entry.to_le_bytes());
    image.extend([0xEE, 0, 0, 0]);
    image.extend(CHIP_ID.to_le_bytes());
    // Any revision of the chip; a SHA-256 follows.
    image.extend([0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 1]);
    let mut checksum = 0xEF;
    for segment in segments {
        let mut bytes = segment.bytes.to_vec();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        checksum = bytes.iter().fold(checksum, |sum, byte| sum ^ byte);
        image.extend(segment.addr.to_le_bytes());
        image.extend((bytes.len() as u32).to_le_bytes());
        image.extend(bytes);
    }
    image.resize((image.len() + 1).next_multiple_of(16) - 1, 0);
    image.push(checksum);
    image.extend(Sha256::digest(&image));
    image
}

/// Bytes that a loader sends to the chip.
pub fn loaded_size(elf: &[u8]) -> Result<usize> {
    Ok(segments(elf)?
        .iter()
        .map(|segment| segment.bytes.len())
        .sum())
}

/// The loaded parts of a 32-bit little-endian RISC-V ELF file.
fn segments(elf: &[u8]) -> Result<Vec<Segment<'_>>> {
    ensure!(
        elf.starts_with(b"\x7FELF\x01\x01"),
        "it is no 32-bit little-endian ELF file"
    );
    ensure!(half(elf, 18)? == 0xF3, "it is not for RISC-V");
    let (table, size, count) = (
        word(elf, 28)? as usize,
        half(elf, 42)? as usize,
        half(elf, 44)? as usize,
    );
    let mut segments = Vec::new();
    for index in 0..count {
        let at = table + index * size;
        let (kind, offset, addr, len) = (
            word(elf, at)?,
            word(elf, at + 4)?,
            word(elf, at + 8)?,
            word(elf, at + 16)?,
        );
        if kind == PT_LOAD && len > 0 {
            let bytes = elf
                .get(offset as usize..)
                .and_then(|rest| rest.get(..len as usize));
            segments.push(Segment {
                addr,
                bytes: bytes.context("a segment is cut off")?,
            });
        }
    }
    ensure!(!segments.is_empty(), "nothing in it is loaded");
    segments.sort_by_key(|segment| segment.addr);
    Ok(segments)
}

fn word(bytes: &[u8], at: usize) -> Result<u32> {
    let word = bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .context("it is cut off")?;
    Ok(u32::from_le_bytes(*word))
}

fn half(bytes: &[u8], at: usize) -> Result<u16> {
    let half = bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .context("it is cut off")?;
    Ok(u16::from_le_bytes(*half))
}
