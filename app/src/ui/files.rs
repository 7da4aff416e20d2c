//! Opening, saving, and every other file that a person names: asked for off the frame, written whole or not at all.

use std::path::{Path, PathBuf};

use super::action::{Action, Unsaved};
use super::board_files::ReadWish;
use super::content_edit;
use super::dialogs::Dialog;
use super::dialogs::review_plan::Review;
use super::document::Document;
use super::file_dialog::{Answer, Ask};
use super::log::command_line;
use super::monitor_actions;
use super::packer_actions::{self, Extraction};
use super::panels::contents::ContentsPanel;
use super::panels::table::TablePanel;
use super::run_command::{add_paths, edit, keep_settings, sentence, submit};
use super::state::{AppState, PendingRead, ReadInto, Then};
use super::table_files;
use crate::engine::request::Request;
use crate::model::problem::Severity;
use crate::model::region::Region;
use crate::store::open_any::{Found, open_any};
use crate::store::{StoreError, project_file, replace};

pub fn ask_file(state: &mut AppState, ask: Ask) {
    let wake = state.wake.clone();
    state.dialogs.ask(ask, wake);
}

/// Takes in the answer of a file dialog, if one has come.
pub fn poll_dialogs(state: &mut AppState) {
    let Some((ask, answer)) = state.dialogs.poll() else {
        return;
    };
    match answer {
        Answer::Chosen(paths) => chosen(state, ask, paths),
        Answer::Cancelled => state.then = None,
        Answer::NoDialog => state.dialog = Some(Dialog::type_path(ask)),
    }
}

/// What was asked for has been chosen, in a dialog or by typing.
pub fn chosen(state: &mut AppState, ask: Ask, paths: Vec<PathBuf>) {
    let Some(first) = paths.first().cloned() else {
        return;
    };
    match ask {
        Ask::OpenProject => open_unless_dirty(state, first),
        Ask::SaveProject { .. } => save_to(state, with_extension(first)),
        Ask::AddFiles { partition } | Ask::AddFolder { partition } => {
            state.ask(Action::AddPaths { partition, paths });
        }
        Ask::ImageFor { partition } => {
            let project = content_edit::with_image(state.document.project(), &partition, first);
            edit(state, &format!("choose image for {partition}"), project);
        }
        Ask::ImageInto { partition } => packer_actions::open_image(state, &partition, &first),
        Ask::ExtractInto { partition, path } => {
            let extraction = Extraction {
                partition,
                path,
                into: first,
            };
            packer_actions::extract_unless_taken(state, extraction);
        }
        Ask::ExportImage { partition } => {
            if let Some(bytes) = state
                .packing
                .images()
                .get(&partition)
                .map(|image| image.bytes.clone())
            {
                keep_file(state, &first, &bytes);
            }
        }
        Ask::KeepOffsets { partition } => {
            packer_actions::keep_offsets_of(state, &partition, &first);
        }
        Ask::KeepRead { partition } => {
            read_to_file(state, partition, first);
        }
        Ask::BackupTo { regions, whole } => state.ask(Action::ReadInto(ReadWish {
            output: first,
            regions,
            whole,
            backup: true,
        })),
        Ask::RestoreFrom => state.ask(Action::RestoreFrom(first)),
        Ask::SaveMonitor => monitor_actions::save(state, &first),
        Ask::MonitorElf => monitor_actions::choose_elf(state, Some(first)),
        Ask::ImportTable => table_files::import(state, &first),
        Ask::CompareTable => table_files::compare(state, &first),
        Ask::ExportTable { form } => table_files::save(state, form, &first),
        Ask::SaveSummary => {
            let summary = state
                .several
                .as_ref()
                .and_then(|sheet| sheet.running.as_ref());
            if let Some(text) = summary.map(|several| several.summary.to_file(&first)) {
                keep_file(state, &first, text.as_bytes());
            }
        }
        Ask::SavePlan => {
            // What stands on the sheet, ticks included.
            let plan = (state.review.as_ref())
                .map_or_else(|| state.derived.plan.clone(), Review::accepted);
            let command = command_line(
                &Request::Write(plan),
                &state.board.port,
                state.document.path(),
            );
            keep_file(state, &first, format!("#!/bin/sh\n{command}\n").as_bytes());
        }
    }
}

