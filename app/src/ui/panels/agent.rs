//! The agent: what the chip itself answers. Looking names up, the directory, the MMU table, live bytes, a proof of the
//! pack, and what look-ups cost; each is a view of its own. Nothing here is ever read through the loader.

mod bench;
pub mod comparison;
mod directory;
mod live_bytes;
mod look_up;
mod mmu_grid;

use eframe::egui::Ui;

use super::super::action::Action;
use super::super::state::AppState;
use super::super::theme;
use super::super::widgets::command_button;
use crate::engine::event::{BenchReport, BoardMap, Outcome};
use crate::engine::request::Question;

pub use self::comparison::Compared;
pub use self::directory::Directory;
pub use self::live_bytes::LiveBytes;
pub use self::look_up::LookUp;

/// What the panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum View {
    #[default]
    LookUp,
    Directory,
    Mmu,
    Bytes,
    Compare,
    Speed,
}

const VIEWS: [(View, &str, &str); 6] = [
    (View::LookUp, "Find", "Ask the chip where a file lies"),
    (
        View::Directory,
        "Directory",
        "The directory as the board sees it",
    ),
    (
        View::Mmu,
        "MMU",
        "The 128 entries of the MMU table: which page of flash is seen where",
    ),
    (
        View::Bytes,
        "Live bytes",
        "The flash itself, read from the board while you scroll",
    ),
    (
        View::Compare,
        "Compare",
        "Prove every file of the pack on the board",
    ),
    (
        View::Speed,
        "Speed",
        "What a look-up costs, by the index and by walking",
    ),
];

/// State of the panel.
#[derive(Debug, Default)]
pub struct AgentPanel {
    pub view: View,
    pub query: String,
    pub history: Vec<LookUp>,
    /// Put the cursor into the field.
    pub focus: bool,
    pub map: Option<BoardMap>,
    /// The entry of the MMU table that the keyboard is at.
    pub cursor: usize,
    pub directory: Option<Directory>,
    pub live: LiveBytes,
    pub compared: Option<Compared>,
    pub bench: Option<BenchReport>,
    modelled: bench::Modelled,
}

impl AgentPanel {
    /// An answer has come.
    pub fn took(&mut self, look_up: LookUp) {
        self.history
            .retain(|known| (&known.partition, &known.path) != (&look_up.partition, &look_up.path));
        self.history.insert(0, look_up);
        self.history.truncate(100);
    }

    /// What was read from the board may be so no more: it was written, erased, reset or changed for another.
    pub fn board_changed(&mut self) {
        self.map = None;
        self.directory = None;
        self.compared = None;
        self.live.forget();
    }
}

/// Takes in an answer of the agent that the panel keeps. `Find` is not among them: it has a line in the log too.
pub fn take_in(state: &mut AppState, question: &Question, outcome: Outcome) {
    let panel = &mut state.agent;
    match (question, outcome) {
        (_, Outcome::AgentMap(map)) => panel.map = Some(map),
        (Question::List { partition, path }, Outcome::Listed(entries)) => {
            panel.directory = Some(Directory {
                partition: partition.clone(),
                path: path.clone(),
                entries,
            });
        }
        (Question::ReadRegion(region), Outcome::Read { bytes, .. }) => {
            panel.live.took(*region, &bytes);
        }
        (_, Outcome::FilesCompared(comparison)) => {
            let image = state.packing.images().get(&comparison.partition).cloned();
            panel.compared = image.map(|image| Compared { image, comparison });
        }
        (_, Outcome::Benched(report)) => panel.bench = Some(report),
        _ => {}
    }
}

/// Draws the panel.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    ui.horizontal_wrapped(|ui| {
        for (view, label, tip) in VIEWS {
            let chosen = state.agent.view == view;
            let response = ui.selectable_label(chosen, label).on_hover_text(tip);
            if response.clicked() {
                state.agent.view = view;
            }
        }
    });
    ui.add_space(theme::STEP);
    match state.agent.view {
        View::LookUp => look_up::ui(ui, state),
        View::Directory => directory::ui(ui, state),
        View::Mmu => mmu_grid::ui(ui, state),
        View::Bytes => live_bytes::ui(ui, state),
        View::Compare => comparison::ui(ui, state),
        View::Speed => bench::ui(ui, state),
    }
}

/// The partition that is asked about: the selected one if it has files, else `bin`.
fn partition(state: &AppState) -> String {
    state
        .environment
        .partition
        .clone()
        .filter(|name| super::super::content_edit::files(state.document.project(), name).is_some())
        .unwrap_or_else(|| "bin".to_owned())
}

/// Why the agent cannot be asked now.
fn why_not(state: &AppState) -> Option<&'static str> {
    state
        .environment
        .job
        .is_some()
        .then_some("A job is running: wait for it, or cancel it")
}

/// A button that asks the agent something.
fn ask_button(ui: &mut Ui, state: &mut AppState, label: &str, tip: &str, question: Question) {
    let why_not = why_not(state);
    if command_button::prominent(ui, label, why_not.is_none(), why_not.unwrap_or(tip)) {
        state.ask(Action::AskAgent(question));
    }
}
