//! The commands of the monitor, in the menu *Board* behind those for jobs.

use eframe::egui::Key;

use super::Command;
use super::row::{Facts, Menu, ctrl, ctrl_shift, need, plain, row};
use crate::ui::action::Action;
use crate::ui::environment::Environment;
use crate::ui::file_dialog::Ask;
use crate::ui::files::ask_file;
use crate::ui::monitor_actions;
use crate::ui::panels::drawer::Tab;

/// The rows.
pub const MONITOR: &[Facts] = &[
    row(
        Menu::Board,
        Command::StartMonitor,
        "Start monitor",
        "Show what the program on the board says; a loader is left for it",
    )
    .keys(ctrl(Key::M))
    .begins_group()
    .unless(|now| need(!now.monitoring, "The monitor runs already"))
    .runs(|state, _| monitor_actions::start(state)),
    row(
        Menu::Board,
        Command::StopMonitor,
        "Stop monitor",
        "Stop listening, and leave the port to others",
    )
    .keys(ctrl_shift(Key::M))
    .unless(|now| need(now.monitoring, "The monitor does not run"))
    .runs(|state, _| monitor_actions::stop(state)),
    row(
        Menu::Board,
        Command::PauseMonitor,
        "Pause monitor",
        "Hold the text still; what comes meanwhile is kept",
    )
    .keys(plain(Key::F9))
    .runs(|state, _| state.monitor.pause_or_go_on()),
    row(
        Menu::Board,
        Command::SearchMonitor,
        "Find in monitor",
        "Look for text in what the monitor shows; Ctrl+F with the pointer over it",
    )
    .runs(|state, _| {
        state.drawer = Some(Tab::Monitor);
        state.monitor.search.open = true;
        state.monitor.search.focus = true;
    }),
    row(
        Menu::Board,
        Command::CopyMonitor,
        "Copy monitor text",
        "Copy all lines that are shown",
    )
    .unless(some_text)
    .runs(|state, _| {
        let text = state.monitor.to_text();
        state.ask(Action::Copy(text));
    }),
    row(
        Menu::Board,
        Command::SaveMonitor,
        "Save monitor text…",
        "Write all lines that are shown to a file",
    )
    .unless(some_text)
    .runs(|state, _| ask_file(state, Ask::SaveMonitor)),
    row(
        Menu::Board,
        Command::ClearMonitor,
        "Clear monitor",
        "Forget all lines of the monitor",
    )
    .unless(some_text)
    .runs(|state, _| state.monitor.clear()),
    row(
        Menu::Board,
        Command::ChooseElf,
        "Decode with ELF file…",
        "Choose the program's ELF file: addresses become functions and lines, defmt becomes text",
    )
    .runs(|state, _| ask_file(state, Ask::MonitorElf)),
    row(
        Menu::Board,
        Command::ForgetElf,
        "Decode without ELF file",
        "Show addresses and defmt as they come",
    )
    .unless(|now| need(now.monitor_elf, "No ELF file is chosen"))
    .runs(|state, _| monitor_actions::choose_elf(state, None)),
];

fn some_text(now: &Environment) -> Option<String> {
    need(now.monitor_text, "The monitor has heard nothing yet")
}
