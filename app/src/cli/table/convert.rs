//! `flashpack table convert`: between CSV and binary, with the verdict and the bytes of `gen_esp32part.py`.

use std::path::Path;

use serde::Serialize;

use super::super::args::TableConvert;
use super::super::failure::Failure;
use super::super::report::Report;
use super::super::resolve::{check_output, write_output};
use super::read;
use crate::formats::{partition_bin, partition_csv};
use crate::model::partition_table::PartitionTable;
use crate::model::problem::{Problem, Severity, any_error};
use crate::model::table_check::{Form, esp_idf_errors};
use crate::store::table_file::{TableRead, TableSource};

/// What an output file becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Csv,
    Binary,
}

#[derive(Serialize)]
struct Answer {
    output: String,
    partitions: usize,
}

pub fn run(args: &TableConvert, report: &mut Report) -> Result<(), Failure> {
    let output = output_kind(&args.output)?;
    check_output(&args.output)?;
    let read = read(&args.input, &args.settings)?;
    let mut problems = refusals(&read, args.settings.flash_size);
    problems.extend(obstacles(&read.table, output));
    if any_error(&problems) {
        let place = args.input.display().to_string();
        let summary = format!("{place} was not converted, because it has errors");
        return Err(report.refusal(&problems, &place, &summary));
    }
    report.problems(&problems);
    let place = args.input.display().to_string();
    let bytes = bytes_of(&read.table, output, &place)?;
    write_output(&args.output, &bytes)?;
    let output = args.output.display().to_string();
    let partitions = read.table.rows.len();
    report.result(
        &Answer {
            output: output.clone(),
            partitions,
        },
        &format!("{output}: {partitions} partitions\n"),
    );
    Ok(())
}

/// What the form of the file cannot hold.
pub fn obstacles(table: &PartitionTable, output: Output) -> Vec<Problem> {
    match output {
        Output::Csv => partition_csv::obstacles(table),
        Output::Binary => Vec::new(),
    }
}

/// The file's bytes; `place` is the table's name for a failure.
pub fn bytes_of(table: &PartitionTable, output: Output, place: &str) -> Result<Vec<u8>, Failure> {
    match output {
        Output::Csv => Ok(partition_csv::write(&partition_csv::to_esp_idf(table))),
        Output::Binary => partition_bin::write(table).map_err(|error| {
            Failure::new(
                format!("{place} cannot be a binary table: {error}"),
                place,
                "Mend the table first",
            )
        }),
    }
}

/// By its extension.
pub fn output_kind(path: &Path) -> Result<Output, Failure> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv") => Ok(Output::Csv),
        Some("bin") => Ok(Output::Binary),
        _ => Err(Failure::usage(
            format!("What {} should be is not clear", path.display()),
            path.display().to_string(),
            "Give it a name that ends in .csv or .bin",
        )),
    }
}

/// Errors of reading, and what ESP-IDF's tool refuses; notes and warnings of reading are told too.
fn refusals(read: &TableRead, flash_size: Option<u32>) -> Vec<Problem> {
    let form = match read.source {
        TableSource::Csv(_) => Form::Csv,
        TableSource::Binary | TableSource::Inside(_) => Form::Binary,
    };
    let mut problems = read.reading.clone();
    let told = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    // A row that could not be read breaks the rules as well; its own reason says more.
    if told == 0 {
        problems.extend(esp_idf_errors(&read.table, flash_size, form));
    }
    problems
}
