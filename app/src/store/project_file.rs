//! Loads and saves a project: the `.flashpack` file, its partition table beside it as a CSV of its own, and files for
//! contents that so far existed only in memory.
//!
//! What is missing or wrong around a project is told as problems, so that the rest can still be worked on; only a
//! project file that cannot be understood is an error. Saving never overwrites a file that is not this project's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::near_path::{absolute, from_spelled, spell};
use super::project_parts::{assemble, settings_of, spell_project};
use super::project_text::{self, ProjectText, TextError};
use super::read_whole::{TEXT_LIMIT, read_whole};
use super::replace::replace;
use super::settle::{disk_path, holds, settle_content, write_unless_there};
use super::{StoreError, table_file};
use crate::model::partition_table::PartitionTable;
use crate::model::problem::{Place, Problem, Severity};
use crate::model::project::{Content, PackEntry, Packed, Project, Source};

pub use super::sample::sample;

/// A project and what is wrong around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub project: Project,
    /// Missing files, and everything that the table's reader found.
    pub problems: Vec<Problem>,
}

/// Reads a `.flashpack` file and its table. Paths in the project become absolute; the files themselves are not read.
pub fn load(path: &Path) -> Result<Loaded, StoreError> {
    let text = parse(path)?;
    let folder = folder_of(path);
    let settings = settings_of(&text);
    let table_path = from_spelled(&text.table, &folder);
    let (table, mut problems) = match table_file::read(&table_path, settings) {
        Ok(read) => {
            // A remark on the file, such as the order of its columns, was worth making once: at its import.
            let lasting = |problem: &Problem| problem.severity > Severity::Note;
            let problems = read.notes().into_iter().filter(lasting).collect();
            (read.table, problems)
        }
        Err(error) => {
            let problem = Problem::error(Place::Table, error.to_string(), error.help());
            (
                PartitionTable {
                    settings,
                    ..PartitionTable::default()
                },
                vec![problem],
            )
        }
    };
    let project = assemble(text, table, &|spelled| {
        Source::Path(from_spelled(spelled, &folder))
    })
    .map_err(|message| StoreError::Project {
        path: path.to_path_buf(),
        line: None,
        message,
    })?;
    for (partition, content) in &project.contents {
        find_missing(partition, content, &mut problems);
    }
    Ok(Loaded { project, problems })
}

/// Writes a project, so that [`load`] gives it back.
pub fn save(path: &Path, project: &Project) -> Result<(), StoreError> {
    save_settled(path, project).map(|_| ())
}

/// Writes a project and returns it as it now is on disk: contents that were in memory only have become files, in a
/// folder beside the project. The project file itself is written last, so that a cut leaves the old project.
pub fn save_settled(path: &Path, project: &Project) -> Result<Project, StoreError> {
    let path = absolute(path);
    let folder = folder_of(&path);
    let mut settled = project.clone();
    for (partition, content) in &mut settled.contents {
        let place = folder
            .join(format!("{}-files", stem(&path)))
            .join(disk_path(partition));
        if let Some(on_disk) = settle_content(content, &place)? {
            *content = Arc::new(on_disk);
        }
    }
    let table = save_table(&path, &folder, &project.table)?;
    // Edited rows have a spelling now; the project in hand gets the same, so that it equals what `load` will give.
    let settings = project.table.settings;
    if let Ok(read) = table_file::from_bytes(&table_file::csv_bytes(&project.table), settings, None)
        && read.table != *project.table
    {
        settled.table = Arc::new(read.table);
    }
    let text = spell_project(&settled, table, &folder)?;
    replace_if_changed(&path, project_text::print(&text).as_bytes())?;
    Ok(settled)
}

fn parse(path: &Path) -> Result<ProjectText, StoreError> {
    let wrong = |line, message| StoreError::Project {
        path: path.to_path_buf(),
        line,
        message,
    };
    let bytes = read_whole(path, TEXT_LIMIT)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error
            .as_bytes()
            .iter()
            .take(valid)
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        wrong(Some(line), "it is not text (UTF-8)".into())
    })?;
    project_text::parse(&text).map_err(|error| match error {
        TextError::Newer(version) => StoreError::Newer {
            path: path.to_path_buf(),
            version,
        },
        TextError::Wrong { line, message } => wrong(line, message),
    })
}

fn replace_if_changed(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if holds(path, bytes) {
        Ok(())
    } else {
        replace(path, bytes)
    }
}

/// Writes the table; returns how the project spells its path. A project keeps its table's name; a new project takes
/// `partitions.csv`, or a free name beside it when somebody else's file has that one.
fn save_table(path: &Path, folder: &Path, table: &PartitionTable) -> Result<String, StoreError> {
    let bytes = table_file::csv_bytes(table);
    if let Ok(old) = parse(path) {
        let table_path = from_spelled(&old.table, folder);
        // A table that the project took from a binary file must not be turned into text under its name.
        if table_path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
        {
            replace_if_changed(&table_path, &bytes)?;
            return Ok(old.table);
        }
    }
    let table_path = write_unless_there(&folder.join("partitions.csv"), &bytes)?;
    spell(&table_path, folder).ok_or(StoreError::NameNotText { path: table_path })
}

