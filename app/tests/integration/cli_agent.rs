//! `flashpack agent …` as a person types it, with a practice board as one process and every command as another.

use serde_json::{Value, json};

use crate::cli_run::{Bench, PracticeProcess};
use crate::cli_seed_path::written;

fn board(bench: &Bench) -> PracticeProcess {
    let board = PracticeProcess::start(bench, &[]);
    written(bench, &board.port);
    board
}

#[test]
fn the_mmu_table_names_the_partitions_of_the_board() {
    let bench = Bench::with_sample();
    let board = board(&bench);
    let map = bench.json(&["agent", "map", "--port", &board.port]);
    let entries = map["entries"].as_array().unwrap();
    assert_eq!(
        (entries.len(), &map["free"], &map["own"]),
        (128, &json!(64), &json!(64))
    );
    let entry = &entries[48];
    assert_eq!(entry["flash_offset"], 0x30_0000);
    assert_eq!(
        (&entry["vaddr"], &entry["vaddr_code"]),
        (&json!(0x3C30_0000), &json!(0x4230_0000))
    );
    assert_eq!(entry["partitions"], json!(["bin"]));
    assert_eq!(entries[100]["flash_offset"], Value::Null);
    let as_is = bench.json(&["agent", "map", "--as-is", "--port", &board.port]);
    assert!(
        as_is["free"].as_u64().unwrap() > 100,
        "only what was needed is mapped"
    );
    board.end("TERM");
}

#[test]
fn files_are_listed_proven_and_compared_with_an_image() {
    let bench = Bench::with_sample();
    let board = board(&bench);
    let port = &board.port;
    let listed = bench.json(&["agent", "ls", "deep", "--port", port]);
    let first = &listed["entries"][0];
    assert_eq!(
        (&first["name"], &first["corrupt"]),
        (&json!("f001"), &json!(false))
    );
    assert!(first["crc32"].is_u64());

    let all = bench.json(&["agent", "verify", "--port", port]);
    assert_eq!(
        (&all["bins"], &all["unchecked"], &all["faults"]),
        (&json!(2), &json!(0), &json!([]))
    );
    assert_eq!(
        all["cycles"],
        Value::Null,
        "a practice board has no processor"
    );
    let one = bench.json(&["agent", "verify", "readme", "--port", port]);
    assert_eq!((&one["bins"], &one["files"]), (&json!(0), &json!(1)));

    let same = bench.json(&["agent", "verify", "--image", "pack.bin", "--port", port]);
    assert!(
        same["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|file| file["state"] == "same"),
        "{same}"
    );
    let mut other = bench.read("pack.bin");
    let place = bench.json(&["find", "pack.bin", "readme"]);
    other[place["offset"].as_u64().unwrap() as usize] ^= 1;
    bench.write("other.bin", other);
    let words = ["1 of 7 entries in bin differ on the board"];
    bench.bad(
        1,
        &["agent", "verify", "--image", "other.bin", "--port", port],
        &words,
    );
    board.end("TERM");
}

#[test]
fn a_benchmark_measures_and_invents_nothing() {
    let bench = Bench::with_sample();
    let board = board(&bench);
    let report = bench.json(&["agent", "bench", "--count", "5", "--port", &board.port]);
    assert_eq!(
        (&report["cpu_hz"], &report["round_trip_names"]),
        (&Value::Null, &json!(1000))
    );
    let lines = report["lines"].as_array().unwrap();
    let deep = lines
        .iter()
        .find(|line| line["path"] == "deep/f001")
        .unwrap();
    assert_eq!(
        (&deep["place"], &deep["search"]["count"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(
        (&deep["search"]["cold"], &deep["walk"]["warm"]),
        (&Value::Null, &Value::Null)
    );
    let one = bench.json(&["agent", "bench", "readme", "--port", &board.port]);
    assert_eq!(
        (
            one["lines"].as_array().unwrap().len(),
            &one["lines"][0]["entries"]
        ),
        (1, &Value::Null)
    );
    bench.bad(
        2,
        &["agent", "bench", "--count", "0", "--port", &board.port],
        &["0"],
    );
    board.end("TERM");
}

#[test]
fn errors_name_the_partition_or_the_region() {
    let bench = Bench::with_sample();
    let board = board(&bench);
    let port = &board.port;
    for (command, words) in [
        (&["agent", "ls", "--partition", "nothere"][..], "nothere"),
        (&["agent", "ls", "none"], "none in bin"),
        (&["agent", "find", "none"], "“none” in bin"),
        (&["agent", "bench", "none"], "none in bin"),
        (&["agent", "verify", "none"], "none in bin"),
        (&["agent", "peek", "0x3FFFF0:64"], "64 bytes from 0x3FFFF0"),
    ] {
        let command = [command, &["--port", port]].concat();
        bench.bad(1, &command, &[words]);
    }
    board.end("TERM");
}
