//! The few icons of the window, drawn as strokes: no font that can be relied on has them all.

use eframe::egui::{
    Button, Color32, Painter, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, pos2, vec2,
};

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Undo,
    Redo,
    Close,
    Check,
    Cross,
    Warning,
    Info,
}

/// Paints an icon into a square.
pub fn paint(painter: &Painter, icon: Icon, rect: Rect, ink: Color32) {
    let side = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), Vec2::splat(side));
    // Places are given on a grid of 16.
    let at = |x: f32, y: f32| square.min + vec2(x, y) * side / 16.0;
    let stroke = Stroke::new((side / 9.0).max(1.4), ink);
    let line = |points: &[Pos2]| {
        painter.line(points.to_vec(), stroke);
    };
    match icon {
        Icon::Undo | Icon::Redo => {
            let mirror = |x: f32| if icon == Icon::Undo { x } else { 16.0 - x };
            let at = |x: f32, y: f32| at(mirror(x), y);
            line(&[at(6.0, 2.0), at(2.5, 5.5), at(6.0, 9.0)]);
            let mut bow = vec![at(2.5, 5.5), at(9.0, 5.5)];
            bow.extend((0..=12).map(|step| {
                let angle =
                    -std::f32::consts::FRAC_PI_2 + std::f32::consts::PI * step as f32 / 12.0;
                at(9.5 + 4.0 * angle.cos(), 9.5 + 4.0 * angle.sin())
            }));
            bow.push(at(6.5, 13.5));
            line(&bow);
        }
        Icon::Close | Icon::Cross => {
            line(&[at(4.0, 4.0), at(12.0, 12.0)]);
            line(&[at(12.0, 4.0), at(4.0, 12.0)]);
        }
        Icon::Check => line(&[at(3.0, 8.5), at(6.5, 12.0), at(13.0, 4.5)]),
        Icon::Warning => {
            line(&[at(8.0, 2.0), at(14.5, 13.5), at(1.5, 13.5), at(8.0, 2.0)]);
            line(&[at(8.0, 6.5), at(8.0, 9.5)]);
            painter.circle_filled(at(8.0, 11.6), stroke.width * 0.6, ink);
        }
        Icon::Info => {
            painter.circle_stroke(square.center(), side * 0.42, stroke);
            line(&[at(8.0, 7.5), at(8.0, 11.5)]);
            painter.circle_filled(at(8.0, 4.9), stroke.width * 0.65, ink);
        }
    }
}

/// An icon in the line, that is no button.
pub fn ui(ui: &mut Ui, icon: Icon, ink: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
    paint(ui.painter(), icon, rect, ink);
}

/// A button without words on it; `name` is for the tooltip's first line and for screen readers.
pub fn button(ui: &mut Ui, icon: Icon, enabled: bool, name: &str) -> Response {
    let button = Button::new("")
        .frame_when_inactive(false)
        .min_size(vec2(28.0, 26.0));
    let response = ui.add_enabled(enabled, button);
    let visuals = ui.visuals();
    let ink = if enabled {
        visuals.text_color()
    } else {
        visuals.weak_text_color().gamma_multiply(0.6)
    };
    let place = Rect::from_center_size(
        pos2(response.rect.center().x, response.rect.center().y),
        Vec2::splat(14.0),
    );
    paint(ui.painter(), icon, place, ink);
    response.accessible_name(name)
}
