//! Erases whole sectors, a block at a time so that it can be stopped.

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{Outcome, RegionState, Stage};
use super::job::Job;
use super::{neighbours, table_change};
use crate::device::session::Go;
use crate::model::cause::Cause;
use crate::model::number::{hex, human_size};
use crate::model::region::{BLOCK, Region, SECTOR};

/// Bytes erased by one command: long enough for the fast block erase, short enough to stop soon.
const STEP: u32 = 4 * BLOCK;

pub(super) fn run(
    link: &mut BoardLink,
    region: Region,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    if !region.is_aligned(SECTOR) || region.size == 0 {
        return Err(JobError::new(
            format!(
                "Cannot erase {} bytes at {}: flash is erased by sectors of 4 KiB",
                region.size,
                hex(region.offset)
            ),
            hex(region.offset),
            format!(
                "Erase {}:{} instead, which covers it",
                hex(region.sectors().offset),
                hex(region.sectors().size.max(SECTOR))
            ),
        )
        .because(Cause::Unaligned)
        .into());
    }
    let session = link.loader(job)?;
    let flash = session.identify()?.flash();
    if let Some(flash) = flash.filter(|flash| !flash.contains(region)) {
        return Err(JobError::new(
            format!(
                "Cannot erase up to {}: the flash ends at {}",
                hex(region.end()),
                hex(flash.end())
            ),
            hex(region.offset),
            "Erase a region inside the flash",
        )
        .because(Cause::FlashTooSmall)
        .into());
    }
    let keep = link.keep();
    let (session, proven) = link.loader_and_proven(job)?;
    // What an interrupted write saved must not come back into a sector that is erased on purpose.
    neighbours::restore(&*keep, session, proven, job)?;
    proven.forget(region);
    job.stage(Stage::Erasing);
    let total = u64::from(region.size);
    let mut done = 0;
    while done < region.size {
        // Steps end at multiples of the step, so that all but the first and the last are whole blocks.
        let at = region.offset + done;
        let step = (STEP - at % STEP).min(region.size - done);
        let piece = Region::new(at, step);
        session.erase(piece)?;
        job.region(piece, RegionState::Erased);
        done += step;
        if job.advanced(u64::from(done), total) == Go::Stop && done < region.size {
            return Err(Stop::Cancelled(format!(
                "Stopped: the first {} from {} are erased, the rest is untouched",
                human_size(u64::from(done)),
                hex(region.offset)
            )));
        }
    }
    let mac = session.identify()?.mac;
    table_change::erased(&*keep, mac.as_deref(), region)?;
    Ok(Outcome::Erased(region))
}
