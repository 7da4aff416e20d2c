//! Finds out whether bytes went to a wrong place of the flash.
//!
//! The loader's protocol checks the data of a block, but not the command that says where the data belongs: a bit that
//! turns over in there is answered like any other command. The bytes are then missing where they should be, and that is
//! the moment to look for them: one bit of the offset is tried after the other. What they have destroyed cannot be
//! brought back, but it must never be called a success.

use super::diff::digest_of;
use super::error::JobError;
use super::stray_watch::{Watch, blank_from};
use super::whole::Whole;
use crate::device::error::DeviceError;
use crate::device::session::{Session, UNPACKED_MAX};
use crate::model::number::{hex, human_size};
use crate::model::region::{Region, SECTOR};

/// Bytes that are compared to recognise what was sent.
pub(super) const PAGE: u32 = 256;
/// Bytes that may have arrived after the last block that was answered.
const UNANSWERED: u32 = UNPACKED_MAX;
/// Bits of an offset on a board that did not tell its flash size: 16 MiB.
const OFFSET_BITS: u32 = 24;

/// A run that was begun: the board was told where it goes, and had some of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) region: Region,
    /// Bytes of flash whose block was answered.
    pub(super) sent: u32,
}

impl Begun {
    /// A run that is about to begin.
    pub(super) fn new(region: Region) -> Self {
        Self { region, sent: 0 }
    }
}

/// What came between a run and the look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// Nothing: all of it was sent and answered.
    Nothing,
    /// An error, after which the same stub answered again.
    Error,
    /// The chip was reset, maybe before it did anything.
    Reset,
}

/// Where the bytes of a run are that went wrong: a place that differs in one bit and holds them. What it destroyed without
/// bringing bytes tells [`Watch`].
///
/// # Errors
/// When the board does not answer.
pub(super) fn find(
    session: &mut Session,
    whole: &Whole,
    begun: &Begun,
    around: &Watch,
) -> Result<Option<Region>, DeviceError> {
    let head = Region::new(begun.region.offset, begun.region.size.min(SECTOR));
    if shows(session, head, whole.part(head))? {
        return Ok(None);
    }
    find_bytes(session, whole, begun, around)
}

/// Where the bytes of a run are instead.
fn find_bytes(
    session: &mut Session,
    whole: &Whole,
    begun: &Begun,
    around: &Watch,
) -> Result<Option<Region>, DeviceError> {
    let part = begun.region;
    let arrived = part.size.min(begun.sent.saturating_add(UNANSWERED));
    let Some(page) = distinct_page(whole, Region::new(part.offset, arrived)) else {
        return Ok(None);
    };
    let end = flash_end(session)?;
    for moved in one_bit_away(part.offset, end) {
        let at = |region: Region| {
            let offset = moved.checked_add(region.offset - part.offset)?;
            let there = Region::new(offset, region.size);
            (there.end() <= end).then_some(there)
        };
        let Some(there) = at(page) else { continue };
        let expected_there =
            whole.region().contains(there) && whole.part(there) == whole.part(page);
        if expected_there || !surely_shows(session, there, whole.part(page))? {
            continue;
        }
        // An image that was there before, such as that of the other slot.
        if around.is_untouched(session, moved)? {
            continue;
        }
        // A second copy of the same image is no stray one: it also holds what was not sent.
        let not_sent = witness(whole, begun).and_then(|witness| {
            let offset = i64::from(moved) + i64::from(witness.offset) - i64::from(part.offset);
            let there = Region::new(u32::try_from(offset).ok()?, witness.size);
            (there.end() <= end).then_some((witness, there))
        });
        if let Some((witness, there)) = not_sent
            && shows(session, there, whole.part(witness))?
        {
            continue;
        }
        return Ok(Some(touched(moved, arrived, end)));
    }
    Ok(None)
}

/// The offsets that differ from `offset` in one bit, those of whole sectors inside the flash. One that points into a
/// sector reaches into the next, which is seen behind the job or proves wrong.
pub(super) fn one_bit_away(offset: u32, end: u64) -> impl Iterator<Item = u32> {
    (SECTOR.ilog2()..end.max(2).ilog2())
        .map(move |bit| offset ^ (1 << bit))
        .filter(move |moved| u64::from(*moved) < end)
}

