//! ESP app and bootloader images: header, segments, checksum, SHA-256, descriptor, and whether one fits a slot and a chip.
//!
//! Layout as in ESP-IDF, `esp_app_format.h`, `esp_image_format.c` and `esp_app_desc.h`. Signatures are not verified; what
//! follows the image is only mentioned. Building images is not done here.

mod check;

use sha2::{Digest as _, Sha256};

use super::format_error::FormatError;
use crate::model::chip::Chip;

pub use check::{ImageRole, ImageTarget, Subject, check, findings, merged_table_offset};

/// First byte of every image.
pub const MAGIC: u8 = 0xE9;
/// Bytes of the header, in which the extended header is included.
pub const HEADER: usize = 24;
/// First word of the app descriptor.
pub const DESCRIPTOR_MAGIC: u32 = 0xABCD_5432;
/// Where the descriptor lies: it is the first thing in the first segment.
pub const DESCRIPTOR_AT: usize = HEADER + SEGMENT_HEADER;

const WHAT: &str = "ESP image";
const SEGMENT_HEADER: usize = 8;
/// More segments than this stop the bootloader.
const MAX_SEGMENTS: u8 = 16;
/// The checksum starts with this value.
const CHECKSUM_SEED: u8 = 0xEF;

/// An image that was read. It may still be wrong in its sums: see [`check()`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppImage {
    pub segments: Vec<Segment>,
    /// 0 QIO, 1 QOUT, 2 DIO, 3 DOUT, 4 FAST, 5 SLOW.
    pub spi_mode: u8,
    /// Divider of the flash clock: 0 /2, 1 /3, 2 /4, 15 /1.
    pub spi_speed: u8,
    /// Bytes of flash that the header names; `None` for an unknown code.
    pub flash_size: Option<u32>,
    /// Address of the first instruction.
    pub entry_addr: u32,
    /// The chip's number; [`Chip::from_image_id`] knows some of them.
    pub chip_id: u16,
    /// Lowest and highest chip revision that may run it, major times 100 plus minor. A highest of 0 or 65535 means any.
    pub revisions: (u16, u16),
    pub checksum: Sum<u8>,
    /// `None` when the header says that there is none.
    pub sha256: Option<Sum<[u8; 32]>>,
    /// Bytes of the image, checksum and SHA-256 included; a signature would follow.
    pub size: usize,
    pub descriptor: Option<AppDescriptor>,
}

/// A run of bytes that the bootloader loads or maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Address in memory.
    pub addr: u32,
    /// Where its data starts, from the start of the image.
    pub offset: usize,
    /// Bytes of data.
    pub size: usize,
}

/// A sum as it is stored, and as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum<T> {
    pub stored: T,
    pub computed: T,
}

impl<T: PartialEq> Sum<T> {
    /// Whether both are the same.
    pub fn is_right(&self) -> bool {
        self.stored == self.computed
    }
}

/// What an app says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppDescriptor {
    pub secure_version: u32,
    pub version: String,
    pub project_name: String,
    pub time: String,
    pub date: String,
    pub idf_version: String,
    pub elf_sha256: [u8; 32],
}

impl AppImage {
    /// The chip it is made for, if it is a known one.
    pub fn chip(&self) -> Option<Chip> {
        Chip::from_image_id(self.chip_id)
    }
}

