//! Replies about sums, proofs and measurements.

use crate::bin_verify::{Fault, FaultKind, Tally};
use crate::message::{Fields, Writer};

/// Answer to `CrcRegion`: 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionSums {
    /// Bytes from the start of the flash.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// CRC-32 (zlib).
    pub crc32: u32,
    /// CRC-32C.
    pub crc32c: u32,
    /// CPU cycles that it took.
    pub cycles: u32,
}

impl RegionSums {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.offset);
        to.u32(self.size);
        to.u32(self.crc32);
        to.u32(self.crc32c);
        to.u32(self.cycles);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        Some(Self {
            offset: fields.u32()?,
            size: fields.u32()?,
            crc32: fields.u32()?,
            crc32c: fields.u32()?,
            cycles: fields.u32()?,
        })
    }
}

/// Answer to `CrcFile`: 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSum {
    /// Bytes from the start of the flash.
    pub flash_offset: u32,
    /// Bytes.
    pub size: u32,
    /// CRC-32 (zlib) computed from the file's bytes.
    pub computed: u32,
    /// CRC-32 of the check record; `None` when the image has none.
    pub recorded: Option<u32>,
    /// CPU cycles that it took.
    pub cycles: u32,
}

impl FileSum {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.flash_offset);
        to.u32(self.size);
        to.u32(self.computed);
        to.u32(u32::from(self.recorded.is_some()));
        to.u32(self.recorded.unwrap_or(0));
        to.u32(self.cycles);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        let (flash_offset, size, computed) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (has, recorded) = (fields.u32()? != 0, fields.u32()?);
        Some(Self {
            flash_offset,
            size,
            computed,
            recorded: has.then_some(recorded),
            cycles: fields.u32()?,
        })
    }
}

/// Answer to `Verify`: 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What was looked at, and how many faults there are.
    pub tally: Tally,
    /// CPU cycles that it took.
    pub cycles: u32,
    /// The first fault; its Bin's offset is from the start of the flash.
    pub first: Option<Fault>,
}

impl Verified {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.tally.bins);
        to.u32(self.tally.files);
        to.u32(self.tally.unchecked);
        to.u32(self.tally.bytes);
        to.u32(self.tally.faults);
        to.u32(self.cycles);
        to.u32(self.first.map_or(0, |fault| u32::from(fault.kind.number())));
        to.u32(self.first.map_or(0, |fault| fault.bin_offset));
        to.u32(self.first.map_or(0, |fault| fault.expected));
        to.u32(self.first.map_or(0, |fault| fault.found));
        to.bytes(&self.first.map_or([0; 8], |fault| fault.name));
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        let tally = Tally {
            bins: fields.u32()?,
            files: fields.u32()?,
            unchecked: fields.u32()?,
            bytes: fields.u32()?,
            faults: fields.u32()?,
        };
        let cycles = fields.u32()?;
        let kind = u8::try_from(fields.u32()?)
            .ok()
            .and_then(FaultKind::from_number);
        let (bin_offset, expected, found) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let name = fields.array()?;
        Some(Self {
            tally,
            cycles,
            first: kind.map(|kind| Fault {
                kind,
                name,
                bin_offset,
                expected,
                found,
            }),
        })
    }
}

/// Answer to `SelfTest`: 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTested {
    /// Bytes compared.
    pub compared: u32,
    /// Bytes that differ.
    pub different: u32,
    /// Flash offset of the first that differs; [`crate::message::UNKNOWN`] when none does.
    pub first: u32,
}

impl SelfTested {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.compared);
        to.u32(self.different);
        to.u32(self.first);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        Some(Self {
            compared: fields.u32()?,
            different: fields.u32()?,
            first: fields.u32()?,
        })
    }
}

/// CPU cycles of several look-ups: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycles {
    /// Fewest.
    pub least: u32,
    /// Most.
    pub most: u32,
    /// All together.
    pub total: u64,
}

impl Cycles {
    /// Of nothing yet.
    pub const fn new() -> Self {
        Self {
            least: u32::MAX,
            most: 0,
            total: 0,
        }
    }

    /// Takes one more in.
    pub fn add(&mut self, cycles: u32) {
        self.least = self.least.min(cycles);
        self.most = self.most.max(cycles);
        self.total = self.total.saturating_add(u64::from(cycles));
    }

    fn write(&self, to: &mut Writer) {
        to.u32(self.least);
        to.u32(self.most);
        to.u64(self.total);
    }

    fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            least: fields.u32()?,
            most: fields.u32()?,
            total: fields.u64()?,
        })
    }
}

impl Default for Cycles {
    fn default() -> Self {
        Self::new()
    }
}

/// Answer to `Bench`: 36 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Benched {
    /// Look-ups made of each sort.
    pub count: u32,
    /// With an emptied cache.
    pub cold: Cycles,
    /// Right after it.
    pub warm: Cycles,
}

impl Benched {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.count);
        self.cold.write(to);
        self.warm.write(to);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        Some(Self {
            count: fields.u32()?,
            cold: Cycles::parse(fields)?,
            warm: Cycles::parse(fields)?,
        })
    }
}
