//! The partition table: every cell editable in place.
//!
//! A click selects a row and a cell, a second click or Enter edits it, arrow keys move. Only the cell under the cursor
//! takes part in the tab order.

use eframe::egui::{
    Align, EventFilter, Id, Key, Modifiers, Role, ScrollArea, Sense, Ui, WidgetInfo,
};

use super::super::action::Action;
use super::super::command::Command;
use super::super::selection::Selection;
use super::super::state::AppState;
use super::super::table_ops;
use super::super::theme;
use super::super::widgets::{command_button, list_row};
use super::table_cell::{self, Editing};
use crate::model::number::{exact_size, hex, human_size};
use crate::model::partition_table::{Offset, Row};
use crate::model::problem::{Column, Place, Severity};

/// The columns, in ESP-IDF's order.
pub const COLUMNS: [Column; 6] = [
    Column::Name,
    Column::Type,
    Column::SubType,
    Column::Offset,
    Column::Size,
    Column::Flags,
];

/// State of the table.
#[derive(Clone, Debug)]
pub struct TablePanel {
    /// The column of the selected row that is under the cursor.
    pub cursor: Column,
    pub editing: Option<Editing>,
    pub scroll_to_selection: bool,
    pub take_focus: bool,
}

impl Default for TablePanel {
    fn default() -> Self {
        Self {
            cursor: Column::Name,
            editing: None,
            scroll_to_selection: false,
            take_focus: false,
        }
    }
}

/// As the head of the column says.
pub fn title(column: Column) -> &'static str {
    match column {
        Column::Name => "Name",
        Column::Type => "Type",
        Column::SubType => "Subtype",
        Column::Offset => "Offset",
        Column::Size => "Size",
        Column::Flags => "Flags",
    }
}

fn align(column: Column) -> Align {
    match column {
        Column::Offset | Column::Size => Align::Max,
        _ => Align::Min,
    }
}

fn widths(room: f32) -> [f32; 7] {
    // Colour, name, type, subtype, offset, size, flags; the name takes what is left.
    let flags = if room > 560.0 { 90.0 } else { 64.0 };
    [18.0, 0.0, 62.0, 86.0, 88.0, 88.0, flags]
}

/// Draws the table.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    head(ui, state);
    let rows = state.document.shown().table.rows.clone();
    let widths = widths(ui.available_width());
    let names: Vec<_> = std::iter::once(("", Align::Min))
        .chain(
            COLUMNS
                .iter()
                .map(|column| (title(*column), align(*column))),
        )
        .collect();
    list_row::head(ui, &widths, &names);
    if rows.is_empty() {
        ui.add_space(24.0);
        ui.vertical_centered(|ui| {
            ui.weak("This table is empty");
            command_button::ui(
                ui,
                Command::AddPartition,
                &state.environment,
                &mut state.actions,
            );
        });
        return;
    }
    let id = ui.scope_id().with("table");
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut area = ScrollArea::vertical().auto_shrink(false).id_salt("rows");
    if std::mem::take(&mut state.table.scroll_to_selection)
        && let Some(row) = state.selection.row()
    {
        area = scrolled_to(ui, area, id, row);
    }
    let height = ui.available_height();
    let top = ui.cursor().top();
    area.show_rows(ui, theme::ROW_HEIGHT, rows.len(), |ui, range| {
        let scrolled = top - ui.min_rect().top() + range.start as f32 * theme::ROW_HEIGHT;
        ui.data_mut(|data| data.insert_temp(id, (scrolled, height)));
        for index in range {
            if let Some(row) = rows.get(index) {
                row_ui(ui, state, id, index, row, &widths);
            }
        }
    });
}

/// Scrolls only if the row is out of sight.
fn scrolled_to(ui: &Ui, area: ScrollArea, id: Id, row: usize) -> ScrollArea {
    let (offset, height): (f32, f32) = ui.data(|data| data.get_temp(id)).unwrap_or((0.0, 0.0));
    let top = row as f32 * theme::ROW_HEIGHT;
    if top < offset {
        area.vertical_scroll_offset(top)
    } else if top + theme::ROW_HEIGHT > offset + height && height > 0.0 {
        area.vertical_scroll_offset(top + theme::ROW_HEIGHT - height)
    } else {
        area
    }
}

