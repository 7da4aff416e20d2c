//! Which slot the agent goes into, and what must come with it; pure over what was seen of the board.

use std::sync::Arc;

use super::super::agent_replaced::elsewhere;
use super::super::boot_choice;
use super::super::error::JobError;
use super::super::event::AgentPlanned;
use super::super::plan;
use super::{Holds, Seen};
use crate::device::{agent_image, bootloader};
use crate::formats::boot_order::FACTORY;
use crate::formats::otadata::{OTADATA_BYTES, OtaData};
use crate::formats::{app_image, table_template};
use crate::model::boots::{AppFacts, Boots};
use crate::model::flash_plan::{AgentInFlash, FlashPlan, PlannedWrite, Role};
use crate::model::guard::GuardName;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::{APP, PartitionTable, TableSettings};
use crate::model::plan_layout::{PlanLayout, PlanPartition};
use crate::model::region::Region;
use crate::model::table_names::subtype_name;

/// The table of a board that has none: one app.
const NEW_TABLE: &str = "single-app";

/// Where the agent goes.
struct Slot<'a> {
    partition: &'a PlanPartition,
    /// What was there, as far as its header tells.
    app: Option<&'a AppFacts>,
}

/// Plans the install.
pub fn plan(seen: &Seen, wanted: Option<&str>) -> Result<AgentPlanned, JobError> {
    let mut warnings = Vec::new();
    let new_table = match &seen.table {
        Some(_) => None,
        None => Some(new_table(seen)?),
    };
    let layout = match (&seen.table, &new_table) {
        (Some(table), _) | (None, Some(table)) => PlanLayout::of(table),
        (None, None) => PlanLayout::default(),
    };
    let earlier = seen.replaced.as_ref();
    // An install that was cut goes on where it began, whatever boots by now.
    let begun = earlier.filter(|(replaced, _)| !replaced.proven);
    let slot = slot(
        seen,
        &layout,
        wanted.or(begun.map(|(replaced, _)| replaced.slot.as_str())),
    )?;
    let name = slot.partition.name.clone();
    let mut anew = false;
    if let Some((replaced, holds)) = earlier {
        if let (true, Holds::Other(found)) = (replaced.proven, holds) {
            anew = true;
            warnings.push(format!(
                "{} holds {found} since an earlier install of the agent; what that one had replaced is set aside beside {}",
                replaced.slot, replaced.place
            ));
        } else if replaced.slot != name {
            return Err(elsewhere(&replaced.slot));
        } else if !replaced.proven {
            warnings.push(format!(
                "An install to {name} did not finish; this finishes it. What it replaces is in {}",
                replaced.place
            ));
        }
    }

    let mut writes = vec![app(&slot)?];
    if !seen.has_bootloader {
        writes.push(bootloader(seen)?);
    }
    if let Some(table) = &new_table {
        let write = plan::table_write(table);
        writes.push(
            write.map_err(|problem| JobError::new(problem.message, plan::TABLE, problem.help))?,
        );
    }
    let forced = (!seen.has_bootloader).then_some(GuardName::Bootloader);
    let mut plan = FlashPlan {
        chip: Some(seen.identity.chip),
        layout: layout.clone(),
        forced: forced.into_iter().collect(),
        ..FlashPlan::new(writes)
    };
    choose(seen, &slot, &mut plan)?;
    let mut saved: Vec<(String, Region)> = plan
        .writes
        .iter()
        .map(|write| (write.target.clone(), write.region().sectors()))
        .collect();
    // The bootloader itself may write there when the agent boots.
    if let Some(otadata) = &seen.boots.otadata
        && !saved.iter().any(|(name, _)| *name == otadata.partition)
    {
        let both = Region::new(otadata.region.offset, OTADATA_BYTES as u32);
        saved.push((otadata.partition.clone(), both));
    }
    plan.agent = Some(AgentInFlash::Install {
        slot: name,
        saved,
        anew,
    });
    Ok(AgentPlanned {
        plan: Arc::new(plan),
        identity: seen.identity.clone(),
        warnings,
    })
}

/// The slot that is named, else the one that boots now, else the first that the bootloader would try.
fn slot<'a>(
    seen: &'a Seen,
    layout: &'a PlanLayout,
    wanted: Option<&str>,
) -> Result<Slot<'a>, JobError> {
    let apps = || layout.partitions.iter().filter(|place| place.kind == APP);
    let names = || {
        let names: Vec<&str> = apps().map(|place| place.name.as_str()).collect();
        names.join(", ")
    };
    let order = &seen.boots.order;
    let found = if let Some(wanted) = wanted {
        let by_name = apps().find(|place| place.name == wanted);
        by_name
            .or_else(|| apps().find(|place| subtype_name(APP, place.subtype) == wanted))
            .ok_or_else(|| {
                JobError::new(
                    format!("The table has no app partition “{wanted}”"),
                    wanted,
                    format!("Its app partitions are {}", names()),
                )
            })?
    } else {
        let first = order.first().map(|candidate| candidate.partition.as_str());
        let first = seen.boots.partition.as_deref().or(first);
        let found = if let Some(first) = first {
            apps().find(|place| place.name == first)
        } else if seen.table.is_none() {
            apps().next()
        } else {
            None
        };
        found.ok_or_else(|| {
            JobError::new(
                "The board's table has no app partition for the agent",
                plan::TABLE,
                "Write a table with an app partition first",
            )
        })?
    };
    let image = agent_image::bundled_app().len() as u64;
    if image > u64::from(found.region.size) {
        return Err(JobError::new(
            format!(
                "The agent has {} and “{}” has {}",
                human_size(image),
                found.name,
                human_size(u64::from(found.region.size))
            ),
            found.name.clone(),
            format!("Name a larger one with --slot: {}", names()),
        ));
    }
    let mut candidates = order.iter();
    let app = candidates
        .find(|candidate| candidate.region == found.region)
        .and_then(|candidate| candidate.app.as_ref());
    Ok(Slot {
        partition: found,
        app,
    })
}

