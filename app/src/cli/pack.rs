//! `flashpack pack`: files and folders into one image.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::args::{Format, Pack};
use super::failure::Failure;
use super::file_lines::{self, FileLine};
use super::report::Report;
use super::resolve::{check_output, read_image, typed_entries, write_output};
use crate::engine::pack::{Change, PackJob, PackedEntry, PackedImage, pack};
use crate::model::number::human_size;
use crate::model::problem::any_error;
use crate::model::project::{Content, FilesContent, PackFormat};

#[derive(Serialize)]
struct Answer {
    output: String,
    size: usize,
    used: u64,
    slack: u64,
    /// Sectors that differ from the previous image; null without one.
    sectors_changed: Option<usize>,
    entries: Vec<EntryAnswer>,
}

#[derive(Serialize)]
struct EntryAnswer {
    name: String,
    offset: u32,
    size: u32,
    crc32: u32,
    folder: bool,
    /// Bytes behind the file that carry nothing.
    wasted: u32,
    /// Compared with the previous image; null without one.
    change: Option<&'static str>,
    /// Sectors under the file that differ from the previous image; null without one.
    sectors_changed: Option<usize>,
}

pub fn run(args: &Pack, report: &mut Report) -> Result<(), Failure> {
    check_output(&args.output)?;
    if args.compat && args.format != Format::Bin {
        return Err(Failure::usage(
            "--compat is for --format bin only",
            "--compat",
            "Leave one of them out",
        ));
    }
    let previous: Option<Arc<[u8]>> = match &args.previous {
        Some(path) => Some(read_image(path)?.into()),
        None => None,
    };
    let content = Content::Files(FilesContent {
        format: match args.format {
            Format::Bin => PackFormat::Bin,
            Format::FlashFile => PackFormat::FlashFile,
            Format::Romfs => PackFormat::Romfs,
        },
        entries: typed_entries(&args.paths, args.compat, report)?,
        alignment: args.align,
        compat: args.compat,
        erase_removed: args.erase_removed,
    });
    let image = pack(&PackJob {
        // There is no partition: problems are placed by the file's path alone.
        partition: String::new(),
        content: Arc::new(content),
        limit: args.size,
        previous: previous.clone(),
        date: args.date,
        cut_names: args.cut_names,
        app_for: None,
    });
    if any_error(&image.problems) {
        let output = args.output.display().to_string();
        let summary = format!("{output} was not written: not everything can be packed");
        return Err(report.refusal(&image.problems, &output, &summary));
    }
    report.problems(&image.problems);
    write_output(&args.output, &image.bytes)?;
    let answer = answer(&args.output, &image, previous.is_some());
    let text = describe(&answer);
    report.result(&answer, &text);
    Ok(())
}

fn answer(output: &Path, image: &PackedImage, compared: bool) -> Answer {
    let entry = |entry: &PackedEntry| EntryAnswer {
        name: entry.path.clone(),
        offset: entry.offset,
        size: entry.size,
        crc32: entry.crc32,
        folder: entry.folder,
        wasted: entry.wasted,
        change: compared.then(|| change_text(entry.change)),
        sectors_changed: entry.sectors_changed,
    };
    Answer {
        output: output.display().to_string(),
        size: image.bytes.len(),
        used: image.used,
        slack: image.slack,
        sectors_changed: image.sectors_changed,
        entries: image.entries.iter().map(entry).collect(),
    }
}

fn change_text(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Same => "same",
        Change::Changed => "changed",
        Change::Moved => "moved",
    }
}

fn describe(answer: &Answer) -> String {
    let compared = answer.sectors_changed.is_some();
    let mut lines = Vec::new();
    if !answer.entries.is_empty() {
        lines.push(file_lines::head(compared));
    }
    for entry in &answer.entries {
        lines.push(file_lines::line(&FileLine {
            name: &entry.name,
            folder: entry.folder,
            offset: Some(entry.offset),
            size: Some(entry.size),
            crc32: Some(entry.crc32),
            wasted: Some(entry.wasted),
            sectors_changed: entry.sectors_changed,
            change: entry.change,
        }));
    }
    lines.push(format!(
        "{}: {}",
        answer.output,
        human_size(answer.size as u64)
    ));
    if answer.slack > 0 {
        lines.push(format!(", {} of it free", human_size(answer.slack)));
    }
    if let Some(sectors) = answer.sectors_changed {
        lines.push(format!(
            ", {sectors} sectors differ from the previous image"
        ));
    }
    lines.push("\n".to_owned());
    lines.concat()
}
