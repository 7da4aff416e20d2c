//! What the packer's commands do: put files elsewhere, open an image as files, take files out, compact, report.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::Context;

use super::action::Action;
use super::command::Command;
use super::command::row::selected;
use super::content_edit;
use super::dialogs::Dialog;
use super::file_dialog::Ask;
use super::files::{ask_file, read_partition};
use super::kept_against::KeptAgainst;
use super::packing_paths::{Given, would_do};
use super::run_command::{add_paths, edit, sentence};
use super::selection::Selection;
use super::state::{AppState, ReadInto};
use super::table_ops;
use super::text::count;
use crate::engine::pack::{Change, PackedImage};
use crate::model::number::{hex, human_size};
use crate::model::partition_table::APP;
use crate::model::problem::Severity;
use crate::model::project::{Content, Project};
use crate::store::extract;
use crate::store::open_any::files_of_image;
use crate::store::read_whole::read_whole;
use crate::store::tree::Existing;

/// More than any flash of an ESP chip holds.
const LARGEST_IMAGE: u64 = 128 << 20;
/// Other targets that are offered; a strip has room for no more.
const TARGETS: usize = 3;

/// The buttons after files were added: the other partitions that could have taken them, and *Undo*.
///
/// Partitions that take files come first, what the firmware fills itself last.
pub fn after_add(project: &Project, partition: &str, paths: &[PathBuf]) -> Vec<(String, Action)> {
    let given = Given::count(paths);
    let mut others: Vec<_> = project
        .table
        .rows
        .iter()
        .filter(|row| row.name != partition)
        .filter(|row| would_do(project, &row.name, given).is_ok())
        .collect();
    others.sort_by_key(|row| {
        (
            !table_ops::takes_files(row),
            !project.contents.contains_key(&row.name),
            row.kind != APP && row.subtype < 0x06,
        )
    });
    let mut buttons: Vec<(String, Action)> = others
        .into_iter()
        .take(TARGETS)
        .map(|row| {
            let action = Action::PutInstead {
                from: partition.to_owned(),
                into: row.name.clone(),
                paths: paths.to_vec(),
            };
            (format!("Put into {} instead", row.name), action)
        })
        .collect();
    buttons.push(("Undo".to_owned(), Action::from(Command::Undo)));
    buttons
}

/// Takes the latest edit back, if it added to `from`, and adds to `into`.
pub fn put_instead(state: &mut AppState, from: &str, into: &str, paths: &[PathBuf]) {
    let ours = state
        .document
        .undo_name()
        .is_some_and(|name| name.starts_with("add ") && name.ends_with(&format!(" to {from}")));
    if !ours {
        state.tell(
            Severity::Note,
            format!("Something else was edited since; drop the files on {into} again"),
        );
        return;
    }
    state.document.undo();
    let rows = &state.document.project().table.rows;
    if let Some(row) = rows.iter().position(|row| row.name == into) {
        state.selection = Selection::Row(row);
        state.contents.selected = None;
        state.contents.rename = None;
    }
    add_paths(state, into, paths);
}

