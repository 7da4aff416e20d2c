//! How long a partition table takes: `cargo bench -p flashpack --bench table`.
//!
//! A table of 94 rows, the most that fit with an MD5 row, is parsed from CSV, checked, and emitted in binary. The line
//! is the median and the best of many runs in this process.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::chip::Chip;
use flashpack::model::partition_table::TableSettings;
use flashpack::model::problem::any_error;
use flashpack::model::table_check;

const RUNS: usize = 2_000;
const GOAL: Duration = Duration::from_micros(50);

fn table_of_94_rows() -> String {
    let mut text = String::from("# Name, Type, SubType, Offset, Size, Flags\n");
    text += "factory, app, factory, 0x10000, 1M,\n";
    for row in 1..94 {
        writeln!(text, "data{row}, 0x40, {row}, , 4K,").expect("a string takes every line");
    }
    text
}

fn main() {
    let text = table_of_94_rows();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            let reading = partition_csv::read(
                black_box(text.as_bytes()),
                TableSettings::default(),
                &|_| None,
            );
            let problems = table_check::check(&reading.table, Some(16 << 20), Some(Chip::Esp32c3));
            let binary = partition_bin::write(&reading.table).expect("the table fits");
            assert!(!any_error(&problems) && binary.len() == 0xC00);
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    let (median, best) = (times[RUNS / 2], times[0]);
    let verdict = if median <= GOAL { "reached" } else { "MISSED" };
    println!(
        "94 rows: parse, check, emit    median {median:?}   best {best:?}   goal {GOAL:?} {verdict}"
    );
}
