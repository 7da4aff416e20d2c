//! What the readers of images and tables find, and what they refuse.

use device_agent::bin_image::{Bin, MAX_DEPTH, find_path, open_path, strip};
use device_agent::bin_verify::{FaultKind, Tally, verify};
use device_agent::crc::{Digests, Sums, crc32};
use device_agent::error::Error;
use device_agent::flash::{Bytes, Flash};
use device_agent::partition_table;

use crate::support::{Node, flash, image, indexed, plain, put_entry, seal};

fn file(bytes: &[u8]) -> Node {
    Node::File(bytes.to_vec())
}

/// Looks a path up in an image; the bytes that were found.
fn find(image: &[u8], path: &str) -> Result<Vec<u8>, Error> {
    let flash = &mut Bytes(image);
    let top = Bin::open(flash, 0, image.len() as u32)?;
    let found = find_path(flash, &top, path.as_bytes())?;
    Ok(flash.view(found.flash_offset(), found.entry.size)?.to_vec())
}

fn names(image: &[u8]) -> Result<Vec<String>, Error> {
    let flash = &mut Bytes(image);
    let mut entries = Bin::open(flash, 0, image.len() as u32)?.entries();
    let mut names = Vec::new();
    while let Some(entry) = entries.next(flash)? {
        names.push(String::from_utf8_lossy(entry.label()).into_owned());
    }
    Ok(names)
}

fn faults(image: &[u8]) -> (Tally, Vec<FaultKind>) {
    let mut kinds = Vec::new();
    let tally = verify(
        &mut Bytes(image),
        0,
        image.len() as u32,
        &mut Digests::new(),
        |fault| kinds.push(fault.kind),
    );
    (tally.unwrap(), kinds)
}

