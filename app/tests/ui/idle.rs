//! An idle window draws nothing.

use crate::window::Window;
use eframe::egui::ViewportId;
use std::time::Duration;

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
