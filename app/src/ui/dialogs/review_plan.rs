//! The review sheet: what a write would do, region by region, before anything is sent.
//!
//! It covers the work area, not the map. What is dangerous stands apart and needs its own tick.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{
    Align, Frame, Galley, Grid, Key, Label, Layout, Margin, Modifiers, RichText, ScrollArea,
    Stroke, TextStyle, TextWrapMode, Ui, WidgetText,
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
use crate::engine::plan_view::{self, GuardLine, PlanLine, PlanView};
use crate::engine::request::Request;
use crate::model::chip::BoardIdentity;
use crate::model::cost::Link;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::guard::GuardName;
use crate::model::keep::Keep;
use crate::model::number::{exact_size, hex, human_size};
use crate::model::planned_move::{MovesUnknown, PlannedMove};

/// Room for what stands below the scrolled part, in points: two lines of text and the buttons.
const FOOT: f32 = 84.0;

/// What a write comes from is cut at this part of the width: a long file name must not push the rest out of the window.
const SOURCE_SHARE: f32 = 0.3;

/// The sheet while it is open.
#[derive(Clone, Debug)]
pub struct Review {
    pub plan: Arc<FlashPlan>,
    /// What is shown of it, and for which board.
    view: Arc<PlanView>,
    board: Option<BoardIdentity>,
    /// What its bytes will go over, for the modelled times.
    link: Link,
    /// Where backups go.
    keep: Arc<dyn Keep>,
    /// Guards that were ticked, by their place.
    ticked: BTreeSet<usize>,
    /// Moved partitions that the board was asked about; `None`: not asked yet.
    pub moves_asked: Option<Vec<PlannedMove>>,
}

impl Review {
    /// Nothing is ticked yet.
    pub fn new(
        plan: Arc<FlashPlan>,
        board: Option<BoardIdentity>,
        keep: Arc<dyn Keep>,
        link: Link,
    ) -> Self {
        let mac = board.as_ref().and_then(|board| board.mac.as_deref());
        let view = PlanView::of(&plan, board.as_ref(), link).backed_up(&plan, &*keep, mac);
        Self {
            view: Arc::new(view),
            keep,
            plan,
            board,
            link,
            ticked: BTreeSet::new(),
            moves_asked: None,
        }
    }

    /// These partitions hold data and are moved or shrunk.
    pub fn set_moves(&mut self, moves: Vec<PlannedMove>) {
        self.change(FlashPlan {
            moves,
            ..(*self.plan).clone()
        });
    }

    /// Why it is not known which data is left behind; `None`: it is known.
    pub fn set_moves_unknown(&mut self, moves_unknown: Option<MovesUnknown>) {
        self.change(FlashPlan {
            moves_unknown,
            ..(*self.plan).clone()
        });
    }

    /// Shows another form of the plan; what was ticked is ticked again, if it is still there.
    fn change(&mut self, plan: FlashPlan) {
        if plan == *self.plan {
            return;
        }
        let ticked = std::mem::take(&mut self.ticked);
        let before = Arc::clone(&self.view);
        let was = |line: &GuardLine| {
            let mut places = ticked.iter().filter_map(|place| before.guards.get(*place));
            places.any(|known| known.guard == line.guard)
        };
        let asked = self.moves_asked.take();
        let (board, keep) = (self.board.take(), Arc::clone(&self.keep));
        *self = Self::new(Arc::new(plan), board, keep, self.link);
        self.moves_asked = asked;
        let lines = self.view.guards.iter().enumerate();
        self.ticked = lines
            .filter(|(_, line)| was(line))
            .map(|(place, _)| place)
            .collect();
    }

    /// The same plan against the board that is connected now; ticks do not carry over to another board.
    fn follow(&mut self, board: Option<&BoardIdentity>, link: Link) {
        if self.board.as_ref() != board {
            let mut writes = self.plan.writes.iter();
            let has_table = writes.any(|write| write.role == Role::Table);
            let plan = FlashPlan {
                moves: Vec::new(),
                // Until the board of now has been asked.
                moves_unknown: has_table.then_some(MovesUnknown::UnreadTable),
                carry: false,
                ..(*self.plan).clone()
            };
            *self = Self::new(Arc::new(plan), board.cloned(), Arc::clone(&self.keep), link);
        } else if self.link != link {
            // A line that did not carry its speed is the same board, and what was ticked holds.
            let new = Self::new(
                Arc::clone(&self.plan),
                self.board.clone(),
                Arc::clone(&self.keep),
                link,
            );
            (self.view, self.link) = (new.view, link);
        }
    }

