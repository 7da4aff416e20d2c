//! From a project and its packed images to the plan of a write: the value that is shown, printed and carried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pack::PackedImage;
use crate::formats::app_image::{self, ImageRole, ImageTarget};
use crate::formats::partition_bin;
use crate::formats::second_opinion::{self, Opinion};
use crate::model::chip::Chip;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::number::{hex, human_size};
use crate::model::partition_table::{APP, DATA, DATA_OTA, PartitionTable, Placed};
use crate::model::plan_layout::PlanLayout;
use crate::model::problem::{Place, Problem, Severity, any_error};
use crate::model::project::{Content, Project, Source};
use crate::model::region::Region;
use crate::model::table_check;

/// How the partition table is called in a plan.
pub const TABLE: &str = "partition table";

/// Plans a write of `project`: its table, and every partition that has contents. `only` limits it to these targets
/// (partition names, [`TABLE`]).
///
/// The plan is empty when a problem of severity error is among the problems.
pub fn plan(
    project: &Project,
    images: &BTreeMap<String, Arc<PackedImage>>,
    only: Option<&[String]>,
) -> (FlashPlan, Vec<Problem>) {
    let wanted = |name: &str| only.is_none_or(|only| only.iter().any(|target| target == name));
    let mut problems =
        table_check::check(&project.table, Some(project.flash_size), Some(project.chip));
    let mut writes = Vec::new();
    if wanted(TABLE) && !any_error(&problems) {
        match table_write(&project.table) {
            Ok(write) => writes.push(write),
            Err(problem) => problems.push(problem),
        }
    }
    let layout = project.table.layout();
    for (name, content) in project.contents.iter().filter(|(name, _)| wanted(name)) {
        let Some(placed) = layout.iter().find(|placed| placed.row.name == *name) else {
            problems.push(Problem::warning(
                Place::Partition { name: name.clone() },
                format!("There are contents for “{name}”, but the table has no such partition"),
                "Add the partition, or remove its contents",
            ));
            continue;
        };
        let Some(image) = images.get(name) else {
            continue;
        };
        problems.extend(image.problems.iter().cloned());
        if image.bytes.is_empty() {
            continue;
        }
        let write = partition_write(placed, &image.bytes, describe(content, image));
        problems.extend(too_long(&write, placed.region));
        problems.extend(image_warnings(&write, project.chip));
        writes.push(write);
    }
    if any_error(&problems) {
        return (FlashPlan::default(), problems);
    }
    let plan = FlashPlan {
        chip: Some(project.chip),
        layout: PlanLayout::of(&project.table),
        ..FlashPlan::new(writes)
    };
    (plan, problems)
}

/// The write of a partition table at its own offset.
///
/// # Errors
/// When the table cannot be written in binary, or the second opinion disagrees.
#[expect(
    clippy::result_large_err,
    reason = "made once per write; a box would only hide the problem"
)]
pub fn table_write(table: &PartitionTable) -> Result<PlannedWrite, Problem> {
    let bytes = partition_bin::write(table).map_err(|error| {
        Problem::error(
            Place::Table,
            format!("The table cannot be written: {error}"),
            "Mend the table first",
        )
    })?;
    if let Opinion::Disagrees(reason) = second_opinion::check(table, &bytes) {
        return Err(Problem::error(
            Place::Table,
            format!("A second reader understands the table differently: {reason}"),
            "Please report this table; it is not written",
        ));
    }
    Ok(PlannedWrite {
        role: Role::Table,
        target: TABLE.to_owned(),
        source: format!("{} partitions", table.rows.len()),
        offset: table.settings.table_offset,
        bytes: bytes.into(),
        destroys: vec!["Replaces the partition table on the board".to_owned()],
    })
}

/// The write of one partition from its first byte on.
pub fn partition_write(placed: &Placed<'_>, bytes: &Arc<[u8]>, source: String) -> PlannedWrite {
    let row = placed.row;
    let role = match (row.kind, row.subtype) {
        (APP, _) => Role::App,
        (DATA, DATA_OTA) => Role::OtaData,
        _ => Role::Data,
    };
    PlannedWrite {
        role,
        target: row.name.clone(),
        source,
        offset: placed.region.offset,
        bytes: Arc::clone(bytes),
        destroys: vec![format!(
            "Replaces the first {} of {} ({} at {})",
            human_size(bytes.len() as u64),
            row.name,
            human_size(u64::from(placed.region.size)),
            hex(placed.region.offset)
        )],
    }
}

/// A write that does not fit its partition.
fn too_long(write: &PlannedWrite, room: Region) -> Option<Problem> {
    if room.contains(write.region()) {
        return None;
    }
    Some(Problem::error(
        Place::Partition {
            name: write.target.clone(),
        },
        format!(
            "{} has {} and “{}” has {}",
            write.source,
            human_size(write.bytes.len() as u64),
            write.target,
            human_size(u64::from(room.size))
        ),
        "Make the partition larger, or write a smaller file",
    ))
}

/// What is wrong with an app, as warnings: the write itself is refused by [`super::guard`], which a person can
/// override.
fn image_warnings(write: &PlannedWrite, chip: Chip) -> Vec<Problem> {
    if write.role != Role::App {
        return Vec::new();
    }
    let target = ImageTarget {
        chip: Some(chip),
        revision: None,
        slot_size: None,
        partition: write.target.clone(),
        role: ImageRole::App,
    };
    let mut problems = app_image::check(&write.bytes, &target);
    for problem in &mut problems {
        problem.severity = problem.severity.min(Severity::Warning);
    }
    problems
}

/// Overlaps between the writes of a plan.
pub fn overlaps(plan: &FlashPlan) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, a) in plan.writes.iter().enumerate() {
        for b in &plan.writes[index + 1..] {
            if a.region().overlaps(b.region()) {
                problems.push(Problem::error(
                    Place::Partition {
                        name: b.target.clone(),
                    },
                    format!(
                        "{} and {} overlap at {}",
                        a.target,
                        b.target,
                        hex(a.offset.max(b.offset))
                    ),
                    "Write only one of them, or move one",
                ));
            }
        }
    }
    problems
}

fn describe(content: &Content, image: &PackedImage) -> String {
    match content {
        Content::Raw(Source::Path(path)) => path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        ),
        Content::Raw(Source::Bytes(_)) => "bytes in the project".to_owned(),
        Content::Files(_) => {
            let files = image.entries.iter().filter(|entry| !entry.folder).count();
            if files == 1 {
                "1 file packed".to_owned()
            } else {
                format!("{files} files packed")
            }
        }
    }
}
