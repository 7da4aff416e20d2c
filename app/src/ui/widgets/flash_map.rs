//! The flash, drawn: a ruler, the stretches to scale, and the strip that compares them with the board.
//!
//! Reports what was done to it as [`MapEvent`]s. Only the selected stretch and its edges take part in the tab order;
//! arrow keys go from the stretch to its neighbours, and move an edge.

use eframe::egui::{CursorIcon, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::super::derived::Segment;
use super::super::selection::Selection;
use super::super::theme;
use super::icon::{self, Icon};
use super::map_edge::Edge;
use super::map_keys::{id_of, keys};
use super::map_scale::MapScale;
use super::segment_paint::{self, Strip};
use crate::model::number::{exact_size, hex, human_size};

/// Heights in points.
const RULER: f32 = 24.0;
const BAND: f32 = 58.0;
const STRIP: f32 = 20.0;
/// All of the map.
pub const HEIGHT: f32 = RULER + BAND + STRIP + 8.0;
/// Smallest widths in points.
const SMALLEST_PARTITION: f32 = 10.0;
const SMALLEST_GAP: f32 = 5.0;
/// A start can be grabbed too from this width on.
const WIDE_ENOUGH_FOR_TWO: f32 = 24.0;

/// What a stretch shows besides itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    pub strip: Option<Strip>,
    /// The share that is written, while it is being written.
    pub filled: Option<f32>,
    /// Written and proven by the latest job.
    pub verified: bool,
    pub movable: bool,
}

/// Which part of a stretch is dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    Body,
    Start,
    End,
}

/// What was done to the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MapEvent {
    Select(Selection),
    /// Enter: go to the contents.
    Open,
    DragStarted {
        row: usize,
        grip: Grip,
        offset: u64,
    },
    /// The pointer is at this offset now.
    Dragged {
        offset: u64,
    },
    DragEnded,
    /// Shift with an arrow key: move by a step; Ctrl: resize by a step; both: move the start by a step.
    Step {
        grip: Grip,
        forward: bool,
    },
    /// Plus and minus: so many times as wide.
    Zoom {
        factor: f32,
    },
    /// Page up and page down: by this share of the window.
    Scroll {
        share: f32,
    },
    ShowAll,
}

/// A scale for these stretches.
pub fn scale(segments: &[Segment], flash_size: u32, left: f32, right: f32) -> MapScale {
    let end = segments
        .iter()
        .map(|segment| segment.region.end())
        .max()
        .unwrap_or(0)
        .max(u64::from(flash_size));
    let mut cuts: Vec<u64> = vec![0, end];
    for segment in segments {
        cuts.push(u64::from(segment.region.offset));
        cuts.push(segment.region.end());
    }
    cuts.sort_unstable();
    cuts.dedup();
    // Segments come in the order of their offsets, so that one walk finds what covers each stretch.
    let mut covered = Vec::with_capacity(cuts.len());
    let mut reach = 0u64;
    let mut next = segments
        .iter()
        .filter(|segment| matches!(segment.what, Selection::Row(_)))
        .peekable();
    for pair in cuts.windows(2) {
        let [from, to] = *pair else { continue };
        while let Some(segment) = next.next_if(|segment| u64::from(segment.region.offset) <= from) {
            reach = reach.max(segment.region.end());
        }
        covered.push((
            from,
            to,
            if from < reach {
                SMALLEST_PARTITION
            } else {
                SMALLEST_GAP
            },
        ));
    }
    MapScale::new(&covered, left, right)
}

