//! What panels ask for. Queued while a frame is drawn, carried out once per frame by [`super::run_command`].
//!
//! A [`Command`] is something that a person can name in a menu; the other actions carry what a click already decided.

use std::path::PathBuf;
use std::sync::Arc;

use super::board_files::ReadWish;
use super::command::Command;
use super::packer_actions::Extraction;
use super::selection::Selection;
use super::several::SeveralWish;
use crate::engine::request::{PortChoice, Question};
use crate::model::flash_plan::FlashPlan;
use crate::model::problem::{Fix, Place};
use crate::model::project::Project;
use crate::model::region::Region;
use crate::store::settings::Theme;
use crate::store::tree::Existing;

/// One wish of a panel.
#[derive(Clone, Debug)]
pub enum Action {
    Command(Command),
    Select(Selection),
    /// Make an edit that *Undo* shows under this name.
    Edit {
        name: String,
        project: Box<Project>,
    },
    /// Show a drag's outcome without making it; `None` puts it back.
    Preview(Option<Box<Project>>),
    OpenPath(PathBuf),
    /// Stop looking at a file, and show the contents of what is selected again.
    CloseFile,
    /// Put files and folders into a partition.
    AddPaths {
        partition: String,
        paths: Vec<PathBuf>,
    },
    /// Put what was just added to one partition into another instead.
    PutInstead {
        from: String,
        into: String,
        paths: Vec<PathBuf>,
    },
    /// Take files out of a packed image, in the way that the user chose for what is there already.
    ExtractInto {
        extraction: Extraction,
        existing: Existing,
    },
    ApplyFix(Fix),
    GoTo(Place),
    ChoosePort(PortChoice),
    /// Use the board at another speed, in bits per second.
    ChooseSpeed(u32),
    /// What the sheet of several boards asks for.
    Several(SeveralWish),
    /// Carry out a plan that was shown.
    StartWrite(Arc<FlashPlan>),
    /// Show the plan that makes the board boot the app in this partition.
    BootSlot {
        partition: String,
    },
    /// Carry out a restore that was shown.
    StartRestore {
        plan: Arc<FlashPlan>,
        /// Does the same in a terminal, without its port.
        words: String,
    },
    /// Erase what was asked about.
    StartErase(Region),
    /// Read from the board into a file.
    ReadInto(ReadWish),
    /// Show what restoring this backup would do.
    RestoreFrom(PathBuf),
    /// Go on with the job that was cut.
    Resume,
    LookUp {
        partition: String,
        path: String,
    },
    /// Ask the agent something that the agent panel shows.
    AskAgent(Question),
    /// Read a stretch of flash for the live bytes, without a line in the log.
    ReadLive(Region),
    /// Select a file of a partition by its path in the image.
    ShowFile {
        partition: String,
        path: String,
    },
    SetTheme(Theme),
    Copy(String),
    /// Say something in the strip above the drawer.
    Tell(String),
    DismissNotice,
    DismissSteps,
    CloseDialog,
    /// The question about unsaved work was answered.
    AfterUnsaved(Unsaved),
}

/// What the user wants with unsaved work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    Save,
    Discard,
    Cancel,
}

impl From<Command> for Action {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}
