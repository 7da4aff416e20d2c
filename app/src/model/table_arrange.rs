//! Edits on the map: move, resize, add, grow, shrink, arrange.
//!
//! All of them work alike: the wanted places of all rows are worked out as plain regions, then written back into the
//! rows (`table_places`). Nothing here looks at problems of the table beyond the row in hand.

use std::sync::Arc;

use super::number::hex;
use super::partition_table::{APP, PartitionTable, Row};
use super::region::{BLOCK, SECTOR};
use super::table_check::place_is_known;
use super::table_edit::{Edit, Edited, row_at};
use super::table_names::{BOOTLOADER, PARTITION_TABLE, type_name};
use super::table_obstacle::{Moved, in_the_way};
use super::table_places::{
    Place, commit, commit_in_order, land_between, nearest_free, places, push_down, push_up,
};

pub use super::table_add::{NewPartition, Where, add, duplicate};

/// What happens to partitions that are in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Neighbours {
    /// They stay; the edit goes as far as it can.
    #[default]
    Block,
    /// They give way, and those behind them too.
    Push,
}

/// What an edit on the map may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes of flash; `None` if unknown.
    pub flash_size: Option<u32>,
    pub neighbours: Neighbours,
    /// Sizes of apps in steps of 4 KiB instead of 64 KiB, which ESP-IDF allows.
    pub fine: bool,
}

impl Limits {
    /// The end of the flash; where that is unknown, the end of what 32 bits can name.
    pub(super) fn end(&self) -> u64 {
        u64::from(self.flash_size.unwrap_or(u32::MAX))
    }

    /// The step of a partition's size, in bytes.
    pub fn size_unit(&self, kind: u8) -> u32 {
        if kind == APP && !self.fine {
            BLOCK
        } else {
            SECTOR
        }
    }
}

/// Which end of a partition is dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Start,
    End,
}

/// Moves a partition so that it starts at `offset`, snapped to what its type allows. Blocked, it goes to the free
/// place nearest to that; pushing, the others give way.
pub fn move_to(table: &PartitionTable, index: usize, offset: u32, limits: &Limits) -> Edited {
    let row = movable(table, index)?;
    let mut places = places(table);
    let Some(own) = places.get(index).copied() else {
        return Err(no_row(index));
    };
    let len = own.end - own.start;
    let wanted = nearest_multiple(u64::from(offset), own.unit);
    let first = u64::from(table.settings.first_usable());
    let start = match limits.neighbours {
        Neighbours::Block => {
            nearest_free(&places, index, wanted, first, limits.end()).ok_or_else(|| {
                format!(
                    "There is no room for {} near {}",
                    row.shown_name(),
                    hex(wanted)
                )
            })?
        }
        Neighbours::Push => {
            let wanted = wanted.max(first.next_multiple_of(own.unit));
            land_between(&places, index, wanted).next_multiple_of(own.unit)
        }
    };
    if start == own.start {
        let blocked = in_the_way(table, index, Moved::Whole, i64::from(offset), limits);
        return Err(format!(
            "{} stays at {}: {}",
            row.shown_name(),
            hex(start),
            why_not(blocked, "there is no room to move it that way")
        ));
    }
    if let Some(place) = places.get_mut(index) {
        *place = Place {
            start,
            end: start + len,
            follows: false,
            ..own
        };
    }
    if limits.neighbours == Neighbours::Push {
        push_up(table, &mut places, index, limits)?;
    }
    Ok(Edit {
        name: format!("Move {}", row.shown_name()),
        ..commit(table, &places, index)
    })
}

/// Moves one edge of a partition to `to`, snapped. Blocked, it stops at the neighbour; pushing, the neighbours give way.
pub fn resize(
    table: &PartitionTable,
    index: usize,
    edge: Edge,
    to: u32,
    limits: &Limits,
) -> Edited {
    let row = movable(table, index)?;
    let mut places = places(table);
    let Some(own) = places.get(index).copied() else {
        return Err(no_row(index));
    };
    let unit = u64::from(limits.size_unit(row.kind));
    let to = u64::from(to);
    let others = || {
        places
            .iter()
            .enumerate()
            .filter(|(other, place)| *other != index && !place.fixed)
            .map(|(_, place)| place)
    };
    let mut new = Place {
        follows: own.follows && edge == Edge::End,
        ..own
    };
    match edge {
        Edge::End => {
            new.end = own.start + nearest_multiple(to.saturating_sub(own.start), unit).max(unit);
            let behind = others()
                .map(|place| place.start)
                .filter(|start| *start >= own.end)
                .min();
            let most = match limits.neighbours {
                Neighbours::Block => behind.unwrap_or(u64::MAX).min(limits.end()),
                Neighbours::Push => limits.end(),
            };
            if new.end > most {
                new.end = own.start + most.saturating_sub(own.start) / unit * unit;
            }
        }
        Edge::Start => {
            new.start = nearest_multiple(to, own.unit);
            let ahead = others()
                .map(|place| place.end)
                .filter(|end| *end <= own.start)
                .max();
            let first = u64::from(table.settings.first_usable());
            let lower_bound = match limits.neighbours {
                Neighbours::Block => ahead.unwrap_or(first).max(first),
                Neighbours::Push => first,
            };
            new.start = new.start.max(lower_bound.next_multiple_of(own.unit));
            if new.start >= own.end {
                let last = own.end.saturating_sub(1);
                new.start = last - last % own.unit;
            }
        }
    }
    if new.end <= new.start || (new.start, new.end) == (own.start, own.end) {
        let wanted = i64::try_from(to).unwrap_or(i64::MAX);
        let blocked = in_the_way(table, index, Moved::Edge(edge), wanted, limits);
        return Err(format!(
            "{} stays as it is: {}",
            row.shown_name(),
            why_not(blocked, "there is no room to resize it that way")
        ));
    }
    if let Some(place) = places.get_mut(index) {
        *place = new;
    }
    if limits.neighbours == Neighbours::Push {
        match edge {
            Edge::End => push_up(table, &mut places, index, limits)?,
            Edge::Start => push_down(table, &mut places, index)?,
        }
    }
    Ok(Edit {
        name: format!("Resize {}", row.shown_name()),
        ..commit(table, &places, index)
    })
}

