//! Why a sector does not hold what was written to it, asked of the flash itself: it is erased once more and read, then
//! written once more and read. Only for a sector that has proved wrong again and again and whose contents are lost
//! already; what it holds afterwards is no worse.

use super::compress;
use super::pace::BLOCK_MAX;
use crate::device::error::DeviceError;
use crate::device::session::{Go, Session};
use crate::model::cause::Cause;
use crate::model::region::{Region, SECTOR};

/// More wrong bytes than this in a sector of 4 KiB, and it is not single cells that fail.
const FEW: usize = 256;

/// The cause, or nothing when the sector came good or the board stopped answering.
///
/// `wrong` is a run of whole sectors that does not hold `expected`; its first sector is looked at that differs.
pub(super) fn find(session: &mut Session, wrong: Region, expected: &[u8]) -> Option<Cause> {
    let sectors = expected.chunks(SECTOR as usize).enumerate();
    for (number, bytes) in sectors {
        let sector = Region::new(wrong.offset + number as u32 * SECTOR, bytes.len() as u32);
        // A board that is gone by now has another trouble, which the next job names.
        if let Some(cause) = look_at(session, sector, bytes).ok()? {
            return Some(cause);
        }
    }
    None
}

fn look_at(
    session: &mut Session,
    sector: Region,
    expected: &[u8],
) -> Result<Option<Cause>, DeviceError> {
    let read = |session: &mut Session| session.read(sector, &mut |_| Go::On);
    if read(session)? == expected {
        return Ok(None);
    }
    session.erase(sector)?;
    let not_blank = read(session)?.iter().filter(|byte| **byte != 0xFF).count();
    if not_blank > 0 {
        return Ok(Some(if not_blank > FEW {
            Cause::FlashLocked
        } else {
            Cause::FlashWorn
        }));
    }
    let mut blocks = compress::blocks(expected, BLOCK_MAX).into_iter();
    session.write(sector, BLOCK_MAX, &mut blocks)?;
    let now = read(session)?;
    let wanted = expected.iter().filter(|byte| **byte != 0xFF).count();
    let missing = now
        .iter()
        .zip(expected)
        .filter(|(now, wanted)| now != wanted)
        .count();
    Ok(match missing {
        0 => None,
        // Nothing at all was programmed.
        missing if missing == wanted && now.iter().all(|byte| *byte == 0xFF) => {
            Some(Cause::FlashLocked)
        }
        _ => Some(Cause::FlashWorn),
    })
}
