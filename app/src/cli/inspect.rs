//! `flashpack inspect`: what an image is, by its content, and what is in it.

use serde::Serialize;
use std::collections::BTreeMap;

use super::args::Inspect;
use super::failure::Failure;
use super::file_lines::{self, FileLine};
use super::image_files::{ImageFile, can_list, list};
use super::report::Report;
use super::resolve::read_image;
use crate::formats::bin_image::changed_sectors;
use crate::formats::recognise::{Kind, recognise};
use crate::model::region::SECTOR;

#[derive(Serialize)]
struct Answer {
    /// What it is; the word `kind` belongs to the line.
    format: Kind,
    /// Proven by a magic number or a sum, not only by a structure that other bytes might have too.
    certain: bool,
    facts: BTreeMap<String, String>,
    /// Null where this program does not list such an image.
    entries: Option<Vec<Listed>>,
    /// Sectors that differ from the previous image; null without one.
    sectors_changed: Option<usize>,
}

/// A file with what it costs.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    file: ImageFile,
    /// Sectors under the file that differ from the previous image; null without one.
    sectors_changed: Option<usize>,
}

pub fn run(args: &Inspect, report: &mut Report) -> Result<(), Failure> {
    let image = args.image.as_path();
    let bytes = read_image(image)?;
    let previous = args.previous.as_deref().map(read_image).transpose()?;
    let changed: Option<Vec<usize>> = previous
        .as_ref()
        .map(|previous| changed_sectors(&bytes, previous).collect());
    let found = recognise(&bytes);
    let entries = match list(found.kind, &bytes) {
        Ok(entries) if can_list(found.kind) => {
            let listed = |file| listed(file, &bytes, changed.as_deref());
            Some(entries.into_iter().map(listed).collect::<Vec<_>>())
        }
        Err(error) if can_list(found.kind) => {
            report.note(&format!("{}: {error}", image.display()));
            None
        }
        _ => None,
    };
    let likely = if found.certain || found.kind == Kind::Unknown {
        ""
    } else {
        "probably "
    };
    let mut lines = vec![format!(
        "{}: {likely}{}\n",
        image.display(),
        found.kind.name()
    )];
    for (name, value) in &found.facts {
        lines.push(format!("  {name}: {value}\n"));
    }
    if entries.as_ref().is_some_and(|entries| !entries.is_empty()) {
        lines.push(file_lines::head(changed.is_some()));
    }
    for Listed {
        file,
        sectors_changed,
    } in entries.iter().flatten()
    {
        lines.push(file_lines::line(&FileLine {
            name: &file.name,
            folder: file.folder,
            offset: file.offset,
            size: file.size,
            crc32: file.crc32,
            wasted: file.wasted,
            sectors_changed: *sectors_changed,
            change: None,
        }));
    }
    if let (Some(changed), Some(previous)) = (&changed, &args.previous) {
        let differ = if changed.len() == 1 {
            "sector differs"
        } else {
            "sectors differ"
        };
        lines.push(format!(
            "{} {differ} from {}\n",
            changed.len(),
            previous.display()
        ));
    }
    let facts = found.facts.into_iter().collect();
    report.result(
        &Answer {
            format: found.kind,
            certain: found.certain,
            facts,
            entries,
            sectors_changed: changed.map(|changed| changed.len()),
        },
        &lines.concat(),
    );
    Ok(())
}

/// Adds what the bytes themselves tell: their sum where the image has none recorded, and what differs under them.
fn listed(mut file: ImageFile, image: &[u8], changed: Option<&[usize]>) -> Listed {
    let span = file.offset.zip(file.size).map(|(offset, size)| {
        let start = offset as usize;
        start..start.saturating_add(size as usize)
    });
    if let Some(bytes) = span.clone().and_then(|span| image.get(span))
        && file.crc32.is_none()
        && !file.folder
    {
        file.crc32 = Some(crc32fast::hash(bytes));
    }
    let sectors_changed = changed.zip(span).map(|(changed, span)| {
        let sector = SECTOR as usize;
        let first = changed.partition_point(|number| *number < span.start / sector);
        let last = changed.partition_point(|number| *number < span.end.div_ceil(sector));
        last.saturating_sub(first)
    });
    Listed {
        file,
        sectors_changed,
    }
}
