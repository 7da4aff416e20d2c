//! Makes a project of whatever a person names: a project, a table, a firmware image with a table, a packed
//! image, or a folder. Of anything else it says what it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::near_path::absolute;
use super::project_file::{Loaded, load, sample};
use super::read_whole::{IMAGE_LIMIT, read_whole};
use super::{StoreError, table_file};
use crate::formats::bin_read;
use crate::formats::file_tree::{FileEntry, FileNode};
use crate::formats::format_error::FormatError;
use crate::formats::recognise::{Kind, Recognised, recognise};
use crate::formats::unpack::unpack;
use crate::model::partition_table::TableSettings;
use crate::model::problem::Problem;
use crate::model::project::{
    Content, FilesContent, PackEntry, PackFormat, Packed, Project, Source,
};

/// A project to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub project: Project,
    /// Where it is saved; `None` until the user has chosen.
    pub project_path: Option<PathBuf>,
    pub problems: Vec<Problem>,
    /// Files and folders that the user means to pack into the partition `bin`, as if they had been dropped on it.
    pub to_pack: Vec<PathBuf>,
}

/// What a path turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Project(Opened),
    /// A file that no project can be made of: to be looked at.
    File(SeenFile),
}

/// A file, what it was recognised as, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFile {
    pub path: PathBuf,
    pub recognised: Recognised,
    pub bytes: Arc<[u8]>,
}

/// Opens `path` as what its content says it is.
///
/// # Errors
/// It cannot be read, is larger than any flash, or is a damaged project, table or pack.
pub fn open_any(path: &Path) -> Result<Found, StoreError> {
    if path.is_dir() {
        return open_folder(path).map(Found::Project);
    }
    if has_extension(path, "flashpack") {
        return open_project(path).map(Found::Project);
    }
    let bytes = read_whole(path, IMAGE_LIMIT)?;
    let refused = |message: String, help: String| StoreError::Refused {
        path: path.to_path_buf(),
        message,
        help,
    };
    let recognised = recognise(&bytes);
    let kind = recognised.kind;
    if let Some(format) = container(kind) {
        let entries = image_entries(kind, &bytes)
            .map_err(|error| refused(error.to_string(), "Pack it anew from its files".into()))?;
        return Ok(Found::Project(from_entries(format, entries)));
    }
    let read = match table_file::from_bytes(&bytes, TableSettings::default(), None) {
        Ok(read) => read,
        // What was meant to be a table is told what is wrong with it.
        Err(problem) if kind == Kind::PartitionCsv || has_extension(path, "csv") => {
            return Err(refused(problem.message, problem.help));
        }
        Err(_) => {
            return Ok(Found::File(SeenFile {
                path: path.to_path_buf(),
                recognised,
                bytes: bytes.into(),
            }));
        }
    };
    let problems = read.notes();
    let project = Project {
        flash_size: flash_for(read.table.end()),
        table: Arc::new(read.table),
        ..bare_sample()
    };
    Ok(Found::Project(Opened {
        project,
        project_path: None,
        problems,
        to_pack: Vec::new(),
    }))
}

fn open_project(path: &Path) -> Result<Opened, StoreError> {
    let Loaded { project, problems } = load(path)?;
    Ok(Opened {
        project,
        project_path: Some(path.to_path_buf()),
        problems,
        to_pack: Vec::new(),
    })
}

/// The container that a kind of image is.
fn container(kind: Kind) -> Option<PackFormat> {
    match kind {
        Kind::Bin => Some(PackFormat::Bin),
        Kind::FlashFile => Some(PackFormat::FlashFile),
        Kind::Romfs => Some(PackFormat::Romfs),
        _ => None,
    }
}

/// The files of an image in memory, to be edited and packed again into the same container.
///
/// # Errors
/// One sentence: it is no container, or it is damaged.
pub fn files_of_image(image: &[u8]) -> Result<FilesContent, String> {
    let kind = recognise(image).kind;
    let Some(format) = container(kind) else {
        return Err(format!(
            "It holds no files: it is recognised as {}",
            kind.name()
        ));
    };
    let entries = image_entries(kind, image).map_err(|error| error.to_string())?;
    Ok(FilesContent {
        format,
        entries,
        ..FilesContent::default()
    })
}

/// The files of an image, in memory, to be edited and packed again.
fn image_entries(kind: Kind, image: &[u8]) -> Result<Vec<PackEntry>, FormatError> {
    if kind == Kind::Bin {
        return Ok(of_tree(bin_read::to_entries(image)?));
    }
    let mut entries = Vec::new();
    for file in unpack(image)?.files {
        put(&mut entries, &file.path, Source::Bytes(file.bytes.into()));
    }
    Ok(entries)
}

fn of_tree(tree: Vec<FileEntry>) -> Vec<PackEntry> {
    let one = |entry: FileEntry| PackEntry {
        name: entry.name,
        what: match entry.node {
            FileNode::File(bytes) => Packed::File(Source::Bytes(bytes)),
            FileNode::Folder(inside) => Packed::Folder(of_tree(inside)),
        },
    };
    tree.into_iter().map(one).collect()
}

