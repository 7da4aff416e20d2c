//! The monitor in the window, by label: on the practice board, and on a port whose other end the test holds.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use crate::window::Window;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use flashpack::device::practice::{AppOutput, Board, Options};
use flashpack::engine::request::PortChoice;
use flashpack::formats::console::outgoing::LineEnd;
use flashpack::store::project_file;
use flashpack::ui::command::Command;
use flashpack::ui::listening::Phase;

/// The chip's end of a pseudo-terminal.
struct Peer {
    master: std::fs::File,
    _slave: std::fs::File,
    path: PathBuf,
}

impl Peer {
    fn new() -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        let slave = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let mut settings = tcgetattr(slave.as_fd()).unwrap();
        settings.make_raw();
        tcsetattr(slave.as_fd(), OptionalActions::Now, &settings).unwrap();
        Self {
            master: std::fs::File::from(master),
            _slave: slave,
            path,
        }
    }

    fn say(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }
}

/// A window that listens to a peer.
fn listening() -> (Window, Peer) {
    let peer = Peer::new();
    let port = PortChoice::Path(peer.path.clone());
    let mut window = Window::of(project_file::sample(), port);
    window.act(Command::ShowMonitor);
    window.click("Start monitor");
    window.wait("listening", |window| {
        window.state().board.listening.phase() == Phase::Listening
    });
    (window, peer)
}

fn lines(window: &Window) -> Vec<String> {
    window
        .state()
        .monitor
        .log
        .iter()
        .map(|line| line.text.clone())
        .collect()
}

#[track_caller]
fn wait_for_line(window: &mut Window, text: &str) {
    window.wait(text, |window| lines(window).iter().any(|line| line == text));
}

#[test]
fn text_is_shown_filtered_by_text_and_level_and_cleared() {
    let (mut window, mut peer) = listening();
    peer.say("\x1b[0;32mI (1) wifi: up\x1b[0m\r\nE (2) app: down\r\nplain\r\n");
    wait_for_line(&mut window, "plain");
    assert!(window.has("I (1) wifi: up") && window.has("E (2) app: down") && window.has("plain"));
    window.harness.get_by_label("Filter lines").focus();
    window.settle();
    window
        .harness
        .get_by_label("Filter lines")
        .type_text("WIFI");
    window.wait("a filtered view", |window| !window.has("plain"));
    assert!(window.has("I (1) wifi: up") && !window.has("E (2) app: down"));
    window.harness.state_mut().state.monitor.filter.clear();
    window.click("Filter by level");
    window.click("Errors");
    window.wait("errors only", |window| !window.has("plain"));
    assert!(window.has("E (2) app: down") && !window.has("I (1) wifi: up"));
    window.click("Clear");
    assert!(lines(&window).is_empty());
    peer.say("E (3) app: again\r\n");
    window.wait("what comes later", |window| window.has("E (3) app: again"));
}

#[test]
fn a_pause_holds_the_text_still_and_loses_nothing() {
    let (mut window, mut peer) = listening();
    peer.say("before\n");
    window.wait("a line", |window| window.has("before"));
    window.click("Pause");
    peer.say("meanwhile\n");
    wait_for_line(&mut window, "meanwhile");
    assert!(!window.has("meanwhile"));
    assert!(window.has("Paused, 1 line behind it"));
    window.harness.key_press(Key::F9);
    window.wait("what came meanwhile", |window| window.has("meanwhile"));
}

#[test]
fn lines_are_sent_with_the_chosen_end_and_remembered() {
    let (mut window, mut peer) = listening();
    for (end, text, expected) in [
        (LineEnd::CrLf, "help", &b"help\r\n"[..]),
        (LineEnd::Lf, "status", b"status\n"),
        (LineEnd::None, "x", b"x"),
    ] {
        window.click("Line end");
        // The drawn choice carries the same name: the open list stands behind it.
        let choice = window.harness.query_all_by_label(end.name()).last();
        choice.expect("the line end can be chosen").click();
        window.settle();
        assert_eq!(window.state().monitor.line_end, end);
        window.harness.get_by_label("Line to send").focus();
        window.settle();
        window.harness.get_by_label("Line to send").type_text(text);
        window.settle();
        window.click("Send");
        let mut came = vec![0; expected.len()];
        peer.master.read_exact(&mut came).unwrap();
        assert_eq!(came, expected);
        assert_eq!(window.state().monitor.draft, "");
    }
    window.harness.get_by_label("Line to send").focus();
    window.settle();
    window.harness.key_press(Key::ArrowUp);
    window.settle();
    assert_eq!(window.state().monitor.draft, "x");
    window.harness.key_press(Key::ArrowUp);
    window.settle();
    assert_eq!(window.state().monitor.draft, "status");
}

