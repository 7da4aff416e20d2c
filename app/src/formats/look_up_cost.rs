//! What a look-up fetches from flash, counted with a model: the reader that runs on the chip, over directories that are
//! made here, behind a model of the ESP32-C3's cache (16 KiB, 8 ways, 32 bytes a line; datasheet §3.1.5). These are
//! counts of a model, not measurements of a board.

use std::collections::VecDeque;

use device_agent::bin_image::{
    Bin, ENTRY_SIZE, FLAG_SORTED, INDEX_MAGIC, INDEX_NAME, INDEX_SIZE, INDEX_VERSION, find_path,
};
use device_agent::crc::crc32;
use device_agent::error::Error;
use device_agent::flash::{Bytes, Flash};

const LINE: u32 = 32;
const WAYS: usize = 8;
const SETS: u32 = 64;
/// Names of a directory that are looked up for the average.
const SAMPLES: u32 = 32;

/// How a name is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By binary search in a directory whose index says that it is sorted.
    Sorted,
    /// Through a directory whose index says that it is not.
    Unsorted,
    /// As the seed's `flash.py`: one read of 16 bytes for every entry, by `esp.flash_read`, past the cache.
    SeedWalk,
}

/// Fetches from flash of a look-up with a cold cache, on average over the names of a directory: lines of the cache, or
/// reads of the seed's walk.
pub fn fetches(files: u32, way: Way) -> f64 {
    let samples = files.clamp(1, SAMPLES);
    let image = directory(files, way);
    let total: u64 = (0..samples)
        .map(|sample| u64::from(cost(&image, sample * files.max(1) / samples, way)))
        .sum();
    total as f64 / f64::from(samples)
}

fn name(number: u32) -> [u8; 8] {
    let mut name = *b"f\0\0\0\0\0\0\0";
    for (slot, digit) in name.iter_mut().skip(1).zip(format!("{number:06}").bytes()) {
        *slot = digit;
    }
    name
}

/// A directory of empty files, with an index unless the seed made it.
fn directory(files: u32, way: Way) -> Vec<u8> {
    let indexed = way != Way::SeedWalk;
    let entries = files + u32::from(indexed) + 1;
    let index_at = entries * ENTRY_SIZE;
    let mut image = Vec::new();
    let mut entry = |offset: u32, size: u32, name: [u8; 8]| {
        image.extend(offset.to_le_bytes());
        image.extend(size.to_le_bytes());
        image.extend(name);
    };
    if indexed {
        entry(index_at, INDEX_SIZE, INDEX_NAME);
    }
    let data = index_at + if indexed { INDEX_SIZE } else { 0 };
    for number in 0..files {
        entry(data, 0, name(number));
    }
    image.extend([0xFF; ENTRY_SIZE as usize]);
    if indexed {
        let sum = crc32(&image);
        let flags = if way == Way::Sorted { FLAG_SORTED } else { 0 };
        image.extend(INDEX_MAGIC);
        image.extend(INDEX_VERSION.to_le_bytes());
        image.extend(flags.to_le_bytes());
        image.extend(files.to_le_bytes());
        image.extend(sum.to_le_bytes());
        image.extend([0; 16]);
    }
    // An image ends behind its last file; empty files still lie somewhere.
    image.extend([0xFF; ENTRY_SIZE as usize]);
    image
}

/// Fetches for one name.
fn cost(image: &[u8], number: u32, way: Way) -> u32 {
    if way == Way::SeedWalk {
        return number + 1;
    }
    let mut flash = Cached::new(image);
    let size = image.len() as u32;
    let stored = name(number);
    let path = stored.split(|byte| *byte == 0).next().unwrap_or_default();
    let found: Result<_, Error> =
        Bin::open(&mut flash, 0, size).and_then(|top| find_path(&mut flash, &top, path));
    debug_assert!(found.is_ok(), "{number} of {size} bytes: {found:?}");
    flash.fetched
}

/// Flash behind the cache; the least recently used line of a set gives way.
struct Cached<'a> {
    flash: Bytes<'a>,
    sets: Vec<VecDeque<u32>>,
    fetched: u32,
}

impl<'a> Cached<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            flash: Bytes(bytes),
            sets: vec![VecDeque::new(); SETS as usize],
            fetched: 0,
        }
    }

    fn touch(&mut self, line: u32) {
        let Some(set) = self.sets.get_mut((line % SETS) as usize) else {
            return;
        };
        if let Some(place) = set.iter().position(|held| *held == line) {
            set.remove(place);
        } else {
            self.fetched += 1;
            if set.len() == WAYS {
                set.pop_front();
            }
        }
        set.push_back(line);
    }
}

impl Flash for Cached<'_> {
    fn size(&self) -> u32 {
        self.flash.size()
    }

    fn view(&mut self, offset: u32, len: u32) -> Result<&[u8], Error> {
        for line in offset / LINE..offset.saturating_add(len).div_ceil(LINE) {
            self.touch(line);
        }
        self.flash.view(offset, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_pays_and_walks_grow_with_the_directory() {
        for files in [1, 2, 10, 100, 1000] {
            let [sorted, unsorted, seed] =
                [Way::Sorted, Way::Unsorted, Way::SeedWalk].map(|way| fetches(files, way));
            assert!(sorted <= 12.0, "{files}: {sorted}");
            if files >= 100 {
                assert!(
                    sorted * 3.0 < unsorted && unsorted < seed,
                    "{files}: {sorted} {unsorted} {seed}"
                );
            }
        }
        assert!(fetches(1000, Way::Unsorted) > 5.0 * fetches(100, Way::Unsorted));
    }

    #[test]
    fn every_name_of_the_model_is_found() {
        for way in [Way::Sorted, Way::Unsorted] {
            let image = directory(37, way);
            let mut flash = Bytes(&image);
            let top = Bin::open(&mut flash, 0, image.len() as u32).unwrap();
            for number in 0..37 {
                let stored = name(number);
                assert!(
                    find_path(&mut flash, &top, &stored[..7]).is_ok(),
                    "{number}"
                );
            }
        }
    }
}
