//! A file that was opened and is no project, table or pack: what it is, its bytes, and where it could go.

use eframe::egui::{Align, Key, Label, Layout, Modifiers, RichText, Ui};

use super::super::action::Action;
use super::super::packing_paths::{Given, would_do};
use super::super::selection::Selection;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::hex_view;
use super::inspector;
use crate::store::open_any::SeenFile;

/// Draws it in place of the contents.
pub fn ui(ui: &mut Ui, state: &mut AppState, file: &SeenFile) {
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui
                .button("Close file")
                .on_hover_text("Shows what goes into the selected partition again (Esc)");
            let escape = !ui.ctx().text_edit_focused()
                && !state.environment.covered
                && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
            if close.clicked() || escape {
                state.ask(Action::CloseFile);
            }
            put_into(ui, state, file);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = file.path.file_name().unwrap_or_default().to_string_lossy();
                ui.add(Label::new(RichText::new(name).heading()).truncate())
                    .on_hover_text(file.path.display().to_string());
            });
        });
    });
    ui.add(
        Label::new(RichText::new("Only looked at: it is no part of the project").weak()).truncate(),
    );
    ui.add_space(theme::STEP);
    inspector::facts(ui, &file.recognised);
    hex_view::ui(ui, &file.bytes, 0);
}

/// The partitions that can take it.
fn put_into(ui: &mut Ui, state: &mut AppState, file: &SeenFile) {
    ui.menu_button("Put into", |ui| {
        let rows = state.document.project().table.rows.clone();
        for (row, partition) in rows.iter().enumerate() {
            let Ok(words) = would_do(state.document.project(), &partition.name, Given::FILE) else {
                continue;
            };
            if ui.button(words).clicked() {
                state.ask(Action::Select(Selection::Row(row)));
                state.ask(Action::AddPaths {
                    partition: partition.name.clone(),
                    paths: vec![file.path.clone()],
                });
                ui.close();
            }
        }
    })
    .response
    .on_hover_text("Makes this file a part of the project");
}
