//! `flashpack write`: plan, show, do, verify.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::args::{Common, Write};
use super::board::{Board, DEFAULT_BAUD, surroundings};
use super::board_table::{OnBoard, look};
use super::boot_choice;
use super::confirm::confirm;
use super::elf_targets;
use super::failure::Failure;
use super::keep_offsets;
use super::moved_data;
use super::plan::{BoardFacts, make_plan};
use super::report::Report;
use super::resolve::{Target, target};
use super::sentence::lower_first;
use super::several;
use crate::engine::event::{Outcome, WriteSummary};
use crate::engine::plan_view::{PlanLine, PlanView};
use crate::engine::request::Request;
use crate::formats::partition_bin;
use crate::model::cause::Cause;
use crate::model::chip::Chip;
use crate::model::cost::Link;
use crate::model::flash_plan::{FlashPlan, Role};
use crate::model::number::human_size;
use crate::model::planned_move::MovesUnknown;
use crate::model::problem::{Place, Problem, Severity, any_error};
use crate::model::table_check;
use crate::model::table_diff::{Stranded, stranded};
use crate::store::project_file;

/// What `--dry-run` answers.
#[derive(Serialize)]
struct Planned<'a> {
    dry_run: bool,
    #[serde(flatten)]
    view: &'a PlanView,
}

pub fn run(args: &Write, common: Common, report: &mut Report) -> Result<(), Failure> {
    let targets: Vec<Target> = args
        .targets
        .iter()
        .map(|text| target(text))
        .collect::<Result<_, _>>()?;
    if several::is_meant(args) {
        return to_several(args, &targets, common, report);
    }
    let mut board = open(args)?;
    let facts = BoardFacts::ask(board.as_mut(), &args.board.link, report)?;
    let mut plan = make_plan(&targets, &args.keep_offsets, board.as_mut(), &facts, report)?;
    if let Some(slot) = &args.boot {
        boot_choice::add(&mut plan, slot, board.as_mut(), report)?;
    }
    check_table(&plan, &facts, report)?;
    let identity = facts.identity.as_ref();
    let mac = identity.and_then(|identity| identity.mac.as_deref());
    let mut on_board = None;
    if let Some(board) = board.as_mut().filter(|_| brings_table(&plan)) {
        let found = look(board, report)?;
        moved_data::find(&mut plan, &found, board, mac, report)?;
        on_board = Some(found);
    }
    plan.carry = args.move_data;
    plan.full = args.full;
    plan.no_verify = args.no_verify;
    plan.forced.clone_from(&args.force);
    let link = match &board {
        Some(board) => board.carrier(),
        None => Link::Uart(args.board.link.baud.unwrap_or(DEFAULT_BAUD)),
    };
    let view = PlanView::of(&plan, identity, link);
    let view = match &board {
        Some(board) => view.backed_up(&plan, board.keep(), mac),
        None => view.backed_up(&plan, &**surroundings().keep(), None),
    };
    // Before anything else is said or done: it is the one loss that a plan does not show.
    for loss in stranded_by(&plan, on_board.as_ref(), &facts) {
        report.note(&loss);
    }
    if args.dry_run {
        show(&view, report);
        return Ok(());
    }
    refuse(&view, report)?;
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
    lines.extend(view.writes.iter().map(PlanLine::text));
    lines.push(view.modelled.sentence());
    confirm(&lines, "write", common, report)?;
    let Outcome::Written(summary) = board.ask(Request::Write(plan.clone().into()), report)? else {
        return Err(board.unexpected());
    };
    if summary.verified {
        keep_offsets::remember(&targets, &plan, report);
    }
    let files = args.targets.iter().map(PathBuf::from).collect();
    board.remember(files, elf_targets::file_of(&targets));
    finished(&summary, report);
    Ok(())
}

/// The same plan for every board: made without asking any of them, and refused by each that does not take it.
fn to_several(
    args: &Write,
    targets: &[Target],
    common: Common,
    report: &mut Report,
) -> Result<(), Failure> {
    if args.move_data {
        return Err(Failure::usage(
            "Data is carried on one board at a time",
            "--move-data",
            "Write to each board by itself, with one --port",
        ));
    }
    let mut link = args.board.link;
    link.chip = link.chip.or(project_chip(targets)?);
    let facts = BoardFacts::ask(None, &link, report)?;
    let mut plan = make_plan(targets, &args.keep_offsets, None, &facts, report)?;
    if let Some(slot) = &args.boot {
        boot_choice::add(&mut plan, slot, None, report)?;
    }
    check_table(&plan, &facts, report)?;
    plan.full = args.full;
    plan.no_verify = args.no_verify;
    plan.forced.clone_from(&args.force);
    // Boards that are swapped are not even there yet.
    plan.moves_unknown = brings_table(&plan).then_some(MovesUnknown::SeveralBoards);
    let view = PlanView::of(&plan, None, several::carrier(args));
    let view = view.backed_up(&plan, &**surroundings().keep(), None);
    if args.dry_run {
        show(&view, report);
        return Ok(());
    }
    refuse(&view, report)?;
    let plan = Arc::new(plan);
    several::run(args, &plan, &view, common, report)?;
    if !plan.no_verify {
        keep_offsets::remember(targets, &plan, report);
    }
    Ok(())
}