#[test]
fn what_is_shown_is_saved_and_found() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, mut peer) = listening();
    peer.say("one\ntwo needle\nthree\nfour needle\n");
    window.wait("the lines", |window| window.has("four needle"));
    let path = folder.path().join("monitor.txt");
    window.dialogs.choose(std::slice::from_ref(&path));
    window.click("Save…");
    window.wait("the file", |_| path.exists());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "one\ntwo needle\nthree\nfour needle\n"
    );
    window.click("Find");
    window.settle();
    window
        .harness
        .get_by_label("Find in the monitor")
        .type_text("needle");
    window.settle();
    window.click("Next match");
    assert_eq!(window.state().monitor.search.found, Some(1));
    window.click("Next match");
    assert_eq!(window.state().monitor.search.found, Some(3));
    window.click("Previous match");
    assert_eq!(window.state().monitor.search.found, Some(1));
}

#[test]
fn a_flood_reaches_the_window_whole_while_it_draws() {
    let (mut window, mut peer) = listening();
    let count = 60_000u32;
    let mut all = String::new();
    for line in 0..count {
        writeln!(
            all,
            "\x1b[0;32mI ({line}) flood: line {line} of {count}\x1b[0m\r"
        )
        .unwrap();
    }
    assert!(all.len() > 2_000_000, "more than 10 seconds at 2 Mbaud");
    std::thread::scope(|scope| {
        scope.spawn(|| peer.say(&all));
        window.wait("the last line", |window| {
            window.state().monitor.log.received() >= all.len() as u64
        });
    });
    let state = window.state();
    assert_eq!(state.monitor.log.received(), all.len() as u64);
    assert_eq!(state.monitor.log.len(), count as usize);
    for (number, line) in state.monitor.log.iter().enumerate() {
        assert_eq!(
            line.text,
            format!("I ({number}) flood: line {number} of {count}")
        );
    }
    window.settle();
    assert!(
        window.has(&format!("I ({0}) flood: line {0} of {count}", count - 1)),
        "the newest line is in sight"
    );
    let drawn = window
        .harness
        .query_all_by_label_contains("flood: line")
        .count();
    assert!(drawn < 100, "only the lines in sight are laid out: {drawn}");
}

#[test]
fn the_port_is_given_up_for_a_write_and_taken_back_with_the_boards_first_words() {
    let mut window = Window::sample();
    window.connect();
    window.act(Command::ShowMonitor);
    window.click("Start monitor");
    // The stub is left: the practice board starts from its blank flash, and its ROM says so.
    window.wait("the ROM's words", |window| {
        lines(window)
            .iter()
            .any(|line| line.starts_with("invalid header"))
    });
    window.click("Clear");
    window.write();
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
    window.wait("the port taken back", |window| {
        window.state().board.listening.phase() == Phase::Listening
    });
    window.wait("the first words after the write", |window| {
        lines(window)
            .iter()
            .any(|line| line.starts_with("ESP-ROM:esp32c3"))
    });
    window.click("Stop monitor");
    window.wait("the end", |window| {
        window.state().board.listening.phase() == Phase::Off
    });
    assert!(window.has("Start monitor"));
}

#[test]
fn control_r_resets_the_board_while_the_monitor_listens() {
    let mut window = Window::sample();
    window.act(Command::ShowMonitor);
    window.click("Start monitor");
    window.wait("the loader's words", |window| {
        lines(window)
            .iter()
            .any(|line| line == "waiting for download")
    });
    window.click("Clear");
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::R);
    window.wait("a start from flash", |window| {
        lines(window).iter().any(|line| line.contains("boot:0xc"))
    });
    assert!(
        lines(&window)
            .iter()
            .any(|line| line == "The board was reset")
    );
}

#[test]
fn an_unplugged_board_is_said_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let board = Board::start(Options {
        link: Some(link.clone()),
        app_output: Some(AppOutput::Demo),
        ..Options::default()
    })
    .unwrap();
    let mut window = Window::of(project_file::sample(), PortChoice::Path(link));
    window.act(Command::ShowMonitor);
    window.click("Start monitor");
    wait_for_line(&mut window, "waiting for download");
    board.test_access().unplug();
    window.wait("that it is gone", |window| {
        window.has_containing("is gone; waiting for it")
    });
    board.test_access().replug();
    wait_for_line(&mut window, "The port is back");
}

#[test]
fn a_port_that_cannot_be_opened_is_a_notice_and_the_monitor_is_off() {
    let port = PortChoice::Path("/dev/nowhere".into());
    let mut window = Window::of(project_file::sample(), port);
    window.act(Command::StartMonitor);
    window.wait("a notice", |window| !window.notice().is_empty());
    assert!(
        window
            .notice()
            .contains("/dev/nowhere: there is no such port"),
        "{}",
        window.notice()
    );
    assert_eq!(window.state().board.listening.phase(), Phase::Off);
    assert!(window.has("Try again"));
}

#[test]
fn every_step_is_in_the_daily_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::logging(folder.path().join("log"));
    window.connect();
    window.write();
    let files: Vec<_> = std::fs::read_dir(folder.path().join("log"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let text = files.concat();
    assert!(text.contains("$ flashpack info --port practice"), "{text}");
    assert!(
        text.contains("$ flashpack write PROJECT --port practice"),
        "{text}"
    );
    assert!(text.contains("Written and verified"), "{text}");
    window.act(Command::ShowLog);
    assert!(window.has("Open folder"));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}
