//! What the agent proves: every file of a nested pack, the MMU table, digests, a comparison and a benchmark; from the
//! ROM's loader and from the stub. It runs on the practice board, and on Espressif's ROM where an emulator is named.

use std::path::Path;
use std::sync::Arc;

use device_agent::crc::{Digests, Sums};
use device_agent::message::UNKNOWN;
use device_agent::request::{FindFlags, Into as RestartInto, Place};
use flashpack::device::agent_client::AgentClient;
use flashpack::device::practice::{Board, Options};
use flashpack::device::serial::SerialLink;
use flashpack::engine::compare_files::{expected, expected_in};
use flashpack::engine::event::{BoardMap, Event, FileState, Outcome};
use flashpack::engine::pack::PackedImage;
use flashpack::engine::plan;
use flashpack::engine::request::{
    ExpectedFile, LinkOptions, Mapping, PortChoice, Question, Request,
};
use flashpack::engine::worker::Worker;

use crate::agent_soak::filled_flash;
use crate::emulator::Emulator;
use crate::practice_agent::{connection, start_agent};
use crate::seed_path::{packed, run, sample};

#[track_caller]
fn ask(worker: &mut Worker, question: Question) -> Outcome {
    run(worker, Request::Agent(question))
}

fn worker(port: &Path) -> Worker {
    let port = PortChoice::Path(port.to_owned());
    Worker::start(&port, LinkOptions::default(), Arc::new(|| ())).unwrap()
}

fn map(worker: &mut Worker, mapping: Mapping) -> BoardMap {
    let Outcome::AgentMap(map) = ask(worker, Question::Map(mapping)) else {
        panic!()
    };
    map
}

fn compare(worker: &mut Worker, files: Arc<[ExpectedFile]>) -> Vec<(String, FileState)> {
    let question = Question::Compare {
        partition: "bin".into(),
        files,
    };
    let Outcome::FilesCompared(comparison) = ask(worker, question) else {
        panic!()
    };
    let verdicts = comparison.files.into_iter();
    verdicts.map(|file| (file.path, file.state)).collect()
}

/// Everything that can be asked about flash filled by [`filled_flash`], by an agent that comes from the ROM's loader.
fn prove(port: &Path, image: &PackedImage) {
    let mut worker = worker(port);
    prove_map(&mut worker);
    prove_directories(&mut worker, image);
    prove_comparisons(&mut worker, image);
    prove_bench(&mut worker);
    let missing = Question::List {
        partition: "nothere".into(),
        path: String::new(),
    };
    worker.submit(Request::Agent(missing)).unwrap();
    let failed = std::iter::from_fn(|| worker.wait_event()).find(Event::is_ending);
    let Some(Event::Failed(error)) = failed else {
        panic!("{failed:?}")
    };
    assert!(error.message.contains("nothere"), "{error:?}");
}

fn prove_map(worker: &mut Worker) {
    let seen = map(worker, Mapping::All);
    assert_eq!((seen.mmu.own, seen.mmu.free), (64, 64));
    for (number, entry) in (0..).zip(&seen.mmu.entries[..64]) {
        assert_eq!(entry.flash_offset, Some(number * 0x1_0000));
        assert_eq!(entry.vaddr, 0x3C00_0000 + number * 0x1_0000);
    }
    assert_eq!(seen.mmu.entries[64].flash_offset, None);
    let bin = seen.partition("bin").expect("the board's own table");
    assert_eq!(bin.region.offset, 0x30_0000);
    assert_eq!(
        seen.shown_by(&seen.mmu.entries[48]).next().unwrap().name,
        "bin"
    );
    assert_eq!(map(worker, Mapping::Released).mmu.free, 128);
    assert_eq!(map(worker, Mapping::AsItIs).mmu.own, 1, "the table's page");
}

fn prove_directories(worker: &mut Worker, image: &PackedImage) {
    let place = |path: &str| ("bin".to_owned(), path.to_owned());
    for folder in ["", "deep"] {
        let (partition, path) = place(folder);
        let Outcome::Listed(entries) = ask(worker, Question::List { partition, path }) else {
            panic!()
        };
        for entry in &entries {
            let path = format!("{folder}/{}", entry.name);
            let packed = image
                .entries
                .iter()
                .find(|packed| packed.path == path.trim_start_matches('/'));
            let packed = packed.expect("the pack has it");
            assert_eq!((entry.offset, entry.size), (packed.offset, packed.size));
            assert_eq!((entry.crc32, entry.corrupt), (Some(packed.crc32), false));
            assert_eq!(entry.folder, packed.folder);
        }
    }
    for (path, bins) in [("", 2), ("deep", 1), ("readme", 0)] {
        let (partition, path) = place(path);
        let Outcome::AgentVerified(report) = ask(worker, Question::Verify { partition, path })
        else {
            panic!()
        };
        assert_eq!((report.bins, report.unchecked), (bins, 0));
        assert!(report.faults.is_empty() && report.bytes > 0, "{report:?}");
    }
}

