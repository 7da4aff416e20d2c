//! What a look-up costs on the chip: cache lines fetched, counted with a model of the ESP32-C3's cache.

use std::collections::VecDeque;

use device_agent::bin_image::{Bin, find_path};
use device_agent::error::Error;
use device_agent::flash::{Bytes, Flash};

use crate::support::indexed;

/// 16 KiB, 8 ways, 32 bytes a line (ESP32-C3 datasheet §3.1.5).
const LINE: u32 = 32;
const WAYS: usize = 8;
const SETS: u32 = 64;

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
        let set = &mut self.sets[(line % SETS) as usize];
        if let Some(place) = set.iter().position(|&held| held == line) {
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
        for line in offset / LINE..(offset + len).div_ceil(LINE) {
            self.touch(line);
        }
        self.flash.view(offset, len)
    }
}

/// Whether a look-up may use the index.
#[derive(Clone, Copy)]
enum Index {
    Used,
    Ignored,
}

/// Lines that one look-up fetches into an empty cache.
fn lines(image: &[u8], name: &str, index: Index) -> u32 {
    let mut flash = Cached::new(image);
    let size = image.len() as u32;
    let top = match index {
        Index::Used => Bin::open(&mut flash, 0, size).unwrap(),
        Index::Ignored => Bin::open_plain(&flash, 0, size).unwrap(),
    };
    match find_path(&mut flash, &top, name.as_bytes()) {
        Ok(_) | Err(Error::NotFound) => flash.fetched,
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn a_name_among_a_thousand_costs_at_most_twelve_lines() {
    let files: Vec<(String, Vec<u8>)> = (0..1000)
        .map(|number| (format!("f{number:03}"), vec![1; 20]))
        .collect();
    let built = indexed(&files);
    let mut most = 0;
    let (mut searched, mut walked) = (0, 0);
    for (name, _) in &files {
        let cost = lines(&built, name, Index::Used);
        most = most.max(cost);
        searched += cost;
        walked += lines(&built, name, Index::Ignored);
    }
    assert!(most <= 12, "{most} lines");
    for missing in ["a", "f5005", "zzz"] {
        assert!(lines(&built, missing, Index::Used) <= 12, "{missing}");
    }
    assert!(
        walked >= 20 * searched,
        "{walked} lines by walking, {searched} by searching"
    );
}

#[test]
fn a_second_look_up_fetches_nothing() {
    let files: Vec<(String, Vec<u8>)> = (0..1000)
        .map(|number| (format!("f{number:03}"), Vec::new()))
        .collect();
    let built = indexed(&files);
    let mut flash = Cached::new(&built);
    for expected_more in [true, false] {
        let before = flash.fetched;
        let top = Bin::open(&mut flash, 0, built.len() as u32).unwrap();
        find_path(&mut flash, &top, b"f777").unwrap();
        assert_eq!(flash.fetched > before, expected_more);
    }
}
