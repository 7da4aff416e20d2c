//! A slice of each campaign; `cargo run --example campaigns` runs as many as it is told.

use crate::campaign_run::{Ending, Kind, Lane, NAMES};

/// Runs of each slice, spread over these lanes.
const RUNS: u64 = 56;
const LANES: u64 = 8;

fn slice(kind: Kind) -> Vec<Ending> {
    let lane = |first: u64| {
        let mut lane = Lane::new();
        let results: Vec<_> = (first..RUNS)
            .step_by(LANES as usize)
            .map(|number| lane.run(kind, 1, number))
            .collect();
        (results, lane.runs().to_vec())
    };
    let results = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|first| scope.spawn(move || lane(first)))
            .collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().unwrap())
            .collect::<Vec<_>>()
    });
    for (job, name) in NAMES.iter().enumerate() {
        let runs: u64 = results.iter().map(|(_, runs)| runs[job]).sum();
        assert!(runs > 0, "{kind:?} never does job {job}: {name}");
    }
    let results: Vec<_> = results
        .into_iter()
        .flat_map(|(results, _)| results)
        .collect();
    let wrong: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    results.into_iter().map(Result::unwrap).collect()
}

#[test]
fn every_cut_is_survived_by_resuming() {
    let endings = slice(Kind::Cuts);
    assert!(endings.contains(&Ending::Resumed), "nothing was cut");
}

#[test]
fn no_fault_makes_a_false_success() {
    let endings = slice(Kind::Faulty);
    assert!(endings.contains(&Ending::ByItself), "nothing was survived");
}

#[test]
fn a_noisy_line_is_survived_by_the_job_itself() {
    let endings = slice(Kind::Noise(10));
    let alone = endings
        .iter()
        .filter(|ending| **ending == Ending::ByItself)
        .count();
    // Of 56 sessions at 1e-5 per byte not one may need the user; the campaign's goal is 99.9 %.
    assert_eq!(alone, endings.len());
}
