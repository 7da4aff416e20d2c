//! Every job of the engine on a practice board, over its port: what it does to the flash, what it reports, and how it
//! ends when something goes wrong.

use std::path::PathBuf;
use std::sync::Arc;

use flashpack::device::practice::{Board, Faults, Options, TestAccess};
use flashpack::engine::event::{Event, Outcome, RegionState, Stage};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::worker::Worker;
use flashpack::model::chip::Chip;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::region::{Region, SECTOR};

const AT: u32 = 0x10_0000;

struct Bench {
    board: Board,
    worker: Worker,
}

impl Bench {
    fn new(faults: &[&str]) -> Self {
        let mut options = Options::default();
        for word in faults {
            options.faults.add_word(word).unwrap();
        }
        Self::with(options)
    }

    fn with(options: Options) -> Self {
        let link = options.link.clone();
        let board = Board::start(options).unwrap();
        let port = link.unwrap_or_else(|| board.port().to_owned());
        let worker = worker_on(port);
        Self { board, worker }
    }

    fn look(&self) -> TestAccess {
        self.board.test_access()
    }

    /// Runs one job to its end; all its events, the ending last.
    fn run(&mut self, request: Request) -> Vec<Event> {
        self.worker.submit(request).unwrap();
        events_to_the_end(&self.worker)
    }
}

fn worker_on(port: PathBuf) -> Worker {
    Worker::start(
        &PortChoice::Path(port),
        LinkOptions::default(),
        Arc::new(|| ()),
    )
    .unwrap()
}

fn events_to_the_end(worker: &Worker) -> Vec<Event> {
    let mut events = Vec::new();
    while !events.last().is_some_and(Event::is_ending) {
        events.push(
            worker
                .wait_event()
                .expect("the worker ends a job with an event"),
        );
    }
    events
}

#[track_caller]
fn outcome(events: &[Event]) -> &Outcome {
    match events.last() {
        Some(Event::Finished(outcome)) => outcome,
        other => panic!("the job did not finish: {other:?}"),
    }
}

#[track_caller]
fn failure(events: &[Event]) -> String {
    match events.last() {
        Some(Event::Failed(error)) => {
            assert!(!error.help.is_empty(), "{error:?} does not say what to do");
            error.message.clone()
        }
        other => panic!("the job did not fail: {other:?}"),
    }
}

/// Bytes that do not compress, the same each time.
fn noise(len: usize, mut seed: u32) -> Vec<u8> {
    (0..len)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            (seed >> 8) as u8
        })
        .collect()
}

fn plan(offset: u32, bytes: &[u8]) -> Request {
    Request::Write(Arc::new(plan_value(offset, bytes)))
}

fn plan_value(offset: u32, bytes: &[u8]) -> FlashPlan {
    FlashPlan::new(vec![PlannedWrite {
        role: Role::Data,
        target: "bin".into(),
        source: "test".into(),
        offset,
        bytes: bytes.to_vec().into(),
        destroys: Vec::new(),
    }])
}

/// The documented order: one start, then reports, then one ending; amounts never go back within a stage.
#[track_caller]
fn check_order(events: &[Event]) {
    assert!(
        matches!(events.first(), Some(Event::Started { .. })),
        "{:?}",
        events.first()
    );
    let endings = events.iter().filter(|event| event.is_ending()).count();
    assert_eq!(endings, 1);
    let mut last = 0;
    for event in events {
        match event {
            Event::Stage(_) => last = 0,
            Event::Advanced { done, total } => {
                assert!(
                    *done >= last && done <= total,
                    "{done} of {total} after {last}"
                );
                last = *done;
            }
            _ => {}
        }
    }
}

#[test]
fn connects_and_says_what_is_there() {
    let mut bench = Bench::new(&[]);
    let events = bench.run(Request::Detect);
    check_order(&events);
    let Outcome::Detected(identity) = outcome(&events) else {
        panic!("{events:?}")
    };
    assert_eq!(identity.chip, Chip::Esp32c3);
    assert_eq!(identity.flash_size, Some(0x40_0000));
    assert_eq!(identity.mac.as_deref(), Some("60:55:f9:f0:0d:01"));
}

#[test]
fn writes_verifies_and_reads_back() {
    let mut bench = Bench::new(&[]);
    let bytes = noise(70_000, 1);
    let events = bench.run(plan(AT, &bytes));
    check_order(&events);
    let Outcome::Written(summary) = outcome(&events) else {
        panic!("{events:?}")
    };
    assert!(summary.verified);
    assert_eq!(
        summary.written,
        u64::from(Region::new(AT, 70_000).sectors().size)
    );
    let flash = bench.look().flash();
    assert_eq!(&flash[AT as usize..AT as usize + bytes.len()], &bytes[..]);
    assert!(
        flash[..AT as usize].iter().all(|byte| *byte == 0xFF),
        "something before the region changed"
    );
    assert_eq!(bench.look().report().flash.program_violations, 0);

    let region = Region::new(AT + 5, 69_000);
    let events = bench.run(Request::Read(region));
    check_order(&events);
    let Outcome::Read { bytes: read, .. } = outcome(&events) else {
        panic!("{events:?}")
    };
    assert_eq!(&read[..], &bytes[5..69_005]);
}

