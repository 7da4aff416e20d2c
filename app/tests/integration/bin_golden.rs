//! Literal bytes of Bins: the seed's form, ours, and what becomes of input that the seed would lose.

use flashpack::formats::bin_image::{BinEntry, BinOptions, Where, build, changed_sectors};
use flashpack::formats::bin_read;

use crate::bin_sets::Seeded;

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn compat(cut_names: bool) -> BinOptions {
    BinOptions {
        compat: true,
        cut_names,
        ..BinOptions::default()
    }
}

fn seed_set() -> Vec<BinEntry> {
    vec![
        BinEntry::file("a", *b"hello"),
        BinEntry::file("empty", *b""),
        BinEntry::file("eightchr", *b"0123456789abcdef"),
        BinEntry::file("ninechars", *b"Z"),
        BinEntry::file("sub/x", *b"S"),
    ]
}

/// Made with `bin_pack.py` of `m24h/esp32flash_mpy`, commit c59e4fe.
#[test]
fn compat_equals_the_seed_byte_for_byte() {
    let mut expected = unhex(
        "60000000 05000000 6100000000000000
         70000000 00000000 656d707479000000
         70000000 10000000 6569676874636872
         80000000 01000000 6e696e6563686172
         90000000 01000000 7375622f78000000
         ffffffff ffffffff ffffffffffffffff",
    );
    for data in [&b"hello"[..], b"0123456789abcdef", b"Z", b"S"] {
        expected.extend_from_slice(data);
        expected.resize(expected.len().next_multiple_of(16), 0xFF);
    }
    assert_eq!(
        build(&seed_set(), &compat(true), None).unwrap().bytes,
        expected
    );
    assert_eq!(build(&[], &compat(false), None).unwrap().bytes, [0xFF; 16]);
}

#[test]
fn the_seeds_silent_losses_are_refused() {
    let problems = build(&seed_set(), &compat(false), None).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.contains("“ninechars” is 9 bytes long"),
        "{}",
        problems[0].message
    );
    let twice = [BinEntry::file("same", *b"1"), BinEntry::file("same", *b"2")];
    assert!(
        build(&twice, &compat(false), None).unwrap_err()[0]
            .message
            .contains("twice")
    );
    assert_eq!(build(&twice, &compat(true), None).unwrap().bytes.len(), 80);
    let cut_alike = [
        BinEntry::file("longname1", *b"1"),
        BinEntry::file("longname2", *b"2"),
    ];
    for options in [
        compat(false),
        BinOptions {
            cut_names: true,
            ..BinOptions::default()
        },
        BinOptions::default(),
    ] {
        let problems = build(&cut_alike, &options, None).unwrap_err();
        assert!(
            problems
                .iter()
                .any(|problem| problem.message.contains("same first 8 bytes")),
            "{problems:?}"
        );
    }
    for name in [" a", "a ", "", "\0", "a\0"] {
        assert!(
            build(&[BinEntry::file(name, *b"")], &compat(false), None).is_err(),
            "{name:?}"
        );
        assert!(
            build(&[BinEntry::file(name, *b"")], &BinOptions::default(), None).is_err(),
            "{name:?}"
        );
    }
}

/// Cut in the middle of a character as the seed does it; our form cuts at characters.
#[test]
fn cut_names() {
    let entries = [BinEntry::file("1234567é", *b"")];
    let image = build(&entries, &compat(true), None).unwrap().bytes;
    assert_eq!(image[8..16], *b"1234567\xC3");
    let ours = BinOptions {
        cut_names: true,
        ..BinOptions::default()
    };
    let image = build(&entries, &ours, None).unwrap().bytes;
    assert_eq!(bin_read::extract(&image, "1234567").unwrap(), b"");
}

