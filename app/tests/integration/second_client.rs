//! Another program on the same port, which asks who is there in the middle of a job and takes answers that are not its
//! own: a write through it ends proven, or with a sentence and a board on which the next write finishes.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flashpack::device::practice::faults::{Direction, SECOND_CLIENT_READ, WireFault};
use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::model::cause::Cause;

use crate::neighbour_bytes::{noise, notes_and_ending, plan};

/// Begins inside a sector.
const AT: usize = 0x12_3400;
const LEN: usize = 0x3000;
const PATIENCE: Duration = Duration::from_secs(20);
/// Places in the stream of each direction.
const PLACES: u64 = 16;
/// Boards that share the places of a direction: most of the time is spent waiting for lost answers.
const BOARDS: u64 = 8;

fn request(bytes: &[u8]) -> Request {
    Request::Write(Arc::new(plan(AT as u32, bytes.to_vec())))
}

/// Runs one job; its notes and its ending.
fn run(board: &Board, around: &Surroundings, request: Request) -> (Vec<String>, Event) {
    let options = LinkOptions {
        // A lost answer costs 100 ms.
        patience_percent: 33,
        ..LinkOptions::default()
    };
    let port = PortChoice::Path(board.port().to_owned());
    let mut worker = Worker::start_in(around, &port, options, Arc::new(|| ())).unwrap();
    notes_and_ending(&mut worker, request)
}

pub fn is_verified(ending: &Event) -> bool {
    matches!(ending, Event::Finished(Outcome::Written(summary)) if summary.verified)
}

/// Writes with a second client at evenly spread places of one direction, on several boards at once; how many of these
/// writes did not go through undisturbed.
fn disturbed(direction: Direction) -> usize {
    std::thread::scope(|scope| {
        let board = |first| scope.spawn(move || disturbed_at(direction, first));
        // All are started before the first is waited for.
        let boards: Vec<_> = (0..BOARDS).map(board).collect();
        boards.into_iter().map(|board| board.join().unwrap()).sum()
    })
}

/// The same on one board, at every `BOARDS`th place from `first` on.
fn disturbed_at(direction: Direction, first: u64) -> usize {
    // A pseudo-terminal may have another name after a power cycle, and its old one may be another board's.
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        link: Some(folder.path().join("board")),
        ..Options::default()
    };
    let board = Board::start(options).unwrap();
    let look = board.test_access();
    let mut expected = noise(0x40_0000, 1);
    let wanted = noise(LEN, 2);
    look.overwrite(0, &expected);
    let before = look.report().wire;
    let (_, ending) = run(&board, &Surroundings::in_memory(), request(&wanted));
    assert!(is_verified(&ending), "{ending:?}");
    let after = look.report().wire;
    expected[AT..AT + LEN].copy_from_slice(&wanted);
    assert!(look.flash_is(&expected));
    let length = match direction {
        Direction::ToBoard => after.to_board - before.to_board,
        Direction::FromBoard => after.from_board - before.from_board,
    };

    let mut disturbed = 0;
    for place in (first..PLACES).step_by(BOARDS as usize) {
        let at = length * place / PLACES;
        look.power_cycle();
        look.overwrite(AT as u32, &noise(LEN, 9));
        look.add_faults_from_here(&Faults {
            wire: vec![(direction, at, WireFault::SecondClient)],
            seed: place,
            ..Faults::default()
        });
        let around = Surroundings::in_memory();
        let (notes, mut ending) = run(&board, &around, request(&wanted));
        disturbed += usize::from(!notes.is_empty() || !is_verified(&ending));
        if let Event::Failed(error) = &ending {
            assert!(!error.message.is_empty() && !error.help.is_empty());
            assert_eq!(error.lost, None, "{at}: {error:?}");
            if error.cause == Some(Cause::Silent) {
                // What the sentence asks a person to do.
                look.power_cycle();
            }
            ending = run(&board, &around, request(&wanted)).1;
        }
        assert!(is_verified(&ending), "{at}: {ending:?}, {notes:?}");
        assert!(look.flash_is(&expected), "{at}: {notes:?}");
        look.mend();
    }
    disturbed
}

#[test]
fn a_write_survives_one_that_asks_in_the_middle_of_a_frame() {
    assert!(disturbed(Direction::ToBoard) > 0, "nobody came in between");
}

#[test]
fn a_write_survives_one_that_takes_its_answers() {
    assert!(
        disturbed(Direction::FromBoard) > 0,
        "nobody came in between"
    );
}

#[test]
fn the_board_hears_its_sync_and_others_miss_what_it_reads() {
    let mut options = Options::default();
    options
        .faults
        .add_word("second-client:to-board@46")
        .unwrap();
    options.faults.add_word("seed:3").unwrap();
    let board = Board::start(options).unwrap();
    let look = board.test_access();
    let mut port = std::fs::File::options()
        .read(true)
        .write(true)
        .open(board.port())
        .unwrap();
    let mut sync = vec![0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20];
    sync.resize(45, 0x55);
    sync.push(0xC0);
    // The boot text, and eight answers of 14 bytes.
    let boot_text = look.report().wire.from_board;
    let mut heard = vec![0; boot_text as usize + 8 * 14];
    port.write_all(&sync).unwrap();
    port.read_exact(&mut heard).unwrap();
    // The second client comes before the first byte of these, and its eight answers before theirs.
    let asked = (SECOND_CLIENT_READ / (8 * 14)) as usize + 2;
    port.write_all(&sync.repeat(asked)).unwrap();
    let all = 8 * 14 * (asked as u64 + 1);
    let mut rest = vec![0; (all - SECOND_CLIENT_READ) as usize];
    port.read_exact(&mut rest).unwrap();
    let sent = boot_text + 8 * 14 + all;
    let deadline = Instant::now() + PATIENCE;
    while look.report().wire.from_board < sent {
        assert!(Instant::now() < deadline, "{:?}", look.report().wire);
        std::thread::yield_now();
    }
    let report = look.report();
    assert_eq!(report.commands["SYNC"], asked as u64 + 2);
    assert_eq!(
        (report.wire.to_board, report.wire.from_board),
        (sync.len() as u64 * (asked as u64 + 1), sent),
        "its SYNC is not ours, and what it takes was sent"
    );
}
