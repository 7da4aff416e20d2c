//! Boards and plans that cannot be: a port that is absent, silent, held or gone, and what does not fit. Each is one
//! sentence with its place and what to do, and leaves nothing half-written.

use crate::cli_run::{Bench, PracticeProcess};

/// A table, a pack, and files of sizes that matter.
fn prepared() -> Bench {
    let bench = Bench::with_sample();
    bench.good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    bench.good(&["pack", "pack.bin", "files/."]);
    bench.write("2MB", vec![7; 2 << 20]);
    bench.write("none", "");
    bench
}

/// Bytes that no compression makes fewer (xorshift64, Marsaglia 2003).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn an_absent_port_is_named() {
    let bench = prepared();
    for arguments in [
        &["info"][..],
        &["reset"],
        &["read", "0:4K", "out"],
        &["read", "bin", "out"],
        &["erase", "all", "--yes"],
        &["write", "bin=pack.bin", "--yes"],
        &["verify", "bin=pack.bin"],
        &["agent", "info"],
        &["agent", "find", "readme"],
    ] {
        bench.bad(
            1,
            &[arguments, &["--port", "/dev/no-such-port"]].concat(),
            &["/dev/no-such-port"],
        );
    }
    bench.bad(1, &["info", "--port", "pack.bin"], &["pack.bin"]);
}

#[test]
fn a_silent_port_is_named() {
    let bench = prepared();
    let board = PracticeProcess::start(&bench, &["--link", "board", "--fault", "cut:to-board@0"]);
    bench.bad(1, &["info", "--port", "board"], &["board"]);
    board.end("TERM");
}

#[test]
fn a_port_that_goes_in_mid_write_is_named_and_the_next_write_finishes() {
    let bench = prepared();
    bench.write("big", noise(200_000));
    let arguments = [
        "--link",
        "board",
        "--flash",
        "flash.bin",
        "--fault",
        "unplug:to-board@60000=never",
    ];
    let board = PracticeProcess::start(&bench, &arguments);
    let run = bench.run(&["write", "0x10000=big", "--port", "board", "--yes"]);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("board") && !run.stderr.contains("panicked"),
        "{}",
        run.stderr
    );
    board.end("TERM");
    assert_ne!(
        bench.read("flash.bin")[0x1_0000..][..200_000],
        bench.read("big")
    );

    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let answer = bench.json(&["write", "0x10000=big", "--port", &board.port, "--yes"]);
    assert_eq!(answer["verified"], true);
    assert!(answer["unchanged"].as_u64().unwrap() > 0, "{answer}");
    board.end("TERM");
    assert_eq!(
        bench.read("flash.bin")[0x1_0000..][..200_000],
        bench.read("big")
    );
}

#[test]
fn a_wrong_chip_is_refused() {
    let bench = prepared();
    let arguments = [
        "write",
        "0x10000=pack.bin",
        "--port",
        "practice",
        "--chip",
        "esp32s3",
        "--yes",
    ];
    bench.bad(1, &arguments, &["ESP32-C3", "ESP32-S3"]);
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let bench = prepared();
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let bad = |arguments: &[&str], parts: &[&str]| {
        bench.bad(
            1,
            &[arguments, &["--port", &board.port, "--yes"]].concat(),
            parts,
        );
    };
    bad(
        &["write", "bin=pack.bin"],
        &["no partition table", "0x8000"],
    );
    bad(&["read", "bin", "out"], &["no partition table", "0x8000"]);
    bad(
        &["write", "0x8000=par.bin", "phy_init=pack.bin"],
        &["pack.bin", "phy_init", "4 KiB"],
    );
    bad(
        &["write", "0x8000=par.bin", "bin=2MB"],
        &["2MB", "bin", "1 MiB"],
    );
    bad(&["write", "0x8000=par.bin", "nosuch=pack.bin"], &["nosuch"]);
    bad(&["write", "0x3ff000=pack.bin"], &["0x3FF000", "0x400000"]);
    bad(
        &["write", "0x10000=pack.bin", "0x11000=par.bin"],
        &["0x10000", "0x11000", "overlap"],
    );
    bad(&["write", "0x8000=pack.bin"], &["pack.bin", "0x8000"]);
    bad(
        &["write", "0x8000=par_1M_1M.csv"],
        &["par_1M_1M.csv", "0x8000"],
    );
    bad(&["write", "0x10000=none"], &["none is empty"]);
    bad(&["write", "0x10000=nothere"], &["There is no file nothere"]);
    bad(
        &["write", "nothere.flashpack"],
        &["There is no file nothere.flashpack"],
    );
    bad(
        &["write", "par_1M_1M.csv"],
        &["par_1M_1M.csv", "not a Flashpack project"],
    );
    bad(&["read", "0:8M", "out"], &["0x800000", "0x400000"]);
    bad(&["read", "0:4K", "none/out"], &["none"]);
    bad(&["erase", "0x10001:4K"], &["0x10001", "4 KiB"]);
    bad(&["erase", "nosuch"], &["no partition table"]);
    bench.write(
        "large.csv",
        "nvs,data,nvs,0x9000,0x6000\nfactory,app,factory,0x10000,1M\nbin,data,undefined,,7M\n",
    );
    bench.good(&["table", "convert", "large.csv", "large.bin"]);
    bad(
        &["write", "0x8000=large.bin"],
        &["bin", "0x810000", "4 MiB"],
    );
    let project = String::from_utf8(bench.read("sample.flashpack")).unwrap();
    bench.write("s3.flashpack", project.replace("esp32c3", "esp32s3"));
    bad(&["write", "s3.flashpack"], &["ESP32-S3", "ESP32-C3"]);
    board.end("TERM");
    assert!(
        bench.read("flash.bin").iter().all(|byte| *byte == 0xFF),
        "something was written"
    );
}

#[test]
fn a_project_with_errors_is_not_written() {
    let bench = prepared();
    std::fs::remove_file(bench.path("files/tone.wav")).unwrap();
    let write = ["write", "sample.flashpack", "--dry-run"];
    bench.bad(1, &write, &["tone.wav"]);
    bench.write("files/tone.wav", vec![1; 2 << 20]);
    bench.bad(1, &write, &["bin", "1 MiB"]);
    bench.write("files/tone.wav", "short");
    bench.good(&write);
    std::fs::remove_file(bench.path("partitions.csv")).unwrap();
    bench.bad(1, &write, &["partitions.csv"]);
    bench.write(
        "partitions.csv",
        "nvs,data,nvs,0x9000,0x6000\nbin,data,undefined,0xa000,1M\n",
    );
    bench.bad(1, &write, &["bin"]);
}

#[test]
fn a_practice_board_refuses_files_that_are_none() {
    let bench = prepared();
    bench.bad(1, &["practice", "--flash", "pack.bin"], &["pack.bin"]);
    bench.bad(
        1,
        &["practice", "--flash", "none/flash.bin"],
        &["none/flash.bin"],
    );
    bench.bad(1, &["practice", "--link", "none/board"], &["none/board"]);
    bench.bad(1, &["practice", "--link", "pack.bin"], &["pack.bin"]);
}
