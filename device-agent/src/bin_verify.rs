//! Proves a Bin and all Bins nested in it: directory sums, order, names, bounds, and every check record.
//!
//! What is wrong is shown fault by fault, so that the host can list all and the chip can count them and send the first.
//! A child lies strictly inside its parent, so nesting ends by itself; a budget of steps bounds directories that share children.

use crate::bin_image::{Bin, ENTRY_SIZE, Entries, Entry, FLAG_RECORDS, FLAG_SORTED, MAX_DEPTH};
use crate::crc::{Digests, Sums};
use crate::error::Error;
use crate::flash::{Flash, for_each_run, read};

/// Entries looked at in all before the proof gives up.
const BUDGET: u32 = 262_144;

/// What can be wrong with an image. The numbers are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FaultKind {
    /// The directory's CRC-32 is not the one in the index.
    DirectoryChecksum = 1,
    /// The directory says it is sorted, and an entry does not follow the one before; also a name that stands twice.
    Order = 2,
    /// An entry's region leaves the Bin, or the directory ends before its count.
    Outside = 3,
    /// A check record leaves the Bin, or its length is not the file's.
    Record = 4,
    /// A file's CRC-32 is not the one in its check record.
    Checksum = 5,
    /// An index contradicts itself.
    Index = 6,
    /// A stored name is empty, or holds a control character.
    Name = 7,
    /// Nested deeper, or with more entries, than the proof follows: what lies behind is not proven.
    TooDeep = 8,
}

impl FaultKind {
    /// Every kind, in the order of the numbers.
    pub const ALL: [Self; 8] = [
        Self::DirectoryChecksum,
        Self::Order,
        Self::Outside,
        Self::Record,
        Self::Checksum,
        Self::Index,
        Self::Name,
        Self::TooDeep,
    ];

    /// The number on the wire; never 0.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// A sentence for people, without a full stop.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::DirectoryChecksum => {
                "the directory's bytes do not have the CRC-32 that its index records"
            }
            Self::Order => {
                "the directory is marked as sorted, but this name does not follow the one before it"
            }
            Self::Outside => "this entry reaches outside its image",
            Self::Record => "the check record behind this file is missing or of another length",
            Self::Checksum => {
                "this file's bytes do not have the CRC-32 that its check record holds"
            }
            Self::Index => "the index contradicts its directory",
            Self::Name => "this name is empty or holds a control character",
            Self::TooDeep => "the images are nested too deep or hold too many entries to be proven",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Stored name of the entry; zero when the whole Bin is meant.
    pub name: [u8; 8],
    /// Where the Bin starts whose directory is concerned, in bytes from the start of the flash.
    pub bin_offset: u32,
    /// What was recorded, where the fault is about a sum.
    pub expected: u32,
    /// What was computed, where the fault is about a sum.
    pub found: u32,
}

/// What was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    /// Bins whose directory was read, the outermost included.
    pub bins: u32,
    /// Files, nested Bins included.
    pub files: u32,
    /// Files without a check record: nothing can be said of their bytes.
    pub unchecked: u32,
    /// Bytes whose CRC-32 was computed, directories not counted.
    pub bytes: u32,
    /// Faults shown.
    pub faults: u32,
}

/// A directory on the way down.
#[derive(Clone, Copy)]
struct Level {
    entries: Entries,
    /// The name before, to see the order.
    before: u64,
}

/// Proves the Bin of `size` bytes at `start`, showing every fault as it is found.
///
/// # Errors
/// [`Error::OutOfRange`] when the region leaves the flash, or what the flash says when it cannot be read. What is wrong
/// with the image is not an error but a fault.
pub fn verify<F: Flash + ?Sized>(
    flash: &mut F,
    start: u32,
    size: u32,
    digests: &mut Digests,
    mut show: impl FnMut(&Fault),
) -> Result<Tally, Error> {
    let mut proof = Proof {
        digests,
        left: u64::from(size).saturating_mul(MAX_DEPTH as u64),
        show: &mut show,
        tally: Tally::default(),
    };
    let mut levels: [Option<Level>; MAX_DEPTH] = [None; MAX_DEPTH];
    let top = match Bin::open(flash, start, size) {
        Ok(top) => top,
        Err(Error::Corrupt) => {
            proof.fault(FaultKind::Index, start, [0; 8]);
            return Ok(proof.tally);
        }
        Err(error) => return Err(error),
    };
    proof.directory(flash, &top)?;
    let mut depth = 0_usize;
    if let Some(slot) = levels.get_mut(depth) {
        *slot = Some(Level {
            entries: top.entries(),
            before: 0,
        });
    }
    for _ in 0..BUDGET {
        let Some(Some(level)) = levels.get_mut(depth) else {
            return Ok(proof.tally);
        };
        match proof.step(flash, level)? {
            Step::Next => {}
            Step::Stop => break,
            Step::Up if depth == 0 => return Ok(proof.tally),
            Step::Up => depth = depth.saturating_sub(1),
            Step::Down(child) => match levels.get_mut(depth.saturating_add(1)) {
                Some(slot) => {
                    proof.directory(flash, &child)?;
                    *slot = Some(Level {
                        entries: child.entries(),
                        before: 0,
                    });
                    depth = depth.saturating_add(1);
                }
                None => proof.fault(FaultKind::TooDeep, child.start(), [0; 8]),
            },
        }
    }
    proof.fault(FaultKind::TooDeep, start, [0; 8]);
    Ok(proof.tally)
}

