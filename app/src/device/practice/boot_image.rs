//! App and bootloader images as the chip's own boot code sees them: header, segments, checksum, SHA-256.
//!
//! The practice board reads them by itself, not with [`crate::formats`]: what the studio writes is to be judged by
//! somebody else. Layout: ESP-IDF `esp_app_format.h`, `esp_image_format.c`.

use sha2::{Digest as _, Sha256};

use super::request::read_u32;

const MAGIC: u8 = 0xE9;
const HEADER_LEN: usize = 24;
const SEGMENT_HEADER_LEN: usize = 8;
const SEGMENTS_MAX: u8 = 16;
const SHA_LEN: usize = 32;

/// A part of an image and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where its data is, from the start of the image.
    pub place: u32,
    pub addr: u32,
    pub len: u32,
}

/// An image whose header and segments are sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub entry: u32,
    /// SPI mode byte: 0 QIO, 1 QOUT, 2 DIO, 3 DOUT.
    pub mode: u8,
    pub segments: Vec<Segment>,
}

/// Why an image does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFault {
    /// The first byte is not 0xE9; the first word is here.
    NoImage {
        word: u32,
    },
    /// Chip numbers.
    WrongChip {
        expected: u16,
        found: u16,
    },
    /// Segments that leave the room, or none, or too many.
    Segments,
    Checksum {
        calculated: u8,
        stored: u8,
    },
    Sha,
}

/// What is asked of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The ROM looks at the bootloader's checksum only.
    Checksum,
    /// The bootloader looks at an app's chip and SHA-256 too.
    Everything { chip: u16 },
}

impl Image {
    /// Reads and proves the image at the start of `room`.
    pub fn read(room: &[u8], proof: Proof) -> Result<Self, ImageFault> {
        let word = read_u32(room, 0).unwrap_or(u32::MAX);
        let Some(
            &[
                magic,
                count,
                mode,
                _,
                e0,
                e1,
                e2,
                e3,
                _,
                _,
                _,
                _,
                id_low,
                id_high,
                ..,
            ],
        ) = room.first_chunk::<HEADER_LEN>()
        else {
            return Err(ImageFault::NoImage { word });
        };
        if magic != MAGIC {
            return Err(ImageFault::NoImage { word });
        }
        let found = u16::from_le_bytes([id_low, id_high]);
        if let Proof::Everything { chip: expected } = proof
            && expected != found
        {
            return Err(ImageFault::WrongChip { expected, found });
        }
        if !(1..=SEGMENTS_MAX).contains(&count) {
            return Err(ImageFault::Segments);
        }
        let (segments, end, calculated) = walk(room, count).ok_or(ImageFault::Segments)?;
        // The checksum is the last byte of a length that is a multiple of 16.
        let checksum_at = end | 15;
        let stored = *room.get(checksum_at).ok_or(ImageFault::Segments)?;
        if stored != calculated {
            return Err(ImageFault::Checksum { calculated, stored });
        }
        let body = room.get(..=checksum_at).ok_or(ImageFault::Segments)?;
        let has_sha = room.get(HEADER_LEN - 1) == Some(&1);
        if has_sha && matches!(proof, Proof::Everything { .. }) {
            let stored = room
                .get(checksum_at + 1..checksum_at + 1 + SHA_LEN)
                .ok_or(ImageFault::Segments)?;
            if Sha256::digest(body).as_slice() != stored {
                return Err(ImageFault::Sha);
            }
        }
        Ok(Self {
            entry: u32::from_le_bytes([e0, e1, e2, e3]),
            mode,
            segments,
        })
    }
}

/// The segments, where they end, and the checksum of their data.
fn walk(room: &[u8], count: u8) -> Option<(Vec<Segment>, usize, u8)> {
    let mut segments = Vec::new();
    let mut at = HEADER_LEN;
    let mut checksum = 0xEF;
    for _ in 0..count {
        let (addr, len) = (read_u32(room, at)?, read_u32(room, at + 4)?);
        let place = at + SEGMENT_HEADER_LEN;
        at = place.checked_add(len as usize)?;
        checksum = room
            .get(place..at)?
            .iter()
            .fold(checksum, |sum, byte| sum ^ byte);
        segments.push(Segment {
            place: place as u32,
            addr,
            len,
        });
    }
    Some((segments, at, checksum))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An image with these segments for the chip of this number, made by the rules and not by this file's code.
    pub fn make(chip: u8, segments: &[(u32, &[u8])]) -> Vec<u8> {
        let mut image = vec![
            0xE9,
            segments.len() as u8,
            2,
            0x20,
            0x78,
            0x56,
            0x34,
            0x12,
            0xEE,
            0,
            0,
            0,
            chip,
        ];
        image.resize(23, 0);
        image.push(1);
        let mut checksum = 0xEF;
        for (addr, data) in segments {
            image.extend(addr.to_le_bytes());
            image.extend((data.len() as u32).to_le_bytes());
            image.extend(*data);
            checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
        }
        while image.len() % 16 != 15 {
            image.push(0);
        }
        image.push(checksum);
        let sha = Sha256::digest(&image);
        image.extend(sha);
        image
    }

    const C3: Proof = Proof::Everything { chip: 5 };

    #[test]
    fn proves_a_sound_image() {
        let bytes = make(5, &[(0x3C00_0020, &[1; 100]), (0x4038_0000, &[2; 4])]);
        let image = Image::read(&bytes, C3).unwrap();
        assert_eq!((image.entry, image.mode), (0x1234_5678, 2));
        assert_eq!(
            image.segments[0],
            Segment {
                place: 0x20,
                addr: 0x3C00_0020,
                len: 100
            }
        );
        assert_eq!(image.segments[1].place, 0x20 + 100 + 8);
    }

    #[test]
    fn finds_every_kind_of_fault() {
        let sound = make(5, &[(0x3C00_0020, &[1; 100])]);
        let with = |at: usize, value: u8| {
            let mut bytes = sound.clone();
            bytes[at] = value;
            bytes
        };
        assert_eq!(
            Image::read(&with(0, 0xFF), C3),
            Err(ImageFault::NoImage { word: 0x2002_01FF })
        );
        assert_eq!(
            Image::read(&[], C3),
            Err(ImageFault::NoImage { word: u32::MAX })
        );
        assert_eq!(
            Image::read(&with(12, 9), C3),
            Err(ImageFault::WrongChip {
                expected: 5,
                found: 9
            })
        );
        assert_eq!(Image::read(&with(1, 0), C3), Err(ImageFault::Segments));
        assert_eq!(Image::read(&with(1, 17), C3), Err(ImageFault::Segments));
        assert_eq!(Image::read(&with(31, 0xFF), C3), Err(ImageFault::Segments));
        assert_eq!(Image::read(&sound[..100], C3), Err(ImageFault::Segments));
        assert_eq!(
            Image::read(&with(40, 3), C3),
            Err(ImageFault::Checksum {
                calculated: 0xEF ^ 2,
                stored: 0xEF
            })
        );
        assert_eq!(Image::read(&with(9, 1), C3), Err(ImageFault::Sha));
        // The ROM minds neither chip nor SHA of a bootloader.
        assert!(Image::read(&with(9, 1), Proof::Checksum).is_ok());
    }
}
