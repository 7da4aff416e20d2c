//! The file of bytes that a write saves before it erases them: JSON, so that a person can read it, with an MD5 over
//! each part and the place and board it belongs to, so that a damaged file is never written to a board. Layout in
//! `docs/formats.md`.

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::hex_text::{from_hex, to_hex};
use crate::model::region::{Region, SECTOR};

/// Version of the layout.
const VERSION: u32 = 1;

/// Bytes of a board that do not belong to what is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPart {
    /// First byte, from the start of the flash.
    pub offset: u32,
    pub bytes: Vec<u8>,
}

impl KeptPart {
    /// Where the bytes belong.
    pub fn region(&self) -> Region {
        Region::new(
            self.offset,
            u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
        )
    }
}

/// All that is kept of one board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBytes {
    /// Base MAC address of the board, as esptool prints it.
    pub mac: String,
    pub parts: Vec<KeptPart>,
}

#[derive(Serialize, Deserialize)]
struct KeptFile {
    flashpack_kept_bytes: u32,
    mac: String,
    parts: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    offset: u32,
    /// MD5 of the MAC address as text, the offset as four bytes, lowest first, and the bytes.
    check: String,
    bytes: String,
}

/// The bytes of the file.
pub fn write(kept: &KeptBytes) -> Vec<u8> {
    let file = KeptFile {
        flashpack_kept_bytes: VERSION,
        mac: kept.mac.clone(),
        parts: kept
            .parts
            .iter()
            .map(|part| Part {
                offset: part.offset,
                check: check(&kept.mac, part.offset, &part.bytes),
                bytes: to_hex(&part.bytes),
            })
            .collect(),
    };
    // Numbers and text only: there is nothing in it that JSON could refuse.
    serde_json::to_vec_pretty(&file).unwrap_or_default()
}

/// Reads the file.
///
/// # Errors
/// What is wrong with it, as the end of a sentence: `is damaged at …`.
pub fn read(bytes: &[u8]) -> Result<KeptBytes, String> {
    let file: KeptFile = serde_json::from_slice(bytes)
        .map_err(|error| format!("is damaged in line {}", error.line().max(1)))?;
    if file.flashpack_kept_bytes != VERSION {
        return Err(format!(
            "was made by a newer Flashpack (version {} of its layout)",
            file.flashpack_kept_bytes
        ));
    }
    let part = |part: &Part| {
        let bytes = from_hex(&part.bytes)
            .filter(|bytes| check(&file.mac, part.offset, bytes) == part.check)
            .filter(|bytes| in_one_sector(part.offset, bytes.len()))
            .ok_or_else(|| format!("is damaged: the bytes for offset {} are wrong", part.offset))?;
        Ok(KeptPart {
            offset: part.offset,
            bytes,
        })
    };
    let parts = file.parts.iter().map(part);
    Ok(KeptBytes {
        parts: parts.collect::<Result<_, String>>()?,
        mac: file.mac,
    })
}

/// What is beside a write lies in its first or its last sector.
fn in_one_sector(offset: u32, len: usize) -> bool {
    (offset % SECTOR) as usize + len <= SECTOR as usize
}

fn check(mac: &str, offset: u32, bytes: &[u8]) -> String {
    let digest = Md5::new()
        .chain_update(mac)
        .chain_update(offset.to_le_bytes())
        .chain_update(bytes);
    to_hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> KeptBytes {
        KeptBytes {
            mac: "60:55:f9:00:00:01".into(),
            parts: vec![KeptPart {
                offset: 0x1000,
                bytes: vec![0, 1, 0xFE, 0xFF],
            }],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&write(&sample())), Ok(sample()));
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed_or_means_the_same() {
        let file = write(&sample());
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            if let Ok(kept) = read(&damaged) {
                assert_eq!(kept, sample(), "byte {at}");
            }
        }
        assert!(
            read(&file[..file.len() / 2])
                .unwrap_err()
                .contains("damaged")
        );
        assert!(read(b"").unwrap_err().contains("line 1"));
    }
}
