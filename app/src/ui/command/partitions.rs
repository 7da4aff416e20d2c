//! The first part of the menu *Edit*: undo, and the rows of the partition table.

use eframe::egui::{Key, KeyboardShortcut, Modifiers};

use super::Command;
use super::row::{Facts, Menu, ctrl, ctrl_shift, need, partition_selected, row};
use crate::model::problem::Severity;
use crate::ui::document::Document;
use crate::ui::run_command::edit_table;
use crate::ui::state::AppState;
use crate::ui::table_ops;

/// The rows of this part of the menu.
pub const PARTITIONS: &[Facts] = &[
    row(
        Menu::Edit,
        Command::Undo,
        "Undo",
        "Take the latest edit back",
    )
    .keys(ctrl(Key::Z))
    .unless(|now| need(now.undo.is_some(), "Nothing to undo"))
    .runs(|state, _| walk(state, Document::undo, "Undid")),
    row(
        Menu::Edit,
        Command::Redo,
        "Redo",
        "Make the latest undone edit again",
    )
    .keys(ctrl_shift(Key::Z))
    .unless(|now| need(now.redo.is_some(), "Nothing to redo"))
    .runs(|state, _| walk(state, Document::redo, "Redid")),
    row(
        Menu::Edit,
        Command::AddPartition,
        "Add partition",
        "Add a partition in the selected free space, or in the largest",
    )
    .keys(ctrl(Key::N))
    .begins_group()
    .runs(|state, _| edit_table(state, table_ops::add)),
    row(
        Menu::Edit,
        Command::DuplicatePartition,
        "Duplicate partition",
        "Add another partition of the same type and size",
    )
    .keys(ctrl(Key::D))
    .unless(partition_selected)
    .runs(|state, _| edit_table(state, table_ops::duplicate)),
    row(
        Menu::Edit,
        Command::DeletePartition,
        "Delete partition",
        "Remove the selected partition from the table",
    )
    .unless(partition_selected)
    .runs(|state, _| edit_table(state, table_ops::remove)),
    row(
        Menu::Edit,
        Command::MovePartitionUp,
        "Move partition up",
        "Exchange the selected row with the one above it",
    )
    .keys(KeyboardShortcut::new(Modifiers::ALT, Key::ArrowUp))
    .unless(|now| {
        partition_selected(now).or_else(|| need(now.row != Some(0), "This is the first row"))
    })
    .runs(|state, _| edit_table(state, |project, at| table_ops::reorder(project, at, false))),
    row(
        Menu::Edit,
        Command::MovePartitionDown,
        "Move partition down",
        "Exchange the selected row with the one below it",
    )
    .keys(KeyboardShortcut::new(Modifiers::ALT, Key::ArrowDown))
    .unless(|now| {
        partition_selected(now).or_else(|| {
            need(
                now.row.is_some_and(|row| row + 1 < now.rows),
                "This is the last row",
            )
        })
    })
    .runs(|state, _| edit_table(state, |project, at| table_ops::reorder(project, at, true))),
];

fn walk(state: &mut AppState, step: impl FnOnce(&mut Document) -> Option<String>, verb: &str) {
    if let Some(name) = step(&mut state.document) {
        state.note(Severity::Note, format!("{verb} {name}"), None);
        state.contents.rename = None;
    }
}
