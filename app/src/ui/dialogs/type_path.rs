//! Asks for a path by typing, where the system shows no file dialog.

use std::path::PathBuf;

use eframe::egui::{Align, Key, Layout, TextEdit, Ui};

use super::super::file_dialog::Ask;
use super::super::files;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use super::{Dialog, head};

/// What is said where the system has no dialog, and what brings one.
const NO_DIALOG: &str = if cfg!(target_os = "linux") {
    "This system shows no file dialog (it has neither a desktop portal for files nor zenity): type the path"
} else {
    "This system shows no file dialog: type the path"
};

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState, ask: Ask, mut path: String) {
    ui.set_min_width(480.0);
    head(ui, &ask.title());
    ui.label(NO_DIALOG);
    ui.add_space(theme::STEP);
    let edit = TextEdit::singleline(&mut path)
        .hint_text("/path/to/file")
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).accessible_name("Path");
    if !response.has_focus() && !response.lost_focus() {
        response.request_focus();
    }
    let enter = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    ui.add_space(theme::STEP * 3.0);
    let mut go = enter;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        go |= command_button::prominent(
            ui,
            "Use this path",
            !path.trim().is_empty(),
            "Go on with this path",
        );
    });
    if go && !path.trim().is_empty() {
        state.dialog = None;
        files::chosen(state, ask, vec![PathBuf::from(path.trim())]);
    } else {
        state.dialog = Some(Dialog::TypePath { ask, path });
    }
}
