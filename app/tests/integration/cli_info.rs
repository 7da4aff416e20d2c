//! What a board says of itself and what it would boot, against what its own bootloader then does; and tables that lie
//! elsewhere than usual.

use flashpack::formats::otadata::{State, record};

use crate::app_images::{Made, flash};
use crate::cli_run::{Bench, PracticeProcess};

/// Two slots, otadata, and a factory app.
const TABLE: &str = "nvs,data,nvs,0x9000,0x4000\n\
                     otadata,data,ota,0xd000,0x2000\n\
                     factory,app,factory,0x10000,0x10000\n\
                     app0,app,ota_0,0x20000,0x10000\n\
                     app1,app,ota_1,0x30000,0x10000\n";

fn with_table() -> (Bench, Vec<u8>) {
    let bench = Bench::new();
    bench.write("table.csv", TABLE);
    bench.good(&["table", "convert", "table.csv", "table.bin"]);
    let table = bench.read("table.bin");
    (bench, table)
}

fn board(bench: &Bench, contents: &[(usize, &[u8])], faults: &[&str]) -> PracticeProcess {
    bench.write("flash.bin", flash(4 << 20, contents));
    let mut arguments = vec!["--flash", "flash.bin"];
    for fault in faults {
        arguments.extend(["--fault", fault]);
    }
    PracticeProcess::start(bench, &arguments)
}

