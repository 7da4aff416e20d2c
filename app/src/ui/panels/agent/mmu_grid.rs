//! The MMU table as a grid of cells, one for each entry: what it shows, coloured by the partition of the board's own
//! table, or that it is free. A chosen cell is shown on the flash map too.

use eframe::egui::{
    Align2, EventFilter, Key, Modifiers, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::super::super::action::Action;
use super::super::super::state::AppState;
use super::super::super::theme;
use super::{ask_button, why_not};
use crate::engine::event::{BoardMap, MmuEntry};
use crate::engine::request::{Mapping, Question};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// Smallest size of a cell in points.
const CELL: f32 = 30.0;
const GAP: f32 = 2.0;
/// Columns to choose from: those that part 128 evenly.
const COLUMNS: [usize; 4] = [32, 16, 8, 4];

/// Draws the view.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal_wrapped(|ui| {
        let map_all = Question::Map(Mapping::All);
        let tip = "Map all of the flash, as far as entries are free, and show the table";
        ask_button(ui, state, "Map all", tip, map_all);
        let others = [
            ("Read the table", "Show the table as it is", Mapping::AsItIs),
            (
                "Release",
                "Give back every entry that the agent took",
                Mapping::Released,
            ),
        ];
        for (label, tip, mapping) in others {
            let why_not = why_not(state);
            let button = ui.add_enabled(why_not.is_none(), eframe::egui::Button::new(label));
            let tip = why_not.unwrap_or(tip);
            if button
                .on_hover_text(tip)
                .on_disabled_hover_text(tip)
                .clicked()
            {
                state.ask(Action::AskAgent(Question::Map(mapping)));
            }
        }
        if let Some(map) = &state.agent.map {
            ui.label(summary(map));
        }
    });
    let Some(map) = state.agent.map.clone() else {
        ui.weak("The board has not been asked yet");
        return;
    };
    let room = ui.available_width();
    let columns = COLUMNS
        .into_iter()
        .find(|columns| (room - GAP) / *columns as f32 >= CELL)
        .unwrap_or(4);
    eframe::egui::ScrollArea::vertical()
        .auto_shrink(false)
        .show(ui, |ui| {
            if let Some(entry) = map.mmu.entries.get(state.agent.cursor) {
                ui.label(words(&map, entry));
            }
            grid(ui, state, &map, columns);
        });
}

fn summary(map: &BoardMap) -> String {
    let mmu = &map.mmu;
    let sliding = if mmu.sliding {
        "; the flash is larger than the table, pages slide"
    } else {
        ""
    };
    format!(
        "{} of {} entries free, {} taken by the agent, pages of {}{sliding}",
        mmu.free,
        mmu.entries.len(),
        mmu.own,
        human_size(mmu.page_size.into())
    )
}

/// All that is known of an entry.
fn words(map: &BoardMap, entry: &MmuEntry) -> String {
    let Some(offset) = entry.flash_offset else {
        return format!("MMU entry {}: free", entry.index);
    };
    let names: Vec<&str> = map
        .shown_by(entry)
        .map(|partition| partition.name.as_str())
        .collect();
    let what = if names.is_empty() {
        "no partition".to_owned()
    } else {
        names.join(", ")
    };
    let whose = if entry.own { "" } else { ", not the agent's" };
    format!(
        "MMU entry {}: {what}, flash {}, data {}, code {}{whose}",
        entry.index,
        hex(offset),
        hex(entry.vaddr),
        hex(entry.vaddr_code)
    )
}

fn grid(ui: &mut Ui, state: &mut AppState, map: &BoardMap, columns: usize) {
    let rows = map.mmu.entries.len().div_ceil(columns);
    let side = ((ui.available_width() - GAP) / columns as f32).clamp(CELL * 0.5, 44.0);
    let high = side.min(34.0);
    let all = vec2(side * columns as f32, high * rows as f32);
    let (rect, _) = ui.allocate_exact_size(all, Sense::hover());
    state.agent.cursor = state
        .agent
        .cursor
        .min(map.mmu.entries.len().saturating_sub(1));
    let mut go_to = None;
    for (at, entry) in map.mmu.entries.iter().enumerate() {
        let corner = pos2(
            rect.left() + (at % columns) as f32 * side,
            rect.top() + (at / columns) as f32 * high,
        );
        let cell = Rect::from_min_size(corner, vec2(side - GAP, high - GAP));
        let chosen = state.agent.cursor == at;
        // Only the chosen cell takes part in the tab order; arrow keys go on from there.
        let sense = if chosen { Sense::click() } else { Sense::CLICK };
        let id = ui.scope_id().with(("MMU entry", at));
        let response = ui.interact(cell, id, sense);
        paint(ui, map, entry, cell, chosen, &response);
        let words = words(map, entry);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &words));
        if response.clicked() {
            go_to = Some(at);
        }
        if chosen && response.has_focus() {
            go_to = keys(ui, id, at, columns, map.mmu.entries.len()).or(go_to);
        }
        response.on_hover_text(words);
    }
    if let Some(at) = go_to {
        state.agent.cursor = at;
        let id = ui.scope_id().with(("MMU entry", at));
        ui.memory_mut(|memory| memory.request_focus(id));
        if let Some(what) = map
            .mmu
            .entries
            .get(at)
            .and_then(|entry| on_the_map(state, map, entry))
        {
            state.ask(Action::Select(what));
        }
    }
}

