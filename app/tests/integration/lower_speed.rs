//! A line that does not carry the speed that was asked for: a lower one is taken step by step, said, and remembered for
//! the board.

use std::path::Path;
use std::sync::Arc;

use flashpack::device::practice::faults::Faults;
use flashpack::device::practice::{Board, Options};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::worker::Worker;
use flashpack::store::known_boards::load_from;

use crate::cli_run::{Bench, PracticeProcess, json_lines};

const MAC: &str = "60:55:f9:f0:0d:01";

fn notes(text: &str) -> Vec<String> {
    json_lines(text)
        .iter()
        .filter(|line| line["kind"] == "note")
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect()
}

/// What the next lower speeds are tried for, of what is said.
fn tried(notes: &[String]) -> Vec<u32> {
    notes
        .iter()
        .filter_map(|note| note.split_once("trying ")?.1.parse().ok())
        .collect()
}

fn known_baud(bench: &Bench) -> Option<u32> {
    let known = load_from(&bench.path("config/boards.json"));
    known.find(MAC).and_then(|board| board.baud)
}

#[test]
fn the_speed_goes_down_step_by_step_and_is_remembered() {
    let bench = Bench::new();
    let board = PracticeProcess::start(&bench, &["--fault", "limit:line@230400"]);
    let info = ["info", "--port", &board.port, "--json"];
    let fast = [&info[..], &["--baud", "921600"]].concat();
    let text = bench.good(&fast);
    assert_eq!(tried(&notes(&text)), [460_800, 230_400], "{text}");
    assert!(notes(&text)[0].contains("does not carry 921600 baud"));
    assert_eq!(known_baud(&bench), Some(230_400));
    // The next command begins where this one ended; nothing has to be found out again.
    let text = bench.good(&info);
    assert_eq!(tried(&notes(&text)), [0; 0], "{text}");
    assert_eq!(known_baud(&bench), Some(230_400));
    board.end("TERM");
}

#[test]
fn a_write_over_such_a_line_is_whole() {
    let bench = Bench::new();
    let bytes: Vec<u8> = (0..40_000u32).map(|n| ((n * n) >> 5) as u8).collect();
    bench.write("data", &bytes);
    let words = ["--flash", "flash.bin", "--fault", "limit:line@460800"];
    let board = PracticeProcess::start(&bench, &words);
    let answer = bench.json(&[
        "write",
        "0x20000=data",
        "--port",
        &board.port,
        "--baud",
        "921600",
        "--yes",
    ]);
    assert_eq!(answer["verified"], true);
    board.end("TERM");
    assert!(bench.read("flash.bin")[0x2_0000..].starts_with(&bytes));
    assert_eq!(known_baud(&bench), Some(460_800));
}

#[test]
fn a_line_that_carries_it_is_used_at_once_and_left_at_the_start() {
    let bench = Bench::new();
    // The limit makes the board mind the speed of both ends.
    let board = PracticeProcess::start(&bench, &["--fault", "limit:line@921600"]);
    for _ in 0..2 {
        let text = bench.good(&["info", "--port", &board.port, "--baud", "921600", "--json"]);
        assert_eq!(notes(&text), [""; 0], "{text}");
    }
    assert_eq!(known_baud(&bench), Some(921_600));
    let agent = bench.good(&["agent", "info", "--port", &board.port, "--json"]);
    assert_eq!(notes(&agent), [""; 0], "{agent}");
    board.end("TERM");
}

#[test]
fn a_board_that_cannot_be_brought_back_is_said_to_need_its_reset() {
    let bench = Bench::new();
    let board = PracticeProcess::start(&bench, &["--fault", "limit:line@115200=1"]);
    let info = ["info", "--port", &board.port, "--baud", "230400"];
    let run = bench.run(&info);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    for part in ["230400 baud", "Hold BOOT", "--baud 115200"] {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
    assert_eq!(known_baud(&bench), None);
}

/// The window's job hears of it as a value, once.
#[test]
fn a_worker_tells_the_speed_that_it_found() {
    let mut faults = Faults::default();
    faults.add_word("limit:line@460800").unwrap();
    let board = Board::start(Options {
        faults,
        ..Options::default()
    })
    .unwrap();
    let options = LinkOptions {
        baud: 921_600,
        ..LinkOptions::default()
    };
    let mut worker = Worker::start(&path_of(board.port()), options, Arc::new(|| ())).unwrap();
    let slower = |worker: &mut Worker| {
        worker.submit(Request::Detect).unwrap();
        let mut told = Vec::new();
        while let Some(event) = worker.wait_event() {
            match event {
                Event::Slower(baud) => told.push(baud),
                Event::Finished(Outcome::Detected(identity)) => {
                    assert_eq!(identity.mac.as_deref(), Some(MAC));
                    break;
                }
                event => assert!(!event.is_ending(), "{event:?}"),
            }
        }
        told
    };
    assert_eq!(slower(&mut worker), [460_800]);
    assert_eq!(slower(&mut worker), [0; 0]);
}

fn path_of(port: &Path) -> PortChoice {
    PortChoice::Path(port.to_path_buf())
}
