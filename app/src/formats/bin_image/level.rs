//! One Bin, the outermost or a nested one: matches entries with those of the previous image, and writes the bytes.

use std::borrow::Cow;
use std::ops::Range;

use device_agent::bin_image::{
    ENTRY_SIZE, FLAG_RECORDS, FLAG_SORTED, INDEX_MAGIC, INDEX_NAME, INDEX_SIZE, INDEX_VERSION,
    NAME_SIZE, RECORD_SIZE,
};

use super::super::file_tree::join;
use super::keep;
use super::place::{self, Placed, Want};
use super::previous;
use super::renamed;
use super::report::{BuiltBin, EntryReport, Totals, Where};
use super::{BinEntry, BinNode, BinOptions, Room, name};
use crate::model::region::SECTOR;

/// An entry on its way into a Bin.
pub(super) struct Item<'a> {
    /// As it is found in the image: where a name was cut, what is left of it.
    name: Cow<'a, str>,
    pub stored: [u8; NAME_SIZE],
    pub data: Data<'a>,
    /// CRC-32 (zlib) of the data.
    pub crc32: u32,
    pub place: Where,
}

/// The bytes of an entry.
pub(super) enum Data<'a> {
    File(&'a [u8]),
    Bin(BuiltBin),
}

impl<'a> Item<'a> {
    /// Takes an entry in; a folder is built by `nest`.
    pub fn new(
        entry: &'a BinEntry,
        options: &BinOptions,
        nest: impl FnOnce(&'a [BinEntry]) -> Level<'a>,
    ) -> Self {
        let data = match &entry.node {
            BinNode::File(bytes) => Data::File(bytes),
            BinNode::Folder(inner) => Data::Bin(nest(inner).into_built(|_| ())),
        };
        let crc32 = crc32fast::hash(data.bytes());
        let stored = name::stored(&entry.name, options);
        Self {
            name: name::as_stored(&entry.name, stored),
            stored,
            data,
            crc32,
            place: Where::New,
        }
    }

    /// Bytes of data.
    pub fn size(&self) -> u64 {
        self.data.bytes().len() as u64
    }

    fn need(&self) -> u64 {
        previous::need(self.size())
    }
}

impl Data<'_> {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::File(bytes) => bytes,
            Self::Bin(built) => &built.bytes,
        }
    }
}

/// One Bin, laid out and ready to be written.
pub(super) struct Level<'a> {
    /// In the order of the directory.
    items: Vec<Item<'a>>,
    /// Where each item lies.
    offsets: Vec<u64>,
    /// Directory entries, spare ones included; the seed's form has one spare entry and no index.
    capacity: u64,
    len: u64,
    alignment: u64,
    kept: bool,
    compat: bool,
}

impl<'a> Level<'a> {
    /// Lays out the Bin of these entries, around what an intact previous image holds.
    pub fn new(
        entries: &'a [BinEntry],
        options: &BinOptions,
        previous: Option<&[u8]>,
        room: Room,
        depth: usize,
    ) -> Self {
        let previous = previous.and_then(|image| previous::read(image).ok());
        let mut items: Vec<Item<'a>> = entries
            .iter()
            .map(|entry| {
                Item::new(entry, options, |inner| {
                    let image = previous.as_ref().and_then(|previous| {
                        renamed::folder_before(previous, entries, entry, inner, options)
                    });
                    Self::new(inner, options, image, room, depth + 1)
                })
            })
            .collect();
        items.sort_by_key(|item| item.stored);

        let alignment = u64::from(options.alignment);
        let mut capacity = place::capacity_for(items.len() as u64, room.spare_entries);
        let mut wants: Vec<Want> = items
            .iter()
            .map(|item| Want {
                need: item.need(),
                room: 0,
                stay: None,
            })
            .collect();
        let budget = if room.growth {
            growth_budget(&items, capacity, alignment)
        } else {
            0
        };
        let placed = if let Some(previous) = &previous {
            if items.len() as u64 + 2 <= u64::from(previous.capacity) {
                capacity = u64::from(previous.capacity);
            }
            let start = place::data_start(capacity, alignment);
            keep::stay_with(previous, &items, &mut wants);
            // What does not stay grows at the end, out of what the holes leave of the budget.
            let probe = place::around(start, &wants, alignment);
            let holes = probe.end
                - start
                - wants
                    .iter()
                    .map(|want| want.need.next_multiple_of(alignment))
                    .sum::<u64>()
                    .min(probe.end - start);
            give_room(&items, &mut wants, budget.saturating_sub(holes), alignment);
            let placed = place::around(start, &wants, alignment);
            keep::note_places(previous, &placed, &mut items);
            placed
        } else {
            give_room(&items, &mut wants, budget, alignment);
            let start = place::data_start(capacity, alignment);
            let place = if depth == 0 {
                place::by_sectors
            } else {
                place::in_order
            };
            place(start, &wants, alignment)
        };
        let len = if depth == 0 {
            placed.end
        } else {
            // A nested Bin owns its slack: what lies behind it cannot make way.
            keep::nested_len(&placed, previous.as_ref(), budget)
        };
        Self {
            items,
            offsets: placed.offsets,
            capacity,
            len,
            alignment,
            kept: previous.is_some(),
            compat: false,
        }
    }

