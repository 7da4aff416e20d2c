//! Carries out a plan: find what differs, write only that, and prove it.
//!
//! A new job after a cut is the same walk, and sends only what is still missing. Nothing is believed because it was
//! sent: a sector counts as done when a digest has shown it. What happens between is in [`super::send`], and what becomes
//! of an error in [`super::interruption`].

use std::time::Instant;

use super::board_link::BoardLink;
use super::error::{JobError, Stop, reset_again_and_again};
use super::event::{Outcome, WriteSummary};
use super::guard_job;
use super::interruption::{Interruptions, PROOFS_AGAIN};
use super::job::Job;
use super::memory::Memory;
use super::moves;
use super::neighbours;
use super::proven::Proven;
use super::scan::{self, Scanned};
use super::send::{How, Sending};
use super::stray_kept;
use super::table_change;
use super::whole::Whole;
use super::{agent_digests, agent_replaced};
use crate::device::session::Session;
use crate::model::cause::Cause;
use crate::model::flash_plan::{FlashPlan, PlannedWrite};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// What a job says that is cancelled before it erases anything.
const NOTHING_CHANGED: &str = "Stopped; nothing on the board was changed";

/// Writes what differs and verifies it.
pub(super) fn run(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let mut interruptions = Interruptions::new(link.baud());
    let moves_before = !plan.moves.is_empty()
        && interruptions
            .retry(link, job, &mut |link, job| moves::is_marked(link, job))
            .map_err(|stop| stated(stop, NOTHING_CHANGED))?;
    let result = carry_out(link, plan, &mut interruptions, job);
    if result.is_err()
        && !moves_before
        && !link.is_changing()
        && let Some(mac) = link.mac_of_job()
    {
        moves::withdraw(&*link.keep(), plan, mac);
    }
    result
}

/// Carries out the plan, after a look at what was under way before.
fn carry_out(
    link: &mut BoardLink,
    plan: &FlashPlan,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let began = Instant::now();
    let prepared = prepare_all(link, plan, interruptions, job);
    let (table_change, plan) = &prepared.map_err(|stop| stated(stop, NOTHING_CHANGED))?;
    let mut summary = WriteSummary {
        verified: !plan.no_verify,
        ..WriteSummary::default()
    };
    let how = How {
        full: plan.full,
        no_verify: plan.no_verify,
    };
    let mut proven_in = Vec::new();
    for (index, write) in plan.writes.iter().enumerate() {
        let written = write_one(link, how, write, interruptions, job)
            .map_err(|stop| cancelled_in(stop, link, plan, index, job))?;
        summary.written += written.bytes;
        summary.unchanged += u64::from(write.region().sectors().size).saturating_sub(written.bytes);
        proven_in.push(written.session);
    }
    summary.written += prove_again(link, plan, &mut proven_in, interruptions, job)?;
    finish_all(link, plan, table_change.as_ref(), interruptions, job)
        .map_err(|stop| stated(stop, &cancelled_state(plan, plan.writes.len(), "")))?;
    summary.millis = began.elapsed().as_millis() as u64;
    Ok(Outcome::Written(summary))
}

