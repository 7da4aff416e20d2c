//! Files and folders in memory, as every packer takes them.

use std::sync::Arc;

/// A file or a folder to be packed, under the name it gets in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// One name, not a path, unless the packer's options say otherwise.
    pub name: String,
    pub node: FileNode,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileNode {
    File(Arc<[u8]>),
    /// Becomes a nested Bin, or a directory of a ROMFS.
    Folder(Vec<FileEntry>),
}

impl FileEntry {
    /// A file.
    pub fn file(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            name: name.into(),
            node: FileNode::File(bytes.into()),
        }
    }

    /// A folder.
    pub fn folder(name: impl Into<String>, entries: Vec<Self>) -> Self {
        Self {
            name: name.into(),
            node: FileNode::Folder(entries),
        }
    }
}

/// Path of an entry inside an image: `folder/name`.
pub fn join(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (false, true) => folder.to_owned(),
        (false, false) => format!("{folder}/{name}"),
    }
}

/// Bytes of all files together.
pub fn total_size(entries: &[FileEntry]) -> u64 {
    entries
        .iter()
        .map(|entry| match &entry.node {
            FileNode::File(bytes) => bytes.len() as u64,
            FileNode::Folder(inner) => total_size(inner),
        })
        .sum()
}
