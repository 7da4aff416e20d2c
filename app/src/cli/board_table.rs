//! The partition table that is on a board.

use super::board::Board;
use super::failure::Failure;
use super::report::Report;
use super::resolve::{Area, partition};
use super::sentence::lower_first;
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::formats::partition_bin::{self, TABLE_BYTES};
use crate::model::cause::Cause;
use crate::model::number::hex;
use crate::model::partition_table::PartitionTable;
use crate::model::problem::Severity;
use crate::model::region::Region;

/// Reads the table at the offset that the board is said to have it at.
pub fn board_table(board: &mut Board, report: &mut Report) -> Result<PartitionTable, Failure> {
    let region = Region::new(board.table_offset(), TABLE_BYTES as u32);
    let Outcome::Read { bytes, .. } = board.ask(Request::Read(region), report)? else {
        return Err(board.unexpected());
    };
    let mut reading = partition_bin::read(&bytes);
    reading.table.settings.table_offset = region.offset;
    let wrong = reading
        .problems
        .iter()
        .find(|problem| problem.severity == Severity::Error);
    let place = hex(region.offset);
    let message = match (&reading.refusal, wrong) {
        (None, None) => return Ok(reading.table),
        (Some(_), _) => format!("The board has no partition table at {place}"),
        (None, Some(problem)) => {
            format!(
                "The partition table of the board at {place} cannot be used: {}",
                lower_first(&problem.message)
            )
        }
    };
    let help = "Write a table first, say with --table-offset where it is, or give an offset instead of a partition's name";
    Err(Failure::new(message, place, help).because(Cause::NoTable))
}

/// Where an area of a board lies, and what it is called.
pub fn board_area(
    area: &Area,
    board: &mut Board,
    report: &mut Report,
) -> Result<(Region, String), Failure> {
    match area {
        Area::Region(region) => Ok((*region, "a region".to_owned())),
        Area::Partition(name) => {
            let table = board_table(board, report)?;
            Ok((partition(&table, name, "the board")?, name.clone()))
        }
        Area::All => {
            let Outcome::Detected(identity) = board.ask(Request::Detect, report)? else {
                return Err(board.unexpected());
            };
            let flash = identity.flash().ok_or_else(|| {
                Failure::new(
                    "The size of this board's flash is not known",
                    "flash",
                    "Give OFFSET:SIZE instead of “all”",
                )
            })?;
            Ok((flash, "all of the flash".to_owned()))
        }
    }
}
