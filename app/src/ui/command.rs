//! Everything that a person can ask for by name: one table gives menus, buttons, palette, shortcuts and tooltips.
//!
//! A command carries nothing; what it works on is what is selected. Each has one row, in the file of its menu, that
//! says what it is called, when it is available and what it does: [`row`].

mod board;
mod contents;
mod file;
mod help;
mod monitor;
mod partitions;
pub mod row;
mod table;
mod view;

use eframe::egui::{Context, KeyboardShortcut};

pub use self::row::{Facts, Menu};
use super::environment::Environment;

/// The rows of all commands, in the order of the menus.
static TABLE: [&[Facts]; 8] = [
    file::FILE,
    partitions::PARTITIONS,
    contents::CONTENTS,
    table::TABLE,
    board::BOARD,
    monitor::MONITOR,
    view::VIEW,
    help::HELP,
];

/// Every command's row, in the order of the menus.
pub fn all() -> impl Iterator<Item = &'static Facts> {
    TABLE.iter().copied().flatten()
}

/// A named wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    Open,
    OpenSample,
    Save,
    SaveAs,
    ExportImage,
    Quit,
    Undo,
    Redo,
    AddPartition,
    DuplicatePartition,
    DeletePartition,
    MovePartitionUp,
    MovePartitionDown,
    AddFiles,
    AddFolder,
    ChooseImage,
    RenameFile,
    RemoveFile,
    ClearContents,
    PackAgain,
    OpenImage,
    ReadFiles,
    ExtractFile,
    ExtractAll,
    KeepLastWrite,
    KeepFile,
    KeepBoard,
    KeepNothing,
    EraseRemoved,
    Compact,
    CopyReport,
    MainButton,
    Connect,
    Disconnect,
    RefreshPorts,
    Write,
    WriteSeveral,
    WriteNextBoard,
    WriteAll,
    Compare,
    WhatBoots,
    ReadPartition,
    BackUp,
    Restore,
    ErasePartition,
    EraseAll,
    ResetBoard,
    Cancel,
    LookUp,
    InstallAgent,
    RestoreAgent,
    ShowProblems,
    ShowBoard,
    ShowAgent,
    ShowMonitor,
    ShowLog,
    ToggleDrawer,
    ThemeSystem,
    ThemeDark,
    ThemeLight,
    Settings,
    Palette,
    Shortcuts,
    FirstSteps,
    NewFromTemplate,
    ImportTable,
    ReadTable,
    CompareTable,
    CompareTableFile,
    ExportTableCsv,
    ExportTableBinary,
    ExportMap,
    ExportMapPng,
    AddBefore,
    AddAfter,
    ArrangePartitions,
    SortRows,
    GrowPartition,
    ShrinkPartition,
    PinOffset,
    UnpinOffset,
    ToggleEncrypted,
    ToggleReadonly,
    PushNeighbours,
    ZoomIn,
    ZoomOut,
    ZoomAll,
    StartMonitor,
    StopMonitor,
    PauseMonitor,
    SearchMonitor,
    CopyMonitor,
    SaveMonitor,
    ClearMonitor,
    ChooseElf,
    ForgetElf,
    OpenLogFolder,
    About,
}

/// A shortcut as keyboards print it: `Ctrl+,`.
pub fn shortcut_text(ctx: &Context, shortcut: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(shortcut);
    for (name, key) in [("Comma", ","), ("Period", "."), ("Backtick", "`")] {
        if let Some(start) = text.strip_suffix(name) {
            return format!("{start}{key}");
        }
    }
    text
}

impl Command {
    /// The shortcut as it is shown, if there is one.
    pub fn shortcut(self, ctx: &Context) -> Option<String> {
        self.facts()
            .shortcut
            .map(|shortcut| shortcut_text(ctx, &shortcut))
    }

    /// The command's row of the table.
    pub fn facts(self) -> &'static Facts {
        // A test checks that every command has a row; the last one stands in so that no path can panic.
        all()
            .find(|facts| facts.command == self)
            .unwrap_or(&help::HELP[help::HELP.len() - 1])
    }

    /// What the command is called now: *Undo* names what it takes back.
    pub fn label(self, environment: &Environment) -> String {
        match self {
            Self::Undo => named("Undo", environment.undo.as_deref()),
            Self::Redo => named("Redo", environment.redo.as_deref()),
            Self::MainButton => environment.main_label(),
            Self::PushNeighbours if environment.pushing => "Let neighbours block".to_owned(),
            Self::DeletePartition => named(
                "Delete",
                environment.partition.as_deref().or(Some("partition")),
            ),
            _ => self.facts().label.to_owned(),
        }
    }

    /// Why the command is not available now; `None` if it is.
    pub fn why_not(self, environment: &Environment) -> Option<String> {
        (self.facts().why_not)(environment)
    }

    /// Tooltip: what it does, what *Cancel* would leave, its shortcut, and why it is grey.
    pub fn tooltip(self, environment: &Environment, shortcut: Option<&str>) -> String {
        let shortcut = shortcut.map_or_else(String::new, |shortcut| format!("  ({shortcut})"));
        let reason = self
            .why_not(environment)
            .map_or_else(String::new, |reason| format!("\n{reason}"));
        let leaves = match (self, environment.cancel_leaves) {
            (Self::Cancel, Some(leaves)) => format!(". {leaves}"),
            _ => String::new(),
        };
        format!("{}{leaves}{shortcut}{reason}", self.facts().tooltip)
    }
}

fn named(verb: &str, what: Option<&str>) -> String {
    what.map_or_else(|| verb.to_owned(), |what| format!("{verb} {what}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_has_its_own_row_label_and_tooltip() {
        let commands: BTreeSet<_> = all().map(|facts| facts.command).collect();
        assert_eq!(commands.len(), all().count(), "a command has two rows");
        // `About` is the last variant: its number is the number of the others.
        assert_eq!(
            commands.len(),
            Command::About as usize + 1,
            "a command has no row"
        );
        let labels: BTreeSet<_> = all().map(|facts| facts.label).collect();
        assert_eq!(labels.len(), all().count(), "two commands have one label");
        for facts in all() {
            assert!(
                !facts.label.is_empty() && !facts.tooltip.is_empty(),
                "{:?}",
                facts.command
            );
            assert!(
                !facts.tooltip.ends_with('.'),
                "{}: no full stop",
                facts.tooltip
            );
            assert_eq!(facts.command.facts().command, facts.command);
        }
    }

    #[test]
    fn shortcuts_do_not_clash() {
        let mut seen = Vec::new();
        for facts in all() {
            if let Some(shortcut) = facts.shortcut {
                assert!(
                    !seen.contains(&shortcut),
                    "{:?} has a shortcut of another command",
                    facts.command
                );
                seen.push(shortcut);
            }
        }
    }

    #[test]
    fn what_is_grey_says_why() {
        let empty = Environment::default();
        for command in [
            Command::Undo,
            Command::AddFiles,
            Command::Write,
            Command::Cancel,
            Command::RemoveFile,
        ] {
            assert!(
                command
                    .why_not(&empty)
                    .is_some_and(|reason| !reason.is_empty()),
                "{command:?}"
            );
        }
        let busy = Environment {
            job: Some("Write".into()),
            ..Environment::default()
        };
        assert!(
            Command::Write
                .why_not(&busy)
                .is_some_and(|reason| reason.contains("running"))
        );
        assert_eq!(Command::Cancel.why_not(&busy), None);
        let undo = Environment {
            undo: Some("resize vfs".into()),
            ..Environment::default()
        };
        assert_eq!(Command::Undo.label(&undo), "Undo resize vfs");
    }
}
