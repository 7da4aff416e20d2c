//! What a Bin holds, asked through the reader that also runs on the chip.
//!
//! Here the answers of `device_agent::bin_image` become trees, paths and problems for people. A hostile image may let
//! many directories share their files, so a list stops at [`MAX_LISTED`] entries and says so.

mod verify;

use device_agent::bin_image::{
    Bin, ENTRY_SIZE, Entry, FLAG_RECORDS, FLAG_SORTED, MAX_DEPTH, find_path,
};
use device_agent::error::Error;
use device_agent::flash::Bytes;

use super::bin_image::{BinEntry, BinNode};
use super::file_tree::join;
use super::format_error::FormatError;
use crate::model::problem::{Place, Problem};

pub use verify::{Verdict, verify};

/// Entries that a list holds at most.
pub const MAX_LISTED: usize = 100_000;

const WHAT: &str = "Bin";

/// A file or nested Bin as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinFile {
    /// The name as the reader compares it, which need not be UTF-8.
    pub label: Vec<u8>,
    /// From the start of the outermost Bin.
    pub offset: u32,
    /// Bytes of data.
    pub size: u32,
    /// CRC-32 of the data as its check record has it, where the image has such records.
    pub crc32: Option<u32>,
    /// The files of a nested Bin. Without an index nobody can tell a Bin from a file, so it is listed as a file.
    pub children: Option<Vec<Self>>,
}

impl BinFile {
    /// The name for people; what is not UTF-8 becomes U+FFFD.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.label).into_owned()
    }
}

/// The directory of an image.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Listing {
    pub files: Vec<BinFile>,
    /// Directory entries, the index's own and the spare ones included; `None` without an index.
    pub capacity: Option<u32>,
    /// Names are found by binary search.
    pub sorted: bool,
    /// Every file has a check record.
    pub checked: bool,
    /// What could not be listed.
    pub problems: Vec<Problem>,
}

/// A file that was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// From the start of the outermost Bin.
    pub offset: u32,
    pub size: u32,
    /// As its check record has it.
    pub crc32: Option<u32>,
}

/// Lists an image; nested Bins are followed where they have an index. The size of the image is that of `image`, which
/// may be a whole partition.
///
/// # Errors
/// [`FormatError::Damaged`] when the outermost index contradicts itself.
pub fn list(image: &[u8]) -> Result<Listing, FormatError> {
    let mut flash = Bytes(image);
    let top = open(image)?;
    let mut walk = Walk {
        flash: &mut flash,
        left: MAX_LISTED,
        problems: Vec::new(),
    };
    let files = walk.folder(&top, "", 0);
    let problems = walk.problems;
    let index = top.index();
    let flag = |flag| index.is_some_and(|index| index.flags & flag != 0);
    Ok(Listing {
        files,
        capacity: index.map(|index| index.offset / ENTRY_SIZE),
        sorted: flag(FLAG_SORTED),
        checked: flag(FLAG_RECORDS),
        problems,
    })
}

/// Looks a path up the way the chip does: all that remains is tried as one name before it is split at `/`.
///
/// # Errors
/// [`FormatError::NotFound`], or [`FormatError::Damaged`] when what was found leaves the image.
pub fn find(image: &[u8], path: &str) -> Result<FoundFile, FormatError> {
    let mut flash = Bytes(image);
    let top = open(image)?;
    let found = find_path(&mut flash, &top, path.as_bytes()).map_err(|error| match error {
        Error::NotFound => FormatError::not_found(WHAT, path),
        other => FormatError::damaged(
            WHAT,
            0,
            format!("the look-up of “{path}” ended with: {other}"),
        ),
    })?;
    // A record that is not right is verify's to report; the file is there all the same.
    let record = found
        .bin
        .check_record(&mut flash, &found.entry)
        .unwrap_or_default();
    Ok(FoundFile {
        offset: found.flash_offset(),
        size: found.entry.size,
        crc32: record.map(|record| record.crc32),
    })
}

/// The bytes of a file.
///
/// # Errors
/// As [`find`].
pub fn extract<'a>(image: &'a [u8], path: &str) -> Result<&'a [u8], FormatError> {
    let found = find(image, path)?;
    let start = found.offset as usize;
    image
        .get(start..start.saturating_add(found.size as usize))
        .ok_or_else(|| {
            FormatError::damaged(
                WHAT,
                u64::from(found.offset),
                format!("“{path}” reaches outside"),
            )
        })
}

