//! Keeps what lay around a command until somebody has looked at what it did: a line that dies right after it leaves that to
//! the next job, in whatever process, which could not know what was there before.

use super::error::{JobError, Stop};
use super::job::Job;
use super::proven::Proven;
use super::stray::flash_end;
use super::stray_watch::{self, Meanwhile, Watch};
use crate::device::session::Session;
use crate::formats::kept_watch::{self, KeptWatch};
use crate::model::keep::{Keep, board_name};

fn name(mac: &str) -> String {
    format!("around-{}.json", board_name(mac))
}

/// Keeps `watch` for the board with this MAC address, in place of what was kept of it before. If that fails the job goes on:
/// it looks by itself, as long as the line lives.
pub(super) fn put(
    keep: &dyn Keep,
    mac: Option<&str>,
    target: &str,
    watch: &Watch,
    job: &mut Job<'_>,
) {
    let Some(mac) = mac else { return };
    let kept = KeptWatch {
        mac: mac.to_owned(),
        target: target.to_owned(),
        elsewhere: watch.elsewhere.clone(),
        behind: watch.behind,
    };
    if let Err(error) = keep.put(&name(mac), &kept_watch::write(&kept)) {
        job.note(format!(
            "What lies around is not kept for the next job: {}",
            error.message
        ));
    }
}

/// Lets go of it, once somebody has looked.
///
/// # Errors
/// When it stays there.
pub(super) fn settle(keep: &dyn Keep, mac: Option<&str>) -> Result<(), Stop> {
    let Some(mac) = mac else { return Ok(()) };
    keep.remove(&name(mac))
        .map_err(|error| JobError::new(error.message, "what is kept", error.help).into())
}

/// The end of a job; one that names what is lost has looked.
pub(super) fn ended<T>(
    result: Result<T, Stop>,
    keep: &dyn Keep,
    mac: Option<&str>,
) -> Result<T, Stop> {
    if let Err(Stop::Failed(error)) = &result
        && error.lost.is_some()
    {
        // What stays there is said once more; that is better than to hide the loss behind this error.
        settle(keep, mac).ok();
    }
    result
}

/// Looks at what an earlier job on this board could not look at any more.
///
/// # Errors
/// What that job destroyed, once; or when the board does not answer.
pub(super) fn look(
    keep: &dyn Keep,
    session: &mut Session,
    proven: &mut Proven,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let Some(mac) = session.identify()?.mac else {
        return Ok(());
    };
    let file = match keep.get(&name(&mac)) {
        Ok(None) => return Ok(()),
        Ok(Some(file)) => kept_watch::read(&file).filter(|kept| kept.mac == mac),
        Err(_) => None,
    };
    let end = flash_end(session)?;
    let kept = file.map(|kept| {
        let watch = Watch {
            elsewhere: kept.elsewhere,
            behind: kept.behind,
        };
        (kept.target, watch)
    });
    let Some((target, watch)) = kept.filter(|(_, watch)| watch.fits(end)) else {
        job.note(format!(
            "{} cannot be read: nobody knows whether an interrupted job damaged anything else",
            keep.place(&name(&mac))
        ));
        return settle(keep, Some(&mac));
    };
    let Some(lost) = watch.lost(session, Meanwhile::Reset)? else {
        return settle(keep, Some(&mac));
    };
    if watch.is_all_blank(session)? {
        // No single command does that; whoever erases a board means it.
        job.note(format!(
            "All that lay around an interrupted job for {target} is blank: the board was erased since"
        ));
        return settle(keep, Some(&mac));
    }
    // What stays there is said once more; that is better than to hide the loss.
    settle(keep, Some(&mac)).ok();
    proven.clear();
    Err(stray_watch::lost_by_interrupted(&target, lost).into())
}
