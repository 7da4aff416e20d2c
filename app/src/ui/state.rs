//! Everything that the window knows, and how it is brought up to date before a frame.
//!
//! [`AppState::settings`] is the part that outlives the program; all the rest is rebuilt at a start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::action::Action;
use super::board_files::FileRead;
use super::board_history::{BoardHistory, first_baud};
use super::board_job::Job;
use super::board_link::BoardLink;
use super::board_memory::Compared;
use super::board_table::TableWish;
use super::content_edit;
use super::derived::Derived;
use super::dialogs::Dialog;
use super::dialogs::review_plan::Review;
use super::document::Document;
use super::environment::Environment;
use super::file_dialog::FileDialogs;
use super::layout::Layout;
use super::listening::Phase;
use super::log::Log;
use super::next_board::NextBoard;
use super::packing::Packing;
use super::palette::Palette;
use super::panels::agent::AgentPanel;
use super::panels::contents::ContentsPanel;
use super::panels::drawer::Tab;
use super::panels::map::MapPanel;
use super::panels::monitor::MonitorPanel;
use super::panels::table::TablePanel;
use super::resume::Interrupted;
use super::selection::Selection;
use super::several::SeveralSheet;
use super::table_ops;
use crate::engine::error::JobError;
use crate::engine::request::PortChoice;
use crate::engine::surroundings::Surroundings;
use crate::model::flash_plan::PlannedWrite;
use crate::model::partition_table::Row;
use crate::model::problem::Severity;
use crate::model::project::{Content, PackFormat};
use crate::model::region::Region;
use crate::store::day_log::DayLog;
use crate::store::kept::KeptFolder;
use crate::store::last_written::LastWritten;
use crate::store::local_time::LocalTime;
use crate::store::open_any::SeenFile;
use crate::store::settings::Settings;

/// Something to say in the strip above the drawer; stays until it is dismissed or replaced.
#[derive(Clone, Debug)]
pub struct Notice {
    pub severity: Severity,
    pub good: bool,
    pub text: String,
    pub buttons: Vec<(String, Action)>,
    /// What failed, for *Details* and the report.
    pub failure: Option<JobError>,
}

/// A read that is under way, and what its bytes become.
#[derive(Clone, Debug)]
pub struct PendingRead {
    pub into: ReadInto,
    pub partition: String,
}

/// What becomes of bytes that are read from the board.
#[derive(Clone, Debug)]
pub enum ReadInto {
    /// Files to be edited.
    Edit,
    /// The image whose offsets the next one keeps.
    Offsets,
}

/// What must happen once the question about unsaved work is answered.
#[derive(Clone, Debug)]
pub enum Then {
    Quit,
    Open(PathBuf),
    OpenSample,
}

/// Everything that the window knows.
pub struct AppState {
    pub document: Document,
    pub derived: Derived,
    /// The map of a drag under way.
    pub preview: Option<Derived>,
    /// How each write of the plan compares with the board.
    pub compared: Vec<Compared>,
    pub selection: Selection,
    pub packing: Packing,
    pub board: BoardLink,
    /// What was done with boards before.
    pub history: BoardHistory,
    pub log: Log,
    /// The same on disk, a file a day; `None`: nowhere.
    pub day_log: Option<DayLog>,
    pub environment: Environment,
    pub settings: Settings,
    /// Where the settings are kept; `None`: nowhere.
    pub settings_path: Option<PathBuf>,
    pub map: MapPanel,
    pub table: TablePanel,
    pub contents: ContentsPanel,
    pub agent: AgentPanel,
    pub monitor: MonitorPanel,
    pub drawer: Option<Tab>,
    pub layout: Layout,
    pub review: Option<Review>,
    /// A file that is only looked at, in place of the contents.
    pub seen_file: Option<SeenFile>,
    /// The sheet of several boards, while it is open.
    pub several: Option<SeveralSheet>,
    pub dialog: Option<Dialog>,
    pub palette: Option<Palette>,
    pub notice: Option<Notice>,
    /// Which of the first steps are done.
    pub steps: [bool; 3],
    pub pending_read: Option<PendingRead>,
    /// What is being read into a file.
    pub file_read: Option<FileRead>,
    /// A job that was cut, until it goes on or another takes its place.
    pub interrupted: Option<Interrupted>,
    /// What the next board gets, once the project was written to one.
    pub next_board: Option<NextBoard>,
    /// What the board's table is read for, while it is being read.
    pub table_wish: Option<TableWish>,
    /// A comparison is under way that tells which moved partitions hold data.
    pub moves_wish: bool,
    /// What to do when the running save has ended well.
    pub then: Option<Then>,
    /// The window may close now.
    pub may_close: bool,
    pub dialogs: Box<dyn FileDialogs>,
    pub wake: Arc<dyn Fn() + Send + Sync>,
    pub actions: Vec<Action>,
    pub began: Instant,
    seen: Option<(u64, u64)>,
    compare_again: bool,
}

