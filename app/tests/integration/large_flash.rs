//! Flash that is larger than the MMU's table: 16 MiB behind 128 entries of 64 KiB. A pack lies across the middle, and
//! every way of asking gives its bytes, while the window slides.

use serde_json::{Value, json};

use crate::cli_run::{Bench, PracticeProcess};
use crate::neighbour_bytes::noise;

const MIB: u64 = 1 << 20;
/// One page before the middle.
const BIN: u64 = 8 * MIB - 0x1_0000;

/// A board with `bin` across 8 MiB. Each file is longer than what of `bin` lies before, so that one of them lies across
/// the middle and the other behind it.
fn board(bench: &Bench) -> PracticeProcess {
    bench.write(
        "table.csv",
        format!(
            "nvs,data,nvs,0x9000,0x6000\n\
             factory,app,factory,0x10000,0x100000\n\
             bin,data,undefined,{BIN},0x400000\n"
        ),
    );
    bench.write("one", noise(0x1_8000, 3));
    bench.write("two", noise(0x1_8000, 4));
    bench.good(&["table", "convert", "table.csv", "table.bin"]);
    bench.good(&["pack", "pack.bin", "one", "two"]);
    let board = PracticeProcess::start(bench, &["--size", "16MB"]);
    let port = board.port.as_str();
    bench.good(&[
        "write",
        "0x8000=table.bin",
        "bin=pack.bin",
        "--port",
        port,
        "--yes",
    ]);
    board
}

#[test]
fn files_across_and_behind_the_middle_are_found_read_and_proven() {
    let bench = Bench::new();
    let board = board(&bench);
    let port = board.port.as_str();
    let info = bench.json(&["agent", "info", "--port", port]);
    assert_eq!(
        (&info["flash_size"], &info["sliding"], &info["in_flash"]),
        (&json!(16 * MIB), &json!(true), &json!(false))
    );
    let mut across = Vec::new();
    for name in ["one", "two"] {
        let found = bench.json(&["agent", "find", name, "--port", port]);
        let flash = found["flash_offset"].as_u64().unwrap();
        assert_eq!(flash, BIN + found["offset"].as_u64().unwrap());
        let parted = flash < 8 * MIB;
        across.push(parted);
        // A page goes to the entry of its own number modulo 128.
        assert_eq!(found["vaddr"], 0x3C00_0000 + flash % (8 * MIB), "{found}");
        assert_eq!(found["sliding"], true);
        let said = if parted { json!(true) } else { Value::Null };
        assert_eq!(found["parted"], said, "{found}");
        let text = bench.good(&["agent", "find", name, "--port", port]);
        assert!(text.contains("right until the next question"), "{text}");

        bench.good(&["agent", "read", name, "back", "--port", port]);
        assert!(bench.read("back") == bench.read(name), "{name}");
    }
    across.sort_unstable();
    assert_eq!(across, [false, true]);
    let proven = bench.json(&["agent", "verify", "--port", port]);
    assert_eq!(
        (&proven["files"], &proven["faults"]),
        (&json!(2), &json!([]))
    );
    bench.good(&["agent", "verify", "--image", "pack.bin", "--port", port]);
    let measured = bench.json(&["agent", "bench", "--count", "20", "--port", port]);
    assert!(
        !measured["lines"].as_array().unwrap().is_empty(),
        "{measured}"
    );
    // A region that leaves one half for the other, and the very end.
    bench.good(&["agent", "read", "0x7ff000:0x2000", "middle", "--port", port]);
    let at = 0x7F_F000 - BIN as usize;
    assert!(bench.read("middle") == bench.read("pack.bin")[at..at + 0x2000]);
    let end = bench.json(&["agent", "peek", "0xfffff0:16", "--port", port]);
    assert_eq!(end["bytes"], json!(vec![0xFF; 16]));
    bench.bad(
        1,
        &["agent", "peek", "0xfffff0:17", "--port", port],
        &["0xFFFFF0"],
    );
    board.end("TERM");
}

#[test]
fn the_table_shows_one_half_at_a_time_and_says_so() {
    let bench = Bench::new();
    let board = board(&bench);
    let port = board.port.as_str();
    let map = bench.json(&["agent", "map", "--port", port]);
    assert_eq!(
        (&map["free"], &map["own"], &map["sliding"]),
        (&json!(0), &json!(128), &json!(true))
    );
    let entries = map["entries"].as_array().unwrap();
    for (number, entry) in (0u64..).zip(entries) {
        assert_eq!(entry["flash_offset"], number << 16, "the lower half");
    }
    assert_eq!(entries[127]["partitions"], json!(["bin"]));
    assert_eq!(entries[126]["partitions"], json!([]));
    let text = bench.good(&["agent", "map", "--port", port]);
    assert!(text.contains("pages slide"), "{text}");

    // What is read of the upper half takes the entries of the lower.
    let read = ["agent", "read", "0x820000:0x10000", "up", "--port", port];
    bench.good(&[&read[..], &["--after", "no-reset"]].concat());
    let map = bench.json(&["agent", "map", "--as-is", "--port", port]);
    let shown: Vec<&Value> = map["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| {
            entry["flash_offset"]
                .as_u64()
                .is_some_and(|at| at >= 8 * MIB)
        })
        .collect();
    assert!(!shown.is_empty(), "{map}");
    for entry in shown {
        let page = entry["flash_offset"].as_u64().unwrap() >> 16;
        assert_eq!(entry["index"], page - 128);
        assert_eq!(entry["partitions"], json!(["bin"]));
    }
    board.end("TERM");
}
