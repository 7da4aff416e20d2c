//! Lines of MicroPython for the selected file, each with a button that copies it.

use eframe::egui::{Label, RichText, ScrollArea, Ui};

use super::super::action::Action;
use super::super::theme;
use crate::model::micropython::Snippet;

/// Draws the lines; what is asked for goes to `actions`.
pub fn ui(ui: &mut Ui, snippets: &[Snippet], actions: &mut Vec<Action>) {
    ScrollArea::vertical()
        .auto_shrink(false)
        .id_salt("snippets")
        .show(ui, |ui| {
            for snippet in snippets {
                ui.horizontal(|ui| {
                    ui.strong(snippet.title);
                    let copy = ui
                        .small_button("Copy")
                        .accessible_name(format!("Copy: {}", snippet.title))
                        .on_hover_text("Copy these lines");
                    if copy.clicked() {
                        actions.push(Action::Copy(snippet.code.clone()));
                    }
                });
                let code = RichText::new(&snippet.code).font(theme::mono());
                ui.add(Label::new(code).wrap().selectable(true));
                ui.add_space(theme::STEP * 2.0);
            }
        });
}
