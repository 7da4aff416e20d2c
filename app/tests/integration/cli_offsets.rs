//! `flashpack write PROJECT` keeps offsets: of the image written last, of the board, of a file, or of nobody; and what
//! `pack` and `inspect` tell of every file.

use crate::cli_run::{Bench, PracticeProcess};

/// A project of 60 files of 3,000 bytes.
fn project(bench: &Bench) {
    std::fs::create_dir(bench.path("files")).unwrap();
    let mut text = String::from(
        "flashpack = 1\nchip = \"esp32c3\"\nflash-size = \"4MB\"\ntable = \"t.csv\"\ntable-offset = \"0x8000\"\n\n[contents.bin]\n",
    );
    for number in 0..60 {
        let path = format!("files/f{number:02}");
        bench.write(&path, vec![number; 3_000]);
        let entry = format!("[[contents.bin.files]]\nname = \"f{number:02}\"\npath = \"{path}\"\n");
        text += &entry;
    }
    bench.write("t.csv", "bin, data, undefined, 0x100000, 1M\n");
    bench.write("p.flashpack", text);
}

/// Bytes that a write had to send.
fn written(bench: &Bench, more: &[&str]) -> u64 {
    let arguments = ["write", "p.flashpack", "--port", "board", "--yes"];
    let answer = bench.json(&[&arguments, more].concat());
    assert_eq!(answer["verified"], true);
    answer["written"].as_u64().unwrap()
}

#[test]
fn an_edit_changes_few_sectors_from_the_command_line_too() {
    let bench = Bench::new();
    project(&bench);
    let board = PracticeProcess::start(&bench, &["--link", "board"]);
    assert!(written(&bench, &[]) >= 60 * 3_000);
    let sector = 4096;
    bench.write("files/f03", vec![3; 3_020]);
    assert!(written(&bench, &[]) <= 5 * sector, "the image written last");
    bench.write("files/f04", vec![4; 3_020]);
    let from_board = written(&bench, &["--keep-offsets", "board"]);
    assert!(from_board <= 5 * sector, "{from_board}: the board's");
    bench.good(&["read", "bin", "old.bin", "--port", "board"]);
    bench.write("files/f05", vec![5; 3_020]);
    let from_file = written(&bench, &["--keep-offsets", "bin=old.bin"]);
    assert!(from_file <= 5 * sector, "{from_file}: a file's");
    assert_eq!(written(&bench, &[]), 0, "nothing has changed");
    bench.write("files/f00", vec![0; 3_200]);
    let anew = written(&bench, &["--keep-offsets", "none"]);
    assert!(anew > 20 * sector, "{anew}: nobody's");
    board.end("TERM");
}

#[test]
fn whose_offsets_is_understood_or_refused() {
    let bench = Bench::new();
    project(&bench);
    let with = |value| ["write", "p.flashpack", "--dry-run", "--keep-offsets", value];
    bench.bad(2, &with("lost"), &["last, board, none or PARTITION=FILE"]);
    bench.bad(2, &with("board"), &["Without a board"]);
    bench.bad(1, &with("bin=none.bin"), &["none.bin"]);
    bench.good(&with("last"));
}

#[test]
fn each_file_has_its_place_its_sum_its_waste_and_its_cost() {
    let bench = Bench::new();
    bench.write("a", b"hello");
    bench.write("b", vec![7; 9_000]);
    for format in ["bin", "romfs", "flash-file"] {
        bench.write("a", b"hello");
        bench.good(&["pack", "old.bin", "a", "b", "--format", format]);
        bench.write("a", b"hellO");
        let arguments = [
            "pack",
            "new.bin",
            "a",
            "b",
            "--format",
            format,
            "--previous",
            "old.bin",
        ];
        let answer = bench.json(&arguments);
        assert_eq!(answer["sectors_changed"], 1, "{format}");
        let [a, b] = [0, 1].map(|number| &answer["entries"][number]);
        assert_eq!(
            (&a["name"], &a["change"]),
            (&"a".into(), &"changed".into()),
            "{format}"
        );
        assert_eq!(a["crc32"], crc32fast::hash(b"hellO"), "{format}");
        assert_eq!(a["sectors_changed"], 1, "{format}");
        assert_eq!(b["change"], "same", "{format}");
        assert!(b["wasted"].is_u64() && a["wasted"].is_u64(), "{format}");

        let seen = bench.json(&["inspect", "new.bin", "--previous", "old.bin"]);
        assert_eq!(seen["sectors_changed"], 1, "{format}");
        for (number, entry) in [a, b].into_iter().enumerate() {
            let same = &seen["entries"][number];
            for field in ["name", "offset", "size", "crc32"] {
                assert_eq!(same[field], entry[field], "{format} {field}");
            }
        }
        assert_eq!(seen["entries"][0]["wasted"], a["wasted"], "{format}");
        let text = bench.good(&["inspect", "new.bin", "--previous", "old.bin"]);
        for part in [
            "crc-32",
            "wasted",
            "sectors",
            "1 sector differs from old.bin",
        ] {
            assert!(text.contains(part), "{format}: no {part} in {text}");
        }
    }
}

#[test]
fn a_cut_name_is_told_as_it_is_found() {
    let bench = Bench::new();
    bench.write("ninechars", b"Z");
    for more in [&["--cut-names"][..], &["--cut-names", "--compat"]] {
        let answer = bench.json(&[&["pack", "i.bin", "ninechars"], more].concat());
        assert_eq!(answer["entries"][0]["name"], "ninechar", "{more:?}");
        bench.good(&["find", "i.bin", "ninechar"]);
    }
}

#[test]
fn what_reaches_outside_is_said_once() {
    let bench = Bench::new();
    bench.write("far", b"far");
    bench.write("good", b"hello");
    bench.good(&["pack", "i.bin", "far", "good"]);
    let mut image = bench.read("i.bin");
    let at = image
        .windows(8)
        .position(|name| name == b"far\0\0\0\0\0")
        .unwrap();
    image[at - 4..at].copy_from_slice(&5_000_000_u32.to_le_bytes());
    bench.write("i.bin", image);
    let run = bench.run(&["unpack", "i.bin", "--into", "out"]);
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(
        run.stderr.matches("reaches outside").count(),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(bench.read("out/good"), b"hello");
}
