//! Finds what a folder was called before, so that a rename costs its parent's directory and nothing else.
//!
//! A file under another name is known by its bytes. A folder's bytes are made anew, around those of an older nested Bin:
//! this file says which one that is. A wrong guess costs sectors, never correctness.

use super::previous::{self, Previous};
use super::{BinEntry, BinNode, BinOptions, name};

/// The older nested Bin that a folder continues: the one of its name; else, of those whose name nobody has any more,
/// the one that holds most of the same, if that is at least half of either.
pub(super) fn folder_before<'a>(
    previous: &Previous<'a>,
    siblings: &[BinEntry],
    folder: &BinEntry,
    inside: &[BinEntry],
    options: &BinOptions,
) -> Option<&'a [u8]> {
    let stored = name::stored(&folder.name, options);
    if let Some(same_name) = previous.nested(stored) {
        return Some(same_name);
    }
    let is_taken = |stored: &[u8; 8]| {
        siblings
            .iter()
            .any(|sibling| name::stored(&sibling.name, options) == *stored)
    };
    previous
        .entries
        .iter()
        .filter(|old| !is_taken(&old.stored))
        .filter_map(|old| {
            let before = previous::read(old.bytes).ok()?;
            let common = in_common(&before, inside, options);
            let enough = common * 2 >= inside.len().min(before.entries.len()) && common > 0;
            enough.then_some((common, old.bytes))
        })
        // Of equal ones the first.
        .rev()
        .max_by_key(|(common, _)| *common)
        .map(|(_, bytes)| bytes)
}

/// Entries of the same name that hold the same, or that are folders.
fn in_common(before: &Previous<'_>, inside: &[BinEntry], options: &BinOptions) -> usize {
    let is_same = |entry: &&BinEntry| {
        let old = before.nested(name::stored(&entry.name, options));
        match (&entry.node, old) {
            (BinNode::File(bytes), Some(old)) => **bytes == *old,
            (BinNode::Folder(_), Some(old)) => previous::read(old).is_ok(),
            (_, None) => false,
        }
    };
    inside.iter().filter(is_same).count()
}
