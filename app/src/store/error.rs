//! How reading or writing a file can fail: a sentence, the file, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::cause::Cause;

/// A file could not be read or written, or does not hold what was asked for. Nothing was changed on disk.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("There is no file {}", path.display())]
    Missing { path: PathBuf },
    #[error("{} is a folder, not a file", path.display())]
    Folder { path: PathBuf },
    #[error("{} is not an ordinary file", path.display())]
    NotOrdinary { path: PathBuf },
    #[error("{} is longer than {}", path.display(), crate::model::number::human_size(*limit))]
    TooLong { path: PathBuf, limit: u64 },
    #[error("Cannot read {}: {}", path.display(), reason(source))]
    Read { path: PathBuf, source: io::Error },
    #[error("Cannot write {}: {}", path.display(), reason(source))]
    Write { path: PathBuf, source: io::Error },
    /// The text of a project that cannot be used; `line` counts from 1.
    #[error("{} is not a Flashpack project: {}{message}", path.display(), line_prefix(*line))]
    Project {
        path: PathBuf,
        line: Option<usize>,
        message: String,
    },
    #[error("{} was made by a newer Flashpack (project version {version})", path.display())]
    Newer { path: PathBuf, version: i64 },
    /// A path that TOML cannot hold, because it is not text.
    #[error("{} has a name that is not valid text", path.display())]
    NameNotText { path: PathBuf },
    /// Something is the matter with this file or folder; `message` goes on from its name: `is there already`.
    #[error("{} {message}", path.display())]
    Content {
        path: PathBuf,
        message: String,
        help: String,
    },
    /// What the file's reader says, as a sentence of its own.
    #[error("{}: {message}", path.display())]
    Refused {
        path: PathBuf,
        message: String,
        help: String,
    },
}

impl StoreError {
    /// The file or folder that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::Folder { path }
            | Self::NotOrdinary { path }
            | Self::TooLong { path, .. }
            | Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Project { path, .. }
            | Self::Newer { path, .. }
            | Self::NameNotText { path }
            | Self::Content { path, .. }
            | Self::Refused { path, .. } => path,
        }
    }

    /// The one thing to do, as a sentence without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::Missing { .. } => "Check the spelling and the folder you are in".into(),
            Self::Folder { .. } => "Name a file inside it".into(),
            Self::NotOrdinary { .. } => {
                "Name a file on disk; devices and pipes are not read".into()
            }
            Self::TooLong { .. } => {
                "Check that this is the right file; no board has that much flash".into()
            }
            Self::Read { source, .. } | Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    "Change its permissions, or choose another place".into()
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "Make room on that disk, or choose another place".into()
                }
                io::ErrorKind::ReadOnlyFilesystem => "Choose a place that can be written".into(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    "Make the folder first, or choose another place".into()
                }
                io::ErrorKind::IsADirectory => "Choose another name; a folder has this one".into(),
                _ => "Check the disk, or choose another place".into(),
            },
            Self::Project { .. } => "Mend it in a text editor, or open its table instead".into(),
            Self::Newer { .. } => "Open it with that version, or a later one".into(),
            Self::NameNotText { .. } => "Rename it with ordinary characters".into(),
            Self::Content { help, .. } | Self::Refused { help, .. } => help.clone(),
        }
    }

    /// Why, where it can be named.
    pub fn cause(&self) -> Option<Cause> {
        Some(match self {
            Self::Missing { .. } => Cause::FileMissing,
            Self::Folder { .. } => Cause::FolderInstead,
            Self::NotOrdinary { .. } => Cause::NotOrdinary,
            Self::TooLong { .. } => Cause::FileTooLong,
            Self::Project { .. } => Cause::BrokenProject,
            Self::Newer { .. } => Cause::NewerProject,
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => Cause::FileNoPermission,
                _ => return None,
            },
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Cause::ReadOnlyFolder
                }
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Cause::DiskFull,
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Cause::FolderMissing,
                io::ErrorKind::IsADirectory => Cause::FolderInstead,
                _ => return None,
            },
            Self::NameNotText { .. } | Self::Content { .. } | Self::Refused { .. } => return None,
        })
    }

    /// Turns what the system said about reading `path` into an error that names it.
    pub(crate) fn reading(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::IsADirectory => Self::Folder { path },
            _ => Self::Read { path, source },
        }
    }

    /// The same for writing.
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// What the system said, in our words where it has a kind; its own text with its error number otherwise.
fn reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "no permission".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        io::ErrorKind::ReadOnlyFilesystem => "that disk can only be read".into(),
        io::ErrorKind::NotFound => "there is no such folder".into(),
        io::ErrorKind::NotADirectory => "a part of the path is not a folder".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => source.to_string(),
    }
}

fn line_prefix(line: Option<usize>) -> String {
    line.map(|line| format!("line {line}: "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_variant() -> Vec<StoreError> {
        let path = || PathBuf::from("folder/thing.bin");
        let mut errors = vec![
            StoreError::Missing { path: path() },
            StoreError::Folder { path: path() },
            StoreError::NotOrdinary { path: path() },
            StoreError::TooLong {
                path: path(),
                limit: 1024,
            },
            StoreError::Project {
                path: path(),
                line: Some(3),
                message: "no chip".into(),
            },
            StoreError::Newer {
                path: path(),
                version: 7,
            },
            StoreError::NameNotText { path: path() },
            StoreError::Content {
                path: path(),
                message: "holds no table".into(),
                help: "Open another".into(),
            },
            StoreError::Refused {
                path: path(),
                message: "It is no text".into(),
                help: "Open another".into(),
            },
        ];
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::StorageFull,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::NotFound,
            io::ErrorKind::NotADirectory,
            io::ErrorKind::IsADirectory,
            io::ErrorKind::TimedOut,
        ] {
            errors.push(StoreError::reading(&path(), kind.into()));
            errors.push(StoreError::writing(&path(), kind.into()));
        }
        errors
    }

    #[test]
    fn every_error_names_its_file_and_says_what_to_do() {
        for error in every_variant() {
            let text = error.to_string();
            assert!(text.contains("folder/thing.bin"), "{text}");
            assert!(
                !text.contains('{') && !text.contains("Kind") && !text.ends_with('.'),
                "{text}"
            );
            let help = error.help();
            assert!(help.len() > 10 && !help.ends_with('.'), "{text}: {help}");
            assert_eq!(error.path(), Path::new("folder/thing.bin"));
        }
    }
}
