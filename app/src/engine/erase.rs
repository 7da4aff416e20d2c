//! Erases whole sectors, some blocks at a time so that it can be stopped. Every piece is looked at afterwards: that it is
//! blank, and that nothing else is.

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{Outcome, RegionState, Stage};
use super::flash_fault;
use super::interruption::Interruptions;
use super::job::Job;
use super::stray_watch::{self, Watch};
use super::{neighbours, table_change};
use crate::device::error::DeviceError;
use crate::device::session::{Go, Session};
use crate::model::cause::Cause;
use crate::model::number::{hex, human_size};
use crate::model::region::{BLOCK, Region, SECTOR};

/// Bytes erased by one command: long enough for the fast block erase, short enough to stop soon.
const STEP: u32 = 4 * BLOCK;
/// How often a piece may be answered for and still hold something.
const REPEATS: u32 = 2;

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
    let mut interruptions = Interruptions::new(link.baud());
    interruptions.retry(link, job, &mut |link, job| {
        let (session, proven) = link.loader_and_proven(job)?;
        // What an interrupted write saved must not come back into a sector that is erased on purpose.
        neighbours::restore(&*keep, session, proven, job)?;
        proven.forget(region);
        Ok(())
    })?;
    let total = u64::from(region.size);
    let mut done = 0;
    while done < region.size {
        // Steps end at multiples of the step, so that all but the first and the last are whole blocks.
        let at = region.offset + done;
        let step = (STEP - at % STEP).min(region.size - done);
        let piece = Region::new(at, step);
        erase_piece(link, region, piece, &mut interruptions, job).map_err(|stop| match stop {
            Stop::Cancelled(_) => Stop::Cancelled(format!(
                "Stopped: the first {} from {} are erased, of the next {} perhaps some",
                human_size(u64::from(done)),
                hex(region.offset),
                human_size(u64::from(step)),
            )),
            failed @ Stop::Failed(_) => failed,
        })?;
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
    let mac = link.loader(job)?.identify()?.mac;
    table_change::erased(&*keep, mac.as_deref(), region)?;
    Ok(Outcome::Erased(region))
}

/// Erases one piece of the job that erases `whole`, until all of it is proven blank.
fn erase_piece(
    link: &mut BoardLink,
    whole: Region,
    piece: Region,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let watch = interruptions.retry(link, job, &mut |link, job| {
        Ok(Watch::set(link.loader(job)?, whole, piece)?)
    })?;
    let mut answered = 0;
    loop {
        job.stage(Stage::Erasing);
        match link
            .loader(job)
            .and_then(|session| Ok(session.erase(piece)?))
        {
            Ok(()) => answered += 1,
            Err(stop) => drop(interruptions.survive(stop, link, job)?),
        }
        // Whatever was answered, nothing protects the command: it may have been taken for another one.
        let (lost, held) = interruptions.retry(link, job, &mut |link, job| {
            let session = link.loader(job)?;
            Ok((watch.lost(session)?, first_held(session, piece)?))
        })?;
        if let Some(lost) = lost {
            link.loader_and_proven(job)?.1.clear();
            return Err(stray_watch::lost_outside(lost).into());
        }
        let Some(held) = held else {
            interruptions.progress();
            return Ok(());
        };
        if answered > REPEATS {
            return Err(does_not_erase(link.loader(job)?, held).into());
        }
        job.note(format!(
            "{} still holds something and is erased again",
            hex(held.offset)
        ));
    }
}

/// The first sector of a piece that is not blank.
fn first_held(session: &mut Session, piece: Region) -> Result<Option<Region>, DeviceError> {
    if stray_watch::is_blank(session, piece)? {
        return Ok(None);
    }
    for at in (0..piece.size).step_by(SECTOR as usize) {
        let sector = Region::new(piece.offset + at, SECTOR);
        if !stray_watch::is_blank(session, sector)? {
            return Ok(Some(sector));
        }
    }
    // Every sector was answered for, if not all of them at once.
    Ok(None)
}

fn does_not_erase(session: &mut Session, held: Region) -> JobError {
    let cause = flash_fault::find(session, held, &[0xFF; SECTOR as usize]);
    let unknown = "Check power and cable and erase again; if it stays, the flash is write-protected or failing";
    let mut error = JobError::new(
        format!("{} does not become blank", hex(held.offset)),
        hex(held.offset),
        cause.map_or(unknown, Cause::todo),
    );
    error.cause = cause;
    error
}
