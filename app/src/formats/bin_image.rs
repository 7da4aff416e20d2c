//! Builds a Bin: files in flash, found by name and read in place, without a file system.
//!
//! The layout is that of the seed project's `bin_pack.py` (a directory of 16-byte entries, then the data), used with
//! both of the freedoms that its reader leaves: entries stand sorted behind an index named `!`, and data lies where
//! it lay before, so that an edit changes few sectors. `docs/formats.md` states the layout byte by byte.
//!
//! This file is the door: what goes in, what comes out, and the order of attempts. [`name`] judges names, `previous`
//! understands an older image, `place` decides where data lies, `level` writes one Bin, `compat` writes one exactly
//! as the seed does. Reading is `bin_read`'s, through the same library that runs on the chip.

mod compat;
mod keep;
mod level;
pub mod name;
mod place;
mod previous;
mod renamed;
mod report;
mod stale;

use super::file_tree::total_size;
use crate::model::number::human_size;
use crate::model::problem::{Place, Problem, Severity, any_error};

pub use super::file_tree::{FileEntry as BinEntry, FileNode as BinNode};
use level::Level;
pub use report::{BuiltBin, Compaction, EntryReport, Totals, Where, changed_sectors};

/// How to build.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, named where it is set"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinOptions {
    /// Alignment of file data in bytes: 4, 16, 32 or 4096.
    pub alignment: u32,
    /// As `bin_pack.py` writes it: no index, no check records, no room to grow, order as given, names as typed.
    pub compat: bool,
    /// Cut names at 8 bytes instead of refusing them. With `compat` as the seed does, in the middle of a character
    /// if need be and even when two names become one; without it at a character, and duplicates stay refused.
    pub cut_names: bool,
    /// Accept `/` inside a name; the readers try the whole path as one name first.
    pub slash_in_names: bool,
    /// Erase bytes of removed and older files wherever they lie. Otherwise they stay in sectors that would have to be
    /// rewritten only for that, and a note says how many there are.
    pub erase_removed: bool,
    /// Bytes that the image may have: the size of its partition.
    pub limit: Option<u32>,
    /// Name of the partition, for the places of problems; may be empty.
    pub partition: String,
}

impl Default for BinOptions {
    fn default() -> Self {
        Self {
            alignment: 16,
            compat: false,
            cut_names: false,
            slash_in_names: false,
            erase_removed: false,
            limit: None,
            partition: String::new(),
        }
    }
}

/// How generous one attempt is with space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    /// Leave room behind files, so that they can grow in place.
    growth: bool,
    /// Leave spare directory entries beyond the one that ends the directory.
    spare_entries: bool,
}

/// Builds an image of `entries`.
///
/// With a `previous` image, unchanged files keep their place and what that image has free is used first; if the
/// result would be larger than the limit, it is packed anew, and a note says so. The same input gives the same bytes.
/// `previous` may be longer than its image (a whole partition read from a board), and may be anything at all: what
/// is not an intact Bin of ours is not kept, and a note says why.
///
/// # Errors
/// Everything that is wrong with the input, at once: names that the reader could not find, duplicates, an alignment
/// that does not exist, files that do not fit.
pub fn build(
    entries: &[BinEntry],
    options: &BinOptions,
    previous: Option<&[u8]>,
) -> Result<BuiltBin, Vec<Problem>> {
    let mut problems = name::check_tree(entries, options);
    if ![4, 16, 32, 4096].contains(&options.alignment) {
        problems.push(Problem::error(
            options.place(""),
            format!(
                "An alignment of {} bytes is not possible",
                options.alignment
            ),
            "Use 4, 16, 32 or 4096",
        ));
    }
    // Before anything is laid out, so that the rest need not think of packs beyond 4 GiB.
    if total_size(entries) > options.max_len() {
        problems.push(options.too_large(total_size(entries)));
    }
    if any_error(&problems) {
        return Err(problems);
    }
    if options.compat {
        return finish(
            compat::write(entries, options),
            entries,
            options,
            previous,
            problems,
        );
    }
    let kept_from = previous.and_then(|image| match previous::read(image) {
        Ok(_) => Some(image),
        Err(reason) => {
            problems.push(Problem::new(
                Severity::Note,
                options.place(""),
                format!("Packed anew, because the previous image {reason}"),
                "",
            ));
            None
        }
    });
    let mut attempts = Vec::with_capacity(5);
    if kept_from.is_some() {
        attempts.push((
            kept_from,
            Room {
                growth: true,
                spare_entries: true,
            },
        ));
        attempts.push((
            kept_from,
            Room {
                growth: false,
                spare_entries: true,
            },
        ));
    }
    attempts.push((
        None,
        Room {
            growth: true,
            spare_entries: true,
        },
    ));
    attempts.push((
        None,
        Room {
            growth: false,
            spare_entries: true,
        },
    ));
    attempts.push((
        None,
        Room {
            growth: false,
            spare_entries: false,
        },
    ));

    let mut smallest = u64::MAX;
    for (image, room) in attempts {
        let level = Level::new(entries, options, image, room, 0);
        if level.len() <= options.max_len() {
            if kept_from.is_some() && image.is_none() {
                problems.push(Problem::new(
                    Severity::Note,
                    options.place(""),
                    "Packed anew, because with every file in its old place the image would not fit",
                    "",
                ));
            }
            return finish(level, entries, options, previous, problems);
        }
        smallest = smallest.min(level.len());
    }
    problems.push(options.too_large(smallest));
    Err(problems)
}

impl BinOptions {
    /// Place of a problem: an entry's path, or the image as a whole.
    fn place(&self, path: &str) -> Place {
        if path.is_empty() && !self.partition.is_empty() {
            Place::Partition {
                name: self.partition.clone(),
            }
        } else {
            Place::File {
                partition: self.partition.clone(),
                path: path.to_owned(),
            }
        }
    }

    /// Address FFFF FFFF ends a directory, so an image stays below it even without a limit.
    fn max_len(&self) -> u64 {
        u64::from(self.limit.unwrap_or(u32::MAX - 1).min(u32::MAX - 1))
    }

    fn too_large(&self, len: u64) -> Problem {
        let over = len - self.max_len();
        let target = if self.partition.is_empty() {
            "the partition".to_owned()
        } else {
            format!("the partition “{}”", self.partition)
        };
        Problem::error(
            self.place(""),
            format!(
                "The files need {} and {target} has {}",
                human_size(len),
                human_size(self.max_len())
            ),
            format!(
                "Remove at least {}, or make the partition larger",
                human_size(over)
            ),
        )
    }
}

fn finish(
    level: Level<'_>,
    entries: &[BinEntry],
    options: &BinOptions,
    previous: Option<&[u8]>,
    mut problems: Vec<Problem>,
) -> Result<BuiltBin, Vec<Problem>> {
    if level.len() > options.max_len() {
        problems.push(options.too_large(level.len()));
        return Err(problems);
    }
    let kept = level.is_kept();
    let mut gaps = Vec::new();
    let mut built = level.into_built(|gap| gaps.push(gap));
    if let Some(image) = previous.filter(|_| kept && !options.erase_removed) {
        built.totals.stale = stale::keep(&mut built.bytes, &gaps, image);
        problems.extend(stale::note(built.totals.stale, options));
    }
    built.notes = problems;
    built.totals.sectors_changed =
        previous.map(|image| changed_sectors(&built.bytes, image).count());
    if kept {
        let fresh = Level::new(
            entries,
            options,
            None,
            Room {
                growth: true,
                spare_entries: true,
            },
            0,
        );
        built.compaction = Compaction::worth(fresh, &built, options.max_len());
    }
    Ok(built)
}
