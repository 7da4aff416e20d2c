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
    /// Name of the first file or folder that became an entry of the partition.
    pub first: Option<String>,
    pub problems: Vec<Problem>,
}

/// How many files and folders were dropped, pasted or chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub files: usize,
    pub folders: usize,
}

impl Given {
    /// One file.
    pub const FILE: Self = Self {
        files: 1,
        folders: 0,
    };

    /// Counts these; what is not there counts as a file, whose absence is said when it is read.
    pub fn count(paths: &[PathBuf]) -> Self {
        let folders = paths.iter().filter(|path| path.is_dir()).count();
        Self {
            files: paths.len() - folders,
            folders,
        }
    }

    /// `3 files`, `1 folder`, `2 files and 1 folder`.
    fn words(self) -> String {
        let files = text::count(self.files, "file", "files");
        let folders = text::count(self.folders, "folder", "folders");
        match self {
            Self { folders: 0, .. } => files,
            Self { files: 0, .. } => folders,
            _ => format!("{files} and {folders}"),
        }
    }
}

/// What would happen to paths dropped on a partition: `Pack 3 files into bin`; or why it cannot.
pub fn would_do(project: &Project, partition: &str, given: Given) -> Result<String, String> {
    let Some(row) = project.table.rows.iter().find(|row| row.name == partition) else {
        return Err("Select a partition first, then drop".to_owned());
    };
    let what = given.words();
    if row.kind == APP {
        return match given {
            Given::FILE => Ok(format!("Use as app image for {partition}")),
            _ => Err(format!("{partition} takes one app image, not {what}")),
        };
    }
    if table_ops::takes_files(row) {
        return Ok(format!("Pack {what} into {partition}"));
    }
    match given {
        Given::FILE => Ok(format!("Write the file as it is into {partition}")),
        _ => Err(format!(
            "{partition} takes one image, not {what}; select a partition such as bin"
        )),
    }
}

/// The project with these paths added to a partition.
pub fn added(project: &Project, partition: &str, paths: &[PathBuf]) -> Result<Added, String> {
    would_do(project, partition, Given::count(paths))?;
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
            first: None,
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
        first: entries.first().map(|entry| entry.name.clone()),
        project: content_edit::with_added(project, partition, entries),
        what,
        problems,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::project_file::sample;

    #[test]
    fn a_folder_is_no_image() {
        let project = sample();
        let folder = Given {
            files: 0,
            folders: 1,
        };
        let both = Given {
            files: 2,
            folders: 1,
        };
        let said = |partition: &str, given| would_do(&project, partition, given);
        assert_eq!(said("bin", folder), Ok("Pack 1 folder into bin".to_owned()));
        assert_eq!(
            said("bin", both),
            Ok("Pack 2 files and 1 folder into bin".to_owned())
        );
        assert_eq!(
            said("factory", folder),
            Err("factory takes one app image, not 1 folder".to_owned())
        );
        let refused = said("vfs", folder).unwrap_err();
        assert!(refused.starts_with("vfs takes one image, not 1 folder"));
        assert_eq!(
            said("vfs", Given::FILE),
            Ok("Write the file as it is into vfs".to_owned())
        );
    }
}
