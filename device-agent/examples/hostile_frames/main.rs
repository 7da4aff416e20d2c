//! Hostile frames against the agent's state machine, as many as asked for:
//! `cargo run --release -p device-agent --example hostile_frames -- 100000000 [SEED]`.

mod attack;

/// Frames between two lines of output.
const SLICE: u64 = 1_000_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise| match arguments.next() {
        Some(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{text} is not a number")),
        None => otherwise,
    };
    let (frames, seed) = (number(1_000_000), number(1));
    let mut done = 0;
    while done < frames {
        let slice = SLICE.min(frames - done);
        // Another seed for each slice: another flash and other frames, and any slice can be run again alone.
        let report = attack::run(
            seed ^ (done / SLICE)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add(1),
            slice,
        );
        done += slice;
        println!("{done} frames, the last slice: {report:?}");
    }
}
