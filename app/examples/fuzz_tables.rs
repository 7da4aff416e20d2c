//! Ten million damaged inputs for each of the two partition-table readers, from a seed.
//!
//! `cargo run --release -p flashpack --example fuzz_tables [RUNS [FIRST_SEED]]`
//!
//! Ends with status 0 if all of them were survived; a failure names its seed and panics.

#[path = "../tests/integration/table_mutate.rs"]
mod table_mutate;
#[path = "../tests/integration/table_random.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod table_random;

use table_mutate::{check_binary_once, check_csv_once};

fn main() {
    let number = |place: usize, usual: u64| {
        std::env::args()
            .nth(place)
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    let (runs, first) = (number(1, 10_000_000), number(2, 0));
    for done in 0..runs {
        check_csv_once(first.wrapping_add(done));
        check_binary_once(first.wrapping_add(done));
        if (done + 1).is_multiple_of(1_000_000) {
            println!("{} million of each", (done + 1) / 1_000_000);
        }
    }
    println!("{runs} damaged CSVs and {runs} damaged binaries read, no panic");
}