fn folder_of(path: &Path) -> PathBuf {
    absolute(path)
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn find_missing(partition: &str, content: &Content, problems: &mut Vec<Problem>) {
    match content {
        Content::Raw(source) => {
            check_source(
                source,
                Place::Partition {
                    name: partition.to_owned(),
                },
                problems,
            );
        }
        Content::Files(files) => find_missing_entries(partition, "", &files.entries, problems),
    }
}

fn find_missing_entries(
    partition: &str,
    above: &str,
    entries: &[PackEntry],
    problems: &mut Vec<Problem>,
) {
    for entry in entries {
        let path = format!("{above}{}", entry.name);
        match &entry.what {
            Packed::Folder(inside) => {
                find_missing_entries(partition, &format!("{path}/"), inside, problems);
            }
            Packed::File(source) => {
                check_source(
                    source,
                    Place::File {
                        partition: partition.to_owned(),
                        path,
                    },
                    problems,
                );
            }
        }
    }
}

fn check_source(source: &Source, place: Place, problems: &mut Vec<Problem>) {
    if let Source::Path(path) = source
        && !path.is_file()
    {
        let message = format!("There is no file {}", path.display());
        problems.push(Problem::error(
            place,
            message,
            "Put the file back, or remove it from the project",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::project::FilesContent;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn one_file(source: Source) -> Arc<Content> {
        let entries = vec![PackEntry {
            name: "a/..".into(),
            what: Packed::File(source),
        }];
        Arc::new(Content::Files(FilesContent {
            entries,
            ..FilesContent::default()
        }))
    }

    #[test]
    fn what_is_saved_is_loaded_and_saving_again_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.flashpack");
        let outside = folder.path().join("data.bin");
        std::fs::write(&outside, b"data").unwrap();
        let mut project = sample();
        project
            .contents
            .insert("vfs".into(), Arc::new(Content::Raw(Source::Path(outside))));
        project.contents.insert(
            "nvs".into(),
            Arc::new(Content::Raw(Source::Bytes((*b"nvs").into()))),
        );
        project
            .contents
            .insert("odd".into(), one_file(Source::Bytes((*b"odd").into())));
        let settled = save_settled(&path, &project).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.project, settled);
        assert_eq!(loaded.problems, []);
        assert_eq!(
            names(folder.path()),
            ["data.bin", "my-files", "my.flashpack", "partitions.csv"]
        );
        assert_eq!(
            names(&folder.path().join("my-files")),
            ["bin", "nvs.bin", "odd"]
        );
        assert_eq!(names(&folder.path().join("my-files/odd")), ["a%2F.%2E"]);
        let text = std::fs::read(&path).unwrap();
        assert_eq!(save_settled(&path, &project).unwrap(), settled);
        assert_eq!(save_settled(&path, &settled).unwrap(), settled);
        assert_eq!(std::fs::read(&path).unwrap(), text);
        assert_eq!(
            names(&folder.path().join("my-files")),
            ["bin", "nvs.bin", "odd"]
        );
    }

    #[test]
    fn the_table_of_an_unedited_project_is_written_back_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.flashpack");
        save(&path, &sample()).unwrap();
        let written = std::fs::read(folder.path().join("partitions.csv")).unwrap();
        assert_eq!(
            written,
            include_bytes!("../../../assets/sample/partitions.csv")
        );
    }

    #[test]
    fn another_table_of_that_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.flashpack");
        let other = folder.path().join("partitions.csv");
        std::fs::write(&other, "somebody's").unwrap();
        save(&path, &sample()).unwrap();
        save(&path, &sample()).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"somebody's");
        assert_eq!(
            names(folder.path()),
            [
                "my-files",
                "my.flashpack",
                "partitions-2.csv",
                "partitions.csv"
            ]
        );
        assert_eq!(load(&path).unwrap().project.table, sample().table);
    }

    #[test]
    fn missing_files_are_problems() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.flashpack");
        let gone = folder.path().join("gone.txt");
        let mut project = sample();
        project.contents = [("bin".to_owned(), one_file(Source::Path(gone.clone())))].into();
        save(&path, &project).unwrap();
        std::fs::remove_file(folder.path().join("partitions.csv")).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.project.contents, project.contents);
        let places: Vec<_> = loaded
            .problems
            .iter()
            .map(|problem| problem.place.clone())
            .collect();
        let file = Place::File {
            partition: "bin".into(),
            path: "a/..".into(),
        };
        assert_eq!(places, [Place::Table, file]);
        assert!(loaded.problems[1].message.contains("gone.txt"));
    }

    #[track_caller]
    fn refused(text: &[u8], part: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.flashpack");
        std::fs::write(&path, text).unwrap();
        let error = load(&path).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }

    #[test]
    fn what_is_no_project_is_refused_with_the_reason() {
        let with = |contents: &str| {
            format!(
                "flashpack = 1\nchip = \"esp32c3\"\nflash-size = \"4MB\"\ntable = \"p.csv\"\n{contents}"
            )
        };
        refused(b"\n\xFF", "line 2: it is not text");
        refused(b"flashpack = 9", "newer");
        refused(
            with("[contents.bin]\n").as_bytes(),
            "contents.bin needs either",
        );
        refused(
            with("[contents.bin]\nfiles = [{name = \"x\"}]").as_bytes(),
            "“x” needs either",
        );
        refused(with("[contents.bin]\nraw = 5").as_bytes(), "line 6");
    }
}
