//! What happened, with the equal command line of each step, ready to copy.

use eframe::egui::{Align, Layout, RichText, ScrollArea, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::log::clock;
use super::super::state::AppState;
use super::super::widgets::command_button;
use super::super::{text, theme};
use crate::model::problem::Severity;

/// Draws the log, newest first: what has just happened is what is looked for.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    if state.log.is_empty() {
        ui.weak(text::LOG_EMPTY);
        return;
    }
    ui.horizontal(|ui| {
        ui.weak(text::count(state.log.len(), "line", "lines"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui
                .button("Copy all")
                .on_hover_text("Copy the whole log")
                .clicked()
            {
                let all = state.log.to_text();
                state.ask(Action::Copy(all));
            }
            command_button::labelled(
                ui,
                Command::OpenLogFolder,
                "Open folder",
                &state.environment,
                &mut state.actions,
            );
        });
    });
    let rows = state.log.len();
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        theme::ROW_HEIGHT,
        rows,
        |ui, range| {
            for index in range {
                row(ui, state, rows - 1 - index);
            }
        },
    );
}

fn row(ui: &mut Ui, state: &mut AppState, index: usize) {
    let Some(line) = state.log.line(index).cloned() else {
        return;
    };
    let tokens = theme::tokens(ui.visuals());
    let ink = match line.severity {
        Severity::Error => tokens.danger,
        Severity::Warning => tokens.warning,
        Severity::Note => tokens.text,
    };
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW_HEIGHT);
        ui.label(
            RichText::new(clock(line.at))
                .font(theme::mono())
                .color(tokens.weak),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(command) = &line.command {
                if ui
                    .button("Copy")
                    .on_hover_text("Copy this command line")
                    .clicked()
                {
                    state.ask(Action::Copy(command.clone()));
                }
                ui.label(
                    RichText::new(command)
                        .font(theme::mono())
                        .color(tokens.weak),
                );
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(eframe::egui::Label::new(RichText::new(&line.text).color(ink)).truncate());
            });
        });
    });
}
