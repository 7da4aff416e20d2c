//! `OFFSET=FILE`: each file has the place in the order, the facts and the guards of what it is; and what a plan says of
//! its line and of the bytes beside it.

use flashpack::formats::otadata::{State, record};
use serde_json::Value;

use crate::app_images::{Made, flash};
use crate::cli_run::{Bench, PracticeProcess, json_lines};

const TABLE: &str = "nvs,data,nvs,0x9000,0x4000\notadata,data,ota,0xd000,0x2000\nota_0,app,ota_0,0x10000,0x10000\nfiles,data,undefined,0x20000,0x10000\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("table.csv", TABLE);
    bench.good(&["table", "convert", "table.csv", "table.bin"]);
    bench.write("ota_data_initial.bin", [0xFF; 0x2000]);
    bench.write(
        "chosen.bin",
        flash(0x2000, &[(0, &record(1, State::Undefined))]),
    );
    bench.write("app.bin", Made::default().bytes());
    bench.write("boot.bin", Made::named("boot").bytes());
    bench.write("data", vec![7; 0x1000]);
    bench
}

/// Role and offset of each write, in order.
fn order(answer: &Value) -> Vec<(&str, u64)> {
    let writes = answer["writes"].as_array().unwrap().iter();
    let short = writes.map(|write| {
        let role = write["role"].as_str().unwrap();
        (role, write["offset"].as_u64().unwrap())
    });
    short.collect()
}

#[test]
fn otadata_comes_after_the_app_with_or_without_a_table() {
    let bench = bench();
    for otadata in ["0xd000=ota_data_initial.bin", "0xd000=chosen.bin"] {
        let plan = [
            "write",
            "--dry-run",
            otadata,
            "0x10000=app.bin",
            "0x20000=data",
        ];
        let answer = bench.json(&plan);
        let wanted = [("data", 0x2_0000), ("app", 0x1_0000), ("ota-data", 0xD000)];
        assert_eq!(
            order(&answer),
            wanted,
            "no table is known: by what the files are"
        );
        let app = answer["writes"][1]["app"].as_str().unwrap();
        assert_eq!(app, "demo 1.2.3 for ESP32-C3, 432 bytes");
        let all = ["0x0=boot.bin", "0x8000=table.bin"];
        let answer = bench.json(&[&plan[..], &all].concat());
        let wanted = [
            ("data", 0x2_0000),
            ("app", 0x1_0000),
            ("bootloader", 0),
            ("table", 0x8000),
            ("ota-data", 0xD000),
        ];
        assert_eq!(order(&answer), wanted);
        let app = answer["writes"][1]["app"].as_str().unwrap();
        assert_eq!(app, "demo 1.2.3 for ESP32-C3, 432 bytes of 64 KiB");
    }
}

#[test]
fn the_partition_decides_where_a_table_is_known() {
    let bench = bench();
    let plan = ["write", "--dry-run", "0x8000=table.bin"];
    // An app among data is data, and eight blank kilobytes are only otadata where otadata lies.
    let targets = ["0x20000=app.bin", "0x9000=ota_data_initial.bin"];
    let answer = bench.json(&[&plan[..], &targets].concat());
    assert_eq!(
        order(&answer),
        [("data", 0x9000), ("data", 0x2_0000), ("table", 0x8000)]
    );
    assert_eq!(answer["guards"].as_array().unwrap().len(), 0, "{answer}");
    assert!(answer["writes"][1]["app"].is_null());
    // What is no app is told so, as by the partition's name.
    let text = bench.good(&[&plan[..], &["0x10000=data"]].concat());
    assert!(text.contains("refused without --force app-image"), "{text}");
    // A file over nvs and otadata is refused as a whole, and only once.
    bench.write("wide", vec![7; 0x6000]);
    let text = bench.good(&[&plan[..], &["0x9000=wide"]].concat());
    assert_eq!(text.matches("--force past-partition").count(), 1, "{text}");
    assert!(
        text.contains("wide has 24 KiB and “nvs” has 16 KiB"),
        "{text}"
    );
    let answer = bench.json(&[&plan[..], &["0x9000=wide"]].concat());
    assert_eq!(
        order(&answer),
        [("data", 0x9000), ("table", 0x8000), ("ota-data", 0xD000)]
    );
}

#[test]
fn an_app_for_another_chip_is_noticed_without_a_table() {
    let bench = bench();
    let app = Made {
        chip_id: 9,
        ..Made::default()
    };
    bench.write("s3.bin", app.bytes());
    let text = bench.good(&["write", "--dry-run", "0x10000=s3.bin", "--port", "practice"]);
    assert!(
        text.contains("refused without --force wrong-chip"),
        "{text}"
    );
}

#[test]
fn all_of_a_build_is_written_by_offset() {
    let bench = bench();
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin", "--link", "board"]);
    let write = [
        "write",
        "0x0=boot.bin",
        "0x8000=table.bin",
        "0xd000=chosen.bin",
        "0x10000=app.bin",
        "--force",
        "bootloader",
        "--port",
        "board",
        "--yes",
    ];
    let answer = bench.json(&write);
    assert_eq!(answer["verified"], true);
    board.end("TERM");
    let flash = bench.read("flash.bin");
    for (at, name) in [
        (0, "boot.bin"),
        (0x8000, "table.bin"),
        (0xD000, "chosen.bin"),
        (0x1_0000, "app.bin"),
    ] {
        assert!(flash[at..].starts_with(&bench.read(name)), "{name}");
    }
}

#[test]
fn the_bytes_beside_are_listed_with_their_file_or_its_folder() {
    let bench = bench();
    let backups = |arguments: &[&str]| {
        let answer = bench.json(&[&["write", "--dry-run"], arguments].concat());
        answer["backups"].as_array().unwrap().clone()
    };
    assert_eq!(
        backups(&["0x20000=data", "--port", "practice"]),
        Vec::<Value>::new()
    );
    bench.write("odd", [7; 100]);
    let listed = backups(&["0x20000=odd", "--port", "practice"]);
    let [beside] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(
        beside["what"],
        "What lies beside 0x20000 in the same sectors, if these differ,"
    );
    let place = beside["place"].as_str().unwrap();
    assert!(
        place.contains("beside-") && !place.ends_with("kept"),
        "{place}"
    );
    let listed = backups(&["0x20000=odd"]);
    let place = listed[0]["place"].as_str().unwrap();
    assert!(place.ends_with("kept"), "no board is known: {place}");
}

#[test]
fn time_is_modelled_for_what_carries_the_bytes() {
    let bench = bench();
    let board = PracticeProcess::start(&bench, &[]);
    let seconds = |usb: &str| {
        let output = bench
            .command(&[
                "write",
                "--dry-run",
                "0x20000=data",
                "--port",
                &board.port,
                "--json",
            ])
            .env("FLASHPACK_PORTS", format!("{}={usb}", board.port))
            .output()
            .unwrap();
        let lines = json_lines(&String::from_utf8(output.stdout).unwrap());
        lines.last().unwrap()["modelled"]["seconds_at_most"]
            .as_f64()
            .unwrap()
    };
    let (own, bridge) = (seconds("303A:1001"), seconds("10C4:EA60"));
    assert!(
        own < bridge / 2.0,
        "{own} s on USB, {bridge} s at 115200 baud"
    );
}
