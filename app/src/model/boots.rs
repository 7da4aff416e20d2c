//! What a board would start, as far as its flash was read: the answer *what boots*.

use std::sync::Arc;

use serde::Serialize;

use super::region::Region;

/// An app by its header and descriptor; whether its bytes are sound was not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AppFacts {
    pub project: Option<String>,
    pub version: Option<String>,
    /// When it was built.
    pub built: Option<String>,
    pub idf_version: Option<String>,
    /// As printed by Espressif; a number for an unknown chip.
    pub chip: String,
}

impl AppFacts {
    /// `blink 1.2.0, built Jul 12 2026 10:00:00`, as far as it is known.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        let name = [self.project.as_deref(), self.version.as_deref()];
        let name: Vec<&str> = name.into_iter().flatten().collect();
        if !name.is_empty() {
            parts.push(name.join(" "));
        }
        parts.extend(self.built.iter().map(|built| format!("built {built}")));
        if parts.is_empty() {
            return "an app without a descriptor".to_owned();
        }
        parts.join(", ")
    }
}

/// A place for an app, in the order in which the bootloader tries them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BootCandidate {
    /// Name of the partition.
    pub partition: String,
    /// Number of the OTA slot; `None` for the factory and the test app.
    pub slot: Option<u32>,
    pub region: Region,
    /// What its header says; `None` when no app begins there.
    pub app: Option<AppFacts>,
}

/// The otadata partition as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundOtaData {
    pub partition: String,
    pub region: Region,
    /// Both of its sectors.
    pub bytes: Arc<[u8]>,
}

/// What boots, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Boots {
    /// Where the partition table was looked for.
    pub table_offset: u32,
    /// Name of the partition that boots: the first in the bootloader's order with an app in it.
    pub partition: Option<String>,
    pub offset: Option<u32>,
    pub app: Option<AppFacts>,
    /// Why that one, or why none, as one sentence without a full stop.
    pub why: String,
    /// Everything that the bootloader tries.
    pub order: Vec<BootCandidate>,
    /// OTA slots of the table.
    pub slots: u32,
    #[serde(skip)]
    pub otadata: Option<FoundOtaData>,
    /// The table's own bytes.
    #[serde(skip)]
    pub table: Arc<[u8]>,
}

impl Boots {
    /// The answer in one line: `ota_1 at 0x110000: blink 1.2.0. Otadata names …`.
    pub fn sentence(&self) -> String {
        let place = match (&self.partition, self.offset) {
            (Some(name), Some(offset)) => format!("{name} at {}", super::number::hex(offset)),
            _ => return format!("nothing: {}", self.why),
        };
        let app = self.app.as_ref().map(AppFacts::sentence);
        format!("{place}, {} ({})", app.unwrap_or_default(), self.why)
    }
}
