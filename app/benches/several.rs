//! How much of one board's throughput eight boards reach together. Each practice board holds its answers back for the
//! time that the model gives its link and flash, so that the wire is the limit, as it is with real boards; the figure
//! says whether the host keeps up with eight of them.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use flashpack::device::practice::{Board, Options};
use flashpack::engine::request::{LinkOptions, PortChoice};
use flashpack::engine::several::Several;
use flashpack::engine::surroundings::Surroundings;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};

const BYTES: usize = 256 * 1024;

fn main() {
    let one = bytes_per_second(1);
    let eight = bytes_per_second(8);
    println!(
        "one board {:.1} KiB/s, eight boards {:.1} KiB/s: {:.2} times (goal 7.0)",
        one / 1024.0,
        eight / 1024.0,
        eight / one
    );
}

/// Bytes that all boards took in a second, from connecting to the last proof.
fn bytes_per_second(count: u8) -> f64 {
    let boards: Vec<Board> = (0..count)
        .map(|number| {
            Board::start(Options {
                mac: [0x60, 0x55, 0xF9, 0, 0, number],
                pace: Some("115200"),
                ..Options::default()
            })
            .expect("a practice board")
        })
        .collect();
    let mut state = 1u32;
    let bytes: Vec<u8> = (0..BYTES)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let plan = FlashPlan::new(vec![PlannedWrite {
        role: Role::Data,
        target: "bin".into(),
        source: "a benchmark".into(),
        offset: 0x1_0000,
        bytes: bytes.into(),
        destroys: Vec::new(),
    }]);
    let ports = boards
        .iter()
        .map(|board| PortChoice::Path(board.port().to_path_buf()))
        .collect();
    let (sender, woken) = channel();
    let wake = Arc::new(move || {
        // The benchmark may be over.
        sender.send(()).ok();
    });
    let began = Instant::now();
    let mut several = Several::start(
        ports,
        Arc::new(plan),
        LinkOptions::default(),
        Surroundings::in_memory(),
        wake,
    );
    while several.is_running() && woken.recv().is_ok() {
        several.poll();
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(
        several.summary.good,
        usize::from(count),
        "{:#?}",
        several.summary
    );
    f64::from(count) * BYTES as f64 / seconds
}
