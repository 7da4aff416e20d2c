//! One cell of the table, set from what was typed.
//!
//! What ESP-IDF takes is kept as it was typed; what only people write (`64 KiB`, `1.5M`) is spelled for ESP-IDF. A cell
//! that could not be read is mended by setting it.

use std::sync::Arc;

use super::number::parse_bytes;
use super::partition_table::{NAME_BYTES, Offset, PartitionTable, Row, Size};
use super::problem::Column;
use super::table_check::name_for_csv;
use super::table_edit::{Edit, Edited, free_app_subtype, free_name, row_at, with_row};
use super::table_extra::ExtraSubtypes;
use super::table_names::{
    APP, BOOTLOADER, PARTITION_TABLE, UNDEFINED, flag_bit, subtypes, type_name, types,
    unknown_flags,
};
use super::table_number::{NumberStyle, esp_idf_number, esp_idf_value, python_strip};
use super::table_spelling::{Spelling, Unread};

/// Sets one cell from what was typed. Offsets and sizes may be written as people do (`0x10000`, `64K`, `64 KiB`,
/// `1.5M`); an empty offset is computed; types and subtypes may be names or numbers.
pub fn set_cell(table: &PartitionTable, index: usize, column: Column, typed: &str) -> Edited {
    let typed = python_strip(typed);
    let row = row_at(table, index)?;
    let mut edited = Row::clone(row);
    let mut spelling = None;
    let name = match column {
        Column::Name => {
            set_name(table, index, &mut edited, typed)?;
            format!("Rename {} to {typed}", row.shown_name())
        }
        Column::Type => {
            set_type(table, &mut edited, typed)?;
            spelling = esp_idf_value(typed, types()).map(|_| typed);
            format!("Set type of {}", row.shown_name())
        }
        Column::SubType => {
            edited.subtype = parse_subtype(row.kind, typed, table.settings.extra)?;
            spelling = (!typed.is_empty()).then_some(typed);
            format!("Set subtype of {}", row.shown_name())
        }
        Column::Offset => {
            edited.offset = parse_offset(row, typed)?;
            spelling = esp_idf_number(typed).map(|_| typed);
            format!("Set offset of {}", row.shown_name())
        }
        Column::Size => {
            edited.size = parse_size(row, typed)?;
            spelling = esp_idf_number(typed).map(|_| typed);
            format!("Resize {}", row.shown_name())
        }
        Column::Flags => {
            edited.flags = parse_flags(row.flags, typed)?;
            format!("Set flags of {}", row.shown_name())
        }
    };
    // 64 KiB and 1.5M are not for ESP-IDF: they become 64K and 1536K, whatever the style of the row.
    let in_kib = spelling
        .is_none()
        .then(|| plain_spelling(typed, &edited, column))
        .flatten();
    forget_unread(&mut edited, column, spelling.or(in_kib.as_deref()));
    if column == Column::Type {
        if edited.subtype != row.subtype {
            forget_unread(&mut edited, Column::SubType, None);
        }
        look_at_subtype_again(table, row, &mut edited);
    }
    Ok(Edit {
        table: with_row(table, index, edited),
        name,
        row: Some(index),
    })
}

/// The cell is settled now: it is readable, and spelled as typed if ESP-IDF takes that.
pub(super) fn forget_unread(row: &mut Row, column: Column, typed: Option<&str>) {
    let has_typed = row.typed(column).is_some();
    let has_unread = row
        .line()
        .is_some_and(|line| line.unread.iter().any(|cell| cell.column == column));
    if typed.is_none() && !has_typed && !has_unread {
        return;
    }
    let mut spelling: Spelling = row.spelling.as_deref().cloned().unwrap_or_default();
    spelling.typed.retain(|(other, _)| *other != column);
    if let Some(typed) = typed {
        spelling.typed.push((column, Arc::from(typed)));
    } else if has_unread {
        // The stand-in may be the very value that was meant; the text in the file must go all the same.
        spelling.typed.push((column, Arc::from("")));
    }
    if let Some(line) = &mut spelling.line {
        line.unread.retain(|cell| cell.column != column);
    }
    row.spelling = Some(Arc::new(spelling));
}

