//! Erases whole sectors, some blocks at a time so that it can be stopped. Every piece is looked at afterwards: that it is
//! blank, and that nothing else is.

use super::board_link::BoardLink;
use super::error::{JobError, Stop, reset_again_and_again};
use super::event::{Outcome, RegionState, Stage};
use super::flash_fault;
use super::interruption::{Interruptions, PROOFS_AGAIN};
use super::job::Job;
use super::stray_watch::{self, Care, Meanwhile, Watch};
use super::{neighbours, stray_kept, table_change};
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
        stray_kept::look(&*keep, session, proven, job)?;
        neighbours::restore(&*keep, session, proven, job)?;
        proven.forget(region);
        Ok(())
    })?;
    let mut proven_in = link.session_number();
    erase_all(link, region, Pass::First, &mut interruptions, job)?;
    // A chip that was reset may have run its program, which writes what it misses.
    for _ in 0..PROOFS_AGAIN {
        if link.session_number() == proven_in {
            break;
        }
        proven_in = link.session_number();
        erase_all(link, region, Pass::Again, &mut interruptions, job)?;
    }
    if link.session_number() != proven_in {
        return Err(reset_again_and_again().into());
    }
    table_change::erased(&*keep, link.mac_of_job(), region)?;
    Ok(Outcome::Erased(region))
}

/// Whether pieces were proven blank before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    First,
    Again,
}

/// Erases a region piece by piece; `Again` only what is not blank.
fn erase_all(
    link: &mut BoardLink,
    region: Region,
    pass: Pass,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let keep = link.keep();
    let total = u64::from(region.size);
    let mut done = 0;
    while done < region.size {
        // Steps end at multiples of the step, so that all but the first and the last are whole blocks.
        let at = region.offset + done;
        let step = (STEP - at % STEP).min(region.size - done);
        let piece = Region::new(at, step);
        let is_blank = pass == Pass::Again
            && interruptions.retry(link, job, &mut |link, job| {
                Ok(first_held(link.loader(job)?, piece)?.is_none())
            })?;
        if !is_blank {
            let erased = erase_piece(link, region, piece, interruptions, job);
            stray_kept::ended(erased, &*keep, link.mac_of_job()).map_err(|stop| match stop {
                Stop::Cancelled(_) => Stop::Cancelled(format!(
                    "Stopped: the first {} from {} are erased, of the next {} perhaps some",
                    human_size(u64::from(done)),
                    hex(region.offset),
                    human_size(u64::from(step)),
                )),
                failed @ Stop::Failed(_) => failed,
            })?;
        }
        job.region(piece, RegionState::Erased);
        done += step;
        if job.advanced(u64::from(done), total) == Go::Stop && done < region.size {
            let rest = match pass {
                Pass::First => "the rest is untouched",
                Pass::Again => "the rest was, and is not looked at again",
            };
            return Err(Stop::Cancelled(format!(
                "Stopped: the first {} from {} are erased, {rest}",
                human_size(u64::from(done)),
                hex(region.offset)
            )));
        }
    }
    Ok(())
}

/// Erases one piece of the job that erases `whole`, until all of it is proven blank.
fn erase_piece(
    link: &mut BoardLink,
    whole: Region,
    piece: Region,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let keep = link.keep();
    let watch = interruptions.retry(link, job, &mut |link, job| {
        let session = link.loader(job)?;
        let watch = Watch::set(session, whole, &[piece], Care::Thorough, None)?;
        let mac = session.identify()?.mac;
        stray_kept::put(&*keep, mac.as_deref(), &hex(whole.offset), &watch, job);
        Ok(watch)
    })?;
    let watched_in = link.session_number();
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
            link.loader(job)?;
            let meanwhile = Meanwhile::since(watched_in, link);
            let session = link.loader(job)?;
            Ok((watch.lost(session, meanwhile)?, first_held(session, piece)?))
        })?;
        if let Some(lost) = lost {
            link.loader_and_proven(job)?.1.clear();
            return Err(stray_watch::lost_outside(lost).into());
        }
        let Some(held) = held else {
            interruptions.progress();
            return stray_kept::settle(&*keep, link.mac_of_job());
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
