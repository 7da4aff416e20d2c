//! Remembers what lies at the places that a damaged command can lead to.
//!
//! Nothing protects the command that says where to erase or write: a bit that turns over in its offset or size is answered
//! like any other. What was erased cannot be recognised by what it holds now, so digests of the places that one bit can lead
//! to are asked before, and again afterwards. Of each place its beginning is looked at; on a line that showed damage, before an
//! erase and with `--full` the first and the last sector, and behind the end of the job the first that holds something. A loss
//! that leaves those as they were is not seen.

use std::collections::BTreeMap;

use super::board_link::BoardLink;
use super::diff::{Digest, digest_of};
use super::error::JobError;
use super::stray::{PAGE, flash_end, one_bit_away, shows};
use super::whole::Whole;
use crate::device::error::DeviceError;
use crate::device::session::Session;
use crate::formats::kept_watch::KeptPlace;
use crate::model::number::{hex, human_size};
use crate::model::region::{BLOCK, Region, SECTOR};

/// Bytes behind the end of a job in which a sector is looked for that holds something. One that is farther away is not
/// watched.
const BEHIND: u32 = BLOCK;
/// Bytes of a sector that stand for it where hashing all of it would be felt.
const BEGINNING: u32 = PAGE;

/// How closely is looked around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// One short question for each place, two for what lies behind: what an undisturbed line affords.
    Light,
    /// Both ends of each place, and what lies behind as far as something is found; asked twice.
    Thorough,
}

/// What lies between a command and the look at what it destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meanwhile {
    /// The loader was there all the time: nobody else can have changed the flash.
    LoaderOnly,
    /// The chip was reset: its program may have changed what belongs to it.
    Reset,
}

impl Meanwhile {
    /// What lies between the session of this number and now.
    pub(super) fn since(session: u32, link: &BoardLink) -> Self {
        if link.session_number() == session {
            Self::LoaderOnly
        } else {
            Self::Reset
        }
    }
}

/// What lay around before some pieces of a job were erased or written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Watch {
    /// Where an offset leads in which a bit turned over.
    pub(super) elsewhere: Vec<KeptPlace>,
    /// The first sector behind the job that holds something: a size that became larger erases it.
    pub(super) behind: Option<KeptPlace>,
}

/// Digests that were asked for already: places overlap, and often begin where others do.
#[derive(Debug, Default)]
struct Asked(BTreeMap<Region, Digest>);

impl Asked {
    fn digest(
        &mut self,
        session: &mut Session,
        region: Region,
        care: Care,
    ) -> Result<Digest, DeviceError> {
        if let Some(digest) = self.0.get(&region) {
            return Ok(*digest);
        }
        let mut digest = session.md5(region)?;
        // Nothing protects this question either: where it is always asked again afterwards, what is answered twice counts.
        if care == Care::Thorough {
            let again = session.md5(region)?;
            if again != digest {
                digest = session.md5(region)?;
            }
        }
        self.0.insert(region, digest);
        Ok(digest)
    }
}

impl KeptPlace {
    fn is_changed(self, session: &mut Session) -> Result<bool, DeviceError> {
        let mut differs = || Ok(session.md5(self.looked_at)? != self.digest);
        Ok(differs()? && differs()?)
    }

    /// Whole sectors are looked at where there is care to ask twice.
    fn is_asked_twice(self) -> bool {
        self.looked_at.size > BEGINNING
    }

    /// Whether a stray command changed a place that is not as it was. It must look like one, erased or with what was to be
    /// written, where something else may be the reason: the chip's own program, or a bit that turned over in the only question
    /// about it, which then was about another place.
    fn is_lost(self, session: &mut Session, meanwhile: Meanwhile) -> Result<bool, DeviceError> {
        let sure = self.is_asked_twice() && meanwhile == Meanwhile::LoaderOnly;
        if sure || is_blank(session, self.looked_at)? {
            return Ok(true);
        }
        let page = Region::new(self.reach.offset, PAGE);
        Ok(self.ours.is_some() && self.ours == Some(session.md5(page)?))
    }

