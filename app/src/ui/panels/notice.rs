//! The strip above the drawer: how the latest thing ended, and what can be done next. Stays until dismissed.

use eframe::egui::{self, Align, CollapsingHeader, Frame, Layout, Margin, RichText, Stroke, Ui};

use super::super::action::Action;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::boot_buttons;
use super::super::widgets::icon::{self, Icon};
use crate::model::cause::Cause;
use crate::model::problem::Severity;

/// Draws the strip, if there is something to say.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let Some(notice) = state.notice.clone() else {
        return;
    };
    let tokens = theme::tokens(ui.visuals());
    let (mark, ink) = match notice.severity {
        _ if notice.good => (Icon::Check, tokens.good),
        Severity::Error => (Icon::Cross, tokens.danger),
        Severity::Warning => (Icon::Warning, tokens.warning),
        Severity::Note => (Icon::Info, tokens.accent),
    };
    let frame = Frame::new()
        .fill(theme::mix(tokens.panel, ink, 0.10))
        .stroke(Stroke::new(1.0, ink))
        .corner_radius(5)
        .inner_margin(Margin::symmetric(10, 4))
        .outer_margin(Margin::symmetric(8, 4));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(26.0);
            icon::ui(ui, mark, ink);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if icon::button(ui, Icon::Close, true, "Dismiss")
                    .on_hover_text("Dismiss")
                    .clicked()
                {
                    state.ask(Action::DismissNotice);
                }
                for (label, action) in notice.buttons.iter().rev() {
                    if ui.button(label).clicked() {
                        state.ask(action.clone());
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(egui::Label::new(&notice.text).truncate())
                        .on_hover_text(&notice.text);
                });
            });
        });
        if let Some(failure) = &notice.failure {
            if let Some(why) = failure.why() {
                ui.label(why);
            }
            ui.label(RichText::new(&failure.help).strong());
            if failure.cause.is_some_and(Cause::needs_buttons) {
                ui.add_space(theme::STEP);
                boot_buttons::ui(ui);
                ui.add_space(theme::STEP);
            }
            if !failure.detail.is_empty() {
                CollapsingHeader::new("Details")
                    .id_salt("failure")
                    .show(ui, |ui| {
                        ui.label(
                            RichText::new(format!("{}\n{}", failure.place, failure.detail))
                                .font(theme::mono()),
                        );
                    });
            }
        }
    });
}
