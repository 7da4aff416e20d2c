//! Carries out a plan: find what differs, write only that, and prove it.
//!
//! After any interruption the scan runs again, so that a second attempt sends only what is still missing; the same
//! holds for a new job after a cut. Nothing is believed because it was sent: a sector counts as done when a digest
//! has shown it.

use std::time::Instant;

use md5::{Digest as _, Md5};

use super::agent_digests;
use super::board_link::BoardLink;
use super::diff;
use super::error::{JobError, Stop};
use super::event::{Outcome, RegionState, Stage, WriteSummary};
use super::job::Job;
use super::neighbours;
use super::proven::Proven;
use crate::device::session::{Go, Session};
use crate::model::flash_plan::{FlashPlan, PlannedWrite};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// How often a region is begun anew after an interruption before the job fails.
const TRIES: usize = 3;
/// How often a run that proves wrong is written again.
const REWRITES: u32 = 2;

/// A region in whole sectors, with the neighbour bytes of the board in the shared ones.
struct Whole {
    offset: u32,
    bytes: Vec<u8>,
}

impl Whole {
    fn region(&self) -> Region {
        Region::new(self.offset, self.bytes.len() as u32)
    }

    fn part(&self, region: Region) -> &[u8] {
        let start = (region.offset - self.offset) as usize;
        &self.bytes[start..start + region.size as usize]
    }
}

/// Writes what differs and verifies it.
pub(super) fn run(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let began = Instant::now();
    if !plan.full {
        agent_digests::gather(link, plan, job)?;
    }
    check_inside_flash(link, plan, job)?;
    let mut summary = WriteSummary {
        verified: !plan.no_verify,
        ..WriteSummary::default()
    };
    for (index, write) in plan.writes.iter().enumerate() {
        let mut interruptions: Vec<JobError> = Vec::new();
        loop {
            match write_one(link, plan, write, job) {
                Ok((written, unchanged)) => {
                    summary.written += written;
                    summary.unchanged += unchanged;
                    break;
                }
                Err(Stop::Cancelled(_)) => {
                    let beside = put_back_beside(link, job);
                    return Err(Stop::Cancelled(cancelled_state(plan, index) + &beside));
                }
                Err(Stop::Failed(error))
                    if error.resumable && interruptions.len() < TRIES && job.go() == Go::On =>
                {
                    job.note(format!("{}; finding out what is missing", error.message));
                    interruptions.push(error);
                    link.close();
                }
                // What interrupted the work says more than why it could not be taken up again.
                Err(Stop::Failed(error)) => {
                    return Err(interruptions.into_iter().next().unwrap_or(error).into());
                }
            }
        }
    }
    summary.millis = began.elapsed().as_millis() as u64;
    Ok(Outcome::Written(summary))
}

/// After a cancel the bytes beside the region are made whole at once; if that fails, what is said of them.
fn put_back_beside(link: &mut BoardLink, job: &mut Job<'_>) -> String {
    let keep = link.keep();
    let Ok((session, proven)) = link.loader_and_proven(job) else {
        return String::new();
    };
    if neighbours::restore(&*keep, session, proven, job).is_ok() {
        return String::new();
    }
    let mac = session.identify().ok().and_then(|identity| identity.mac);
    neighbours::waiting(&*keep, mac.as_deref()).unwrap_or_default()
}

/// Compares without writing.
pub(super) fn verify(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    agent_digests::gather(link, plan, job)?;
    check_inside_flash(link, plan, job)?;
    let mut differing = Vec::new();
    for write in &plan.writes {
        let (session, proven) = link.loader_and_proven(job)?;
        let whole = whole_sectors(session, write, job)?;
        differing.extend(scan(session, proven, &whole, job)?);
    }
    Ok(Outcome::Compared { differing })
}

/// Writes one region; returns bytes written and bytes left as they were.
fn write_one(
    link: &mut BoardLink,
    plan: &FlashPlan,
    write: &PlannedWrite,
    job: &mut Job<'_>,
) -> Result<(u64, u64), Stop> {
    let keep = link.keep();
    let (session, proven) = link.loader_and_proven(job)?;
    neighbours::restore(&*keep, session, proven, job)?;
    let whole = whole_sectors(session, write, job)?;
    let runs = if plan.full {
        vec![whole.region()]
    } else {
        scan(session, proven, &whole, job)?
    };
    let around = (whole.offset, whole.bytes.as_slice());
    let saved = neighbours::save(&*keep, session, write.region(), around, &runs)?;
    let to_write: u64 = runs.iter().map(|run| u64::from(run.size)).sum();
    let mut open = runs;
    for attempt in 0..=REWRITES {
        for run in &open {
            proven.forget(*run);
        }
        send(session, &whole, &open, job)?;
        if plan.no_verify {
            break;
        }
        open = prove(session, proven, &whole, &open, job)?;
        if open.is_empty() {
            break;
        }
        if attempt == REWRITES {
            return Err(does_not_hold(write, &open).into());
        }
        job.note(format!(
            "{} at {} proved wrong and is written again",
            write.target,
            hex(open[0].offset)
        ));
    }
    if let Some(saved) = saved {
        neighbours::settle(&*keep, session, proven, &saved)?;
    }
    Ok((to_write, u64::from(whole.region().size) - to_write))
}

