//! The commands of the menu *Table* and of the map's zoom: when they are available, and what they start.

use super::board_table::{self, TableWish};
use super::command::Command;
use super::dialogs::Dialog;
use super::dialogs::template::Choice;
use super::environment::Environment;
use super::file_dialog::Ask;
use super::files::ask_file;
use super::run_command::edit_table;
use super::state::AppState;
use super::table_files::{self, TableForm};
use super::table_row_ops::{self as ops, Flag};
use crate::model::problem::Severity;
use crate::model::table_arrange::Neighbours;

/// How much a zoom command changes the width of the map.
const ZOOM_STEP: f32 = 2.0;

/// Why a command of this module is not available; `None` if it is.
pub fn why_not(command: Command, environment: &Environment) -> Option<String> {
    let need = |there: bool, reason: &str| (!there).then(|| reason.to_owned());
    match command {
        Command::AddBefore
        | Command::AddAfter
        | Command::GrowPartition
        | Command::ShrinkPartition
        | Command::PinOffset
        | Command::UnpinOffset
        | Command::ToggleEncrypted
        | Command::ToggleReadonly => need(environment.row.is_some(), "Select a partition first"),
        Command::ArrangePartitions | Command::SortRows => {
            need(environment.rows > 0, "The table is empty")
        }
        Command::ReadTable | Command::CompareTable => environment
            .job
            .as_ref()
            .map(|job| format!("{job} is running: wait for it, or cancel it"))
            .or_else(|| need(environment.connected, "Connect a board first")),
        _ => None,
    }
}

/// Carries out a command of this module.
pub fn run(state: &mut AppState, command: Command) {
    let neighbours = if state.layout.push {
        Neighbours::Push
    } else {
        Neighbours::Block
    };
    match command {
        Command::NewFromTemplate => {
            state.dialog = Some(Dialog::Template(Choice::new(
                state.document.project().flash_size,
            )));
        }
        Command::ImportTable => ask_file(state, Ask::ImportTable),
        Command::ReadTable => board_table::read(state, TableWish::Import),
        Command::CompareTable => board_table::read(state, TableWish::Compare),
        Command::ExportTableCsv => table_files::export(state, TableForm::Csv),
        Command::ExportTableBinary => table_files::export(state, TableForm::Binary),
        Command::ExportMap => table_files::export(state, TableForm::Picture),
        Command::AddBefore => edit_table(state, |project, at| {
            ops::add_beside(project, at, true, neighbours)
        }),
        Command::AddAfter => edit_table(state, |project, at| {
            ops::add_beside(project, at, false, neighbours)
        }),
        Command::ArrangePartitions => edit_table(state, ops::arrange),
        Command::SortRows => edit_table(state, ops::sort),
        Command::GrowPartition => edit_table(state, ops::grow),
        Command::ShrinkPartition => shrink(state),
        Command::PinOffset => edit_table(state, ops::pin),
        Command::UnpinOffset => edit_table(state, ops::unpin),
        Command::ToggleEncrypted => edit_table(state, |project, at| {
            ops::toggle_flag(project, at, Flag::Encrypted)
        }),
        Command::ToggleReadonly => edit_table(state, |project, at| {
            ops::toggle_flag(project, at, Flag::Readonly)
        }),
        Command::PushNeighbours => state.layout.push = !state.layout.push,
        Command::ZoomIn => state.map.view.zoom_by(ZOOM_STEP, 0.5),
        Command::ZoomOut => state.map.view.zoom_by(1.0 / ZOOM_STEP, 0.5),
        Command::ZoomAll => state.map.view.show_all(),
        _ => {}
    }
}

fn shrink(state: &mut AppState) {
    let partition = state.environment.partition.clone().unwrap_or_default();
    let packed = state
        .packing
        .images()
        .get(&partition)
        .map(|image| image.bytes.len())
        .filter(|len| *len > 0);
    match packed.and_then(|len| u32::try_from(len).ok()) {
        Some(bytes) => edit_table(state, |project, at| ops::shrink(project, at, bytes)),
        None => state.tell(
            Severity::Error,
            format!(
                "Nothing is packed for {partition}, so its contents have no size to shrink to. Add files, or type a size"
            ),
        ),
    }
}
