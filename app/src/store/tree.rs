//! Writes a tree of files into a folder, without ever leaving it and without overwriting anything unasked.

use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::replace::{create_new, replace};

/// What to do with files that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
    /// Leave them, and give the new ones a number: `name~2.txt`.
    KeepBoth,
}

/// Writes `files` and makes `folders`, all of them paths below `into`, separated by `/`.
///
/// Everything that is in the way is found before the first file is written. A link inside `into` is never followed:
/// it could lead anywhere.
///
/// # Errors
/// The first thing in the way, or the first file that could not be written; those before it are whole.
pub fn write_tree<'a>(
    into: &Path,
    files: &[(&'a str, &'a [u8])],
    folders: &[String],
    existing: Existing,
) -> Result<(), StoreError> {
    for (path, _) in files {
        check_way(into, path, existing)?;
    }
    for folder in folders {
        check_way(into, &format!("{folder}/."), existing)?;
    }
    make_folder(into)?;
    for folder in folders {
        make_folder(&below(into, folder)?)?;
    }
    for (path, bytes) in files {
        let whole = below(into, path)?;
        if let Some(folder) = whole.parent() {
            make_folder(folder)?;
        }
        match existing {
            Existing::Refuse => create_new(&whole, bytes)?,
            Existing::Replace => replace(&whole, bytes)?,
            Existing::KeepBoth => create_new(&free(&whole), bytes)?,
        }
    }
    Ok(())
}

/// Those of `paths` that are files below `into` already, in their order.
pub fn taken(into: &Path, paths: &[&str]) -> Vec<String> {
    paths
        .iter()
        .filter(|path| below(into, path).is_ok_and(|whole| is_there(&whole)))
        .map(|path| (*path).to_owned())
        .collect()
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The path itself, or the first of `name~2.txt`, `name~3.txt`, … that nothing has.
fn free(path: &Path) -> PathBuf {
    if !is_there(path) {
        return path.to_path_buf();
    }
    let stem = path.file_stem().unwrap_or_default();
    (2..=u32::MAX)
        .map(|number| {
            let mut name = stem.to_owned();
            name.push(format!("~{number}"));
            if let Some(extension) = path.extension() {
                name.push(".");
                name.push(extension);
            }
            path.with_file_name(name)
        })
        .find(|candidate| !is_there(candidate))
        .unwrap_or_else(|| path.to_path_buf())
}

/// The path as a part of `into`; a path that would climb out of it is refused.
fn below(into: &Path, path: &str) -> Result<PathBuf, StoreError> {
    let mut whole = into.to_path_buf();
    for part in path.split('/').filter(|part| *part != ".") {
        if part.is_empty() || part == ".." || part.contains(['\\', ':']) && cfg!(windows) {
            return Err(StoreError::Content {
                path: into.to_path_buf(),
                message: format!("would not hold “{path}”, whose name leads out of it"),
                help: "Choose another name for this file".into(),
            });
        }
        whole.push(part);
    }
    Ok(whole)
}

/// Looks at every step of the way to `path`, without following links.
fn check_way(into: &Path, path: &str, existing: Existing) -> Result<(), StoreError> {
    let whole = below(into, path)?;
    let refuse = |path: &Path, message: &str, help: &str| {
        Err(StoreError::Content {
            path: path.to_path_buf(),
            message: message.into(),
            help: help.into(),
        })
    };
    let steps: Vec<&Path> = whole.ancestors().take_while(|step| *step != into).collect();
    for step in steps.into_iter().rev() {
        let metadata = match step.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::reading(step, error)),
            Ok(metadata) => metadata,
        };
        let is_last = step == whole && !path.ends_with("/.");
        if metadata.is_symlink() {
            return refuse(
                step,
                "is a link, which may lead out of the folder",
                "Remove it, or choose another folder",
            );
        }
        match (is_last, metadata.is_dir()) {
            (true, true) => {
                return refuse(
                    step,
                    "is a folder, and a file of that name is to be written",
                    "Choose another folder",
                );
            }
            (true, false) if existing == Existing::Refuse => {
                return refuse(
                    step,
                    "is there already",
                    "Choose an empty folder, or allow overwriting with --yes",
                );
            }
            (false, false) => {
                return refuse(
                    step,
                    "is a file, and a folder of that name is needed",
                    "Choose another folder",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(path).map_err(|source| StoreError::writing(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(into: &Path, path: &str, existing: Existing) -> Result<(), StoreError> {
        write_tree(
            into,
            &[("first", b"1"), (path, b"2")],
            &["empty".to_owned()],
            existing,
        )
    }

    #[test]
    fn files_and_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("made/here");
        write(&into, "deep/er/f", Existing::Refuse).unwrap();
        assert_eq!(std::fs::read(into.join("deep/er/f")).unwrap(), b"2");
        assert_eq!(
            taken(&into, &["first", "none", "deep/er/f"]),
            ["first", "deep/er/f"]
        );
        std::fs::write(into.join("deep/er/f.x"), b"mine").unwrap();
        for number in 2..4 {
            write(&into, "deep/er/f.x", Existing::KeepBoth).unwrap();
            let other = format!("deep/er/f~{number}.x");
            assert_eq!(std::fs::read(into.join(other)).unwrap(), b"2");
        }
        assert_eq!(std::fs::read(into.join("deep/er/f.x")).unwrap(), b"mine");
        assert!(into.join("empty").is_dir());
        write(&into, "deep/er/f", Existing::Replace).unwrap();
    }

    #[test]
    fn nothing_is_written_when_something_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path();
        std::fs::write(into.join("taken"), b"mine").unwrap();
        assert!(write(into, "taken", Existing::Refuse).is_err());
        assert!(write(into, "taken/f", Existing::Replace).is_err());
        assert!(write(into, "../out", Existing::Replace).is_err());
        assert!(write(into, "a//b", Existing::Replace).is_err());
        assert_eq!(std::fs::read_dir(into).unwrap().count(), 1);
        assert_eq!(std::fs::read(into.join("taken")).unwrap(), b"mine");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (into, outside) = (folder.path().join("into"), folder.path().join("outside"));
        std::fs::create_dir_all(&into).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(outside.join("f"), b"mine").unwrap();
        std::os::unix::fs::symlink(&outside, into.join("way")).unwrap();
        std::os::unix::fs::symlink(outside.join("f"), into.join("file")).unwrap();
        assert!(write(&into, "way/f", Existing::Replace).is_err());
        assert!(write(&into, "file", Existing::Replace).is_err());
        assert_eq!(std::fs::read(outside.join("f")).unwrap(), b"mine");
        assert!(!into.join("first").exists());
    }
}