/// The entries of an image, to be edited and packed again. Nested Bins become folders.
///
/// # Errors
/// [`FormatError::Damaged`] when an entry lies outside, its name is not UTF-8, or the list is too long.
pub fn to_entries(image: &[u8]) -> Result<Vec<BinEntry>, FormatError> {
    let listing = list(image)?;
    if let Some(problem) = listing.problems.first() {
        return Err(FormatError::damaged(WHAT, 0, problem.message.clone()));
    }
    entries_of(image, &listing.files)
}

fn entries_of(image: &[u8], files: &[BinFile]) -> Result<Vec<BinEntry>, FormatError> {
    let damaged = |file: &BinFile, why: &str| {
        FormatError::damaged(
            WHAT,
            u64::from(file.offset),
            format!("“{}” {why}", file.name()),
        )
    };
    files
        .iter()
        .map(|file| {
            let name = String::from_utf8(file.label.clone())
                .map_err(|_cause| damaged(file, "is not a UTF-8 name"))?;
            let node = if let Some(children) = &file.children {
                BinNode::Folder(entries_of(image, children)?)
            } else {
                let start = file.offset as usize;
                let bytes = image.get(start..start.saturating_add(file.size as usize));
                BinNode::File(
                    bytes
                        .ok_or_else(|| damaged(file, "reaches outside"))?
                        .into(),
                )
            };
            Ok(BinEntry { name, node })
        })
        .collect()
}

fn open(image: &[u8]) -> Result<Bin, FormatError> {
    Bin::open(&mut Bytes(image), 0, len(image))
        .map_err(|_cause| FormatError::damaged(WHAT, 0, "its index contradicts its directory"))
}

fn len(image: &[u8]) -> u32 {
    u32::try_from(image.len()).unwrap_or(u32::MAX)
}

/// A walk through the directories that gives up in time.
struct Walk<'a, 'b> {
    flash: &'a mut Bytes<'b>,
    /// Entries that may still be listed.
    left: usize,
    problems: Vec<Problem>,
}

impl Walk<'_, '_> {
    fn folder(&mut self, bin: &Bin, path: &str, depth: usize) -> Vec<BinFile> {
        let mut files = Vec::new();
        let mut entries = bin.entries();
        loop {
            let entry = match entries.next(self.flash) {
                Ok(Some(entry)) => entry,
                Ok(None) => return files,
                Err(error) => {
                    self.problem(path, format!("The directory ends early: {error}"));
                    return files;
                }
            };
            if self.left == 0 {
                return files;
            }
            self.left -= 1;
            if self.left == 0 {
                self.problem(
                    path,
                    format!("There are more than {MAX_LISTED} entries; the rest is not listed"),
                );
            }
            let file = self.file(bin, &entry, path, depth);
            files.push(file);
        }
    }

    fn file(&mut self, bin: &Bin, entry: &Entry, folder: &str, depth: usize) -> BinFile {
        let label = entry.label().to_vec();
        let path = join(folder, &String::from_utf8_lossy(&label));
        let mut file = BinFile {
            label,
            offset: bin.start().saturating_add(entry.offset),
            size: entry.size,
            crc32: bin
                .check_record(self.flash, entry)
                .ok()
                .flatten()
                .map(|record| record.crc32),
            children: None,
        };
        match bin.child(self.flash, entry) {
            Ok(child) if child.index().is_some() && depth + 1 < MAX_DEPTH => {
                file.children = Some(self.folder(&child, &path, depth + 1));
            }
            Ok(_) => {}
            Err(_) if bin.region(entry).is_err() => {
                self.problem(&path, "This file reaches outside its image".to_owned());
            }
            Err(_) => self.problem(
                &path,
                "The index of this folder contradicts its directory".to_owned(),
            ),
        }
        file
    }

    fn problem(&mut self, path: &str, message: String) {
        let place = Place::File {
            partition: String::new(),
            path: path.to_owned(),
        };
        self.problems.push(Problem::error(place, message, ""));
    }
}