#[test]
fn a_second_write_sends_only_what_differs() {
    let mut bench = Bench::new(&[]);
    let mut bytes = noise(0x4_0000, 2);
    outcome(&bench.run(plan(AT, &bytes)));
    let erased_before = bench.look().report().flash.sectors_erased;
    bytes[0x1_2345] ^= 1;
    let events = bench.run(plan(AT, &bytes));
    let Outcome::Written(summary) = outcome(&events) else {
        panic!("{events:?}")
    };
    assert_eq!((summary.written, summary.unchanged), (0x1000, 0x3_F000));
    assert_eq!(
        bench.look().report().flash.sectors_erased - erased_before,
        1
    );
    let verified = Event::Region {
        region: Region::new(AT + 0x1_2000, SECTOR),
        state: RegionState::Verified,
    };
    assert!(events.contains(&verified));
}

#[test]
fn an_open_session_does_not_ask_again_what_it_has_proven() {
    let mut bench = Bench::new(&[]);
    let bytes = noise(0x4_0000, 3);
    outcome(&bench.run(plan(AT, &bytes)));
    let hashed = bench.look().report().flash.bytes_hashed;
    let events = bench.run(plan(AT, &bytes));
    let Outcome::Written(summary) = outcome(&events) else {
        panic!("{events:?}")
    };
    assert_eq!(summary.written, 0);
    assert_eq!(bench.look().report().flash.bytes_hashed, hashed);
}

#[test]
fn what_was_proven_before_a_reset_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::with(Options {
        link: Some(folder.path().join("board")),
        ..Options::default()
    });
    let bytes = noise(0x1_0000, 3);
    outcome(&bench.run(plan(AT, &bytes)));
    // The program of the board ran in between, and wrote.
    bench.look().power_cycle();
    bench.look().overwrite(AT + 0x3000, &[0x5A; 0x1000]);
    let events = bench.run(plan(AT, &bytes));
    let Outcome::Written(summary) = outcome(&events) else {
        panic!("{events:?}")
    };
    assert_eq!(summary.written, 0x1000);
    assert!(bench.look().flash()[AT as usize..].starts_with(&bytes));
}

#[test]
fn a_board_that_was_unplugged_meanwhile_is_no_success() {
    let mut bench = Bench::new(&[]);
    let bytes = noise(0x1_0000, 3);
    outcome(&bench.run(plan(AT, &bytes)));
    bench.look().unplug();
    failure(&bench.run(plan(AT, &bytes)));
}

#[test]
fn neighbours_in_shared_sectors_survive() {
    let mut bench = Bench::new(&[]);
    let before = noise(0x3000, 4);
    bench.look().overwrite(AT, &before);
    outcome(&bench.run(plan(AT + 0x800, &[0x55; 0x1000])));
    let flash = bench.look().flash();
    let at = AT as usize;
    assert_eq!(&flash[at..at + 0x800], &before[..0x800]);
    assert_eq!(&flash[at + 0x800..at + 0x1800], &[0x55; 0x1000][..]);
    assert_eq!(&flash[at + 0x1800..at + 0x3000], &before[0x1800..]);
}

#[test]
fn a_write_beyond_the_flash_is_refused_before_anything_is_sent() {
    let mut bench = Bench::new(&[]);
    let message = failure(&bench.run(plan(0x3F_F000, &[0; 0x2000])));
    assert!(
        message.contains("0x400000") && message.contains("bin"),
        "{message}"
    );
    let report = bench.look().report();
    assert_eq!(
        (report.flash.sectors_erased, report.flash.pages_programmed),
        (0, 0)
    );
}

#[test]
fn erases_exactly_the_region() {
    let mut bench = Bench::new(&[]);
    let before = noise(0x4000, 5);
    bench.look().overwrite(AT, &before);
    let events = bench.run(Request::Erase(Region::new(AT + 0x1000, 0x2000)));
    check_order(&events);
    outcome(&events);
    let flash = bench.look().flash();
    let at = AT as usize;
    assert_eq!(&flash[at..at + 0x1000], &before[..0x1000]);
    assert!(
        flash[at + 0x1000..at + 0x3000]
            .iter()
            .all(|byte| *byte == 0xFF)
    );
    assert_eq!(&flash[at + 0x3000..at + 0x4000], &before[0x3000..]);
    let message = failure(&bench.run(Request::Erase(Region::new(AT + 1, 0x1000))));
    assert!(message.contains("4 KiB"), "{message}");
}

#[test]
fn verify_names_the_sectors_that_differ_and_writes_nothing() {
    let mut bench = Bench::new(&[]);
    let bytes = noise(0x8000, 6);
    bench.look().overwrite(AT, &bytes);
    bench.look().overwrite(AT + 0x3010, &[0]);
    let events = bench.run(Request::Verify(Arc::new(plan_value(AT, &bytes))));
    check_order(&events);
    assert_eq!(
        outcome(&events),
        &Outcome::Compared {
            differing: vec![Region::new(AT + 0x3000, 0x1000)]
        }
    );
    assert_eq!(bench.look().report().flash.pages_programmed, 0);
}

