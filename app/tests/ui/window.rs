//! A window in a test: the app with the sample project, and waiting for what it does in the background.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use eframe::egui::OutputCommand;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use flashpack::engine::request::PortChoice;
use flashpack::model::project::Project;
use flashpack::store::project_file;
use flashpack::store::settings::Settings;
use flashpack::ui::action::Action;
use flashpack::ui::app::App;
use flashpack::ui::document::Document;
use flashpack::ui::file_dialog::{Answer, Ask, FileDialogs};
use flashpack::ui::selection::Selection;
use flashpack::ui::state::{AppState, Start};

/// Longer than anything takes on a loaded machine; reached only by a fault.
const DEADLINE: Duration = Duration::from_mins(1);

/// Answers of the fake dialog, in order; what was asked is kept.
#[derive(Clone, Default)]
pub struct Dialogs {
    pub answers: Rc<RefCell<VecDeque<Answer>>>,
    pub asked: Rc<RefCell<Vec<Ask>>>,
    open: Rc<RefCell<Option<Ask>>>,
}

impl FileDialogs for Dialogs {
    fn ask(&mut self, ask: Ask, wake: Arc<dyn Fn() + Send + Sync>) {
        self.asked.borrow_mut().push(ask.clone());
        *self.open.borrow_mut() = Some(ask);
        wake();
    }

    fn poll(&mut self) -> Option<(Ask, Answer)> {
        let ask = self.open.borrow_mut().take()?;
        let answer = self
            .answers
            .borrow_mut()
            .pop_front()
            .unwrap_or(Answer::Cancelled);
        Some((ask, answer))
    }
}

impl Dialogs {
    /// The next question is answered with these paths.
    pub fn choose(&self, paths: &[PathBuf]) {
        self.answers
            .borrow_mut()
            .push_back(Answer::Chosen(paths.to_vec()));
    }
}

/// The app under test.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub dialogs: Dialogs,
    woken: Receiver<()>,
}

impl Window {
    /// The sample project on a practice board that nobody has connected yet.
    pub fn sample() -> Self {
        Self::of(project_file::sample(), PortChoice::Practice)
    }

    /// The same with a log of every day in a folder.
    pub fn logging(folder: PathBuf) -> Self {
        Self::with(
            Document::new(project_file::sample(), None),
            PortChoice::Practice,
            None,
            Some(folder),
        )
    }

    /// Any project on any port.
    pub fn of(project: Project, port: PortChoice) -> Self {
        Self::start(Document::new(project, None), port, None)
    }

    /// The same with a settings file, beside which is kept what must outlive the program.
    pub fn with_settings(
        project: Project,
        port: PortChoice,
        settings_path: Option<PathBuf>,
    ) -> Self {
        Self::start(Document::new(project, None), port, settings_path)
    }

    /// A document with its file, and a place for what outlives the program.
    pub fn start(document: Document, port: PortChoice, settings_path: Option<PathBuf>) -> Self {
        Self::with(document, port, settings_path, None)
    }

    fn with(
        document: Document,
        port: PortChoice,
        settings_path: Option<PathBuf>,
        log_folder: Option<PathBuf>,
    ) -> Self {
        let dialogs = Dialogs::default();
        let (sender, woken) = channel();
        let start = Start {
            document,
            port,
            settings: Settings::default(),
            settings_path,
            log_folder,
            dialogs: Box::new(dialogs.clone()),
            wake: Arc::new(move || {
                // The window is gone when the test has ended.
                sender.send(()).ok();
            }),
        };
        let state = AppState::new(start);
        let harness = Harness::builder()
            .with_size([1280.0, 800.0])
            .build_eframe(|context| App::new(&context.egui_ctx, state));
        Self {
            harness,
            dialogs,
            woken,
        }
    }

    pub fn state(&self) -> &AppState {
        &self.harness.state().state
    }

    pub fn project(&self) -> &Project {
        self.state().document.project()
    }

    /// Draws until what was asked for has been carried out.
    pub fn settle(&mut self) {
        for _ in 0..4 {
            self.harness.step();
        }
    }

    /// Draws until something is true; woken by the threads in the background.
    #[track_caller]
    pub fn wait(&mut self, what: &str, is_true: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        loop {
            self.settle();
            if is_true(self) {
                // A strip that came in the last frame has its place only now: a click would have missed its buttons.
                self.harness.step();
                return;
            }
            let notice = self
                .state()
                .notice
                .as_ref()
                .map(|notice| notice.text.clone());
            assert!(
                began.elapsed() < DEADLINE,
                "waited in vain for: {what}; the notice says {notice:?}"
            );
            // A wake-up that came before is still in the channel, so that none is missed.
            self.woken.recv_timeout(Duration::from_millis(100)).ok();
        }
    }

    #[track_caller]
    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.settle();
    }

    /// Moves the pointer over something.
    #[track_caller]
    pub fn hover(&mut self, label: &str) {
        self.harness.get_by_label(label).hover();
        self.settle();
    }

    /// Clicks what has a label that begins like this.
    #[track_caller]
    pub fn click_containing(&mut self, part: &str) {
        self.harness.get_by_label_contains(part).click();
        self.settle();
    }

    pub fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    pub fn has_containing(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .is_some()
    }

    /// Does what a menu or a panel would.
    pub fn act(&mut self, action: impl Into<Action>) {
        self.harness.state_mut().state.ask(action);
        self.settle();
    }

    #[track_caller]
    pub fn select(&mut self, partition: &str) {
        let row = self.row(partition);
        self.act(Action::Select(Selection::Row(row)));
    }

    #[track_caller]
    pub fn row(&self, partition: &str) -> usize {
        self.project()
            .table
            .rows
            .iter()
            .position(|row| row.name == partition)
            .expect("the project has this partition")
    }

    #[track_caller]
    pub fn connect(&mut self) {
        self.click("Connect a board");
        self.wait("a connected board", |window| {
            window.state().board.is_connected() && window.state().board.running().is_none()
        });
    }

    #[track_caller]
    pub fn packed(&mut self) {
        self.wait("packed images", |window| !window.state().packing.is_busy());
    }

    #[track_caller]
    pub fn write(&mut self) {
        self.packed();
        self.click("Write to board");
        self.click_containing("Write 2 region");
        self.wait("the end of the write", |window| {
            window.state().board.running().is_none() && window.state().review.is_none()
        });
    }

    /// Clicks, and returns what that put on the clipboard.
    #[track_caller]
    pub fn copied(&mut self, label: &str) -> String {
        self.harness.get_by_label(label).click();
        self.next_copy()
    }

    /// Does what a menu would, and returns what that put on the clipboard.
    #[track_caller]
    pub fn copied_by(&mut self, action: impl Into<Action>) -> String {
        self.harness.state_mut().state.ask(action);
        self.next_copy()
    }

    #[track_caller]
    fn next_copy(&mut self) -> String {
        for _ in 0..8 {
            self.harness.step();
            for command in &self.harness.output().platform_output.commands {
                if let OutputCommand::CopyText(text) = command {
                    return text.clone();
                }
            }
        }
        panic!("nothing was copied");
    }

    /// What the strip above the drawer says.
    pub fn notice(&self) -> String {
        self.state()
            .notice
            .as_ref()
            .map_or_else(String::new, |notice| notice.text.clone())
    }
}
