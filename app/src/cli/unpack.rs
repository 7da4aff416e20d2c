//! `flashpack unpack`: the files of an image into a folder.

use serde::Serialize;

use super::args::{Common, Unpack};
use super::failure::Failure;
use super::report::Report;
use super::resolve::read_image;
use crate::formats::unpack::unpack;
use crate::model::cause::Cause;
use crate::model::problem::any_error;
use crate::store::tree::{Existing, write_tree};

#[derive(Serialize)]
struct Answer<'a> {
    into: String,
    files: Vec<&'a str>,
}

pub fn run(args: &Unpack, common: Common, report: &mut Report) -> Result<(), Failure> {
    let image = read_image(&args.image)?;
    let unpacked = unpack(&image).map_err(|error| Failure::format(&args.image, &error))?;
    let files: Vec<(&str, &[u8])> = unpacked
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes))
        .collect();
    let existing = if common.yes {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    write_tree(&args.into, &files, &unpacked.empty_folders, existing)?;
    let place = args.image.display().to_string();
    let into = args.into.display().to_string();
    if any_error(&unpacked.problems) {
        let summary = format!(
            "{place} is damaged: {} files were taken out, others could not be",
            files.len()
        );
        return Err(report
            .refusal(&unpacked.problems, &place, &summary)
            .because(Cause::DamagedImage));
    }
    report.problems(&unpacked.problems);
    let mut lines = Vec::new();
    for (path, bytes) in &files {
        lines.push(format!("{:>10}  {path}\n", bytes.len()));
    }
    lines.push(format!("{} files into {into}\n", files.len()));
    let files = files.into_iter().map(|(path, _)| path).collect();
    report.result(&Answer { into, files }, &lines.concat());
    Ok(())
}
