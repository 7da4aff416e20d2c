//! Bytes that share a sector with what is written but do not belong to it: saved to a safe place before the sector is
//! erased, put back from there by the next write if the sector is not whole, let go once a digest has proven them.
//!
//! The order is the whole point: saved and synced, then erased; proven, then let go. At every moment the bytes are on
//! the board or in the file, whatever is cut.

use super::compress;
use super::diff::digest_of;
use super::error::{JobError, Stop};
use super::job::Job;
use super::pace::BLOCK_MAX;
use super::proven::Proven;
use super::scan;
use super::stray_kept;
use super::stray_watch::{self, Care, Meanwhile, Watch};
use super::whole::Whole;
use crate::device::session::{Form, Go, Session};
use crate::formats::kept_bytes::{self, KeptBytes, KeptPart};
use crate::model::keep::{Keep, KeepError, board_name};
use crate::model::number::{hex, human_size};
use crate::model::region::{Region, SECTOR};

/// How often a sector is written to put bytes back before the job fails.
const TRIES: usize = 3;

/// Under which name the bytes of a board are kept.
pub(super) fn name(mac: &str) -> String {
    format!("beside-{}.json", board_name(mac))
}

/// Bytes that wait in the safe place until they are proven on the board.
#[derive(Debug)]
#[must_use]
pub(super) struct Saved {
    name: String,
    parts: Vec<KeptPart>,
}

/// Saves what lies beside `region` in its sectors, if anything of it is about to be erased: `runs`. Both ends, because
/// after an error more may have to be erased than these. `bytes` are those of the whole sectors from `offset` on, with the
/// board's own bytes outside the region. Nothing to save is the usual case.
pub(super) fn save(
    keep: &dyn Keep,
    session: &mut Session,
    region: Region,
    (offset, bytes): (u32, &[u8]),
    runs: &[Region],
) -> Result<Option<Saved>, Stop> {
    let end = u64::from(offset) + bytes.len() as u64;
    let head = Region::new(offset, region.offset - offset);
    let tail = Region::new(region.end() as u32, (end - region.end()) as u32);
    let parts: Vec<KeptPart> = [head, tail]
        .into_iter()
        .filter(|part| part.size > 0 && !runs.is_empty())
        .map(|part| {
            let start = (part.offset - offset) as usize;
            KeptPart {
                offset: part.offset,
                bytes: bytes[start..start + part.size as usize].to_vec(),
            }
        })
        .collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let Some(mac) = session.identify()?.mac else {
        return Err(JobError::new(
            format!(
                "The bytes beside {} cannot be saved: the board did not tell its MAC address",
                hex(region.offset)
            ),
            hex(region.offset),
            "Write whole sectors: offset and size as multiples of 4 KiB",
        )
        .into());
    };
    let name = name(&mac);
    let kept = KeptBytes {
        mac,
        parts: parts.clone(),
    };
    keep.put(&name, &kept_bytes::write(&kept))
        .map_err(|error| not_saved(region, error))?;
    Ok(Some(Saved { name, parts }))
}

/// Lets go of what was saved, once the board has shown that it holds it.
pub(super) fn settle(
    keep: &dyn Keep,
    session: &mut Session,
    proven: &Proven,
    saved: &Saved,
) -> Result<(), Stop> {
    for part in &saved.parts {
        let sector = part.region().sectors().offset;
        // Nothing protects a question on its way: a *no* is asked for twice.
        if !proven.knows(sector) && !holds(session, part)? && !holds(session, part)? {
            return Err(not_whole(part.offset).into());
        }
    }
    keep.remove(&saved.name).map_err(|error| kept(error).into())
}

