//! A job that was cut is offered again when its board is back: the port is looked at until then, and only the same
//! board goes on without another look at the plan.

use std::time::{Duration, Instant};

use super::action::Action;
use super::board_files::{self, ReadWish};
use super::board_job::Job;
use super::command::Command;
use super::job_ending::say;
use super::run_command::submit;
use super::state::AppState;
use crate::engine::ports;
use crate::engine::request::{PortChoice, Request};
use crate::model::problem::Severity;

/// How often the port is looked at while it is gone.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A system may take this long to notice that a port has gone.
const SETTLE: Duration = Duration::from_secs(5);

/// What was cut.
#[derive(Clone, Debug)]
pub enum Cut {
    Write(Request),
    Read(ReadWish),
}

/// A job that did not come to its end, and the board it was for.
#[derive(Clone, Debug)]
pub struct Interrupted {
    cut: Cut,
    port: PortChoice,
    mac: Option<String>,
    /// The port is not there now.
    gone: bool,
    looked: Option<Instant>,
    cut_at: Instant,
    /// The user has asked to go on; who the board is comes first.
    going_on: bool,
}

/// Remembers a job that was cut, so that it can go on.
pub fn remember(state: &mut AppState, job: &Job) {
    let cut = match &job.request {
        Request::Write(_) => Cut::Write(job.request.clone()),
        Request::ReadPieces(_) => match state.file_read.take() {
            Some(read) => Cut::Read(read.wish),
            None => return,
        },
        _ => return,
    };
    let mac = state
        .board
        .identity
        .as_ref()
        .and_then(|identity| identity.mac.clone());
    state.interrupted = Some(Interrupted {
        cut,
        port: state.board.port.clone(),
        mac,
        gone: false,
        looked: None,
        cut_at: Instant::now(),
        going_on: false,
    });
}

/// Looks whether the port of a job that was cut is back, and offers to go on. When to look again.
pub fn look(state: &mut AppState) -> Option<Duration> {
    let idle = state.board.running().is_none();
    let interrupted = state.interrupted.as_mut()?;
    if interrupted.port != state.board.port || !idle {
        return None;
    }
    let due = interrupted
        .looked
        .is_none_or(|at| at.elapsed() >= LOOK_EVERY);
    if due {
        interrupted.looked = Some(Instant::now());
        let there = ports::is_there(&interrupted.port);
        let is_back = interrupted.gone && there;
        interrupted.gone = !there;
        if is_back {
            let text = format!(
                "The board is back on {}: {} goes on where it stopped",
                interrupted.port,
                name(&interrupted.cut)
            );
            let buttons = vec![("Resume".to_owned(), Action::Resume)];
            say(state, Severity::Note, false, text, buttons);
        }
    }
    // A port that is there stays there, as far as anybody can tell: only then nobody has to look.
    (interrupted_is_gone(state)).then_some(LOOK_EVERY)
}

fn interrupted_is_gone(state: &AppState) -> bool {
    state
        .interrupted
        .as_ref()
        .is_some_and(|interrupted| interrupted.gone || interrupted.cut_at.elapsed() < SETTLE)
}

fn name(cut: &Cut) -> &'static str {
    match cut {
        Cut::Write(_) => "the write",
        Cut::Read(_) => "the read",
    }
}

/// Goes on: first the board is asked who it is.
pub fn resume(state: &mut AppState) {
    let Some(interrupted) = state.interrupted.as_mut() else {
        return;
    };
    interrupted.going_on = true;
    submit(state, Request::Detect);
}

/// The board has said who it is. Whether a job went on.
pub fn go_on(state: &mut AppState) -> bool {
    let waits = state
        .interrupted
        .as_ref()
        .is_some_and(|interrupted| interrupted.going_on && interrupted.port == state.board.port);
    if !waits {
        return false;
    }
    let Some(interrupted) = state.interrupted.take() else {
        return false;
    };
    let mac = state
        .board
        .identity
        .as_ref()
        .and_then(|identity| identity.mac.clone());
    if mac != interrupted.mac {
        let text = format!(
            "This is another board ({}); {} was for {}",
            mac.as_deref().unwrap_or("no MAC address"),
            name(&interrupted.cut),
            interrupted.mac.as_deref().unwrap_or("a board without one")
        );
        let buttons = vec![(
            "Review a write to this board".to_owned(),
            Action::from(Command::Write),
        )];
        say(state, Severity::Warning, false, text, buttons);
        return false;
    }
    match interrupted.cut {
        Cut::Write(request) => submit(state, request),
        Cut::Read(wish) => board_files::begin(state, wish),
    }
    true
}

/// The question who the board is was not answered: the job can still go on later.
pub fn not_now(state: &mut AppState) {
    if let Some(interrupted) = &mut state.interrupted {
        interrupted.going_on = false;
    }
}
