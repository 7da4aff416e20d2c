//! One plan on several boards: each has its own job and outcome, and a failure of one never touches another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::channel;

use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::request::{LinkOptions, PortChoice};
use flashpack::engine::several::Several;
use flashpack::engine::surroundings::Surroundings;
use flashpack::model::cause::Cause;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};

use crate::cli_run::{Bench, PracticeProcess, json_lines};

fn plan(bytes: Vec<u8>) -> Arc<FlashPlan> {
    Arc::new(FlashPlan::new(vec![PlannedWrite {
        role: Role::Data,
        target: "bin".into(),
        source: "a test".into(),
        offset: 0x1_0000,
        bytes: bytes.into(),
        destroys: Vec::new(),
    }]))
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 9u32;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}

#[test]
fn eight_boards_at_once_and_one_of_them_fails() {
    const BAD: usize = 3;
    let boards: Vec<Board> = (0..8u8)
        .map(|number| {
            let mut faults = Faults::default();
            if usize::from(number) == BAD {
                faults.add_word("unplug:to-board@50000=never").unwrap();
            }
            Board::start(Options {
                mac: [0x60, 0x55, 0xF9, 0, 0, number],
                faults,
                ..Options::default()
            })
            .unwrap()
        })
        .collect();
    let ports = boards
        .iter()
        .map(|board| PortChoice::Path(board.port().to_path_buf()))
        .collect();
    let bytes = noise(150_000);
    let (sender, woken) = channel();
    let wake = Arc::new(move || {
        sender.send(()).ok();
    });
    let mut several = Several::start(
        ports,
        plan(bytes.clone()),
        LinkOptions::default(),
        Surroundings::in_memory(),
        wake,
    );
    while several.is_running() {
        woken.recv().unwrap();
        several.poll();
    }
    let summary = &several.summary;
    assert_eq!((summary.good, summary.failed), (7, 1), "{summary:#?}");
    let macs: std::collections::BTreeSet<_> = summary
        .boards
        .iter()
        .filter_map(|board| board.mac.as_ref())
        .collect();
    assert_eq!(macs.len(), 8, "each board said who it is");
    let failed = summary.boards.iter().find(|board| !board.ok).unwrap();
    assert_eq!(failed.cause, Some(Cause::PortGone));
    assert_eq!(failed.port, several.boards[BAD].port.to_string());
    for (number, board) in boards.iter().enumerate() {
        let holds = board.test_access().flash()[0x1_0000..][..bytes.len()] == bytes;
        assert_eq!(holds, number != BAD, "board {number}");
    }
    // The boards are swapped: the same plan goes to the next one, and is counted.
    several.next(0);
    while several.is_running() {
        woken.recv().unwrap();
        several.poll();
    }
    assert_eq!(several.boards[0].count, 2);
    assert_eq!(several.summary.good, 8);
    let text = several.summary.to_text();
    assert!(text.contains("8 written and verified, 1 failed"), "{text}");
    assert!(
        text.contains("60:55:f9:00:00:07") && text.contains("FAILED"),
        "{text}"
    );
}

#[test]
fn the_command_line_writes_to_all_and_keeps_a_summary() {
    let bench = Bench::new();
    bench.write("data", noise(20_000));
    let macs = ["60:55:f9:00:00:01", "60:55:f9:00:00:02"];
    let boards = macs.map(|mac| PracticeProcess::start(&bench, &["--mac", mac]));
    let (a, b) = (boards[0].port.clone(), boards[1].port.clone());
    let write = ["write", "0x10000=data", "--yes", "--port", &a, "--port", &b];
    let answer = bench.json(&[&write[..], &["--summary", "sum.json"]].concat());
    assert_eq!(
        (answer["good"].as_u64(), answer["failed"].as_u64()),
        (Some(2), Some(0))
    );
    let kept: serde_json::Value = serde_json::from_slice(&bench.read("sum.json")).unwrap();
    assert_eq!(kept["boards"].as_array().unwrap().len(), 2);

    let unproven = bench.good(&[&write[..], &["--no-verify"]].concat());
    assert!(
        unproven.contains("2 written, not verified, 0 failed"),
        "{unproven}"
    );

    // All of one kind, and one that is not there: the others are written even so.
    let plugged =
        format!("{a}=303A:1001;{b}=303A:1001;/dev/no-such-port=303A:1001;/dev/x=10C4:EA60");
    let output = bench
        .command(&[
            "write",
            "0x20000=data",
            "--yes",
            "--port",
            &a,
            "--all",
            "--json",
        ])
        .env("FLASHPACK_PORTS", plugged)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&String::from_utf8(output.stdout).unwrap());
    let error = lines.last().unwrap();
    assert_eq!(error["cause"], "port-missing", "{error}");
    let result = lines.iter().find(|line| line["kind"] == "result").unwrap();
    assert_eq!(
        (result["good"].as_u64(), result["failed"].as_u64()),
        (Some(2), Some(1))
    );
    for port in [&a, &b] {
        bench.good(&["verify", "0x20000=data", "--port", port]);
    }
}

