//! The menu *Help*.

use eframe::egui::Key;

use super::Command;
use super::row::{Facts, Menu, ctrl, plain, row};
use crate::ui::dialogs::Dialog;
use crate::ui::palette::Palette;
use crate::ui::run_command::keep_settings;

/// The rows of this menu.
pub const HELP: &[Facts] = &[
    row(
        Menu::Help,
        Command::Palette,
        "Search commands…",
        "Find a command by its name",
    )
    .keys(ctrl(Key::K))
    .runs(|state, _| state.palette = Some(Palette::default())),
    row(
        Menu::Help,
        Command::Shortcuts,
        "Keyboard shortcuts",
        "List all shortcuts",
    )
    .keys(plain(Key::F1))
    .runs(|state, _| state.dialog = Some(Dialog::Shortcuts)),
    row(
        Menu::Help,
        Command::FirstSteps,
        "Show the first steps",
        "Show the three steps of the first start again",
    )
    .runs(|state, _| {
        state.settings.first_steps_dismissed = false;
        keep_settings(state);
    }),
    row(
        Menu::Help,
        Command::About,
        "About Flashpack",
        "Version and licences",
    )
    .begins_group()
    .runs(|state, _| state.dialog = Some(Dialog::About)),
];
