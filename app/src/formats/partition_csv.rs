//! Partition tables as CSV, read and written without losing a byte.
//!
//! [`read`] understands what ESP-IDF's `gen_esp32part.py` 1.5 understands, and the column order of the seed project
//! (`esp32flash_mpy`), which it recognises. Cells that cannot be read become problems; their rows are kept, and stay
//! in the file until they are mended. [`write()`] gives back every line that was not edited as it was.
//! What is wrong with a table that can be read is `model::table_check`'s business. Nothing here panics on any input.

use std::sync::Arc;

use super::partition_csv_cells::{Cells, looks_like_esp_idf, looks_like_seed, meaning};
use super::partition_csv_text::{
    decode, expand_vars, has_plain_lines, leading_variable, split_line, split_plain_line,
};
use crate::model::chip::Chip;
use crate::model::partition_table::{PartitionTable, Row, TableSettings};
use crate::model::problem::{Column, Place, Problem, Severity};
use crate::model::table_check;
use crate::model::table_extra::ExtraSubtypes;
use crate::model::table_number::python_strip;
use crate::model::table_spelling::{Encoding, Line, ReadCells, Slice, Spelling, TableText, Unread};

pub use super::partition_csv_convert::to_esp_idf;
pub use super::partition_csv_write::{obstacles, write};
pub use crate::model::table_spelling::Dialect;

/// Longer files are no partition tables: 94 rows are the most that a table can hold.
const MOST_BYTES: usize = 1 << 20;
const MOST_LINES: usize = 10_000;
/// Room that is made beforehand: a full table has so many rows.
const USUAL_LINES: usize = 94;

/// What came out of reading a CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub table: PartitionTable,
    pub dialect: Dialect,
    /// What was noticed while reading, by line: cells that cannot be read, and notes. What is wrong with the table as
    /// a whole is found by [`table_check::check`]; [`all_problems`] puts both together.
    pub problems: Vec<Problem>,
    /// Why this is no partition table at all, if it is none: there is nothing to edit then, and nothing to save.
    pub refusal: Option<Problem>,
}

/// Reads a CSV. `vars` says what the variables of the environment hold.
pub fn read(
    bytes: &[u8],
    settings: TableSettings,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Reading {
    read_as(bytes, settings, vars, None)
}

/// Reads a CSV whose dialect may be known beforehand.
pub fn read_as(
    bytes: &[u8],
    settings: TableSettings,
    vars: &dyn Fn(&str) -> Option<String>,
    dialect: Option<Dialect>,
) -> Reading {
    let decoded = if bytes.len() > MOST_BYTES {
        None
    } else {
        decode(bytes)
    };
    let Some((text, encoding)) = decoded else {
        let problem = Problem::error(
            Place::Table,
            "This file is not a partition table: it is no text",
            "Open a CSV file, a binary table or a firmware image",
        );
        return refused(settings, problem);
    };
    let source: Arc<str> = Arc::from(text);
    let lines = row_lines(&source, vars);
    if lines.len() > MOST_LINES {
        let problem = Problem::error(
            Place::Table,
            format!(
                "This file is not a partition table: it has {} rows",
                lines.len()
            ),
            "A partition table holds at most 94 partitions",
        );
        return refused(settings, problem);
    }
    let dialect = dialect.unwrap_or_else(|| dialect_of(&lines, settings.extra));
    let mut problems = notes(encoding, dialect);
    let mut table = PartitionTable {
        settings,
        rows: Vec::with_capacity(lines.len()),
        text: None,
    };
    let mut behind = 0;
    let head_end = lines.first().map_or(source.len(), |line| line.start);
    for line in &lines {
        let before = if behind == 0 {
            line.start..line.start
        } else {
            behind..line.start
        };
        behind = line.behind;
        let row = read_row(
            &source,
            line,
            before,
            dialect,
            settings.extra,
            &mut problems,
        );
        table.rows.push(Arc::new(row));
    }
    let refusal = (!lines.is_empty()
        && table
            .rows
            .iter()
            .all(|row| row.unread(Column::Type).is_some()))
    .then(|| {
        Problem::error(
            Place::Line {
                line: lines.first().map_or(1, |line| line.number),
                column: None,
            },
            "This file is not a partition table: no line has a partition type in its second place",
            "A row looks like: nvs, data, nvs, 0x9000, 0x6000",
        )
    });
    let line_end = lines
        .iter()
        .map(|line| line.end)
        .find(|end| !end.is_empty())
        .map_or_else(|| first_line_end(&source), Slice::from);
    table.text = Some(Arc::new(TableText {
        dialect,
        encoding,
        head: Slice::new(&source, 0..head_end),
        tail: Slice::new(
            &source,
            if behind == 0 { source.len() } else { behind }..source.len(),
        ),
        line_end,
    }));
    Reading {
        table,
        dialect,
        problems,
        refusal,
    }
}

fn refused(settings: TableSettings, problem: Problem) -> Reading {
    Reading {
        table: PartitionTable {
            settings,
            ..PartitionTable::default()
        },
        dialect: Dialect::EspIdf,
        problems: vec![problem.clone()],
        refusal: Some(problem),
    }
}

fn first_line_end(source: &str) -> Slice {
    match split_line(source).1 {
        "" => Slice::from("\n"),
        end => Slice::from(end),
    }
}

/// A line that is neither blank nor a comment.
struct RowLine<'a> {
    number: usize,
    /// Where the line starts in the file's text.
    start: usize,
    text: &'a str,
    end: &'a str,
    /// Where the next line starts.
    behind: usize,
    /// The line with its variables replaced; `None` if it has none.
    expanded: Option<String>,
}

