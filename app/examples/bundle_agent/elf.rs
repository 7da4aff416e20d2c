//! Makes an ESP image out of the firmware's ELF file: what is loaded, in the layout that esptool and the ROM know.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// Number of the ESP32-C3 in an image header (ESP-IDF, `esp_app_format.h`).
const CHIP_ID: u16 = 5;
/// Type of a program header whose bytes are loaded.
const PT_LOAD: u32 = 1;

struct Segment<'a> {
    addr: u32,
    bytes: &'a [u8],
}

/// The image: header, segments (lowest address first, so the descriptor is at its start), checksum, SHA-256.
pub fn to_image(elf: &[u8]) -> Result<Vec<u8>> {
    let segments = segments(elf)?;
    ensure!(!segments.is_empty(), "nothing in it is loaded");
    let mut image = vec![0xE9, segments.len() as u8, 2, 0x20];
    image.extend(word(elf, 24)?.to_le_bytes());
    image.extend([0xEE, 0, 0, 0]);
    image.extend(CHIP_ID.to_le_bytes());
    // Any revision of the chip; a SHA-256 follows.
    image.extend([0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 1]);
    let mut checksum = 0xEF;
    for segment in &segments {
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
    Ok(image)
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
