//! Carries the data of moved partitions along: read from the old place, saved to disk and synced, then written to the
//! new one before the table that names it.
//!
//! Everything is on disk before the first byte of the board changes, and a mark says so. While the mark is there, what
//! was saved counts and not what the board holds, because the old place may have been written over by then; the write
//! that finishes takes the mark away first.

use std::sync::Arc;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::Stage;
use super::job::Job;
use crate::device::session::Go;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::keep::{Keep, KeepError, board_name};
use crate::model::number::{hex, human_size};
use crate::model::planned_move::PlannedMove;
use crate::model::region::Region;

/// Bytes of one piece of a read.
const PIECE: u32 = 0x1_0000;
/// How often a piece is asked for after an interruption.
const TRIES: usize = 3;

/// What was saved of a board, and that a move is under way.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    flashpack_moved_data: u32,
    mac: String,
    parts: Vec<MarkedPart>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct MarkedPart {
    /// Where the board had it.
    offset: u32,
    size: u32,
    /// Of the saved bytes, in hexadecimal.
    md5: String,
}

/// Where the data of moved partitions is saved before anything is written, for who shows the plan.
pub fn place(keep: &dyn Keep, mac: Option<&str>, from: Region) -> String {
    keep.place(&part_name(mac.unwrap_or("unknown"), from.offset))
}

