//! The map of the flash: selection, drags with live figures, and what a running write has done so far.

use eframe::egui::{
    Align2, Area, Frame, Key, Label, Margin, Modifiers, Order, RichText, Stroke, Ui, Vec2, pos2,
    vec2,
};

use super::super::action::Action;
use super::super::board_memory::Compared;
use super::super::derived::Segment;
use super::super::selection::Selection;
use super::super::state::AppState;
use super::super::table_ops;
use super::super::theme;
use super::super::widgets::flash_map::{self, Grip, MapEvent, Shown};
use super::super::widgets::map_scale::MapScale;
use super::super::widgets::segment_paint::Strip;
use super::map_view::MapView;
use crate::engine::event::RegionState;
use crate::engine::request::Request;
use crate::model::number::{hex, human_size};
use crate::model::project::Project;
use crate::model::region::Region;
use crate::model::table_arrange::{Edge, Limits, Neighbours};
use crate::model::table_obstacle::{Moved, in_the_way};

/// Room around the figures of a drag.
const FIGURES_MARGIN: Vec2 = vec2(10.0, 5.0);

/// A drag under way.
#[derive(Clone, Debug)]
struct Drag {
    row: usize,
    grip: Grip,
    /// Where the pointer was pressed.
    from: u64,
    /// Where the partition was.
    region: Region,
    /// Kept from the start: else the map would move under the pointer.
    scale: MapScale,
    /// The last outcome that was possible.
    outcome: Option<(String, Project)>,
    /// What is said beside the pointer.
    figures: String,
    /// Put back by Escape; the pointer is still down.
    abandoned: bool,
}

/// State of the map.
#[derive(Clone, Debug, Default)]
pub struct MapPanel {
    drag: Option<Drag>,
    /// How much of the map is seen.
    pub view: MapView,
}

/// Draws the map.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    if ui.input_mut(|input| {
        state.map.drag.is_some() && input.consume_key(Modifiers::NONE, Key::Escape)
    }) {
        abandon(state);
    }
    let project = state.document.shown();
    let segments = state
        .preview
        .as_ref()
        .unwrap_or(&state.derived)
        .segments
        .clone();
    let rect = ui.available_rect_before_wrap();
    let window = (rect.left() + 1.0, rect.right() - 1.0);
    let flash_size = project.flash_size;
    if state.map.drag.is_none() {
        wheel(
            ui,
            &mut state.map.view,
            rect.with_max_y(rect.top() + flash_map::HEIGHT),
        );
    }
    let scale = if let Some(drag) = &state.map.drag {
        drag.scale.clone()
    } else {
        let (left, right) = state.map.view.ends(window.0, window.1);
        flash_map::scale(&segments, flash_size, left, right)
    };
    let clip = ui.clip_rect();
    if !state.map.view.is_whole() {
        ui.set_clip_rect(clip.intersect(rect.expand2(vec2(0.0, 8.0))));
    }
    let events = flash_map::ui(
        ui,
        &segments,
        &scale,
        state.selection,
        |segment| shown(state, segment),
        |segment| tip(state, segment),
    );
    ui.set_clip_rect(clip);
    if let Some(drag) = state.map.drag.as_ref().filter(|drag| !drag.abandoned) {
        figures(ui, drag, &scale, state);
    }
    let limits = limits(ui, state);
    for event in events {
        if let MapEvent::Select(selection) = event
            && let Some(segment) = segments.iter().find(|segment| segment.what == selection)
        {
            let stretch = (
                scale.x(u64::from(segment.region.offset)),
                scale.x(segment.region.end()),
            );
            state.map.view.reveal(stretch, window);
        }
        take(state, event, &scale, &limits);
    }
}

/// The wheel scrolls a map that is zoomed in; with Ctrl it zooms at the pointer.
fn wheel(ui: &Ui, view: &mut MapView, rect: eframe::egui::Rect) {
    if !ui.rect_contains_pointer(rect) {
        return;
    }
    let (zoom, scroll, pointer) = ui.input(|input| {
        let scroll = input.smooth_scroll_delta();
        (input.zoom_delta(), scroll, input.pointer.hover_pos())
    });
    let at = pointer.map_or(0.5, |at| (at.x - rect.left()) / rect.width().max(1.0));
    if (zoom - 1.0).abs() > 1e-4 {
        view.zoom_by(zoom, at);
    } else if !view.is_whole() {
        view.scroll_by(-(scroll.x + scroll.y) / rect.width().max(1.0));
    }
}

