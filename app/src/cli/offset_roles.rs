//! What a file for an offset is, so that it has its place in the order that survives power loss: by the partition that it
//! goes to, and where no table is known, by its own bytes.

use super::file_pieces::{around, piece};
use crate::formats::app_image;
use crate::formats::otadata::{OTADATA_BYTES, is_otadata};
use crate::model::chip::Chip;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::number::hex;
use crate::model::partition_table::{APP, DATA, DATA_OTA};
use crate::model::region::Region;

/// Whether a write goes to an offset and not to a partition by its name.
pub fn is_by_offset(write: &PlannedWrite) -> bool {
    write.target == hex(write.offset)
}

/// Gives every write by offset its role, and its place in the order; otadata inside a larger file becomes a write of its
/// own.
pub fn give(plan: &mut FlashPlan, chip: Chip) {
    for write in std::mem::take(&mut plan.writes) {
        if write.role != Role::Data || !is_by_offset(&write) {
            plan.add(write);
            continue;
        }
        for mut write in around_otadata(plan, write) {
            if write.role == Role::Data {
                write.role = role(plan, &write, chip);
            }
            plan.add(write);
        }
    }
}

fn around_otadata(plan: &mut FlashPlan, write: PlannedWrite) -> Vec<PlannedWrite> {
    let all = write.region();
    let mut partitions = plan.layout.partitions.iter();
    let otadata = partitions.find(|partition| {
        (partition.kind, partition.subtype) == (DATA, DATA_OTA)
            && partition.region.size as usize == OTADATA_BYTES
            && partition.region != all
            && all.contains(partition.region)
    });
    let beside_table = !all.overlaps(plan.layout.settings.table_region());
    let inside = otadata.filter(|_| beside_table);
    let Some(mut middle) = inside.and_then(|otadata| piece(&write, otadata.region)) else {
        return vec![write];
    };
    middle.role = Role::OtaData;
    if plan.whole_file(&write).is_none() {
        plan.whole_files.push(all);
    }
    around(&write, middle)
}

fn role(plan: &FlashPlan, write: &PlannedWrite, chip: Chip) -> Role {
    let region = write.region();
    let table = plan.layout.settings.table_region();
    if plan.goes_on(write) || region.overlaps(table) {
        return Role::Data;
    }
    if region.offset < table.offset {
        let start = chip.facts().bootloader_offset;
        let image = piece(
            write,
            Region::new(start, table.offset.saturating_sub(start)),
        );
        let is_there = image.is_some_and(|image| {
            image.offset == start && app_image::header(&image.bytes).is_some()
        });
        return if is_there {
            Role::Bootloader
        } else {
            Role::Data
        };
    }
    match plan.layout.at(region.offset) {
        Some(place) if place.kind == APP && place.region.offset == region.offset => Role::App,
        Some(place)
            if (place.kind, place.subtype) == (DATA, DATA_OTA) && place.region.contains(region) =>
        {
            Role::OtaData
        }
        None if plan.layout.partitions.is_empty() && is_otadata(&write.bytes) => Role::OtaData,
        None if plan.layout.partitions.is_empty() && app_image::is_sound(&write.bytes) => Role::App,
        _ => Role::Data,
    }
}
