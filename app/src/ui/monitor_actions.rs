//! What the monitor's commands do, and what is taken in from the board before a frame.

use std::path::{Path, PathBuf};

use super::files::keep_file;
use super::job_ending::monitor_failed;
use super::log::command_line;
use super::panels::drawer::Tab;
use super::state::AppState;
use super::text;
use crate::engine::request::Request;
use crate::model::problem::Severity;

/// Starts to listen, and shows the text.
pub fn start(state: &mut AppState) {
    state.drawer = Some(Tab::Monitor);
    state.notice = None;
    let (baud, elf) = (state.monitor.baud, state.monitor.elf.clone());
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

/// Uses an ELF file from now on; a running monitor begins anew with it.
pub fn choose_elf(state: &mut AppState, elf: Option<PathBuf>) {
    state.monitor.elf = elf;
    if state.environment.monitoring {
        let (baud, elf) = (state.monitor.baud, state.monitor.elf.clone());
        if let Err(reason) = state.board.start_monitor(baud, elf) {
            state.tell(Severity::Error, reason);
        }
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
