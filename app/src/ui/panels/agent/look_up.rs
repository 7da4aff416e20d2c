//! Looking a name up: a field, and what the chip answered, newest first.

use eframe::egui::{Grid, RichText, ScrollArea, TextEdit, Ui};

use super::super::super::action::Action;
use super::super::super::state::AppState;
use super::super::super::widgets::command_button;
use super::super::super::{content_edit, text, theme};
use super::partition;
use crate::engine::event::Found;
use crate::model::number::{hex, human_size};

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    pub partition: String,
    pub path: String,
    /// `None`: the board has no such file.
    pub found: Option<Found>,
}

/// Draws the view.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let partition = partition(state);
    ui.horizontal(|ui| {
        ui.set_height(30.0);
        ui.label(format!("Look up in {partition}"));
        let edit = TextEdit::singleline(&mut state.agent.query)
            .hint_text("name, or folder/name")
            .desired_width(260.0);
        let response = ui.add(edit).accessible_name("File to look up");
        if std::mem::take(&mut state.agent.focus) {
            if state.agent.query.is_empty() {
                state.agent.query = suggestion(state, &partition).unwrap_or_default();
            }
            response.request_focus();
        }
        let enter =
            response.lost_focus() && ui.input(|input| input.key_pressed(eframe::egui::Key::Enter));
        let path = state.agent.query.trim().to_owned();
        let busy = state.environment.job.is_some();
        let enabled = !path.is_empty() && !busy;
        let why = if busy {
            "A job is running"
        } else {
            "Type a file's name first"
        };
        let tip = if enabled {
            "Ask the chip where this file lies"
        } else {
            why
        };
        let clicked = command_button::prominent(ui, "Look up", enabled, tip);
        if enabled && (enter || clicked) {
            state.ask(Action::LookUp {
                partition: partition.clone(),
                path,
            });
        }
    });
    ui.add_space(theme::STEP * 2.0);
    if state.agent.history.is_empty() {
        ui.weak(text::NO_LOOK_UPS);
        return;
    }
    history(ui, state);
}

fn suggestion(state: &AppState, partition: &str) -> Option<String> {
    let files = content_edit::files(state.document.project(), partition)?;
    let lines = content_edit::flatten(&files.entries);
    let selected = state.contents.selected.as_ref();
    let line = lines
        .iter()
        .find(|line| Some(&line.at) == selected && !line.folder)
        .or(lines.iter().rev().find(|line| !line.folder));
    line.map(|line| line.path.clone())
}

fn history(ui: &mut Ui, state: &mut AppState) {
    let history = state.agent.history.clone();
    let slides = |look_up: &LookUp| look_up.found.as_ref().is_some_and(|found| found.sliding);
    if history.iter().any(slides) {
        ui.weak(
            "The flash is larger than the MMU's table: an address is right until the next question",
        );
    }
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        Grid::new("look-ups")
            .striped(true)
            .spacing([18.0, 6.0])
            .show(ui, |ui| {
                for head in [
                    "File",
                    "Offset",
                    "Size",
                    "Flash offset",
                    "Data address",
                    "Code address",
                    "CRC-32",
                    "CPU cycles",
                ] {
                    ui.weak(head);
                }
                ui.end_row();
                for look_up in &history {
                    row(ui, state, look_up);
                    ui.end_row();
                }
            });
    });
}

fn row(ui: &mut Ui, state: &mut AppState, look_up: &LookUp) {
    let name = format!("{} in {}", look_up.path, look_up.partition);
    let Some(found) = &look_up.found else {
        ui.label(&name);
        ui.colored_label(theme::tokens(ui.visuals()).warning, "not on the board");
        return;
    };
    if ui
        .link(&name)
        .on_hover_text("Show this file in the contents")
        .clicked()
    {
        state.ask(Action::ShowFile {
            partition: look_up.partition.clone(),
            path: look_up.path.clone(),
        });
    }
    let known = |value: Option<u32>| value.map_or_else(|| "unknown".to_owned(), hex);
    let seen = |addr: Option<u32>| {
        // Only the first page of such a file is there.
        known(addr) + if found.parted { " (first page)" } else { "" }
    };
    let crc = found
        .crc32
        .map_or_else(|| "no record".to_owned(), |crc| format!("{crc:08X}"));
    let cycles = found
        .cycles
        .map_or_else(|| "not measured".to_owned(), |cycles| cycles.to_string());
    for cell in [
        hex(found.offset),
        human_size(u64::from(found.size)),
        known(found.flash_offset),
        seen(found.vaddr),
        seen(found.vaddr_code),
        crc,
        cycles,
    ] {
        ui.label(RichText::new(cell).font(theme::mono()));
    }
}
