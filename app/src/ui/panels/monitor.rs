//! The monitor: what the program on the board says, and what is sent to it.
//!
//! The state is here, the text in [`text`], the controls in [`controls`], the line to the board in [`send`]. Only the
//! lines that can be seen are laid out.

mod controls;
mod send;
mod text;

use std::path::PathBuf;
use std::time::SystemTime;

use eframe::egui::Ui;

use super::super::state::AppState;
use crate::engine::event::Monitored;
use crate::formats::console::decode::{Part, unknown_text};
use crate::formats::console::level::Level;
use crate::formats::console::line::Speaker;
use crate::formats::console::outgoing::{History, LineEnd};
use crate::formats::console::scrollback::Scrollback;
use crate::formats::console::view::{Filter, View};
use crate::store::local_time::LocalTime;

/// Lines that are filtered during one frame; a longer log is caught up with over several.
const FILTERED_AT_ONCE: usize = 10_000;

/// State of the panel.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of independent switches, each asked for by name"
)]
pub struct MonitorPanel {
    pub log: Scrollback,
    pub view: View,
    /// What stands in the filter's field.
    pub filter: String,
    pub level: Option<Level>,
    /// While paused: how many lines were shown then. The log goes on behind it.
    pub paused: Option<u64>,
    pub timestamps: bool,
    /// Bits per second.
    pub baud: u32,
    pub elf: Option<PathBuf>,
    /// Where the ELF file comes from, if nobody chose it.
    pub elf_from: Option<String>,
    /// Somebody wants no ELF file: none is taken by itself.
    pub no_elf: bool,
    pub draft: String,
    pub line_end: LineEnd,
    pub history: History,
    pub search: Search,
    /// Show the newest line.
    pub follow: bool,
    /// Bring the newest line into sight once.
    to_end: bool,
    caught_up: bool,
}

/// A search in what is shown.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of independent switches, each asked for by name"
)]
pub struct Search {
    pub open: bool,
    pub text: String,
    /// Number of the line that was found last.
    pub found: Option<u64>,
    /// It was looked for in vain.
    pub in_vain: bool,
    /// Put the cursor into the field.
    pub focus: bool,
    /// Bring the found line into sight.
    pub scroll: bool,
}

impl Default for MonitorPanel {
    fn default() -> Self {
        Self {
            log: Scrollback::default(),
            view: View::default(),
            filter: String::new(),
            level: None,
            paused: None,
            timestamps: false,
            baud: 115_200,
            elf: None,
            elf_from: None,
            no_elf: false,
            draft: String::new(),
            line_end: LineEnd::default(),
            history: History::default(),
            search: Search::default(),
            follow: true,
            to_end: false,
            caught_up: true,
        }
    }
}

impl MonitorPanel {
    /// Takes in what was heard.
    pub fn take_in(&mut self, heard: Vec<Monitored>) {
        for monitored in heard {
            match monitored {
                Monitored::Listening => {}
                Monitored::Heard(parts, at) => self.hear(parts, at),
                Monitored::Port(sentence, at) => {
                    self.log.push_line(sentence, None, Speaker::Port, at);
                }
            }
        }
    }

    fn hear(&mut self, parts: Vec<Part>, at: SystemTime) {
        for part in parts {
            match part {
                Part::Text(bytes) => self.log.push_output(&bytes, at),
                Part::Defmt(line) => {
                    self.log
                        .push_line(line.to_string(), line.level, Speaker::Defmt, at);
                }
                Part::Unknown(frame) => {
                    let text = unknown_text(&frame);
                    self.log.push_line(text, None, Speaker::Meaning, at);
                }
                Part::Meaning(text) => self.log.push_line(text, None, Speaker::Meaning, at),
            }
        }
    }

    /// Brings what is shown up to date, in a bounded step. Returns whether more is to be done.
    pub fn refresh(&mut self) -> bool {
        self.view.set_filter(Filter {
            text: self.filter.trim().to_owned(),
            level: self.level,
        });
        self.caught_up = self.view.catch_up(&self.log, FILTERED_AT_ONCE);
        !self.caught_up
    }

    /// Lines that are shown now.
    pub fn shown(&self) -> usize {
        let len = self.view.len(&self.log);
        self.paused
            .map_or(len, |end| self.view.place_of(&self.log, end).min(len))
    }

    /// Lines that came since the pause began.
    pub fn held_back(&self) -> u64 {
        self.paused.map_or(0, |end| self.log.end() - end)
    }

    /// Stops or goes on showing what comes.
    pub fn pause_or_go_on(&mut self) {
        self.paused = match self.paused {
            Some(_) => None,
            None => Some(self.log.end()),
        };
        self.to_end = self.paused.is_none();
        self.follow |= self.to_end;
    }

    /// Forgets all lines.
    pub fn clear(&mut self) {
        self.log.clear();
        self.search.found = None;
        self.paused = self.paused.map(|_| self.log.end());
    }

    /// All lines that are shown, as text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for index in 0..self.shown() {
            if let Some(line) = self.view.line(&self.log, index) {
                if self.timestamps {
                    text.push_str(&LocalTime::of(line.at).clock());
                    text.push(' ');
                }
                if line.speaker == Speaker::Meaning {
                    text.push_str("    ");
                }
                text.push_str(&line.text);
                text.push('\n');
            }
        }
        text
    }

    /// Looks for the next or the previous line that holds the searched text.
    pub fn find(&mut self, forward: bool) {
        let end = self.shown();
        let from = match (self.search.found, forward) {
            (Some(number), true) => self.view.place_of(&self.log, number) + 1,
            (Some(number), false) => {
                (self.view.place_of(&self.log, number) + end).saturating_sub(1) % end.max(1)
            }
            (None, true) => 0,
            (None, false) => end.saturating_sub(1),
        };
        let found = self
            .view
            .find(&self.log, &self.search.text, from, forward, end);
        self.search.found = found
            .and_then(|index| self.view.line(&self.log, index))
            .map(|line| line.number);
        self.search.in_vain = found.is_none() && !self.search.text.is_empty();
        self.search.scroll = found.is_some();
        self.follow &= found.is_none();
    }
}

/// Draws the panel.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    controls::ui(ui, state);
    if state.monitor.search.open {
        controls::search_ui(ui, state);
    }
    send::ui(ui, state);
    text::ui(ui, state);
}
