//! What happened, one line each, with the command line that does the same where there is one.

use std::path::Path;
use std::time::Duration;

use crate::engine::request::{FlashChange, Mapping, PortChoice, Question, Request};
use crate::model::flash_plan::AgentInFlash;
use crate::model::number::hex;
use crate::model::problem::Severity;
use crate::model::region::Region;
pub use crate::model::shell_word::quoted;

/// The oldest lines go when there are more than this.
const LIMIT: usize = 10_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the start of the program.
    pub at: Duration,
    pub severity: Severity,
    pub text: String,
    /// Does the same in a terminal.
    pub command: Option<String>,
}

/// What happened since the start.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: std::collections::VecDeque<Line>,
}

impl Log {
    /// Adds a line.
    pub fn push(
        &mut self,
        at: Duration,
        severity: Severity,
        text: impl Into<String>,
        command: Option<String>,
    ) {
        if self.lines.len() >= LIMIT {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            at,
            severity,
            text: text.into(),
            command,
        });
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A line, oldest first.
    pub fn line(&self, index: usize) -> Option<&Line> {
        self.lines.get(index)
    }

    /// All of it, for the clipboard.
    pub fn to_text(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let command = line
                .command
                .as_ref()
                .map_or_else(String::new, |command| format!("        {command}\n"));
            format!("{} {}\n{command}", clock(line.at), line.text)
        });
        lines.collect()
    }
}

/// Minutes, seconds and tenths: `02:07.3`.
pub fn clock(at: Duration) -> String {
    let tenths = at.as_millis() / 100;
    format!(
        "{:02}:{:02}.{}",
        tenths / 600,
        tenths / 10 % 60,
        tenths % 10
    )
}

/// The command line that does what a request does. `project` is where the project is kept.
pub fn command_line(request: &Request, port: &PortChoice, project: Option<&Path>) -> String {
    let project = || {
        project.map_or_else(
            || "PROJECT".to_owned(),
            |path| quoted(&path.to_string_lossy()),
        )
    };
    let words = match request {
        Request::Detect => "info".to_owned(),
        Request::WhatBoots { table_offset } => {
            format!("info --table-offset {}", hex(*table_offset))
        }
        Request::AgentInFlash {
            change,
            table_offset,
        } => {
            let words = match change {
                FlashChange::Install { slot } => install_words(slot.as_deref()),
                FlashChange::Restore => "agent restore".to_owned(),
            };
            format!("{words} --dry-run --table-offset {}", hex(*table_offset))
        }
        Request::Write(plan) if plan.agent.is_some() => match &plan.agent {
            Some(AgentInFlash::Install { slot, .. }) => install_words(Some(slot)),
            Some(AgentInFlash::Restore) | None => "agent restore".to_owned(),
        },
        Request::Write(plan) => {
            let full = if plan.full { " --full" } else { "" };
            let no_verify = if plan.no_verify { " --no-verify" } else { "" };
            let names: Vec<&str> = plan.forced.iter().map(|guard| guard.name()).collect();
            let force = if names.is_empty() {
                String::new()
            } else {
                format!(" --force {}", names.join(","))
            };
            let carry = if plan.carry { " --move-data" } else { "" };
            let what = match &plan.boots {
                Some(choice) if plan.writes.len() == 1 => {
                    format!("--boot {}", quoted(&choice.partition))
                }
                _ => project(),
            };
            format!("write {what}{full}{no_verify}{carry}{force}")
        }
        Request::Verify(_) => format!("write {} --dry-run", project()),
        Request::Read(region) => format!("read {}:{} OUT", hex(region.offset), hex(region.size)),
        Request::ReadPieces(wanted) => {
            let place = |region: &Region| format!("{}:{}", hex(region.offset), hex(region.size));
            let places: Vec<String> = wanted.regions.iter().map(place).collect();
            format!("read {} OUT", places.join(" "))
        }
        Request::Erase(region) => format!("erase {}:{}", hex(region.offset), hex(region.size)),
        Request::Reset => "reset".to_owned(),
        Request::Monitor(monitor) => {
            let elf = monitor.elf.as_ref().map_or_else(String::new, |elf| {
                format!(" --elf {}", quoted(&elf.path.to_string_lossy()))
            });
            let reset = if monitor.reset { "" } else { " --no-reset" };
            format!("monitor --baud {}{elf}{reset}", monitor.baud)
        }
        Request::Agent(question) => question_words(question),
    };
    on_port(&words, port)
}

/// The words of a question to the agent.
fn question_words(question: &Question) -> String {
    match question {
        Question::Info => "agent info".to_owned(),
        Question::Map(Mapping::All) => "agent map".to_owned(),
        Question::Map(Mapping::AsItIs | Mapping::Released) => "agent map --as-is".to_owned(),
        Question::Compare { partition, .. } => {
            format!(
                "agent verify --image IMAGE --partition {}",
                quoted(partition)
            )
        }
        Question::Bench {
            partition,
            path,
            count,
        } => format!(
            "agent bench {} --count {count} --partition {}",
            quoted(path),
            quoted(partition)
        ),
        Question::List { partition, path } => {
            format!(
                "agent ls {} --partition {}",
                quoted(path),
                quoted(partition)
            )
        }
        Question::Find { partition, path } => {
            format!(
                "agent find {} --partition {}",
                quoted(path),
                quoted(partition)
            )
        }
        Question::ReadFile { partition, path } => {
            format!(
                "agent read {} OUT --partition {}",
                quoted(path),
                quoted(partition)
            )
        }
        Question::ReadRegion(region) => {
            format!("agent read {}:{} OUT", hex(region.offset), hex(region.size))
        }
        Question::Verify { partition, path } => {
            format!(
                "agent verify {} --partition {}",
                quoted(path),
                quoted(partition)
            )
        }
    }
}

fn install_words(slot: Option<&str>) -> String {
    slot.map_or_else(
        || "agent install".to_owned(),
        |slot| format!("agent install --slot {}", quoted(slot)),
    )
}

/// A command line from the words of a command and the port it is for.
pub fn on_port(words: &str, port: &PortChoice) -> String {
    let port = match port {
        PortChoice::Practice => "practice".to_owned(),
        PortChoice::Path(path) => quoted(&path.to_string_lossy()),
    };
    format!("flashpack {words} --port {port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_ready_to_paste() {
        let find = Request::Agent(Question::Find {
            partition: "bin".into(),
            path: "it's".into(),
        });
        assert_eq!(
            command_line(&find, &PortChoice::Practice, None),
            r"flashpack agent find 'it'\''s' --partition bin --port practice"
        );
        let write = Request::Write(std::sync::Arc::default());
        let port = PortChoice::Path("/dev/ttyUSB0".into());
        assert_eq!(
            command_line(&write, &port, Some(Path::new("/tmp/my project.flashpack"))),
            "flashpack write '/tmp/my project.flashpack' --port /dev/ttyUSB0"
        );
    }

    #[test]
    fn the_oldest_lines_go() {
        let mut log = Log::default();
        for number in 0..LIMIT + 5 {
            log.push(Duration::ZERO, Severity::Note, number.to_string(), None);
        }
        assert_eq!(log.len(), LIMIT);
        assert_eq!(log.line(0).unwrap().text, "5");
    }

    #[test]
    fn the_clock_counts_minutes() {
        assert_eq!(clock(Duration::from_millis(127_345)), "02:07.3");
    }
}
