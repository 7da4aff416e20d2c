//! From the targets of a command line to the plan of a write: what is read from files, what from the board, and
//! everything that is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::board::Board;
use super::board_table::board_table;
use super::failure::Failure;
use super::report::Report;
use super::resolve::{Target, TargetPlace, no_partition};
use super::sentence::lower_first;
use crate::engine::event::Outcome;
use crate::engine::pack::{PackJob, PackedImage, pack};
use crate::engine::plan::{self, overlaps, partition_write, write_problems};
use crate::engine::request::Request;
use crate::formats::partition_bin;
use crate::formats::second_opinion::{self, Opinion};
use crate::model::chip::Chip;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::number::hex;
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::problem::{Problem, Severity, any_error};
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
}

/// What is known of the board that a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardFacts {
    pub chip: Chip,
    /// Bytes of its flash.
    pub flash_size: Option<u32>,
}

impl BoardFacts {
    /// Asks the board; without one, the chip is the one that was named.
    pub fn ask(
        board: Option<&mut Board>,
        named: Option<Chip>,
        report: &mut Report,
    ) -> Result<Self, Failure> {
        let Some(board) = board else {
            return Ok(Self {
                chip: named.unwrap_or_default(),
                flash_size: None,
            });
        };
        match board.ask(Request::Detect, report)? {
            Outcome::Detected(identity) => Ok(Self {
                chip: identity.chip,
                flash_size: identity.flash_size,
            }),
            _ => Err(board.unexpected()),
        }
    }
}

/// Makes the plan. `board` is asked only for a partition name that nothing else explains.
pub fn make_plan(
    targets: &[Target],
    board: Option<&mut Board>,
    facts: BoardFacts,
    report: &mut Report,
) -> Result<FlashPlan, Failure> {
    let on_board = board.is_some();
    let mut problems = Vec::new();
    let mut writes = Vec::new();
    let mut tables = Tables {
        written: None,
        project: None,
        board,
        on_board: None,
    };
    for target in targets {
        match target {
            Target::Project(path) => {
                let project = load_project(path, report)?;
                if on_board && project.chip != facts.chip {
                    return Err(other_chip(path, project.chip, facts.chip));
                }
                let (plan, found) = plan_project(&project);
                problems.extend(found);
                writes.extend(plan.writes);
                tables.project = Some(Arc::clone(&project.table));
            }
            Target::File {
                place: TargetPlace::Offset(offset),
                file,
                bytes,
            } => {
                let write = at_offset(*offset, file, bytes, &mut tables)?;
                writes.push(write);
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
            let (write, found) = in_partition(name, file, bytes, facts.chip, &mut tables, report)?;
            problems.extend(found);
            writes.push(write);
        }
    }
    let plan = FlashPlan::new(writes);
    problems.extend(overlaps(&plan));
    if any_error(&problems) {
        return Err(report.refusal(&problems, "", "Nothing was written: the plan has errors"));
    }
    report.problems(&problems);
    Ok(plan)
}

fn other_chip(project: &Path, wanted: Chip, found: Chip) -> Failure {
    let place = project.display().to_string();
    let message = format!("{place} is for the {wanted}, and the board is an {found}");
    Failure::new(
        message,
        place,
        "Choose another port, or change the project's chip",
    )
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
fn plan_project(project: &Project) -> (FlashPlan, Vec<Problem>) {
    let mut images: BTreeMap<String, Arc<PackedImage>> = BTreeMap::new();
    for (name, content) in &project.contents {
        let image = pack(&PackJob {
            partition: name.clone(),
            content: Arc::clone(content),
            limit: project.table.find(name).map(|placed| placed.region.size),
            previous: None,
            date: 0,
            cut_names: false,
            erase_removed: false,
        });
        images.insert(name.clone(), Arc::new(image));
    }
    plan::plan(project, &images, None)
}

/// A file at a place in flash; at the table's place it must be a table.
fn at_offset(
    offset: u32,
    file: &Path,
    bytes: &Arc<[u8]>,
    tables: &mut Tables<'_>,
) -> Result<PlannedWrite, Failure> {
    let settings = TableSettings::default();
    let name = file_name(file);
    let table = (offset == settings.table_offset).then(|| readable_table(bytes));
    let (role, target, destroys) = match table {
        None => (
            Role::Data,
            hex(offset),
            format!("Replaces {} bytes at {}", bytes.len(), hex(offset)),
        ),
        Some(Ok(table)) => {
            if let Opinion::Disagrees(reason) = second_opinion::check(&table, bytes) {
                let place = file.display().to_string();
                let message =
                    format!("{place} is understood differently by a second reader: {reason}");
                return Err(Failure::new(
                    message,
                    place,
                    "Please report this table; it is not written",
                ));
            }
            tables.written = Some(table);
            (
                Role::Table,
                plan::TABLE.to_owned(),
                "Replaces the partition table on the board".to_owned(),
            )
        }
        Some(Err(reason)) => {
            let place = file.display().to_string();
            let message = format!(
                "{place} cannot go to {}, the table's place: {reason}",
                hex(offset)
            );
            let help =
                "Make a binary table of a CSV with flashpack table convert, or give another offset";
            return Err(Failure::new(message, place, help));
        }
    };
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
        ));
    }
    Ok(PlannedWrite {
        role,
        target,
        source: name,
        offset,
        bytes: Arc::clone(bytes),
        destroys: vec![destroys],
    })
}

/// The table in these bytes, or why it is none that a board could use.
fn readable_table(bytes: &[u8]) -> Result<PartitionTable, String> {
    let reading = partition_bin::read(bytes);
    let wrong = reading
        .problems
        .into_iter()
        .find(|problem| problem.severity == Severity::Error);
    match reading.refusal.or(wrong) {
        None => Ok(reading.table),
        Some(problem) => Err(lower_first(&problem.message)),
    }
}

/// A file in a partition, with everything that is wrong with it there.
fn in_partition(
    name: &str,
    file: &Path,
    bytes: &Arc<[u8]>,
    chip: Chip,
    tables: &mut Tables<'_>,
    report: &mut Report,
) -> Result<(PlannedWrite, Vec<Problem>), Failure> {
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
    let write = partition_write(&placed, bytes, file_name(file));
    let problems = write_problems(&write, placed.region, chip);
    Ok((write, problems))
}

fn empty(file: &Path) -> Failure {
    let place = file.display().to_string();
    Failure::new(
        format!("{place} is empty: there is nothing to write"),
        place,
        "Check that this is the right file",
    )
}

fn file_name(file: &Path) -> String {
    file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
