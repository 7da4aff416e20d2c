//! Backups through the command line: what is taken, what comes back, and which board is warned of.

use serde_json::Value;

use crate::cli_run::{Bench, PracticeProcess};
use crate::neighbour_bytes::noise;

const OTHER_MAC: &str = "60:55:f9:00:00:99";

/// A folder with the sample and noise, and a board that holds both.
fn prepared() -> (Bench, PracticeProcess) {
    let bench = Bench::with_sample();
    bench.good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    bench.write("vfs.img", noise(0x5_4321, 4));
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin", "--link", "board"]);
    bench.good(&["write", "sample.flashpack", "--port", "board", "--yes"]);
    bench.good(&["write", "vfs=vfs.img", "--port", "board", "--yes"]);
    (bench, board)
}

#[test]
fn all_of_a_board_comes_back_byte_for_byte() {
    let (bench, board) = prepared();
    let before = bench.read("flash.bin");
    let answer = bench.json(&["backup", "all.bin", "--port", "board"]);
    assert_eq!(answer["bytes"], 0x40_0000);
    assert_eq!(answer["mac"], "60:55:f9:f0:0d:01");
    assert!(bench.read("all.bin") == before, "the image is the flash");
    let manifest: Value = serde_json::from_slice(&bench.read("all.bin.json")).unwrap();
    assert_eq!(manifest["chip"], "esp32c3");
    assert_eq!(manifest["flash_size"], 0x40_0000);
    let vfs = manifest["regions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|region| region["name"] == "vfs");
    assert_eq!(vfs.unwrap()["offset"], 0x20_0000);
    assert_eq!(manifest["table"][0]["name"], "nvs");

    let erase = bench.run(&["erase", "all", "--port", "board", "--yes"]);
    assert!(erase.status.success(), "{}", erase.stderr);
    assert!(bench.read("flash.bin").iter().all(|byte| *byte == 0xFF));
    let answer = bench.json(&["restore", "all.bin", "--port", "board", "--yes"]);
    assert_eq!(answer["verified"], true);
    assert!(bench.read("flash.bin") == before, "all is back");
    let again = bench.json(&["restore", "all.bin.json", "--port", "board", "--yes"]);
    assert_eq!(again["written"], 0, "only what differs is written");
    board.end("TERM");
}

#[test]
fn one_partition_is_backed_up_and_restored_alone() {
    let (bench, board) = prepared();
    let before = bench.read("flash.bin");
    bench.good(&[
        "backup",
        "two.bin",
        "--partition",
        "vfs",
        "--partition",
        "nvs",
        "--port",
        "board",
    ]);
    let file = bench.read("two.bin");
    assert_eq!(file.len(), 0x10_0000 + 0x6000);
    assert!(file[..0x10_0000] == before[0x20_0000..0x30_0000]);
    bench.write("other", noise(0x2000, 9));
    bench.good(&[
        "write",
        "vfs=other",
        "nvs=other",
        "--port",
        "board",
        "--yes",
    ]);
    let answer = bench.json(&[
        "restore",
        "two.bin",
        "--partition",
        "vfs",
        "--port",
        "board",
        "--yes",
    ]);
    assert_eq!(answer["written"], 0x2000);
    let flash = bench.read("flash.bin");
    assert!(flash[0x20_0000..] == before[0x20_0000..]);
    assert!(
        flash[0x9000..0xB000] == bench.read("other")[..],
        "nvs is left alone"
    );
    bench.bad(
        1,
        &[
            "restore",
            "two.bin",
            "--partition",
            "bin",
            "--port",
            "board",
            "--yes",
        ],
        &["no “bin”"],
    );
    bench.bad(
        1,
        &[
            "backup",
            "x.bin",
            "--partition",
            "nosuch",
            "--port",
            "board",
        ],
        &["nosuch"],
    );
    board.end("TERM");
}

#[test]
fn another_board_is_warned_of_and_needs_a_yes() {
    let (bench, board) = prepared();
    bench.good(&["backup", "vfs.bin", "--partition", "vfs", "--port", "board"]);
    board.end("TERM");
    let other = PracticeProcess::start(
        &bench,
        &[
            "--mac",
            OTHER_MAC,
            "--size",
            "8MB",
            "--flash",
            "other.bin",
            "--link",
            "other",
        ],
    );
    let restore = ["restore", "vfs.bin", "--port", "other"];
    let run = bench.run(&restore);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("Not done without a yes"),
        "{}",
        run.stderr
    );
    assert!(
        bench.read("other.bin").iter().all(|byte| *byte == 0xFF),
        "nothing was written"
    );
    let run = bench.run(&[&restore[..], &["--yes"]].concat());
    assert!(run.status.success(), "{}", run.stderr);
    assert!(
        run.stderr.contains("of another board") && run.stderr.contains(OTHER_MAC),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("4 MiB of flash, and this one has 8 MiB"),
        "{}",
        run.stderr
    );
    assert_eq!(
        bench.read("other.bin")[0x20_0000..0x25_4321],
        bench.read("vfs.img")
    );
    other.end("TERM");

    let chip = PracticeProcess::start(&bench, &["--fault", "chip:esp32s3"]);
    let run = bench.run(&["restore", "vfs.bin", "--port", &chip.port, "--yes"]);
    assert!(run.stderr.contains("ESP32-S3"), "{}", run.stderr);
    chip.end("TERM");
}