/// What of the flash map the entry shows: the partition that the board's table names, where the project has it too.
fn on_the_map(
    state: &AppState,
    map: &BoardMap,
    entry: &MmuEntry,
) -> Option<super::super::super::selection::Selection> {
    let page = Region::new(entry.flash_offset?, map.mmu.page_size);
    let named: Vec<&str> = map
        .shown_by(entry)
        .map(|partition| partition.name.as_str())
        .collect();
    let segments = &state.derived.segments;
    let inside = || {
        segments
            .iter()
            .filter(|segment| segment.region.overlaps(page))
    };
    inside()
        .find(|segment| named.contains(&segment.name.as_str()))
        .or_else(|| inside().next())
        .map(|segment| segment.what)
}

fn keys(ui: &Ui, id: eframe::egui::Id, at: usize, columns: usize, count: usize) -> Option<usize> {
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let to = if pressed(Key::ArrowLeft) {
        at.checked_sub(1)
    } else if pressed(Key::ArrowRight) {
        Some(at + 1)
    } else if pressed(Key::ArrowUp) {
        at.checked_sub(columns)
    } else if pressed(Key::ArrowDown) {
        Some(at + columns)
    } else if pressed(Key::Home) {
        Some(0)
    } else if pressed(Key::End) {
        count.checked_sub(1)
    } else {
        None
    };
    to.filter(|to| *to < count)
}

fn paint(ui: &Ui, map: &BoardMap, entry: &MmuEntry, cell: Rect, chosen: bool, response: &Response) {
    let tokens = theme::tokens(ui.visuals());
    let painter = ui.painter();
    let shown: Vec<_> = map.shown_by(entry).collect();
    let mut ink = tokens.weak;
    if entry.flash_offset.is_some() {
        let fills: Vec<_> = if shown.is_empty() {
            vec![theme::fill(theme::Look::Reserved, ui.visuals())]
        } else {
            shown
                .iter()
                .map(|partition| {
                    theme::fill(theme::look(partition.kind, partition.subtype), ui.visuals())
                })
                .collect()
        };
        let wide = cell.width() / fills.len() as f32;
        for (number, fill) in fills.iter().enumerate() {
            let left = cell.left() + number as f32 * wide;
            let stripe = Rect::from_x_y_ranges(left..=left + wide, cell.y_range());
            painter.rect_filled(stripe, 0.0, *fill);
        }
        if let Some(fill) = fills.get(fills.len() / 2) {
            ink = theme::text_on(*fill);
        }
    }
    let line = if chosen || response.has_focus() {
        Stroke::new(2.0, tokens.accent)
    } else if response.hovered() {
        Stroke::new(1.0, tokens.text)
    } else {
        Stroke::new(1.0, tokens.line)
    };
    painter.rect_stroke(cell, 2.0, line, StrokeKind::Inside);
    let text = entry.index.to_string();
    painter.text(
        cell.center(),
        Align2::CENTER_CENTER,
        text,
        theme::small_mono(),
        ink,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::MmuTable;

    #[test]
    fn a_cell_says_what_it_shows() {
        let entry = |flash_offset| MmuEntry {
            index: 3,
            flash_offset,
            own: true,
            vaddr: 0x3C03_0000,
            vaddr_code: 0x4203_0000,
        };
        let map = BoardMap {
            mmu: MmuTable {
                page_size: 0x1_0000,
                free: 127,
                own: 1,
                sliding: false,
                entries: vec![entry(Some(0x3_0000))],
            },
            partitions: Vec::new(),
        };
        assert_eq!(words(&map, &entry(None)), "MMU entry 3: free");
        assert_eq!(
            words(&map, &entry(Some(0x3_0000))),
            "MMU entry 3: no partition, flash 0x30000, data 0x3C030000, code 0x42030000"
        );
        assert!(summary(&map).starts_with("127 of 1 entries free"));
    }
}
