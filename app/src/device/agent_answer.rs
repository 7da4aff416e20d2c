//! What the agent on a board answers, as plain values. What the agent did not say is `None`.

use serde::Serialize;

/// Who answers and what it sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentInfo {
    pub project: String,
    pub version: String,
    pub protocol: u16,
    /// Bytes of flash that the agent can map.
    pub flash_size: u32,
    pub table_offset: u32,
    pub mmu_entries: u16,
    pub mmu_free: u16,
    /// Bytes of an MMU page.
    pub page_size: u32,
    /// The flash has more pages than the MMU entries, so what is mapped changes with what is asked.
    pub sliding: bool,
    /// The agent runs as an app in flash, and shares the MMU with what the bootloader mapped for it.
    pub in_flash: bool,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    pub name: String,
    pub partition: Option<String>,
    /// From the start of the outermost image, in bytes.
    pub offset: u32,
    pub size: u32,
    /// From the start of the flash, in bytes.
    pub flash_offset: Option<u32>,
    /// Address on the chip's data bus.
    pub vaddr: Option<u32>,
    /// Address on the chip's instruction bus.
    pub vaddr_code: Option<u32>,
    /// CRC-32 (zlib) of the bytes.
    pub crc32: Option<u32>,
    /// CPU cycles that the look-up took on the chip.
    pub cycles: Option<u32>,
    /// The addresses are right only until the next question, because the flash is larger than the MMU's table.
    #[serde(skip_serializing_if = "is_false")]
    pub sliding: bool,
    /// The file goes over the end of what the MMU shows in one piece: its addresses are those of its first page alone.
    #[serde(skip_serializing_if = "is_false")]
    pub parted: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a field over by reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Where a file is, when many are asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    At {
        /// From the start of the outermost image, in bytes.
        offset: u32,
        size: u32,
    },
    NotFound,
    /// A directory on the way to it contradicts itself.
    Unreadable,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedEntry {
    pub name: String,
    /// From the start of the outermost image, in bytes.
    pub offset: u32,
    pub size: u32,
    /// Whether the entry is a nested Bin.
    pub folder: bool,
    /// CRC-32 (zlib) as its check record has it; it was not computed.
    pub crc32: Option<u32>,
    /// It or its check record reaches outside its image.
    pub corrupt: bool,
}

/// The agent's verdict on a Bin, or on one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Bins that were gone through, the outermost included; 0 when a single file was asked for.
    pub bins: u32,
    pub files: u32,
    /// Bytes that the chip put through its sums.
    pub bytes: u32,
    /// Files without a check record: nothing can be said of their bytes.
    pub unchecked: u32,
    /// What is wrong, as sentences.
    pub faults: Vec<String>,
    /// CPU cycles that it took.
    pub cycles: Option<u32>,
}

/// What is done to the MMU table before it is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mapping {
    /// Nothing.
    AsItIs,
    /// All of the flash is mapped, as far as entries are free.
    #[default]
    All,
    /// Every entry that the agent took is given back.
    Released,
}

/// The MMU table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MmuTable {
    /// Bytes that one entry shows.
    pub page_size: u32,
    /// Entries that show nothing.
    pub free: u16,
    /// Entries that the agent took.
    pub own: u16,
    /// The flash is larger than the table can show: what is mapped slides, and an address is right until the next
    /// question.
    pub sliding: bool,
    pub entries: Vec<MmuEntry>,
}

/// One entry of the MMU table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MmuEntry {
    pub index: u16,
    /// What it shows, from the start of the flash; `None`: nothing.
    pub flash_offset: Option<u32>,
    /// Whether the agent took it.
    pub own: bool,
    /// Where it is seen on the data bus.
    pub vaddr: u32,
    /// Where it is seen on the instruction bus.
    pub vaddr_code: u32,
}

/// CPU cycles of several look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cycles {
    pub fewest: u32,
    pub most: u32,
    /// On average.
    pub mean: u32,
}

/// What look-ups of one name cost on the chip. A board without a processor has no cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LookUpCost {
    /// Look-ups of each sort.
    pub count: u32,
    /// With an emptied cache.
    pub cold: Option<Cycles>,
    /// Right after it.
    pub warm: Option<Cycles>,
}

/// The sum of a file's bytes, computed by the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileSum {
    pub flash_offset: u32,
    pub size: u32,
    /// CRC-32 (zlib) of the bytes.
    pub computed: u32,
    /// CRC-32 in the check record, where there is one.
    pub recorded: Option<u32>,
    pub cycles: Option<u32>,
}
