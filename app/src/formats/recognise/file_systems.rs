//! Recognises file systems that devices write themselves.

use super::{Kind, Recognised, u16_at, u32_at};
use crate::model::number::human_size;

/// littlefs: its name stands in the first commit of block 0 or 1, behind revision and tag.
pub(super) fn littlefs(bytes: &[u8]) -> Option<Recognised> {
    const NAME: &[u8] = b"littlefs";
    let blocks = [0, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
    let at = blocks.into_iter().find(|block| {
        bytes
            .get(block + 8..)
            .is_some_and(|rest| rest.starts_with(NAME))
    })?;
    // The inline structure follows its tag: version, block size, block count.
    let field = |index: usize| u32_at(bytes, at + 20 + 4 * index);
    let version = field(0)?;
    let found = Recognised::certain(Kind::LittleFs);
    if !matches!(version >> 16, 1 | 2) {
        return Some(found);
    }
    let (size, count) = (field(1)?, field(2)?);
    Some(
        found
            .fact(
                "Version on disk",
                format!("{}.{}", version >> 16, version & 0xFFFF),
            )
            .fact(
                "Blocks",
                format!("{count} of {}", human_size(u64::from(size))),
            )
            .fact(
                "File system",
                human_size(u64::from(size) * u64::from(count)),
            ),
    )
}

/// ESP-IDF's key-value store: a page of 4 KiB whose header has a right sum.
pub(super) fn nvs(bytes: &[u8]) -> Option<Recognised> {
    const PAGE: usize = 4096;
    let state = |page: &[u8]| match u32_at(page, 0)? {
        0xFFFF_FFFE => Some("active"),
        0xFFFF_FFFC => Some("full"),
        0xFFFF_FFF8 => Some("freeing"),
        0xFFFF_FFF0 => Some("corrupt"),
        _ => None,
    };
    let is_page =
        |page: &[u8]| state(page).is_some() && u32_at(page, 28) == page.get(4..28).map(idf_crc32);
    let pages: Vec<&[u8]> = bytes.chunks_exact(PAGE).collect();
    let used: Vec<&&[u8]> = pages.iter().filter(|page| is_page(page)).collect();
    let erased = pages
        .iter()
        .filter(|page| u32_at(page, 0) == Some(u32::MAX))
        .count();
    // An image may hold a file that looks like a page; a store holds nothing but pages.
    let first = used
        .first()
        .filter(|_| used.len() + erased == pages.len())?;
    let version = 0x100 - u32::from(first[8]);
    Some(
        Recognised::certain(Kind::Nvs)
            .fact("Format version", version)
            .fact("Pages", format!("{} used of {}", used.len(), pages.len())),
    )
}

/// CRC-32 as ESP-IDF starts it in NVS and otadata: with all bits of the seed inverted once more than zlib does.
fn idf_crc32(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(bytes);
    hasher.finalize()
}

/// FAT, at the start or behind the first sector, where ESP-IDF's wear levelling puts it.
pub(super) fn fat(bytes: &[u8]) -> Option<Recognised> {
    if let Some(volume) = boot_sector(bytes) {
        return Some(volume);
    }
    let levelled = bytes.get(4096..).and_then(boot_sector)?;
    Some(levelled.fact("Wear levelling", "yes, as ESP-IDF does it"))
}

fn boot_sector(bytes: &[u8]) -> Option<Recognised> {
    let jump = matches!(bytes.get(..3)?, [0xEB, _, 0x90] | [0xE9, _, _]);
    let (sector, cluster, reserved, fats) = (
        u16_at(bytes, 11)?,
        *bytes.get(13)?,
        u16_at(bytes, 14)?,
        *bytes.get(16)?,
    );
    let sound = matches!(sector, 512 | 1024 | 2048 | 4096)
        && cluster.is_power_of_two()
        && reserved > 0
        && matches!(fats, 1 | 2)
        && *bytes.get(21)? >= 0xF0
        && u16_at(bytes, 510)? == 0xAA55;
    if !jump || !sound {
        return None;
    }
    let small = u32::from(u16_at(bytes, 19)?);
    let sectors = if small == 0 {
        u32_at(bytes, 32)?
    } else {
        small
    };
    let size = u64::from(sectors) * u64::from(sector);
    Some(
        Recognised::certain(Kind::Fat)
            .fact("Sectors", format!("{sectors} of {sector} bytes"))
            .fact("Volume", human_size(size)),
    )
}

/// SPIFFS with its magic on, as ESP-IDF has it: each block names itself in the second last slot of its first page.
pub(super) fn spiffs(bytes: &[u8]) -> Option<Recognised> {
    const SEED: u32 = 0x2014_0529;
    for page in [256_usize, 512, 1024, 2048] {
        for block in [4096_usize, 8192, 16_384, 32_768, 65_536] {
            let count = bytes.len() / block;
            // Two of them, because one alone is a 16-bit number that anything may have.
            if count < 2 || page >= block {
                continue;
            }
            let magic = |number: usize| u16_at(bytes, number * block + page - 4);
            let with_length = |number: usize| (SEED ^ page as u32 ^ (count - number) as u32) as u16;
            let without = (SEED ^ page as u32) as u16;
            let checked = count.min(8);
            let proven = (0..checked).all(|number| magic(number) == Some(with_length(number)));
            if proven || (0..checked).all(|number| magic(number) == Some(without)) {
                return Some(
                    Recognised::certain(Kind::Spiffs)
                        .fact("Blocks", format!("{count} of {}", human_size(block as u64)))
                        .fact("Page", human_size(page as u64))
                        .fact("Magic covers the length", if proven { "yes" } else { "no" }),
                );
            }
        }
    }
    None
}