fn head(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal(|ui| {
        ui.heading("Partitions");
        let number = state.document.shown().table.rows.len();
        ui.weak(number.to_string());
        ui.with_layout(eframe::egui::Layout::right_to_left(Align::Center), |ui| {
            let environment = state.environment.clone();
            ui.menu_button("More", |ui| {
                for command in [
                    Command::DuplicatePartition,
                    Command::DeletePartition,
                    Command::MovePartitionUp,
                    Command::MovePartitionDown,
                    Command::AddBefore,
                    Command::AddAfter,
                    Command::GrowPartition,
                    Command::ShrinkPartition,
                    Command::PinOffset,
                    Command::UnpinOffset,
                    Command::ArrangePartitions,
                    Command::SortRows,
                    Command::NewFromTemplate,
                ] {
                    command_button::menu_entry(ui, command, &environment, &mut state.actions);
                }
            })
            .response
            .on_hover_text("Duplicate, delete, reorder, grow, arrange");
            neighbours_ui(ui, state);
            command_button::labelled(
                ui,
                Command::AddPartition,
                "Add",
                &environment,
                &mut state.actions,
            );
        });
    });
}

/// What becomes of neighbours in the map, and a way to change it.
fn neighbours_ui(ui: &mut Ui, state: &mut AppState) {
    let words = if state.layout.push {
        "Neighbours: pushed"
    } else {
        "Neighbours: block"
    };
    let tip = Command::PushNeighbours.facts().tooltip;
    if ui
        .selectable_label(state.layout.push, words)
        .on_hover_text(tip)
        .clicked()
    {
        state.ask(Command::PushNeighbours);
    }
}

fn row_ui(ui: &mut Ui, state: &mut AppState, id: Id, index: usize, row: &Row, widths: &[f32]) {
    let selected = state.selection == Selection::Row(index);
    let rect = list_row::ground(ui, selected);
    let cells = list_row::columns(rect, widths);
    if let Some(dot) = cells.first() {
        let fill = theme::fill(theme::look(row.kind, row.subtype), ui.visuals());
        let dot =
            eframe::egui::Rect::from_center_size(dot.center(), eframe::egui::vec2(10.0, 10.0));
        ui.painter().rect_filled(dot, 2.0, fill);
    }
    for (column, cell) in COLUMNS.into_iter().zip(cells.into_iter().skip(1)) {
        let at_cursor = selected && state.table.cursor == column;
        if at_cursor
            && state
                .table
                .editing
                .as_ref()
                .is_some_and(|editing| editing.row == index && editing.column == column)
        {
            table_cell::edit_ui(ui, state, cell, row);
            continue;
        }
        let sense = if at_cursor {
            Sense::click()
        } else {
            Sense::CLICK
        };
        let cell_id = id.with((index, column));
        let response = ui.interact(cell, cell_id, sense);
        let (text, weak) = shown_text(state, index, row, column);
        response.widget_info(|| {
            WidgetInfo::selected(
                Role::Cell,
                ui.is_enabled(),
                at_cursor,
                format!("{} of {}: {text}", title(column), row.name),
            )
        });
        let tokens = theme::tokens(ui.visuals());
        let fault = fault_of(state, index, column);
        let ink = match fault {
            Some((Severity::Error, _)) => tokens.danger,
            Some((Severity::Warning, _)) => tokens.warning,
            _ if weak => tokens.weak,
            _ if column == Column::Offset => theme::figure(ui.visuals()),
            _ => tokens.text,
        };
        let font = match column {
            Column::Offset => theme::mono(),
            _ => theme::font(theme::BODY),
        };
        let cut = list_row::text(ui, cell, &text, font, ink, align(column));
        if at_cursor && response.has_focus() {
            ui.painter().rect_stroke(
                cell.shrink(1.0),
                4.0,
                eframe::egui::Stroke::new(1.5, tokens.accent),
                eframe::egui::StrokeKind::Inside,
            );
        }
        if response.clicked() {
            if (at_cursor && response.has_focus()) || response.double_clicked() {
                begin(state, index, column);
            } else {
                state.ask(Action::Select(Selection::Row(index)));
                state.table.cursor = column;
                state.table.editing = None;
                response.request_focus();
            }
        }
        if at_cursor {
            if std::mem::take(&mut state.table.take_focus) {
                response.request_focus();
            }
            keys(ui, state, index, response.id);
        }
        let response = match (fault, cut) {
            (Some((_, message)), _) => response.on_hover_text(message),
            (None, true) => response.on_hover_text(text),
            (None, false) if column == Column::Size => {
                let size = state.region_of(index).map_or(0, |region| region.size);
                response.on_hover_text(exact_size(u64::from(size)))
            }
            _ => response,
        };
        response.context_menu(|ui| {
            let environment = state.environment.clone();
            for command in [
                Command::AddPartition,
                Command::DuplicatePartition,
                Command::DeletePartition,
                Command::MovePartitionUp,
                Command::MovePartitionDown,
            ] {
                command_button::menu_entry(ui, command, &environment, &mut state.actions);
            }
        });
        if response.secondary_clicked() {
            state.ask(Action::Select(Selection::Row(index)));
        }
    }
}

