//! The flash itself in hexadecimal, read from the board while one scrolls: what comes into sight is asked for, page by
//! page, between frames, and kept until the board changes. A page that was not read is said not to be known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::{
    Align2, Event, EventFilter, Key, Modifiers, Rect, Role, Sense, TextEdit, Ui, WidgetInfo, pos2,
    vec2,
};

use super::super::super::action::Action;
use super::super::super::state::AppState;
use super::super::super::theme;
use super::super::super::widgets::{hex_search, hex_view};
use super::why_not;
use crate::model::region::Region;

/// Bytes that are asked for and kept together.
const PAGE: u32 = 4096;
/// Pages kept at most: 4 MiB.
const MOST: usize = 1024;
/// Pages asked for at once at most, so that the board is soon free for other questions.
const AT_ONCE: u32 = 4;
const PER_LINE: u32 = 16;

/// What is known of the board's flash, and where the view is.
#[derive(Clone, Debug, Default)]
pub struct LiveBytes {
    /// Whether scrolling reads.
    pub on: bool,
    pages: BTreeMap<u32, Arc<[u8]>>,
    /// First visible line, and the part of a line that the wheel has left over.
    top: usize,
    rest: f32,
    jump: String,
    said: &'static str,
}

impl LiveBytes {
    /// Nothing is known any more.
    pub fn forget(&mut self) {
        self.pages.clear();
    }

    /// Stops reading: the board did not answer.
    pub fn stop(&mut self) {
        self.on = false;
    }

    /// Bytes have come.
    pub fn took(&mut self, region: Region, bytes: &[u8]) {
        let pages = (0..).zip(bytes.chunks(PAGE as usize));
        for (number, page) in pages {
            self.pages
                .insert(region.offset / PAGE + number, page.into());
        }
        while self.pages.len() > MOST {
            // The one farthest from what is seen goes first.
            let seen = self.top as u32 * PER_LINE / PAGE;
            let ends = [self.pages.keys().next(), self.pages.keys().next_back()];
            let far = ends
                .into_iter()
                .flatten()
                .max_by_key(|page| page.abs_diff(seen))
                .copied();
            let Some(far) = far else { return };
            self.pages.remove(&far);
        }
    }

    /// Bytes of a line as far as they are known.
    fn line(&self, offset: u32) -> Option<&[u8]> {
        let from = (offset % PAGE) as usize;
        let page = self.pages.get(&(offset / PAGE))?;
        page.get(from..(from + PER_LINE as usize).min(page.len()))
    }

    /// The first pages of a stretch that are not known, as one region.
    fn wanted(&self, from: u32, to: u32, size: u32) -> Option<Region> {
        let last = to.min(size.checked_sub(1)?) / PAGE;
        let missing: BTreeSet<u32> = (from / PAGE..=last)
            .filter(|page| !self.pages.contains_key(page))
            .collect();
        let first = *missing.first()?;
        let run = (first..)
            .take_while(|page| missing.contains(page))
            .take(AT_ONCE as usize);
        let offset = first * PAGE;
        let len = run.count() as u32 * PAGE;
        Some(Region::new(offset, len.min(size - offset)))
    }
}

/// Draws the view.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let size = state
        .board
        .identity
        .as_ref()
        .and_then(|identity| identity.flash_size)
        .unwrap_or(state.document.project().flash_size);
    let go_to = tools(ui, state, size);
    let font = theme::small_mono();
    let high = ui.fonts_mut(|fonts| fonts.row_height(&font) + 2.0);
    let (rect, response) =
        ui.allocate_exact_size(ui.available_size().max(vec2(80.0, high)), Sense::click());
    if response.clicked() {
        response.request_focus();
    }
    let lines = (size / PER_LINE) as usize;
    let shown = hex_view::whole(rect.height() / high).max(1);
    let live = &mut state.agent.live;
    if response.contains_pointer() {
        let turned = ui.input(|input| input.smooth_scroll_delta.y) / high + live.rest;
        live.rest = turned.fract();
        live.top = hex_view::moved(live.top, hex_view::whole(turned.abs()), turned < 0.0);
    }
    if response.has_focus() {
        keys(ui, response.id, live, shown, lines);
    }
    if let Some(offset) = go_to {
        live.top = (offset / PER_LINE) as usize;
    }
    live.top = live.top.min(lines.saturating_sub(shown));
    let text = rect.with_max_x(rect.right() - hex_view::BAR);
    let id = ui.scope_id().with("live bytes");
    hex_view::bar(
        ui,
        rect.with_min_x(text.right()),
        id,
        &mut live.top,
        lines,
        shown,
    );
    let from = live.top as u32 * PER_LINE;
    let to = from.saturating_add(shown as u32 * PER_LINE);
    paint(ui, live, text, high, from..size, shown);
    let known = live.wanted(from, to - 1, size).is_none();
    let words = format!(
        "Flash from 0x{from:X} to 0x{to:X}, {}",
        if known {
            "as read from the board"
        } else {
            "not all of it read yet"
        }
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Document, true, &words));
    if response.has_focus() && ui.input(|input| input.events.contains(&Event::Copy)) {
        ui.ctx().copy_text(as_text(&state.agent.live, from, shown));
    }
    read_more(ui, state, from, to, size);
}

/// Asks for what is in sight and not known. Nothing is read ahead, so that the board is free for other jobs.
fn read_more(ui: &Ui, state: &mut AppState, from: u32, to: u32, size: u32) {
    let live = &state.agent.live;
    if !live.on || why_not(state).is_some() {
        return;
    }
    if let Some(region) = live.wanted(from, to - 1, size) {
        state.ask(Action::ReadLive(region));
        ui.ctx().request_repaint();
    }
}

