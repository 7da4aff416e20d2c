//! The only place where an action takes effect: one line per action, each calling a small function.

use std::path::PathBuf;
use std::sync::Arc;

use super::action::Action;
use super::command::Command;
use super::content_edit;
use super::dialogs::Dialog;
use super::dialogs::review_plan::Review;
use super::document::Document;
use super::environment::Main;
use super::file_dialog::Ask;
use super::files::{after_unsaved, ask_file, ask_where_to_save, save, unless_dirty};
use super::log::command_line;
use super::packer_actions;
use super::packing_paths;
use super::palette::Palette;
use super::panels::drawer::Tab;
use super::selection::Selection;
use super::state::{AppState, Notice, Then};
use super::table_commands;
use super::table_ops;
use crate::engine::request::{PortChoice, Question, Request};
use crate::model::flash_plan::FlashPlan;
use crate::model::problem::{Place, Severity};
use crate::model::project::Project;
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
        Action::OpenPath(path) => unless_dirty(state, Then::Open(path)),
        Action::AddPaths { partition, paths } => add_paths(state, &partition, &paths),
        Action::PutInstead { from, into, paths } => {
            packer_actions::put_instead(state, &from, &into, &paths);
        }
        Action::ApplyFix(fix) => {
            edit_table(state, |project, _| table_ops::apply_fix(project, &fix));
        }
        Action::GoTo(place) => go_to(state, &place),
        Action::ChoosePort(port) => choose_port(state, port),
        Action::StartWrite(plan) => {
            state.review = None;
            submit(state, Request::Write(plan));
        }
        Action::LookUp { partition, path } => {
            submit(state, Request::Agent(Question::Find { partition, path }));
        }
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

fn run_command(state: &mut AppState, ctx: &eframe::egui::Context, command: Command) {
    if let Some(reason) = command.why_not(&state.environment) {
        state.tell(Severity::Note, reason);
        return;
    }
    let partition = state.environment.partition.clone().unwrap_or_default();
    match command {
        Command::Open => unless_dirty(state, Then::AskOpen),
        Command::OpenSample => unless_dirty(state, Then::OpenSample),
        Command::Save => save(state),
        Command::SaveAs => ask_where_to_save(state),
        Command::ExportImage => ask_file(state, Ask::ExportImage { partition }),
        Command::Quit => unless_dirty(state, Then::Quit),
        Command::Undo => walk(state, Document::undo, "Undid"),
        Command::Redo => walk(state, Document::redo, "Redid"),
        Command::AddPartition => edit_table(state, table_ops::add),
        Command::DuplicatePartition => edit_table(state, table_ops::duplicate),
        Command::DeletePartition => edit_table(state, table_ops::remove),
        Command::MovePartitionUp => {
            edit_table(state, |project, at| table_ops::reorder(project, at, false));
        }
        Command::MovePartitionDown => {
            edit_table(state, |project, at| table_ops::reorder(project, at, true));
        }
        Command::AddFiles => ask_file(state, Ask::AddFiles { partition }),
        Command::AddFolder => ask_file(state, Ask::AddFolder { partition }),
        Command::ChooseImage => ask_file(state, Ask::ImageFor { partition }),
        Command::RenameFile => state
            .contents
            .begin_rename(state.document.project(), &partition),
        Command::RemoveFile => remove_file(state, &partition),
        Command::ClearContents => {
            let project = content_edit::with_content(state.document.project(), &partition, None);
            edit(state, &format!("clear contents of {partition}"), project);
        }
        Command::PackAgain => {
            state.packing.pack_again();
            state.document.touch();
        }
        Command::OpenImage => ask_file(state, Ask::ImageInto { partition }),
        Command::ReadFiles => packer_actions::read_files(state, partition),
        Command::ExtractFile => packer_actions::ask_extract(state, partition, true),
        Command::ExtractAll => packer_actions::ask_extract(state, partition, false),
        Command::Compact => packer_actions::compact(state, &partition),
        Command::CopyReport => packer_actions::copy_report(state, ctx, &partition),
        Command::MainButton => main_button(state, ctx),
        Command::Connect => submit(state, Request::Detect),
        Command::Disconnect => {
            state.board.disconnect();
            state.board_changed();
            state.note(Severity::Note, format!("Closed {}", state.board.port), None);
        }
        Command::RefreshPorts => {
            if let Err(error) = state.board.refresh_ports() {
                state.tell(Severity::Warning, sentence(&error.message, &error.help));
            }
        }
        Command::Write => review(state, false),
        Command::WriteAll => review(state, true),
        Command::Compare => submit(state, Request::Verify(state.derived.plan.clone())),
        Command::ReadPartition => ask_file(state, Ask::KeepRead { partition }),
        Command::ResetBoard => submit(state, Request::Reset),
        Command::Cancel => state.board.cancel(),
        Command::LookUp => {
            state.drawer = Some(Tab::Agent);
            state.agent.focus = true;
        }
        Command::ShowProblems => toggle(state, Tab::Problems),
        Command::ShowBoard => toggle(state, Tab::Board),
        Command::ShowAgent => toggle(state, Tab::Agent),
        Command::ShowLog => toggle(state, Tab::Log),
        Command::ToggleDrawer => {
            state.drawer = if state.drawer.is_some() {
                None
            } else {
                Some(Tab::Problems)
            };
        }
        Command::ThemeSystem => set_theme(state, ctx, Theme::System),
        Command::ThemeDark => set_theme(state, ctx, Theme::Dark),
        Command::ThemeLight => set_theme(state, ctx, Theme::Light),
        Command::Settings => state.dialog = Some(Dialog::Settings),
        Command::Palette => state.palette = Some(Palette::default()),
        Command::Shortcuts => state.dialog = Some(Dialog::Shortcuts),
        Command::FirstSteps => {
            state.settings.first_steps_dismissed = false;
            keep_settings(state);
        }
        Command::About => state.dialog = Some(Dialog::About),
        _ => table_commands::run(state, command),
    }
}

