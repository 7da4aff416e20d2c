//! What the monitor's commands do, and what is taken in from the board before a frame.

use std::path::{Path, PathBuf};

use super::board_history;
use super::files::keep_file;
use super::job_ending::monitor_failed;
use super::log::command_line;
use super::panels::drawer::Tab;
use super::state::AppState;
use super::text;
use crate::engine::request::{MonitorElf, Request};
use crate::model::problem::Severity;
use crate::store::elf_app::elf_app;

/// Starts to listen, and shows the text.
pub fn start(state: &mut AppState) {
    state.drawer = Some(Tab::Monitor);
    state.notice = None;
    find_elf(state);
    let (baud, elf) = (state.monitor.baud, wanted_elf(state));
    match state.board.start_monitor(baud, elf) {
        Ok(monitor) => {
            let request = Request::Monitor(monitor);
            let command = command_line(&request, &state.board.port, None);
            let text = format!("Monitor on {}", state.board.port);
            state.note(Severity::Note, text, Some(command));
        }
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

/// Stops listening.
pub fn stop(state: &mut AppState) {
    state.board.stop_monitor();
    state.note(Severity::Note, "Monitor stopped", None);
}

/// Uses an ELF file from now on, with this board also the next time.
pub fn choose_elf(state: &mut AppState, elf: Option<PathBuf>) {
    state.monitor.no_elf = elf.is_none();
    if let Some(elf) = elf.clone() {
        board_history::remember(state, |board| board.elf = Some(elf));
    }
    use_elf(state, elf, None);
}

fn wanted_elf(state: &AppState) -> Option<MonitorElf> {
    let by_itself = state.monitor.elf_from.is_some();
    let path = state.monitor.elf.clone()?;
    Some(MonitorElf { path, by_itself })
}

/// A running monitor begins anew with the file.
fn use_elf(state: &mut AppState, elf: Option<PathBuf>, from: Option<String>) {
    state.monitor.elf_from = from;
    if state.monitor.elf == elf {
        return;
    }
    state.monitor.elf = elf;
    if state.environment.monitoring {
        let (baud, elf) = (state.monitor.baud, wanted_elf(state));
        if let Err(reason) = state.board.start_monitor(baud, elf) {
            state.tell(Severity::Error, reason);
        }
    }
}

/// Takes an ELF file by itself where nobody chose one, and nobody wants none: that of the app that was written to this
/// board last, else that of the project's app.
fn find_elf(state: &mut AppState) {
    if state.monitor.no_elf || state.monitor.elf.is_some() {
        return;
    }
    let of_board = board_history::of_board(state).and_then(|board| board.elf.clone());
    let found = match of_board.filter(|elf| elf.is_file()) {
        Some(elf) => Some((elf, "used with this board last".to_owned())),
        None => of_project(state),
    };
    if let Some((elf, from)) = found {
        state.monitor.elf = Some(elf);
        state.monitor.elf_from = Some(from);
    }
}

fn of_project(state: &AppState) -> Option<(PathBuf, String)> {
    let boots = state.board.boots.as_ref();
    let first = boots.and_then(|boots| boots.order.first());
    let preferred = first.map(|candidate| candidate.partition.as_str());
    let (partition, elf) = elf_app(state.document.project(), preferred)?;
    Some((elf, format!("the app of {partition}")))
}

/// An app was written that has an ELF file: the monitor explains by it from now on.
pub fn app_was_written(state: &mut AppState) {
    if state.monitor.no_elf || (state.monitor.elf.is_some() && state.monitor.elf_from.is_none()) {
        return;
    }
    if let Some((elf, from)) = of_project(state) {
        use_elf(state, Some(elf), Some(from));
    }
}

/// Another board is used: what was taken for the one before is not its program.
pub fn another_board(state: &mut AppState) {
    if state.monitor.elf_from.take().is_some() {
        state.monitor.elf = None;
    }
}

/// Writes the shown lines to a file.
pub fn save(state: &mut AppState, path: &Path) {
    let lines = state.monitor.to_text();
    keep_file(state, path, lines.as_bytes());
    let dropped = state.monitor.log.first();
    if dropped > 0 {
        let lines = text::count(dropped as usize, "line", "lines");
        let sentence = format!("{lines} before the saved ones were no longer kept");
        state.note(Severity::Warning, sentence, None);
    }
}

/// Takes in what was heard since the last frame.
pub fn take_in(state: &mut AppState) {
    let heard = state.board.listening.take_heard();
    state.monitor.take_in(heard);
    if let Some(error) = state.board.listening.take_failure() {
        monitor_failed(state, error);
    }
    if state.monitor.refresh() {
        (state.wake)();
    }
}
