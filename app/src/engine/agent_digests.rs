//! The normal source of a diff on an ESP32-C3: the agent in the chip's RAM digests mapped flash, which is ten times
//! faster than the stub's MD5. Whether its loading pays is decided by the cost model; where it does not, or the chip
//! is another one, nothing is gathered and the stub is asked.

use std::time::Duration;

use super::board_link::BoardLink;
use super::error::Stop;
use super::event::Stage;
use super::job::Job;
use crate::device::agent_client::SectorDigest;
use crate::device::agent_image;
use crate::device::error::DeviceError;
use crate::device::session::Go;
use crate::model::cost::{Link, Part, Work};
use crate::model::flash_plan::FlashPlan;
use crate::model::region::{Region, SECTOR};

/// Bytes of the stub that has to be uploaded again after the agent (espflash's for the C3).
const STUB_BYTES: u64 = 6 * 1024;
/// Modelled time of the agent's restart into the loader: boot text and the first SYNC that is answered.
const RESTART: Duration = Duration::from_millis(150);
/// Bytes on the wire for each sector's digests.
const DIGEST_BYTES: u64 = 8;

/// Gathers what the agent can tell of the plan's sectors, if that is the cheaper way.
pub(super) fn gather(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let regions: Vec<Region> = plan
        .writes
        .iter()
        .map(|write| write.region().sectors())
        .collect();
    let unknown: u64 = regions
        .iter()
        .map(|region| link.proven().unknown_bytes(*region))
        .sum();
    if link.is_stub_only() || !pays(unknown, link.kind(), link.has_loader()) {
        return Ok(());
    }
    let agent = match link.agent(job) {
        Ok(agent) => agent,
        // Another chip, or one whose RAM does not take the agent: the stub does the same, more slowly.
        Err(Stop::Failed(error)) => {
            through_the_loader(&error.message, link, job);
            return Ok(());
        }
        Err(stop) => return Err(stop),
    };
    job.stage(Stage::Comparing);
    let total: u64 = regions.iter().map(|region| u64::from(region.size)).sum();
    let mut done = 0;
    let mut gathered: Vec<(Region, Vec<SectorDigest>)> = Vec::new();
    let flash_size = match agent.info() {
        Ok(info) => info.flash_size,
        Err(error) => {
            through_the_loader(&error, link, job);
            return Ok(());
        }
    };
    for region in regions
        .iter()
        .filter(|region| region.end() <= u64::from(flash_size))
    {
        match agent.digests(*region, &mut |within| job.advanced(done + within, total)) {
            Ok(digests) => gathered.push((*region, digests)),
            Err(DeviceError::Cancelled) => return Err(DeviceError::Cancelled.into()),
            Err(error) => {
                through_the_loader(&error, link, job);
                return Ok(());
            }
        }
        done += u64::from(region.size);
    }
    if job.go() == Go::Stop {
        return Err(DeviceError::Cancelled.into());
    }
    // Entering the loader forgets everything; what the agent has told is learned afterwards, because its restart
    // leads into the loader and nowhere else.
    let proven = match link.loader_and_proven(job) {
        Ok((_, proven)) => proven,
        // The board may have done anything since: nothing of what was told counts.
        Err(Stop::Failed(error)) => {
            through_the_loader(&error.message, link, job);
            return Ok(());
        }
        Err(stop) => return Err(stop),
    };
    for (region, digests) in gathered {
        proven.learn_sums(region, &digests);
    }
    Ok(())
}

/// Goes on without the agent: nothing of what it told counts, and the board is connected to anew.
fn through_the_loader(why: &dyn std::fmt::Display, link: &mut BoardLink, job: &mut Job<'_>) {
    job.note(format!("{why}; comparing through the loader instead"));
    link.close();
}

/// Whether loading the agent is modelled to be faster than asking the stub for the MD5 of `bytes` bytes.
fn pays(bytes: u64, link: Link, stub_is_there: bool) -> bool {
    let agent_bytes = agent_image::bundled().loaded_size() as u64;
    let stub = link.carry(if stub_is_there { 0 } else { STUB_BYTES })
        + Work::md5(bytes).time(Part::TYPICAL);
    let sectors = bytes.div_ceil(u64::from(SECTOR));
    let agent = link.carry(agent_bytes + STUB_BYTES + sectors * DIGEST_BYTES)
        + Work::agent_digest(bytes).time(Part::TYPICAL)
        + RESTART;
    agent < stub
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_pays_for_large_regions_and_fast_links() {
        assert!(pays(1 << 20, Link::Uart(921_600), false));
        assert!(pays(1 << 20, Link::Uart(115_200), false));
        assert!(pays(1 << 20, Link::Usb, true));
        assert!(!pays(0x4000, Link::Uart(115_200), true));
        assert!(!pays(0, Link::Usb, false));
    }
}
