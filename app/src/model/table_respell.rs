//! Puts a row's line together again after an edit: only the cells that changed, in the style of the old text, with
//! the columns where they were. A row that was added takes a neighbour's line as its model.
//!
//! Decides nothing about values; the writer of `formats::partition_csv` calls [`line_of`] for rows that were edited.

use std::sync::Arc;

use super::partition_table::{Extent, Offset, PartitionTable, Row, Size};
use super::problem::Column;
use super::table_extra::ExtraSubtypes;
use super::table_names::{flags_text, type_keyword, types};
use super::table_number::{NumberStyle, esp_idf_number, esp_idf_value, python_strip};
use super::table_spelling::Dialect;

/// How many lines on either side are looked at to find out whether columns are aligned.
const NEIGHBOURS: usize = 3;

/// The text of an edited or added row, without its line end. `extents` are those of the table.
pub fn line_of(table: &PartitionTable, index: usize, extents: &[Extent]) -> String {
    let (Some(row), Some(extent)) = (table.rows.get(index), extents.get(index)) else {
        return String::new();
    };
    let dialect = table
        .text
        .as_ref()
        .map_or_else(Dialect::default, |text| text.dialect);
    let nearby = nearby_lines(table, index);
    let own = row.line().filter(|line| !line.cells_moved);
    let model: Option<&str> = own
        .map(|line| &*line.text)
        .or_else(|| nearby.first().copied());
    let mut references: Vec<&str> = nearby
        .iter()
        .skip(usize::from(own.is_none()))
        .copied()
        .collect();
    references.extend(
        table
            .text
            .as_ref()
            .and_then(|text| column_titles(&text.head)),
    );

    let old_cells: Vec<&str> =
        model.map_or_else(Vec::new, |line| line.split(',').map(python_strip).collect());
    let mut changes: Vec<Option<String>> = Vec::with_capacity(6);
    for (place, column) in dialect.columns().into_iter().enumerate() {
        let is_new =
            own.is_none_or(|line| row.is_edited(line, column) || row.typed(column).is_some());
        changes.push(is_new.then(|| {
            let style = number_style(place, &old_cells, &nearby);
            // A new row says `fat` even if its neighbour had to say 0x8f.
            let old = own
                .and_then(|_| old_cells.get(place).copied())
                .unwrap_or_default();
            let extra = table.settings.extra;
            cell_text(row, *extent, column, dialect, extra, old, style)
        }));
    }
    if let Some(line) = model {
        return respell(line, &changes, &references, own.is_none());
    }
    let separator = if table.text.is_some() { ", " } else { "," };
    changes
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(separator)
}

/// A cell as it stands in the file, or would stand there if the table were written now; for the editor's own table.
pub fn shown_cell(table: &PartitionTable, index: usize, column: Column) -> String {
    let Some(row) = table.rows.get(index) else {
        return String::new();
    };
    if let Some(unread) = row.unread(column) {
        return unread.text.to_string();
    }
    let dialect = table
        .text
        .as_ref()
        .map_or_else(Dialect::default, |text| text.dialect);
    let place = dialect.index_of(column);
    let own = row.line().filter(|line| !line.cells_moved);
    let old = own
        .and_then(|line| line.text.split(',').nth(place))
        .map(python_strip)
        .unwrap_or_default();
    let edited =
        row.line().is_none_or(|line| row.is_edited(line, column)) || row.typed(column).is_some();
    if !edited && own.is_some() {
        return old.to_owned();
    }
    let Some(extent) = table.extents().get(index).copied() else {
        return String::new();
    };
    let style =
        NumberStyle::of(old).or_else(|| number_style(place, &[], &nearby_lines(table, index)));
    let extra = table.settings.extra;
    cell_text(row, extent, column, dialect, extra, old, style)
}

/// The lines of the rows nearest to this one, nearest first, those above before those below.
fn nearby_lines(table: &PartitionTable, index: usize) -> Vec<&str> {
    let above = table.rows.iter().take(index).rev();
    let below = table.rows.iter().skip(index + 1);
    let usable = above.filter_map(usable_line).take(NEIGHBOURS);
    usable
        .chain(below.filter_map(usable_line).take(NEIGHBOURS))
        .collect()
}

