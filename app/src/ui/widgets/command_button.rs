//! A button for a command: its label, tooltip, shortcut and greyness come from the command table.

use eframe::egui::{Button, RichText, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::environment::Environment;
use super::super::theme;

/// An ordinary button. Pushes the command when it is clicked.
pub fn ui(ui: &mut Ui, command: Command, environment: &Environment, actions: &mut Vec<Action>) {
    labelled(
        ui,
        command,
        &command.label(environment),
        environment,
        actions,
    );
}

/// The same with another label.
pub fn labelled(
    ui: &mut Ui,
    command: Command,
    label: &str,
    environment: &Environment,
    actions: &mut Vec<Action>,
) {
    let shortcut = command.shortcut(ui.ctx());
    let tooltip = command.tooltip(environment, shortcut.as_deref());
    let enabled = command.why_not(environment).is_none();
    let response = ui.add_enabled(enabled, Button::new(label));
    let response = response
        .on_hover_text(&tooltip)
        .on_disabled_hover_text(&tooltip);
    if response.clicked() {
        actions.push(command.into());
    }
}

/// An entry of a menu, with its shortcut at the right.
pub fn menu_entry(
    ui: &mut Ui,
    command: Command,
    environment: &Environment,
    actions: &mut Vec<Action>,
) {
    let shortcut = command.shortcut(ui.ctx());
    let tooltip = command.tooltip(environment, None);
    let enabled = command.why_not(environment).is_none();
    let button = Button::new(command.label(environment));
    // An empty one would end the accessible name with a space.
    let button = match shortcut {
        Some(shortcut) => button.shortcut_text(shortcut),
        None => button,
    };
    let response = ui.add_enabled(enabled, button);
    let response = response
        .on_hover_text(&tooltip)
        .on_disabled_hover_text(&tooltip);
    if response.clicked() {
        actions.push(command.into());
        ui.close();
    }
}

/// The one prominent button of a place. Whether it was clicked.
pub fn prominent(ui: &mut Ui, label: &str, enabled: bool, tooltip: &str) -> bool {
    let tokens = theme::tokens(ui.visuals());
    let button = if enabled {
        let ink = theme::text_on(tokens.accent);
        // The hovered and focused looks would put the theme's own text colour on the accent.
        Button::new(RichText::new(label).color(ink)).fill(tokens.accent)
    } else {
        Button::new(label)
    };
    let response = ui.add_enabled(enabled, button.min_size(eframe::egui::vec2(96.0, 28.0)));
    response
        .on_hover_text(tooltip)
        .on_disabled_hover_text(tooltip)
        .clicked()
}
