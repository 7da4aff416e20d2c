//! What a person sends to a chip: a line, its end, and the lines sent before.

use serde::{Deserialize, Serialize};

/// Lines that are remembered.
const KEPT: usize = 100;

/// What is sent behind a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnd {
    None,
    Lf,
    Cr,
    #[default]
    CrLf,
}

impl LineEnd {
    pub const ALL: [Self; 4] = [Self::CrLf, Self::Lf, Self::Cr, Self::None];

    /// As shown and typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lf => "LF",
            Self::Cr => "CR",
            Self::CrLf => "CRLF",
        }
    }

    /// What it is.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Lf => b"\n",
            Self::Cr => b"\r",
            Self::CrLf => b"\r\n",
        }
    }
}

/// A line as it goes to the chip.
pub fn line_bytes(text: &str, end: LineEnd) -> Vec<u8> {
    [text.as_bytes(), end.bytes()].concat()
}

/// Lines that were sent, and the one that is being written.
#[derive(Clone, Debug, Default)]
pub struct History {
    sent: Vec<String>,
    /// Which of them is shown; `None`: the one being written.
    at: Option<usize>,
    draft: String,
}

impl History {
    /// Remembers a line that was sent; the same line twice in a row counts once.
    pub fn sent(&mut self, line: &str) {
        self.at = None;
        self.draft.clear();
        if line.is_empty() || self.sent.last().is_some_and(|last| last == line) {
            return;
        }
        if self.sent.len() >= KEPT {
            self.sent.remove(0);
        }
        self.sent.push(line.to_owned());
    }

    /// The line before the shown one; `current` is what stands in the field now.
    pub fn older(&mut self, current: &str) -> Option<&str> {
        let next = match self.at {
            None => {
                current.clone_into(&mut self.draft);
                self.sent.len().checked_sub(1)?
            }
            Some(at) => at.checked_sub(1)?,
        };
        self.at = Some(next);
        self.sent.get(next).map(String::as_str)
    }

    /// The line after the shown one; behind the last comes what was being written.
    pub fn newer(&mut self) -> Option<&str> {
        let next = self.at? + 1;
        if next < self.sent.len() {
            self.at = Some(next);
            self.sent.get(next).map(String::as_str)
        } else {
            self.at = None;
            Some(&self.draft)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gets_its_end() {
        let ends = LineEnd::ALL.map(|end| line_bytes("ö", end));
        assert_eq!(
            ends,
            [
                "ö\r\n".as_bytes().to_vec(),
                "ö\n".into(),
                "ö\r".into(),
                "ö".into()
            ]
        );
    }

    #[test]
    fn the_history_is_walked_both_ways() {
        let mut history = History::default();
        assert_eq!(history.older("x"), None);
        for line in ["one", "two", "two", "", "three"] {
            history.sent(line);
        }
        assert_eq!(history.older("dra"), Some("three"));
        assert_eq!(history.older("three"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two"));
        assert_eq!(history.newer(), Some("three"));
        assert_eq!(history.newer(), Some("dra"));
        assert_eq!(history.newer(), None);
        for number in 0..KEPT + 7 {
            history.sent(&number.to_string());
        }
        assert_eq!(history.sent.len(), KEPT);
        assert_eq!(history.sent[0], "7");
    }
}
