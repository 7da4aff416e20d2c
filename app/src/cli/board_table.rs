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

/// How often a board is asked for its table before the command gives up.
const TRIES: usize = 3;

/// What a board has where its table belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnBoard {
    Table(PartitionTable),
    /// Blank flash, or something else.
    Nothing,
    /// A table with errors: the rows that could be read, and the first error.
    Damaged(PartitionTable, String),
}

impl OnBoard {
    /// The table, if it is one that can be used.
    pub fn sound(self) -> Option<PartitionTable> {
        match self {
            Self::Table(table) => Some(table),
            Self::Nothing | Self::Damaged(..) => None,
        }
    }

    /// Why there is no table to use, as one sentence without a full stop; `None` if there is one.
    pub fn lack(&self, offset: u32) -> Option<String> {
        let place = hex(offset);
        match self {
            Self::Table(_) => None,
            Self::Nothing => Some(format!("The board has no partition table at {place}")),
            Self::Damaged(_, why) => Some(format!(
                "The partition table of the board at {place} cannot be used: {}",
                lower_first(why)
            )),
        }
    }
}

/// Reads what is where the board is said to have its table. A failure is one of the connection, not of the table: the
/// board was asked several times.
pub fn look(board: &mut Board, report: &mut Report) -> Result<OnBoard, Failure> {
    let region = Region::new(board.table_offset(), TABLE_BYTES as u32);
    let mut failed: Vec<Failure> = Vec::new();
    let bytes = loop {
        match board.ask(Request::Read(region), report) {
            Ok(Outcome::Read { bytes, .. }) => break bytes,
            Ok(_) => return Err(board.unexpected()),
            Err(failure) if failure.error.resumable && failed.len() + 1 < TRIES => {
                report.note(&format!(
                    "{}; asking again for the board's partition table",
                    failure.error.message
                ));
                failed.push(failure);
            }
            // What interrupted it says more than why it could not be taken up again.
            Err(failure) => return Err(failed.into_iter().next().unwrap_or(failure)),
        }
    };
    let mut reading = partition_bin::read(&bytes);
    reading.table.settings.table_offset = region.offset;
    if reading.refusal.is_some() {
        return Ok(OnBoard::Nothing);
    }
    let mut problems = reading.problems.into_iter();
    let wrong = problems.find(|problem| problem.severity == Severity::Error);
    Ok(match wrong {
        None => OnBoard::Table(reading.table),
        Some(problem) => OnBoard::Damaged(reading.table, problem.message),
    })
}

/// The table at the offset that the board is said to have it at.
pub fn board_table(board: &mut Board, report: &mut Report) -> Result<PartitionTable, Failure> {
    let offset = board.table_offset();
    let found = look(board, report)?;
    match found.lack(offset) {
        None => Ok(found.sound().unwrap_or_default()),
        Some(message) => {
            let help = "Write a table first, say with --table-offset where it is, or give an offset instead of a partition's name";
            Err(Failure::new(message, hex(offset), help).because(Cause::NoTable))
        }
    }
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