#[test]
fn a_backup_that_is_not_whole_is_refused_before_the_board_is_touched() {
    let (bench, board) = prepared();
    bench.good(&["backup", "vfs.bin", "--partition", "vfs", "--port", "board"]);
    let restore = ["restore", "vfs.bin", "--port", "board", "--yes"];
    let mut image = bench.read("vfs.bin");
    image[7] ^= 1;
    bench.write("vfs.bin", image);
    bench.bad(1, &restore, &["vfs.bin", "vfs at 0x200000"]);
    std::fs::remove_file(bench.path("vfs.bin.json")).unwrap();
    bench.bad(1, &restore, &["vfs.bin", "manifest"]);
    bench.bad(
        1,
        &["restore", "par.bin", "--port", "board", "--yes"],
        &["par.bin", "manifest"],
    );
    bench.bad(
        1,
        &["restore", "none", "--port", "board", "--yes"],
        &["There is no file none"],
    );
    bench.bad(1, &["backup", "none/x.bin", "--port", "board"], &["none"]);
    board.end("TERM");
    let small = PracticeProcess::start(&bench, &["--size", "2MB"]);
    let (bench, board) = prepared();
    bench.good(&["backup", "vfs.bin", "--partition", "vfs", "--port", "board"]);
    let restore = ["restore", "vfs.bin", "--port", &small.port, "--yes"];
    bench.bad(1, &restore, &["vfs", "0x300000", "0x200000"]);
    board.end("TERM");
    small.end("TERM");
}

#[test]
fn an_erase_says_what_it_destroys_and_offers_a_backup() {
    let (bench, board) = prepared();
    let run = bench.run(&["erase", "vfs", "--port", "board"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stderr.contains("vfs"), "{}", run.stderr);
    let answer = bench.json(&["erase", "0x2F0000:0x20000", "--port", "board", "--yes"]);
    assert_eq!(
        answer["destroyed"],
        serde_json::json!([
            "a part of vfs: 64 KiB at 0x2F0000",
            "a part of bin: 64 KiB at 0x300000"
        ])
    );
    let flash = bench.read("flash.bin");
    assert!(flash[0x2F_0000..0x31_0000].iter().all(|byte| *byte == 0xFF));
    assert_eq!(flash[0x20_0000..0x25_4321], bench.read("vfs.img"));
    board.end("TERM");
}
