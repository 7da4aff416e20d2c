//! The lines that are kept: bounded in number and bytes, with a count of those that had to go.
//!
//! Bytes come in chunks of any size and become lines here. A line that is still open is the last one and can be seen;
//! a carriage return alone begins it anew, as progress bars want it.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::ansi::{AnsiReader, Sign};
use super::level::{Level, Levels};
use super::line::{Line, Span, Speaker, Style};

/// Bytes of text after which a line is broken: a chip that sends no line ends must not make one line without end.
pub const LONGEST_LINE: usize = 4096;
/// Columns between two tab stops.
const TAB: usize = 8;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub lines: usize,
    /// Bytes of text.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lines: 200_000,
            bytes: 32 << 20,
        }
    }
}

/// Lines of one port.
#[derive(Debug, Default)]
pub struct Scrollback {
    lines: VecDeque<Line>,
    /// The last line is still being written.
    open: bool,
    /// What comes next replaces the open line.
    returned: bool,
    reader: AnsiReader,
    levels: Levels,
    limits: Limits,
    text_bytes: usize,
    /// Number of the next new line.
    next: u64,
    received: u64,
}

impl Scrollback {
    /// Nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes bytes that came at a time.
    pub fn push_output(&mut self, bytes: &[u8], at: SystemTime) {
        self.received += bytes.len() as u64;
        let mut reader = std::mem::take(&mut self.reader);
        reader.read(bytes, &mut |sign| self.take(sign, at));
        self.reader = reader;
        self.trim();
    }

    /// Adds a line of somebody else than the chip's text. A line that is open is ended first.
    pub fn push_line(
        &mut self,
        text: impl Into<String>,
        level: Option<Level>,
        speaker: Speaker,
        at: SystemTime,
    ) {
        self.close();
        self.start(text.into(), at);
        self.open = false;
        let above = self.lines.len().checked_sub(2);
        let above = above.and_then(|index| self.lines.get(index)?.level);
        if let Some(line) = self.lines.back_mut() {
            line.speaker = speaker;
            // What explains a line is as urgent as the line.
            line.level = level.or(above.filter(|_| speaker == Speaker::Meaning));
        }
        self.trim();
    }

