//! From the targets of a command line to the plan of a write: what is read from files, what from the board, and
//! everything that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::args::Link;
use super::board::Board;
use super::board_table::{board_table, look};
use super::elf_targets;
use super::failure::Failure;
use super::file_pieces;
use super::keep_offsets::{self, KeepOffsets};
use super::offset_roles;
use super::report::Report;
use super::resolve::{Target, TargetPlace, no_partition};
use crate::engine::elf::AppFor;
use crate::engine::event::Outcome;
use crate::engine::pack::{PackJob, PackedImage, pack};
use crate::engine::plan::{self, partition_write};
use crate::engine::request::Request;
use crate::model::cause::Cause;
use crate::model::chip::{BoardIdentity, Chip};
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::number::hex;
use crate::model::partition_table::{APP, PartitionTable, TableSettings};
use crate::model::plan_layout::PlanLayout;
use crate::model::problem::{Problem, any_error};
use crate::model::project::Project;
use crate::model::region::Region;
use crate::store::project_file;

/// Where partition names are looked up, best first.
struct Tables<'a> {
    /// Written by the same command.
    written: Option<PartitionTable>,
    project: Option<Arc<PartitionTable>>,
    board: Option<&'a mut Board>,
    /// The board's table, once it was read.
    on_board: Option<PartitionTable>,
    settings: TableSettings,
    /// Files that are written in pieces.
    whole_files: Vec<Region>,
}

impl Tables<'_> {
    /// The partitions that are in force after the write. A board is asked for its own only if nothing else tells them;
    /// one without a table that can be used has none.
    fn layout(&mut self, report: &mut Report) -> Result<PlanLayout, Failure> {
        if self.written.is_none()
            && self.project.is_none()
            && self.on_board.is_none()
            && let Some(board) = self.board.as_deref_mut()
        {
            self.on_board = look(board, report)?.sound();
        }
        let known = [
            self.written.as_ref(),
            self.project.as_deref(),
            self.on_board.as_ref(),
        ];
        let mut layout = known
            .into_iter()
            .flatten()
            .next()
            .map_or_else(PlanLayout::default, PlanLayout::of);
        layout.settings = self.settings;
        Ok(layout)
    }
}

/// What is known of the board that a plan is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFacts {
    pub chip: Chip,
    /// What the board said of itself, if there is one.
    pub identity: Option<BoardIdentity>,
    /// Where the table lies, if it was said.
    pub table_offset: Option<u32>,
}

impl BoardFacts {
    /// Asks the board; without one, the chip is the one that was named.
    pub fn ask(
        board: Option<&mut Board>,
        link: &Link,
        report: &mut Report,
    ) -> Result<Self, Failure> {
        let Some(board) = board else {
            return Ok(Self {
                chip: link.chip.unwrap_or_default(),
                identity: None,
                table_offset: link.table_offset,
            });
        };
        match board.ask(Request::Detect, report)? {
            Outcome::Detected(identity) => Ok(Self {
                chip: identity.chip,
                identity: Some(identity),
                table_offset: link.table_offset,
            }),
            _ => Err(board.unexpected()),
        }
    }
}

/// Makes the plan. `board` is asked only for a partition name that nothing else explains.
pub fn make_plan(
    targets: &[Target],
    keep: &[KeepOffsets],
    board: Option<&mut Board>,
    facts: &BoardFacts,
    report: &mut Report,
) -> Result<FlashPlan, Failure> {
    let mut chip = None;
    let mut problems = Vec::new();
    let mut writes = Vec::new();
    let mut tables = Tables {
        written: None,
        project: None,
        board,
        on_board: None,
        settings: TableSettings::default(),
        whole_files: Vec::new(),
    };
    if let Some(offset) = facts.table_offset {
        tables.settings.table_offset = offset;
    }
    for target in targets {
        match target {
            Target::Project(path) => {
                let mut project = load_project(path, report)?;
                match facts.table_offset {
                    Some(offset) => {
                        Arc::make_mut(&mut project.table).settings.table_offset = offset;
                    }
                    None => tables.settings = project.table.settings,
                }
                if let Some(board) = &mut tables.board {
                    board.look_for_table_at(tables.settings.table_offset);
                }
                chip = Some(project.chip);
                let board = tables.board.as_deref_mut();
                let previous = keep_offsets::previous(keep, path, &project, board, report)?;
                let (plan, found) = plan_project(&project, &previous);
                problems.extend(found);
                writes.extend(plan.writes);
                tables.project = Some(Arc::clone(&project.table));
            }
            Target::File {
                place: TargetPlace::Offset(offset),
                file,
                bytes,
            } => {
                writes.extend(at_offset(*offset, file, bytes, &mut tables)?);
            }
            Target::File {
                place: TargetPlace::Partition(_),
                ..
            } => {}
        }
    }
    // Names come last: a table may stand behind them on the command line.
    for target in targets {
        if let Target::File {
            place: TargetPlace::Partition(name),
            file,
            bytes,
        } = target
        {
            writes.push(in_partition(name, file, bytes, &mut tables, report)?);
        }
    }
    let layout = tables.layout(report)?;
    let mut plan = FlashPlan {
        chip,
        layout,
        whole_files: tables.whole_files,
        ..FlashPlan::new(writes)
    };
    elf_targets::convert(&mut plan, facts, report)?;
    offset_roles::give(&mut plan, chip.unwrap_or(facts.chip));
    name_what_is_hit(&mut plan);
    if any_error(&problems) {
        return Err(report.refusal(&problems, "", "Nothing was written: the plan has errors"));
    }
    report.problems(&problems);
    Ok(plan)
}

