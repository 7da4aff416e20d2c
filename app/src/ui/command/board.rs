//! The menu *Board*: the port, and the jobs on the board.

use std::sync::Arc;

use eframe::egui::{Context, Key};

use super::Command;
use super::row::{
    Facts, Menu, ctrl, ctrl_shift, idle, idle_and_connected, need, partition_selected, plain, row,
    selected,
};
use crate::engine::request::{FlashChange, Request};
use crate::model::chip::BoardIdentity;
use crate::model::flash_plan::FlashPlan;
use crate::model::problem::Severity;
use crate::ui::board_table;
use crate::ui::dialogs::Dialog;
use crate::ui::dialogs::backup::Choice;
use crate::ui::dialogs::erase::Wish;
use crate::ui::dialogs::review_plan::Review;
use crate::ui::environment::{Environment, Main};
use crate::ui::file_dialog::Ask;
use crate::ui::files::ask_file;
use crate::ui::moved_data;
use crate::ui::next_board;
use crate::ui::panels::agent::View;
use crate::ui::panels::drawer::Tab;
use crate::ui::run_command::{go_to, run_command, sentence, submit};
use crate::ui::several;
use crate::ui::state::AppState;

/// The rows of this menu.
pub const BOARD: &[Facts] = &[
    row(
        Menu::Board,
        Command::MainButton,
        "Do the next thing",
        "What the prominent button does: connect, fix, or write",
    )
    .unless(idle)
    .runs(main_button),
    row(
        Menu::Board,
        Command::Connect,
        "Connect",
        "Open the port and ask the chip who it is",
    )
    .begins_group()
    .unless(idle)
    .runs(|state, _| submit(state, Request::Detect)),
    row(
        Menu::Board,
        Command::Disconnect,
        "Disconnect",
        "Close the port",
    )
    .unless(|now| need(now.connected, "No board is connected").or_else(|| idle(now)))
    .runs(|state, _| disconnect(state)),
    row(
        Menu::Board,
        Command::RefreshPorts,
        "Look for ports again",
        "List the serial ports again",
    )
    .keys(plain(Key::F6))
    .runs(|state, _| refresh_ports(state)),
    row(
        Menu::Board,
        Command::Write,
        "Write to board…",
        "Show what would be written, then write only what differs and verify it",
    )
    .keys(ctrl(Key::Enter))
    .begins_group()
    .unless(can_write)
    .runs(|state, _| review(state, false)),
    row(
        Menu::Board,
        Command::WriteAll,
        "Write everything…",
        "Write everything, whether it differs from the board or not",
    )
    .keys(ctrl_shift(Key::Enter))
    .unless(can_write)
    .runs(|state, _| review(state, true)),
    row(
        Menu::Board,
        Command::WriteSeveral,
        "Write to several boards…",
        "Choose ports, and write the same to all of their boards at once",
    )
    .unless(can_write)
    .runs(|state, _| several::open(state)),
    row(
        Menu::Board,
        Command::WriteNextBoard,
        "Write the next board…",
        "Once the board is swapped: ask the new one who it is, and show what the same write would do to it",
    )
    .unless(|now| {
        need(now.written, "Write this project to a board first").or_else(|| can_write(now))
    })
    .runs(|state, _| next_board::begin(state)),
    row(
        Menu::Board,
        Command::Compare,
        "Compare with board",
        "Find out what differs, without writing",
    )
    .keys(ctrl(Key::J))
    .unless(|now| idle(now).or_else(|| need(now.has_plan, "There is nothing to compare")))
    .runs(|state, _| {
        let plan = state.derived.plan.clone();
        submit(state, Request::Verify(plan));
    }),
    row(
        Menu::Board,
        Command::WhatBoots,
        "Ask what boots",
        "Read the table, otadata and the headers of the apps: which app the board would start, and why",
    )
    .unless(idle_and_connected)
    .runs(|state, _| {
        let table_offset = state.document.project().table.settings.table_offset;
        submit(state, Request::WhatBoots { table_offset });
    }),
    row(
        Menu::Board,
        Command::ReadPartition,
        "Read partition to a file…",
        "Read the selected partition from the board",
    )
    .keys(plain(Key::F5))
    .unless(|now| idle(now).or_else(|| partition_selected(now)))
    .runs(|state, _| {
        let partition = selected(state);
        ask_file(state, Ask::KeepRead { partition });
    }),
    row(
        Menu::Board,
        Command::BackUp,
        "Back up…",
        "Keep what the board holds in a file, with a manifest that proves it",
    )
    .keys(ctrl(Key::B))
    .begins_group()
    .unless(idle_and_connected)
    .runs(|state, _| state.dialog = Some(Dialog::Backup(Choice::default()))),
    row(
        Menu::Board,
        Command::Restore,
        "Restore…",
        "Open a backup and write what differs back to the board",
    )
    .unless(idle_and_connected)
    .runs(|state, _| ask_file(state, Ask::RestoreFrom)),
    row(
        Menu::Board,
        Command::ErasePartition,
        "Erase partition…",
        "Erase the selected partition on the board, after a question",
    )
    .unless(|now| idle_and_connected(now).or_else(|| partition_selected(now)))
    .runs(|state, _| erase_partition(state)),
    row(
        Menu::Board,
        Command::EraseAll,
        "Erase all of the flash…",
        "Erase everything on the board, after a question",
    )
    .unless(idle_and_connected)
    .runs(|state, _| erase_all(state)),
    row(
        Menu::Board,
        Command::ResetBoard,
        "Reset board",
        "Leave the loader and start what is in flash",
    )
    .keys(ctrl(Key::R))
    .unless(|now| {
        if now.listening {
            None
        } else {
            idle_and_connected(now)
        }
    })
    .runs(|state, _| {
        if state.environment.listening {
            state.board.listening.input.reset();
        } else {
            submit(state, Request::Reset);
        }
    }),
    row(
        Menu::Board,
        Command::Cancel,
        "Cancel",
        "Stop the running job at its next block",
    )
    .keys(ctrl(Key::Period))
    .begins_group()
    .unless(|now| need(now.job.is_some(), "No job is running"))
    .runs(|state, _| state.board.cancel()),
    row(
        Menu::Board,
        Command::LookUp,
        "Look a file up…",
        "Ask the chip itself where a file lies",
    )
    .keys(ctrl(Key::L))
    .runs(|state, _| {
        state.drawer = Some(Tab::Agent);
        state.agent.view = View::LookUp;
        state.agent.focus = true;
    }),
    row(
        Menu::Board,
        Command::InstallAgent,
        "Install agent in flash…",
        "Show a plan that puts the agent into the app that boots now, for a board whose loader cannot be reached; what it replaces is saved first",
    )
    .begins_group()
    .unless(idle_and_connected)
    .runs(|state, _| plan_agent(state, FlashChange::Install { slot: None })),
    row(
        Menu::Board,
        Command::RestoreAgent,
        "Restore what the agent replaced…",
        "Show a plan that puts back what was in flash before the agent was installed there",
    )
    .unless(idle_and_connected)
    .runs(|state, _| plan_agent(state, FlashChange::Restore)),
];

