//! The loading step of packing: files and folders on disk become bytes and names. The only place of the engine that
//! reads the disk; it never writes.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::model::number::human_size;
use crate::model::problem::{Place, Problem};
use crate::model::project::{PackEntry, Packed, Source};

/// No flash of an ESP chip is larger, so no file is read beyond it.
const LARGEST: u64 = 128 << 20;
/// Folders within folders that are followed; links may go in circles.
const DEEPEST: usize = 16;
/// Entries of one drop; more than any image holds.
const MOST: usize = 100_000;

/// When a file was changed last, and its size in bytes.
pub(super) type Stamp = (Option<SystemTime>, u64);

/// How a file is now, by its date and size; `None` when it cannot be asked.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    Some((about.modified().ok(), about.len()))
}

/// The bytes of a source, whole.
///
/// # Errors
/// One sentence that names the file and the reason.
pub(super) fn bytes(source: &Source) -> Result<Arc<[u8]>, (String, String)> {
    match source {
        Source::Bytes(bytes) => Ok(Arc::clone(bytes)),
        Source::Path(path) => read(path)
            .map(Into::into)
            .map_err(|error| explain(path, &error)),
    }
}

/// A file that a job was told to read, whole.
///
/// # Errors
/// One sentence that names the file and the reason.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, String> {
    read(path).map_err(|error| explain(path, &error).0)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before opening: opening a pipe would wait for its other end.
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a file",
        ));
    }
    if about.len() > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has {}, more than any flash", human_size(about.len())),
        ));
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    // The file may grow while it is read; what is beyond the limit is not wanted.
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 != about.len() {
        return Err(io::Error::other("it changed while it was read"));
    }
    Ok(bytes)
}

fn explain(path: &Path, error: &io::Error) -> (String, String) {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        _ => error.to_string(),
    };
    let help = match error.kind() {
        io::ErrorKind::NotFound => "Put the file back, or remove it from the pack",
        _ => "Check the file, or remove it from the pack",
    };
    (
        format!("Cannot read {}: {reason}", path.display()),
        help.to_owned(),
    )
}

/// What dropped or chosen paths become: files by their last component, folders with all they hold, sorted by name.
/// No file is opened. What cannot be used is said, the rest is returned.
pub fn entries_from_paths(paths: &[PathBuf]) -> (Vec<PackEntry>, Vec<Problem>) {
    let mut walk = Walk {
        problems: Vec::new(),
        count: 0,
    };
    let entries = paths
        .iter()
        .filter_map(|path| walk.entry(path, 0))
        .collect();
    (entries, walk.problems)
}

struct Walk {
    problems: Vec<Problem>,
    count: usize,
}

impl Walk {
    fn entry(&mut self, path: &Path, depth: usize) -> Option<PackEntry> {
        self.count += 1;
        if self.count > MOST || depth > DEEPEST {
            return self.refuse(path, "there is too much in it", "Add a smaller folder");
        }
        let name = match path.file_name().map(|name| name.to_str()) {
            Some(Some(name)) => name.to_owned(),
            Some(None) => {
                return self.refuse(path, "its name is not UTF-8", "Rename the file");
            }
            None => return self.refuse(path, "it has no name", "Choose a file or a folder"),
        };
        let about = match fs::metadata(path) {
            Ok(about) => about,
            Err(error) => {
                let (message, help) = explain(path, &error);
                self.problems
                    .push(Problem::error(Place::Project, message, help));
                return None;
            }
        };
        if about.is_file() {
            return Some(PackEntry {
                name,
                what: Packed::File(Source::Path(path.to_owned())),
            });
        }
        if !about.is_dir() {
            return self.refuse(
                path,
                "it is neither a file nor a folder",
                "Choose a file or a folder",
            );
        }
        let mut inside: Vec<PathBuf> =
            match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
                Ok(inside) => inside.into_iter().map(|entry| entry.path()).collect(),
                Err(error) => {
                    let (message, help) = explain(path, &error);
                    self.problems
                        .push(Problem::error(Place::Project, message, help));
                    return None;
                }
            };
        inside.sort();
        let entries = inside
            .iter()
            .filter_map(|path| self.entry(path, depth + 1))
            .collect();
        Some(PackEntry {
            name,
            what: Packed::Folder(entries),
        })
    }

    fn refuse(&mut self, path: &Path, reason: &str, help: &str) -> Option<PackEntry> {
        let message = format!("Cannot add {}: {reason}", path.display());
        self.problems
            .push(Problem::error(Place::Project, message, help));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_sorted_entries_and_missing_files_are_said() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("deep")).unwrap();
        for name in ["deep/b", "deep/a", "top"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let paths = ["deep", "top", "none"].map(|name| dir.path().join(name));
        let (entries, problems) = entries_from_paths(&paths);
        assert_eq!(entries.len(), 2);
        let Packed::Folder(inside) = &entries[0].what else {
            panic!("a folder")
        };
        assert_eq!(
            inside
                .iter()
                .map(|entry| entry.name.as_str())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].message.contains("there is no such file"),
            "{}",
            problems[0].message
        );
    }

    #[test]
    fn a_folder_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let (message, _) = bytes(&Source::Path(dir.path().to_owned())).unwrap_err();
        assert!(message.starts_with("Cannot read"), "{message}");
    }
}
