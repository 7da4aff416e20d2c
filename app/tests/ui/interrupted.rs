//! A write in the window that is unplugged, cancelled or does not hold, and how it goes on.

use std::path::PathBuf;

use flashpack::device::practice::{Board, Faults, Options, TestAccess};
use flashpack::engine::event::RegionState;
use flashpack::engine::request::PortChoice;
use flashpack::store::project_file;
use flashpack::ui::command::Command;

use crate::window::Window;

/// A board at a link, and a window that is connected to it.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub board: Board,
    pub window: Window,
}

pub fn board_at(link: PathBuf, faults: &[&str]) -> Board {
    let mut options = Options {
        link: Some(link),
        ..Options::default()
    };
    for word in faults {
        options.faults.add_word(word).expect("a fault of the help");
    }
    Board::start(options).expect("a practice board")
}

impl Bench {
    pub fn new(faults: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let board = board_at(folder.path().join("board"), faults);
        let port = PortChoice::Path(board.port().to_owned());
        let settings = Some(folder.path().join("settings.json"));
        let mut window = Window::with_settings(project_file::sample(), port, settings);
        window.connect();
        Self {
            folder,
            board,
            window,
        }
    }

    pub fn look(&self) -> TestAccess {
        self.board.test_access()
    }

    /// Lets the power go in a flash operation from now on.
    pub fn cut_at(&self, operation: u64) {
        let mut faults = Faults::default();
        let number = self.look().operations() + operation;
        faults
            .add_word(&format!("unplug:flash@{number}=never"))
            .expect("a fault of the help");
        self.look().add_flash_faults(&faults);
    }

    /// Puts a file that does not compress into `bin`.
    pub fn add_big_file(&mut self) {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let bytes: Vec<u8> = (0..300_000).map(|_| next()).collect();
        let file = self.folder.path().join("big");
        std::fs::write(&file, bytes).expect("a file");
        self.window.click_containing("Map: bin");
        self.window.dialogs.choose(&[file]);
        self.window.click("Add files…");
        self.window
            .wait("the file in the list", |window| window.has("File big"));
        self.window.packed();
    }

    /// Opens the review and begins the write.
    pub fn begin_write(&mut self) {
        self.window.packed();
        self.window.click("Write to board");
        self.window.click_containing("Write 2 region");
    }

    #[track_caller]
    pub fn wait_for_notice(&mut self, part: &str) {
        let what = format!("a notice with “{part}”");
        self.window.wait(&what, |window| {
            window.state().board.running().is_none() && window.notice().contains(part)
        });
    }

    /// Every byte of the packed image is on the board.
    #[track_caller]
    pub fn check_bin(&self) {
        let image = self.window.state().packing.images()["bin"].clone();
        let flash = self.look().flash();
        assert!(flash[0x30_0000..][..image.bytes.len()] == image.bytes[..]);
    }
}

#[test]
fn unplugged_in_mid_write_it_is_offered_again_when_the_board_is_back() {
    let mut bench = Bench::new(&[]);
    bench.add_big_file();
    bench.cut_at(300);
    bench.begin_write();
    bench.window.wait("a failed write", |window| {
        window.state().board.running().is_none() && window.has("Resume")
    });
    assert!(
        bench
            .window
            .state()
            .notice
            .as_ref()
            .unwrap()
            .failure
            .is_some()
    );
    assert!(bench.window.has("not connected") && bench.window.has("Connect a board"));
    bench.look().replug();
    bench.wait_for_notice("The board is back");
    bench.window.click("Resume");
    bench.wait_for_notice("Written and verified");
    assert!(bench.window.has_containing("ESP32-C3 · "));
    assert!(
        bench.window.notice().contains("unchanged"),
        "what was there is not sent again: {}",
        bench.window.notice()
    );
    bench.check_bin();
}

#[test]
fn another_board_at_the_same_port_does_not_go_on_by_itself() {
    let mut bench = Bench::new(&[]);
    bench.cut_at(10);
    bench.begin_write();
    bench.window.wait("a failed write", |window| {
        window.state().board.running().is_none() && window.has("Resume")
    });
    let link = bench.folder.path().join("board");
    let other = Board::start(Options {
        link: Some(link),
        mac: [0x60, 0x55, 0xF9, 0, 0, 0x99],
        ..Options::default()
    })
    .unwrap();
    bench.wait_for_notice("The board is back");
    bench.window.settle();
    bench.window.click("Resume");
    bench.wait_for_notice("This is another board (60:55:f9:00:00:99)");
    assert!(bench.window.has("Review a write to this board"));
    assert_eq!(
        other.test_access().operations(),
        0,
        "nothing was written to it"
    );
}

#[test]
fn a_cancelled_write_says_its_state_and_goes_on() {
    // The cable holds what comes, so that the write cannot have ended before it is cancelled.
    let mut bench = Bench::new(&["delay:to-board@200000=1500"]);
    bench.add_big_file();
    bench.begin_write();
    bench.window.wait("written bytes", |window| {
        let job = window.state().board.job.as_ref();
        job.is_some_and(|job| {
            let mut regions = job.state.regions.iter();
            regions.any(|(_, state)| *state == RegionState::Written)
        })
    });
    bench.window.click("Cancel");
    bench.wait_for_notice("Write cancelled. Stopped: ");
    assert!(bench.window.notice().contains("bin is incomplete"));
    bench.window.click("Resume");
    bench.wait_for_notice("Written and verified");
    bench.check_bin();
}

#[test]
fn a_board_that_does_not_hold_its_bytes_is_said_not_to() {
    let mut bench = Bench::new(&["stuck:flash@0x300024"]);
    bench.look().overwrite(0x30_0024, &[0]);
    bench.begin_write();
    bench.wait_for_notice("does not hold what was written");
    assert!(
        !bench
            .window
            .has_containing("Map: bin, 0x300000, 1 MiB, same as board")
    );
}

#[test]
fn a_comparison_says_how_much_differs() {
    let mut bench = Bench::new(&[]);
    bench.begin_write();
    bench.wait_for_notice("Written and verified");
    bench.look().overwrite(0x30_0000, &[0]);
    // A new connection: what the open session has proven does not count any more.
    bench.window.act(Command::Disconnect);
    bench.window.connect();
    bench.window.act(Command::Compare);
    bench.wait_for_notice("4 KiB differ on the board");
    bench.window.act(Command::Write);
    assert!(
        bench.window.has("differs in 4 KiB"),
        "the sheet says it too"
    );
    assert!(bench.window.has("same as board"), "the table is right");
}

#[test]
fn the_boards_flash_outlives_its_connection() {
    let mut window = Window::sample();
    window.connect();
    window.write();
    window.act(Command::Disconnect);
    window.connect();
    window.act(Command::Compare);
    window.wait("a comparison", |window| {
        window.notice() == "The board holds exactly this project"
    });
}
