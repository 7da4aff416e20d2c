//! A bit that turns over in the command which says where bytes go is checked by nobody on the chip: such a write may
//! destroy what lies elsewhere, but it is never called a success.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use flashpack::device::practice::Faults;
use flashpack::device::practice::faults::{Direction, Replug, WireFault};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::Request;

use crate::neighbour_bytes::{Place, noise, plan};
use crate::stray_erases::on_boards;

const AT: usize = 0x12_3000;
const LEN: usize = 0x1000;

fn write_what_differs(bytes: &[u8]) -> Request {
    Request::Write(Arc::new(plan(AT as u32, bytes.to_vec())))
}

/// The same with `--full`.
fn write(bytes: &[u8]) -> Request {
    let mut plan = plan(AT as u32, bytes.to_vec());
    plan.full = true;
    Request::Write(Arc::new(plan))
}

/// The fault of a write that lost something elsewhere is named; how often that was the case. Right after a turned bit another
/// byte is lost, so that of the bytes themselves none arrives anywhere.
fn begun_elsewhere() -> usize {
    let place = Place::new();
    let look = place.board.test_access();
    let mut expected = noise(0x40_0000, 1);
    look.overwrite(0, &expected);
    let wanted = noise(LEN, 3);
    expected[AT..AT + LEN].copy_from_slice(&wanted);
    let connecting = place.sent_by(Request::Detect);
    let request = || write_what_differs(&wanted);
    look.overwrite(AT as u32, &noise(LEN, 9));
    let whole = place.sent_by(request());

    let named = AtomicUsize::new(0);
    // The command lies between the connection and the bytes, of which there are a little more than in the flash.
    on_boards(&expected, connecting..whole - LEN as u64, |place, at| {
        let look = place.board.test_access();
        look.overwrite(AT as u32, &noise(LEN, 9));
        look.add_faults_from_here(&Faults {
            wire: vec![
                (Direction::ToBoard, at, WireFault::Flip(Some(4))),
                (Direction::ToBoard, at + 500, WireFault::Drop),
            ],
            ..Faults::default()
        });
        let (notes, ending) = place.run(request());
        look.mend();
        let flash = look.flash();
        let lost = match &ending {
            Event::Finished(Outcome::Written(summary)) => {
                assert!(summary.verified);
                0..0
            }
            Event::Failed(error) => {
                named.fetch_add(1, Relaxed);
                let lost = error.lost.unwrap_or_else(|| panic!("{at}: {error:?}"));
                lost.offset as usize..lost.end() as usize
            }
            other => panic!("{at}: {other:?}"),
        };
        let done = lost.is_empty();
        let right = |at: &usize| {
            flash[*at] == expected[*at]
                || lost.contains(at)
                || (!done && (AT..AT + LEN).contains(at))
        };
        let differs = (0..flash.len()).find(|at| !right(at));
        assert_eq!(differs, None, "{at}: {ending:?}, {notes:?}");
        look.overwrite(0, &expected);
    });
    named.into_inner()
}

#[test]
fn what_a_write_erased_elsewhere_before_another_error_is_named() {
    assert!(begun_elsewhere() > 0, "no offset was another one");
}

#[test]
fn what_a_dead_line_hid_is_named_by_the_next_job() {
    let place = Place::new();
    let look = place.board.test_access();
    let before = noise(0x40_0000, 1);
    look.overwrite(0, &before);
    let wanted = noise(LEN, 3);
    let mut expected = before.clone();
    expected[AT..AT + LEN].copy_from_slice(&wanted);
    let request = || write_what_differs(&wanted);
    let connecting = place.sent_by(Request::Detect);
    let whole = place.sent_by(request());
    let named = AtomicUsize::new(0);
    on_boards(&before, connecting..whole - LEN as u64, |place, at| {
        let look = place.board.test_access();
        look.overwrite(0, &before);
        look.add_faults_from_here(&Faults {
            wire: vec![
                (Direction::ToBoard, at, WireFault::Flip(Some(4))),
                (
                    Direction::ToBoard,
                    at + 100,
                    WireFault::Unplug(Replug::Never),
                ),
            ],
            ..Faults::default()
        });
        let (_, first) = place.run(request());
        look.mend();
        let Event::Failed(error) = first else {
            panic!("{at}: {first:?}");
        };
        assert_eq!(error.lost, None, "{at}: nobody could be asked");
        let (notes, second) = place.run(request());
        let lost = match &second {
            Event::Finished(Outcome::Written(summary)) => {
                assert!(summary.verified);
                0..0
            }
            Event::Failed(error) => {
                named.fetch_add(1, Relaxed);
                assert!(error.message.contains("interrupted"), "{error:?}");
                let lost = error.lost.unwrap_or_else(|| panic!("{at}: {error:?}"));
                // It is said once.
                let (_, third) = place.run(request());
                assert!(matches!(third, Event::Finished(_)), "{at}: {third:?}");
                lost.offset as usize..lost.end() as usize
            }
            other => panic!("{at}: {other:?}"),
        };
        let flash = look.flash();
        let differs = (0..flash.len()).find(|at| flash[*at] != expected[*at] && !lost.contains(at));
        assert_eq!(differs, None, "{at}: {second:?}, {notes:?}");
    });
    assert!(named.into_inner() > 0, "no offset was another one");
}

