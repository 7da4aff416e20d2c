//! The apps inside a file that covers several partitions and is written in pieces: what a plan brings to each slot.

use crate::formats::app_image;
use crate::model::flash_plan::FlashPlan;
use crate::model::partition_table::APP;
use crate::model::plan_layout::PlanPartition;
use crate::model::region::Region;

/// What one of these files brings to an app partition.
pub(super) struct MergedApp<'a> {
    pub(super) slot: &'a PlanPartition,
    /// Where the bytes come from.
    pub(super) source: &'a str,
    /// The image, also where it is larger than its slot; never blank.
    pub(super) bytes: Vec<u8>,
}

/// The apps of every file that is written in pieces, by the table that is in force then.
pub(super) fn apps(plan: &FlashPlan) -> impl Iterator<Item = MergedApp<'_>> {
    let slots = plan.layout.partitions.iter();
    let slots = slots.filter(|partition| partition.kind == APP);
    slots.filter_map(|slot| {
        let first = Region::new(slot.region.offset, 1);
        let mut files = plan.whole_files.iter();
        let file = files.find(|file| file.contains(first))?;
        let mut writes = plan.writes.iter();
        let begins = writes.find(|write| write.region().contains(first))?;
        let rest = Region::new(first.offset, (file.end() - u64::from(first.offset)) as u32);
        let mut bytes = joined(plan, rest)?;
        let in_slot = bytes.len().min(slot.region.size as usize);
        if bytes[..in_slot].iter().all(|byte| *byte == 0xFF) {
            return None;
        }
        let image = app_image::parse(&bytes).map_or(0, |image| image.size);
        bytes.truncate(in_slot.max(image));
        Some(MergedApp {
            slot,
            source: &begins.source,
            bytes,
        })
    })
}

/// What the plan brings to a region; `None` where it leaves some of it as it is.
fn joined(plan: &FlashPlan, region: Region) -> Option<Vec<u8>> {
    let mut bytes = vec![0; region.size as usize];
    let mut brought = 0;
    for write in &plan.writes {
        let from = write.offset.max(region.offset);
        let end = write.region().end().min(region.end());
        if u64::from(from) >= end {
            continue;
        }
        let size = (end - u64::from(from)) as usize;
        let part = &write.bytes[(from - write.offset) as usize..][..size];
        bytes[(from - region.offset) as usize..][..size].copy_from_slice(part);
        brought += size;
    }
    (brought >= bytes.len()).then_some(bytes)
}