fn usable_line(row: &Arc<Row>) -> Option<&str> {
    row.line()
        .filter(|line| !line.cells_moved)
        .map(|line| &*line.text)
}

/// The comment that names the columns, if there is one: the last of the head with at least four commas.
fn column_titles(head: &str) -> Option<&str> {
    head.lines()
        .rev()
        .find(|line| python_strip(line).starts_with('#') && line.matches(',').count() >= 4)
}

/// The style for a number in this place: the old cell's, else that of the nearest row with a number there.
fn number_style(place: usize, old_cells: &[&str], nearby: &[&str]) -> Option<NumberStyle> {
    let neighbours = || nearby.iter().filter_map(|line| line.split(',').nth(place));
    let style = old_cells
        .get(place)
        .and_then(|cell| NumberStyle::of(cell))
        .or_else(|| neighbours().find_map(NumberStyle::of))?;
    // `0x9000` does not tell whether this file writes 0xAB or 0xab; another row may.
    let NumberStyle::Hex {
        width,
        upper_digits: false,
        upper_x: false,
    } = style
    else {
        return Some(style);
    };
    let told = old_cells
        .get(place)
        .copied()
        .filter(|cell| NumberStyle::shows_case(cell));
    let upper_digits = told
        .or_else(|| {
            neighbours()
                .map(python_strip)
                .find(|cell| NumberStyle::shows_case(cell))
        })
        .is_some_and(|cell| cell.contains(|digit: char| digit.is_ascii_uppercase()));
    Some(NumberStyle::Hex {
        width,
        upper_digits,
        upper_x: false,
    })
}

/// What to write into a cell.
fn cell_text(
    row: &Row,
    extent: Extent,
    column: Column,
    dialect: Dialect,
    extra: ExtraSubtypes,
    old: &str,
    style: Option<NumberStyle>,
) -> String {
    if let Some(typed) = row
        .typed(column)
        .filter(|typed| means_value(row, column, extra, typed))
    {
        return typed.to_owned();
    }
    let hex = style.unwrap_or(NumberStyle::HEX);
    match column {
        Column::Name => row.name.clone(),
        Column::Type => number_or_word(old, row.kind, type_keyword(row.kind)),
        Column::SubType => number_or_word(old, row.subtype, extra.keyword(row.kind, row.subtype)),
        Column::Offset => match row.offset {
            Offset::At(offset) => hex.spell(offset),
            // The seed project's tool computes nothing.
            Offset::Auto if dialect == Dialect::Seed => hex.spell(extent.region().offset),
            Offset::Auto => String::new(),
        },
        Column::Size => {
            let style = style.unwrap_or(NumberStyle::Mega('M'));
            match row.size {
                Size::Bytes(size) => style.spell(size),
                _ if dialect == Dialect::Seed => style.spell(extent.region().size),
                Size::UpTo(end) => format!("-{}", style.spell(end)),
                Size::Auto => String::new(),
            }
        }
        Column::Flags => flags_text(row.flags),
    }
}

/// Whether a typed text still says what the row holds.
fn means_value(row: &Row, column: Column, extra: ExtraSubtypes, typed: &str) -> bool {
    let number = || esp_idf_number(typed);
    match column {
        Column::Type => esp_idf_value(typed, types()) == Some(i128::from(row.kind)),
        Column::SubType => extra.value(row.kind, typed) == Some(row.subtype),
        Column::Offset => match row.offset {
            Offset::At(offset) => number() == Some(i128::from(offset)),
            Offset::Auto => false,
        },
        Column::Size => match row.size {
            Size::Bytes(size) => number() == Some(i128::from(size)),
            Size::UpTo(end) => number() == Some(-i128::from(end)),
            Size::Auto => false,
        },
        Column::Name | Column::Flags => false,
    }
}

/// A number where a number stood, else the keyword, else a number as ESP-IDF's documents write it.
fn number_or_word(old: &str, value: u8, keyword: Option<&'static str>) -> String {
    match (NumberStyle::of(old), keyword) {
        (None, Some(word)) => word.to_owned(),
        (Some(style), _) => style.spell(u32::from(value)),
        (None, None) => format!("{value:#04x}"),
    }
}

