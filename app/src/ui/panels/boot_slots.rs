//! What is shown of otadata: which app boots and why, and every app with a way to boot it.

use eframe::egui::{Button, Grid, RichText, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use crate::model::boots::AppFacts;
use crate::model::number::hex;

/// Draws it below whatever else is shown of the partition.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.add_space(theme::STEP * 3.0);
    ui.strong("What boots");
    let Some(boots) = state.board.boots.clone() else {
        ui.weak("Not known: connect a board and ask it");
        command_button::ui(
            ui,
            Command::WhatBoots,
            &state.environment,
            &mut state.actions,
        );
        return;
    };
    ui.label(boots.sentence());
    ui.add_space(theme::STEP);
    let busy = state.environment.job.is_some();
    let mut wish = None;
    Grid::new("boot slots")
        .num_columns(3)
        .spacing([16.0, 6.0])
        .show(ui, |ui| {
            for candidate in &boots.order {
                let app = candidate
                    .app
                    .as_ref()
                    .map_or_else(|| "no app".to_owned(), AppFacts::sentence);
                let place = format!(
                    "{} at {}",
                    candidate.partition,
                    hex(candidate.region.offset)
                );
                ui.label(RichText::new(place).font(theme::mono()));
                ui.weak(app);
                let now = boots.partition.as_ref() == Some(&candidate.partition);
                let label = format!("Boot {}", candidate.partition);
                let button = ui
                    .add_enabled(!busy && !now, Button::new("Boot this slot"))
                    .on_hover_text(format!(
                        "{label} from the next reset on: shows the plan first"
                    ))
                    .on_disabled_hover_text(if now {
                        "It boots already"
                    } else {
                        "A job is running"
                    });
                if button.accessible_name(&label).clicked() {
                    wish = Some(candidate.partition.clone());
                }
                ui.end_row();
            }
        });
    if let Some(partition) = wish {
        state.ask(Action::BootSlot { partition });
    }
}
