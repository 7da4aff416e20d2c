//! What a backup takes: all of the board's flash, or partitions of its table.

use std::collections::BTreeSet;

use eframe::egui::{Align, Layout, RichText, ScrollArea, Ui};

use super::super::action::Action;
use super::super::board_files::{known_table, whole_board};
use super::super::file_dialog::Ask;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use super::{Dialog, head};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// What is chosen in the dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Partitions by name; none means all of the flash.
    only: BTreeSet<String>,
    some: bool,
}

impl Choice {
    /// One partition.
    pub fn of(partition: &str) -> Self {
        Self {
            only: BTreeSet::from([partition.to_owned()]),
            some: true,
        }
    }

    fn regions(&self, state: &AppState) -> Vec<(String, Region)> {
        if self.some {
            partitions(state)
                .into_iter()
                .filter(|(name, _)| self.only.contains(name))
                .collect()
        } else {
            whole_board(state)
        }
    }
}

fn partitions(state: &AppState) -> Vec<(String, Region)> {
    let table = known_table(state).unwrap_or_default();
    let layout = table.layout();
    layout
        .iter()
        .map(|placed| (placed.row.name.clone(), placed.region))
        .collect()
}

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState, mut choice: Choice) {
    ui.set_min_width(460.0);
    head(ui, "Back up the board");
    ui.weak("A plain image of what the board holds, and beside it a manifest that proves it");
    ui.add_space(theme::STEP * 2.0);
    ui.radio_value(&mut choice.some, false, "All of the flash");
    let partitions = partitions(state);
    ui.add_enabled_ui(!partitions.is_empty(), |ui| {
        ui.radio_value(
            &mut choice.some,
            true,
            "Only these partitions of the board's table",
        )
        .on_disabled_hover_text("The board has no table that is known");
    });
    ui.indent("partitions", |ui| {
        ScrollArea::vertical().max_height(220.0).show(ui, |ui| {
            for (name, region) in &partitions {
                let mut ticked = choice.only.contains(name);
                let label = format!("Back up {name}");
                ui.horizontal(|ui| {
                    if ui
                        .add_enabled(choice.some, eframe::egui::Checkbox::new(&mut ticked, label))
                        .changed()
                    {
                        if ticked {
                            choice.only.insert(name.clone());
                        } else {
                            choice.only.remove(name);
                        }
                    }
                    let place = format!(
                        "{} at {}",
                        human_size(u64::from(region.size)),
                        hex(region.offset)
                    );
                    ui.label(RichText::new(place).weak());
                });
            }
        });
    });
    let regions = choice.regions(state);
    let size: u64 = regions
        .iter()
        .map(|(_, region)| u64::from(region.size))
        .sum();
    ui.add_space(theme::STEP * 3.0);
    let whole = !choice.some;
    state.dialog = Some(Dialog::Backup(choice));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let label = format!("Back up {} to a file…", human_size(size));
        let tip = if regions.is_empty() {
            "Choose at least one partition"
        } else {
            "Choose the file, then read"
        };
        if command_button::prominent(ui, &label, !regions.is_empty(), tip) {
            let wake = state.wake.clone();
            state.dialogs.ask(Ask::BackupTo { regions, whole }, wake);
            state.ask(Action::CloseDialog);
        }
        if ui.button("Not now").clicked() {
            state.ask(Action::CloseDialog);
        }
    });
}
