//! *New from template*: a table to start from, for a size of flash. It takes the place of the project's table as one
//! edit that can be undone.

use eframe::egui::{Align, Layout, ScrollArea, Ui};

use super::super::state::AppState;
use super::super::table_files;
use super::super::theme;
use super::super::widgets::command_button;
use super::{Dialog, head};
use crate::formats::table_template::{TEMPLATES, Template};
use crate::model::number::human_size;

/// Sizes of flash that templates are made for, in MiB.
const SIZES: [u32; 5] = [2, 4, 8, 16, 32];

/// What is chosen in the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Place in the list of templates.
    pub template: usize,
    /// In bytes.
    pub flash_size: u32,
}

impl Choice {
    /// The first template, for the project's flash or the nearest size that there is.
    pub fn new(flash_size: u32) -> Self {
        let size = SIZES
            .map(|mib| mib << 20)
            .into_iter()
            .min_by_key(|size| size.abs_diff(flash_size));
        Self {
            template: 0,
            flash_size: size.unwrap_or(flash_size),
        }
    }
}

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState, mut choice: Choice) {
    ui.set_min_width(480.0);
    head(ui, "New from template");
    ui.horizontal(|ui| {
        ui.label("Flash size");
        for mib in SIZES {
            let size = mib << 20;
            let label = human_size(u64::from(size));
            if ui
                .selectable_label(choice.flash_size == size, label)
                .clicked()
            {
                choice.flash_size = size;
            }
        }
    });
    ui.add_space(theme::STEP * 2.0);
    ScrollArea::vertical()
        .max_height(320.0)
        .min_scrolled_height(320.0)
        .show(ui, |ui| {
            for (place, template) in TEMPLATES.iter().enumerate() {
                let response = ui.selectable_label(choice.template == place, template.title);
                if response.clicked() {
                    choice.template = place;
                }
            }
        });
    let Some(template) = TEMPLATES.get(choice.template) else {
        return;
    };
    ui.add_space(theme::STEP * 2.0);
    ui.label(template.description);
    ui.add_space(theme::STEP);
    let settings = state.document.project().table.settings;
    let table = template.table(choice.flash_size, settings);
    match &table {
        Ok(table) => {
            let parts: Vec<String> = table
                .layout()
                .iter()
                .map(|placed| {
                    format!(
                        "{} {}",
                        placed.row.name,
                        human_size(u64::from(placed.region.size))
                    )
                })
                .collect();
            ui.weak(parts.join(" · "));
        }
        Err(reason) => {
            ui.colored_label(theme::tokens(ui.visuals()).danger, reason);
        }
    }
    ui.add_space(theme::STEP * 2.0);
    ui.weak("Takes the place of this project's table and flash size; Undo brings them back");
    state.dialog = Some(Dialog::Template(choice));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let clicked =
            command_button::prominent(ui, "Use this table", table.is_ok(), "Make it the table");
        if let (true, Ok(table)) = (clicked, table) {
            take(state, template, choice.flash_size, table);
        }
    });
}

fn take(
    state: &mut AppState,
    template: &Template,
    flash_size: u32,
    table: crate::model::partition_table::PartitionTable,
) {
    state.dialog = None;
    let name = format!("new table from {}", template.title);
    table_files::put(state, &name, Some(flash_size), table, &[]);
}
