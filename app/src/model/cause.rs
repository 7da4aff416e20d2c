//! Why things go wrong around a board: every cause that Flashpack can name, as a value.
//!
//! A [`Cause`] is decided where the evidence is (the port, the wire, the flash, the disk) and travels with the error to
//! both front ends, which show its sentence between what failed and what to do. The texts are in [`table`]. Nothing
//! here looks for a cause; an error without one is shown without one.

mod table;

use serde::{Serialize, Serializer};

pub use table::{BUTTONS, CAUSES};

/// Where a cause lies, as the table in the documentation groups them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// The port, as the operating system sees it.
    Port,
    /// What answers on the port, or does not.
    Connection,
    /// The chip and its flash.
    Board,
    /// What was asked for does not go together.
    Plan,
    /// Files on disk.
    File,
}

impl Area {
    /// As a heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Port => "Port",
            Self::Connection => "Connection",
            Self::Board => "Board",
            Self::Plan => "Plan",
            Self::File => "File",
        }
    }
}

/// One row of the table: a cause with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CauseFacts {
    pub cause: Cause,
    /// As programs read it, `port-busy`; a contract, never reused for something else.
    pub name: &'static str,
    pub area: Area,
    /// The cause as one sentence, without a full stop.
    pub why: &'static str,
    /// The one thing to do. Where more is known (a group, a program's name) the message says it more exactly.
    pub todo: &'static str,
}

/// Why something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    NoPort,
    SeveralBoards,
    UnknownMac,
    PortMissing,
    PortNoPermission,
    PortBusy,
    NotSerial,
    PortGone,
    Silent,
    BoardDeaf,
    RunsProgram,
    FlashBlank,
    BootloaderDamaged,
    NothingToStart,
    BrownOut,
    WatchdogLoop,
    CrashLoop,
    WrongSpeed,
    OtherDevice,
    Echo,
    NoisyLine,
    SpeedTooHigh,
    StoppedAnswering,
    OtherBoard,
    WrongChip,
    WrongRevision,
    NoAgentForChip,
    SecureDownload,
    EncryptedFlash,
    SecureBoot,
    FlashLocked,
    FlashWorn,
    EraseFailed,
    ProgramFailed,
    FlashTooSmall,
    NoTable,
    NoPartition,
    DamagedOnBoard,
    NotOnBoard,
    TooLargeForPartition,
    BadTable,
    NotATable,
    Overlap,
    Unaligned,
    EmptyFile,
    BrokenProject,
    DamagedImage,
    NotInImage,
    FileMissing,
    FolderInstead,
    NotOrdinary,
    FileTooLong,
    FileNoPermission,
    FolderMissing,
    ReadOnlyFolder,
    DiskFull,
    NewerProject,
}

impl Cause {
    /// The cause's row of the table.
    pub fn facts(self) -> &'static CauseFacts {
        // The table holds every variant; a test checks it. The first row stands in so that no path can panic.
        CAUSES
            .iter()
            .find(|facts| facts.cause == self)
            .unwrap_or(&CAUSES[0])
    }

    /// As programs read it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The cause as one sentence.
    pub fn why(self) -> &'static str {
        self.facts().why
    }

    /// The one thing to do.
    pub fn todo(self) -> &'static str {
        self.facts().todo
    }

    /// Whether the BOOT and RESET buttons are the way out, so that a picture of them helps.
    pub fn needs_buttons(self) -> bool {
        matches!(
            self,
            Self::Silent
                | Self::RunsProgram
                | Self::FlashBlank
                | Self::BootloaderDamaged
                | Self::NothingToStart
                | Self::WatchdogLoop
                | Self::CrashLoop
                | Self::SpeedTooHigh
        )
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_its_own_row_and_words() {
        assert!(CAUSES.len() >= 40, "{}", CAUSES.len());
        // The last variant's number counts the variants: none may be without a row.
        assert_eq!(CAUSES.len(), Cause::NewerProject as usize + 1);
        let names: BTreeSet<_> = CAUSES.iter().map(|facts| facts.name).collect();
        assert_eq!(names.len(), CAUSES.len(), "two causes have one name");
        for facts in CAUSES {
            assert_eq!(facts.cause.facts(), facts);
            for text in [facts.why, facts.todo] {
                assert!(
                    text.len() > 20 && !text.ends_with('.') && text.starts_with(char::is_uppercase),
                    "{}: {text}",
                    facts.name
                );
            }
        }
        assert!(
            CAUSES.is_sorted_by_key(|facts| facts.area),
            "areas stand together"
        );
    }

    #[test]
    fn a_cause_is_written_by_its_name() {
        assert_eq!(
            serde_json::to_string(&Cause::PortBusy).unwrap(),
            "\"port-busy\""
        );
    }
}
