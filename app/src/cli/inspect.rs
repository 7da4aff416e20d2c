//! `flashpack inspect`: what an image is, by its content, and what is in it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::failure::Failure;
use super::image_files::{ImageFile, can_list, list};
use super::report::Report;
use super::resolve::read_image;
use crate::formats::recognise::{Kind, recognise};
use crate::model::number::hex;

#[derive(Serialize)]
struct Answer {
    /// What it is; the word `kind` belongs to the line.
    format: Kind,
    /// Proven by a magic number or a sum, not only by a structure that other bytes might have too.
    certain: bool,
    facts: BTreeMap<String, String>,
    /// Null where this program does not list such an image.
    entries: Option<Vec<ImageFile>>,
}

pub fn run(image: &Path, report: &mut Report) -> Result<(), Failure> {
    let bytes = read_image(image)?;
    let found = recognise(&bytes);
    let entries = match list(found.kind, &bytes) {
        Ok(entries) if can_list(found.kind) => Some(entries),
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
    for file in entries.iter().flatten() {
        let known = |value: Option<String>| value.unwrap_or_default();
        let slash = if file.folder { "/" } else { "" };
        lines.push(format!(
            "{:>10}  {:>10}  {}{slash}\n",
            known(file.offset.map(hex)),
            known(file.size.map(|size| size.to_string())),
            file.name
        ));
    }
    let facts = found.facts.into_iter().collect();
    report.result(
        &Answer {
            format: found.kind,
            certain: found.certain,
            facts,
            entries,
        },
        &lines.concat(),
    );
    Ok(())
}
