//! What a command says: text for a person, or one JSON object a line. Data goes to standard output, talk to standard
//! error; a progress line is drawn only on a terminal.
//!
//! A reader that has gone away (`flashpack … | head`) is no error: the rest is not written, and the work goes on,
//! because a write to a board must not stop half-way for it.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::failure::Failure;
use crate::model::problem::{Column, Place, Problem, Severity};

/// Where a command's words go.
#[derive(Debug)]
pub struct Report {
    json: bool,
    draw_progress: bool,
    /// Characters of the progress line that stands on the terminal, 0 for none.
    drawn: usize,
    output: OutputState,
}

#[derive(Debug)]
enum OutputState {
    Open,
    /// The reader went away.
    Closed,
    /// Could not be written, with the reason.
    Broken(String),
}

#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct StageBody<'a> {
    stage: &'a str,
}

#[derive(Serialize)]
struct ProgressBody {
    done: u64,
    total: u64,
}

#[derive(Serialize)]
struct NoteBody<'a> {
    message: &'a str,
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self {
            json,
            draw_progress: !json && io::stderr().is_terminal(),
            drawn: 0,
            output: OutputState::Open,
        }
    }

    /// A stage of a job begins: `Writing`.
    pub fn stage(&mut self, stage: &str) {
        if self.json {
            self.json_line(
                "stage",
                &StageBody {
                    stage: &stage.to_lowercase(),
                },
            );
        }
    }

    /// How far the stage is, in bytes; `line` is the same for a person.
    pub fn progress(&mut self, done: u64, total: u64, line: &str) {
        if self.json {
            self.json_line("progress", &ProgressBody { done, total });
        } else if self.draw_progress {
            let shown: String = line.chars().take(79).collect();
            let width = shown.chars().count();
            write!(
                io::stderr(),
                "\r{shown}{:pad$}",
                "",
                pad = self.drawn.saturating_sub(width)
            )
            .ok();
            self.drawn = width;
        }
    }

    /// Worth a line.
    pub fn note(&mut self, message: &str) {
        if self.json {
            self.json_line("note", &NoteBody { message });
        } else {
            self.talk(message);
        }
    }

    /// Something about the user's data.
    pub fn problem(&mut self, problem: &Problem) {
        if self.json {
            self.json_line("problem", problem);
        } else {
            self.talk(&problem_text(problem));
        }
    }

    pub fn problems(&mut self, problems: &[Problem]) {
        for problem in problems {
            self.problem(problem);
        }
    }

    /// Says everything, and makes a failure of the errors among it: of a single one itself, of several `summary`.
    pub fn refusal(&mut self, problems: &[Problem], place: &str, summary: &str) -> Failure {
        let errors = problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count();
        for problem in problems {
            // The failure says it; a program that reads JSON wants the problem with its place as well.
            if self.json || errors != 1 || problem.severity != Severity::Error {
                self.problem(problem);
            }
        }
        match problems
            .iter()
            .find(|problem| problem.severity == Severity::Error)
        {
            Some(problem) if errors == 1 => {
                let inside = match &problem.place {
                    Place::Row { .. } | Place::Line { .. } => {
                        format!("{place}, {}", place_text(&problem.place))
                    }
                    Place::Project | Place::Table => place.to_owned(),
                    Place::Partition { .. } | Place::File { .. } => place_text(&problem.place),
                };
                // Many sentences name their place themselves.
                let said = inside.is_empty() || problem.message.contains(&inside);
                let message = if said {
                    problem.message.clone()
                } else {
                    format!("{inside}: {}", problem.message)
                };
                Failure::new(message, inside, problem.help.clone())
            }
            _ => Failure::new(summary, place, "Mend what is said above"),
        }
    }

    /// A problem that is the answer itself, such as those of `table check`.
    pub fn finding(&mut self, problem: &Problem) {
        if self.json {
            self.json_line("problem", problem);
        } else {
            self.data(format!("{}\n", problem_text(problem)).as_bytes());
        }
    }

    /// The command's answer: `body` as JSON, `text` for a person (with its own line ends).
    pub fn result(&mut self, body: &impl Serialize, text: &str) {
        if self.json {
            self.json_line("result", body);
        } else {
            self.clear_progress();
            self.data(text.as_bytes());
        }
    }

    /// One JSON line of a kind of its own.
    pub fn line(&mut self, kind: &'static str, body: &impl Serialize) {
        self.json_line(kind, body);
    }

    /// Bytes for standard output exactly as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.data(bytes);
    }

    /// Whether somebody still reads standard output.
    pub fn is_heard(&self) -> bool {
        matches!(self.output, OutputState::Open)
    }

    /// Why the command failed.
    pub fn failure(&mut self, failure: &Failure) {
        if self.json {
            self.json_line("error", failure);
        } else {
            self.talk(&format!("error: {failure}"));
        }
    }

    /// What went wrong with standard output itself, if anything did.
    pub fn output_failure(&self) -> Option<Failure> {
        match &self.output {
            OutputState::Broken(reason) => Some(Failure::new(
                format!("Cannot write the answer: {reason}"),
                "standard output",
                "Check where the output is redirected to",
            )),
            OutputState::Open | OutputState::Closed => None,
        }
    }

    /// A line for a person, on standard error. When that is gone too, there is nobody left to tell.
    pub fn talk(&mut self, line: &str) {
        self.clear_progress();
        writeln!(io::stderr(), "{line}").ok();
    }

    fn clear_progress(&mut self) {
        if self.drawn > 0 {
            write!(io::stderr(), "\r{:width$}\r", "", width = self.drawn).ok();
            self.drawn = 0;
        }
    }

    fn json_line(&mut self, kind: &'static str, body: &impl Serialize) {
        match serde_json::to_string(&Line { kind, body }) {
            Ok(line) => self.data(format!("{line}\n").as_bytes()),
            Err(error) => self.output = OutputState::Broken(error.to_string()),
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if !matches!(self.output, OutputState::Open) {
            return;
        }
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            self.output = match error.kind() {
                io::ErrorKind::BrokenPipe => OutputState::Closed,
                _ => OutputState::Broken(error.to_string()),
            };
        }
    }
}

/// A problem as a person reads it on a terminal: `error: partitions.csv line 3, offset: … (…)`.
fn problem_text(problem: &Problem) -> String {
    let severity = match problem.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let place = place_text(&problem.place);
    let colon = if place.is_empty() { "" } else { ": " };
    let mut text = format!("{severity}: {place}{colon}{}", problem.message);
    if !problem.help.is_empty() {
        text += "\n  ";
        text += &problem.help;
    }
    text
}

/// The place in words; rows are counted from 1, as people do. Empty for the project as a whole.
pub fn place_text(place: &Place) -> String {
    let with_column = |text: String, column: &Option<Column>| match column {
        Some(column) => format!("{text}, {}", column_text(*column)),
        None => text,
    };
    match place {
        Place::Project => String::new(),
        Place::Table => "table".into(),
        Place::Row { row, column } => with_column(format!("row {}", row + 1), column),
        Place::Line { line, column } => with_column(format!("line {line}"), column),
        Place::Partition { name } => name.clone(),
        Place::File { partition, path } if partition.is_empty() => path.clone(),
        Place::File { partition, path } => format!("{partition}: {path}"),
    }
}

fn column_text(column: Column) -> &'static str {
    match column {
        Column::Name => "name",
        Column::Type => "type",
        Column::SubType => "subtype",
        Column::Offset => "offset",
        Column::Size => "size",
        Column::Flags => "flags",
    }
}
