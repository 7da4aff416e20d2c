//! Reads a Bin where it lies: directory, nested look-up, check records, every bound against the Bin's own size.
//!
//! A Bin is a directory of 16-byte entries (u32 address from the start of this Bin, u32 size, 8 bytes of name) with data
//! anywhere behind it; a file of a Bin may be a Bin itself. Ours begin with an entry `!` that points at an index (DESIGN
//! §3.2), so a name is found by binary search without a copy; images without it are walked as the reader of
//! `esp32flash_mpy` (`flash.py`, `Bin.findsub`) walks them. Proving an image is [`crate::bin_verify`]'s work; writing one is not done here.

use crate::error::Error;
use crate::flash::{Flash, inside, with_bytes};

/// Bytes of a directory entry.
pub const ENTRY_SIZE: u32 = 16;
/// Bytes of a name in an entry.
pub const NAME_SIZE: usize = 8;
/// Stored name of the entry that points at the index. Nothing sorts before it, because names hold no control characters.
pub const INDEX_NAME: [u8; NAME_SIZE] = *b"!\0\0\0\0\0\0\0";
/// First bytes of an index.
pub const INDEX_MAGIC: [u8; 4] = *b"FPB1";
/// Version of the index that this reader understands; another version is walked as if there were none.
pub const INDEX_VERSION: u16 = 1;
/// Bytes of an index: magic, u16 version, u16 flags, u32 entries, u32 CRC-32 of the directory, 16 zero bytes.
pub const INDEX_SIZE: u32 = 32;
/// Flag of the index: the entries behind `!` are in ascending order of their 8 stored bytes.
pub const FLAG_SORTED: u16 = 1;
/// Flag of the index: every file has a check record.
pub const FLAG_RECORDS: u16 = 2;
/// Bytes of a check record: u32 CRC-32 (zlib) and u32 length, at the next multiple of 4 behind the file.
pub const RECORD_SIZE: u32 = 8;
/// How deep images may be nested; each `/` of a path is one step.
pub const MAX_DEPTH: usize = 16;
/// Entries that a walk looks at before it gives up; as many as 1 MiB of directory holds.
pub const MAX_ENTRIES: u32 = 65_536;

/// One line of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Entry {
    /// The 8 bytes as stored, padding included.
    pub name: [u8; NAME_SIZE],
    /// From the start of the Bin that holds the entry; not yet checked against its size.
    pub offset: u32,
    /// Bytes of the file; not yet checked.
    pub size: u32,
}

impl Entry {
    /// The entry of 16 stored bytes; `None` when its address ends the directory (0 or 0xFFFFFFFF).
    pub fn parse(bytes: &[u8; ENTRY_SIZE as usize]) -> Option<Self> {
        // By words, because the chip has no cheap copy between places of different alignment.
        let [offset, size, low, high] = words(bytes);
        if ends_directory(offset) {
            return None;
        }
        let ([n0, n1, n2, n3], [n4, n5, n6, n7]) = (low.to_le_bytes(), high.to_le_bytes());
        Some(Self {
            name: [n0, n1, n2, n3, n4, n5, n6, n7],
            offset,
            size,
        })
    }

    /// The name without padding, as a label must be spelled to find it.
    pub fn label(&self) -> &[u8] {
        strip(&self.name)
    }
}

/// Four little-endian words.
fn words(bytes: &[u8; 16]) -> [u32; 4] {
    let [
        a0,
        a1,
        a2,
        a3,
        b0,
        b1,
        b2,
        b3,
        c0,
        c1,
        c2,
        c3,
        d0,
        d1,
        d2,
        d3,
    ] = *bytes;
    [
        u32::from_le_bytes([a0, a1, a2, a3]),
        u32::from_le_bytes([b0, b1, b2, b3]),
        u32::from_le_bytes([c0, c1, c2, c3]),
        u32::from_le_bytes([d0, d1, d2, d3]),
    ]
}

/// The 8 bytes of name in an entry's 16.
fn name_of(bytes: &[u8; ENTRY_SIZE as usize]) -> &[u8; NAME_SIZE] {
    bytes.last_chunk().unwrap_or(&INDEX_NAME)
}

/// Whether the address in an entry ends the directory, as it does for the seed's reader.
const fn ends_directory(address: u32) -> bool {
    address == 0 || address == u32::MAX
}

