//! How long packing takes: `cargo bench -p flashpack --bench packing`.
//!
//! Each line is the median and the best of many runs in this process. With `FLASHPACK_BIN_PACK` set to the seed's
//! `bin_pack.py` and `FLASHPACK_MPREMOTE` to a Python interpreter that has `mpremote`, the same files are packed by
//! those too, as whole processes, because that is how they are used.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use flashpack::formats::bin_image::{BinEntry, BinOptions, build};
use flashpack::formats::{bin_read, romfs};

/// Files of equal size with bytes that do not compress.
fn files(count: usize, total: usize) -> Vec<BinEntry> {
    let mut state = 1u64;
    (0..count)
        .map(|number| {
            let bytes: Vec<u8> = (0..total / count)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            BinEntry::file(format!("f{number:05}"), bytes)
        })
        .collect()
}

fn measure<T>(
    name: &str,
    runs: usize,
    goal: Option<Duration>,
    mut work: impl FnMut() -> T,
) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            black_box(work());
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let best = times.first().copied().unwrap_or_default();
    let goal = goal.map_or_else(String::new, |goal| {
        let verdict = if median <= goal { "reached" } else { "MISSED" };
        format!("   goal {goal:?} {verdict}")
    });
    println!("{name:<58} median {median:>10.3?}   best {best:>10.3?}{goal}");
    median
}

fn main() {
    let options = BinOptions::default();
    let goal = |millis| Some(Duration::from_millis(millis));
    let thousand = files(1_000, 1_100_000);
    let ours = measure("Bin, 1,000 files of 1.1 MB", 200, goal(2), || {
        build(&thousand, &options, None)
    });
    let compat = BinOptions {
        compat: true,
        ..BinOptions::default()
    };
    measure(
        "Bin as the seed writes it, 1,000 files of 1.1 MB",
        200,
        None,
        || build(&thousand, &compat, None),
    );
    let image = build(&thousand, &options, None)
        .map(|built| built.bytes)
        .unwrap_or_default();
    let mut edited = thousand.clone();
    edited[500] = BinEntry::file("f00500", vec![0; 1_200]);
    measure(
        "Bin, one of 1,000 files changed, offsets kept",
        200,
        None,
        || build(&edited, &options, Some(&image)),
    );
    measure("Bin, verify 1,000 files of 1.1 MB", 50, None, || {
        bin_read::verify(&image, "")
    });
    let look_up = measure("Bin, 1,000 look-ups among 1,000 names", 200, None, || {
        (0..1_000)
            .filter_map(|number| bin_read::find(&image, &format!("f{number:05}")).ok())
            .count()
    });
    println!("{:<58} {:?} each", "", look_up / 1_000);
    measure("ROMFS, 1,000 files of 1.1 MB", 200, None, || {
        romfs::build(&thousand, None)
    });
    let many = files(10_000, 16 << 20);
    measure("Bin, 10,000 files of 16 MiB", 30, goal(40), || {
        build(&many, &options, None)
    });
    if let Err(error) = others(&thousand, ours) {
        println!("The others could not be measured: {error}");
    }
}

/// The seed's script and mpremote on the same files, for the ratio.
fn others(files: &[BinEntry], ours: Duration) -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("source");
    std::fs::create_dir(&source)?;
    for entry in files {
        if let flashpack::formats::bin_image::BinNode::File(bytes) = &entry.node {
            std::fs::write(source.join(&entry.name), bytes)?;
        }
    }
    let names: Vec<&str> = files.iter().map(|entry| entry.name.as_str()).collect();
    match std::env::var("FLASHPACK_BIN_PACK") {
        Ok(script) => {
            let mut command = Command::new("python3");
            command
                .arg(std::path::absolute(script)?)
                .arg(folder.path().join("out"))
                .args(names)
                .current_dir(&source);
            compare(
                "bin_pack.py, the same files, as a process",
                &mut command,
                &folder.path().join("out"),
                ours,
            );
        }
        Err(_) => println!("bin_pack.py: not measured, FLASHPACK_BIN_PACK is not set"),
    }
    match std::env::var("FLASHPACK_MPREMOTE") {
        Ok(python) => {
            let mut command = Command::new(python);
            command
                .args(["-m", "mpremote", "romfs", "--no-mpy", "--output"])
                .arg(folder.path().join("out.romfs"));
            command.arg("build").arg(&source);
            compare(
                "mpremote romfs build, the same files, as a process",
                &mut command,
                &folder.path().join("out.romfs"),
                ours,
            );
        }
        Err(_) => println!("mpremote: not measured, FLASHPACK_MPREMOTE is not set"),
    }
    Ok(())
}

fn compare(name: &str, command: &mut Command, product: &Path, ours: Duration) {
    let median = measure(name, 10, None, || command.output());
    if product.exists() {
        println!(
            "{:<58} {:.0} times our packing in memory",
            "",
            median.as_secs_f64() / ours.as_secs_f64()
        );
    } else {
        println!("{:<58} it made no image", "");
    }
}