    /// The same for what lies behind the job, which is always asked about twice, and where anything may come to lie.
    fn is_lost_behind(
        self,
        session: &mut Session,
        meanwhile: Meanwhile,
    ) -> Result<bool, DeviceError> {
        Ok(meanwhile == Meanwhile::LoaderOnly || is_blank(session, self.looked_at)?)
    }
}

impl Watch {
    /// Looks around before `pieces` of the job that changes `whole` are erased or written; all are whole sectors. `written`:
    /// what a write brings, with `whole` as its region; `None` for an erase.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn set(
        session: &mut Session,
        whole: Region,
        pieces: &[Region],
        care: Care,
        written: Option<&Whole>,
    ) -> Result<Self, DeviceError> {
        let end = flash_end(session)?;
        let mut asked = Asked::default();
        // First: where a place elsewhere coincides with it, it is asked about twice as well.
        let looked_at_behind = match care {
            Care::Light if whole.end() < end => Some(Region::new(whole.end() as u32, BEGINNING)),
            Care::Light => None,
            Care::Thorough => first_held_behind(session, whole, end)?,
        };
        let behind = looked_at_behind.map(|looked_at| {
            Ok(KeptPlace {
                looked_at,
                digest: asked.digest(session, looked_at, Care::Thorough)?,
                reach: Region::new(whole.end() as u32, (end - whole.end()) as u32),
                ours: None,
            })
        });
        let behind = behind.transpose()?;
        let mut elsewhere = Vec::new();
        for piece in pieces {
            for (from, reach) in shifted(whole, *piece, end) {
                let ours = written.map(|whole| digest_of(whole.part(Region::new(from, PAGE))));
                for looked_at in looked_at(reach, care) {
                    elsewhere.push(KeptPlace {
                        looked_at,
                        digest: asked.digest(session, looked_at, care)?,
                        reach,
                        ours,
                    });
                }
            }
        }
        Ok(Self { elsewhere, behind })
    }

    /// Whether a run that began at `offset` instead would have changed what was looked at there, and did not.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn is_untouched(
        &self,
        session: &mut Session,
        offset: u32,
    ) -> Result<bool, DeviceError> {
        let place = self
            .elsewhere
            .iter()
            .find(|place| place.looked_at.offset == offset);
        Ok(match place {
            Some(place) => !place.is_changed(session)?,
            None => false,
        })
    }

    /// Whether all of these places are blank now, as after an erase of everything.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn is_all_blank(&self, session: &mut Session) -> Result<bool, DeviceError> {
        for place in self.elsewhere.iter().chain(&self.behind) {
            if !is_blank(session, place.looked_at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether these places lie inside a flash that ends at `end`.
    pub(super) fn fits(&self, end: u64) -> bool {
        let mut places = self.elsewhere.iter().chain(&self.behind);
        places.all(|place| {
            let looked_at = place.looked_at;
            (1..=SECTOR).contains(&looked_at.size)
                && looked_at.end() <= end
                && place.reach.size >= PAGE
                && place.reach.end() <= end
        })
    }

    /// What was changed behind the job: by a size that grew, or an offset that points into a sector, which reaches into the
    /// next one.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn lost_behind(
        &self,
        session: &mut Session,
        meanwhile: Meanwhile,
    ) -> Result<Option<Region>, DeviceError> {
        match self.behind {
            Some(place)
                if place.is_changed(session)? && place.is_lost_behind(session, meanwhile)? =>
            {
                Ok(Some(blank_from(session, place.reach)?))
            }
            _ => Ok(None),
        }
    }

    /// What was changed where a turned bit leads to. Places overlap, so several may seem to be hit: all that lies from the
    /// first to the last of them.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn lost_elsewhere(
        &self,
        session: &mut Session,
        meanwhile: Meanwhile,
    ) -> Result<Option<Region>, DeviceError> {
        let mut lost: Option<Region> = None;
        let mut changed = BTreeMap::new();
        for place in &self.elsewhere {
            let is_changed = match changed.get(&place.looked_at) {
                Some(is_changed) => *is_changed,
                None => place.is_changed(session)?,
            };
            changed.insert(place.looked_at, is_changed);
            if is_changed && place.is_lost(session, meanwhile)? {
                lost = Some(lost.map_or(place.reach, |lost| hull(lost, place.reach)));
            }
        }
        Ok(lost)
    }

    /// All that was changed outside the job.
    ///
    /// # Errors
    /// When the board does not answer.
    pub(super) fn lost(
        &self,
        session: &mut Session,
        meanwhile: Meanwhile,
    ) -> Result<Option<Region>, DeviceError> {
        let behind = self.lost_behind(session, meanwhile)?;
        let elsewhere = self.lost_elsewhere(session, meanwhile)?;
        Ok(match (behind, elsewhere) {
            (Some(behind), Some(elsewhere)) => Some(hull(behind, elsewhere)),
            (one, other) => one.or(other),
        })
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

/// The same for a job that could not look any more.
pub(super) fn lost_by_interrupted(target: &str, lost: Region) -> JobError {
    JobError::lost(
        format!(
            "{} at {} may be lost since a job for {target} was interrupted: by a command in which a bit turned over on the line, or by what ran on the board or wrote to it since",
            human_size(u64::from(lost.size)),
            hex(lost.offset),
        ),
        lost,
        "If nobody erased it on purpose, put back what was there from a backup; then do it again",
    )
}

/// Whether the board holds nothing there but erased flash.
///
/// # Errors
/// When the board does not answer.
pub(super) fn is_blank(session: &mut Session, region: Region) -> Result<bool, DeviceError> {
    shows(session, region, &vec![0xFF; region.size as usize])
}

/// The parts outside `whole` that `piece` covers when one bit of its offset turns over, each with the offset of the piece's
/// byte that comes first there.
fn shifted(whole: Region, piece: Region, end: u64) -> impl Iterator<Item = (u32, Region)> {
    one_bit_away(piece.offset, end).filter_map(move |moved| {
        let moved_end = (u64::from(moved) + u64::from(piece.size)).min(end);
        let (from, to) = if moved < whole.offset {
            (u64::from(moved), moved_end.min(u64::from(whole.offset)))
        } else {
            (u64::from(moved).max(whole.end()), moved_end)
        };
        let first = piece.offset + (from - u64::from(moved)) as u32;
        (from < to).then(|| (first, Region::new(from as u32, (to - from) as u32)))
    })
}

/// What of a place stands for it.
fn looked_at(reach: Region, care: Care) -> impl Iterator<Item = Region> {
    let beginning = Region::new(reach.offset, BEGINNING.min(reach.size));
    let light = (care == Care::Light).then_some(beginning);
    let thorough = (care == Care::Thorough).then(|| ends(reach));
    light.into_iter().chain(thorough.into_iter().flatten())
}

/// The first and the last sector of a region of whole sectors.
fn ends(region: Region) -> impl Iterator<Item = Region> {
    let first = Region::new(region.offset, SECTOR.min(region.size));
    let last = Region::new(region.end() as u32 - first.size, first.size);
    std::iter::once(first).chain((last != first).then_some(last))
}

/// The first sector behind the job that holds something.
fn first_held_behind(
    session: &mut Session,
    whole: Region,
    end: u64,
) -> Result<Option<Region>, DeviceError> {
    let limit = end.min(whole.end() + u64::from(BEHIND));
    let mut at = whole.end();
    while at < limit {
        let sector = Region::new(at as u32, SECTOR);
        if !is_blank(session, sector)? {
            return Ok(Some(sector));
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
fn hull(one: Region, other: Region) -> Region {
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
            .map(|(from, place)| {
                assert_eq!(from, piece.offset);
                place.offset
            })
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
        let places: Vec<(u32, Region)> = shifted(whole, whole, 0x10_0000).collect();
        // Where they begin, how much of them is outside, and which byte of the job comes first there.
        let expected = [
            (0x8_0000, 0x1000, 0x7_F000),
            (0x8_0000, 0x2000, 0x7_E000),
            (0x8_0000, 0x4000, 0x7_C000),
            (0x8_0000, 0x8000, 0x7_8000),
            (0x8_0000, 0x1_0000, 0x7_0000),
            (0x8_0000, 0x2_0000, 0x6_0000),
            (0, 0x4_0000, 0x4_0000),
            (0xC_0000, 0x4_0000, 0x4_0000),
        ];
        assert_eq!(
            places,
            expected.map(|(offset, size, from)| (from, Region::new(offset, size)))
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
