//! One row of the table of commands: what a command is called, where it stands, when it is available, what it does.
//!
//! The conditions that several commands share stand here too. A command is added by a variant of [`Command`] and a
//! row in the file of its menu, and nowhere else.

use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::Command;
use crate::ui::environment::Environment;
use crate::ui::state::AppState;

/// Where a command stands in the menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    File,
    Edit,
    Table,
    Board,
    View,
    Help,
}

/// A command's row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub command: Command,
    pub menu: Menu,
    pub label: &'static str,
    pub tooltip: &'static str,
    pub shortcut: Option<KeyboardShortcut>,
    /// A line above it in the menu.
    pub begins_group: bool,
    /// Why it is not available; `None` if it is.
    pub why_not: fn(&Environment) -> Option<String>,
    /// What it does. Called only when it is available.
    pub run: fn(&mut AppState, &Context),
}

/// A row that waits for what it does: [`Row::runs`].
#[derive(Clone, Copy)]
#[must_use]
pub struct Row(Facts);

/// Begins the row of a command that is always available, without a shortcut.
pub const fn row(menu: Menu, command: Command, label: &'static str, tooltip: &'static str) -> Row {
    Row(Facts {
        command,
        menu,
        label,
        tooltip,
        shortcut: None,
        begins_group: false,
        why_not: |_| None,
        run: |_, _| {},
    })
}

impl Row {
    /// The keys that give the command.
    pub const fn keys(mut self, shortcut: KeyboardShortcut) -> Self {
        self.0.shortcut = Some(shortcut);
        self
    }

    /// A line above it in the menu.
    pub const fn begins_group(mut self) -> Self {
        self.0.begins_group = true;
        self
    }

    /// The command is grey, and says why, while `why_not` gives a reason.
    pub const fn unless(mut self, why_not: fn(&Environment) -> Option<String>) -> Self {
        self.0.why_not = why_not;
        self
    }

    /// What the command does; this ends the row, so that no row can do without.
    pub const fn runs(mut self, run: fn(&mut AppState, &Context)) -> Facts {
        self.0.run = run;
        self.0
    }
}

/// Ctrl (Command on macOS) and a key.
pub const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// Ctrl, Shift and a key.
pub const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// A key alone.
pub const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

/// The reason, unless the condition holds.
pub fn need(there: bool, reason: &str) -> Option<String> {
    (!there).then(|| reason.to_owned())
}

/// No job may run.
pub fn idle(now: &Environment) -> Option<String> {
    now.job
        .as_ref()
        .map(|job| format!("{job} is running: wait for it, or cancel it"))
}

/// No job may run, and a board must be connected.
pub fn idle_and_connected(now: &Environment) -> Option<String> {
    idle(now).or_else(|| need(now.connected, "Connect a board first"))
}

/// A partition must be selected.
pub fn partition_selected(now: &Environment) -> Option<String> {
    need(now.row.is_some(), "Select a partition first")
}

/// The table must have a row.
pub fn has_rows(now: &Environment) -> Option<String> {
    need(now.rows > 0, "The table is empty")
}

/// The selected partition must be one for files.
pub fn takes_files(now: &Environment) -> Option<String> {
    need(
        now.takes_files,
        "Select a partition that takes files, such as bin",
    )
}

/// A file or folder of the selected partition must be selected.
pub fn file_selected(now: &Environment) -> Option<String> {
    need(now.entry, "Select a file first")
}

/// Name of the selected partition; empty if none is.
pub fn selected(state: &AppState) -> String {
    state.environment.partition.clone().unwrap_or_default()
}