enum Step {
    Next,
    /// Too much has been summed already.
    Stop,
    Up,
    Down(Bin),
}

struct Proof<'a> {
    digests: &'a mut Digests,
    /// Bytes that may still be summed: an honest image holds each byte at most once on each level, a hostile one could
    /// keep the chip busy for hours.
    left: u64,
    show: &'a mut dyn FnMut(&Fault),
    tally: Tally,
}

impl Proof<'_> {
    fn fault(&mut self, kind: FaultKind, bin_offset: u32, name: [u8; 8]) {
        self.sums_differ(kind, bin_offset, name, 0, 0);
    }

    fn sums_differ(
        &mut self,
        kind: FaultKind,
        bin_offset: u32,
        name: [u8; 8],
        expected: u32,
        found: u32,
    ) {
        self.tally.faults = self.tally.faults.saturating_add(1);
        (self.show)(&Fault {
            kind,
            name,
            bin_offset,
            expected,
            found,
        });
    }

    fn sum<F: Flash + ?Sized>(
        &mut self,
        flash: &mut F,
        offset: u32,
        size: u32,
    ) -> Result<u32, Error> {
        let mut sums = Sums::new();
        for_each_run(flash, offset, size, |run| {
            self.digests.update_zlib(&mut sums, run);
        })?;
        Ok(sums.zlib())
    }

    fn directory<F: Flash + ?Sized>(&mut self, flash: &mut F, bin: &Bin) -> Result<(), Error> {
        self.tally.bins = self.tally.bins.saturating_add(1);
        let Some(index) = bin.index() else {
            return Ok(());
        };
        // Version 1 is always written sorted and with records; a cleared flag would hide what cannot be proven then.
        let odd_flags = index.flags != FLAG_SORTED | FLAG_RECORDS;
        if odd_flags || entry_behind_the_last(flash, bin, index.entries)?.is_some() {
            self.fault(FaultKind::Index, bin.start(), [0; 8]);
        }
        let found = self.sum(flash, bin.start(), index.offset)?;
        if found != index.directory_crc {
            self.sums_differ(
                FaultKind::DirectoryChecksum,
                bin.start(),
                [0; 8],
                index.directory_crc,
                found,
            );
        }
        Ok(())
    }

    fn step<F: Flash + ?Sized>(&mut self, flash: &mut F, level: &mut Level) -> Result<Step, Error> {
        let bin = *level.entries.bin();
        let entry = match level.entries.next(flash) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(Step::Up),
            Err(Error::Corrupt) => {
                self.fault(FaultKind::Outside, bin.start(), [0; 8]);
                return Ok(Step::Up);
            }
            Err(Error::TooDeep) => {
                self.fault(FaultKind::TooDeep, bin.start(), [0; 8]);
                return Ok(Step::Up);
            }
            Err(error) => return Err(error),
        };
        self.tally.files = self.tally.files.saturating_add(1);
        let order = u64::from_be_bytes(entry.name);
        if bin
            .index()
            .is_some_and(|index| index.flags & FLAG_SORTED != 0)
            && order <= level.before
        {
            self.fault(FaultKind::Order, bin.start(), entry.name);
        }
        level.before = order;
        if entry.label().is_empty() || entry.label().iter().any(u8::is_ascii_control) {
            self.fault(FaultKind::Name, bin.start(), entry.name);
        }
        if bin.region(&entry).is_err() {
            self.fault(FaultKind::Outside, bin.start(), entry.name);
            return Ok(Step::Next);
        }
        match self.left.checked_sub(u64::from(entry.size)) {
            Some(left) => self.left = left,
            None => return Ok(Step::Stop),
        }
        self.file(flash, &bin, &entry)?;
        match bin.child(flash, &entry) {
            Ok(child) if child.index().is_some() => Ok(Step::Down(child)),
            Ok(_) => Ok(Step::Next),
            Err(Error::Corrupt) => {
                self.fault(FaultKind::Index, bin.start(), entry.name);
                Ok(Step::Next)
            }
            Err(error) => Err(error),
        }
    }

    fn file<F: Flash + ?Sized>(
        &mut self,
        flash: &mut F,
        bin: &Bin,
        entry: &Entry,
    ) -> Result<(), Error> {
        let record = match bin.check_record(flash, entry) {
            Ok(Some(record)) => record,
            Ok(None) => {
                self.tally.unchecked = self.tally.unchecked.saturating_add(1);
                return Ok(());
            }
            Err(Error::Corrupt) => {
                self.fault(FaultKind::Record, bin.start(), entry.name);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let found = self.sum(flash, bin.region(entry)?, entry.size)?;
        self.tally.bytes = self.tally.bytes.saturating_add(entry.size);
        if found != record.crc32 {
            self.sums_differ(
                FaultKind::Checksum,
                bin.start(),
                entry.name,
                record.crc32,
                found,
            );
        }
        Ok(())
    }
}

/// What stands in the slot behind the last counted entry; a count that was lowered hides files, and leaves one there.
fn entry_behind_the_last<F: Flash + ?Sized>(
    flash: &mut F,
    bin: &Bin,
    entries: u32,
) -> Result<Option<Entry>, Error> {
    // Slot 0 is `!` itself.
    let at = entries.saturating_add(1).saturating_mul(ENTRY_SIZE);
    if at >= bin.index().map_or(0, |index| index.offset) {
        return Ok(None);
    }
    let offset = bin.start().checked_add(at).ok_or(Error::OutOfRange)?;
    Ok(Entry::parse(&read(flash, offset)?))
}
