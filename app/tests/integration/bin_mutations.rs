//! Every reader of images against broken ones: good images, mutated from a seed, must give an answer and never a panic,
//! a byte from outside or a dangerous path.
//!
//! The tests run 100,000 of each; `cargo run --release --example fuzz_images` runs as many as asked for.

use flashpack::formats::app_image::{self, ImageTarget};
use flashpack::formats::bin_image::{BinEntry, BinOptions, build};
use flashpack::formats::flash_file::{self, FlashFileOptions};
use flashpack::formats::recognise::recognise;
use flashpack::formats::{bin_read, romfs, unpack};
use flashpack::model::chip::Chip;

use crate::bin_sets::Seeded;

/// A reader and the images that it is tried on.
pub struct Target {
    pub name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    read: fn(&[u8]),
}

/// Every reader.
pub const TARGETS: [Target; 5] = [
    Target {
        name: "bin",
        seeds: bins,
        read: read_bin,
    },
    Target {
        name: "flash-file",
        seeds: flash_files,
        read: read_flash_file,
    },
    Target {
        name: "romfs",
        seeds: romfs_images,
        read: read_romfs,
    },
    Target {
        name: "app-image",
        seeds: app_images,
        read: read_app_image,
    },
    Target {
        name: "recognise",
        seeds: everything,
        read: read_anything,
    },
];

/// Runs so many mutations of a target, from run number `first` on; each run depends on its number only.
pub fn run(target: &Target, first: u64, count: u64) {
    let seeds = (target.seeds)();
    for number in first..first + count {
        let mut seeded = Seeded(number);
        let mut image = seeds[seeded.below(seeds.len())].clone();
        for _ in 0..=seeded.below(4) {
            mutate(&mut image, &mut seeded);
        }
        (target.read)(&image);
    }
}

fn mutate(image: &mut Vec<u8>, seeded: &mut Seeded) {
    if image.is_empty() {
        image.push(seeded.next() as u8);
    }
    let at = seeded.below(image.len());
    match seeded.below(7) {
        0 => image[at] ^= 1 << seeded.below(8),
        1 => image[at] = seeded.next() as u8,
        2 => {
            // A number at the edge of something, where a number may stand.
            const EDGES: [u32; 10] = [
                0,
                1,
                15,
                16,
                32,
                0x7FFF_FFFF,
                0x8000_0000,
                0xFFFF_FFF0,
                0xFFFF_FFFE,
                u32::MAX,
            ];
            let edge = EDGES[seeded.below(EDGES.len())];
            let value = if seeded.below(3) == 0 {
                image.len() as u32
            } else {
                edge
            };
            for (place, byte) in image[at - at % 4..].iter_mut().zip(value.to_le_bytes()) {
                *place = byte;
            }
        }
        3 => image.truncate(at),
        4 => {
            let len = seeded.below(64);
            let more = seeded.bytes(len);
            image.splice(at..at, more);
        }
        5 => {
            let end = (at + 1 + seeded.below(64)).min(image.len());
            let to = seeded.below(image.len());
            let piece = image[at..end].to_vec();
            for (place, byte) in image[to..].iter_mut().zip(piece) {
                *place = byte;
            }
        }
        _ => mend_directory(image),
    }
}

/// Gives a Bin's directory its right sum again, so that what lies behind the sum is reached.
fn mend_directory(image: &mut [u8]) {
    let Some(index) = image
        .first_chunk::<4>()
        .map(|raw| u32::from_le_bytes(*raw) as usize)
    else {
        return;
    };
    let Some(crc32) = image.get(..index).map(crc32fast::hash) else {
        return;
    };
    if let Some(place) = image.get_mut(index.saturating_add(12)..index.saturating_add(16)) {
        place.copy_from_slice(&crc32.to_le_bytes());
    }
}

fn tree() -> Vec<BinEntry> {
    vec![
        BinEntry::file("a", *b"hello"),
        BinEntry::file("empty", *b""),
        BinEntry::folder("d", vec![BinEntry::file("x", *b"nested")]),
        BinEntry::file("b.txt", [b'b'; 70]),
    ]
}

fn bins() -> Vec<Vec<u8>> {
    let compat = BinOptions {
        compat: true,
        ..BinOptions::default()
    };
    vec![
        build(&tree(), &BinOptions::default(), None).unwrap().bytes,
        build(&tree(), &compat, None).unwrap().bytes,
        build(&[], &BinOptions::default(), None).unwrap().bytes,
    ]
}

fn flash_files() -> Vec<Vec<u8>> {
    vec![
        flash_file::build(
            &flash_file::inputs_of(&tree(), 5),
            &FlashFileOptions::default(),
        )
        .unwrap()
        .bytes,
    ]
}

fn romfs_images() -> Vec<Vec<u8>> {
    // The second has padding, a pointer and an unknown record.
    let pointers =
        b"\xD2\xCD\x31\x14\x01\x02\xAA\xBB\x02\x03xyz\x05\x06\x01p\x03\x02\x03\x06\x81\x02\x00";
    vec![romfs::build(&tree(), None).unwrap(), pointers.to_vec()]
}

