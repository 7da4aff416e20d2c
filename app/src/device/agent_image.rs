//! The bundled firmware of the device agent: what is loaded where, and what it says of itself.
//!
//! `assets/agent-esp32c3.bin` is an image as esptool makes them (header E9, segments, checksum, SHA-256), with the
//! descriptor of ESP-IDF at the start of its first segment. `assets/agent-esp32c3-app.bin` is the same program as an app
//! for a slot in flash: two mapped segments that the bootloader wants lie around it, and its entry is the second one. Both
//! are made by `cargo run -p flashpack --example bundle_agent`; a test compares them with the sources. Loading the one is
//! the session's work, planning a write of the other the engine's.

use sha2::{Digest, Sha256};
use thiserror::Error;

/// What the images call themselves in their descriptor.
pub use device_agent::PROJECT_NAME;

/// The image that comes with Flashpack.
const BUNDLED: &[u8] = include_bytes!("../../../assets/agent-esp32c3.bin");

/// The same program as an app in flash.
const BUNDLED_APP: &[u8] = include_bytes!("../../../assets/agent-esp32c3-app.bin");

/// Bytes before the first segment.
const HEADER_SIZE: usize = 24;
/// Bytes before a segment's own.
const SEGMENT_HEADER_SIZE: usize = 8;
/// Bytes of an `esp_app_desc_t`.
const DESCRIPTOR_SIZE: usize = 256;
const DESCRIPTOR_MAGIC: u32 = 0xABCD_5432;
/// Number of the ESP32-C3 in an image header.
const CHIP_ID: u16 = 5;
/// What the checksum over all segments starts with.
const CHECKSUM_SEED: u8 = 0xEF;

/// Why bytes are no image of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AgentImageError {
    #[error("the file does not begin like an ESP image")]
    NoImage,
    #[error("the image is for another chip (number {0}), not for the ESP32-C3")]
    OtherChip(u16),
    #[error("the image ends before its segments do")]
    Short,
    #[error("the image's checksum or SHA-256 does not fit its bytes")]
    Damaged,
    #[error("the image has no application descriptor")]
    NoDescriptor,
}

/// Bytes for the chip's RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub addr: u32,
    pub bytes: &'a [u8],
}

/// What the image says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    pub project: String,
    pub version: String,
    pub protocol: u16,
}

/// An image that was checked whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentImage<'a> {
    /// Where the program starts.
    pub entry: u32,
    pub descriptor: Descriptor,
    segments: Vec<Segment<'a>>,
}

impl<'a> AgentImage<'a> {
    /// Reads and checks an image.
    pub fn parse(image: &'a [u8]) -> Result<Self, AgentImageError> {
        let header: &[u8; HEADER_SIZE] = image.first_chunk().ok_or(AgentImageError::NoImage)?;
        if header[0] != 0xE9 || header[23] != 1 {
            return Err(AgentImageError::NoImage);
        }
        let chip = u16::from_le_bytes([header[12], header[13]]);
        if chip != CHIP_ID {
            return Err(AgentImageError::OtherChip(chip));
        }
        let entry = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let mut at = HEADER_SIZE;
        let mut segments = Vec::new();
        let mut checksum = CHECKSUM_SEED;
        for _ in 0..header[1] {
            let addr = word(image, at)?;
            let len = word(image, at + 4)? as usize;
            let start = at + SEGMENT_HEADER_SIZE;
            let end = start.checked_add(len).ok_or(AgentImageError::Short)?;
            let bytes = image.get(start..end).ok_or(AgentImageError::Short)?;
            checksum = bytes.iter().fold(checksum, |sum, byte| sum ^ byte);
            segments.push(Segment { addr, bytes });
            at = end;
        }
        // The checksum is the last byte of the 16 in which the segments end; the SHA-256 of all before it follows.
        let end = (at + 1).next_multiple_of(16);
        let (body, rest) = image.split_at_checked(end).ok_or(AgentImageError::Short)?;
        let sha: &[u8; 32] = rest.first_chunk().ok_or(AgentImageError::Short)?;
        if body.last() != Some(&checksum) || Sha256::digest(body).as_slice() != sha {
            return Err(AgentImageError::Damaged);
        }
        let first = segments.first().ok_or(AgentImageError::NoDescriptor)?;
        let descriptor = Descriptor::parse(first.bytes).ok_or(AgentImageError::NoDescriptor)?;
        Ok(Self {
            entry,
            descriptor,
            segments,
        })
    }

    /// The segments, in the order of the image.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + '_ {
        self.segments.iter().copied()
    }

    /// Bytes that are loaded.
    pub fn loaded_size(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.bytes.len())
            .sum()
    }
}