#[test]
fn the_seeds_own_image_is_read() {
    // `bin_pack.py` of esp32flash_mpy made these bytes (formats.md §1.1).
    let mut image = Vec::new();
    for (offset, size, name) in [
        (0x60, 5, "a"),
        (0x70, 0, "empty"),
        (0x70, 16, "eightchr"),
        (0x80, 1, "ninechar"),
        (0x90, 1, "sub/x"),
    ] {
        image.extend([0; 16]);
        let slot = image.len() / 16 - 1;
        put_entry(&mut image, slot, offset, size, name);
    }
    image.extend([0xFF; 16]);
    image.extend(b"hello\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF0123456789abcdef");
    image.extend(b"Z\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    image.extend(b"S\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    assert_eq!(image.len(), 0xA0);
    for (path, bytes) in [
        ("a", "hello"),
        ("empty", ""),
        ("eightchr", "0123456789abcdef"),
        ("ninechar", "Z"),
        ("sub/x", "S"),
    ] {
        assert_eq!(find(&image, path).unwrap(), bytes.as_bytes(), "{path}");
    }
    assert_eq!(find(&image, "ninechars"), Err(Error::NotFound));
    assert_eq!(find(&image, "sub"), Err(Error::NotFound));
    assert_eq!(
        names(&image).unwrap(),
        ["a", "empty", "eightchr", "ninechar", "sub/x"]
    );
    let (tally, kinds) = faults(&image);
    assert_eq!(
        (tally.files, tally.unchecked, tally.bins, kinds.len()),
        (5, 5, 1, 0)
    );
}

#[test]
fn a_walk_keeps_the_seeds_rules() {
    let padded = plain(&[(" a\0\0\0 ", b"1"), ("b", b"2"), ("b", b"3")]);
    assert_eq!(find(&padded, "a").unwrap(), b"1");
    assert_eq!(find(&padded, "b").unwrap(), b"2", "the first match wins");
    assert_eq!(
        find(&padded, " a"),
        Err(Error::NotFound),
        "the label is not stripped"
    );
    assert_eq!(find(&padded, ""), Err(Error::NotFound));
    assert_eq!(strip(b" \xFF\0x y\0\xFF "), b"x y");
    assert_eq!(strip(b"\0\0\xFF\xFF    "), b"");
    let mut stopped = plain(&[("a", b"1"), ("b", b"2")]);
    put_entry(&mut stopped, 0, 0, 1, "a");
    assert_eq!(
        find(&stopped, "b"),
        Err(Error::NotFound),
        "address 0 ends the directory"
    );
    assert_eq!(names(&stopped).unwrap(), Vec::<String>::new());
    let mut full = vec![0; 32];
    put_entry(&mut full, 0, 16, 1, "a");
    put_entry(&mut full, 1, 16, 2, "b");
    assert_eq!(
        names(&full).unwrap(),
        ["a", "b"],
        "a directory may fill its image to the end"
    );
    assert_eq!(names(&[0xFF; 16]).unwrap(), Vec::<String>::new());
    assert_eq!(names(&[]).unwrap(), Vec::<String>::new());
}

#[test]
fn an_index_is_used_and_not_shown() {
    let built = image(&[
        ("b", file(b"bee")),
        ("a", file(b"")),
        ("eightchr", file(&[9; 100])),
        (
            "deep",
            Node::Folder(vec![
                ("f001", file(b"nested")),
                ("two", Node::Folder(vec![("x", file(b"bottom"))])),
            ]),
        ),
    ]);
    for (path, bytes) in [
        ("a", &b""[..]),
        ("b", b"bee"),
        ("eightchr", &[9; 100]),
        ("deep/f001", b"nested"),
        ("deep/two/x", b"bottom"),
    ] {
        assert_eq!(find(&built, path).unwrap(), bytes, "{path}");
    }
    for path in [
        "!",
        "c",
        "A",
        "eightchr9",
        "deep/",
        "/a",
        "deep/f002",
        "deep/two/x/y",
        "b\0",
        "b ",
    ] {
        assert_eq!(find(&built, path), Err(Error::NotFound), "{path:?}");
    }
    assert_eq!(names(&built).unwrap(), ["a", "b", "deep", "eightchr"]);
    let flash = &mut Bytes(&built);
    let top = Bin::open(flash, 0, built.len() as u32).unwrap();
    assert!(top.is_sorted());
    let inner = open_path(flash, &top, b"deep").unwrap();
    assert_eq!(inner.index().unwrap().entries, 2);
    assert!(
        open_path(flash, &top, b"b").unwrap().index().is_none(),
        "a file is no Bin"
    );
    assert_eq!(open_path(flash, &top, b"").unwrap(), top);
    let found = find_path(flash, &top, b"deep/f001").unwrap();
    let record = found
        .bin
        .check_record(flash, &found.entry)
        .unwrap()
        .unwrap();
    assert_eq!(record.crc32, crc32(b"nested"));
    let (tally, kinds) = faults(&built);
    assert_eq!(kinds, []);
    assert_eq!((tally.bins, tally.files, tally.unchecked), (3, 7, 0));
}

#[test]
fn the_whole_path_is_tried_before_it_is_split() {
    let built = image(
        &[
            ("deep", Node::Folder(vec![("f001", file(b"inside"))])),
            ("deep/f001", file(b"9 bytes, cannot be")),
        ]
        .into_iter()
        .take(1)
        .collect::<Vec<_>>(),
    );
    assert_eq!(find(&built, "deep/f001").unwrap(), b"inside");
    let both = image(&[
        ("d", Node::Folder(vec![("x", file(b"inside"))])),
        ("d/x", file(b"whole")),
    ]);
    assert_eq!(find(&both, "d/x").unwrap(), b"whole");
}

#[test]
fn an_old_reader_sees_the_same_files() {
    let built = image(&[("b", file(b"bee")), ("a", file(b"ay"))]);
    let flash = &mut Bytes(&built);
    let old = Bin::open_plain(flash, 0, built.len() as u32).unwrap();
    assert_eq!(old.find(flash, b"a").unwrap().unwrap().size, 2);
    assert_eq!(old.find(flash, b"!").unwrap().unwrap().size, 32);
    let mut entries = old.entries();
    let mut count = 0;
    while entries.next(flash).unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn every_one_of_1000_names_is_found_and_no_other() {
    let files: Vec<(String, Vec<u8>)> = (0..1000)
        .map(|number| {
            (
                format!("f{:03}", number * 7 % 1000),
                vec![number as u8; number % 50],
            )
        })
        .collect();
    let built = indexed(&files);
    for (name, bytes) in &files {
        assert_eq!(&find(&built, name).unwrap(), bytes);
    }
    for name in ["e999", "f", "f00", "f0000", "f1000", "g", "~"] {
        assert_eq!(find(&built, name), Err(Error::NotFound), "{name}");
    }
    for count in 0..40 {
        let built = indexed(&files[..count]);
        for (number, (name, bytes)) in files.iter().take(60).enumerate() {
            let expected = if number < count {
                Ok(bytes.clone())
            } else {
                Err(Error::NotFound)
            };
            assert_eq!(find(&built, name), expected, "{name} among {count}");
        }
    }
}

#[test]
fn what_contradicts_itself_is_corrupt() {
    let good = indexed(&[
        ("a".to_owned(), b"1234".to_vec()),
        ("b".to_owned(), b"5678".to_vec()),
    ]);
    let index_at = 16 * 11;
    let check = |change: &dyn Fn(&mut Vec<u8>), path: &str, error: Error, kind: FaultKind| {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(find(&bad, path), Err(error), "{kind:?}");
        let (_, kinds) = faults(&bad);
        assert!(kinds.contains(&kind), "{kinds:?} without {kind:?}");
    };
    // The file `b` starts 16 bytes behind `a`, whose record ends at 12.
    let (a, b) = (good.len() - 32, good.len() - 16);
    let directory = |change: &dyn Fn(&mut [u8])| {
        let mut bad = good.clone();
        change(&mut bad);
        seal(&mut bad, index_at, 2);
        bad
    };
    assert_eq!(
        (&good[a..a + 4], &good[b..b + 4]),
        (&b"1234"[..], &b"5678"[..])
    );
    check(
        &|bad| bad[index_at + 8] = 11,
        "a",
        Error::Corrupt,
        FaultKind::Index,
    );
    check(
        &|bad| bad[index_at + 8..index_at + 12].fill(0xFF),
        "a",
        Error::Corrupt,
        FaultKind::Index,
    );
    check(
        &|bad| *bad = directory(&|bad| put_entry(bad, 1, b, 17, "a")),
        "a",
        Error::Corrupt,
        FaultKind::Outside,
    );
    check(
        &|bad| *bad = directory(&|bad| put_entry(bad, 1, 0xFFFF_FFF0, 0x20, "a")),
        "a",
        Error::Corrupt,
        FaultKind::Outside,
    );
    check(
        &|bad| *bad = directory(&|bad| put_entry(bad, 1, 0, 1, "a")),
        "a",
        Error::Corrupt,
        FaultKind::Outside,
    );
    check(
        &|bad| *bad = directory(&|bad| put_entry(bad, 2, b, 4, "B")),
        "b",
        Error::NotFound,
        FaultKind::Order,
    );
    check(
        &|bad| *bad = directory(&|bad| put_entry(bad, 2, b, 4, "\x07")),
        "b",
        Error::NotFound,
        FaultKind::Name,
    );
    check(
        &|bad| bad[40] ^= 0x40,
        "\u{1}",
        Error::NotFound,
        FaultKind::DirectoryChecksum,
    );
    let mut cut = good.clone();
    cut.truncate(b + 8);
    assert_eq!(faults(&cut).1, [FaultKind::Record]);
    let mut flipped = good.clone();
    flipped[b] ^= 1;
    assert_eq!(
        find(&flipped, "b").unwrap(),
        b"4678",
        "a look-up does not read the file"
    );
    let (tally, kinds) = faults(&flipped);
    assert_eq!((kinds, tally.faults), (vec![FaultKind::Checksum], 1));
    let mut record = good.clone();
    record[b + 8] ^= 1;
    assert_eq!(faults(&record).1, [FaultKind::Record]);
}

#[test]
fn an_index_of_another_kind_is_walked() {
    let good = indexed(&[("a".to_owned(), b"1234".to_vec())]);
    let index_at = 16 * 10;
    for (at, value) in [
        (index_at, b'X'),
        (index_at + 4, 2),
        (8, b'?'),
        (4, 33),
        (0, 8),
    ] {
        let mut other = good.clone();
        other[at] = value;
        assert_eq!(find(&other, "a").unwrap(), b"1234", "byte {at} is {value}");
    }
    let mut unsorted = indexed(&[
        ("a".to_owned(), b"1".to_vec()),
        ("b".to_owned(), b"2".to_vec()),
    ]);
    let index_at = 16 * 11;
    let (first, second) = (unsorted[16..32].to_vec(), unsorted[32..48].to_vec());
    unsorted[16..32].copy_from_slice(&second);
    unsorted[32..48].copy_from_slice(&first);
    assert_eq!(
        find(&unsorted, "b"),
        Err(Error::NotFound),
        "a search trusts the flag"
    );
    unsorted[index_at + 6] = 2;
    assert_eq!(find(&unsorted, "b").unwrap(), b"2");
    assert_eq!(find(&unsorted, "a").unwrap(), b"1");
    let mut early = unsorted.clone();
    put_entry(&mut early, 2, 0, 0, "b");
    assert_eq!(
        find(&early, "c"),
        Err(Error::Corrupt),
        "the count promises more"
    );
}

#[test]
fn looping_nests_end() {
    // Two names for the same smaller self, sixteen times over: a tree of 65,536 leaves in 1 KiB.
    let mut bytes = Vec::new();
    for level in 0..20 {
        let at = level * 64;
        bytes.resize(at + 64, 0xFF);
        let size = 64 * (19 - level);
        if size > 0 {
            put_entry(&mut bytes[at..], 0, 64, size, "a");
            put_entry(&mut bytes[at..], 1, 64, size, "b");
        }
    }
    let deep: String = vec!["a"; 19].join("/");
    assert_eq!(find(&bytes, &deep), Err(Error::TooDeep));
    let shallow: String = vec!["b"; MAX_DEPTH].join("/");
    assert!(find(&bytes, &shallow).is_ok());
    assert_eq!(
        faults(&bytes).1,
        [],
        "without an index nothing tells a nested Bin from a file"
    );
    // The same with an index in each level, so that the proof goes down.
    let mut nested = indexed(&[]);
    for _ in 0..24 {
        let inner = nested.clone();
        nested = indexed(&[("a".to_owned(), inner), ("b".to_owned(), Vec::new())]);
        let (entry, a) = (nested[16..32].to_vec(), 1);
        nested[16 * (a + 1)..16 * (a + 2)].copy_from_slice(&entry);
        nested[16 * (a + 1) + 8] = b'b';
        seal(&mut nested, 16 * 11, 2);
    }
    let (tally, kinds) = faults(&nested);
    assert!(kinds.contains(&FaultKind::TooDeep), "{kinds:?}");
    assert!(tally.files <= 262_144);
}

#[test]
fn a_directory_without_end_is_given_up() {
    let mut endless = vec![0x20; 16 * 70_000];
    for slot in 0..70_000 {
        put_entry(&mut endless, slot, 16, 0, "x");
    }
    assert_eq!(find(&endless, "y"), Err(Error::TooDeep));
    assert_eq!(names(&endless).unwrap_err(), Error::TooDeep);
    assert_eq!(faults(&endless).1, [FaultKind::TooDeep]);
}

#[test]
fn a_bin_outside_the_flash_is_refused() {
    for (start, size) in [(0, 65), (64, 1), (65, 0), (u32::MAX, 1), (1, u32::MAX)] {
        assert_eq!(
            Bin::open(&mut Bytes(&[0; 64]), start, size),
            Err(Error::OutOfRange),
            "{start} {size}"
        );
    }
}

#[test]
fn partitions_are_found_by_label() {
    let mut flash = flash(2 << 20, &[]);
    let check = |flash: &[u8], label: &str| {
        partition_table::find(&mut Bytes(flash), 0x8000, label.as_bytes())
            .map(|row| (row.offset, row.size))
    };
    assert_eq!(check(&flash, "nvs"), Ok((0x9000, 0x6000)));
    assert_eq!(check(&flash, "bin"), Ok((0x10_0000, 0x10_0000)));
    for label in ["", "Bin", "bi", "binn"] {
        assert_eq!(check(&flash, label), Err(Error::NoPartition), "{label}");
    }
    assert_eq!(
        partition_table::find(&mut Bytes(&flash), 0x9000, b"bin"),
        Err(Error::NoTable)
    );
    assert_eq!(
        partition_table::find(&mut Bytes(&flash), u32::MAX - 3, b"bin"),
        Err(Error::OutOfRange)
    );
    // A row behind the MD5 row is still seen; sixteen characters have no NUL.
    flash[0x8080..0x8084].copy_from_slice(&[0xAA, 0x50, 0x40, 0xFE]);
    flash[0x8084..0x808C].copy_from_slice(&[0, 0, 1, 0, 0, 16, 0, 0]);
    flash[0x808C..0x809C].copy_from_slice(b"sixteen-letters!");
    assert_eq!(check(&flash, "sixteen-letters!"), Ok((0x1_0000, 0x1000)));
    flash[0x808B] = 0x10;
    assert_eq!(
        check(&flash, "sixteen-letters!"),
        Err(Error::OutOfRange),
        "it is larger than the flash"
    );
}

#[test]
fn the_sums_are_those_of_the_catalogue() {
    let mut digests = Digests::new();
    for cut in 0..9 {
        let mut sums = Sums::new();
        digests.update(&mut sums, &b"123456789"[..cut]);
        digests.update(&mut sums, &b"123456789"[cut..]);
        assert_eq!((sums.zlib(), sums.castagnoli()), (0xCBF4_3926, 0xE306_9283));
        let mut zlib = Sums::new();
        digests.update_zlib(&mut zlib, b"123456789");
        assert_eq!(zlib.zlib(), 0xCBF4_3926);
    }
    assert_eq!((crc32(b"123456789"), crc32(b"")), (0xCBF4_3926, 0));
}

fn two_files() -> (Vec<u8>, usize) {
    let files =
        [("a", "one"), ("b", "two")].map(|(name, text)| (name.into(), text.as_bytes().to_vec()));
    (indexed(&files), 16 * (1 + files.len() + 8))
}

#[test]
fn a_lowered_count_does_not_hide_files() {
    let (mut image, index_at) = two_files();
    assert_eq!(faults(&image).1, []);
    seal(&mut image, index_at, 1);
    assert_eq!(faults(&image).1, [FaultKind::Index]);
}

#[test]
fn cleared_flags_do_not_hide_what_cannot_be_proven() {
    for flags in [0, 1, 2, 7] {
        let (mut image, index_at) = two_files();
        image[index_at + 6] = flags;
        assert!(faults(&image).1.contains(&FaultKind::Index), "{flags}");
    }
}

#[test]
fn shared_bytes_are_not_summed_without_end() {
    // 3,000 entries over the same 64 KiB, each with the right record: an honest image has no such thing.
    let size = 64 * 1024;
    let count = 3_000;
    let index_at: usize = 16 * (1 + count + 8);
    let mut image = vec![0xFF; index_at + 32];
    let at = image.len();
    image.extend(vec![7; size]);
    image.extend(crc32(&vec![7; size]).to_le_bytes());
    image.extend((size as u32).to_le_bytes());
    put_entry(&mut image, 0, index_at, 32, "!");
    for slot in 0..count {
        put_entry(&mut image, slot + 1, at, size, &format!("f{slot:05}"));
    }
    seal(&mut image, index_at, count);
    let (tally, kinds) = faults(&image);
    assert_eq!(kinds, [FaultKind::TooDeep]);
    assert!(
        u64::from(tally.bytes) <= 16 * image.len() as u64,
        "{tally:?}"
    );
}
