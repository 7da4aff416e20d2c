//! Which entries of a previous image are those of the new one, and where each would like to stay.

use std::collections::HashMap;

use super::level::Item;
use super::place::{Placed, Want};
use super::previous::Previous;
use super::report::Where;

/// Says for each item where it would like to stay: where its bytes lie already, under whatever name; else where an
/// entry of its name lies.
pub(super) fn stay_with(previous: &Previous<'_>, items: &[Item<'_>], wants: &mut [Want]) {
    let named: Vec<Option<usize>> = items
        .iter()
        .map(|item| previous.find(item.stored))
        .collect();
    let mut claims = Claims {
        previous,
        free: vec![true; previous.entries.len()],
    };
    for ((item, want), named) in items.iter().zip(wants.iter_mut()).zip(&named) {
        claims.claim(want, named.filter(|index| claims.holds(*index, item)));
    }
    // Renamed and swapped files: their bytes are there, but not under their name.
    let mut by_content = claims.free_by_content(wants);
    for (item, want) in items
        .iter()
        .zip(wants.iter_mut())
        .filter(|(item, want)| want.stay.is_none() && item.size() > 0)
    {
        let same = by_content.get_mut(&(item.data.bytes().len(), item.crc32));
        claims.claim(
            want,
            same.and_then(|same| same.pop_if(|index| claims.holds(*index, item))),
        );
    }
    // The rest changed.
    for (want, named) in wants
        .iter_mut()
        .zip(named)
        .filter(|(want, _)| want.stay.is_none())
    {
        claims.claim(want, named.filter(|index| claims.free[*index]));
    }
}

/// Which entries of the previous image nobody has claimed yet.
struct Claims<'a, 'b> {
    previous: &'a Previous<'b>,
    free: Vec<bool>,
}

impl Claims<'_, '_> {
    fn holds(&self, index: usize, item: &Item<'_>) -> bool {
        self.previous.entries[index].bytes == item.data.bytes()
    }

    fn claim(&mut self, want: &mut Want, index: Option<usize>) {
        if let Some(index) = index {
            want.stay = Some(u64::from(self.previous.entries[index].offset));
            self.free[index] = false;
        }
    }

    /// Free entries by length and CRC-32; empty when every item has its place. The first of equal files comes last.
    fn free_by_content(&self, wants: &[Want]) -> HashMap<(usize, u32), Vec<usize>> {
        let mut by_content: HashMap<_, Vec<usize>> = HashMap::new();
        if wants.iter().any(|want| want.stay.is_none()) {
            for (index, old) in self
                .previous
                .entries
                .iter()
                .enumerate()
                .rev()
                .filter(|(index, _)| self.free[*index])
            {
                by_content
                    .entry((old.bytes.len(), crc32fast::hash(old.bytes)))
                    .or_default()
                    .push(index);
            }
        }
        by_content
    }
}

/// Tells each item what became of it.
pub(super) fn note_places(previous: &Previous<'_>, placed: &Placed, items: &mut [Item<'_>]) {
    for (item, offset) in items.iter_mut().zip(&placed.offsets) {
        let old = previous
            .find(item.stored)
            .and_then(|index| previous.entries.get(index));
        item.place = match old {
            None => Where::New,
            Some(old) if u64::from(old.offset) != *offset => Where::Moved,
            Some(old) if old.bytes == item.data.bytes() => Where::Kept,
            Some(_) => Where::Changed,
        };
    }
}

/// Length of a nested Bin: as before while it has little more than the room a fresh one would have.
pub(super) fn nested_len(placed: &Placed, previous: Option<&Previous<'_>>, budget: u64) -> u64 {
    let with_room = placed.end + placed.last_room;
    match previous.map(|previous| previous.image.len() as u64) {
        Some(before) if before >= placed.end && before - placed.end <= budget.max(256) => before,
        _ => with_room,
    }
}
