//! What is read from the board into files: partitions, and backups with their manifest. Pieces go to the disk as they
//! come, so that a read that was cut goes on where it stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::job_ending::say;
use super::log::quoted;
use super::run_command::{sentence, submit_as};
use super::state::AppState;
use crate::engine::backup::all_regions;
use crate::engine::read::{PiecesWanted, pieces};
use crate::engine::request::Request;
use crate::formats::backup::manifest;
use crate::formats::partition_bin;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::PartitionTable;
use crate::model::problem::Severity;
use crate::model::region::Region;
use crate::store::partial_read::PartialRead;
use crate::store::{StoreError, backup_file};

/// A read into a file, as it was asked for.
#[derive(Clone, Debug)]
pub struct ReadWish {
    pub output: PathBuf,
    /// One behind the other in the file.
    pub regions: Vec<(String, Region)>,
    /// Whether a manifest belongs beside the file.
    pub backup: bool,
    /// Whether the regions are all of the flash.
    pub whole: bool,
}

impl ReadWish {
    /// The command that does the same, without its port.
    fn words(&self) -> String {
        let output = quoted(&self.output.to_string_lossy());
        if !self.backup {
            let place = |(_, region): &(String, Region)| {
                format!("{}:{}", hex(region.offset), hex(region.size))
            };
            let places: Vec<String> = self.regions.iter().map(place).collect();
            return format!("read {} {output}", places.join(" "));
        }
        let mut words = format!("backup {output}");
        for (name, _) in self.regions.iter().filter(|_| !self.whole) {
            words += " --partition ";
            words += &quoted(name);
        }
        words
    }
}

/// The same while it is being read.
#[derive(Debug)]
pub struct FileRead {
    pub wish: ReadWish,
    partial: PartialRead,
}

/// The board's partition table, as far as it has been read on this connection.
pub fn known_table(state: &AppState) -> Option<PartitionTable> {
    let settings = state.document.project().table.settings;
    let bytes = state.board.memory.table_at(settings.table_offset)?;
    let reading = partition_bin::read(bytes);
    let mut table = reading.table;
    table.settings = settings;
    (reading.refusal.is_none() && !table.rows.is_empty()).then_some(table)
}

/// What a backup of all of the board's flash takes; empty while no board is connected.
pub fn whole_board(state: &AppState) -> Vec<(String, Region)> {
    let Some(identity) = &state.board.identity else {
        return Vec::new();
    };
    let flash = identity.flash();
    flash.map_or_else(Vec::new, |flash| {
        all_regions(flash, identity, known_table(state).as_ref())
    })
}

/// Begins to read, or goes on with what an earlier read left.
pub fn begin(state: &mut AppState, wish: ReadWish) {
    match prepare(&wish) {
        Ok((partial, wanted)) => {
            let words = wish.words();
            submit_as(state, Request::ReadPieces(Arc::new(wanted)), &words);
            if state.board.running().is_some() {
                state.file_read = Some(FileRead { wish, partial });
            }
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

fn prepare(wish: &ReadWish) -> Result<(PartialRead, PiecesWanted), StoreError> {
    let regions: Vec<Region> = wish.regions.iter().map(|(_, region)| *region).collect();
    let partial = PartialRead::begin(&wish.output, &pieces(&regions))?;
    if wish.backup {
        backup_file::forget_manifest(&wish.output)?;
    }
    let in_hand = partial.left_over()?;
    Ok((partial, PiecesWanted { regions, in_hand }))
}

/// Takes in the pieces that have come since the last frame.
pub fn take_pieces(state: &mut AppState) {
    let pieces = state.board.take_pieces();
    let Some(read) = &mut state.file_read else {
        return;
    };
    for (piece, bytes) in pieces {
        if let Err(error) = read.partial.take(piece, bytes.as_deref()) {
            state.file_read = None;
            state.board.cancel();
            state.tell(Severity::Error, sentence(&error.to_string(), &error.help()));
            return;
        }
    }
}

/// All pieces are there: the file takes its name, and a backup gets its manifest.
pub fn finish(state: &mut AppState) {
    let Some(FileRead { wish, partial }) = state.file_read.take() else {
        return;
    };
    let place = wish.output.display().to_string();
    let done = partial
        .finish()
        .map_err(|error| sentence(&error.to_string(), &error.help()));
    let done = done.and_then(|bytes| {
        if wish.backup {
            keep_manifest(state, &wish, &bytes)?;
        }
        Ok(bytes.len() as u64)
    });
    match done {
        Ok(size) => {
            let size = human_size(size);
            let text = if wish.backup {
                format!("Backed up {size} into {place}, with its manifest beside it")
            } else {
                format!("Saved {place} ({size})")
            };
            say(state, Severity::Note, true, text, Vec::new());
        }
        Err(reason) => state.tell(Severity::Error, reason),
    }
}

fn keep_manifest(state: &AppState, wish: &ReadWish, bytes: &[u8]) -> Result<(), String> {
    let identity = state
        .board
        .identity
        .as_ref()
        .ok_or("The board is not connected any more: make the backup again")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let made = now.ok().map(|since| since.as_secs());
    let table = known_table(state);
    let manifest = manifest(identity, table.as_ref(), &wish.regions, bytes, made)?;
    backup_file::finish(&wish.output, &manifest)
        .map_err(|error| sentence(&error.to_string(), &error.help()))
}
