//! Gives contents that exist only in memory a place on disk, as files beside the project.
//!
//! Names come from images, which may be hostile: every file lands below the given folder, under a name that all
//! systems take, and never on top of a different file.

use std::path::{Path, PathBuf};

use super::StoreError;
use super::read_whole::{IMAGE_LIMIT, read_whole};
use super::replace::create_new;
use crate::formats::unpack::safe_path;
use crate::model::project::{Content, FilesContent, PackEntry, Packed, Source};

/// The same content with every `Source::Bytes` written to a file below `place`; `None` if there was none.
pub(super) fn settle_content(
    content: &Content,
    place: &Path,
) -> Result<Option<Content>, StoreError> {
    Ok(match content {
        Content::Raw(source) => settle_source(source, &suffixed(place, ".bin"))?.map(Content::Raw),
        Content::Files(files) => settle_entries(&files.entries, place)?.map(|entries| {
            Content::Files(FilesContent {
                entries,
                ..files.clone()
            })
        }),
    })
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut whole = path.as_os_str().to_os_string();
    whole.push(suffix);
    whole.into()
}

fn settle_entries(
    entries: &[PackEntry],
    place: &Path,
) -> Result<Option<Vec<PackEntry>>, StoreError> {
    let mut settled = None;
    for (index, entry) in entries.iter().enumerate() {
        let path = place.join(disk_path(&entry.name));
        let what = match &entry.what {
            Packed::File(source) => settle_source(source, &path)?.map(Packed::File),
            Packed::Folder(inside) => settle_entries(inside, &path)?.map(Packed::Folder),
        };
        if let Some(what) = what {
            let list = settled.get_or_insert_with(|| entries.to_vec());
            if let Some(slot) = list.get_mut(index) {
                slot.what = what;
            }
        }
    }
    Ok(settled)
}

fn settle_source(source: &Source, wanted: &Path) -> Result<Option<Source>, StoreError> {
    let Source::Bytes(bytes) = source else {
        return Ok(None);
    };
    if let Some(folder) = wanted.parent() {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::writing(folder, source))?;
    }
    write_unless_there(wanted, bytes).map(|path| Some(Source::Path(path)))
}

/// Writes `bytes` to `wanted`, or under the next free number if a different file has that name.
pub(super) fn write_unless_there(wanted: &Path, bytes: &[u8]) -> Result<PathBuf, StoreError> {
    let mut path = wanted.to_path_buf();
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        if holds(&path, bytes) {
            return Ok(path);
        }
        number += 1;
        let mut name = wanted.file_stem().unwrap_or_default().to_os_string();
        name.push(format!("-{number}"));
        if let Some(extension) = wanted.extension() {
            name.push(".");
            name.push(extension);
        }
        path = wanted.with_file_name(name);
    }
    create_new(&path, bytes)?;
    Ok(path)
}

/// A partition's or entry's name as a path that every system takes and that stays below its folder.
pub(super) fn disk_path(name: &str) -> String {
    safe_path(name.as_bytes())
}

/// Whether the file holds exactly these bytes.
pub(super) fn holds(path: &Path, bytes: &[u8]) -> bool {
    read_whole(path, IMAGE_LIMIT).is_ok_and(|found| found == bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("files");
        let names = ["..", "../../x", "/etc/x", "", "a\0b", "con"];
        let file = |name: &&str| PackEntry {
            name: (*name).to_owned(),
            what: Packed::File(Source::Bytes((*b"x").into())),
        };
        let entries = names.iter().map(file).collect();
        let content = Content::Files(FilesContent {
            entries,
            ..FilesContent::default()
        });
        let Some(Content::Files(settled)) = settle_content(&content, &place).unwrap() else {
            panic!("files")
        };
        for (entry, name) in settled.entries.iter().zip(names) {
            assert_eq!(entry.name, name);
            let Packed::File(Source::Path(path)) = &entry.what else {
                panic!("{name}")
            };
            assert_eq!(path.parent(), Some(&*place), "{name}");
            assert_eq!(std::fs::read(path).unwrap(), b"x");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_different_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("a.txt");
        let write = |bytes: &[u8]| write_unless_there(&wanted, bytes).unwrap();
        assert_eq!(write(b"one"), wanted);
        assert_eq!(write(b"one"), wanted);
        assert_eq!(write(b"two"), folder.path().join("a-2.txt"));
        assert_eq!(write(b"three"), folder.path().join("a-3.txt"));
        assert_eq!(write(b"two"), folder.path().join("a-2.txt"));
        assert_eq!(std::fs::read(wanted).unwrap(), b"one");
    }
}
