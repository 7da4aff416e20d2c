//! Finds the data on a board that a changed table would leave behind.

use std::path::Path;
use std::sync::Arc;

use super::board::Board;
use super::board_table::OnBoard;
use super::failure::Failure;
use super::report::Report;
use super::sentence::lower_first;
use crate::engine::event::Outcome;
use crate::engine::moves::is_under_way;
use crate::engine::plan::TABLE;
use crate::engine::request::Request;
use crate::engine::table_change::unfinished;
use crate::formats::partition_bin;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::partition_table::PartitionTable;
use crate::model::planned_move::{MovesUnknown, PlannedMove, moves};
use crate::model::region::Region;
use crate::store::backup_file;

/// Puts into the plan every partition that its table moves or shrinks and that is not blank. A board without a table has
/// none; where its table is damaged, the rows that can be read are looked at, and the rest counts as not known.
pub fn find(
    plan: &mut FlashPlan,
    on_board: &OnBoard,
    board: &mut Board,
    mac: Option<&str>,
    report: &mut Report,
) -> Result<(), Failure> {
    let Some(table) = plan.writes.iter().find(|write| write.role == Role::Table) else {
        return Ok(());
    };
    let mut new = partition_bin::read(&table.bytes).table;
    new.settings = plan.layout.settings;
    let interrupted = match on_board {
        OnBoard::Table(_) => None,
        OnBoard::Nothing | OnBoard::Damaged(..) => table_before(board, mac),
    };
    let is_resumed = interrupted.is_some();
    let (old, unknown) = match (interrupted, on_board) {
        (Some(old), _) => (old, None),
        (None, OnBoard::Table(old)) => (old.clone(), None),
        (None, OnBoard::Nothing) => return Ok(()),
        (None, OnBoard::Damaged(rows, why)) => {
            let unknown = MovesUnknown::DamagedTable(lower_first(why));
            (rows.clone(), Some(unknown))
        }
    };
    let rewritten = |region: Region| {
        let mut writes = plan.writes.iter();
        writes.any(|write| write.role != Role::Table && write.region().overlaps(region))
    };
    let planned = moves(&old, &new, &rewritten);
    // A change that is under way has written its data already: what lies there now may be what it brought.
    let is_brought = |at_stake: Region| {
        let carried = |planned: &PlannedMove| planned.to.overlaps(at_stake);
        is_resumed && (rewritten(at_stake) || planned.iter().any(carried))
    };
    let mut found = Vec::new();
    for planned in &planned {
        let at_stake = planned.at_stake();
        // What an unfinished write saved may be gone from its old place.
        let saved = is_under_way(board.keep(), mac, planned.from);
        if saved || (!is_brought(at_stake) && !is_blank(at_stake, board, report)?) {
            found.push(planned.clone());
        }
    }
    plan.moves = found;
    plan.moves_unknown = unknown;
    Ok(())
}

/// The table that this board had before a change that did not finish.
fn table_before(board: &Board, mac: Option<&str>) -> Option<PartitionTable> {
    let place = unfinished(board.keep(), mac)?.backup?;
    let (manifest, bytes) = backup_file::load(Path::new(&place)).ok()?;
    // The table is the first of what is saved.
    let size = manifest
        .regions
        .first()
        .filter(|first| first.name == TABLE)?
        .size;
    let reading = partition_bin::read(bytes.get(..size as usize)?);
    reading.refusal.is_none().then_some(reading.table)
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