/// How a size or offset that ESP-IDF would not take as typed is spelled: in whole KiB or MiB if it was typed so.
fn plain_spelling(typed: &str, row: &Row, column: Column) -> Option<String> {
    let ((Column::Offset, Offset::At(value), _) | (Column::Size, _, Size::Bytes(value))) =
        (column, row.offset, row.size)
    else {
        return None;
    };
    let lower = typed.to_ascii_lowercase();
    let unit = lower
        .trim_start_matches("0x")
        .chars()
        .find(|letter| matches!(letter, 'k' | 'm'))?;
    let style = if unit == 'm' {
        NumberStyle::Mega('M')
    } else {
        NumberStyle::Kilo('K')
    };
    Some(style.spell(value))
}

fn set_name(
    table: &PartitionTable,
    index: usize,
    row: &mut Row,
    typed: &str,
) -> Result<(), String> {
    if typed.is_empty() {
        return Err("A partition needs a name, so that programs can find it".to_owned());
    }
    if typed.len() > NAME_BYTES {
        return Err(format!(
            "The name “{typed}” has {} bytes; at most 16 fit the table",
            typed.len()
        ));
    }
    name_for_csv(typed)?;
    let taken = table
        .rows
        .iter()
        .enumerate()
        .any(|(other, row)| other != index && row.name == typed);
    if taken {
        return Err(format!(
            "The name “{typed}” is taken already; use {} for example",
            free_name(table, typed)
        ));
    }
    typed.clone_into(&mut row.name);
    Ok(())
}

fn set_type(table: &PartitionTable, row: &mut Row, typed: &str) -> Result<(), String> {
    let kind = parse_type(typed)?;
    if kind == row.kind && row.unread(Column::Type).is_none() {
        return Ok(());
    }
    row.kind = kind;
    // A subtype means something else under another type. What the file says counts if only the type was wrong.
    row.subtype = match subtype_in_file(table, row)
        .and_then(|text| parse_subtype(kind, text, table.settings.extra).ok())
    {
        Some(subtype) => subtype,
        None => match kind {
            APP => free_app_subtype(table),
            BOOTLOADER | PARTITION_TABLE => 1,
            _ => UNDEFINED,
        },
    };
    if matches!(kind, BOOTLOADER | PARTITION_TABLE) {
        row.size = Size::Auto;
    }
    if !matches!(kind, BOOTLOADER | PARTITION_TABLE) && row.size == Size::Auto {
        row.size = Size::Bytes(row.offset_unit());
    }
    Ok(())
}

/// While its type could not be read, nothing could be said against a row's subtype. Now it can.
fn look_at_subtype_again(table: &PartitionTable, old: &Row, row: &mut Row) {
    if old.unread(Column::Type).is_none() {
        return;
    }
    let Some(text) = subtype_in_file(table, old) else {
        return;
    };
    let Err(message) = parse_subtype(row.kind, text, table.settings.extra) else {
        return;
    };
    let unread = Unread {
        column: Column::SubType,
        text: Arc::from(text),
        message: Arc::from(message),
        help: Arc::from("Choose a subtype"),
    };
    let mut spelling: Spelling = row.spelling.as_deref().cloned().unwrap_or_default();
    if let Some(line) = &mut spelling.line {
        // The subtype's stand-in now belongs to the new type.
        (line.read.kind, line.read.subtype) = (row.kind, row.subtype);
        line.unread.push(unread);
    }
    spelling
        .typed
        .retain(|(column, _)| *column != Column::SubType);
    row.spelling = Some(Arc::new(spelling));
}

/// The subtype's cell of a row whose type or subtype could not be read: it may make sense under another type.
fn subtype_in_file<'a>(table: &PartitionTable, row: &'a Row) -> Option<&'a str> {
    let unread = |column| matches!(column, Column::Type | Column::SubType);
    let line = row
        .line()
        .filter(|line| line.unread.iter().any(|cell| unread(cell.column)))?;
    let dialect = table
        .text
        .as_ref()
        .map(|text| text.dialect)
        .unwrap_or_default();
    line.text
        .split(',')
        .nth(dialect.index_of(Column::SubType))
        .map(python_strip)
        .filter(|text| !text.is_empty())
}

