//! The images that a project's partitions were last proven to hold on a board, kept beside the settings.
//!
//! They only decide where the next image puts its files; what is written is decided by asking the board. So a loss is no
//! harm, and the folder is bounded: the oldest images go first. A project is known by the path of its file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::StoreError;
use super::near_path::absolute;
use super::read_whole::{IMAGE_LIMIT, read_whole};
use super::replace::replace;
use super::settings::settings_path;
use crate::formats::unpack::safe_path;

/// Bytes that all images together may have.
const LIMIT: u64 = 256 << 20;

/// The folder of this user's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWritten {
    folder: PathBuf,
    limit: u64,
}

impl LastWritten {
    /// The folder `written` beside the settings; `None` where the system names no home at all.
    pub fn of_user() -> Option<Self> {
        settings_path().map(|settings| Self::beside(&settings))
    }

    /// The folder that belongs to a settings file.
    pub fn beside(settings: &Path) -> Self {
        Self {
            folder: settings.with_file_name("written"),
            limit: LIMIT,
        }
    }

    /// The image of a partition of the project in this file; `None` when there is none that can be read.
    pub fn get(&self, project: &Path, partition: &str) -> Option<Vec<u8>> {
        read_whole(&self.file(project, partition), IMAGE_LIMIT).ok()
    }

    /// Keeps an image in place of the one before, whole or not at all, and lets the oldest ones go.
    ///
    /// # Errors
    /// When the folder cannot be made or the file cannot be written.
    pub fn put(&self, project: &Path, partition: &str, image: &[u8]) -> Result<(), StoreError> {
        if image.len() as u64 > self.limit {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)
            .map_err(|source| StoreError::writing(&self.folder, source))?;
        let file = self.file(project, partition);
        replace(&file, image)?;
        self.let_go(&file);
        Ok(())
    }

    fn file(&self, project: &Path, partition: &str) -> PathBuf {
        let path = absolute(project);
        let sum = Sha256::digest(path.as_os_str().as_encoded_bytes());
        let mut name = String::new();
        for byte in sum.iter().take(12) {
            // Writing to a String cannot fail.
            write!(name, "{byte:02x}").ok();
        }
        let partition = safe_path(partition.replace('/', "%2F").as_bytes());
        self.folder.join(format!("{name}-{partition}.bin"))
    }

    /// Removes the oldest images beyond the limit, never `newest`. What cannot be removed stays.
    fn let_go(&self, newest: &Path) {
        let Ok(listed) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = listed
            .filter_map(|item| {
                let item = item.ok()?;
                let about = item.metadata().ok().filter(std::fs::Metadata::is_file)?;
                Some((about.modified().ok()?, about.len(), item.path()))
            })
            .filter(|(_, _, path)| {
                path != newest && path.extension().is_some_and(|end| end == "bin")
            })
            .collect();
        files.sort();
        let newest = std::fs::metadata(newest).map_or(0, |about| about.len());
        let mut total = newest + files.iter().map(|(_, size, _)| size).sum::<u64>();
        for (_, size, path) in files {
            if total <= self.limit {
                return;
            }
            if std::fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_of_each_project_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let kept = LastWritten::beside(&folder.path().join("made/settings.json"));
        let (one, other) = (
            Path::new("/p/one.flashpack"),
            Path::new("/p/other.flashpack"),
        );
        assert_eq!(kept.get(one, "bin"), None);
        kept.put(one, "bin", b"old").unwrap();
        kept.put(one, "bin", b"new").unwrap();
        kept.put(one, "../b/n", b"strange").unwrap();
        kept.put(other, "bin", b"other").unwrap();
        let again = LastWritten::beside(&folder.path().join("made/settings.json"));
        assert_eq!(again.get(one, "bin").unwrap(), b"new");
        assert_eq!(again.get(one, "../b/n").unwrap(), b"strange");
        assert_eq!(again.get(other, "bin").unwrap(), b"other");
        assert_eq!(again.get(other, "vfs"), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_oldest_images_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let kept = LastWritten {
            folder: folder.path().join("written"),
            limit: 25,
        };
        let project = Path::new("/p");
        for (age, name) in [(30, "a"), (20, "b"), (10, "c")] {
            kept.put(project, name, &[0; 10]).unwrap();
            let file = std::fs::File::options()
                .write(true)
                .open(kept.file(project, name))
                .unwrap();
            let then = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(then).unwrap();
        }
        // The third came when the first two filled 20 of 25 bytes.
        assert_eq!(kept.get(project, "a"), None);
        assert!(kept.get(project, "b").is_some());
        kept.put(project, "d", &[0; 10]).unwrap();
        assert_eq!(kept.get(project, "b"), None);
        assert!(kept.get(project, "c").is_some() && kept.get(project, "d").is_some());
        kept.put(project, "huge", &[0; 26]).unwrap();
        assert_eq!(kept.get(project, "huge"), None);
        assert!(kept.get(project, "d").is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let kept = LastWritten::beside(&file.join("settings.json"));
        let error = kept.put(Path::new("/p"), "bin", b"x").unwrap_err();
        assert!(error.to_string().contains("written"), "{error}");
    }
}
