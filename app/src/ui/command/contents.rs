//! The second part of the menu *Edit*: what goes into the selected partition.

use eframe::egui::Key;

use super::Command;
use super::row::{
    Facts, Menu, ctrl, ctrl_shift, file_selected, idle, need, partition_selected, plain, row,
    selected, takes_files,
};
use crate::ui::environment::Environment;
use crate::ui::file_dialog::Ask;
use crate::ui::files::{ask_file, read_partition};
use crate::ui::kept_against::KeptAgainst;
use crate::ui::packer_actions;
use crate::ui::state::{AppState, ReadInto};

fn packs_a_bin(now: &Environment) -> Option<String> {
    need(
        now.packs_a_bin,
        "Select a partition with files that are packed as a Bin first",
    )
}

fn keep(state: &mut AppState, against: KeptAgainst) {
    let partition = selected(state);
    packer_actions::keep_against(state, &partition, against);
}

const NOTHING_IN: &str = "Nothing goes into the selected partition";

/// The rows of this part of the menu.
pub const CONTENTS: &[Facts] = &[
    row(
        Menu::Edit,
        Command::AddFiles,
        "Add files…",
        "Pack files into the selected partition",
    )
    .keys(ctrl(Key::I))
    .begins_group()
    .unless(takes_files)
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::AddFiles { partition });
    }),
    row(
        Menu::Edit,
        Command::AddFolder,
        "Add folder…",
        "Pack a folder with everything in it into the selected partition",
    )
    .keys(ctrl_shift(Key::I))
    .unless(takes_files)
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::AddFolder { partition });
    }),
    row(
        Menu::Edit,
        Command::ChooseImage,
        "Choose image…",
        "Write a file as it is into the selected partition",
    )
    .unless(partition_selected)
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::ImageFor { partition });
    }),
    row(
        Menu::Edit,
        Command::RenameFile,
        "Rename file",
        "Give the selected file another name in the image",
    )
    .keys(plain(Key::F2))
    .unless(file_selected)
    .runs(|state, _| {
        let partition = selected(state);
        state
            .contents
            .begin_rename(state.document.project(), &partition);
    }),
    row(
        Menu::Edit,
        Command::RemoveFile,
        "Remove file",
        "Take the selected file out of the image; the file on disk stays",
    )
    .unless(file_selected)
    .runs(|state, _| packer_actions::remove_file(state)),
    row(
        Menu::Edit,
        Command::ClearContents,
        "Clear contents",
        "Put nothing into the selected partition: it is left as it is on the board",
    )
    .unless(|now| need(now.has_image, NOTHING_IN))
    .runs(|state, _| packer_actions::clear(state)),
    row(
        Menu::Edit,
        Command::PackAgain,
        "Read files again",
        "Read all files from disk again and pack them",
    )
    .keys(ctrl_shift(Key::R))
    .runs(|state, _| {
        state.packing.pack_again();
        state.document.touch();
    }),
    row(
        Menu::Edit,
        Command::OpenImage,
        "Open image as files…",
        "Take the files out of an image and edit them in the selected partition",
    )
    .begins_group()
    .unless(takes_files)
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::ImageInto { partition });
    }),
    row(
        Menu::Edit,
        Command::ReadFiles,
        "Edit what the board holds",
        "Read the selected partition from the board and edit its files here",
    )
    .unless(|now| idle(now).or_else(|| takes_files(now)))
    .runs(|state, _| {
        let partition = selected(state);
        packer_actions::read_files(state, partition);
    }),
    row(
        Menu::Edit,
        Command::ExtractFile,
        "Extract file…",
        "Save the selected file or folder as it is packed; nothing is overwritten",
    )
    .unless(file_selected)
    .runs(|state, _| {
        let partition = selected(state);
        packer_actions::ask_extract(state, partition, true);
    }),
    row(
        Menu::Edit,
        Command::ExtractAll,
        "Extract all files…",
        "Save all files of the selected partition into a folder; nothing is overwritten",
    )
    .unless(|now| need(now.has_image, NOTHING_IN))
    .runs(|state, _| {
        let partition = selected(state);
        packer_actions::ask_extract(state, partition, false);
    }),
    row(
        Menu::Edit,
        Command::KeepLastWrite,
        "Keep offsets of the last write",
        "Files keep the places that they had in the image written last",
    )
    .begins_group()
    .unless(packs_a_bin)
    .runs(|state, _| keep(state, KeptAgainst::LastWrite)),
    row(
        Menu::Edit,
        Command::KeepFile,
        "Keep offsets of a file…",
        "Files keep the places that they have in an earlier image, which you choose",
    )
    .unless(packs_a_bin)
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::KeepOffsets { partition });
    }),
    row(
        Menu::Edit,
        Command::KeepBoard,
        "Keep offsets of the board",
        "Read the partition from the board; files keep the places that they have there",
    )
    .unless(|now| idle(now).or_else(|| packs_a_bin(now)))
    .runs(|state, _| {
        let partition = selected(state);
        read_partition(state, partition, ReadInto::Offsets);
    }),
    row(
        Menu::Edit,
        Command::KeepNothing,
        "Keep no offsets",
        "Pack everything anew at each edit, without holes",
    )
    .unless(packs_a_bin)
    .runs(|state, _| keep(state, KeptAgainst::Nothing)),
    row(
        Menu::Edit,
        Command::EraseRemoved,
        "Erase removed files",
        "Switch between erasing what removed and older files left behind, and leaving it where erasing costs a sector",
    )
    .unless(packs_a_bin)
    .runs(|state, _| packer_actions::toggle_erase_removed(state)),
    row(
        Menu::Edit,
        Command::Compact,
        "Compact",
        "Pack the selected partition anew, without the holes that edits left",
    )
    .unless(|now| need(now.has_image, NOTHING_IN))
    .runs(|state, _| {
        let partition = selected(state);
        packer_actions::compact(state, &partition);
    }),
    row(
        Menu::Edit,
        Command::CopyReport,
        "Copy report",
        "Copy name, offset, size, CRC-32, state and wasted bytes of every file",
    )
    .unless(|now| need(now.has_image, NOTHING_IN))
    .runs(|state, ctx| {
        let partition = selected(state);
        packer_actions::copy_report(state, ctx, &partition);
    }),
];
