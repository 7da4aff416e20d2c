//! Finds out whether partitions that a plan's table moves or shrinks hold data on the board, for the review sheet.
//!
//! The board's own table tells which partitions those are, and digests whether they are blank. What could not be asked
//! counts as data, and a table that could not be read is said to be unknown.

use std::sync::Arc;

use super::state::AppState;
use crate::engine::guard::no_table;
use crate::engine::moves::is_under_way;
use crate::engine::request::Request;
use crate::engine::table_change::unfinished;
use crate::formats::partition_bin;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::partition_table::PartitionTable;
use crate::model::planned_move::{MovesUnknown, PlannedMove, moves};
use crate::model::region::Region;

/// Asks for the open sheet, once the board's table is known and the board is idle.
pub fn ask(state: &mut AppState) {
    let Some(review) = state
        .review
        .as_ref()
        .filter(|review| review.moves_asked.is_none())
    else {
        return;
    };
    if state.board.running().is_some() || state.board.identity.is_none() {
        return;
    }
    let (found, unknown) = candidates(state, &review.plan);
    let is_unread = unknown == Some(MovesUnknown::UnreadTable);
    let mac = state
        .board
        .identity
        .as_ref()
        .and_then(|identity| identity.mac.as_deref());
    let keep = state.board.keep();
    let (saved, open): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|planned| is_under_way(&*keep, mac, planned.from));
    let Some(review) = &mut state.review else {
        return;
    };
    review.set_moves_unknown(unknown);
    if is_unread || !state.board.is_connected() {
        // The next job may read it, and a board that is back may be asked.
        return;
    }
    review.moves_asked = Some(open.clone());
    review.set_moves(saved.clone());
    if open.is_empty() {
        return;
    }
    let blank = open.iter().map(|planned| blank(planned.at_stake()));
    let request = Request::Verify(Arc::new(FlashPlan::new(blank.collect())));
    if state.board.submit(request).is_ok() {
        state.moves_wish = true;
    } else {
        review.set_moves([saved, open].concat());
    }
}

/// The board has answered: `differing` is what is not blank; `None` when it did not tell.
pub fn answered(state: &mut AppState, differing: Option<&[Region]>) {
    state.moves_wish = false;
    let Some(review) = &mut state.review else {
        return;
    };
    let mut found = review.plan.moves.clone();
    let asked = review.moves_asked.clone().unwrap_or_default();
    found.extend(asked.into_iter().filter(|planned| {
        differing.is_none_or(|differing| {
            differing
                .iter()
                .any(|region| region.overlaps(planned.at_stake()))
        })
    }));
    review.set_moves(found);
}

/// What the plan's table moves or shrinks by the board's own table, and why that may not be all.
fn candidates(state: &AppState, plan: &FlashPlan) -> (Vec<PlannedMove>, Option<MovesUnknown>) {
    let settings = plan.layout.settings;
    let Some(table) = plan.writes.iter().find(|write| write.role == Role::Table) else {
        return (Vec::new(), None);
    };
    let Some(old) = state.board.memory.table_at(settings.table_offset) else {
        return (Vec::new(), Some(MovesUnknown::UnreadTable));
    };
    let on_board = partition_bin::read(old);
    if on_board.refusal.is_some() || on_board.table.rows.is_empty() {
        let identity = state.board.identity.as_ref();
        let mac = identity.and_then(|identity| identity.mac.as_deref());
        let cut =
            unfinished(&*state.board.keep(), mac).is_some_and(|change| change.backup.is_some());
        let why = "a change of it did not finish".to_owned();
        return (Vec::new(), cut.then_some(MovesUnknown::DamagedTable(why)));
    }
    let unknown = no_table(old).map(MovesUnknown::DamagedTable);
    let settled = |mut table: PartitionTable| {
        table.settings = settings;
        table
    };
    let rewritten = |region: Region| {
        let mut writes = plan.writes.iter();
        writes.any(|write| write.role != Role::Table && write.region().overlaps(region))
    };
    let new = settled(partition_bin::read(&table.bytes).table);
    (moves(&settled(on_board.table), &new, &rewritten), unknown)
}

fn blank(region: Region) -> PlannedWrite {
    PlannedWrite {
        role: Role::Data,
        target: "blank".to_owned(),
        source: "blank".to_owned(),
        offset: region.offset,
        bytes: vec![0xFF; region.size as usize].into(),
        destroys: Vec::new(),
    }
}
