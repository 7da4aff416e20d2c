//! The board's table is read without being asked for; what becomes of that is in the log.

use crate::window::Window;
use flashpack::device::practice::{Board, Options};
use flashpack::engine::request::PortChoice;
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use std::sync::Arc;

#[test]
fn a_quiet_read_that_fails_is_told_in_the_log() {
    let board = Board::start(Options::default()).unwrap();
    let port = PortChoice::Path(board.port().to_path_buf());
    let mut window = Window::of(project_file::sample(), port);
    window.connect();
    let log = |window: &Window| window.state().log.to_text();
    assert!(
        log(&window).contains("to know what a write would strand"),
        "{}",
        log(&window)
    );
    // The table moves to where nobody has looked yet, and the board is gone when the review wants to look.
    let mut project = window.project().clone();
    Arc::make_mut(&mut project.table).settings.table_offset = 0x7000;
    window.act(Action::Edit {
        name: "set table offset".into(),
        project: Box::new(project),
    });
    window.packed();
    board.stop().unwrap();
    window.act(Command::Write);
    window.wait("the end of the quiet read", |window| {
        window.state().board.running().is_none()
    });
    assert!(
        log(&window).contains("What a write would strand on the board is not known: "),
        "{}",
        log(&window)
    );
    assert!(
        window.has_containing("the board's own table was not read"),
        "the sheet says it too"
    );
    let sheet = window.state().review.as_ref().unwrap();
    assert!(!sheet.view().guards.is_empty(), "and wants a tick for it");
}
