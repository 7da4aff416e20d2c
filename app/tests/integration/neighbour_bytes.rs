//! Bytes beside a write in a shared sector survive a cut at every flash operation, also when another process takes the
//! work up: they are on the board or in the file at every moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::region::Region;
use flashpack::store::kept::KeptFolder;

use crate::cli_run::{Bench, PracticeProcess};

const AT: u32 = 0x10_0000;
/// Begins and ends inside a sector.
const REGION: Region = Region::new(AT + 0x1800, 0x1000);
const MAC_FILE: &str = "beside-60-55-f9-f0-0d-01.json";

pub fn noise(len: usize, mut seed: u32) -> Vec<u8> {
    (0..len)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            (seed >> 8) as u8
        })
        .collect()
}

/// A plan of one write.
pub fn plan(offset: u32, bytes: Vec<u8>) -> FlashPlan {
    FlashPlan::new(vec![PlannedWrite {
        role: Role::Data,
        target: "bin".into(),
        source: "test".into(),
        offset,
        bytes: bytes.into(),
        destroys: Vec::new(),
    }])
}

fn request(offset: u32, bytes: Vec<u8>, no_verify: bool) -> Request {
    let mut plan = plan(offset, bytes);
    plan.no_verify = no_verify;
    Request::Write(Arc::new(plan))
}

/// A board with a link, and a folder where bytes are kept; each job is a worker of its own, as after a restart.
pub struct Place {
    folder: tempfile::TempDir,
    pub board: Board,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let board = Board::start(Options {
            link: Some(folder.path().join("board")),
            ..Options::default()
        })
        .unwrap();
        Self { folder, board }
    }

    pub fn kept_in(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    fn file(&self) -> PathBuf {
        self.kept_in().join(MAC_FILE)
    }

    /// Bytes that the board is sent by a job in which nothing goes wrong.
    pub fn sent_by(&self, request: Request) -> u64 {
        let sent = || self.board.test_access().report().wire.to_board;
        let before = sent();
        let (_, ending) = self.run(request);
        assert!(matches!(ending, Event::Finished(_)), "{ending:?}");
        sent() - before
    }

    /// Runs one job as a program of its own; its notes and its ending.
    pub fn run(&self, request: Request) -> (Vec<String>, Event) {
        run_at(self.board.port(), self.kept_in(), request)
    }
}

fn run_at(port: &Path, kept: PathBuf, request: Request) -> (Vec<String>, Event) {
    let around = Surroundings::new(Arc::new(KeptFolder::at(kept)));
    let port = PortChoice::Path(port.to_owned());
    let mut worker =
        Worker::start_in(&around, &port, LinkOptions::default(), Arc::new(|| ())).unwrap();
    notes_and_ending(&mut worker, request)
}

/// Runs one job to its end.
pub fn notes_and_ending(worker: &mut Worker, request: Request) -> (Vec<String>, Event) {
    worker.submit(request).unwrap();
    let mut notes = Vec::new();
    loop {
        match worker.wait_event().expect("a job ends with an event") {
            Event::Note(note) => notes.push(note),
            event if event.is_ending() => return (notes, event),
            _ => {}
        }
    }
}

#[track_caller]
fn check_whole(place: &Place, before: &[u8], written: &[u8], what: &str) {
    let flash = place.board.test_access().flash();
    let (at, start) = (AT as usize, REGION.offset as usize);
    let end = start + written.len();
    assert!(
        flash[at..start] == before[..start - at],
        "{what}: the bytes before"
    );
    assert!(flash[start..end] == *written, "{what}: the bytes written");
    assert!(
        flash[end..at + before.len()] == before[end - at..],
        "{what}: the bytes behind"
    );
}

/// How many flash operations the write takes when nothing goes wrong.
fn operations_of_one_write() -> u64 {
    let place = Place::new();
    let look = place.board.test_access();
    look.overwrite(AT, &noise(0x4000, 1));
    let (_, ending) = place.run(request(REGION.offset, noise(0x1000, 2), false));
    assert!(
        matches!(ending, Event::Finished(Outcome::Written(_))),
        "{ending:?}"
    );
    assert!(!place.file().exists(), "what is proven is let go");
    look.operations()
}

/// Cuts a write at each of its flash operations, then writes again in a worker that knows nothing but the folder.
fn cut_everywhere(fault: &str) {
    let operations = operations_of_one_write();
    assert!(
        operations >= 34,
        "two sectors and their pages: {operations}"
    );
    let place = Place::new();
    let look = place.board.test_access();
    let before = noise(0x4000, 1);
    let mut saved = 0;
    for cut in 0..operations {
        let written = noise(0x1000, 3 + cut as u32);
        look.overwrite(AT, &before);
        let mut faults = Faults::default();
        let number = look.operations() + cut;
        faults
            .add_word(&fault.replace('N', &number.to_string()))
            .unwrap();
        look.add_flash_faults(&faults);
        let (_, first) = place.run(request(REGION.offset, written.clone(), false));
        if matches!(first, Event::Failed(_)) {
            assert!(place.file().exists(), "operation {cut}: nothing was saved");
            saved += 1;
            look.replug();
            // Anything else that is written to this board puts the bytes back first.
            let elsewhere = place.run(request(0x20_0000, vec![1], false)).1;
            assert!(matches!(elsewhere, Event::Finished(_)), "{elsewhere:?}");
            assert!(!place.file().exists());
            let flash = look.flash();
            let (at, start, end) = (AT as usize, REGION.offset as usize, REGION.end() as usize);
            assert!(flash[at..start] == before[..start - at], "{cut}");
            assert!(flash[end..at + 0x4000] == before[end - at..], "{cut}");
        }
        let (_, second) = place.run(request(REGION.offset, written.clone(), false));
        assert!(
            matches!(second, Event::Finished(Outcome::Written(_))),
            "{cut}: {second:?}"
        );
        check_whole(&place, &before, &written, &format!("{fault} {cut}"));
        assert!(!place.file().exists(), "{cut}: the file has done its work");
    }
    if fault.contains("never") {
        assert_eq!(saved, operations, "each cut ended its job");
    }
}