fn scan(
    session: &mut Session,
    proven: &mut Proven,
    whole: &Whole,
    job: &mut Job<'_>,
) -> Result<Vec<Region>, Stop> {
    job.stage(Stage::Comparing);
    let total = whole.bytes.len() as u64;
    let runs = diff::differing(
        whole.offset,
        &whole.bytes,
        &|sector, bytes| proven.holds(sector.offset, bytes),
        &mut |region| session.md5(region).map_err(Stop::from),
        &mut |done| match job.advanced(done, total) {
            Go::On => Ok(()),
            Go::Stop => Err(Stop::Cancelled(String::new())),
        },
    )?;
    let mut at = whole.offset;
    let end = Region::new(whole.region().end() as u32, 0);
    for run in runs.iter().chain([&end]) {
        if run.offset > at {
            let same = Region::new(at, run.offset - at);
            proven.learn(same, whole.part(same));
            job.region(same, RegionState::Same);
        }
        if run.size > 0 {
            job.region(*run, RegionState::Differs);
        }
        at = run.end() as u32;
    }
    Ok(runs)
}

fn mark(job: &mut Job<'_>, from: u32, to: u32, state: RegionState) {
    if to > from {
        job.region(Region::new(from, to - from), state);
    }
}

fn send(
    session: &mut Session,
    whole: &Whole,
    runs: &[Region],
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let total: u64 = runs.iter().map(|run| u64::from(run.size)).sum();
    if total == 0 {
        return Ok(());
    }
    job.stage(Stage::Writing);
    let mut before = 0;
    for run in runs {
        let mut marked = 0;
        session.write(run.offset, whole.part(*run), &mut |sent| {
            mark(
                job,
                run.offset + marked,
                run.offset + sent as u32,
                RegionState::Written,
            );
            marked = sent as u32;
            job.advanced(before + sent, total)
        })?;
        before += u64::from(run.size);
    }
    Ok(())
}

/// Asks for the digest of every run; returns those that are wrong.
fn prove(
    session: &mut Session,
    proven: &mut Proven,
    whole: &Whole,
    runs: &[Region],
    job: &mut Job<'_>,
) -> Result<Vec<Region>, Stop> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    job.stage(Stage::Verifying);
    let total: u64 = runs.iter().map(|run| u64::from(run.size)).sum();
    let mut done = 0;
    let mut wrong = Vec::new();
    for run in runs {
        let expected: [u8; 16] = Md5::digest(whole.part(*run)).into();
        if session.md5(*run)? == expected {
            proven.learn(*run, whole.part(*run));
            job.region(*run, RegionState::Verified);
        } else {
            job.region(*run, RegionState::Differs);
            wrong.push(*run);
        }
        done += u64::from(run.size);
        if job.advanced(done, total) == Go::Stop && done < total {
            return Err(Stop::Cancelled(String::new()));
        }
    }
    Ok(wrong)
}

/// The region's bytes in whole sectors: what shares its first and last sector is read from the board and kept.
fn whole_sectors(
    session: &mut Session,
    write: &PlannedWrite,
    job: &mut Job<'_>,
) -> Result<Whole, Stop> {
    let region = write.region();
    let sectors = region.sectors();
    let head = Region::new(sectors.offset, region.offset - sectors.offset);
    let tail = Region::new(region.end() as u32, (sectors.end() - region.end()) as u32);
    let mut bytes = Vec::with_capacity(sectors.size as usize);
    for part in [Some(head), None, Some(tail)] {
        match part {
            None => bytes.extend_from_slice(&write.bytes),
            Some(part) if part.size > 0 => {
                bytes.extend_from_slice(&session.read(part, &mut |_| job.go())?);
            }
            Some(_) => {}
        }
    }
    Ok(Whole {
        offset: sectors.offset,
        bytes,
    })
}

fn check_inside_flash(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let Some(flash) = link.loader(job)?.identify()?.flash() else {
        return Ok(());
    };
    let outside = plan
        .writes
        .iter()
        .find(|write| !flash.contains(write.region().sectors()));
    match outside {
        None => Ok(()),
        Some(write) => Err(JobError::new(
            format!(
                "{} does not fit: it ends at {}, the board's flash ends at {}",
                write.target,
                hex(write.region().end()),
                hex(flash.end())
            ),
            write.target.clone(),
            format!("Use a layout for {}", human_size(flash.end())),
        )
        .into()),
    }
}

fn does_not_hold(write: &PlannedWrite, wrong: &[Region]) -> JobError {
    let first = wrong.first().map_or(write.offset, |region| region.offset);
    JobError::new(
        format!(
            "{}: the board does not hold what was written at {}",
            write.target,
            hex(first)
        ),
        hex(first),
        "Check power and cable and write again; if it stays, the flash is write-protected or failing",
    )
}

fn cancelled_state(plan: &FlashPlan, index: usize) -> String {
    let done: Vec<&str> = plan.writes[..index]
        .iter()
        .map(|write| write.target.as_str())
        .collect();
    let partial = &plan.writes[index].target;
    let done = if done.is_empty() {
        "Nothing".to_owned()
    } else {
        done.join(", ")
    };
    format!(
        "Stopped: {done} written and verified, {partial} is incomplete; writing again sends only what is missing"
    )
}