/// A type by name or number.
pub(super) fn parse_type(typed: &str) -> Result<u8, String> {
    esp_idf_value(typed, types()).and_then(|value| u8::try_from(value).ok()).ok_or_else(|| {
        format!("“{typed}” is not a partition type: use app, data, bootloader, partition_table or a number such as 0x40")
    })
}

/// A subtype by name or number; nothing typed is `undefined`, except for an app.
pub(super) fn parse_subtype(kind: u8, typed: &str, extra: ExtraSubtypes) -> Result<u8, String> {
    if typed.is_empty() && kind != APP {
        return Ok(UNDEFINED);
    }
    extra.value(kind, typed).ok_or_else(|| {
        let own = extra.of(kind).map(|extra| extra.name);
        let words: Vec<&str> = (subtypes(kind).iter().map(|(word, _)| *word))
            .chain(own)
            .collect();
        match words.as_slice() {
            [] => format!(
                "“{typed}” is not a subtype: a partition of type {} takes a number from 0 to 0xFE",
                type_name(kind)
            ),
            words => format!(
                "“{typed}” is not a subtype of {}: use a number or one of {}",
                type_name(kind),
                words.join(", ")
            ),
        }
    })
}

fn parse_offset(row: &Row, typed: &str) -> Result<Offset, String> {
    let computed =
        typed.is_empty() || typed.eq_ignore_ascii_case("auto") || typed.eq_ignore_ascii_case("n/a");
    if computed {
        return Ok(Offset::Auto);
    }
    if row.is_primary() || (row.kind == BOOTLOADER && row.subtype == 2) {
        return Err(format!(
            "ESP-IDF sets the offset of {} itself, from its settings",
            row.shown_name()
        ));
    }
    parse_number(typed).map(Offset::At)
}

fn parse_size(row: &Row, typed: &str) -> Result<Size, String> {
    let empty =
        typed.is_empty() || typed.eq_ignore_ascii_case("auto") || typed.eq_ignore_ascii_case("n/a");
    match (row.kind, empty) {
        (BOOTLOADER | PARTITION_TABLE, true) => Ok(Size::Auto),
        (BOOTLOADER | PARTITION_TABLE, false) => Err(format!(
            "ESP-IDF sets the size of {} itself, because it is a {}",
            row.shown_name(),
            type_name(row.kind)
        )),
        (_, true) => Err(format!(
            "{} needs a size, such as 64K or 0x10000",
            row.shown_name()
        )),
        (_, false) => match typed.strip_prefix('-') {
            Some(end) => parse_number(python_strip(end)).map(|end| {
                if end == 0 {
                    Size::Bytes(0)
                } else {
                    Size::UpTo(end)
                }
            }),
            None => parse_number(typed).map(Size::Bytes),
        },
    }
}

/// A number as people type it, or as ESP-IDF takes it.
fn parse_number(typed: &str) -> Result<u32, String> {
    let Some(value) = esp_idf_number(typed) else {
        return parse_bytes(typed);
    };
    u32::try_from(value).ok().ok_or_else(|| match value {
        ..0 => format!("“{typed}” is negative"),
        _ => format!("“{typed}” is more than 4 GiB"),
    })
}

/// Flags by name, separated by colons, commas or spaces. Bits without a name stay as they were.
fn parse_flags(old: u32, typed: &str) -> Result<u32, String> {
    let mut flags = unknown_flags(old);
    for word in typed
        .split([':', ',', ' ', '+', '|'])
        .filter(|word| !word.is_empty())
    {
        flags |= flag_bit(&word.to_ascii_lowercase()).ok_or_else(|| {
            format!("“{word}” is not a flag: use encrypted, readonly, or encrypted:readonly")
        })?;
    }
    Ok(flags)
}
