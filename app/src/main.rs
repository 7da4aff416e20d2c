//! Reads the command line; opens the window or runs one command.

use std::path::PathBuf;
use std::process::ExitCode;

use flashpack::cli::{self, Ended};
use flashpack::ui;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ended::Exit(code) => code,
        Ended::Window(file) => open_window(file),
    }
}

fn open_window(file: Option<PathBuf>) -> ExitCode {
    match ui::run(file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: The window cannot be opened: {error:#}");
            eprintln!("flashpack --help lists the commands, which need no window");
            ExitCode::FAILURE
        }
    }
}
