//! What building an image came to: the bytes, and everything that a person wants to know about them.

use serde::Serialize;

use crate::model::problem::Problem;
use crate::model::region::SECTOR;

use super::level::Level;

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltBin {
    pub bytes: Vec<u8>,
    /// Every file, and every folder before its files, sorted as the image is; in compatible form as typed.
    pub entries: Vec<EntryReport>,
    pub totals: Totals,
    /// What packing everything anew would be worth; `None` when it would save nothing.
    pub compaction: Option<Compaction>,
    /// Things to tell: why a previous image was not kept, or was given up.
    pub notes: Vec<Problem>,
}

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryReport {
    /// Path inside the image, `folder/file`.
    pub path: String,
    /// From the start of the outermost Bin.
    pub offset: u32,
    /// Bytes of data; of a folder, of its nested Bin.
    pub size: u32,
    /// CRC-32 (zlib) of the data.
    pub crc32: u32,
    /// Bytes behind the data and its check record up to the next entry: padding, room to grow, a hole.
    pub wasted: u32,
    pub is_folder: bool,
    #[serde(rename = "where")]
    pub place: Where,
}

/// Where an entry lies, compared with the previous image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// There was no entry of that name.
    New,
    /// Same place, same bytes.
    Kept,
    /// Same place, other bytes.
    Changed,
    /// Another place.
    Moved,
}

/// Sums over the whole image, nested Bins included. Bytes, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Files in all folders.
    pub files: usize,
    /// Sum of the sizes of the files.
    pub payload: u64,
    /// Everything that is not slack: directories, check records, padding, data.
    pub used: u64,
    /// Spare directory entries, room to grow, holes.
    pub slack: u64,
    /// Bytes of removed or older files that still lie in the slack, because erasing them would cost a sector each.
    pub stale: u64,
    /// Number of holes: gaps larger than the room that a fresh pack would leave there.
    pub holes: usize,
    /// Sectors of flash that the image covers.
    pub sectors: usize,
    /// How many of them differ from the previous image, when there was one.
    pub sectors_changed: Option<usize>,
}

/// What *Compact* would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Compaction {
    /// Bytes by which the image would be smaller.
    pub saves: u64,
    /// Sectors that would have to be written.
    pub rewrites_sectors: usize,
}

impl Compaction {
    pub(super) fn worth(fresh: Level<'_>, built: &BuiltBin, max_len: u64) -> Option<Self> {
        let saves = (built.bytes.len() as u64)
            .checked_sub(fresh.len())
            .filter(|saves| *saves > 0)?;
        if fresh.len() > max_len {
            return None;
        }
        let fresh = fresh.into_built(|_| ()).bytes;
        Some(Self {
            saves,
            rewrites_sectors: changed_sectors(&fresh, &built.bytes).count(),
        })
    }
}

/// Numbers of the sectors of `new` that differ from what `old` has there. Bytes that `old` does not have count as
/// erased; bytes behind the end of `new` are nobody's business.
pub fn changed_sectors<'a>(new: &'a [u8], old: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let sector = SECTOR as usize;
    new.chunks(sector)
        .enumerate()
        .filter_map(move |(number, chunk)| {
            let old = old.get(number * sector..).unwrap_or_default();
            let common = chunk.len().min(old.len());
            let (head, tail) = chunk.split_at(common);
            let same = old.get(..common) == Some(head) && tail.iter().all(|byte| *byte == 0xFF);
            (!same).then_some(number)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_bytes_count_as_erased() {
        let new = vec![0xFF; 9000];
        assert_eq!(changed_sectors(&new, &[]).count(), 0);
        let mut other = new.clone();
        other[8999] = 0;
        assert_eq!(changed_sectors(&other, &new).collect::<Vec<_>>(), [2]);
        assert_eq!(changed_sectors(&new[..8999], &other).count(), 0);
    }
}
