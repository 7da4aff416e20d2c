//! A new table for a board whose own table cannot be read: the connection fails, the table is damaged, several boards are
//! written at once. What nobody knows is not taken for nothing.

use crate::app_images::flash;
use crate::cli_run::{Bench, PracticeProcess, Run};

const WRITE: [&str; 5] = ["write", "0x8000=new.bin", "--port", "board", "--yes"];

/// A board with data in the second of three partitions, and a table that moves it.
fn bench(change: &dyn Fn(&mut Vec<u8>)) -> Bench {
    let bench = Bench::new();
    let rows = |logs: &str| {
        format!(
            "nvs,data,nvs,0x9000,0x3000\nlogs,data,undefined,{logs},0x2000\nmore,data,undefined,0x40000,0x1000\n"
        )
    };
    for (name, logs) in [("old", "0xc000"), ("new", "0x20000")] {
        bench.write(&format!("{name}.csv"), rows(logs));
        let (csv, bin) = (format!("{name}.csv"), format!("{name}.bin"));
        bench.good(&["table", "convert", &csv, &bin]);
    }
    let mut table = bench.read("old.bin");
    change(&mut table);
    bench.write(
        "flash.bin",
        flash(4 << 20, &[(0x8000, &table), (0xC000, &[0x4C; 0x2000])]),
    );
    bench
}

fn board(bench: &Bench, faults: &[String]) -> PracticeProcess {
    let mut arguments = vec!["--flash", "flash.bin", "--link", "board"];
    for fault in faults {
        arguments.extend(["--fault", fault]);
    }
    PracticeProcess::start(bench, &arguments)
}

/// Runs a command whose board goes away, each time at another byte of its answers: while it is asked who it is, and while its
/// table is read.
fn goes_away(command: &[&str], check: &dyn Fn(u64, Run)) {
    for byte in [800, 1500, 2500, 3500] {
        let bench = bench(&|_| ());
        let before = bench.read("flash.bin");
        let board = board(&bench, &[format!("unplug:from-board@{byte}=never")]);
        let run = bench.run(command);
        assert_eq!(run.status.code(), Some(1), "{byte}: {}", run.stdout);
        check(byte, run);
        board.end("TERM");
        assert!(bench.read("flash.bin") == before);
    }
}

#[test]
fn a_table_that_never_arrives_is_not_taken_for_none() {
    // A dry run needs no more of the board.
    let command = ["write", "0x8000=new.bin", "--port", "board", "--dry-run"];
    goes_away(&command, &|byte, run| {
        assert_eq!(run.stdout, "", "{byte}: there is no plan");
        assert!(
            run.stderr.contains("port vanished"),
            "{byte}: {}",
            run.stderr
        );
        assert!(
            !run.stderr.contains("no partition table"),
            "{byte}: {}",
            run.stderr
        );
    });
}

#[test]
fn an_erase_whose_board_goes_away_speaks_of_the_port_and_not_of_a_table() {
    let command = ["erase", "0xc000:0x2000", "--port", "board", "--yes"];
    goes_away(&command, &|byte, run| {
        let said = [run.stdout, run.stderr].concat();
        assert!(said.contains("port vanished"), "{byte}: {said}");
        assert!(!said.contains("no table"), "{byte}: {said}");
    });
}

#[test]
fn a_table_that_is_lost_once_is_asked_for_again() {
    let bench = bench(&|_| ());
    let board = board(&bench, &["drop:from-board@2500".to_owned()]);
    bench.bad(
        1,
        &WRITE,
        &["logs holds data and moves from 0xC000 to 0x20000"],
    );
    board.end("TERM");
}

#[test]
fn a_damaged_table_is_read_as_far_as_it_goes_and_the_rest_is_not_taken_for_nothing() {
    let moved = "logs holds data and moves from 0xC000 to 0x20000";
    let unknown = "its own table cannot be used";
    // The third row is none any more, the second one is none, only the sum is wrong.
    for (at, is_seen) in [(0x40, true), (0x20, false), (0x5F, true)] {
        let bench = bench(&|table| table[at] ^= 0x55);
        let board = board(&bench, &[]);
        let run = bench.run(&WRITE);
        assert_eq!(run.status.code(), Some(1), "{at}: {}", run.stderr);
        assert!(run.stderr.contains(unknown), "{at}: {}", run.stderr);
        assert!(
            run.stderr.contains("--force leave-data"),
            "{at}: {}",
            run.stderr
        );
        assert_eq!(run.stderr.contains(moved), is_seen, "{at}: {}", run.stderr);
        bench.good(&[&WRITE[..], &["--force", "leave-data"]].concat());
        board.end("TERM");
    }
}

#[test]
fn no_table_at_all_is_no_reason_to_stop() {
    for filler in [0xFF, 0x00] {
        let bench = bench(&|table| table.fill(filler));
        let board = board(&bench, &[]);
        bench.good(&WRITE);
        board.end("TERM");
    }
}

#[test]
fn a_cut_change_asks_by_the_table_before_it_and_is_finished_with_the_same_answer() {
    // Operation 0 erases the table's sector: a cut in it leaves random bits there.
    let bench = bench(&|_| ());
    let broken = board(&bench, &["unplug:flash@0=never".to_owned()]);
    let forced = [&WRITE[..], &["--force", "leave-data"]].concat();
    assert_eq!(bench.run(&forced).status.code(), Some(1));
    broken.end("TERM");
    let whole = board(&bench, &[]);
    // The board has no table now that could be read; the one before it is on disk, and asks the same question.
    bench.bad(
        1,
        &WRITE,
        &["logs holds data and moves from 0xC000 to 0x20000"],
    );
    bench.good(&forced);
    whole.end("TERM");
    assert!(bench.read("flash.bin")[0x8000..].starts_with(&bench.read("new.bin")));
}

#[test]
fn several_boards_take_a_table_only_when_their_data_may_stay_behind() {
    let bench = bench(&|_| ());
    let macs = ["60:55:f9:00:00:01", "60:55:f9:00:00:02"];
    let boards = macs.map(|mac| PracticeProcess::start(&bench, &["--mac", mac]));
    let write = [
        "write",
        "0x8000=new.bin",
        "--yes",
        "--port",
        &boards[0].port,
        "--port",
        &boards[1].port,
    ];
    bench.bad(1, &write, &["not asked one by one"]);
    let plan = bench.json(&[&write[..], &["--dry-run"]].concat());
    assert_eq!(plan["guards"][0]["name"], "leave-data", "{plan}");
    let answer = bench.json(&[&write[..], &["--force", "leave-data"]].concat());
    assert_eq!(answer["good"], 2, "{answer}");
    // Without a table nothing is left behind.
    bench.write("data", [7; 0x1000]);
    let data = [
        "write",
        "0x30000=data",
        "--yes",
        "--port",
        &boards[0].port,
        "--port",
        &boards[1].port,
    ];
    assert_eq!(bench.json(&data)["good"], 2);
}
