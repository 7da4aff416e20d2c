//! Plans to put the agent into a slot of the flash as an app, and to take it out again.
//!
//! Both only look at the board and make a plan, which is shown and carried out like any other write. The slot is the one
//! that boots now, or the one that is named; bootloader and table come along only where there is no valid one. What is
//! replaced is kept by [`super::agent_replaced`].

mod install;

use super::agent_replaced::{self, Replaced, known_mac};
use super::backup;
use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{AgentPlanned, Outcome, Stage};
use super::job::Job;
use super::request::FlashChange;
use super::what_boots;
use crate::device::agent_image;
use crate::device::error::DeviceError;
use crate::formats::app_image;
use crate::model::boots::Boots;
use crate::model::chip::{BoardIdentity, Chip};
use crate::model::flash_plan::{AgentInFlash, FlashPlan};
use crate::model::partition_table::{APP, PartitionTable};
use crate::model::region::Region;

/// Bytes of an app that hold its header and its descriptor.
const HEAD: u32 = 0x120;

/// What was seen of a board.
struct Seen {
    identity: BoardIdentity,
    /// A bootloader for this chip, whole.
    has_bootloader: bool,
    /// The table as the bootloader takes it.
    table: Option<PartitionTable>,
    boots: Boots,
    /// What an earlier install has replaced, and whether the agent is still where it was put.
    replaced: Option<(Replaced, Holds)>,
}

/// What lies where an earlier install put the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    Agent,
    /// Something else; an app by its name.
    Other(String),
}

pub(super) fn run(
    link: &mut BoardLink,
    change: &FlashChange,
    table_offset: u32,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let session = link.loader(job)?;
    let identity = session.identify()?;
    if identity.chip != Chip::Esp32c3 {
        return Err(DeviceError::NoAgentForChip {
            port: session.port().to_owned(),
            chip: identity.chip.to_string(),
        }
        .into());
    }
    let keep = link.keep();
    let replaced = agent_replaced::load(&*keep, known_mac(identity.mac.as_deref())?)?;
    job.stage(Stage::Reading);
    let replaced = match replaced {
        Some(replaced) => {
            let holds = holds(link, &replaced, job)?;
            Some((replaced, holds))
        }
        None => None,
    };
    let boots = what_boots::look(link, table_offset, job)?;
    let table = what_boots::table(&boots.table, table_offset).ok();
    let planned = match change {
        FlashChange::Install { slot } => {
            let has_bootloader = has_bootloader(link, &identity, table_offset, job)?;
            let seen = Seen {
                identity,
                has_bootloader,
                table,
                boots,
                replaced,
            };
            install::plan(&seen, slot.as_deref())?
        }
        FlashChange::Restore => restore(&identity, replaced, table.as_ref(), table_offset)?,
    };
    Ok(Outcome::AgentPlanned(planned))
}

/// What was replaced, as a plan that puts it back.
fn restore(
    identity: &BoardIdentity,
    replaced: Option<(Replaced, Holds)>,
    table: Option<&PartitionTable>,
    table_offset: u32,
) -> Result<AgentPlanned, JobError> {
    let Some((replaced, holds)) = replaced else {
        let mac = identity.mac.as_deref().unwrap_or("this board");
        return Err(JobError::new(
            format!("Nothing is saved of {mac} that the agent would have replaced"),
            mac,
            "Restore a backup with flashpack restore, or write the app again",
        ));
    };
    let restore = backup::restore(
        &replaced.manifest,
        &replaced.bytes,
        &[],
        "what the agent replaced",
        identity,
    )
    .map_err(|problem| JobError::new(problem.message, replaced.place.clone(), problem.help))?;
    let mut warnings = restore.warnings;
    if let Holds::Other(found) = holds
        && replaced.proven
    {
        warnings.push(format!(
            "{} does not hold the agent any more but {found}, which is replaced by what was there before the agent",
            replaced.slot
        ));
    }
    let place = replaced.slot_region();
    let is_there = |table: &PartitionTable| {
        let layout = table.layout();
        layout.iter().any(|placed| {
            placed.row.kind == APP && Some(placed.region.offset) == place.map(|it| it.offset)
        })
    };
    if replaced.manifest.table.is_some() && !table.is_some_and(is_there) {
        warnings.push(format!(
            "The board's table has no app any more where {} was: what is put back may lie in the middle of something else",
            replaced.slot
        ));
    }
    let mut plan = FlashPlan {
        chip: Some(identity.chip),
        agent: Some(AgentInFlash::Restore),
        ..restore.plan
    };
    plan.layout.settings.table_offset = table_offset;
    Ok(AgentPlanned {
        plan: plan.into(),
        identity: identity.clone(),
        warnings,
    })
}

/// What lies where the agent was put.
fn holds(link: &mut BoardLink, replaced: &Replaced, job: &mut Job<'_>) -> Result<Holds, Stop> {
    let nothing = Holds::Other("no app".to_owned());
    let Some(slot) = replaced.slot_region() else {
        return Ok(nothing);
    };
    let head = Region::new(slot.offset, slot.size.min(HEAD));
    let head = what_boots::read_inside(link, head, job)?.unwrap_or_default();
    if app_image::header(&head).is_none() {
        return Ok(nothing);
    }
    Ok(match app_image::descriptor(&head) {
        Some(app) if app.project_name == agent_image::PROJECT_NAME => Holds::Agent,
        Some(app) => Holds::Other(format!("{} {}", app.project_name, app.version)),
        None => Holds::Other("another app".to_owned()),
    })
}

/// Whether the ROM would start what lies where this chip's bootloader belongs.
fn has_bootloader(
    link: &mut BoardLink,
    identity: &BoardIdentity,
    table_offset: u32,
    job: &mut Job<'_>,
) -> Result<bool, Stop> {
    let start = identity.chip.facts().bootloader_offset;
    let Some(room) = table_offset.checked_sub(start) else {
        return Ok(false);
    };
    let head = Region::new(start, room.min(HEAD));
    let head = what_boots::read_inside(link, head, job)?.unwrap_or_default();
    // The whole of it takes seconds at the usual speed.
    if app_image::header(&head).is_none_or(|header| header.chip() != Some(identity.chip)) {
        return Ok(false);
    }
    let bytes = what_boots::read_inside(link, Region::new(start, room), job)?.unwrap_or_default();
    Ok(app_image::parse(&bytes).is_ok_and(|image| image.checksum.is_right()))
}
