//! `flashpack table check`: everything that is wrong with a table, at once.

use serde::Serialize;

use super::super::args::TableFile;
use super::super::failure::Failure;
use super::super::report::Report;
use super::read;
use crate::model::cause::Cause;
use crate::model::problem::Severity;

#[derive(Serialize)]
struct Answer {
    partitions: usize,
    warnings: usize,
}

pub fn run(args: &TableFile, report: &mut Report) -> Result<(), Failure> {
    let read = read(&args.file, &args.settings)?;
    let problems = read.check(args.settings.flash_size, None);
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    for problem in &problems {
        report.finding(problem);
    }
    let errors = count(Severity::Error);
    if errors > 0 {
        let place = args.file.display().to_string();
        let word = if errors == 1 { "error" } else { "errors" };
        return Err(Failure::new(
            format!("{place} has {errors} {word}"),
            place,
            "Mend what is said above",
        )
        .because(Cause::BadTable));
    }
    let answer = Answer {
        partitions: read.table.rows.len(),
        warnings: count(Severity::Warning),
    };
    let text = format!(
        "{}: {} partitions, no errors\n",
        args.file.display(),
        answer.partitions
    );
    report.result(&answer, &text);
    Ok(())
}