/// One file: `!`, the file, eight spare entries, the index, data, check record, padding.
#[test]
fn layout_with_index() {
    let built = build(
        &[BinEntry::file("a", *b"hello")],
        &BinOptions::default(),
        None,
    )
    .unwrap();
    let mut expected =
        unhex("a0000000 20000000 2100000000000000 c0000000 05000000 6100000000000000");
    expected.resize(0xA0, 0xFF);
    let directory = crc32fast::hash(&expected);
    expected.extend_from_slice(b"FPB1");
    expected.extend_from_slice(&[1, 0, 3, 0, 1, 0, 0, 0]);
    expected.extend_from_slice(&directory.to_le_bytes());
    expected.resize(0xC0, 0);
    expected.extend_from_slice(b"hello\xFF\xFF\xFF");
    expected.extend_from_slice(&0x3610_A686_u32.to_le_bytes());
    expected.extend_from_slice(&[5, 0, 0, 0]);
    assert_eq!(built.bytes, expected);
    let report = &built.entries[0];
    assert_eq!(
        (
            report.path.as_str(),
            report.offset,
            report.size,
            report.crc32
        ),
        ("a", 0xC0, 5, 0x3610_A686)
    );
    assert_eq!((report.wasted, report.place), (3, Where::New));
    assert_eq!(
        (built.totals.files, built.totals.payload, built.totals.slack),
        (1, 5, 7 * 16)
    );
}

#[test]
fn a_folder_is_a_bin_in_a_bin() {
    let entries = [
        BinEntry::folder(
            "deep",
            vec![
                BinEntry::file("f001", *b"one"),
                BinEntry::folder("er", vec![BinEntry::file("x", *b"two")]),
            ],
        ),
        BinEntry::file("top", *b"three"),
    ];
    let built = build(&entries, &BinOptions::default(), None).unwrap();
    for (path, bytes) in [
        ("deep/f001", &b"one"[..]),
        ("deep/er/x", b"two"),
        ("top", b"three"),
    ] {
        assert_eq!(bin_read::extract(&built.bytes, path).unwrap(), bytes);
        let report = built
            .entries
            .iter()
            .find(|entry| entry.path == path)
            .unwrap();
        assert_eq!(
            bin_read::find(&built.bytes, path).unwrap().offset,
            report.offset
        );
    }
    let nested = bin_read::extract(&built.bytes, "deep").unwrap();
    assert_eq!(bin_read::list(nested).unwrap().files.len(), 2);
    let listing = bin_read::list(&built.bytes).unwrap();
    assert!(listing.sorted && listing.checked);
    assert_eq!(listing.files[0].children.as_ref().unwrap().len(), 2);
    // The seed's form nests too, but nobody can tell that it does.
    let plain = build(&entries, &compat(false), None).unwrap().bytes;
    assert_eq!(bin_read::extract(&plain, "deep/er/x").unwrap(), b"two");
    assert_eq!(bin_read::list(&plain).unwrap().files[0].children, None);
}

#[test]
fn what_happened_to_each_file_is_reported() {
    let before = [
        BinEntry::file("grown", [1; 100]),
        BinEntry::file("edited", [2; 100]),
        BinEntry::file("same", [3; 100]),
        BinEntry::file("gone", [4; 100]),
    ];
    let image = build(&before, &BinOptions::default(), None).unwrap().bytes;
    let after = [
        BinEntry::file("grown", [1; 2000]),
        BinEntry::file("edited", [5; 100]),
        BinEntry::file("same", [3; 100]),
        BinEntry::file("new", [6; 50]),
    ];
    let built = build(&after, &BinOptions::default(), Some(&image)).unwrap();
    let mut places: Vec<(&str, Where)> = built
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.place))
        .collect();
    places.sort_unstable_by_key(|(path, _)| *path);
    assert_eq!(
        places,
        [
            ("edited", Where::Changed),
            ("grown", Where::Moved),
            ("new", Where::New),
            ("same", Where::Kept)
        ]
    );
}

#[test]
fn a_renamed_file_costs_the_directory_only() {
    let set = |name: &str| -> Vec<BinEntry> {
        (0..20u8)
            .map(|number| {
                BinEntry::file(
                    if number == 10 {
                        name.to_owned()
                    } else {
                        format!("f{number:02}")
                    },
                    vec![number; 5_000],
                )
            })
            .collect()
    };
    let image = build(&set("f10"), &BinOptions::default(), None)
        .unwrap()
        .bytes;
    let built = build(&set("zz"), &BinOptions::default(), Some(&image)).unwrap();
    assert_eq!(
        changed_sectors(&built.bytes, &image).collect::<Vec<_>>(),
        [0]
    );
}

