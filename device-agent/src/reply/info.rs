//! Replies about the agent itself and about the MMU.

use crate::message::{Fields, Writer};

/// Answer to `Info`: 88 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// [`crate::PROTOCOL_VERSION`] of the agent.
    pub protocol: u16,
    /// Number of the chip as in an image header; 5 is the ESP32-C3.
    pub chip: u16,
    /// Bit `n` set: requests of kind `n` are answered.
    pub capabilities: u32,
    /// Bytes.
    pub flash_size: u32,
    /// Where the agent looks for the table when a request does not say; bytes from the start of the flash.
    pub table_offset: u32,
    /// Entries of the MMU.
    pub mmu_entries: u16,
    /// Entries that map nothing.
    pub mmu_free: u16,
    /// Bytes that one entry maps.
    pub page_size: u32,
    /// Fields of a request at most, in bytes.
    pub max_request: u16,
    /// Bits of [`InfoFlags`].
    pub flags: InfoFlags,
    /// CPU cycles in a second; 0 when the agent does not know.
    pub cpu_hz: u32,
    /// Name of the program, NUL-padded.
    pub project: [u8; 32],
    /// Version of the program, NUL-padded.
    pub version: [u8; 24],
}

/// What else an agent says of itself, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct InfoFlags(pub u16);

impl InfoFlags {
    /// The flash is larger than all entries together: addresses are right only until the window slides.
    pub const SLIDING: u16 = 1;
    /// The MMU is shared with a running app; entries may be taken by others.
    pub const SHARED: u16 = 2;

    /// Whether a bit is set.
    pub const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

impl Info {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u16(self.protocol);
        to.u16(self.chip);
        to.u32(self.capabilities);
        to.u32(self.flash_size);
        to.u32(self.table_offset);
        to.u16(self.mmu_entries);
        to.u16(self.mmu_free);
        to.u32(self.page_size);
        to.u16(self.max_request);
        to.u16(self.flags.0);
        to.u32(self.cpu_hz);
        to.bytes(&self.project);
        to.bytes(&self.version);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        Some(Self {
            protocol: fields.u16()?,
            chip: fields.u16()?,
            capabilities: fields.u32()?,
            flash_size: fields.u32()?,
            table_offset: fields.u32()?,
            mmu_entries: fields.u16()?,
            mmu_free: fields.u16()?,
            page_size: fields.u32()?,
            max_request: fields.u16()?,
            flags: InfoFlags(fields.u16()?),
            cpu_hz: fields.u32()?,
            project: fields.array()?,
            version: fields.array()?,
        })
    }
}

/// Text padded with NULs to a fixed size, cut when it is longer.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (slot, byte) in bytes.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
    bytes
}

/// Answer to `Map`, before one u16 for each entry: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapHeader {
    /// Entries of the MMU, and half-words that follow.
    pub entries: u16,
    /// Entries that map nothing.
    pub free: u16,
    /// Entries that the agent took.
    pub own: u16,
    /// Bits of [`InfoFlags`].
    pub flags: InfoFlags,
}

impl MapHeader {
    /// In an entry's half-word: the flash page that it maps.
    pub const PAGE: u16 = 0x00FF;
    /// In an entry's half-word: it maps nothing.
    pub const INVALID: u16 = 0x0100;
    /// In an entry's half-word: the agent took it.
    pub const OWN: u16 = 0x8000;

    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u16(self.entries);
        to.u16(self.free);
        to.u16(self.own);
        to.u16(self.flags.0);
    }

    /// Reads the fields.
    pub fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            entries: fields.u16()?,
            free: fields.u16()?,
            own: fields.u16()?,
            flags: InfoFlags(fields.u16()?),
        })
    }
}

/// Answer to `Peek`: 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peeked {
    /// Bytes from the start of the flash.
    pub offset: u32,
    /// The value, upper bytes zero.
    pub value: u32,
    /// Address of its first byte on the data bus.
    pub vaddr: u32,
}

impl Peeked {
    /// Appends the fields.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.offset);
        to.u32(self.value);
        to.u32(self.vaddr);
    }

    /// Reads the fields.
    pub fn parse(fields: &[u8]) -> Option<Self> {
        let fields = &mut Fields(fields);
        Some(Self {
            offset: fields.u32()?,
            value: fields.u32()?,
            vaddr: fields.u32()?,
        })
    }
}
