//! Looks at the board once more before the first byte is written: what a front end was told of it may be another
//! board's by now.

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::guard;
use super::job::Job;
use crate::model::flash_plan::FlashPlan;

/// Refuses what this board does not take, unless the plan overrides it.
pub(super) fn check(link: &mut BoardLink, plan: &FlashPlan, job: &mut Job<'_>) -> Result<(), Stop> {
    let identity = link.loader(job)?.identify()?;
    let mut found = guard::of_board(plan, &identity).into_iter();
    match found.find(|guard| !guard.is_forced(&plan.forced)) {
        None => Ok(()),
        Some(guard) => {
            let way_out = guard.way_out();
            let mut error = JobError::new(guard.message, guard.target, way_out);
            error.cause = guard.cause;
            Err(error.into())
        }
    }
}
