//! The only place where an action takes effect: one line per action, each calling a small function.

use std::path::PathBuf;

use super::action::Action;
use super::board_files;
use super::board_history;
use super::boot_slot;
use super::command::Command;
use super::content_edit;
use super::dialogs::Dialog;
use super::files::{after_unsaved, open_unless_dirty};
use super::log::{command_line, on_port};
use super::monitor_actions;
use super::packer_actions;
use super::packing_paths;
use super::restoring;
use super::resume;
use super::selection::Selection;
use super::several;
use super::state::{AppState, Notice};
use super::table_ops;
use crate::engine::request::{PortChoice, Question, Request};
use crate::model::problem::{Place, Severity};
use crate::model::project::Project;
use crate::model::region::Region;
use crate::store::settings;
use crate::store::settings::Theme;

/// Carries out everything that was asked for in the last frame, in order.
pub fn run_all(state: &mut AppState, ctx: &eframe::egui::Context) {
    for _ in 0..8 {
        if state.actions.is_empty() {
            return;
        }
        for action in std::mem::take(&mut state.actions) {
            run(state, ctx, action);
            state.refresh();
        }
    }
}

fn run(state: &mut AppState, ctx: &eframe::egui::Context, action: Action) {
    match action {
        Action::Command(command) => run_command(state, ctx, command),
        Action::Select(selection) => select(state, selection),
        Action::Edit { name, project } => edit(state, &name, *project),
        Action::Preview(preview) => state.document.set_preview(preview.map(|project| *project)),
        Action::CloseFile => state.seen_file = None,
        Action::OpenPath(path) => open_unless_dirty(state, path),
        Action::AddPaths { partition, paths } => add_paths(state, &partition, &paths),
        Action::PutInstead { from, into, paths } => {
            packer_actions::put_instead(state, &from, &into, &paths);
        }
        Action::ExtractInto {
            extraction,
            existing,
        } => packer_actions::extract(state, &extraction, existing),
        Action::ApplyFix(fix) => {
            edit_table(state, |project, _| table_ops::apply_fix(project, &fix));
        }
        Action::GoTo(place) => go_to(state, &place),
        Action::Several(wish) => several::run(state, &wish),
        Action::ChoosePort(port) => choose_port(state, port),
        Action::ChooseSpeed(baud) => choose_speed(state, baud),
        Action::StartWrite(plan) => {
            state.review = None;
            submit(state, Request::Write(plan));
        }
        Action::BootSlot { partition } => boot_slot::choose(state, &partition),
        Action::StartRestore { plan, words } => submit_as(state, Request::Write(plan), &words),
        Action::StartErase(region) => submit(state, Request::Erase(region)),
        Action::ReadInto(wish) => board_files::begin(state, wish),
        Action::RestoreFrom(path) => restoring::open(state, &path),
        Action::Resume => resume::resume(state),
        Action::LookUp { partition, path } => {
            submit(state, Request::Agent(Question::Find { partition, path }));
        }
        Action::AskAgent(question) => submit(state, Request::Agent(question)),
        Action::ReadLive(region) => read_live(state, region),
        Action::ShowFile { partition, path } => show_file(state, &partition, &path),
        Action::SetTheme(theme) => set_theme(state, ctx, theme),
        Action::Copy(text) => ctx.copy_text(text),
        Action::Tell(text) => state.tell(Severity::Note, text),
        Action::DismissNotice => state.notice = None,
        Action::DismissSteps => {
            state.settings.first_steps_dismissed = true;
            keep_settings(state);
        }
        Action::CloseDialog => state.dialog = None,
        Action::AfterUnsaved(answer) => after_unsaved(state, answer),
    }
}

/// Carries a command out, or says why it is not available.
pub fn run_command(state: &mut AppState, ctx: &eframe::egui::Context, command: Command) {
    match command.why_not(&state.environment) {
        Some(reason) => state.tell(Severity::Note, reason),
        None => (command.facts().run)(state, ctx),
    }
}

fn select(state: &mut AppState, selection: Selection) {
    state.seen_file = None;
    if state.selection != selection {
        state.selection = selection;
        state.contents.selected = None;
        state.contents.rename = None;
        state.table.scroll_to_selection = true;
    }
}

/// Makes an edit and keeps the selection on the same partition.
pub fn edit(state: &mut AppState, name: &str, project: Project) {
    if state
        .document
        .edit(uncapital(name), |shown| *shown = project)
    {
        state.note(Severity::Note, capital(name), None);
    }
}