fn app_images() -> Vec<Vec<u8>> {
    let mut image = vec![
        0xE9, 2, 2, 0x2F, 0, 0, 0x38, 0x40, 0xEE, 0, 0, 0, 5, 0, 0, 3, 0, 199, 0, 0, 0, 0, 0, 1,
    ];
    for (addr, data) in [(0x3C00_0020_u32, 0xABCD_5432_u32), (0x4038_0000, 0)] {
        image.extend_from_slice(&addr.to_le_bytes());
        image.extend_from_slice(&[0, 1, 0, 0]);
        image.extend_from_slice(&data.to_le_bytes());
        image.resize(image.len() + 252, 7);
    }
    image.resize(image.len().next_multiple_of(16) + 32, 0);
    let mut merged = image.clone();
    merged.resize(0x8000, 0xFF);
    merged.extend_from_slice(&[0xAA, 0x50, 1, 2, 0, 0x90, 0, 0, 0, 0x60, 0, 0]);
    merged.resize(0x8040, 0xFF);
    vec![image, merged]
}

fn everything() -> Vec<Vec<u8>> {
    let mut uf2 = vec![0; 512];
    for (at, word) in [
        (0, 0x0A32_4655_u32),
        (4, 0x9E5D_5157),
        (8, 0x2000),
        (16, 256),
        (24, 1),
        (508, 0x0AB1_6F30),
    ] {
        uf2[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let mut littlefs =
        b"\x01\0\0\0\xF0\x0F\xFF\xF7littlefs\x2F\xE0\0\x10\x01\0\x02\0\0\x10\0\0\x40\0\0\0"
            .to_vec();
    littlefs.resize(100, 0xFF);
    let mut fat = b"\xEB\xFE\x90MSDOS5.0\0\x10\x01\x01\0\x02\0\x02\x7D\0\xF8\x01\0".to_vec();
    fat.resize(510, 0);
    fat.extend_from_slice(&[0x55, 0xAA]);
    let small = [
        uf2,
        littlefs,
        fat,
        b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xF3\0".to_vec(),
        b"FROG\x01\x00\x05\x00\x10\0\0\0\0\0\0\0".to_vec(),
        b":0100000001FE\n:00000001FF\n".to_vec(),
        b"nvs,data,nvs,0x9000,0x6000\n".to_vec(),
        b"\x01\0\0\0\x10\0\0\0\x10\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
    ];
    [
        bins(),
        flash_files(),
        romfs_images(),
        app_images()[..1].to_vec(),
        small.to_vec(),
    ]
    .concat()
}

fn read_bin(image: &[u8]) {
    let verdict = bin_read::verify(image, "bin");
    let _listing = bin_read::list(image);
    for path in ["a", "d/x", "d/d/d", "b.txt", ""] {
        let _bytes = bin_read::extract(image, path);
    }
    if let Ok(entries) = bin_read::to_entries(image) {
        let options = BinOptions {
            slash_in_names: true,
            ..BinOptions::default()
        };
        if let Ok(built) = build(&entries, &options, Some(image)) {
            assert_eq!(
                bin_read::verify(&built.bytes, "").problems,
                [],
                "what is built is sound: {verdict:?}"
            );
        }
    }
    read_paths(image);
}

fn read_flash_file(image: &[u8]) {
    let _problems = flash_file::verify(image);
    let _bytes = flash_file::extract(image, "a");
    read_paths(image);
}

fn read_romfs(image: &[u8]) {
    let _tree = romfs::read(image);
    let _bytes = romfs::extract(image, "d/x");
    read_paths(image);
}

fn read_app_image(image: &[u8]) {
    let target = ImageTarget {
        chip: Some(Chip::Esp32c3),
        revision: Some((0, 4)),
        slot_size: Some(0x1000),
        ..ImageTarget::default()
    };
    let _problems = app_image::check(image, &target);
}

fn read_anything(image: &[u8]) {
    let found = recognise(image);
    assert!(!found.kind.name().is_empty());
    read_paths(image);
}

/// What comes out of an image may be created below any folder.
fn read_paths(image: &[u8]) {
    let Ok(unpacked) = unpack::unpack(image) else {
        return;
    };
    let mut seen = std::collections::HashSet::new();
    for path in unpacked
        .files
        .iter()
        .map(|file| &file.path)
        .chain(&unpacked.empty_folders)
    {
        assert!(seen.insert(path.to_lowercase()), "{path:?} twice");
        for part in path.split('/') {
            let harmless = !matches!(part, "" | "." | "..")
                && !part.ends_with(['.', ' '])
                && !part.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
                && !part.chars().any(char::is_control);
            assert!(harmless, "{path:?}");
        }
    }
    let total: usize = unpacked.files.iter().map(|file| file.bytes.len()).sum();
    assert!(total <= 2 * image.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str) {
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        run(target, 0, 100_000);
    }

    #[test]
    fn bin() {
        check("bin");
    }

    #[test]
    fn flash_file() {
        check("flash-file");
    }

    #[test]
    fn romfs() {
        check("romfs");
    }

    #[test]
    fn app_image() {
        check("app-image");
    }

    #[test]
    fn recognise() {
        check("recognise");
    }
}
