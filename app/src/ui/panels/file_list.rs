//! The files of one partition: names editable in place with their budget, sizes, places, checks, and what became of
//! them. Only the visible rows are drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::{
    self, Align, EventFilter, Key, Modifiers, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo,
};

use super::super::action::Action;
use super::super::board_memory::Compared;
use super::super::command::Command;
use super::super::content_edit::{self, FlatEntry};
use super::super::name_advice;
use super::super::state::AppState;
use super::super::widgets::list_row;
use super::super::{text, theme};
use super::agent::comparison;
use super::contents::{Rename, drop_area, drop_height};
use crate::engine::event::FileState;
use crate::engine::pack::{Change, PackedEntry, PackedImage};
use crate::model::number::{exact_size, hex, human_size};
use crate::model::problem::{Place, Problem, Severity};
use crate::model::project::{Content, FilesContent};

/// The lines of the list, made again only when the files or the image change.
#[derive(Clone, Debug, Default)]
pub struct ListCache {
    content: Option<Arc<Content>>,
    image: Option<Arc<PackedImage>>,
    find: String,
    pub lines: Arc<Vec<Line>>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    pub entry: FlatEntry,
    pub packed: Option<PackedEntry>,
    /// In bytes, also of a file in an image that does not fit.
    pub size: Option<u32>,
    pub problem: Option<Problem>,
}

impl ListCache {
    fn update(
        &mut self,
        content: &Arc<Content>,
        image: Option<&Arc<PackedImage>>,
        find: &str,
    ) -> Arc<Vec<Line>> {
        let same_content = self
            .content
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, content));
        let same_image = match (&self.image, image) {
            (Some(known), Some(image)) => Arc::ptr_eq(known, image),
            (None, None) => true,
            _ => false,
        };
        if !(same_content && same_image && self.find == find) {
            self.lines = Arc::new(lines(content, image, find));
            self.content = Some(content.clone());
            self.image = image.cloned();
            find.clone_into(&mut self.find);
        }
        self.lines.clone()
    }
}

fn lines(content: &Content, image: Option<&Arc<PackedImage>>, find: &str) -> Vec<Line> {
    let Content::Files(files) = content else {
        return Vec::new();
    };
    let packed: BTreeMap<&str, &PackedEntry> = image
        .iter()
        .flat_map(|image| {
            image
                .entries
                .iter()
                .map(|entry| (entry.path.as_str(), entry))
        })
        .collect();
    let problem_at: BTreeMap<&str, &Problem> = image
        .iter()
        .flat_map(|image| &image.problems)
        .filter_map(|problem| match &problem.place {
            Place::File { path, .. } => Some((path.as_str(), problem)),
            _ => None,
        })
        .collect();
    let too_large = image.and_then(|image| image.too_large.as_ref());
    let find = find.to_lowercase();
    content_edit::flatten(&files.entries)
        .into_iter()
        .filter(|entry| find.is_empty() || entry.path.to_lowercase().contains(&find))
        .map(|entry| Line {
            size: packed
                .get(entry.path.as_str())
                .map(|packed| packed.size)
                .or_else(|| too_large?.files.get(&entry.path).copied()),
            packed: packed
                .get(entry.path.as_str())
                .map(|packed| (*packed).clone()),
            problem: problem_at
                .get(entry.path.as_str())
                .map(|problem| (*problem).clone()),
            entry,
        })
        .collect()
}

/// Name, size, offset, CRC, wasted, sectors, state. Where there is no room the check goes first; waste and sectors, which
/// a tip tells too, come only where there is plenty.
fn widths(room: f32) -> Vec<f32> {
    let hidden = 0.1;
    if room > 620.0 {
        vec![0.0, 78.0, 84.0, 84.0, 64.0, 64.0, 92.0]
    } else if room > 470.0 {
        vec![0.0, 78.0, 84.0, 84.0, hidden, hidden, 92.0]
    } else {
        vec![0.0, 76.0, 74.0, hidden, hidden, hidden, 88.0]
    }
}