/// Makes an edit of the table, or says why it cannot be made.
pub fn edit_table(
    state: &mut AppState,
    operation: impl FnOnce(&Project, Selection) -> Result<table_ops::Edited, String>,
) {
    match operation(state.document.project(), state.selection) {
        Ok(edited) => {
            edit(state, &edited.name, edited.project);
            if edited.selection != Selection::Nothing {
                state.selection = edited.selection;
            }
            state.table.scroll_to_selection = true;
        }
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

pub fn add_paths(state: &mut AppState, partition: &str, paths: &[PathBuf]) {
    match packing_paths::added(state.document.project(), partition, paths) {
        Ok(added) => {
            let what = added.what.clone();
            edit(state, &format!("add {what} to {partition}"), added.project);
            show_added(state, partition, added.first.as_deref());
            state.steps[0] = true;
            let buttons = packer_actions::after_add(state.document.project(), partition, paths);
            let worst = added
                .problems
                .first()
                .map(|problem| sentence(&problem.message, &problem.help));
            state.notice = Some(Notice {
                severity: if worst.is_some() {
                    Severity::Warning
                } else {
                    Severity::Note
                },
                good: worst.is_none(),
                text: worst.unwrap_or_else(|| format!("Added {what} to {partition}")),
                buttons,
                failure: None,
            });
        }
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

/// Selects what was added, so that it is in sight however long the list is.
fn show_added(state: &mut AppState, partition: &str, name: Option<&str>) {
    let is_selected = state
        .selected_row()
        .is_some_and(|(_, row)| row.name == partition);
    let index = name.filter(|_| is_selected).and_then(|name| {
        let files = content_edit::files(state.document.project(), partition)?;
        files.entries.iter().position(|entry| entry.name == name)
    });
    if let Some(index) = index {
        state.contents.selected = Some(vec![index]);
        state.contents.scroll_to_selection = true;
    }
}

fn show_file(state: &mut AppState, partition: &str, path: &str) {
    let project = state.document.project();
    let Some(row) = project
        .table
        .rows
        .iter()
        .position(|row| row.name == partition)
    else {
        return;
    };
    let at = content_edit::files(project, partition)
        .and_then(|files| {
            content_edit::flatten(&files.entries)
                .into_iter()
                .find(|line| line.path == path)
        })
        .map(|line| line.at);
    select(state, Selection::Row(row));
    state.contents.selected = at;
    state.contents.scroll_to_selection = true;
}

/// Shows the place that a problem names.
pub fn go_to(state: &mut AppState, place: &Place) {
    match place {
        Place::Row { row, column } => {
            select(state, Selection::Row(*row));
            state.table.cursor = column.unwrap_or(crate::model::problem::Column::Name);
            state.table.take_focus = true;
        }
        Place::Partition { name } => {
            let row = state
                .document
                .project()
                .table
                .rows
                .iter()
                .position(|row| row.name == *name);
            select(state, row.map_or(Selection::Nothing, Selection::Row));
        }
        Place::File { partition, path } => show_file(state, partition, path),
        Place::Project => state.dialog = Some(Dialog::Settings),
        Place::Table | Place::Line { .. } => {}
    }
}

fn choose_port(state: &mut AppState, port: PortChoice) {
    state.settings.last_port = Some(match &port {
        PortChoice::Practice => "practice".to_owned(),
        PortChoice::Path(path) => path.display().to_string(),
    });
    keep_settings(state);
    let baud = board_history::first_baud(&state.history, &port);
    state.board.choose(port, baud);
    monitor_actions::another_board(state);
    state.interrupted = None;
    state.agent.board_changed();
    state.board_changed();
    submit(state, Request::Detect);
}

/// A board that is connected is connected to anew, so that it is known at once whether the line carries the speed; also one
/// that stopped answering, because a lower speed may be what it needs.
fn choose_speed(state: &mut AppState, baud: u32) {
    let is_known = state.board.identity.is_some();
    let port = state.board.port.clone();
    state.board.choose(port, baud);
    state.agent.board_changed();
    state.board_changed();
    if is_known {
        submit(state, Request::Detect);
    }
}

/// Reads what came into sight. Not a job that a person started, so the log does not hear of it.
fn read_live(state: &mut AppState, region: Region) {
    let request = Request::Agent(Question::ReadRegion(region));
    if state.board.running().is_none() && state.board.submit(request).is_err() {
        state.agent.live.stop();
    }
}

/// Starts a job, and says in the log what would do the same in a terminal.
pub fn submit(state: &mut AppState, request: Request) {
    let command = command_line(&request, &state.board.port, state.document.path());
    start(state, request, command);
}

/// The same for a job whose command line is not told by its request; `words` stand between program and port.
pub fn submit_as(state: &mut AppState, request: Request, words: &str) {
    let command = on_port(words, &state.board.port);
    start(state, request, command);
}

fn start(state: &mut AppState, request: Request, command: String) {
    let name = request.name();
    match state.board.submit(request) {
        Ok(()) => {
            state.note(
                Severity::Note,
                format!("{name} on {}", state.board.port),
                Some(command),
            );
            state.notice = None;
        }
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

/// Chooses dark or light, now and for the next start.
pub fn set_theme(state: &mut AppState, ctx: &eframe::egui::Context, theme: Theme) {
    state.settings.theme = theme;
    apply_theme(ctx, theme);
    keep_settings(state);
}

/// Makes a context follow a theme.
pub fn apply_theme(ctx: &eframe::egui::Context, theme: Theme) {
    use eframe::egui::ThemePreference;
    ctx.set_theme(match theme {
        Theme::System => ThemePreference::System,
        Theme::Dark => ThemePreference::Dark,
        Theme::Light => ThemePreference::Light,
    });
}

pub fn keep_settings(state: &mut AppState) {
    let Some(path) = state.settings_path.clone() else {
        return;
    };
    if let Err(error) = settings::save_to(&path, &state.settings) {
        state.note(Severity::Warning, error.to_string(), None);
    }
}

/// What is the matter and what to do about it, as one text.
pub fn sentence(message: &str, help: &str) -> String {
    if help.is_empty() {
        message.to_owned()
    } else {
        format!("{message}. {help}")
    }
}

/// As it continues *Undo*.
fn uncapital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