/// Opens an image file as the files of a partition.
pub fn open_image(state: &mut AppState, partition: &str, path: &Path) {
    match read_whole(path, LARGEST_IMAGE) {
        Ok(bytes) => edit_image(state, partition, &bytes, &path.display().to_string()),
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// The files of an image become the content of a partition.
pub fn edit_image(state: &mut AppState, partition: &str, image: &[u8], from: &str) {
    match files_of_image(image) {
        Ok(files) => {
            let number: usize = files.entries.iter().map(content_edit::count_files).sum();
            let number = count(number, "file", "files");
            let project = content_edit::with_content(
                state.document.project(),
                partition,
                Some(Content::Files(files)),
            );
            state.contents.selected = None;
            state.contents.rename = None;
            edit(state, &format!("open image in {partition}"), project);
            state.tell(
                Severity::Note,
                format!("Opened {number} of {from} in {partition}"),
            );
        }
        Err(reason) => state.tell(Severity::Error, format!("Cannot edit {from}. {reason}")),
    }
}

/// Reads a partition from the board to edit its files.
pub fn read_files(state: &mut AppState, partition: String) {
    read_partition(state, partition, ReadInto::Edit);
}

/// Asks for the folder that files go into.
pub fn ask_extract(state: &mut AppState, partition: String, selected: bool) {
    let path = selected.then(|| selected_path(state, &partition)).flatten();
    ask_file(state, Ask::ExtractInto { partition, path });
}

fn selected_path(state: &AppState, partition: &str) -> Option<String> {
    let at = state.contents.selected.as_ref()?;
    let files = content_edit::files(state.document.project(), partition)?;
    content_edit::flatten(&files.entries)
        .into_iter()
        .find(|line| line.at == *at)
        .map(|line| line.path)
}

/// Files to be taken out of a packed image, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    pub partition: String,
    /// One file or folder of the image; `None`: all.
    pub path: Option<String>,
    pub into: PathBuf,
}

/// Takes files out, or asks first what to do with those that are there already.
pub fn extract_unless_taken(state: &mut AppState, extraction: Extraction) {
    let Some(image) = packed(state, &extraction) else {
        return;
    };
    let path = extraction.path.as_deref();
    match extract::taken(&image.bytes, path, &extraction.into) {
        Ok(taken) if taken.is_empty() => extract(state, &extraction, Existing::Refuse),
        Ok(taken) => state.dialog = Some(Dialog::Existing { extraction, taken }),
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// Writes files of a packed image into a folder.
pub fn extract(state: &mut AppState, extraction: &Extraction, existing: Existing) {
    state.dialog = None;
    let Some(image) = packed(state, extraction) else {
        return;
    };
    let into = &extraction.into;
    match extract::extract(&image.bytes, extraction.path.as_deref(), into, existing) {
        Ok(done) => {
            for problem in &done.problems {
                let text = sentence(&problem.message, &problem.help);
                state.note(problem.severity, text, None);
            }
            let remarks = match done.problems.len() {
                0 => String::new(),
                number => format!("; {} in the log", count(number, "remark", "remarks")),
            };
            let files = count(done.files, "file", "files");
            state.tell(
                Severity::Note,
                format!("Extracted {files} into {}{remarks}", into.display()),
            );
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

fn packed(state: &mut AppState, extraction: &Extraction) -> Option<Arc<PackedImage>> {
    let partition = &extraction.partition;
    let image = state.packing.images().get(partition).cloned();
    if image.is_none() {
        let text =
            format!("Nothing was taken out: {partition} is not packed yet. Try again in a moment");
        state.tell(Severity::Error, text);
    }
    image
}

/// Keeps the offsets of an image in a file.
pub fn keep_offsets_of(state: &mut AppState, partition: &str, path: &Path) {
    match read_whole(path, LARGEST_IMAGE) {
        Ok(image) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let against = KeptAgainst::File {
                name: name.into_owned(),
                image: image.into(),
            };
            keep_against(state, partition, against);
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// Keeps the offsets of what the board was found to hold.
pub fn keep_board(state: &mut AppState, partition: &str, image: &[u8]) {
    let image = image.into();
    keep_against(state, partition, KeptAgainst::Board { image });
}

/// Chooses whose offsets are kept.
pub fn keep_against(state: &mut AppState, partition: &str, against: KeptAgainst) {
    let text = match &against {
        KeptAgainst::Nothing => format!("{partition} is packed anew at each edit"),
        other => format!("{partition} keeps the offsets of {}", other.label()),
    };
    state.packing.keep_against(partition, against);
    state.document.touch();
    state.tell(Severity::Note, text);
}

/// Takes the selected file or folder out of the selected partition.
pub fn remove_file(state: &mut AppState) {
    let partition = selected(state);
    let Some(at) = state.contents.selected.take() else {
        return;
    };
    let project = state.document.project();
    let name = content_edit::files(project, &partition)
        .and_then(|files| {
            content_edit::flatten(&files.entries)
                .into_iter()
                .find(|line| line.at == at)
        })
        .map_or_else(String::new, |line| line.path);
    let project = content_edit::with_removed(project, &partition, &at);
    edit(state, &format!("remove {name}"), project);
}

/// Switches the selected partition between erasing what removed files left behind, and leaving it.
pub fn toggle_erase_removed(state: &mut AppState) {
    let partition = selected(state);
    let Some(mut files) = content_edit::files(state.document.project(), &partition).cloned() else {
        return;
    };
    files.erase_removed = !files.erase_removed;
    let name = if files.erase_removed {
        format!("erase removed files of {partition}")
    } else {
        format!("leave removed files of {partition}")
    };
    let content = Some(Content::Files(files));
    let project = content_edit::with_content(state.document.project(), &partition, content);
    edit(state, &name, project);
}

/// Puts nothing into the selected partition.
pub fn clear(state: &mut AppState) {
    let partition = selected(state);
    let project = content_edit::with_content(state.document.project(), &partition, None);
    edit(state, &format!("clear contents of {partition}"), project);
}

/// Packs a partition anew.
pub fn compact(state: &mut AppState, partition: &str) {
    let image = state.packing.images().get(partition);
    let Some(worth) = image.and_then(|image| image.compaction) else {
        state.tell(
            Severity::Note,
            format!("{partition} has no holes: there is nothing to compact"),
        );
        return;
    };
    state.packing.compact(partition);
    state.document.touch();
    state.tell(
        Severity::Note,
        format!(
            "Compacted {partition}: {} saved, {} to write again",
            human_size(worth.saves),
            count(worth.rewrites_sectors, "sector", "sectors")
        ),
    );
}

/// Puts a table of all files on the clipboard.
pub fn copy_report(state: &mut AppState, ctx: &Context, partition: &str) {
    let Some(image) = state.packing.images().get(partition) else {
        state.tell(Severity::Note, format!("{partition} is not packed yet"));
        return;
    };
    ctx.copy_text(report(partition, image));
    state.tell(
        Severity::Note,
        format!("Copied the report of {partition}, a table with tabs"),
    );
}

/// Every file with its place, and the sums of the image; columns are separated by tabs.
pub fn report(partition: &str, image: &PackedImage) -> String {
    let mut text = String::from("name\toffset\tsize\tcrc32\tchange\twasted\tsectors changed\n");
    for entry in &image.entries {
        let folder = if entry.folder { "/" } else { "" };
        // Writing to a String cannot fail.
        writeln!(
            text,
            "{}{folder}\t{}\t{}\t{:08X}\t{}\t{}\t{}",
            entry.path,
            hex(entry.offset),
            entry.size,
            entry.crc32,
            change_word(entry.change),
            entry.wasted,
            entry
                .sectors_changed
                .map_or_else(String::new, |number| number.to_string())
        )
        .ok();
    }
    let sectors = image
        .sectors_changed
        .map_or_else(String::new, |number| format!("\tsectors changed {number}"));
    writeln!(
        text,
        "{partition}\tsize {}\tused {}\tslack {}\tcrc32 {:08X}{sectors}",
        image.bytes.len(),
        image.used,
        image.slack,
        crc32fast::hash(&image.bytes)
    )
    .ok();
    text
}

/// A change as the lists say it.
pub fn change_word(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Same => "same",
        Change::Changed => "changed",
        Change::Moved => "moved",
    }
}
