//! A backup on disk: the image under the name that was chosen, and its manifest beside it under that name with
//! `.json` behind it. An image without its manifest is no finished backup: the manifest is written last.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StoreError;
use super::read_whole::{IMAGE_LIMIT, TEXT_LIMIT, read_whole};
use super::replace::replace;
use crate::formats::backup::{self, Manifest};

/// The manifest's file of a backup's image.
pub fn manifest_path(image: &Path) -> PathBuf {
    let mut name = image.as_os_str().to_os_string();
    name.push(".json");
    name.into()
}

/// Forgets the manifest of an older backup, so that it is never taken for that of the image which comes next.
///
/// # Errors
/// When there is one that cannot be removed.
pub fn forget_manifest(image: &Path) -> Result<(), StoreError> {
    let path = manifest_path(image);
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::writing(&path, source))
        }
        _ => Ok(()),
    }
}

/// Finishes a backup whose image is in place.
///
/// # Errors
/// When the manifest cannot be written.
pub fn finish(image: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    replace(&manifest_path(image), &backup::write(manifest))
}

/// Reads a backup; its image is what the manifest says, byte for byte. Either of the two files may be named.
///
/// # Errors
/// When one of them is missing or cannot be read, or when they do not belong together.
pub fn load(path: &Path) -> Result<(Manifest, Arc<[u8]>), StoreError> {
    let image = match path.extension() {
        Some(extension) if extension == "json" => path.with_extension(""),
        _ => path.to_path_buf(),
    };
    let bytes = read_whole(&image, IMAGE_LIMIT)?;
    let manifest_path = manifest_path(&image);
    let text = match read_whole(&manifest_path, TEXT_LIMIT) {
        Err(StoreError::Missing { .. }) => {
            return Err(StoreError::Content {
                path: image,
                message: format!(
                    "is no whole backup: its manifest {} is not there",
                    manifest_path.display()
                ),
                help: "Make the backup again; a plain image is written with flashpack write OFFSET=FILE"
                    .into(),
            });
        }
        other => other?,
    };
    let content = |path: PathBuf, message| StoreError::Content {
        path,
        message,
        help: "Take both files from where the backup was made once more".into(),
    };
    let manifest = backup::read(&text).map_err(|message| content(manifest_path, message))?;
    backup::check(&manifest, &bytes).map_err(|message| content(image, message))?;
    Ok((manifest, bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::chip::{BoardIdentity, Chip};
    use crate::model::region::Region;

    #[test]
    fn a_backup_is_read_by_either_name_and_only_whole() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("board.bin");
        let board = BoardIdentity::of_chip(Chip::Esp32c3, None);
        let regions = [("nvs".to_owned(), Region::new(0x9000, 3))];
        let made = backup::manifest(&board, None, &regions, b"abc", None).unwrap();
        replace(&image, b"abc").unwrap();
        let error = load(&image).unwrap_err();
        assert!(error.to_string().contains("board.bin.json"), "{error}");
        finish(&image, &made).unwrap();
        for path in [image.clone(), folder.path().join("board.bin.json")] {
            let (manifest, bytes) = load(&path).unwrap();
            assert_eq!((manifest, &bytes[..]), (made.clone(), &b"abc"[..]));
        }
        replace(&image, b"abd").unwrap();
        assert!(load(&image).unwrap_err().to_string().contains("nvs"));
        forget_manifest(&image).unwrap();
        forget_manifest(&image).unwrap();
        assert!(load(&image).is_err());
    }
}