/// Draws the map in the width that is there. `shown` says for each stretch what it shows besides itself.
pub fn ui(
    ui: &mut Ui,
    segments: &[Segment],
    scale: &MapScale,
    selection: Selection,
    shown: impl Fn(&Segment) -> Shown,
    tip: impl Fn(&Segment) -> String,
) -> Vec<MapEvent> {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let band = Rect::from_min_size(
        pos2(rect.left(), rect.top() + RULER),
        vec2(rect.width(), BAND),
    );
    let mut events = Vec::new();
    ruler(ui, segments, scale, rect, selection);
    let mut chosen = None;
    for (index, segment) in segments.iter().enumerate() {
        let left = scale.x(u64::from(segment.region.offset));
        let right = scale.x(segment.region.end()).max(left + 1.0);
        // A hair between neighbours; none where there is no room for it.
        let hair = if right - left > 6.0 { 1.0 } else { 0.5 };
        let place = Rect::from_min_max(pos2(left, band.top()), pos2(right - hair, band.bottom()));
        let show = shown(segment);
        let is_selected = segment.what == selection;
        paint(ui, place, segment, &show);
        if let Some(strip) = show.strip {
            let place = Rect::from_min_size(
                pos2(left, band.bottom() + 6.0),
                vec2(right - left - 1.5, STRIP),
            );
            segment_paint::strip(ui.painter(), place, strip, ui.visuals());
        }
        let response = interact(ui, place, segment, index, is_selected, show, &tip);
        if response.clicked() {
            response.request_focus();
            events.push(MapEvent::Select(segment.what));
        }
        if is_selected {
            chosen = Some((index, place, response.clone()));
        }
        if let (Selection::Row(row), true) = (segment.what, show.movable) {
            let before = index.checked_sub(1).and_then(|index| segments.get(index));
            let start_is_free =
                before.is_some_and(|before| matches!(before.what, Selection::Free(_)));
            drag(ui, &response, scale, row, Grip::Body, &mut events);
            let edge = Edge {
                segment,
                place,
                row,
                grip: Grip::Start,
                is_selected,
                body_has_focus: is_selected && response.has_focus(),
            };
            if start_is_free && place.width() > WIDE_ENOUGH_FOR_TWO {
                edge.ui(ui, segments, index, scale, &mut events);
            }
            let edge = Edge {
                grip: Grip::End,
                ..edge
            };
            edge.ui(ui, segments, index, scale, &mut events);
        }
    }
    if let Some((index, place, response)) = chosen {
        segment_paint::selected(ui.painter(), place, ui.visuals());
        keys(ui, segments, index, &response, Grip::Body, &mut events);
    }
    events
}

fn paint(ui: &Ui, place: Rect, segment: &Segment, show: &Shown) {
    let visuals = ui.visuals();
    let painter = ui.painter();
    let size = human_size(u64::from(segment.region.size));
    // A label stays in sight when the map is scrolled.
    let seen = place.intersect(ui.clip_rect());
    if matches!(segment.what, Selection::Free(_)) {
        segment_paint::free(painter, place, visuals);
        let ink = theme::tokens(visuals).weak;
        segment_paint::label(painter, seen, &segment.name, &size, ink);
        return;
    }
    let fill = theme::fill(theme::look(segment.kind, segment.subtype), visuals);
    segment_paint::body(painter, place, fill, show.filled, visuals);
    let ink = match show.filled {
        Some(_) => theme::tokens(visuals).text,
        None => theme::text_on(fill),
    };
    let ground = if show.verified {
        seen.with_max_x(seen.right() - 18.0)
    } else {
        seen
    };
    segment_paint::label(painter, ground, &segment.name, &size, ink);
    if show.verified && place.width() > 22.0 {
        let at = Rect::from_min_size(
            pos2(place.right() - 19.0, place.top() + 5.0),
            vec2(14.0, 14.0),
        );
        icon::paint(painter, Icon::Check, at, ink);
    }
    if segment.misplaced {
        segment_paint::misplaced(painter, place, visuals);
    }
}

fn interact(
    ui: &Ui,
    place: Rect,
    segment: &Segment,
    index: usize,
    is_selected: bool,
    show: Shown,
    tip: &impl Fn(&Segment) -> String,
) -> Response {
    let id = id_of(ui, segment.what, index);
    let mut sense = Sense::CLICK;
    if show.movable {
        sense |= Sense::DRAG;
    }
    if is_selected {
        sense |= Sense::FOCUSABLE;
    }
    let response = ui.interact(place, id, sense);
    response.widget_info(|| {
        let label = format!(
            "Map: {}, {}, {}{}{}",
            segment.name,
            hex(segment.region.offset),
            human_size(u64::from(segment.region.size)),
            if show.strip.is_some() { ", " } else { "" },
            show.strip.map_or("", Strip::words)
        );
        WidgetInfo::selected(Role::Button, ui.is_enabled(), is_selected, label)
    });
    // Made only for the stretch under the pointer.
    response.on_hover_ui_at_pointer(|ui| {
        ui.label(tip(segment));
    })
}

