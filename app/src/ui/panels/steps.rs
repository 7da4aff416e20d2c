//! The three steps of the first start; they tick themselves.

use eframe::egui::{self, Align, Button, Frame, Layout, Margin, RichText, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::state::AppState;
use super::super::widgets::icon::{self, Icon};
use super::super::{text, theme};

/// Whether the strip is shown.
pub fn is_open(state: &AppState) -> bool {
    !state.settings.first_steps_dismissed
}

/// Draws the strip.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let tokens = theme::tokens(ui.visuals());
    let frame = Frame::new()
        .fill(theme::mix(tokens.panel, tokens.accent, 0.10))
        .inner_margin(Margin::symmetric(12, 4));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(26.0);
            let done = state.steps;
            let all = done.iter().all(|done| *done);
            ui.label(if all {
                "Done: from a file to the chip and back"
            } else {
                "First steps"
            });
            ui.add_space(theme::STEP);
            let next = done.iter().position(|done| !done);
            for (index, (label, done)) in text::STEPS.iter().zip(done).enumerate() {
                ui.add_space(theme::STEP * 2.0);
                if done {
                    icon::ui(ui, Icon::Check, tokens.good);
                } else {
                    number(ui, index + 1, Some(index) == next);
                }
                let text =
                    RichText::new(*label).color(if done { tokens.weak } else { tokens.text });
                // The next step looks like the button that it is.
                let button = Button::new(text).frame_when_inactive(Some(index) == next);
                let response = ui
                    .add(button)
                    .accessible_name(format!("Step {}: {label}", index + 1));
                if response.on_hover_text(tip(index)).clicked() {
                    step(state, index);
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = icon::button(ui, Icon::Close, true, "Hide the first steps");
                if close
                    .on_hover_text("Hide the first steps; the menu Help brings them back")
                    .clicked()
                {
                    state.ask(Action::DismissSteps);
                }
            });
        });
    });
}

/// The step's number in a circle, filled for the next one.
fn number(ui: &mut Ui, number: usize, is_next: bool) {
    let tokens = theme::tokens(ui.visuals());
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(18.0), egui::Sense::hover());
    let ink = if is_next {
        ui.painter()
            .circle_filled(rect.center(), 9.0, tokens.accent);
        theme::text_on(tokens.accent)
    } else {
        ui.painter()
            .circle_stroke(rect.center(), 8.5, egui::Stroke::new(1.0, tokens.weak));
        tokens.weak
    };
    let font = theme::font(theme::SMALL);
    ui.painter().text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        number.to_string(),
        font,
        ink,
    );
}

fn tip(index: usize) -> &'static str {
    match index {
        0 => "Drag a file from your file manager onto this window, or press this to choose one",
        1 => "Shows what would be written, writes it and proves it",
        _ => "Asks the chip itself where the file lies",
    }
}

fn step(state: &mut AppState, index: usize) {
    let bin = state
        .document
        .project()
        .table
        .rows
        .iter()
        .position(|row| row.name == "bin");
    if let (0, Some(row)) = (index, bin) {
        state.ask(Action::Select(super::super::selection::Selection::Row(row)));
    }
    state.ask(match index {
        0 => Command::AddFiles,
        1 => Command::MainButton,
        _ => Command::LookUp,
    });
}
