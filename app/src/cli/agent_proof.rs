//! `flashpack agent verify`: by the check records on the board, or by the files of an image here.

use std::path::Path;

use super::agent::{ask, plural};
use super::args_agent::InPartition;
use super::failure::Failure;
use super::report::Report;
use super::resolve::read_image;
use crate::engine::compare_files::expected_in;
use crate::engine::event::Outcome;
use crate::engine::request::Question;
use crate::model::cause::Cause;

pub fn verify(name: &str, place: &InPartition, report: &mut Report) -> Result<(), Failure> {
    let question = Question::Verify {
        partition: place.partition.clone(),
        path: name.to_owned(),
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::AgentVerified(verdict) = outcome else {
        return Err(board.unexpected());
    };
    for fault in &verdict.faults {
        report.note(fault);
    }
    let what = if name.is_empty() {
        place.partition.clone()
    } else {
        format!("{name} in {}", place.partition)
    };
    if !verdict.faults.is_empty() {
        let count = verdict.faults.len();
        return Err(Failure::new(
            format!("{what} has {count} {} on the board", plural(count, "fault")),
            place.partition.clone(),
            "Write it again",
        )
        .because(Cause::DamagedOnBoard));
    }
    let proven = match verdict.unchecked {
        0 => "all proven by their check records".to_owned(),
        unchecked => format!(
            "{unchecked} of them without a check record: nothing can be said of their bytes"
        ),
    };
    let entries = verdict.files as usize;
    let text = format!(
        "{what}: {entries} {} in {} {}, {} bytes, {proven}\n",
        plural(entries, "file"),
        verdict.bins,
        if verdict.bins == 1 {
            "directory"
        } else {
            "directories"
        },
        verdict.bytes,
    );
    report.result(&verdict, &text);
    Ok(())
}

/// Proves every file of an image on the board.
pub fn compare(image: &Path, place: &InPartition, report: &mut Report) -> Result<(), Failure> {
    let bytes = read_image(image)?;
    let files = expected_in(&bytes).map_err(|error| Failure::format(image, &error))?;
    let question = Question::Compare {
        partition: place.partition.clone(),
        files,
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::FilesCompared(comparison) = outcome else {
        return Err(board.unexpected());
    };
    if comparison.differing() == 0 {
        report.result(&comparison, &format!("{}\n", comparison.sentence()));
        return Ok(());
    }
    for line in comparison.report().lines().skip(1) {
        if !line.starts_with("same") {
            report.note(line);
        }
    }
    Err(Failure::new(
        comparison.sentence(),
        place.partition.clone(),
        "Write the image again",
    )
    .because(Cause::DamagedOnBoard))
}
