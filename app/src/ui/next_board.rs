//! *Write the next board*: the port is opened anew, whoever is there now is asked who it is, and the sheet shows what the
//! same write would do to it. The board that was just written is never taken for the next one.

use super::action::Action;
use super::command::Command;
use super::job_ending::say;
use super::run_command::submit;
use super::state::AppState;
use crate::engine::request::Request;
use crate::model::flash_plan::FlashPlan;
use crate::model::problem::Severity;

/// What the button says that asks for it.
pub const BUTTON: &str = "Write the next board";

/// What the next board gets, and which board is not it.
#[derive(Clone, Debug)]
pub struct NextBoard {
    /// MAC address of the board that was written last.
    before: Option<String>,
    /// Everything was written, whether it differed or not.
    full: bool,
    /// The board at the port is being asked who it is.
    waits: bool,
}

/// A plan was written. Whether it is that of the project as it stands, which the next board can get too: a restore, a
/// choice of what boots and an agent in flash were made for the one board.
pub fn was_written(state: &mut AppState, plan: &FlashPlan) -> bool {
    let is_project =
        plan.agent.is_none() && plan.boots.is_none() && plan.writes == state.derived.plan.writes;
    state.next_board = is_project.then(|| NextBoard {
        before: mac(state),
        full: plan.full,
        waits: false,
    });
    is_project
}

/// Asks the board that is at the port now who it is.
pub fn begin(state: &mut AppState) {
    // In an open session nobody would notice that the board was swapped.
    state.board.disconnect();
    state.agent.board_changed();
    state.board_changed();
    state.review = None;
    if let Some(next) = &mut state.next_board {
        next.waits = true;
    }
    submit(state, Request::Detect);
}

/// A board has said who it is. Whether the sheet is shown for it.
pub fn has_come(state: &mut AppState) -> bool {
    if !not_now(state) {
        return false;
    }
    let now = mac(state);
    let Some(next) = state.next_board.clone() else {
        return false;
    };
    if now.is_some() && now == next.before {
        let text = format!(
            "{} still has the board that was just written ({}). Put the next one on it, or choose another port",
            state.board.port,
            now.unwrap_or_default()
        );
        let again = Action::from(Command::WriteNextBoard);
        say(
            state,
            Severity::Warning,
            false,
            text,
            vec![(BUTTON.to_owned(), again)],
        );
        return false;
    }
    state.ask(if next.full {
        Command::WriteAll
    } else {
        Command::Write
    });
    true
}

/// The question who the board is has ended. Whether it was asked for the next board.
pub fn not_now(state: &mut AppState) -> bool {
    let next = state.next_board.as_mut();
    next.is_some_and(|next| std::mem::take(&mut next.waits))
}

fn mac(state: &AppState) -> Option<String> {
    let identity = state.board.identity.as_ref()?;
    identity.mac.clone()
}
