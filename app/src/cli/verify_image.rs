//! `flashpack verify IMAGE`: check records, bounds, nesting.

use std::path::Path;

use serde::Serialize;

use super::failure::Failure;
use super::report::Report;
use super::resolve::read_image;
use crate::formats::recognise::{Kind, recognise};
use crate::formats::{bin_read, flash_file, romfs};
use crate::model::cause::Cause;
use crate::model::problem::{Problem, any_error};

#[derive(Serialize, Default)]
struct Answer {
    verified: bool,
    /// Files whose bytes have the CRC-32 of their check record; null where the format has no such records.
    proven: Option<u32>,
    /// Files of whose bytes nothing can be said.
    unchecked: Option<u32>,
}

pub fn run(image: &Path, report: &mut Report) -> Result<(), Failure> {
    let bytes = read_image(image)?;
    let place = image.display().to_string();
    let (problems, answer, text) = match recognise(&bytes).kind {
        Kind::Bin | Kind::Erased => bin(&bytes),
        Kind::FlashFile => {
            let answer = Answer {
                verified: true,
                ..Answer::default()
            };
            (
                flash_file::verify(&bytes),
                answer,
                "the CRC-32 of the image is right".to_owned(),
            )
        }
        Kind::Romfs => {
            romfs::read(&bytes).map_err(|error| Failure::format(image, &error))?;
            let answer = Answer {
                verified: true,
                ..Answer::default()
            };
            (
                Vec::new(),
                answer,
                "every record is whole; a ROMFS has no sums, so the bytes cannot be proven"
                    .to_owned(),
            )
        }
        other => {
            return Err(Failure::new(
                format!(
                    "{place} cannot be verified: it is taken for {}",
                    other.name()
                ),
                place,
                "Name a Bin, a flash-file or a ROMFS",
            ));
        }
    };
    if any_error(&problems) {
        return Err(report
            .refusal(&problems, &place, &format!("{place} is damaged"))
            .because(Cause::DamagedImage));
    }
    report.problems(&problems);
    report.result(&answer, &format!("{place}: {text}\n"));
    Ok(())
}

fn bin(bytes: &[u8]) -> (Vec<Problem>, Answer, String) {
    let verdict = bin_read::verify(bytes, "");
    let answer = Answer {
        verified: true,
        proven: Some(verdict.proven),
        unchecked: Some(verdict.unchecked),
    };
    let text = match (verdict.proven, verdict.unchecked) {
        (proven, 0) => format!("{proven} files and folders, all proven by their check records"),
        (proven, unchecked) => {
            format!("{proven} files and folders proven, {unchecked} without a check record")
        }
    };
    (verdict.problems, answer, text)
}
