//! Decides where data lies in a Bin: arithmetic on offsets only, no bytes.
//!
//! All offsets are from the start of the Bin and 64 bits wide, so that a pack that is far too large is measured and
//! refused rather than wrapped.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};

use device_agent::bin_image::{ENTRY_SIZE, INDEX_SIZE};

use crate::model::region::SECTOR;

/// What one entry asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Want {
    /// Bytes of data and check record.
    pub need: u64,
    /// Bytes to leave free behind, a multiple of the alignment; given only where there is nothing behind yet.
    pub room: u64,
    /// Where it would like to stay.
    pub stay: Option<u64>,
}

/// Where everything lies.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    /// One offset for each [`Want`], in the same order.
    pub offsets: Vec<u64>,
    /// One past the last byte in use, rounded up to the alignment.
    pub end: u64,
    /// The room that was left behind the very last entry, not counted in `end`.
    pub last_room: u64,
}

/// Places everything one after the other.
pub(super) fn in_order(start: u64, wants: &[Want], alignment: u64) -> Placed {
    let mut placed = Placed {
        offsets: Vec::with_capacity(wants.len()),
        end: start,
        last_room: 0,
    };
    for want in wants {
        placed.append(want, alignment);
    }
    placed
}

/// Places everything one after the other, in an order in which few files lie across the border of a sector: a file that
/// is edited then costs as few sectors as it can. Takes the file that fills the rest of a sector best, again and again.
///
/// For the outermost Bin only; where the sectors of a nested one begin is not known yet.
pub(super) fn by_sectors(start: u64, wants: &[Want], alignment: u64) -> Placed {
    let sector = u64::from(SECTOR);
    let mut placed = Placed {
        offsets: vec![0; wants.len()],
        end: start,
        last_room: 0,
    };
    // By the bytes that a file needs in its last sector; files that need equally many stay in their order.
    let mut waiting: BTreeMap<u64, VecDeque<usize>> = BTreeMap::new();
    for (index, want) in wants.iter().enumerate() {
        waiting
            .entry((want.need + sector - 1) % sector + 1)
            .or_default()
            .push_back(index);
    }
    while !waiting.is_empty() {
        let offset = (placed.end + placed.last_room).next_multiple_of(alignment);
        let fits = waiting.range(..=sector - offset % sector).next_back();
        // Where none fits, the smallest goes across the border.
        let Some(last) = fits
            .or_else(|| waiting.first_key_value())
            .map(|(last, _)| *last)
        else {
            break;
        };
        let Entry::Occupied(mut same) = waiting.entry(last) else {
            break;
        };
        if let Some(index) = same.get_mut().pop_front() {
            placed.offsets[index] = placed.append_at_end(&wants[index], alignment);
        }
        if same.get().is_empty() {
            same.remove();
        }
    }
    placed
}

/// Leaves everything where it wants to stay, as far as it fits there; puts the rest into the first hole that takes
/// it, the largest first, and what fits nowhere at the end.
pub(super) fn around(start: u64, wants: &[Want], alignment: u64) -> Placed {
    let mut placed = Placed {
        offsets: vec![0; wants.len()],
        end: start,
        last_room: 0,
    };
    let mut staying: Vec<(u64, usize)> = wants
        .iter()
        .enumerate()
        .filter_map(|(index, want)| Some((want.stay?, index)))
        .collect();
    staying.sort_unstable();

    // From the back, so that the room of each is known: up to the next that stays.
    let mut next_start = u64::MAX;
    let mut stays = vec![false; wants.len()];
    for (offset, index) in staying.iter().rev() {
        let Some(want) = wants.get(*index) else {
            continue;
        };
        if *offset >= start && offset.is_multiple_of(alignment) && offset + want.need <= next_start
        {
            next_start = *offset;
            placed.offsets[*index] = *offset;
            stays[*index] = true;
        }
    }

    let mut holes = Vec::new();
    for (offset, index) in staying.into_iter().filter(|(_, index)| stays[*index]) {
        if offset > placed.end {
            holes.push(placed.end..offset);
        }
        placed.end = (offset + wants[index].need).next_multiple_of(alignment);
    }

    let mut moving: Vec<usize> = (0..wants.len()).filter(|index| !stays[*index]).collect();
    moving.sort_by_key(|index| std::cmp::Reverse(wants[*index].need));
    for index in moving {
        let want = &wants[index];
        // A hole ends where something lies, so the last file in it needs no padding.
        if let Some(hole) = holes
            .iter_mut()
            .find(|hole| hole.end - hole.start >= want.need)
        {
            placed.offsets[index] = hole.start;
            hole.start = (hole.start + want.need)
                .next_multiple_of(alignment)
                .min(hole.end);
        } else {
            placed.offsets[index] = placed.append_at_end(want, alignment);
        }
    }
    placed
}