#[test]
fn bytes_of_removed_files_are_told_and_can_be_erased() {
    let secret = [0xA5; 9_000];
    let before = [
        BinEntry::file("a", [1; 9_000]),
        BinEntry::file("secret", secret),
        BinEntry::file("z", [2; 9_000]),
    ];
    let image = build(&before, &BinOptions::default(), None).unwrap().bytes;
    let after = [before[0].clone(), before[2].clone()];
    let left = build(&after, &BinOptions::default(), Some(&image)).unwrap();
    let seen: u64 = left.bytes.iter().map(|byte| u64::from(*byte == 0xA5)).sum();
    assert!(seen > 0 && left.totals.stale >= seen);
    assert!(
        left.notes
            .iter()
            .any(|note| note.message.contains("removed")),
        "{:?}",
        left.notes
    );
    let erased = build(
        &after,
        &BinOptions {
            erase_removed: true,
            ..BinOptions::default()
        },
        Some(&image),
    )
    .unwrap();
    assert!(!erased.bytes.contains(&0xA5));
    assert_eq!((erased.totals.stale, erased.notes.len()), (0, 0));
    let fresh = build(&after, &BinOptions::default(), None).unwrap();
    assert!(!fresh.bytes.contains(&0xA5));
}

/// What `bin_pack.py` does, in the words of its description: entries, sixteen FF, the files each padded to 16.
fn seed_pack(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut directory = Vec::new();
    let mut data = Vec::new();
    for (name, bytes) in files {
        let addr = 16 * (files.len() + 1) + data.len();
        let mut stored = name.as_bytes().to_vec();
        stored.resize(8, 0);
        directory.extend_from_slice(&(addr as u32).to_le_bytes());
        directory.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        directory.extend_from_slice(&stored);
        data.extend_from_slice(bytes);
        while !data.len().is_multiple_of(16) {
            data.push(0xFF);
        }
    }
    [directory, vec![0xFF; 16], data].concat()
}

fn random_files(seeded: &mut Seeded) -> Vec<(String, Vec<u8>)> {
    (0..seeded.below(20))
        .map(|number| {
            let (long, len) = (seeded.below(4) == 0, seeded.below(100));
            let name = if long {
                format!("{}-{number}", seeded.name())
            } else {
                seeded.name()
            };
            (name, seeded.bytes(len))
        })
        .collect()
}

fn entries_of(files: &[(String, Vec<u8>)]) -> Vec<BinEntry> {
    files
        .iter()
        .map(|(name, bytes)| BinEntry::file(name.clone(), bytes.clone()))
        .collect()
}

#[test]
fn compat_equals_the_seeds_rule_on_random_sets() {
    for seed in 0..10_000 {
        let files = random_files(&mut Seeded(seed));
        let image = build(&entries_of(&files), &compat(true), None)
            .unwrap()
            .bytes;
        assert_eq!(image, seed_pack(&files), "set {seed}");
    }
}

/// Set `FLASHPACK_BIN_PACK` to the seed's `bin_pack.py` to compare with the script itself.
#[test]
fn compat_equals_the_script_itself() {
    let Ok(script) = std::env::var("FLASHPACK_BIN_PACK") else {
        println!("SKIPPED: FLASHPACK_BIN_PACK is not set to the seed's bin_pack.py");
        return;
    };
    let script = std::path::absolute(script).unwrap();
    for seed in 0..50 {
        let mut files = random_files(&mut Seeded(seed ^ 0x5C21));
        // The script opens its arguments as files, so a name is there once, and does not look like an option.
        files.retain(|(name, _)| !name.starts_with('-'));
        files.sort();
        files.dedup_by(|a, b| a.0 == b.0);
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        for (name, bytes) in &files {
            std::fs::write(inner.join(name), bytes).unwrap();
        }
        let mut command = std::process::Command::new("python3");
        command
            .arg(&script)
            .arg("../image")
            .args(files.iter().map(|(name, _)| name));
        let output = command.current_dir(&inner).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let theirs = std::fs::read(folder.path().join("image")).unwrap();
        assert_eq!(
            build(&entries_of(&files), &compat(true), None)
                .unwrap()
                .bytes,
            theirs,
            "set {seed}"
        );
    }
}
