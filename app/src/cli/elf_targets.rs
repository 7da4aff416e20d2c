//! ELF files among the targets of a command line become app images, where an app belongs.

use std::path::PathBuf;

use super::failure::Failure;
use super::plan::BoardFacts;
use super::report::Report;
use super::resolve::Target;
use crate::engine::elf::{self, AppFor};
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::partition_table::APP;
use crate::model::region::BLOCK;
use crate::store::elf_app::elf_app;
use crate::store::project_file;

/// Flash size in the header of an image whose board is not known.
const USUAL_FLASH: u32 = 4 << 20;

/// Converts them all.
pub fn convert(
    plan: &mut FlashPlan,
    facts: &BoardFacts,
    report: &mut Report,
) -> Result<(), Failure> {
    let flash_size = (facts.identity.as_ref()).and_then(|identity| identity.flash_size);
    let target = AppFor {
        chip: plan.chip.unwrap_or(facts.chip),
        flash_size: flash_size.unwrap_or(USUAL_FLASH),
    };
    for index in 0..plan.writes.len() {
        let write = &plan.writes[index];
        if !elf::is_elf(&write.bytes) || !takes_app(plan, write) {
            continue;
        }
        let image = elf::app_image(&write.bytes, target).map_err(|(reason, help)| {
            let message = format!("{}: {reason}", write.source);
            Failure::new(message, write.source.clone(), help)
        })?;
        report.note(&elf::done(&write.source, &image));
        plan.writes[index].bytes = image;
    }
    Ok(())
}

/// The ELF file among the targets, if one of their apps is made from one.
pub fn file_of(targets: &[Target]) -> Option<PathBuf> {
    targets.iter().find_map(|target| match target {
        Target::File { file, bytes, .. } => elf::is_elf(bytes).then(|| file.clone()),
        Target::Project(path) => {
            let project = project_file::load(path).ok()?.project;
            elf_app(&project, None).map(|(_, elf)| elf)
        }
    })
}

/// Whether an app belongs there: an app partition, or, where no table is known, a place that an app can have.
fn takes_app(plan: &FlashPlan, write: &PlannedWrite) -> bool {
    match plan.layout.at(write.offset) {
        _ if write.role == Role::App => true,
        Some(place) => place.kind == APP,
        None => plan.layout.partitions.is_empty() && write.offset.is_multiple_of(BLOCK),
    }
}
