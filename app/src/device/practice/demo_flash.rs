//! What a practice board with an app's output holds when its flash is blank: a bootloader, a table and an app, as a
//! new development board has. They hold nothing that could run; the board only proves them, as a chip does.

use sha2::{Digest as _, Sha256};

use super::chips::ChipRow;

/// Where the app lies.
const APP: u32 = 0x1_0000;
const TABLE: u32 = 0x8000;

/// What to put where.
pub fn contents(row: &ChipRow) -> [(u32, Vec<u8>); 3] {
    let facts = row.chip.facts();
    [
        (
            facts.bootloader_offset,
            image(facts.image_id, &[(0x3FCD_5820, &[0; 64])]),
        ),
        (TABLE, table()),
        (
            APP,
            image(
                facts.image_id,
                &[
                    (0x3C00_0020, &[0; 256]),
                    (0x4038_0000, &[0; 64]),
                    (0x4200_0020, &[0; 512]),
                ],
            ),
        ),
    ]
}

/// One row `factory`, and the end of the table (ESP-IDF's partition table binary).
fn table() -> Vec<u8> {
    let mut table = vec![0xAA, 0x50, 0, 0];
    table.extend(APP.to_le_bytes());
    table.extend(0x10_0000_u32.to_le_bytes());
    table.extend(b"factory");
    table.resize(32, 0);
    table.extend([0xFF; 32]);
    table
}

/// An image of ESP-IDF's format: header, segments, checksum, SHA-256.
fn image(chip: u16, segments: &[(u32, &[u8])]) -> Vec<u8> {
    let entry = segments.last().map_or(0, |(addr, _)| *addr);
    let mut image = vec![0xE9, segments.len() as u8, 2, 0x20];
    image.extend(entry.to_le_bytes());
    image.extend([0xEE, 0, 0, 0]);
    image.extend(chip.to_le_bytes());
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
    let digest = Sha256::digest(&image);
    image.extend(digest);
    image
}
