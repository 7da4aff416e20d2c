//! A table with errors is about to be saved: what is wrong with it is shown first.

use eframe::egui::{Align, Layout, ScrollArea, Ui};

use super::super::action::Action;
use super::super::file_dialog::Ask;
use super::super::files::ask_file;
use super::super::state::AppState;
use super::super::table_files::{self, TableForm};
use super::super::theme;
use super::super::widgets::command_button;
use super::head;

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState, form: TableForm) {
    ui.set_min_width(480.0);
    head(ui, "This table has errors");
    let project = state.document.project();
    let errors = table_files::errors(project, form);
    let possible = table_files::obstacles(project, form).is_empty();
    let danger = theme::tokens(ui.visuals()).danger;
    ScrollArea::vertical()
        .max_height(320.0)
        .min_scrolled_height(320.0)
        .show(ui, |ui| {
            for problem in &errors {
                ui.colored_label(danger, &problem.message);
                if !problem.help.is_empty() {
                    ui.weak(&problem.help);
                }
                ui.add_space(theme::STEP);
            }
        });
    ui.add_space(theme::STEP * 2.0);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if command_button::prominent(ui, "Back", true, "Save nothing") {
            state.ask(Action::CloseDialog);
        }
        let why = if possible {
            "Save the table with its errors"
        } else {
            "This table does not fit the file format at all"
        };
        if ui
            .add_enabled(possible, eframe::egui::Button::new("Export with errors…"))
            .on_hover_text(why)
            .on_disabled_hover_text(why)
            .clicked()
        {
            state.dialog = None;
            ask_file(state, Ask::ExportTable { form });
        }
    });
}
