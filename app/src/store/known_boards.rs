//! The boards that this user has worked with: by which port each was reached, at what speed, and what was written to
//! it last. Kept in a file of its own, because the window and commands both add to it.
//!
//! Loading never fails: a file that cannot be read counts as empty, and is written anew with the next board.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::read_whole::{TEXT_LIMIT, read_whole};
use super::replace::replace;
use super::settings::settings_path;

/// How many boards are remembered; the ones not seen for longest are forgotten.
const LIMIT: usize = 200;

/// One board.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct KnownBoard {
    /// Base MAC address in lower case: `60:55:f9:00:00:01`. What a board is known by.
    pub mac: String,
    pub chip: String,
    /// Path of the port it was on last.
    pub port: PathBuf,
    /// Serial number of its USB bridge, where it has one.
    pub serial: Option<String>,
    /// Bits per second that worked last.
    pub baud: Option<u32>,
    /// The project or the files that were written last.
    pub files: Vec<PathBuf>,
    /// The ELF file of its program, by which its monitor explains addresses.
    pub elf: Option<PathBuf>,
}

/// All of them, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownBoards {
    pub boards: Vec<KnownBoard>,
}

impl KnownBoards {
    /// The board with this MAC address, in any spelling of its digits.
    pub fn find(&self, mac: &str) -> Option<&KnownBoard> {
        self.boards
            .iter()
            .find(|board| board.mac.eq_ignore_ascii_case(mac))
    }

    /// The board that was on this port last.
    pub fn on(&self, port: &Path) -> Option<&KnownBoard> {
        self.boards.iter().find(|board| board.port == port)
    }

    /// The speed that the board on this port was used with last, in bits per second.
    pub fn baud_on(&self, port: &Path) -> Option<u32> {
        self.on(port).and_then(|board| board.baud)
    }

    /// Puts a board in front. What is not known anew (speed, files) is kept from before.
    pub fn remember(&mut self, mut board: KnownBoard) {
        board.mac = board.mac.to_ascii_lowercase();
        if let Some(at) = self.boards.iter().position(|known| known.mac == board.mac) {
            let known = self.boards.remove(at);
            board.baud = board.baud.or(known.baud);
            board.serial = board.serial.or(known.serial);
            board.elf = board.elf.or(known.elf);
            if board.files.is_empty() {
                board.files = known.files;
            }
        }
        // Another board on that port now means that the older one is not there any more.
        for known in &mut self.boards {
            if known.port == board.port {
                known.port = PathBuf::new();
            }
        }
        self.boards.insert(0, board);
        self.boards.truncate(LIMIT);
    }
}

/// The file of this user; `None` where the system names no home at all.
pub fn known_boards_path() -> Option<PathBuf> {
    settings_path().map(|path| path.with_file_name("boards.json"))
}

/// What is remembered.
pub fn load() -> KnownBoards {
    known_boards_path().map_or_else(Default::default, |path| load_from(&path))
}

/// The same from a given file.
pub fn load_from(path: &Path) -> KnownBoards {
    read_whole(path, TEXT_LIMIT)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Adds a board to what is remembered; without a home nothing is kept.
pub fn remember(board: KnownBoard) -> Result<(), StoreError> {
    known_boards_path().map_or(Ok(()), |path| remember_in(&path, board))
}

/// The same in a given file; its folder is made if need be.
pub fn remember_in(path: &Path, board: KnownBoard) -> Result<(), StoreError> {
    let mut boards = load_from(path);
    let before = boards.clone();
    boards.remember(board);
    if boards == before {
        return Ok(());
    }
    let failed = |source| StoreError::writing(path, source);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut text = serde_json::to_string_pretty(&boards).map_err(|error| failed(error.into()))?;
    text.push('\n');
    replace(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(mac: &str, port: &str) -> KnownBoard {
        KnownBoard {
            mac: mac.into(),
            port: port.into(),
            ..KnownBoard::default()
        }
    }

    #[test]
    fn a_board_is_known_by_its_mac_and_keeps_what_was_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/boards.json");
        let first = KnownBoard {
            baud: Some(921_600),
            files: vec!["a.flashpack".into()],
            ..board("60:55:F9:00:00:01", "/dev/a")
        };
        remember_in(&path, first).unwrap();
        remember_in(&path, board("60:55:f9:00:00:02", "/dev/b")).unwrap();
        remember_in(&path, board("60:55:f9:00:00:01", "/dev/b")).unwrap();
        let known = load_from(&path);
        assert_eq!(known.boards.len(), 2);
        let one = known.find("60:55:F9:00:00:01").unwrap();
        assert_eq!(one.port, Path::new("/dev/b"));
        assert_eq!((one.baud, one.files.len()), (Some(921_600), 1));
        let other = known.find("60:55:f9:00:00:02").unwrap();
        assert_eq!(other.port, Path::new(""), "its port has another board now");
        std::fs::write(&path, "no json").unwrap();
        assert_eq!(load_from(&path), KnownBoards::default());
    }
}
