//! How urgent a line is, by the way in which the loggers of this field begin their lines.
//!
//! ESP-IDF writes `E (1234) tag: text`, Rust's loggers `ERROR`, `[ERROR` or `ERROR -`. A crash has no level of its own:
//! from its first line to the chip's restart everything counts as an error.

use std::fmt;

use serde::Serialize;

/// From the worst to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warning,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// As typed and shown: `warning`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// As it stands before a line: `WARN`.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warning => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level that a line says of itself.
pub fn of_line(line: &str) -> Option<Level> {
    let text = line.trim_start();
    let mut bytes = text.bytes();
    if let (Some(letter), Some(b' '), Some(b'(')) = (bytes.next(), bytes.next(), bytes.next()) {
        return match letter {
            b'E' => Some(Level::Error),
            b'W' => Some(Level::Warning),
            b'I' => Some(Level::Info),
            b'D' => Some(Level::Debug),
            b'V' => Some(Level::Trace),
            _ => None,
        };
    }
    let text = text.strip_prefix('[').unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    match &text[..end] {
        "ERROR" | "FATAL" | "CRITICAL" => Some(Level::Error),
        "WARN" | "WARNING" => Some(Level::Warning),
        "INFO" => Some(Level::Info),
        "DEBUG" => Some(Level::Debug),
        "TRACE" => Some(Level::Trace),
        _ => None,
    }
}

/// Beginnings of the first line of a crash, as ESP-IDF, esp-backtrace and Rust print them.
const CRASHES: [&str; 7] = [
    "Guru Meditation Error",
    "abort() was called",
    "assert failed:",
    "***ERROR*** A stack overflow",
    "panicked at",
    "Exception 'Load access fault'",
    "====================== PANIC",
];

/// Gives levels to lines in the order in which they come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels {
    crashed: bool,
}

impl Levels {
    /// The level of the next line.
    pub fn next(&mut self, line: &str) -> Option<Level> {
        let own = of_line(line);
        let starts = CRASHES.iter().any(|start| line.contains(start))
            || (line.starts_with("Exception '") && line.contains("mepc="));
        if starts {
            self.crashed = true;
        } else if own.is_some() || line.starts_with("ESP-ROM:") || line.starts_with("Rebooting") {
            self.crashed = false;
        }
        own.or(self.crashed.then_some(Level::Error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loggers_are_understood() {
        for (line, level) in [
            ("E (512) wifi: no", Some(Level::Error)),
            ("W (1) x: y", Some(Level::Warning)),
            ("I (1) boot: ESP-IDF", Some(Level::Info)),
            ("V (1) x: y", Some(Level::Trace)),
            ("[WARN  my_app] hot", Some(Level::Warning)),
            ("INFO - started", Some(Level::Info)),
            ("INFORM", None),
            ("X (1) x", None),
            ("", None),
            ("E", None),
            ("µ (", None),
        ] {
            assert_eq!(of_line(line), level, "{line}");
        }
    }

    #[test]
    fn a_crash_is_an_error_until_the_chip_restarts() {
        let mut levels = Levels::default();
        let said = [
            ("hello", None),
            (
                "Guru Meditation Error: Core  0 panic'ed (Load access fault)",
                Some(Level::Error),
            ),
            (
                "MEPC    : 0x42000060  RA      : 0x420000b8",
                Some(Level::Error),
            ),
            ("", Some(Level::Error)),
            ("Rebooting...", None),
            ("ESP-ROM:esp32c3-api1-20210207", None),
        ];
        for (line, level) in said {
            assert_eq!(levels.next(line), level, "{line}");
        }
    }
}
