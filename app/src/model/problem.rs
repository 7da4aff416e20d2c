//! What is wrong, or worth knowing, about the user's data.
//!
//! A problem is found by looking, never by failing: functions return all of them at once, each with its place and
//! with what to do about it. What goes wrong while something is being *done* is an error of the layer that does it.

use serde::Serialize;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Probably not what was meant; does not stop anything.
    Warning,
    /// Stops writing and exporting.
    Error,
}

/// A column of the partition table, in ESP-IDF's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    Name,
    Type,
    SubType,
    Offset,
    Size,
    Flags,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The project as a whole.
    Project,
    /// The partition table as a whole.
    Table,
    /// A row of the table, counted from 0, and the column if it is known.
    Row { row: usize, column: Option<Column> },
    /// A line of a text file, counted from 1.
    Line { line: usize, column: Option<Column> },
    /// What goes into the partition of this name.
    Partition { name: String },
    /// A file inside an image: the partition (empty if none) and the entry's path.
    File { partition: String, path: String },
}

/// A change that makes a problem go away; carried out by the table's own operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// Set one cell of a row to this text.
    SetCell {
        row: usize,
        column: Column,
        text: String,
    },
    /// Remove a row.
    RemoveRow { row: usize },
    /// Let every offset be computed, in the present order.
    AutoArrange,
    /// Add an otadata partition in the first gap that takes it.
    AddOtaData,
    /// Put the rows in the order of their offsets.
    SortRows,
    /// Keep the file as UTF-8 from now on.
    SaveAsUtf8,
}

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    pub place: Place,
    /// What is the matter, as one sentence without a full stop.
    pub message: String,
    /// What to do about it, as one sentence without a full stop; empty when there is nothing to do.
    pub help: String,
    /// A change that mends it with one click.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

impl Problem {
    /// A problem without a one-click fix.
    pub fn new(
        severity: Severity,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            place,
            message: message.into(),
            help: help.into(),
            fix: None,
        }
    }

    /// A problem of severity error.
    pub fn error(place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, message, help)
    }

    /// A problem of severity warning.
    pub fn warning(place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, message, help)
    }

    /// The same problem with a one-click fix.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// Whether any of these stops a write.
pub fn any_error(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}
