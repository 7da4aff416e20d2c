//! The command line: what was typed ([`args`]) -> what it means ([`resolve`]) -> the engine -> text or JSON lines
//! ([`report`]). One command per file, each an ordinary function that returns a [`failure::Failure`] or nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

mod agent;
mod agent_bench;
mod agent_in_flash;
mod agent_map;
mod agent_proof;
mod args;
mod args_agent;
mod backup;
mod board;
mod board_table;
mod boot_choice;
mod confirm;
mod elf_targets;
mod erase;
mod failure;
mod file_lines;
mod file_pieces;
mod find;
mod hex_lines;
mod image_files;
mod info;
mod inspect;
mod interrupt;
mod keep_offsets;
mod keyboard;
mod monitor;
mod monitor_text;
mod moved_data;
mod offset_roles;
mod pack;
mod pieces;
mod plan;
mod ports;
#[cfg(unix)]
mod practice;
mod read;
mod report;
mod reset;
mod resolve;
mod restore;
mod sentence;
mod several;
mod step_log;
mod table;
mod unpack;
mod verify;
mod verify_image;
mod write;

use args::{Command, Common, Typed};
use failure::{Failure, Status};
use report::Report;
use step_log::StepLog;

/// How a command line ends.
#[derive(Debug, PartialEq)]
pub enum Ended {
    /// The command was carried out, or failed; everything is said.
    Exit(ExitCode),
    /// The window was asked for, with a file or without.
    Window(Option<PathBuf>),
}

/// Carries out a command line; the first argument is the program's own name.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Ended {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let typed = match Typed::try_parse_from(&arguments) {
        Ok(typed) => typed,
        Err(error) => return Ended::Exit(wrong_usage(&error, &arguments)),
    };
    let mut report = Report::new(typed.common.json);
    let Some(command) = typed.command else {
        return match window_file(typed.file.as_deref()) {
            Ok(()) => Ended::Window(typed.file),
            Err(failure) => Ended::Exit(end(&mut report, Err(failure))),
        };
    };
    let mut log = StepLog::begin(&arguments, &mut report);
    let result = carry_out(&command, typed.common, &mut report);
    log.end(&result, &mut report);
    Ended::Exit(end(&mut report, result))
}

fn carry_out(command: &Command, common: Common, report: &mut Report) -> Result<(), Failure> {
    match command {
        Command::Ports(args) => ports::run(*args, report),
        Command::Info(args) => info::run(args, report),
        Command::Reset(args) => reset::run(args, report),
        Command::Table(command) => table::run(command, report),
        Command::Pack(args) => pack::run(args, report),
        Command::Inspect(args) => inspect::run(args, report),
        Command::Verify(args) => verify::run(args, report),
        Command::Unpack(args) => unpack::run(args, common, report),
        Command::Find { image, name } => find::run(image, name, report),
        Command::Write(args) => write::run(args, common, report),
        Command::Read(args) => read::run(args, report),
        Command::Erase(args) => erase::run(args, common, report),
        Command::Backup(args) => backup::run(args, report),
        Command::Restore(args) => restore::run(args, common, report),
        Command::Agent(command) => agent::run(command, common, report),
        Command::Monitor(args) => monitor::run(args, common, report),
        #[cfg(unix)]
        Command::Practice(args) => practice::run(args, report),
    }
}

/// Says how it ended, and gives the exit status.
fn end(report: &mut Report, result: Result<(), Failure>) -> ExitCode {
    let result = result.and_then(|()| report.output_failure().map_or(Ok(()), Err));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report.failure(&failure);
            ExitCode::from(failure.status as u8)
        }
    }
}

/// Help and version go to standard output with status 0; everything else is wrong usage.
fn wrong_usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if !asked_for && arguments.iter().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or("wrong usage");
        let message = first.strip_prefix("error: ").unwrap_or(first);
        let failure = Failure::usage(message, "command line", "See flashpack --help");
        Report::new(true).failure(&failure);
    } else {
        // A reader that went away, such as `| head`, is no error of ours.
        error.print().ok();
    }
    if asked_for {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Status::Usage as u8)
    }
}

/// Refuses a window for a file that is not there: most often it is a misspelled command.
fn window_file(file: Option<&Path>) -> Result<(), Failure> {
    match file {
        Some(path) if !path.exists() => Err(Failure::new(
            format!("There is no file and no command “{}”", path.display()),
            path.display().to_string(),
            "Check the spelling; flashpack --help lists the commands",
        )),
        _ => Ok(()),
    }
}
