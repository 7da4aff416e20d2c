//! Campaigns against the practice board: cuts, faults and noise, many boards at a time, from a seed.
//!
//! `cargo run --release -p flashpack --example campaigns -- cuts|faulty|noise|noise:PPM|all [RUNS [SEED [BOARDS [MINUTES [FIRST]]]]]`
//!
//! Runs until RUNS are done or MINUTES are over, from the run FIRST on; all may be left out. Prints seed, runs, rate and outcomes; what must
//! never happen is printed with all that is needed to run it again, and makes the status 1.

#[cfg(not(unix))]
fn main() {
    println!("A practice board needs a pseudo-terminal: no campaign here");
}

#[cfg(unix)]
#[path = "../tests/integration/campaign_run.rs"]
mod campaign_run;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::collections::BTreeMap;
    use std::ops::Range;
    use std::process::ExitCode;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use super::campaign_run::{Ending, Kind, Lane, NAMES};

    #[derive(Default)]
    struct Tally {
        by_itself: AtomicU64,
        resumed: AtomicU64,
        named: AtomicU64,
        wrong: AtomicU64,
        long_jobs: AtomicU64,
        longest_millis: AtomicU64,
        said: Mutex<BTreeMap<String, Vec<u64>>>,
        /// Runs of each job.
        runs: [AtomicU64; NAMES.len()],
    }

    pub fn main() -> ExitCode {
        let word = std::env::args().nth(1).unwrap_or_else(|| "all".into());
        let number = |place: usize, usual: u64| {
            std::env::args()
                .nth(place)
                .and_then(|text| text.parse().ok())
                .unwrap_or(usual)
        };
        let (runs, seed, boards, minutes, first) = (
            number(2, 10_000),
            number(3, 1),
            number(4, 64),
            number(5, 24 * 60),
            number(6, 0),
        );
        let numbers = first..first.saturating_add(runs);
        let noise = [1, 10, 100].map(Kind::Noise);
        let one_noise = word.strip_prefix("noise:").and_then(|ppm| ppm.parse().ok());
        let kinds = match (word.as_str(), one_noise) {
            (_, Some(per_million)) => vec![Kind::Noise(per_million)],
            ("cuts", _) => vec![Kind::Cuts],
            ("faulty", _) => vec![Kind::Faulty],
            ("noise", _) => noise.to_vec(),
            ("all", _) => [&[Kind::Cuts, Kind::Faulty][..], &noise].concat(),
            _ => {
                eprintln!("There is no campaign “{word}”: cuts, faulty, noise, noise:PPM or all");
                return ExitCode::from(2);
            }
        };
        let deadline = Instant::now() + Duration::from_secs(60 * minutes);
        let mut wrong = 0;
        for (index, kind) in (1u32..).zip(&kinds) {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            let share = left / (kinds.len() as u32 + 1 - index);
            wrong += campaign(*kind, numbers.clone(), seed, boards, now + share);
        }
        if wrong == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn campaign(kind: Kind, numbers: Range<u64>, seed: u64, boards: u64, deadline: Instant) -> u64 {
        let next = AtomicU64::new(numbers.start);
        let (tally, began) = (Tally::default(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..boards {
                scope.spawn(|| {
                    let mut lane = Lane::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= numbers.end || Instant::now() >= deadline {
                            break;
                        }
                        let count = match lane.run(kind, seed, number) {
                            Ok(Ending::ByItself) => &tally.by_itself,
                            Ok(Ending::Resumed) => &tally.resumed,
                            Ok(Ending::Named) => &tally.named,
                            Err(what) => {
                                println!("{what}");
                                &tally.wrong
                            }
                        };
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    let (longest, count) = lane.long_jobs();
                    let millis = longest.as_millis() as u64;
                    tally.longest_millis.fetch_max(millis, Ordering::Relaxed);
                    tally.long_jobs.fetch_add(count, Ordering::Relaxed);
                    for (all, runs) in tally.runs.iter().zip(lane.runs()) {
                        all.fetch_add(*runs, Ordering::Relaxed);
                    }
                    let mut said = tally.said.lock().expect("no lane panics");
                    for (sentence, runs) in lane.said() {
                        said.entry(sentence.clone()).or_default().extend(runs);
                    }
                });
            }
        });
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (alone, resumed, wrong) = (of(&tally.by_itself), of(&tally.resumed), of(&tally.wrong));
        let named = of(&tally.named);
        let done = alone + resumed + named + wrong;
        println!(
            "{kind:?}: seed {seed}, {done} runs on {boards} boards, {:.1} a second: {alone} ended right by themselves \
             ({:.3} %), {resumed} after a resume, {named} with a place outside that was lost and named, {wrong} wrong; {} jobs took more than 10 s, the longest {:.1} s",
            done as f64 / began.elapsed().as_secs_f64(),
            100.0 * alone as f64 / done.max(1) as f64,
            of(&tally.long_jobs),
            of(&tally.longest_millis) as f64 / 1000.0,
        );
        for (job, (name, runs)) in NAMES.iter().zip(&tally.runs).enumerate() {
            println!("  {:>7} runs of job {job}: {name}", of(runs));
        }
        let said = tally.said.into_inner().expect("no lane panics");
        let mut said: Vec<_> = said.into_iter().collect();
        said.sort_by_key(|(_, runs)| std::cmp::Reverse(runs.len()));
        for (sentence, runs) in said.iter().take(20) {
            println!("  {:>7} {sentence}: runs {}", runs.len(), some_of(runs));
        }
        wrong
    }

    /// Some of the numbers, enough to run one again.
    fn some_of(runs: &[u64]) -> String {
        let some: Vec<String> = runs.iter().take(5).map(u64::to_string).collect();
        let more = if some.len() < runs.len() { ", …" } else { "" };
        some.join(", ") + more
    }
}
