//! One test for each rule about partition tables, and one fixture, both named after it: what breaks the rule is found,
//! with its place and, where there is one, a fix that mends it; what keeps it is not complained of.
//!
//! The fixtures are in `tests/data/tables/rules`; ESP-IDF's own rules are tested in `esp_idf`, what it forgets in `ours`.

use std::collections::BTreeSet;
use std::path::Path;

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::chip::Chip;
use flashpack::model::partition_table::{PartitionTable, TableSettings};
use flashpack::model::problem::{Column, Fix, Place, Problem, Severity};
use flashpack::model::table_arrange::Limits;
use flashpack::model::table_check::{Form, check, esp_idf_errors};
use flashpack::model::table_edit::apply_fix;

/// The CSV that breaks a rule.
macro_rules! fixture {
    ($rule:literal) => {
        include_str!(concat!("../../data/tables/rules/", $rule, ".csv"))
    };
}

/// The binary table that breaks a rule.
macro_rules! binary {
    ($rule:literal) => {
        include_bytes!(concat!("../../data/tables/rules/", $rule, ".bin"))
    };
}

mod esp_idf;
mod ours;

const FLASH_SIZE: u32 = 4 << 20;
/// A row that every table needs, so that only the rule in question is broken.
const APP: &str = "main,app,factory,0x10000,1M\n";

fn read(csv: &str) -> PartitionTable {
    partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
}

fn problems(table: &PartitionTable) -> Vec<Problem> {
    check(table, Some(FLASH_SIZE), Some(Chip::Esp32c3))
}

/// Who refuses: ESP-IDF's tool too, or only we.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    EspIdf,
    Us,
}

/// A table that breaks a rule: the problem is there, its words are right, and its fix (if any) makes it go away.
#[track_caller]
fn broken(
    by: By,
    csv: &str,
    severity: Severity,
    row: Option<usize>,
    column: Option<Column>,
    words: &str,
) -> Problem {
    let table = read(csv);
    let all = problems(&table);
    let place = row.map_or(Place::Table, |row| Place::Row { row, column });
    let found = all.iter().find(|problem| problem.message.contains(words));
    let Some(problem) = found else {
        panic!("no problem says “{words}”: {all:#?}")
    };
    assert_eq!(
        (problem.severity, &problem.place),
        (severity, &place),
        "{problem:?}"
    );
    assert!(
        !problem.help.is_empty() && !problem.help.ends_with('.') && !problem.message.ends_with('.'),
        "{problem:?}"
    );
    let refused = !esp_idf_errors(&table, Some(FLASH_SIZE), Form::Csv).is_empty();
    assert_eq!(
        refused,
        by == By::EspIdf,
        "whether ESP-IDF refuses: {all:#?}"
    );
    if let Some(fix) = &problem.fix {
        let limits = Limits {
            flash_size: Some(FLASH_SIZE),
            ..Limits::default()
        };
        let mended = apply_fix(&table, fix, &limits)
            .expect("a fix can be made")
            .table;
        let left = problems(&mended)
            .into_iter()
            .find(|left| left.message == problem.message);
        assert_eq!(left, None, "after {fix:?}");
        // The mended file says the same when it is read again.
        let again = partition_csv::read(
            &partition_csv::write(&mended),
            TableSettings::default(),
            &|_| None,
        );
        assert!(
            !problems(&again.table)
                .iter()
                .any(|left| left.message == problem.message),
            "{fix:?}"
        );
    }
    problem.clone()
}

#[track_caller]
fn fine(csv: &str) {
    let table = read(csv);
    let serious: Vec<_> = problems(&table)
        .into_iter()
        .filter(|problem| problem.severity > Severity::Note)
        .collect();
    assert_eq!(serious, [], "{csv}");
}

#[track_caller]
fn error(csv: &str, row: usize, column: Column, words: &str) -> Problem {
    broken(
        By::EspIdf,
        csv,
        Severity::Error,
        Some(row),
        Some(column),
        words,
    )
}

#[track_caller]
fn warning(csv: &str, row: usize, column: Column, words: &str) -> Problem {
    broken(
        By::Us,
        csv,
        Severity::Warning,
        Some(row),
        Some(column),
        words,
    )
}

#[track_caller]
fn note(csv: &str, row: Option<usize>, column: Option<Column>, words: &str) -> Problem {
    broken(By::Us, csv, Severity::Note, row, column, words)
}

fn with_app(rows: &str) -> String {
    format!("{APP}{rows}\n")
}

/// The problem that says these words.
#[track_caller]
fn found(problems: &[Problem], words: &str) -> Problem {
    let problem = problems
        .iter()
        .find(|problem| problem.message.contains(words));
    problem
        .unwrap_or_else(|| panic!("no problem says “{words}”: {problems:#?}"))
        .clone()
}

#[test]
fn every_fixture_has_its_test_and_every_test_its_fixture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let fixtures: BTreeSet<String> = std::fs::read_dir(folder.join("data/tables/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut tests = BTreeSet::new();
    for part in ["esp_idf", "ours"] {
        let source = folder.join(format!("integration/table_rules/{part}.rs"));
        let text = std::fs::read_to_string(source).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[test]") {
            let name = pair[1]
                .strip_prefix("fn ")
                .and_then(|rest| rest.strip_suffix("() {"));
            let name = name.expect("a test has a plain head").to_owned();
            // Named in its own test, not only there.
            assert!(
                text.contains(&format!("\"{name}\"")) || text.contains(&format!("/{name}.")),
                "{name}"
            );
            tests.insert(name);
        }
    }
    assert!(tests.len() > 45, "{tests:?}");
    assert_eq!(fixtures, tests);
}

#[test]
fn rows_of_a_binary_table_may_be_in_any_order() {
    let mut table = read("a,data,fat,0x200000,64K\nmain,app,factory,0x10000,1M\n");
    table
        .rows
        .iter_mut()
        .for_each(|row| std::sync::Arc::make_mut(row).spelling = None);
    table.text = None;
    let read_back = partition_bin::read(&partition_bin::write(&table).expect("it fits")).table;
    assert_eq!(esp_idf_errors(&read_back, None, Form::Binary), []);
    assert!(!esp_idf_errors(&read_back, None, Form::Csv).is_empty());
    let found = problems(&read_back);
    assert!(
        found
            .iter()
            .any(|problem| problem.severity == Severity::Warning
                && problem.fix == Some(Fix::SortRows))
    );
}

#[test]
fn problems_come_most_serious_first_and_in_the_order_of_rows() {
    let table = read("a,data,fat,,0\nb,app,,,1M\nc,data,fat,0x123,64K\nVFS,data,fat,,64K\n");
    let severities: Vec<_> = problems(&table)
        .into_iter()
        .map(|problem| problem.severity)
        .collect();
    assert!(
        severities.is_sorted_by(|one, other| one >= other),
        "{severities:?}"
    );
    assert!(severities.len() >= 4);
}

#[test]
fn a_problem_of_a_cell_is_told_once_with_its_line() {
    let reading = partition_csv::read(
        b"# titles\n\nx,data,vfs,,64K\n",
        TableSettings::default(),
        &|_| None,
    );
    let all = partition_csv::all_problems(&reading, Some(FLASH_SIZE), None);
    let about: Vec<_> = all
        .iter()
        .filter(|problem| problem.message.contains("“vfs”"))
        .collect();
    assert_eq!(about.len(), 1);
    assert_eq!(
        about[0].place,
        Place::Line {
            line: 3,
            column: Some(Column::SubType)
        }
    );
}
