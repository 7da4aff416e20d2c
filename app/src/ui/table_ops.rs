//! The table's operations as the window calls them: on a whole project, with the name that *Undo* shows.
//!
//! What an operation does to a table is decided in `model::table_edit` and `model::table_arrange`; here it is bound to
//! the project, so that what goes into a partition follows it when it is renamed or removed.

use std::sync::Arc;

use super::selection::Selection;
use crate::model::partition_table::{self, DATA, PartitionTable, Row};
use crate::model::problem::{Column, Fix};
use crate::model::project::Project;
use crate::model::table_arrange::{self, Edge, Limits, Neighbours, NewPartition, Where};
use crate::model::table_edit::{self, Edit};
use crate::model::table_respell;

/// An edit that was made: its name, the project after it, and what is selected then.
#[derive(Clone, Debug)]
pub struct Edited {
    pub name: String,
    pub project: Project,
    pub selection: Selection,
}

/// A cell as it stands in the file, for editing.
pub fn cell_text(table: &PartitionTable, row: usize, column: Column) -> String {
    table_respell::shown_cell(table, row, column)
}

/// A cell's value for reading.
pub fn value_text(row: &Row, column: Column) -> String {
    match column {
        Column::Type => partition_table::type_name(row.kind).into_owned(),
        Column::SubType => partition_table::subtype_name(row.kind, row.subtype).into_owned(),
        Column::Flags => partition_table::flags_text(row.flags),
        _ => row.name.clone(),
    }
}

/// Names that are offered for a cell; numbers are accepted too.
pub fn choices(row: &Row, column: Column) -> Vec<&'static str> {
    match column {
        Column::Type => partition_table::types()
            .iter()
            .map(|(name, _)| *name)
            .collect(),
        Column::SubType => partition_table::subtypes(row.kind)
            .iter()
            .map(|(name, _)| *name)
            .collect(),
        Column::Flags => vec!["", "encrypted", "readonly", "encrypted:readonly"],
        _ => Vec::new(),
    }
}

/// Whether files are packed into this partition, rather than one image written as it is: raw data partitions and
/// partitions of the application's own types.
pub fn takes_files(row: &Row) -> bool {
    matches!((row.kind, row.subtype), (DATA, 0x06) | (0x40..=0xFE, _))
}

/// What an edit in the window may do. Neighbours stay where they are unless a key asks for more.
pub fn limits(project: &Project, neighbours: Neighbours, fine: bool) -> Limits {
    Limits {
        flash_size: Some(project.flash_size),
        neighbours,
        fine,
    }
}

pub(super) fn usual(project: &Project) -> Limits {
    limits(project, Neighbours::Block, false)
}

/// Binds a table's edit to the project: contents follow their partition by name.
pub(super) fn bound(project: &Project, edit: Edit) -> Edited {
    let mut edited = project.clone();
    let after = |name: &str| edit.table.rows.iter().any(|row| row.name == name);
    let gone: Vec<(usize, &str)> = project
        .table
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !after(&row.name))
        .map(|(index, row)| (index, row.name.as_str()))
        .collect();
    let renamed = edit.table.rows.len() == project.table.rows.len();
    for (index, name) in gone {
        if let Some(content) = edited.contents.remove(name)
            && renamed
            && let Some(row) = edit.table.rows.get(index)
        {
            edited.contents.entry(row.name.clone()).or_insert(content);
        }
    }
    edited.table = Arc::new(edit.table);
    let selection = edit.row.map_or(Selection::Nothing, Selection::Row);
    Edited {
        name: edit.name,
        project: edited,
        selection,
    }
}

/// Sets one cell to what was typed.
pub fn set_cell(
    project: &Project,
    row: usize,
    column: Column,
    text: &str,
) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_edit::set_cell(&project.table, row, column, text)?,
    ))
}

/// Moves a partition so that it starts at `offset`.
pub fn move_to(
    project: &Project,
    row: usize,
    offset: u32,
    limits: &Limits,
) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_arrange::move_to(&project.table, row, offset, limits)?,
    ))
}

