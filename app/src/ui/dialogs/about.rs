//! Version and licences.

use eframe::egui::Ui;

use super::super::text;
use super::head;

/// Draws the dialog.
pub fn ui(ui: &mut Ui) {
    ui.set_min_width(420.0);
    head(ui, text::PROGRAM);
    ui.label(text::ABOUT);
    ui.add_space(8.0);
    ui.weak(format!("Version {}", env!("CARGO_PKG_VERSION")));
    ui.weak(format!("Licence {}", env!("CARGO_PKG_LICENSE")));
    ui.add_space(8.0);
    ui.label("The window is drawn with egui; chips are spoken to with espflash. Espressif's names are theirs");
}
