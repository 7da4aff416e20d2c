//! From the seed project's column order to ESP-IDF's, comments and spelling kept. Part of `partition_csv`.

use std::sync::Arc;

use super::partition_csv_text::split_line;
use crate::model::partition_table::{Offset, PartitionTable, Row, Size};
use crate::model::table_number::{NumberStyle, python_int, python_strip};
use crate::model::table_respell::line_of;
use crate::model::table_spelling::{Dialect, Line, ReadCells, Slice, Spelling, TableText};

/// ESP-IDF's names of the columns, as a comment that other tools look for.
const TITLES: &str = "# Name, Type, SubType, Offset, Size, Flags";

/// The same table in ESP-IDF's dialect: an ESP-IDF CSV is left as it is, byte for byte; the columns of a seed CSV are
/// put in ESP-IDF's order, and its comments kept.
pub fn to_esp_idf(table: &PartitionTable) -> PartitionTable {
    let Some(text) = table
        .text
        .as_ref()
        .filter(|text| text.dialect == Dialect::Seed)
    else {
        return table.clone();
    };
    let mut result = table.clone();
    let mut head = titles_in_order(&text.head);
    if !head
        .lines()
        .any(|line| line.starts_with('#') && line.matches(',').count() >= 4)
    {
        head = format!("{TITLES}{}{head}", &*text.line_end);
    }
    result.text = Some(Arc::new(TableText {
        dialect: Dialect::EspIdf,
        head: Slice::from(&*head),
        ..TableText::clone(text)
    }));
    let extents = table.extents();
    for (index, row) in result.rows.iter_mut().enumerate() {
        let Some(spelling) = row.spelling.clone() else {
            continue;
        };
        let Some(line) = &spelling.line else { continue };
        let seed_line = if row.is_line_edited(line) {
            line_of(table, index, &extents)
        } else {
            (*line.text).to_owned()
        };
        let mut moved = Spelling::clone(&spelling);
        moved.typed.clear();
        moved.line = Some(Line {
            text: Slice::from(&*in_esp_idf_order(&seed_line, row)),
            ..line.clone()
        });
        if let Some(line) = &mut moved.line {
            line.read = ReadCells {
                name: Slice::from(&*row.name),
                kind: row.kind,
                subtype: row.subtype,
                offset: row.offset,
                size: row.size,
                flags: row.flags,
            };
            line.unread = row.unread_cells().cloned().collect();
        }
        Arc::make_mut(row).spelling = Some(Arc::new(moved));
    }
    result
}

/// A line of the seed's with its cells in ESP-IDF's order. White space in front of a cell belongs to the place, not to
/// the cell; expressions, which ESP-IDF does not compute, become numbers.
fn in_esp_idf_order(line: &str, row: &Row) -> String {
    let raw: Vec<&str> = line.split(',').collect();
    let cell = |place: usize| {
        raw.get(place)
            .copied()
            .map(python_strip)
            .unwrap_or_default()
    };
    let lead = |place: usize| {
        raw.get(place).map_or("", |raw| {
            raw.get(..raw.len() - raw.trim_start().len())
                .unwrap_or_default()
        })
    };
    let spaced = if raw.iter().skip(1).any(|raw| raw.starts_with(' ')) {
        " "
    } else {
        ""
    };
    let number = |text: &str, value: Option<u32>| {
        let plain = text.is_empty() || text.contains('$') || !text.contains(['*', '+']);
        match value {
            Some(value) if !plain && python_int(text).is_none() => NumberStyle::HEX.spell(value),
            _ => text.to_owned(),
        }
    };
    let (offset, size) = (
        match row.offset {
            Offset::At(offset) => Some(offset),
            Offset::Auto => None,
        },
        match row.size {
            Size::Bytes(size) => Some(size),
            _ => None,
        },
    );
    let (offset, size) = (number(cell(2), offset), number(cell(3), size));
    let mut out = format!("{}{}", lead(0), cell(4));
    for text in [cell(0), cell(1), &offset, &size] {
        out.push(',');
        out.push_str(spaced);
        out.push_str(text);
    }
    out.push(',');
    match cell(5) {
        "" => {}
        flags => {
            out.push_str(spaced);
            out.push_str(flags);
        }
    }
    for rest in raw.iter().skip(6) {
        out.push(',');
        out.push_str(rest);
    }
    out
}

/// The head with the seed's own titles, if it has any, replaced by ESP-IDF's.
fn titles_in_order(head: &str) -> String {
    let mut out = String::with_capacity(head.len());
    let mut rest = head;
    while !rest.is_empty() {
        let (line, end, following) = split_line(rest);
        let words = line
            .trim_start_matches(['#', ' ', '\t'])
            .to_ascii_lowercase();
        let titles = line.trim_start().starts_with('#')
            && words.starts_with("type")
            && words.matches(',').count() >= 4
            && (words.contains("label") || words.contains("name"));
        out.push_str(if titles { TITLES } else { line });
        out.push_str(end);
        rest = following;
    }
    out
}
