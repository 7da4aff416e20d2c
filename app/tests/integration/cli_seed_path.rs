//! The whole path through the command line alone: a practice board as one process, every step another one.

use serde_json::{Value, json};

use crate::cli_run::{Bench, PracticeProcess, json_lines};

/// The seed's table on the board, and the sample's files in its partition `bin`.
pub fn written(bench: &Bench, port: &str) {
    bench.good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    bench.good(&["write", "0x8000=par.bin", "--port", port, "--yes"]);
    bench.good(&["pack", "pack.bin", "files/.", "--size", "1M"]);
    bench.good(&["write", "bin=pack.bin", "--port", port, "--yes"]);
}

#[test]
fn the_seeds_table_and_files_all_the_way() {
    let bench = Bench::with_sample();
    let board = PracticeProcess::start(
        &bench,
        &[
            "--link",
            "board",
            "--flash",
            "flash.bin",
            "--report",
            "report.json",
        ],
    );
    assert_eq!(board.port, "board");
    written(&bench, "board");
    let pack = bench.read("pack.bin");

    bench.good(&["read", "bin", "back.bin", "--port", "board"]);
    let back = bench.read("back.bin");
    assert_eq!((back.len(), &back[..pack.len()]), (1 << 20, &pack[..]));
    assert!(back[pack.len()..].iter().all(|byte| *byte == 0xFF));

    for name in [
        "readme",
        "logo.png",
        "tone.wav",
        "deep/f001",
        "deep/f002",
        "deep/f003",
    ] {
        let expected = bench.read(&format!("files/{name}"));
        let here = bench.json(&["find", "pack.bin", name]);
        let there = bench.json(&["agent", "find", name, "--port", "board"]);
        for same in ["name", "offset", "size", "crc32"] {
            assert_eq!(there[same], here[same], "{name} {same}");
        }
        assert_eq!(there["partition"], "bin");
        let offset = there["offset"].as_u64().unwrap();
        assert_eq!(there["flash_offset"], 0x30_0000 + offset);
        assert_eq!(there["vaddr"].as_u64().unwrap() & 0xFFFF, offset & 0xFFFF);
        bench.good(&["agent", "read", name, "one", "--port", "board"]);
        assert_eq!(bench.read("one"), expected, "{name}");
        assert_eq!(
            back[offset as usize..][..expected.len()],
            expected,
            "{name}"
        );
    }

    board.end("TERM");
    let flash = bench.read("flash.bin");
    assert_eq!(
        (flash.len(), &flash[0x30_0000..][..pack.len()]),
        (4 << 20, &pack[..])
    );
    let report: Value = serde_json::from_slice(&bench.read("report.json")).unwrap();
    assert_eq!(report["flash"]["program_violations"], 0);
    assert!(
        report["wire"]["to_board"].as_u64().unwrap() > pack.len() as u64 / 4,
        "{report}"
    );
    assert!(
        !bench.path("board").is_symlink(),
        "the link is gone with the board"
    );
}

#[test]
fn a_second_write_sends_nothing_and_a_board_is_verified() {
    let bench = Bench::with_sample();
    let board = PracticeProcess::start(&bench, &[]);
    written(&bench, &board.port);
    let answer = bench.json(&["write", "bin=pack.bin", "--port", &board.port, "--yes"]);
    assert_eq!(
        (&answer["written"], &answer["verified"]),
        (&json!(0), &json!(true))
    );
    bench.good(&[
        "verify",
        "bin=pack.bin",
        "0x8000=par.bin",
        "--port",
        &board.port,
    ]);
    let mut other = bench.read("pack.bin");
    let last = other.len() - 1;
    other[last] ^= 1;
    bench.write("other.bin", other);
    bench.bad(
        1,
        &["verify", "bin=other.bin", "--port", &board.port],
        &["The board differs"],
    );
    board.end("INT");
}

#[test]
fn a_project_is_planned_written_and_verified() {
    let bench = Bench::with_sample();
    let board = PracticeProcess::start(&bench, &[]);
    let plan = bench.json(&["write", "sample.flashpack", "--dry-run"]);
    let targets: Vec<&Value> = plan["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|write| &write["target"])
        .collect();
    assert_eq!(targets, ["bin", "partition table"], "the table goes last");
    assert_eq!(plan["writes"][0]["offset"], 0x30_0000);
    let run = bench.run(&[
        "write",
        "sample.flashpack",
        "--port",
        &board.port,
        "--yes",
        "--json",
    ]);
    assert!(run.status.success(), "{}", run.stderr);
    let stages: Vec<Value> = json_lines(&run.stdout)
        .iter()
        .filter(|line| line["kind"] == "stage")
        .map(|line| line["stage"].clone())
        .collect();
    assert!(
        stages.contains(&json!("writing")) && stages.contains(&json!("verifying")),
        "{stages:?}"
    );
    bench.good(&["verify", "sample.flashpack", "--port", &board.port]);
    let answer = bench.json(&["agent", "ls", "--port", &board.port]);
    let names: Vec<&Value> = answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["name"])
        .collect();
    assert_eq!(names, ["deep", "logo.png", "readme", "tone.wav"]);
}

