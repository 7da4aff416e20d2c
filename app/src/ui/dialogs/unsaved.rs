//! Asks once before unsaved work is lost or a running job is stopped; buttons say what they do.

use eframe::egui::{Align, Layout, Ui};

use super::super::action::{Action, Unsaved};
use super::super::state::{AppState, Then};
use super::super::theme;
use super::super::widgets::command_button;

/// Draws the question.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.set_min_width(420.0);
    let quitting = matches!(state.then, Some(Then::Quit));
    let dirty = state.document.is_dirty();
    ui.heading(if dirty {
        "Save the changes?"
    } else {
        "A job is running"
    });
    ui.add_space(theme::STEP * 2.0);
    if dirty {
        ui.label(format!(
            "{} has changes that are not saved",
            state.document.title()
        ));
    }
    if let (true, Some(job)) = (quitting, state.board.running()) {
        let words = format!(
            "{} is still running: closing stops it after its present block",
            job.state.name
        );
        ui.colored_label(theme::tokens(ui.visuals()).warning, words);
    }
    ui.add_space(theme::STEP * 4.0);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if dirty && command_button::prominent(ui, "Save changes", true, "Save, then go on") {
            state.ask(Action::AfterUnsaved(Unsaved::Save));
        }
        let label = match (dirty, quitting) {
            (true, _) => "Discard changes",
            (false, _) => "Stop the job and close",
        };
        if ui.button(label).clicked() {
            state.ask(Action::AfterUnsaved(Unsaved::Discard));
        }
        if ui.button("Keep working").clicked() {
            state.ask(Action::AfterUnsaved(Unsaved::Cancel));
        }
    });
}
