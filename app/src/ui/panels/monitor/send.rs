//! The line to the board: what is written here is sent with the chosen line end.

use eframe::egui::{ComboBox, Key, TextEdit, Ui};

use super::super::super::listening::Phase;
use super::super::super::state::AppState;
use crate::formats::console::outgoing::{LineEnd, line_bytes};
use crate::model::problem::Severity;

/// Draws the line.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let listening = state.board.listening.phase() == Phase::Listening;
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut state.monitor.draft)
            .hint_text("Send to the board")
            .desired_width((ui.available_width() - 190.0).max(160.0));
        let response = ui.add(edit).accessible_name("Line to send");
        if response.has_focus() {
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            let monitor = &mut state.monitor;
            let line = if pressed(Key::ArrowUp) {
                monitor.history.older(&monitor.draft).map(str::to_owned)
            } else if pressed(Key::ArrowDown) {
                monitor.history.newer().map(str::to_owned)
            } else {
                None
            };
            if let Some(line) = line {
                monitor.draft = line;
            }
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let ends = ComboBox::from_id_salt("line end")
            .selected_text(state.monitor.line_end.name())
            .width(64.0)
            .show_ui(ui, |ui| {
                for end in LineEnd::ALL {
                    ui.selectable_value(&mut state.monitor.line_end, end, end.name());
                }
            });
        ends.response
            .accessible_name("Line end")
            .on_hover_text("What is sent behind a line");
        let why = if listening {
            "Send this line to the board (Enter)"
        } else {
            "Start the monitor first"
        };
        let button = ui.add_enabled(listening, eframe::egui::Button::new("Send"));
        let clicked = button
            .on_hover_text(why)
            .on_disabled_hover_text(why)
            .clicked();
        if listening && (entered || clicked) {
            send(state);
            response.request_focus();
        }
    });
}

fn send(state: &mut AppState) {
    let bytes = line_bytes(&state.monitor.draft, state.monitor.line_end);
    match state.board.listening.input.send(bytes) {
        Ok(()) => {
            let line = std::mem::take(&mut state.monitor.draft);
            state.monitor.history.sent(&line);
        }
        Err(full) => state.tell(Severity::Warning, full.to_string()),
    }
}