/// Reports a drag of what `response` is of.
pub(super) fn drag(
    ui: &Ui,
    response: &Response,
    scale: &MapScale,
    row: usize,
    grip: Grip,
    events: &mut Vec<MapEvent>,
) {
    if response.drag_started() {
        // Where the press was, not where the pointer has got to by now.
        let at = ui
            .input(|input| input.pointer.press_origin())
            .map_or(0.0, |at| at.x);
        events.push(MapEvent::DragStarted {
            row,
            grip,
            offset: scale.offset(at),
        });
    }
    // A hand that clicks trembles: that must move nothing.
    let unmoved = ui.input(|input| input.pointer.could_any_button_be_click());
    if response.dragged()
        && !unmoved
        && let Some(at) = response.interact_pointer_pos()
    {
        ui.set_cursor_icon(if grip == Grip::Body {
            CursorIcon::Grabbing
        } else {
            CursorIcon::ResizeHorizontal
        });
        events.push(MapEvent::Dragged {
            offset: scale.offset(at.x),
        });
    }
    if response.drag_stopped() {
        events.push(MapEvent::DragEnded);
    }
}

/// Offsets above the band, as many as fit, and the axis: straight where it is to scale, zigzag where it is not.
fn ruler(ui: &Ui, segments: &[Segment], scale: &MapScale, rect: Rect, selection: Selection) {
    let tokens = theme::tokens(ui.visuals());
    let painter = ui.painter();
    let axis = rect.top() + RULER - 6.0;
    let stroke = Stroke::new(1.0, tokens.weak.gamma_multiply(0.8));
    // Neighbouring stretches that are not to scale get one zigzag, without ticks in between.
    let mut broken: Vec<(f32, f32)> = Vec::new();
    for interval in scale.intervals() {
        match broken.last_mut() {
            Some(last) if interval.broken && (last.1 - interval.left).abs() < 0.5 => {
                last.1 = interval.right;
            }
            _ if interval.broken => broken.push((interval.left, interval.right)),
            _ => {
                painter.hline(interval.left..=interval.right, axis, stroke);
            }
        }
    }
    for (left, right) in &broken {
        segment_paint::zigzag(painter, *left, *right, axis, stroke);
    }
    let in_broken = |x: f32| {
        broken
            .iter()
            .any(|(left, right)| x > left + 1.0 && x < right - 1.0)
    };
    // The ends and the selected start first, then wide stretches before narrow ones.
    let end = scale.intervals().last().map_or(0, |interval| interval.to);
    let mut wanted: Vec<(f32, u64, bool)> = vec![(2.0e6, 0, false), (2.0e6, end, false)];
    for segment in segments {
        let from = u64::from(segment.region.offset);
        let left = scale.x(from);
        let is_selected = segment.what == selection;
        let weight = if is_selected {
            3.0e6
        } else {
            scale.x(segment.region.end()) - left
        };
        wanted.push((weight, from, is_selected));
        if !in_broken(left) {
            painter.vline(left, axis - 3.0..=axis + 3.0, stroke);
        }
    }
    painter.vline(scale.x(end), axis - 3.0..=axis + 3.0, stroke);
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken: Vec<(f32, f32)> = Vec::new();
    for (_, offset, is_selected) in wanted {
        let at = scale.x(offset) - 1.0;
        // Of a map that is zoomed in, the rest lies outside of the window.
        if at < rect.left() - 2.0 || at > rect.right() + 2.0 {
            continue;
        }
        // Measuring text costs more than looking whether its first letter would have room.
        if taken
            .iter()
            .any(|(from, to)| at > *from - 8.0 && at < *to + 8.0)
        {
            continue;
        }
        let ink = if is_selected {
            tokens.text
        } else {
            tokens.weak
        };
        let galley = painter.layout_no_wrap(hex(offset), theme::font(theme::RULER), ink);
        let width = galley.size().x;
        let left = at.min(rect.right() - width);
        if taken
            .iter()
            .all(|(from, to)| left + width + 8.0 < *from || left > *to + 8.0)
        {
            taken.push((left, left + width));
            painter.galley(pos2(left, rect.top()), galley, ink);
        }
    }
}

/// The tooltip of a stretch, without what compares it with the board.
pub fn tip(segment: &Segment) -> String {
    format!(
        "{}\n{} to {}\n{}",
        segment.name,
        hex(segment.region.offset),
        hex(segment.region.end()),
        exact_size(u64::from(segment.region.size))
    )
}
