//! The agent as an app in flash: installed into a slot, started by the bootloader, asked there, and taken out again with
//! every byte as it was. On the practice board, and on Espressif's ROM where an emulator is named.

use std::path::Path;
use std::sync::Arc;

use device_agent::reply::MapHeader;
use device_agent::request::{Into as RestartInto, MapAction};
use flashpack::device::agent_client::AgentClient;
use flashpack::device::practice::Faults;
use flashpack::device::serial::SerialLink;
use flashpack::device::{agent_image, bootloader};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{FlashChange, LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::formats::otadata::{OtaData, State, record};
use flashpack::model::chip::Chip;
use flashpack::model::flash_plan::FlashPlan;
use flashpack::store::kept::KeptFolder;
use serde_json::{Value, json};

use crate::agent_soak::filled_flash;
use crate::app_images::{Made, flash};
use crate::cli_run::{Bench, PracticeProcess};
use crate::emulator::Emulator;
use crate::neighbour_bytes::{Place, noise};
use crate::practice_agent::connection;
use crate::seed_path::run;

const MIB: usize = 1 << 20;
const SLOTS: &str = "otadata,data,ota,0xe000,0x2000\n\
                     app0,app,ota_0,0x10000,0x40000\n\
                     app1,app,ota_1,0x50000,0x40000\n\
                     tiny,app,test,0x90000,0x3000\n\
                     bin,data,undefined,0x100000,0x40000\n";
const FACTORY: &str = "nvs,data,nvs,0x9000,0x6000\n\
                       factory,app,factory,0x10000,0x40000\n\
                       bin,data,undefined,0x100000,0x40000\n";

/// A flash of 4 MiB with a bootloader, this table, and a pack in `bin`; what was there before lies in it as noise.
fn board_of(bench: &Bench, table: &str, more: &[(usize, &[u8])]) -> Vec<u8> {
    bench.write("table.csv", table);
    bench.write("one", "the file that is looked for");
    bench.good(&["table", "convert", "table.csv", "table.bin"]);
    bench.good(&["pack", "pack.bin", "one"]);
    let (table, pack) = (bench.read("table.bin"), bench.read("pack.bin"));
    let start = bootloader::bundled(Chip::Esp32c3, 4 << 20).unwrap();
    let old = noise(0x9_0000, 5);
    let mut contents: Vec<(usize, &[u8])> = vec![
        (0, &start),
        (0x1_0000, &old),
        (0x8000, &table),
        (0x10_0000, &pack),
    ];
    contents.extend(more);
    flash(4 * MIB, &contents)
}

fn targets(plan: &Value) -> Vec<String> {
    let writes = plan["writes"].as_array().unwrap().iter();
    writes
        .map(|write| write["target"].as_str().unwrap().to_owned())
        .collect()
}

/// Installs, resets, asks, and takes it out again; every byte is as it was.
fn there_and_back(contents: &[u8], install: &[&str], expected: &[&str], boots_at: &str) {
    let bench = Bench::new();
    bench.write("flash.bin", contents);
    let has_pack = contents[0x10_0000] != 0xFF;
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let port = ["--port", board.port.as_str()];
    let words = [&["agent", "install"][..], install, &port].concat();
    let plan = bench.json(&[&words[..], &["--dry-run"]].concat());
    assert_eq!(targets(&plan), expected);
    assert_eq!(plan["guards"].as_array().unwrap().len(), 0, "{plan}");
    assert!(
        plan["backups"].to_string().contains("agent-replaced-60-55"),
        "{plan}"
    );
    bench.bad(1, &words, &["Not done without a yes"]);
    let done = bench.json(&[&words[..], &["--yes"]].concat());
    assert_eq!(done["verified"], true);

    bench.good(&[&["reset"][..], &port].concat());
    // It stays there from one command to the next, and is never loaded.
    for _ in 0..2 {
        let info = bench.json(&[&["agent", "info"][..], &port].concat());
        assert_eq!(
            (&info["in_flash"], &info["mmu_free"]),
            (&json!(true), &json!(125))
        );
    }
    if has_pack {
        let found = bench.json(&[&["agent", "find", "one"][..], &port].concat());
        assert_eq!(found["size"], 27);
        bench.good(&[&["agent", "read", "one", "back"][..], &port].concat());
        assert_eq!(bench.read("back"), b"the file that is looked for");
    }
    let map = bench.json(&[&["agent", "map", "--as-is"][..], &port].concat());
    let entries = map["entries"].as_array().unwrap();
    let slot = u64::from_str_radix(boots_at, 16).unwrap();
    for (entry, offset) in [0, 1, 127].map(|entry| (entry, slot)) {
        assert_eq!(entries[entry]["flash_offset"], offset, "entry {entry}");
        assert_eq!(entries[entry]["own"], false, "entry {entry}");
    }

    let info = bench.json(&[&["info"][..], &port].concat());
    assert_eq!(info["boots"]["app"]["project"], "flashpack-agent");
    let restore = [&["agent", "restore"][..], &port].concat();
    bench.bad(1, &restore, &["Not done without a yes"]);
    bench.good(&[&restore[..], &["--yes"]].concat());
    bench.bad(
        1,
        &[&restore[..], &["--yes"]].concat(),
        &["Nothing is saved", "60:55:f9:f0:0d:01"],
    );
    board.end("TERM");
    assert!(
        bench.read("flash.bin") == contents,
        "the flash is not what it was"
    );
}

#[test]
fn into_the_ota_slot_that_boots_and_out_again() {
    let bench = Bench::new();
    let app = Made::named("blink").bytes();
    let second = record(2, State::Valid);
    let contents = board_of(
        &bench,
        SLOTS,
        &[(0xE000, &second), (0x1_0000, &app), (0x5_0000, &app)],
    );
    there_and_back(&contents, &[], &["app1"], "50000");
    // The other slot by its name and by its number: otadata names it, last of all.
    there_and_back(
        &contents,
        &["--slot", "app0"],
        &["app0", "otadata"],
        "10000",
    );
    there_and_back(
        &contents,
        &["--slot", "ota_0"],
        &["app0", "otadata"],
        "10000",
    );
}

#[test]
fn a_bootloader_that_writes_its_choice_down_is_put_back_too() {
    // Blank otadata and no factory app: the bootloader itself records the slot that it took.
    let bench = Bench::new();
    let contents = board_of(&bench, SLOTS, &[]);
    there_and_back(&contents, &[], &["app0"], "10000");
}

#[test]
fn an_app_on_trial_would_be_turned_away_from() {
    let bench = Bench::new();
    let app = Made::named("blink").bytes();
    let trial = record(2, State::PendingVerify);
    let contents = board_of(&bench, SLOTS, &[(0xE000, &trial), (0x5_0000, &app)]);
    there_and_back(&contents, &[], &["app1", "otadata"], "50000");
}

#[test]
fn into_the_only_app_of_a_board_without_otadata() {
    let bench = Bench::new();
    let app = Made::named("blink").bytes();
    let contents = board_of(&bench, FACTORY, &[(0x1_0000, &app)]);
    there_and_back(&contents, &[], &["factory"], "10000");
}

#[test]
fn a_blank_board_gets_bootloader_and_table_too() {
    let expected = ["factory", "bootloader", "partition table"];
    there_and_back(&vec![0xFF; 4 * MIB], &[], &expected, "10000");
    // A damaged bootloader is none, and a sound table stays.
    let bench = Bench::new();
    let mut contents = board_of(&bench, FACTORY, &[]);
    contents[0x1234] ^= 1;
    there_and_back(&contents, &[], &["factory", "bootloader"], "10000");
}

#[track_caller]
fn planned(place: &Place, change: FlashChange) -> Arc<FlashPlan> {
    let request = Request::AgentInFlash {
        change,
        table_offset: 0x8000,
    };
    match place.run(request).1 {
        Event::Finished(Outcome::AgentPlanned(planned)) => planned.plan,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn carried_out(place: &Place, change: FlashChange) {
    let plan = planned(place, change);
    let ending = place.run(Request::Write(plan)).1;
    let written = matches!(&ending, Event::Finished(Outcome::Written(summary)) if summary.verified);
    assert!(written, "{ending:?}");
}

#[test]
fn cut_at_any_operation_it_is_finished_or_taken_back() {
    let bench = Bench::new();
    let app = Made::named("blink").bytes();
    let contents = board_of(
        &bench,
        SLOTS,
        &[(0xE000, &record(2, State::Valid)), (0x5_0000, &app)],
    );
    // Bootloader, app and otadata change.
    let contents = [&[0xFF; 0x100][..], &contents[0x100..]].concat();
    let install = || FlashChange::Install {
        slot: Some("app0".into()),
    };
    let counting = Place::new();
    counting.board.test_access().overwrite(0, &contents);
    carried_out(&counting, install());
    let operations = counting.board.test_access().operations();
    assert!(operations > 100, "{operations}");

    let place = Place::new();
    let look = place.board.test_access();
    look.overwrite(0, &contents);
    // The first and the last operation, and every eleventh.
    for cut in (0..operations).step_by(11).chain([operations - 1]) {
        let mut faults = Faults::default();
        let word = format!("unplug:flash@{}=never", look.operations() + cut);
        faults.add_word(&word).unwrap();
        look.add_flash_faults(&faults);
        let plan = planned(&place, install());
        let ending = place.run(Request::Write(plan)).1;
        assert!(matches!(ending, Event::Failed(_)), "{cut}: {ending:?}");
        look.replug();
        let said = place.run(Request::Detect).0.concat();
        assert!(said.contains("install of the agent to app0"), "{said}");
        if cut % 2 == 0 {
            // Without its name: what was begun goes on.
            carried_out(&place, FlashChange::Install { slot: None });
            let held = look.flash();
            assert!(held[0x1_0000..].starts_with(agent_image::bundled_app()));
            assert_eq!(OtaData::read(&held[0xE000..]).slot(2), Some(0), "{cut}");
        }
        carried_out(&place, FlashChange::Restore);
        assert!(look.flash() == contents, "{cut}: not as it was");
        assert_eq!(place.run(Request::Detect).0, Vec::<String>::new());
    }
}

#[test]
fn what_is_replaced_is_on_disk_before_anything_is_erased() {
    let place = Place::new();
    let look = place.board.test_access();
    let plan = planned(&place, FlashChange::Install { slot: None });
    std::fs::write(place.kept_in(), "a file where the folder should be").unwrap();
    let Event::Failed(error) = place.run(Request::Write(plan.clone())).1 else {
        panic!("without a place for it")
    };
    assert!(error.message.contains("Nothing was erased"), "{error:?}");
    assert_eq!(look.operations(), 0);

    std::fs::remove_file(place.kept_in()).unwrap();
    place.run(Request::Write(plan));
    let kept = place.kept_in().join("agent-replaced-60-55-f9-f0-0d-01.bin");
    let mut damaged = std::fs::read(&kept).unwrap();
    assert!(damaged.iter().all(|byte| *byte == 0xFF), "a blank board");
    damaged[77] = 0;
    std::fs::write(&kept, damaged).unwrap();
    let request = Request::AgentInFlash {
        change: FlashChange::Restore,
        table_offset: 0x8000,
    };
    let Event::Failed(error) = place.run(request).1 else {
        panic!("damaged bytes are not put back")
    };
    assert!(
        error
            .message
            .contains("does not hold what its manifest says"),
        "{error:?}"
    );
}

#[test]
fn what_does_not_fit_is_refused_and_what_changed_meanwhile_is_said() {
    let bench = Bench::new();
    let app = Made::named("blink").bytes();
    let contents = board_of(&bench, SLOTS, &[(0x1_0000, &app), (0x5_0000, &app)]);
    bench.write("flash.bin", &contents);
    bench.write("new.bin", Made::named("newer").bytes());
    let board = PracticeProcess::start(&bench, &["--flash", "flash.bin"]);
    let port = ["--port", board.port.as_str(), "--yes"];
    let install = |slot| [&["agent", "install", "--slot", slot][..], &port].concat();
    bench.bad(1, &install("nosuch"), &["no app partition “nosuch”"]);
    bench.bad(1, &install("bin"), &["no app partition “bin”"]);
    bench.bad(1, &install("tiny"), &["tiny", "12 KiB"]);
    bench.good(&install("app0"));
    bench.bad(1, &install("app1"), &["into app0", "already"]);
    // The same again changes nothing, and keeps what was saved.
    bench.good(&install("app0"));

    bench.good(&[&["write", "app0=new.bin"][..], &port].concat());
    let words = [&["agent", "restore", "--dry-run"][..], &port].concat();
    let run = bench.run(&words);
    assert!(
        run.status.success() && run.stderr.contains("newer 1.2.3"),
        "{}",
        run.stderr
    );
    let run = bench.run(&install("app1"));
    assert!(
        run.status.success() && run.stderr.contains("set aside"),
        "{}",
        run.stderr
    );
    bench.good(&[&["agent", "restore"][..], &port].concat());
    board.end("TERM");
    let now = bench.read("flash.bin");
    assert!(now[0x5_0000..] == contents[0x5_0000..], "app1 is back");
    assert!(
        now[0x1_0000..].starts_with(&bench.read("new.bin")),
        "app0 is left alone"
    );

    for (faults, part) in [
        (&["--fault", "chip:esp32s3"][..], "ESP32-S3"),
        (&["--fault", "encrypted"], "encrypted"),
        (&["--fault", "secure-boot"], "signed"),
    ] {
        let board = PracticeProcess::start(&bench, faults);
        let words = ["agent", "install", "--port", &board.port, "--yes"];
        bench.bad(1, &words, &[part]);
        board.end("TERM");
    }
    bench.write("none.csv", "nvs,data,nvs,0x9000,0x6000\n");
    bench.good(&["table", "convert", "none.csv", "none.bin"]);
    bench.write(
        "none-flash.bin",
        flash(4 * MIB, &[(0x8000, &bench.read("none.bin"))]),
    );
    let board = PracticeProcess::start(&bench, &["--flash", "none-flash.bin"]);
    let words = ["agent", "install", "--port", &board.port, "--yes"];
    bench.bad(1, &words, &["no app partition for the agent"]);
    board.end("TERM");
}

/// A worker of its own, with a folder of kept files.
fn worker(port: &Path, kept: &Path) -> Worker {
    let around = Surroundings::new(Arc::new(KeptFolder::at(kept.to_owned())));
    // The emulator shares this computer with everything else.
    let options = LinkOptions {
        stub_only: true,
        patience_percent: 500,
        ..LinkOptions::default()
    };
    let port = PortChoice::Path(port.to_owned());
    Worker::start_in(&around, &port, options, Arc::new(|| ())).unwrap()
}

fn change(worker: &mut Worker, change: FlashChange) {
    let request = Request::AgentInFlash {
        change,
        table_offset: 0x8000,
    };
    let Outcome::AgentPlanned(planned) = run(worker, request) else {
        panic!("no plan")
    };
    let Outcome::Written(summary) = run(worker, Request::Write(planned.plan)) else {
        panic!("not written")
    };
    assert!(summary.verified);
}

#[test]
fn espressifs_bootloader_starts_it_on_the_real_rom() {
    let before = filled_flash();
    let test = "espressifs_bootloader_starts_it_on_the_real_rom";
    let Some(emulator) = Emulator::with_flash(test, &before) else {
        return;
    };
    let kept = tempfile::tempdir().unwrap();
    let mut working = worker(emulator.port(), kept.path());
    change(&mut working, FlashChange::Install { slot: None });
    drop(working);
    let installed = emulator.flash();
    assert!(installed[0x1_0000..].starts_with(agent_image::bundled_app()));

    let (emulator, said) = emulator.boot("Loaded app from partition at offset 0x10000");
    assert!(said.contains("2nd stage bootloader"), "{said}");
    let connection = connection(emulator.port());
    let mut agent = AgentClient::new(SerialLink::new(Box::new(connection.into_serial())));
    let info = agent.info().unwrap();
    assert!(info.flags.has(device_agent::reply::InfoFlags::SHARED));
    assert_eq!(info.flash_size as usize, installed.len());
    // The bootloader's entries: the app's two, and the last.
    let shown = |agent: &mut AgentClient<_>, action| {
        let map = agent.map(action).unwrap();
        [0, 1, 127].map(|entry: usize| map.entries[entry])
    };
    let of_bootloader = shown(&mut agent, MapAction::Report);
    assert_eq!(of_bootloader[..2], [1, 1], "page 1, not the agent's own");
    assert_eq!(of_bootloader[2] & (MapHeader::INVALID | MapHeader::OWN), 0);
    assert_eq!(shown(&mut agent, MapAction::All), of_bootloader);
    let on = &mut |_| std::ops::ControlFlow::Continue(());
    let digests = agent.digests(0, installed.len() as u32, on).unwrap();
    for (number, (sector, digest)) in installed.chunks(4096).zip(&digests).enumerate() {
        assert_eq!(digest.crc32, crc32fast::hash(sector), "sector {number}");
    }
    let tested = agent.self_test(0, 0x2_0000).unwrap();
    assert_eq!((tested.compared, tested.different), (0x2_0000, 0));
    assert_eq!(shown(&mut agent, MapAction::Release), of_bootloader);
    // A reset leads to it again.
    agent.restart(RestartInto::Flash).unwrap();
    assert_eq!(shown(&mut agent, MapAction::Report), of_bootloader);
    drop(agent);

    // The emulator has no register for the forced download mode; BOOT is held instead.
    let emulator = emulator.hold_boot();
    change(
        &mut worker(emulator.port(), kept.path()),
        FlashChange::Restore,
    );
    assert!(emulator.flash() == before, "the flash is not what it was");
}
