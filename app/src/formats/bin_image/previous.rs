//! Understands an older image well enough to keep its offsets.
//!
//! The image may come from anywhere, so everything about it is checked; one that is not intact is not kept. The bytes
//! of its files are not judged here, because they are compared with the new ones anyway.

use device_agent::bin_image::{
    Bin, ENTRY_SIZE, FLAG_RECORDS, FLAG_SORTED, INDEX_SIZE, NAME_SIZE, RECORD_SIZE,
};
use device_agent::flash::Bytes;

/// An older Bin.
pub(super) struct Previous<'a> {
    pub image: &'a [u8],
    /// Entries that the directory has room for, the index's own and the spare ones included.
    pub capacity: u32,
    /// Sorted by their stored names.
    pub entries: Vec<Old<'a>>,
}

/// A file of an older Bin.
#[derive(Clone, Copy)]
pub(super) struct Old<'a> {
    pub stored: [u8; NAME_SIZE],
    /// From the start of the Bin.
    pub offset: u32,
    pub bytes: &'a [u8],
}

/// Reads the directory of an image that this program wrote.
///
/// # Errors
/// The second half of a sentence that begins with “the previous image”.
pub(super) fn read(image: &[u8]) -> Result<Previous<'_>, &'static str> {
    const DAMAGED: &str = "has a damaged directory";
    let mut flash = Bytes(image);
    let bin = Bin::open(
        &mut flash,
        0,
        u32::try_from(image.len()).unwrap_or(u32::MAX),
    )
    .map_err(|_cause| DAMAGED)?;
    let index = bin
        .index()
        .ok_or("has no index (another tool packed it, or it is in compatible form)")?;
    if index.flags != FLAG_SORTED | FLAG_RECORDS {
        return Err("is of a form that is not kept up to date");
    }
    let capacity = index.offset / ENTRY_SIZE;
    let directory = image.get(..index.offset as usize).ok_or(DAMAGED)?;
    // The index's own entry and the one that ends the directory come on top of the files'.
    if index.entries + 2 > capacity || crc32fast::hash(directory) != index.directory_crc {
        return Err(DAMAGED);
    }
    let mut entries = Vec::with_capacity(index.entries as usize);
    let mut walk = bin.entries();
    while let Some(entry) = walk.next(&mut flash).map_err(|_cause| DAMAGED)? {
        let start = entry.offset as usize;
        let bytes = image
            .get(start..start + entry.size as usize)
            .ok_or("has files that reach past its end")?;
        entries.push(Old {
            stored: entry.name,
            offset: entry.offset,
            bytes,
        });
    }
    if !entries.is_sorted_by(|a, b| a.stored < b.stored) {
        return Err(DAMAGED);
    }
    let mut by_offset: Vec<(u64, u64)> = entries
        .iter()
        .map(|old| (u64::from(old.offset), old.end()))
        .collect();
    by_offset.sort_unstable();
    let mut free_from = u64::from(index.offset + INDEX_SIZE);
    for (start, end) in by_offset {
        if start < free_from || end > image.len() as u64 {
            return Err("has files that overlap");
        }
        free_from = end;
    }
    Ok(Previous {
        image,
        capacity,
        entries,
    })
}

impl Old<'_> {
    /// One past the check record.
    fn end(&self) -> u64 {
        u64::from(self.offset) + need(self.bytes.len() as u64)
    }
}

impl<'a> Previous<'a> {
    /// The file that has this stored name.
    pub fn find(&self, stored: [u8; NAME_SIZE]) -> Option<usize> {
        self.entries
            .binary_search_by(|old| old.stored.cmp(&stored))
            .ok()
    }

    /// The nested Bin that has this stored name, if it is one.
    pub fn nested(&self, stored: [u8; NAME_SIZE]) -> Option<&'a [u8]> {
        self.find(stored)
            .and_then(|index| self.entries.get(index))
            .map(|old| old.bytes)
    }
}

/// Bytes from the start of a file of this size to the end of its check record.
pub(super) fn need(size: u64) -> u64 {
    size.next_multiple_of(4) + u64::from(RECORD_SIZE)
}
