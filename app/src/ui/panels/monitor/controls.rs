//! The monitor's controls: start and stop, speed, filter, pause, what is shown, and what is done with it.

use eframe::egui::{ComboBox, Key, Modifiers, TextEdit, Ui};

use super::super::super::command::Command;
use super::super::super::listening::Phase;
use super::super::super::state::AppState;
use super::super::super::theme;
use super::super::super::widgets::command_button;
use crate::formats::console::level::Level;

/// Speeds that boards use.
const BAUDS: [u32; 9] = [
    9_600, 57_600, 74_880, 115_200, 230_400, 460_800, 921_600, 1_500_000, 2_000_000,
];

/// The line of controls.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let pointed_at = ui.rect_contains_pointer(ui.max_rect());
    if pointed_at && ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::F)) {
        state.ask(Command::SearchMonitor);
    }
    ui.horizontal_wrapped(|ui| {
        let phase = state.board.listening.phase();
        let command = if phase == Phase::Off {
            Command::StartMonitor
        } else {
            Command::StopMonitor
        };
        command_button::ui(ui, command, &state.environment, &mut state.actions);
        baud(ui, state);
        command_button::labelled(
            ui,
            Command::ResetBoard,
            "Reset",
            &state.environment,
            &mut state.actions,
        );
        let pause = if state.monitor.paused.is_some() {
            "Go on"
        } else {
            "Pause"
        };
        command_button::labelled(
            ui,
            Command::PauseMonitor,
            pause,
            &state.environment,
            &mut state.actions,
        );
        let edit = TextEdit::singleline(&mut state.monitor.filter)
            .hint_text("Filter")
            .desired_width(130.0);
        ui.add(edit)
            .accessible_name("Filter lines")
            .on_hover_text("Show only lines that hold this text");
        level(ui, state);
        ui.checkbox(&mut state.monitor.timestamps, "Time")
            .on_hover_text("Show when each line came");
        for (command, label) in [
            (Command::SearchMonitor, "Find"),
            (Command::CopyMonitor, "Copy"),
            (Command::SaveMonitor, "Save…"),
            (Command::ClearMonitor, "Clear"),
            (Command::ChooseElf, "ELF…"),
        ] {
            command_button::labelled(ui, command, label, &state.environment, &mut state.actions);
        }
        if let Some(elf) = &state.monitor.elf {
            let name = elf.file_name().unwrap_or_default().to_string_lossy();
            let said = match &state.monitor.elf_from {
                Some(from) => format!("{name} ({from})"),
                None => name.into_owned(),
            };
            ui.weak(said).on_hover_text(elf.display().to_string());
            command_button::labelled(
                ui,
                Command::ForgetElf,
                "×",
                &state.environment,
                &mut state.actions,
            );
        }
        status(ui, state, phase);
    });
}

fn status(ui: &mut Ui, state: &AppState, phase: Phase) {
    let tokens = theme::tokens(ui.visuals());
    let said = match phase {
        Phase::Off => "Not listening".to_owned(),
        Phase::Listening => format!("Listening on {}", state.board.port),
        Phase::Stopping => "Giving the port up…".to_owned(),
        Phase::GivenUp => "A job has the port; the monitor takes it back".to_owned(),
    };
    ui.weak(said);
    let held = state.monitor.held_back();
    if state.monitor.paused.is_some() {
        let lines = super::super::super::text::count(held as usize, "line", "lines");
        ui.colored_label(tokens.warning, format!("Paused, {lines} behind it"));
    }
    let dropped = state.monitor.log.first();
    if dropped > 0 && !state.monitor.log.is_empty() {
        let lines = super::super::super::text::count(dropped as usize, "line", "lines");
        ui.weak(format!("{lines} before are no longer kept"));
    }
}

fn baud(ui: &mut Ui, state: &mut AppState) {
    let before = state.monitor.baud;
    let response = ComboBox::from_id_salt("monitor speed")
        .selected_text(state.monitor.baud.to_string())
        .width(88.0)
        .show_ui(ui, |ui| {
            for baud in BAUDS {
                ui.selectable_value(&mut state.monitor.baud, baud, baud.to_string());
            }
        });
    response
        .response
        .accessible_name("Speed in bits per second")
        .on_hover_text("Bits per second of the program on the board");
    if state.monitor.baud != before {
        state.board.set_monitor_baud(state.monitor.baud);
    }
}

fn level(ui: &mut Ui, state: &mut AppState) {
    let name = |level: Option<Level>| match level {
        None => "All levels".to_owned(),
        Some(Level::Error) => "Errors".to_owned(),
        Some(level) => format!("{level} and worse"),
    };
    let response = ComboBox::from_id_salt("monitor level")
        .selected_text(name(state.monitor.level))
        .width(118.0)
        .show_ui(ui, |ui| {
            let levels = [None].into_iter().chain(Level::ALL.map(Some));
            for level in levels {
                ui.selectable_value(&mut state.monitor.level, level, name(level));
            }
        });
    response
        .response
        .accessible_name("Filter by level")
        .on_hover_text("Show only lines of this level and worse");
}

/// The line for searching.
pub fn search_ui(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut state.monitor.search.text)
            .hint_text("Find in what is shown")
            .desired_width(220.0);
        let response = ui.add(edit).accessible_name("Find in the monitor");
        if std::mem::take(&mut state.monitor.search.focus) {
            response.request_focus();
        }
        if response.changed() {
            state.monitor.search.found = None;
            state.monitor.search.in_vain = false;
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let back = ui.input(|input| input.modifiers.shift);
        let next = ui
            .button("Next match")
            .on_hover_text("The next line with it (Enter)");
        let previous = ui
            .button("Previous match")
            .on_hover_text("The line before with it (Shift+Enter)");
        if entered || next.clicked() {
            state.monitor.find(!(entered && back));
            response.request_focus();
        }
        if previous.clicked() {
            state.monitor.find(false);
        }
        if state.monitor.search.in_vain {
            ui.weak("Not found");
        }
        let escaped = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape));
        let close = ui
            .button("Close search")
            .on_hover_text("Close the search (Escape)");
        if close.clicked() || escaped {
            state.monitor.search.open = false;
            state.monitor.search.found = None;
        }
    });
}
