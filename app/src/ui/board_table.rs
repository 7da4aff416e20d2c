//! The partition table that is on the board: read once per connection, kept by the board's memory, compared with the
//! project's table, or taken over.
//!
//! What a write would strand can be said only when this table is known; where it is not, the window says so.

use super::comparison::{Comparison, Sides};
use super::dialogs::Dialog;
use super::log::command_line;
use super::run_command::{sentence, submit};
use super::state::AppState;
use super::table_files;
use crate::engine::request::Request;
use crate::formats::partition_bin::{self, Md5Row, TABLE_BYTES};
use crate::model::number::hex;
use crate::model::partition_table::PartitionTable;
use crate::model::problem::Severity;
use crate::model::project::Project;
use crate::model::region::Region;

/// What the board's table is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableWish {
    /// To know what a write would strand.
    Know,
    /// To make it the project's table.
    Import,
    /// To compare it with the project's.
    Compare,
}

/// Where the board's table is looked for.
pub fn region(project: &Project) -> Region {
    Region::new(project.table.settings.table_offset, TABLE_BYTES as u32)
}

/// Reads the board's table for something that the user asked for.
pub fn read(state: &mut AppState, wish: TableWish) {
    let region = region(state.document.project());
    submit(state, Request::Read(region));
    if state.board.running().is_some() {
        state.table_wish = Some(wish);
    }
}

/// Asks quietly for the board's table and what it boots, if a board is there, idle, and not secured, and its table is
/// not known. Only the log tells of it.
pub fn learn(state: &mut AppState) {
    let table_offset = region(state.document.project()).offset;
    let secured = (state.board.identity.as_ref())
        .is_some_and(|identity| identity.secure_download == Some(true));
    let idle = state.board.is_connected() && state.board.running().is_none();
    if !idle || secured || state.board.memory.table_at(table_offset).is_some() {
        return;
    }
    let request = Request::WhatBoots { table_offset };
    let command = command_line(&request, &state.board.port, state.document.path());
    match state.board.submit(request) {
        Ok(()) => {
            state.table_wish = Some(TableWish::Know);
            let what = format!(
                "Reading the partition table of {}, to know what a write would strand",
                state.board.port
            );
            state.note(Severity::Note, what, Some(command));
        }
        Err(reason) => not_known(state, &reason),
    }
}

/// Tells the log why nobody knows what a write would strand.
pub fn not_known(state: &mut AppState, why: &str) {
    let text = format!("What a write would strand on the board is not known: {why}");
    state.note(Severity::Warning, text, None);
}

/// The read has ended well.
pub fn was_read(state: &mut AppState, wish: TableWish, bytes: &[u8]) {
    match wish {
        TableWish::Know => {
            if let Err(reason) = table_of(state.document.project(), bytes) {
                not_known(state, &reason);
            }
        }
        TableWish::Compare => {
            let comparison = compare(state.document.project(), bytes);
            state.dialog = Some(Dialog::CompareTable(Sides::board(comparison)));
        }
        TableWish::Import => match table_of(state.document.project(), bytes) {
            Ok((table, notes)) => {
                let name = format!("import table of {}", state.board.port);
                table_files::put(state, &name, None, table, &[]);
                for note in notes {
                    state.tell(Severity::Warning, note);
                }
            }
            Err(reason) => state.tell(Severity::Error, reason),
        },
    }
}

/// The board's table, and what is odd about it; else why it is none.
fn table_of(project: &Project, bytes: &[u8]) -> Result<(PartitionTable, Vec<String>), String> {
    let mut reading = partition_bin::read(bytes);
    let offset = project.table.settings.table_offset;
    if let Some(refusal) = reading.refusal {
        return Err(format!(
            "The board has no partition table at {}. {}",
            hex(offset),
            sentence(&refusal.message, "")
        ));
    }
    if reading.table.rows.is_empty() {
        return Err(format!(
            "The board has no partition table at {}, or an empty one",
            hex(offset)
        ));
    }
    reading.table.settings = project.table.settings;
    let notes = match reading.md5 {
        Md5Row::Wrong => vec![
            "The MD5 of the board's table is wrong: programs on the board refuse it".to_owned(),
        ],
        Md5Row::Right | Md5Row::Missing => Vec::new(),
    };
    Ok((reading.table, notes))
}

/// What the project's table changes on a board with the table in these bytes.
pub fn compare(project: &Project, bytes: &[u8]) -> Comparison {
    let (old, notes) = match table_of(project, bytes) {
        Ok(table) => table,
        Err(reason) => {
            return Comparison {
                notes: vec![reason],
                ..Comparison::default()
            };
        }
    };
    Comparison::new(&old, &project.table, project.flash_size).with_notes(notes)
}

/// The same with what is known of the board; `None` while its table is not known.
pub fn known(state: &AppState) -> Option<Comparison> {
    let project = state.document.project();
    let offset = project.table.settings.table_offset;
    let bytes = state.board.memory.table_at(offset)?;
    Some(compare(project, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::project_file;
    use std::sync::Arc;

    #[test]
    fn the_same_table_strands_nothing_and_a_removed_partition_is_named() {
        let project = project_file::sample();
        let bytes = partition_bin::write(&project.table).unwrap();
        assert_eq!(compare(&project, &bytes), Comparison::default());
        let mut smaller = project.clone();
        Arc::make_mut(&mut smaller.table)
            .rows
            .retain(|row| row.name != "vfs");
        let comparison = compare(&smaller, &bytes);
        assert!(
            comparison
                .stranded
                .iter()
                .any(|line| line.starts_with("vfs, 1 MiB at 0x200000, is stranded: "))
        );
        assert!(comparison.changes.iter().any(|line| line.contains("gone")));
    }

    #[test]
    fn an_erased_board_has_no_table() {
        let comparison = compare(&project_file::sample(), &[0xFF; TABLE_BYTES]);
        assert!(comparison.notes[0].contains("no partition table at 0x8000"));
        assert!(comparison.stranded.is_empty());
    }
}
