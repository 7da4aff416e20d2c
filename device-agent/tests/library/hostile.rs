//! Bytes and flash from an enemy: the agent never panics, never answers a frame with a bad check, and every answer it
//! gives is right. `examples/hostile_frames.rs` does the same for as many frames as one likes.

#[path = "../../examples/hostile_frames/attack.rs"]
mod attack;

use device_agent::frame::{self, Decoder};
use device_agent::message::{MAX_DECODED, MAX_ENCODED};
use device_agent::request::{FindFlags, Names, Request};

use crate::support::{Host, MIB, Random, flash, indexed, place};

#[test]
fn a_hundred_thousand_hostile_frames_do_no_harm() {
    let report = attack::run(0x5EED, 100_000);
    assert_eq!(report.frames, 100_000);
    assert!(
        report.answered > 10_000 && report.dropped > 10_000,
        "{report:?}"
    );
}

#[test]
fn a_damaged_frame_is_never_answered() {
    let mut host = Host::new(flash(2 * MIB, &[]));
    let mut encoded = [0; MAX_ENCODED];
    let frame = frame::encode(&[1, 0, 7, 0], &mut encoded).unwrap().to_vec();
    for at in 1..frame.len() - 1 {
        for bit in 0..8 {
            let mut damaged = frame.clone();
            damaged[at] ^= 1 << bit;
            assert!(host.feed(&damaged).is_empty(), "bit {bit} of byte {at}");
        }
        let mut cut = frame.clone();
        cut.remove(at);
        assert!(host.feed(&cut).is_empty(), "without byte {at}");
    }
    assert_eq!(host.feed(&frame).len(), 1);
}

#[test]
fn a_frame_that_is_too_long_is_dropped_to_its_end() {
    let mut decoder = Decoder::<MAX_DECODED>::new();
    let mut good = [0; MAX_ENCODED];
    let good = frame::encode(b"good", &mut good).unwrap();
    for _ in 0..3 {
        for _ in 0..100_000 {
            assert!(decoder.push(1).is_none());
        }
        let bodies = good
            .iter()
            .filter(|&&byte| decoder.push(byte).is_some_and(|body| body == b"good"))
            .count();
        assert_eq!(bodies, 1);
    }
    assert_eq!(decoder.bad(), 3);
}

#[test]
fn corrupt_directories_and_tables_do_no_harm() {
    let files: Vec<(String, Vec<u8>)> = (0..30)
        .map(|number| (format!("f{number}"), vec![1; 99]))
        .collect();
    let image = indexed(&files);
    let mut random = Random(99);
    for round in 0..300 {
        let mut flash = flash(2 * MIB, &image);
        let (start, len) = if round % 2 == 0 {
            (MIB, 1200)
        } else {
            (0x8000, 200)
        };
        for _ in 0..=random.below(12) {
            flash[start + random.below(len) as usize] = random.next() as u8;
        }
        let mut host = Host::new(flash);
        ask_everything(&mut host, &format!("f{}", random.below(31)));
    }
}

/// Asks one request of each kind that reads an image; the answers need only come.
fn ask_everything(host: &mut Host, path: &str) {
    let (place, path) = (place(), path.as_bytes());
    let names = [&[path.len() as u8][..], path].concat();
    for request in [
        Request::Find {
            place,
            flags: FindFlags(FindFlags::COMPUTE_CRC),
            path,
        },
        Request::FindMany {
            place,
            names: Names::new(&names).unwrap(),
        },
        Request::List {
            place,
            start: 0,
            path: b"",
        },
        Request::CrcFile { place, path },
        Request::Verify { place, path: b"" },
        Request::Bench {
            place,
            count: 1,
            flags: FindFlags(FindFlags::WALK),
            path,
        },
        Request::Table {
            table_offset: 0x8000,
            start: 0,
        },
    ] {
        assert_eq!(host.ask(&request).len(), 1, "{request:?}");
    }
}