#[test]
fn boards_are_swapped_and_the_next_one_is_written() {
    let bench = Bench::new();
    bench.write("data", noise(20_000));
    let start = |mac| PracticeProcess::start(&bench, &["--link", "board", "--mac", mac]);
    let first = start("60:55:f9:00:00:01");
    let mut program = bench
        .command(&[
            "write",
            "0x10000=data",
            "--yes",
            "--port",
            "board",
            "--next",
        ])
        .args(["--summary", "sum.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(program.stderr.take().unwrap()).lines();
    let mut keys = program.stdin.take().unwrap();
    let mut asked = |count: &str| {
        let line = said.by_ref().map(Result::unwrap);
        let mut line = line.skip_while(|line| !line.contains("Swap the boards"));
        let line = line.next().expect("it asks for the next board");
        assert!(line.starts_with(count), "{line}");
    };
    asked("1 written so far");
    first.end("TERM");
    let second = start("60:55:f9:00:00:02");
    keys.write_all(b"\n").unwrap();
    asked("2 written so far");
    keys.write_all(b"q\n").unwrap();
    assert!(program.wait().unwrap().success());
    let kept: serde_json::Value = serde_json::from_slice(&bench.read("sum.json")).unwrap();
    let boards = kept["boards"].as_array().unwrap();
    let macs: Vec<_> = boards.iter().map(|board| &board["mac"]).collect();
    assert_eq!(macs, ["60:55:f9:00:00:01", "60:55:f9:00:00:02"]);
    bench.good(&["verify", "0x10000=data", "--port", "board"]);
    second.end("TERM");
}

#[test]
fn several_boards_are_named_by_their_mac_addresses() {
    let bench = Bench::new();
    bench.write("data", noise(20_000));
    let macs = ["60:55:f9:00:00:01", "60:55:f9:00:00:02"];
    let boards = macs.map(|mac| PracticeProcess::start(&bench, &["--mac", mac]));
    let write = [
        "write",
        "0x10000=data",
        "--yes",
        "--mac",
        macs[0],
        "--mac",
        macs[1],
    ];
    bench.bad(1, &write, &[macs[0], "not plugged in"]);
    for board in &boards {
        bench.good(&["info", "--port", &board.port]);
    }
    let answer = bench.json(&write);
    assert_eq!(answer["good"], 2, "{answer}");
    let mut written: Vec<&str> = answer["boards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|board| board["mac"].as_str().unwrap())
        .collect();
    written.sort_unstable();
    assert_eq!(written, macs);
    // One that is not there: nothing is written to the others either, because it was named.
    let missing = "60:55:f9:00:00:03";
    bench.bad(1, &[&write[..], &["--mac", missing]].concat(), &[missing]);
    // A board and its own port are one board.
    let twice = [
        "write",
        "0x10000=data",
        "--yes",
        "--mac",
        macs[0],
        "--port",
        &boards[0].port,
    ];
    bench.bad(2, &twice, &["named twice"]);
}

#[test]
fn a_board_is_found_again_by_its_mac_address() {
    let bench = Bench::new();
    let mac = "60:55:f9:00:00:0a";
    let board = PracticeProcess::start(&bench, &["--mac", mac]);
    bench.bad(1, &["info", "--mac", mac], &[mac, "not plugged in"]);
    assert_eq!(bench.json(&["info", "--port", &board.port])["mac"], mac);
    assert_eq!(bench.json(&["info", "--mac", mac])["mac"], mac);
    let typed = format!("mac:{}", mac.to_uppercase());
    assert_eq!(bench.json(&["info", "--port", &typed])["mac"], mac);
    let run = |plugged: &str| {
        let output = bench
            .command(&["info", "--json"])
            .env("FLASHPACK_PORTS", plugged)
            .output()
            .unwrap();
        json_lines(&String::from_utf8(output.stdout).unwrap())
            .pop()
            .unwrap()
    };
    let port = &board.port;
    assert_eq!(
        run(&format!("{port}=10C4:EA60"))["mac"],
        mac,
        "the only known board"
    );
    assert_eq!(
        run(port)["cause"],
        "no-port",
        "a port of no known kind is not guessed"
    );
    assert!(bench.good(&["ports", "--udev-rule"]).contains("uaccess"));
}
