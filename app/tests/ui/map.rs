//! The map: edges and bodies are dragged with live figures, Escape puts them back, arrow keys walk.

use crate::window::Window;
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2};
use egui_kittest::kittest::Queryable as _;
use flashpack::model::region::Region;
use flashpack::ui::command::Command;

pub fn press(window: &mut Window, at: Pos2, pressed: bool) {
    window.harness.event(Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    });
    window.settle();
}

pub fn point(window: &mut Window, at: Pos2) {
    window.harness.event(Event::PointerMoved(at));
    window.settle();
}

pub fn region(window: &Window, partition: &str) -> Region {
    window
        .state()
        .region_of(window.row(partition))
        .expect("the partition has a place")
}

/// Presses the right edge of a partition and pulls it.
fn pull_right_edge(window: &mut Window, partition: &str, by: f32) -> Pos2 {
    let rect = window
        .harness
        .get_by_label_contains(&format!("Map: {partition},"))
        .rect();
    let edge = pos2(rect.right() - 1.0, rect.center().y);
    point(window, edge);
    press(window, edge, true);
    let to = pos2(edge.x + by, edge.y);
    point(window, pos2(edge.x + by / 2.0, edge.y));
    point(window, to);
    to
}

#[test]
fn an_edge_is_dragged() {
    let mut window = Window::sample();
    let before = region(&window, "factory");
    let at = pull_right_edge(&mut window, "factory", -200.0);
    let during = region(&window, "factory");
    assert!(
        during.size < before.size,
        "the map shows the drag while it lasts"
    );
    assert_eq!(
        window.state().document.undo_name(),
        None,
        "but it is no edit yet"
    );
    press(&mut window, at, false);
    let after = region(&window, "factory");
    assert_eq!(after, during);
    assert!(after.size.is_multiple_of(0x1_0000), "apps snap to 64 KiB");
    assert_eq!(window.state().document.undo_name(), Some("resize factory"));
    window.act(Command::Undo);
    assert_eq!(region(&window, "factory"), before);
}

#[test]
fn escape_puts_a_drag_back() {
    let mut window = Window::sample();
    let original = window.project().clone();
    let at = pull_right_edge(&mut window, "factory", -200.0);
    window.harness.key_press(Key::Escape);
    window.settle();
    assert_eq!(window.state().document.shown(), &original);
    point(&mut window, pos2(at.x - 50.0, at.y));
    press(&mut window, at, false);
    assert_eq!(window.project(), &original);
    assert_eq!(window.state().document.undo_name(), None);
}

#[test]
fn a_body_is_dragged_into_free_space() {
    let mut window = Window::sample();
    let at = pull_right_edge(&mut window, "factory", -300.0);
    press(&mut window, at, false);
    let before = region(&window, "vfs");
    let rect = window.harness.get_by_label_contains("Map: vfs,").rect();
    let middle = rect.center();
    point(&mut window, middle);
    press(&mut window, middle, true);
    let to = pos2(middle.x - 120.0, middle.y);
    point(&mut window, pos2(middle.x - 60.0, middle.y));
    point(&mut window, to);
    press(&mut window, to, false);
    let after = region(&window, "vfs");
    assert_eq!(after.size, before.size);
    assert!(after.offset < before.offset);
    assert_eq!(window.state().document.undo_name(), Some("move vfs"));
}

#[test]
fn arrow_keys_walk_over_the_map() {
    let mut window = Window::sample();
    window.click_containing("Map: factory");
    assert_eq!(window.state().selection.row(), Some(window.row("factory")));
    window.harness.key_press(Key::ArrowRight);
    window.settle();
    assert_eq!(window.state().selection.row(), Some(window.row("vfs")));
    assert!(
        window
            .harness
            .get_by_label_contains("Map: vfs")
            .is_focused()
    );
    window.harness.key_press(Key::End);
    window.settle();
    assert_eq!(window.state().selection.row(), Some(window.row("bin")));
}

#[test]
fn keys_resize_by_a_step() {
    let mut window = Window::sample();
    let before = region(&window, "bin");
    window.click_containing("Map: bin");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowLeft);
    window.settle();
    assert_eq!(region(&window, "bin").size, before.size - 0x1000);
}

#[test]
fn free_space_that_undo_takes_back_does_not_stay_selected() {
    let mut window = Window::sample();
    window.click_containing("Map: factory");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowLeft);
    window.settle();
    window.harness.key_press(Key::ArrowRight);
    window.settle();
    assert!(window.has("Add partition here"));
    window.act(Command::Undo);
    assert!(!window.has("Add partition here"));
    assert_eq!(window.state().selection.row(), Some(window.row("factory")));
}