#[test]
fn info_says_everything_of_a_board() {
    let (bench, table) = with_table();
    let app = Made::named("blink").bytes();
    let board = board(&bench, &[(0x8000, &table), (0x1_0000, &app)], &[]);
    let info = bench.json(&["info", "--port", &board.port]);
    assert_eq!(info["chip"], "esp32c3");
    assert_eq!(info["revision"], serde_json::json!([0, 4]));
    assert_eq!(info["mac"], "60:55:f9:f0:0d:01");
    assert_eq!(info["flash_size"], 4 << 20);
    assert_eq!(info["flash_id"], 0x16_4020);
    assert_eq!(info["secure_boot"], false);
    assert_eq!(info["flash_encrypted"], false);
    assert_eq!(info["boots"]["partition"], "factory");
    assert_eq!(info["boots"]["offset"], 0x1_0000);
    assert_eq!(info["boots"]["app"]["project"], "blink");
    assert_eq!(info["boots"]["app"]["version"], "1.2.3");
    let text = bench.good(&["info", "--port", &board.port]);
    for line in [
        "Flash id          maker 0x20, device 0x4016\n",
        "Security          none: no flash encryption, no secure boot\n",
        "Boots             factory at 0x10000, blink 1.2.3, built Jul 12 2026 10:00:00 (otadata is erased, so factory comes first)\n",
        "tries           app0 at 0x20000: no app\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    board.end("TERM");
}

#[test]
fn what_boots_follows_otadata_and_skips_empty_slots() {
    let (bench, table) = with_table();
    let (first, second) = (Made::named("first").bytes(), Made::named("second").bytes());
    let check = |records: &[(usize, [u8; 32])], partition: &str, why: &str| {
        let mut contents = vec![
            (0x8000, table.as_slice()),
            (0x1_0000, first.as_slice()),
            (0x3_0000, second.as_slice()),
        ];
        contents.extend(records.iter().map(|(at, record)| (*at, record.as_slice())));
        let board = board(&bench, &contents, &[]);
        let info = bench.json(&["info", "--port", &board.port]);
        assert_eq!(info["boots"]["partition"], partition);
        let said = info["boots"]["why"].as_str().unwrap();
        assert!(said.contains(why), "{said}");
        board.end("TERM");
    };
    check(&[], "factory", "otadata is erased");
    check(
        &[(0xD000, record(2, State::Valid))],
        "app1",
        "names slot 1: record 0",
    );
    check(
        &[
            (0xD000, record(2, State::Valid)),
            (0xE000, record(3, State::New)),
        ],
        "factory",
        "names slot 0: record 1, sequence 3, new, but there is no app in app0",
    );
    check(
        &[(0xD000, record(2, State::Aborted))],
        "factory",
        "otadata has no valid record",
    );
}

#[test]
fn a_board_that_boots_nothing_says_why() {
    let (bench, table) = with_table();
    let blank = board(&bench, &[], &[]);
    let info = bench.json(&["info", "--port", &blank.port]);
    assert!(info["boots"]["partition"].is_null());
    assert_eq!(
        info["boots"]["why"],
        "there is no partition table at 0x8000"
    );
    blank.end("TERM");
    let mut wrong = table.clone();
    wrong[5] ^= 0x10;
    let broken = board(&bench, &[(0x8000, &wrong)], &[]);
    let text = bench.good(&["info", "--port", &broken.port]);
    assert!(
        text.contains("nothing: the partition table at 0x8000 has a wrong MD5"),
        "{text}"
    );
    broken.end("TERM");
    let without_app = board(&bench, &[(0x8000, &table)], &[]);
    let text = bench.good(&["info", "--port", &without_app.port]);
    assert!(text.contains("no app partition holds an app"), "{text}");
    without_app.end("TERM");
}

#[test]
fn the_security_state_is_shown() {
    let (bench, _) = with_table();
    let secured = board(&bench, &[], &["encrypted", "secure-boot"]);
    let info = bench.json(&["info", "--port", &secured.port]);
    assert_eq!(info["flash_encrypted"], true);
    assert_eq!(info["secure_boot"], true);
    assert_eq!(
        info["boots"]["why"],
        "the flash is encrypted, so its table cannot be read"
    );
    let text = bench.good(&["info", "--port", &secured.port]);
    assert!(
        text.contains("Security          flash encryption, secure boot\n"),
        "{text}"
    );
    secured.end("TERM");

    // Such a chip answers little, but what it answers is said.
    let closed = board(&bench, &[], &["secure-download"]);
    let info = bench.json(&["info", "--port", &closed.port]);
    assert_eq!(info["chip"], "esp32c3");
    assert_eq!(info["secure_download"], true);
    assert!(info["mac"].is_null() && info["flash_size"].is_null() && info["boots"].is_null());
    bench.bad(
        1,
        &["read", "0:4K", "out", "--port", &closed.port],
        &["secure download mode"],
    );
    closed.end("TERM");
}

#[test]
fn a_table_elsewhere_is_found_where_it_is_said_to_be() {
    let (bench, _) = with_table();
    bench.write(
        "late.csv",
        "nvs,data,nvs,0x11000,0x6000\nfactory,app,factory,0x20000,0x10000\nbin,data,undefined,0x30000,0x10000\n",
    );
    let offset = ["--table-offset", "0x10000"];
    bench.good(&[&["table", "convert", "late.csv", "late.bin"][..], &offset].concat());
    let table = bench.read("late.bin");
    bench.write("one", "one");
    bench.good(&["pack", "pack.bin", "one"]);
    let pack = bench.read("pack.bin");
    let app = Made::named("late").bytes();
    let board = board(
        &bench,
        &[(0x1_0000, &table), (0x2_0000, &app), (0x3_0000, &pack)],
        &[],
    );
    let port = ["--port", board.port.as_str()];
    let good = |words: &[&str]| bench.good(&[words, &port, &offset].concat());
    assert!(good(&["info"]).contains("factory at 0x20000, late 1.2.3"));
    good(&["read", "bin", "out"]);
    assert_eq!(bench.read("out")[..pack.len()], pack);
    good(&["verify", "bin=pack.bin"]);
    good(&["write", "bin=pack.bin", "--yes"]);
    assert!(good(&["agent", "find", "one"]).contains("at 0x"));
    good(&["erase", "bin", "--yes"]);
    // Without it, the place that was looked at is named.
    for words in [
        &["read", "bin", "out2"][..],
        &["write", "bin=pack.bin", "--yes"],
    ] {
        bench.bad(
            1,
            &[words, &port].concat(),
            &["no partition table", "0x8000"],
        );
    }
    bench.bad(
        1,
        &[&["agent", "find", "one"][..], &port].concat(),
        &["no partition table", "0x8000"],
    );
    board.end("TERM");
}

#[test]
fn the_agents_failures_name_what_was_asked() {
    let (bench, table) = with_table();
    let board = board(&bench, &[(0x8000, &table)], &[]);
    let port = ["--port", board.port.as_str()];
    let bad = |words: &[&str], parts: &[&str]| bench.bad(1, &[words, &port].concat(), parts);
    bad(
        &["agent", "find", "x", "--partition", "nosuch"],
        &["x in nosuch"],
    );
    bad(&["agent", "ls", "--partition", "nosuch"], &["nosuch"]);
    bad(&["agent", "verify", "--partition", "nosuch"], &["nosuch"]);
    bad(&["agent", "peek", "0x3fffff0:64"], &["0x3FFFFF0"]);
    board.end("TERM");
}
