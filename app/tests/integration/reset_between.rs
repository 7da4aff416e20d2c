//! A chip that is reset in the middle of a job runs its program, which may change what the job has proven already: nothing
//! of it counts any more.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flashpack::device::practice::faults::{FlashFault, PowerLoss};
use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::region::Region;

use crate::neighbour_bytes::{noise, notes_and_ending};

fn board(folder: &Path) -> Arc<Board> {
    let options = Options {
        link: Some(folder.join("board")),
        ..Options::default()
    };
    Arc::new(Board::start(options).unwrap())
}

/// Runs a job in which the power dips at this flash operation, after which the chip's program writes at `changed`.
fn with_a_program_that_writes(
    board: &Arc<Board>,
    request: Request,
    operation: u64,
    changed: u32,
) -> Event {
    let look = board.test_access();
    look.add_faults_from_here(&Faults {
        flash: vec![(operation, FlashFault::PowerLoss(PowerLoss::BrownOut))],
        ..Faults::default()
    });
    let begin = look.operations();
    let (inside, has_run) = (Arc::clone(board), AtomicBool::new(false));
    // The job calls this itself whenever it says something, so that it does not go on meanwhile.
    let program = move || {
        let look = inside.test_access();
        if look.operations() > begin + operation && !has_run.swap(true, Ordering::Relaxed) {
            look.overwrite(changed, &noise(0x100, 77));
        }
    };
    let port = PortChoice::Path(board.port().to_owned());
    let around = Surroundings::in_memory();
    let options = LinkOptions::default();
    let mut worker = Worker::start_in(&around, &port, options, Arc::new(program)).unwrap();
    let (notes, ending) = notes_and_ending(&mut worker, request);
    assert!(
        notes.iter().any(|note| note.contains("what is missing")),
        "nothing was interrupted: {notes:?}"
    );
    ending
}

#[test]
fn what_was_written_before_is_proven_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path());
    let write = |target: &str, offset, bytes: &[u8]| PlannedWrite {
        role: Role::Data,
        target: target.into(),
        source: "test".into(),
        offset,
        bytes: bytes.into(),
        destroys: Vec::new(),
    };
    let (first, second) = (noise(0x1000, 1), noise(0x2000, 2));
    let plan = FlashPlan::new(vec![
        write("first", 0x10_0000, &first),
        write("second", 0x18_0000, &second),
    ]);
    // A sector and its 16 pages are the first write.
    let request = Request::Write(Arc::new(plan));
    let ending = with_a_program_that_writes(&board, request, 30, 0x10_0800);
    let Event::Finished(Outcome::Written(summary)) = ending else {
        panic!("{ending:?}");
    };
    assert!(summary.verified);
    assert!(summary.written >= 0x4000, "the first one was written twice");
    let flash = board.test_access().flash();
    assert!(flash[0x10_0000..].starts_with(&first));
    assert!(flash[0x18_0000..].starts_with(&second));
}

#[test]
fn what_was_erased_before_is_looked_at_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(folder.path());
    let look = board.test_access();
    look.overwrite(0x10_0000, &noise(0x8_0000, 3));
    let region = Region::new(0x10_0000, 0x8_0000);
    // Four blocks are one piece.
    let ending = with_a_program_that_writes(&board, Request::Erase(region), 6, 0x11_0000);
    assert_eq!(ending, Event::Finished(Outcome::Erased(region)));
    let flash = look.flash();
    assert!(flash[0x10_0000..0x18_0000].iter().all(|byte| *byte == 0xFF));
}
