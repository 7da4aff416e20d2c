//! Choosing the app to boot, and ELF files: written, and then judged by the practice board's own bootloader.

use flashpack::formats::otadata::OtaData;

use crate::app_images::{Made, flash};
use crate::cli_run::{Bench, PracticeProcess};
use crate::elf_file;

const TABLE: &str = "nvs,data,nvs,0x9000,0x4000\n\
                     otadata,data,ota,0xd000,0x2000\n\
                     factory,app,factory,0x10000,0x40000\n\
                     app0,app,ota_0,0x50000,0x40000\n\
                     app1,app,ota_1,0x90000,0x40000\n";

fn with_table() -> Bench {
    let bench = Bench::new();
    bench.write("table.csv", TABLE);
    bench.good(&["table", "convert", "table.csv", "table.bin"]);
    bench
}

fn boots(bench: &Bench, port: &str) -> String {
    let info = bench.json(&["info", "--port", port]);
    info["boots"]["partition"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_slot_is_chosen_after_its_app_is_written() {
    let bench = with_table();
    let app = Made::named("old").bytes();
    let table = bench.read("table.bin");
    bench.write(
        "flash.bin",
        flash(
            4 << 20,
            &[(0x8000, &table), (0x1_0000, &app), (0x5_0000, &app)],
        ),
    );
    bench.write("new.bin", Made::named("new").bytes());
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let port = ["--port", board.port.as_str(), "--yes"];
    assert_eq!(boots(&bench, &board.port), "factory");

    let plan = bench.json(&[
        "write",
        "app1=new.bin",
        "--boot",
        "app1",
        "--dry-run",
        "--port",
        &board.port,
    ]);
    let order: Vec<&str> = plan["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|write| write["target"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["app1", "otadata"]);
    assert_eq!(plan["guards"].as_array().unwrap().len(), 0);

    bench.good(&[&["write", "app1=new.bin", "--boot", "app1"][..], &port].concat());
    assert_eq!(boots(&bench, &board.port), "app1");
    bench.good(&[&["write", "--boot", "ota_0"][..], &port].concat());
    assert_eq!(boots(&bench, &board.port), "app0");
    bench.good(&["read", "0xd000:0x2000", "now", "--port", &board.port]);
    let otadata = OtaData::read(&bench.read("now"));
    assert_eq!(
        otadata.records.map(|record| record.unwrap().sequence),
        [2, 3]
    );
    bench.good(&[&["write", "--boot", "factory"][..], &port].concat());
    assert_eq!(boots(&bench, &board.port), "factory");
    board.end("TERM");
    assert!(
        bench.read("flash.bin")[0xD000..0xF000]
            .iter()
            .all(|byte| *byte == 0xFF)
    );
}

#[test]
fn what_cannot_boot_is_not_chosen() {
    let bench = with_table();
    let table = bench.read("table.bin");
    bench.write("flash.bin", flash(4 << 20, &[(0x8000, &table)]));
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let bad = |words: &[&str], parts: &[&str]| {
        bench.bad(
            1,
            &[words, &["--port", &board.port, "--yes"]].concat(),
            parts,
        );
    };
    bad(&["write", "--boot", "app1"], &["app1", "no app"]);
    bad(&["write", "--boot", "nosuch"], &["nosuch"]);
    bench.write("otadata", [0xFF; 64]);
    bad(
        &["write", "otadata=otadata", "--boot", "app1"],
        &["otadata"],
    );
    bench.good(&[
        "write",
        "--boot",
        "app1",
        "--force",
        "app-image",
        "--port",
        &board.port,
        "--yes",
    ]);
    let info = bench.json(&["info", "--port", &board.port]);
    assert!(
        info["boots"]["why"]
            .as_str()
            .unwrap()
            .contains("names slot 1")
    );
    board.end("TERM");
    let blank = PracticeProcess::start(&bench, &[]);
    let write = ["write", "--boot", "app1", "--port", &blank.port, "--yes"];
    bench.bad(1, &write, &["no partition table", "0x8000"]);
    blank.end("TERM");
}

#[test]
fn an_elf_file_is_written_as_the_app_image_that_the_chip_loads() {
    let bench = with_table();
    bench.write("app.elf", elf_file::app());
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let port = ["--port", board.port.as_str(), "--yes"];
    let run = bench.run(&[&["write", "0x8000=table.bin", "factory=app.elf"][..], &port].concat());
    assert!(run.status.success(), "{}", run.stderr);
    assert!(
        run.stderr.contains("app.elf is an ELF file"),
        "{}",
        run.stderr
    );
    let info = bench.json(&["info", "--port", &board.port]);
    assert_eq!(info["boots"]["app"]["project"], "blink");
    bench.good(&["verify", "factory=app.elf", "--port", &board.port]);
    bench.good(&[&["write", "0x50000=app.elf"][..], &port].concat());
    board.end("TERM");
    let flash = bench.read("flash.bin");
    assert_eq!(flash[0x1_0000], 0xE9);
    assert_eq!(flash[0x1_0000..0x2_0000], flash[0x5_0000..0x6_0000]);

    // For another chip, or broken, it is refused before anything is written; elsewhere it is only bytes.
    let board = PracticeProcess::start(&bench, &["--fault", "chip:esp32s3"]);
    let write = [
        "write",
        "0x8000=table.bin",
        "factory=app.elf",
        "--port",
        &board.port,
        "--yes",
    ];
    bench.bad(1, &write, &["app.elf", "RISC-V"]);
    bench.write("cut.elf", &elf_file::app()[..500]);
    bench.bad(
        1,
        &[
            "write",
            "0x8000=table.bin",
            "factory=cut.elf",
            "--chip",
            "esp32c3",
            "--dry-run",
        ],
        &["cut.elf", "cut off"],
    );
    bench.good(&["write", "0x8000=table.bin", "nvs=app.elf", "--dry-run"]);
    board.end("TERM");
}

#[test]
fn an_app_is_inspected_with_everything_that_a_write_checks() {
    let bench = with_table();
    bench.write("app.bin", Made::default().bytes());
    let text = bench.good(&["inspect", "app.bin"]);
    for fact in [
        "Chip: ESP32-C3",
        "Project: demo",
        "Version: 1.2.3",
        "Checksum: right",
        "SHA-256: right",
        "Flash size in header: 4 MiB",
        "Runs on revisions: v0.0 to v1.99",
    ] {
        assert!(text.contains(fact), "{fact}\n{text}");
    }
}
