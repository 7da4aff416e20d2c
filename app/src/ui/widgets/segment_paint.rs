//! How one stretch of the map looks: its body, its label, what was written of it, and the strip that compares it
//! with the board. Labels never overflow: in full, then short, then none.

use eframe::egui::{
    Align2, Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Visuals, pos2,
    vec2,
};

use super::super::theme;

/// How a stretch compares with the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strip {
    Same,
    Differs,
    Unknown,
    /// Nothing is written there.
    LeftAlone,
}

impl Strip {
    /// As it is said.
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => super::super::text::SAME,
            Self::Differs => super::super::text::DIFFERS,
            Self::Unknown => super::super::text::UNKNOWN,
            Self::LeftAlone => super::super::text::LEFT_ALONE,
        }
    }
}

/// A filled stretch. While it is being written, `filled` is the share that is done.
pub fn body(painter: &Painter, rect: Rect, fill: Color32, filled: Option<f32>, visuals: &Visuals) {
    let radius = CornerRadius::same(if rect.width() > 12.0 { 4 } else { 2 });
    match filled {
        None => {
            painter.rect_filled(rect, radius, fill);
        }
        Some(share) => {
            let ground = theme::mix(theme::tokens(visuals).background, fill, 0.35);
            painter.rect_filled(rect, radius, ground);
            let edge = rect.left() + rect.width() * share.clamp(0.0, 1.0);
            painter.rect_filled(rect.with_max_x(edge), radius, fill);
            if share > 0.0 && share < 1.0 {
                painter.vline(
                    edge,
                    rect.y_range(),
                    Stroke::new(2.0, theme::tokens(visuals).text),
                );
            }
        }
    }
}

/// Space that belongs to nobody: outlined with dashes.
pub fn free(painter: &Painter, rect: Rect, visuals: &Visuals) {
    let stroke = Stroke::new(1.0, theme::tokens(visuals).weak.gamma_multiply(0.7));
    let rect = rect.shrink(0.5);
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    painter.extend(Shape::dashed_line(&corners, stroke, 5.0, 4.0));
}

/// Says that something is wrong with a stretch: a red frame and strokes across.
pub fn misplaced(painter: &Painter, rect: Rect, visuals: &Visuals) {
    let danger = theme::tokens(visuals).danger;
    hatch(painter, rect, danger.gamma_multiply(0.6), 7.0);
    painter.rect_stroke(rect, 3.0, Stroke::new(2.0, danger), StrokeKind::Inside);
}

/// The mark of the selected stretch.
pub fn selected(painter: &Painter, rect: Rect, visuals: &Visuals) {
    let tokens = theme::tokens(visuals);
    painter.rect_stroke(
        rect.expand(1.0),
        5.0,
        Stroke::new(2.0, tokens.panel),
        StrokeKind::Inside,
    );
    painter.rect_stroke(
        rect.expand(3.0),
        6.0,
        Stroke::new(2.5, tokens.accent),
        StrokeKind::Inside,
    );
}

/// Name and size in a stretch, as much as fits; whether anything did.
pub fn label(painter: &Painter, rect: Rect, name: &str, size: &str, ink: Color32) -> bool {
    // Measuring text costs more than anything else here, and nothing fits into this.
    if rect.width() < 18.0 {
        return false;
    }
    let room = rect.width() - 12.0;
    let name_font = theme::font(theme::BODY);
    let fits =
        |text: &str, font| painter.layout_no_wrap(text.to_owned(), font, ink).size().x <= room;
    if fits(name, name_font.clone()) {
        let left = rect.left() + 6.0;
        if fits(size, theme::font(theme::RULER)) {
            painter.text(
                pos2(left, rect.center().y - 8.0),
                Align2::LEFT_CENTER,
                name,
                name_font,
                ink,
            );
            let ink = ink.gamma_multiply(0.85);
            painter.text(
                pos2(left, rect.center().y + 9.0),
                Align2::LEFT_CENTER,
                size,
                theme::font(theme::RULER),
                ink,
            );
        } else {
            painter.text(
                pos2(left, rect.center().y),
                Align2::LEFT_CENTER,
                name,
                name_font,
                ink,
            );
        }
        return true;
    }
    // A short form: as many first letters as fit, at least two.
    let small = theme::font(theme::RULER);
    let letters: Vec<char> = name.chars().collect();
    for count in (2..letters.len().min(6)).rev() {
        let short: String = letters.iter().take(count).collect();
        if painter
            .layout_no_wrap(short.clone(), small.clone(), ink)
            .size()
            .x
            <= rect.width() - 4.0
        {
            painter.text(rect.center(), Align2::CENTER_CENTER, short, small, ink);
            return true;
        }
    }
    false
}

/// The strip under a stretch: a mark that differs in form, and the word where it fits.
pub fn strip(painter: &Painter, rect: Rect, strip: Strip, visuals: &Visuals) {
    let tokens = theme::tokens(visuals);
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), 5.0));
    let ink = match strip {
        Strip::Same => {
            painter.rect_filled(bar.shrink2(vec2(0.0, 1.0)), 1.0, tokens.good);
            tokens.good
        }
        Strip::Differs => {
            hatch(painter, bar, tokens.warning, 4.0);
            tokens.warning
        }
        Strip::Unknown => {
            let mut x = bar.left() + 2.0;
            while x < bar.right() - 1.0 {
                painter.circle_filled(pos2(x, bar.center().y), 1.2, tokens.weak);
                x += 6.0;
            }
            tokens.weak
        }
        Strip::LeftAlone => {
            painter.hline(bar.x_range(), bar.center().y, Stroke::new(1.0, tokens.line));
            tokens.weak
        }
    };
    let words = painter.layout_no_wrap(strip.words().to_owned(), theme::font(theme::RULER), ink);
    if words.size().x + 4.0 <= rect.width() {
        painter.galley(pos2(rect.left() + 2.0, bar.bottom() + 1.0), words, ink);
    }
}

/// Diagonal strokes inside a rectangle.
pub fn hatch(painter: &Painter, rect: Rect, ink: Color32, step: f32) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment(
            [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())],
            Stroke::new(1.5, ink),
        );
        x += step;
    }
}

/// The axis where the scale is broken.
pub fn zigzag(painter: &Painter, left: f32, right: f32, y: f32, stroke: Stroke) {
    let mut points: Vec<Pos2> = vec![pos2(left, y)];
    let mut x = left + 3.0;
    let mut up = true;
    while x < right - 2.0 {
        points.push(pos2(x, if up { y - 3.0 } else { y + 3.0 }));
        up = !up;
        x += 4.0;
    }
    points.push(pos2(right, y));
    painter.line(points, stroke);
}