    /// The seed's form: items in the order as typed, already placed.
    pub fn compat(items: Vec<Item<'a>>, placed: &Placed, options: &BinOptions) -> Self {
        Self {
            capacity: items.len() as u64 + 1,
            items,
            offsets: placed.offsets.clone(),
            len: placed.end,
            alignment: u64::from(options.alignment),
            kept: false,
            compat: true,
        }
    }

    /// Bytes of the image.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether a previous image was kept.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Writes the image. Its length must have been checked against 4 GiB.
    ///
    /// What no entry uses is FF. `gaps` is told where that is, directory left aside, so that the outermost Bin can leave
    /// bytes of an older image there; a nested one cannot, because its check record covers them.
    pub fn into_built(self, mut gaps: impl FnMut(Range<usize>)) -> BuiltBin {
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        // The seed's form keeps its order, in which an empty file shares its offset with the next one.
        if !self.compat {
            order.sort_unstable_by_key(|index| self.offsets[*index]);
        }
        let mut bytes = self.directory();
        let mut totals = Totals::default();
        let mut used = 0;
        let mut reports: Vec<Vec<EntryReport>> = Vec::new();
        reports.resize_with(self.items.len(), Vec::new);
        for (position, index) in order.iter().enumerate() {
            let (item, offset) = (&self.items[*index], self.offsets[*index]);
            gaps(bytes.len()..offset as usize);
            bytes.resize(offset as usize, 0xFF);
            bytes.extend_from_slice(item.data.bytes());
            if !self.compat {
                bytes.resize(bytes.len().next_multiple_of(4), 0xFF);
                bytes.extend_from_slice(&item.crc32.to_le_bytes());
                bytes.extend_from_slice(&(item.size() as u32).to_le_bytes());
            }
            let next = order
                .get(position + 1)
                .map_or(self.len, |next| self.offsets[*next]);
            let wasted = next.saturating_sub(offset + item.size() + self.check_size());
            let slack = next.saturating_sub((bytes.len() as u64).next_multiple_of(self.alignment));
            totals.slack += slack;
            totals.holes += usize::from(
                slack
                    > (item.size() / 30)
                        .clamp(32, 4096)
                        .next_multiple_of(self.alignment),
            );
            used += item.size();
            reports[*index] = self.report(*index, wasted as u32, &mut totals);
        }
        gaps(bytes.len()..self.len as usize);
        bytes.resize(self.len as usize, 0xFF);
        let spare = self.capacity - self.items.len() as u64 - if self.compat { 1 } else { 2 };
        totals.slack += spare * u64::from(ENTRY_SIZE);
        if !self.compat {
            let first = order.first().map_or(self.len, |first| self.offsets[*first]);
            let gap = first - place::data_start(self.capacity, self.alignment);
            totals.slack += gap;
            totals.holes += usize::from(gap > 0);
        }
        debug_assert!(used <= self.len, "data is part of the image");
        totals.used = self.len - totals.slack;
        totals.sectors = bytes.len().div_ceil(SECTOR as usize);
        BuiltBin {
            bytes,
            entries: reports.into_iter().flatten().collect(),
            totals,
            compaction: None,
            notes: Vec::new(),
        }
    }

