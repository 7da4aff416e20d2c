//! `flashpack agent …`: ask the agent, which runs from the chip's RAM; it is loaded if it is not there.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::args::{self, AgentCommand, InPartition};
use super::board::Board;
use super::failure::Failure;
use super::hex_lines::hex_lines;
use super::report::Report;
use super::resolve::{check_output, region, region_or_offset, write_output};
use crate::engine::event::Outcome;
use crate::engine::request::{Question, Request};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// Bytes that `peek` shows when nobody says how many.
const PEEK: u32 = 64;
/// Bit 8 of an entry of the ESP32-C3's MMU table says that it maps nothing (ESP-IDF, `ext_mem_defs.h`).
const INVALID: u32 = 1 << 8;
/// Bytes that an entry maps, and where the first one is seen on the data bus.
const PAGE: u32 = 0x1_0000;
const DATA_BUS: u32 = 0x3C00_0000;

pub fn run(command: &AgentCommand, report: &mut Report) -> Result<(), Failure> {
    match command {
        AgentCommand::Info(args) => info(&args.board, report),
        AgentCommand::Map(args) => map(&args.board, report),
        AgentCommand::Ls { name, place } => list(name, place, report),
        AgentCommand::Find { name, place } => find(name, place, report),
        AgentCommand::Verify { name, place } => verify(name, place, report),
        AgentCommand::Read {
            what,
            output,
            place,
        } => match region(what) {
            Some(region) => read_region(region?, output, &place.board, report),
            None => read_file(what, output, place, report),
        },
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
struct Mapped<'a> {
    /// The table as the chip stores it.
    entries: &'a [u32],
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

fn ask(
    question: Question,
    board: &args::Board,
    report: &mut Report,
) -> Result<(Outcome, Board), Failure> {
    let mut board = Board::open(&board.port, board.link)?;
    let outcome = board.ask(Request::Agent(question), report)?;
    Ok((outcome, board))
}

fn info(board: &args::Board, report: &mut Report) -> Result<(), Failure> {
    let (outcome, board) = ask(Question::Info, board, report)?;
    let Outcome::AgentInfo(info) = outcome else {
        return Err(board.unexpected());
    };
    let text = format!(
        "Agent            {}, protocol {}\n\
         Flash            {}\n\
         Partition table  at {}\n\
         MMU              {} of {} entries free, pages of {}\n",
        info.project,
        info.protocol,
        human_size(info.flash_size.into()),
        hex(info.table_offset),
        info.mmu_free,
        info.mmu_entries,
        human_size(info.page_size.into()),
    );
    report.result(&info, &text);
    Ok(())
}

fn map(board: &args::Board, report: &mut Report) -> Result<(), Failure> {
    let (outcome, board) = ask(Question::Map, board, report)?;
    let Outcome::AgentMap(entries) = outcome else {
        return Err(board.unexpected());
    };
    let mut lines = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if entry & INVALID == 0 {
            let vaddr = u64::from(DATA_BUS) + index as u64 * u64::from(PAGE);
            let flash = u64::from(entry & 0xFF) * u64::from(PAGE);
            lines.push(format!(
                "entry {index:3}  {}  flash {}\n",
                hex(vaddr),
                hex(flash)
            ));
        }
    }
    let free = entries
        .iter()
        .filter(|entry| **entry & INVALID != 0)
        .count();
    lines.push(format!("{free} of {} entries free\n", entries.len()));
    report.result(&Mapped { entries: &entries }, &lines.concat());
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
    if let Some(crc32) = found.crc32 {
        lines.push(format!("  CRC-32 {crc32:08x}\n"));
    }
    if let Some(cycles) = found.cycles {
        lines.push(format!("  found in {cycles} CPU cycles\n"));
    }
    report.result(&found, &lines.concat());
    Ok(())
}

fn verify(name: &str, place: &InPartition, report: &mut Report) -> Result<(), Failure> {
    let question = Question::Verify {
        partition: place.partition.clone(),
        path: name.to_owned(),
    };
    let (outcome, board) = ask(question, &place.board, report)?;
    let Outcome::AgentVerified(verdict) = outcome else {
        return Err(board.unexpected());
    };
    for fault in &verdict.faults {
        report.note(fault);
    }
    if !verdict.faults.is_empty() {
        let count = verdict.faults.len();
        return Err(Failure::new(
            format!(
                "{} has {count} {} on the board",
                place.partition,
                plural(count, "fault")
            ),
            place.partition.clone(),
            "Write it again",
        ));
    }
    let proven = match verdict.unchecked {
        0 => "all proven by their check records".to_owned(),
        unchecked => format!(
            "{unchecked} of them without a check record: nothing can be said of their bytes"
        ),
    };
    let text = format!(
        "{}: {} files and folders, {proven}\n",
        place.partition, verdict.files
    );
    report.result(&verdict, &text);
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
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
