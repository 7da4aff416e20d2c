//! `flashpack write`: plan, show, do, verify.

use serde::Serialize;

use super::args::{Common, Write};
use super::board::Board;
use super::board_table::board_table;
use super::confirm::confirm;
use super::failure::Failure;
use super::plan::{BoardFacts, make_plan};
use super::report::Report;
use super::resolve::{Target, target};
use super::sentence::lower_first;
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::formats::partition_bin;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::number::{hex, human_size};
use crate::model::problem::{Severity, any_error};
use crate::model::table_check;
use crate::model::table_diff::{Stranded, stranded};

/// What `--dry-run` answers.
#[derive(Serialize)]
struct Planned<'a> {
    dry_run: bool,
    bytes: u64,
    writes: Vec<PlannedLine<'a>>,
}

#[derive(Serialize)]
struct PlannedLine<'a> {
    role: Role,
    target: &'a str,
    source: &'a str,
    offset: u32,
    size: u32,
    destroys: &'a [String],
}

pub fn run(args: &Write, common: Common, report: &mut Report) -> Result<(), Failure> {
    let targets: Vec<Target> = args
        .targets
        .iter()
        .map(|text| target(text))
        .collect::<Result<_, _>>()?;
    let mut board = open(args)?;
    let facts = BoardFacts::ask(board.as_mut(), args.board.link.chip, report)?;
    let mut plan = make_plan(&targets, board.as_mut(), facts, report)?;
    check_table(&plan, facts, report)?;
    plan.full = args.full;
    plan.no_verify = args.no_verify;
    // Before anything else is said or done: it is the one loss that a plan does not show.
    for loss in stranded_by(&plan, board.as_mut(), facts, report) {
        report.note(&loss);
    }
    if args.dry_run {
        show(&plan, report);
        return Ok(());
    }
    let Some(mut board) = board else {
        return Err(Failure::usage(
            "A write needs a board",
            "--port",
            "Add --port, or --dry-run to see the plan",
        ));
    };
    let mut lines = vec![format!(
        "This writes {} to the board:",
        human_size(plan.total_bytes())
    )];
    lines.extend(plan.writes.iter().map(plan_line));
    confirm(&lines, "write", common, report)?;
    let Outcome::Written(summary) = board.ask(Request::Write(plan.into()), report)? else {
        return Err(board.unexpected());
    };
    let proven = if summary.verified {
        "Written and verified"
    } else {
        "Written, not verified"
    };
    let text = format!(
        "{proven}: {} in {:.1} s ({} unchanged)\n",
        human_size(summary.written),
        summary.millis as f64 / 1000.0,
        human_size(summary.unchanged)
    );
    report.result(&summary, &text);
    Ok(())
}

/// What a table in the plan takes away from what is on the board, as sentences; else why that is not known.
fn stranded_by(
    plan: &FlashPlan,
    board: Option<&mut Board>,
    facts: BoardFacts,
    report: &mut Report,
) -> Vec<String> {
    let Some(table) = plan.writes.iter().find(|write| write.role == Role::Table) else {
        return Vec::new();
    };
    let unknown = |why: &str| {
        vec![format!(
            "What this table strands on the board is not known: {why}"
        )]
    };
    let Some(board) = board else {
        return unknown("no board was asked");
    };
    match board_table(board, report) {
        Ok(old) => {
            let new = partition_bin::read(&table.bytes).table;
            let lost = stranded(&old, &new, facts.flash_size);
            lost.iter().map(Stranded::sentence).collect()
        }
        Err(failure) => unknown(&lower_first(&failure.message)),
    }
}

/// A dry run may do without a board.
fn open(args: &Write) -> Result<Option<Board>, Failure> {
    match &args.board.port {
        Some(port) => Board::open(port, args.board.link).map(Some),
        None if args.dry_run => Ok(None),
        None => Err(Failure::usage(
            "No board is named: --port is missing",
            "--port",
            "Add --port; flashpack ports lists them",
        )),
    }
}

/// A table that a board of this chip and flash could not use is not written, wherever it came from.
fn check_table(plan: &FlashPlan, facts: BoardFacts, report: &mut Report) -> Result<(), Failure> {
    for write in plan.writes.iter().filter(|write| write.role == Role::Table) {
        let mut table = partition_bin::read(&write.bytes).table;
        table.settings.table_offset = write.offset;
        let mut problems = table_check::check(&table, facts.flash_size, Some(facts.chip));
        problems.retain(|problem| problem.severity == Severity::Error);
        if any_error(&problems) {
            let summary = format!("{} is not written: it has errors", write.source);
            return Err(report.refusal(&problems, &write.source, &summary));
        }
    }
    Ok(())
}

fn show(plan: &FlashPlan, report: &mut Report) {
    let line = |write| -> PlannedLine<'_> {
        let write: &PlannedWrite = write;
        PlannedLine {
            role: write.role,
            target: &write.target,
            source: &write.source,
            offset: write.offset,
            size: write.region().size,
            destroys: &write.destroys,
        }
    };
    let answer = Planned {
        dry_run: true,
        bytes: plan.total_bytes(),
        writes: plan.writes.iter().map(line).collect(),
    };
    let mut lines: Vec<String> = plan
        .writes
        .iter()
        .map(|write| plan_line(write) + "\n")
        .collect();
    lines.push(format!(
        "{} in all; only what differs would be written\n",
        human_size(plan.total_bytes())
    ));
    report.result(&answer, &lines.concat());
}

/// `0x300000  bin: 37.5 KiB from pack.bin. Replaces …`
fn plan_line(write: &PlannedWrite) -> String {
    // What goes to an offset is called by it.
    let place = hex(write.offset);
    let target = if write.target == place {
        String::new()
    } else {
        format!("{}: ", write.target)
    };
    let size = human_size(write.bytes.len() as u64);
    let mut line = format!("{place:>10}  {target}{size} from {}", write.source);
    for loss in &write.destroys {
        line += ". ";
        line += loss;
    }
    line
}