/// Gives a partition the free space behind it.
pub fn grow(table: &PartitionTable, index: usize, limits: &Limits) -> Edited {
    let row = movable(table, index)?;
    let Some(flash_size) = limits.flash_size else {
        return Err("The flash size is not known, so there is no end to grow to".to_owned());
    };
    let places = places(table);
    let Some(own) = places.get(index) else {
        return Err(no_row(index));
    };
    let behind = places
        .iter()
        .enumerate()
        .filter(|(other, place)| *other != index && !place.fixed && place.start >= own.end)
        .map(|(_, place)| place.start)
        .min();
    let end = behind.unwrap_or(u64::MAX).min(u64::from(flash_size));
    let unit = u64::from(limits.size_unit(row.kind));
    let grown = own.start + end.saturating_sub(own.start) / unit * unit;
    if grown <= own.end {
        return Err(format!(
            "There is no free space behind {}",
            row.shown_name()
        ));
    }
    let block = Limits {
        neighbours: Neighbours::Block,
        ..*limits
    };
    let Ok(to) = u32::try_from(grown) else {
        return Err(format!("{} cannot grow beyond 4 GiB", row.shown_name()));
    };
    let edit = resize(table, index, Edge::End, to, &block)?;
    Ok(Edit {
        name: format!("Grow {}", row.shown_name()),
        ..edit
    })
}

/// Makes a partition just large enough for `bytes`, rounded up to what its type allows.
pub fn shrink(table: &PartitionTable, index: usize, bytes: u32, limits: &Limits) -> Edited {
    let row = movable(table, index)?;
    let places = places(table);
    let Some(own) = places.get(index) else {
        return Err(no_row(index));
    };
    let unit = u64::from(limits.size_unit(row.kind));
    let end = own.start + u64::from(bytes).next_multiple_of(unit).max(unit);
    if end >= own.end {
        return Err(format!(
            "{} cannot shrink: its content needs all of it",
            row.shown_name()
        ));
    }
    let Ok(to) = u32::try_from(end) else {
        return Err(format!("{} lies beyond 4 GiB", row.shown_name()));
    };
    let edit = resize(
        table,
        index,
        Edge::End,
        to,
        &Limits {
            neighbours: Neighbours::Block,
            ..*limits
        },
    )?;
    Ok(Edit {
        name: format!("Shrink {}", row.shown_name()),
        ..edit
    })
}

/// Puts all partitions close together, in the present order, each aligned for its type. Offsets that are written stay
/// written, offsets that are computed stay so.
pub fn auto_arrange(table: &PartitionTable, limits: &Limits) -> Edited {
    let mut places = places(table);
    let mut end = u64::from(table.settings.first_usable());
    for (place, row) in places
        .iter_mut()
        .zip(&table.rows)
        .filter(|(place, _)| !place.fixed)
    {
        let len = place.end - place.start;
        place.start = end.next_multiple_of(place.unit);
        place.end = place.start + len;
        end = place.end;
        if end > limits.end() {
            return Err(format!(
                "The partitions do not fit: {} would end at {}, beyond the flash",
                row.shown_name(),
                hex(end)
            ));
        }
    }
    let edit = commit_in_order(table, &places);
    if edit.rows == table.rows {
        return Err("The partitions are close together already".to_owned());
    }
    Ok(Edit {
        table: edit,
        name: "Arrange partitions".to_owned(),
        row: None,
    })
}

fn why_not(blocked: Option<String>, else_said: &str) -> String {
    blocked.map_or_else(
        || else_said.to_owned(),
        |name| format!("{name} is in the way"),
    )
}

/// The row, if it can be moved and resized.
pub(super) fn movable(table: &PartitionTable, index: usize) -> Result<&Arc<Row>, String> {
    let row = row_at(table, index)?;
    if matches!(row.kind, BOOTLOADER | PARTITION_TABLE) && row.unread_cells().next().is_none() {
        return Err(format!(
            "ESP-IDF places {} itself, because it is a {}",
            row.shown_name(),
            type_name(row.kind)
        ));
    }
    if !place_is_known(row) {
        return Err(format!(
            "{} cannot be placed while its type, offset or size cannot be read",
            row.shown_name()
        ));
    }
    Ok(row)
}

pub(super) fn no_row(index: usize) -> String {
    format!("The table has no row {}", index.saturating_add(1))
}

pub(super) fn nearest_multiple(value: u64, unit: u64) -> u64 {
    let below = value / unit * unit;
    if value - below < unit.div_ceil(2) {
        below
    } else {
        below + unit
    }
}
