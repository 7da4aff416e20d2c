//! A job goes on with the board that it began with, or not at all.

use std::sync::Arc;

use flashpack::device::practice::faults::{Direction, WireFault};
use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::event::Event;
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::model::cause::Cause;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::region::Region;

use crate::neighbour_bytes::noise;

const MAC: [u8; 6] = [0x60, 0x55, 0xF9, 0, 0, 1];
const OTHER_MAC: [u8; 6] = [0x60, 0x55, 0xF9, 0, 0, 2];

/// Runs a job on a board whose cable goes dead, and puts another board in its place before it is found again.
fn swapped_in(request: Request) {
    let folder = tempfile::tempdir().unwrap();
    let (link, other_link) = (folder.path().join("board"), folder.path().join("other"));
    let start = |mac, link: &std::path::Path| {
        let options = Options {
            mac,
            link: Some(link.to_owned()),
            ..Options::default()
        };
        Board::start(options).unwrap()
    };
    let board = start(MAC, &link);
    let other = start(OTHER_MAC, &other_link);
    for board in [&board, &other] {
        board.test_access().overwrite(0x1_0000, &noise(0x4_0000, 1));
    }
    let untouched = other.test_access().flash();

    let mut worker = Worker::start_in(
        &Surroundings::in_memory(),
        &PortChoice::Path(link.clone()),
        LinkOptions::default(),
        Arc::new(|| ()),
    )
    .unwrap();
    worker.submit(Request::Detect).unwrap();
    while !worker.wait_event().unwrap().is_ending() {}
    board.test_access().add_faults_from_here(&Faults {
        wire: vec![(Direction::FromBoard, 100, WireFault::Cut)],
        ..Faults::default()
    });
    worker.submit(request).unwrap();
    let error = loop {
        match worker.wait_event().unwrap() {
            Event::Note(note) if note.contains("finding out what is missing") => {
                std::fs::rename(&other_link, &link).unwrap();
            }
            Event::Failed(error) => break error,
            event => assert!(!event.is_ending(), "{event:?}"),
        }
    };
    assert_eq!(error.cause, Some(Cause::OtherBoard), "{error:?}");
    assert!(error.message.contains("60:55:f9:00:00:02"), "{error}");
    assert!(error.message.contains("60:55:f9:00:00:01"), "{error}");
    assert!(other.test_access().flash() == untouched, "{error}");
}

#[test]
fn a_write_does_not_go_on_with_another_board() {
    swapped_in(Request::Write(Arc::new(FlashPlan::new(vec![
        PlannedWrite {
            role: Role::Data,
            target: "bin".into(),
            source: "test".into(),
            offset: 0x1_0000,
            bytes: noise(0x4_0000, 2).into(),
            destroys: Vec::new(),
        },
    ]))));
}

#[test]
fn an_erase_does_not_go_on_with_another_board() {
    swapped_in(Request::Erase(Region::new(0x1_0000, 0x4_0000)));
}
