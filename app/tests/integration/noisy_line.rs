//! What a write does on a line that showed damage: bytes that do not pack go as they are, and a loader that was told
//! something wrong of its flash is told anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use flashpack::device::practice::Faults;
use flashpack::device::practice::faults::{Direction, WireFault};
use flashpack::engine::event::Event;
use flashpack::engine::request::Request;

use crate::neighbour_bytes::{Place, noise, plan};
use crate::second_client::is_verified;
use crate::stray_erases::on_boards;

const AT: usize = 0x12_0000;
const LEN: usize = 0x1_8000;

fn write(bytes: &[u8]) -> Request {
    Request::Write(Arc::new(plan(AT as u32, bytes.to_vec())))
}

fn lines(len: usize) -> Vec<u8> {
    let lines = (0_u32..).flat_map(|number| format!("line {number} of a log\n").into_bytes());
    lines.take(len).collect()
}

/// Writes these bytes to a board while bytes on the way are lost, so far after the connection; how often the board heard
/// these commands: a stream's begin, the begin of bytes as they are, and blocks of these. And the notes of the job.
fn counts(bytes: &[u8], lost: &[u64]) -> ([u64; 3], Vec<String>) {
    let place = Place::new();
    let look = place.board.test_access();
    let mut expected = noise(0x40_0000, 1);
    look.overwrite(0, &expected);
    let connecting = place.sent_by(Request::Detect);
    look.add_faults_from_here(&Faults {
        wire: lost
            .iter()
            .map(|lost| (Direction::ToBoard, connecting + lost, WireFault::Drop))
            .collect(),
        ..Faults::default()
    });
    let (notes, ending) = place.run(write(bytes));
    assert!(is_verified(&ending), "{ending:?}");
    expected[AT..AT + LEN].copy_from_slice(bytes);
    assert!(look.flash_is(&expected));
    let commands = look.report().commands;
    let counts = ["FLASH_DEFL_BEGIN", "FLASH_BEGIN", "FLASH_DATA"]
        .map(|name| commands.get(name).copied().unwrap_or_default());
    (counts, notes)
}

#[test]
fn after_an_error_bytes_that_do_not_pack_go_as_they_are() {
    let ([streams, plain, blocks], _) = counts(&noise(LEN, 3), &[20_000]);
    assert_eq!(streams, 1, "the first attempt");
    // 96 KiB: at most 64 KiB are unproven at a time, in blocks of half the size.
    assert_eq!((plain, blocks), (2, 12));
}

#[test]
fn a_block_that_was_not_taken_is_sent_again_without_another_begin() {
    let ([streams, plain, blocks], notes) = counts(&noise(LEN, 3), &[20_000, 80_000]);
    assert_eq!((streams, plain), (1, 2));
    let again = notes
        .iter()
        .filter(|note| note.ends_with("sending it again"));
    assert_eq!(again.count(), 1, "{notes:?}");
    // The blocks behind it are half as large once more, and none that was taken comes twice.
    assert!(blocks > 12, "{blocks}");
}

#[test]
fn after_an_error_text_is_still_packed() {
    let ([streams, plain, blocks], _) = counts(&lines(LEN), &[5_000]);
    assert!(streams > 1);
    assert_eq!((plain, blocks), (0, 0));
}

#[test]
fn a_loader_that_was_told_a_wrong_size_is_told_again() {
    let place = Place::new();
    let connecting = place.sent_by(Request::Detect);
    let wanted = noise(0x1000, 3);
    let refused = AtomicUsize::new(0);
    // The size of the flash is told towards the end of the connection. This bit makes 4 MiB nothing.
    let told = connecting - 360..connecting - 310;
    on_boards(&[], told, |place, at| {
        let look = place.board.test_access();
        look.add_faults_from_here(&Faults {
            wire: vec![(Direction::ToBoard, at, WireFault::Flip(Some(6)))],
            ..Faults::default()
        });
        let (notes, ending) = place.run(write(&wanted));
        look.mend();
        let said = notes.iter().any(|note| note.contains("hashing at"));
        refused.fetch_add(usize::from(said), Relaxed);
        match &ending {
            // The command that a connection began with became another one.
            Event::Failed(error) if error.unreachable => look.power_cycle(),
            ending => assert!(is_verified(ending), "{at}: {ending:?}"),
        }
        look.overwrite(AT as u32, &[0; 0x1000]);
    });
    assert!(refused.into_inner() > 0, "no loader refused");
}
