//! Writes a file whole or not at all.
//!
//! The bytes go to a temporary file in the same folder, are brought to the disk, and take the old file's name in one
//! step. A cut at any moment leaves the old file or the new one; nothing else of the folder is touched.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// Replaces `path` by `bytes`, or creates it. The permissions of a file that is replaced are kept; a symbolic link
/// stays a link, and the file that it points to is replaced.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_beside(path, bytes)
        .and_then(|(file, target)| {
            file.persist(&target).map_err(|error| error.error)?;
            sync_folder(folder_of(&target))
        })
        .map_err(|source| StoreError::writing(path, source))
}

/// Writes `bytes` to a new file. An existing one is an error of kind `AlreadyExists`, and stays as it is.
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_beside(path, bytes)
        .and_then(|(file, target)| {
            file.persist_noclobber(&target)
                .map_err(|error| error.error)?;
            sync_folder(folder_of(&target))
        })
        .map_err(|source| StoreError::writing(path, source))
}

/// The file that replacing `path` replaces: where a link leads to. There may be none yet, but there is its folder.
pub(super) fn target_of(path: &Path) -> io::Result<PathBuf> {
    let target = target_and_old(path)?.0;
    if folder_of(&target).is_dir() {
        Ok(target)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Gives a file that is on the disk the name `path`, by the rules of [`replace`]. Both must be in the same folder.
pub(super) fn put_in_place(from: &Path, path: &Path) -> io::Result<()> {
    let (target, old) = target_and_old(path)?;
    if let Some(old) = old {
        std::fs::set_permissions(from, old.permissions())?;
    }
    std::fs::rename(from, &target)?;
    sync_folder(folder_of(&target))
}

fn target_and_old(path: &Path) -> io::Result<(PathBuf, Option<std::fs::Metadata>)> {
    let old = std::fs::metadata(path).ok();
    if old.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Renaming over a link would replace the link; over a device, the device.
    let target = if old.is_some() {
        std::fs::canonicalize(path)?
    } else {
        path.to_path_buf()
    };
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return Err(io::Error::other("it is not an ordinary file"));
    }
    if old.as_ref().is_some_and(|old| old.permissions().readonly()) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok((target, old))
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<(tempfile::NamedTempFile, PathBuf)> {
    let (target, old) = target_and_old(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".flashpack-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system takes its umask off these, as for any new file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder_of(&target))?;
    if let Some(old) = &old {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok((file, target))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Brings the new name itself to the disk. Windows has no such call; its rename is journalled.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        std::fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[test]
    fn a_failure_leaves_the_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("taken")).unwrap();
        assert!(replace(&folder.path().join("taken"), b"x").is_err());
        assert!(replace(&folder.path().join("none/a.bin"), b"x").is_err());
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn create_new_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        create_new(&path, b"first").unwrap();
        assert!(create_new(&path, b"second").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, b"old").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"new");
        assert_eq!(
            std::fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }
}
