//! Packs the containers that are not a Bin: the Particle Electron's flash-file and MicroPython's ROMFS.

use super::pack::{Change, PackJob, PackedEntry, PackedImage, load_entries};
use crate::formats::file_tree::{FileEntry, FileNode, join};
use crate::formats::flash_file::{self, FlashFileOptions};
use crate::formats::romfs;
use crate::model::problem::Problem;
use crate::model::project::FilesContent;

/// A flash-file; the fixed date keeps its bytes reproducible.
pub(super) fn flash_file(job: &PackJob, files: &FilesContent) -> PackedImage {
    let entries = match load_entries(job, &files.entries) {
        Ok(entries) => entries,
        Err(problems) => return failed(problems),
    };
    let defaults = FlashFileOptions::default();
    let options = FlashFileOptions {
        made: job.date,
        one_date: true,
        limit: job
            .limit
            .map_or(defaults.limit, |limit| limit.min(defaults.limit)),
    };
    match flash_file::build(&flash_file::inputs_of(&entries, job.date), &options) {
        Err(problems) => failed(problems),
        Ok(built) => PackedImage {
            used: built.bytes.len() as u64,
            entries: built
                .files
                .iter()
                .map(|file| PackedEntry {
                    path: file.name.clone(),
                    offset: file.offset,
                    size: file.size,
                    crc32: crc32fast::hash(
                        flash_file::bytes_of(&built.bytes, file).unwrap_or_default(),
                    ),
                    folder: false,
                    change: Change::New,
                    wasted: 0,
                })
                .collect(),
            problems: built.notes,
            bytes: built.bytes.into(),
            ..PackedImage::default()
        },
    }
}

/// A ROMFS.
pub(super) fn romfs(job: &PackJob, files: &FilesContent) -> PackedImage {
    let entries = match load_entries(job, &files.entries) {
        Ok(entries) => entries,
        Err(problems) => return failed(problems),
    };
    match romfs::build(&entries, job.limit) {
        Err(problems) => failed(problems),
        Ok(bytes) => {
            let mut listed = Vec::new();
            list(&bytes, &entries, "", &mut listed);
            PackedImage {
                used: bytes.len() as u64,
                entries: listed,
                bytes: bytes.into(),
                ..PackedImage::default()
            }
        }
    }
}

/// Where each file came to lie, asked of the reader.
fn list(image: &[u8], entries: &[FileEntry], folder: &str, listed: &mut Vec<PackedEntry>) {
    for entry in entries {
        let path = join(folder, &entry.name);
        match &entry.node {
            FileNode::Folder(inside) => list(image, inside, &path, listed),
            FileNode::File(_) => {
                let Ok(bytes) = romfs::extract(image, &path) else {
                    continue;
                };
                let offset = bytes.as_ptr().addr() - image.as_ptr().addr();
                listed.push(PackedEntry {
                    path,
                    offset: offset as u32,
                    size: bytes.len() as u32,
                    crc32: crc32fast::hash(bytes),
                    folder: false,
                    change: Change::New,
                    wasted: 0,
                });
            }
        }
    }
}

fn failed(problems: Vec<Problem>) -> PackedImage {
    PackedImage {
        problems,
        ..PackedImage::default()
    }
}
