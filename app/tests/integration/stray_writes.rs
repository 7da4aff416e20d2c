//! A bit that turns over in the command which says where bytes go is checked by nobody on the chip: such a write may
//! destroy what lies elsewhere, but it is never called a success.

use std::sync::Arc;

use flashpack::device::practice::Faults;
use flashpack::device::practice::faults::{Direction, WireFault};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::Request;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};

use crate::neighbour_bytes::{Place, noise};

const AT: usize = 0x12_3000;
const LEN: usize = 0x1000;

fn write(bytes: &[u8]) -> Request {
    let mut plan = FlashPlan::new(vec![PlannedWrite {
        role: Role::Data,
        target: "bin".into(),
        source: "test".into(),
        offset: AT as u32,
        bytes: bytes.to_vec().into(),
        destroys: Vec::new(),
    }]);
    plan.full = true;
    Request::Write(Arc::new(plan))
}

/// The region that an error names: `0x1000:0x2000`.
fn named(place: &str) -> Option<std::ops::Range<usize>> {
    let (offset, size) = place.split_once(':')?;
    let number = |text: &str| usize::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let offset = number(offset)?;
    Some(offset..offset + number(size)?)
}

#[test]
fn a_turned_bit_of_a_size_or_an_offset_names_what_is_lost() {
    let place = Place::new();
    let look = place.board.test_access();
    let wanted = noise(LEN, 3);
    let mut expected = noise(0x40_0000, 1);
    look.overwrite(0, &expected);
    let sent = || look.report().wire.to_board;
    let before = sent();
    let (_, ending) = place.run(Request::Detect);
    assert!(matches!(ending, Event::Finished(_)), "{ending:?}");
    let connecting = sent() - before;
    let (_, ending) = place.run(write(&wanted));
    assert!(matches!(ending, Event::Finished(_)), "{ending:?}");
    expected[AT..AT + LEN].copy_from_slice(&wanted);

    let (mut behind, mut elsewhere) = (false, false);
    // The command that begins the write follows the connection, or what little is asked before it.
    for at in connecting..connecting + 200 {
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
                let lost = named(&error.place).unwrap_or_else(|| panic!("{at}: {error:?}"));
                behind |= error.message.contains("behind bin");
                elsewhere |= error.message.contains("instead");
                let flash = look.flash();
                let outside = |at: &usize| !lost.contains(at) && !(AT..AT + LEN).contains(at);
                let differs = (0..flash.len()).filter(outside);
                let mut differs = differs.filter(|at| flash[*at] != expected[*at]);
                assert_eq!(differs.next(), None, "{at}: {error:?}");
                look.overwrite(0, &expected);
            }
            other => panic!("{at}: {other:?}"),
        }
        if behind && elsewhere {
            return;
        }
    }
    panic!("erased behind: {behind}, written elsewhere: {elsewhere}");
}
