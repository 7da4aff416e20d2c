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
}

/// The agent's verdict on a Bin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    pub files: u32,
    /// Files without a check record: nothing can be said of their bytes.
    pub unchecked: u32,
    /// What is wrong, as sentences.
    pub faults: Vec<String>,
}