/// Draws the list.
pub fn ui(ui: &mut Ui, state: &mut AppState, partition: &str) {
    let Some(content) = state.document.project().contents.get(partition).cloned() else {
        return;
    };
    let Content::Files(files) = content.as_ref() else {
        return;
    };
    let image = state.packing.images().get(partition).cloned();
    let find = if files.entries.len() > 12 {
        find_ui(ui, state)
    } else {
        String::new()
    };
    let lines = state.contents.list.update(&content, image.as_ref(), &find);
    let widths = widths(ui.available_width());
    let names = [
        ("Name", Align::Min),
        ("Size", Align::Max),
        ("Offset", Align::Max),
        ("CRC-32", Align::Max),
        ("Wasted", Align::Max),
        ("Sectors", Align::Max),
        ("Board", Align::Min),
    ];
    list_row::head(ui, &widths, &names);
    let compared = state
        .derived
        .plan
        .writes
        .iter()
        .zip(&state.compared)
        .find(|(write, _)| write.target == partition)
        .map_or(Compared::Unknown, |(_, compared)| *compared);
    ui.spacing_mut().item_spacing.y = 0.0;
    let drop_area_height = drop_height(ui.available_height());
    let room = (ui.available_height() - drop_area_height - 12.0).max(theme::ROW_HEIGHT * 2.0);
    let mut area = ScrollArea::vertical()
        .auto_shrink([false, true])
        .max_height(room)
        .id_salt(("files", partition));
    if std::mem::take(&mut state.contents.scroll_to_selection)
        && let Some(index) = lines
            .iter()
            .position(|line| Some(&line.entry.at) == state.contents.selected.as_ref())
    {
        area =
            area.vertical_scroll_offset((index as f32 * theme::ROW_HEIGHT - room / 2.0).max(0.0));
    }
    area.show_rows(ui, theme::ROW_HEIGHT, lines.len(), |ui, range| {
        for index in range {
            line_ui(
                ui, state, partition, files, &lines, index, &widths, compared,
            );
        }
    });
    ui.add_space(theme::STEP * 2.0);
    drop_area(
        ui,
        state,
        Command::AddFiles,
        text::DROP_HERE,
        drop_area_height,
    );
}

fn find_ui(ui: &mut Ui, state: &mut AppState) -> String {
    let edit = TextEdit::singleline(&mut state.contents.find)
        .hint_text("Find in list")
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).accessible_name("Find in list");
    if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F)) {
        response.request_focus();
    }
    state.contents.find.trim().to_owned()
}

#[expect(
    clippy::too_many_arguments,
    reason = "one row of a list is drawn from all of these; a struct would be used once"
)]
fn line_ui(
    ui: &mut Ui,
    state: &mut AppState,
    partition: &str,
    files: &FilesContent,
    lines: &[Line],
    index: usize,
    widths: &[f32],
    compared: Compared,
) {
    let Some(line) = lines.get(index) else { return };
    let entry = &line.entry;
    let selected = state.contents.selected.as_ref() == Some(&entry.at);
    let rect = list_row::ground(ui, selected);
    let mut cells = list_row::columns(rect, widths);
    let indent = (entry.at.len() - 1) as f32 * 16.0;
    if let Some(name) = cells.first_mut() {
        name.min.x = (name.min.x + indent).min(name.max.x - 40.0);
    }
    let [name, size, offset, crc, wasted, sectors, board] = cells.as_slice() else {
        return;
    };
    if state
        .contents
        .rename
        .as_ref()
        .is_some_and(|rename| rename.at == entry.at)
    {
        rename_ui(ui, state, partition, files, *name);
    } else {
        let sense = if selected || (state.contents.selected.is_none() && index == 0) {
            Sense::click()
        } else {
            Sense::CLICK
        };
        let response = ui.interact(rect, ui.scope_id().with(("file", &entry.at)), sense);
        response.widget_info(|| {
            WidgetInfo::selected(Role::Row, true, selected, format!("File {}", entry.path))
        });
        let differs = state.packing.compared_with(partition).is_some();
        if response.clicked() {
            state.contents.selected = Some(entry.at.clone());
            response.request_focus();
        }
        if response.double_clicked() {
            state.contents.rename = Some(Rename {
                at: entry.at.clone(),
                text: entry.name.clone(),
                fresh: true,
            });
        }
        if selected && std::mem::take(&mut state.contents.take_focus) {
            response.request_focus();
        }
        if selected {
            keys(ui, state, lines, index, response.id);
        }
        let response = match &line.problem {
            Some(problem) => {
                response.on_hover_text(format!("{}\n{}", problem.message, problem.help))
            }
            None if entry.folder => response,
            None => response.on_hover_text(format!("{}{}", entry.source, about(line, differs))),
        };
        response.context_menu(|ui| {
            state.contents.selected = Some(entry.at.clone());
            let environment = super::super::environment::Environment {
                entry: true,
                ..state.environment.clone()
            };
            for command in [
                Command::RenameFile,
                Command::RemoveFile,
                Command::ExtractFile,
                Command::LookUp,
            ] {
                super::super::widgets::command_button::menu_entry(
                    ui,
                    command,
                    &environment,
                    &mut state.actions,
                );
            }
        });
        name_ui(ui, state, partition, files, line, *name);
    }
    let proven = state.packing.images().get(partition).and_then(|image| {
        let compared = state.agent.compared.as_ref()?;
        Some(compared.verdict(image, &entry.path)?.state)
    });
    figures_ui(
        ui,
        line,
        state.environment.packing,
        [*size, *offset, *crc, *wasted, *sectors, *board],
        compared,
        proven,
    );
}

