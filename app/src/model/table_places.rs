//! The places of all rows as plain regions, for edits on the map: who is in whose way, who gives way, and how places
//! get back into the rows with as few changed cells as possible.
//!
//! [`commit`] leaves an offset empty where it comes out right by itself, and puts rows in the order that ESP-IDF wants.

use std::sync::Arc;

use super::partition_table::{Extent, Offset, PartitionTable, Row, Size};
use super::problem::Column;
use super::table_arrange::Limits;
use super::table_cell::forget_unread;
use super::table_check::place_is_known;
use super::table_edit::Edit;
use super::table_row_order::relocate_row;

/// The wanted place of a row; 64 bits wide, because rows may reach past 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub start: u64,
    pub end: u64,
    pub unit: u64,
    /// The row's offset is computed: when others are pushed, it follows.
    pub follows: bool,
    /// Bootloader and table rows, and rows that cannot be read, stay where they are and are in nobody's way.
    pub fixed: bool,
}

pub(super) fn places(table: &PartitionTable) -> Vec<Place> {
    table
        .layout()
        .iter()
        .map(|placed| Place {
            start: u64::from(placed.region.offset),
            end: placed.region.end(),
            unit: u64::from(placed.row.offset_unit()),
            follows: placed.row.offset == Offset::Auto,
            fixed: placed.row.is_primary() || !place_is_known(placed.row),
        })
        .collect()
}

/// The start nearest to `wanted` at which the partition is in nobody's way.
pub(super) fn nearest_free(
    places: &[Place],
    index: usize,
    wanted: u64,
    first: u64,
    limit: u64,
) -> Option<u64> {
    let own = places.get(index)?;
    let len = own.end - own.start;
    let mut taken: Vec<(u64, u64)> = places
        .iter()
        .enumerate()
        .filter(|(other, place)| *other != index && !place.fixed && place.end > place.start)
        .map(|(_, place)| (place.start, place.end))
        .collect();
    taken.sort_unstable();
    taken.push((limit, limit));
    let mut best: Option<u64> = None;
    let mut free_from = first;
    for (start, end) in taken {
        let from = free_from.next_multiple_of(own.unit);
        if let Some(room) = start.min(limit).checked_sub(len)
            && from <= room
        {
            let candidate = wanted.clamp(from, room / own.unit * own.unit);
            if best.is_none_or(|best| candidate.abs_diff(wanted) < best.abs_diff(wanted)) {
                best = Some(candidate);
            }
        }
        free_from = free_from.max(end);
    }
    best
}

/// Where a partition that is pushed onto others comes to lie: in front of a partition whose first half it hits, behind
/// one whose second half it hits.
pub(super) fn land_between(places: &[Place], index: usize, wanted: u64) -> u64 {
    let hit = places
        .iter()
        .enumerate()
        .filter(|(other, place)| *other != index && !place.fixed)
        .map(|(_, place)| place)
        .find(|place| place.start < wanted && wanted < place.end);
    match hit {
        Some(place) if wanted - place.start < (place.end - place.start) / 2 => place.start,
        Some(place) => place.end,
        None => wanted,
    }
}

/// Makes all partitions behind this one give way upwards, as far as needed.
pub(super) fn push_up(
    table: &PartitionTable,
    places: &mut [Place],
    index: usize,
    limits: &Limits,
) -> Result<(), String> {
    let Some(pusher) = places.get(index).copied() else {
        return Ok(());
    };
    let mut behind: Vec<usize> = (0..places.len())
        .filter(|other| {
            let place = places.get(*other);
            // One that starts before, but reaches into it, was hit in its first half and gives way too.
            let is_behind = |place: &Place| place.start >= pusher.start || place.end > pusher.start;
            *other != index && place.is_some_and(|place| !place.fixed && is_behind(place))
        })
        .collect();
    behind.sort_by_key(|other| places.get(*other).map(|place| place.start));
    let mut end = pusher.end;
    // Of a table that was too large before, nobody demands that it fits now.
    let others_fit = places
        .iter()
        .enumerate()
        .all(|(other, place)| other == index || place.fixed || place.end <= limits.end());
    for other in behind {
        let Some(place) = places.get_mut(other) else {
            continue;
        };
        let len = place.end - place.start;
        if place.start < end || place.follows {
            place.start = end.next_multiple_of(place.unit);
            place.end = place.start + len;
        }
        end = end.max(place.end);
        if end > limits.end() && others_fit {
            let name = table
                .rows
                .get(other)
                .map_or("a partition", |row| row.shown_name());
            return Err(format!(
                "There is no room: {name} would be pushed beyond the end of the flash"
            ));
        }
    }
    if end > limits.end() && others_fit {
        return Err("There is no room: it would end beyond the flash".to_owned());
    }
    Ok(())
}