/// What an [`AppState`] starts with.
pub struct Start {
    pub document: Document,
    pub port: PortChoice,
    pub settings: Settings,
    pub settings_path: Option<PathBuf>,
    /// Where the log of every day is kept; `None`: nowhere.
    pub log_folder: Option<PathBuf>,
    pub dialogs: Box<dyn FileDialogs>,
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl AppState {
    /// A window that has not drawn anything yet.
    pub fn new(start: Start) -> Self {
        let (packing, fault) = Packing::start(start.wake.clone());
        let layout = Layout::from_text(&start.settings.window_state);
        let around = start
            .settings_path
            .as_deref()
            .map_or_else(Surroundings::in_memory, |settings| {
                Surroundings::new(Arc::new(KeptFolder::beside(settings)))
            });
        let mut state = Self {
            document: start.document,
            derived: Derived::default(),
            preview: None,
            compared: Vec::new(),
            selection: Selection::Nothing,
            packing,
            board: BoardLink::new(start.port, around, start.wake.clone()),
            history: BoardHistory::beside(start.settings_path.as_deref()),
            log: Log::default(),
            day_log: start.log_folder.map(DayLog::at),
            environment: Environment::default(),
            settings: start.settings,
            settings_path: start.settings_path,
            map: MapPanel::default(),
            table: TablePanel::default(),
            contents: ContentsPanel::default(),
            agent: AgentPanel::default(),
            monitor: MonitorPanel::default(),
            drawer: layout.tab,
            layout,
            review: None,
            seen_file: None,
            several: None,
            dialog: None,
            palette: None,
            notice: None,
            steps: [false; 3],
            pending_read: None,
            file_read: None,
            interrupted: None,
            next_board: None,
            table_wish: None,
            moves_wish: false,
            then: None,
            may_close: false,
            dialogs: start.dialogs,
            wake: start.wake,
            actions: Vec::new(),
            began: Instant::now(),
            seen: None,
            compare_again: true,
        };
        if let Some(fault) = fault {
            state.tell(Severity::Error, fault);
        }
        state.board.baud = first_baud(&state.history, &state.board.port);
        state.recall_written();
        state.select_first();
        state.refresh();
        state
    }

    /// Takes back what was written last from this project, by an earlier start too.
    pub fn recall_written(&mut self) {
        if let (Some(settings), Some(path)) = (&self.settings_path, self.document.path()) {
            let kept = LastWritten::beside(settings);
            self.packing
                .recall_written(&kept, path, self.document.project());
        }
    }

    /// Keeps what was written last from this project for the next start. A project without a file has no name to keep it
    /// by, until it is saved.
    pub fn keep_written(&mut self) {
        let (Some(settings), Some(path)) = (&self.settings_path, self.document.path()) else {
            return;
        };
        let kept = LastWritten::beside(settings);
        if let Err(reason) = self.packing.keep_written(&kept, path) {
            let text = format!("After the next start more files will move than needed: {reason}");
            self.note(Severity::Warning, text, None);
        }
    }

    /// Selects `bin`, else the first partition.
    pub fn select_first(&mut self) {
        let rows = &self.document.project().table.rows;
        let row = rows
            .iter()
            .position(|row| row.name == "bin")
            .or((!rows.is_empty()).then_some(0));
        self.selection = row.map_or(Selection::Nothing, Selection::Row);
    }

    /// Time since the start of the program.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Queues a wish of a panel.
    pub fn ask(&mut self, action: impl Into<Action>) {
        self.actions.push(action.into());
    }

    /// Adds a line to the log.
    pub fn note(&mut self, severity: Severity, text: impl Into<String>, command: Option<String>) {
        let text = text.into();
        let kept = self
            .day_log
            .as_mut()
            .map(|day| day.step(LocalTime::now(), &text, command.as_deref()));
        self.log.push(self.now(), severity, text, command);
        if let Some(Err(error)) = kept {
            let sentence = format!("The daily log is not kept: {error}");
            self.log.push(self.now(), Severity::Warning, sentence, None);
        }
    }

    /// Says something in the strip above the drawer and in the log.
    pub fn tell(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        self.note(severity, text.clone(), None);
        self.notice = Some(Notice {
            severity,
            good: false,
            text,
            buttons: Vec::new(),
            failure: None,
        });
    }

    /// The selected row of the table as it is drawn.
    pub fn selected_row(&self) -> Option<(usize, Arc<Row>)> {
        let index = self.selection.row()?;
        let row = self.document.shown().table.rows.get(index)?;
        Some((index, row.clone()))
    }

    /// Where a row lies, as it is drawn.
    pub fn region_of(&self, row: usize) -> Option<Region> {
        self.preview
            .as_ref()
            .unwrap_or(&self.derived)
            .regions
            .get(row)
            .copied()
    }

    /// The planned write into a region, and how it compares with the board.
    pub fn planned(&self, region: Region) -> Option<(&PlannedWrite, Compared)> {
        self.derived
            .plan
            .writes
            .iter()
            .zip(&self.compared)
            .find(|(write, _)| write.offset == region.offset || region.contains(write.region()))
            .map(|(write, compared)| (write, *compared))
    }

    /// What is known of the board has changed.
    pub fn board_changed(&mut self) {
        self.compare_again = true;
    }

    /// Brings everything that follows from the project up to date. Cheap when nothing has changed.
    pub fn refresh(&mut self) {
        self.packing.poll();
        let now = (self.document.revision(), self.packing.revision());
        if self.seen != Some(now) {
            self.keep_selection_valid();
            let project = self.document.project();
            let sizes = project
                .table
                .layout()
                .iter()
                .map(|placed| (placed.row.name.as_str(), placed.region.size))
                .collect::<BTreeMap<_, _>>();
            self.packing.ask(project, &sizes);
            let dragging = self.document.shown() != project;
            self.preview = dragging.then(|| Derived::layout(self.document.shown()));
            if !dragging {
                self.derived = Derived::new(project, self.packing.images());
                self.compare_again = true;
                self.keep_free_selection_valid();
            }
            self.board.table_offset = self.document.project().table.settings.table_offset;
            self.seen = Some(now);
        }
        if self.compare_again {
            self.compare_again = false;
            let memory = &self.board.memory;
            self.compared = self
                .derived
                .plan
                .writes
                .iter()
                .map(|write| memory.compare(write))
                .collect();
        }
        self.environment = self.look_around();
    }

    fn keep_selection_valid(&mut self) {
        let rows = self.document.shown().table.rows.len();
        if let Selection::Row(row) = self.selection
            && row >= rows
        {
            self.selection = rows
                .checked_sub(1)
                .map_or(Selection::Nothing, Selection::Row);
        }
    }

    /// Free space that an edit or *Undo* has taken or changed: what lies there now is selected.
    fn keep_free_selection_valid(&mut self) {
        let Selection::Free(region) = self.selection else {
            return;
        };
        let segments = &self.derived.segments;
        if segments
            .iter()
            .all(|segment| segment.what != self.selection)
            && let Some(there) = segments.iter().find(|segment| {
                (u64::from(segment.region.offset)..segment.region.end())
                    .contains(&u64::from(region.offset))
            })
        {
            self.selection = there.what;
        }
    }

    fn look_around(&self) -> Environment {
        let project = self.document.project();
        let row = self
            .selection
            .row()
            .filter(|row| *row < project.table.rows.len());
        let selected = row.and_then(|row| project.table.rows.get(row));
        let partition = selected.map(|row| row.name.clone());
        let content = partition
            .as_ref()
            .and_then(|name| project.contents.get(name));
        Environment {
            undo: self.document.undo_name().map(str::to_owned),
            redo: self.document.redo_name().map(str::to_owned),
            dirty: self.document.is_dirty(),
            row,
            rows: project.table.rows.len(),
            takes_files: selected.is_some_and(|row| table_ops::takes_files(row)),
            packs_a_bin: content.is_some_and(|content| match content.as_ref() {
                Content::Files(files) => files.format == PackFormat::Bin && !files.compat,
                Content::Raw(_) => false,
            }),
            has_image: content.is_some(),
            entry: partition.as_ref().is_some_and(|name| {
                content_edit::files(project, name).is_some() && self.contents.selected.is_some()
            }),
            partition,
            connected: self.board.is_connected(),
            job: self.board.running().map(|job| job.state.name.to_owned()),
            cancel_leaves: self.board.running().map(Job::cancel_leaves),
            written: self.next_board.is_some(),
            port: self.board.port.to_string(),
            errors: self.derived.errors(),
            packing: self.packing.is_busy(),
            all_same: !self.compared.is_empty()
                && self
                    .compared
                    .iter()
                    .all(|compared| *compared == Compared::Same),
            has_plan: !self.derived.plan.writes.is_empty(),
            pushing: self.layout.push,
            monitoring: self.board.listening.phase() != Phase::Off,
            listening: self.board.listening.phase() == Phase::Listening,
            monitor_text: !self.monitor.log.is_empty(),
            monitor_elf: self.monitor.elf.is_some(),
            log_folder: self.day_log.as_ref().map(|day| day.folder().to_path_buf()),
            covered: self.review.is_some() || self.dialog.is_some() || self.palette.is_some(),
        }
    }
}
