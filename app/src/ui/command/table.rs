//! The menu *Table*: the partition table as a whole, and the rarer edits of a row.

use super::Command;
use super::row::{Facts, Menu, has_rows, idle_and_connected, partition_selected, row, selected};
use crate::model::problem::Severity;
use crate::model::table_arrange::Neighbours;
use crate::ui::board_table::{self, TableWish};
use crate::ui::dialogs::Dialog;
use crate::ui::dialogs::template::Choice;
use crate::ui::file_dialog::Ask;
use crate::ui::files::ask_file;
use crate::ui::run_command::edit_table;
use crate::ui::state::AppState;
use crate::ui::table_files::{self, TableForm};
use crate::ui::table_row_ops::{self as ops, Flag};

/// The rows of this menu.
pub const TABLE: &[Facts] = &[
    row(Menu::Table, Command::NewFromTemplate, "New from template…", "Choose one of the usual tables for this size of flash").runs(|state, _| { let flash_size = state.document.project().flash_size; state.dialog = Some(Dialog::Template(Choice::new(flash_size))); }),
    row(Menu::Table, Command::ImportTable, "Import table…", "Take the table of a CSV, a binary table or a firmware image; contents stay").runs(|state, _| ask_file(state, Ask::ImportTable)),
    row(Menu::Table, Command::ReadTable, "Read table from board", "Take the table that is on the board; contents stay").unless(idle_and_connected).runs(|state, _| board_table::read(state, TableWish::Import)),
    row(Menu::Table, Command::CompareTable, "Compare table with board…", "Show what this table changes on the board, and which data nothing would find any more").unless(idle_and_connected).runs(|state, _| board_table::read(state, TableWish::Compare)),
    row(Menu::Table, Command::CompareTableFile, "Compare table with file…", "Show what moves, grows, comes and goes between a table in a file and this one, and which data would be stranded").runs(|state, _| ask_file(state, Ask::CompareTable)),
    row(Menu::Table, Command::ExportTableCsv, "Export table as CSV…", "Save the table as a CSV for ESP-IDF").begins_group().runs(|state, _| table_files::export(state, TableForm::Csv)),
    row(Menu::Table, Command::ExportTableBinary, "Export table as binary…", "Save the table as it stands in flash, with its MD5").runs(|state, _| table_files::export(state, TableForm::Binary)),
    row(Menu::Table, Command::ExportMap, "Export map as SVG…", "Save the map as a picture for documents that scales").runs(|state, _| table_files::export(state, TableForm::Svg)),
    row(Menu::Table, Command::ExportMapPng, "Export map as PNG…", "Save the map as a picture of pixels, which every program shows").runs(|state, _| table_files::export(state, TableForm::Png)),
    row(Menu::Table, Command::AddBefore, "Add partition before", "Add a partition in front of the selected one").begins_group().unless(partition_selected).runs(|state, _| add_beside(state, true)),
    row(Menu::Table, Command::AddAfter, "Add partition after", "Add a partition behind the selected one").unless(partition_selected).runs(|state, _| add_beside(state, false)),
    row(Menu::Table, Command::GrowPartition, "Grow into free space", "Give the selected partition the free space behind it").begins_group().unless(partition_selected).runs(|state, _| edit_table(state, ops::grow)),
    row(Menu::Table, Command::ShrinkPartition, "Shrink to contents", "Make the selected partition just large enough for what goes into it").unless(partition_selected).runs(|state, _| shrink(state)),
    row(Menu::Table, Command::PinOffset, "Pin offset", "Write the computed offset into the table, so that edits above do not move the partition").unless(partition_selected).runs(|state, _| edit_table(state, ops::pin)),
    row(Menu::Table, Command::UnpinOffset, "Unpin offset", "Empty the offset, so that the partition follows the one above it").unless(partition_selected).runs(|state, _| edit_table(state, ops::unpin)),
    row(Menu::Table, Command::ToggleEncrypted, "Set or clear encrypted", "Change the flag encrypted of the selected partition").unless(partition_selected).runs(|state, _| toggle(state, Flag::Encrypted)),
    row(Menu::Table, Command::ToggleReadonly, "Set or clear readonly", "Change the flag readonly of the selected partition").unless(partition_selected).runs(|state, _| toggle(state, Flag::Readonly)),
    row(Menu::Table, Command::ArrangePartitions, "Arrange partitions", "Put all partitions close together, in their order").begins_group().unless(has_rows).runs(|state, _| edit_table(state, ops::arrange)),
    row(Menu::Table, Command::SortRows, "Sort rows by offset", "Put the rows in the order of their offsets").unless(has_rows).runs(|state, _| edit_table(state, ops::sort)),
    row(Menu::Table, Command::PushNeighbours, "Push neighbours", "Whether neighbours give way when a partition is moved or resized, or block; Shift does the other").begins_group().runs(|state, _| state.layout.push = !state.layout.push),
];

fn add_beside(state: &mut AppState, before: bool) {
    let neighbours = if state.layout.push {
        Neighbours::Push
    } else {
        Neighbours::Block
    };
    edit_table(state, |project, at| {
        ops::add_beside(project, at, before, neighbours)
    });
}

fn toggle(state: &mut AppState, flag: Flag) {
    edit_table(state, |project, at| ops::toggle_flag(project, at, flag));
}

fn shrink(state: &mut AppState) {
    let partition = selected(state);
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
