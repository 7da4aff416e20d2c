//! App images and ELF files in the window: what they are is shown, and what a board cannot run is refused.

use flashpack::device::practice::{Board, Options};
use flashpack::engine::request::PortChoice;
use flashpack::store::project_file;
use flashpack::ui::command::Command;

use crate::elf_file;
use crate::window::Window;

/// The sample project on a board of its own, with this file chosen for the factory app.
fn with_app(name: &str, bytes: &[u8]) -> (Window, Board, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let board = Board::start(Options::default()).unwrap();
    let port = PortChoice::Path(board.port().to_owned());
    let mut window = Window::of(project_file::sample(), port);
    window.connect();
    window.select("factory");
    window.dialogs.choose(&[path]);
    window.act(Command::ChooseImage);
    window.packed();
    (window, board, folder)
}

#[test]
fn an_elf_file_becomes_an_app_image_with_its_facts() {
    let (mut window, board, _folder) = with_app("app.elf", &elf_file::app());
    for fact in ["blink", "0.1", "ESP32-C3", "Runs on revisions", "4 MiB"] {
        assert!(window.has_containing(fact), "{fact} is shown");
    }
    window.act(Command::Write);
    assert!(window.has("app.elf"));
    assert!(
        window.has_containing("blink 0.1 for ESP32-C3, "),
        "what it is, and how it fills its slot"
    );
    assert!(!window.has_containing("Refused"));
    window.click_containing("Write 3 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
    let flash = board.test_access().flash();
    assert_eq!(flash[0x1_0000], 0xE9, "an app image and not an ELF file");
    window.act(Command::WhatBoots);
    window.wait("the answer", |window| {
        window.state().board.running().is_none()
    });
    assert!(
        window
            .notice()
            .contains("Boots factory at 0x10000, blink 0.1"),
        "{}",
        window.notice()
    );
}

#[test]
fn a_file_that_is_no_app_is_a_problem_and_needs_a_tick() {
    let (mut window, board, _folder) = with_app("notes.txt", b"these are notes");
    window.act(Command::ShowProblems);
    assert!(window.has_containing("its first byte is not E9"));
    window.act(Command::ShowProblems);
    window.act(Command::Write);
    window.click_containing("Write 3 region");
    assert!(window.state().review.is_some(), "refused");
    assert!(board.test_access().flash().iter().all(|byte| *byte == 0xFF));
    window.click_containing("notes.txt for factory");
    window.click_containing("Write 3 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
}

#[test]
fn an_elf_file_for_another_machine_is_a_problem() {
    let mut elf = elf_file::app();
    elf[18] = 0x5E;
    let (mut window, _board, _folder) = with_app("xtensa.elf", &elf);
    window.wait("the problem", |window| {
        window.state().environment.errors > 0
    });
    window.act(Command::ShowProblems);
    assert!(window.has_containing("This ELF file is for Xtensa"));
}
