//! Taking rows out and putting them elsewhere in the file, without losing a comment.

use std::sync::Arc;

use super::partition_table::{PartitionTable, Row};
use super::table_number::python_strip;
use super::table_spelling::Slice;

/// Takes a row out; the comments above it go to the row behind it, or to the end of the file.
pub(super) fn remove_row(table: &mut PartitionTable, index: usize) {
    if index >= table.rows.len() {
        return;
    }
    let removed = table.rows.remove(index);
    put_text_at(table, index, removed.text_before());
}

/// Puts whole lines in front of what stands above the row of this number, or behind the last row.
fn put_text_at(table: &mut PartitionTable, index: usize, lines: &str) {
    if lines.is_empty() {
        return;
    }
    if let Some(row) = table.rows.get_mut(index) {
        let before = format!("{lines}{}", row.text_before());
        set_text_before(Arc::make_mut(row), &before);
    } else if let Some(text) = &mut table.text {
        let tail = format!("{lines}{}", &*text.tail);
        Arc::make_mut(text).tail = Slice::from(&*tail);
    }
}

fn set_text_before(row: &mut Row, lines: &str) {
    let mut spelling = row.spelling.as_deref().cloned().unwrap_or_default();
    spelling.before = Slice::from(lines);
    row.spelling = Some(Arc::new(spelling));
}

/// Puts a row elsewhere in the order. Comments directly above it go with it; what stands above a blank line stays.
pub(super) fn relocate_row(table: &mut PartitionTable, from: usize, to: usize) {
    if from >= table.rows.len() || to >= table.rows.len() || from == to {
        return;
    }
    let mut row = table.rows.remove(from);
    let before = row.text_before().to_owned();
    let own_from = start_of_own_comment(&before);
    let (stays, own) = before.split_at(own_from);
    if !stays.is_empty() {
        set_text_before(Arc::make_mut(&mut row), own);
        put_text_at(table, from, stays);
    }
    table.rows.insert(to, row);
}

/// Where the lines directly above a row begin: behind the last blank line.
fn start_of_own_comment(before: &str) -> usize {
    let mut start = 0;
    let mut own = 0;
    for line in before.split_inclusive('\n') {
        start += line.len();
        if python_strip(line).is_empty() {
            own = start;
        }
    }
    own
}