pub(super) fn show(view: &PlanView, report: &mut Report) {
    let answer = Planned {
        dry_run: true,
        view,
    };
    report.result(&answer, &view.text());
}

/// Says how a write ended.
pub fn finished(summary: &WriteSummary, report: &mut Report) {
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
    report.result(summary, &text);
}

/// The chip that a project among the targets is for.
fn project_chip(targets: &[Target]) -> Result<Option<Chip>, Failure> {
    let project = targets.iter().find_map(|target| match target {
        Target::Project(path) => Some(path),
        Target::File { .. } => None,
    });
    let loaded = project.map(|path| project_file::load(path)).transpose()?;
    Ok(loaded.map(|loaded| loaded.project.chip))
}

/// What a table in the plan takes away from what is on the board, as sentences; else why that is not known.
fn stranded_by(plan: &FlashPlan, on_board: Option<&OnBoard>, facts: &BoardFacts) -> Vec<String> {
    let Some(table) = plan.writes.iter().find(|write| write.role == Role::Table) else {
        return Vec::new();
    };
    let unknown = |why: &str| format!("What this table strands on the board is not known: {why}");
    let Some(on_board) = on_board else {
        return vec![unknown("no board was asked")];
    };
    // What is carried along is found again.
    let carried = |lost: &&Stranded| {
        let mut moves = plan.moves.iter();
        plan.carry && moves.any(|planned| planned.from.offset == lost.region.offset)
    };
    let lack = on_board.lack(plan.layout.settings.table_offset);
    let mut said: Vec<String> = lack
        .iter()
        .map(|lack| unknown(&lower_first(lack)))
        .collect();
    if let OnBoard::Table(old) | OnBoard::Damaged(old, _) = on_board {
        let new = partition_bin::read(&table.bytes).table;
        let flash_size = facts
            .identity
            .as_ref()
            .and_then(|identity| identity.flash_size);
        let lost = stranded(old, &new, flash_size);
        let lost = lost.iter().filter(|lost| !carried(lost));
        said.extend(lost.map(Stranded::sentence));
    }
    said
}

fn brings_table(plan: &FlashPlan) -> bool {
    plan.writes.iter().any(|write| write.role == Role::Table)
}

/// A dry run may do without a board.
fn open(args: &Write) -> Result<Option<Board>, Failure> {
    let which = args.board.which();
    if which.port.is_none() && which.mac.is_none() && args.dry_run {
        return Ok(None);
    }
    Board::open(which, args.board.link).map(Some)
}

/// Says everything that is refused, and that overridden guards are; fails if anything remains.
pub(super) fn refuse(view: &PlanView, report: &mut Report) -> Result<(), Failure> {
    let (forced, refused): (Vec<_>, Vec<_>) = view.guards.iter().partition(|line| line.forced);
    for line in forced {
        report.note(&format!("Overridden: {}", line.guard.message));
    }
    let problems: Vec<Problem> = refused
        .iter()
        .map(|line| {
            let name = line.guard.target.clone();
            Problem::error(
                Place::Partition { name },
                line.guard.message.clone(),
                line.guard.way_out(),
            )
        })
        .collect();
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let place = &first.guard.target;
    let mut failure = report.refusal(&problems, place, "Nothing was written: the plan is refused");
    failure.error.cause = refused.iter().find_map(|line| line.guard.cause);
    Err(failure)
}

/// A table that a board of this chip and flash could not use is not written, wherever it came from.
fn check_table(plan: &FlashPlan, facts: &BoardFacts, report: &mut Report) -> Result<(), Failure> {
    for write in plan.writes.iter().filter(|write| write.role == Role::Table) {
        let mut table = partition_bin::read(&write.bytes).table;
        table.settings.table_offset = write.offset;
        let mut problems = table_check::check(&table, None, Some(facts.chip));
        problems.retain(|problem| problem.severity == Severity::Error);
        if any_error(&problems) {
            let summary = format!("{} is not written: it has errors", write.source);
            return Err(report
                .refusal(&problems, &write.source, &summary)
                .because(Cause::BadTable));
        }
    }
    Ok(())
}
