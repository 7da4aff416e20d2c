//! How a monitor's text goes to standard output: byte for byte, or line by line when lines are filtered, dated or
//! wanted as JSON.

use std::time::SystemTime;

use serde::Serialize;

use super::report::Report;
use crate::formats::console::decode::{DefmtLine, Part, unknown_text};
use crate::formats::console::level::Level;
use crate::formats::console::line::Speaker;
use crate::formats::console::scrollback::{Limits, Scrollback};
use crate::formats::console::view::Filter;
use crate::store::local_time::LocalTime;

/// Bytes of a line without end that are waited for.
const LONGEST: usize = 64 * 1024;

/// How it was asked for.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are switches of the command line, each on its own"
)]
pub struct Wanted {
    pub json: bool,
    pub timestamps: bool,
    pub filter: Filter,
    /// defmt lines without their place in the source.
    pub short: bool,
    /// The terminal is raw: a line feed alone does not go back to the first column.
    pub raw_terminal: bool,
}

/// Writes one monitor's text.
pub struct MonitorText {
    wanted: Wanted,
    /// Makes lines of raw bytes, to be looked at; only the latest are kept.
    lines: Scrollback,
    /// The line so far, as it came.
    line: Vec<u8>,
    since: Option<SystemTime>,
    latest_passed: bool,
    last_byte: u8,
    pub bytes: u64,
    pub shown: u64,
}

#[derive(Serialize)]
struct LineBody<'a> {
    at_ms: Option<u64>,
    from: &'static str,
    level: Option<Level>,
    text: &'a str,
}

impl MonitorText {
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            lines: Scrollback::new(Limits {
                lines: 64,
                bytes: 1 << 20,
            }),
            line: Vec::new(),
            since: None,
            latest_passed: true,
            last_byte: b'\n',
            bytes: 0,
            shown: 0,
        }
    }

    fn by_lines(&self) -> bool {
        self.wanted.json || self.wanted.timestamps || !self.wanted.filter.is_open()
    }

    /// Takes what came.
    pub fn heard(&mut self, parts: &[Part], at: SystemTime, report: &mut Report) {
        for part in parts {
            match part {
                Part::Text(bytes) => self.text(bytes, at, report),
                Part::Defmt(line) => self.defmt(line, at, report),
                Part::Unknown(frame) => {
                    self.bytes += frame.len() as u64;
                    let text = unknown_text(frame);
                    self.own_line(&text, Speaker::Meaning, None, at, report);
                }
                Part::Meaning(text) => {
                    if self.latest_passed {
                        self.own_line(text, Speaker::Meaning, None, at, report);
                    }
                }
            }
        }
    }

    /// Something about the port: not the board's text, so it goes to standard error, or is a note in JSON.
    pub fn port(&mut self, sentence: &str, report: &mut Report) {
        self.end_line(report);
        if self.wanted.json {
            report.note(sentence);
        } else {
            let back = if self.wanted.raw_terminal { "\r" } else { "" };
            report.talk(&format!("--- {sentence}{back}"));
        }
    }

    /// Nothing follows: what has no line end yet is shown too.
    pub fn end(&mut self, report: &mut Report) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.whole_line(&line, report);
        }
        self.end_line(report);
        if self.wanted.raw_terminal && self.bytes > 0 {
            // A colour that the board left on is not for the shell.
            report.raw(b"\x1b[0m");
        }
    }

    fn text(&mut self, bytes: &[u8], at: SystemTime, report: &mut Report) {
        self.bytes += bytes.len() as u64;
        if !self.by_lines() {
            self.put(bytes, report);
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.since.get_or_insert(at);
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > LONGEST {
                let line = std::mem::take(&mut self.line);
                self.whole_line(&line, report);
            }
        }
    }

    fn whole_line(&mut self, raw: &[u8], report: &mut Report) {
        let at = self.since.take().unwrap_or(SystemTime::UNIX_EPOCH);
        let first = self.lines.end();
        self.lines.push_output(raw, at);
        if !raw.ends_with(b"\n") {
            self.lines.push_output(b"\n", at);
        }
        let made = (first..self.lines.end()).filter_map(|number| self.lines.line(number));
        let made: Vec<_> = made.cloned().collect();
        self.latest_passed = made.iter().any(|line| self.wanted.filter.accepts(line));
        if !self.latest_passed {
            return;
        }
        self.shown += 1;
        if self.wanted.json {
            let text: String = made.iter().map(|line| line.text.as_str()).collect();
            let level = made.first().and_then(|line| line.level);
            let from = "chip";
            report.line(
                "line",
                &LineBody {
                    at_ms: millis(at),
                    from,
                    level,
                    text: &text,
                },
            );
        } else {
            self.stamp(at, report);
            self.put(raw, report);
        }
    }

    fn defmt(&mut self, line: &DefmtLine, at: SystemTime, report: &mut Report) {
        let text = if self.wanted.short {
            let place = None;
            DefmtLine {
                place,
                ..line.clone()
            }
            .to_string()
        } else {
            line.to_string()
        };
        self.own_line(&text, Speaker::Defmt, line.level, at, report);
    }

    /// A line that did not come as text.
    fn own_line(
        &mut self,
        text: &str,
        speaker: Speaker,
        level: Option<Level>,
        at: SystemTime,
        report: &mut Report,
    ) {
        if speaker == Speaker::Defmt {
            self.lines.push_line(text, level, speaker, at);
            let line = self.lines.line(self.lines.end() - 1);
            self.latest_passed = line.is_some_and(|line| self.wanted.filter.accepts(line));
            if !self.latest_passed {
                return;
            }
        }
        self.shown += 1;
        if self.wanted.json {
            let from = if speaker == Speaker::Defmt {
                "defmt"
            } else {
                "flashpack"
            };
            report.line(
                "line",
                &LineBody {
                    at_ms: millis(at),
                    from,
                    level,
                    text,
                },
            );
            return;
        }
        self.end_line(report);
        self.stamp(at, report);
        let mark = if speaker == Speaker::Meaning {
            "    = "
        } else {
            ""
        };
        self.put(format!("{mark}{text}\n").as_bytes(), report);
    }

    /// What follows begins in the first column.
    fn end_line(&mut self, report: &mut Report) {
        if !self.wanted.json && self.last_byte != b'\n' {
            self.put(b"\n", report);
        }
    }

    fn stamp(&mut self, at: SystemTime, report: &mut Report) {
        if self.wanted.timestamps {
            self.put(format!("{} ", LocalTime::of(at).clock()).as_bytes(), report);
        }
    }

    fn put(&mut self, bytes: &[u8], report: &mut Report) {
        let before = self.last_byte;
        self.last_byte = bytes.last().copied().unwrap_or(before);
        if self.wanted.raw_terminal {
            report.raw(&with_returns(before, bytes));
        } else {
            report.raw(bytes);
        }
    }
}

/// Puts a carriage return before every line feed that has none.
fn with_returns(mut before: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for byte in bytes {
        if *byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        before = *byte;
    }
    out
}

fn millis(at: SystemTime) -> Option<u64> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_terminal_gets_its_returns_across_chunks() {
        assert_eq!(with_returns(b'x', b"a\nb\r\n"), b"a\r\nb\r\n");
        assert_eq!(with_returns(b'\r', b"\nb"), b"\nb");
    }
}