/// Reads an image; what follows it is left alone.
///
/// # Errors
/// [`FormatError::NotThis`] for other bytes, [`FormatError::Damaged`] when it is cut off or its segments make no sense.
pub fn parse(bytes: &[u8]) -> Result<AppImage, FormatError> {
    let damaged = |offset: usize, why: &str| FormatError::damaged(WHAT, offset as u64, why);
    if bytes.first() != Some(&MAGIC) {
        return Err(FormatError::not_this(WHAT, "its first byte is not E9"));
    }
    let header = bytes
        .get(..HEADER)
        .ok_or_else(|| damaged(bytes.len(), "the header is cut off"))?;
    let count = header[1];
    if !(1..=MAX_SEGMENTS).contains(&count) {
        return Err(FormatError::not_this(
            WHAT,
            format!("{count} segments are not possible"),
        ));
    }
    let mut at = HEADER;
    let mut segments = Vec::with_capacity(usize::from(count));
    let mut checksum = CHECKSUM_SEED;
    for _ in 0..count {
        let (Some(addr), Some(size)) = (u32_at(bytes, at), u32_at(bytes, at + 4)) else {
            return Err(damaged(at, "the header of a segment is cut off"));
        };
        if size % 4 != 0 || size >= 0x100_0000 {
            return Err(damaged(
                at,
                &format!("a segment of {size} bytes is not possible"),
            ));
        }
        let offset = at + SEGMENT_HEADER;
        let data = bytes.get(offset..offset + size as usize).ok_or_else(|| {
            damaged(
                bytes.len(),
                &format!("a segment of {size} bytes at 0x{offset:X} is cut off"),
            )
        })?;
        checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
        segments.push(Segment {
            addr,
            offset,
            size: data.len(),
        });
        at = offset + data.len();
    }
    let mut size = (at + 1).next_multiple_of(16);
    let stored = *bytes
        .get(size - 1)
        .ok_or_else(|| damaged(bytes.len(), "the checksum is cut off"))?;
    let sha256 = if header[23] == 1 {
        let stored = bytes
            .get(size..size + 32)
            .and_then(|raw| raw.try_into().ok())
            .ok_or_else(|| damaged(bytes.len(), "the SHA-256 is cut off"))?;
        let computed = Sha256::digest(&bytes[..size]).into();
        size += 32;
        Some(Sum { stored, computed })
    } else {
        None
    };
    let word16 = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    Ok(AppImage {
        segments,
        spi_mode: header[2],
        spi_speed: header[3] & 0xF,
        flash_size: flash_size(header[3]),
        entry_addr: u32_at(header, 4).unwrap_or(0),
        chip_id: word16(12),
        revisions: (word16(15), word16(17)),
        checksum: Sum {
            stored,
            computed: checksum,
        },
        sha256,
        size,
        descriptor: descriptor(bytes),
    })
}

/// Whether these bytes begin with a whole image whose sums are right.
pub fn is_sound(bytes: &[u8]) -> bool {
    parse(bytes).is_ok_and(|image| {
        image.checksum.is_right() && image.sha256.as_ref().is_none_or(Sum::is_right)
    })
}

/// What the header alone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of flash that it names; `None` for an unknown code.
    pub flash_size: Option<u32>,
    pub chip_id: u16,
}

impl Header {
    /// The chip it is made for, if it is a known one.
    pub fn chip(&self) -> Option<Chip> {
        Chip::from_image_id(self.chip_id)
    }
}

/// The header of an image, from its first bytes; `None` when no image begins there.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let header = bytes.get(..HEADER)?;
    let is_image = header[0] == MAGIC && (1..=MAX_SEGMENTS).contains(&header[1]);
    is_image.then(|| Header {
        flash_size: flash_size(header[3]),
        chip_id: u16::from_le_bytes([header[12], header[13]]),
    })
}

/// The size in the upper half of byte 3: 1 MiB doubled so often.
fn flash_size(code: u8) -> Option<u32> {
    (code >> 4 <= 7).then(|| 0x10_0000 << (code >> 4))
}

/// What an app says of itself, from the first 0x120 bytes of its image; `None` when it has no descriptor.
pub fn descriptor(bytes: &[u8]) -> Option<AppDescriptor> {
    let raw = bytes.get(DESCRIPTOR_AT..DESCRIPTOR_AT + 256)?;
    if u32_at(raw, 0)? != DESCRIPTOR_MAGIC {
        return None;
    }
    let text = |start: usize, len: usize| {
        let field = raw.get(start..start + len).unwrap_or_default();
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(len);
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    Some(AppDescriptor {
        secure_version: u32_at(raw, 4)?,
        version: text(16, 32),
        project_name: text(48, 32),
        time: text(80, 16),
        date: text(96, 16),
        idf_version: text(112, 32),
        elf_sha256: raw.get(144..176)?.try_into().ok()?,
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

/// Names of the SPI modes, by their code in the header.
pub const SPI_MODES: [&str; 6] = ["QIO", "QOUT", "DIO", "DOUT", "FAST", "SLOW"];

#[cfg(test)]
mod tests;
