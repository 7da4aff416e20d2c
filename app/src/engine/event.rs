//! What a job reports.
//!
//! The order is promised: one `Started`; then any number of `Stage`, `Advanced`, `Region`, `Piece`, `Note`, `Slower` and `Monitor`; then exactly
//! one of `Finished`, `Failed` or `Cancelled`. `Advanced` counts within the latest `Stage` and never goes back.

use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

pub use super::agent_map::{BoardMap, BoardPartition};
pub use super::bench_agent::{BenchLine, BenchReport};
pub use super::compare_files::{FileComparison, FileState, FileVerdict};
use super::error::JobError;
pub use crate::device::agent_answer::{
    AgentInfo, Cycles, Found, ListedEntry, LookUpCost, MmuEntry, MmuTable, VerifyReport,
};
use crate::formats::console::decode::Part;
use crate::model::boots::Boots;
use crate::model::chip::BoardIdentity;
use crate::model::flash_plan::FlashPlan;
use crate::model::region::Region;

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Connecting,
    /// Finding out what differs.
    Comparing,
    Erasing,
    Writing,
    Verifying,
    Reading,
    /// Loading the agent into the chip's RAM and asking it.
    Asking,
}

impl Stage {
    /// As shown: `Writing`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Comparing => "Comparing",
            Self::Erasing => "Erasing",
            Self::Writing => "Writing",
            Self::Verifying => "Verifying",
            Self::Reading => "Reading",
            Self::Asking => "Asking the board",
        }
    }
}

/// What is now known of a region of the board's flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionState {
    /// Holds what the plan says, proven by a digest before anything was written.
    Same,
    /// Does not hold it.
    Differs,
    /// Sent to the board, not yet proven.
    Written,
    /// Written and proven.
    Verified,
    Erased,
}

/// Figures of a finished write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct WriteSummary {
    /// Bytes that were sent to flash, in whole sectors.
    pub written: u64,
    /// Bytes that were right already.
    pub unchanged: u64,
    /// Whether all of the plan has been proven on the board since the last write.
    pub verified: bool,
    pub millis: u64,
}

/// A plan that was made by looking at a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPlanned {
    pub plan: Arc<FlashPlan>,
    /// The board that it is made for.
    pub identity: BoardIdentity,
    /// What a person must know first, as sentences without a full stop.
    pub warnings: Vec<String>,
}

/// How a job ended well.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Detected(BoardIdentity),
    Written(WriteSummary),
    /// Regions that differ from the plan; none means verified.
    Compared {
        differing: Vec<Region>,
    },
    Read {
        region: Region,
        bytes: Arc<[u8]>,
    },
    /// Every piece was reported; `kept` bytes of them were in hand already and are right.
    PiecesRead {
        kept: u64,
    },
    Erased(Region),
    Boots(Boots),
    Reset,
    AgentInfo(AgentInfo),
    AgentMap(BoardMap),
    Listed(Vec<ListedEntry>),
    /// `None`: no file of this name.
    Found(Option<Found>),
    /// A file read by the agent; `None`: no file of this name.
    FileRead(Option<(Found, Arc<[u8]>)>),
    AgentVerified(VerifyReport),
    FilesCompared(FileComparison),
    Benched(BenchReport),
    /// A plan that puts the agent into flash, or takes it out; nothing was written.
    AgentPlanned(AgentPlanned),
    /// A monitor was stopped; bytes that it received.
    Monitored {
        bytes: u64,
    },
}

/// What a monitor reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Monitored {
    /// The port is open, at the monitor's speed.
    Listening,
    /// What came, in order, and when.
    Heard(Vec<Part>, SystemTime),
    /// Something happened to the port: gone, back, reset. A sentence.
    Port(String, SystemTime),
}

/// One report of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Started {
        name: &'static str,
    },
    Stage(Stage),
    /// Bytes done of all bytes of this stage.
    Advanced {
        done: u64,
        total: u64,
    },
    Region {
        region: Region,
        state: RegionState,
    },
    /// A proven piece of what is being read; without bytes those that were in hand are right.
    Piece {
        region: Region,
        bytes: Option<Arc<[u8]>>,
    },
    /// Worth a line in the log.
    Note(String),
    /// The line did not carry the speed that was asked for: the port is at this one, in bits per second.
    Slower(u32),
    /// Only while a monitor runs.
    Monitor(Monitored),
    Finished(Outcome),
    Failed(JobError),
    /// Stopped as asked; the sentence says what state the board is in.
    Cancelled {
        state: String,
    },
}

impl Event {
    /// Whether no further event of this job follows.
    pub fn is_ending(&self) -> bool {
        matches!(
            self,
            Self::Finished(_) | Self::Failed(_) | Self::Cancelled { .. }
        )
    }
}
