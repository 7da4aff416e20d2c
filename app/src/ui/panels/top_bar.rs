//! Menus, undo and redo, command search, the board, and the one prominent button.

use eframe::egui::{self, Align, Button, Layout, MenuBar, RichText, ScrollArea, Sense, Ui};

use super::super::action::Action;
use super::super::command::{self, Command, Menu};
use super::super::environment::Main;
use super::super::state::AppState;
use super::super::widgets::command_button;
use super::super::widgets::icon::{self, Icon};
use super::super::{text, theme};
use super::port_picker;
use crate::model::number::human_size;

/// Width of the menus, in points.
const MENUS: f32 = 284.0;

/// Draws the bar.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal(|ui| {
        ui.set_height(theme::BAR_HEIGHT - 8.0);
        // The look of a menu bar ends with the menus.
        ui.allocate_ui_with_layout(
            egui::vec2(MENUS, 28.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                MenuBar::new().ui(ui, |ui| {
                    for (menu, title) in [
                        (Menu::File, "File"),
                        (Menu::Edit, "Edit"),
                        (Menu::Table, "Table"),
                        (Menu::Board, "Board"),
                        (Menu::View, "View"),
                        (Menu::Help, "Help"),
                    ] {
                        ui.menu_button(title, |ui| menu_ui(ui, state, menu));
                    }
                });
            },
        );
        ui.spacing_mut().item_spacing.x = 2.0;
        history_button(ui, state, Command::Undo, Icon::Undo);
        history_button(ui, state, Command::Redo, Icon::Redo);
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            main_button(ui, state);
            board(ui, state);
            let room = ui.available_width();
            if room > 130.0 {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    search(ui, state, room);
                });
            }
        });
    });
}

fn menu_ui(ui: &mut Ui, state: &mut AppState, menu: Menu) {
    ui.set_min_width(220.0);
    // The longest one is higher than a small screen.
    let room = ui.ctx().content_rect().height() - theme::BAR_HEIGHT - 24.0;
    ScrollArea::vertical()
        .max_height(room)
        .min_scrolled_height(room)
        .show(ui, |ui| rows(ui, state, menu));
}

fn rows(ui: &mut Ui, state: &mut AppState, menu: Menu) {
    let environment = state.environment.clone();
    let rows =
        command::all().filter(|facts| facts.menu == menu && facts.command != Command::MainButton);
    for (place, facts) in rows.enumerate() {
        // Above the first entry there is nothing to part it from.
        if facts.begins_group && place > 0 {
            ui.separator();
        }
        command_button::menu_entry(ui, facts.command, &environment, &mut state.actions);
        if facts.command == Command::OpenSample && !state.settings.recent_projects.is_empty() {
            recent(ui, state);
        }
    }
}

fn recent(ui: &mut Ui, state: &mut AppState) {
    let paths = state.settings.recent_projects.clone();
    ui.menu_button("Open recent", |ui| {
        for path in paths {
            let name = path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            );
            if ui
                .button(name)
                .on_hover_text(path.display().to_string())
                .clicked()
            {
                state.actions.push(Action::OpenPath(path.clone()));
                ui.close();
            }
        }
    });
}

fn history_button(ui: &mut Ui, state: &mut AppState, command: Command, icon: Icon) {
    let environment = &state.environment;
    let shortcut = command.shortcut(ui.ctx()).unwrap_or_default();
    let label = command.label(environment);
    let reason = command.why_not(environment);
    let response = icon::button(ui, icon, reason.is_none(), &label);
    let tooltip = reason.unwrap_or_else(|| label.clone());
    let response = response
        .on_hover_text(format!("{tooltip}  ({shortcut})"))
        .on_disabled_hover_text(format!("{tooltip}  ({shortcut})"));
    if response.clicked() {
        state.ask(command);
    }
}

fn search(ui: &mut Ui, state: &mut AppState, room: f32) {
    let shortcut = Command::Palette.shortcut(ui.ctx()).unwrap_or_default();
    let label = RichText::new(text::SEARCH_COMMANDS).weak();
    let width = (room - 16.0).min(280.0);
    let button = Button::new(label)
        .right_text(RichText::new(shortcut).weak().size(theme::SMALL))
        .min_size(egui::vec2(width, 26.0));
    ui.add_space(theme::STEP);
    if ui
        .add(button)
        .accessible_name(text::SEARCH_COMMANDS)
        .on_hover_text(Command::Palette.facts().tooltip)
        .clicked()
    {
        state.ask(Command::Palette);
    }
}

fn board(ui: &mut Ui, state: &mut AppState) {
    let tokens = theme::tokens(ui.visuals());
    let (words, ink, filled) = match (&state.board.identity, state.board.is_connected()) {
        (Some(identity), true) => {
            let size = identity.flash_size.map_or_else(
                || "flash ?".to_owned(),
                |size| human_size(u64::from(size)).replace("MiB", "MB"),
            );
            (format!("{} · {size}", identity.chip), tokens.good, true)
        }
        _ if state.board.running().is_some() => ("connecting…".to_owned(), tokens.weak, false),
        _ => ("not connected".to_owned(), tokens.weak, false),
    };
    // Right to left: the dot comes last.
    let (dot, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), Sense::hover());
    if filled {
        ui.painter().circle_filled(dot.center(), 4.5, ink);
    } else {
        ui.painter()
            .circle_stroke(dot.center(), 4.0, egui::Stroke::new(1.5, ink));
    }
    ui.label(words)
        .on_hover_text("What the board says of itself; the drawer's tab Board shows all of it");
    port_picker::ui(ui, state, "top port", 150.0);
}

fn main_button(ui: &mut Ui, state: &mut AppState) {
    let label = state.environment.main_label();
    let main = state.environment.main();
    let (enabled, tooltip) = match main {
        _ if state.review.is_some() => (false, "The sheet below says what would be written"),
        Main::Connect => (true, "Open the port and ask the chip who it is"),
        Main::FixProblems => (
            true,
            "Show what is wrong; a project with errors is not written",
        ),
        Main::Write => (
            true,
            "Show what would be written, then write only what differs and verify it",
        ),
        Main::NothingToWrite if state.environment.has_plan => (
            false,
            "The board holds exactly this project, verified in this session",
        ),
        Main::NothingToWrite => (false, "Put something into a partition first"),
        Main::Busy => (false, "A job is running: see the line at the bottom"),
    };
    if command_button::prominent(ui, &label, enabled, tooltip) {
        state.ask(Command::MainButton);
    }
}
