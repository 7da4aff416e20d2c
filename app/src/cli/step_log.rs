//! What commands were run and how they ended, in the same daily log as the window's steps.

use std::ffi::OsString;

use super::failure::Failure;
use super::report::Report;
use crate::model::shell_word::quoted;
use crate::store::day_log::{DayLog, user_folder};
use crate::store::local_time::LocalTime;

/// The log of one run.
#[derive(Debug)]
pub struct StepLog(Option<DayLog>);

impl StepLog {
    /// Notes the command line; the first argument is the program's own path, which is not kept.
    pub fn begin(arguments: &[OsString], report: &mut Report) -> Self {
        let mut log = Self(user_folder().map(DayLog::at));
        let words = arguments
            .iter()
            .skip(1)
            .map(|word| quoted(&word.to_string_lossy()));
        let command = ["flashpack".to_owned()]
            .into_iter()
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ");
        let name = arguments
            .get(1)
            .map_or_else(String::new, |word| word.to_string_lossy().into_owned());
        log.step(&format!("{name} in a terminal"), Some(&command), report);
        log
    }

    /// Notes how it ended.
    pub fn end(&mut self, result: &Result<(), Failure>, report: &mut Report) {
        match result {
            Ok(()) => self.step("Done", None, report),
            Err(failure) => self.step(&format!("Failed: {failure}"), None, report),
        }
    }

    fn step(&mut self, text: &str, command: Option<&str>, report: &mut Report) {
        let Some(log) = &mut self.0 else { return };
        if let Err(error) = log.step(LocalTime::now(), text, command) {
            report.note(&format!("The daily log is not kept: {error}"));
        }
    }
}
