//! `flashpack table diff`: what one table changes against another.

use std::path::Path;

use serde::Serialize;

use super::super::args::TableSettings;
use super::super::failure::Failure;
use super::super::report::Report;
use super::read;
use crate::model::table_diff::{Change, Stranded, diff, stranded};

#[derive(Serialize)]
struct Answer {
    changes: Vec<Change>,
    /// Data that a board with the old table would lose by getting the new one.
    stranded: Vec<Stranded>,
}

pub fn run(
    a: &Path,
    b: &Path,
    settings: &TableSettings,
    report: &mut Report,
) -> Result<(), Failure> {
    let (old, new) = (read(a, settings)?, read(b, settings)?);
    report.problems(&old.reading);
    report.problems(&new.reading);
    let answer = Answer {
        changes: diff(&old.table, &new.table),
        stranded: stranded(&old.table, &new.table, settings.flash_size),
    };
    let mut lines: Vec<String> = answer
        .changes
        .iter()
        .map(|change| change.sentence() + "\n")
        .collect();
    if answer.changes.is_empty() {
        lines.push("The tables are equal\n".to_owned());
    }
    for lost in &answer.stranded {
        lines.push(format!("{}\n", lost.sentence()));
    }
    report.result(&answer, &lines.concat());
    Ok(())
}
