//! `flashpack table picture`: the map of a table as an SVG or a PNG file, for documents.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::super::args::{TableSettings, chip};
use super::super::failure::Failure;
use super::super::report::Report;
use super::super::resolve::{check_output, write_output};
use super::read;
use crate::formats::table_picture::{png, svg};
use crate::model::chip::Chip;
use crate::model::number::human_size;

/// What was typed.
#[derive(Debug, Args)]
pub struct TablePicture {
    /// A CSV, a binary table, or a firmware image that contains one
    file: PathBuf,
    /// An .svg or a .png
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The chip, which says where the bootloader lies
    #[arg(long, value_name = "CHIP", value_parser = chip, default_value = "esp32c3")]
    chip: Chip,
    #[command(flatten)]
    settings: TableSettings,
}

#[derive(Serialize)]
struct Answer {
    output: String,
    partitions: usize,
    flash_size: u32,
}

pub fn run(args: &TablePicture, report: &mut Report) -> Result<(), Failure> {
    let extension = args.output.extension().and_then(|found| found.to_str());
    let as_png = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("png") => true,
        Some("svg") => false,
        _ => {
            return Err(Failure::usage(
                format!("What {} should be is not clear", args.output.display()),
                args.output.display().to_string(),
                "Give it a name that ends in .svg or .png",
            ));
        }
    };
    check_output(&args.output)?;
    let read = read(&args.file, &args.settings)?;
    // A picture shows a wrong table too, and says that it is wrong.
    report.problems(&read.check(args.settings.flash_size, Some(args.chip)));
    let flash_size = args
        .settings
        .flash_size
        .unwrap_or_else(|| least_flash(read.table.end()));
    let bytes = if as_png {
        png(&read.table, flash_size, args.chip)
            .map_err(|reason| Failure::new(reason, args.output.display().to_string(), "Use .svg"))?
    } else {
        svg(&read.table, flash_size, args.chip).into_bytes()
    };
    write_output(&args.output, &bytes)?;
    let output = args.output.display().to_string();
    let text = format!(
        "{output}: {} partitions on {} of flash\n",
        read.table.rows.len(),
        human_size(u64::from(flash_size))
    );
    let answer = Answer {
        output,
        partitions: read.table.rows.len(),
        flash_size,
    };
    report.result(&answer, &text);
    Ok(())
}

/// The smallest flash that chips come with in which the table fits.
fn least_flash(end: u64) -> u32 {
    let least = end.max(1 << 20).next_power_of_two();
    u32::try_from(least).unwrap_or(u32::MAX)
}