#[test]
fn what_a_new_table_strands_is_said_before_it_is_written() {
    let bench = Bench::with_sample();
    let board = PracticeProcess::start(&bench, &[]);
    written(&bench, &board.port);
    bench.write(
        "new.csv",
        "nvs,data,nvs,0x9000,0x6000\nfactory,app,factory,0x10000,0x1f0000\nbin,data,6,0x200000,1M\n",
    );
    bench.good(&["table", "convert", "new.csv", "new.bin"]);
    let run = bench.run(&["write", "0x8000=new.bin", "--port", &board.port]);
    assert_eq!(run.status.code(), Some(1), "not without a yes");
    for lost in [
        "vfs, 1 MiB at 0x200000, is stranded",
        "bin, 1 MiB at 0x300000, is stranded",
    ] {
        assert!(run.stderr.contains(lost), "{}", run.stderr);
    }
    let forced = [
        "write",
        "0x8000=new.bin",
        "--port",
        &board.port,
        "--yes",
        "--force",
        "leave-data",
    ];
    bench.good(&forced);
}

#[test]
fn the_agent_answers_every_question() {
    let bench = Bench::with_sample();
    let board = PracticeProcess::start(&bench, &[]);
    let port = ["--port", board.port.as_str()];
    written(&bench, &board.port);
    let ask = |arguments: &[&str]| bench.json(&[&["agent"], arguments, &port].concat());
    let info = ask(&["info"]);
    assert_eq!(
        (&info["flash_size"], &info["page_size"]),
        (&json!(4 << 20), &json!(0x1_0000))
    );
    assert_eq!(ask(&["map"])["entries"].as_array().unwrap().len(), 128);
    let names = ask(&["ls", "deep"]);
    assert_eq!(names["entries"].as_array().unwrap().len(), 3, "{names}");
    assert_eq!(ask(&["verify"])["faults"], json!([]));
    assert_eq!(ask(&["peek", "0x8000:2"])["bytes"], json!([0xAA, 0x50]));
    ask(&["read", "0x8000:3K", "table.bin"]);
    assert_eq!(bench.read("table.bin"), bench.read("par.bin"));
    let bad = |arguments: &[&str], parts: &[&str]| {
        bench.bad(1, &[&["agent"], arguments, &port].concat(), parts);
    };
    bad(&["find", "nothere"], &["“nothere”", "bin"]);
    bad(&["read", "nothere", "out"], &["“nothere”"]);
    bad(
        &["find", "readme", "--partition", "none"],
        &["no partition of this label"],
    );
    bad(
        &["read", "readme", "none/out"],
        &["There is no folder none"],
    );
    bad(
        &["read", "0x3ff000:8K", "out"],
        &["past the end of the flash"],
    );
    // A file that was damaged on the board is named.
    let tone = bench.json(&["find", "pack.bin", "tone.wav"])["offset"]
        .as_u64()
        .unwrap();
    bench.write("wrong", "wrong");
    let target = format!("{:#x}=wrong", 0x30_0000 + tone + 64);
    let damage = [
        "write",
        &target,
        "--port",
        &board.port,
        "--yes",
        "--force",
        "misaligned",
    ];
    bench.good(&damage);
    bad(&["verify"], &["bin", "on the board"]);
}

#[test]
fn info_reset_and_erase() {
    let bench = Bench::with_sample();
    let arguments = [
        "--mac",
        "60:55:f9:00:00:2a",
        "--size",
        "8MB",
        "--flash",
        "flash.bin",
    ];
    let board = PracticeProcess::start(&bench, &arguments);
    let info = bench.json(&["info", "--port", &board.port]);
    assert_eq!(
        (&info["chip"], &info["flash_size"]),
        (&json!("esp32c3"), &json!(8 << 20))
    );
    assert_eq!(info["mac"], "60:55:f9:00:00:2a");
    written(&bench, &board.port);
    bench.good(&["erase", "bin", "--port", &board.port, "--yes"]);
    bench.good(&["read", "0x300000:64K", "back.bin", "--port", &board.port]);
    assert_eq!(bench.read("back.bin"), vec![0xFF; 0x1_0000]);
    bench.good(&["read", "0x8000:3K", "table.bin", "--port", &board.port]);
    assert_eq!(
        bench.read("table.bin"),
        bench.read("par.bin"),
        "the rest is untouched"
    );
    bench.good(&["erase", "all", "--port", &board.port, "--yes"]);
    bench.good(&["reset", "--port", &board.port]);
    board.end("TERM");
    assert!(bench.read("flash.bin") == vec![0xFF; 8 << 20]);
}

#[test]
fn all_of_a_flash_is_read() {
    let bench = Bench::new();
    let noise: Vec<u8> = (0..2u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    bench.write("flash.bin", &noise);
    let board = PracticeProcess::start(&bench, &["--size", "2MB", "--flash", "flash.bin"]);
    bench.good(&["read", "all", "all.bin", "--port", &board.port]);
    assert!(bench.read("all.bin") == noise);
}
