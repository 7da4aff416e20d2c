//! What a job is asked to do; it holds everything that the job needs, so that the screen may change meanwhile.

use std::path::PathBuf;
use std::sync::Arc;

pub use super::compare_files::ExpectedFile;
pub use super::monitor::{Monitor, MonitorElf};
use super::read::PiecesWanted;
pub use crate::device::agent_answer::Mapping;
use crate::model::flash_plan::FlashPlan;
use crate::model::region::Region;

/// Which board.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PortChoice {
    /// A serial port by its path or name: `/dev/ttyUSB0`, `COM3`.
    Path(PathBuf),
    /// A practice board inside this process.
    Practice,
}

impl std::fmt::Display for PortChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Practice => f.write_str("practice board"),
        }
    }
}

/// How the chip is brought into its loader before the first command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Before {
    /// Control lines where the port has them, else whatever answers: loader, stub or agent.
    #[default]
    Auto,
    DefaultReset,
    UsbReset,
    NoReset,
}

/// What the board is left in after the last command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum After {
    /// Reset by the control lines; without them the agent restarts into the loader and the stub stays.
    #[default]
    HardReset,
    /// Reset by the chip's own watchdog.
    WatchdogReset,
    NoReset,
}

/// How to open a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkOptions {
    pub before: Before,
    pub after: After,
    /// Bits per second after the connection is made; connecting itself is always done at 115200.
    pub baud: u32,
    /// Refuse any other chip.
    pub chip: Option<crate::model::chip::Chip>,
    /// Refuse any board with another base MAC address.
    pub mac: Option<[u8; 6]>,
    /// Multiplies every time that an answer is waited for, in per cent: less where a lost answer is to cost less, as
    /// on a practice board under test; more for a board that is slower than any that is known.
    pub patience_percent: u32,
    /// Ask the stub for digests even where the agent in the chip's RAM would tell them faster.
    pub stub_only: bool,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            before: Before::Auto,
            after: After::NoReset,
            baud: 115_200,
            chip: None,
            mac: None,
            patience_percent: 100,
            stub_only: false,
        }
    }
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Connect and say what is there.
    Detect,
    /// Carry out a plan.
    Write(Arc<FlashPlan>),
    /// Compare the board with a plan, without writing.
    Verify(Arc<FlashPlan>),
    /// Read a region.
    Read(Region),
    /// Read regions piece by piece, each reported as it is proven.
    ReadPieces(Arc<PiecesWanted>),
    /// Erase whole sectors; the region must be aligned to 4 KiB.
    Erase(Region),
    /// Ask the device agent; it is loaded into the chip's RAM if it is not there.
    Agent(Question),
    /// Say what the board would start, by the partition table at this offset.
    WhatBoots { table_offset: u32 },
    /// Plan to put the agent into flash, or to take it out again; the table lies at this offset. Nothing is written.
    AgentInFlash {
        change: FlashChange,
        table_offset: u32,
    },
    /// Leave the loader: reset the board into what it holds in flash.
    Reset,
    /// Listen to what the program on the board says, until the job is cancelled. Leaves the loader first.
    Monitor(Monitor),
}

/// What is to become of the agent in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlashChange {
    /// Into this partition, else into the one that boots now.
    Install { slot: Option<String> },
    /// What an install replaced comes back.
    Restore,
}

/// What the agent is asked. `partition` is a label in the table on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Info,
    /// The MMU table, after what is done to it.
    Map(Mapping),
    List {
        partition: String,
        path: String,
    },
    Find {
        partition: String,
        path: String,
    },
    /// Find a file and read it.
    ReadFile {
        partition: String,
        path: String,
    },
    ReadRegion(Region),
    /// Prove a Bin with all in it, or one file, by their check records.
    Verify {
        partition: String,
        path: String,
    },
    /// Prove every file of a pack by the bytes that the board holds, and say what else lies there.
    Compare {
        partition: String,
        files: Arc<[ExpectedFile]>,
    },
    /// What look-ups cost on the chip: of one path, or (empty) of some in every directory.
    Bench {
        partition: String,
        path: String,
        /// Look-ups of each sort, 1 to 1,000.
        count: u16,
    },
}

impl Request {
    /// The job's name on screen, as a noun: `Write`, `Look-up`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Detect => "Connect",
            Self::Write(_) => "Write",
            Self::Verify(_) => "Verify",
            Self::Read(_) | Self::ReadPieces(_) => "Read",
            Self::Erase(_) => "Erase",
            Self::Agent(Question::Find { .. }) => "Look-up",
            Self::Agent(Question::Compare { .. }) => "Comparison by the agent",
            Self::Agent(Question::Bench { .. }) => "Benchmark",
            Self::Agent(_) => "Agent",
            Self::WhatBoots { .. } => "What boots",
            Self::AgentInFlash { change, .. } => match change {
                FlashChange::Install { .. } => "Plan for the agent in flash",
                FlashChange::Restore => "Plan for what the agent replaced",
            },
            Self::Reset => "Reset",
            Self::Monitor(_) => "Monitor",
        }
    }
}
