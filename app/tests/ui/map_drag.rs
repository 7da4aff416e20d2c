//! Drags on the map: what blocks is named while the pointer is down, the same when the map is zoomed in, neighbours
//! that give way, and Escape.

use crate::map::{point, press, region};
use crate::window::Window;
use eframe::egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, pos2,
    vec2,
};
use egui_kittest::kittest::Queryable as _;
use flashpack::ui::command::Command;

fn place(window: &Window, partition: &str) -> eframe::egui::Rect {
    let label = format!("Map: {partition},");
    window.harness.get_by_label_contains(&label).rect()
}

/// Presses at a point and pulls it sideways; the button stays down.
fn pull(window: &mut Window, from: Pos2, by: f32) -> Pos2 {
    let to = pos2(from.x + by, from.y);
    point(window, from);
    press(window, from, true);
    point(window, pos2(from.x + by / 2.0, from.y));
    point(window, to);
    to
}

fn right_edge(window: &Window, partition: &str) -> Pos2 {
    let rect = place(window, partition);
    pos2(rect.right() - 1.0, rect.center().y)
}

#[test]
fn a_blocked_drag_names_who_blocks_while_it_lasts() {
    let mut window = Window::sample();
    // Nothing between factory and vfs: the edge does not move at all.
    let from = right_edge(&window, "factory");
    let at = pull(&mut window, from, 60.0);
    assert!(
        window.has("factory stays as it is: vfs is in the way"),
        "said beside the pointer"
    );
    press(&mut window, at, false);
    assert_eq!(window.state().document.undo_name(), None);
    // Room behind it, and the pointer beyond that room.
    let from = right_edge(&window, "factory");
    let at = pull(&mut window, from, -200.0);
    press(&mut window, at, false);
    let end = region(&window, "factory").end();
    let from = right_edge(&window, "factory");
    let at = pull(&mut window, from, 400.0);
    assert!(window.has_containing("blocked by vfs"));
    assert_eq!(region(&window, "factory").end(), 0x20_0000);
    // Back over free room nobody blocks any more.
    point(&mut window, pos2(from.x + 30.0, from.y));
    assert!(!window.has_containing("blocked by"));
    assert!(region(&window, "factory").end() >= end);
    press(&mut window, at, false);
    // A body against the end of the flash.
    let middle = place(&window, "bin").center();
    let at = pull(&mut window, middle, 100.0);
    assert!(window.has_containing("the end of the flash is in the way"));
    press(&mut window, at, false);
}

#[test]
fn a_drag_shows_its_figures_and_what_it_pushes() {
    let mut window = Window::sample();
    let from = right_edge(&window, "bin");
    let at = pull(&mut window, from, -150.0);
    press(&mut window, at, false);
    window.click("Neighbours: block");
    let before = region(&window, "vfs");
    let from = right_edge(&window, "factory");
    let at = pull(&mut window, from, 60.0);
    assert!(window.has_containing("pushes vfs, bin"));
    let during = region(&window, "factory");
    let figures = format!(
        "factory  0x10000  {}",
        flashpack::model::number::human_size(during.size.into())
    );
    assert!(window.has_containing(&figures), "{figures}");
    assert_eq!(region(&window, "vfs").offset, during.end() as u32);
    // Escape puts everything back, the neighbours too, though the button is still down.
    window.harness.key_press(Key::Escape);
    window.settle();
    assert_eq!(region(&window, "vfs"), before);
    assert!(!window.has_containing("pushes"));
    point(&mut window, pos2(at.x + 20.0, at.y));
    press(&mut window, at, false);
    assert_eq!(region(&window, "vfs"), before);
    assert_eq!(window.state().document.undo_name(), Some("resize bin"));
}

#[test]
fn ctrl_and_the_wheel_zoom_at_the_pointer_and_the_wheel_scrolls() {
    let mut window = Window::sample();
    let before = place(&window, "vfs");
    let at = before.center();
    point(&mut window, at);
    let wheel = |window: &mut Window, delta, modifiers| {
        window.harness.event(Event::ModifiersChanged(modifiers));
        window.harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta,
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
            modifiers,
        });
        // A wheel is smoothed over some frames.
        for _ in 0..8 {
            window.settle();
        }
        window
            .harness
            .event(Event::ModifiersChanged(Modifiers::NONE));
        window.settle();
    };
    wheel(&mut window, vec2(0.0, 8.0), Modifiers::COMMAND);
    let zoomed = place(&window, "vfs");
    assert!(zoomed.width() > before.width() * 1.2, "{zoomed:?}");
    let inside = (at.x - before.left()) / before.width();
    let still = (at.x - zoomed.left()) / zoomed.width();
    assert!((inside - still).abs() < 0.02, "{inside} became {still}");
    wheel(&mut window, vec2(0.0, -3.0), Modifiers::NONE);
    assert!(place(&window, "vfs").left() < zoomed.left(), "scrolled");
    wheel(&mut window, vec2(0.0, -80.0), Modifiers::COMMAND);
    assert!(window.state().map.view.is_whole());
}

