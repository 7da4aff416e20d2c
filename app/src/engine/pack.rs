//! Loads and packs what goes into one partition, and tells everything worth saying about it.
//!
//! The command line calls [`pack`] directly; the window uses the packer thread of [`super::packer`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::elf::{self, AppFor};
use super::load;
pub use super::load::entries_from_paths;
pub use super::packer::Packer;
use super::sector_cost;
use crate::formats::bin_image::{self, BinOptions, Compaction, Where};
use crate::formats::file_tree::{FileEntry, FileNode};
use crate::formats::recognise::{Recognised, recognise};
use crate::model::number::human_size;
use crate::model::problem::{Place, Problem, any_error};
use crate::model::project::{Content, FilesContent, PackEntry, PackFormat, Packed, Source};

/// What to pack.
#[derive(Clone, Debug)]
pub struct PackJob {
    /// The partition's name; newer jobs of the same name replace older ones.
    pub partition: String,
    pub content: Arc<Content>,
    /// Bytes that the partition has; `None` packs without a limit.
    pub limit: Option<u32>,
    /// An image whose offsets are kept where possible.
    pub previous: Option<Arc<[u8]>>,
    /// Unix seconds that a flash-file carries; fixed, so that its bytes are reproducible.
    pub date: u32,
    /// Cut names at 8 bytes instead of refusing them.
    pub cut_names: bool,
    /// What an app partition belongs to; `None` for other partitions, where an ELF file is only bytes.
    pub app_for: Option<AppFor>,
}

/// What became of an entry, compared with the previous image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    New,
    Same,
    Changed,
    Moved,
}

/// One entry of a packed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedEntry {
    /// Path inside the image.
    pub path: String,
    /// From the start of the image, in bytes.
    pub offset: u32,
    pub size: u32,
    /// CRC-32 (zlib) of the bytes.
    pub crc32: u32,
    pub folder: bool,
    pub change: Change,
    /// Bytes behind the data up to the next entry: padding, room to grow, a hole.
    pub wasted: u32,
    /// Sectors under the data and its check record that differ from the previous image; `None` without one.
    pub sectors_changed: Option<usize>,
}

/// The bytes of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PackedImage {
    /// Empty when there is a problem of severity error.
    pub bytes: Arc<[u8]>,
    pub entries: Vec<PackedEntry>,
    /// Bytes that carry something.
    pub used: u64,
    /// Bytes inside the image that are free.
    pub slack: u64,
    /// Sectors that differ from the previous image.
    pub sectors_changed: Option<usize>,
    /// What packing anew would save.
    pub compaction: Option<Compaction>,
    /// What an image that is written as it is turns out to be.
    pub recognised: Option<Recognised>,
    /// Files lie without check records behind them.
    pub plain: bool,
    /// What it would be in a partition with room for it, if room is all that is missing.
    pub too_large: Option<TooLarge>,
    pub problems: Vec<Problem>,
}

/// An image that does not fit: what is needed to see which file is the large one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TooLarge {
    /// Of the whole image, in bytes; the slack is part of the size.
    pub size: u64,
    pub slack: u64,
    /// Bytes of each file, by its path.
    pub files: BTreeMap<String, u32>,
}

impl PackedImage {
    fn failed(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            ..Self::default()
        }
    }
}

/// Loads and packs.
pub fn pack(job: &PackJob) -> PackedImage {
    let mut image = match &*job.content {
        Content::Raw(source) => raw(job, source),
        Content::Files(files) => {
            let mut image = packed_files(job, files);
            if job.limit.is_some() && image.bytes.is_empty() && any_error(&image.problems) {
                image.too_large = too_large(job, files);
            }
            image
        }
    };
    if let Some(previous) = job.previous.as_deref() {
        sector_cost::count(&mut image, previous);
    }
    image
}

fn packed_files(job: &PackJob, files: &FilesContent) -> PackedImage {
    match files.format {
        PackFormat::Bin => bin(job, files),
        PackFormat::FlashFile => super::pack_other::flash_file(job, files),
        PackFormat::Romfs => super::pack_other::romfs(job, files),
    }
}

