//! What a board says of itself decides what is refused and how much is all of its flash: a bit that turns over in an answer
//! must not change it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use flashpack::device::practice::Faults;
use flashpack::device::practice::faults::{Direction, WireFault};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::Request;

use crate::neighbour_bytes::Place;
use crate::stray_erases::on_boards;

#[test]
fn a_turned_bit_of_an_answer_changes_neither_size_nor_security() {
    let place = Place::new();
    let sent = || place.board.test_access().report().wire.from_board;
    let before = sent();
    let (_, ending) = place.run(Request::Detect);
    let Event::Finished(Outcome::Detected(right)) = ending else {
        panic!("{ending:?}");
    };
    let whole = sent() - before;
    let same = AtomicUsize::new(0);
    // The questions about the board are the last ones of a connection. With this bit 4 MiB become 1 MiB.
    on_boards(&[], whole / 2..whole, |place, at| {
        let look = place.board.test_access();
        look.add_faults_from_here(&Faults {
            wire: vec![(Direction::FromBoard, at, WireFault::Flip(Some(1)))],
            ..Faults::default()
        });
        let (_, ending) = place.run(Request::Detect);
        look.mend();
        match ending {
            Event::Finished(Outcome::Detected(found)) => {
                same.fetch_add(1, Relaxed);
                assert_eq!(found.flash_size, right.flash_size, "{at}");
                assert_eq!(found.secure_boot, right.secure_boot, "{at}");
                assert_eq!(found.flash_encrypted, right.flash_encrypted, "{at}");
                assert_eq!(found.mac, right.mac, "{at}");
            }
            Event::Failed(error) => assert!(!error.message.is_empty(), "{at}"),
            other => panic!("{at}: {other:?}"),
        }
    });
    assert!(same.into_inner() > 0, "no connection got through");
}
