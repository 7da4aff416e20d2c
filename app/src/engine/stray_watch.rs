//! Remembers what lies at the places that a damaged command can lead to.
//!
//! Nothing protects the command that says where to erase or write: a bit that turns over in its offset or size is answered
//! like any other. What was erased cannot be recognised by what it holds now, so digests of the places that one bit can lead
//! to are asked before, and again afterwards. Of each place the first and the last sector are looked at, and behind the end
//! of the job the first that holds something; a loss that leaves those as they were is not seen.

use super::error::JobError;
use super::stray::{flash_end, one_bit_away, shows};
use crate::device::error::DeviceError;
use crate::device::session::Session;
use crate::model::number::{hex, human_size};
use crate::model::region::{BLOCK, Region, SECTOR};

/// Bytes behind the end of a job in which a sector is looked for that holds something. One that is farther away is not
/// watched.
const BEHIND: u32 = BLOCK;
/// Bytes of a sector that stand for it where hashing all of it would be felt.
const BEGINNING: u32 = 0x400;

/// What lay around before one piece of a job was erased or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// Where an offset leads in which a bit turned over.
    elsewhere: Vec<Place>,
    /// The first sector behind the job that holds something: a size that became larger erases it.
    behind: Option<Place>,
}

/// A sector outside the job, or its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    sector: Region,
    digest: [u8; 16],
    /// What is lost together with it.
    reach: Region,
}

impl Place {
    fn new(session: &mut Session, sector: Region, reach: Region) -> Result<Self, DeviceError> {
        let mut digest = session.md5(sector)?;
        // Nothing protects this question either: on a line that showed damage what is answered twice counts.
        if session.is_disturbed() {
            let again = session.md5(sector)?;
            if again != digest {
                digest = session.md5(sector)?;
            }
        }
        Ok(Self {
            sector,
            digest,
            reach,
        })
    }

    fn is_changed(self, session: &mut Session) -> Result<bool, DeviceError> {
        Ok(session.md5(self.sector)? != self.digest && session.md5(self.sector)? != self.digest)
    }
}

impl Watch {
    /// Looks around before `piece` of the job that changes `whole` is erased or written; both are whole sectors.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn set(
        session: &mut Session,
        whole: Region,
        piece: Region,
    ) -> Result<Self, DeviceError> {
        let end = flash_end(session)?;
        let mut elsewhere = Vec::new();
        for reach in shifted(whole, piece, end) {
            for sector in ends(reach) {
                elsewhere.push(Place::new(session, sector, reach)?);
            }
        }
        Ok(Self {
            elsewhere,
            behind: first_held_behind(session, whole, end)?,
        })
    }

    /// The same for the beginning of the sector right behind the job alone, which costs one short question.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn behind(session: &mut Session, whole: Region) -> Result<Self, DeviceError> {
        let end = flash_end(session)?;
        let mut behind = None;
        if whole.end() < end {
            let beginning = Region::new(whole.end() as u32, BEGINNING);
            let reach = Region::new(beginning.offset, (end - whole.end()) as u32);
            behind = Some(Place::new(session, beginning, reach)?);
        }
        Ok(Self {
            elsewhere: Vec::new(),
            behind,
        })
    }

    /// What was changed outside the job. Places overlap, so several may seem to be hit: all that lies from the first to the
    /// last of them.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn lost(&self, session: &mut Session) -> Result<Option<Region>, DeviceError> {
        let mut lost = match self.behind {
            Some(place) if place.is_changed(session)? && is_blank(session, place.sector)? => {
                Some(blank_from(session, place.reach)?)
            }
            _ => None,
        };
        for place in &self.elsewhere {
            if place.is_changed(session)? {
                lost = Some(lost.map_or(place.reach, |lost| hull(lost, place.reach)));
            }
        }
        Ok(lost)
    }
}

/// The error of a job that changed something else.
pub(super) fn lost_outside(lost: Region) -> JobError {
    JobError::lost(
        format!(
            "{} at {}, outside of what was to be changed, may be lost: a bit turned over on the line, in a command that nothing protects",
            human_size(u64::from(lost.size)),
            hex(lost.offset),
        ),
        lost,
        "Put back what was there from a backup, then try again with a shorter cable or at a lower speed",
    )
}

