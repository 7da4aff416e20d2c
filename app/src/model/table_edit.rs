//! Edits of a partition table, as pure functions: the window and the command line use the same ones.
//!
//! Each takes a table and gives a new one, with a name for the undo list, or a sentence that says why not. They keep
//! the spelling of what they do not touch, and every comment. Rows are edited here, cells in
//! `table_cell`, places on the map (move, resize, arrange) in `table_arrange`. No edit demands that the table be right: `table_check` shows what is not.

use std::sync::Arc;

use super::partition_table::{NAME_BYTES, Offset, PartitionTable, Row};
use super::problem::{Column, Fix};
use super::table_arrange::{self, Limits, NewPartition, Where};
use super::table_cell::forget_unread;
use super::table_names::{APP, DATA, DATA_OTA, FLAG_ENCRYPTED, FLAG_READONLY};
use super::table_places::sort_by_offset;
use super::table_row_order::{relocate_row, remove_row};
use super::table_spelling::{Encoding, TableText};

pub use super::table_cell::set_cell;

/// A table after an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub table: PartitionTable,
    /// For the undo list: `Resize vfs`.
    pub name: String,
    /// The row to be selected now.
    pub row: Option<usize>,
}

/// A new table, or a sentence without a full stop that says why the edit cannot be made.
pub type Edited = Result<Edit, String>;

/// The flags of a row; bits without a name are kept.
pub fn set_flags(table: &PartitionTable, index: usize, encrypted: bool, readonly: bool) -> Edited {
    let row = row_at(table, index)?;
    let mut edited = Row::clone(row);
    for (wanted, bit) in [(encrypted, FLAG_ENCRYPTED), (readonly, FLAG_READONLY)] {
        edited.flags = if wanted {
            edited.flags | bit
        } else {
            edited.flags & !bit
        };
    }
    forget_unread(&mut edited, Column::Flags, None);
    Ok(Edit {
        table: with_row(table, index, edited),
        name: format!("Set flags of {}", row.shown_name()),
        row: Some(index),
    })
}

/// Writes the offset that the row has anyway into its cell, so that edits above it do not move it.
pub fn pin(table: &PartitionTable, index: usize) -> Edited {
    let row = row_at(table, index)?;
    if row.offset != Offset::Auto || row.is_primary() {
        return Err(format!(
            "The offset of {} is fixed already",
            row.shown_name()
        ));
    }
    let extent = table.extents().get(index).copied();
    let Some(offset) = extent.and_then(|extent| u32::try_from(extent.offset).ok()) else {
        return Err(format!("{} lies beyond 4 GiB", row.shown_name()));
    };
    let mut edited = Row::clone(row);
    edited.offset = Offset::At(offset);
    forget_unread(&mut edited, Column::Offset, None);
    Ok(Edit {
        table: with_row(table, index, edited),
        name: format!("Pin {}", row.shown_name()),
        row: Some(index),
    })
}

/// Empties the offset, so that the row follows the one above it.
pub fn unpin(table: &PartitionTable, index: usize) -> Edited {
    let row = row_at(table, index)?;
    if row.offset == Offset::Auto && row.unread(Column::Offset).is_none() {
        return Err(format!(
            "The offset of {} is computed already",
            row.shown_name()
        ));
    }
    let mut edited = Row::clone(row);
    edited.offset = Offset::Auto;
    forget_unread(&mut edited, Column::Offset, None);
    Ok(Edit {
        table: with_row(table, index, edited),
        name: format!("Unpin {}", row.shown_name()),
        row: Some(index),
    })
}

/// Removes a row. Comments above it stay in the file.
pub fn delete(table: &PartitionTable, index: usize) -> Edited {
    let row = row_at(table, index)?;
    let name = format!("Delete {}", row.shown_name());
    let mut edited = table.clone();
    remove_row(&mut edited, index);
    let last = edited.rows.len().checked_sub(1);
    Ok(Edit {
        row: last.map(|last| index.min(last)),
        table: edited,
        name,
    })
}

