//! The edges of the partitions on the map: grabbed with the pointer, and with the keyboard those of what is selected.

use eframe::egui::{CursorIcon, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::super::derived::Segment;
use super::super::selection::Selection;
use super::super::theme;
use super::flash_map::{Grip, MapEvent, drag};
use super::map_keys::{id_of, keys};
use super::map_scale::MapScale;
use crate::model::number::hex;

/// How far the place where an edge can be grabbed reaches into the partition, and over its neighbour, in points.
const INSIDE: f32 = 4.0;
const BEYOND: f32 = 2.0;

/// An edge of a partition that can be grabbed.
pub(super) struct Edge<'a> {
    pub segment: &'a Segment,
    pub place: Rect,
    pub row: usize,
    pub grip: Grip,
    pub is_selected: bool,
    pub body_has_focus: bool,
}

impl Edge<'_> {
    /// Where the edge is grabbed: mostly inside, and a hair beyond it.
    fn rect(&self) -> Rect {
        let inside = (self.place.width() / 3.0).min(INSIDE);
        let across = if self.grip == Grip::Start {
            self.place.left() - BEYOND..=self.place.left() + inside
        } else {
            self.place.right() - inside..=self.place.right() + BEYOND
        };
        Rect::from_x_y_ranges(across, self.place.y_range())
    }

    /// Draws it where the pointer or the focus is, and reports what is done to it.
    pub fn ui(
        &self,
        ui: &Ui,
        segments: &[Segment],
        index: usize,
        scale: &MapScale,
        events: &mut Vec<MapEvent>,
    ) {
        let rect = self.rect();
        // Grabbed as soon as it is pressed: something that can be clicked too would be neither clicked nor dragged after
        // a press that lasts. Only the edges of what is selected take part in the tab order.
        let mut sense = Sense::DRAG;
        if self.is_selected {
            sense |= Sense::FOCUSABLE;
        }
        let id = ui.scope_id().with((self.row, self.grip as u8));
        let response = ui.interact(rect, id, sense);
        response.widget_info(|| {
            let region = self.segment.region;
            let (side, at) = match self.grip {
                Grip::Start => ("start", u64::from(region.offset)),
                _ => ("end", region.end()),
            };
            let label = format!("Edge: {side} of {}, {}", self.segment.name, hex(at));
            WidgetInfo::labeled(Role::Splitter, ui.is_enabled(), label)
        });
        let response = response.on_hover_cursor(CursorIcon::ResizeHorizontal);
        if is_click(ui, &response) {
            // A narrow partition is hardly more than edges, and an edge reaches over its neighbour: what lies under
            // the pointer is selected, as everywhere else on the map.
            let at = ui.input(|input| input.pointer.interact_pos());
            let (index, what) = at
                .filter(|at| !self.place.x_range().contains(at.x))
                .and_then(|at| stretch_at(segments, scale, at.x))
                .unwrap_or((index, self.segment.what));
            let id = id_of(ui, what, index);
            ui.memory_mut(|memory| memory.request_focus(id));
            events.push(MapEvent::Select(what));
        }
        let is_strong = response.hovered() || response.dragged() || response.has_focus();
        if is_strong || self.body_has_focus {
            let tokens = theme::tokens(ui.visuals());
            let size = if is_strong {
                vec2(4.0, 24.0)
            } else {
                vec2(3.0, 14.0)
            };
            // Inside the frame of what is selected, and clear of the neighbour, which is drawn later.
            let from_edge = (self.place.width() / 4.0).min(5.5);
            let x = if self.grip == Grip::Start {
                self.place.left() + from_edge
            } else {
                self.place.right() - from_edge
            };
            let bar = Rect::from_center_size(pos2(x, self.place.center().y), size);
            ui.painter().rect_filled(bar.expand(1.0), 3.0, tokens.panel);
            ui.painter().rect_filled(bar, 2.0, tokens.accent);
        }
        drag(ui, &response, scale, self.row, self.grip, events);
        if self.is_selected {
            keys(ui, segments, index, &response, self.grip, events);
        }
    }
}

/// Let go where it was grabbed, however long that took; or pressed and let go in one frame, which is no drag to egui.
fn is_click(ui: &Ui, response: &Response) -> bool {
    let (released, unmoved, clicked) = ui.input(|input| {
        let pointer = &input.pointer;
        (
            pointer.any_released(),
            pointer.could_any_button_be_click(),
            pointer.primary_clicked(),
        )
    });
    response.drag_stopped() && released && unmoved || response.hovered() && clicked
}

/// The stretch that is drawn at `x`: its place among the stretches, and what it is.
fn stretch_at(segments: &[Segment], scale: &MapScale, x: f32) -> Option<(usize, Selection)> {
    let lies_at = |segment: &Segment| {
        let region = segment.region;
        (scale.x(u64::from(region.offset))..scale.x(region.end())).contains(&x)
    };
    let index = segments.iter().position(lies_at)?;
    segments.get(index).map(|segment| (index, segment.what))
}