/// Proves once more what was proven before the chip was reset: its program may have run in between, and have changed it.
/// `proven_in` are the sessions in which the writes of the plan were proven. Returns the bytes that were written again.
fn prove_again(
    link: &mut BoardLink,
    plan: &FlashPlan,
    proven_in: &mut [u32],
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<u64, Stop> {
    if plan.no_verify {
        return Ok(0);
    }
    let only_what_differs = How {
        full: false,
        no_verify: false,
    };
    let (mut again, mut proofs) = (0, PROOFS_AGAIN as usize * plan.writes.len());
    loop {
        let now = link.session_number();
        let Some(index) = proven_in.iter().position(|session| *session != now) else {
            return Ok(again);
        };
        if proofs == 0 {
            return Err(reset_again_and_again().into());
        }
        proofs -= 1;
        let write = &plan.writes[index];
        let written = write_one(link, only_what_differs, write, interruptions, job)
            .map_err(|stop| cancelled_in(stop, link, plan, index, job))?;
        again += written.bytes;
        proven_in[index] = written.session;
    }
}

/// The end of a job that was cancelled in the write of this index: what is beside it is made whole, and what is done is said.
fn cancelled_in(
    stop: Stop,
    link: &mut BoardLink,
    plan: &FlashPlan,
    index: usize,
    job: &mut Job<'_>,
) -> Stop {
    match stop {
        Stop::Cancelled(target) => match put_back_beside(link, job) {
            Ok(beside) => Stop::Cancelled(cancelled_state(plan, index, &target) + &beside),
            Err(lost) => lost.into(),
        },
        failed @ Stop::Failed(_) => failed,
    }
}

/// What has to be looked at and saved before anything is erased; the plan with all that it carries along.
fn prepare_all(
    link: &mut BoardLink,
    plan: &FlashPlan,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<(Option<table_change::Begun>, FlashPlan), Stop> {
    if !plan.full {
        agent_digests::gather(link, plan, job)?;
    }
    check_inside_flash(link, plan, job)?;
    guard_job::check(link, plan, job)?;
    interruptions.retry(link, job, &mut |link, job| {
        agent_replaced::begin(link, plan, job)
    })?;
    let table_change = interruptions.retry(link, job, &mut |link, job| {
        table_change::begin(link, plan, job)
    })?;
    Ok((table_change, moves::with_carried(link, plan, job)?))
}

/// Lets go of what was saved, after all of the plan is on the board.
fn finish_all(
    link: &mut BoardLink,
    plan: &FlashPlan,
    table_change: Option<&table_change::Begun>,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    moves::finish(link, plan, job)?;
    if let Some(begun) = table_change {
        interruptions.retry(link, job, &mut |link, job| {
            table_change::finish(link, begun, !plan.no_verify, job)
        })?;
    }
    agent_replaced::finish(link, plan, job)
}

/// The same with another sentence, if it was cancelled.
fn restated(stop: Stop, state: &str) -> Stop {
    match stop {
        Stop::Cancelled(_) => Stop::Cancelled(state.to_owned()),
        failed @ Stop::Failed(_) => failed,
    }
}

/// The state that a cancelled step leaves, where it did not say it itself.
fn stated(stop: Stop, state: &str) -> Stop {
    match stop {
        Stop::Cancelled(said) if said.is_empty() => Stop::Cancelled(state.to_owned()),
        other => other,
    }
}

/// After a cancel the bytes beside the region are made whole at once; if that fails, what is said of them.
///
/// # Errors
/// When something is lost elsewhere, which weighs more than that it was cancelled.
fn put_back_beside(link: &mut BoardLink, job: &mut Job<'_>) -> Result<String, JobError> {
    let keep = link.keep();
    let Ok((session, proven)) = link.loader_and_proven(job) else {
        return Ok(String::new());
    };
    let restored = stray_kept::look(&*keep, session, proven, job)
        .and_then(|()| neighbours::restore(&*keep, session, proven, job));
    match restored {
        Ok(()) => Ok(String::new()),
        Err(Stop::Failed(error)) if error.lost.is_some() => Err(error),
        Err(_) => {
            let mac = session.identify().ok().and_then(|identity| identity.mac);
            Ok(neighbours::waiting(&*keep, mac.as_deref()).unwrap_or_default())
        }
    }
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
        let compared = interruptions.retry(link, job, &mut |link, job| {
            let (session, proven) = link.loader_and_proven(job)?;
            let (whole, mut scanned) = prepare(session, proven, write, false, &scan::unknown, job)?;
            if session.is_disturbed() {
                let more = scan::confirm(session, proven, &whole, &scanned.doubtful, job)?;
                scanned.differing.extend(more);
            }
            Ok(scanned.differing)
        });
        differing.extend(compared.map_err(|stop| stated(stop, NOTHING_CHANGED))?);
    }
    differing.sort();
    Ok(Outcome::Compared { differing })
}

/// What became of one region.
struct WrittenRegion {
    /// Bytes that were sent, each time they were.
    bytes: u64,
    /// The session that has proven all of it.
    session: u32,
}

/// Writes one region. When cancelled, it says what of the region is: `is untouched`.
fn write_one(
    link: &mut BoardLink,
    how: How,
    write: &PlannedWrite,
    interruptions: &mut Interruptions,
    job: &mut Job<'_>,
) -> Result<WrittenRegion, Stop> {
    let keep = link.keep();
    let mac = link.loader(job)?.identify()?.mac;
    let mut memory = Memory::of(&*keep, mac.as_deref());
    let prepared = interruptions.retry(link, job, &mut |link, job| {
        let (session, proven) = link.loader_and_proven(job)?;
        stray_kept::look(&*keep, session, proven, job)?;
        neighbours::restore(&*keep, session, proven, job)?;
        let likely = |sector: Region, bytes: &[u8]| memory.likely(sector, bytes);
        prepare(session, proven, write, how.full, &likely, job)
    });
    let (whole, mut scanned) = prepared.map_err(|stop| restated(stop, "is untouched"))?;
    let around = (whole.offset, whole.bytes.as_slice());
    let session = link.loader(job)?;
    scanned.differing = session.cost().merged(&scanned.differing, whole.region());
    let mut erased = Vec::new();
    let mut written = 0;
    // Where nothing is sent, what was compared is the proof.
    let mut proven_in = link.session_number();
    let saved = loop {
        let runs = scanned.differing;
        let runs_sent = !runs.is_empty();
        erased.extend_from_slice(&runs);
        let saved = interruptions.retry(link, job, &mut |link, job| {
            let session = link.loader(job)?;
            neighbours::save(&*keep, session, write.region(), around, &erased)
        })?;
        written += runs.iter().map(|run| u64::from(run.size)).sum::<u64>();
        let sent = Sending::new(&whole, &write.target, how, runs).finish(link, interruptions, job);
        stray_kept::ended(sent, &*keep, mac.as_deref())
            .map_err(|stop| restated(stop, "is incomplete"))?;
        if runs_sent {
            proven_in = link.session_number();
        }
        let doubtful = &scanned.doubtful;
        let differing = interruptions.retry(link, job, &mut |link, job| {
            let (session, proven) = link.loader_and_proven(job)?;
            if how.no_verify || !session.is_disturbed() {
                return Ok(Vec::new());
            }
            // A command for one sector may have erased another of the same region, which was proven before.
            let all = [whole.region()];
            let doubtful = if runs_sent { &all[..] } else { doubtful };
            scan::confirm(session, proven, &whole, doubtful, job)
        });
        let differing = differing.map_err(|stop| restated(stop, "is not verified"))?;
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
    stray_kept::settle(&*keep, mac.as_deref())?;
    if !how.no_verify {
        memory.learn(whole.region(), &whole.bytes);
        memory.store(&*keep);
    }
    Ok(WrittenRegion {
        bytes: written,
        session: proven_in,
    })
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

/// `target` says in which state the write of this index is; those before it are done.
fn cancelled_state(plan: &FlashPlan, index: usize, target: &str) -> String {
    let done: Vec<&str> = plan.writes[..index]
        .iter()
        .map(|write| write.target.as_str())
        .collect();
    let done = if done.is_empty() {
        "nothing".to_owned()
    } else {
        done.join(", ")
    };
    let how = if plan.no_verify {
        "written, not verified"
    } else {
        "written and verified"
    };
    let partial = plan
        .writes
        .get(index)
        .map_or_else(String::new, |write| format!(", {} {target}", write.target));
    format!("Stopped: {done} {how}{partial}; writing again sends only what is missing")
}