/// The plan with what is carried along as writes of their own, when all of it is saved.
pub(super) fn with_carried(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<FlashPlan, Stop> {
    let carried: Vec<_> = plan
        .moves
        .iter()
        .filter_map(|planned| Some((planned, planned.carried()?)))
        .collect();
    if !plan.carry || carried.is_empty() {
        return Ok(plan.clone());
    }
    let keep = link.keep();
    let mac = mac(link, job)?;
    let before = mark(&*keep, &mac)?;
    let mut parts = before
        .as_ref()
        .map_or_else(Vec::new, |mark| mark.parts.clone());
    let mut whole = plan.clone();
    for (planned, (from, to)) in carried {
        let saved = parts
            .iter()
            .find(|part| part.offset == from.offset)
            .map(|part| saved_enough(&*keep, &mac, part, from, &planned.name))
            .transpose()?;
        let bytes: Arc<[u8]> = if let Some(bytes) = saved {
            job.note(format!(
                "{} is taken from {}, where an unfinished write saved it",
                planned.name,
                keep.place(&part_name(&mac, from.offset))
            ));
            bytes[..from.size as usize].into()
        } else {
            let bytes = read(link, from, job)?;
            keep.put(&part_name(&mac, from.offset), &bytes)
                .map_err(|error| not_saved(&planned.name, &error))?;
            parts.push(MarkedPart {
                offset: from.offset,
                size: from.size,
                md5: digest(&bytes),
            });
            bytes.into()
        };
        whole.add(PlannedWrite {
            role: Role::Data,
            target: planned.name.clone(),
            source: format!("what was at {}", hex(from.offset)),
            offset: to,
            bytes,
            destroys: Vec::new(),
        });
    }
    let mark = Mark {
        flashpack_moved_data: 1,
        mac: mac.clone(),
        parts,
    };
    // Numbers and texts: there is nothing in it that JSON could refuse.
    let text = serde_json::to_vec(&mark).unwrap_or_default();
    keep.put(&mark_name(&mac), &text)
        .map_err(|error| not_saved("what is moved", &error))?;
    Ok(whole)
}

/// Whether data of this board waits to be carried by a move that is under way.
pub(super) fn is_marked(link: &mut BoardLink, job: &mut Job<'_>) -> Result<bool, Stop> {
    let keep = link.keep();
    match link.loader(job)?.identify()?.mac {
        Some(mac) => Ok(mark(&*keep, &mac)?.is_some()),
        None => Ok(false),
    }
}

/// Takes back what [`with_carried`] saved, as long as nothing on the board was changed: the board's own data counts, and what
/// its program makes of it until the next attempt.
pub(super) fn withdraw(keep: &dyn Keep, plan: &FlashPlan, mac: &str) {
    // Without a mark it did not come so far, and what lies there is of another plan.
    if !matches!(mark(keep, mac), Ok(Some(_))) {
        return;
    }
    // What cannot be removed is told by the next attempt, which takes the bytes from there.
    keep.remove(&mark_name(mac)).ok();
    for (from, _) in plan.moves.iter().filter_map(PlannedMove::carried) {
        keep.remove(&part_name(mac, from.offset)).ok();
    }
}

/// A table was written with all that the plan brings: no move is under way any more. What was carried and proven is let
/// go; what was saved for another plan stays on disk, and is named.
pub(super) fn finish(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    if !plan.writes.iter().any(|write| write.role == Role::Table) {
        return Ok(());
    }
    let keep = link.keep();
    let Some(mac) = link.loader(job)?.identify()?.mac else {
        return Ok(());
    };
    let Some(mark) = mark(&*keep, &mac)? else {
        return Ok(());
    };
    let gone = |name: &str| {
        keep.remove(name)
            .map_err(|error| JobError::new(error.message, name, error.help))
    };
    let carried = |part: &&MarkedPart| {
        let mut moves = plan.moves.iter().filter_map(PlannedMove::carried);
        plan.carry && !plan.no_verify && moves.any(|(from, _)| from.offset == part.offset)
    };
    gone(&mark_name(&mac))?;
    for part in &mark.parts {
        let name = part_name(&mac, part.offset);
        if carried(&part) {
            gone(&name)?;
        } else {
            job.note(format!(
                "What was at {} stays saved in {}",
                hex(part.offset),
                keep.place(&name)
            ));
        }
    }
    Ok(())
}

/// Whether an unfinished write has saved what this board had there.
pub fn is_under_way(keep: &dyn Keep, mac: Option<&str>, from: Region) -> bool {
    let mark = mac.and_then(|mac| mark(keep, mac).ok()?);
    mark.is_some_and(|mark| mark.parts.iter().any(|part| part.offset == from.offset))
}

fn mac(link: &mut BoardLink, job: &mut Job<'_>) -> Result<String, Stop> {
    link.loader(job)?.identify()?.mac.ok_or_else(|| {
        JobError::new(
            "Data cannot be moved: the board did not tell its MAC address",
            "board",
            "Reset the board and try again",
        )
        .into()
    })
}

/// A move of this very board that is under way.
///
/// # Errors
/// When the mark is there and cannot be read: what the board holds now may be no data to go by.
fn mark(keep: &dyn Keep, mac: &str) -> Result<Option<Mark>, Stop> {
    let name = mark_name(mac);
    let text = keep
        .get(&name)
        .map_err(|error| JobError::new(error.message, name.clone(), error.help))?;
    let Some(text) = text else {
        return Ok(None);
    };
    match serde_json::from_slice::<Mark>(&text) {
        Ok(mark) if mark.mac == mac => Ok(Some(mark)),
        _ => Err(JobError::new(
            format!(
                "{} is damaged or of another board: it says which data an unfinished write has saved",
                keep.place(&name)
            ),
            keep.place(&name),
            "Move the file away to take what the board holds now",
        )
        .into()),
    }
}

/// What an unfinished write saved, if it is all that is to be moved now. Of the rest nobody knows whether it was written
/// over, so it is never read from the board.
fn saved_enough(
    keep: &dyn Keep,
    mac: &str,
    part: &MarkedPart,
    from: Region,
    name: &str,
) -> Result<Vec<u8>, Stop> {
    if part.size >= from.size {
        return saved(keep, mac, part);
    }
    Err(JobError::new(
        format!(
            "An unfinished write saved {} of {name}, now {} are to be moved: the rest may have been written over",
            human_size(u64::from(part.size)),
            human_size(u64::from(from.size)),
        ),
        name,
        format!(
            "Finish the write with the same table first, or move {} away to take what the board holds now",
            keep.place(&mark_name(mac))
        ),
    )
    .into())
}

fn saved(keep: &dyn Keep, mac: &str, part: &MarkedPart) -> Result<Vec<u8>, Stop> {
    let name = part_name(mac, part.offset);
    let found = keep
        .get(&name)
        .map_err(|error| JobError::new(error.message, name.clone(), error.help))?;
    match found {
        Some(bytes) if bytes.len() == part.size as usize && digest(&bytes) == part.md5 => Ok(bytes),
        _ => Err(JobError::new(
            format!(
                "{} is not what an unfinished write saved: the data that was at {} cannot be put in its new place",
                keep.place(&name),
                hex(part.offset)
            ),
            keep.place(&name),
            format!("Put the file back, or move {} away to take what the board holds now", keep.place(&mark_name(mac))),
        )
        .into()),
    }
}

/// All bytes of a region, in pieces that the stub's digest proves.
fn read(link: &mut BoardLink, region: Region, job: &mut Job<'_>) -> Result<Vec<u8>, Stop> {
    job.stage(Stage::Reading);
    let total = u64::from(region.size);
    let mut bytes = Vec::with_capacity(region.size as usize);
    let mut interruptions = 0;
    while (bytes.len() as u32) < region.size {
        let done = bytes.len() as u32;
        let piece = Region::new(region.offset + done, PIECE.min(region.size - done));
        let result = link.loader(job).and_then(|session| {
            let mut heard = |received| job.advanced(u64::from(done) + received, total);
            session.read(piece, &mut heard).map_err(Stop::from)
        });
        match result {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(Stop::Cancelled(_)) => {
                let state = "Stopped: nothing on the board was changed, its data is where it was";
                return Err(Stop::Cancelled(state.into()));
            }
            Err(Stop::Failed(error))
                if error.resumable && interruptions < TRIES && job.go() == Go::On =>
            {
                interruptions += 1;
                job.note(format!("{}; trying again", error.message));
                link.close();
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(bytes)
}

fn not_saved(what: &str, error: &KeepError) -> Stop {
    JobError::new(
        format!(
            "Nothing was written, because {what} could not be saved first: {}",
            error.message
        ),
        what,
        error.help.clone(),
    )
    .into()
}

fn digest(bytes: &[u8]) -> String {
    let digest = Md5::digest(bytes);
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.concat()
}

fn mark_name(mac: &str) -> String {
    format!("moved-{}.json", board_name(mac))
}

fn part_name(mac: &str, offset: u32) -> String {
    format!("moved-{}-{offset:08x}.bin", board_name(mac))
}

/// What a plan carries along, as a sentence for its review.
pub fn sentence(region: Region, to: u32) -> String {
    format!(
        "{} are read from {}, saved, and written to {}",
        human_size(u64::from(region.size)),
        hex(region.offset),
        hex(to)
    )
}