fn toggle(state: &mut AppState, tab: Tab) {
    state.drawer = if state.drawer == Some(tab) {
        None
    } else {
        Some(tab)
    };
}

fn select(state: &mut AppState, selection: Selection) {
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

fn walk(state: &mut AppState, step: impl FnOnce(&mut Document) -> Option<String>, verb: &str) {
    if let Some(name) = step(&mut state.document) {
        state.note(Severity::Note, format!("{verb} {name}"), None);
        state.contents.rename = None;
    }
}

pub fn add_paths(state: &mut AppState, partition: &str, paths: &[PathBuf]) {
    match packing_paths::added(state.document.project(), partition, paths) {
        Ok(added) => {
            let what = added.what.clone();
            edit(state, &format!("add {what} to {partition}"), added.project);
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

fn remove_file(state: &mut AppState, partition: &str) {
    let Some(at) = state.contents.selected.take() else {
        return;
    };
    let project = state.document.project();
    let name = content_edit::files(project, partition)
        .and_then(|files| {
            content_edit::flatten(&files.entries)
                .into_iter()
                .find(|line| line.at == at)
        })
        .map_or_else(String::new, |line| line.path);
    let project = content_edit::with_removed(project, partition, &at);
    edit(state, &format!("remove {name}"), project);
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

fn go_to(state: &mut AppState, place: &Place) {
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
    state.board.choose(port);
    state.board_changed();
    submit(state, Request::Detect);
}

fn main_button(state: &mut AppState, ctx: &eframe::egui::Context) {
    match state.environment.main() {
        Main::Connect => run_command(state, ctx, Command::Connect),
        Main::FixProblems => {
            state.drawer = Some(Tab::Problems);
            if let Some(problem) = state.derived.problems.first() {
                let place = problem.place.clone();
                go_to(state, &place);
            }
        }
        Main::Write => run_command(state, ctx, Command::Write),
        Main::NothingToWrite | Main::Busy => {}
    }
}

fn review(state: &mut AppState, full: bool) {
    let plan = FlashPlan {
        full,
        ..(*state.derived.plan).clone()
    };
    state.review = Some(Review::new(Arc::new(plan)));
    super::board_table::learn(state);
}

/// Starts a job, and says in the log what would do the same in a terminal.
pub fn submit(state: &mut AppState, request: Request) {
    let command = command_line(&request, &state.board.port, state.document.path());
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

fn set_theme(state: &mut AppState, ctx: &eframe::egui::Context, theme: Theme) {
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
