//! Partition tables as files: a CSV in either dialect, a binary table, or a firmware image that holds one. Which of
//! them a file is, is decided by its content alone.

use std::path::Path;

use super::StoreError;
use super::read_whole::{IMAGE_LIMIT, read_whole};
use crate::formats::{partition_bin, partition_csv};
use crate::model::chip::Chip;
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::problem::{Place, Problem, Severity};
use crate::model::table_check;
use crate::model::table_spelling::Dialect;

/// What a table was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableSource {
    Csv(Dialect),
    Binary,
    /// Inside an image, so many bytes from its start.
    Inside(u32),
}

/// A table that was read, and what its reader found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    pub table: PartitionTable,
    pub source: TableSource,
    /// Everything that was noticed while reading; what is wrong with the table itself is found by [`Self::check`].
    pub reading: Vec<Problem>,
    csv: Option<partition_csv::Reading>,
}

impl TableRead {
    /// All problems of the file, each once: of reading it, and of the table.
    pub fn check(&self, flash_size: Option<u32>, chip: Option<Chip>) -> Vec<Problem> {
        if let Some(csv) = &self.csv {
            return partition_csv::all_problems(csv, flash_size, chip);
        }
        let mut problems = self.reading.clone();
        problems.extend(table_check::check(&self.table, flash_size, chip));
        problems
    }

    /// What an editor cannot find by looking at the table again: notes on the file, and damage of a binary table.
    pub fn notes(&self) -> Vec<Problem> {
        let lasting = |problem: &&Problem| self.csv.is_none() || problem.severity == Severity::Note;
        self.reading.iter().filter(lasting).cloned().collect()
    }
}

/// Reads a table from a file of any of the known kinds.
pub fn read(path: &Path, settings: TableSettings) -> Result<TableRead, StoreError> {
    read_as(path, settings, None)
}

/// The same, with the column order of a CSV if it is known.
pub fn read_as(
    path: &Path,
    settings: TableSettings,
    dialect: Option<Dialect>,
) -> Result<TableRead, StoreError> {
    let bytes = read_whole(path, IMAGE_LIMIT)?;
    from_bytes(&bytes, settings, dialect).map_err(|refusal| StoreError::Refused {
        path: path.to_path_buf(),
        message: refusal.message,
        help: refusal.help,
    })
}

/// Reads a table from bytes; what cannot be one is refused with the reason.
pub fn from_bytes(
    bytes: &[u8],
    settings: TableSettings,
    dialect: Option<Dialect>,
) -> Result<TableRead, Box<Problem>> {
    if dialect.is_none() && partition_bin::looks_like_table(bytes) {
        let mut reading = partition_bin::read(bytes);
        reading.table.settings = settings;
        return Ok(of_binary(reading, TableSource::Binary));
    }
    let reading = partition_csv::read_as(bytes, settings, &variable, dialect);
    match &reading.refusal {
        None => Ok(TableRead {
            table: reading.table.clone(),
            source: TableSource::Csv(reading.dialect),
            reading: reading.problems.clone(),
            csv: Some(reading),
        }),
        Some(refusal) => match partition_bin::find_in_image(bytes).filter(|_| dialect.is_none()) {
            Some((place, found)) => {
                let note = partition_bin::found_at(place, &found);
                let mut read = of_binary(found, TableSource::Inside(place));
                read.table.settings.extra = settings.extra;
                read.table.settings.primary_bootloader_offset = settings.primary_bootloader_offset;
                read.table.settings.recovery_bootloader_offset =
                    settings.recovery_bootloader_offset;
                read.reading.insert(
                    0,
                    Problem::new(Severity::Note, Place::Table, sentence(&note), ""),
                );
                Ok(read)
            }
            None => Err(Box::new(refusal.clone())),
        },
    }
}

fn of_binary(reading: partition_bin::Reading, source: TableSource) -> TableRead {
    TableRead {
        table: reading.table,
        source,
        reading: reading.problems,
        csv: None,
    }
}

/// The environment, for the variables that ESP-IDF allows in a CSV.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// The table as a CSV file; rows that were not edited come out as they were read.
pub fn csv_bytes(table: &PartitionTable) -> Vec<u8> {
    partition_csv::write(table)
}
