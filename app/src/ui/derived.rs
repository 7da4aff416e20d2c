//! What follows from a project and is needed in every frame: the stretches of the map, the problems, the plan.
//!
//! Computed again only when the project or a packed image has changed. Pure: nothing here draws.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::selection::{Reserved, Selection};
use crate::engine::pack::PackedImage;
use crate::engine::plan::plan;
use crate::model::flash_plan::FlashPlan;
use crate::model::partition_table::{BOOTLOADER, PARTITION_TABLE};
use crate::model::problem::{Problem, Severity};
use crate::model::project::Project;
use crate::model::region::{Region, SECTOR};

/// A stretch of the map, in the order of its offset.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub region: Region,
    pub what: Selection,
    pub name: String,
    pub kind: u8,
    pub subtype: u8,
    /// Shares flash with another partition, or lies beyond the end of the flash.
    pub misplaced: bool,
}

/// Everything that follows from a project.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    pub segments: Vec<Segment>,
    /// Where each row lies, by its place in the table.
    pub regions: Vec<Region>,
    pub problems: Vec<Problem>,
    pub plan: Arc<FlashPlan>,
}

impl Derived {
    /// Looks at a project and at the images that are packed by now.
    pub fn new(project: &Project, images: &BTreeMap<String, Arc<PackedImage>>) -> Self {
        let mut derived = Self::layout(project);
        let (plan, problems) = plan(project, images, None);
        derived.problems = problems;
        for problem in images.values().flat_map(|image| &image.problems) {
            if !derived.problems.contains(problem) {
                derived.problems.push(problem.clone());
            }
        }
        derived
            .problems
            .sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        derived.plan = Arc::new(plan);
        derived
    }

    /// Only what the map needs, for each frame of a drag.
    pub fn layout(project: &Project) -> Self {
        let (segments, regions) = segments(project);
        Self {
            segments,
            regions,
            ..Self::default()
        }
    }

    /// Number of problems that stop a write.
    pub fn errors(&self) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count()
    }
}

fn segments(project: &Project) -> (Vec<Segment>, Vec<Region>) {
    let placed = project.table.layout();
    let mut regions = vec![Region::new(0, 0); project.table.rows.len()];
    let mut segments = Vec::with_capacity(placed.len() * 2 + 4);
    let named = |kind: u8| placed.iter().any(|placed| placed.row.kind == kind);
    let table = Region::new(project.table.settings.table_offset, SECTOR);
    let boot = project.chip.facts().bootloader_offset;
    if !named(BOOTLOADER) && table.offset > boot {
        segments.push(reserved(
            Reserved::Bootloader,
            Region::new(boot, table.offset - boot),
        ));
    }
    if !named(PARTITION_TABLE) {
        segments.push(reserved(Reserved::PartitionTable, table));
    }
    for placed in &placed {
        if let Some(region) = regions.get_mut(placed.index) {
            *region = placed.region;
        }
        segments.push(Segment {
            region: placed.region,
            what: Selection::Row(placed.index),
            name: placed.row.name.clone(),
            kind: placed.row.kind,
            subtype: placed.row.subtype,
            misplaced: placed.region.end() > u64::from(project.flash_size),
        });
    }
    segments.sort_by_key(|segment| (segment.region.offset, segment.region.size));
    let mut free = Vec::new();
    let mut reached = 0u64;
    for index in 0..segments.len() {
        let Some(region) = segments.get(index).map(|segment| segment.region) else {
            break;
        };
        if u64::from(region.offset) > reached {
            free.push(gap(reached, u64::from(region.offset)));
        } else if index > 0 && u64::from(region.offset) < reached && region.size > 0 {
            for neighbour in segments.iter_mut().take(index + 1).skip(index - 1) {
                neighbour.misplaced = true;
            }
        }
        reached = reached.max(region.end());
    }
    if reached < u64::from(project.flash_size) {
        free.push(gap(reached, u64::from(project.flash_size)));
    }
    segments.extend(free);
    segments.sort_by_key(|segment| (segment.region.offset, segment.region.size));
    (segments, regions)
}

fn reserved(what: Reserved, region: Region) -> Segment {
    let (name, kind) = match what {
        Reserved::Bootloader => (super::text::BOOTLOADER, BOOTLOADER),
        Reserved::PartitionTable => (super::text::PARTITION_TABLE, PARTITION_TABLE),
    };
    Segment {
        region,
        what: Selection::Reserved(what),
        name: name.to_owned(),
        kind,
        subtype: 0,
        misplaced: false,
    }
}

fn gap(from: u64, to: u64) -> Segment {
    let offset = u32::try_from(from).unwrap_or(u32::MAX);
    let region = Region::new(offset, u32::try_from(to - from).unwrap_or(u32::MAX));
    Segment {
        region,
        what: Selection::Free(region),
        name: super::text::FREE.to_owned(),
        kind: 0xFF,
        subtype: 0,
        misplaced: false,
    }
}
