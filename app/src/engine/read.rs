//! Reads a region in pieces, each checked by the stub's MD5; a piece that arrives wrong is asked again.

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{Outcome, Stage};
use super::job::Job;
use crate::model::number::hex;
use crate::model::region::Region;

/// Bytes of one piece.
const PIECE: u32 = 0x1_0000;
/// How often a piece is asked before the read fails.
const TRIES: usize = 2;

pub(super) fn run(
    link: &mut BoardLink,
    region: Region,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let bytes = read(link, region, job)?;
    Ok(Outcome::Read {
        region,
        bytes: bytes.into(),
    })
}

/// All bytes of the region, or nothing.
fn read(link: &mut BoardLink, region: Region, job: &mut Job<'_>) -> Result<Vec<u8>, Stop> {
    let flash = link.loader(job)?.identify()?.flash();
    if let Some(flash) = flash.filter(|flash| !flash.contains(region)) {
        return Err(JobError::new(
            format!(
                "Cannot read up to {}: the flash ends at {}",
                hex(region.end()),
                hex(flash.end())
            ),
            hex(region.offset),
            "Read a region inside the flash",
        )
        .into());
    }
    job.stage(Stage::Reading);
    let total = u64::from(region.size);
    let mut bytes = Vec::with_capacity(region.size as usize);
    let mut interruptions: Vec<JobError> = Vec::new();
    while (bytes.len() as u32) < region.size {
        let done = bytes.len() as u32;
        let piece = Region::new(region.offset + done, PIECE.min(region.size - done));
        let result = link.loader(job).and_then(|session| {
            session
                .read(piece, &mut |received| {
                    job.advanced(u64::from(done) + received, total)
                })
                .map_err(Stop::from)
        });
        match result {
            Ok(data) => {
                bytes.extend_from_slice(&data);
                interruptions.clear();
            }
            Err(Stop::Cancelled(_)) => {
                return Err(Stop::Cancelled(
                    "Stopped: reading changes nothing on the board, and no file was written".into(),
                ));
            }
            Err(Stop::Failed(error)) => {
                if interruptions.len() >= TRIES || !error.resumable {
                    // What interrupted the work says more than why it could not be taken up again.
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
    Ok(bytes)
}
