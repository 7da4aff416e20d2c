//! Images that lie: entries outside, overlapping, looping through nesting, cut off, flipped.

use flashpack::formats::bin_image::{BinEntry, BinOptions, build};
use flashpack::formats::{bin_read, unpack};
use flashpack::model::problem::{Problem, Severity, any_error};

use crate::bin_sets::Seeded;

fn entry(addr: u32, size: u32, name: &str) -> Vec<u8> {
    let mut raw = [addr.to_le_bytes(), size.to_le_bytes()].concat();
    raw.extend_from_slice(name.as_bytes());
    raw.resize(16, 0);
    raw
}

/// All messages, a line each.
fn messages(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn good() -> Vec<u8> {
    let mut seeded = Seeded(1);
    let entries = vec![
        BinEntry::file("a", seeded.bytes(300)),
        BinEntry::file("b", seeded.bytes(50)),
        BinEntry::folder("d", vec![BinEntry::file("x", seeded.bytes(100))]),
    ];
    build(&entries, &BinOptions::default(), None).unwrap().bytes
}

#[test]
fn an_entry_that_points_outside_is_an_error_and_is_not_read() {
    for (addr, size) in [
        (0x1000, 1),
        (16, u32::MAX),
        (u32::MAX - 1, 2),
        (0xFFFF_FFF0, 0x20),
    ] {
        let image = [entry(addr, size, "far"), vec![0xFF; 48]].concat();
        assert!(
            any_error(&bin_read::verify(&image, "bin").problems),
            "{addr:x} {size:x}"
        );
        assert!(bin_read::find(&image, "far").is_err());
        assert!(bin_read::to_entries(&image).is_err());
    }
}

#[test]
fn files_that_share_bytes_are_told() {
    let image = [
        entry(48, 16, "a"),
        entry(56, 16, "b"),
        vec![0xFF; 16],
        vec![1; 32],
    ]
    .concat();
    let verdict = bin_read::verify(&image, "");
    assert!(
        messages(&verdict.problems).contains("“b” shares bytes with “a”"),
        "{}",
        messages(&verdict.problems)
    );
    assert!(
        !any_error(&verdict.problems),
        "the agent, which cannot see it, must give the same verdict"
    );
    let twice = [
        entry(48, 16, "a"),
        entry(48, 8, "a"),
        vec![0xFF; 16],
        vec![1; 16],
    ]
    .concat();
    assert!(messages(&bin_read::verify(&twice, "").problems).contains("more than once"));
}

#[test]
fn nesting_that_leads_back_ends() {
    // Each entry of the directory is a Bin that starts at its second entry, again and again.
    let image = [
        entry(16, 1 << 20, "in"),
        entry(16, 1 << 20, "in"),
        vec![0xFF; 64],
    ]
    .concat();
    let path = vec!["in"; 40].join("/");
    assert!(bin_read::find(&image, &path).is_err());
    assert!(any_error(&bin_read::verify(&image, "").problems));
    assert!(bin_read::list(&image).is_ok());
}

#[test]
fn directories_that_share_children_do_not_explode() {
    // Twelve levels of a Bin with an index, whose eight entries all are the next level.
    let mut inner = build(&[BinEntry::file("x", *b"x")], &BinOptions::default(), None)
        .unwrap()
        .bytes;
    for _ in 0..12 {
        let directory = 16 * 10;
        let addr = directory + 32;
        let mut image = entry(directory, 32, "!");
        for name in b'a'..=b'h' {
            image.extend(entry(
                addr,
                inner.len() as u32,
                &char::from(name).to_string(),
            ));
        }
        image.resize(directory as usize, 0xFF);
        let crc32 = crc32fast::hash(&image);
        image.extend_from_slice(b"FPB1\x01\x00\x01\x00\x08\x00\x00\x00");
        image.extend_from_slice(&crc32.to_le_bytes());
        image.resize(addr as usize, 0);
        image.extend(inner);
        inner = image;
    }
    let listing = bin_read::list(&inner).unwrap();
    assert!(
        listing
            .problems
            .iter()
            .any(|problem| problem.message.contains("not listed"))
    );
    let verdict = bin_read::verify(&inner, "");
    assert!(
        verdict
            .problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    );
    let unpacked = unpack::unpack(&inner).unwrap();
    let total: usize = unpacked.files.iter().map(|file| file.bytes.len()).sum();
    assert!(total <= 2 * inner.len());
}

#[test]
fn a_cut_image_is_an_error_wherever_it_is_cut() {
    let image = good();
    assert!(!any_error(&bin_read::verify(&image, "").problems));
    // Behind the last check record there is only padding.
    let end = image.iter().rposition(|byte| *byte != 0xFF).unwrap() + 1;
    for len in (192..end).step_by(7) {
        assert!(
            any_error(&bin_read::verify(&image[..len], "").problems),
            "cut at {len}"
        );
    }
}

#[test]
fn every_flipped_bit_of_what_is_in_use_is_found() {
    let entries = [
        BinEntry::file("a", *b"some text that matters"),
        BinEntry::file("b", *b"more"),
    ];
    let built = build(&entries, &BinOptions::default(), None).unwrap();
    let mut image = built.bytes.clone();
    let mut missed = Vec::new();
    for at in 0..image.len() {
        for bit in 0..8 {
            image[at] ^= 1 << bit;
            if !any_error(&bin_read::verify(&image, "").problems) {
                missed.push(at);
            }
            image[at] ^= 1 << bit;
        }
    }
    missed.dedup();
    // Not covered by any sum: the zeros of the index, padding and room behind files; and the entry `!` with magic and
    // version, without which the image is one in the seed's form, where nothing can be proven.
    let index = 16 * 11;
    let in_use = |at: &usize| {
        let padding = built.entries.iter().any(|entry| {
            let (start, end) = (entry.offset as usize, (entry.offset + entry.size) as usize);
            let record = end.next_multiple_of(4);
            (start..end).contains(at) || (record..record + 8).contains(at)
        });
        padding || (16..index).contains(at) || (index + 6..index + 16).contains(at)
    };
    let wrong: Vec<usize> = missed.into_iter().filter(in_use).collect();
    assert!(
        wrong.is_empty(),
        "flipped bits that were not found: {wrong:?}"
    );
}

#[test]
fn no_previous_image_can_spoil_a_pack() {
    let mut seeded = Seeded(99);
    let entries = seeded.folder(20, 2);
    let fresh = build(&entries, &BinOptions::default(), None).unwrap().bytes;
    for _ in 0..3_000 {
        let mut previous = fresh.clone();
        for _ in 0..=seeded.below(4) {
            let at = seeded.below(previous.len());
            previous[at] = seeded.next() as u8;
        }
        if seeded.below(4) == 0 {
            previous.truncate(seeded.below(previous.len()));
        }
        if seeded.below(2) == 0 && previous.len() > 192 {
            // A right sum over a wrong directory.
            let index =
                u32::from_le_bytes([previous[0], previous[1], previous[2], previous[3]]) as usize;
            if let Some(directory) = previous.get(..index) {
                let crc32 = crc32fast::hash(directory).to_le_bytes();
                if let Some(place) = previous.get_mut(index + 12..index + 16) {
                    place.copy_from_slice(&crc32);
                }
            }
        }
        let built = build(&entries, &BinOptions::default(), Some(&previous)).unwrap();
        assert_eq!(bin_read::verify(&built.bytes, "").problems, []);
        assert_eq!(
            bin_read::to_entries(&built.bytes).unwrap().len(),
            entries.len()
        );
    }
}
