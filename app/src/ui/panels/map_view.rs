//! How much of the map is seen: zoom and scroll. At zoom 1 all of it is seen, and nothing scrolls.

/// The farthest that the map is zoomed in.
const MOST: f32 = 256.0;

/// Zoom and scroll of the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapView {
    /// Times as wide as the window; 1 and more.
    zoom: f32,
    /// Where the window begins, as a share of all of the map.
    start: f32,
}

impl Default for MapView {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            start: 0.0,
        }
    }
}

impl MapView {
    /// Shows all.
    pub fn show_all(&mut self) {
        *self = Self::default();
    }

    /// Whether all of the map is seen.
    pub fn is_whole(&self) -> bool {
        self.zoom <= 1.0
    }

    /// Times as wide as the window.
    pub fn zoom(&self) -> f32 {
        self.zoom
    }

    /// Zooms so that what is at this share of the window stays there.
    pub fn zoom_by(&mut self, factor: f32, at: f32) {
        let fixed = self.start + at / self.zoom;
        self.zoom = (self.zoom * factor).clamp(1.0, MOST);
        self.start = fixed - at / self.zoom;
        self.clamp();
    }

    /// Scrolls by a share of the window.
    pub fn scroll_by(&mut self, share: f32) {
        self.start += share / self.zoom;
        self.clamp();
    }

    /// The ends of all of the map in points, if the window shows `left..right`.
    pub fn ends(&self, left: f32, right: f32) -> (f32, f32) {
        let width = (right - left).max(1.0) * self.zoom;
        let from = left - self.start * width;
        (from, from + width)
    }

    /// Scrolls so that a stretch, given in points, is seen in the window `left..right`, if hardly anything of it is.
    pub fn reveal(&mut self, stretch: (f32, f32), window: (f32, f32)) {
        let width = (window.1 - window.0).max(1.0);
        let seen = stretch.1.min(window.1) - stretch.0.max(window.0);
        if seen < (stretch.1 - stretch.0).min(24.0) {
            let size = (stretch.1 - stretch.0).min(width);
            self.scroll_by((stretch.0 - window.0 - (width - size) / 2.0) / width);
        }
    }

    fn clamp(&mut self) {
        self.start = self.start.clamp(0.0, 1.0 - 1.0 / self.zoom);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f32, b: f32) -> bool {
        (a - b).abs() < 0.01
    }

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let mut view = MapView::default();
        assert_eq!(view.ends(10.0, 110.0), (10.0, 110.0));
        view.zoom_by(2.0, 0.25);
        // What was at 35 still is.
        let (from, to) = view.ends(10.0, 110.0);
        assert!(near(from + (to - from) * 0.25, 35.0), "{from} {to}");
        view.zoom_by(0.01, 0.9);
        assert!(view.is_whole());
        assert_eq!(view.ends(10.0, 110.0), (10.0, 110.0));
    }

    #[test]
    fn scrolling_stops_at_the_ends() {
        let mut view = MapView::default();
        view.zoom_by(4.0, 0.0);
        view.scroll_by(100.0);
        let (_, to) = view.ends(0.0, 100.0);
        assert!(near(to, 100.0), "{to}");
        view.scroll_by(-100.0);
        assert!(near(view.ends(0.0, 100.0).0, 0.0));
    }

    #[test]
    fn what_is_out_of_sight_is_revealed() {
        let mut view = MapView::default();
        view.zoom_by(10.0, 0.0);
        view.reveal((700.0, 720.0), (0.0, 100.0));
        let (from, _) = view.ends(0.0, 100.0);
        assert!(from + 700.0 >= 0.0 && from + 720.0 <= 100.0, "{from}");
        let before = view;
        view.reveal((40.0, 60.0), (0.0, 100.0));
        assert_eq!(view, before);
    }
}