/// Takes spaces, NULs and 0xFF from both ends, as the seed's reader does with a stored name.
pub fn strip(name: &[u8]) -> &[u8] {
    let mut rest = name;
    while let [first, others @ ..] = rest {
        if !is_padding(*first) {
            break;
        }
        rest = others;
    }
    while let [others @ .., last] = rest {
        if !is_padding(*last) {
            break;
        }
        rest = others;
    }
    rest
}

/// Whether the seed's reader takes this byte off a stored name's ends.
const fn is_padding(byte: u8) -> bool {
    matches!(byte, b' ' | 0 | 0xFF)
}

/// What the index behind a directory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Where the index lies, which is also the directory's capacity in bytes; from the start of the Bin.
    pub offset: u32,
    /// Files in the directory: entries without `!` itself.
    pub entries: u32,
    /// [`FLAG_SORTED`] and [`FLAG_RECORDS`].
    pub flags: u16,
    /// CRC-32 (zlib) of every byte from the start of the Bin up to the index, spare entries included.
    pub directory_crc: u32,
}

/// What a check record says of the file before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckRecord {
    /// CRC-32 (zlib) of the file's bytes.
    pub crc32: u32,
}

/// A Bin in a flash: where it starts, how large it may be, and its index if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    start: u32,
    size: u32,
    index: Option<Index>,
}

/// A file that was looked up, with the Bin that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The innermost Bin, whose directory has the entry.
    pub bin: Bin,
    /// The entry itself; its region is inside the Bin.
    pub entry: Entry,
}

impl Found {
    /// Where the file starts, in bytes from the start of the flash.
    pub fn flash_offset(&self) -> u32 {
        self.bin.start.saturating_add(self.entry.offset)
    }
}

impl Bin {
    /// Opens `size` bytes at `start` as a Bin and reads its index, if there is one.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the region leaves the flash; [`Error::Corrupt`] when the index contradicts itself.
    pub fn open<F: Flash + ?Sized>(flash: &mut F, start: u32, size: u32) -> Result<Self, Error> {
        let plain = Self::open_plain(flash, start, size)?;
        Ok(Self {
            index: plain.read_index(flash)?,
            ..plain
        })
    }

    /// Opens a Bin as a reader does that has never heard of the index: `!` is one more file and every look-up walks.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the region leaves the flash.
    pub fn open_plain<F: Flash + ?Sized>(flash: &F, start: u32, size: u32) -> Result<Self, Error> {
        if inside(start, size, flash.size()) {
            Ok(Self {
                start,
                size,
                index: None,
            })
        } else {
            Err(Error::OutOfRange)
        }
    }

    /// Where the Bin starts, in bytes from the start of the flash.
    pub const fn start(&self) -> u32 {
        self.start
    }

    /// Bytes that belong to the Bin: its partition's size, or the size in the parent's entry.
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// What the index says; `None` for an image without one, and for a file that is no Bin at all.
    pub const fn index(&self) -> Option<Index> {
        self.index
    }

    /// Whether a look-up is a binary search.
    pub fn is_sorted(&self) -> bool {
        self.index
            .is_some_and(|index| index.flags & FLAG_SORTED != 0)
    }

    fn read_index<F: Flash + ?Sized>(&self, flash: &mut F) -> Result<Option<Index>, Error> {
        if self.size < ENTRY_SIZE {
            return Ok(None);
        }
        let Some(first) = self.slot(flash, 0)? else {
            return Ok(None);
        };
        let aligned = first.offset.is_multiple_of(ENTRY_SIZE);
        if first.name != INDEX_NAME
            || first.size != INDEX_SIZE
            || !aligned
            || self.region(&first).is_err()
        {
            return Ok(None);
        }
        // Half of it: the other half is zero, and may lie in another cache line.
        let offset = self.region(&first)?;
        let [magic, kind, entries, directory_crc] = with_bytes(flash, offset, words)?;
        let (version, flags) = (kind as u16, (kind >> 16) as u16);
        if magic != u32::from_le_bytes(INDEX_MAGIC) || version != INDEX_VERSION {
            return Ok(None);
        }
        let index = Index {
            offset: first.offset,
            entries,
            flags,
            directory_crc,
        };
        // `!` itself takes one of the slots before the index.
        if index.entries >= index.offset / ENTRY_SIZE {
            Err(Error::Corrupt)
        } else {
            Ok(Some(index))
        }
    }

