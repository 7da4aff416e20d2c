//! A merged image on the command line: the table inside of it is a table, with its backup, its guards and its place in
//! the order.

use flashpack::formats::otadata::{State, record};
use serde_json::Value;

use crate::app_images::{Made, flash};
use crate::cli_run::{Bench, PracticeProcess};

const LOGS: [u8; 0x2000] = [0x4C; 0x2000];
const OLD: &str = "table-60-55-f9-f0-0d-01.bin";
const WRITE: [&str; 5] = ["write", "0x0=merged.bin", "--port", "board", "--yes"];

fn table(logs: &str) -> String {
    format!(
        "nvs,data,nvs,0x9000,0x4000\notadata,data,ota,0xd000,0x2000\nota_0,app,ota_0,0x10000,0x10000\nlogs,data,undefined,{logs},0x2000\nota_1,app,ota_1,0x40000,0x10000\n"
    )
}

/// A board with data in `logs`, and an image of everything up to an app, whose table has `logs` elsewhere.
fn bench() -> Bench {
    let bench = Bench::new();
    for (name, logs) in [("old", "0x20000"), ("new", "0x30000")] {
        bench.write(&format!("{name}.csv"), table(logs));
        let (csv, bin) = (format!("{name}.csv"), format!("{name}.bin"));
        bench.good(&["table", "convert", &csv, &bin]);
    }
    let app = Made::default().bytes();
    let merged = flash(
        0x1_0000 + app.len(),
        &[
            (0, &Made::named("boot").bytes()),
            (0x8000, &bench.read("new.bin")),
            (0xD000, &record(1, State::Undefined)),
            (0x1_0000, &app),
        ],
    );
    bench.write("merged.bin", merged);
    let beside = [0xBE; 0x100];
    let contents = [
        (0x8000, &bench.read("old.bin")[..]),
        (0x1_0F00, &beside),
        (0x2_0000, &LOGS),
    ];
    bench.write("flash.bin", flash(4 << 20, &contents));
    bench
}

fn board(bench: &Bench, faults: &[&str]) -> PracticeProcess {
    let mut arguments = vec!["--flash", "flash.bin", "--link", "board"];
    for fault in faults {
        arguments.extend(["--fault", fault]);
    }
    PracticeProcess::start(bench, &arguments)
}

/// The flash with the merged image in it.
fn with_merged(bench: &Bench, mut flash: Vec<u8>) -> Vec<u8> {
    let merged = bench.read("merged.bin");
    flash[..merged.len()].copy_from_slice(&merged);
    flash
}

fn forced(names: &str) -> Vec<&str> {
    [&WRITE[..], &["--force", names]].concat()
}

