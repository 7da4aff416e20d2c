//! More operations of the table as the window calls them: beside a row, on one row, on all rows, and on the settings.
//!
//! What they do to a table is the model's; [`super::table_ops`] binds it to the project. A whole table that takes the
//! place of another one is bound here.

use std::sync::Arc;

use super::selection::Selection;
use super::table_ops::{Edited, bound, limits, selected, usual};
use crate::model::number::{hex, human_size, parse_bytes};
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::project::Project;
use crate::model::region::SECTOR;
use crate::model::table_arrange::{self, Neighbours, NewPartition, Where};
use crate::model::table_edit;
use crate::model::table_names::{FLAG_ENCRYPTED, FLAG_READONLY};

/// Adds a partition in front of the selected one or behind it; where there is no room, neighbours are pushed if
/// `neighbours` says so.
pub fn add_beside(
    project: &Project,
    selection: Selection,
    before: bool,
    neighbours: Neighbours,
) -> Result<Edited, String> {
    let row = selected(selection)?;
    let place = if before {
        Where::Before(row)
    } else {
        Where::After(row)
    };
    let new = NewPartition::data(&project.table);
    let limits = limits(project, neighbours, false);
    Ok(bound(
        project,
        table_arrange::add(&project.table, place, &new, &limits)?,
    ))
}

/// Puts all partitions close together.
pub fn arrange(project: &Project, _: Selection) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_arrange::auto_arrange(&project.table, &usual(project))?,
    ))
}

/// Puts the rows in the order of their offsets.
pub fn sort(project: &Project, _: Selection) -> Result<Edited, String> {
    Ok(bound(project, table_edit::sort_rows(&project.table)?))
}

/// Gives the selected partition the free space behind it.
pub fn grow(project: &Project, selection: Selection) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_arrange::grow(&project.table, selected(selection)?, &usual(project))?,
    ))
}

/// Makes the selected partition just large enough for `bytes`.
pub fn shrink(project: &Project, selection: Selection, bytes: u32) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_arrange::shrink(&project.table, selected(selection)?, bytes, &usual(project))?,
    ))
}

/// Writes the computed offset of the selected row into its cell.
pub fn pin(project: &Project, selection: Selection) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_edit::pin(&project.table, selected(selection)?)?,
    ))
}

/// Empties the offset of the selected row.
pub fn unpin(project: &Project, selection: Selection) -> Result<Edited, String> {
    Ok(bound(
        project,
        table_edit::unpin(&project.table, selected(selection)?)?,
    ))
}

/// A flag that ESP-IDF has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    Encrypted,
    Readonly,
}

/// Sets a flag of the selected row, or clears it.
pub fn toggle_flag(project: &Project, selection: Selection, flag: Flag) -> Result<Edited, String> {
    let index = selected(selection)?;
    let flags = project.table.rows.get(index).map_or(0, |row| row.flags);
    let is_set = |bit| flags & bit != 0;
    let encrypted = is_set(FLAG_ENCRYPTED) != (flag == Flag::Encrypted);
    let readonly = is_set(FLAG_READONLY) != (flag == Flag::Readonly);
    Ok(bound(
        project,
        table_edit::set_flags(&project.table, index, encrypted, readonly)?,
    ))
}

/// Puts a whole table in the place of the project's. Contents stay with the partition of their name; the names of
/// those that have none any more are returned.
pub fn with_table(project: &Project, table: PartitionTable) -> (Project, Vec<String>) {
    let mut edited = project.clone();
    let has = |name: &String| table.rows.iter().any(|row| row.name == *name);
    let homeless: Vec<String> = project
        .contents
        .keys()
        .filter(|name| !has(name))
        .cloned()
        .collect();
    for name in &homeless {
        edited.contents.remove(name);
    }
    edited.table = Arc::new(table);
    (edited, homeless)
}

