//! What keys do on the map.

use eframe::egui::{EventFilter, Id, Key, Modifiers, Response, Ui};

use super::super::derived::Segment;
use super::super::selection::Selection;
use super::flash_map::{Grip, MapEvent};

/// What a stretch is called among the widgets, so that the focus can be given to it.
pub(super) fn id_of(ui: &Ui, what: Selection, index: usize) -> Id {
    match what {
        Selection::Row(row) => ui.scope_id().with(("row", row)),
        _ => ui.scope_id().with(("stretch", index)),
    }
}

/// The keys of the selected stretch, or of one of its edges: there the arrows move the edge.
pub(super) fn keys(
    ui: &Ui,
    segments: &[Segment],
    index: usize,
    response: &Response,
    focused: Grip,
    events: &mut Vec<MapEvent>,
) {
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    // With more keys first: a pattern takes no notice of Shift and Alt that it does not name.
    for (modifiers, grip) in [
        (Modifiers::CTRL.plus(Modifiers::SHIFT), Grip::Start),
        (Modifiers::SHIFT, Grip::Body),
        (Modifiers::CTRL, Grip::End),
    ] {
        for (key, forward) in [(Key::ArrowLeft, false), (Key::ArrowRight, true)] {
            if pressed(modifiers, key) {
                events.push(MapEvent::Step { grip, forward });
            }
        }
    }
    let step = |to: Option<usize>, events: &mut Vec<MapEvent>| {
        if let Some(segment) = to.and_then(|to| segments.get(to)) {
            let id = id_of(ui, segment.what, to.unwrap_or(0));
            ui.memory_mut(|memory| memory.request_focus(id));
            events.push(MapEvent::Select(segment.what));
        }
    };
    for (key, event) in [
        (Key::Plus, MapEvent::Zoom { factor: 2.0 }),
        (Key::Equals, MapEvent::Zoom { factor: 2.0 }),
        (Key::Minus, MapEvent::Zoom { factor: 0.5 }),
        (Key::Num0, MapEvent::ShowAll),
        (Key::PageUp, MapEvent::Scroll { share: -0.5 }),
        (Key::PageDown, MapEvent::Scroll { share: 0.5 }),
    ] {
        if pressed(Modifiers::NONE, key) {
            events.push(event);
        }
    }
    if focused != Grip::Body {
        for (key, forward) in [(Key::ArrowLeft, false), (Key::ArrowRight, true)] {
            if pressed(Modifiers::NONE, key) {
                let grip = focused;
                events.push(MapEvent::Step { grip, forward });
            }
        }
    }
    if pressed(Modifiers::NONE, Key::ArrowLeft) {
        step(index.checked_sub(1), events);
    } else if pressed(Modifiers::NONE, Key::ArrowRight) {
        step(Some(index + 1), events);
    } else if pressed(Modifiers::NONE, Key::Home) {
        step(Some(0), events);
    } else if pressed(Modifiers::NONE, Key::End) {
        step(segments.len().checked_sub(1), events);
    } else if pressed(Modifiers::NONE, Key::Enter) || pressed(Modifiers::NONE, Key::ArrowDown) {
        events.push(MapEvent::Open);
    }
}
