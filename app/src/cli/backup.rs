//! `flashpack backup`: all of a board's flash, or some of its partitions, into a file with a manifest beside it.

use std::time::SystemTime;

use serde::Serialize;

use super::args::Backup;
use super::board::Board;
use super::board_table::board_table;
use super::failure::Failure;
use super::pieces::read_into;
use super::report::Report;
use super::resolve::{check_output, partition};
use crate::engine::backup::all_regions;
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::formats::backup::manifest;
use crate::model::chip::BoardIdentity;
use crate::model::number::human_size;
use crate::model::partition_table::PartitionTable;
use crate::model::region::Region;
use crate::store::backup_file;

#[derive(Serialize)]
struct Answer {
    output: String,
    manifest: String,
    mac: Option<String>,
    bytes: u64,
    regions: usize,
}

pub fn run(args: &Backup, report: &mut Report) -> Result<(), Failure> {
    check_output(&args.output)?;
    let mut board = Board::open(args.board.which(), args.board.link)?;
    let Outcome::Detected(identity) = board.ask(Request::Detect, report)? else {
        return Err(board.unexpected());
    };
    let table = board_table(&mut board, report);
    let regions = if args.partitions.is_empty() {
        // A board without a table is backed up too: it may be the very reason for the backup.
        whole(&identity, table.as_ref().ok())?
    } else {
        let table = table.as_ref().map_err(Clone::clone)?;
        named(table, &args.partitions)?
    };
    let places: Vec<Region> = regions.iter().map(|(_, region)| *region).collect();
    backup_file::forget_manifest(&args.output)?;
    let bytes = read_into(&args.output, &places, &mut board, report)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let made = now.ok().map(|since| since.as_secs());
    let manifest = manifest(&identity, table.as_ref().ok(), &regions, &bytes, made)
        .map_err(|reason| not_whole(args, &reason))?;
    backup_file::finish(&args.output, &manifest)?;
    let answer = Answer {
        output: args.output.display().to_string(),
        manifest: backup_file::manifest_path(&args.output)
            .display()
            .to_string(),
        mac: identity.mac,
        bytes: bytes.len() as u64,
        regions: regions.len(),
    };
    let text = format!(
        "Backed up {} of {} into {}; its manifest is {}\n",
        human_size(answer.bytes),
        answer.mac.as_deref().unwrap_or("the board"),
        answer.output,
        answer.manifest
    );
    report.result(&answer, &text);
    Ok(())
}

fn whole(
    identity: &BoardIdentity,
    table: Option<&PartitionTable>,
) -> Result<Vec<(String, Region)>, Failure> {
    let flash = identity.flash().ok_or_else(|| {
        Failure::new(
            "The size of this board's flash is not known",
            "flash",
            "Back up single partitions with --partition",
        )
    })?;
    Ok(all_regions(flash, identity, table))
}

fn named(table: &PartitionTable, names: &[String]) -> Result<Vec<(String, Region)>, Failure> {
    let find = |name: &String| Ok((name.clone(), partition(table, name, "the board")?));
    names.iter().map(find).collect()
}

fn not_whole(args: &Backup, reason: &str) -> Failure {
    let place = args.output.display().to_string();
    Failure::new(
        format!("{place} is no whole backup: {reason}"),
        place,
        "Make it again",
    )
}