/// One cell of a line: white space, text, white space.
struct Cell<'a> {
    lead: &'a str,
    text: &'a str,
    trail: &'a str,
    /// First and last place of the text in the line, in characters.
    start: usize,
    end: usize,
}

fn cells(line: &str) -> Vec<Cell<'_>> {
    let mut place = 0;
    line.split(',')
        .map(|raw| {
            let text = python_strip(raw);
            // A blank cell is all lead, so that a text put into it starts where the column starts.
            let lead_len = if text.is_empty() {
                raw.len()
            } else {
                raw.find(text).unwrap_or(0)
            };
            let (lead, rest) = raw.split_at(lead_len);
            let trail = rest.get(text.len()..).unwrap_or_default();
            let start = place + lead.chars().count();
            let end = start + text.chars().count();
            place = end + trail.chars().count() + 1;
            Cell {
                lead,
                text,
                trail,
                start,
                end,
            }
        })
        .collect()
}

/// The line with some cells replaced. Cells behind a change move back to where they stood, if their column is aligned
/// with one of the `references`. `only_six` drops what follows the sixth cell: it belongs to the model, not to the row.
fn respell(line: &str, changes: &[Option<String>], references: &[&str], only_six: bool) -> String {
    let old = cells(line);
    let references: Vec<Vec<Cell<'_>>> = references.iter().map(|line| cells(line)).collect();
    let spaced = old.iter().skip(1).any(|cell| !cell.lead.is_empty());
    let last_change = changes
        .iter()
        .rposition(|change| change.as_ref().is_some_and(|text| !text.is_empty()));
    let count = if only_six {
        old.len().min(6)
    } else {
        old.len()
    };
    let count = count.max(last_change.map_or(0, |place| place + 1));

    let mut out = String::with_capacity(line.len() + 16);
    let mut written = 0_usize;
    for place in 0..count {
        if place > 0 {
            out.push(',');
            written += 1;
        }
        let change = changes.get(place).and_then(Option::as_deref);
        let Some(cell) = old.get(place) else {
            let text = change.unwrap_or_default();
            let lead = if spaced && !text.is_empty() { " " } else { "" };
            out.push_str(lead);
            out.push_str(text);
            written += lead.len() + text.chars().count();
            continue;
        };
        let text = change.unwrap_or(cell.text);
        let lead = lead_for(cell, place, text, written, &references, spaced);
        out.push_str(&lead);
        out.push_str(text);
        written += lead.chars().count() + text.chars().count();
        // Padding in front of a comma gives way to a longer text and fills up behind a shorter one.
        let is_last = place + 1 == count;
        let padded = !cell.trail.is_empty() && cell.trail.bytes().all(|byte| byte == b' ');
        if padded && !is_last && (change.is_some() || written != cell.end) {
            let wanted = cell.end + cell.trail.len();
            let padding = wanted.saturating_sub(written);
            out.extend(std::iter::repeat_n(' ', padding));
            written += padding;
        } else {
            out.push_str(cell.trail);
            written += cell.trail.chars().count();
        }
    }
    out
}

