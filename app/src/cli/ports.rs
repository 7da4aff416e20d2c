//! `flashpack ports`: what could be a board.

use serde::Serialize;

use super::args::Ports;
use super::failure::Failure;
use super::report::Report;
use crate::engine::ports::{ListedPort, list, practice_is_possible};
use crate::store::known_boards;

#[derive(Serialize)]
struct Answer {
    ports: Vec<ListedPort>,
    /// Whether `--port practice` works here.
    practice: bool,
}

/// Kept in the program, so that the message which needs it can offer it wherever the program is.
const UDEV_RULE: &str = include_str!("../../../docs/udev/60-flashpack.rules");

#[derive(Serialize)]
struct Rule {
    rule: &'static str,
}

pub fn run(args: Ports, report: &mut Report) -> Result<(), Failure> {
    if args.udev_rule {
        report.result(&Rule { rule: UDEV_RULE }, UDEV_RULE);
        return Ok(());
    }
    let answer = Answer {
        ports: list()?,
        practice: practice_is_possible(),
    };
    let known = known_boards::load();
    let mut lines = Vec::new();
    for port in &answer.ports {
        let mark = if port.recommended { "* " } else { "  " };
        lines.push(format!("{mark}{}", port.label));
        if let Some(serial) = &port.serial {
            lines.push(format!(" · serial number {serial}"));
        }
        if let Some(usb) = &port.usb {
            lines.push(format!(" · USB {usb}"));
        }
        let seen = known.on(&port.path);
        if let Some(board) = seen {
            lines.push(format!(" · last seen: {} {}", board.chip, board.mac));
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
