//! One injected fault: how it is made, what Flashpack is asked to do with it, and which cause must come first.

use std::any::Any;
use std::path::Path;

use super::talker::{Talker, Voice};
use crate::cli_run::{Bench, PracticeProcess};

/// A fault and the cause that it is.
pub struct Injection {
    /// In a few words, for the table.
    pub name: &'static str,
    /// Name of the cause that must be shown first.
    pub expected: &'static str,
    pub make: fn(&mut Scene),
    /// What another flasher does with the same fault.
    pub peer: Peer,
    /// Words one of which another flasher's message must have to count as having named the cause.
    pub telling: &'static [&'static str],
}

/// What esptool and espflash are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The fault is not one of connecting, reading or writing a board: they have nothing like it.
    NotAsked,
    Identify,
    /// The same at 921600 baud.
    IdentifyFast,
    /// Write 200,000 bytes of noise at 0x10000.
    Write,
    /// The same behind the end of the flash.
    WriteBehindEnd,
    /// Write the app in `app.bin` at 0x10000.
    WriteApp,
    /// Read 4 KiB.
    Read,
    Erase,
}

/// Where a fault is made.
pub struct Scene {
    pub bench: Bench,
    /// Of the command line, after `flashpack`.
    pub arguments: Vec<String>,
    pub port: String,
    /// Ports that are plugged in, for commands that name none.
    pub plugged: String,
    /// The command is run by a user without rights.
    pub as_nobody: bool,
    /// Shell text before the command: limits of the process.
    pub limits: Option<&'static str>,
    /// What must live as long as the scene.
    alive: Vec<Box<dyn Any>>,
}

impl Scene {
    pub fn new() -> Self {
        let bench = Bench::with_sample();
        // A user without rights must get in.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(bench.path("."), open).unwrap();
        Self {
            bench,
            arguments: Vec::new(),
            port: String::new(),
            plugged: String::new(),
            as_nobody: false,
            limits: None,
            alive: Vec::new(),
        }
    }

    /// What is asked of Flashpack; the port is added if there is one.
    pub fn ask(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
    }

    /// Puts a practice board on the port, with these arguments.
    pub fn board(&mut self, arguments: &[&str]) {
        let board = PracticeProcess::start(&self.bench, arguments);
        self.port.clone_from(&board.port);
        self.keep(board);
    }

    /// The same with words for `--fault`.
    pub fn faulty(&mut self, faults: &[&str]) {
        let words: Vec<&str> = faults.iter().flat_map(|word| ["--fault", word]).collect();
        self.board(&words);
    }

    /// Puts something else on the port.
    pub fn talker(&mut self, voice: Voice) {
        let talker = Talker::start(voice);
        self.port = talker.port.display().to_string();
        self.keep(talker);
    }

    /// Keeps something alive until the command has ended.
    pub fn keep(&mut self, thing: impl Any) {
        self.alive.push(Box::new(thing));
    }

    /// A file of noise.
    pub fn noise(&mut self, name: &str, len: usize) {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        let bytes: Vec<u8> = (0..len).map(|_| next()).collect();
        self.bench.write(name, bytes);
    }

    /// Asks for a write of noise.
    pub fn ask_write(&mut self) {
        self.noise("big", 200_000);
        self.ask(&["write", "0x10000=big", "--yes"]);
    }
}

pub fn chmod(path: &Path, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, mode).unwrap();
}