/// Moves the table itself to what was typed. The name of the edit, and the project after it.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn set_table_offset(project: &Project, text: &str) -> Result<(String, Project), String> {
    let offset = sector(text, "The table")?;
    let settings = TableSettings {
        table_offset: offset,
        ..project.table.settings
    };
    if settings.table_region().end() > u64::from(project.flash_size) {
        return Err(format!(
            "The table cannot be at {}: the flash has {}",
            hex(offset),
            human_size(u64::from(project.flash_size))
        ));
    }
    let name = format!("set table offset to {}", hex(offset));
    Ok((name, with_settings(project, settings)))
}

/// Says where the primary bootloader starts; nothing typed: where the chip's boot ROM looks for it.
///
/// # Errors
/// A sentence that says what is wrong with the text.
pub fn set_bootloader_offset(project: &Project, text: &str) -> Result<(String, Project), String> {
    let offset = if text.trim().is_empty() {
        None
    } else {
        Some(sector(text, "The bootloader")?)
    };
    let name = offset.map_or_else(
        || "set bootloader offset to the chip's own".to_owned(),
        |offset| format!("set bootloader offset to {}", hex(offset)),
    );
    let settings = TableSettings {
        primary_bootloader_offset: offset,
        ..project.table.settings
    };
    Ok((name, with_settings(project, settings)))
}

fn sector(text: &str, what: &str) -> Result<u32, String> {
    let offset = parse_bytes(text)?;
    if offset.is_multiple_of(SECTOR) {
        Ok(offset)
    } else {
        Err(format!(
            "{what} cannot start at {}: that is no multiple of 0x1000, a sector of flash",
            hex(offset)
        ))
    }
}

fn with_settings(project: &Project, settings: TableSettings) -> Project {
    let mut edited = project.clone();
    Arc::make_mut(&mut edited.table).settings = settings;
    edited
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::project_file;

    #[test]
    fn flags_are_set_and_cleared_one_by_one() {
        let project = project_file::sample();
        let row = Selection::Row(0);
        let once = toggle_flag(&project, row, Flag::Encrypted).unwrap().project;
        let twice = toggle_flag(&once, row, Flag::Readonly).unwrap().project;
        assert_eq!(
            twice.table.rows[0].flags & (FLAG_ENCRYPTED | FLAG_READONLY),
            FLAG_ENCRYPTED | FLAG_READONLY
        );
        let back = toggle_flag(&twice, row, Flag::Encrypted).unwrap().project;
        assert_eq!(back.table.rows[0].flags & FLAG_ENCRYPTED, 0);
        assert_ne!(back.table.rows[0].flags & FLAG_READONLY, 0);
    }

    #[test]
    fn the_table_is_put_on_a_sector_or_nowhere() {
        let project = project_file::sample();
        let (name, moved) = set_table_offset(&project, "0x9000").unwrap();
        assert_eq!(name, "set table offset to 0x9000");
        assert_eq!(moved.table.settings.table_offset, 0x9000);
        assert!(
            set_table_offset(&project, "0x8100")
                .unwrap_err()
                .contains("0x8100")
        );
        assert!(set_table_offset(&project, "1G").is_err_and(|reason| !reason.is_empty()));
        let (_, with) = set_bootloader_offset(&project, "0x1000").unwrap();
        assert_eq!(with.table.settings.primary_bootloader_offset, Some(0x1000));
        let (_, without) = set_bootloader_offset(&with, " ").unwrap();
        assert_eq!(without.table.settings.primary_bootloader_offset, None);
    }

    #[test]
    fn contents_without_a_partition_are_named() {
        let mut project = project_file::sample();
        let content = Arc::new(crate::model::project::Content::Files(
            crate::model::project::FilesContent::default(),
        ));
        project.contents.insert("bin".into(), content);
        let (edited, homeless) = with_table(&project, PartitionTable::default());
        assert!(homeless.contains(&"bin".to_owned()));
        assert!(edited.contents.is_empty());
        let same = (*project.table).clone();
        assert_eq!(with_table(&project, same).1, Vec::<String>::new());
    }
}
