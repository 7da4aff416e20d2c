//! Reads regions in pieces, each checked by the stub's MD5; a piece that arrives wrong is asked again. Pieces that are
//! in hand from an earlier read are not read once more when the board's digest shows that they are right.

use std::collections::BTreeMap;

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{Event, Outcome, Stage};
use super::job::Job;
use crate::device::session::Go;
use crate::model::cause::Cause;
use crate::model::number::hex;
use crate::model::region::Region;

/// Bytes of one piece.
pub const PIECE: u32 = 0x1_0000;
/// How often a piece is asked before the read fails.
const TRIES: usize = 2;

/// What is to be read piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PiecesWanted {
    pub regions: Vec<Region>,
    /// MD5 of pieces that are in hand, by their offset.
    pub in_hand: BTreeMap<u32, [u8; 16]>,
}

/// The pieces that these regions are read in, in order.
pub fn pieces(regions: &[Region]) -> Vec<Region> {
    let split = |region: &Region| {
        let region = *region;
        let pieces = (0..region.size).step_by(PIECE as usize);
        pieces.map(move |at| Region::new(region.offset + at, PIECE.min(region.size - at)))
    };
    regions.iter().flat_map(split).collect()
}

/// Reads one region into memory.
pub(super) fn run(
    link: &mut BoardLink,
    region: Region,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let mut all = Vec::with_capacity(region.size as usize);
    let wanted = PiecesWanted {
        regions: vec![region],
        ..PiecesWanted::default()
    };
    read(link, &wanted, job, &mut |_, _, bytes| {
        all.extend_from_slice(&bytes.unwrap_or_default());
    })?;
    Ok(Outcome::Read {
        region,
        bytes: all.into(),
    })
}

/// Reads pieces and reports each as an event, for whoever keeps them.
pub(super) fn run_pieces(
    link: &mut BoardLink,
    wanted: &PiecesWanted,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let mut kept = 0;
    read(link, wanted, job, &mut |job, region, bytes| {
        if bytes.is_none() {
            kept += u64::from(region.size);
        }
        job.send(Event::Piece {
            region,
            bytes: bytes.map(Into::into),
        });
    })?;
    Ok(Outcome::PiecesRead { kept })
}

type Take<'t> = dyn FnMut(&mut Job<'_>, Region, Option<Vec<u8>>) + 't;

/// Every piece is proven when it is taken: by the MD5 that the board gave of what arrived, or of what was in hand.
fn read(
    link: &mut BoardLink,
    wanted: &PiecesWanted,
    job: &mut Job<'_>,
    take: &mut Take<'_>,
) -> Result<(), Stop> {
    let flash = link.loader(job)?.identify()?.flash();
    for region in &wanted.regions {
        check_inside(*region, flash)?;
    }
    job.stage(Stage::Reading);
    let total = wanted
        .regions
        .iter()
        .map(|region| u64::from(region.size))
        .sum();
    let mut done = 0;
    for piece in pieces(&wanted.regions) {
        let in_hand = wanted.in_hand.get(&piece.offset).copied();
        let bytes = one_piece(link, piece, in_hand, job, (done, total))?;
        take(job, piece, bytes);
        done += u64::from(piece.size);
        if job.advanced(done, total) == Go::Stop && done < total {
            return Err(cancelled());
        }
    }
    Ok(())
}

/// One piece, again after each interruption; `None` when what is in hand is right.
fn one_piece(
    link: &mut BoardLink,
    piece: Region,
    in_hand: Option<[u8; 16]>,
    job: &mut Job<'_>,
    (done, total): (u64, u64),
) -> Result<Option<Vec<u8>>, Stop> {
    let mut interruptions: Vec<JobError> = Vec::new();
    loop {
        let result = link.loader(job).and_then(|session| {
            if let Some(digest) = in_hand
                && session.md5(piece)? == digest
            {
                return Ok(None);
            }
            let mut progress = |received| job.advanced(done + received, total);
            Ok(Some(session.read(piece, &mut progress)?))
        });
        match result {
            Ok(bytes) => return Ok(bytes),
            Err(Stop::Cancelled(_)) => return Err(cancelled()),
            Err(Stop::Failed(error)) => {
                if !error.resumable && !error.unreachable {
                    return Err(error.into());
                }
                if interruptions.len() >= TRIES || !error.resumable {
                    // What interrupted the work says more than that nobody could be reached again.
                    return Err(interruptions.into_iter().next().unwrap_or(error).into());
                }
                job.note(format!(
                    "{}; trying again at {}",
                    error.message,
                    hex(piece.offset)
                ));
                interruptions.push(error);
                link.close();
            }
        }
    }
}

fn check_inside(region: Region, flash: Option<Region>) -> Result<(), Stop> {
    match flash.filter(|flash| !flash.contains(region)) {
        None => Ok(()),
        Some(flash) => Err(JobError::new(
            format!(
                "Cannot read up to {}: the flash ends at {}",
                hex(region.end()),
                hex(flash.end())
            ),
            hex(region.offset),
            "Read a region inside the flash",
        )
        .because(Cause::FlashTooSmall)
        .into()),
    }
}

fn cancelled() -> Stop {
    Stop::Cancelled(
        "Stopped: reading changes nothing on the board, and no file was replaced; the same read goes on from here"
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_regions_in_order() {
        let regions = [Region::new(0x8000, 0xC00), Region::new(0x30_0000, 0x1_0001)];
        assert_eq!(
            pieces(&regions),
            [
                Region::new(0x8000, 0xC00),
                Region::new(0x30_0000, 0x1_0000),
                Region::new(0x31_0000, 1)
            ]
        );
        assert!(pieces(&[]).is_empty());
    }
}
