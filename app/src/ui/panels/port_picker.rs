//! Chooses the port: the practice board first, then the serial ports, recommended ones before others.

use eframe::egui::{ComboBox, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::state::AppState;
use super::super::text;
use crate::engine::request::PortChoice;

/// Draws the combo box.
pub fn ui(ui: &mut Ui, state: &mut AppState, id: &str, width: f32) {
    let enabled = state.board.running().is_none();
    let shown = label(state, &state.board.port.clone());
    let mut chosen = None;
    let combo = ui.add_enabled_ui(enabled, |ui| {
        ComboBox::from_id_salt(id).width(width).truncate().selected_text(shown.as_str()).show_ui(ui, |ui| {
            ui.set_min_width(width.max(280.0));
            if cfg!(unix) {
                let practice = PortChoice::Practice;
                let response = ui.selectable_label(state.board.port == practice, text::PRACTICE_BOARD);
                if response.on_hover_text("A virtual ESP32-C3 inside this program, to try everything without hardware").clicked() {
                    chosen = Some(practice);
                }
            } else {
                ui.weak(text::PRACTICE_NEEDS_UNIX);
            }
            ui.separator();
            if state.board.ports.is_empty() {
                ui.weak("No serial port found: plug a board in, then look again");
            }
            let mut ports: Vec<_> = state.board.ports.iter().collect();
            ports.sort_by_key(|port| !port.recommended);
            for port in ports {
                let choice = PortChoice::Path(port.path.clone());
                let response = ui.selectable_label(state.board.port == choice, &port.label);
                let response = match &port.serial {
                    Some(serial) => response.on_hover_text(format!("Serial number {serial}")),
                    None => response,
                };
                if response.clicked() {
                    chosen = Some(choice);
                }
            }
            ui.separator();
            if ui.button(Command::RefreshPorts.facts().label).clicked() {
                state.actions.push(Command::RefreshPorts.into());
            }
        })
    });
    let response = combo.inner.response.accessible_name("Port");
    if !enabled {
        response.on_disabled_hover_text("A job is running on this port");
    }
    if let Some(port) = chosen {
        state.ask(Action::ChoosePort(port));
    }
}

/// A port as it is called.
pub fn label(state: &AppState, port: &PortChoice) -> String {
    match port {
        PortChoice::Practice => text::PRACTICE_BOARD.to_owned(),
        PortChoice::Path(path) => state
            .board
            .ports
            .iter()
            .find(|known| known.path == *path)
            .map_or_else(|| path.display().to_string(), |known| known.label.clone()),
    }
}
