//! The Electron's container: literal bytes, limits, and what its own tool gets wrong.

use flashpack::formats::file_tree::FileEntry;
use flashpack::formats::flash_file::{
    BuiltFlashFile, FILE_INFO, FlashFileInput, FlashFileOptions, HEADER, build, extract, inputs_of,
    read, verify,
};
use flashpack::formats::unpack;
use flashpack::model::problem::any_error;

const DATE: u32 = 0x6B00_1267;

fn input(name: &str, bytes: &[u8]) -> FlashFileInput {
    FlashFileInput {
        name: name.to_owned(),
        bytes: bytes.into(),
        modified: 7,
    }
}

fn options() -> FlashFileOptions {
    FlashFileOptions {
        made: DATE,
        ..FlashFileOptions::default()
    }
}

fn five() -> BuiltFlashFile {
    let long = "a".repeat(31);
    let files = [
        input("LICENSE", b"L"),
        input("a.txt", b"hello"),
        input(&long, b"x"),
        input("empty", b""),
        input("k.json", b"{\"a\":1}"),
    ];
    build(&files, &options()).unwrap()
}

/// Made with rickkas7/electron-flash-data, `imagetool.js`, commit 4bd816f: no files, made at 0x6B001268.
#[test]
fn an_empty_image_equals_the_tools() {
    let image = build(
        &[],
        &FlashFileOptions {
            made: 0x6B00_1268,
            ..options()
        },
    )
    .unwrap()
    .bytes;
    let mut expected = vec![
        0x63, 0x77, 0x91, 0xE0, 1, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 0xE0, 0x6F, 0x5B, 0x0A, 0x68,
        0x12, 0x00, 0x6B,
    ];
    expected.resize(48, 0);
    assert_eq!(image, expected);
    assert_eq!(verify(&image), []);
}

#[test]
fn layout_of_five_files() {
    let built = five();
    assert_eq!((built.bytes.len(), built.files[0].offset), (0x1CE, 0x1C0));
    assert_eq!(built.bytes[HEADER..HEADER + 8], *b"LICENSE\0");
    assert_eq!(
        built.bytes[HEADER + 32..HEADER + 48],
        [0x67, 0x12, 0, 0x6B, 1, 0, 0, 0, 0xC0, 1, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(built.bytes[HEADER + 48..HEADER + 59], *b"text/plain\0");
    let types: Vec<&str> = built
        .files
        .iter()
        .map(|file| file.content_type.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "text/plain",
            "text/plain",
            "application/octet-stream",
            "application/octet-stream",
            "application/json"
        ]
    );
    assert_eq!(built.bytes[0x1C0..], *b"Lhellox{\"a\":1}");
    assert_eq!(read(&built.bytes).unwrap().files, built.files);
    assert_eq!(extract(&built.bytes, "k.json").unwrap(), b"{\"a\":1}");
    assert_eq!(extract(&built.bytes, "empty").unwrap(), b"");
    assert!(extract(&built.bytes, "K.JSON").is_err());
}

#[test]
fn one_date_makes_images_equal_and_own_dates_are_kept() {
    let files = [input("a", b"1")];
    assert_eq!(build(&files, &options()).unwrap().files[0].modified, DATE);
    let own = FlashFileOptions {
        one_date: false,
        ..options()
    };
    assert_eq!(build(&files, &own).unwrap().files[0].modified, 7);
    let other = [FlashFileInput {
        modified: 8,
        ..files[0].clone()
    }];
    assert_eq!(
        build(&files, &options()).unwrap().bytes,
        build(&other, &options()).unwrap().bytes
    );
}

#[test]
fn bad_names_and_too_many_bytes_are_refused_at_once() {
    let long = "ü".repeat(16);
    let files = [
        input("", b""),
        input(&long, b""),
        input("a", b""),
        input("a", b""),
        input("a\tb", &vec![0; 131_072]),
    ];
    let problems = build(&files, &options()).unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert!(
        problems
            .iter()
            .any(|problem| problem.message.contains("32 bytes long"))
    );
    let room = 131_072 - HEADER - FILE_INFO;
    assert!(build(&[input("a", &vec![0; room])], &options()).is_ok());
    assert!(build(&[input("a", &vec![0; room + 1])], &options()).is_err());
}

#[test]
fn a_long_content_type_is_replaced_and_told() {
    let built = build(&[input("report.docx", b"")], &options()).unwrap();
    assert_eq!(built.files[0].content_type, "application/octet-stream");
    assert_eq!(built.notes.len(), 1);
}

#[test]
fn folders_become_slashes() {
    let tree = [FileEntry::folder(
        "web",
        vec![FileEntry::file("index.html", *b"<p>")],
    )];
    let image = build(&inputs_of(&tree, 0), &options()).unwrap().bytes;
    assert_eq!(extract(&image, "web/index.html").unwrap(), b"<p>");
    assert_eq!(
        unpack::unpack(&image).unwrap().files[0].path,
        "web/index.html"
    );
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let image = five().bytes;
    let mut flipped = image.clone();
    for at in 0..image.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            assert!(any_error(&verify(&flipped)), "byte {at} bit {bit}");
            flipped[at] ^= 1 << bit;
        }
    }
    for len in 0..image.len() {
        assert!(any_error(&verify(&image[..len])), "cut at {len}");
    }
    let padded = [image, vec![0xFF; 1000]].concat();
    assert_eq!(verify(&padded), []);
}
