//! What is selected and connected right now, as plain data: all that decides which commands are available.

/// A picture of the state, made once per frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of independent facts, each asked for by name"
)]
pub struct Environment {
    /// What *Undo* would take back.
    pub undo: Option<String>,
    /// What *Redo* would make again.
    pub redo: Option<String>,
    pub dirty: bool,
    /// Name of the selected partition.
    pub partition: Option<String>,
    /// Place of the selected partition in the table, and number of rows.
    pub row: Option<usize>,
    pub rows: usize,
    /// Whether the selected partition can take files.
    pub takes_files: bool,
    /// Whether its files are packed as a Bin whose offsets can be kept.
    pub packs_a_bin: bool,
    /// Whether something goes into the selected partition and is packed.
    pub has_image: bool,
    /// Whether a file or a folder of the selected partition is selected.
    pub entry: bool,
    pub connected: bool,
    /// Name of the running job.
    pub job: Option<String>,
    /// What cancelling the running job would leave.
    pub cancel_leaves: Option<&'static str>,
    /// This project was written to a board since the start.
    pub written: bool,
    /// Name of the port in use.
    pub port: String,
    /// Number of problems that stop a write.
    pub errors: usize,
    /// Images are being packed.
    pub packing: bool,
    /// Everything that would be written is known to be on the board.
    pub all_same: bool,
    /// There is something to write at all.
    pub has_plan: bool,
    /// Neighbours give way in the map.
    pub pushing: bool,
    /// Somebody wants to listen to the board, whoever has the port now.
    pub monitoring: bool,
    /// The monitor has the port.
    pub listening: bool,
    /// The monitor has lines.
    pub monitor_text: bool,
    /// An ELF file explains what the monitor hears.
    pub monitor_elf: bool,
    /// Where the log of every day is kept, if it is.
    pub log_folder: Option<std::path::PathBuf>,
    /// A sheet or a dialog covers the window.
    pub covered: bool,
}

/// What the one prominent button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Main {
    Connect,
    FixProblems,
    Write,
    NothingToWrite,
    Busy,
}

impl Environment {
    /// What the one prominent button does now.
    pub fn main(&self) -> Main {
        if self.job.is_some() {
            Main::Busy
        } else if self.errors > 0 {
            Main::FixProblems
        } else if !self.connected {
            Main::Connect
        } else if self.has_plan && !self.all_same {
            Main::Write
        } else {
            Main::NothingToWrite
        }
    }

    /// What the one prominent button says.
    pub fn main_label(&self) -> String {
        match self.main() {
            Main::Connect => "Connect a board".to_owned(),
            Main::FixProblems => format!(
                "Fix {}",
                super::text::count(self.errors, "problem", "problems")
            ),
            Main::Write => "Write to board".to_owned(),
            Main::NothingToWrite => "Nothing to write".to_owned(),
            Main::Busy => format!("{}…", self.job.as_deref().unwrap_or("Working")),
        }
    }
}
