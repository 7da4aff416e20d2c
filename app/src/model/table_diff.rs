//! What one partition table changes against another: for the screen before a table is written, and for `table diff`.
//!
//! [`diff`] says for each partition whether it is new, gone, moved, resized or changed; [`stranded`] says which data on
//! a board would no longer be found, and why. Partitions are the same when they have the same name, as for every
//! program that looks for them; one that was only renamed is recognised by its place.

use super::number::{hex, human_size};
use super::partition_table::{APP, DATA, PartitionTable, Placed};
use super::region::Region;
use super::table_names::{DATA_OTA, flags_text, subtype_name, type_name};

/// A partition on one side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Side {
    /// Number of its row, from 0.
    pub row: usize,
    pub name: String,
    pub kind: u8,
    pub subtype: u8,
    pub region: Region,
    pub flags: u32,
}

/// What became of one partition.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// In the old table; `None` if the partition is new.
    pub old: Option<Side>,
    /// In the new table; `None` if it is gone.
    pub new: Option<Side>,
}

impl Change {
    /// The partition's name, that of the new table first.
    pub fn name(&self) -> &str {
        self.new
            .as_ref()
            .or(self.old.as_ref())
            .map_or("", |side| side.name.as_str())
    }

    pub fn is_new(&self) -> bool {
        self.old.is_none()
    }

    pub fn is_gone(&self) -> bool {
        self.new.is_none()
    }

    pub fn is_moved(&self) -> bool {
        self.both(|old, new| old.region.offset != new.region.offset)
    }

    pub fn is_resized(&self) -> bool {
        self.both(|old, new| old.region.size != new.region.size)
    }

    /// Whether name, type, subtype or flags differ.
    pub fn is_changed(&self) -> bool {
        self.both(|old, new| {
            old.name != new.name
                || old.kind != new.kind
                || old.subtype != new.subtype
                || old.flags != new.flags
        })
    }

    fn both(&self, differs: impl Fn(&Side, &Side) -> bool) -> bool {
        matches!((&self.old, &self.new), (Some(old), Some(new)) if differs(old, new))
    }

    /// The change as one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let place = |side: &Side| {
            format!(
                "{} at {}",
                human_size(u64::from(side.region.size)),
                hex(side.region.offset)
            )
        };
        let (old, new) = match (&self.old, &self.new) {
            (None, Some(new)) => return format!("{} is new: {}", new.name, place(new)),
            (Some(old), None) => return format!("{} is gone: it was {}", old.name, place(old)),
            (Some(old), Some(new)) => (old, new),
            (None, None) => return String::new(),
        };
        let mut parts = Vec::new();
        if old.name != new.name {
            parts.push(format!("was named {}", old.name));
        }
        if self.is_moved() {
            parts.push(format!(
                "moves from {} to {}",
                hex(old.region.offset),
                hex(new.region.offset)
            ));
        }
        if self.is_resized() {
            let verb = if new.region.size > old.region.size {
                "grows"
            } else {
                "shrinks"
            };
            let size = |side: &Side| human_size(u64::from(side.region.size));
            parts.push(format!("{verb} from {} to {}", size(old), size(new)));
        }
        if (old.kind, old.subtype) != (new.kind, new.subtype) {
            parts.push(format!("changes from {} to {}", kind_of(old), kind_of(new)));
        }
        if old.flags != new.flags {
            let flags = |flags: u32| match flags_text(flags) {
                text if text.is_empty() => "none".to_owned(),
                text => text,
            };
            parts.push(format!(
                "changes its flags from {} to {}",
                flags(old.flags),
                flags(new.flags)
            ));
        }
        format!("{} {}", new.name, parts.join(", "))
    }
}

fn kind_of(side: &Side) -> String {
    format!(
        "{} {}",
        type_name(side.kind),
        subtype_name(side.kind, side.subtype)
    )
}

/// Data on a board that a new table would no longer give back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Stranded {
    /// The partition that it belongs to, by its old name.
    pub name: String,
    /// Where it lies now.
    pub region: Region,
    /// Whether it is an app, which a write brings again, or data, which only a backup brings back.
    pub is_app: bool,
    /// Why it is lost, and what happens to it, as one sentence without a full stop.
    pub why: String,
}

impl Stranded {
    /// Name, size, place and reason as one sentence without a full stop.
    pub fn sentence(&self) -> String {
        format!(
            "{}, {} at {}, is stranded: {}",
            self.name,
            human_size(u64::from(self.region.size)),
            hex(self.region.offset),
            self.why
        )
    }
}

/// Every partition that differs, in the order of the new table, those that are gone last.
pub fn diff(old: &PartitionTable, new: &PartitionTable) -> Vec<Change> {
    let pairs = pairs(old, new);
    pairs
        .into_iter()
        .filter(|change| {
            change.is_new()
                || change.is_gone()
                || change.is_moved()
                || change.is_resized()
                || change.is_changed()
        })
        .collect()
}

fn side(placed: &Placed<'_>) -> Side {
    let row = placed.row;
    Side {
        row: placed.index,
        // The chip sees 16 bytes; a name read back from a board has no more.
        name: String::from_utf8_lossy(row.stored_name()).into_owned(),
        kind: row.kind,
        subtype: row.subtype,
        region: placed.region,
        flags: row.flags,
    }
}