/// Makes all partitions in front of this one give way downwards, as far as needed.
pub(super) fn push_down(
    table: &PartitionTable,
    places: &mut [Place],
    index: usize,
) -> Result<(), String> {
    let Some(pusher) = places.get(index).copied() else {
        return Ok(());
    };
    let mut ahead: Vec<usize> = (0..places.len())
        .filter(|other| {
            let place = places.get(*other);
            *other != index
                && place.is_some_and(|place| {
                    !place.fixed && place.end <= pusher.end && place.start < pusher.end
                })
        })
        .collect();
    ahead.sort_by_key(|other| std::cmp::Reverse(places.get(*other).map(|place| place.start)));
    let first = u64::from(table.settings.first_usable());
    let mut start = pusher.start;
    for other in ahead {
        let Some(place) = places.get_mut(other) else {
            continue;
        };
        let len = place.end - place.start;
        if place.end > start {
            let new = start
                .checked_sub(len)
                .map(|new| new / place.unit * place.unit)
                .filter(|new| *new >= first);
            let Some(new) = new else {
                let name = table
                    .rows
                    .get(other)
                    .map_or("a partition", |row| row.shown_name());
                return Err(format!(
                    "There is no room: {name} would be pushed onto the partition table"
                ));
            };
            *place = Place {
                start: new,
                end: new + len,
                follows: false,
                ..*place
            };
        }
        start = start.min(place.start);
    }
    Ok(())
}

/// Writes the places into the rows, in the order of their offsets, and finds out where the row in hand went.
pub(super) fn commit(table: &PartitionTable, places: &[Place], index: usize) -> Edit {
    let mut sorted = table.clone();
    let extents: Vec<Extent> = places.iter().map(extent_of).collect();
    let marked = table.rows.get(index).map(Arc::clone);
    let order = sort_by_offset(&mut sorted, &extents);
    let places: Vec<Place> = order
        .iter()
        .filter_map(|from| places.get(*from).copied())
        .collect();
    let row = order
        .iter()
        .position(|from| *from == index)
        .filter(|_| marked.is_some());
    Edit {
        table: commit_in_order(&sorted, &places),
        name: String::new(),
        row,
    }
}

fn extent_of(place: &Place) -> Extent {
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Extent {
        offset: signed(place.start),
        size: signed(place.end - place.start),
    }
}

/// Puts rows in the order of these places where they are out of it; bootloader and table rows keep their numbers.
/// Gives the old number of each row in the new order.
pub(super) fn sort_by_offset(table: &mut PartitionTable, extents: &[Extent]) -> Vec<usize> {
    let mut current: Vec<usize> = (0..table.rows.len()).collect();
    let stays = |row: &Row| row.is_primary() || !place_is_known(row);
    let mut wanted: Vec<usize> = current.clone();
    let mut sorted: Vec<usize> = current
        .iter()
        .copied()
        .filter(|index| table.rows.get(*index).is_some_and(|row| !stays(row)))
        .collect();
    sorted.sort_by_key(|index| extents.get(*index).map(|extent| extent.offset));
    let mut next = sorted.into_iter();
    for (place, row) in wanted.iter_mut().zip(&table.rows) {
        if !stays(row) {
            *place = next.next().unwrap_or(*place);
        }
    }
    let mut at = 0;
    while at < current.len() {
        let (Some(now), Some(then)) = (current.get(at).copied(), wanted.get(at).copied()) else {
            break;
        };
        if now == then {
            at += 1;
            continue;
        }
        // One row that went down the table is moved itself, instead of all those that it passed.
        let from = current
            .iter()
            .position(|index| *index == then)
            .unwrap_or(at);
        let to = wanted.iter().position(|index| *index == now).unwrap_or(at);
        let (from, to) = if from == at + 1 && to > at {
            (at, to)
        } else {
            (from, at)
        };
        relocate_row(table, from, to);
        let moved = current.remove(from);
        current.insert(to, moved);
    }
    current
}

/// Writes the places into the rows as they stand.
pub(super) fn commit_in_order(table: &PartitionTable, places: &[Place]) -> PartitionTable {
    let mut result = table.clone();
    let mut last_end = u64::from(table.settings.first_usable());
    for (row, place) in result.rows.iter_mut().zip(places) {
        if place.fixed {
            if !row.is_primary() {
                last_end = place.end;
            }
            continue;
        }
        let computed = last_end.next_multiple_of(place.unit);
        last_end = place.end;
        let (Ok(start), Ok(end)) = (u32::try_from(place.start), u32::try_from(place.end)) else {
            continue;
        };
        let offset = match row.offset {
            Offset::Auto if computed == place.start => Offset::Auto,
            _ => Offset::At(start),
        };
        let size = match row.size {
            Size::UpTo(old) if old != 0 => Size::UpTo(end),
            Size::Auto => Size::Auto,
            _ => Size::Bytes(end - start),
        };
        if offset == row.offset && size == row.size {
            continue;
        }
        let row = Arc::make_mut(row);
        if offset != row.offset {
            row.offset = offset;
            forget_unread(row, Column::Offset, None);
        }
        if size != row.size {
            row.size = size;
            forget_unread(row, Column::Size, None);
        }
    }
    result
}
