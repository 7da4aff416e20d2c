//! One partition table against another, as sentences for a person: what moves, grows, comes and goes, and which data
//! nothing would find any more. What a change is, is decided in `model::table_diff`.

use crate::model::number::hex;
use crate::model::partition_table::PartitionTable;
use crate::model::planned_move::PlannedMove;
use crate::model::project::Project;
use crate::model::table_diff::{Change, Stranded, diff, stranded};

/// An old table against a new one, as sentences without full stops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Why there is nothing to compare with, or what is odd about the other table.
    pub notes: Vec<String>,
    pub changes: Vec<String>,
    /// Data that nothing would find any more.
    pub stranded: Vec<String>,
}

impl Comparison {
    /// What `new` changes on a board that holds `old`. `flash_size` in bytes.
    pub fn new(old: &PartitionTable, new: &PartitionTable, flash_size: u32) -> Self {
        Self {
            notes: Vec::new(),
            changes: diff(old, new).iter().map(Change::sentence).collect(),
            stranded: stranded(old, new, Some(flash_size))
                .iter()
                .map(Stranded::sentence)
                .collect(),
        }
    }

    /// The same without the data that is carried to where it will be found.
    #[must_use]
    pub fn without(mut self, carried: &[PlannedMove]) -> Self {
        let is_carried = |line: &String| {
            carried.iter().any(|planned| {
                let place = format!(" at {},", hex(planned.from.offset));
                planned.lost() == 0 && line.contains(&place)
            })
        };
        self.stranded.retain(|line| !is_carried(line));
        self
    }

    /// When there is no table to compare with, or an odd one.
    #[must_use]
    pub fn with_notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }
}

/// The project's table and another one, looked at from either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// What the other table is of: a file's name, or the board.
    pub other: String,
    /// What it means to write the project's table in the place of the other one.
    pub to_project: Comparison,
    /// The other way round; a board takes no table from a dialog.
    pub to_other: Option<Comparison>,
    /// Whether `to_other` is shown.
    pub turned: bool,
}

impl Sides {
    /// The project against the table of a file.
    pub fn new(other: String, table: &PartitionTable, project: &Project, notes: &[String]) -> Self {
        let (own, size) = (&project.table, project.flash_size);
        let compared = |old, new| Comparison::new(old, new, size).with_notes(notes.to_vec());
        Self {
            other,
            to_project: compared(table, own),
            to_other: Some(compared(own, table)),
            turned: false,
        }
    }

    /// The project against the table of the board.
    pub fn board(comparison: Comparison) -> Self {
        Self {
            other: "the board".to_owned(),
            to_project: comparison,
            to_other: None,
            turned: false,
        }
    }

    /// The side that is shown.
    pub fn shown(&self) -> &Comparison {
        match &self.to_other {
            Some(to_other) if self.turned => to_other,
            _ => &self.to_project,
        }
    }
}