/// A write to an offset says which partitions it hits, as far as a table tells.
fn name_what_is_hit(plan: &mut FlashPlan) {
    let FlashPlan { writes, layout, .. } = plan;
    for write in writes
        .iter_mut()
        .filter(|write| offset_roles::is_by_offset(write))
    {
        let hit = layout
            .partitions
            .iter()
            .filter(|place| place.region.overlaps(write.region()));
        let mut names: Vec<&str> = hit.map(|place| place.name.as_str()).collect();
        if write.region().overlaps(layout.settings.table_region()) {
            names.insert(0, plan::TABLE);
        }
        if !names.is_empty() {
            write.destroys = vec![format!(
                "Replaces {} bytes at {}, in {}",
                write.bytes.len(),
                hex(write.offset),
                names.join(", ")
            )];
        }
    }
}

fn load_project(path: &Path, report: &mut Report) -> Result<Project, Failure> {
    let loaded = project_file::load(path)?;
    if any_error(&loaded.problems) {
        let place = path.display().to_string();
        return Err(report.refusal(&loaded.problems, &place, &format!("{place} has errors")));
    }
    report.problems(&loaded.problems);
    Ok(loaded.project)
}

/// Packs what the project holds and plans all of it.
fn plan_project(
    project: &Project,
    previous: &BTreeMap<String, Arc<[u8]>>,
) -> (FlashPlan, Vec<Problem>) {
    let mut images: BTreeMap<String, Arc<PackedImage>> = BTreeMap::new();
    for (name, content) in &project.contents {
        let image = pack(&PackJob {
            partition: name.clone(),
            content: Arc::clone(content),
            limit: project.table.find(name).map(|placed| placed.region.size),
            previous: previous.get(name).cloned(),
            date: 0,
            cut_names: false,
            app_for: app_for(project, name),
        });
        images.insert(name.clone(), Arc::new(image));
    }
    plan::plan(project, &images, None)
}

/// What an app partition of a project belongs to; `None` for the others.
fn app_for(project: &Project, name: &str) -> Option<AppFor> {
    let placed = project.table.find(name)?;
    (placed.row.kind == APP).then_some(AppFor {
        chip: project.chip,
        flash_size: project.flash_size,
    })
}

/// A file at a place in flash, in pieces where it goes over the table's place; there it must hold a table.
fn at_offset(
    offset: u32,
    file: &Path,
    bytes: &Arc<[u8]>,
    tables: &mut Tables<'_>,
) -> Result<Vec<PlannedWrite>, Failure> {
    if bytes.is_empty() {
        return Err(empty(file));
    }
    if Region::new(offset, 0).end() + bytes.len() as u64 > 1 << 32 {
        return Err(Failure::new(
            format!(
                "{} does not fit at {}: it would end beyond 4 GiB",
                file.display(),
                hex(offset)
            ),
            hex(offset),
            "Give a smaller offset",
        )
        .because(Cause::FlashTooSmall));
    }
    let write = PlannedWrite {
        role: Role::Data,
        target: hex(offset),
        source: file_name(file),
        offset,
        bytes: Arc::clone(bytes),
        destroys: vec![format!("Replaces {} bytes at {}", bytes.len(), hex(offset))],
    };
    let Some((table, pieces)) = file_pieces::around_table(&write, tables.settings, file)? else {
        return Ok(vec![write]);
    };
    tables.written = Some(table);
    // One that begins at the table has nothing before it that speaks for the whole.
    if write.offset < tables.settings.table_offset {
        tables.whole_files.push(write.region());
    }
    Ok(pieces)
}

/// A file in a partition.
fn in_partition(
    name: &str,
    file: &Path,
    bytes: &Arc<[u8]>,
    tables: &mut Tables<'_>,
    report: &mut Report,
) -> Result<PlannedWrite, Failure> {
    if bytes.is_empty() {
        return Err(empty(file));
    }
    if tables.written.is_none() && tables.project.is_none() && tables.on_board.is_none() {
        let Some(board) = tables.board.as_deref_mut() else {
            return Err(Failure::usage(
                format!("Where “{name}” lies is written in a table, and there is none here"),
                name,
                "Add --port, or the table as 0x8000=FILE",
            ));
        };
        tables.on_board = Some(board_table(board, report)?);
    }
    let known = [
        (tables.written.as_ref(), "this command"),
        (tables.project.as_deref(), "the project"),
        (tables.on_board.as_ref(), "the board"),
    ];
    let Some((table, whose)) = known
        .into_iter()
        .find_map(|(table, whose)| Some((table?, whose)))
    else {
        return Err(no_partition(
            &PartitionTable::default(),
            name,
            "this command",
        ));
    };
    let placed = table
        .find(name)
        .ok_or_else(|| no_partition(table, name, whose))?;
    Ok(partition_write(&placed, bytes, file_name(file)))
}

fn empty(file: &Path) -> Failure {
    let place = file.display().to_string();
    Failure::new(
        format!("{place} is empty: there is nothing to write"),
        place,
        "Check that this is the right file",
    )
    .because(Cause::EmptyFile)
}

fn file_name(file: &Path) -> String {
    file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