    /// Forgets all lines; numbers go on.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.text_bytes = 0;
        self.open = false;
        self.returned = false;
    }

    /// Lines that are kept, the open one included.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no line is kept.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Number of the oldest line that is kept.
    pub fn first(&self) -> u64 {
        self.next - self.lines.len() as u64
    }

    /// Number behind the last line that is ended.
    pub fn closed_end(&self) -> u64 {
        self.next - u64::from(self.open)
    }

    /// Number behind the last line.
    pub fn end(&self) -> u64 {
        self.next
    }

    /// A line by its number, if it is kept.
    pub fn line(&self, number: u64) -> Option<&Line> {
        let index = number.checked_sub(self.first())?;
        self.lines.get(usize::try_from(index).ok()?)
    }

    /// All lines that are kept, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Bytes taken in since the start.
    pub fn received(&self) -> u64 {
        self.received
    }

    fn take(&mut self, sign: Sign, at: SystemTime) {
        match sign {
            Sign::Letter(letter, style) => self.letter(letter, style, at),
            Sign::Newline => {
                if !self.open {
                    self.start(String::new(), at);
                }
                self.close();
            }
            Sign::Return => self.returned = self.open,
            Sign::Backspace => {
                if let Some(line) = self.lines.back_mut().filter(|_| self.open) {
                    let before = line.text.len();
                    line.text.pop();
                    self.text_bytes -= before - line.text.len();
                    let end = line.text.len();
                    line.spans.retain(|span| (span.start as usize) < end.max(1));
                }
            }
            Sign::Tab => {
                let column = match self.lines.back() {
                    Some(line) if self.open && !self.returned => line.text.chars().count(),
                    _ => 0,
                };
                for _ in 0..TAB - column % TAB {
                    self.letter(' ', Style::default(), at);
                }
            }
        }
    }

    fn letter(&mut self, letter: char, style: Style, at: SystemTime) {
        let full = |line: &Line| line.text.len() >= LONGEST_LINE;
        if self.open && !self.returned && self.lines.back().is_some_and(full) {
            self.close();
        }
        if !self.open {
            self.start(String::new(), at);
        }
        let returned = std::mem::take(&mut self.returned);
        let Some(line) = self.lines.back_mut() else {
            return;
        };
        if returned {
            self.text_bytes -= line.text.len();
            line.text.clear();
            line.spans.clear();
        }
        let last = line
            .spans
            .last()
            .map_or_else(Style::default, |span| span.style);
        if last != style {
            line.spans.push(Span {
                start: line.text.len() as u32,
                style,
            });
        }
        line.text.push(letter);
        self.text_bytes += letter.len_utf8();
    }

    fn start(&mut self, text: String, at: SystemTime) {
        self.text_bytes += text.len();
        self.lines.push_back(Line {
            number: self.next,
            at,
            text,
            spans: Vec::new(),
            level: None,
            speaker: Speaker::Chip,
        });
        self.next += 1;
        self.open = true;
        self.returned = false;
    }

    fn close(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        self.returned = false;
        if let Some(line) = self.lines.back_mut() {
            line.level = self.levels.next(&line.text);
        }
    }

    fn trim(&mut self) {
        while self.lines.len() > self.limits.lines.max(1)
            || (self.text_bytes > self.limits.bytes && self.lines.len() > 1)
        {
            if let Some(line) = self.lines.pop_front() {
                self.text_bytes -= line.text.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Colour;
    use super::*;

    const AT: SystemTime = SystemTime::UNIX_EPOCH;

    fn texts(log: &Scrollback) -> Vec<&str> {
        log.iter().map(|line| line.text.as_str()).collect()
    }

    fn of(chunks: &[&str]) -> Scrollback {
        let mut log = Scrollback::default();
        for chunk in chunks {
            log.push_output(chunk.as_bytes(), AT);
        }
        log
    }

    #[test]
    fn lines_end_where_the_chip_ends_them() {
        let log = of(&["one\r\ntw", "o\n\n> "]);
        assert_eq!(texts(&log), ["one", "two", "", "> "]);
        assert_eq!((log.closed_end(), log.end()), (3, 4));
        assert_eq!(log.line(1).map(|line| line.text.as_str()), Some("two"));
    }

    #[test]
    fn a_return_alone_begins_the_line_anew() {
        let log = of(&["10 %\r20 %\r", "100 %\r\n", "ab\tc\x08d\n"]);
        assert_eq!(texts(&log), ["100 %", "ab      d"]);
    }

    #[test]
    fn styles_make_spans() {
        let log = of(&["\x1b[31mE (1) a\x1b[0m: b\n"]);
        let line = log.line(0).unwrap();
        assert_eq!(line.level, Some(Level::Error));
        let parts: Vec<_> = line.parts().collect();
        assert_eq!((parts[0].0, parts[1].0), ("E (1) a", ": b"));
        assert_eq!(parts[0].1.foreground, Some(Colour::Named(1)));
        assert_eq!(parts[1].1, Style::default());
    }

    #[test]
    fn the_oldest_lines_go_and_are_counted() {
        let mut log = Scrollback::new(Limits {
            lines: 100,
            bytes: 1 << 20,
        });
        for number in 0..1000 {
            log.push_output(format!("line {number}\n").as_bytes(), AT);
        }
        assert_eq!((log.len(), log.first(), log.end()), (100, 900, 1000));
        assert_eq!(log.line(899), None);
        assert_eq!(log.line(900).unwrap().text, "line 900");
        let mut log = Scrollback::new(Limits {
            lines: 100,
            bytes: 50,
        });
        log.push_output(b"0123456789\n".repeat(10).as_slice(), AT);
        assert_eq!((log.len(), log.first()), (5, 5));
        log.clear();
        assert_eq!((log.len(), log.first(), log.text_bytes), (0, 10, 0));
    }

    #[test]
    fn a_line_without_end_is_broken_and_keeps_every_letter() {
        let log = of(&[&"ä".repeat(5000)]);
        assert_eq!(log.len(), 3);
        assert_eq!(texts(&log).concat(), "ä".repeat(5000));
    }

    #[test]
    fn what_explains_a_line_is_as_urgent_as_the_line() {
        let mut log = of(&["E (1) a: 0x42000060\n", "> "]);
        log.push_line("unplugged", None, Speaker::Port, AT);
        assert_eq!(texts(&log), ["E (1) a: 0x42000060", "> ", "unplugged"]);
        let mut log = of(&["E (1) a: 0x42000060\n"]);
        log.push_line("x", None, Speaker::Meaning, AT);
        assert_eq!(log.line(1).unwrap().level, Some(Level::Error));
    }

    #[test]
    fn counts_of_text_stay_right_under_any_signs() {
        let mut log = Scrollback::new(Limits {
            lines: 50,
            bytes: 4000,
        });
        let mut state = 1u32;
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let piece: &[u8] = match state >> 28 {
                0 => b"\n",
                1 => b"\r",
                2 => b"\x08",
                3 => b"\t",
                4 => b"\x1b[3",
                5 => b"1m",
                6 => "é".as_bytes(),
                7 => &[0xFF],
                _ => b"word ",
            };
            log.push_output(piece, AT);
        }
        let bytes: usize = log.iter().map(|line| line.text.len()).sum();
        assert_eq!(log.text_bytes, bytes);
        assert!(bytes <= 4000 + LONGEST_LINE);
        for line in log.iter() {
            assert_eq!(
                line.parts().map(|(part, _)| part).collect::<String>(),
                line.text
            );
        }
    }
}
