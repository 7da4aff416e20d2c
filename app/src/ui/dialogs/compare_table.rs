//! What the project's table changes against that of the board or of a file, and which data nothing would find any more.

use eframe::egui::{RichText, ScrollArea, Ui};

use super::super::comparison::{Comparison, Sides};
use super::super::state::AppState;
use super::super::theme;
use super::{Dialog, head};

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState, sides: &Sides) {
    ui.set_min_width(520.0);
    head(ui, &format!("Table of this project and of {}", sides.other));
    direction(ui, state, sides);
    let comparison = sides.shown();
    ScrollArea::vertical()
        .max_height(420.0)
        // Else it keeps the height of the dialog before it.
        .min_scrolled_height(420.0)
        .show(ui, |ui| {
            for note in &comparison.notes {
                ui.colored_label(theme::tokens(ui.visuals()).warning, note);
            }
            if comparison.changes.is_empty() {
                if comparison.notes.is_empty() || sides.to_other.is_some() {
                    ui.label("Both tables have the same partitions at the same places");
                }
            } else {
                ui.strong(if sides.turned {
                    format!("Writing the table of {} changes", sides.other)
                } else {
                    "Writing this table changes".to_owned()
                });
                for change in &comparison.changes {
                    ui.label(change);
                }
            }
            ui.add_space(theme::STEP * 2.0);
            stranded(ui, Some(comparison));
        });
}

/// Which of the two tables is taken for the old one, where both can be.
fn direction(ui: &mut Ui, state: &mut AppState, sides: &Sides) {
    if sides.to_other.is_none() {
        return;
    }
    ui.horizontal(|ui| {
        for (turned, label) in [
            (false, format!("From {} to this project", sides.other)),
            (true, format!("From this project to {}", sides.other)),
        ] {
            if ui.selectable_label(sides.turned == turned, label).clicked() {
                state.dialog = Some(Dialog::CompareTable(Sides {
                    turned,
                    ..sides.clone()
                }));
            }
        }
    });
    ui.add_space(theme::STEP);
}

/// The data that a write of the table strands; `None` while the board's table is not known.
pub fn stranded(ui: &mut Ui, comparison: Option<&Comparison>) {
    let tokens = theme::tokens(ui.visuals());
    let Some(comparison) = comparison else {
        ui.colored_label(
            tokens.weak,
            "Data on the board: not checked, because the table on the board is not known",
        );
        return;
    };
    if comparison.stranded.is_empty() {
        if comparison.notes.is_empty() {
            ui.colored_label(tokens.weak, "Data on the board: all of it is still found");
        } else {
            for note in &comparison.notes {
                ui.colored_label(tokens.weak, format!("Data on the board: {note}"));
            }
        }
        return;
    }
    ui.label(
        RichText::new("Data on the board that is not found any more after this table is written")
            .color(tokens.danger)
            .strong(),
    );
    for line in &comparison.stranded {
        ui.label(line);
    }
    ui.weak("Read these partitions to files first if you need what is in them");
}
