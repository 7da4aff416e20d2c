//! A small plot with logarithmic axes: a few lines over powers of two, with a legend. It draws values and nothing else;
//! what they mean is told by its owner, in words too.

use eframe::egui::{Align2, Color32, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::super::theme;

/// One line of the plot.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: String,
    pub color: Color32,
    /// Points in the order of x; both values are above 0.
    pub points: Vec<(f64, f64)>,
    /// Only marks, no line between them.
    pub marks: bool,
}

/// Draws the lines in a size. `words` is what a screen reader says.
pub fn ui(
    ui: &mut Ui,
    size: eframe::egui::Vec2,
    lines: &[Line],
    x_name: &str,
    y_name: &str,
    words: &str,
) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words));
    let tokens = theme::tokens(ui.visuals());
    let painter = ui.painter_at(rect);
    let area = Rect::from_min_max(rect.min + vec2(52.0, 18.0), rect.max - vec2(12.0, 30.0));
    let values = |pick: fn(&(f64, f64)) -> f64| {
        lines
            .iter()
            .flat_map(|line| &line.points)
            .map(pick)
            .fold((f64::MAX, 1.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            })
    };
    let (x_low, x_high) = values(|point| point.0);
    let (y_low, y_high) = values(|point| point.1);
    if x_low > x_high || y_low > y_high {
        return;
    }
    let (y_low, y_high) = (decade(y_low, false), decade(y_high, true));
    let place = |(x, y): (f64, f64)| -> Pos2 {
        pos2(
            area.left() + share(x, x_low, x_high) * area.width(),
            area.bottom() - share(y, y_low, y_high) * area.height(),
        )
    };
    let small = theme::font(theme::RULER);
    let mut tick = y_low;
    while tick <= y_high * 1.01 {
        let y = place((x_low, tick)).y;
        painter.hline(area.x_range(), y, Stroke::new(1.0, tokens.line));
        painter.text(
            pos2(area.left() - 6.0, y),
            Align2::RIGHT_CENTER,
            label(tick),
            small.clone(),
            tokens.weak,
        );
        tick *= 10.0;
    }
    let mut tick = x_low;
    while tick <= x_high * 1.01 {
        let x = place((tick, y_low)).x;
        painter.text(
            pos2(x, area.bottom() + 3.0),
            Align2::CENTER_TOP,
            label(tick),
            small.clone(),
            tokens.weak,
        );
        tick *= 4.0;
    }
    painter.text(
        rect.left_top(),
        Align2::LEFT_TOP,
        y_name,
        small.clone(),
        tokens.weak,
    );
    painter.text(
        pos2(area.right(), rect.bottom()),
        Align2::RIGHT_BOTTOM,
        x_name,
        small.clone(),
        tokens.weak,
    );
    let mut legend = pos2(area.left() + 8.0, area.top() + 4.0);
    for line in lines {
        let points: Vec<Pos2> = line.points.iter().map(|point| place(*point)).collect();
        for point in &points {
            painter.circle_filled(*point, if line.marks { 4.0 } else { 2.5 }, line.color);
        }
        if !line.marks {
            painter.line(points, Stroke::new(2.0, line.color));
        }
        painter.circle_filled(legend + vec2(4.0, 7.0), 4.0, line.color);
        painter.text(
            legend + vec2(12.0, 0.0),
            Align2::LEFT_TOP,
            &line.name,
            small.clone(),
            tokens.text,
        );
        legend.y += 15.0;
    }
}

fn share(value: f64, low: f64, high: f64) -> f32 {
    if high <= low {
        return 0.5;
    }
    ((value / low).ln() / (high / low).ln()) as f32
}

/// The power of ten below or above.
fn decade(value: f64, up: bool) -> f64 {
    let power = value.max(1e-3).log10();
    let power = if up { power.ceil() } else { power.floor() };
    10f64.powf(power)
}

fn label(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.0} M", value / 1e6)
    } else if value >= 1e3 {
        format!("{:.0} k", value / 1e3)
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_logarithmic() {
        assert!((share(10.0, 1.0, 100.0) - 0.5).abs() < 1e-6);
        assert!(
            (share(7.0, 7.0, 7.0) - 0.5).abs() < 1e-6,
            "one value lies in the middle"
        );
        assert!((decade(37.0, false) - 10.0).abs() < 1e-9);
        assert!((decade(37.0, true) - 100.0).abs() < 1e-9);
        assert_eq!(
            (label(2000.0).as_str(), label(64.0).as_str()),
            ("2 k", "64")
        );
    }
}
