//! Writes a Bin byte for byte as the seed project's `bin_pack.py` does.
//!
//! A directory in the order as typed, one entry of FF, then the data in the same order, each padded with FF. No index,
//! no check records, nothing kept from an older image.

use device_agent::bin_image::ENTRY_SIZE;

use super::level::{Item, Level};
use super::place::{self, Want};
use super::{BinEntry, BinOptions};

/// Lays out the image; nested folders become nested Bins of the same plain form.
pub(super) fn write<'a>(entries: &'a [BinEntry], options: &BinOptions) -> Level<'a> {
    let items: Vec<Item<'a>> = entries
        .iter()
        .map(|entry| Item::new(entry, options, |inner| write(inner, options)))
        .collect();
    let wants: Vec<Want> = items
        .iter()
        .map(|item| Want {
            need: item.size(),
            room: 0,
            stay: None,
        })
        .collect();
    let alignment = u64::from(options.alignment);
    let directory = (items.len() as u64 + 1) * u64::from(ENTRY_SIZE);
    // The data of an alignment above 16 begins at a multiple of it; at 16 and below, right behind the directory.
    let placed = place::in_order(directory.next_multiple_of(alignment), &wants, alignment);
    Level::compat(items, &placed, options)
}
