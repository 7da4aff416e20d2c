//! A command that is cut, stopped with Ctrl+C or killed leaves a state that the next one finishes from.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli_run::{Bench, PracticeProcess};
use crate::neighbour_bytes::noise;

/// Longer than anything takes on a loaded machine; reached only by a fault.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for a condition, and panics when it does not come.
#[track_caller]
fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::yield_now();
    }
}

fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap()
            .success()
    );
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn partials(bench: &Bench) -> Vec<PathBuf> {
    let all = bench.contents().into_keys();
    all.filter(|path| path.extension().is_some_and(|end| end == "partial"))
        .collect()
}

/// A board of 4 MB whose first MiB is noise; its cable holds what it sends back after some bytes.
fn board(bench: &Bench, fault: &str) -> PracticeProcess {
    let mut flash = noise(0x10_0000, 3);
    flash.resize(0x40_0000, 0xFF);
    bench.write("flash.bin", flash);
    PracticeProcess::start(
        bench,
        &[
            "--flash",
            "flash.bin",
            "--link",
            "board",
            "--report",
            "report",
            "--fault",
            fault,
        ],
    )
}

fn sent_by_board(bench: &Bench) -> u64 {
    let report: Value = serde_json::from_slice(&bench.read("report")).unwrap();
    report["wire"]["from_board"].as_u64().unwrap()
}

#[test]
fn a_read_that_was_cut_goes_on_and_never_touches_the_file_before_the_end() {
    let bench = Bench::new();
    bench.write("out", "what was there");
    let read = ["read", "0:1M", "out", "--port", "board"];
    let cut = board(&bench, "unplug:from-board@700000=never");
    let run = bench.run(&read);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    assert_eq!(bench.read("out"), b"what was there");
    let left = partials(&bench);
    assert_eq!(left.len(), 1, "{left:?}");
    let there = std::fs::metadata(&left[0]).unwrap().len();
    assert!(
        there >= 0x6_0000 && there.is_multiple_of(0x1_0000),
        "{there:#x}"
    );
    cut.end("TERM");

    // The board is not the same any more: one of the pieces that are there is no longer right.
    let mut flash = bench.read("flash.bin");
    flash[0x2_0005] ^= 0xFF;
    bench.write("flash.bin", &flash);
    let whole = PracticeProcess::start(
        &bench,
        &[
            "--flash",
            "flash.bin",
            "--link",
            "board",
            "--report",
            "report",
        ],
    );
    let run = bench.run(&read);
    assert!(run.status.success(), "{}", run.stderr);
    assert!(
        run.stderr.contains("from an earlier read"),
        "{}",
        run.stderr
    );
    assert!(
        bench.read("out") == flash[..0x10_0000],
        "the file is what the board holds"
    );
    assert!(partials(&bench).is_empty());
    whole.end("TERM");
    // Everything but the pieces that were there and right, and not once more.
    let missing = 0x10_0000 - (there - 0x1_0000);
    let sent = sent_by_board(&bench);
    assert!(
        sent < missing + missing / 50 + 0x8000,
        "{sent:#x} bytes for {missing:#x}"
    );
}

#[test]
fn several_regions_come_one_behind_the_other() {
    let bench = Bench::new();
    let board = board(&bench, "seed:1");
    let answer = bench.json(&[
        "read",
        "0x1001:5",
        "0x20000:70000",
        "out",
        "--port",
        "board",
    ]);
    assert_eq!(answer["regions"][1]["offset"], 0x2_0000);
    let flash = bench.read("flash.bin");
    let mut wanted = flash[0x1001..0x1006].to_vec();
    wanted.extend_from_slice(&flash[0x2_0000..][..70000]);
    assert!(bench.read("out") == wanted);
    board.end("TERM");
}

#[test]
fn ctrl_c_stops_a_read_and_the_next_goes_on() {
    let bench = Bench::new();
    let held = board(&bench, "delay:from-board@300000=500");
    let read = ["read", "0:1M", "out", "--port", "board"];
    let child = start(&bench, &read);
    until("the first piece", || {
        (!partials(&bench).is_empty()).then_some(())
    });
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("changes nothing on the board"),
        "{}",
        said(&output)
    );
    assert!(!bench.path("out").exists());
    bench.good(&read);
    assert!(bench.read("out") == bench.read("flash.bin")[..0x10_0000]);
    held.end("TERM");
}

/// Starts a write of noise that begins and ends inside a sector, and waits until the board has begun to hold it.
fn write_under_way(bench: &Bench) -> Child {
    bench.write("big", noise(0x8_0000, 5));
    let child = start(
        bench,
        &[
            "write",
            "0x200800=big",
            "--port",
            "board",
            "--yes",
            "--force",
            "misaligned",
        ],
    );
    until("bytes on the board", || {
        bench.read("flash.bin")[0x20_1000..0x20_2000]
            .iter()
            .any(|byte| *byte != 0xFF)
            .then_some(())
    });
    child
}

/// Writes until the port is free again after its user was killed, and checks every byte.
#[track_caller]
fn finish_the_write(bench: &Bench) {
    until("a write that finishes", || {
        let run = bench.run(&[
            "write",
            "0x200800=big",
            "--port",
            "board",
            "--yes",
            "--force",
            "misaligned",
        ]);
        let held = run.stderr.contains("another program holds it");
        assert!(held || run.status.success(), "{}", run.stderr);
        run.status.success().then_some(())
    });
    let flash = bench.read("flash.bin");
    assert!(flash[0x20_0800..0x28_0800] == bench.read("big")[..]);
    assert!(flash[..0x10_0000] == noise(0x10_0000, 3)[..]);
    assert!(flash[0x10_0000..0x20_0800].iter().all(|byte| *byte == 0xFF));
    assert!(flash[0x28_0800..].iter().all(|byte| *byte == 0xFF));
}

#[test]
fn ctrl_c_stops_a_write_in_a_known_state() {
    let bench = Bench::new();
    let held = board(&bench, "delay:to-board@150000=3000");
    let child = write_under_way(&bench);
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let said = said(&output);
    assert!(
        said.contains("incomplete") && said.contains("writing again"),
        "{said}"
    );
    finish_the_write(&bench);
    held.end("TERM");
}

#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let bench = Bench::new();
    // Nobody answers on this port, and that takes a while to find out.
    let silent = board(&bench, "cut:to-board@0");
    let mut child = start(&bench, &["info", "--port", "board", "--json"]);
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    assert!(first.contains("connecting"), "{first}");
    // Two signals of one kind that come close together are one to a process: it is asked until it ends.
    until("the end of the program", || {
        if child.try_wait().unwrap().is_none() {
            signal(&child, "INT");
            return None;
        }
        Some(())
    });
    assert_eq!(child.wait().unwrap().code(), Some(130));
    silent.end("TERM");
}

#[test]
fn a_killed_write_is_finished_by_the_next() {
    let bench = Bench::new();
    let held = board(&bench, "delay:to-board@150000=3000");
    let mut child = write_under_way(&bench);
    child.kill().unwrap();
    child.wait().unwrap();
    finish_the_write(&bench);
    held.end("TERM");
}
