//! `flashpack agent install` and `restore`: the agent as an app in flash, and back. The plan is shown, asked about and
//! carried out as that of `write` is.

use super::args::{self, Common};
use super::board::Board;
use super::confirm::confirm;
use super::failure::Failure;
use super::report::Report;
use super::write::{finished, refuse, show};
use crate::engine::event::Outcome;
use crate::engine::plan_view::{PlanLine, PlanView};
use crate::engine::request::{FlashChange, Request};
use crate::model::cost::Link;

/// Puts the agent into a slot: the named one, else the one that boots now.
pub fn install(
    slot: Option<&str>,
    dry_run: bool,
    board: &args::Board,
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    let change = FlashChange::Install {
        slot: slot.map(str::to_owned),
    };
    let words = Words {
        head: "This puts the agent into the board's flash:",
        done: Some(
            "The agent starts with the board's next reset (flashpack reset), and then answers without being loaded",
        ),
    };
    carry_out(change, &words, dry_run, board, common, report)
}

/// Puts back what an install replaced.
pub fn restore(
    dry_run: bool,
    board: &args::Board,
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    let words = Words {
        head: "This puts back what the agent replaced in the board's flash:",
        done: None,
    };
    carry_out(FlashChange::Restore, &words, dry_run, board, common, report)
}

/// What is said before and after.
struct Words {
    head: &'static str,
    done: Option<&'static str>,
}

fn carry_out(
    change: FlashChange,
    words: &Words,
    dry_run: bool,
    board: &args::Board,
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut board = Board::open(board.which(), board.link)?;
    let request = Request::AgentInFlash {
        change,
        table_offset: board.table_offset(),
    };
    let Outcome::AgentPlanned(planned) = board.ask(request, report)? else {
        return Err(board.unexpected());
    };
    for warning in &planned.warnings {
        report.note(&format!("warning: {warning}"));
    }
    let (plan, identity) = (&planned.plan, &planned.identity);
    let view = PlanView::of(plan, Some(identity), Link::Uart(board.baud())).backed_up(
        plan,
        board.keep(),
        identity.mac.as_deref(),
    );
    if dry_run {
        show(&view, report);
        return Ok(());
    }
    refuse(&view, report)?;
    let mut lines = vec![words.head.to_owned()];
    lines.extend(view.writes.iter().map(PlanLine::text));
    lines.push(view.modelled.sentence());
    confirm(&lines, "agent", common, report)?;
    let Outcome::Written(summary) = board.ask(Request::Write(plan.clone()), report)? else {
        return Err(board.unexpected());
    };
    if let Some(done) = words.done {
        report.note(done);
    }
    finished(&summary, report);
    Ok(())
}
