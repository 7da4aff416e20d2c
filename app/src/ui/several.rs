//! Several boards at once, as the window holds them: which ports are chosen, and the jobs that run on them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::board_history::first_baud;
use super::state::AppState;
use crate::engine::request::{LinkOptions, PortChoice};
use crate::engine::several::{BoardPlace, Several};
use crate::engine::{guard, ports};
use crate::model::flash_plan::{FlashPlan, Role};
use crate::model::problem::Severity;

/// The sheet while it is open.
#[derive(Default)]
pub struct SeveralSheet {
    /// Ports that were typed; the listed ones come from the system.
    pub typed: Vec<PathBuf>,
    pub chosen: BTreeSet<PathBuf>,
    /// The path that is being typed.
    pub draft: String,
    /// The partition table that was ticked to go to every board, whatever table that has.
    pub ticked_table: Option<Arc<[u8]>>,
    /// The boards that are being written, or were.
    pub running: Option<Several>,
}

impl SeveralSheet {
    /// Takes the typed path as one more port, and chooses it.
    pub fn add_typed(&mut self) {
        let path = PathBuf::from(self.draft.trim());
        if path.as_os_str().is_empty() {
            return;
        }
        self.draft.clear();
        self.chosen.insert(path.clone());
        if !self.typed.contains(&path) {
            self.typed.push(path);
        }
    }
}

/// The partition table that a plan writes; whoever gets it can lose data.
pub fn table_of(plan: &FlashPlan) -> Option<&Arc<[u8]>> {
    let mut writes = plan.writes.iter();
    let write = writes.find(|write| write.role == Role::Table)?;
    Some(&write.bytes)
}

/// What the sheet asks for.
#[derive(Clone, Debug)]
pub enum SeveralWish {
    ChooseAllOfThisKind,
    Write,
    /// The board of this row was swapped.
    WriteNext(usize),
    Cancel,
    Close,
}

/// Opens the sheet.
pub fn open(state: &mut AppState) {
    state.several.get_or_insert_default();
    // The list needs the room, and the drawer has nothing to say about it.
    state.drawer = None;
}

/// Carries out what the sheet asks for.
pub fn run(state: &mut AppState, wish: &SeveralWish) {
    match wish {
        SeveralWish::ChooseAllOfThisKind => choose_all(state),
        SeveralWish::Write => write(state),
        SeveralWish::WriteNext(row) => {
            if let Some(several) = running(state) {
                several.next(*row);
            }
        }
        SeveralWish::Cancel => {
            if let Some(several) = running(state) {
                several.cancel();
            }
        }
        SeveralWish::Close => state.several = None,
    }
}

/// Takes in what the workers reported.
pub fn poll(state: &mut AppState) {
    let Some(several) = running(state) else {
        return;
    };
    let ended = several.poll();
    let lines: Vec<(Severity, String)> = ended
        .into_iter()
        .map(|row| {
            let board = &several.boards[row];
            let failed = several
                .summary
                .boards
                .iter()
                .rev()
                .find(|done| done.port == board.port.to_string());
            let severity = match failed {
                Some(result) if !result.ok => Severity::Error,
                _ => Severity::Note,
            };
            (severity, format!("{}: {}", board.port, board.line()))
        })
        .collect();
    for (severity, line) in lines {
        state.note(severity, line, None);
    }
}

fn running(state: &mut AppState) -> Option<&mut Several> {
    state.several.as_mut()?.running.as_mut()
}

fn choose_all(state: &mut AppState) {
    let like = match &state.board.port {
        PortChoice::Path(path) => Some(path.clone()),
        PortChoice::Practice => None,
    };
    let same = ports::of_same_kind(&state.board.ports, like.as_deref());
    if same.is_empty() {
        state.tell(
            Severity::Warning,
            "No port with a known board is plugged in. Plug the boards in, or type their ports",
        );
    }
    if let Some(sheet) = &mut state.several {
        sheet.chosen.extend(same);
    }
}

fn write(state: &mut AppState) {
    // What a board says for itself, its own job refuses.
    if let Some(refused) = guard::refused(&state.derived.plan, None).into_iter().next() {
        let text = format!("{}. {}", refused.message, refused.help);
        return state.tell(Severity::Error, text);
    }
    // A port is open once only.
    state.board.disconnect();
    state.board_changed();
    let plan = Arc::clone(&state.derived.plan);
    let options = LinkOptions {
        chip: Some(state.document.project().chip),
        ..LinkOptions::default()
    };
    let (around, wake) = (state.board.around().clone(), Arc::clone(&state.wake));
    let Some(sheet) = &mut state.several else {
        return;
    };
    let place = |path: &PathBuf| {
        let port = PortChoice::Path(path.clone());
        BoardPlace {
            mac: None,
            baud: Some(first_baud(&state.history, &port)),
            port,
        }
    };
    let ports: Vec<BoardPlace> = sheet.chosen.iter().map(place).collect();
    let count = ports.len();
    sheet.running = Some(Several::start(ports, plan, options, around, wake));
    state.note(
        Severity::Note,
        format!("Write to {count} boards at once"),
        None,
    );
}
