//! "Compare with my pack": every file is looked up on the board and its bytes are summed there. What differs is marked
//! here and in the list of files.

use std::sync::Arc;

use eframe::egui::{Align, Role, ScrollArea, Sense, Ui, WidgetInfo};

use super::super::super::action::Action;
use super::super::super::state::AppState;
use super::super::super::theme;
use super::super::super::widgets::list_row;
use super::{ask_button, partition};
use crate::engine::compare_files::expected;
use crate::engine::event::{FileComparison, FileState, FileVerdict};
use crate::engine::pack::PackedImage;
use crate::engine::request::Question;
use crate::model::number::{hex, human_size};

const WIDTHS: [f32; 5] = [0.0, 150.0, 110.0, 110.0, 110.0];

/// A comparison, and the pack that it was made with.
#[derive(Clone, Debug)]
pub struct Compared {
    pub image: Arc<PackedImage>,
    pub comparison: FileComparison,
}

impl Compared {
    /// What was found out about a file; `None` when another pack was compared.
    pub fn verdict(&self, image: &Arc<PackedImage>, path: &str) -> Option<&FileVerdict> {
        if !Arc::ptr_eq(image, &self.image) {
            return None;
        }
        self.comparison
            .files
            .iter()
            .find(|verdict| verdict.path == path)
    }
}

/// Draws the view.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let partition = partition(state);
    let image = state
        .packing
        .images()
        .get(&partition)
        .filter(|image| !image.bytes.is_empty())
        .cloned();
    let Some(image) = image else {
        ui.weak(format!(
            "Nothing is packed for {partition}: add files first"
        ));
        return;
    };
    let compared = state.agent.compared.clone();
    ui.horizontal_wrapped(|ui| {
        let question = Question::Compare {
            partition: partition.clone(),
            files: expected(&image),
        };
        let tip = "Look every file up on the board, sum its bytes there, and mark what differs";
        ask_button(ui, state, "Compare with my pack", tip, question);
        let Some(compared) = &compared else { return };
        let tip = "Copy the outcome as text";
        if ui.button("Copy comparison").on_hover_text(tip).clicked() {
            state.ask(Action::Copy(compared.comparison.report()));
        }
        let tokens = theme::tokens(ui.visuals());
        let ink = if compared.comparison.differing() == 0 {
            tokens.good
        } else {
            tokens.warning
        };
        ui.colored_label(ink, compared.comparison.sentence());
        if !Arc::ptr_eq(&compared.image, &image) {
            ui.weak("The pack has changed since: compare again");
        }
    });
    let Some(compared) = compared else {
        ui.weak("The board has not been asked yet");
        return;
    };
    let heads = [
        ("Name", Align::Min),
        ("On the board", Align::Min),
        ("Offset", Align::Max),
        ("Size", Align::Max),
        ("CRC-32 there", Align::Max),
    ];
    list_row::head(ui, &WIDTHS, &heads);
    ui.spacing_mut().item_spacing.y = 0.0;
    let files = &compared.comparison.files;
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        theme::ROW_HEIGHT,
        files.len(),
        |ui, range| {
            for verdict in files.get(range).unwrap_or_default() {
                row(ui, state, &compared.comparison.partition, verdict);
            }
        },
    );
}

/// The ink of a verdict's word.
pub fn ink(state: FileState, tokens: &theme::Tokens) -> eframe::egui::Color32 {
    match state {
        FileState::Same => tokens.good,
        FileState::Moved | FileState::Extra => tokens.warning,
        FileState::Differs | FileState::Missing => tokens.danger,
    }
}

fn row(ui: &mut Ui, state: &mut AppState, partition: &str, verdict: &FileVerdict) {
    let rect = list_row::ground(ui, false);
    let id = ui
        .scope_id()
        .with(("compared", &verdict.path, verdict.state.word()));
    let response = ui.interact(rect, id, Sense::click());
    let words = format!("{}: {}", verdict.path, verdict.state.word());
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, &words));
    if response
        .on_hover_text("Show this file in the contents")
        .clicked()
    {
        state.ask(Action::ShowFile {
            partition: partition.to_owned(),
            path: verdict.path.clone(),
        });
    }
    let tokens = theme::tokens(ui.visuals());
    let known = |value: Option<u32>, form: fn(u32) -> String| {
        value.map_or_else(|| "unknown".to_owned(), form)
    };
    let slash = if verdict.folder { "/" } else { "" };
    let crc32 = if verdict.folder {
        String::new()
    } else {
        known(verdict.crc32, |crc32| format!("{crc32:08X}"))
    };
    let texts = [
        (
            format!("{}{slash}", verdict.path),
            theme::font(theme::BODY),
            tokens.text,
            Align::Min,
        ),
        (
            verdict.state.word().to_owned(),
            theme::font(theme::SMALL),
            ink(verdict.state, tokens),
            Align::Min,
        ),
        (
            known(verdict.offset, hex),
            theme::mono(),
            theme::figure(ui.visuals()),
            Align::Max,
        ),
        (
            known(verdict.size, |size| human_size(size.into())),
            theme::font(theme::BODY),
            tokens.text,
            Align::Max,
        ),
        (crc32, theme::mono(), tokens.weak, Align::Max),
    ];
    for (cell, (text, font, ink, align)) in list_row::columns(rect, &WIDTHS).into_iter().zip(texts)
    {
        list_row::text(ui, cell, &text, font, ink, align);
    }
}