impl Descriptor {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; DESCRIPTOR_SIZE] = bytes.first_chunk()?;
        if u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) != DESCRIPTOR_MAGIC {
            return None;
        }
        Some(Self {
            version: text(&bytes[16..48]),
            project: text(&bytes[48..80]),
            // The first of the reserved words at the end: ours to use, as the image is not for ESP-IDF's loader.
            protocol: u16::from_le_bytes([bytes[184], bytes[185]]),
        })
    }
}

/// The image that comes with Flashpack.
///
/// # Panics
/// Never in a build whose tests pass: one of them parses it.
pub fn bundled() -> AgentImage<'static> {
    AgentImage::parse(BUNDLED).expect("the bundled image is checked by a test")
}

/// The app image that comes with Flashpack, for a slot in flash.
pub fn bundled_app() -> &'static [u8] {
    BUNDLED_APP
}

fn word(image: &[u8], at: usize) -> Result<u32, AgentImageError> {
    let bytes = image
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .ok_or(AgentImageError::Short)?;
    Ok(u32::from_le_bytes(*bytes))
}

fn text(padded: &[u8]) -> String {
    let end = padded
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(padded.len());
    String::from_utf8_lossy(&padded[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_image_is_the_agent() {
        let image = bundled();
        assert_eq!(image.descriptor.project, PROJECT_NAME);
        assert_eq!(image.descriptor.version, device_agent::VERSION);
        assert_eq!(image.descriptor.protocol, device_agent::PROTOCOL_VERSION);
        assert_eq!(image.entry, 0x403A_0000);
        let places: Vec<u32> = image.segments().map(|segment| segment.addr).collect();
        assert_eq!(places, [0x3FCA_8000, 0x403A_0000]);
        assert!(
            image.loaded_size() <= 20 * 1024,
            "{} bytes",
            image.loaded_size()
        );
    }

    #[test]
    fn the_app_image_is_the_same_program_at_its_other_entry() {
        let (image, app) = (bundled(), AgentImage::parse(bundled_app()).unwrap());
        assert_eq!(app.descriptor, image.descriptor);
        assert_eq!(app.entry, image.entry + 8);
        let segments: Vec<Segment<'_>> = app.segments().collect();
        let [constants, between @ .., code] = segments.as_slice() else {
            panic!("{} segments", segments.len())
        };
        assert!(image.segments().eq(between.iter().copied()));
        let program = image.segments().find(|part| part.addr == image.entry);
        let second = &program.unwrap().bytes[8..12];
        assert_eq!(second, 0x0010_0513_u32.to_le_bytes(), "li a0, 1");
        // Mapped where they lie in a page of 64 KiB.
        assert_eq!(constants.addr, 0x3C00_0020);
        assert_eq!(code.addr >> 16, 0x4201);
        let place = code.bytes.as_ptr() as usize - bundled_app().as_ptr() as usize;
        assert_eq!(code.addr as usize & 0xFFFF, place);
        for bytes in [BUNDLED, BUNDLED_APP] {
            assert!(bytes.len() <= 16 * 1024, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn the_segments_keep_clear_of_each_other() {
        // Instruction RAM is the same memory as data RAM, 0x700000 lower.
        let image = bundled();
        let data = |segment: Segment<'_>| {
            let start = if segment.addr >= 0x4000_0000 {
                segment.addr - 0x70_0000
            } else {
                segment.addr
            };
            (start, start + segment.bytes.len() as u32)
        };
        let mut places: Vec<(u32, u32)> = image.segments().map(data).collect();
        places.sort_unstable();
        assert!(
            places.is_sorted_by(|before, after| before.1 <= after.0),
            "{places:X?}"
        );
    }

    #[test]
    fn a_damaged_image_is_refused() {
        let check =
            |bytes: &[u8], error: AgentImageError| assert_eq!(AgentImage::parse(bytes), Err(error));
        check(&[], AgentImageError::NoImage);
        check(&[0xE9; 24], AgentImageError::NoImage);
        check(&BUNDLED[..BUNDLED.len() - 1], AgentImageError::Short);
        check(&BUNDLED[..100], AgentImageError::Short);
        let mut flipped = BUNDLED.to_vec();
        flipped[1000] ^= 1;
        check(&flipped, AgentImageError::Damaged);
        let mut other = BUNDLED.to_vec();
        other[12] = 9;
        check(&other, AgentImageError::OtherChip(9));
        for cut in 0..BUNDLED.len() {
            assert!(AgentImage::parse(&BUNDLED[..cut]).is_err());
        }
    }
}