fn shown(state: &AppState, segment: &Segment) -> Shown {
    let Selection::Row(row) = segment.what else {
        return Shown {
            strip: None,
            filled: None,
            verified: false,
            movable: false,
        };
    };
    let project = state.document.project();
    let movable = project
        .table
        .rows
        .get(row)
        .is_some_and(|row| table_ops::is_movable(row));
    let strip = match state.planned(segment.region) {
        Some((_, Compared::Same)) => Strip::Same,
        Some((_, Compared::Differs)) => Strip::Differs,
        Some((_, Compared::Unknown)) => Strip::Unknown,
        // A pack with problems is no part of the plan, but it is not left as it is either.
        None if project.contents.contains_key(&segment.name) => Strip::Unknown,
        None => Strip::LeftAlone,
    };
    let planned = state.planned(segment.region).is_some();
    let writing = state
        .board
        .job
        .as_ref()
        .filter(|job| planned && matches!(job.request, Request::Write(_)));
    let filled = writing
        .filter(|job| job.state.is_running())
        .and_then(|job| job.filled(segment.region));
    let verified = writing.is_some_and(|job| {
        matches!(
            job.region_state(segment.region),
            Some(RegionState::Verified | RegionState::Same)
        )
    }) && strip == Strip::Same;
    Shown {
        strip: Some(strip),
        filled,
        verified,
        movable,
    }
}

fn tip(state: &AppState, segment: &Segment) -> String {
    let mut text = flash_map::tip(segment);
    if matches!(segment.what, Selection::Row(_)) {
        let words = match shown(state, segment).strip {
            Some(Strip::Same) => "Same as on the board, verified in this session",
            Some(Strip::Differs) => "Differs from what is on the board",
            Some(Strip::Unknown) => "Not compared with the board yet",
            _ => super::super::text::LEFT_AS_IT_IS,
        };
        text.push('\n');
        text.push_str(words);
    }
    if segment.misplaced {
        text += "\nOverlaps another partition or lies beyond the end of the flash";
    }
    text
}

fn take(state: &mut AppState, event: MapEvent, scale: &MapScale, limits: &Limits) {
    match event {
        MapEvent::Select(selection) => state.ask(Action::Select(selection)),
        MapEvent::Open => state.contents.take_focus = true,
        MapEvent::DragStarted { row, grip, offset } => {
            let Some(region) = state.region_of(row) else {
                return;
            };
            state.ask(Action::Select(Selection::Row(row)));
            state.map.drag = Some(Drag {
                row,
                grip,
                from: offset,
                region,
                scale: scale.clone(),
                outcome: None,
                figures: String::new(),
                abandoned: false,
            });
        }
        MapEvent::Dragged { offset } => dragged(state, offset, limits),
        MapEvent::DragEnded => {
            if let Some(drag) = state.map.drag.take() {
                state.ask(Action::Preview(None));
                if let (Some((name, project)), false) = (drag.outcome, drag.abandoned) {
                    state.ask(Action::Edit {
                        name,
                        project: Box::new(project),
                    });
                }
            }
        }
        MapEvent::Step { grip, forward } => step(state, grip, forward, limits),
        MapEvent::Zoom { factor } => state.map.view.zoom_by(factor, 0.5),
        MapEvent::Scroll { share } => state.map.view.scroll_by(share),
        MapEvent::ShowAll => state.map.view.show_all(),
    }
}

fn abandon(state: &mut AppState) {
    if let Some(drag) = &mut state.map.drag {
        drag.abandoned = true;
        drag.outcome = None;
        state.ask(Action::Preview(None));
    }
}

fn dragged(state: &mut AppState, offset: u64, limits: &Limits) {
    let Some(mut drag) = state.map.drag.take() else {
        return;
    };
    if !drag.abandoned {
        let delta = offset.cast_signed() - drag.from.cast_signed();
        let project = state.document.project();
        let blocked = blocked_by(project, &drag, delta, limits);
        match attempt(project, drag.row, drag.grip, drag.region, delta, limits) {
            Ok((name, project, figures)) => {
                drag.figures = figures + &blocked;
                if drag
                    .outcome
                    .as_ref()
                    .is_none_or(|(_, known)| *known != project)
                {
                    state.ask(Action::Preview(Some(Box::new(project.clone()))));
                    drag.outcome = Some((name, project));
                }
            }
            // Where it cannot move at all, the reason names who is in the way.
            Err(reason) => drag.figures = reason,
        }
    }
    state.map.drag = Some(drag);
}

/// Who keeps the drag from going as far as the pointer, for the end of the figures; empty if nobody does.
fn blocked_by(project: &Project, drag: &Drag, delta: i64, limits: &Limits) -> String {
    let (moved, from) = match drag.grip {
        Grip::Body => (Moved::Whole, u64::from(drag.region.offset)),
        Grip::Start => (Moved::Edge(Edge::Start), u64::from(drag.region.offset)),
        Grip::End => (Moved::Edge(Edge::End), drag.region.end()),
    };
    let to = from.cast_signed() + delta;
    in_the_way(&project.table, drag.row, moved, to, limits)
        .map_or_else(String::new, |name| format!("  blocked by {name}"))
}