    /// Where a file of this Bin starts in the flash.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the file is not inside this Bin, or would start at the Bin itself.
    pub fn region(&self, entry: &Entry) -> Result<u32, Error> {
        if entry.offset == 0 || !inside(entry.offset, entry.size, self.size) {
            return Err(Error::Corrupt);
        }
        self.start.checked_add(entry.offset).ok_or(Error::Corrupt)
    }

    /// Opens a file of this Bin as a Bin. Whether it is one, its [`Bin::index`] tells; one without is taken on trust.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the file is not inside this Bin or its index contradicts itself.
    pub fn child<F: Flash + ?Sized>(&self, flash: &mut F, entry: &Entry) -> Result<Self, Error> {
        Self::open(flash, self.region(entry)?, entry.size)
    }

    /// The entries in stored order, `!` left out where it is the index.
    pub const fn entries(&self) -> Entries {
        Entries {
            bin: *self,
            slot: if self.index.is_some() { 1 } else { 0 },
        }
    }

    /// Looks one name up in this directory, without following `/`.
    ///
    /// A name that the reader would strip, an empty one and one over 8 bytes are in no directory.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a directory that ends before its count says so, [`Error::TooDeep`] for one without end.
    pub fn find<F: Flash + ?Sized>(
        &self,
        flash: &mut F,
        name: &[u8],
    ) -> Result<Option<Entry>, Error> {
        let mut key = [0; NAME_SIZE];
        let Some(room) = key.get_mut(..name.len()) else {
            return Ok(None);
        };
        for (slot, &byte) in room.iter_mut().zip(name) {
            *slot = byte;
        }
        if name.is_empty() || strip(name) != name {
            return Ok(None);
        }
        match self.index {
            Some(index) if index.flags & FLAG_SORTED != 0 => self.search(flash, key, index.entries),
            _ => self.walk(flash, name),
        }
    }

