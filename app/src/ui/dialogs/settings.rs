//! Settings of the program and of the project: theme, chip, flash size.

use eframe::egui::{ComboBox, Grid, Ui};

use super::super::action::Action;
use super::super::state::AppState;
use super::{head, place_settings};
use crate::model::chip::CHIPS;
use crate::model::number::human_size;
use crate::model::project::Project;
use crate::store::settings::Theme;

/// Flash sizes that chips come with, in MiB.
const SIZES: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.set_min_width(420.0);
    head(ui, "Settings");
    Grid::new("settings")
        .num_columns(2)
        .spacing([24.0, 10.0])
        .show(ui, |ui| {
            ui.label("Theme");
            ui.horizontal(|ui| {
                for (theme, label) in [
                    (Theme::System, "System"),
                    (Theme::Dark, "Dark"),
                    (Theme::Light, "Light"),
                ] {
                    if ui
                        .selectable_label(state.settings.theme == theme, label)
                        .clicked()
                    {
                        state.ask(Action::SetTheme(theme));
                    }
                }
            });
            ui.end_row();
            project_ui(ui, state);
        });
    ui.add_space(8.0);
    ui.weak("Chip and flash size belong to the project: changing them can be undone");
}

fn project_ui(ui: &mut Ui, state: &mut AppState) {
    let project = state.document.project().clone();
    ui.label("Chip of this project");
    let combo = ComboBox::from_id_salt("chip")
        .width(180.0)
        .selected_text(project.chip.facts().name)
        .show_ui(ui, |ui| {
            for facts in &CHIPS {
                if ui
                    .selectable_label(project.chip == facts.chip, facts.name)
                    .clicked()
                {
                    let project = Project {
                        chip: facts.chip,
                        ..project.clone()
                    };
                    state.ask(Action::Edit {
                        name: format!("set chip to {}", facts.name),
                        project: Box::new(project),
                    });
                }
            }
        });
    combo.response.accessible_name("Chip of this project");
    ui.end_row();
    ui.label("Flash size of this project");
    let shown = human_size(u64::from(project.flash_size));
    let combo = ComboBox::from_id_salt("flash size")
        .width(180.0)
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for mib in SIZES {
                let size = mib << 20;
                let label = human_size(u64::from(size));
                if ui
                    .selectable_label(project.flash_size == size, &label)
                    .clicked()
                {
                    let project = Project {
                        flash_size: size,
                        ..project.clone()
                    };
                    state.ask(Action::Edit {
                        name: format!("set flash size to {label}"),
                        project: Box::new(project),
                    });
                }
            }
        });
    combo.response.accessible_name("Flash size of this project");
    ui.end_row();
    place_settings::ui(ui, state);
}
