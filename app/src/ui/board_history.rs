//! What this user did with boards before: the port, the speed and the files of each, kept beside the settings.
//!
//! The command line keeps its boards in the same file, so that it is read anew before something is added.

use std::path::{Path, PathBuf};

use super::action::Action;
use super::log::on_port;
use super::state::AppState;
use crate::engine::ports;
use crate::engine::request::PortChoice;
use crate::model::baud;
use crate::model::problem::Severity;
use crate::model::shell_word::quoted;
use crate::store::elf_app::elf_app;
use crate::store::known_boards::{self, KnownBoard, KnownBoards};

/// The boards, and the file that they are kept in.
#[derive(Debug, Default)]
pub struct BoardHistory {
    /// `None`: nothing is kept.
    path: Option<PathBuf>,
    known: KnownBoards,
}

impl BoardHistory {
    /// What is kept beside the settings.
    pub fn beside(settings: Option<&Path>) -> Self {
        let path = settings.map(|settings| settings.with_file_name("boards.json"));
        let known = path
            .as_deref()
            .map(known_boards::load_from)
            .unwrap_or_default();
        Self { path, known }
    }

    /// The board that was on this port last.
    pub fn on(&self, port: &PortChoice) -> Option<&KnownBoard> {
        match port {
            PortChoice::Path(path) => self.known.on(path),
            PortChoice::Practice => None,
        }
    }

    /// The board with this MAC address.
    pub fn find(&self, mac: &str) -> Option<&KnownBoard> {
        self.known.find(mac)
    }
}

/// What is known of the board in use: by its MAC address while it is connected, else by its port.
pub fn of_board(state: &AppState) -> Option<&KnownBoard> {
    let identity = state.board.identity.as_ref();
    match identity.and_then(|identity| identity.mac.as_deref()) {
        Some(mac) if state.board.port != PortChoice::Practice => state.history.find(mac),
        _ => state.history.on(&state.board.port),
    }
}

/// The speed to begin with on a port, in bits per second.
pub fn first_baud(history: &BoardHistory, port: &PortChoice) -> u32 {
    let known = history.on(port).and_then(|board| board.baud);
    known.unwrap_or(baud::START)
}

/// Remembers the board in use, with what `add` knows anew. The practice board of this program is no board to look for.
pub fn remember(state: &mut AppState, add: impl FnOnce(&mut KnownBoard)) {
    let PortChoice::Path(port) = state.board.port.clone() else {
        return;
    };
    let Some((identity, mac)) = (state.board.identity.as_ref())
        .and_then(|identity| Some((identity, identity.mac.clone()?)))
    else {
        return;
    };
    let listed = ports::find(&state.board.ports, &port);
    let mut board = KnownBoard {
        mac,
        chip: identity.chip.to_string(),
        serial: listed.and_then(|listed| listed.serial.clone()),
        port,
        baud: Some(state.board.baud),
        ..KnownBoard::default()
    };
    add(&mut board);
    let Some(path) = state.history.path.clone() else {
        state.history.known.remember(board);
        return;
    };
    if let Err(error) = known_boards::remember_in(&path, board) {
        let text = format!("This board will not be remembered: {error}");
        state.note(Severity::Warning, text, None);
    }
    state.history.known = known_boards::load_from(&path);
}

/// What was written to the board in use was verified: it is offered again the next time.
pub fn was_written(state: &mut AppState) {
    let project = state.document.path().map(Path::to_path_buf);
    let elf = elf_app(state.document.project(), None).map(|(_, elf)| elf);
    remember(state, |board| {
        board.files = project.into_iter().collect();
        board.elf = elf;
    });
}

/// Something that was written to the board in use before, and what opens or writes it again.
pub struct Offer {
    pub label: &'static str,
    pub text: String,
    pub action: Action,
}

/// What is offered of the board's last files: a project to open, or the command line that writes the same again.
pub fn offer(state: &AppState) -> Option<Offer> {
    let board = of_board(state)?;
    let files: Vec<String> = board
        .files
        .iter()
        .map(|file| file.to_string_lossy().into_owned())
        .collect();
    let [first, others @ ..] = files.as_slice() else {
        return None;
    };
    let text = files.join(", ");
    if others.is_empty() && !first.contains('=') {
        let path = PathBuf::from(first);
        let open_already = state.document.path() == Some(path.as_path());
        return (!open_already).then_some(Offer {
            label: "Open it",
            text,
            action: Action::OpenPath(path),
        });
    }
    let words: Vec<String> = files.iter().map(|file| quoted(file)).collect();
    let words = format!("write {}", words.join(" "));
    Some(Offer {
        label: "Copy command",
        text,
        action: Action::Copy(on_port(&words, &state.board.port)),
    })
}
