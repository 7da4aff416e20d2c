//! What a look-up costs on the chip, counted with a model of the ESP32-C3's flash cache: 16 KiB, 8 ways, lines of 32 bytes.

use device_agent::bin_image::{Bin, find_path};
use device_agent::error::Error;
use device_agent::flash::{Bytes, Flash};
use flashpack::formats::bin_image::{BinEntry, BinOptions, build};

const LINE: u32 = 32;
const WAYS: usize = 8;
const SETS: usize = 16 * 1024 / (LINE as usize * WAYS);

/// Flash behind a cache that starts cold and forgets the line that was used longest ago.
struct Cached<'a> {
    flash: Bytes<'a>,
    sets: Vec<Vec<u32>>,
    fetches: usize,
    /// Longest run that was asked for in one piece.
    longest: u32,
}

impl<'a> Cached<'a> {
    fn new(image: &'a [u8]) -> Self {
        Self {
            flash: Bytes(image),
            sets: vec![Vec::new(); SETS],
            fetches: 0,
            longest: 0,
        }
    }
}

impl Flash for Cached<'_> {
    fn size(&self) -> u32 {
        self.flash.size()
    }

    fn view(&mut self, offset: u32, len: u32) -> Result<&[u8], Error> {
        self.longest = self.longest.max(len);
        for line in offset / LINE..(offset + len).div_ceil(LINE) {
            let set = &mut self.sets[line as usize % SETS];
            if let Some(way) = set.iter().position(|held| *held == line) {
                set.remove(way);
            } else {
                self.fetches += 1;
                if set.len() == WAYS {
                    set.remove(0);
                }
            }
            set.push(line);
        }
        self.flash.view(offset, len)
    }
}

#[test]
fn a_name_among_a_thousand_costs_twelve_lines_at_most() {
    let entries: Vec<BinEntry> = (0..1_000)
        .map(|number| {
            BinEntry::file(
                format!("file{number:03}"),
                format!("content {number}").into_bytes(),
            )
        })
        .collect();
    let image = build(&entries, &BinOptions::default(), None).unwrap().bytes;
    let (mut most, mut sum) = (0, 0);
    for number in 0..1_000 {
        let name = format!("file{number:03}");
        let mut flash = Cached::new(&image);
        let top = Bin::open(&mut flash, 0, image.len() as u32).unwrap();
        let found = find_path(&mut flash, &top, name.as_bytes()).unwrap();
        let start = found.flash_offset() as usize;
        assert_eq!(
            image[start..start + found.entry.size as usize],
            *format!("content {number}").as_bytes()
        );
        assert!(flash.longest <= 16, "a look-up reads entries, never files");
        most = most.max(flash.fetches);
        sum += flash.fetches;
    }
    println!(
        "at most {most} lines, {:.2} on average",
        f64::from(sum as u32) / 1_000.0
    );
    assert!(most <= 12, "{most} lines");
    let mut flash = Cached::new(&image);
    let top = Bin::open(&mut flash, 0, image.len() as u32).unwrap();
    assert_eq!(
        find_path(&mut flash, &top, b"nothing").unwrap_err(),
        Error::NotFound
    );
    assert!(flash.fetches <= 12);
}
