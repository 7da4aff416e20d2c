//! A bit that turns over in the command which says what is to be erased is checked by nobody on the chip: such an erase
//! may destroy what lies elsewhere, but it is never called a success, and what is lost is named.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use flashpack::device::practice::Faults;
use flashpack::device::practice::faults::{Direction, WireFault};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::Request;
use flashpack::model::cause::Cause;
use flashpack::model::region::Region;

use crate::neighbour_bytes::{Place, noise};

/// Boards that share the cases of a test: most of the time is spent waiting for lost answers.
const BOARDS: usize = 8;
const JOB: Region = Region::new(0x12_3000, 0x2000);

fn job() -> std::ops::Range<usize> {
    JOB.offset as usize..JOB.end() as usize
}

/// What an erase with one turned bit came to.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Right,
    Named(Region),
}

/// Erases with this bit of the byte number `at` to the board turned over, and checks that nothing is lost unnamed.
fn erase_with_a_turned_bit(place: &Place, expected: &[u8], at: u64, bit: u8) -> Came {
    let look = place.board.test_access();
    // Only its first sector holds something: a shifted erase that takes it must not pass for the right one.
    look.overwrite(JOB.offset, &noise(0x1000, 9));
    look.add_faults_from_here(&Faults {
        wire: vec![(Direction::ToBoard, at, WireFault::Flip(Some(bit)))],
        ..Faults::default()
    });
    let (notes, ending) = place.run(Request::Erase(JOB));
    look.mend();
    let flash = look.flash();
    let differs = |named: std::ops::Range<usize>| {
        (0..flash.len())
            .filter(|at| !named.contains(at))
            .find(|at| flash[*at] != expected[*at])
    };
    match ending {
        Event::Finished(Outcome::Erased(region)) => {
            assert_eq!(region, JOB);
            assert_eq!(differs(0..0), None, "{at}: a false success, {notes:?}");
            Came::Right
        }
        Event::Failed(error) => {
            let lost = error.lost.unwrap_or_else(|| panic!("{at}: {error:?}"));
            let named = lost.offset as usize..lost.end() as usize;
            let outside = |at: &usize| !named.contains(at) && !job().contains(at);
            let mut differs = (0..flash.len()).filter(outside);
            let unnamed = differs.find(|at| flash[*at] != expected[*at]);
            assert_eq!(unnamed, None, "{at}: {error:?}");
            assert!(error.message.contains("outside"), "{error:?}");
            let mut inside = (0..flash.len()).filter(|at| named.contains(at));
            let is_lost = inside.any(|at| flash[at] != expected[at]);
            assert!(is_lost, "{at}: nothing is lost there: {error:?}");
            look.overwrite(0, expected);
            Came::Named(lost)
        }
        other => panic!("{at}: {other:?}"),
    }
}

/// Runs all cases on several boards at once that hold `flash`; each board takes the next case when it is done with one.
pub fn on_boards(
    flash: &[u8],
    cases: impl Iterator<Item = u64> + Send,
    case: impl Fn(&Place, u64) + Sync,
) {
    let cases = Mutex::new(cases);
    let next = || cases.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..BOARDS {
            scope.spawn(|| {
                let place = Place::new();
                place.board.test_access().overwrite(0, flash);
                while let Some(at) = next() {
                    case(&place, at);
                }
            });
        }
    });
}

#[test]
fn a_turned_bit_of_an_erase_names_what_is_lost() {
    let place = Place::new();
    let look = place.board.test_access();
    let mut expected = noise(0x40_0000, 1);
    look.overwrite(0, &expected);
    expected[job()].fill(0xFF);
    let sent = || look.report().wire.to_board;
    let connecting = place.sent_by(Request::Detect);
    let before = sent();
    assert_eq!(
        erase_with_a_turned_bit(&place, &expected, 1 << 40, 5),
        Came::Right
    );
    let whole = sent() - before;

    let (behind, elsewhere) = (AtomicBool::new(false), AtomicBool::new(false));
    let both = || behind.load(Relaxed) && elsewhere.load(Relaxed);
    // Little is asked after the command.
    let places = (connecting..whole).rev().take_while(|_| !both());
    on_boards(
        &expected,
        places,
        |place, at| match erase_with_a_turned_bit(place, &expected, at, 5) {
            Came::Named(lost) if u64::from(lost.offset) == JOB.end() => behind.store(true, Relaxed),
            Came::Named(_) => elsewhere.store(true, Relaxed),
            Came::Right => {}
        },
    );
    assert!(behind.into_inner(), "no size became larger");
    assert!(elsewhere.into_inner(), "no offset was another one");
}

#[test]
fn a_read_that_was_taken_for_an_erase_is_no_success() {
    let before = noise(0x40_0000, 1);
    let read = || Request::Read(Region::new(JOB.offset, 0x2000));
    let connecting = Place::new().sent_by(Request::Detect);
    let erased = AtomicBool::new(false);
    // The command is the first that follows the connection; acknowledgements and two questions come behind it.
    on_boards(&before, connecting..connecting + 60, |place, at| {
        let look = place.board.test_access();
        look.add_faults_from_here(&Faults {
            wire: vec![(Direction::ToBoard, at, WireFault::Flip(Some(1)))],
            ..Faults::default()
        });
        let (_, ending) = place.run(read());
        look.mend();
        let untouched = look.flash() == before;
        match ending {
            Event::Finished(Outcome::Read { bytes, .. }) => {
                assert!(untouched, "{at}: the flash is erased");
                assert!(before[JOB.offset as usize..].starts_with(&bytes), "{at}");
            }
            Event::Failed(error) if !untouched => {
                erased.store(true, Relaxed);
                assert!(error.message.contains("has erased all of its flash"));
                assert!(error.lost.is_some());
                look.overwrite(0, &before);
            }
            other => panic!("{at}: {other:?}"),
        }
    });
    assert!(erased.into_inner(), "no read was taken for an erase");
}

#[test]
fn flash_that_does_not_become_blank_is_no_success() {
    let place = Place::new();
    let look = place.board.test_access();
    // In the middle of a piece whose ends are blank.
    look.overwrite(JOB.offset, &noise(0x1000, 9));
    look.add_faults_from_here(&Faults {
        write_protected: true,
        ..Faults::default()
    });
    let (_, ending) = place.run(Request::Erase(Region::new(0x12_0000, 0x1_0000)));
    let Event::Failed(error) = ending else {
        panic!("{ending:?}");
    };
    assert_eq!(error.cause, Some(Cause::FlashLocked), "{error:?}");
    assert!(error.message.contains("0x123000"), "{error:?}");
}