/// Puts a file where its path says, making the folders on its way.
fn put(entries: &mut Vec<PackEntry>, path: &str, source: Source) {
    let Some((folder, rest)) = path.split_once('/') else {
        entries.push(PackEntry {
            name: path.to_owned(),
            what: Packed::File(source),
        });
        return;
    };
    for entry in entries.iter_mut().filter(|entry| entry.name == folder) {
        if let Packed::Folder(inside) = &mut entry.what {
            return put(inside, rest, source);
        }
    }
    let mut inside = Vec::new();
    put(&mut inside, rest, source);
    entries.push(PackEntry {
        name: folder.to_owned(),
        what: Packed::Folder(inside),
    });
}

fn from_entries(format: PackFormat, entries: Vec<PackEntry>) -> Opened {
    let mut project = bare_sample();
    let content = Content::Files(FilesContent {
        format,
        entries,
        ..FilesContent::default()
    });
    project.contents.insert("bin".to_owned(), Arc::new(content));
    Opened {
        project,
        project_path: None,
        problems: Vec::new(),
        to_pack: Vec::new(),
    }
}

/// A folder is the project in it, or files for the sample's layout.
fn open_folder(folder: &Path) -> Result<Opened, StoreError> {
    let mut projects = Vec::new();
    let mut to_pack = Vec::new();
    let failed = |source| StoreError::reading(folder, source);
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let path = absolute(&item.map_err(failed)?.path());
        if has_extension(&path, "flashpack") && path.is_file() {
            projects.push(path);
        } else if !is_hidden(&path) {
            to_pack.push(path);
        }
    }
    projects.sort();
    to_pack.sort();
    match projects.as_slice() {
        [] => Ok(Opened {
            project: bare_sample(),
            project_path: None,
            problems: Vec::new(),
            to_pack,
        }),
        [only] => open_project(only),
        [first, ..] => Err(StoreError::Content {
            path: folder.to_path_buf(),
            message: format!("holds {} projects", projects.len()),
            help: format!("Name one of them, such as {}", first.display()),
        }),
    }
}

/// The smallest flash that boards have and that holds so many bytes; 128 MB when none does.
fn flash_for(end: u64) -> u32 {
    (20..27)
        .map(|power| 1 << power)
        .find(|size| u64::from(*size) >= end)
        .unwrap_or(1 << 27)
}

/// The sample's board and layout, without contents.
fn bare_sample() -> Project {
    Project {
        contents: BTreeMap::new(),
        ..sample()
    }
}

/// `.git`, `.DS_Store` and their like are never meant.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project_of(path: &Path) -> Opened {
        match open_any(path).unwrap() {
            Found::Project(opened) => opened,
            Found::File(file) => panic!("only looked at: {file:?}"),
        }
    }

    #[test]
    fn a_table_becomes_a_project_for_the_flash_that_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(
            &path,
            "nvs, data, nvs, 0x9000, 0x6000\nbig, data, fat, 0x10000, 4M\n",
        )
        .unwrap();
        let opened = project_of(&path);
        assert_eq!(
            (opened.project.flash_size, opened.project.table.rows.len()),
            (8 << 20, 2)
        );
        assert!(opened.project.contents.is_empty() && opened.project_path.is_none());
    }

    #[test]
    fn a_folder_is_its_project_or_files_to_pack() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a", ".hidden"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let names = |opened: &Opened| -> Vec<_> {
            opened
                .to_pack
                .iter()
                .map(|path| path.file_name().unwrap().to_owned())
                .collect()
        };
        let opened = project_of(folder.path());
        assert_eq!(names(&opened), ["a", "b"]);
        let project = folder.path().join("p.flashpack");
        crate::store::project_file::save(&project, &sample()).unwrap();
        let opened = project_of(folder.path());
        assert_eq!(opened.project_path, Some(absolute(&project)));
        assert!(opened.to_pack.is_empty());
        std::fs::copy(&project, folder.path().join("q.flashpack")).unwrap();
        assert!(
            open_any(folder.path())
                .unwrap_err()
                .to_string()
                .contains("2 projects")
        );
    }

    #[test]
    fn an_image_becomes_the_files_in_it() {
        use crate::formats::{bin_image, romfs};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        let tree = || {
            vec![
                FileEntry::file("a", *b"one"),
                FileEntry::folder(
                    "d",
                    vec![
                        FileEntry::file("b", *b"two"),
                        FileEntry::file("c", *b"three"),
                    ],
                ),
            ]
        };
        let images = [
            (
                PackFormat::Bin,
                bin_image::build(&tree(), &bin_image::BinOptions::default(), None)
                    .unwrap()
                    .bytes,
            ),
            (PackFormat::Romfs, romfs::build(&tree(), None).unwrap()),
        ];
        for (format, bytes) in images {
            std::fs::write(&path, bytes).unwrap();
            let opened = project_of(&path);
            let expected = FilesContent {
                format,
                entries: of_tree(tree()),
                ..FilesContent::default()
            };
            assert_eq!(*opened.project.contents["bin"], Content::Files(expected));
        }
    }

    #[test]
    fn what_is_no_project_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noise");
        std::fs::write(&path, [0x9A; 5000]).unwrap();
        let Found::File(seen) = open_any(&path).unwrap() else {
            panic!("no project can be made of noise");
        };
        assert_eq!(
            (seen.recognised.kind, seen.bytes.len()),
            (Kind::Unknown, 5000)
        );
        assert_eq!(seen.path, path);
    }

    #[test]
    fn a_broken_table_is_told_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, [0x9A; 5000]).unwrap();
        assert!(matches!(open_any(&path), Err(StoreError::Refused { .. })));
    }
}
