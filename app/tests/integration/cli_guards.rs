//! Each guard on the command line: refused with its reason and nothing written, and overridden by its own name only.

use crate::app_images::Made;
use crate::cli_run::{Bench, PracticeProcess};

/// A table with a factory app and a Bin, and files to write.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write(
        "table.csv",
        "nvs,data,nvs,0x9000,0x6000\nfactory,app,factory,0x10000,0x10000\nbin,data,undefined,0x20000,0x10000\n",
    );
    bench.good(&["table", "convert", "table.csv", "table.bin"]);
    bench.write("data", vec![0x5A; 5000]);
    bench.write("large", vec![0x5A; 0x1_1000]);
    bench.write("app.bin", Made::default().bytes());
    bench
}

fn board(bench: &Bench, faults: &[&str]) -> PracticeProcess {
    let mut arguments = vec!["--flash", "flash.bin", "--size", "4MB"];
    for fault in faults {
        arguments.extend(["--fault", fault]);
    }
    PracticeProcess::start(bench, &arguments)
}

/// The write is refused with these words; another name does not help; the name of the guard does.
#[track_caller]
fn check(faults: &[&str], targets: &[&str], name: &str, words: &[&str]) {
    let bench = bench();
    let board = board(&bench, faults);
    let write = [&["write"], targets, &["--port", &board.port, "--yes"]].concat();
    let mut said = words.to_vec();
    said.push("");
    bench.bad(1, &write, &said);
    let other = if name == "misaligned" {
        "bootloader"
    } else {
        "misaligned"
    };
    bench.bad(1, &[&write[..], &["--force", other]].concat(), words);
    let run = bench.run(&write);
    assert!(
        run.stderr.contains(&format!("--force {name}")),
        "{}",
        run.stderr
    );

    // The dry run says the same, and that it would be refused.
    let plan = [&["write"], targets, &["--port", &board.port, "--dry-run"]].concat();
    let text = bench.good(&plan);
    assert!(
        text.contains(&format!("refused without --force {name}")),
        "{text}"
    );
    let json = bench.json(&plan);
    let guards = json["guards"].as_array().unwrap();
    assert!(
        guards
            .iter()
            .any(|guard| guard["name"] == name && guard["forced"] == false),
        "{json}"
    );

    let before = bench.read("flash.bin");
    assert!(
        before.iter().all(|byte| *byte == 0xFF),
        "something was written"
    );
    let forced = [&write[..], &["--force", name]].concat();
    let answer = bench.json(&forced);
    assert_eq!(answer["verified"], true, "{targets:?}");
    board.end("TERM");
    assert_ne!(bench.read("flash.bin"), before);
}

#[test]
fn a_place_inside_a_sector() {
    check(&[], &["0x30010=data"], "misaligned", &["0x30010", "4 KiB"]);
}

#[test]
fn the_bootloaders_region() {
    check(
        &[],
        &["0x1000=data"],
        "bootloader",
        &["data", "0x1000", "starts from"],
    );
}

#[test]
fn something_else_at_the_tables_place() {
    check(&[], &["0x8000=data"], "table-place", &["data", "0x8000"]);
}

#[test]
fn beyond_the_end_of_a_partition() {
    let words = ["large", "bin", "64 KiB"];
    check(
        &[],
        &["0x8000=table.bin", "bin=large"],
        "past-partition",
        &words,
    );
    check(
        &[],
        &["0x8000=table.bin", "0x20000=large"],
        "past-partition",
        &words,
    );
}

#[test]
fn an_encrypted_board_and_one_with_secure_boot() {
    check(
        &["encrypted"],
        &["0x30000=data"],
        "encrypted",
        &["encrypted"],
    );
    check(
        &["secure-boot"],
        &["0x30000=data"],
        "secure-boot",
        &["signed"],
    );
}

#[test]
fn images_that_this_board_cannot_run() {
    let bench = bench();
    let board = board(&bench, &[]);
    let made = |change: &dyn Fn(&mut Made)| {
        let mut made = Made::default();
        change(&mut made);
        made.bytes()
    };
    let mut broken = Made::default().bytes();
    broken[0x130] ^= 1;
    for (name, bytes, words) in [
        (
            "wrong-chip",
            made(&|made| made.chip_id = 9),
            ["ESP32-S3", "ESP32-C3"],
        ),
        (
            "wrong-revision",
            made(&|made| made.revisions = (100, 199)),
            ["v1.0", "v0.4"],
        ),
        (
            "flash-size",
            made(&|made| made.flash_code = 3),
            ["8 MiB", "4 MiB"],
        ),
        ("app-image", broken, ["checksum", "factory"]),
        ("app-image", b"not an image".to_vec(), ["E9", "factory"]),
    ] {
        bench.write("app", &bytes);
        let write = [
            "write",
            "0x8000=table.bin",
            "factory=app",
            "--port",
            &board.port,
            "--yes",
        ];
        let run = bench.run(&write);
        assert_eq!(run.status.code(), Some(1), "{name}");
        assert!(run.stderr.contains(name), "{}", run.stderr);
        assert!(
            words.iter().all(|word| run.stderr.contains(word)),
            "{}",
            run.stderr
        );
        let forced = bench.json(
            &[
                &write[..],
                &["--force", "app-image,wrong-chip,wrong-revision,flash-size"],
            ]
            .concat(),
        );
        assert_eq!(forced["verified"], true, "{name}");
        bench.good(&["erase", "all", "--port", &board.port, "--yes"]);
    }
    bench.good(&[
        "write",
        "0x8000=table.bin",
        "factory=app.bin",
        "--port",
        &board.port,
        "--yes",
    ]);
    board.end("TERM");
    assert_eq!(
        bench.read("flash.bin")[0x1_0000..][..0x100],
        bench.read("app.bin")[..0x100]
    );
}