/// What the files need; `None` if they could not be packed into any partition.
fn too_large(job: &PackJob, files: &FilesContent) -> Option<TooLarge> {
    let job = PackJob {
        limit: None,
        ..job.clone()
    };
    let image = packed_files(&job, files);
    let fits = !any_error(&image.problems);
    fits.then(|| TooLarge {
        size: image.bytes.len() as u64,
        slack: image.slack,
        files: image
            .entries
            .into_iter()
            .filter(|entry| !entry.folder)
            .map(|entry| (entry.path, entry.size))
            .collect(),
    })
}

fn raw(job: &PackJob, source: &Source) -> PackedImage {
    let place = Place::Partition {
        name: job.partition.clone(),
    };
    let bytes = match load::bytes(source) {
        Ok(bytes) => bytes,
        Err((message, help)) => {
            return PackedImage::failed(vec![Problem::error(place, message, help)]);
        }
    };
    let bytes = match job.app_for.filter(|_| elf::is_elf(&bytes)) {
        None => bytes,
        Some(target) => match elf::app_image(&bytes, target) {
            Ok(image) => image,
            Err((message, help)) => {
                return PackedImage::failed(vec![Problem::error(place, message, help)]);
            }
        },
    };
    let mut problems = Vec::new();
    if let Some(limit) = job
        .limit
        .filter(|limit| bytes.len() as u64 > u64::from(*limit))
    {
        problems.push(Problem::error(
            place,
            format!(
                "The file has {} and the partition “{}” has {}",
                human_size(bytes.len() as u64),
                job.partition,
                human_size(u64::from(limit))
            ),
            "Make the partition larger, or use a smaller file",
        ));
        return PackedImage::failed(problems);
    }
    PackedImage {
        used: bytes.len() as u64,
        recognised: Some(recognise(&bytes)),
        bytes,
        problems,
        ..PackedImage::default()
    }
}

fn bin(job: &PackJob, files: &FilesContent) -> PackedImage {
    let entries = match load_entries(job, &files.entries) {
        Ok(entries) => entries,
        Err(problems) => return PackedImage::failed(problems),
    };
    let options = BinOptions {
        alignment: files.alignment,
        compat: files.compat,
        cut_names: job.cut_names,
        erase_removed: files.erase_removed,
        slash_in_names: files.compat,
        limit: job.limit,
        partition: job.partition.clone(),
    };
    match bin_image::build(&entries, &options, job.previous.as_deref()) {
        Err(problems) => PackedImage::failed(problems),
        Ok(built) => PackedImage {
            entries: built
                .entries
                .into_iter()
                .map(|entry| PackedEntry {
                    path: entry.path,
                    offset: entry.offset,
                    size: entry.size,
                    crc32: entry.crc32,
                    folder: entry.is_folder,
                    change: match entry.place {
                        Where::New => Change::New,
                        Where::Kept => Change::Same,
                        Where::Changed => Change::Changed,
                        Where::Moved => Change::Moved,
                    },
                    wasted: entry.wasted,
                    sectors_changed: None,
                })
                .collect(),
            used: built.totals.used,
            slack: built.totals.slack,
            sectors_changed: built.totals.sectors_changed,
            compaction: built.compaction,
            recognised: None,
            plain: files.compat,
            too_large: None,
            problems: built.notes,
            bytes: built.bytes.into(),
        },
    }
}

/// Reads every file of a tree; all that cannot be read is said at once.
pub(super) fn load_entries(
    job: &PackJob,
    entries: &[PackEntry],
) -> Result<Vec<FileEntry>, Vec<Problem>> {
    let mut problems = Vec::new();
    let loaded = load_level(job, entries, "", &mut problems);
    if problems.is_empty() {
        Ok(loaded)
    } else {
        Err(problems)
    }
}

fn load_level(
    job: &PackJob,
    entries: &[PackEntry],
    folder: &str,
    problems: &mut Vec<Problem>,
) -> Vec<FileEntry> {
    let mut loaded = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = format!("{folder}{}", entry.name);
        let node = match &entry.what {
            Packed::Folder(inside) => {
                FileNode::Folder(load_level(job, inside, &format!("{path}/"), problems))
            }
            Packed::File(source) => match load::bytes(source) {
                Ok(bytes) => FileNode::File(bytes),
                Err((message, help)) => {
                    let place = Place::File {
                        partition: job.partition.clone(),
                        path,
                    };
                    problems.push(Problem::error(place, message, help));
                    continue;
                }
            },
        };
        loaded.push(FileEntry {
            name: entry.name.clone(),
            node,
        });
    }
    loaded
}
