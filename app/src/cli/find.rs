//! `flashpack find`: where a file lies in an image, found the way the chip finds it.

use std::path::Path;

use serde::Serialize;

use super::failure::Failure;
use super::image_files;
use super::report::Report;
use super::resolve::read_image;
use crate::formats::format_error::FormatError;
use crate::formats::recognise::recognise;
use crate::model::number::{hex, human_size};

/// The same fields as `agent find`; what an image cannot tell is null.
#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    partition: Option<&'a str>,
    /// From the start of the outermost image.
    offset: Option<u32>,
    size: Option<u32>,
    flash_offset: Option<u32>,
    vaddr: Option<u32>,
    vaddr_code: Option<u32>,
    crc32: Option<u32>,
    cycles: Option<u32>,
}

pub fn run(image: &Path, name: &str, report: &mut Report) -> Result<(), Failure> {
    let bytes = read_image(image)?;
    let kind = recognise(&bytes).kind;
    let found = image_files::find(kind, &bytes, name).map_err(|error| match error {
        FormatError::NotFound { .. } if !image_files::can_list(kind) => {
            let place = image.display().to_string();
            let message = format!(
                "{place} holds no files that can be found: it is taken for {}",
                kind.name()
            );
            Failure::new(message, place, "Name a Bin, a flash-file or a ROMFS")
        }
        error => Failure::format(image, &error),
    })?;
    let answer = Answer {
        name,
        partition: None,
        offset: found.offset,
        size: found.size,
        flash_offset: None,
        vaddr: None,
        vaddr_code: None,
        crc32: found.crc32,
        cycles: None,
    };
    let known = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    let size = known(found.size.map(|size| human_size(size.into())));
    let mut parts = vec![format!(
        "{name}: {size} at {}",
        known(found.offset.map(hex))
    )];
    if let Some(crc32) = found.crc32 {
        parts.push(format!(", CRC-32 {crc32:08X}"));
    }
    report.result(&answer, &(parts.concat() + "\n"));
    Ok(())
}
