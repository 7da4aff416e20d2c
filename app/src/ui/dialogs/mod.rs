//! What covers the window for a moment: questions, settings, lists. Everything else happens in place.

pub mod about;
pub mod backup;
pub mod compare_table;
pub mod erase;
mod existing;
pub mod export_problems;
mod place_settings;
pub mod restore;
pub mod review_plan;
pub mod settings;
pub mod shortcuts;
pub mod template;
pub mod type_path;
pub mod unsaved;

use eframe::egui::{self, Align, Layout, Ui};

use super::action::Action;
use super::comparison::Sides;
use super::file_dialog::Ask;
use super::packer_actions::Extraction;
use super::state::AppState;
use super::table_files::TableForm;
use super::theme;
use super::widgets::icon::{self, Icon};

/// The dialog that is open.
#[derive(Clone, Debug)]
pub enum Dialog {
    About,
    Settings,
    Shortcuts,
    Unsaved,
    Template(template::Choice),
    CompareTable(Sides),
    Backup(backup::Choice),
    Restore(restore::Sheet),
    Erase(erase::Wish),
    /// A table with errors is to be saved in this form.
    ExportProblems(TableForm),
    /// Files that are to be taken out are there already.
    Existing {
        extraction: Extraction,
        taken: Vec<String>,
    },
    /// The system has no file dialog: the path is typed.
    TypePath {
        ask: Ask,
        path: String,
    },
}

impl Dialog {
    /// Asks for a path by typing.
    pub fn type_path(ask: Ask) -> Self {
        Self::TypePath {
            path: ask.suggested(),
            ask,
        }
    }
}

/// Draws the open dialog, if there is one.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let Some(dialog) = state.dialog.clone() else {
        return;
    };
    let modal = egui::Modal::new(egui::Id::unique((
        "dialog",
        std::mem::discriminant(&dialog),
    )))
    .backdrop_color(theme::shade(ui.visuals()))
    .frame(egui::Frame::popup(ui.style()).inner_margin(16))
    .show(ui.ctx(), |ui| {
        ui.set_max_width(560.0);
        match dialog {
            Dialog::About => about::ui(ui),
            Dialog::Settings => settings::ui(ui, state),
            Dialog::Shortcuts => shortcuts::ui(ui, &state.environment),
            Dialog::Unsaved => unsaved::ui(ui, state),
            Dialog::Template(choice) => template::ui(ui, state, choice),
            Dialog::Backup(choice) => backup::ui(ui, state, choice),
            Dialog::Restore(sheet) => restore::ui(ui, state, sheet),
            Dialog::Erase(wish) => erase::ui(ui, state, &wish),
            Dialog::CompareTable(sides) => compare_table::ui(ui, state, &sides),
            Dialog::ExportProblems(form) => export_problems::ui(ui, state, form),
            Dialog::Existing { extraction, taken } => {
                existing::ui(ui, state, &extraction, &taken);
            }
            Dialog::TypePath { ask, path } => type_path::ui(ui, state, ask, path),
        }
    });
    if modal.should_close() {
        state.then = None;
        state.ask(Action::CloseDialog);
    }
}

/// A head with a way out.
pub fn head(ui: &mut Ui, title: &str) {
    ui.horizontal(|ui| {
        ui.heading(title);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if icon::button(ui, Icon::Close, true, "Close")
                .on_hover_text("Close  (Esc)")
                .clicked()
            {
                ui.close();
            }
        });
    });
    ui.add_space(theme::STEP * 2.0);
}
