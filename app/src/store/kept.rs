//! The safe place on disk: one folder beside the settings, one file per name, each replaced whole and synced.

use std::path::{Path, PathBuf};

use super::StoreError;
use super::read_whole::{IMAGE_LIMIT, read_whole};
use super::replace::replace;
use super::settings::settings_path;
use crate::model::keep::{Keep, KeepError};

/// A folder of kept files; it is made when the first one comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFolder {
    folder: PathBuf,
}

impl KeptFolder {
    /// The folder of this user: `kept` beside the settings; `None` where the system names no home at all.
    pub fn of_user() -> Option<Self> {
        settings_path().map(|settings| Self::beside(&settings))
    }

    /// The folder that belongs to a settings file.
    pub fn beside(settings: &Path) -> Self {
        Self::at(settings.with_file_name("kept"))
    }

    /// Any folder.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file of a name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl From<StoreError> for KeepError {
    fn from(error: StoreError) -> Self {
        Self {
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl Keep for KeptFolder {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), KeepError> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|source| StoreError::writing(&self.folder, source))?;
        Ok(replace(&self.path(name), bytes)?)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeepError> {
        match read_whole(&self.path(name), IMAGE_LIMIT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn remove(&self, name: &str) -> Result<(), KeepError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::writing(&path, source).into())
            }
            _ => Ok(()),
        }
    }

    fn place(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_by_the_next_start_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptFolder::beside(&folder.path().join("made/settings.json"));
        assert_eq!(kept.get("a").unwrap(), None);
        kept.remove("a").unwrap();
        kept.put("a", b"old").unwrap();
        kept.put("a", b"new").unwrap();
        let again = KeptFolder::at(folder.path().join("made/kept"));
        assert_eq!(again.get("a").unwrap().unwrap(), b"new");
        again.remove("a").unwrap();
        assert_eq!(kept.get("a").unwrap(), None);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let error = KeptFolder::at(file.join("kept"))
            .put("a", b"x")
            .unwrap_err();
        assert!(error.message.contains("kept"), "{error:?}");
        assert!(!error.help.is_empty());
    }
}