/// Makes the board start the slot, where it would not by itself.
fn choose(seen: &Seen, slot: &Slot<'_>, plan: &mut FlashPlan) -> Result<(), JobError> {
    if seen.table.is_none() {
        return Ok(());
    }
    let name = &slot.partition.name;
    if starts_by_itself(&seen.boots, slot.partition) {
        return Ok(());
    }
    let refused =
        |refusal: boot_choice::Refusal| JobError::new(refusal.message, name.clone(), refusal.help);
    let choice = boot_choice::find(&plan.layout, name).map_err(refused)?;
    let otadata = seen.boots.otadata.as_ref();
    let current = otadata.map_or(&[][..], |otadata| &otadata.bytes);
    choice.add_to(plan, current, None).map_err(refused)
}

/// Whether the bootloader starts what will be in this slot, and goes on doing so at every reset.
fn starts_by_itself(boots: &Boots, slot: &PlanPartition) -> bool {
    let mut candidates = boots.order.iter();
    let first = candidates
        .find(|candidate| candidate.region == slot.region || candidate.app.is_some())
        .filter(|candidate| candidate.region == slot.region);
    let Some(first) = first else {
        return false;
    };
    let otadata = boots.otadata.as_ref();
    let newest = otadata.and_then(|otadata| OtaData::read(&otadata.bytes).newest());
    let on_trial = newest.is_some_and(|(_, record)| record.is_on_trial());
    // The agent never calls itself sound, so a bootloader that takes apps on trial would turn away from it.
    !(on_trial && first.slot.is_some())
}

fn app(slot: &Slot<'_>) -> Result<PlannedWrite, JobError> {
    let bytes = agent_image::bundled_app();
    let descriptor = app_image::descriptor(bytes);
    let version = descriptor.map_or_else(String::new, |descriptor| descriptor.version);
    let place = slot.partition;
    if !place
        .region
        .offset
        .is_multiple_of(crate::model::region::BLOCK)
    {
        return Err(JobError::new(
            format!(
                "{} begins at {}, and the chip maps an app from multiples of 64 KiB only",
                place.name,
                hex(place.region.offset)
            ),
            place.name.clone(),
            "Name another slot with --slot",
        ));
    }
    let loses = slot.app.map_or_else(
        || "Nothing starts there now".to_owned(),
        |app| {
            format!(
                "{} does not start until flashpack agent restore has put it back",
                app.sentence()
            )
        },
    );
    Ok(PlannedWrite {
        role: Role::App,
        target: place.name.clone(),
        source: format!("the agent {version}").trim_end().to_owned(),
        offset: place.region.offset,
        bytes: bytes.into(),
        destroys: vec![
            format!(
                "Replaces the first {} of {}",
                human_size(bytes.len() as u64),
                place.name
            ),
            loses,
        ],
    })
}

fn bootloader(seen: &Seen) -> Result<PlannedWrite, JobError> {
    let chip = seen.identity.chip;
    if seen.boots.table_offset != bootloader::TABLE_OFFSET {
        return Err(JobError::new(
            format!(
                "The board has no bootloader, and the one that comes along looks for its table at {}, not at {}",
                hex(bootloader::TABLE_OFFSET),
                hex(seen.boots.table_offset)
            ),
            "bootloader",
            "Write the bootloader of your build first, or leave --table-offset out",
        ));
    }
    let bytes = bootloader::bundled(chip, flash_size(seen)?)
        .map_err(|reason| JobError::new(reason, "bootloader", "Write the one of your build"))?;
    Ok(PlannedWrite {
        role: Role::Bootloader,
        target: "bootloader".to_owned(),
        source: "espflash's bootloader".to_owned(),
        offset: chip.facts().bootloader_offset,
        bytes: bytes.into(),
        destroys: vec!["There is no bootloader for this chip now".to_owned()],
    })
}

/// A table for a board that has none.
fn new_table(seen: &Seen) -> Result<PartitionTable, JobError> {
    let refused =
        |reason: String| JobError::new(reason, plan::TABLE, "Write a table to the board first");
    let settings = TableSettings {
        table_offset: seen.boots.table_offset,
        ..TableSettings::default()
    };
    let template = table_template::find(NEW_TABLE)
        .ok_or_else(|| refused(format!("There is no template {NEW_TABLE}")))?;
    let table = template
        .table(flash_size(seen)?, settings)
        .map_err(refused)?;
    let factory = table
        .rows
        .iter()
        .any(|row| row.kind == APP && row.subtype == FACTORY);
    if !factory {
        return Err(refused(format!("{NEW_TABLE} has no factory app")));
    }
    Ok(table)
}

fn flash_size(seen: &Seen) -> Result<u32, JobError> {
    seen.identity.flash_size.ok_or_else(|| {
        JobError::new(
            "The size of this board's flash is not known, so it can be given neither bootloader nor table",
            "flash",
            "Write a bootloader and a table for it first",
        )
    })
}
