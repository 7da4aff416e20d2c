//! What a project file holds: the board, the partition table, and what goes into each partition.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::chip::Chip;
use super::partition_table::PartitionTable;

/// The user's document. Cloning is cheap where it matters: rows and bytes sit behind `Arc`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Project {
    pub chip: Chip,
    /// Bytes of flash that the layout is made for.
    pub flash_size: u32,
    pub table: Arc<PartitionTable>,
    /// What goes into a partition, by its name. A partition without an entry is left as it is on the board.
    pub contents: BTreeMap<String, Arc<Content>>,
}

/// What goes into one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Files packed into one image.
    Files(FilesContent),
    /// A file written as it is.
    Raw(Source),
}

/// A container that files are packed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PackFormat {
    /// The seed project's Bin: read in place through the MMU.
    #[default]
    Bin,
    /// The Particle Electron's flash-file image.
    FlashFile,
    /// MicroPython's ROMFS.
    Romfs,
}

/// Files for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesContent {
    pub format: PackFormat,
    pub entries: Vec<PackEntry>,
    /// Alignment of file data in bytes: 4, 16, 32 or 4096.
    pub alignment: u32,
    /// A Bin as the seed project's `bin_pack.py` writes it: no index, no check records, order as given.
    pub compat: bool,
    /// Erase what removed and older files left behind in a Bin, whatever sectors that costs.
    pub erase_removed: bool,
}

impl Default for FilesContent {
    fn default() -> Self {
        Self {
            format: PackFormat::Bin,
            entries: Vec::new(),
            alignment: 16,
            compat: false,
            erase_removed: false,
        }
    }
}

/// A file or a folder to be packed, under the name it gets in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackEntry {
    /// In a Bin 1 to 8 bytes of UTF-8, in a flash-file up to 31.
    pub name: String,
    pub what: Packed,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    File(Source),
    /// Becomes a nested Bin, or a directory of a ROMFS.
    Folder(Vec<PackEntry>),
}

/// Where the bytes of a file come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file on disk, read when the image is made.
    Path(PathBuf),
    /// Bytes in hand, such as a file taken out of an image; written to disk when the project is saved.
    Bytes(Arc<[u8]>),
}