impl Placed {
    fn append(&mut self, want: &Want, alignment: u64) {
        let offset = self.append_at_end(want, alignment);
        self.offsets.push(offset);
    }

    fn append_at_end(&mut self, want: &Want, alignment: u64) -> u64 {
        let offset = (self.end + self.last_room).next_multiple_of(alignment);
        self.end = (offset + want.need).next_multiple_of(alignment);
        self.last_room = want.room;
        offset
    }
}

/// First byte behind directory and index, rounded up to the alignment.
pub(super) fn data_start(capacity: u64, alignment: u64) -> u64 {
    (capacity * u64::from(ENTRY_SIZE) + u64::from(INDEX_SIZE)).next_multiple_of(alignment)
}

/// Directory entries for so many files: the index's own, the files', and the spare ones.
pub(super) fn capacity_for(files: u64, spare: bool) -> u64 {
    let spare = if spare {
        (files * 3).div_ceil(100).max(8)
    } else {
        1
    };
    1 + files + spare
}

/// Shares `budget` bytes of room among entries, a thirtieth of its size to each but at least 32 bytes, in steps of the
/// alignment. Where the budget is short, each gets its share of it; what is less than a step goes to the next one.
pub(super) fn share_room(
    sizes: impl Iterator<Item = u64> + Clone,
    budget: u64,
    alignment: u64,
) -> Vec<u64> {
    let wish = |size: u64| (size / 30).clamp(32, 4096).next_multiple_of(alignment);
    let total: u64 = sizes.clone().map(wish).sum();
    let mut saved = 0;
    sizes
        .map(|size| {
            let granted = if total <= budget {
                wish(size)
            } else {
                wish(size) * budget / total
            };
            saved += granted;
            let room = saved - saved % alignment;
            saved -= room;
            room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(need: u64, stay: Option<u64>) -> Want {
        Want {
            need,
            room: 0,
            stay,
        }
    }

    #[test]
    fn what_outgrew_its_room_takes_the_first_hole_that_fits() {
        let wants = [
            want(16, Some(64)),
            want(40, Some(80)),
            want(16, Some(112)),
            want(16, Some(256)),
        ];
        let placed = around(64, &wants, 16);
        assert_eq!(placed.offsets, [64, 128, 112, 256]);
        assert_eq!(placed.end, 272);
    }

    #[test]
    fn what_fits_nowhere_goes_to_the_end() {
        let placed = around(
            64,
            &[want(16, Some(64)), want(64, None), want(16, Some(96))],
            16,
        );
        assert_eq!(placed.offsets, [64, 112, 96]);
        assert_eq!(placed.end, 176);
    }

    #[test]
    fn a_larger_directory_pushes_out_only_what_lies_in_its_way() {
        let placed = around(128, &[want(16, Some(96)), want(16, Some(128))], 16);
        assert_eq!(placed.offsets, [144, 128]);
    }

    #[test]
    fn few_files_lie_across_sectors() {
        let wants: Vec<Want> = (0..200)
            .map(|number| want(300 + number * 37 % 3_000, None))
            .collect();
        let across = |placed: &Placed| {
            let sector = |offset: u64| offset / 4096;
            placed
                .offsets
                .iter()
                .zip(&wants)
                .filter(|(offset, want)| sector(**offset) != sector(**offset + want.need - 1))
                .count()
        };
        let (sorted, packed) = (in_order(3_376, &wants, 16), by_sectors(3_376, &wants, 16));
        assert!(
            across(&packed) * 4 < across(&sorted) * 3,
            "{} of {}",
            across(&packed),
            across(&sorted)
        );
        assert_eq!(packed.end, sorted.end);
        let mut offsets = packed.offsets.clone();
        offsets.sort_unstable();
        offsets.dedup();
        assert_eq!(offsets.len(), wants.len());
    }

    #[test]
    fn the_last_file_may_grow_where_it_is() {
        let placed = around(64, &[want(16, Some(64)), want(5000, Some(80))], 16);
        assert_eq!(placed.offsets, [64, 80]);
    }

    #[test]
    fn room_never_exceeds_its_budget() {
        for (count, size, budget) in [
            (1000u64, 350u64, 10_000u64),
            (200, 4788, 46_000),
            (3, 100_000, 50),
            (0, 0, 10),
        ] {
            let rooms = share_room((0..count).map(|_| size), budget, 16);
            assert!(rooms.iter().sum::<u64>() <= budget);
            assert!(rooms.iter().all(|room| room % 16 == 0));
        }
        assert_eq!(share_room([100u64, 9000].into_iter(), 1000, 16), [32, 304]);
    }
}
