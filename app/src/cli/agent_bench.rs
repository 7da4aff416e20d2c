//! `flashpack agent bench`: what look-ups cost on the chip. A board without a processor has no cycles; then they are
//! unknown, and only the round trip, measured by this computer's clock, has a figure.

use super::agent::ask;
use super::args_agent::InPartition;
use super::failure::Failure;
use super::report::Report;
use crate::engine::event::{BenchReport, Cycles, Outcome};
use crate::engine::request::Question;

pub fn run(
    name: &str,
    count: u16,
    place: &InPartition,
    report: &mut Report,
) -> Result<(), Failure> {
    let question = Question::Bench {
        partition: place.partition.clone(),
        path: name.to_owned(),
        count,
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::Benched(benched) = outcome else {
        return Err(board.unexpected());
    };
    report.result(&benched, &text(&benched));
    Ok(())
}

fn text(benched: &BenchReport) -> String {
    let mut lines = vec![
        "CPU cycles of a look-up, on average      by the index           walking\n".to_owned(),
        "file                    place        cold       warm       cold       warm\n".to_owned(),
    ];
    for line in &benched.lines {
        let place = match (line.place, line.entries) {
            (Some(place), Some(entries)) => format!("{place} of {entries}"),
            _ => "not listed".to_owned(),
        };
        let mean = |cycles: Option<Cycles>| {
            cycles.map_or_else(|| "unknown".to_owned(), |cycles| cycles.mean.to_string())
        };
        lines.push(format!(
            "{:<16} {place:>12} {:>11} {:>10} {:>10} {:>10}\n",
            line.path,
            mean(line.search.cold),
            mean(line.search.warm),
            mean(line.walk.cold),
            mean(line.walk.warm),
        ));
    }
    if benched.cpu_hz.is_none() {
        lines.push(
            "This board does not know its clock; a practice board has no processor to count cycles\n"
                .to_owned(),
        );
    }
    lines.push(format!(
        "{} names asked for together: {} µs by this computer's clock\n",
        benched.round_trip_names, benched.round_trip_micros,
    ));
    lines.concat()
}
