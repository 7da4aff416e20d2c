//! The review sheet: what a write would do, region by region, before anything is sent.
//!
//! It covers the work area, not the map. What is dangerous stands apart and needs its own tick.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{
    Align, Frame, Grid, Key, Layout, Margin, Modifiers, RichText, ScrollArea, Stroke, Ui,
};

use super::super::action::Action;
use super::super::board_memory::Compared;
use super::super::board_table;
use super::super::command::Command;
use super::super::file_dialog::Ask;
use super::super::log::command_line;
use super::super::state::AppState;
use super::super::widgets::command_button;
use super::super::{text, theme};
use super::compare_table;
use crate::engine::request::{PortChoice, Request};
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::number::{exact_size, hex, human_size};

/// The sheet while it is open.
#[derive(Clone, Debug)]
pub struct Review {
    pub plan: Arc<FlashPlan>,
    /// Dangerous lines that were ticked, by their place.
    ticked: BTreeSet<usize>,
}

/// Whether a write can cost more than what it replaces, so that it needs its own tick: the board may not boot, or may
/// not find its data any more. On the practice board nothing real can be lost.
fn is_dangerous(state: &AppState, write: &PlannedWrite) -> bool {
    state.board.port != PortChoice::Practice
        && matches!(write.role, Role::Bootloader | Role::Table | Role::OtaData)
        && state.board.memory.compare(write) != Compared::Same
}

impl Review {
    /// Nothing is ticked yet.
    pub fn new(plan: Arc<FlashPlan>) -> Self {
        Self {
            plan,
            ticked: BTreeSet::new(),
        }
    }

    fn all_ticked(&self, state: &AppState) -> bool {
        let mut writes = self.plan.writes.iter().enumerate();
        writes.all(|(place, write)| !is_dangerous(state, write) || self.ticked.contains(&place))
    }
}

/// Draws the sheet, if it is open. Whether it is.
pub fn ui(ui: &mut Ui, state: &mut AppState) -> bool {
    let Some(mut review) = state.review.clone() else {
        return false;
    };
    ui.horizontal(|ui| {
        ui.heading(format!("Write to {}", state.board.port));
        ui.weak("Nothing has been sent yet");
    });
    ui.add_space(theme::STEP * 2.0);
    let foot = 48.0 + if review.plan.full { 0.0 } else { 20.0 };
    let room = (ui.available_height() - foot).max(80.0);
    ScrollArea::vertical()
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            lines(ui, state, &review.plan);
            if review
                .plan
                .writes
                .iter()
                .any(|write| write.role == Role::Table)
            {
                ui.add_space(theme::STEP * 2.0);
                compare_table::stranded(ui, board_table::known(state).as_ref());
            }
            dangerous(ui, state, &mut review);
        });
    ui.add_space(theme::STEP * 2.0);
    let total = review.plan.total_bytes();
    let sentence = if review.plan.full {
        format!(
            "{} are written, whether they differ or not, then verified",
            human_size(total)
        )
    } else {
        format!(
            "Only the sectors of these {} that differ from the board are written, then verified",
            human_size(total)
        )
    };
    ui.weak(sentence).on_hover_text(exact_size(total));
    ui.add_space(theme::STEP);
    state.review = Some(review);
    buttons(ui, state);
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.review = None;
    }
    true
}

fn lines(ui: &mut Ui, state: &AppState, plan: &FlashPlan) {
    Grid::new("plan")
        .num_columns(6)
        .striped(true)
        .spacing([20.0, 8.0])
        .show(ui, |ui| {
            for head in ["What", "From", "To", "Size", "Board", "Overwrites"] {
                ui.weak(head);
            }
            ui.end_row();
            for write in &plan.writes {
                line(ui, state, write);
                ui.end_row();
            }
        });
}

fn line(ui: &mut Ui, state: &AppState, write: &PlannedWrite) {
    let tokens = theme::tokens(ui.visuals());
    ui.label(RichText::new(&write.target).strong());
    ui.label(&write.source);
    ui.label(RichText::new(hex(write.offset)).font(theme::mono()));
    let size = write.bytes.len() as u64;
    ui.label(human_size(size)).on_hover_text(exact_size(size));
    let (words, ink) = match state.board.memory.compare(write) {
        Compared::Same => (text::SAME, tokens.good),
        Compared::Differs => (text::DIFFERS, tokens.warning),
        Compared::Unknown => (text::UNKNOWN, tokens.weak),
    };
    ui.colored_label(ink, words)
        .on_hover_text("Compared when the write begins, sector by sector");
    ui.add(eframe::egui::Label::new(
        RichText::new(write.destroys.join("; ")).weak(),
    ));
}

fn dangerous(ui: &mut Ui, state: &AppState, review: &mut Review) {
    let plan = review.plan.clone();
    let lines: Vec<_> = plan
        .writes
        .iter()
        .enumerate()
        .filter(|(_, write)| is_dangerous(state, write))
        .collect();
    if lines.is_empty() {
        return;
    }
    let danger = theme::tokens(ui.visuals()).danger;
    ui.add_space(theme::STEP * 3.0);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, danger))
        .corner_radius(5)
        .inner_margin(Margin::same(10));
    frame.show(ui, |ui| {
        ui.colored_label(
            danger,
            "A mistake here can keep the board from starting, or hide its data: tick what you want",
        );
        for (place, write) in lines {
            let mut ticked = review.ticked.contains(&place);
            let label = format!("{}: {}", write.target, write.destroys.join("; "));
            if ui.checkbox(&mut ticked, label).changed() {
                if ticked {
                    review.ticked.insert(place);
                } else {
                    review.ticked.remove(&place);
                }
            }
        }
    });
}

fn buttons(ui: &mut Ui, state: &mut AppState) {
    let Some(review) = state.review.clone() else {
        return;
    };
    let regions = review.plan.writes.len();
    ui.horizontal(|ui| {
        let reason = if !review.all_ticked(state) {
            Some("Tick the dangerous lines first".to_owned())
        } else if state.environment.packing {
            Some("Files are being packed".to_owned())
        } else {
            state
                .environment
                .job
                .as_ref()
                .map(|job| format!("{job} is running"))
        };
        let label = format!("Write {}", text::count(regions, "region", "regions"));
        let tip = reason
            .clone()
            .unwrap_or_else(|| "Compare, write what differs, verify".to_owned());
        if command_button::prominent(ui, &label, reason.is_none(), &tip) {
            state.ask(Action::StartWrite(review.plan.clone()));
        }
        if ui
            .button("Back")
            .on_hover_text("Close this sheet; nothing is written  (Esc)")
            .clicked()
        {
            state.review = None;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let command = command_line(
                &Request::Write(review.plan.clone()),
                &state.board.port,
                state.document.path(),
            );
            let saved = state.document.path().is_some() && !state.document.is_dirty();
            let tip = if saved {
                command.clone()
            } else {
                format!("{command}\nSave the project first: the command reads it from disk")
            };
            if ui
                .add_enabled(
                    saved,
                    eframe::egui::Button::new("Save this plan as a command line…"),
                )
                .on_hover_text(&tip)
                .on_disabled_hover_text(&tip)
                .clicked()
            {
                let wake = state.wake.clone();
                state.dialogs.ask(Ask::SavePlan, wake);
            }
            if ui.button("Copy command").on_hover_text(tip).clicked() {
                state.ask(Action::Copy(command));
            }
            if !saved {
                command_button::labelled(
                    ui,
                    Command::Save,
                    "Save project",
                    &state.environment,
                    &mut state.actions,
                );
            }
        });
    });
}
