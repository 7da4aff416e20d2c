//! The sheet of several boards: the ports to choose from, then a row with a bar for each board, and how each ended.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{
    self, Align, Frame, Grid, Layout, Margin, ProgressBar, RichText, ScrollArea, Stroke, TextEdit,
    Ui, vec2,
};

use super::super::action::Action;
use super::super::file_dialog::Ask;
use super::super::files::ask_file;
use super::super::several::{SeveralSheet, SeveralWish, table_of};
use super::super::state::AppState;
use super::super::text::count;
use super::super::theme;
use super::super::widgets::command_button;
use super::super::widgets::icon::{self, Icon};
use crate::engine::job_state::Ending;
use crate::engine::several::{OneBoard, Several};
use crate::model::flash_plan::FlashPlan;

/// Room for the bar of a board, or how it ended, in points.
const BAR_WIDTH: f32 = 120.0;

/// Room for the button that writes the next board, in points.
const NEXT_WIDTH: f32 = 200.0;

/// Draws the sheet, if it is open. Whether it is.
pub fn ui(ui: &mut Ui, state: &mut AppState) -> bool {
    let Some(mut sheet) = state.several.take() else {
        return false;
    };
    match &sheet.running {
        None => choose(ui, state, &mut sheet),
        Some(several) => progress(ui, state, several),
    }
    state.several = Some(sheet);
    true
}

fn choose(ui: &mut Ui, state: &mut AppState, sheet: &mut SeveralSheet) {
    ui.heading("Write to several boards");
    let plan = Arc::clone(&state.derived.plan);
    let proof = if plan.no_verify {
        "none is verified"
    } else {
        "each is verified by itself"
    };
    ui.label(format!(
        "The same {} go to each board at the same time; {proof}, and a failure of one touches no other",
        count(plan.writes.len(), "region", "regions")
    ));
    ui.add_space(theme::STEP * 2.0);
    let foot = if table_of(&plan).is_some() {
        152.0
    } else {
        84.0
    };
    let room = (ui.available_height() - foot).max(60.0);
    ScrollArea::vertical()
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            let listed = state
                .board
                .ports
                .iter()
                .map(|port| (port.path.clone(), port.label.clone()));
            let typed = sheet
                .typed
                .iter()
                .map(|path| (path.clone(), path.display().to_string()));
            let all: Vec<(PathBuf, String)> = listed.chain(typed).collect();
            if all.is_empty() {
                ui.weak("No serial port found: plug the boards in, or type their ports");
            }
            for (path, label) in all {
                let mut chosen = sheet.chosen.contains(&path);
                if ui.checkbox(&mut chosen, label).changed() {
                    if chosen {
                        sheet.chosen.insert(path);
                    } else {
                        sheet.chosen.remove(&path);
                    }
                }
            }
        });
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut sheet.draft)
            .desired_width(310.0)
            .hint_text("Another port, such as /dev/ttyUSB0 or COM3");
        let response = ui.add(field).accessible_name("Another port");
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if ui.button("Add port").clicked() || entered {
            sheet.add_typed();
        }
        if ui
            .button("All of this kind")
            .on_hover_text("Choose every port with the same USB numbers as the board in use, else every known board")
            .clicked()
        {
            state.ask(Action::Several(SeveralWish::ChooseAllOfThisKind));
        }
    });
    ui.add_space(theme::STEP * 2.0);
    let table_is_ticked = table(ui, sheet, &plan);
    ui.horizontal(|ui| {
        let boards = count(sheet.chosen.len(), "board", "boards");
        let reason = if sheet.chosen.is_empty() {
            Some("Choose at least one port")
        } else if state.environment.errors > 0 {
            Some("Fix the problems of the project first")
        } else if state.environment.job.is_some() {
            Some("A job is running on the board in use")
        } else if !state.environment.has_plan {
            Some("There is nothing to write")
        } else if !table_is_ticked {
            Some("Tick that every board gets this partition table first")
        } else {
            None
        };
        let tooltip = reason.unwrap_or("Write to all of them at once");
        let label = format!("Write to {boards}");
        if command_button::prominent(ui, &label, reason.is_none(), tooltip) {
            state.ask(Action::Several(SeveralWish::Write));
        }
        if ui.button("Close").clicked() {
            state.ask(Action::Several(SeveralWish::Close));
        }
    });
}