    /// What is shown of the plan.
    pub fn view(&self) -> &PlanView {
        &self.view
    }

    /// Why the plan cannot be carried out as it stands.
    fn refusal(&self) -> Option<String> {
        let mut guards = self.view.guards.iter().enumerate();
        if let Some(line) = self
            .view
            .guards
            .iter()
            .find(|line| line.guard.name.is_none())
        {
            return Some(line.guard.message.clone());
        }
        guards
            .any(|(place, _)| !self.ticked.contains(&place))
            .then(|| "Tick the dangerous lines first".to_owned())
    }

    /// The plan with what was ticked.
    pub fn accepted(&self) -> Arc<FlashPlan> {
        let ticked = self.ticked.iter();
        let names = ticked.filter_map(|place| self.view.guards.get(*place)?.guard.name);
        let forced: BTreeSet<GuardName> = names.chain(self.plan.forced.iter().copied()).collect();
        Arc::new(FlashPlan {
            forced: forced.into_iter().collect(),
            ..(*self.plan).clone()
        })
    }
}

/// Draws the sheet, if it is open. Whether it is.
pub fn ui(ui: &mut Ui, state: &mut AppState) -> bool {
    let Some(mut review) = state.review.clone() else {
        return false;
    };
    if review.plan.agent.is_some() && review.board != state.board.identity {
        // It was made by looking at that board.
        state.review = None;
        return false;
    }
    review.follow(state.board.identity.as_ref(), state.board.link());
    ui.horizontal(|ui| {
        ui.heading(format!("Write to {}", state.board.port));
        ui.weak("Nothing has been sent yet");
    });
    ui.add_space(theme::STEP * 2.0);
    let room = (ui.available_height() - FOOT).max(48.0);
    ScrollArea::vertical()
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            lines(ui, state, &review);
            if review
                .plan
                .writes
                .iter()
                .any(|write| write.role == Role::Table)
            {
                ui.add_space(theme::STEP * 2.0);
                let known =
                    board_table::known(state).map(|known| known.without(&review.view.carried));
                compare_table::stranded(ui, known.as_ref());
            }
            moved(ui, &mut review);
            // What needs a tick comes before what only needs to be known: it must not hide below the edge.
            dangerous(ui, &mut review);
            ui.add_space(theme::STEP * 2.0);
            for backup in &review.view.backups {
                ui.weak(backup.sentence());
            }
        });
    ui.add_space(theme::STEP * 2.0);
    let total = review.plan.total_bytes();
    ui.weak(review.view.amount())
        .on_hover_text(exact_size(total));
    let over = match review.link {
        Link::Uart(baud) => format!("{baud} baud"),
        Link::Usb => "the chip's own USB".to_owned(),
    };
    ui.weak(review.view.modelled.sentence())
        .on_hover_text(format!(
            "By the cost model, for {over} and a typical flash chip; not a measurement"
        ));
    ui.add_space(theme::STEP);
    state.review = Some(review);
    buttons(ui, state);
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.review = None;
    }
    true
}

fn lines(ui: &mut Ui, state: &AppState, review: &Review) {
    let source_width = ui.available_width() * SOURCE_SHARE;
    Grid::new("plan")
        .num_columns(7)
        .striped(true)
        .spacing([20.0, 8.0])
        .show(ui, |ui| {
            // A grid gives a text that may wrap as little width as one word takes.
            ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
            for head in ["", "What", "From", "To", "Size", "Board", "Overwrites"] {
                ui.weak(head);
            }
            ui.end_row();
            for (write, shown) in review.plan.writes.iter().zip(&review.view.writes) {
                line(ui, state, write, shown, source_width);
                ui.end_row();
            }
        });
}