    fn check_size(&self) -> u64 {
        if self.compat {
            0
        } else {
            u64::from(RECORD_SIZE)
        }
    }

    /// The entry's own line, and those of its files, which lie inside it.
    fn report(&self, index: usize, wasted: u32, totals: &mut Totals) -> Vec<EntryReport> {
        let (item, offset) = (&self.items[index], self.offsets[index] as u32);
        let mut lines = vec![EntryReport {
            path: item.name.clone().into_owned(),
            offset,
            size: item.size() as u32,
            crc32: item.crc32,
            wasted,
            is_folder: matches!(item.data, Data::Bin(_)),
            place: item.place,
        }];
        match &item.data {
            Data::File(bytes) => {
                totals.files += 1;
                totals.payload += bytes.len() as u64;
            }
            Data::Bin(built) => {
                totals.files += built.totals.files;
                totals.payload += built.totals.payload;
                totals.slack += built.totals.slack;
                totals.holes += built.totals.holes;
                lines.extend(built.entries.iter().map(|inner| EntryReport {
                    path: join(&item.name, &inner.path),
                    offset: offset + inner.offset,
                    // Inside a folder that moved, everything did; a folder under another name holds nothing of old.
                    place: match (item.place, inner.place) {
                        (Where::New, _) => Where::New,
                        (Where::Moved, Where::Kept) => Where::Moved,
                        (_, place) => place,
                    },
                    ..inner.clone()
                }));
            }
        }
        lines
    }

    /// Directory, spare entries and index; room for the whole image is reserved.
    fn directory(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len as usize);
        let mut entry = |offset: u64, size: u64, stored: [u8; NAME_SIZE]| {
            bytes.extend_from_slice(&(offset as u32).to_le_bytes());
            bytes.extend_from_slice(&(size as u32).to_le_bytes());
            bytes.extend_from_slice(&stored);
        };
        let directory_len = self.capacity * u64::from(ENTRY_SIZE);
        if !self.compat {
            entry(directory_len, u64::from(INDEX_SIZE), INDEX_NAME);
        }
        for (item, offset) in self.items.iter().zip(&self.offsets) {
            entry(*offset, item.size(), item.stored);
        }
        bytes.resize(directory_len as usize, 0xFF);
        if !self.compat {
            let crc32 = crc32fast::hash(&bytes);
            bytes.extend_from_slice(&INDEX_MAGIC);
            bytes.extend_from_slice(&INDEX_VERSION.to_le_bytes());
            bytes.extend_from_slice(&(FLAG_SORTED | FLAG_RECORDS).to_le_bytes());
            bytes.extend_from_slice(&(self.items.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&crc32.to_le_bytes());
            bytes.extend_from_slice(&[0; 16]);
        }
        bytes
    }
}

/// Bytes that a fresh Bin may spend on room to grow: what its index, check records and spare entries leave of 5 % of
/// the size that the seed's form has, or of 256 bytes. Nested Bins are left out, they have had their own.
fn growth_budget(items: &[Item<'_>], capacity: u64, alignment: u64) -> u64 {
    let count = items.len() as u64;
    let files = || {
        items
            .iter()
            .filter(|item| matches!(item.data, Data::File(_)))
    };
    let plain = (count + 1) * u64::from(ENTRY_SIZE)
        + files()
            .map(|item| item.size().next_multiple_of(alignment))
            .sum::<u64>();
    let checked = place::data_start(capacity, alignment)
        + files()
            .map(|item| item.need().next_multiple_of(alignment))
            .sum::<u64>();
    (plain / 20)
        .max(256)
        .saturating_sub(checked.saturating_sub(plain))
}

fn give_room(items: &[Item<'_>], wants: &mut [Want], budget: u64, alignment: u64) {
    let rooms = place::share_room(items.iter().map(Item::size), budget, alignment);
    for (want, room) in wants.iter_mut().zip(rooms) {
        want.room = room;
    }
}