/// Puts a row elsewhere in the order of the file; no offset is touched, but offsets that are computed follow the order.
/// Comments directly above the row go with it.
pub fn move_row(table: &PartitionTable, from: usize, to: usize) -> Edited {
    let row = row_at(table, from)?;
    if to >= table.rows.len() {
        return Err(format!("{} is the last row already", row.shown_name()));
    }
    if from == to {
        return Err(format!("{} is there already", row.shown_name()));
    }
    let direction = if to < from { "up" } else { "down" };
    let name = format!("Move {} {direction}", row.shown_name());
    let mut edited = table.clone();
    relocate_row(&mut edited, from, to);
    Ok(Edit {
        table: edited,
        name,
        row: Some(to),
    })
}

/// Puts the rows in the order of their offsets, where ESP-IDF wants them in a CSV.
pub fn sort_rows(table: &PartitionTable) -> Edited {
    let mut edited = table.clone();
    sort_by_offset(&mut edited, &table.extents());
    if edited
        .rows
        .iter()
        .zip(&table.rows)
        .all(|(new, old)| Arc::ptr_eq(new, old))
    {
        return Err("The rows are in the order of their offsets already".to_owned());
    }
    Ok(Edit {
        table: edited,
        name: "Sort rows".to_owned(),
        row: None,
    })
}

/// Keeps the file as UTF-8 from now on.
pub fn save_as_utf8(table: &PartitionTable) -> Edited {
    let Some(text) = table
        .text
        .as_ref()
        .filter(|text| text.encoding != Encoding::Utf8)
    else {
        return Err("The table is UTF-8 already".to_owned());
    };
    let mut edited = table.clone();
    edited.text = Some(Arc::new(TableText {
        encoding: Encoding::Utf8,
        ..TableText::clone(text)
    }));
    Ok(Edit {
        table: edited,
        name: "Save as UTF-8".to_owned(),
        row: None,
    })
}

/// Carries out a problem's fix.
pub fn apply_fix(table: &PartitionTable, fix: &Fix, limits: &Limits) -> Edited {
    match fix {
        Fix::SetCell { row, column, text } => set_cell(table, *row, *column, text),
        Fix::RemoveRow { row } => delete(table, *row),
        Fix::AutoArrange => table_arrange::auto_arrange(table, limits),
        Fix::AddOtaData => {
            let otadata = NewPartition {
                name: free_name(table, "otadata"),
                kind: DATA,
                subtype: DATA_OTA,
                size: Some(super::table_check_esp_idf::OTADATA_SIZE),
            };
            table_arrange::add(table, Where::FirstGap, &otadata, limits)
        }
        Fix::SortRows => sort_rows(table),
        Fix::SaveAsUtf8 => save_as_utf8(table),
    }
}

/// This name if no row has it, else the same with a number behind it, at most 16 bytes: `vfs`, `vfs_2`.
pub fn free_name(table: &PartitionTable, name: &str) -> String {
    let is_free = |name: &str| {
        !table
            .rows
            .iter()
            .any(|row| row.name == name || row.stored_name() == name.as_bytes())
    };
    let cut = |bytes: usize| {
        let end = (0..=bytes.min(name.len()))
            .rev()
            .find(|end| name.is_char_boundary(*end))
            .unwrap_or(0);
        name.get(..end).unwrap_or_default()
    };
    let whole = cut(NAME_BYTES);
    if is_free(whole) {
        return whole.to_owned();
    }
    // One more number than there are rows is always enough.
    (2..=table.rows.len() + 2)
        .map(|number| {
            let suffix = format!("_{number}");
            format!("{}{suffix}", cut(NAME_BYTES - suffix.len()))
        })
        .find(|name| is_free(name))
        .unwrap_or_default()
}

/// The row of this number.
pub(super) fn row_at(table: &PartitionTable, index: usize) -> Result<&Arc<Row>, String> {
    table
        .rows
        .get(index)
        .ok_or_else(|| format!("The table has no row {}", index.saturating_add(1)))
}

/// The table with one row replaced.
pub(super) fn with_row(table: &PartitionTable, index: usize, row: Row) -> PartitionTable {
    let mut edited = table.clone();
    if let Some(place) = edited.rows.get_mut(index) {
        *place = Arc::new(row);
    }
    edited
}

/// The first app subtype that no row has: factory, then the OTA slots.
pub(super) fn free_app_subtype(table: &PartitionTable) -> u8 {
    let used = |subtype: u8| {
        table
            .rows
            .iter()
            .any(|row| row.kind == APP && row.subtype == subtype)
    };
    std::iter::once(0)
        .chain(0x10..=0x1F)
        .find(|subtype| !used(*subtype))
        .unwrap_or(0x20)
}
