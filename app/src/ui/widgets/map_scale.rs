//! Offsets to points on the map and back: to scale, except that tiny stretches get a width that can be seen and hit.
//!
//! The widths given to tiny stretches are taken from the rest in proportion. Where that happened the scale is called
//! broken, and the map says so with a zigzag.

/// A stretch between two neighbouring boundaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub from: u64,
    pub to: u64,
    /// In points.
    pub left: f32,
    pub right: f32,
    /// Wider than to scale.
    pub broken: bool,
}

/// The map from offsets to points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapScale {
    intervals: Vec<Interval>,
}

impl MapScale {
    /// A scale over `left..right` points for stretches given as (from, to, smallest width in points), in order and
    /// without holes.
    pub fn new(stretches: &[(u64, u64, f32)], left: f32, right: f32) -> Self {
        let room = (right - left).max(1.0);
        let wanted: f32 = stretches.iter().map(|stretch| stretch.2).sum();
        // With more stretches than points even the smallest widths must shrink.
        let squeeze = if wanted > room { room / wanted } else { 1.0 };
        let minimum = |stretch: &(u64, u64, f32)| stretch.2 * squeeze;
        let mut fixed = vec![false; stretches.len()];
        let mut per_byte = 0.0f64;
        // Each round fixes what is too narrow; what remains shares the rest, so that it may become too narrow itself.
        for _ in 0..=stretches.len() {
            let (mut bytes, mut points) = (0u64, f64::from(room));
            for (stretch, fixed) in stretches.iter().zip(&fixed) {
                if *fixed {
                    points -= f64::from(minimum(stretch));
                } else {
                    bytes += stretch.1 - stretch.0;
                }
            }
            per_byte = if bytes == 0 {
                0.0
            } else {
                points.max(0.0) / bytes as f64
            };
            let mut any = false;
            for (stretch, fixed) in stretches.iter().zip(&mut fixed) {
                if !*fixed
                    && ((stretch.1 - stretch.0) as f64 * per_byte) < f64::from(minimum(stretch))
                {
                    *fixed = true;
                    any = true;
                }
            }
            if !any {
                break;
            }
        }
        let mut at = left;
        let mut intervals = Vec::with_capacity(stretches.len());
        for (stretch, fixed) in stretches.iter().zip(&fixed) {
            let true_width = ((stretch.1 - stretch.0) as f64 * per_byte) as f32;
            let width = if *fixed { minimum(stretch) } else { true_width };
            let broken = *fixed && width > true_width + 0.5;
            intervals.push(Interval {
                from: stretch.0,
                to: stretch.1,
                left: at,
                right: at + width,
                broken,
            });
            at += width;
        }
        Self { intervals }
    }

    /// The point of an offset; offsets beyond the ends are put at the ends.
    pub fn x(&self, offset: u64) -> f32 {
        let after = self
            .intervals
            .partition_point(|interval| interval.to < offset);
        let Some(interval) = self.intervals.get(after) else {
            return self.intervals.last().map_or(0.0, |last| last.right);
        };
        let size = interval.to.saturating_sub(interval.from).max(1);
        let share = offset.saturating_sub(interval.from) as f64 / size as f64;
        interval.left + (interval.right - interval.left) * share as f32
    }

    /// The offset at a point; points beyond the ends give the ends.
    #[expect(clippy::cast_sign_loss, reason = "a share of a size is never negative")]
    pub fn offset(&self, x: f32) -> u64 {
        let after = self
            .intervals
            .partition_point(|interval| interval.right < x);
        let Some(interval) = self.intervals.get(after) else {
            return self.intervals.last().map_or(0, |last| last.to);
        };
        let width = (interval.right - interval.left).max(f32::EPSILON);
        let share = f64::from(((x - interval.left) / width).clamp(0.0, 1.0));
        interval.from + ((interval.to - interval.from) as f64 * share) as u64
    }

    /// The stretches, in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> MapScale {
        MapScale::new(
            &[
                (0, 0x1000, 10.0),
                (0x1000, 0x20_0000, 10.0),
                (0x20_0000, 0x40_0000, 4.0),
            ],
            0.0,
            1000.0,
        )
    }

    #[test]
    fn tiny_stretches_can_be_seen_and_the_rest_is_to_scale() {
        let scale = scale();
        let [tiny, first, second] = scale.intervals() else {
            panic!("three stretches")
        };
        assert!((tiny.right - tiny.left - 10.0).abs() < 0.01 && tiny.broken);
        assert!(!first.broken && !second.broken);
        let per_byte = |interval: &Interval| {
            (interval.right - interval.left) / (interval.to - interval.from) as f32
        };
        assert!((per_byte(first) / per_byte(second) - 1.0).abs() < 1e-3);
        assert!((second.right - 1000.0).abs() < 0.01);
    }

    #[test]
    fn points_and_offsets_are_inverse() {
        let scale = scale();
        for offset in [
            0u64, 0x800, 0x1000, 0x12_3000, 0x20_0000, 0x3F_F000, 0x40_0000,
        ] {
            let back = scale.offset(scale.x(offset));
            assert!(
                back.abs_diff(offset) < 0x1000,
                "{offset:#x} came back as {back:#x}"
            );
        }
        assert!((scale.x(u64::MAX) - 1000.0).abs() < 0.01);
        assert_eq!(scale.offset(-5.0), 0);
        assert_eq!(scale.offset(9999.0), 0x40_0000);
    }

    #[test]
    fn more_stretches_than_points_still_fit() {
        let stretches: Vec<_> = (0..500u64)
            .map(|number| (number * 16, number * 16 + 16, 10.0))
            .collect();
        let scale = MapScale::new(&stretches, 0.0, 300.0);
        let last = scale.intervals().last().unwrap();
        assert!((last.right - 300.0).abs() < 0.1);
        assert!(
            scale
                .intervals()
                .iter()
                .all(|interval| interval.right > interval.left)
        );
    }

    #[test]
    fn an_empty_scale_answers() {
        let scale = MapScale::default();
        assert_eq!((scale.x(5), scale.offset(5.0)), (0.0, 0));
    }
}
