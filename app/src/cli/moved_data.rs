//! Finds the data on a board that a changed table would leave behind.

use std::sync::Arc;

use super::board::Board;
use super::board_table::board_table;
use super::failure::Failure;
use super::report::Report;
use crate::engine::event::Outcome;
use crate::engine::moves::is_under_way;
use crate::engine::request::Request;
use crate::formats::partition_bin;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::planned_move::moves;
use crate::model::region::Region;

/// Puts into the plan every partition that its table moves or shrinks and that is not blank. A board without a table
/// has none.
pub fn find(
    plan: &mut FlashPlan,
    board: &mut Board,
    mac: Option<&str>,
    report: &mut Report,
) -> Result<(), Failure> {
    let Some(table) = plan.writes.iter().find(|write| write.role == Role::Table) else {
        return Ok(());
    };
    let Ok(old) = board_table(board, report) else {
        return Ok(());
    };
    let mut new = partition_bin::read(&table.bytes).table;
    new.settings = plan.layout.settings;
    let rewritten = |region: Region| {
        let mut writes = plan.writes.iter();
        writes.any(|write| write.role != Role::Table && write.region().overlaps(region))
    };
    let mut found = Vec::new();
    for planned in moves(&old, &new, &rewritten) {
        // What an unfinished write saved may be gone from its old place.
        let saved = is_under_way(board.keep(), mac, planned.from);
        if saved || !is_blank(planned.at_stake(), board, report)? {
            found.push(planned);
        }
    }
    plan.moves = found;
    Ok(())
}

/// Whether a region of the board is erased, by digests and not by reading it.
fn is_blank(region: Region, board: &mut Board, report: &mut Report) -> Result<bool, Failure> {
    let blank = FlashPlan::new(vec![PlannedWrite {
        role: Role::Data,
        target: "blank".to_owned(),
        source: "blank".to_owned(),
        offset: region.offset,
        bytes: vec![0xFF; region.size as usize].into(),
        destroys: Vec::new(),
    }]);
    match board.ask(Request::Verify(Arc::new(blank)), report)? {
        Outcome::Compared { differing } => Ok(differing.is_empty()),
        _ => Err(board.unexpected()),
    }
}
