//! What is remembered of a board: its speed, the files that were written to it, and the ELF file of its program.

use std::path::{Path, PathBuf};

use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::request::PortChoice;
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::document::Document;
use flashpack::ui::listening::Phase;

use crate::elf_file;
use crate::window::Window;

fn board(faults: &[&str]) -> Board {
    let mut all = Faults::default();
    for word in faults {
        all.add_word(word).unwrap();
    }
    Board::start(Options {
        faults: all,
        ..Options::default()
    })
    .unwrap()
}

fn port(board: &Board) -> PortChoice {
    PortChoice::Path(board.port().to_owned())
}

fn connected(window: &Window) -> bool {
    window.state().board.is_connected() && window.state().board.running().is_none()
}

#[test]
fn a_speed_is_chosen_lowered_where_need_be_and_known_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Some(folder.path().join("settings.json"));
    let board = board(&["limit:line@230400"]);
    let sample = || project_file::sample();
    let mut window = Window::with_settings(sample(), port(&board), settings.clone());
    window.connect();
    assert_eq!(window.state().board.baud, 115_200);
    window.act(Command::ShowBoard);
    window.click("Speed");
    window.click("921600 baud");
    window.wait("the board at another speed", |window| {
        connected(window) && window.state().board.baud == 230_400
    });
    window.act(Command::ShowLog);
    for speed in ["921600", "460800"] {
        let said = format!("does not carry {speed} baud");
        assert!(window.has_containing(&said), "{said}");
    }
    drop(window);
    let mut window = Window::with_settings(sample(), PortChoice::Practice, settings);
    window.act(Action::ChoosePort(port(&board)));
    window.wait("the board once more", connected);
    assert_eq!(window.state().board.baud, 230_400);
    window.act(Command::ShowLog);
    assert!(!window.has_containing("does not carry"));
}

#[test]
fn the_last_project_of_a_board_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Some(folder.path().join("settings.json"));
    let path = folder.path().join("mine.flashpack");
    project_file::save(&path, &project_file::sample()).unwrap();
    let project = project_file::load(&path).unwrap().project;
    let board = board(&[]);
    let document = Document::new(project, Some(path.clone()));
    let mut window = Window::start(document, port(&board), settings.clone());
    window.connect();
    window.write();
    window.act(Command::ShowBoard);
    assert!(!window.has("Open it"), "it is open already");
    drop(window);
    let sample = project_file::sample();
    let mut window = Window::with_settings(sample, port(&board), settings);
    window.act(Command::ShowBoard);
    assert!(window.has("Written to this board last:"));
    assert!(window.has_containing("mine.flashpack"));
    window.click("Open it");
    window.settle();
    assert_eq!(window.state().document.path(), Some(path.as_path()));
    assert!(!window.has("Open it"));
}

/// The sample with an ELF file for its factory app.
fn with_elf(folder: &Path, board: &Board) -> (Window, PathBuf) {
    let path = folder.join("app.elf");
    std::fs::write(&path, elf_file::app()).unwrap();
    let settings = Some(folder.join("settings.json"));
    let mut window = Window::with_settings(project_file::sample(), port(board), settings);
    window.connect();
    window.select("factory");
    window.dialogs.choose(std::slice::from_ref(&path));
    window.act(Command::ChooseImage);
    window.packed();
    (window, path)
}

fn listen(window: &mut Window) {
    window.act(Command::StartMonitor);
    window.wait("listening", |window| {
        window.state().board.listening.phase() == Phase::Listening
    });
}

#[test]
fn the_elf_file_of_the_app_explains_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(&[]);
    let (mut window, path) = with_elf(folder.path(), &board);
    listen(&mut window);
    assert_eq!(window.state().monitor.elf, Some(path.clone()));
    assert!(window.has("app.elf (the app of factory)"));
    // Who wants none is not given it again.
    window.click("×");
    assert_eq!(window.state().monitor.elf, None);
    window.act(Command::StopMonitor);
    window.wait("the end of listening", |window| {
        window.state().board.listening.phase() == Phase::Off
    });
    listen(&mut window);
    assert_eq!(window.state().monitor.elf, None);
}

#[test]
fn the_elf_file_that_was_written_is_taken_without_its_project() {
    let folder = tempfile::tempdir().unwrap();
    let board = board(&[]);
    let (mut window, path) = with_elf(folder.path(), &board);
    window.act(Command::Write);
    window.click_containing("Write 3 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    drop(window);
    let settings = Some(folder.path().join("settings.json"));
    let mut window = Window::with_settings(project_file::sample(), port(&board), settings);
    listen(&mut window);
    assert_eq!(window.state().monitor.elf, Some(path));
    assert!(window.has("app.elf (used with this board last)"));
}