/// What the tip of a file says beside where it comes from.
fn about(line: &Line, differs: bool) -> String {
    let Some(packed) = &line.packed else {
        return String::new();
    };
    let cost = match packed.sectors_changed.filter(|_| differs) {
        Some(sectors) => format!(" · {} to write", text::count(sectors, "sector", "sectors")),
        None => String::new(),
    };
    format!(
        "\n{}\nCRC-32 {:08X} · {} wasted{cost}",
        exact_size(u64::from(packed.size)),
        packed.crc32,
        text::count(packed.wasted as usize, "byte", "bytes")
    )
}

fn name_ui(
    ui: &mut Ui,
    state: &mut AppState,
    partition: &str,
    files: &FilesContent,
    line: &Line,
    cell: egui::Rect,
) {
    let tokens = theme::tokens(ui.visuals());
    let entry = &line.entry;
    let limit = content_edit::name_limit(files.format);
    let too_long = entry.name.len() > limit;
    let ink = match line.problem.as_ref().map(|problem| problem.severity) {
        Some(Severity::Error) => tokens.danger,
        Some(Severity::Warning) => tokens.warning,
        _ if too_long => tokens.danger,
        _ => tokens.text,
    };
    let shown = if entry.folder {
        format!("{}/", entry.name)
    } else {
        entry.name.clone()
    };
    let mut place = cell;
    if too_long {
        let short = name_advice::propose(files.format, &entry.name, &BTreeSet::new());
        let label = format!("Use {short}");
        let button = egui::Rect::from_min_max(
            egui::pos2(cell.right() - 106.0, cell.top() + 2.0),
            egui::pos2(cell.right() - 4.0, cell.bottom() - 2.0),
        );
        place.max.x = button.left();
        let tip = format!(
            "The name has {} bytes; this format holds {limit}",
            entry.name.len()
        );
        if ui
            .put(button, egui::Button::new(label).truncate())
            .on_hover_text(tip)
            .clicked()
        {
            let taken: BTreeSet<String> = siblings(files, &entry.at).into_iter().collect();
            let short = name_advice::propose(files.format, &entry.name, &taken);
            rename(state, partition, &entry.at, &short);
        }
    }
    list_row::text(ui, place, &shown, theme::font(theme::BODY), ink, Align::Min);
}

fn siblings(files: &FilesContent, at: &[usize]) -> Vec<String> {
    let parent = at.get(..at.len().saturating_sub(1)).unwrap_or_default();
    content_edit::flatten(&files.entries)
        .into_iter()
        .filter(|line| line.at.len() == at.len() && line.at.starts_with(parent) && line.at != at)
        .map(|line| line.name)
        .collect()
}

