//! Random folders, packed by us and read by the seed's rule, by our reader, and packed on from image to image.

use flashpack::formats::bin_image::{BinEntry, BinNode, BinOptions, BuiltBin, build};
use flashpack::formats::{bin_read, unpack};

use crate::bin_sets::{Seeded, files_of, seed_directory, seed_find, seed_read};

const SETS: u64 = 10_000;

fn options() -> BinOptions {
    BinOptions {
        slash_in_names: false,
        ..BinOptions::default()
    }
}

/// Every file is found by the seed's rule with its bytes, nothing but the index is found besides, and all offsets keep
/// the alignment.
#[track_caller]
fn reads_equal(entries: &[BinEntry], built: &BuiltBin, alignment: usize) {
    for (path, bytes) in files_of(entries) {
        assert_eq!(
            seed_read(&built.bytes, &path),
            Some(bytes.as_slice()),
            "{path}"
        );
        let found = bin_read::find(&built.bytes, &path).unwrap();
        assert_eq!(
            bin_read::extract(&built.bytes, &path).unwrap(),
            bytes,
            "{path}"
        );
        assert_eq!(found.crc32, Some(crc32fast::hash(&bytes)), "{path}");
        assert_eq!(found.offset as usize % alignment, 0, "{path}");
    }
    let mut names: Vec<Vec<u8>> = seed_directory(&built.bytes, built.bytes.len())
        .into_iter()
        .map(|(name, _, _)| name)
        .collect();
    assert_eq!(names.remove(0), b"!");
    let mut expected: Vec<&[u8]> = entries.iter().map(|entry| entry.name.as_bytes()).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(seed_find(&built.bytes, built.bytes.len(), b"absent"), None);
    assert!(bin_read::find(&built.bytes, "absent").is_err());
}

#[test]
fn random_sets_read_equal() {
    for seed in 0..SETS {
        let mut seeded = Seeded(seed);
        let entries = seeded.folder(24, 3);
        let alignment = [4, 16, 16, 32][seeded.below(4)];
        let built = build(
            &entries,
            &BinOptions {
                alignment,
                ..options()
            },
            None,
        )
        .unwrap();
        reads_equal(&entries, &built, alignment as usize);
        assert_eq!(
            built.totals.used + built.totals.slack,
            built.bytes.len() as u64,
            "set {seed}"
        );
        assert_eq!(built.totals.holes, 0, "set {seed}");
        if seed.is_multiple_of(10) {
            let verdict = bin_read::verify(&built.bytes, "");
            assert_eq!(verdict.problems, [], "set {seed}");
            assert_eq!(verdict.unchecked, 0);
            let again = build(
                &bin_read::to_entries(&built.bytes).unwrap(),
                &BinOptions {
                    alignment,
                    ..options()
                },
                None,
            );
            assert_eq!(
                again.unwrap().bytes,
                built.bytes,
                "set {seed} has the same bytes whatever the order"
            );
            let unpacked = unpack::unpack(&built.bytes).unwrap();
            assert_eq!(unpacked.files.len(), files_of(&entries).len());
        }
    }
}

#[test]
fn a_fresh_pack_has_little_slack() {
    for seed in 0..500 {
        let mut seeded = Seeded(seed ^ 0x51AC);
        let count = 1 + seeded.below(300);
        let largest = 1 + seeded.below(9_000);
        let entries: Vec<BinEntry> = (0..count)
            .map(|number| {
                let len = seeded.below(largest);
                BinEntry::file(format!("f{number}"), seeded.bytes(len))
            })
            .collect();
        let built = build(&entries, &options(), None).unwrap();
        let plain = build(
            &entries,
            &BinOptions {
                compat: true,
                ..options()
            },
            None,
        )
        .unwrap();
        let allowed = (built.bytes.len() as u64 / 20).max(256);
        assert!(
            built.totals.slack <= allowed,
            "{count} files: {} of {allowed}",
            built.totals.slack
        );
        // Against the seed's form even the check records are inside that, unless records and directory alone are more.
        let fixed = 8 * count + 16 * (10 + (count * 3).div_ceil(100)) + 32;
        let more = built.bytes.len() - plain.bytes.len();
        assert!(
            more <= (plain.bytes.len() / 20).max(256).max(fixed),
            "{count} files: {more} bytes more"
        );
    }
}

