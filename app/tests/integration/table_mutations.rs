//! A hundred thousand damaged inputs for each of the two table readers: never a panic, and what was read can be
//! checked, written and read again. `examples/fuzz_tables.rs` does the same ten million times.

use super::table_mutate::{check_binary_once, check_csv_once};

const RUNS: u64 = 100_000;

#[test]
fn damaged_csv_never_panics() {
    for seed in 0..RUNS {
        check_csv_once(seed);
    }
}

#[test]
fn damaged_binary_never_panics() {
    for seed in 0..RUNS {
        check_binary_once(seed);
    }
}