/// Moves one edge of a partition to `to`.
pub fn resize(
    project: &Project,
    row: usize,
    edge: Edge,
    to: u32,
    limits: &Limits,
) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_arrange::resize(&project.table, row, edge, to, limits)?,
    ))
}

/// Adds a partition in the selected free space, else behind the selected row, else where there is room.
pub fn add(project: &Project, selection: Selection) -> Result<Edited, String> {
    let new = NewPartition::data(&project.table);
    let limits = usual(project);
    let wanted = match selection {
        Selection::Free(region) => Where::InGap(region),
        Selection::Row(row) => Where::After(row),
        _ => Where::FirstGap,
    };
    let edit = table_arrange::add(&project.table, wanted, &new, &limits)
        .or_else(|_| table_arrange::add(&project.table, Where::FirstGap, &new, &limits))?;
    Ok(bound(project, edit))
}

/// Adds a partition like the selected one.
pub fn duplicate(project: &Project, selection: Selection) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_arrange::duplicate(&project.table, selected(selection)?, &usual(project))?,
    ))
}

/// Removes the selected partition and what would go into it.
pub fn remove(project: &Project, selection: Selection) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_edit::delete(&project.table, selected(selection)?)?,
    ))
}

/// Exchanges the selected row with its neighbour.
pub fn reorder(project: &Project, selection: Selection, down: bool) -> Result<Edited, String> {
    let from = selected(selection)?;
    let to = if down {
        Some(from + 1)
    } else {
        from.checked_sub(1)
    };
    Ok(bound(
        project,
        table_edit::move_row(&project.table, from, to.ok_or("This is the first row")?)?,
    ))
}

/// Carries out a one-click fix.
pub fn apply_fix(project: &Project, fix: &Fix) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_edit::apply_fix(&project.table, fix, &usual(project))?,
    ))
}

pub(super) fn selected(selection: Selection) -> Result<usize, String> {
    selection
        .row()
        .ok_or_else(|| "Select a partition first".to_owned())
}

/// The step of a key press in the map, in bytes: what the type's offsets are aligned to.
pub fn step(row: &Row) -> u32 {
    row.offset_unit()
}

/// Whether a row may be dragged at all: the place of the primary bootloader and of the table is a setting.
pub fn is_movable(row: &Row) -> bool {
    !row.is_primary()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::project::{Content, FilesContent};
    use crate::store::project_file;

    fn project() -> (Project, usize) {
        let mut project = project_file::sample();
        project.contents.insert(
            "bin".into(),
            Arc::new(Content::Files(FilesContent::default())),
        );
        let row = project
            .table
            .rows
            .iter()
            .position(|row| row.name == "bin")
            .unwrap();
        (project, row)
    }

    #[test]
    fn contents_follow_a_renamed_partition() {
        let (project, row) = project();
        let edited = set_cell(&project, row, Column::Name, "assets").unwrap();
        assert!(edited.project.contents.contains_key("assets"));
        assert!(!edited.project.contents.contains_key("bin"));
        assert_eq!(edited.selection, Selection::Row(row));
    }

    #[test]
    fn contents_go_with_a_deleted_partition() {
        let (project, row) = project();
        let edited = remove(&project, Selection::Row(row)).unwrap();
        assert!(!edited.project.contents.contains_key("bin"));
        assert_eq!(
            edited.project.table.rows.len() + 1,
            project.table.rows.len()
        );
    }

    #[test]
    fn a_reordered_table_keeps_its_contents() {
        let (project, row) = project();
        let edited = reorder(&project, Selection::Row(row), false).unwrap();
        assert_eq!(edited.project.contents, project.contents);
        assert_eq!(edited.selection, Selection::Row(row - 1));
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        let (project, row) = project();
        assert!(remove(&project, Selection::Nothing).is_err());
        assert!(
            set_cell(&project, row, Column::Size, "much")
                .unwrap_err()
                .contains("much")
        );
    }
}
