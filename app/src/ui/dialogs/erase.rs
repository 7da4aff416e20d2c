//! Asks before an erase, with what it destroys; the button says what it does.

use eframe::egui::{Align, Layout, ScrollArea, Ui};

use super::super::action::Action;
use super::super::board_files::known_table;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use super::{Dialog, backup, head};
use crate::engine::destroyed::destroyed;
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The partition's name; `None` is all of the flash.
    pub partition: Option<String>,
    pub region: Region,
}

/// Draws the question.
pub fn ui(ui: &mut Ui, state: &mut AppState, wish: &Wish) {
    ui.set_min_width(460.0);
    let name = wish.partition.as_deref().unwrap_or("all of the flash");
    head(ui, &format!("Erase {name}?"));
    ui.label(format!(
        "{} at {} on {} are set to FF. There is no undo",
        human_size(u64::from(wish.region.size)),
        hex(wish.region.offset),
        state.board.port
    ));
    ui.add_space(theme::STEP * 2.0);
    let tokens = theme::tokens(ui.visuals());
    match destroyed(wish.region, known_table(state).as_ref()) {
        None => {
            let words = "What lies there is not known: the board has no table that could be read";
            ui.colored_label(tokens.warning, words);
        }
        Some(lines) if lines.is_empty() => {
            ui.label("No partition of the board's table lies there");
        }
        Some(lines) => {
            ui.colored_label(tokens.danger, "This destroys on the board");
            ScrollArea::vertical().max_height(240.0).show(ui, |ui| {
                for line in lines {
                    ui.label(line);
                }
            });
        }
    }
    ui.add_space(theme::STEP * 4.0);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let busy = state.environment.job.clone();
        let tip = busy.as_ref().map_or_else(
            || "Erase it now".to_owned(),
            |job| format!("{job} is running: wait for it, or cancel it"),
        );
        if command_button::prominent(ui, &format!("Erase {name}"), busy.is_none(), &tip) {
            state.ask(Action::CloseDialog);
            state.ask(Action::StartErase(wish.region));
        }
        if ui
            .button("Back up first…")
            .on_hover_text("Choose what to keep in a file before it is erased")
            .clicked()
        {
            let choice = wish
                .partition
                .as_deref()
                .map_or_else(backup::Choice::default, backup::Choice::of);
            state.dialog = Some(Dialog::Backup(choice));
        }
        if ui.button("Keep it").clicked() {
            state.ask(Action::CloseDialog);
        }
    });
}