/// Has the plan made by looking at the board; the sheet opens when it is there.
fn plan_agent(state: &mut AppState, change: FlashChange) {
    let table_offset = state.document.project().table.settings.table_offset;
    let request = Request::AgentInFlash {
        change,
        table_offset,
    };
    submit(state, request);
}

fn can_write(now: &Environment) -> Option<String> {
    idle(now)
        .or_else(|| {
            (now.errors > 0).then(|| {
                let problems = crate::ui::text::count(now.errors, "problem", "problems");
                format!("Fix {problems} first")
            })
        })
        .or_else(|| need(now.has_plan, "There is nothing to write"))
        .or_else(|| need(!now.packing, "Files are being packed"))
}

fn main_button(state: &mut AppState, ctx: &Context) {
    match state.environment.main() {
        Main::Connect => run_command(state, ctx, Command::Connect),
        Main::FixProblems => {
            state.drawer = Some(Tab::Problems);
            if let Some(problem) = state.derived.problems.first() {
                let place = problem.place.clone();
                go_to(state, &place);
            }
        }
        Main::Write => run_command(state, ctx, Command::Write),
        Main::NothingToWrite | Main::Busy => {}
    }
}

fn review(state: &mut AppState, full: bool) {
    let plan = FlashPlan {
        full,
        ..(*state.derived.plan).clone()
    };
    let board = state.board.identity.clone();
    let (keep, link) = (state.board.keep(), state.board.link());
    state.review = Some(Review::new(Arc::new(plan), board, keep, link));
    board_table::learn(state);
    moved_data::ask(state);
}

fn disconnect(state: &mut AppState) {
    state.board.disconnect();
    state.agent.board_changed();
    state.board_changed();
    state.note(Severity::Note, format!("Closed {}", state.board.port), None);
}

fn erase_partition(state: &mut AppState) {
    let partition = selected(state);
    let row = state.selected_row().map(|(row, _)| row);
    if let Some(region) = row.and_then(|row| state.region_of(row)) {
        let partition = Some(partition);
        state.dialog = Some(Dialog::Erase(Wish { partition, region }));
    }
}

fn erase_all(state: &mut AppState) {
    let identity = state.board.identity.as_ref();
    match identity.and_then(BoardIdentity::flash) {
        Some(region) => {
            let partition = None;
            state.dialog = Some(Dialog::Erase(Wish { partition, region }));
        }
        None => state.tell(
            Severity::Warning,
            "The size of this board's flash is not known",
        ),
    }
}

fn refresh_ports(state: &mut AppState) {
    if let Err(error) = state.board.refresh_ports() {
        state.tell(Severity::Warning, sentence(&error.message, &error.help));
    }
}