fn prove_comparisons(worker: &mut Worker, image: &PackedImage) {
    let files = expected(image);
    assert_eq!(
        expected_in(&image.bytes).unwrap(),
        files,
        "as read from its bytes"
    );
    let verdicts = compare(worker, files.clone());
    assert_eq!(verdicts.len(), files.len());
    assert!(verdicts.iter().all(|(_, state)| *state == FileState::Same));
    let mut other: Vec<ExpectedFile> = files.to_vec();
    other.retain(|file| file.path != "tone.wav");
    for file in &mut other {
        match file.path.as_str() {
            "readme" => file.crc32 ^= 1,
            "logo.png" => file.offset += 16,
            "deep/f001" => file.size += 1,
            _ => {}
        }
    }
    other.push(ExpectedFile {
        path: "nothere".into(),
        ..other[0].clone()
    });
    let verdicts = compare(worker, other.into());
    for (path, expected) in [
        ("readme", FileState::Differs),
        ("logo.png", FileState::Moved),
        ("deep/f001", FileState::Differs),
        ("deep/f002", FileState::Same),
        ("nothere", FileState::Missing),
        ("tone.wav", FileState::Extra),
    ] {
        let found = verdicts.iter().find(|(name, _)| name == path);
        assert_eq!(found.map(|(_, state)| *state), Some(expected), "{path}");
    }
}

fn prove_bench(worker: &mut Worker) {
    let question = Question::Bench {
        partition: "bin".into(),
        path: String::new(),
        count: 20,
    };
    let Outcome::Benched(bench) = ask(worker, question) else {
        panic!()
    };
    assert!(
        bench
            .lines
            .iter()
            .any(|line| line.path.starts_with("deep/"))
    );
    assert_eq!(bench.round_trip_names, 1000);
    for line in &bench.lines {
        assert_eq!(line.search.count, 20);
        // Cycles come from a processor or not at all.
        let known = [line.search.cold, line.search.warm, line.walk.cold].map(|it| it.is_some());
        assert_eq!(known, [bench.cpu_hz.is_some(); 3], "{line:?}");
        eprintln!("{} {:?} {:?}", line.path, line.search.warm, line.walk.warm);
    }
    eprintln!(
        "{} µs for {} names",
        bench.round_trip_micros, bench.round_trip_names
    );
}

/// The chip's sums of every sector against this computer's.
fn prove_digests(port: &Path, flash: &[u8]) {
    let mut connection = connection(port);
    connection.begin().unwrap();
    let mut agent = start_agent(connection);
    let on = &mut |_| std::ops::ControlFlow::Continue(());
    let digests = agent.digests(0, flash.len() as u32, on).unwrap();
    assert_eq!(digests.len(), flash.len() / 4096);
    let mut sums = Digests::new();
    for (number, (sector, digest)) in flash.chunks(4096).zip(&digests).enumerate() {
        let mut expected = Sums::new();
        sums.update(&mut expected, sector);
        assert_eq!(digest.crc32, crc32fast::hash(sector), "sector {number}");
        assert_eq!(digest.crc32c, expected.castagnoli(), "sector {number}");
    }
    agent.restart(RestartInto::Loader).unwrap();
}

fn image() -> Arc<PackedImage> {
    packed(&sample())["bin"].clone()
}

#[test]
fn the_practice_board_proves_a_nested_pack() {
    let board = Board::start(Options::default()).unwrap();
    let flash = filled_flash();
    board.test_access().overwrite(0, &flash);
    prove(board.port(), &image());
    // The worker left the agent where it was; it goes back into the loader by itself.
    let Outcome::Reset = run(&mut worker(board.port()), Request::Reset) else {
        panic!()
    };
    let board = Board::start(Options::default()).unwrap();
    board.test_access().overwrite(0, &flash);
    prove_digests(board.port(), &flash);
    assert!(board.test_access().flash() == flash);
}

#[test]
fn the_real_rom_proves_a_nested_pack() {
    let test = "the_real_rom_proves_a_nested_pack";
    let flash = filled_flash();
    let Some(emulator) = Emulator::with_flash(test, &flash) else {
        return;
    };
    prove_digests(emulator.port(), &flash);
    prove(emulator.port(), &image());
    assert!(emulator.flash() == flash, "the flash has changed");
}

/// What the board runs after a write: Espressif's second-stage bootloader and the agent itself as a program.
#[test]
fn after_a_diff_write_the_boards_own_bootloader_boots() {
    let test = "after_a_diff_write_the_boards_own_bootloader_boots";
    let Some(emulator) = Emulator::start(test) else {
        return;
    };
    let project = sample();
    let (mut plan, _) = plan::plan(&project, &packed(&project), None);
    for (target, offset, bytes) in crate::boot_files::bootloader_and_app() {
        let mut write = plan.writes[0].clone();
        write.target = target.to_owned();
        write.offset = offset;
        write.bytes = bytes.into();
        plan.writes.insert(0, write);
    }
    let mut first = worker(emulator.port());
    let plan = flashpack::model::flash_plan::FlashPlan::new(plan.writes);
    run(&mut first, Request::Write(Arc::new(plan.clone())));
    // One file changes: only its sectors are sent.
    let mut changed = plan.clone();
    let bin = changed
        .writes
        .iter_mut()
        .find(|write| write.target == "bin")
        .unwrap();
    let mut bytes = bin.bytes.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 0xFF;
    bin.bytes = bytes.into();
    let Outcome::Written(summary) = run(&mut first, Request::Write(Arc::new(changed))) else {
        panic!()
    };
    assert_eq!((summary.written, summary.verified), (4096, true));
    drop(first);
    let (emulator, printed) = emulator.boot("Loaded app from partition at offset 0x10000");
    assert!(printed.contains("2nd stage bootloader"), "{printed}");
    // The program that it has started is the agent; nobody has loaded it this time.
    let mut agent = AgentClient::new(SerialLink::new(Box::new(
        connection(emulator.port()).into_serial(),
    )));
    let found = agent.info().unwrap();
    assert_eq!(found.flash_size, 4 << 20);
    let place = Place::new(UNKNOWN, b"bin").unwrap();
    assert!(agent.find(place, b"deep/f001", FindFlags(0)).is_ok());
}
