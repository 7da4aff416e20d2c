//! Between a project as it is spelled and a project as it is used: names to values and back, without a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::StoreError;
use super::near_path::spell;
use super::project_text::{ContentText, EntryText, ProjectText, VERSION};
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::project::{Content, FilesContent, PackEntry, Packed, Project, Source};

/// The table's settings of a project.
pub(super) fn settings_of(text: &ProjectText) -> TableSettings {
    TableSettings {
        table_offset: text.table_offset,
        primary_bootloader_offset: text.primary_bootloader_offset,
        recovery_bootloader_offset: text.recovery_bootloader_offset,
        ..TableSettings::default()
    }
}

/// A project from its text, its table, and a rule for what a path means.
pub(super) fn assemble(
    text: ProjectText,
    table: PartitionTable,
    source: &dyn Fn(&str) -> Source,
) -> Result<Project, String> {
    let mut contents = BTreeMap::new();
    for (partition, content) in text.contents {
        let content = match (content.raw, content.files) {
            (Some(raw), None) => Content::Raw(source(&raw)),
            (None, Some(files)) => {
                let plain = FilesContent::default();
                Content::Files(FilesContent {
                    format: content.format.unwrap_or(plain.format),
                    alignment: content.alignment.unwrap_or(plain.alignment),
                    compat: content.compat,
                    erase_removed: content.erase_removed,
                    entries: assemble_entries(files, source)
                        .map_err(|message| format!("in contents.{partition}, {message}"))?,
                })
            }
            _ => {
                return Err(format!(
                    "contents.{partition} needs either “raw” or “files”"
                ));
            }
        };
        contents.insert(partition, Arc::new(content));
    }
    Ok(Project {
        chip: text.chip,
        flash_size: text.flash_size,
        table: Arc::new(table),
        contents,
    })
}

fn assemble_entries(
    entries: Vec<EntryText>,
    source: &dyn Fn(&str) -> Source,
) -> Result<Vec<PackEntry>, String> {
    let one = |entry: EntryText| {
        let what = match (entry.path, entry.files) {
            (Some(path), None) => Packed::File(source(&path)),
            (None, Some(files)) => Packed::Folder(assemble_entries(files, source)?),
            _ => return Err(format!("“{}” needs either “path” or “files”", entry.name)),
        };
        Ok(PackEntry {
            name: entry.name,
            what,
        })
    };
    entries.into_iter().map(one).collect()
}

/// A project as it is spelled in `folder`; `table` is the path of its table.
pub(super) fn spell_project(
    project: &Project,
    table: String,
    folder: &Path,
) -> Result<ProjectText, StoreError> {
    let mut contents = BTreeMap::new();
    for (partition, content) in &project.contents {
        let text = match &**content {
            Content::Raw(source) => ContentText {
                raw: Some(spell_source(source, folder)?),
                ..ContentText::default()
            },
            Content::Files(files) => ContentText {
                raw: None,
                format: Some(files.format),
                alignment: Some(files.alignment),
                compat: files.compat,
                erase_removed: files.erase_removed,
                files: Some(spell_entries(&files.entries, folder)?),
            },
        };
        contents.insert(partition.clone(), text);
    }
    Ok(ProjectText {
        flashpack: VERSION,
        chip: project.chip,
        flash_size: project.flash_size,
        table,
        table_offset: project.table.settings.table_offset,
        primary_bootloader_offset: project.table.settings.primary_bootloader_offset,
        recovery_bootloader_offset: project.table.settings.recovery_bootloader_offset,
        contents,
    })
}

fn spell_entries(entries: &[PackEntry], folder: &Path) -> Result<Vec<EntryText>, StoreError> {
    let one = |entry: &PackEntry| {
        let (path, files) = match &entry.what {
            Packed::File(source) => (Some(spell_source(source, folder)?), None),
            Packed::Folder(inside) => (None, Some(spell_entries(inside, folder)?)),
        };
        Ok(EntryText {
            name: entry.name.clone(),
            path,
            files,
        })
    };
    entries.iter().map(one).collect()
}

fn spell_source(source: &Source, folder: &Path) -> Result<String, StoreError> {
    match source {
        Source::Path(path) => {
            spell(path, folder).ok_or_else(|| StoreError::NameNotText { path: path.clone() })
        }
        // Settled before; were one left, losing it silently would be worse than refusing.
        Source::Bytes(_) => Err(StoreError::Content {
            path: folder.to_path_buf(),
            message: "would not get contents that are in memory only".into(),
            help: "Save again".into(),
        }),
    }
}
