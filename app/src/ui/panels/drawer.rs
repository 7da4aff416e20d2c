//! The drawer: Problems, Board, Agent, Monitor, Log. Closed it is one line, with the running job at its right.

use serde::{Deserialize, Serialize};

use eframe::egui::{self, Align, Layout, ProgressBar, RichText, Ui};

use super::super::command::Command;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use super::{agent, board, log, monitor, problems};

/// A tab of the drawer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tab {
    Problems,
    Board,
    Agent,
    Monitor,
    Log,
}

/// Every tab, with its command.
pub const TABS: [(Tab, Command); 5] = [
    (Tab::Problems, Command::ShowProblems),
    (Tab::Board, Command::ShowBoard),
    (Tab::Agent, Command::ShowAgent),
    (Tab::Monitor, Command::ShowMonitor),
    (Tab::Log, Command::ShowLog),
];

/// The line that is always there.
pub fn line_ui(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal(|ui| {
        ui.set_height(26.0);
        ui.spacing_mut().item_spacing.x = 2.0;
        for (tab, command) in TABS {
            let name = command.facts().label;
            let mut text = RichText::new(match (tab, state.derived.problems.len()) {
                (Tab::Problems, number) if number > 0 => format!("{name} {number}"),
                _ => name.to_owned(),
            });
            if tab == Tab::Problems && state.environment.errors > 0 {
                text = text.color(theme::tokens(ui.visuals()).danger);
            }
            let shortcut = command.shortcut(ui.ctx());
            let response = ui.selectable_label(state.drawer == Some(tab), text);
            if response
                .on_hover_text(command.tooltip(&state.environment, shortcut.as_deref()))
                .clicked()
            {
                state.ask(command);
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            job_line(ui, state);
        });
    });
}

fn job_line(ui: &mut Ui, state: &mut AppState) {
    ui.spacing_mut().item_spacing.x = 8.0;
    let Some(job) = state.board.running() else {
        let words = if state.environment.packing {
            "Packing…"
        } else {
            "Ready"
        };
        ui.weak(words);
        return;
    };
    let (line, fraction, stopping) = (job.state.line(), job.state.fraction(), job.stopping);
    let text = if stopping {
        "Stopping after this block…".to_owned()
    } else {
        line
    };
    if stopping {
        ui.add_enabled(false, egui::Button::new("Cancel"));
    } else {
        command_button::ui(ui, Command::Cancel, &state.environment, &mut state.actions);
    }
    let bar = ProgressBar::new(fraction.unwrap_or(0.0))
        .desired_width(160.0)
        .desired_height(8.0)
        .fill(theme::tokens(ui.visuals()).accent);
    ui.add(bar);
    ui.label(text);
}

/// The open tab.
pub fn tab_ui(ui: &mut Ui, state: &mut AppState, tab: Tab) {
    match tab {
        Tab::Problems => problems::ui(ui, state),
        Tab::Board => board::ui(ui, state),
        Tab::Agent => agent::ui(ui, state),
        Tab::Monitor => monitor::ui(ui, state),
        Tab::Log => log::ui(ui, state),
    }
}
