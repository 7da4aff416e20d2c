//! Asks for files, off the frame: the system's dialog blocks, so that it runs on a thread of its own.
//!
//! The only place that names rfd. Tests put another [`FileDialogs`] in its place.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Once};

use super::table_files::TableForm;
use crate::model::region::Region;

thread_local! {
    /// Errors that the library wrote to its log on this thread. It answers nothing both when a person closed a dialog
    /// and when none could be shown; only its log tells the two apart.
    static COMPLAINTS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the library's errors; everything else that is logged goes nowhere, as without it.
struct Complaints;

impl log::Log for Complaints {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Error && metadata.target().starts_with("rfd")
    }

    fn log(&self, record: &log::Record<'_>) {
        // Where there is no portal, zenity is tried next, and only its absence is the end.
        let last = record.args().to_string().contains("with zenity");
        if last && self.enabled(record.metadata()) {
            COMPLAINTS.set(COMPLAINTS.get() + 1);
        }
    }

    fn flush(&self) {}
}

/// What `ask` answers, and whether the library could not do what it was asked.
fn with_complaints<T>(ask: impl FnOnce() -> T) -> (T, bool) {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        // A program has one logger. Another one would hide the errors, and a missing dialog would look cancelled.
        if log::set_logger(&Complaints).is_ok() {
            log::set_max_level(log::LevelFilter::Error);
        }
    });
    COMPLAINTS.set(0);
    let answer = ask();
    (answer, COMPLAINTS.get() > 0)
}

/// What is asked for, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    OpenProject,
    SaveProject {
        suggested: String,
    },
    AddFiles {
        partition: String,
    },
    AddFolder {
        partition: String,
    },
    /// One file that is written as it is.
    ImageFor {
        partition: String,
    },
    /// An image whose files are to be edited.
    ImageInto {
        partition: String,
    },
    /// A folder for the files of an image: all, or one by its path.
    ExtractInto {
        partition: String,
        path: Option<String>,
    },
    ExportImage {
        partition: String,
    },
    /// An image whose offsets are to be kept.
    KeepOffsets {
        partition: String,
    },
    /// Where to keep what will be read from the board.
    KeepRead {
        partition: String,
    },
    /// Where to keep a backup of these regions.
    BackupTo {
        regions: Vec<(String, Region)>,
        /// Whether they are all of the flash.
        whole: bool,
    },
    /// A backup.
    RestoreFrom,
    SavePlan,
    /// What the monitor shows.
    SaveMonitor,
    /// The ELF file of the program on the board.
    MonitorElf,
    /// Of what was written to several boards.
    SaveSummary,
    /// A CSV, a binary table or an image with a table in it.
    ImportTable,
    /// The same, to be compared with the project's.
    CompareTable,
    ExportTable {
        form: TableForm,
    },
}

impl Ask {
    /// Title of the dialog.
    pub fn title(&self) -> String {
        match self {
            Self::OpenProject => "Open a project".to_owned(),
            Self::SaveProject { .. } => "Save the project".to_owned(),
            Self::AddFiles { partition } => format!("Add files to {partition}"),
            Self::AddFolder { partition } => format!("Add a folder to {partition}"),
            Self::ImageFor { partition } => format!("Choose an image for {partition}"),
            Self::ImageInto { partition } => format!("Open an image in {partition}"),
            Self::ExtractInto { partition, path } => match path {
                Some(path) => format!("Extract {path} into a folder"),
                None => format!("Extract the files of {partition} into a folder"),
            },
            Self::ExportImage { partition } => format!("Export the image of {partition}"),
            Self::KeepOffsets { partition } => {
                format!("Choose an earlier image of {partition}")
            }
            Self::KeepRead { partition } => format!("Read {partition} from the board into a file"),
            Self::BackupTo { .. } => "Back up the board into a file".to_owned(),
            Self::RestoreFrom => "Open a backup".to_owned(),
            Self::SavePlan => "Save this plan as a command line".to_owned(),
            Self::SaveMonitor => "Save what the monitor shows".to_owned(),
            Self::MonitorElf => "Choose the ELF file of the program on the board".to_owned(),
            Self::SaveSummary => "Save the summary of all boards".to_owned(),
            Self::ImportTable => "Import a partition table".to_owned(),
            Self::CompareTable => "Compare with a partition table".to_owned(),
            Self::ExportTable { form } => form.title().to_owned(),
        }
    }