/// Whether the board holds nothing there but erased flash.
///
/// # Errors
/// When the board does not answer.
pub(super) fn is_blank(session: &mut Session, region: Region) -> Result<bool, DeviceError> {
    shows(session, region, &vec![0xFF; region.size as usize])
}

/// The parts outside `whole` that `piece` covers when one bit of its offset turns over.
fn shifted(whole: Region, piece: Region, end: u64) -> impl Iterator<Item = Region> {
    one_bit_away(piece.offset, end).filter_map(move |moved| {
        let moved_end = (u64::from(moved) + u64::from(piece.size)).min(end);
        let (from, to) = if moved < whole.offset {
            (u64::from(moved), moved_end.min(u64::from(whole.offset)))
        } else {
            (u64::from(moved).max(whole.end()), moved_end)
        };
        (from < to).then(|| Region::new(from as u32, (to - from) as u32))
    })
}

/// The first and the last sector of a region of whole sectors.
fn ends(region: Region) -> impl Iterator<Item = Region> {
    let first = Region::new(region.offset, SECTOR.min(region.size));
    let last = Region::new(region.end() as u32 - first.size, first.size);
    std::iter::once(first).chain((last != first).then_some(last))
}

fn first_held_behind(
    session: &mut Session,
    whole: Region,
    end: u64,
) -> Result<Option<Place>, DeviceError> {
    let limit = end.min(whole.end() + u64::from(BEHIND));
    let mut at = whole.end();
    while at < limit {
        let sector = Region::new(at as u32, SECTOR);
        if !is_blank(session, sector)? {
            let reach = Region::new(whole.end() as u32, (end - whole.end()) as u32);
            return Place::new(session, sector, reach).map(Some);
        }
        at += u64::from(SECTOR);
    }
    Ok(None)
}

/// The blank beginning of a region, at least its first sector.
pub(super) fn blank_from(session: &mut Session, region: Region) -> Result<Region, DeviceError> {
    let mut blank = Region::new(region.offset, 0);
    let mut step = BLOCK;
    while blank.size < region.size {
        let next = Region::new(blank.end() as u32, step.min(region.size - blank.size));
        if is_blank(session, next)? {
            blank.size += next.size;
        } else if step == SECTOR {
            break;
        } else {
            step = SECTOR;
        }
    }
    blank.size = blank.size.max(SECTOR);
    Ok(blank)
}

/// The smallest region that covers both.
pub(super) fn hull(one: Region, other: Region) -> Region {
    let start = one.offset.min(other.offset);
    let end = one.end().max(other.end());
    Region::new(start, (end - u64::from(start)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_leads_outside_the_job_or_nowhere() {
        let whole = Region::new(0x1_0000, 0x2000);
        let piece = Region::new(0x1_1000, 0x1000);
        let places: Vec<u32> = shifted(whole, piece, 0x10_0000)
            .map(|place| place.offset)
            .collect();
        // Bit 12 leads to the job's own first sector.
        let expected = [
            0x1_3000, 0x1_5000, 0x1_9000, 0x1000, 0x3_1000, 0x5_1000, 0x9_1000,
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn what_lies_partly_in_the_job_is_cut_to_what_does_not() {
        let whole = Region::new(0x4_0000, 0x4_0000);
        let places: Vec<Region> = shifted(whole, whole, 0x10_0000).collect();
        let expected = [
            (0x8_0000, 0x1000),
            (0x8_0000, 0x2000),
            (0x8_0000, 0x4000),
            (0x8_0000, 0x8000),
            (0x8_0000, 0x1_0000),
            (0x8_0000, 0x2_0000),
            (0, 0x4_0000),
            (0xC_0000, 0x4_0000),
        ];
        assert_eq!(
            places,
            expected.map(|(offset, size)| Region::new(offset, size))
        );
        let all = Region::new(0, 0x10_0000);
        assert_eq!(shifted(all, whole, 0x10_0000).count(), 0);
    }

    #[test]
    fn a_region_of_one_sector_has_one_end() {
        let sectors = |region| ends(region).map(|sector| sector.offset).collect::<Vec<_>>();
        assert_eq!(sectors(Region::new(0x3000, 0x1000)), [0x3000]);
        assert_eq!(sectors(Region::new(0x3000, 0x5000)), [0x3000, 0x7000]);
    }
}
