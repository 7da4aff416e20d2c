//! Every job of the engine on Espressif's own ROM and stub, in an emulator: what it holds afterwards is read from its
//! flash file. Skipped aloud where no emulator is named, see [`crate::emulator`].

use std::sync::Arc;

use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::worker::Worker;
use flashpack::model::flash_plan::FlashPlan;
use flashpack::model::region::Region;

use crate::emulator::Emulator;
use crate::neighbour_bytes;

const AT: u32 = 0x10_0000;

fn run(worker: &mut Worker, request: Request) -> Outcome {
    worker.submit(request).unwrap();
    loop {
        match worker.wait_event().expect("a job ends with an event") {
            Event::Finished(outcome) => return outcome,
            event => assert!(!event.is_ending(), "{event:?}"),
        }
    }
}

fn plan(offset: u32, bytes: &[u8]) -> Arc<FlashPlan> {
    Arc::new(neighbour_bytes::plan(offset, bytes.to_vec()))
}

/// Connects to the stub alone. The emulator shares this computer with everything else: patience keeps that from looking like
/// a lost answer.
fn connect(emulator: &Emulator) -> Worker {
    let choice = PortChoice::Path(emulator.port().to_owned());
    let options = LinkOptions {
        stub_only: true,
        patience_percent: 500,
        ..LinkOptions::default()
    };
    Worker::start(&choice, options, Arc::new(|| ())).unwrap()
}

/// Half of it packs well, half of it does not: the emulated line keeps the time of 115200 baud.
fn image() -> Vec<u8> {
    let mut seed = 5u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let mut bytes: Vec<u8> = (0..0x6000).map(|_| next()).collect();
    bytes.extend((0..0x6000u32).map(|at| (at / 300) as u8));
    bytes
}

#[test]
fn write_verify_diff_read_and_erase_on_the_real_rom() {
    let Some(emulator) = Emulator::start("write_verify_diff_read_and_erase_on_the_real_rom") else {
        return;
    };
    let mut worker = connect(&emulator);

    let mut bytes = image();
    let Outcome::Written(first) = run(&mut worker, Request::Write(plan(AT, &bytes))) else {
        panic!("no write")
    };
    assert_eq!((first.written, first.verified), (0xC000, true));

    let same = run(&mut worker, Request::Verify(plan(AT, &bytes)));
    assert_eq!(same, Outcome::Compared { differing: vec![] });

    bytes[0x4321] ^= 1;
    // A new session knows nothing: the real stub is asked for every digest.
    drop(worker);
    let mut worker = connect(&emulator);
    let Outcome::Written(second) = run(&mut worker, Request::Write(plan(AT, &bytes))) else {
        panic!("no write")
    };
    assert_eq!((second.written, second.unchanged), (0x1000, 0xB000));

    let region = Region::new(AT + 0x4100, 0x1234);
    let Outcome::Read { bytes: read, .. } = run(&mut worker, Request::Read(region)) else {
        panic!("no read")
    };
    assert_eq!(read[..], bytes[0x4100..0x4100 + 0x1234]);

    let erased = Region::new(AT + 0x2000, 0x2000);
    assert_eq!(
        run(&mut worker, Request::Erase(erased)),
        Outcome::Erased(erased)
    );
    let differing = run(&mut worker, Request::Verify(plan(AT, &bytes)));
    assert_eq!(
        differing,
        Outcome::Compared {
            differing: vec![erased]
        }
    );
    drop(worker);

    bytes[0x2000..0x4000].fill(0xFF);
    let flash = emulator.flash();
    let at = AT as usize;
    assert_eq!(&flash[at..at + bytes.len()], &bytes[..]);
    let outside = [&flash[..at], &flash[at + bytes.len()..]].concat();
    assert!(outside.iter().all(|byte| *byte == 0xFF));
}

#[test]
fn a_write_goes_on_after_an_error_on_the_real_rom() {
    let Some(emulator) = Emulator::start("a_write_goes_on_after_an_error_on_the_real_rom") else {
        return;
    };
    let mut worker = connect(&emulator);
    let Outcome::Detected(_) = run(&mut worker, Request::Detect) else {
        panic!("no board")
    };
    // What does not pack: sent as it is after the error, which the real stub has to take as well as a stream.
    let bytes = [&image()[..0x6000], &image()[..0x6000]].concat();
    emulator.lose_byte(20_000);
    let mut notes = Vec::new();
    // On a busy computer the emulated line loses bytes of its own, up to a stub that is not heard any more: then the next
    // job goes on, as a person would have it.
    let verified = (0..3).any(|_| write(&mut worker, &bytes, &emulator, &mut notes));
    assert!(verified, "{notes:?}");
    let all = notes.join("; ");
    assert!(all.contains("finding out what is missing"), "{all}");
    // A block that the real stub did not take.
    assert!(all.contains("sending it again"), "{all}");
    drop(worker);
    let flash = emulator.flash();
    let at = AT as usize;
    assert!(flash[at..at + bytes.len()] == bytes[..]);
    let outside = [&flash[..at], &flash[at + bytes.len()..]].concat();
    assert!(outside.iter().all(|byte| *byte == 0xFF));
}

/// Writes these bytes; a second one is lost on the way once the first was noticed. Whether they are verified.
fn write(worker: &mut Worker, bytes: &[u8], emulator: &Emulator, notes: &mut Vec<String>) -> bool {
    worker.submit(Request::Write(plan(AT, bytes))).unwrap();
    loop {
        match worker.wait_event().expect("a job ends with an event") {
            Event::Finished(Outcome::Written(summary)) => return summary.verified,
            Event::Failed(error) => {
                assert!(error.resumable || error.unreachable, "{error:?}");
                return false;
            }
            Event::Note(note) => {
                notes.push(note);
                if notes.len() == 1 {
                    emulator.lose_byte(15_000);
                }
            }
            event => assert!(!event.is_ending(), "{event:?}"),
        }
    }
}
