//! Chooses the port: the practice board first, then the serial ports, recommended ones before others.

use eframe::egui::{ComboBox, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::state::AppState;
use super::super::text;
use crate::engine::request::PortChoice;
use crate::model::baud;

/// Room for the list before it scrolls, in points: a dozen ports.
const LIST_HEIGHT: f32 = 460.0;

/// Draws the combo box.
pub fn ui(ui: &mut Ui, state: &mut AppState, id: &str, width: f32) {
    let enabled = state.board.running().is_none();
    let shown = label(state, &state.board.port.clone());
    let mut chosen = None;
    let combo = ui.add_enabled_ui(enabled, |ui| {
        ComboBox::from_id_salt(id).width(width).height(LIST_HEIGHT).truncate().selected_text(shown.as_str()).show_ui(ui, |ui| {
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
            let mut heading = None;
            for port in ports {
                let of_this = if port.recommended { "Recommended" } else { "Other ports" };
                if heading.replace(of_this) != Some(of_this) {
                    ui.weak(of_this);
                }
                let choice = PortChoice::Path(port.path.clone());
                let response = ui.selectable_label(state.board.port == choice, &port.label);
                let serial = port.serial.as_ref().map(|serial| format!("Serial number {serial}"));
                let seen = state.history.on(&choice);
                let seen = seen.map(|board| format!("Last seen here: {} {}", board.chip, board.mac));
                let facts: Vec<String> = serial.into_iter().chain(seen).collect();
                let response = if facts.is_empty() {
                    response
                } else {
                    response.on_hover_text(facts.join("\n"))
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

/// Chooses the speed.
pub fn speed(ui: &mut Ui, state: &mut AppState) {
    let enabled = state.board.running().is_none();
    let now = state.board.baud;
    let mut chosen = now;
    let combo = ui.add_enabled_ui(enabled, |ui| {
        ComboBox::from_id_salt("board speed")
            .width(86.0)
            .selected_text(format!("{now} baud"))
            .show_ui(ui, |ui| {
                for baud in baud::USUAL {
                    ui.selectable_value(&mut chosen, baud, format!("{baud} baud"));
                }
            })
    });
    let response = combo.inner.response.accessible_name("Speed");
    if enabled {
        response.on_hover_text(
            "The speed once connected. A line that does not carry it is used at a lower one, and the board is remembered with that",
        );
    } else {
        response.on_disabled_hover_text("A job is running on this port");
    }
    if chosen != now {
        state.ask(Action::ChooseSpeed(chosen));
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
