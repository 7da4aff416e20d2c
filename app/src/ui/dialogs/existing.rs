//! Asks what to do with files that are there already when files are taken out of an image.

use eframe::egui::{Align, Layout, ScrollArea, Ui};

use super::super::action::Action;
use super::super::packer_actions::Extraction;
use super::super::state::AppState;
use super::super::text::count;
use super::super::theme;
use super::head;
use crate::store::tree::Existing;

/// Draws the question.
pub fn ui(ui: &mut Ui, state: &mut AppState, extraction: &Extraction, taken: &[String]) {
    ui.set_min_width(440.0);
    let files = count(taken.len(), "file is", "files are");
    head(ui, &format!("{files} there already"));
    ui.label(format!("In {}:", extraction.into.display()));
    ui.add_space(theme::STEP);
    ScrollArea::vertical()
        .id_salt("files there already")
        .max_height(theme::ROW_HEIGHT * 6.0)
        .auto_shrink([false, true])
        .show_rows(ui, theme::ROW_HEIGHT - 6.0, taken.len(), |ui, range| {
            for path in taken.get(range).unwrap_or_default() {
                ui.weak(path);
            }
        });
    ui.add_space(theme::STEP * 4.0);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let mut choose = |existing| {
            state.ask(Action::ExtractInto {
                extraction: extraction.clone(),
                existing,
            });
        };
        if ui.button("Cancel").on_hover_text("Write nothing").clicked() {
            ui.close();
        }
        if ui
            .button("Keep both")
            .on_hover_text("Write the new files beside the old ones, with a number in their names")
            .clicked()
        {
            choose(Existing::KeepBoth);
        }
        if ui
            .button("Replace")
            .on_hover_text("Write over the old files; what was in them is lost")
            .clicked()
        {
            choose(Existing::Replace);
        }
    });
}
