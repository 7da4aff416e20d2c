//! `flashpack agent …`: ask the agent, which runs from the chip's RAM; it is loaded if it is not there.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::args::{self, Common};
use super::args_agent::{AgentCommand, InPartition};
use super::board::Board;
use super::failure::Failure;
use super::hex_lines::hex_lines;
use super::report::Report;
use super::resolve::{check_output, region, region_or_offset, write_output};
use super::{agent_bench, agent_in_flash, agent_map, agent_proof};
use crate::engine::event::Outcome;
use crate::engine::request::{Question, Request};
use crate::model::cause::Cause;
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// Bytes that `peek` shows when nobody says how many.
const PEEK: u32 = 64;

pub fn run(command: &AgentCommand, common: Common, report: &mut Report) -> Result<(), Failure> {
    match command {
        AgentCommand::Info(args) => info(&args.board, report),
        AgentCommand::Map { as_is, board } => agent_map::run(*as_is, board, report),
        AgentCommand::Ls { name, place } => list(name, place, report),
        AgentCommand::Find { name, place } => find(name, place, report),
        AgentCommand::Verify {
            name: _,
            image: Some(image),
            place,
        } => agent_proof::compare(image, place, report),
        AgentCommand::Verify {
            name,
            image: None,
            place,
        } => agent_proof::verify(name, place, report),
        AgentCommand::Bench { name, count, place } => agent_bench::run(name, *count, place, report),
        AgentCommand::Read {
            what,
            output,
            place,
        } => match region(what) {
            Some(region) => read_region(region?, output, &place.board, report),
            None => read_file(what, output, place, report),
        },
        AgentCommand::Install {
            slot,
            dry_run,
            board,
        } => agent_in_flash::install(slot.as_deref(), *dry_run, board, common, report),
        AgentCommand::Restore { dry_run, board } => {
            agent_in_flash::restore(*dry_run, board, common, report)
        }
        AgentCommand::Peek { what, board } => {
            let region = region_or_offset(what, PEEK)?;
            let bytes = ask_region(region, board, report)?;
            let answer = Peeked {
                offset: region.offset,
                bytes: &bytes,
            };
            report.result(&answer, &hex_lines(region.offset, &bytes));
            Ok(())
        }
    }
}

#[derive(Serialize)]
struct Peeked<'a> {
    offset: u32,
    bytes: &'a [u8],
}

#[derive(Serialize)]
struct Listed<'a, T> {
    partition: &'a str,
    entries: &'a [T],
}

#[derive(Serialize)]
struct ReadAnswer<'a, T> {
    #[serde(flatten)]
    found: &'a T,
    output: String,
}

#[derive(Serialize)]
struct RegionAnswer {
    offset: u32,
    size: u32,
    output: String,
}

pub(super) fn ask(
    question: Question,
    board: &args::Board,
    report: &mut Report,
) -> Result<(Outcome, Board), Failure> {
    let mut board = Board::open(board.which(), board.link)?;
    let outcome = board.ask(Request::Agent(question), report)?;
    Ok((outcome, board))
}

fn info(board: &args::Board, report: &mut Report) -> Result<(), Failure> {
    let (outcome, board) = ask(Question::Info, board, report)?;
    let Outcome::AgentInfo(info) = outcome else {
        return Err(board.unexpected());
    };
    let text = format!(
        "Agent            {} {}, protocol {}, {}\n\
         Flash            {}\n\
         Partition table  at {}\n\
         MMU              {} of {} entries free, pages of {}{}\n",
        info.project,
        info.version,
        info.protocol,
        if info.in_flash {
            "an app in flash"
        } else {
            "loaded into RAM"
        },
        human_size(info.flash_size.into()),
        hex(info.table_offset),
        info.mmu_free,
        info.mmu_entries,
        human_size(info.page_size.into()),
        if info.sliding {
            "; the flash is larger, so what they show slides"
        } else {
            ""
        },
    );
    report.result(&info, &text);
    Ok(())
}

