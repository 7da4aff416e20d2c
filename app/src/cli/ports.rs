//! `flashpack ports`: what could be a board.

use serde::Serialize;

use super::failure::Failure;
use super::report::Report;
use crate::engine::ports::{ListedPort, list, practice_is_possible};

#[derive(Serialize)]
struct Answer {
    ports: Vec<ListedPort>,
    /// Whether `--port practice` works here.
    practice: bool,
}

pub fn run(report: &mut Report) -> Result<(), Failure> {
    let answer = Answer {
        ports: list()?,
        practice: practice_is_possible(),
    };
    let mut lines = Vec::new();
    for port in &answer.ports {
        let mark = if port.recommended { "* " } else { "  " };
        lines.push(format!("{mark}{}", port.label));
        if let Some(serial) = &port.serial {
            lines.push(format!(" · serial number {serial}"));
        }
        lines.push("\n".to_owned());
    }
    if answer.practice {
        lines.push("  practice · a practice board inside this program\n".to_owned());
    }
    if answer.ports.iter().any(|port| port.recommended) {
        lines.push("* recommended\n".to_owned());
    } else if answer.ports.is_empty() {
        report.note("No serial port found: plug a board in, with a cable that carries data");
    }
    report.result(&answer, &lines.concat());
    Ok(())
}
