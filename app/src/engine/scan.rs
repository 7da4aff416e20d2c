//! Finds out which sectors of the board differ from what they should hold, reports it, and remembers what was proven.

use super::diff::{self, Known};
use super::error::Stop;
use super::event::{RegionState, Stage};
use super::job::Job;
use super::proven::Proven;
use super::whole::Whole;
use crate::device::session::{Go, Session};
use crate::model::region::{Region, SECTOR};

/// Bytes of one question about bytes that are expected to be right.
pub(super) const PIECE: u32 = 0x4_0000;

/// What a scan has found.
pub(super) struct Scanned {
    /// Runs of whole sectors that differ.
    pub(super) differing: Vec<Region>,
    /// What the stub called the same. Nothing protects a question on its way to the stub: on a line that proves to be
    /// noisy, these are asked again.
    pub(super) doubtful: Vec<Region>,
}

/// Compares `part` of `whole` with the board, sector by sector where chunks differ.
///
/// `likely` guesses what the board holds; it decides only what is asked together.
pub(super) fn scan(
    session: &mut Session,
    proven: &mut Proven,
    whole: &Whole,
    part: Region,
    likely: &dyn Fn(Region, &[u8]) -> Option<bool>,
    job: &mut Job<'_>,
) -> Result<Scanned, Stop> {
    job.stage(Stage::Comparing);
    let wanted = whole.part(part);
    let total = wanted.len() as u64;
    let known = Known {
        certain: &|sector, bytes| proven.holds(sector.offset, bytes),
        likely,
    };
    let differing = diff::differing(
        part.offset,
        wanted,
        &known,
        session.cost(),
        &mut |region| session.md5(region).map_err(Stop::from),
        &mut |done| match job.advanced(done, total) {
            Go::On => Ok(()),
            Go::Stop => Err(Stop::Cancelled(String::new())),
        },
    )?;
    let mut doubtful = Vec::new();
    let mut at = part.offset;
    let end = Region::new(part.end() as u32, 0);
    for run in differing.iter().chain([&end]) {
        if run.offset > at {
            let same = Region::new(at, run.offset - at);
            doubtful.extend(unknown_runs(proven, same));
            proven.learn(same, whole.part(same));
            job.region(same, RegionState::Same);
        }
        if run.size > 0 {
            job.region(*run, RegionState::Differs);
        }
        at = run.end() as u32;
    }
    Ok(Scanned {
        differing,
        doubtful,
    })
}

/// No guess at all.
pub(super) fn unknown(_: Region, _: &[u8]) -> Option<bool> {
    None
}

/// Asks again, in large pieces, what was called the same on a line that proved to be noisy; returns what differs.
pub(super) fn confirm(
    session: &mut Session,
    proven: &mut Proven,
    whole: &Whole,
    doubtful: &[Region],
    job: &mut Job<'_>,
) -> Result<Vec<Region>, Stop> {
    job.stage(Stage::Verifying);
    let total: u64 = doubtful.iter().map(|region| u64::from(region.size)).sum();
    let (mut done, mut differing) = (0, Vec::new());
    for piece in doubtful.iter().copied().flat_map(pieces) {
        if !holds(session, whole, piece)? {
            proven.forget(piece);
            differing.extend(scan(session, proven, whole, piece, &unknown, job)?.differing);
            job.stage(Stage::Verifying);
        }
        done += u64::from(piece.size);
        if job.advanced(done, total) == Go::Stop {
            return Err(Stop::Cancelled(String::new()));
        }
    }
    Ok(differing)
}

/// Whether a digest shows that the board holds what it should at `region`.
pub(super) fn holds(session: &mut Session, whole: &Whole, region: Region) -> Result<bool, Stop> {
    Ok(session.md5(region)? == diff::digest_of(whole.part(region)))
}

/// `region` in pieces that are asked about by one question each.
pub(super) fn pieces(region: Region) -> impl Iterator<Item = Region> {
    (0..region.size)
        .step_by(PIECE as usize)
        .map(move |at| Region::new(region.offset + at, PIECE.min(region.size - at)))
}

/// The sectors of `region` of which nothing is known, as runs.
fn unknown_runs(proven: &Proven, region: Region) -> Vec<Region> {
    let mut runs: Vec<Region> = Vec::new();
    for at in (0..region.size).step_by(SECTOR as usize) {
        let sector = Region::new(region.offset + at, SECTOR);
        if proven.unknown_bytes(sector) == 0 {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end() == u64::from(sector.offset) => run.size += SECTOR,
            _ => runs.push(sector),
        }
    }
    runs
}
