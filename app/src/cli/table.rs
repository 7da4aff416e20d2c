//! `flashpack table …`: look at partition tables, check, convert, compare, make, edit and draw them.

mod check;
mod convert;
mod diff;
pub mod edit;
mod new;
mod operation;
pub mod picture;
mod show;

use std::path::Path;

use super::args::{Dialect, TableCommand, TableSettings};
use super::failure::Failure;
use super::report::Report;
use super::resolve::table_settings;
use crate::model::table_spelling;
use crate::store::table_file::{TableRead, read_as};

pub fn run(command: &TableCommand, report: &mut Report) -> Result<(), Failure> {
    match command {
        TableCommand::Show(args) => show::run(args, report),
        TableCommand::Check(args) => check::run(args, report),
        TableCommand::Convert(args) => convert::run(args, report),
        TableCommand::Diff { a, b, settings } => diff::run(a, b, settings, report),
        TableCommand::New(args) => new::run(args, report),
        TableCommand::Edit(args) => edit::run(args, report),
        TableCommand::Picture(args) => picture::run(args, report),
    }
}

/// Reads a table as the options say.
fn read(path: &Path, settings: &TableSettings) -> Result<TableRead, Failure> {
    let dialect = settings.dialect.map(|dialect| match dialect {
        Dialect::EspIdf => table_spelling::Dialect::EspIdf,
        Dialect::Seed => table_spelling::Dialect::Seed,
    });
    let mut read = read_as(path, table_settings(settings)?, dialect)?;
    // A table that was found inside an image knows its place better than a default, but not than the user.
    if let Some(offset) = settings.table_offset {
        read.table.settings.table_offset = offset;
    }
    Ok(read)
}
