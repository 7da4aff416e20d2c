//! `flashpack table edit`: the operations of the window's partition editor, one after the other. What is not edited
//! stays as it was, byte for byte; a table with errors is not written.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::super::args::TableSettings;
use super::super::failure::Failure;
use super::super::report::Report;
use super::super::resolve::{check_output, no_partition, write_output};
use super::convert::{bytes_of, obstacles, output_kind};
use super::operation::{Beside, NewRow, Operation, Verb, WORDS};
use super::read;
use crate::model::partition_table::PartitionTable;
use crate::model::problem::{Column, any_error};
use crate::model::table_arrange::{self, Edge, Limits, Neighbours, NewPartition, Where};
use crate::model::table_check::check;
use crate::model::table_edit::{self, Edit, Edited};

/// What was typed.
#[derive(Debug, Args)]
#[command(after_help = WORDS)]
pub struct TableEdit {
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// A .csv or a .bin; may be IN itself
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// What to do, such as `vfs.size=2M` or `add:bin,data,undefined,1M`; see below
    #[arg(value_name = "OPERATION", required = true)]
    operations: Vec<Operation>,
    /// Partitions that are in the way give way, instead of blocking
    #[arg(long)]
    push: bool,
    /// Sizes of apps in steps of 4 KiB instead of 64 KiB
    #[arg(long)]
    fine: bool,
    #[command(flatten)]
    settings: TableSettings,
}

#[derive(Serialize)]
struct Answer {
    output: String,
    partitions: usize,
    /// The edits that were made, by the names that the window's *Undo* has for them.
    edits: Vec<String>,
}

/// Most fixes that one `fix` makes: some fixes give rise to others, and none may go round in circles.
const MOST_FIXES: usize = 200;

pub fn run(args: &TableEdit, report: &mut Report) -> Result<(), Failure> {
    let output = output_kind(&args.output)?;
    check_output(&args.output)?;
    let read = read(&args.input, &args.settings)?;
    report.problems(&read.notes());
    let limits = Limits {
        flash_size: args.settings.flash_size,
        neighbours: if args.push {
            Neighbours::Push
        } else {
            Neighbours::Block
        },
        fine: args.fine,
    };
    let mut table = read.table;
    let mut edits = Vec::new();
    for operation in &args.operations {
        for edit in carry_out(&table, operation, &limits)? {
            table = edit.table;
            edits.push(edit.name);
        }
    }
    let mut problems = check(&table, args.settings.flash_size, None);
    problems.extend(obstacles(&table, output));
    let place = args.input.display().to_string();
    if any_error(&problems) {
        let summary = format!("{place} was not edited, because it would have errors");
        return Err(report.refusal(&problems, &place, &summary));
    }
    report.problems(&problems);
    write_output(&args.output, &bytes_of(&table, output, &place)?)?;
    let output = args.output.display().to_string();
    let text = format!("{output}: {}\n", edits.join(", "));
    let answer = Answer {
        output,
        partitions: table.rows.len(),
        edits,
    };
    report.result(&answer, &text);
    Ok(())
}

/// The tables that an operation makes, one after the other; only `fix` makes more than one, or none.
fn carry_out(
    table: &PartitionTable,
    operation: &Operation,
    limits: &Limits,
) -> Result<Vec<Edit>, Failure> {
    let edited = match operation {
        Operation::Set { name, column, text } => {
            table_edit::set_cell(table, row(table, name)?, *column, text)
        }
        Operation::Row { name, verb } => on_row(table, row(table, name)?, *verb, limits),
        Operation::Add { beside, new } => {
            let place = match beside {
                Beside::FirstGap => Where::FirstGap,
                Beside::Before(name) => Where::Before(row(table, name)?),
                Beside::After(name) => Where::After(row(table, name)?),
            };
            add(table, place, new, limits)
        }
        Operation::Arrange => table_arrange::auto_arrange(table, limits),
        Operation::Sort => table_edit::sort_rows(table),
        Operation::Fix => return Ok(fixes(table, limits)),
    };
    edited.map(|edit| vec![edit]).map_err(|reason| {
        Failure::new(
            reason,
            "the table",
            "Nothing was written; change the operation, or allow more with --push or --fine",
        )
    })
}

fn row(table: &PartitionTable, name: &str) -> Result<usize, Failure> {
    table
        .rows
        .iter()
        .position(|row| row.name == name)
        .ok_or_else(|| no_partition(table, name, "the table"))
}

fn on_row(table: &PartitionTable, index: usize, verb: Verb, limits: &Limits) -> Edited {
    match verb {
        Verb::Move(offset) => table_arrange::move_to(table, index, offset, limits),
        Verb::Start(offset) => table_arrange::resize(table, index, Edge::Start, offset, limits),
        Verb::Resize(size) => {
            let start = table
                .layout()
                .get(index)
                .map_or(0, |placed| placed.region.offset);
            let end = start.saturating_add(size);
            table_arrange::resize(table, index, Edge::End, end, limits)
        }
        Verb::Grow => table_arrange::grow(table, index, limits),
        Verb::Shrink(bytes) => table_arrange::shrink(table, index, bytes, limits),
        Verb::Pin => table_edit::pin(table, index),
        Verb::Unpin => table_edit::unpin(table, index),
        Verb::Duplicate => table_arrange::duplicate(table, index, limits),
        Verb::Delete => table_edit::delete(table, index),
        Verb::Up => match index.checked_sub(1) {
            Some(to) => table_edit::move_row(table, index, to),
            None => Err("This is the first row already".to_owned()),
        },
        Verb::Down => table_edit::move_row(table, index, index + 1),
    }
}

/// Adds a row of the kind that was typed, and names it as the window would.
fn add(table: &PartitionTable, place: Where, typed: &NewRow, limits: &Limits) -> Edited {
    let usual = NewPartition::of_kind(table, &typed.kind, &typed.subtype)?;
    let new = NewPartition {
        size: typed.size,
        ..usual
    };
    let added = table_arrange::add(table, place, &new, limits)?;
    let Some(index) = added.row.filter(|_| !typed.name.is_empty()) else {
        return Ok(added);
    };
    let named = table_edit::set_cell(&added.table, index, Column::Name, &typed.name)?;
    Ok(Edit {
        name: format!("Add {}", typed.name),
        ..named
    })
}

/// Every fix that the checks offer, until none is left.
fn fixes(table: &PartitionTable, limits: &Limits) -> Vec<Edit> {
    let mut made: Vec<Edit> = Vec::new();
    while made.len() < MOST_FIXES {
        let table = made.last().map_or(table, |edit| &edit.table);
        let next = check(table, limits.flash_size, None)
            .iter()
            .filter_map(|problem| problem.fix.as_ref())
            .find_map(|fix| table_edit::apply_fix(table, fix, limits).ok());
        match next {
            Some(edit) => made.push(edit),
            None => break,
        }
    }
    made
}
