//! The letters of the picture: the two faces that the window brings along, so that a picture needs no font of the
//! system and looks the same everywhere.
//!
//! A character that a face does not have is drawn as the face's own mark for that, as in the window.

use ab_glyph::{Font as _, FontRef, OutlineCurve, Point};
use tiny_skia::{Path, PathBuilder};

use super::Label;

/// A typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// For names and sizes.
    Words,
    /// For offsets: all letters equally wide.
    Figures,
}

impl Face {
    fn font(self) -> Option<FontRef<'static>> {
        let bytes = match self {
            Self::Words => epaint_default_fonts::UBUNTU_LIGHT,
            Self::Figures => epaint_default_fonts::HACK_REGULAR,
        };
        FontRef::try_from_slice(bytes).ok()
    }
}

impl Label {
    /// How wide it is, in the units of the picture. An SVG is drawn with the reader's own font, which is not much
    /// wider than this one.
    pub(super) fn width(&self) -> f32 {
        let Some(font) = self.face.font() else {
            return f32::INFINITY;
        };
        let scale = self.scale(&font);
        let advance = |character| font.h_advance_unscaled(font.glyph_id(character));
        self.text.chars().map(advance).sum::<f32>() * scale
    }

    /// The outlines of its letters, at their places; `None` if there is nothing to be seen.
    pub(super) fn path(&self) -> Option<Path> {
        let font = self.face.font()?;
        let scale = self.scale(&font);
        let mut path = PathBuilder::new();
        let mut left = self.left;
        for character in self.text.chars() {
            let glyph = font.glyph_id(character);
            if let Some(outline) = font.outline(glyph) {
                // The font's heights count upwards from the base line, the picture's downwards.
                let at = |point: Point| (left + point.x * scale, self.base - point.y * scale);
                draw(&mut path, &outline.curves, at);
            }
            left += font.h_advance_unscaled(glyph) * scale;
        }
        path.finish()
    }

    fn scale(&self, font: &FontRef<'_>) -> f32 {
        // Both faces say it; a thousandth is what most fonts have.
        self.size / font.units_per_em().unwrap_or(1000.0)
    }
}

fn draw(path: &mut PathBuilder, curves: &[OutlineCurve], at: impl Fn(Point) -> (f32, f32)) {
    let mut pen: Option<Point> = None;
    for curve in curves {
        let (from, to) = match *curve {
            OutlineCurve::Line(from, to)
            | OutlineCurve::Quad(from, _, to)
            | OutlineCurve::Cubic(from, _, _, to) => (from, to),
        };
        // Each closed line of a letter begins where the one before it did not end.
        if pen != Some(from) {
            if pen.is_some() {
                path.close();
            }
            let (x, y) = at(from);
            path.move_to(x, y);
        }
        let (x, y) = at(to);
        match *curve {
            OutlineCurve::Line(..) => path.line_to(x, y),
            OutlineCurve::Quad(_, over, _) => {
                let over = at(over);
                path.quad_to(over.0, over.1, x, y);
            }
            OutlineCurve::Cubic(_, first, second, _) => {
                let (first, second) = (at(first), at(second));
                path.cubic_to(first.0, first.1, second.0, second.1, x, y);
            }
        }
        pen = Some(to);
    }
    if pen.is_some() {
        path.close();
    }
}