/// Edits one set again and again, each image built on the one before.
#[test]
fn chains_of_edits_read_equal() {
    for seed in 0..300 {
        let mut seeded = Seeded(seed ^ 0xC4A1);
        let mut entries = seeded.folder(30, 2);
        let mut built = build(&entries, &options(), None).unwrap();
        for _ in 0..12 {
            for _ in 0..=seeded.below(3) {
                edit(&mut entries, &mut seeded);
            }
            let before = built.bytes;
            built = build(&entries, &options(), Some(&before)).unwrap();
            reads_equal(&entries, &built, 16);
            assert_eq!(
                bin_read::verify(&built.bytes, "").problems,
                [],
                "chain {seed}"
            );
            assert_eq!(
                built,
                build(&entries, &options(), Some(&before)).unwrap(),
                "the same input, the same bytes"
            );
            // Nothing changed: nothing moves.
            let idle = build(&entries, &options(), Some(&built.bytes)).unwrap();
            assert_eq!(idle.totals.sectors_changed, Some(0), "chain {seed}");
        }
    }
}

fn edit(entries: &mut Vec<BinEntry>, seeded: &mut Seeded) {
    let at = seeded.below(entries.len().max(1));
    match (seeded.below(5), entries.get_mut(at)) {
        (0, Some(_)) => {
            entries.remove(at);
        }
        (
            1 | 2,
            Some(BinEntry {
                node: BinNode::File(bytes),
                ..
            }),
        ) => {
            let len = seeded.below(900);
            let mut changed = bytes.to_vec();
            changed.truncate(seeded.below(changed.len() + 1));
            changed.extend(seeded.bytes(len));
            *bytes = changed.into();
        }
        (
            1..=3,
            Some(BinEntry {
                node: BinNode::Folder(inner),
                ..
            }),
        ) => edit(inner, seeded),
        _ => {
            let (name, len) = (seeded.name(), seeded.below(2_000));
            if entries.iter().all(|entry| entry.name != name) {
                entries.push(BinEntry::file(name, seeded.bytes(len)));
            }
        }
    }
}

#[test]
fn holes_are_used_up_before_the_image_outgrows_its_partition() {
    let mut seeded = Seeded(7);
    let mut entries: Vec<BinEntry> = (0..40)
        .map(|number| BinEntry::file(format!("f{number:02}"), seeded.bytes(1_000)))
        .collect();
    let mut built = build(&entries, &options(), None).unwrap();
    let limit = built.bytes.len() as u32 + 64;
    for round in 0..200 {
        // As much goes as comes, in other sizes, so that the space is enough but not in one piece.
        let (first, second) = (seeded.below(40), seeded.below(40));
        if first == second {
            continue;
        }
        for (at, len) in [
            (first, 700 + seeded.below(200)),
            (second, 900 + seeded.below(50)),
        ] {
            entries[at].node = BinNode::File(seeded.bytes(len).into());
        }
        built = build(
            &entries,
            &BinOptions {
                limit: Some(limit),
                ..options()
            },
            Some(&built.bytes),
        )
        .unwrap();
        assert!(built.bytes.len() as u32 <= limit, "round {round}");
        reads_equal(&entries, &built, 16);
    }
}

#[test]
fn what_does_not_fit_around_the_old_files_is_packed_anew() {
    let mut seeded = Seeded(8);
    let mut entries: Vec<BinEntry> = (0..10)
        .map(|number| BinEntry::file(format!("f{number}"), seeded.bytes(1_000)))
        .collect();
    let first = build(&entries, &options(), None).unwrap();
    // Every second file goes: 5,000 bytes are free, but no hole takes the new file.
    entries = entries.into_iter().step_by(2).collect();
    entries.push(BinEntry::file("large", seeded.bytes(4_500)));
    let limit = Some(first.bytes.len() as u32);
    let built = build(
        &entries,
        &BinOptions { limit, ..options() },
        Some(&first.bytes),
    )
    .unwrap();
    assert!(
        built
            .notes
            .iter()
            .any(|note| note.message.contains("Packed anew")),
        "{:?}",
        built.notes
    );
    reads_equal(&entries, &built, 16);
    let loose = build(&entries, &options(), Some(&first.bytes)).unwrap();
    let compaction = loose.compaction.unwrap();
    assert_eq!(
        compaction.saves,
        (loose.bytes.len() - build(&entries, &options(), None).unwrap().bytes.len()) as u64
    );
    assert!(compaction.rewrites_sectors > 0);
    entries.push(BinEntry::file("toomuch", seeded.bytes(9_000)));
    let problems = build(
        &entries,
        &BinOptions {
            limit,
            partition: "bin".to_owned(),
            ..options()
        },
        Some(&first.bytes),
    )
    .unwrap_err();
    assert!(
        problems[0].message.contains("“bin”") && problems[0].help.contains("Remove at least"),
        "{problems:?}"
    );
}
