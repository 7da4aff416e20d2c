//! All shortcuts, from the command table.

use eframe::egui::{Grid, RichText, ScrollArea, Ui};

use super::super::command;
use super::super::environment::Environment;
use super::super::theme;
use super::head;

/// Keys that work where the focus is, beside the commands.
const PLACES: [(&str, &str); 12] = [
    ("Tab, Shift+Tab", "next, previous control"),
    (
        "Arrows, Home, End",
        "move in the map, the table and the list",
    ),
    (
        "Enter",
        "edit a cell, rename a file; in the map: go to the contents",
    ),
    (
        "Escape",
        "leave a cell, put a drag back, close what covers the window",
    ),
    ("Delete", "delete the selected partition or file"),
    (
        "Shift while dragging",
        "neighbours give way instead of blocking, or block instead of giving way",
    ),
    ("Alt while dragging", "the smallest step that is legal"),
    (
        "Shift+Left, Shift+Right",
        "in the map: move the partition by a step",
    ),
    (
        "Ctrl+Left, Ctrl+Right",
        "in the map: resize the partition by a step; with Alt by the smallest",
    ),
    (
        "Ctrl+Shift+Left, Right",
        "in the map: move the start of the partition by a step",
    ),
    ("+, -, 0", "in the map: zoom in, zoom out, show all"),
    (
        "Page up, Page down",
        "in the map: scroll, when it is zoomed in",
    ),
];

/// Draws the dialog.
pub fn ui(ui: &mut Ui, environment: &Environment) {
    ui.set_min_width(480.0);
    head(ui, "Keyboard shortcuts");
    ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
        Grid::new("shortcuts")
            .num_columns(2)
            .spacing([24.0, 6.0])
            .show(ui, |ui| {
                for facts in command::all() {
                    let Some(shortcut) = facts.command.shortcut(ui.ctx()) else {
                        continue;
                    };
                    ui.label(RichText::new(shortcut).font(theme::mono()));
                    ui.label(facts.command.label(environment))
                        .on_hover_text(facts.tooltip);
                    ui.end_row();
                }
                for (keys, words) in PLACES {
                    ui.label(RichText::new(keys).font(theme::mono()));
                    ui.label(words);
                    ui.end_row();
                }
            });
    });
}
