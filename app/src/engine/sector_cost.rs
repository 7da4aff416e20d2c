//! What an edit costs: how many sectors of a packed image differ from the previous one, as a whole and under each entry.

use super::pack::PackedImage;
use crate::formats::bin_image::changed_sectors;
use crate::model::region::SECTOR;

/// Bytes of a check record behind a file of a Bin, with the padding before it, at most.
const RECORD: u64 = 8;

/// Fills in the sectors of the image and of each entry that differ from `previous`. An image that could not be packed is
/// left alone. A sector that two files share counts for both.
pub(super) fn count(image: &mut PackedImage, previous: &[u8]) {
    if image.bytes.is_empty() {
        return;
    }
    let sectors = image.bytes.len().div_ceil(SECTOR as usize);
    // Changed sectors before each one, so that an entry of many sectors costs no more than a small one.
    let mut before = vec![0; sectors + 1];
    for sector in changed_sectors(&image.bytes, previous) {
        if let Some(count) = before.get_mut(sector + 1) {
            *count = 1;
        }
    }
    let mut sum = 0;
    for count in &mut before {
        sum += *count;
        *count = sum;
    }
    image.sectors_changed = Some(sum);
    for entry in &mut image.entries {
        let start = u64::from(entry.offset);
        let size = u64::from(entry.size);
        // What follows the data up to the next entry holds the record, where there is one.
        let tail = (size.next_multiple_of(4) - size + RECORD) * u64::from(!image.plain);
        let end = (start + size + tail).min(image.bytes.len() as u64);
        let first = (start / u64::from(SECTOR)) as usize;
        let last = (end.div_ceil(u64::from(SECTOR)) as usize).max(first);
        let until = |sector: usize| before.get(sector.min(sectors)).copied().unwrap_or(sum);
        entry.sectors_changed = Some(if size == 0 {
            0
        } else {
            until(last) - until(first)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::pack::{Change, PackedEntry};
    use super::*;

    fn entry(offset: u32, size: u32) -> PackedEntry {
        PackedEntry {
            path: String::new(),
            offset,
            size,
            crc32: 0,
            folder: false,
            change: Change::Same,
            wasted: 0,
            sectors_changed: None,
        }
    }

    #[test]
    fn each_entry_counts_the_sectors_it_lies_in() {
        let previous = vec![0xFF; 5 * 4096];
        let mut bytes = previous.clone();
        bytes[4096] = 0;
        bytes[3 * 4096 + 5] = 0;
        let mut image = PackedImage {
            bytes: Arc::from(bytes),
            entries: vec![
                entry(0, 4096),
                entry(0, 4080),
                entry(4080, 2 * 4096),
                entry(4 * 4096, 4096),
                entry(4 * 4096, 0),
            ],
            ..PackedImage::default()
        };
        count(&mut image, &previous);
        assert_eq!(image.sectors_changed, Some(2));
        let counts: Vec<_> = image
            .entries
            .iter()
            .filter_map(|entry| entry.sectors_changed)
            .collect();
        // The first one's check record lies in the second sector.
        assert_eq!(counts, [1, 0, 1, 0, 0]);
    }
}
