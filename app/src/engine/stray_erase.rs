//! Finds out whether an erase hit what it should not have hit.
//!
//! Nothing protects the command that says what is to be erased: a bit that turns over in its offset or size is answered
//! like any other. What was erased elsewhere cannot be recognised by what it holds now, so the places that one bit can
//! lead to are looked at before: a sector of each that holds something is remembered, and must still hold it when there is
//! a reason for doubt. A place whose first and last sectors are blank is not watched.

use super::error::JobError;
use super::stray::{OFFSET_BITS, shows, surely_shows};
use crate::device::error::DeviceError;
use crate::device::session::Session;
use crate::model::number::{hex, human_size};
use crate::model::region::{BLOCK, Region, SECTOR};

/// Bytes behind the end of a job in which a sector is looked for that holds something. One that is farther away is not
/// watched.
const BEHIND: u32 = BLOCK;

/// What held something before one piece of a job was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// Sectors of the piece itself: blank as soon as the command arrived as it was meant.
    inside: Vec<Region>,
    /// The first sector behind the job that holds something: a size that became larger erases it.
    behind: Option<Place>,
    /// Elsewhere: an offset in which a bit turned over leads there.
    elsewhere: Vec<Place>,
}

/// A place outside the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The sector that held something.
    sector: Region,
    /// What is lost together with it.
    reach: Region,
}

impl Watch {
    /// Looks around before `piece` of the job that erases `whole` is erased.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn set(
        session: &mut Session,
        whole: Region,
        piece: Region,
    ) -> Result<Self, DeviceError> {
        let flash = session.identify()?.flash();
        let end = flash.map_or(1 << OFFSET_BITS, Region::end);
        let mut watch = Self {
            inside: Vec::new(),
            behind: first_held_behind(session, whole, end)?,
            elsewhere: Vec::new(),
        };
        for sector in ends(piece) {
            if !is_blank(session, sector)? {
                watch.inside.push(sector);
            }
        }
        for reach in one_bit_away(whole, piece, end) {
            for sector in ends(reach) {
                if !is_blank(session, sector)? {
                    watch.elsewhere.push(Place { sector, reach });
                    break;
                }
            }
        }
        Ok(watch)
    }

    /// A sector of the piece that still holds something.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn not_erased(&self, session: &mut Session) -> Result<Option<Region>, DeviceError> {
        for sector in &self.inside {
            if !is_blank(session, *sector)? {
                return Ok(Some(*sector));
            }
        }
        Ok(None)
    }

    /// Whether a piece that is blank now proves that the command reached it: it was not blank before.
    pub(super) fn proves_the_offset(&self) -> bool {
        !self.inside.is_empty()
    }

    /// What lies behind the job and was erased with it.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn lost_behind(&self, session: &mut Session) -> Result<Option<Region>, DeviceError> {
        match self.behind {
            Some(place) if is_surely_blank(session, place.sector)? => {
                blank_from(session, place.reach).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What was erased anywhere outside the job. Places overlap, so several may seem to be hit: all that lies from the
    /// first to the last of them.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn lost(&self, session: &mut Session) -> Result<Option<Region>, DeviceError> {
        let mut lost = self.lost_behind(session)?;
        for place in &self.elsewhere {
            if is_surely_blank(session, place.sector)? {
                lost = Some(lost.map_or(place.reach, |lost| hull(lost, place.reach)));
            }
        }
        Ok(lost)
    }
}

/// The smallest region that covers both.
fn hull(one: Region, other: Region) -> Region {
    let start = one.offset.min(other.offset);
    let end = one.end().max(other.end());
    Region::new(start, (end - u64::from(start)) as u32)
}

/// The error of a job that erased something else.
pub(super) fn erased_elsewhere(lost: Region) -> JobError {
    JobError::lost(
        format!(
            "{} at {}, outside of what was to be erased, may have been erased: a bit turned over on the line, in a command that nothing protects",
            human_size(u64::from(lost.size)),
            hex(lost.offset),
        ),
        lost,
        "Put back what was there from a backup, then erase again with a shorter cable or at a lower speed",
    )
}

/// The parts outside `whole` that `piece` covers when one bit of its offset turns over. Bits below a sector are refused
/// by the stub, those above the flash lead nowhere.
fn one_bit_away(whole: Region, piece: Region, end: u64) -> impl Iterator<Item = Region> {
    let bits = SECTOR.ilog2()..end.max(2).ilog2();
    bits.filter_map(move |bit| {
        let moved = u64::from(piece.offset ^ (1 << bit));
        let moved_end = (moved + u64::from(piece.size)).min(end);
        let (from, to) = if moved < u64::from(whole.offset) {
            (moved, moved_end.min(u64::from(whole.offset)))
        } else {
            (moved.max(whole.end()), moved_end)
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
            return Ok(Some(Place { sector, reach }));
        }
        at += u64::from(SECTOR);
    }
    Ok(None)
}

/// The blank beginning of a region.
fn blank_from(session: &mut Session, region: Region) -> Result<Region, DeviceError> {
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
    Ok(blank)
}

fn is_blank(session: &mut Session, region: Region) -> Result<bool, DeviceError> {
    shows(session, region, &vec![0xFF; region.size as usize])
}

fn is_surely_blank(session: &mut Session, region: Region) -> Result<bool, DeviceError> {
    surely_shows(session, region, &vec![0xFF; region.size as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_leads_outside_the_job_or_nowhere() {
        let whole = Region::new(0x1_0000, 0x2000);
        let piece = Region::new(0x1_1000, 0x1000);
        let places: Vec<u32> = one_bit_away(whole, piece, 0x10_0000)
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
        let places: Vec<Region> = one_bit_away(whole, whole, 0x10_0000).collect();
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
        assert_eq!(one_bit_away(all, whole, 0x10_0000).count(), 0);
    }

    #[test]
    fn a_region_of_one_sector_has_one_end() {
        let sectors = |region| ends(region).map(|sector| sector.offset).collect::<Vec<_>>();
        assert_eq!(sectors(Region::new(0x3000, 0x1000)), [0x3000]);
        assert_eq!(sectors(Region::new(0x3000, 0x5000)), [0x3000, 0x7000]);
    }
}
