//! Mutates good images from a seed and shows them to every reader, until one panics or the count is reached.
//!
//! `cargo run --release -p flashpack --example fuzz_images -- [RUNS] [FIRST] [TARGET]`
//!
//! RUNS of each target (10,000,000 if not given), starting with number FIRST (0). TARGET is one of those that it prints.
//! Each run depends on its number only: when one panics, its image is made again by starting at that number.

// The tests' own mutations, so that both do the same.
#[path = "../tests/integration/bin_mutations.rs"]
#[expect(
    clippy::unwrap_used,
    reason = "what cannot be built here is a failed run"
)]
mod bin_mutations;
#[path = "../tests/integration/bin_sets.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod bin_sets;

use std::time::Instant;

use bin_mutations::{TARGETS, run};

/// Runs between two lines of output.
const STEP: u64 = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, otherwise: u64| {
        arguments
            .get(index)
            .map_or(Some(otherwise), |text| text.replace('_', "").parse().ok())
    };
    let (Some(runs), Some(first)) = (number(0, 10_000_000), number(1, 0)) else {
        eprintln!("usage: fuzz_images [RUNS] [FIRST] [TARGET]");
        std::process::exit(2);
    };
    for target in TARGETS
        .iter()
        .filter(|target| arguments.get(2).is_none_or(|name| name == target.name))
    {
        let started = Instant::now();
        for start in (first..first + runs).step_by(STEP as usize) {
            println!(
                "{}: from {start}, {:.0} s",
                target.name,
                started.elapsed().as_secs_f64()
            );
            run(target, start, STEP.min(first + runs - start));
        }
        println!(
            "{}: {runs} runs without a panic in {:.0} s",
            target.name,
            started.elapsed().as_secs_f64()
        );
    }
}