#[test]
fn the_plan_has_the_table_and_otadata_of_a_merged_image_in_their_order() {
    let bench = bench();
    let board = board(&bench, &[]);
    let plan = ["write", "0x0=merged.bin", "--dry-run", "--port", "board"];
    let answer = bench.json(&plan);
    let writes = answer["writes"].as_array().unwrap();
    let short = |write: &Value| {
        let text = |name: &str| write[name].as_str().unwrap().to_owned();
        assert_eq!(write["source"], "merged.bin");
        (
            text("role"),
            text("target"),
            write["offset"].as_u64().unwrap(),
        )
    };
    let order: Vec<_> = writes.iter().map(short).collect();
    let wanted = [
        ("data", "0x9000", 0x9000),
        ("data", "0xF000", 0xF000),
        ("bootloader", "0x0", 0),
        ("table", "partition table", 0x8000),
        ("ota-data", "0xD000", 0xD000),
    ];
    let wanted = wanted.map(|(role, target, at)| (role.to_owned(), target.to_owned(), at));
    assert_eq!(order, wanted);
    let sizes: u64 = writes
        .iter()
        .map(|write| write["size"].as_u64().unwrap())
        .sum();
    let all = bench.read("merged.bin").len() as u64;
    assert_eq!((sizes, answer["bytes"].as_u64().unwrap()), (all, all));
    let guards = answer["guards"].as_array().unwrap();
    let names: Vec<_> = guards
        .iter()
        .map(|guard| guard["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["leave-data", "bootloader"], "{guards:?}");
    let backups: Vec<_> = answer["backups"].as_array().unwrap().iter().collect();
    let is_there = |name: &str| {
        let mut places = backups.iter().filter_map(|backup| backup["place"].as_str());
        places.any(|place| place.ends_with(name))
    };
    assert!(
        is_there(OLD) && is_there("beside-60-55-f9-f0-0d-01.json"),
        "{backups:?}"
    );
    let text = bench.good(&plan);
    assert!(
        text.contains("partition table: 4 KiB from merged.bin. Replaces the partition table"),
        "{text}"
    );
    assert!(
        text.contains("Replaces 4528 bytes at 0xF000, in ota_0"),
        "{text}"
    );
    board.end("TERM");
}

#[test]
fn data_that_its_table_moves_is_refused_and_the_result_is_exact() {
    let bench = bench();
    let board = board(&bench, &[]);
    let before = bench.read("flash.bin");
    let moved = "logs holds data and moves from 0x20000 to 0x30000";
    bench.bad(1, &forced("bootloader"), &[moved, ""]);
    bench.bad(1, &forced("leave-data"), &["starts from"]);
    assert!(bench.read("flash.bin") == before);
    let answer = bench.json(&forced("bootloader,leave-data"));
    assert_eq!(answer["verified"], true);
    bench.good(&["verify", "0x0=merged.bin", "--port", "board"]);
    board.end("TERM");
    assert!(
        bench.read("flash.bin") == with_merged(&bench, before),
        "byte for byte"
    );
    let old = bench.read(&format!("config/kept/{OLD}"));
    assert!(old.starts_with(&bench.read("old.bin")));
}

#[test]
fn its_data_is_carried_along() {
    let bench = bench();
    let board = board(&bench, &[]);
    let mut wanted = with_merged(&bench, bench.read("flash.bin"));
    wanted[0x3_0000..0x3_2000].copy_from_slice(&LOGS);
    bench.good(&[&forced("bootloader")[..], &["--move-data"]].concat());
    board.end("TERM");
    assert!(bench.read("flash.bin") == wanted);
}

#[test]
fn a_cut_in_the_middle_offers_the_old_table_and_the_next_write_finishes() {
    let mut offered = 0;
    // An erase and sixteen pages each: the app, the bootloader, the table, otadata.
    for operation in [0, 20, 34, 36, 42, 51, 55] {
        let bench = bench();
        let before = bench.read("flash.bin");
        let broken = board(&bench, &[&format!("unplug:flash@{operation}=never")]);
        let run = bench.run(&forced("bootloader,leave-data"));
        assert_eq!(run.status.code(), Some(1), "{operation}: {}", run.stderr);
        broken.end("TERM");
        let whole = board(&bench, &[]);
        let info = bench.run(&["info", "--port", "board"]);
        let line = info
            .stderr
            .lines()
            .find(|line| line.contains("flashpack restore "));
        let line = line.unwrap_or_else(|| panic!("{operation}: {}", info.stderr));
        assert!(line.contains("did not finish"), "{line}");
        if operation % 2 == 0 {
            let path = line.split("flashpack restore ").nth(1).unwrap();
            let path = path.split(" brings").next().unwrap();
            bench.good(&["restore", path, "--port", "board", "--yes"]);
            let old = bench.read("old.bin");
            bench.good(&["read", "0x8000:0xC00", "now", "--port", "board"]);
            assert_eq!(bench.read("now"), old, "{operation}");
            offered += 1;
        }
        bench.good(&forced("bootloader,leave-data"));
        whole.end("TERM");
        let flash = bench.read("flash.bin");
        assert!(flash == with_merged(&bench, before), "{operation}");
    }
    assert!(offered > 3);
}

#[test]
fn a_merged_image_with_a_broken_table_is_refused_as_before() {
    let bench = bench();
    let mut merged = bench.read("merged.bin");
    merged[0x8004] ^= 1;
    bench.write("merged.bin", merged);
    let board = board(&bench, &[]);
    bench.bad(
        1,
        &forced("bootloader,leave-data"),
        &["cannot go to 0x8000", "MD5"],
    );
    board.end("TERM");
}
