//! Carries out a plan: find what differs, write only that, and prove it.
//!
//! A new job after a cut is the same walk, and sends only what is still missing. Nothing is believed because it was
//! sent: a sector counts as done when a digest has shown it. What happens between is in [`super::send`], and what becomes
//! of an error in [`super::interruption`].

use std::time::Instant;

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{Outcome, WriteSummary};
use super::guard_job;
use super::interruption::Interruptions;
use super::job::Job;
use super::memory::Memory;
use super::moves;
use super::neighbours;
use super::proven::Proven;
use super::scan::{self, Scanned};
use super::send::Sending;
use super::table_change;
use super::whole::Whole;
use super::{agent_digests, agent_replaced};
use crate::device::session::Session;
use crate::model::cause::Cause;
use crate::model::flash_plan::{FlashPlan, PlannedWrite};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

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
    guard_job::check(link, plan, job)?;
    let mut interruptions = Interruptions::new(link.baud());
    interruptions.retry(link, job, &mut |link, job| {
        agent_replaced::begin(link, plan, job)
    })?;
    let table_change = interruptions.retry(link, job, &mut |link, job| {
        table_change::begin(link, plan, job)
    })?;
    let plan = &moves::with_carried(link, plan, job)?;
    let mut summary = WriteSummary {
        verified: !plan.no_verify,
        ..WriteSummary::default()
    };
    for (index, write) in plan.writes.iter().enumerate() {
        match write_one(link, plan, write, &mut interruptions, job) {
            Ok((written, unchanged)) => {
                summary.written += written;
                summary.unchanged += unchanged;
            }
            Err(Stop::Cancelled(_)) => {
                let beside = put_back_beside(link, job);
                return Err(Stop::Cancelled(cancelled_state(plan, index) + &beside));
            }
            Err(failed) => return Err(failed),
        }
    }
    moves::finish(link, plan, job)?;
    if let Some(begun) = table_change {
        interruptions.retry(link, job, &mut |link, job| {
            table_change::finish(link, &begun, !plan.no_verify, job)
        })?;
    }
    agent_replaced::finish(link, plan, job)?;
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
    let mut interruptions = Interruptions::new(link.baud());
    let mut differing = Vec::new();
    for write in &plan.writes {
        differing.extend(interruptions.retry(link, job, &mut |link, job| {
            let (session, proven) = link.loader_and_proven(job)?;
            let (whole, mut scanned) = prepare(session, proven, write, false, &scan::unknown, job)?;
            if session.is_disturbed() {
                let more = scan::confirm(session, proven, &whole, &scanned.doubtful, job)?;
                scanned.differing.extend(more);
            }
            Ok(scanned.differing)
        })?);
    }
    differing.sort();
    Ok(Outcome::Compared { differing })
}

/// Writes one region; returns bytes written and bytes left as they were.
fn write_one(
    link: &mut BoardLink,
    plan: &FlashPlan,
    write: &PlannedWrite,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<(u64, u64), Stop> {
    let keep = link.keep();
    let mut memory = Memory::of(&*keep, link.loader(job)?.identify()?.mac.as_deref());
    let (whole, mut scanned) = interruptions.retry(link, job, &mut |link, job| {
        let (session, proven) = link.loader_and_proven(job)?;
        neighbours::restore(&*keep, session, proven, job)?;
        let likely = |sector: Region, bytes: &[u8]| memory.likely(sector, bytes);
        prepare(session, proven, write, plan.full, &likely, job)
    })?;
    let around = (whole.offset, whole.bytes.as_slice());
    let session = link.loader(job)?;
    scanned.differing = session.cost().merged(&scanned.differing, whole.region());
    let mut erased = Vec::new();
    let mut written = 0;
    let saved = loop {
        let runs = scanned.differing;
        erased.extend_from_slice(&runs);
        let saved = interruptions.retry(link, job, &mut |link, job| {
            let session = link.loader(job)?;
            neighbours::save(&*keep, session, write.region(), around, &erased)
        })?;
        written += runs.iter().map(|run| u64::from(run.size)).sum::<u64>();
        Sending::new(&whole, &write.target, plan.no_verify, runs).finish(
            link,
            interruptions,
            job,
        )?;
        let doubtful = &scanned.doubtful;
        let differing = interruptions.retry(link, job, &mut |link, job| {
            let (session, proven) = link.loader_and_proven(job)?;
            if plan.no_verify || doubtful.is_empty() || !session.is_disturbed() {
                return Ok(Vec::new());
            }
            scan::confirm(session, proven, &whole, doubtful, job)
        })?;
        if differing.is_empty() {
            break saved;
        }
        scanned.differing = differing;
    };
    if let Some(saved) = saved {
        interruptions.retry(link, job, &mut |link, job| {
            let (session, proven) = link.loader_and_proven(job)?;
            neighbours::settle(&*keep, session, proven, &saved)
        })?;
    }
    if !plan.no_verify {
        memory.learn(whole.region(), &whole.bytes);
        memory.store(&*keep);
    }
    let unchanged = u64::from(whole.region().size).saturating_sub(written);
    Ok((written, unchanged))
}

/// The bytes in whole sectors, and what of them the board does not hold; with `full` nothing is asked.
fn prepare(
    session: &mut Session,
    proven: &mut Proven,
    write: &PlannedWrite,
    full: bool,
    likely: &dyn Fn(Region, &[u8]) -> Option<bool>,
    job: &mut Job<'_>,
) -> Result<(Whole, Scanned), Stop> {
    let whole = whole_sectors(session, write, job)?;
    let scanned = if full {
        Scanned {
            differing: vec![whole.region()],
            doubtful: Vec::new(),
        }
    } else {
        scan::scan(session, proven, &whole, whole.region(), likely, job)?
    };
    Ok((whole, scanned))
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
    Ok(Whole::new(sectors.offset, bytes))
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
        .because(Cause::FlashTooSmall)
        .into()),
    }
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