#[test]
fn a_project_for_another_chip() {
    let bench = Bench::with_sample();
    let project = String::from_utf8(bench.read("sample.flashpack")).unwrap();
    bench.write("s3.flashpack", project.replace("esp32c3", "esp32s3"));
    let board = board(&bench, &[]);
    let write = ["write", "s3.flashpack", "--port", &board.port, "--yes"];
    bench.bad(1, &write, &["ESP32-S3", "ESP32-C3"]);
    // A chip that was named on the command line is meant.
    let named = [&write[..], &["--force", "wrong-chip", "--chip", "esp32s3"]].concat();
    bench.bad(1, &named, &["ESP32-C3"]);
    bench.good(&[&write[..], &["--force", "wrong-chip"]].concat());
    board.end("TERM");
}

#[test]
fn what_nothing_overrides() {
    let bench = bench();
    let board = board(&bench, &[]);
    let all = "app-image,bootloader,encrypted,flash-size,misaligned,past-partition,secure-boot,table-place,wrong-chip,wrong-revision";
    let bad = |targets: &[&str], words: &[&str]| {
        let options = ["--port", board.port.as_str(), "--yes", "--force", all];
        bench.bad(1, &[&["write"], targets, &options].concat(), words);
    };
    bad(&["0x3ff000=data"], &["0x400000"]);
    bad(&["0x30000=data", "0x31000=data"], &["overlap"]);
    board.end("TERM");
    let closed = self::board(&bench, &["secure-download"]);
    bench.bad(
        1,
        &[
            "write",
            "0x30000=data",
            "--port",
            &closed.port,
            "--yes",
            "--force",
            all,
        ],
        &["secure download mode"],
    );
    closed.end("TERM");
}

#[test]
fn names_that_are_none_are_wrong_usage_and_the_help_lists_them() {
    let bench = bench();
    let write = ["write", "0x30000=data", "--port", "practice", "--force"];
    for name in ["everything", "wrong-chip,everything", ""] {
        bench.bad(2, &[&write[..], &[name]].concat(), &["wrong-chip"]);
    }
    let help = bench.good(&["write", "--help"]);
    for guard in flashpack::model::guard::GuardName::ALL {
        assert!(help.contains(guard.name()), "{help}");
    }
}

#[test]
fn a_valid_table_needs_only_a_yes() {
    let bench = bench();
    let board = board(&bench, &[]);
    let write = ["write", "0x8000=table.bin", "--port", &board.port];
    bench.bad(1, &write, &["without a yes"]);
    bench.good(&[&write[..], &["--yes"]].concat());
    board.end("TERM");
}

#[test]
fn the_dry_run_says_order_losses_and_modelled_time() {
    let bench = bench();
    let plan = [
        "write",
        "0x8000=table.bin",
        "factory=app.bin",
        "bin=data",
        "--dry-run",
    ];
    let answer = bench.json(&plan);
    let order: Vec<(&str, u64)> = answer["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|write| {
            (
                write["target"].as_str().unwrap(),
                write["step"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(order, [("bin", 1), ("factory", 2), ("partition table", 3)]);
    assert!(
        answer["writes"][0]["destroys"][0]
            .as_str()
            .unwrap()
            .contains("first 4.88 KiB of bin")
    );
    let modelled = &answer["modelled"];
    let (least, most) = (&modelled["seconds_at_least"], &modelled["seconds_at_most"]);
    assert!(least.as_f64().unwrap() < most.as_f64().unwrap(), "{answer}");
    assert!(modelled["bytes_at_most"].as_u64().unwrap() >= answer["bytes"].as_u64().unwrap());
    let text = bench.good(&plan);
    assert!(
        text.contains(" 1.    0x20000  bin: 4.88 KiB from data. Replaces"),
        "{text}"
    );
    assert!(text.contains("modelled"), "{text}");
    assert!(
        text.contains("from app.bin (demo 1.2.3 for ESP32-C3, 432 bytes of 64 KiB)"),
        "{text}"
    );
    let hit = bench.good(&["write", "0x8000=table.bin", "0x1f000=large", "--dry-run"]);
    assert!(
        hit.contains("Replaces 69632 bytes at 0x1F000, in factory, bin"),
        "{hit}"
    );
    let fast = bench.json(&[&plan[..], &["--baud", "921600"]].concat());
    assert!(fast["modelled"]["seconds_at_most"].as_f64() < most.as_f64());
}