/// Where the flash ends, as far as the board told.
pub(super) fn flash_end(session: &mut Session) -> Result<u64, DeviceError> {
    let flash = session.identify()?.flash();
    Ok(flash.map_or(1 << OFFSET_BITS, Region::end))
}

/// The whole sectors of `size` bytes at `offset`, as far as there is flash.
fn touched(offset: u32, size: u32, end: u64) -> Region {
    let sectors = Region::new(offset, size).sectors();
    let size = sectors.end().min(end) - u64::from(sectors.offset);
    Region::new(sectors.offset, size as u32)
}

/// What lies behind a run whose announced size proved to be too large, as far as it is blank now: the stub erases ahead.
///
/// # Errors
/// When the board does not answer.
pub(super) fn blank_behind(
    session: &mut Session,
    part: Region,
) -> Result<Option<Region>, DeviceError> {
    let end = flash_end(session)?;
    let from = part.sectors().end();
    if from >= end {
        return Ok(None);
    }
    let behind = Region::new(from as u32, (end - from) as u32);
    let first = Region::new(behind.offset, SECTOR);
    if !surely_shows(session, first, &[0xFF; SECTOR as usize])? {
        return Ok(None);
    }
    blank_from(session, behind).map(Some)
}

/// The error of a job whose bytes were found elsewhere. Going on by itself is of no use: what was there is lost.
pub(super) fn went_elsewhere(target: &str, offset: u32, stray: Region) -> JobError {
    damaged(
        format!(
            "A command for {target} at {} went to {} instead, where {} may be lost: a bit turned over on the line, in a command that nothing protects",
            hex(offset),
            hex(stray.offset),
            human_size(u64::from(stray.size)),
        ),
        stray,
    )
}

/// The error of a job that may have erased more than it should.
pub(super) fn erased_too_much(target: &str, behind: Region) -> JobError {
    damaged(
        format!(
            "{} at {}, behind {target}, may have been erased: a bit turned over on the line, in a command that nothing protects",
            human_size(u64::from(behind.size)),
            hex(behind.offset),
        ),
        behind,
    )
}

fn damaged(message: String, lost: Region) -> JobError {
    JobError::lost(
        message,
        lost,
        "Write again, put back what was there from a backup, and use a shorter cable or a lower speed",
    )
}

/// The first page of `region` that other places hardly hold by chance: not one value over and over.
fn distinct_page(whole: &Whole, region: Region) -> Option<Region> {
    (0..region.size)
        .step_by(PAGE as usize)
        .map(|at| Region::new(region.offset + at, PAGE))
        .find(|page| is_distinct(whole.part(*page)))
}

fn is_distinct(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| *byte != bytes[0])
}

/// A page of the image that this run has not brought to the board.
fn witness(whole: &Whole, begun: &Begun) -> Option<Region> {
    let (part, sent) = (begun.region, begun.sent);
    let before = (part.offset > whole.offset).then(|| part.offset - PAGE);
    let behind = (part.end() < whole.region().end()).then(|| part.end() as u32);
    let later = (sent.saturating_add(UNANSWERED) < part.size).then(|| part.end() as u32 - PAGE);
    [before, behind, later]
        .into_iter()
        .flatten()
        .map(|offset| Region::new(offset, PAGE))
        .find(|page| is_distinct(whole.part(*page)))
}

/// Whether the board holds these bytes there. Nothing protects the question either: a *no* is asked for twice.
pub(super) fn shows(
    session: &mut Session,
    region: Region,
    bytes: &[u8],
) -> Result<bool, DeviceError> {
    let wanted = digest_of(bytes);
    Ok(session.md5(region)? == wanted || session.md5(region)? == wanted)
}

/// The same for what a job fails for: the question may have been about another place, so a *yes* is asked for twice too.
pub(super) fn surely_shows(
    session: &mut Session,
    region: Region,
    bytes: &[u8],
) -> Result<bool, DeviceError> {
    Ok(shows(session, region, bytes)? && shows(session, region, bytes)?)
}
