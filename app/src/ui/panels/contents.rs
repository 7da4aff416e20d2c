//! What goes into the selected partition: a packer for partitions that take files, else an inspector.

use eframe::egui::{self, Align, Layout, Panel, RichText, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::content_edit::{self, EntryPath};
use super::super::name_advice::NameAdvice;
use super::super::selection::Selection;
use super::super::state::AppState;
use super::super::table_ops;
use super::super::theme;
use super::super::widgets::{command_button, gauge};
use super::{file_list, inspector, pack_strip, preview, seen_file};
use crate::engine::pack::PackedImage;
use crate::model::number::{exact_size, hex, human_size};
use crate::model::partition_table::Row;
use crate::model::problem::{Column, Severity};
use crate::model::project::Project;
use crate::model::region::Region;

/// A name being edited.
#[derive(Clone, Debug)]
pub struct Rename {
    pub at: EntryPath,
    pub text: String,
    pub fresh: bool,
}

/// State of the contents.
#[derive(Clone, Debug, Default)]
pub struct ContentsPanel {
    /// The selected file or folder.
    pub selected: Option<EntryPath>,
    pub rename: Option<Rename>,
    pub scroll_to_selection: bool,
    pub take_focus: bool,
    pub find: String,
    pub preview: preview::PreviewCache,
    pub list: file_list::ListCache,
    pub names: NameAdvice,
}

impl ContentsPanel {
    /// Starts renaming the selected file.
    pub fn begin_rename(&mut self, project: &Project, partition: &str) {
        let Some(at) = self.selected.clone() else {
            return;
        };
        let Some(files) = content_edit::files(project, partition) else {
            return;
        };
        let line = content_edit::flatten(&files.entries)
            .into_iter()
            .find(|line| line.at == at);
        self.rename = line.map(|line| Rename {
            at,
            text: line.name,
            fresh: true,
        });
    }
}

/// Draws the contents of what is selected, or the file that is looked at.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    if let Some(file) = state.seen_file.clone() {
        seen_file::ui(ui, state, &file);
        return;
    }
    match state.selection {
        Selection::Row(index) => {
            let Some((_, row)) = state.selected_row() else {
                return;
            };
            let region = state.region_of(index).unwrap_or(Region::new(0, 0));
            head(ui, state, &row, region);
            let has_files = content_edit::files(state.document.project(), &row.name).is_some();
            let has_content = state.document.project().contents.contains_key(&row.name);
            if has_files {
                packer(ui, state, &row, region);
            } else if has_content {
                inspector::raw(ui, state, &row, region);
            } else {
                inspector::nothing_goes_in(ui, state, &row);
            }
        }
        other => inspector::other(ui, state, other),
    }
}

fn head(ui: &mut Ui, state: &mut AppState, row: &Row, region: Region) {
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        let fill = theme::fill(theme::look(row.kind, row.subtype), ui.visuals());
        let (dot, _) = ui.allocate_exact_size(egui::vec2(12.0, 12.0), egui::Sense::hover());
        ui.painter().rect_filled(dot, 2.0, fill);
        let buttons = 190.0;
        let room = (ui.available_width() - buttons).max(80.0);
        ui.allocate_ui_with_layout(
            egui::vec2(room, 28.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.heading(&row.name);
                let facts = format!(
                    "{} · {} · {} · {}",
                    table_ops::value_text(row, Column::Type),
                    table_ops::value_text(row, Column::SubType),
                    hex(region.offset),
                    human_size(u64::from(region.size))
                );
                ui.add(egui::Label::new(RichText::new(facts).weak()).truncate())
                    .on_hover_text(exact_size(u64::from(region.size)));
            },
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let environment = state.environment.clone();
            ui.menu_button("More", |ui| {
                for command in [
                    Command::ChooseImage,
                    Command::OpenImage,
                    Command::ReadFiles,
                    Command::ExportImage,
                    Command::ReadPartition,
                    Command::ErasePartition,
                    Command::ExtractAll,
                    Command::PackAgain,
                    Command::Compact,
                    Command::CopyReport,
                    Command::ClearContents,
                ] {
                    command_button::menu_entry(ui, command, &environment, &mut state.actions);
                }
            })
            .response
            .on_hover_text("Choose, export, read or clear what goes into this partition");
            if table_ops::takes_files(row) {
                command_button::ui(ui, Command::AddFiles, &environment, &mut state.actions);
            } else {
                command_button::ui(ui, Command::ChooseImage, &environment, &mut state.actions);
            }
        });
    });
}

fn packer(ui: &mut Ui, state: &mut AppState, row: &Row, region: Region) {
    let image = state.packing.images().get(&row.name).cloned();
    if let Some(image) = image.as_ref().filter(|image| !image.bytes.is_empty()) {
        gauge::ui(
            ui,
            image.used + image.slack,
            image.slack,
            u64::from(region.size),
        );
    } else {
        if let Some(over) = image.as_ref().and_then(|image| image.too_large.as_ref()) {
            gauge::ui(ui, over.size, over.slack, u64::from(region.size));
        }
        not_packed(ui, image.as_deref());
    }
    ui.add_space(theme::STEP);
    pack_strip::ui(ui, state, &row.name);
    ui.add_space(theme::STEP);
    let width = ui.available_width();
    if width > 460.0 {
        let preview = Panel::right("preview")
            .resizable(true)
            .default_size(
                state
                    .layout
                    .preview
                    .unwrap_or((width * 0.42).clamp(180.0, 460.0)),
            )
            .min_size(150.0)
            .max_size(width - 260.0)
            .frame(egui::Frame::new().inner_margin(egui::Margin {
                left: 8,
                ..Default::default()
            }))
            .show(ui, |ui| preview::ui(ui, state, &row.name));
        state.layout.preview = Some(preview.response.rect.width());
        let frame = egui::Frame::new().inner_margin(egui::Margin {
            right: 10,
            ..Default::default()
        });
        egui::CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| file_list::ui(ui, state, &row.name));
    } else {
        file_list::ui(ui, state, &row.name);
    }
}

/// What is said instead of the gauge while there is no image.
fn not_packed(ui: &mut Ui, image: Option<&PackedImage>) {
    let errors = image.map_or(0, |image| {
        image
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count()
    });
    if errors == 0 {
        ui.weak("Packing…");
    } else {
        let problems = super::super::text::count(errors, "problem", "problems");
        let danger = theme::tokens(ui.visuals()).danger;
        ui.colored_label(danger, format!("Not packed: {problems} to fix first"));
    }
}

/// Height of a drop area where there is this much room, in points: low where the list needs the room more.
pub fn drop_height(room: f32) -> f32 {
    if room < 260.0 { 34.0 } else { 72.0 }
}

/// Asks for files of the selected partition; for the places that say *drop here*.
pub fn drop_area(ui: &mut Ui, state: &mut AppState, command: Command, words: &str, height: f32) {
    let tokens = theme::tokens(ui.visuals());
    let size = egui::vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    let rect = rect.shrink(1.0);
    let ink = if response.hovered() || response.has_focus() {
        tokens.accent
    } else {
        tokens.weak
    };
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    ui.painter().extend(egui::Shape::dashed_line(
        &corners,
        egui::Stroke::new(1.0, ink),
        6.0,
        4.0,
    ));
    let room = (rect.width() - 24.0).max(40.0);
    let galley = ui
        .painter()
        .layout(words.to_owned(), theme::font(theme::BODY), ink, room);
    ui.painter()
        .galley(rect.center() - galley.size() / 2.0, galley, ink);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, words));
    if response.on_hover_text(command.facts().tooltip).clicked() {
        state.ask(Action::Command(command));
    }
}
