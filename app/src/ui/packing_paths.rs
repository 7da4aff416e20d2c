//! What becomes of files and folders that were dropped, pasted or chosen: entries of the selected partition.

use std::path::PathBuf;

use super::content_edit;
use super::table_ops;
use super::text;
use crate::engine::pack;
use crate::model::partition_table::APP;
use crate::model::problem::Problem;
use crate::model::project::Project;

/// A project with files added.
#[derive(Clone, Debug)]
pub struct Added {
    pub project: Project,
    /// What was added: `3 files`, `logo.png`.
    pub what: String,
    pub problems: Vec<Problem>,
}

/// What would happen to paths dropped on a partition: `Pack 3 files into bin`; or why it cannot.
pub fn would_do(project: &Project, partition: &str, number: usize) -> Result<String, String> {
    let Some(row) = project.table.rows.iter().find(|row| row.name == partition) else {
        return Err("Select a partition first, then drop".to_owned());
    };
    if row.kind == APP {
        return match number {
            1 => Ok(format!("Use as app image for {partition}")),
            _ => Err(format!(
                "{partition} takes one app image, not {number} files"
            )),
        };
    }
    if table_ops::takes_files(row) {
        return Ok(format!(
            "Pack {} into {partition}",
            text::count(number, "file", "files")
        ));
    }
    match number {
        1 => Ok(format!("Write the file as it is into {partition}")),
        _ => Err(format!(
            "{partition} takes one image, not {number} files; select a partition such as bin"
        )),
    }
}

/// The project with these paths added to a partition.
pub fn added(project: &Project, partition: &str, paths: &[PathBuf]) -> Result<Added, String> {
    would_do(project, partition, paths.len())?;
    let row = project.table.rows.iter().find(|row| row.name == partition);
    if !row.is_some_and(|row| table_ops::takes_files(row)) {
        let path = paths.first().cloned().ok_or("No file was given")?;
        let what = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        return Ok(Added {
            project: content_edit::with_image(project, partition, path),
            what,
            problems: Vec::new(),
        });
    }
    let (entries, problems) = pack::entries_from_paths(paths);
    if entries.is_empty() {
        return Err(problems.first().map_or_else(
            || "Nothing to add: no file was found".to_owned(),
            |problem| format!("{}. {}", problem.message, problem.help),
        ));
    }
    let what = match entries.as_slice() {
        [one] => one.name.clone(),
        several => text::count(
            several.iter().map(content_edit::count_files).sum(),
            "file",
            "files",
        ),
    };
    Ok(Added {
        project: content_edit::with_added(project, partition, entries),
        what,
        problems,
    })
}