#[test]
fn a_drag_is_finer_while_the_map_is_zoomed_in() {
    let mut window = Window::sample();
    let whole = place(&window, "bin").width();
    window.click_containing("Map: bin");
    window.act(Command::ZoomIn);
    window.act(Command::ZoomIn);
    // Brings the end of the map into sight.
    for _ in 0..10 {
        window.harness.key_press(Key::PageDown);
        window.settle();
    }
    let width = place(&window, "bin").width();
    assert!(width > whole * 3.0, "{width} and {whole}");
    let before = region(&window, "bin");
    let from = right_edge(&window, "bin");
    let at = pull(&mut window, from, -100.0);
    press(&mut window, at, false);
    let after = region(&window, "bin");
    assert_eq!(after.offset, before.offset);
    assert!(after.size.is_multiple_of(0x1000));
    // What is under the pointer is where the edge is now.
    let expected = f64::from(before.size) * f64::from(1.0 - 99.0 / width);
    assert!(
        (f64::from(after.size) - expected).abs() < 8192.0,
        "{} instead of about {expected}",
        after.size
    );
    assert_eq!(window.state().document.undo_name(), Some("resize bin"));
}

/// Down and up again in one frame, as a touchpad taps.
fn tap(window: &mut Window, at: Pos2) {
    point(window, at);
    for pressed in [true, false] {
        window.harness.event(Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
    }
    window.settle();
}

#[test]
fn a_click_on_an_edge_selects_what_lies_under_it() {
    let mut window = Window::sample();
    window.select("bin");
    let selected = |window: &Window| window.state().selection.row();
    // Slowly, and as fast as a tap.
    let at = right_edge(&window, "factory");
    point(&mut window, at);
    press(&mut window, at, true);
    // A hand trembles.
    point(&mut window, pos2(at.x - 2.0, at.y));
    press(&mut window, pos2(at.x - 2.0, at.y), false);
    assert_eq!(selected(&window), Some(window.row("factory")));
    let at = right_edge(&window, "vfs");
    tap(&mut window, at);
    assert_eq!(selected(&window), Some(window.row("vfs")));
    // The grip of factory reaches over vfs, whose first point it is.
    let rect = place(&window, "vfs");
    window.select("bin");
    tap(&mut window, pos2(rect.left() + 0.8, rect.center().y));
    assert_eq!(selected(&window), Some(window.row("vfs")));
    // A partition that is ten points wide is hardly more than edges.
    let rect = place(&window, "phy_init");
    for x in [rect.left() + 0.8, rect.center().x, rect.right() - 0.8] {
        window.select("bin");
        tap(&mut window, pos2(x, rect.center().y));
        assert_eq!(selected(&window), Some(window.row("phy_init")), "{x}");
    }
    assert_eq!(window.state().document.undo_name(), None, "nothing moved");
    // The arrow keys go on from what was clicked.
    window.harness.key_press(Key::ArrowRight);
    window.settle();
    assert_eq!(selected(&window), Some(window.row("factory")));
}

#[test]
fn the_edges_of_what_is_selected_are_reached_and_moved_by_keyboard() {
    let mut window = Window::sample();
    let at = right_edge(&window, "bin");
    tap(&mut window, at);
    let before = region(&window, "bin");
    window.harness.key_press(Key::Tab);
    window.settle();
    let label = "Edge: end of bin, 0x400000";
    assert!(window.harness.get_by_label(label).is_focused());
    window.harness.key_press(Key::ArrowLeft);
    window.settle();
    assert_eq!(region(&window, "bin").size, before.size - 0x1000);
    let label = "Edge: end of bin, 0x3FF000";
    assert!(window.harness.get_by_label(label).is_focused(), "still");
    assert_eq!(window.state().document.undo_name(), Some("resize bin"));
    window.harness.key_press(Key::ArrowRight);
    window.settle();
    assert_eq!(region(&window, "bin"), before);
    assert_eq!(window.state().selection.row(), Some(window.row("bin")));
    // The free space before bin makes its start an edge too.
    window.click_containing("Map: vfs");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowLeft);
    window.settle();
    window.click_containing("Map: bin");
    window.harness.key_press(Key::Tab);
    window.settle();
    let label = "Edge: start of bin, 0x300000";
    assert!(window.harness.get_by_label(label).is_focused());
    window.harness.key_press(Key::ArrowLeft);
    window.settle();
    assert_eq!(region(&window, "bin").offset, before.offset - 0x1000);
    assert_eq!(region(&window, "bin").end(), before.end());
}