/// The white space in front of a cell's text.
fn lead_for<'a>(
    cell: &Cell<'a>,
    place: usize,
    text: &str,
    written: usize,
    references: &[Vec<Cell<'_>>],
    spaced: bool,
) -> std::borrow::Cow<'a, str> {
    use std::borrow::Cow;
    let text_len = text.chars().count();
    let unmoved = written + cell.lead.chars().count() == cell.start && text == cell.text;
    if place == 0 || unmoved {
        return Cow::Borrowed(cell.lead);
    }
    if cell.lead.is_empty() && cell.text.is_empty() && !text.is_empty() && spaced {
        return Cow::Borrowed(" ");
    }
    if cell.lead.is_empty() || !cell.lead.bytes().all(|byte| byte == b' ') {
        return Cow::Borrowed(cell.lead);
    }
    let in_column = |aligned: &dyn Fn(&Cell<'_>) -> bool| {
        references
            .iter()
            .filter_map(|line| line.get(place))
            .filter(|other| !other.text.is_empty() && aligned(other))
            .count()
    };
    let by_start = in_column(&|other| other.start == cell.start);
    let by_end = if cell.text.is_empty() {
        0
    } else {
        in_column(&|other| other.end == cell.end)
    };
    let wanted = match (by_start, by_end) {
        (0, 0) => return Cow::Borrowed(cell.lead),
        _ if by_end > by_start => cell.end.saturating_sub(text_len),
        _ => cell.start,
    };
    Cow::Owned(" ".repeat(wanted.saturating_sub(written).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, changes: &[(usize, &str)], references: &[&str], expected: &str) {
        let mut cells: Vec<Option<String>> = vec![None; 6];
        for (place, text) in changes {
            *cells.get_mut(*place).unwrap() = Some((*text).to_owned());
        }
        assert_eq!(respell(line, &cells, references, false), expected);
    }

    const TITLES: &str = "# Name,   Type, SubType, Offset,  Size, Flags";

    #[test]
    fn aligned_columns_stay_where_they_are() {
        let line = "nvs,      data, nvs,     0x9000,  0x6000,";
        check(
            line,
            &[(0, "settings")],
            &[TITLES],
            "settings, data, nvs,     0x9000,  0x6000,",
        );
        check(
            line,
            &[(0, "a")],
            &[TITLES],
            "a,        data, nvs,     0x9000,  0x6000,",
        );
        check(
            line,
            &[(3, "0x10000")],
            &[TITLES],
            "nvs,      data, nvs,     0x10000, 0x6000,",
        );
        check(
            line,
            &[(3, "0x1000000")],
            &[TITLES],
            "nvs,      data, nvs,     0x1000000, 0x6000,",
        );
    }

    #[test]
    fn a_blank_cell_is_filled_in_its_column() {
        let line = "nvs,      data, nvs,     ,        0x6000,";
        check(
            line,
            &[(3, "0x9000")],
            &[TITLES],
            "nvs,      data, nvs,     0x9000,  0x6000,",
        );
        check(
            "nvs,      data, nvs,     0x9000,  0x6000,",
            &[(3, "")],
            &[TITLES],
            line,
        );
    }

    #[test]
    fn columns_that_are_not_aligned_keep_their_space() {
        check(
            "a, data, nvs, 0x9000, 0x6000, ",
            &[(0, "longer")],
            &["bcd, app, x, 1, 2"],
            "longer, data, nvs, 0x9000, 0x6000, ",
        );
        check(
            "a,data,nvs,0x9000,0x6000",
            &[(5, "readonly")],
            &[],
            "a,data,nvs,0x9000,0x6000,readonly",
        );
        check(
            "a, data, nvs, 0x9000, 0x6000",
            &[(5, "readonly")],
            &[],
            "a, data, nvs, 0x9000, 0x6000, readonly",
        );
    }

    #[test]
    fn columns_aligned_to_the_right_stay_so() {
        let line = "nvs,      data, nvs,        0x9000,   0x5000,";
        let other = "app0,     app,  ota_0,     0x10000, 0x300000,";
        check(
            line,
            &[(3, "0x110000")],
            &[other],
            "nvs,      data, nvs,      0x110000,   0x5000,",
        );
        check(
            line,
            &[(4, "0x300000")],
            &[other],
            "nvs,      data, nvs,        0x9000, 0x300000,",
        );
    }

    #[test]
    fn padding_before_the_comma_gives_way() {
        check(
            "nvs     , data , nvs  , 0x9000 , 0x6000 ,",
            &[(0, "storage")],
            &[],
            "storage , data , nvs  , 0x9000 , 0x6000 ,",
        );
        check(
            "nvs     , data , nvs  , 0x9000 , 0x6000 ,",
            &[(3, "0xA000")],
            &[],
            "nvs     , data , nvs  , 0xA000 , 0x6000 ,",
        );
    }

    #[test]
    fn what_follows_the_sixth_cell_stays() {
        check(
            "a,data,nvs,,1M,,# note",
            &[(4, "2M"), (5, "readonly")],
            &[],
            "a,data,nvs,,2M,readonly,# note",
        );
    }
}