/// Writes a file that the user named, whole or not at all.
pub fn keep_file(state: &mut AppState, path: &Path, bytes: &[u8]) {
    match replace::replace(path, bytes) {
        Ok(()) => {
            let size = crate::model::number::human_size(bytes.len() as u64);
            state.tell(Severity::Note, format!("Saved {} ({size})", path.display()));
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// Reads a partition from the board.
pub fn read_partition(state: &mut AppState, partition: String, into: ReadInto) {
    if let Some(region) = region_of(state, &partition) {
        state.pending_read = Some(PendingRead { into, partition });
        submit(state, Request::Read(region));
    }
}

/// Reads a partition from the board into a file.
fn read_to_file(state: &mut AppState, partition: String, output: PathBuf) {
    if let Some(region) = region_of(state, &partition) {
        state.ask(Action::ReadInto(ReadWish {
            output,
            regions: vec![(partition, region)],
            backup: false,
            whole: false,
        }));
    }
}

fn region_of(state: &AppState, partition: &str) -> Option<Region> {
    let rows = &state.document.project().table.rows;
    let row = rows.iter().position(|row| row.name == partition)?;
    state.derived.regions.get(row).copied()
}

fn with_extension(path: PathBuf) -> PathBuf {
    if path.extension().is_some() {
        path
    } else {
        path.with_extension("flashpack")
    }
}

pub fn ask_where_to_save(state: &mut AppState) {
    let suggested = state.document.path().and_then(Path::file_name).map_or_else(
        || "project.flashpack".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    ask_file(state, Ask::SaveProject { suggested });
}

pub fn save(state: &mut AppState) {
    match state.document.path() {
        Some(path) => save_to(state, path.to_path_buf()),
        None => ask_where_to_save(state),
    }
}

fn save_to(state: &mut AppState, path: PathBuf) {
    match project_file::save_settled(&path, state.document.project()) {
        Ok(settled) => {
            state.settings.remember_project(&path);
            keep_settings(state);
            state.tell(Severity::Note, format!("Saved {}", path.display()));
            state.document.mark_saved(path, settled);
            state.keep_written();
            if let Some(then) = state.then.take() {
                go_on(state, then);
            }
        }
        Err(error) => {
            state.then = None;
            state.tell(Severity::Error, sentence(&error.to_string(), &error.help()));
        }
    }
}

/// The same as [`open`]; asks first if unsaved work would be replaced.
pub fn open_unless_dirty(state: &mut AppState, path: PathBuf) {
    let found = open_any(&path);
    if state.document.is_dirty() && matches!(found, Ok(Found::Project(_))) {
        unless_dirty(state, Then::Open(path));
    } else {
        take_up(state, &path, found);
    }
}

/// Opens a project, a table or an image; what is open now is replaced. Any other file is shown beside it.
pub fn open(state: &mut AppState, path: &Path) {
    let found = open_any(path);
    take_up(state, path, found);
}

fn take_up(state: &mut AppState, path: &Path, found: Result<Found, StoreError>) {
    match found {
        Ok(Found::File(file)) => {
            let text = format!("Looked at {}", path.display());
            state.note(Severity::Note, text, None);
            state.review = None;
            state.seen_file = Some(file);
        }
        Ok(Found::Project(opened)) => {
            if let Some(path) = &opened.project_path {
                state.settings.remember_project(path);
                keep_settings(state);
            }
            replace_document(state, Document::new(opened.project, opened.project_path));
            state.document.name_unsaved(path);
            state.note(Severity::Note, format!("Opened {}", path.display()), None);
            for problem in opened.problems {
                state.tell(problem.severity, sentence(&problem.message, &problem.help));
            }
            if !opened.to_pack.is_empty() {
                add_paths(state, "bin", &opened.to_pack);
            }
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

fn replace_document(state: &mut AppState, document: Document) {
    let revision = state.document.revision();
    state.document = document;
    state.document.continue_from(revision);
    state.notice = None;
    state.review = None;
    state.seen_file = None;
    state.table = TablePanel::default();
    state.contents = ContentsPanel::default();
    state.packing.pack_again();
    state.packing.forget_written();
    state.recall_written();
    state.select_first();
}

pub fn unless_dirty(state: &mut AppState, then: Then) {
    if state.document.is_dirty() || (matches!(then, Then::Quit) && state.board.running().is_some())
    {
        state.dialog = Some(Dialog::Unsaved);
        state.then = Some(then);
    } else {
        go_on(state, then);
    }
}

pub fn after_unsaved(state: &mut AppState, answer: Unsaved) {
    state.dialog = None;
    match answer {
        Unsaved::Save => save(state),
        Unsaved::Discard => {
            if let Some(then) = state.then.take() {
                go_on(state, then);
            }
        }
        Unsaved::Cancel => state.then = None,
    }
}

fn go_on(state: &mut AppState, then: Then) {
    match then {
        Then::Quit => state.may_close = true,
        Then::Open(path) => open(state, &path),
        Then::OpenSample => replace_document(state, Document::new(project_file::sample(), None)),
    }
}
