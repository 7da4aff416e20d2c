//! `flashpack agent map`: which page of flash is seen where, and which partitions lie in it.

use serde::Serialize;

use super::agent::ask;
use super::args;
use super::failure::Failure;
use super::report::Report;
use crate::engine::event::{BoardMap, BoardPartition, MmuEntry, Outcome};
use crate::engine::request::{Mapping, Question};
use crate::model::number::{hex, human_size};

#[derive(Serialize)]
struct Mapped<'a> {
    /// Bytes that an entry shows.
    page_size: u32,
    free: u16,
    own: u16,
    sliding: bool,
    entries: Vec<Entry<'a>>,
    partitions: &'a [BoardPartition],
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    entry: &'a MmuEntry,
    /// Partitions of the board's table that lie in the page.
    partitions: Vec<&'a str>,
}

pub fn run(as_is: bool, board: &args::Board, report: &mut Report) -> Result<(), Failure> {
    let mapping = if as_is { Mapping::AsItIs } else { Mapping::All };
    let (outcome, board) = ask(Question::Map(mapping), board, report)?;
    let Outcome::AgentMap(map) = outcome else {
        return Err(board.unexpected());
    };
    let answer = Mapped {
        page_size: map.mmu.page_size,
        free: map.mmu.free,
        own: map.mmu.own,
        sliding: map.mmu.sliding,
        entries: map
            .mmu
            .entries
            .iter()
            .map(|entry| Entry {
                entry,
                partitions: names(&map, entry),
            })
            .collect(),
        partitions: &map.partitions,
    };
    report.result(&answer, &text(&map));
    Ok(())
}

fn names<'a>(map: &'a BoardMap, entry: &MmuEntry) -> Vec<&'a str> {
    map.shown_by(entry)
        .map(|partition| partition.name.as_str())
        .collect()
}

fn text(map: &BoardMap) -> String {
    let mut lines = Vec::new();
    for entry in &map.mmu.entries {
        let Some(flash_offset) = entry.flash_offset else {
            continue;
        };
        lines.push(format!(
            "entry {:3}  data bus {}  instruction bus {}  flash {}  {}\n",
            entry.index,
            hex(entry.vaddr),
            hex(entry.vaddr_code),
            hex(flash_offset),
            names(map, entry).join(", "),
        ));
    }
    lines.push(format!(
        "{} of {} entries show a page of {}, {} are free\n",
        map.mmu.entries.len() - usize::from(map.mmu.free),
        map.mmu.entries.len(),
        human_size(map.mmu.page_size.into()),
        map.mmu.free,
    ));
    if map.mmu.sliding {
        lines.push(
            "The flash is larger than the table: pages slide, an address is right until the next question\n"
                .to_owned(),
        );
    }
    lines.concat()
}