fn figures_ui(
    ui: &Ui,
    line: &Line,
    packing: bool,
    [size, offset, crc, wasted, sectors, board]: [egui::Rect; 6],
    compared: Compared,
    proven: Option<FileState>,
) {
    let tokens = theme::tokens(ui.visuals());
    let entry = &line.entry;
    let mono = theme::mono;
    if entry.folder {
        let files = text::count(entry.files, "file", "files");
        list_row::text(
            ui,
            size,
            &files,
            theme::font(theme::SMALL),
            tokens.weak,
            Align::Max,
        );
    }
    if let Some(bytes) = line.size.filter(|_| !entry.folder) {
        let words = human_size(u64::from(bytes));
        list_row::text(
            ui,
            size,
            &words,
            theme::font(theme::BODY),
            tokens.text,
            Align::Max,
        );
    }
    let Some(packed) = &line.packed else {
        if line.problem.is_none() {
            let words = if packing { "packing…" } else { "not packed" };
            list_row::text(
                ui,
                board,
                words,
                theme::font(theme::SMALL),
                tokens.weak,
                Align::Min,
            );
        }
        return;
    };
    if !entry.folder && crc.width() > 40.0 {
        list_row::text(
            ui,
            crc,
            &format!("{:08X}", packed.crc32),
            mono(),
            tokens.weak,
            Align::Max,
        );
    }
    if wasted.width() > 40.0 {
        let bytes = packed.wasted.to_string();
        list_row::text(ui, wasted, &bytes, mono(), tokens.weak, Align::Max);
        let cost = packed
            .sectors_changed
            .map_or_else(|| "–".to_owned(), |number| number.to_string());
        list_row::text(ui, sectors, &cost, mono(), tokens.weak, Align::Max);
    }
    list_row::text(
        ui,
        offset,
        &hex(packed.offset),
        mono(),
        theme::figure(ui.visuals()),
        Align::Max,
    );
    if let Some(proven) = proven {
        // The agent has summed this very file on the board, which says more than the sectors of the image.
        let ink = comparison::ink(proven, tokens);
        let words = proven.word();
        list_row::text(ui, board, words, theme::font(theme::SMALL), ink, Align::Min);
        return;
    }
    let (words, ink) = match (compared, packed.change) {
        (Compared::Same, _) | (Compared::Differs, Change::Same) => ("same", tokens.good),
        (Compared::Unknown, _) => ("not checked", tokens.weak),
        (Compared::Differs, Change::New) => ("new", tokens.warning),
        (Compared::Differs, Change::Changed) => ("changed", tokens.warning),
        (Compared::Differs, Change::Moved) => ("moved", tokens.warning),
    };
    list_row::text(ui, board, words, theme::font(theme::SMALL), ink, Align::Min);
}

fn rename_ui(
    ui: &mut Ui,
    state: &mut AppState,
    partition: &str,
    files: &FilesContent,
    cell: egui::Rect,
) {
    let Some(mut editing) = state.contents.rename.take() else {
        return;
    };
    let limit = content_edit::name_limit(files.format);
    let budget = format!("{}/{limit}", editing.text.len());
    let tokens = theme::tokens(ui.visuals());
    let ink = if editing.text.len() > limit {
        tokens.danger
    } else {
        tokens.weak
    };
    let field = cell.with_max_x(cell.right() - 44.0);
    let edit = TextEdit::singleline(&mut editing.text)
        .margin(egui::Margin::symmetric(4, 3))
        .desired_width(field.width());
    let response = ui.put(field, edit).accessible_name("New name");
    let budget_cell = cell.with_min_x(cell.right() - 44.0);
    let words = egui::RichText::new(budget)
        .font(theme::font(theme::SMALL))
        .color(ink);
    ui.put(budget_cell, egui::Label::new(words));
    if std::mem::take(&mut editing.fresh) {
        response.request_focus();
    }
    let beside = siblings(files, &editing.at);
    if let Some(why) = name_advice::fault(files, editing.text.trim(), beside.iter()) {
        response.show_tooltip_text(why);
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.contents.take_focus = true;
        return;
    }
    if response.lost_focus() {
        rename(state, partition, &editing.at, editing.text.trim());
        state.contents.take_focus = true;
        return;
    }
    state.contents.rename = Some(editing);
}

fn rename(state: &mut AppState, partition: &str, at: &[usize], name: &str) {
    if name.is_empty() {
        state.ask(Action::Tell("A name cannot be empty".to_owned()));
        return;
    }
    let project = content_edit::with_renamed(state.document.project(), partition, at, name);
    state.ask(Action::Edit {
        name: format!("rename to {name}"),
        project: Box::new(project),
    });
}

fn keys(ui: &Ui, state: &mut AppState, lines: &[Line], index: usize, row: egui::Id) {
    if !ui.memory(|memory| memory.has_focus(row)) {
        return;
    }
    let filter = EventFilter {
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(row, filter));
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let to = if pressed(Key::ArrowUp) {
        index.checked_sub(1)
    } else if pressed(Key::ArrowDown) {
        Some(index + 1)
    } else if pressed(Key::Enter) {
        state.ask(Command::RenameFile);
        None
    } else if pressed(Key::Delete) {
        state.ask(Command::RemoveFile);
        None
    } else {
        None
    };
    if let Some(line) = to.and_then(|to| lines.get(to)) {
        state.contents.selected = Some(line.entry.at.clone());
        state.contents.scroll_to_selection = true;
        ui.memory_mut(|memory| memory.request_focus(ui.scope_id().with(("file", &line.entry.at))));
    }
}