/// The row of fields. Where to go, if a field says so.
fn tools(ui: &mut Ui, state: &mut AppState, size: u32) -> Option<u32> {
    let mut go_to = None;
    ui.horizontal_wrapped(|ui| {
        let tip = "Read what comes into sight from the board, through the agent";
        ui.checkbox(&mut state.agent.live.on, "Read from the board")
            .on_hover_text(tip);
        let live = &mut state.agent.live;
        let jump = TextEdit::singleline(&mut live.jump)
            .hint_text("0x300000 or partition")
            .desired_width(160.0);
        let jump = ui
            .add(jump)
            .accessible_name("Flash offset or partition")
            .on_hover_text("Jump to an offset in hexadecimal (# for decimal), or to a partition");
        let enter = jump.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if enter {
            let name = state.agent.live.jump.trim().to_owned();
            let segment = state
                .derived
                .segments
                .iter()
                .find(|segment| segment.name == name);
            go_to = segment
                .map(|segment| segment.region.offset)
                .or_else(|| hex_search::place(&name, 0, size as usize).map(|at| at as u32));
            let there = go_to.is_some_and(|offset| offset < size);
            go_to = go_to.filter(|_| there);
            state.agent.live.said = if there { "" } else { "There is no such place" };
        }
        let tip = "Forget what was read, and read it again";
        if ui.button("Read again").on_hover_text(tip).clicked() {
            state.agent.live.forget();
        }
        let live = &state.agent.live;
        if !live.said.is_empty() {
            ui.weak(live.said);
        }
        let pages = live.pages.len();
        ui.weak(format!(
            "{} of {} KiB read",
            pages as u32 * (PAGE / 1024),
            size / 1024
        ));
    });
    go_to
}

fn paint(
    ui: &Ui,
    live: &LiveBytes,
    text: Rect,
    high: f32,
    flash: std::ops::Range<u32>,
    shown: usize,
) {
    let painter = ui.painter().with_clip_rect(text);
    let tokens = theme::tokens(ui.visuals());
    for line in 0..shown {
        let offset = flash.start.saturating_add(line as u32 * PER_LINE);
        if offset >= flash.end {
            return;
        }
        let at = pos2(text.left(), text.top() + line as f32 * high);
        let (words, ink) = match live.line(offset) {
            Some(bytes) => (
                hex_view::line_text(offset.into(), bytes, PER_LINE as usize, 8),
                tokens.text,
            ),
            None if live.on => (format!("{offset:08X}  reading"), tokens.weak),
            None => (format!("{offset:08X}  not read"), tokens.weak),
        };
        painter.text(at, Align2::LEFT_TOP, words, theme::small_mono(), ink);
    }
}

fn as_text(live: &LiveBytes, from: u32, shown: usize) -> String {
    let lines = (0..shown as u32).filter_map(|line| {
        let offset = from + line * PER_LINE;
        let bytes = live.line(offset)?;
        Some(hex_view::line_text(offset.into(), bytes, PER_LINE as usize, 8) + "\n")
    });
    lines.collect()
}

fn keys(ui: &Ui, id: eframe::egui::Id, live: &mut LiveBytes, shown: usize, lines: usize) {
    let filter = EventFilter {
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let steps = [
        (Key::ArrowUp, 1, false),
        (Key::ArrowDown, 1, true),
        (Key::PageUp, shown, false),
        (Key::PageDown, shown, true),
        (Key::Home, lines, false),
        (Key::End, lines, true),
    ];
    for (key, by, down) in steps {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
            live.top = hex_view::moved(live.top, by, down).min(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_sight_are_asked_for_once() {
        let mut live = LiveBytes::default();
        let size = 0x1_0000;
        assert_eq!(
            live.wanted(0x0FF0, 0x100F, size),
            Some(Region::new(0, 0x2000))
        );
        live.took(Region::new(0, 0x1000), &[1; 0x1000]);
        assert_eq!(
            live.wanted(0x0FF0, 0x100F, size),
            Some(Region::new(0x1000, 0x1000))
        );
        live.took(Region::new(0x1000, 0x1000), &[2; 0x1000]);
        assert_eq!(live.wanted(0x0FF0, 0x100F, size), None);
        assert_eq!(live.line(0x0FF0), Some(&[1; 16][..]));
        assert_eq!(live.line(0x1000), Some(&[2; 16][..]));
        assert_eq!(live.line(0x2000), None, "what was not read is not known");
        live.forget();
        assert_eq!(live.line(0), None);
    }

    #[test]
    fn no_page_behind_the_end_is_asked_for() {
        let live = LiveBytes::default();
        assert_eq!(
            live.wanted(0xF000, 0x2_0000, 0xF800),
            Some(Region::new(0xF000, 0x800))
        );
        assert_eq!(live.wanted(0, 0x10, 0), None);
        let most = live.wanted(0, 0xFFFF, 0x1_0000).map(|region| region.size);
        assert_eq!(most, Some(AT_ONCE * PAGE));
    }

    #[test]
    fn the_farthest_pages_are_dropped_first() {
        let mut live = LiveBytes::default();
        for page in 0..MOST as u32 + 3 {
            live.took(Region::new(page * PAGE, PAGE), &[0; PAGE as usize]);
        }
        assert_eq!(live.pages.len(), MOST);
        assert!(live.pages.contains_key(&0), "what is seen is kept");
    }
}