impl RowLine<'_> {
    fn meaningful(&self) -> &str {
        python_strip(self.expanded.as_deref().unwrap_or(self.text))
    }
}

fn row_lines<'a>(source: &'a str, vars: &dyn Fn(&str) -> Option<String>) -> Vec<RowLine<'a>> {
    let split = if has_plain_lines(source) {
        split_plain_line
    } else {
        split_line
    };
    let has_variables = source.contains('$');
    let mut lines = Vec::with_capacity(USUAL_LINES);
    let (mut rest, mut start, mut number) = (source, 0, 0);
    while !rest.is_empty() {
        let (text, end, following) = split(rest);
        number += 1;
        let behind = start + text.len() + end.len();
        let expanded =
            (has_variables && text.contains('$')).then(|| expand_vars(text, vars).into_owned());
        let line = RowLine {
            number,
            start,
            text,
            end,
            behind,
            expanded,
        };
        let meaningful = line.meaningful();
        if !meaningful.is_empty() && !meaningful.starts_with('#') {
            lines.push(line);
        }
        start = behind;
        rest = following;
    }
    lines
}

/// The seed's order if more lines look like it than like ESP-IDF's.
fn dialect_of(lines: &[RowLine<'_>], extra: ExtraSubtypes) -> Dialect {
    let first = lines.first().map(RowLine::meaningful).unwrap_or_default();
    // The usual case is decided by the first row.
    if looks_like_esp_idf(first, extra) && !looks_like_seed(first) {
        return Dialect::EspIdf;
    }
    let texts = || lines.iter().map(RowLine::meaningful);
    let seed = texts().filter(|line| looks_like_seed(line)).count();
    let esp_idf = texts()
        .filter(|line| looks_like_esp_idf(line, extra))
        .count();
    if seed > esp_idf {
        Dialect::Seed
    } else {
        Dialect::EspIdf
    }
}

fn notes(encoding: Encoding, dialect: Dialect) -> Vec<Problem> {
    let mut notes = Vec::new();
    if dialect == Dialect::Seed {
        notes.push(Problem::new(
            Severity::Note,
            Place::Table,
            "The columns are in the order of esp32flash_mpy: type, subtype, offset, size, name, flags",
            "ESP-IDF wants the name first; converting or exporting puts the columns in its order",
        ));
    }
    if encoding == Encoding::Utf32Be {
        notes.push(Problem::new(
            Severity::Note,
            Place::Table,
            "This file is UTF-32, which few tools read",
            "Save it as UTF-8",
        ));
    }
    notes
}

fn read_row(
    source: &Arc<str>,
    line: &RowLine<'_>,
    before: std::ops::Range<usize>,
    dialect: Dialect,
    extra: ExtraSubtypes,
    problems: &mut Vec<Problem>,
) -> Row {
    let text = line.meaningful();
    let cells = Cells::new(text, dialect);
    let mut meaning = meaning(&cells, dialect, extra);
    // Only here does ESP-IDF's tool mind an unknown variable by its name.
    if let Some(variable) = line.expanded.as_deref().and_then(leading_variable) {
        let unread = Unread {
            column: dialect.columns()[0],
            text: Arc::from(cells.name),
            message: Arc::from(format!("The variable {variable} is not set")),
            help: Arc::from(format!(
                "Set {variable} in the environment, or write its value here"
            )),
        };
        meaning.unread.insert(0, unread);
    }
    let place = |column| Place::Line {
        line: line.number,
        column: Some(column),
    };
    for unread in &meaning.unread {
        problems.push(Problem::error(
            place(unread.column),
            &*unread.message,
            &*unread.help,
        ));
    }
    if let Some((column, text)) = meaning.ignored {
        let what = if column == Column::Size {
            "size"
        } else {
            "offset"
        };
        problems.push(Problem::new(
            Severity::Note,
            place(column),
            format!(
                "ESP-IDF does not use the {what} {text} of {}: it fills in its own",
                cells.name
            ),
            "Leave the cell empty or write N/A",
        ));
    }
    let name = match &line.expanded {
        // Without variables the name's cell is a piece of the file.
        None => slice_of(source, line, cells.name),
        Some(_) => Slice::from(cells.name),
    };
    let commas = |text: &str| text.bytes().filter(|byte| *byte == b',').count();
    let cells_moved = line
        .expanded
        .as_deref()
        .is_some_and(|expanded| commas(expanded) != commas(line.text));
    let spelling = Spelling {
        before: Slice::new(source, before),
        line: Some(Line {
            text: Slice::new(source, line.start..line.start + line.text.len()),
            end: Slice::new(source, line.behind - line.end.len()..line.behind),
            number: line.number,
            read: ReadCells {
                name,
                kind: meaning.kind,
                subtype: meaning.subtype,
                offset: meaning.offset,
                size: meaning.size,
                flags: meaning.flags,
            },
            unread: meaning.unread,
            cells_moved,
        }),
        stored_name: None,
        typed: Vec::new(),
    };
    Row {
        name: cells.name.to_owned(),
        kind: meaning.kind,
        subtype: meaning.subtype,
        offset: meaning.offset,
        size: meaning.size,
        flags: meaning.flags,
        spelling: Some(Arc::new(spelling)),
    }
}

/// The piece of the file that a cell of a line is.
fn slice_of(source: &Arc<str>, line: &RowLine<'_>, cell: &str) -> Slice {
    // Both are parts of the same text, so the distance of their beginnings is the cell's place in the line.
    let inside = (cell.as_ptr() as usize).wrapping_sub(line.text.as_ptr() as usize);
    let start = line.start.wrapping_add(inside);
    match source.get(start..start.wrapping_add(cell.len())) {
        Some(found) if found == cell => Slice::new(source, start..start + cell.len()),
        _ => Slice::from(cell),
    }
}

/// All problems of a file: those of reading and those of the table, each once, rows given as lines where they have one.
pub fn all_problems(
    reading: &Reading,
    flash_size: Option<u32>,
    chip: Option<Chip>,
) -> Vec<Problem> {
    if let Some(refusal) = &reading.refusal {
        return vec![refusal.clone()];
    }
    let of_table = table_check::check(&reading.table, flash_size, chip);
    let mut problems = reading.problems.clone();
    for mut problem in of_table {
        if let Place::Row { row, column } = problem.place
            && let Some(line) = reading.table.rows.get(row).and_then(|row| row.line())
        {
            problem.place = Place::Line {
                line: line.number,
                column,
            };
        }
        let told =
            |other: &Problem| other.place == problem.place && other.message == problem.message;
        if !problems.iter().any(told) {
            problems.push(problem);
        }
    }
    problems
}
