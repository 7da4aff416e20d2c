//! What a write will do, decided before anything is sent: the same value is shown, printed and carried out.

use std::sync::Arc;

use serde::Serialize;

use super::chip::Chip;
use super::guard::GuardName;
use super::plan_layout::PlanLayout;
use super::planned_move::{MovesUnknown, PlannedMove};
use super::region::Region;

/// What a region of a plan is; decides its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Anything that nothing else points at.
    Data,
    /// An app image.
    App,
    /// The second-stage bootloader.
    Bootloader,
    /// The partition table: after everything that it names.
    Table,
    /// The choice of the app to boot: after the app that it names.
    OtaData,
}

/// One region to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedWrite {
    pub role: Role,
    /// The partition's name, or `partition table`, `bootloader`, or the offset.
    pub target: String,
    /// Where the bytes come from: a file's name, `3 files packed`, ...
    pub source: String,
    /// First byte of flash to write.
    pub offset: u32,
    pub bytes: Arc<[u8]>,
    /// What the user loses, as sentences; shown before and ticked.
    pub destroys: Vec<String>,
}

impl PlannedWrite {
    /// The bytes that are written.
    pub fn region(&self) -> Region {
        Region::new(
            self.offset,
            u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
        )
    }
}

/// Everything that one write will do, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlashPlan {
    pub writes: Vec<PlannedWrite>,
    /// Write everything, whether it differs or not.
    pub full: bool,
    /// Do not prove the written bytes afterwards.
    pub no_verify: bool,
    /// The chip that it is made for; `None`: any.
    pub chip: Option<Chip>,
    /// The table that is in force once it is carried out.
    pub layout: PlanLayout,
    /// Guards that the user overrides, by name.
    pub forced: Vec<GuardName>,
    /// The app that its otadata chooses.
    pub boots: Option<BootChoice>,
    /// Partitions that its table moves or shrinks and that hold data on the board.
    pub moves: Vec<PlannedMove>,
    /// Why nobody knows which data its table leaves behind; `None`: it is known, or there was no board to ask.
    pub moves_unknown: Option<MovesUnknown>,
    /// Whether that data is carried along.
    pub carry: bool,
    /// Where files lie whole that are written in pieces, because parts of them have their own place in the order.
    pub whole_files: Vec<Region>,
    /// That it puts the agent into flash, or takes it out again.
    pub agent: Option<AgentInFlash>,
}

/// What a plan does about the agent as an app in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentInFlash {
    /// The agent's image goes into a slot.
    Install {
        /// Name of the partition.
        slot: String,
        /// What is saved first, whole sectors each, by name.
        saved: Vec<(String, Region)>,
        /// What an earlier install saved is of no use any more: somebody wrote over the agent since.
        anew: bool,
    },
    /// What an install replaced is put back.
    Restore,
}

/// An app that a plan chooses to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootChoice {
    pub partition: String,
    /// Whether an app begins there on the board; `None`: the plan writes it, or nobody looked.
    pub holds_app: Option<bool>,
}

impl FlashPlan {
    /// A plan with its writes in the order that survives power loss: data and apps first, the table after what it
    /// names, otadata last.
    pub fn new(mut writes: Vec<PlannedWrite>) -> Self {
        writes.sort_by_key(|write| (write.role, write.offset));
        Self {
            writes,
            ..Self::default()
        }
    }

    /// Adds a write at its place in the order.
    pub fn add(&mut self, write: PlannedWrite) {
        self.writes.push(write);
        self.writes.sort_by_key(|write| (write.role, write.offset));
    }

    /// The whole file that a write is a piece of, if it is one.
    pub fn whole_file(&self, write: &PlannedWrite) -> Option<Region> {
        let mut files = self.whole_files.iter();
        files.find(|file| file.contains(write.region())).copied()
    }

    /// Whether a write goes on with a file that begins before it: what its first bytes are says nothing then.
    pub fn goes_on(&self, write: &PlannedWrite) -> bool {
        let file = self.whole_file(write);
        file.is_some_and(|file| file.offset < write.offset)
    }

    /// Bytes that the plan covers.
    pub fn total_bytes(&self) -> u64 {
        self.writes
            .iter()
            .map(|write| write.bytes.len() as u64)
            .sum()
    }
}