/// What moving a grip by `delta` bytes would make of the project: name, project, figures.
fn attempt(
    project: &Project,
    row: usize,
    grip: Grip,
    region: Region,
    delta: i64,
    limits: &Limits,
) -> Result<(String, Project, String), String> {
    let within = |place: i64| u32::try_from(place.max(0)).unwrap_or(u32::MAX);
    let edited = match grip {
        Grip::Body => table_ops::move_to(
            project,
            row,
            within(i64::from(region.offset) + delta),
            limits,
        )?,
        Grip::End => table_ops::resize(
            project,
            row,
            Edge::End,
            within(region.end().cast_signed() + delta),
            limits,
        )?,
        Grip::Start => table_ops::resize(
            project,
            row,
            Edge::Start,
            within(i64::from(region.offset) + delta),
            limits,
        )?,
    };
    // Pushing may have changed the order of the rows.
    let after = edited.selection.row().unwrap_or(row);
    let table = &edited.project.table;
    let placed = table
        .layout()
        .into_iter()
        .find(|placed| placed.index == after)
        .map(|placed| placed.region);
    let (Some(partition), Some(placed)) = (table.rows.get(after), placed) else {
        return Err("This partition is gone".to_owned());
    };
    let mut figures = format!(
        "{}  {}  {}",
        partition.name,
        hex(placed.offset),
        human_size(u64::from(placed.size))
    );
    let change = i64::from(placed.size) - i64::from(region.size);
    if change != 0 {
        let sign = if change > 0 { "+" } else { "-" };
        figures.push_str(&["  (", sign, &human_size(change.unsigned_abs()), ")"].concat());
    }
    let pushed = pushed(project, &edited.project, &partition.name);
    if !pushed.is_empty() {
        figures.push_str("  pushes ");
        figures.push_str(&pushed.join(", "));
    }
    Ok((edited.name, edited.project, figures))
}

/// Names of the other partitions that lie elsewhere afterwards.
fn pushed(before: &Project, after: &Project, moved: &str) -> Vec<String> {
    let old = before.table.layout();
    after
        .table
        .layout()
        .iter()
        .filter(|placed| placed.row.name != moved)
        .filter(|placed| {
            old.iter()
                .any(|known| known.row.name == placed.row.name && known.region != placed.region)
        })
        .map(|placed| placed.row.name.clone())
        .collect()
}

/// What the setting and the held keys allow: Shift does with neighbours what the setting does not, Alt uses the
/// smallest legal step.
fn limits(ui: &Ui, state: &AppState) -> Limits {
    let modifiers = ui.input(|input| input.modifiers);
    let dragging = state.map.drag.is_some();
    // Without a drag Shift is part of the keys that move a partition.
    let neighbours = if state.layout.push ^ (modifiers.shift && dragging) {
        Neighbours::Push
    } else {
        Neighbours::Block
    };
    table_ops::limits(state.document.project(), neighbours, modifiers.alt)
}

fn step(state: &mut AppState, grip: Grip, forward: bool, limits: &Limits) {
    let Some((row, partition)) = state.selected_row() else {
        return;
    };
    let Some(region) = state.region_of(row) else {
        return;
    };
    if !table_ops::is_movable(&partition) {
        return;
    }
    let unit = i64::from(match grip {
        Grip::End => limits.size_unit(partition.kind),
        Grip::Body | Grip::Start => table_ops::step(&partition),
    });
    let delta = if forward { unit } else { -unit };
    match attempt(state.document.project(), row, grip, region, delta, limits) {
        Ok((name, project, _)) => state.ask(Action::Edit {
            name,
            project: Box::new(project),
        }),
        Err(reason) => state.ask(Action::Tell(reason)),
    }
}

/// The figures of a drag, above the stretch and inside the window.
fn figures(ui: &Ui, drag: &Drag, scale: &MapScale, state: &AppState) {
    if drag.figures.is_empty() {
        return;
    }
    let Some(region) = state.region_of(drag.row) else {
        return;
    };
    let tokens = theme::tokens(ui.visuals());
    let middle = f32::midpoint(scale.x(u64::from(region.offset)), scale.x(region.end()));
    let galley = ui
        .painter()
        .layout_no_wrap(drag.figures.clone(), theme::mono(), tokens.text);
    let half = galley.size().x / 2.0 + 10.0;
    let window = ui.ctx().content_rect();
    let x = middle.clamp(
        window.left() + half + 4.0,
        (window.right() - half - 4.0).max(window.left() + half + 4.0),
    );
    let size = galley.size() + 2.0 * FIGURES_MARGIN;
    let rect = Align2::CENTER_CENTER.anchor_size(pos2(x, ui.min_rect().top() + 8.0), size);
    // A label of its own, so that a screen reader hears the figures too.
    Area::new(ui.scope_id().with("figures"))
        .order(Order::Tooltip)
        .fixed_pos(rect.min)
        .interactable(false)
        .show(ui.ctx(), |ui| {
            Frame::new()
                .fill(tokens.raised)
                .stroke(Stroke::new(1.0, tokens.accent))
                .corner_radius(5.0)
                .inner_margin(Margin::symmetric(10, 5))
                .show(ui, |ui| {
                    let text = RichText::new(&drag.figures)
                        .font(theme::mono())
                        .color(tokens.text);
                    ui.add(Label::new(text).extend());
                });
        });
}
