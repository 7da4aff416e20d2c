//! MicroPython's ROMFS: literal bytes, random trees, broken images; and, where there is one, `mpremote` itself.

use std::path::Path;
use std::process::Command;

use flashpack::formats::file_tree::{FileEntry, FileNode};
use flashpack::formats::format_error::FormatError;
use flashpack::formats::romfs::{RomfsFile, RomfsNode, build, extract, read};

use crate::bin_sets::{Seeded, files_of};

/// Records as MicroPython's `extmod/vfs_rom.c` describes them.
#[test]
fn literal_bytes() {
    let tree = [
        FileEntry::folder("d", vec![FileEntry::file("x", *b"hi")]),
        FileEntry::file("a.txt", *b"hello"),
    ];
    let expected =
        b"\xD2\xCD\x31\x80\x1B\x05\x0D\x05a.txt\x02\x05hello\x04\x0A\x01d\x05\x06\x01x\x02\x02hi";
    assert_eq!(build(&tree, None).unwrap(), expected);
    assert_eq!(build(&[], None).unwrap(), b"\xD2\xCD\x31\x00");
    // An odd length gets a byte in front that has no value.
    assert_eq!(
        build(&[FileEntry::file("a", *b"")], None).unwrap(),
        b"\xD2\xCD\x31\x06\x05\x04\x01a\x02\x00"
    );
    assert_eq!(
        build(&[FileEntry::file("a", *b"b")], None).unwrap(),
        b"\xD2\xCD\x31\x80\x07\x05\x05\x01a\x02\x01b"
    );
}

fn same(tree: &[FileEntry], files: &[RomfsFile], image: &[u8]) {
    let mut sorted: Vec<&FileEntry> = tree.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(sorted.len(), files.len());
    for (entry, file) in sorted.into_iter().zip(files) {
        assert_eq!(entry.name.as_bytes(), file.raw_name);
        match (&entry.node, &file.node) {
            (FileNode::File(bytes), RomfsNode::File { offset, size }) => {
                assert_eq!(**bytes, image[*offset..offset + size]);
            }
            (FileNode::Folder(inner), RomfsNode::Folder(children)) => same(inner, children, image),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn random_trees_read_equal() {
    for seed in 0..2_000 {
        let tree = Seeded(seed).folder(20, 3);
        let mut image = build(&tree, None).unwrap();
        same(&tree, &read(&image).unwrap(), &image);
        image.resize(image.len() + 100, 0xFF);
        same(&tree, &read(&image).unwrap(), &image);
        for (path, bytes) in files_of(&tree) {
            assert_eq!(extract(&image, &path).unwrap(), bytes);
            assert_eq!(extract(&image, &format!("/{path}")).unwrap(), bytes);
        }
    }
}

#[test]
fn what_cannot_be_looked_up_is_refused() {
    for name in ["", "a/b", ".", "..", "a\n"] {
        assert!(
            build(&[FileEntry::file(name, *b"")], None).is_err(),
            "{name:?}"
        );
    }
    let twice = [FileEntry::file("a", *b""), FileEntry::folder("a", vec![])];
    assert!(
        build(&twice, None).unwrap_err()[0]
            .message
            .contains("twice")
    );
    let large = build(&[FileEntry::file("a", [0; 100])], Some(108)).unwrap_err();
    assert!(
        large[0].message.contains("108 bytes"),
        "{}",
        large[0].message
    );
    assert!(build(&[FileEntry::file("a", [0; 100])], Some(110)).is_ok());
    let mut deep = vec![];
    for _ in 0..100 {
        deep = vec![FileEntry::folder("d", deep)];
    }
    assert!(build(&deep, None).is_err());
}

#[test]
fn foreign_records_are_skipped_and_pointers_followed() {
    // Padding, a file whose data is elsewhere, an unknown record of kind 130.
    let image = b"\xD2\xCD\x31\x16\x01\x02\xAA\xBB\x02\x03xyz\x05\x06\x01p\x03\x02\x03\x06\x01\x00\x81\x02\x00";
    let found = read(image).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(extract(image, "p").unwrap(), b"xyz");
}

#[test]
fn broken_images_are_refused_with_a_place() {
    let good = build(
        &[FileEntry::folder("d", vec![FileEntry::file("x", *b"hi")])],
        None,
    )
    .unwrap();
    for len in 0..good.len() {
        assert!(read(&good[..len]).is_err(), "cut at {len}");
    }
    for image in [
        &b"\xD2\xCD\x31\x04\x05\x7F\x01a"[..],
        b"\xD2\xCD\x31\x02\x00\x00",
        b"\xD2\xCD\x31\x04\x05\x02\x01a",
        b"\xD2\xCD\x31\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
        b"\xD2\xCD\x31\x08\x05\x06\x01p\x03\x02\x7F\x00",
        b"\xD2\xCD\x31\x08\x05\x06\x01p\x03\x02\x01\x7F",
    ] {
        assert!(
            matches!(read(image), Err(FormatError::Damaged { .. })),
            "{image:02x?}: {:?}",
            read(image)
        );
    }
}

/// Set `FLASHPACK_MPREMOTE` to a Python interpreter that can import `mpremote` to compare whole images with its own.
#[test]
fn equals_mpremote() {
    let Ok(python) = std::env::var("FLASHPACK_MPREMOTE") else {
        println!("SKIPPED: FLASHPACK_MPREMOTE is not set to a Python interpreter with mpremote");
        return;
    };
    let program = "import sys; from mpremote.romfs import make_romfs; sys.stdout.flush(); image = make_romfs(sys.argv[1], mpy_cross=False); \
                   open(sys.argv[2], 'wb').write(image)";
    for seed in 0..20 {
        let mut tree = vec![
            FileEntry::file("plain.txt", *b"text"),
            FileEntry::folder("none", vec![]),
        ];
        let mut seeded = Seeded(seed);
        for number in 0..seeded.below(40) {
            let len = seeded.below(3_000);
            tree.push(FileEntry::file(format!("f{number}.bin"), seeded.bytes(len)));
        }
        let inner = (0..seeded.below(5))
            .map(|number| FileEntry::file(format!("n{number}"), seeded.bytes(seed as usize * 40)))
            .collect();
        tree.push(FileEntry::folder(
            "lib",
            vec![FileEntry::folder("deep", inner)],
        ));
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        put(&tree, &source);
        let target = folder.path().join("image");
        let output = Command::new(&python)
            .args(["-c", program])
            .arg(&source)
            .arg(&target)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(
            build(&tree, None).unwrap(),
            std::fs::read(target).unwrap(),
            "tree {seed}"
        );
    }
}

fn put(tree: &[FileEntry], folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for entry in tree {
        match &entry.node {
            FileNode::File(bytes) => std::fs::write(folder.join(&entry.name), bytes).unwrap(),
            FileNode::Folder(inner) => put(inner, &folder.join(&entry.name)),
        }
    }
}
