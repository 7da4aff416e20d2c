//! A table as a CSV: every line that was not edited as it was, and for a table that came from no CSV the text that
//! `gen_esp32part.py` would write. Part of `partition_csv`.

use super::partition_csv_text::{encode, split_line};
use crate::model::partition_table::PartitionTable;
use crate::model::problem::{Column, Place, Problem};
use crate::model::table_check;
use crate::model::table_names::{flags_text, type_keyword, unknown_flags};
use crate::model::table_number::NumberStyle;
use crate::model::table_respell::line_of;

/// The two comments that `gen_esp32part.py` puts at the head of a CSV; other tools look for the second one.
const GENERATED_HEAD: &str =
    "# ESP-IDF Partition Table\n# Name, Type, SubType, Offset, Size, Flags\n";

/// The table as a CSV. Lines that were not edited come out as they were, an edited row keeps its style, a row that was
/// added takes its neighbours' style; a table that came from no CSV looks as `gen_esp32part.py` writes it.
pub fn write(table: &PartitionTable) -> Vec<u8> {
    let Some(text) = &table.text else {
        return generated(table).into_bytes();
    };
    let mut out = String::with_capacity(text.head.len() + text.tail.len() + table.rows.len() * 64);
    let mut extents = None;
    push_lines(&mut out, &text.head, &text.line_end);
    for (index, row) in table.rows.iter().enumerate() {
        push_lines(&mut out, row.text_before(), &text.line_end);
        match row.line() {
            Some(line) if !row.is_line_edited(line) => {
                push_lines(&mut out, &line.text, &text.line_end);
            }
            _ => {
                let extents = extents.get_or_insert_with(|| table.extents());
                push_lines(&mut out, &line_of(table, index, extents), &text.line_end);
            }
        }
        out.push_str(row.line().map_or(&*text.line_end, |line| &*line.end));
    }
    push_lines(&mut out, &text.tail, &text.line_end);
    encode(&out, text.encoding)
}

/// Appends whole lines, on a line of their own: the file's last line may have had no end before something followed it.
fn push_lines(out: &mut String, lines: &str, line_end: &str) {
    if lines.is_empty() {
        return;
    }
    let ends = |text: &str| {
        text.chars().next_back().is_some_and(|last| {
            split_line(last.encode_utf8(&mut [0; 4])).1.len() == last.len_utf8()
        })
    };
    if !out.is_empty() && !ends(out) {
        out.push_str(line_end);
    }
    out.push_str(lines);
}

/// The CSV of a table that came from none, byte for byte as `gen_esp32part.py` writes it.
fn generated(table: &PartitionTable) -> String {
    let mut out = String::from(GENERATED_HEAD);
    for (row, extent) in table.rows.iter().zip(table.extents()) {
        let region = extent.region();
        let word = |keyword: Option<&'static str>, number: u8| {
            keyword.map_or_else(|| number.to_string(), str::to_owned)
        };
        out.push_str(&row.name);
        for cell in [
            word(type_keyword(row.kind), row.kind),
            word(
                table.settings.extra.keyword(row.kind, row.subtype),
                row.subtype,
            ),
            NumberStyle::HEX.spell(region.offset),
            NumberStyle::size_of_generated_csv(region.size),
            flags_text(row.flags),
        ] {
            out.push(',');
            out.push_str(&cell);
        }
        out.push('\n');
    }
    out
}

/// What a CSV could not hold of this table: names with commas or line ends in them, unknown flag bits.
/// A binary table may have them; writing it as a CSV would change it.
pub fn obstacles(table: &PartitionTable) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, row) in table.rows.iter().enumerate() {
        let place = |column| Place::Row {
            row: index,
            column: Some(column),
        };
        let unedited = row
            .line()
            .is_some_and(|line| !row.is_edited(line, Column::Name));
        if !unedited && let Err(why) = table_check::name_for_csv(&row.name) {
            problems.push(Problem::error(
                place(Column::Name),
                why,
                "Rename the partition before writing a CSV",
            ));
        }
        let unknown = unknown_flags(row.flags);
        if unknown != 0 {
            problems.push(Problem::warning(
                place(Column::Flags),
                format!(
                    "A CSV cannot hold the unknown flag bits {unknown:#010x} of {}",
                    row.name
                ),
                "Write a binary table to keep them",
            ));
        }
    }
    problems
}
