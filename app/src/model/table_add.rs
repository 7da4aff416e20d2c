//! Adding partitions: beside a row, into a gap, behind all others, or a copy of one that is there.
//!
//! Works on places like the other edits on the map (`table_places`); the row that is added takes its style from its
//! neighbours when it is written.

use std::sync::Arc;

use super::number::hex;
use super::partition_table::{APP, Offset, PartitionTable, Row, Size, offset_unit};
use super::region::{BLOCK, Region, SECTOR};
use super::table_arrange::{Limits, Neighbours, movable, no_row};
use super::table_cell::{parse_subtype, parse_type};
use super::table_edit::{Edit, Edited, free_app_subtype, free_name};
use super::table_gaps::free_regions;
use super::table_names::{DATA, UNDEFINED};
use super::table_places::{Place, commit, places, push_up};

/// Where a new partition goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// In front of the row of this number.
    Before(usize),
    /// Behind the row of this number.
    After(usize),
    /// At the beginning of this free region, as large as it is unless a size is given.
    InGap(Region),
    /// Into the first free region that is large enough.
    FirstGap,
    /// Behind all others.
    AtEnd,
}

/// A partition to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartition {
    pub name: String,
    pub kind: u8,
    pub subtype: u8,
    /// `None` for what fits, at most 64 KiB of data or 1 MiB of app; a gap is filled.
    pub size: Option<u32>,
}

impl NewPartition {
    /// A data partition with a name that no row has.
    pub fn data(table: &PartitionTable) -> Self {
        Self {
            name: free_name(table, "data"),
            kind: DATA,
            subtype: UNDEFINED,
            size: None,
        }
    }

    /// An app with a name and a subtype that no row has.
    pub fn app(table: &PartitionTable) -> Self {
        Self {
            name: free_name(table, "app"),
            kind: APP,
            subtype: free_app_subtype(table),
            size: None,
        }
    }

    /// A partition of what was typed for its type and subtype, each a name or a number; nothing typed is a data
    /// partition, and an app gets a subtype that no row has.
    ///
    /// # Errors
    /// A sentence that says which of them is none.
    pub fn of_kind(table: &PartitionTable, kind: &str, subtype: &str) -> Result<Self, String> {
        let kind = if kind.is_empty() {
            DATA
        } else {
            parse_type(kind)?
        };
        let usual = match kind {
            APP => Self::app(table),
            _ => Self::data(table),
        };
        let subtype = match (kind, subtype) {
            (APP, "") => usual.subtype,
            _ => parse_subtype(kind, subtype, table.settings.extra)?,
        };
        Ok(Self {
            kind,
            subtype,
            ..usual
        })
    }
}

/// Where a new partition could start, what room it has there, and the number that its row gets.
struct Spot {
    start: u64,
    room: u64,
    index: usize,
}

/// Adds a partition.
pub fn add(table: &PartitionTable, place: Where, new: &NewPartition, limits: &Limits) -> Edited {
    let unit = u64::from(offset_unit(new.kind));
    let spot = spot(table, place, new, limits)?;
    let start = spot.start.next_multiple_of(unit);
    let room = spot.room.saturating_sub(start - spot.start);
    let size = size_of(new, place, room);
    // A gap is a gap, and behind all others there is nobody to push.
    let alone = matches!(place, Where::InGap(_) | Where::FirstGap | Where::AtEnd);
    let blocked = limits.neighbours == Neighbours::Block || alone;
    if blocked && (size > room || size == 0) {
        let free = hex(room);
        return Err(format!(
            "There is no room for {} there: {free} are free",
            new.name
        ));
    }
    let (Ok(offset), Ok(bytes)) = (u32::try_from(start), u32::try_from(size)) else {
        return Err(format!("{} would lie beyond 4 GiB", new.name));
    };
    // Like its neighbour: computed if that one is, and only if it comes out right (see `commit`).
    let index = spot.index.min(table.rows.len());
    let neighbour = table.rows.get(index.saturating_sub(1));
    let follows = neighbour.is_some_and(|row| row.offset == Offset::Auto);
    let row = Row {
        name: new.name.clone(),
        kind: new.kind,
        subtype: new.subtype,
        offset: if follows {
            Offset::Auto
        } else {
            Offset::At(offset)
        },
        size: Size::Bytes(bytes),
        flags: 0,
        spelling: None,
    };
    let mut places = places(table);
    let end = start + size;
    places.insert(
        index,
        Place {
            start,
            end,
            unit,
            follows,
            fixed: false,
        },
    );
    let mut with_row = table.clone();
    with_row.rows.insert(index, Arc::new(row));
    if !blocked {
        push_up(&with_row, &mut places, index, limits)?;
    }
    Ok(Edit {
        name: format!("Add {}", new.name),
        ..commit(&with_row, &places, index)
    })
}

