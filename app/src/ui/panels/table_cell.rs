//! The cell that is being edited: a text field, with names to choose from under it for types, subtypes and flags.

use eframe::egui::{
    Id, Key, Modifiers, Popup, PopupCloseBehavior, Rect, RectAlign, ScrollArea, TextEdit, Ui,
    UiBuilder,
    text::{CCursor, CCursorRange},
};

use super::super::action::Action;
use super::super::state::AppState;
use super::super::table_ops;
use super::super::theme;
use super::table::{COLUMNS, begin, title};
use crate::model::partition_table::Row;
use crate::model::problem::Column;

/// A cell being edited.
#[derive(Clone, Debug)]
pub struct Editing {
    pub row: usize,
    pub column: Column,
    pub text: String,
    original: String,
    /// Why what is typed cannot be taken.
    fault: Option<String>,
    fresh: bool,
}

impl Editing {
    /// Starts with the text of the cell, all of it marked.
    pub fn new(row: usize, column: Column, text: String) -> Self {
        Self {
            row,
            column,
            original: text.clone(),
            text,
            fault: None,
            fresh: true,
        }
    }
}

/// Draws the field and carries the edit out when it ends.
pub fn edit_ui(ui: &mut Ui, state: &mut AppState, cell: Rect, row: &Row) {
    let Some(mut editing) = state.table.editing.take() else {
        return;
    };
    let id = Id::unique(("cell editor", editing.row, editing.column));
    let font = match editing.column {
        Column::Offset | Column::Size => theme::mono(),
        _ => theme::font(theme::BODY),
    };
    let tab = ui.memory(|memory| memory.has_focus(id)).then(|| {
        ui.input_mut(|input| {
            if input.consume_key(Modifiers::SHIFT, Key::Tab) {
                Some(false)
            } else if input.consume_key(Modifiers::NONE, Key::Tab) {
                Some(true)
            } else {
                None
            }
        })
    });
    let tab = tab.flatten();
    let mut child = ui.new_child(UiBuilder::new().max_rect(cell));
    let mut output = TextEdit::singleline(&mut editing.text)
        .id(id)
        .font(font)
        .desired_width(cell.width() - 8.0)
        .margin(eframe::egui::Margin::symmetric(4, 2))
        .min_size(cell.size())
        .align(eframe::egui::Align2::LEFT_CENTER)
        .show(&mut child);
    let response = output.response.response.clone();
    let response =
        response.accessible_name(format!("Edit {} of {}", title(editing.column), row.name));
    if std::mem::take(&mut editing.fresh) {
        response.request_focus();
        let all = CCursorRange::two(
            CCursor::default(),
            CCursor::new(editing.text.chars().count()),
        );
        output.state.cursor.set_char_range(Some(all));
        output.state.store(ui.ctx(), id);
    }
    // What was there offers everything; what is typed offers what begins like it.
    let typed = editing.text.trim().to_lowercase();
    let untouched = typed == editing.original.to_lowercase();
    let choices: Vec<_> = table_ops::choices(row, editing.column)
        .into_iter()
        .filter(|choice| untouched || choice.starts_with(&typed))
        .collect();
    let mut picked = None;
    if !choices.is_empty() {
        Popup::from_response(&response)
            .open(true)
            .align(RectAlign::BOTTOM_START)
            .close_behavior(PopupCloseBehavior::IgnoreClicks)
            .width(cell.width().max(130.0))
            .show(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ScrollArea::vertical()
                    .max_height(theme::ROW_HEIGHT * 8.0)
                    .show(ui, |ui| {
                        for choice in choices {
                            let shown = if choice.is_empty() { "none" } else { choice };
                            if ui.selectable_label(editing.text == choice, shown).clicked() {
                                picked = Some(choice.to_owned());
                            }
                        }
                    });
            });
    }
    if let Some(fault) = &editing.fault {
        response.show_tooltip_text(fault.as_str());
    }
    if let Some(picked) = picked {
        editing.text = picked;
        commit(state, editing, None);
        return;
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.table.take_focus = true;
        return;
    }
    if tab.is_some() || response.lost_focus() {
        let enter = ui.input(|input| input.key_pressed(Key::Enter));
        if enter {
            state.table.take_focus = true;
        }
        // Clicking elsewhere keeps what was typed if it can be taken, and lets go of it otherwise.
        let keep_open = enter || tab.is_some();
        let editing = Editing {
            fresh: keep_open,
            ..editing
        };
        let fault = commit(state, editing, tab);
        if !keep_open && fault {
            state.table.editing = None;
        }
        return;
    }
    if response.changed() {
        editing.fault = None;
    }
    state.table.editing = Some(editing);
}

/// Takes the typed text over; with `tab` goes on to the next or the previous cell. Whether it was refused.
fn commit(state: &mut AppState, mut editing: Editing, tab: Option<bool>) -> bool {
    let project = state.document.project();
    let unchanged =
        table_ops::cell_text(&project.table, editing.row, editing.column) == editing.text;
    if !unchanged {
        match table_ops::set_cell(project, editing.row, editing.column, &editing.text) {
            Ok(edited) => state.ask(Action::Edit {
                name: edited.name,
                project: Box::new(edited.project),
            }),
            Err(reason) => {
                editing.fault = Some(reason.clone());
                state.ask(Action::Tell(reason));
                state.table.take_focus = false;
                state.table.editing = Some(Editing {
                    fresh: true,
                    ..editing
                });
                return true;
            }
        }
    }
    if let Some(forward) = tab {
        let place = COLUMNS
            .iter()
            .position(|column| *column == editing.column)
            .unwrap_or(0);
        let next = if forward {
            place + 1
        } else {
            place.wrapping_sub(1)
        };
        if let Some(column) = COLUMNS.get(next) {
            begin(state, editing.row, *column);
        } else {
            state.table.take_focus = true;
        }
    }
    false
}