#[test]
fn an_unplugged_board_loses_no_byte_at_any_operation() {
    cut_everywhere("unplug:flash@N=never");
}

#[test]
fn a_brown_out_loses_no_byte_at_any_operation() {
    cut_everywhere("brown-out:flash@N");
}

#[test]
fn a_cut_while_bytes_are_put_back_loses_none_either() {
    let operations = operations_of_one_write();
    let place = Place::new();
    let look = place.board.test_access();
    let before = noise(0x4000, 1);
    let written = noise(0x1000, 5);
    for second_cut in 0..operations {
        look.overwrite(AT, &before);
        for cut in [20, second_cut] {
            let mut faults = Faults::default();
            let word = format!("unplug:flash@{}=never", look.operations() + cut);
            faults.add_word(&word).unwrap();
            look.add_flash_faults(&faults);
            place.run(request(REGION.offset, written.clone(), false));
            look.replug();
        }
        let (_, last) = place.run(request(REGION.offset, written.clone(), false));
        assert!(matches!(last, Event::Finished(_)), "{second_cut}: {last:?}");
        check_whole(
            &place,
            &before,
            &written,
            &format!("second cut {second_cut}"),
        );
        assert!(!place.file().exists());
    }
}

#[test]
fn without_verifying_the_bytes_beside_are_proven_all_the_same() {
    let place = Place::new();
    let before = noise(0x4000, 1);
    place.board.test_access().overwrite(AT, &before);
    let written = noise(0x1000, 2);
    let (_, ending) = place.run(request(REGION.offset, written.clone(), true));
    assert!(
        matches!(ending, Event::Finished(Outcome::Written(_))),
        "{ending:?}"
    );
    check_whole(&place, &before, &written, "no verify");
    assert!(!place.file().exists());
}

#[test]
fn what_cannot_be_saved_is_not_erased() {
    let place = Place::new();
    let before = noise(0x4000, 1);
    place.board.test_access().overwrite(AT, &before);
    std::fs::write(place.kept_in(), "a file where the folder should be").unwrap();
    let (_, ending) = place.run(request(REGION.offset, noise(0x1000, 2), false));
    let Event::Failed(error) = ending else {
        panic!("{ending:?}")
    };
    assert!(error.message.contains("kept"), "{error:?}");
    assert_eq!(
        place.board.test_access().operations(),
        0,
        "nothing was erased"
    );
}

#[test]
fn a_damaged_file_is_not_written_to_the_board() {
    let place = Place::new();
    std::fs::create_dir(place.kept_in()).unwrap();
    std::fs::write(place.file(), "{\"flashpack_kept_bytes\":1").unwrap();
    let (_, ending) = place.run(request(REGION.offset, vec![1; 16], false));
    let Event::Failed(error) = ending else {
        panic!("{ending:?}")
    };
    assert!(
        error.message.contains(MAC_FILE) && error.help.contains("Move the file away"),
        "{error:?}"
    );
    assert_eq!(place.board.test_access().operations(), 0);
}

#[test]
fn another_process_puts_the_bytes_back() {
    let bench = Bench::new();
    let before = noise(0x4000, 1);
    bench.write("before", &before);
    bench.write("new", noise(0x1000, 2));
    let first = ["--flash", "flash.bin", "--link", "board"];
    let board = PracticeProcess::start(&bench, &first);
    bench.good(&["write", "0x100000=before", "--port", "board", "--yes"]);
    board.end("TERM");
    // Torn in the middle of the first shared sector.
    let faults = [&first[..], &["--fault", "unplug:flash@9=never"]].concat();
    let board = PracticeProcess::start(&bench, &faults);
    let run = bench.run(&[
        "write",
        "0x101800=new",
        "--port",
        "board",
        "--yes",
        "--force",
        "misaligned",
    ]);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    board.end("TERM");
    let kept = bench.path("config/kept").join(MAC_FILE);
    assert!(kept.exists(), "the bytes are saved");
    assert_ne!(
        bench.read("flash.bin")[0x10_1000..0x10_1800],
        before[0x1000..0x1800]
    );

    // A board of another address has nothing to do with it.
    let other = PracticeProcess::start(&bench, &["--mac", "60:55:f9:00:00:99"]);
    bench.good(&[
        "write",
        "0x101800=new",
        "--port",
        &other.port,
        "--yes",
        "--force",
        "misaligned",
    ]);
    other.end("TERM");
    assert!(kept.exists());

    let board = PracticeProcess::start(&bench, &first);
    let run = bench.run(&[
        "write",
        "0x101800=new",
        "--port",
        "board",
        "--yes",
        "--force",
        "misaligned",
    ]);
    assert!(run.status.success(), "{}", run.stderr);
    assert!(run.stderr.contains("Put back"), "{}", run.stderr);
    board.end("TERM");
    assert!(!kept.exists());
    let flash = bench.read("flash.bin");
    assert_eq!(flash[0x10_0000..0x10_1800], before[..0x1800]);
    assert_eq!(flash[0x10_1800..0x10_2800], bench.read("new"));
    assert_eq!(flash[0x10_2800..0x10_4000], before[0x2800..]);
}
