//! Small app images and otadata records, made by hand after ESP-IDF's headers, for tests of what is checked and what
//! boots.

use sha2::{Digest as _, Sha256};

/// What an image says of itself.
pub struct Made {
    pub chip_id: u16,
    /// Upper half of byte 3: 2 is 4 MiB.
    pub flash_code: u8,
    /// Lowest and highest revision, major times 100 plus minor.
    pub revisions: (u16, u16),
    pub name: &'static str,
    /// Bytes of code.
    pub code: usize,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            chip_id: 5,
            flash_code: 2,
            revisions: (0, 199),
            name: "demo",
            code: 100,
        }
    }
}

impl Made {
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// The bytes: header, descriptor in the first segment, code in the second, checksum, SHA-256.
    pub fn bytes(&self) -> Vec<u8> {
        let mut descriptor = vec![0; 256];
        descriptor[..4].copy_from_slice(&0xABCD_5432_u32.to_le_bytes());
        descriptor[16..21].copy_from_slice(b"1.2.3");
        descriptor[48..48 + self.name.len()].copy_from_slice(self.name.as_bytes());
        descriptor[80..88].copy_from_slice(b"10:00:00");
        descriptor[96..107].copy_from_slice(b"Jul 12 2026");
        let code = vec![0x13; self.code.next_multiple_of(4)];
        let mut bytes = vec![0xE9, 2, 2, self.flash_code << 4 | 0xF];
        bytes.extend(0x4038_0000_u32.to_le_bytes());
        bytes.extend([0xEE, 0, 0, 0]);
        bytes.extend(self.chip_id.to_le_bytes());
        bytes.push(0);
        bytes.extend(self.revisions.0.to_le_bytes());
        bytes.extend(self.revisions.1.to_le_bytes());
        bytes.extend([0, 0, 0, 0, 1]);
        let mut checksum = 0xEF;
        for (addr, data) in [(0x3C00_0020_u32, descriptor), (0x4038_0000, code)] {
            bytes.extend(addr.to_le_bytes());
            bytes.extend((data.len() as u32).to_le_bytes());
            checksum = data.iter().fold(checksum, |sum, byte| sum ^ byte);
            bytes.extend(data);
        }
        bytes.resize((bytes.len() + 1).next_multiple_of(16) - 1, 0);
        bytes.push(checksum);
        let sha = Sha256::digest(&bytes);
        bytes.extend(sha);
        bytes
    }
}

/// A flash of so many bytes with these things in it.
pub fn flash(size: usize, contents: &[(usize, &[u8])]) -> Vec<u8> {
    let mut flash = vec![0xFF; size];
    for (at, bytes) in contents {
        flash[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    flash
}
