//! Takes files out of an image and puts them into a folder: never out of it, never over what is there.

use std::path::Path;

use super::StoreError;
use super::tree::{self, Existing, write_tree};
use crate::formats::unpack::{safe_path, unpack};
use crate::model::problem::Problem;

/// What was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// Number of files written.
    pub files: usize,
    /// Names that had to be changed, and files that could not be taken out.
    pub problems: Vec<Problem>,
}

/// Writes the files of `image` below `into`; with `only`, that file or folder of the image alone.
///
/// # Errors
/// When the image is not a container, has nothing of that name, or when something is in the way in the folder; what is
/// there is replaced only when `existing` says so.
pub fn extract(
    image: &[u8],
    only: Option<&str>,
    into: &Path,
    existing: Existing,
) -> Result<Extracted, StoreError> {
    let (files, folders, problems) = wanted(image, only, into)?;
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), *bytes))
        .collect();
    write_tree(into, &files, &folders, existing)?;
    Ok(Extracted {
        files: files.len(),
        problems,
    })
}

/// The files that [`extract`] would write and that are there already, by their paths below `into`.
///
/// # Errors
/// When the image is not a container, or has nothing of that name.
pub fn taken(image: &[u8], only: Option<&str>, into: &Path) -> Result<Vec<String>, StoreError> {
    let (files, ..) = wanted(image, only, into)?;
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    Ok(tree::taken(into, &paths))
}

/// Files, empty folders, and what there is to say.
type Wanted<'a> = (Vec<(String, &'a [u8])>, Vec<String>, Vec<Problem>);

fn wanted<'a>(image: &'a [u8], only: Option<&str>, into: &Path) -> Result<Wanted<'a>, StoreError> {
    let refused = |message: String, help: &str| StoreError::Refused {
        path: into.to_path_buf(),
        message,
        help: help.to_owned(),
    };
    let unpacked = unpack(image).map_err(|error| {
        refused(
            format!("Nothing was taken out: {error}"),
            "Export the image as it is instead",
        )
    })?;
    let wanted = only.map(|path| safe_path(path.as_bytes()));
    let is_wanted = |path: &str| {
        wanted.as_ref().is_none_or(|wanted| {
            path.strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let files: Vec<(String, &[u8])> = unpacked
        .files
        .into_iter()
        .filter(|file| is_wanted(&file.path))
        .map(|file| (file.path, file.bytes))
        .collect();
    let folders: Vec<String> = unpacked
        .empty_folders
        .into_iter()
        .filter(|folder| is_wanted(folder))
        .collect();
    if let Some(path) = only.filter(|_| files.is_empty() && folders.is_empty()) {
        return Err(refused(
            format!("The image has no “{path}”"),
            "Pack it first, or choose another file",
        ));
    }
    Ok((files, folders, unpacked.problems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::bin_image::{BinEntry, BinOptions, build};

    #[test]
    fn one_or_all_come_out_and_nothing_is_overwritten() {
        let entries = [
            BinEntry::file("a", *b"first"),
            BinEntry::folder("deep", vec![BinEntry::file("b", *b"second")]),
        ];
        let image = build(&entries, &BinOptions::default(), None).unwrap().bytes;
        let folder = tempfile::tempdir().unwrap();
        let one = extract(&image, Some("deep/b"), folder.path(), Existing::Refuse).unwrap();
        assert_eq!(one.files, 1);
        assert_eq!(
            std::fs::read(folder.path().join("deep/b")).unwrap(),
            b"second"
        );
        assert!(!folder.path().join("a").exists());
        std::fs::write(folder.path().join("deep/b"), b"mine").unwrap();
        extract(&image, None, folder.path(), Existing::Refuse).unwrap_err();
        assert_eq!(taken(&image, None, folder.path()).unwrap(), ["deep/b"]);
        assert!(taken(&image, Some("a"), folder.path()).unwrap().is_empty());
        assert_eq!(
            std::fs::read(folder.path().join("deep/b")).unwrap(),
            b"mine"
        );
        assert!(!folder.path().join("a").exists(), "all or nothing");
        extract(&image, Some("none"), folder.path(), Existing::Refuse).unwrap_err();
        taken(&image, Some("none"), folder.path()).unwrap_err();
        let text = b"no image at all, only text";
        extract(text, None, folder.path(), Existing::Replace).unwrap_err();
        extract(&image, None, folder.path(), Existing::KeepBoth).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("deep/b"), read("deep/b~2")),
            (b"mine".to_vec(), b"second".to_vec())
        );
        extract(&image, Some("deep"), folder.path(), Existing::Replace).unwrap();
        assert_eq!(read("deep/b"), b"second");
    }
}
