//! Where the partition table and the bootloader lie: two fields of the settings, each an edit that can be undone.

use eframe::egui::{Id, TextEdit, Ui};

use super::super::action::Action;
use super::super::state::AppState;
use super::super::table_row_ops;
use super::super::theme;
use crate::model::number::hex;
use crate::model::project::Project;

type Set = fn(&Project, &str) -> Result<(String, Project), String>;

/// Draws the two rows of the grid.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let settings = state.document.project().table.settings;
    field(
        ui,
        state,
        "Table offset of this project",
        &hex(settings.table_offset),
        table_row_ops::set_table_offset,
    );
    let bootloader = settings
        .primary_bootloader_offset
        .map_or_else(String::new, hex);
    field(
        ui,
        state,
        "Bootloader offset of this project",
        &bootloader,
        table_row_ops::set_bootloader_offset,
    );
}

fn field(ui: &mut Ui, state: &mut AppState, label: &str, value: &str, set: Set) {
    ui.label(label);
    let id = Id::unique(label);
    // What is being typed, until Enter or another field.
    let mut text: String = ui
        .data(|data| data.get_temp(id))
        .unwrap_or_else(|| value.to_owned());
    ui.vertical(|ui| {
        let own = state.document.project().chip.facts().bootloader_offset;
        let edit = TextEdit::singleline(&mut text)
            .hint_text(format!("{}, the chip's own", hex(own)))
            .desired_width(180.0);
        let response = ui.add(edit).accessible_name(label);
        let outcome = set(state.document.project(), &text);
        if response.lost_focus() {
            ui.data_mut(|data| data.remove_temp::<String>(id));
            match outcome {
                Ok((name, project)) => state.ask(Action::Edit {
                    name,
                    project: Box::new(project),
                }),
                Err(reason) => state.ask(Action::Tell(reason)),
            }
        } else if response.has_focus() {
            if let Err(reason) = outcome {
                ui.colored_label(theme::tokens(ui.visuals()).danger, reason);
            }
            ui.data_mut(|data| data.insert_temp(id, text));
        }
    });
    ui.end_row();
}