/// Every partition of both tables, each with its counterpart.
fn pairs(old: &PartitionTable, new: &PartitionTable) -> Vec<Change> {
    let mut olds: Vec<Option<Side>> = old
        .layout()
        .iter()
        .map(|placed| Some(side(placed)))
        .collect();
    let mut changes: Vec<Change> = new
        .layout()
        .iter()
        .map(|placed| {
            let new = side(placed);
            let same_name = olds
                .iter_mut()
                .find(|old| old.as_ref().is_some_and(|old| old.name == new.name));
            Change {
                old: same_name.and_then(Option::take),
                new: Some(new),
            }
        })
        .collect();
    // What is left may have been renamed: same place, same type.
    for change in changes.iter_mut().filter(|change| change.is_new()) {
        let Some(new) = &change.new else { continue };
        let same_place = olds.iter_mut().find(|old| {
            old.as_ref().is_some_and(|old| {
                old.region == new.region && old.kind == new.kind && old.subtype == new.subtype
            })
        });
        change.old = same_place.and_then(Option::take);
    }
    changes.extend(olds.into_iter().flatten().map(|old| Change {
        old: Some(old),
        new: None,
    }));
    changes
}

/// What a board with the table `old` would lose by getting the table `new`. `flash_size` in bytes, if known, allows to
/// tell about the file system that MicroPython makes behind the last partition.
pub fn stranded(
    old: &PartitionTable,
    new: &PartitionTable,
    flash_size: Option<u32>,
) -> Vec<Stranded> {
    let new_layout = new.layout();
    let mut all: Vec<Stranded> = pairs(old, new)
        .into_iter()
        .filter_map(|change| {
            let was = change.old.as_ref()?;
            let why = why_stranded(was, change.new.as_ref())?;
            let why = match overwriter(was, change.new.as_ref(), &new_layout) {
                Some(name) => format!("{why}; it is overwritten as soon as {name} is written"),
                None => why,
            };
            Some(Stranded {
                name: was.name.clone(),
                region: was.region,
                is_app: was.kind == APP,
                why,
            })
        })
        .collect();
    all.extend(run_time_file_system(old, new, flash_size));
    all
}

fn why_stranded(old: &Side, new: Option<&Side>) -> Option<String> {
    if old.region.size == 0 {
        return None;
    }
    let Some(new) = new else {
        return Some(match old.kind {
            APP => format!("there is no partition {} any more", old.name),
            _ => format!(
                "there is no partition {} any more, and nothing finds its data",
                old.name
            ),
        });
    };
    if (old.kind, old.subtype) != (new.kind, new.subtype) {
        return Some(format!(
            "{} is taken for {} instead of {} from then on",
            new.name,
            kind_of(new),
            kind_of(old)
        ));
    }
    if old.region.offset != new.region.offset {
        return Some(match (old.kind, old.subtype) {
            (APP, _) => format!(
                "the app has to be written again, to {}",
                hex(new.region.offset)
            ),
            (DATA, DATA_OTA) => "the choice of the app to start is forgotten".to_owned(),
            _ => format!(
                "{} starts at {} from then on, where this data is not",
                new.name,
                hex(new.region.offset)
            ),
        });
    }
    if new.region.size < old.region.size {
        let lost = human_size(u64::from(old.region.size - new.region.size));
        return Some(format!(
            "the last {lost} are cut off, and a file system that used them no longer mounts"
        ));
    }
    if old.name != new.name {
        return Some(format!(
            "it is named {} from then on, and programs that look for {} do not find it",
            new.name, old.name
        ));
    }
    None
}

/// The first partition of the new table, other than its own successor in the same place, that covers the old data.
fn overwriter<'a>(old: &Side, successor: Option<&Side>, layout: &[Placed<'a>]) -> Option<&'a str> {
    let is_successor = |placed: &Placed<'_>| successor.is_some_and(|new| new.row == placed.index);
    layout
        .iter()
        .find(|placed| placed.region.overlaps(old.region) && !is_successor(placed))
        .map(|placed| placed.row.name.as_str())
}

/// MicroPython 1.29 and later, whose tables have no row for it, makes its file system from the end of the last
/// partition to the end of the flash (`docs/formats.md`).
fn run_time_file_system(
    old: &PartitionTable,
    new: &PartitionTable,
    flash_size: Option<u32>,
) -> Option<Stranded> {
    let flash_size = u64::from(flash_size?);
    let has_row = |table: &PartitionTable| {
        table
            .rows
            .iter()
            .any(|row| row.kind == DATA && matches!(row.name.as_str(), "vfs" | "ffat"))
    };
    let (old_end, new_end) = (old.end(), new.end());
    if old.rows.is_empty() || has_row(old) || old_end >= flash_size || old_end == new_end {
        return None;
    }
    let region = Region::new(
        u32::try_from(old_end).ok()?,
        u32::try_from(flash_size - old_end).ok()?,
    );
    let why = if has_row(new) {
        "if MicroPython 1.29 or later made its file system there: the new table has a partition of its own for it, elsewhere".to_owned()
    } else {
        format!(
            "if MicroPython 1.29 or later made its file system there: it begins at {} from then on, and the files are lost",
            hex(new_end)
        )
    };
    // A row for exactly this place gives the file system a name; nothing is lost.
    let same = new.layout().iter().any(|placed| {
        placed.region == region && matches!(placed.row.name.as_str(), "vfs" | "ffat")
    });
    (!same).then(|| Stranded {
        name: "vfs (made at run time)".to_owned(),
        region,
        is_app: false,
        why,
    })
}
