//! Everything that is wrong with a partition table, or worth knowing about it, all at once.
//!
//! [`check`] is for people: ESP-IDF's rules (`table_check_esp_idf`) and what ESP-IDF forgets (`table_check_advice`),
//! each with its row, its column and, where there is one, a change that mends it. [`esp_idf_errors`] is for
//! conversions: it finds something exactly when `gen_esp32part.py` 1.5 refuses the table.

use super::chip::Chip;
use super::partition_table::{Extent, PartitionTable, Row};
use super::problem::{Column, Place, Problem, Severity};
use super::table_check_advice::advice;
use super::table_check_esp_idf::{esp_idf_problems, flash_size_errors};
use super::table_number::python_strip;

/// What kind of file ESP-IDF's tool is given: it checks the order of rows in a CSV only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Csv,
    Binary,
}

/// A table with its places computed once, as the rules take it.
pub(super) struct Checked<'a> {
    pub table: &'a PartitionTable,
    pub extents: Vec<Extent>,
    /// Rows by offset, ties in the order of the table; rows whose place cannot be read are left out.
    pub by_offset: Vec<(usize, &'a Row, Extent)>,
    pub flash_size: Option<u32>,
    pub chip: Option<Chip>,
}

impl<'a> Checked<'a> {
    fn new(table: &'a PartitionTable, flash_size: Option<u32>, chip: Option<Chip>) -> Self {
        let mut checked = Self {
            table,
            extents: table.extents(),
            by_offset: Vec::new(),
            flash_size,
            chip,
        };
        let mut by_offset = Vec::with_capacity(table.rows.len());
        by_offset.extend(checked.rows().filter(|(_, row, _)| place_is_known(row)));
        by_offset.sort_by_key(|(_, _, extent)| extent.offset);
        checked.by_offset = by_offset;
        checked
    }

    /// Every row with its number and its place.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &'a Row, Extent)> + Clone {
        let rows = self
            .table
            .rows
            .iter()
            .zip(self.extents.iter().copied())
            .enumerate();
        rows.map(|(index, (row, extent))| (index, &**row, extent))
    }
}

/// Whether the row's place follows from cells that could all be read.
pub(super) fn place_is_known(row: &Row) -> bool {
    [Column::Type, Column::Offset, Column::Size]
        .iter()
        .all(|column| row.unread(*column).is_none())
}

/// A place in a row.
pub(super) fn at(row: usize, column: Column) -> Place {
    Place::Row {
        row,
        column: Some(column),
    }
}

/// All problems of a table, most serious first, then in the order of rows. `flash_size` in bytes and `chip`, where
/// they are known, allow more to be checked.
pub fn check(table: &PartitionTable, flash_size: Option<u32>, chip: Option<Chip>) -> Vec<Problem> {
    let checked = Checked::new(table, flash_size, chip);
    let mut problems = esp_idf_problems(&checked, None);
    advice(&checked, &mut problems);
    problems.sort_by_key(|problem| {
        let row = match problem.place {
            Place::Row { row, .. } => row,
            _ => 0,
        };
        (std::cmp::Reverse(problem.severity), row)
    });
    problems
}

/// Why `gen_esp32part.py` 1.5 refuses this table; empty if it accepts it. `flash_size` as given to its `--flash-size`;
/// without it, as there, no size is checked.
pub fn esp_idf_errors(table: &PartitionTable, flash_size: Option<u32>, form: Form) -> Vec<Problem> {
    let checked = Checked::new(table, flash_size, None);
    let mut problems = esp_idf_problems(&checked, Some(form));
    problems.retain(|problem| problem.severity == Severity::Error);
    flash_size_errors(&checked, &mut problems);
    problems
}

/// What `--secure v1` adds: apps of Secure Boot version 1 end with their signature in the last bytes of a 64 KiB block.
pub fn secure_boot_v1_errors(table: &PartitionTable) -> Vec<Problem> {
    super::table_check_rows::secure_boot_v1_errors(&Checked::new(table, None, None))
}

/// Whether a CSV can hold this name.
///
/// # Errors
/// A sentence that says what is in the way.
pub fn name_for_csv(name: &str) -> Result<(), String> {
    let shown = name.escape_debug();
    if name.contains(',') {
        return Err(format!(
            "The name “{shown}” has a comma in it, which separates the cells of a CSV"
        ));
    }
    if name.contains(|character: char| {
        character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
    }) {
        return Err(format!(
            "The name “{shown}” has a line end or a control character in it"
        ));
    }
    if name.starts_with('#') {
        return Err(format!(
            "The name “{shown}” starts with #, which makes its line a comment"
        ));
    }
    if python_strip(name).len() != name.len() {
        return Err(format!(
            "The name “{shown}” starts or ends with a space, which a CSV does not keep"
        ));
    }
    if name.contains('$') {
        return Err(format!(
            "The name “{shown}” has a $ in it, which ESP-IDF takes for a variable"
        ));
    }
    Ok(())
}