#[test]
fn a_turned_bit_of_a_size_or_an_offset_names_what_is_lost() {
    let place = Place::new();
    let look = place.board.test_access();
    let wanted = noise(LEN, 3);
    let mut expected = noise(0x40_0000, 1);
    look.overwrite(0, &expected);
    let connecting = place.sent_by(Request::Detect);
    let (_, ending) = place.run(write(&wanted));
    assert!(matches!(ending, Event::Finished(_)), "{ending:?}");
    expected[AT..AT + LEN].copy_from_slice(&wanted);

    let (behind, elsewhere) = (AtomicBool::new(false), AtomicBool::new(false));
    let both = || behind.load(Relaxed) && elsewhere.load(Relaxed);
    // The command that begins the write follows the connection, and what is asked of the places around.
    let places = (connecting..connecting + 2000).take_while(|_| !both());
    on_boards(&expected, places, |place, at| {
        let look = place.board.test_access();
        look.overwrite(AT as u32, &noise(LEN, 9));
        let faults = Faults {
            wire: vec![(Direction::ToBoard, at, WireFault::Flip(Some(5)))],
            ..Faults::default()
        };
        look.add_faults_from_here(&faults);
        let (notes, ending) = place.run(write(&wanted));
        look.mend();
        match ending {
            Event::Finished(Outcome::Written(summary)) => {
                assert!(summary.verified);
                let flash = look.flash();
                let differs = (0..flash.len()).find(|at| flash[*at] != expected[*at]);
                assert_eq!(differs, None, "{at}: a false success, {notes:?}");
            }
            Event::Failed(error) => {
                let lost = error.lost.unwrap_or_else(|| panic!("{at}: {error:?}"));
                let lost = lost.offset as usize..lost.end() as usize;
                behind.fetch_or(lost.start == AT + LEN, Relaxed);
                elsewhere.fetch_or(lost.start != AT + LEN, Relaxed);
                let flash = look.flash();
                let outside = |at: &usize| !lost.contains(at) && !(AT..AT + LEN).contains(at);
                let differs = (0..flash.len()).filter(outside);
                let mut differs = differs.filter(|at| flash[*at] != expected[*at]);
                assert_eq!(differs.next(), None, "{at}: {error:?}");
                look.overwrite(0, &expected);
            }
            other => panic!("{at}: {other:?}"),
        }
    });
    assert!(behind.into_inner(), "no size became larger");
    assert!(elsewhere.into_inner(), "no offset was another one");
}

#[test]
fn what_is_written_again_over_itself_is_still_found_elsewhere() {
    let place = Place::new();
    let look = place.board.test_access();
    let wanted = noise(LEN, 3);
    let mut expected = noise(0x40_0000, 1);
    expected[AT..AT + LEN].copy_from_slice(&wanted);
    look.overwrite(0, &expected);
    let connecting = place.sent_by(Request::Detect);
    let whole = place.sent_by(write(&wanted));
    let mut named = 0;
    for at in connecting..whole {
        if named > 0 {
            break;
        }
        look.add_faults_from_here(&Faults {
            wire: vec![(Direction::ToBoard, at, WireFault::Flip(Some(4)))],
            ..Faults::default()
        });
        let (notes, ending) = place.run(write(&wanted));
        look.mend();
        let flash = look.flash();
        let lost = match &ending {
            Event::Finished(_) => 0..0,
            Event::Failed(error) => {
                named += 1;
                let lost = error.lost.unwrap_or_else(|| panic!("{at}: {error:?}"));
                lost.offset as usize..lost.end() as usize
            }
            other => panic!("{at}: {other:?}"),
        };
        let differs = (0..flash.len()).find(|at| flash[*at] != expected[*at] && !lost.contains(at));
        assert_eq!(differs, None, "{at}: {ending:?}, {notes:?}");
        look.overwrite(0, &expected);
    }
    assert!(named > 0, "no offset was another one");
}