/// What a cell shows, and whether it was computed rather than written.
fn shown_text(state: &AppState, index: usize, row: &Row, column: Column) -> (String, bool) {
    let region = state.region_of(index);
    match column {
        Column::Offset => (
            region.map_or_else(String::new, |region| hex(region.offset)),
            row.offset == Offset::Auto,
        ),
        Column::Size => (
            region.map_or_else(String::new, |region| human_size(u64::from(region.size))),
            false,
        ),
        Column::Type | Column::Flags => (table_ops::value_text(row, column), true),
        _ => (table_ops::value_text(row, column), false),
    }
}

fn fault_of(state: &AppState, index: usize, column: Column) -> Option<(Severity, String)> {
    state
        .derived
        .problems
        .iter()
        .find_map(|problem| match problem.place {
            Place::Row { row, column: place }
                if row == index
                    && (place == Some(column) || (place.is_none() && column == Column::Name)) =>
            {
                Some((
                    problem.severity,
                    format!("{}\n{}", problem.message, problem.help),
                ))
            }
            _ => None,
        })
}

/// Starts editing a cell.
pub fn begin(state: &mut AppState, index: usize, column: Column) {
    state.ask(Action::Select(Selection::Row(index)));
    state.table.cursor = column;
    state.table.editing = Some(Editing::new(
        index,
        column,
        table_ops::cell_text(&state.document.project().table, index, column),
    ));
}

fn keys(ui: &Ui, state: &mut AppState, index: usize, cell: Id) {
    if !ui.memory(|memory| memory.has_focus(cell)) {
        return;
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(cell, filter));
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let rows = state.document.shown().table.rows.len();
    let place = COLUMNS
        .iter()
        .position(|column| *column == state.table.cursor)
        .unwrap_or(0);
    let mut to = (index, place);
    if pressed(Key::ArrowUp) {
        to.0 = index.saturating_sub(1);
    } else if pressed(Key::ArrowDown) {
        to.0 = (index + 1).min(rows.saturating_sub(1));
    } else if pressed(Key::ArrowLeft) {
        to.1 = place.saturating_sub(1);
    } else if pressed(Key::ArrowRight) {
        to.1 = (place + 1).min(COLUMNS.len() - 1);
    } else if pressed(Key::Enter) {
        begin(state, index, state.table.cursor);
        return;
    } else if pressed(Key::Delete) {
        state.ask(Command::DeletePartition);
        return;
    }
    if to != (index, place)
        && let Some(column) = COLUMNS.get(to.1)
    {
        state.table.cursor = *column;
        if to.0 != index {
            state.ask(Action::Select(Selection::Row(to.0)));
        }
        // The cell becomes focusable when it is drawn as the selected one.
        state.table.take_focus = true;
    }
}
