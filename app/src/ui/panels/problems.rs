//! Everything that is wrong with the project: a click goes to the place, one click more mends it.

use eframe::egui::{Align, Layout, RichText, ScrollArea, Ui};

use super::super::action::Action;
use super::super::state::AppState;
use super::super::widgets::icon::{self, Icon};
use super::super::{text, theme};
use crate::model::problem::{Column, Fix, Place, Problem, Severity};

/// Draws the list.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    if state.derived.problems.is_empty() {
        ui.horizontal(|ui| {
            icon::ui(ui, Icon::Check, theme::tokens(ui.visuals()).good);
            ui.label(text::NO_PROBLEMS);
        });
        return;
    }
    let problems = state.derived.problems.clone();
    let height = theme::ROW_HEIGHT + 16.0;
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, height, problems.len(), |ui, range| {
            for index in range {
                if let Some(problem) = problems.get(index) {
                    row(ui, state, problem, height);
                }
            }
        });
}

fn row(ui: &mut Ui, state: &mut AppState, problem: &Problem, height: f32) {
    let tokens = theme::tokens(ui.visuals());
    let (word, ink) = match problem.severity {
        Severity::Error => ("Error", tokens.danger),
        Severity::Warning => ("Warning", tokens.warning),
        Severity::Note => ("Note", tokens.weak),
    };
    ui.horizontal(|ui| {
        ui.set_height(height);
        ui.allocate_ui_with_layout(
            eframe::egui::vec2(62.0, height),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(62.0);
                ui.label(RichText::new(word).color(ink).strong());
            },
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(fix) = &problem.fix {
                let label = fix_label(fix);
                if ui
                    .button(label)
                    .on_hover_text("Mends this problem; can be undone")
                    .clicked()
                {
                    state.ask(Action::ApplyFix(fix.clone()));
                }
            }
            if ui.button("Show").on_hover_text("Go to the place").clicked() {
                state.ask(Action::GoTo(problem.place.clone()));
            }
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let place = place(state, &problem.place);
                let message = if place.is_empty() {
                    problem.message.clone()
                } else {
                    format!("{place}: {}", problem.message)
                };
                ui.add_space(2.0);
                ui.add(eframe::egui::Label::new(message).truncate());
                ui.add(eframe::egui::Label::new(RichText::new(&problem.help).weak()).truncate());
            });
        });
    });
}

fn place(state: &AppState, place: &Place) -> String {
    match place {
        Place::Project => String::new(),
        Place::Table => "Table".to_owned(),
        Place::Row { row, column } => {
            let name = state
                .document
                .shown()
                .table
                .rows
                .get(*row)
                .map_or_else(String::new, |row| row.name.clone());
            match column {
                Some(column) => format!("{name}, {}", column_word(*column)),
                None => name,
            }
        }
        Place::Line { line, .. } => format!("Line {line}"),
        Place::Partition { name } => name.clone(),
        Place::File { partition, path } if partition.is_empty() => path.clone(),
        Place::File { partition, path } => format!("{path} in {partition}"),
    }
}

fn column_word(column: Column) -> &'static str {
    match column {
        Column::Name => "name",
        Column::Type => "type",
        Column::SubType => "subtype",
        Column::Offset => "offset",
        Column::Size => "size",
        Column::Flags => "flags",
    }
}

/// What the button of a fix says.
pub fn fix_label(fix: &Fix) -> String {
    match fix {
        Fix::SetCell { column, text, .. } if text.is_empty() => {
            format!("Clear {}", column_word(*column))
        }
        Fix::SetCell { column, text, .. } => format!("Set {} to {text}", column_word(*column)),
        Fix::RemoveRow { .. } => "Remove the row".to_owned(),
        Fix::AutoArrange => "Arrange automatically".to_owned(),
        Fix::AddOtaData => "Add otadata".to_owned(),
        Fix::SortRows => "Sort the rows".to_owned(),
        Fix::SaveAsUtf8 => "Keep as UTF-8".to_owned(),
    }
}
