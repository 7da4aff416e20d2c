//! An idle window draws nothing.

use std::time::Duration;

use eframe::egui::ViewportId;
use egui_kittest::kittest::Queryable as _;
use flashpack::engine::request::PortChoice;
use flashpack::store::project_file;

use crate::window::Window;

fn repaint_delay(window: &Window) -> Duration {
    window.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay
}

#[test]
fn an_idle_window_asks_for_no_repaint() {
    let mut window = Window::sample();
    window.connect();
    window.packed();
    // Wakes that came meanwhile are taken in; then nothing is left to do.
    window.wait("a quiet window", |window| {
        repaint_delay(window) == Duration::MAX
    });
    for _ in 0..5 {
        window.harness.step();
        assert_eq!(repaint_delay(&window), Duration::MAX);
    }
}

#[test]
fn an_idle_window_with_every_drawer_tab_is_idle_too() {
    use flashpack::ui::command::Command;
    let mut window = Window::sample();
    for tab in [
        Command::ShowProblems,
        Command::ShowBoard,
        Command::ShowAgent,
        Command::ShowLog,
    ] {
        window.act(tab);
        window.wait("a quiet window", |window| {
            repaint_delay(window) == Duration::MAX
        });
    }
}

#[test]
fn a_shorter_strip_leaves_no_gap_when_the_window_falls_idle() {
    let nowhere = PortChoice::Path("/nowhere/at/all".into());
    let mut window = Window::of(project_file::sample(), nowhere);
    window.click("Connect a board");
    window.wait("a tall strip", |window| {
        window.has("Details") && repaint_delay(window) == Duration::MAX
    });
    let above_the_drawer = |window: &Window| {
        let drawer = window.harness.get_by_label("Log").rect().top();
        drawer - window.harness.get_by_label("Dismiss").rect().bottom()
    };
    let tall = above_the_drawer(&window);
    // The same strip without its reasons: nothing else asks for a frame.
    let state = &mut window.harness.state_mut().state;
    state.notice.as_mut().expect("a strip").failure = None;
    window.harness.step();
    while repaint_delay(&window) == Duration::ZERO {
        window.harness.step();
    }
    let short = above_the_drawer(&window);
    assert!(short + 60.0 < tall, "{tall}, then {short} points");
}