    /// Binary search: one entry of 16 bytes, so one cache line, for each halving.
    fn search<F: Flash + ?Sized>(
        &self,
        flash: &mut F,
        key: [u8; NAME_SIZE],
        entries: u32,
    ) -> Result<Option<Entry>, Error> {
        let wanted = u64::from_be_bytes(key);
        // Slots low..high may hold the name; slot 0 is `!`. `read_index` has seen that the count fits.
        let (mut low, mut high) = (1, entries.saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            let offset = self.slot_offset(middle)?;
            let name = with_bytes(flash, offset, |bytes: &[u8; ENTRY_SIZE as usize]| {
                u64::from_be_bytes(*name_of(bytes))
            })?;
            match name.cmp(&wanted) {
                core::cmp::Ordering::Equal => {
                    return self.slot(flash, middle)?.ok_or(Error::Corrupt).map(Some);
                }
                core::cmp::Ordering::Less => low = middle.saturating_add(1),
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// The seed's walk. It looks at entries where they lie; only the one that is found becomes an [`Entry`].
    fn walk<F: Flash + ?Sized>(&self, flash: &mut F, name: &[u8]) -> Result<Option<Entry>, Error> {
        let mut entries = self.entries();
        while let Some(offset) = entries.step()? {
            let fits = with_bytes(flash, offset, |bytes: &[u8; ENTRY_SIZE as usize]| {
                let [address, ..] = words(bytes);
                if ends_directory(address) {
                    return None;
                }
                let stored = name_of(bytes);
                // The first bytes tell most names apart, before any padding is taken off.
                let first = stored.first().copied().unwrap_or(0);
                let may_fit = Some(&first) == name.first() || is_padding(first);
                Some(may_fit && strip(stored) == name)
            })?;
            match fits {
                Some(true) => return with_bytes(flash, offset, Entry::parse),
                Some(false) => {}
                None => return entries.ended(),
            }
        }
        Ok(None)
    }

    /// The entry in a slot of the directory; `None` when its address ends the directory.
    fn slot<F: Flash + ?Sized>(&self, flash: &mut F, slot: u32) -> Result<Option<Entry>, Error> {
        with_bytes(flash, self.slot_offset(slot)?, Entry::parse)
    }

    /// Where a slot of the directory lies in the flash.
    fn slot_offset(&self, slot: u32) -> Result<u32, Error> {
        let at = slot.checked_mul(ENTRY_SIZE).ok_or(Error::Corrupt)?;
        if inside(at, ENTRY_SIZE, self.size) {
            self.start.checked_add(at).ok_or(Error::Corrupt)
        } else {
            Err(Error::Corrupt)
        }
    }

    /// The check record behind a file; `None` where the image has none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the record would lie outside, or its length is not the file's.
    pub fn check_record<F: Flash + ?Sized>(
        &self,
        flash: &mut F,
        entry: &Entry,
    ) -> Result<Option<CheckRecord>, Error> {
        if self
            .index
            .is_none_or(|index| index.flags & FLAG_RECORDS == 0)
        {
            return Ok(None);
        }
        self.region(entry)?;
        let end = entry.offset.checked_add(entry.size).ok_or(Error::Corrupt)?;
        let at = end.checked_next_multiple_of(4).ok_or(Error::Corrupt)?;
        if !inside(at, RECORD_SIZE, self.size) {
            return Err(Error::Corrupt);
        }
        let offset = self.start.checked_add(at).ok_or(Error::Corrupt)?;
        let record = with_bytes(flash, offset, |bytes| u64::from_le_bytes(*bytes))?;
        let (crc32, len) = (record as u32, (record >> 32) as u32);
        if len != entry.size {
            return Err(Error::Corrupt);
        }
        Ok(Some(CheckRecord { crc32 }))
    }
}

/// Steps through a directory. Not an `Iterator`, because the flash is lent anew for each step.
#[derive(Clone, Copy, Debug)]
pub struct Entries {
    bin: Bin,
    /// The next slot to read.
    slot: u32,
}

impl Entries {
    /// The Bin whose directory this is.
    pub const fn bin(&self) -> &Bin {
        &self.bin
    }

    /// The next entry, as stored: its region is not checked yet.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a counted directory ends early, [`Error::TooDeep`] when one without count never ends.
    pub fn next<F: Flash + ?Sized>(&mut self, flash: &mut F) -> Result<Option<Entry>, Error> {
        let Some(offset) = self.step()? else {
            return Ok(None);
        };
        match with_bytes(flash, offset, Entry::parse)? {
            Some(entry) => Ok(Some(entry)),
            None => self.ended(),
        }
    }

    /// Where the next slot lies in the flash, and steps over it; `None` when the directory has no room for more.
    fn step(&mut self) -> Result<Option<u32>, Error> {
        let slot = self.slot;
        match self.bin.index {
            Some(index) if slot > index.entries => return Ok(None),
            None if slot >= self.bin.size / ENTRY_SIZE => return Ok(None),
            None if slot >= MAX_ENTRIES => return Err(Error::TooDeep),
            _ => self.slot = slot.saturating_add(1),
        }
        self.bin.slot_offset(slot).map(Some)
    }

    /// What an entry means whose address ends the directory: the end, unless the index counts more. It stays the end.
    fn ended(&mut self) -> Result<Option<Entry>, Error> {
        if self.bin.index.is_some() {
            return Err(Error::Corrupt);
        }
        self.slot = u32::MAX;
        Ok(None)
    }
}

/// Looks a path up: all of what remains is tried as one name before it is split at the first `/`.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Corrupt`] when what was found leaves its Bin, [`Error::TooDeep`].
pub fn find_path<F: Flash + ?Sized>(flash: &mut F, top: &Bin, path: &[u8]) -> Result<Found, Error> {
    let (mut bin, mut rest) = (*top, path);
    for _ in 0..MAX_DEPTH {
        if let Some(entry) = bin.find(flash, rest)? {
            bin.region(&entry)?;
            return Ok(Found { bin, entry });
        }
        let slash = rest
            .iter()
            .position(|&byte| byte == b'/')
            .ok_or(Error::NotFound)?;
        let (name, tail) = rest.split_at_checked(slash).ok_or(Error::NotFound)?;
        let entry = bin.find(flash, name)?.ok_or(Error::NotFound)?;
        bin = bin.child(flash, &entry)?;
        rest = tail.get(1..).ok_or(Error::NotFound)?;
    }
    Err(Error::TooDeep)
}

/// Opens the Bin that a path leads to; the empty path is `top` itself.
///
/// # Errors
/// As [`find_path`] and [`Bin::child`].
pub fn open_path<F: Flash + ?Sized>(flash: &mut F, top: &Bin, path: &[u8]) -> Result<Bin, Error> {
    if path.is_empty() {
        return Ok(*top);
    }
    let found = find_path(flash, top, path)?;
    found.bin.child(flash, &found.entry)
}