fn list(name: &str, place: &InPartition, report: &mut Report) -> Result<(), Failure> {
    let question = Question::List {
        partition: place.partition.clone(),
        path: name.to_owned(),
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::Listed(entries) = outcome else {
        return Err(board.unexpected());
    };
    let mut lines = Vec::new();
    for entry in &entries {
        let slash = if entry.folder { "/" } else { "" };
        lines.push(format!(
            "{:>10}  {:>10}  {}{slash}\n",
            hex(entry.offset),
            entry.size,
            entry.name
        ));
    }
    report.result(
        &Listed {
            partition: &place.partition,
            entries: &entries,
        },
        &lines.concat(),
    );
    Ok(())
}

fn find(name: &str, place: &InPartition, report: &mut Report) -> Result<(), Failure> {
    let question = Question::Find {
        partition: place.partition.clone(),
        path: name.to_owned(),
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::Found(found) = outcome else {
        return Err(board.unexpected());
    };
    let found = found.ok_or_else(|| not_found(name, &place.partition))?;
    let known = |value: Option<u32>| value.map_or_else(|| "unknown".to_owned(), hex);
    let mut lines = vec![format!(
        "{name}: {} at {} of {}\n  flash {}, data bus {}, instruction bus {}\n",
        human_size(found.size.into()),
        hex(found.offset),
        place.partition,
        known(found.flash_offset),
        known(found.vaddr),
        known(found.vaddr_code),
    )];
    if found.sliding {
        lines.push(
            "  the flash is larger than the MMU's table: the addresses are right until the next question\n"
                .to_owned(),
        );
    }
    if found.parted {
        lines.push(
            "  it is not mapped in one piece: the addresses are those of its first page\n"
                .to_owned(),
        );
    }
    if let Some(crc32) = found.crc32 {
        lines.push(format!("  CRC-32 {crc32:08X}\n"));
    }
    if let Some(cycles) = found.cycles {
        lines.push(format!("  found in {cycles} CPU cycles\n"));
    }
    report.result(&found, &lines.concat());
    Ok(())
}

fn read_file(
    name: &str,
    output: &Path,
    place: &InPartition,
    report: &mut Report,
) -> Result<(), Failure> {
    check_output(output)?;
    let question = Question::ReadFile {
        partition: place.partition.clone(),
        path: name.to_owned(),
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::FileRead(found) = outcome else {
        return Err(board.unexpected());
    };
    let (found, bytes) = found.ok_or_else(|| not_found(name, &place.partition))?;
    write_output(output, &bytes)?;
    let output = output.display().to_string();
    let text = format!(
        "Read {name}: {} into {output}\n",
        human_size(bytes.len() as u64)
    );
    report.result(
        &ReadAnswer {
            found: &found,
            output,
        },
        &text,
    );
    Ok(())
}

fn read_region(
    region: Region,
    output: &Path,
    board: &args::Board,
    report: &mut Report,
) -> Result<(), Failure> {
    check_output(output)?;
    let bytes = ask_region(region, board, report)?;
    write_output(output, &bytes)?;
    let output = output.display().to_string();
    let text = format!(
        "Read {} from {} into {output}\n",
        human_size(region.size.into()),
        hex(region.offset)
    );
    report.result(
        &RegionAnswer {
            offset: region.offset,
            size: region.size,
            output,
        },
        &text,
    );
    Ok(())
}

fn ask_region(
    region: Region,
    board: &args::Board,
    report: &mut Report,
) -> Result<Arc<[u8]>, Failure> {
    let (outcome, board) = ask(Question::ReadRegion(region), board, report)?;
    match outcome {
        Outcome::Read { bytes, .. } => Ok(bytes),
        _ => Err(board.unexpected()),
    }
}

fn not_found(name: &str, partition: &str) -> Failure {
    Failure::new(
        format!("There is no “{name}” in {partition} on the board"),
        name,
        "flashpack agent ls lists what is there; look-up is case-sensitive, and “/” leads into a folder",
    )
    .because(Cause::NotOnBoard)
}

pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
