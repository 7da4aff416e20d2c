//! *Boot this slot*: the otadata that names it becomes a plan of its own, shown in the review sheet like any other.

use std::sync::Arc;

use super::dialogs::review_plan::Review;
use super::state::AppState;
use crate::engine::boot_choice;
use crate::formats::partition_bin;
use crate::model::flash_plan::FlashPlan;
use crate::model::plan_layout::PlanLayout;
use crate::model::problem::Severity;

/// Opens the sheet for booting the app in this partition, or says why it cannot be chosen.
pub fn choose(state: &mut AppState, partition: &str) {
    match plan(state, partition) {
        Ok(plan) => {
            let board = state.board.identity.clone();
            let (keep, link) = (state.board.keep(), state.board.link());
            state.review = Some(Review::new(Arc::new(plan), board, keep, link));
        }
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

fn plan(state: &AppState, partition: &str) -> Result<FlashPlan, String> {
    let boots = (state.board.boots.as_ref())
        .ok_or("What the board boots is not known: ask it first, with Ask what boots")?;
    let mut table = partition_bin::read(&boots.table).table;
    table.settings.table_offset = boots.table_offset;
    let layout = PlanLayout::of(&table);
    let said = |refusal: boot_choice::Refusal| format!("{}. {}", refusal.message, refusal.help);
    let choice = boot_choice::find(&layout, partition).map_err(said)?;
    let mut candidates = boots.order.iter();
    let holds_app = candidates
        .find(|candidate| candidate.partition == partition)
        .map(|candidate| candidate.app.is_some());
    let current = boots.otadata.as_ref().map(|otadata| otadata.bytes.clone());
    let mut plan = FlashPlan {
        layout,
        ..FlashPlan::default()
    };
    choice
        .add_to(&mut plan, current.as_deref().unwrap_or_default(), holds_app)
        .map_err(said)?;
    Ok(plan)
}