/// Says what a partition table can do to boards that nobody asks. Whether it was ticked, or is none.
fn table(ui: &mut Ui, sheet: &mut SeveralSheet, plan: &FlashPlan) -> bool {
    let Some(table) = table_of(plan) else {
        return true;
    };
    let danger = theme::tokens(ui.visuals()).danger;
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, danger))
        .corner_radius(5)
        .inner_margin(Margin::same(8));
    let ticked = frame.show(ui, |ui| {
        ui.colored_label(
            danger,
            "No board is asked what it holds: where its own partition table differs from this one, data in partitions that move, shrink or go can be lost",
        );
        // A tick is for the table that was shown.
        let mut ticked = sheet.ticked_table.as_ref() == Some(table);
        let label = "Write this partition table to every board";
        let tip = "To see what it would strand on one board, close this and write to that board by itself";
        if ui.checkbox(&mut ticked, label).on_hover_text(tip).changed() {
            sheet.ticked_table = ticked.then(|| Arc::clone(table));
        }
        ticked
    });
    ui.add_space(theme::STEP * 2.0);
    ticked.inner
}

fn progress(ui: &mut Ui, state: &mut AppState, several: &Several) {
    let (done, all) = several.done();
    ui.heading(format!("{done} of {}", count(all, "board", "boards")));
    ui.label(several.summary.counts());
    ui.add_space(theme::STEP * 2.0);
    let room = (ui.available_height() - 52.0).max(60.0);
    ScrollArea::vertical()
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            Grid::new("boards")
                .num_columns(5)
                .striped(true)
                .spacing([16.0, 6.0])
                .show(ui, |ui| {
                    for (row, board) in several.boards.iter().enumerate() {
                        board_ui(ui, state, row, board);
                        ui.end_row();
                    }
                });
        });
    ui.add_space(theme::STEP * 2.0);
    ui.horizontal(|ui| {
        if several.is_running() {
            if ui.button("Cancel all").clicked() {
                state.ask(Action::Several(SeveralWish::Cancel));
            }
            return;
        }
        if ui.button("Save summary…").clicked() {
            ask_file(state, Ask::SaveSummary);
        }
        if ui.button("Close").clicked() {
            state.ask(Action::Several(SeveralWish::Close));
        }
    });
}

fn board_ui(ui: &mut Ui, state: &mut AppState, row: usize, board: &OneBoard) {
    let tokens = theme::tokens(ui.visuals());
    ui.label(RichText::new(board.port.to_string()).font(theme::mono()));
    ui.label(RichText::new(board.mac.as_deref().unwrap_or("–")).font(theme::mono()));
    cell(ui, BAR_WIDTH, |ui| match &board.state.ending {
        None => {
            ui.add(
                ProgressBar::new(board.state.fraction().unwrap_or(0.0))
                    .desired_width(BAR_WIDTH)
                    .desired_height(8.0)
                    .fill(tokens.accent),
            );
        }
        Some(Ending::Finished(_)) => icon::ui(ui, Icon::Check, tokens.good),
        Some(_) => icon::ui(ui, Icon::Cross, tokens.danger),
    });
    cell(ui, NEXT_WIDTH, |ui| {
        if board.state.is_running() {
            ui.weak("…");
            return;
        }
        let label = if board.count > 0 {
            format!("Write the next one ({} so far)", board.count)
        } else {
            "Write the next one".to_owned()
        };
        if ui
            .button(label)
            .on_hover_text("Swap the board on this port first; it gets the same")
            .clicked()
        {
            state.ask(Action::Several(SeveralWish::WriteNext(row)));
        }
    });
    let line = board.line();
    let help = match &board.state.ending {
        Some(Ending::Failed(error)) => format!("{line}. {}", error.help),
        _ => line.clone(),
    };
    ui.add(egui::Label::new(&line).truncate())
        .on_hover_text(help);
}

/// A cell that is this wide whatever stands in it, in points: the columns stay where they are when a board ends.
fn cell(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    let size = vec2(width, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_size(size);
        content(ui);
    });
}