#[test]
fn a_cancelled_write_says_so_and_the_next_one_finishes_it() {
    let mut bench = Bench::new(&[]);
    let bytes = noise(0x10_0000, 7);
    bench.worker.submit(plan(AT, &bytes)).unwrap();
    let mut events = Vec::new();
    while !events.last().is_some_and(Event::is_ending) {
        let event = bench.worker.wait_event().unwrap();
        if matches!(
            event,
            Event::Region {
                state: RegionState::Written,
                ..
            }
        ) {
            bench.worker.cancel();
        }
        events.push(event);
    }
    check_order(&events);
    let Some(Event::Cancelled { state }) = events.last() else {
        panic!("{:?}", events.last())
    };
    assert!(state.contains("bin is incomplete"), "{state}");
    outcome(&bench.run(plan(AT, &bytes)));
    let flash = bench.look().flash();
    assert_eq!(&flash[AT as usize..AT as usize + bytes.len()], &bytes[..]);
}

#[test]
fn a_second_request_is_refused_while_a_job_runs() {
    let mut bench = Bench::new(&[]);
    bench.worker.submit(plan(AT, &noise(0x8_0000, 8))).unwrap();
    let refused = bench.worker.submit(Request::Detect).unwrap_err();
    assert!(refused.to_string().contains("running"));
    outcome(&events_to_the_end(&bench.worker));
    outcome(&bench.run(Request::Detect));
}

#[test]
fn an_unplugged_board_ends_the_job_and_the_next_write_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let mut options = Options {
        link: Some(link),
        ..Options::default()
    };
    options.faults.add_word("unplug:flash@40=never").unwrap();
    let mut bench = Bench::with(options);
    let bytes = noise(0x4_0000, 9);
    let events = bench.run(plan(AT, &bytes));
    check_order(&events);
    let message = failure(&events);
    assert!(
        message.contains("interrupted") || message.contains("stopped answering"),
        "{message}"
    );
    bench.look().replug();
    outcome(&bench.run(plan(AT, &bytes)));
    let flash = bench.look().flash();
    assert_eq!(&flash[AT as usize..AT as usize + bytes.len()], &bytes[..]);
}

#[test]
fn a_lost_answer_is_survived_within_the_job() {
    // Byte 30,000 to the board lies in the middle of the data; what follows has to be sent again.
    let mut bench = Bench::new(&["drop:to-board@30000"]);
    let bytes = noise(0x2_0000, 10);
    let events = bench.run(plan(AT, &bytes));
    outcome(&events);
    let flash = bench.look().flash();
    assert_eq!(&flash[AT as usize..AT as usize + bytes.len()], &bytes[..]);
}

#[test]
fn flash_that_does_not_hold_its_bytes_is_never_called_written() {
    let mut bench = Bench::new(&["protected:flash"]);
    let message = failure(&bench.run(plan(AT, &noise(0x2000, 11))));
    assert!(
        message.contains("does not hold") && message.contains("0x100000"),
        "{message}"
    );
}

#[test]
fn a_port_that_is_absent_busy_or_silent_is_named() {
    let mut absent = worker_on("/dev/there-is-no-such-port".into());
    absent.submit(Request::Detect).unwrap();
    let message = failure(&events_to_the_end(&absent));
    assert_eq!(
        message,
        "Cannot open /dev/there-is-no-such-port: there is no such port"
    );

    let mut bench = Bench::new(&[]);
    outcome(&bench.run(Request::Detect));
    let mut second = worker_on(bench.board.port().to_owned());
    second.submit(Request::Detect).unwrap();
    let message = failure(&events_to_the_end(&second));
    assert!(message.contains("another program holds it"), "{message}");

    // A pseudo-terminal whose other end nobody reads is as silent as a port can be.
    let mut silent = Bench::new(&["cut:from-board@0"]);
    let message = failure(&silent.run(Request::Detect));
    assert!(message.starts_with("No answer on"), "{message}");
}

#[test]
fn the_wrong_chip_is_refused() {
    let faults = Faults {
        chip: Some(Chip::Esp32s3),
        ..Faults::default()
    };
    let options = Options {
        faults,
        ..Options::default()
    };
    let board = Board::start(options).unwrap();
    let wanted = LinkOptions {
        chip: Some(Chip::Esp32c3),
        ..LinkOptions::default()
    };
    let choice = PortChoice::Path(board.port().to_owned());
    let mut worker = Worker::start(&choice, wanted, Arc::new(|| ())).unwrap();
    worker.submit(plan(AT, &[1])).unwrap();
    let events = events_to_the_end(&worker);
    let message = failure(&events);
    assert!(
        message.contains("ESP32-S3") && message.contains("ESP32-C3"),
        "{message}"
    );
    assert!(!events.contains(&Event::Stage(Stage::Writing)));
    assert_eq!(board.test_access().report().flash.pages_programmed, 0);
}
