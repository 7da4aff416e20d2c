//! A directory as the board sees it: what its own index says, folder by folder.

use eframe::egui::{Align, Role, ScrollArea, Sense, Ui, WidgetInfo};

use super::super::super::action::Action;
use super::super::super::state::AppState;
use super::super::super::theme;
use super::super::super::widgets::list_row;
use super::{ask_button, partition, why_not};
use crate::engine::event::ListedEntry;
use crate::engine::request::Question;
use crate::model::number::{hex, human_size};

const WIDTHS: [f32; 5] = [0.0, 110.0, 110.0, 110.0, 220.0];

/// One directory of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    pub partition: String,
    /// Empty: the outermost.
    pub path: String,
    pub entries: Vec<ListedEntry>,
}

impl Directory {
    fn child(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }
}

/// Draws the view.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let partition = partition(state);
    let directory = state.agent.directory.clone();
    ui.horizontal(|ui| {
        let top = list(&partition, "");
        let tip = "List the files that the board's own directory names";
        ask_button(ui, state, "List the board's files", tip, top);
        let Some(directory) = &directory else { return };
        if !directory.path.is_empty() && ui.button("Up").clicked() {
            let above = directory
                .path
                .rsplit_once('/')
                .map_or("", |(above, _)| above);
            state.ask(Action::AskAgent(list(&directory.partition, above)));
        }
        ui.label(format!(
            "{}/{}  {}",
            directory.partition,
            directory.path,
            super::super::super::text::count(directory.entries.len(), "entry", "entries")
        ));
    });
    let Some(directory) = directory else {
        ui.weak("The board has not been asked yet");
        return;
    };
    let heads = [
        ("Name", Align::Min),
        ("Offset", Align::Max),
        ("Size", Align::Max),
        ("CRC-32 recorded", Align::Max),
        ("", Align::Min),
    ];
    list_row::head(ui, &WIDTHS, &heads);
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        theme::ROW_HEIGHT,
        directory.entries.len(),
        |ui, range| {
            for entry in directory.entries.get(range).unwrap_or_default() {
                row(ui, state, &directory, entry);
            }
        },
    );
}

fn list(partition: &str, path: &str) -> Question {
    Question::List {
        partition: partition.to_owned(),
        path: path.to_owned(),
    }
}

fn row(ui: &mut Ui, state: &mut AppState, directory: &Directory, entry: &ListedEntry) {
    let path = directory.child(&entry.name);
    let rect = list_row::ground(ui, false);
    let id = ui.scope_id().with(("on the board", &path, entry.offset));
    let response = ui.interact(rect, id, Sense::click());
    let kind = if entry.folder { "Folder" } else { "File" };
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Row, true, format!("{kind} {path} on the board"))
    });
    let tip = if entry.folder {
        "List this folder"
    } else {
        "Look this file up"
    };
    let response = response.on_hover_text(tip);
    if response.clicked() && why_not(state).is_none() {
        let partition = directory.partition.clone();
        state.ask(if entry.folder {
            Action::AskAgent(list(&partition, &path))
        } else {
            Action::LookUp { partition, path }
        });
    }
    let tokens = theme::tokens(ui.visuals());
    let cells = list_row::columns(rect, &WIDTHS);
    let slash = if entry.folder { "/" } else { "" };
    let crc32 = entry
        .crc32
        .map_or_else(|| "no record".to_owned(), |crc32| format!("{crc32:08X}"));
    let state_word = if entry.corrupt {
        "reaches outside its image"
    } else {
        ""
    };
    let texts = [
        (
            format!("{}{slash}", entry.name),
            theme::font(theme::BODY),
            tokens.text,
            Align::Min,
        ),
        (
            hex(entry.offset),
            theme::mono(),
            theme::figure(ui.visuals()),
            Align::Max,
        ),
        (
            human_size(entry.size.into()),
            theme::font(theme::BODY),
            tokens.text,
            Align::Max,
        ),
        (crc32, theme::mono(), tokens.weak, Align::Max),
        (
            state_word.to_owned(),
            theme::font(theme::SMALL),
            tokens.danger,
            Align::Min,
        ),
    ];
    for (cell, (text, font, ink, align)) in cells.into_iter().zip(texts) {
        list_row::text(ui, cell, &text, font, ink, align);
    }
}