fn spot(
    table: &PartitionTable,
    place: Where,
    new: &NewPartition,
    limits: &Limits,
) -> Result<Spot, String> {
    let free = free_regions(table, limits.flash_size.or(Some(u32::MAX)));
    let in_gap = |gap: &Region| {
        let start = u64::from(gap.offset);
        Spot {
            start,
            room: u64::from(gap.size),
            index: order_of(table, start),
        }
    };
    let behind = |start: u64, index: usize| Spot {
        start,
        room: room_at(&free, start),
        index,
    };
    let region_of = |index: usize| {
        let layout = table.layout();
        layout
            .get(index)
            .map(|placed| placed.region)
            .ok_or_else(|| no_row(index))
    };
    match place {
        Where::InGap(gap) => Ok(in_gap(&gap)),
        Where::FirstGap => {
            let unit = u64::from(offset_unit(new.kind));
            let needed = u64::from(new.size.unwrap_or(limits.size_unit(new.kind)));
            let fits =
                |gap: &&Region| u64::from(gap.offset).next_multiple_of(unit) + needed <= gap.end();
            let gap = free.iter().find(fits).map(in_gap);
            gap.ok_or_else(|| format!("There is no free space of {} for {}", hex(needed), new.name))
        }
        Where::After(index) => {
            let first = u64::from(table.settings.first_usable());
            Ok(behind(region_of(index)?.end().max(first), index + 1))
        }
        Where::Before(index) => {
            let next = u64::from(region_of(index)?.offset);
            let gap = free.iter().find(|gap| gap.end() == next);
            let nothing = Spot {
                start: next,
                room: 0,
                index,
            };
            Ok(gap.map_or(nothing, |gap| Spot {
                index,
                ..in_gap(gap)
            }))
        }
        Where::AtEnd => Ok(behind(table.end(), table.rows.len())),
    }
}

/// The size that was asked for; else all of a gap, what is usual where there is room, and the least where there is none.
fn size_of(new: &NewPartition, place: Where, room: u64) -> u64 {
    let usual = u64::from(if new.kind == APP { 16 * BLOCK } else { BLOCK });
    let sectors = room - room % u64::from(SECTOR);
    match (new.size, place) {
        (Some(size), _) => u64::from(size),
        (None, Where::InGap(_)) => sectors,
        (None, _) if room == 0 => u64::from(offset_unit(new.kind)),
        (None, _) => usual.min(sectors),
    }
}

/// Adds a partition like this one: behind it if there is room, else into the first gap that takes it.
pub fn duplicate(table: &PartitionTable, index: usize, limits: &Limits) -> Edited {
    let row = movable(table, index)?;
    let size = table
        .layout()
        .get(index)
        .map_or(0, |placed| placed.region.size);
    let new = NewPartition {
        name: free_name(table, &row.name),
        kind: row.kind,
        subtype: if row.kind == APP {
            free_app_subtype(table)
        } else {
            row.subtype
        },
        size: Some(size),
    };
    let block = Limits {
        neighbours: Neighbours::Block,
        ..*limits
    };
    let mut edit = add(table, Where::After(index), &new, &block)
        .or_else(|_| add(table, Where::FirstGap, &new, &block))
        .or_else(|why| match limits.neighbours {
            Neighbours::Push => add(table, Where::After(index), &new, limits),
            Neighbours::Block => Err(why),
        })?;
    if let Some(copy) = edit.row.and_then(|at| edit.table.rows.get_mut(at)) {
        Arc::make_mut(copy).flags = row.flags;
    }
    Ok(Edit {
        name: format!("Duplicate {}", row.shown_name()),
        ..edit
    })
}

fn room_at(free: &[Region], start: u64) -> u64 {
    free.iter()
        .find(|gap| u64::from(gap.offset) == start)
        .map_or(0, |gap| u64::from(gap.size))
}

/// The number of the first row that starts behind this offset.
fn order_of(table: &PartitionTable, offset: u64) -> usize {
    let behind = |placed: &super::partition_table::Placed<'_>| {
        u64::from(placed.region.offset) >= offset && !placed.row.is_primary()
    };
    table
        .layout()
        .iter()
        .position(behind)
        .unwrap_or(table.rows.len())
}
