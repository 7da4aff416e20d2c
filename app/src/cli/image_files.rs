//! The files in an image, whatever container it is: what `inspect`, `find` and `unpack` have in common.

use device_agent::bin_image::RECORD_SIZE;
use serde::Serialize;

use crate::formats::bin_read::{self, BinFile};
use crate::formats::file_tree::join;
use crate::formats::flash_file;
use crate::formats::format_error::FormatError;
use crate::formats::recognise::Kind;
use crate::formats::romfs::{self, RomfsFile, RomfsNode};
use crate::model::region::SECTOR;

/// A file or folder of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageFile {
    /// Path inside the image.
    pub name: String,
    /// From the start of the outermost image; null for a folder that has no bytes of its own.
    pub offset: Option<u32>,
    pub size: Option<u32>,
    /// CRC-32 (zlib) as the image has it recorded.
    pub crc32: Option<u32>,
    pub folder: bool,
    /// Bytes that carry nothing, up to the next file; null where free space follows, and for a folder without bytes.
    pub wasted: Option<u32>,
}

/// Whether a container of this kind can be listed here.
pub fn can_list(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bin | Kind::FlashFile | Kind::Romfs | Kind::Erased
    )
}

/// Every file of an image, folders before what they hold.
pub fn list(kind: Kind, image: &[u8]) -> Result<Vec<ImageFile>, FormatError> {
    let mut files = Vec::new();
    match kind {
        Kind::FlashFile => {
            let entries = flash_file::read(image)?.files;
            files.extend(entries.into_iter().map(|entry| ImageFile {
                name: entry.name,
                offset: Some(entry.offset),
                size: Some(entry.size),
                crc32: None,
                folder: false,
                wasted: Some(0),
            }));
        }
        Kind::Romfs => romfs_level(&romfs::read(image)?, "", &mut files),
        // A Bin has no magic number: what nobody else claims is read as one.
        _ => {
            let end = u32::try_from(image.len()).ok();
            bin_level(&bin_read::list(image)?.files, "", end, &mut files);
        }
    }
    Ok(files)
}

/// One file, found the way the chip finds it.
pub fn find(kind: Kind, image: &[u8], path: &str) -> Result<ImageFile, FormatError> {
    if !matches!(kind, Kind::FlashFile | Kind::Romfs) {
        let found = bin_read::find(image, path)?;
        return Ok(ImageFile {
            name: path.to_owned(),
            offset: Some(found.offset),
            size: Some(found.size),
            crc32: found.crc32,
            folder: false,
            wasted: None,
        });
    }
    let found = list(kind, image)?
        .into_iter()
        .find(|file| file.name == path);
    found.ok_or_else(|| FormatError::NotFound {
        what: kind.name(),
        path: path.to_owned(),
    })
}

fn bin_level(entries: &[BinFile], folder: &str, end: Option<u32>, files: &mut Vec<ImageFile>) {
    let mut starts: Vec<u32> = entries.iter().map(|entry| entry.offset).collect();
    starts.sort_unstable();
    for entry in entries {
        let name = join(folder, &entry.name());
        let own_end = entry.offset.saturating_add(entry.size);
        let record = entry.crc32.map_or(0, |_| RECORD_SIZE);
        let used = own_end.checked_add(record);
        let next = starts.get(starts.partition_point(|start| *start < own_end));
        files.push(ImageFile {
            name: name.clone(),
            offset: Some(entry.offset),
            size: Some(entry.size),
            crc32: entry.crc32,
            folder: entry.children.is_some(),
            wasted: next
                .copied()
                .or(end)
                .zip(used)
                .map(|(next, used)| next.saturating_sub(used))
                // Behind the last file of a whole partition lies free space.
                .filter(|wasted| next.is_some() || !folder.is_empty() || *wasted < SECTOR),
        });
        let children = entry.children.as_deref().unwrap_or_default();
        bin_level(children, &name, Some(own_end), files);
    }
}

fn romfs_level(entries: &[RomfsFile], folder: &str, files: &mut Vec<ImageFile>) {
    for entry in entries {
        let name = join(folder, &entry.name());
        let mut file = ImageFile {
            name: name.clone(),
            offset: None,
            size: None,
            crc32: None,
            folder: true,
            wasted: None,
        };
        match &entry.node {
            RomfsNode::Folder(inside) => {
                files.push(file);
                romfs_level(inside, &name, files);
            }
            RomfsNode::File { offset, size } => {
                file.folder = false;
                file.offset = u32::try_from(*offset).ok();
                file.size = u32::try_from(*size).ok();
                file.wasted = u32::try_from(entry.wasted).ok();
                files.push(file);
            }
        }
    }
}