/// Puts back what an earlier write saved and could not prove, if something of it is missing on this board.
pub(super) fn restore(
    keep: &dyn Keep,
    session: &mut Session,
    proven: &mut Proven,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let Some(mac) = session.identify()?.mac else {
        return Ok(());
    };
    let name = name(&mac);
    let Some(file) = keep.get(&name).map_err(kept)? else {
        return Ok(());
    };
    let place = keep.place(&name);
    let found = kept_bytes::read(&file).and_then(|kept| {
        if kept.mac == mac {
            Ok(kept.parts)
        } else {
            Err(format!("belongs to the board {}", kept.mac))
        }
    });
    let parts = found.map_err(|reason| {
        JobError::new(
            format!("{place} {reason}: it holds bytes that an earlier write saved for this board"),
            place.clone(),
            "Move the file away to write without putting them back",
        )
    })?;
    let mut sectors: Vec<u32> = Vec::new();
    for part in &parts {
        if !holds(session, part)? {
            sectors.push(part.region().sectors().offset);
        }
    }
    sectors.sort_unstable();
    sectors.dedup();
    for sector in sectors {
        let here: Vec<&KeptPart> = parts
            .iter()
            .filter(|part| part.region().sectors().offset == sector)
            .collect();
        let sector_region = Region::new(sector, SECTOR);
        let put_back = put_back(keep, session, proven, sector_region, &here, job);
        if !stray_kept::ended(put_back, keep, Some(&mac))? {
            return Err(not_whole(sector).into());
        }
        let size: u64 = here.iter().map(|part| part.bytes.len() as u64).sum();
        job.note(format!(
            "Put back {} in the sector at {} that an interrupted write had saved",
            human_size(size),
            hex(sector)
        ));
    }
    stray_kept::settle(keep, Some(&mac))?;
    keep.remove(&name).map_err(|error| kept(error).into())
}

/// The sentence for a person whose write ended before the bytes beside it were proven; nothing if none wait.
pub(super) fn waiting(keep: &dyn Keep, mac: Option<&str>) -> Option<String> {
    let name = name(mac?);
    let waits = keep.get(&name).ok().flatten().is_some();
    waits.then(|| {
        format!(
            "; the bytes beside it are safe in {} and the next write puts them back",
            keep.place(&name)
        )
    })
}

/// Writes one sector with the kept bytes in their places, until a digest proves them; whether one did.
fn put_back(
    keep: &dyn Keep,
    session: &mut Session,
    proven: &mut Proven,
    sector: Region,
    parts: &[&KeptPart],
    job: &mut Job<'_>,
) -> Result<bool, Stop> {
    let mut bytes = session.read(sector, &mut |_| Go::On)?;
    for part in parts {
        let start = (part.offset - sector.offset) as usize;
        bytes[start..start + part.bytes.len()].copy_from_slice(&part.bytes);
    }
    let whole = Whole::new(sector.offset, bytes);
    let mac = session.identify()?.mac;
    for _ in 0..TRIES {
        proven.forget(sector);
        let watch = Watch::set(session, sector, &[sector], Care::Thorough, Some(&whole))?;
        stray_kept::put(keep, mac.as_deref(), &hex(sector.offset), &watch, job);
        let mut blocks = compress::blocks(whole.part(sector), BLOCK_MAX).into_iter();
        session.write(sector, BLOCK_MAX, &mut blocks)?;
        session.end_write(sector, Form::Stream)?;
        if let Some(lost) = watch.lost(session, Meanwhile::LoaderOnly)? {
            proven.clear();
            return Err(stray_watch::lost_outside(lost).into());
        }
        if scan::holds(session, &whole, sector)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(session: &mut Session, part: &KeptPart) -> Result<bool, Stop> {
    Ok(session.md5(part.region())? == digest_of(&part.bytes))
}

fn not_whole(offset: u32) -> JobError {
    JobError::new(
        format!(
            "The board does not hold the bytes beside what was written, at {}",
            hex(offset)
        ),
        hex(offset),
        "They are saved: check power and cable, and write again",
    )
}

fn not_saved(region: Region, error: KeepError) -> Stop {
    JobError::new(
        format!(
            "Nothing was erased, because the bytes beside {} could not be saved first: {}",
            hex(region.offset),
            error.message
        ),
        hex(region.offset),
        error.help,
    )
    .into()
}

fn kept(error: KeepError) -> JobError {
    JobError::new(error.message, "saved bytes", error.help)
}
