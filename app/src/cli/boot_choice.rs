//! `--boot`: the app that a write chooses to boot, as one more region of its plan.

use super::board::Board;
use super::failure::Failure;
use super::report::Report;
use crate::engine::boot_choice::{self, HEAD, Refusal};
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::flash_plan::FlashPlan;
use crate::model::region::Region;

/// Adds the otadata that names `slot`, made from what the board holds now; without a board, from erased otadata.
pub fn add(
    plan: &mut FlashPlan,
    slot: &str,
    board: Option<&mut Board>,
    report: &mut Report,
) -> Result<(), Failure> {
    let failed = |refusal: Refusal| Failure::new(refusal.message, slot, refusal.help);
    let choice = boot_choice::find(&plan.layout, slot).map_err(failed)?;
    let mut holds_app = None;
    let mut current = Vec::new();
    if let Some(board) = board {
        current = read(board, choice.otadata(), report)?;
        if !choice.is_written_by(plan) {
            let region = choice.app_region();
            let start = Region::new(region.offset, region.size.min(HEAD));
            holds_app = Some(boot_choice::begins_app(&read(board, start, report)?));
        }
    } else {
        report.note("Without a board its otadata is taken for erased");
    }
    choice.add_to(plan, &current, holds_app).map_err(failed)
}

fn read(board: &mut Board, region: Region, report: &mut Report) -> Result<Vec<u8>, Failure> {
    match board.ask(Request::Read(region), report)? {
        Outcome::Read { bytes, .. } => Ok(bytes.to_vec()),
        _ => Err(board.unexpected()),
    }
}
