//! The board in full: the port, and what the chip says of itself. What is not known is said to be unknown.

use eframe::egui::{self, Grid, RichText, TextEdit, Ui};

use super::super::action::Action;
use super::super::board_history;
use super::super::command::Command;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use super::port_picker;
use crate::engine::request::PortChoice;
use crate::model::boots::AppFacts;
use crate::model::number::{exact_size, hex, human_size};

/// Draws the panel.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal_wrapped(|ui| {
        port_picker::ui(ui, state, "drawer port", 260.0);
        port_picker::speed(ui, state);
        for command in [
            Command::Connect,
            Command::Compare,
            Command::ReadPartition,
            Command::BackUp,
            Command::Restore,
            Command::ErasePartition,
            Command::EraseAll,
            Command::ResetBoard,
            Command::WriteSeveral,
            Command::Disconnect,
        ] {
            command_button::ui(ui, command, &state.environment, &mut state.actions);
        }
    });
    typed_port(ui, state);
    last_files(ui, state);
    ui.add_space(theme::STEP * 2.0);
    let Some(identity) = state
        .board
        .identity
        .clone()
        .filter(|_| state.board.is_connected())
    else {
        ui.weak("No board is connected. Choose a port and press Connect: the chip is asked who it is, nothing is changed");
        return;
    };
    let unknown = || "unknown".to_owned();
    let revision = identity
        .revision
        .map_or_else(unknown, |(major, minor)| format!("v{major}.{minor}"));
    let flash = identity
        .flash_size
        .map_or_else(unknown, |size| exact_size(u64::from(size)));
    let flash_id = identity.flash_id.map_or_else(unknown, |id| {
        format!(
            "maker 0x{:02X}, type 0x{:02X}, capacity 0x{:02X}",
            id & 0xFF,
            id >> 8 & 0xFF,
            id >> 16 & 0xFF
        )
    });
    let encrypted = match identity.flash_encrypted {
        Some(true) => "yes: plain images written to it will not boot".to_owned(),
        Some(false) => "no".to_owned(),
        None => unknown(),
    };
    let flags = identity
        .security_flags
        .map_or_else(String::new, |flags| format!(" (flags 0x{flags:X})"));
    let security = format!("{}{flags}", identity.security());
    let project = state.document.project();
    let layout = format!(
        "{}, {}",
        project.chip,
        human_size(u64::from(project.flash_size))
    );
    let facts = [
        ("Chip", format!("{} revision {revision}", identity.chip)),
        ("MAC address", identity.mac.unwrap_or_else(unknown)),
        ("Flash", flash),
        ("Flash chip", flash_id),
        ("Flash encrypted", encrypted),
        ("Security", security),
        ("This project is for", layout),
    ];
    // Two columns of facts: the drawer is wide and low.
    Grid::new("identity")
        .num_columns(4)
        .spacing([16.0, 6.0])
        .show(ui, |ui| {
            for pair in facts.chunks(2) {
                for (name, value) in pair {
                    ui.weak(*name);
                    ui.label(RichText::new(value).font(theme::mono()));
                }
                ui.end_row();
            }
        });
    boots(ui, state);
}

/// What the board would start, and the order in which its bootloader tries.
fn boots(ui: &mut Ui, state: &mut AppState) {
    ui.add_space(theme::STEP * 2.0);
    let boots = state.board.boots.clone();
    ui.horizontal_wrapped(|ui| {
        ui.weak("What boots");
        match &boots {
            Some(boots) => ui.label(RichText::new(boots.sentence()).font(theme::mono())),
            None => ui.label("not known since the last change"),
        };
        command_button::ui(
            ui,
            Command::WhatBoots,
            &state.environment,
            &mut state.actions,
        );
    });
    for candidate in boots.iter().flat_map(|boots| &boots.order) {
        let app = candidate
            .app
            .as_ref()
            .map_or_else(|| "no app".to_owned(), AppFacts::sentence);
        let line = format!(
            "{} at {}: {app}",
            candidate.partition,
            hex(candidate.region.offset)
        );
        ui.label(RichText::new(line).font(theme::mono()));
    }
}

/// What was written to this board the last time.
fn last_files(ui: &mut Ui, state: &mut AppState) {
    let Some(offer) = board_history::offer(state) else {
        return;
    };
    ui.horizontal(|ui| {
        ui.weak("Written to this board last:");
        let clicked = ui.button(offer.label).clicked();
        ui.add(egui::Label::new(RichText::new(&offer.text).font(theme::mono())).truncate())
            .on_hover_text(&offer.text);
        if clicked {
            state.ask(offer.action);
        }
    });
}

/// Any port by its path: a list never has them all.
fn typed_port(ui: &mut Ui, state: &mut AppState) {
    let id = ui.scope_id().with("typed port");
    let mut draft: String = ui.data_mut(|data| data.get_temp(id)).unwrap_or_default();
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut draft)
            .desired_width(260.0)
            .hint_text("Another port, such as /dev/ttyUSB0 or COM3");
        let response = ui.add(field).accessible_name("Path of the port");
        let entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let path = draft.trim();
        let button = ui.add_enabled(
            !path.is_empty() && state.environment.job.is_none(),
            egui::Button::new("Use this port"),
        );
        let wanted = button.on_disabled_hover_text("Type a path first").clicked() || entered;
        if wanted && !path.is_empty() {
            state.ask(Action::ChoosePort(PortChoice::Path(path.into())));
        }
    });
    ui.data_mut(|data| data.insert_temp(id, draft));
}
