//! Packs the containers that are not a Bin: the Particle Electron's flash-file and MicroPython's ROMFS.

use std::collections::BTreeMap;

use super::pack::{Change, PackJob, PackedEntry, PackedImage, load_entries};
use crate::formats::file_tree::join;
use crate::formats::flash_file::{self, FlashFileEntry, FlashFileOptions};
use crate::formats::romfs::{self, RomfsFile, RomfsNode};
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
        Ok(built) => {
            let entry =
                |file: &FlashFileEntry| entry(&built.bytes, &file.name, file.offset, file.size);
            let mut entries: Vec<PackedEntry> = built.files.iter().filter_map(entry).collect();
            if let Some(previous) = job.previous.as_deref() {
                let old = flash_file::read(previous)
                    .map(|old| old.files)
                    .unwrap_or_default();
                let old = old
                    .iter()
                    .filter_map(|file| self::entry(previous, &file.name, file.offset, file.size));
                compare(&mut entries, old);
            }
            PackedImage {
                used: built.bytes.len() as u64,
                entries,
                plain: true,
                problems: built.notes,
                bytes: built.bytes.into(),
                ..PackedImage::default()
            }
        }
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
            let mut entries = Vec::new();
            let tree = romfs::read(&bytes).unwrap_or_default();
            list(&bytes, &tree, "", &mut entries);
            if let Some(previous) = job.previous.as_deref() {
                let mut old = Vec::new();
                list(
                    previous,
                    &romfs::read(previous).unwrap_or_default(),
                    "",
                    &mut old,
                );
                compare(&mut entries, old.into_iter());
            }
            PackedImage {
                used: bytes.len() as u64,
                entries,
                plain: true,
                bytes: bytes.into(),
                ..PackedImage::default()
            }
        }
    }
}

/// Where each file came to lie, asked of the reader.
fn list(image: &[u8], files: &[RomfsFile], folder: &str, listed: &mut Vec<PackedEntry>) {
    for file in files {
        let path = join(folder, &file.name());
        match &file.node {
            RomfsNode::Folder(inside) => list(image, inside, &path, listed),
            RomfsNode::File { offset, size } => {
                let entry = entry(image, &path, *offset as u32, *size as u32);
                listed.extend(entry.map(|entry| PackedEntry {
                    wasted: file.wasted as u32,
                    ..entry
                }));
            }
        }
    }
}

/// One file; `None` when it does not lie in the image. A flash-file has no padding, so that nothing is wasted.
fn entry(image: &[u8], path: &str, offset: u32, size: u32) -> Option<PackedEntry> {
    let start = offset as usize;
    let bytes = image.get(start..start.checked_add(size as usize)?)?;
    Some(PackedEntry {
        path: path.to_owned(),
        offset,
        size,
        crc32: crc32fast::hash(bytes),
        folder: false,
        change: Change::New,
        wasted: 0,
        sectors_changed: None,
    })
}

/// Says what became of each file, compared with the files of the previous image.
fn compare(entries: &mut [PackedEntry], old: impl Iterator<Item = PackedEntry>) {
    let old: BTreeMap<String, PackedEntry> = old.map(|entry| (entry.path.clone(), entry)).collect();
    for entry in entries {
        entry.change = match old.get(&entry.path) {
            None => Change::New,
            Some(old) if old.offset != entry.offset => Change::Moved,
            Some(old) if (old.size, old.crc32) == (entry.size, entry.crc32) => Change::Same,
            Some(_) => Change::Changed,
        };
    }
}

fn failed(problems: Vec<Problem>) -> PackedImage {
    PackedImage {
        problems,
        ..PackedImage::default()
    }
}