    /// Name that a new file is given.
    pub fn suggested(&self) -> String {
        match self {
            Self::SaveProject { suggested } => suggested.clone(),
            Self::ExportImage { partition } | Self::KeepRead { partition } => {
                format!("{partition}.bin")
            }
            Self::BackupTo { regions, .. } => match regions.as_slice() {
                [(name, _)] if !name.starts_with("0x") => format!("{name}-backup.bin"),
                _ => "board-backup.bin".to_owned(),
            },
            Self::SavePlan => "write.sh".to_owned(),
            Self::SaveMonitor => "monitor.txt".to_owned(),
            Self::SaveSummary => "boards.txt".to_owned(),
            Self::ExportTable { form } => form.suggested().to_owned(),
            _ => String::new(),
        }
    }
}

/// How a question ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Chosen(Vec<PathBuf>),
    Cancelled,
    /// The system has no dialog to show.
    NoDialog,
}

/// A source of paths.
pub trait FileDialogs {
    /// Asks; one question at a time, a second one is ignored while the first is open.
    fn ask(&mut self, ask: Ask, wake: Arc<dyn Fn() + Send + Sync>);
    /// The answer, once.
    fn poll(&mut self) -> Option<(Ask, Answer)>;
}

/// The system's dialogs.
#[derive(Default)]
pub struct SystemDialogs {
    open: Option<(Ask, Receiver<Answer>)>,
}

impl FileDialogs for SystemDialogs {
    fn ask(&mut self, ask: Ask, wake: Arc<dyn Fn() + Send + Sync>) {
        if self.open.is_some() {
            return;
        }
        let (sender, receiver) = sync_channel(1);
        let question = ask.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place of the window that starts threads"
        )]
        let thread = std::thread::Builder::new()
            .name("file dialog".to_owned())
            .spawn(move || {
                // Nobody listens any more when the window has been closed.
                drop(sender.send(show(&question)));
                wake();
            });
        if thread.is_ok() {
            self.open = Some((ask, receiver));
        }
    }

    fn poll(&mut self) -> Option<(Ask, Answer)> {
        let (ask, receiver) = self.open.take()?;
        match receiver.try_recv() {
            Ok(answer) => Some((ask, answer)),
            Err(TryRecvError::Disconnected) => Some((ask, Answer::NoDialog)),
            Err(TryRecvError::Empty) => {
                self.open = Some((ask, receiver));
                None
            }
        }
    }
}

fn show(ask: &Ask) -> Answer {
    match with_complaints(|| choose(ask)) {
        (Some(paths), _) if !paths.is_empty() => Answer::Chosen(paths),
        (_, true) => Answer::NoDialog,
        (_, false) => Answer::Cancelled,
    }
}

fn choose(ask: &Ask) -> Option<Vec<PathBuf>> {
    let dialog = rfd::FileDialog::new().set_title(ask.title());
    match ask {
        Ask::OpenProject => dialog
            .add_filter(
                "Flashpack projects, tables and images",
                &["flashpack", "csv", "bin"],
            )
            .add_filter("All files", &["*"])
            .pick_file()
            .map(|path| vec![path]),
        Ask::ImportTable | Ask::CompareTable => dialog
            .add_filter("Tables and images", &["csv", "bin"])
            .add_filter("All files", &["*"])
            .pick_file()
            .map(|path| vec![path]),
        Ask::ImageFor { .. }
        | Ask::ImageInto { .. }
        | Ask::KeepOffsets { .. }
        | Ask::MonitorElf => dialog.pick_file().map(|path| vec![path]),
        Ask::AddFiles { .. } => dialog.pick_files(),
        Ask::AddFolder { .. } | Ask::ExtractInto { .. } => {
            dialog.pick_folder().map(|path| vec![path])
        }
        Ask::SaveProject { .. } => dialog
            .add_filter("Flashpack project", &["flashpack"])
            .set_file_name(ask.suggested())
            .save_file()
            .map(|path| vec![path]),
        Ask::RestoreFrom => dialog
            .add_filter("Backups", &["bin", "json"])
            .add_filter("All files", &["*"])
            .pick_file()
            .map(|path| vec![path]),
        Ask::ExportImage { .. }
        | Ask::BackupTo { .. }
        | Ask::KeepRead { .. }
        | Ask::SavePlan
        | Ask::SaveMonitor
        | Ask::SaveSummary
        | Ask::ExportTable { .. } => dialog
            .set_file_name(ask.suggested())
            .save_file()
            .map(|path| vec![path]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_own_errors_mean_that_there_is_no_dialog() {
        let target = "rfd::backend::xdg_desktop_portal";
        assert_eq!(
            with_complaints(
                || log::error!(target: target, "Failed to pick file with zenity: not found")
            ),
            ((), true)
        );
        assert_eq!(with_complaints(|| 5), (5, false));
        let ((), failed) = with_complaints(|| {
            log::warn!(target: target, "Using zenity fallback");
            log::error!(target: target, "Failed to connect to session bus");
            log::error!("with zenity, of somebody else");
        });
        assert!(!failed);
    }
}
