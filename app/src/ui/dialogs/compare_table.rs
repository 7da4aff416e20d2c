//! What the project's table changes on the board, and which data nothing would find any more.

use eframe::egui::{RichText, ScrollArea, Ui};

use super::super::board_table::Comparison;
use super::super::theme;
use super::head;

/// Draws the dialog.
pub fn ui(ui: &mut Ui, comparison: &Comparison) {
    ui.set_min_width(520.0);
    head(ui, "Table of this project and of the board");
    ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
        for note in &comparison.notes {
            ui.colored_label(theme::tokens(ui.visuals()).warning, note);
        }
        if comparison.changes.is_empty() {
            if comparison.notes.is_empty() {
                ui.label("Both tables have the same partitions at the same places");
            }
        } else {
            ui.strong("Writing this table changes");
            for change in &comparison.changes {
                ui.label(change);
            }
        }
        ui.add_space(theme::STEP * 2.0);
        stranded(ui, Some(comparison));
    });
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
