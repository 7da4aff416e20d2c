//! The menu *File*: projects, images, leaving.

use eframe::egui::Key;

use super::Command;
use super::row::{Facts, Menu, ctrl, ctrl_shift, need, row, selected};
use crate::ui::file_dialog::Ask;
use crate::ui::files::{ask_file, ask_where_to_save, save, unless_dirty};
use crate::ui::state::Then;

/// The rows of this menu.
pub const FILE: &[Facts] = &[
    row(
        Menu::File,
        Command::Open,
        "Open…",
        "Open a project, a partition table or an image; look at any other file",
    )
    .keys(ctrl(Key::O))
    .runs(|state, _| ask_file(state, Ask::OpenProject)),
    row(
        Menu::File,
        Command::OpenSample,
        "Open the sample",
        "Open the project of the first start, on the practice board",
    )
    .runs(|state, _| unless_dirty(state, Then::OpenSample)),
    row(Menu::File, Command::Save, "Save", "Save the project")
        .keys(ctrl(Key::S))
        .begins_group()
        .runs(|state, _| save(state)),
    row(
        Menu::File,
        Command::SaveAs,
        "Save as…",
        "Save the project under another name",
    )
    .keys(ctrl_shift(Key::S))
    .runs(|state, _| ask_where_to_save(state)),
    row(
        Menu::File,
        Command::ExportImage,
        "Export image…",
        "Save the packed image of the selected partition as a file",
    )
    .keys(ctrl(Key::E))
    .begins_group()
    .unless(|now| need(now.has_image, "Select a partition with packed files first"))
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::ExportImage { partition });
    }),
    row(Menu::File, Command::Quit, "Quit", "Close the window")
        .keys(ctrl(Key::Q))
        .begins_group()
        .runs(|state, _| unless_dirty(state, Then::Quit)),
];
