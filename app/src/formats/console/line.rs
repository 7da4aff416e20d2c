//! One line of a chip's output, as it is shown.

use std::time::SystemTime;

use super::level::Level;

/// A colour as the chip named it; what it looks like is the screen's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colour {
    /// The 16 named ones: 0 to 7 and their bright forms 8 to 15.
    Named(u8),
    /// The 6 x 6 x 6 cube and the greys of the 256 colours: 16 to 255.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// How letters look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the switches of the terminal standard, each on its own"
)]
pub struct Style {
    pub foreground: Option<Colour>,
    pub background: Option<Colour>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub strikethrough: bool,
    pub inverse: bool,
}

/// Letters from `start` (in bytes of the line's text) to the next span's start, or to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub style: Style,
}

/// Who says a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The chip, in plain text.
    Chip,
    /// The chip, in a defmt frame that was decoded.
    Defmt,
    /// Flashpack, about the line above: what its addresses mean.
    Meaning,
    /// Flashpack, about the port: gone, back, reset.
    Port,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from the start of the log, also over lines that are no longer kept.
    pub number: u64,
    /// When its first byte came.
    pub at: SystemTime,
    pub text: String,
    /// Empty for a line in one plain style.
    pub spans: Vec<Span>,
    pub level: Option<Level>,
    pub speaker: Speaker,
}

impl Line {
    /// The parts of the line that look alike, in order.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Style)> {
        let plain = Span {
            start: 0,
            style: Style::default(),
        };
        let first = self
            .spans
            .first()
            .is_none_or(|span| span.start > 0)
            .then_some(plain);
        let starts: Vec<Span> = first
            .into_iter()
            .chain(self.spans.iter().copied())
            .collect();
        let ends: Vec<usize> = starts
            .iter()
            .skip(1)
            .map(|span| span.start as usize)
            .chain([self.text.len()])
            .collect();
        starts.into_iter().zip(ends).filter_map(|(span, end)| {
            let part = self.text.get(span.start as usize..end)?;
            (!part.is_empty()).then_some((part, span.style))
        })
    }
}