fn line(ui: &mut Ui, state: &AppState, write: &PlannedWrite, shown: &PlanLine, source_width: f32) {
    let tokens = theme::tokens(ui.visuals());
    ui.weak(format!("{}.", shown.step)).on_hover_text(
        "Regions are written in this order: data first, then the table, otadata last",
    );
    ui.label(RichText::new(&shown.target).strong());
    let source = cut(ui, RichText::new(&shown.source), source_width);
    // A grid puts a lone text in the middle of its row; a column of texts begins at its top.
    match &shown.app {
        None => {
            ui.label(source);
        }
        Some(app) => {
            let app = cut(ui, RichText::new(app).weak(), source_width);
            ui.vertical(|ui| {
                ui.label(source);
                ui.label(app);
            });
        }
    }
    ui.label(RichText::new(hex(shown.offset)).font(theme::mono()));
    let size = u64::from(shown.size);
    ui.label(human_size(size)).on_hover_text(exact_size(size));
    let compared = state.board.memory.compare(write);
    let (words, ink) = match compared {
        Compared::Same => (text::SAME.to_owned(), tokens.good),
        Compared::Differs => (how_much(state, write), tokens.warning),
        Compared::Unknown => (text::UNKNOWN.to_owned(), tokens.weak),
    };
    let tip = match compared {
        Compared::Differs => {
            "In whole sectors of 4 KiB, by what is known of the board; asked again when the write begins"
        }
        _ => "Compared when the write begins, sector by sector",
    };
    ui.colored_label(ink, words).on_hover_text(tip);
    // The last column has what is left of the window's width; what is lost is never cut.
    ui.add(Label::new(RichText::new(shown.losses()).weak()).wrap());
}

/// A text that is cut at this width, in points; the pointer over it shows all of it.
fn cut(ui: &Ui, text: RichText, width: f32) -> Arc<Galley> {
    WidgetText::from(text).into_galley(ui, Some(TextWrapMode::Truncate), width, TextStyle::Body)
}

/// `differs in 8 KiB, 4 KiB not checked`, as far as is known.
fn how_much(state: &AppState, write: &PlannedWrite) -> String {
    let Some(difference) = state.board.memory.difference(write) else {
        return text::DIFFERS.to_owned();
    };
    let unknown = human_size(difference.unknown);
    match (difference.differs, difference.unknown) {
        (0, 0) => text::SAME.to_owned(),
        (0, _) => format!("the same but for {unknown} that are {}", text::UNKNOWN),
        (bytes, 0) => format!("{} in {}", text::DIFFERS, human_size(bytes)),
        (bytes, _) => format!(
            "{} in {}, {unknown} {}",
            text::DIFFERS,
            human_size(bytes),
            text::UNKNOWN
        ),
    }
}

/// Data that a changed table moves: carried along by one tick.
fn moved(ui: &mut Ui, review: &mut Review) {
    let moves = review.plan.moves.iter();
    if !moves.clone().any(|planned| planned.carried().is_some()) {
        return;
    }
    ui.add_space(theme::STEP * 2.0);
    let mut carry = review.plan.carry;
    let label = "Carry the data of moved partitions along";
    let tip = "Read from the board, saved to disk, and written to the new place before the table. On the command line: --move-data";
    if ui.checkbox(&mut carry, label).on_hover_text(tip).changed() {
        review.change(FlashPlan {
            carry,
            ..(*review.plan).clone()
        });
    }
    for planned in &review.view.carried {
        ui.label(plan_view::carried_text(planned));
    }
}

/// What is refused, each line with its own tick; what nothing overrides has none.
fn dangerous(ui: &mut Ui, review: &mut Review) {
    if review.view.guards.is_empty() {
        return;
    }
    let view = Arc::clone(&review.view);
    let danger = theme::tokens(ui.visuals()).danger;
    ui.add_space(theme::STEP * 3.0);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, danger))
        .corner_radius(5)
        .inner_margin(Margin::same(10));
    frame.show(ui, |ui| {
        ui.colored_label(
            danger,
            "Refused: a mistake here can keep the board from starting, or hide its data. Tick what you want all the same",
        );
        for (place, line) in view.guards.iter().enumerate() {
            let guard = &line.guard;
            let Some(name) = guard.name else {
                ui.colored_label(danger, &guard.message)
                    .on_hover_text(&guard.help);
                continue;
            };
            let mut ticked = review.ticked.contains(&place);
            let tip = format!("{}. On the command line: --force {name}", guard.help);
            if ui.checkbox(&mut ticked, &guard.message).on_hover_text(tip).changed() {
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
        let refusal = review.refusal();
        let reason = if refusal.is_some() {
            refusal
        } else if !state.board.is_connected() {
            Some("No board is connected".to_owned())
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
            state.ask(Action::StartWrite(review.accepted()));
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
                &Request::Write(review.accepted()),
                &state.board.port,
                state.document.path(),
            );
            let saved = review.plan.boots.is_some()
                || review.plan.agent.is_some()
                || (state.document.path().is_some() && !state.document.is_dirty());
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
