//! Recognises containers that are packed on a computer and read in place.

use std::collections::HashSet;

use device_agent::bin_image::{Bin, ENTRY_SIZE, Entry};
use device_agent::flash::Bytes;

use super::{Kind, Recognised, u16_at, u32_at};
use crate::formats::{bin_read, flash_file, romfs};
use crate::model::number::human_size;

/// The Particle Electron's container.
pub(super) fn flash_file(bytes: &[u8]) -> Option<Recognised> {
    let file = flash_file::read(bytes).ok()?;
    let sum = if flash_file::verify(bytes).is_empty() {
        "right"
    } else {
        "wrong"
    };
    Some(
        Recognised::certain(Kind::FlashFile)
            .fact("Files", file.files.len())
            .fact("CRC-32", sum),
    )
}

/// MicroPython's ROMFS: three bytes of magic, and a length that fits.
pub(super) fn romfs(bytes: &[u8]) -> Option<Recognised> {
    let size = romfs::image_len(bytes).ok()?;
    let tree = romfs::read(bytes);
    let files = tree
        .as_ref()
        .map_or_else(|_| "damaged".to_owned(), |tree| count(tree).to_string());
    Some(
        Recognised::certain(Kind::Romfs)
            .fact("Files", files)
            .fact("Image", human_size(size as u64)),
    )
}

fn count(tree: &[romfs::RomfsFile]) -> usize {
    tree.iter()
        .map(|file| match &file.node {
            romfs::RomfsNode::File { .. } => 1,
            romfs::RomfsNode::Folder(inner) => count(inner),
        })
        .sum()
}

/// jkent/frogfs: magic, then version, number of entries and length, in one of two orders.
pub(super) fn frogfs(bytes: &[u8]) -> Option<Recognised> {
    if !bytes.starts_with(b"FROG") {
        return None;
    }
    // Version 1 has major, minor, entries, length; its drafts had the header's length before the major version.
    let (entries, length) = if bytes.get(4) == Some(&1) {
        (u16_at(bytes, 6)?, u32_at(bytes, 8)?)
    } else {
        (u16_at(bytes, 12)?, u32_at(bytes, 8)?)
    };
    (length as usize <= bytes.len() && length > 12).then(|| {
        Recognised::certain(Kind::FrogFs)
            .fact("Entries", entries)
            .fact("Image", human_size(u64::from(length)))
    })
}

/// `espressif/esp_mmap_assets`: count, sum of all bytes modulo 65,536, length; the sum is proof.
pub(super) fn mmap(bytes: &[u8]) -> Option<Recognised> {
    const HEADER: usize = 12;
    let (count, sum, length) = (
        u32_at(bytes, 0)?,
        u32_at(bytes, 4)?,
        u32_at(bytes, 8)? as usize,
    );
    // A file takes a row of at least 13 bytes and two bytes of mark.
    if !(1..=65_536).contains(&count) || sum > 0xFFFF || length < count as usize * 15 {
        return None;
    }
    let body = bytes.get(HEADER..HEADER.checked_add(length)?)?;
    let found = body
        .iter()
        .fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)))
        & 0xFFFF;
    (found == sum).then(|| {
        Recognised::certain(Kind::Mmap)
            .fact("Files", count)
            .fact("Image", human_size((HEADER + length) as u64))
    })
}

/// A Bin whose index says so.
pub(super) fn bin_with_index(bytes: &[u8]) -> Option<Recognised> {
    let mut flash = Bytes(bytes);
    let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let index = Bin::open(&mut flash, 0, size).ok()?.index()?;
    let listing = bin_read::list(bytes).ok()?;
    let (files, folders) = count_bin(&listing.files);
    let spare = (index.offset / ENTRY_SIZE).saturating_sub(index.entries + 1);
    Some(
        Recognised::certain(Kind::Bin)
            .fact("Files", files)
            .fact("Folders", folders)
            .fact("Check records", if listing.checked { "yes" } else { "no" })
            .fact("Free directory entries", spare),
    )
}

fn count_bin(files: &[bin_read::BinFile]) -> (usize, usize) {
    files
        .iter()
        .fold((0, 0), |(files, folders), file| match &file.children {
            None => (files + 1, folders),
            Some(inner) => {
                let (more_files, more_folders) = count_bin(inner);
                (files + more_files, folders + more_folders + 1)
            }
        })
}

/// A Bin without index: nothing proves it, so all of its directory must make sense.
///
/// Every file lies behind the directory and inside, and the directory ends where the reader would end it. Data that lies
/// exactly as the seed's script puts it counts as proof; elsewhere every name must be UTF-8 without control characters
/// and stand once. (The script cuts names, so its own may stand twice or end in half a character.)
pub(super) fn plain_bin(bytes: &[u8]) -> Option<Recognised> {
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    let mut lowest = u32::MAX;
    let mut sound_names = true;
    for raw in bytes
        .as_chunks::<{ ENTRY_SIZE as usize }>()
        .0
        .iter()
        .take(65_536)
    {
        let Some(entry) = Entry::parse(raw) else {
            break;
        };
        let inside = u64::from(entry.offset) + u64::from(entry.size) <= bytes.len() as u64;
        lowest = lowest.min(entry.offset);
        entries.push(entry);
        // The directory cannot reach into the first file; this also stops a walk through data early.
        if !inside || u64::from(lowest) < entries.len() as u64 * u64::from(ENTRY_SIZE) {
            return None;
        }
        let name = std::str::from_utf8(entry.label()).unwrap_or_default();
        sound_names &=
            !name.is_empty() && !name.chars().any(char::is_control) && names.insert(entry.name);
    }
    if entries.is_empty() {
        return None;
    }
    let found = match (is_as_the_seed(&entries, bytes), sound_names) {
        (true, _) => Recognised::certain(Kind::Bin),
        (false, true) => Recognised::likely(Kind::Bin),
        (false, false) => return None,
    };
    Some(
        found
            .fact("Files", entries.len())
            .fact("Index", "none: the form of the seed's script")
            .fact("Check records", "no"),
    )
}

/// Whether every file begins where the one before it ends, rounded up to 16, and nothing but FF follows.
fn is_as_the_seed(entries: &[Entry], bytes: &[u8]) -> bool {
    let start = (entries.len() as u32 + 1) * ENTRY_SIZE;
    let end = entries.iter().try_fold(start, |next, entry| {
        (entry.offset == next)
            .then(|| next.checked_add(entry.size)?.checked_next_multiple_of(16))
            .flatten()
    });
    end.and_then(|end| bytes.get(end as usize..))
        .is_some_and(|rest| rest.iter().all(|byte| *byte == 0xFF))
}
