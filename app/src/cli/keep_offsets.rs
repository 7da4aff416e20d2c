//! `--keep-offsets`: the images around which `flashpack write PROJECT` packs, so that an edit changes few sectors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::board::Board;
use super::failure::Failure;
use super::report::Report;
use super::resolve::{Target, read_image};
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::formats::recognise::{Kind, recognise};
use crate::model::flash_plan::FlashPlan;
use crate::model::project::{Content, PackFormat, Project};
use crate::model::region::Region;
use crate::store::last_written::LastWritten;

/// Whose offsets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepOffsets {
    /// Those of the image that was written last from this project.
    Last,
    /// Those of what the board holds, read from it first.
    Board,
    /// Nobody's: everything is packed anew.
    Nobody,
    /// Those of an image in a file, for one partition.
    File { partition: String, file: PathBuf },
}

/// `last`, `board`, `none` or `PARTITION=FILE`.
pub fn parse(text: &str) -> Result<KeepOffsets, String> {
    match text {
        "last" => Ok(KeepOffsets::Last),
        "board" => Ok(KeepOffsets::Board),
        "none" => Ok(KeepOffsets::Nobody),
        other => match other.split_once('=') {
            Some((partition, file)) if !partition.is_empty() && !file.is_empty() => {
                Ok(KeepOffsets::File {
                    partition: partition.to_owned(),
                    file: file.into(),
                })
            }
            _ => Err("write last, board, none or PARTITION=FILE".to_owned()),
        },
    }
}

/// The image to pack around for each partition of a project that is packed as a Bin and has one.
pub fn previous(
    keep: &[KeepOffsets],
    path: &Path,
    project: &Project,
    mut board: Option<&mut Board>,
    report: &mut Report,
) -> Result<BTreeMap<String, Arc<[u8]>>, Failure> {
    let general = keep
        .iter()
        .rfind(|keep| !matches!(keep, KeepOffsets::File { .. }))
        .unwrap_or(&KeepOffsets::Last);
    let mut images = BTreeMap::new();
    for (name, content) in &project.contents {
        let Content::Files(files) = content.as_ref() else {
            continue;
        };
        if files.format != PackFormat::Bin || files.compat {
            continue;
        }
        let named = keep.iter().find_map(|keep| match keep {
            KeepOffsets::File { partition, file } if partition == name => Some(file),
            _ => None,
        });
        let image: Option<Arc<[u8]>> = match (named, general) {
            (Some(file), _) => Some(read_image(file)?.into()),
            (None, KeepOffsets::Last) => LastWritten::of_user()
                .and_then(|kept| kept.get(path, name))
                .map(Into::into),
            (None, KeepOffsets::Board) => {
                let Some(placed) = project.table.find(name) else {
                    continue;
                };
                let Some(board) = board.as_deref_mut() else {
                    return Err(Failure::usage(
                        "Without a board its offsets cannot be kept",
                        "--keep-offsets board",
                        "Add --port",
                    ));
                };
                Some(read(board, placed.region, report)?)
            }
            (None, KeepOffsets::Nobody | KeepOffsets::File { .. }) => None,
        };
        if let Some(image) = image {
            images.insert(name.clone(), image);
        }
    }
    Ok(images)
}

fn read(board: &mut Board, region: Region, report: &mut Report) -> Result<Arc<[u8]>, Failure> {
    match board.ask(Request::Read(region), report)? {
        Outcome::Read { bytes, .. } => Ok(bytes),
        _ => Err(board.unexpected()),
    }
}

/// Keeps the Bins of a plan that a board was just proven to hold, for the next write of the same project.
pub fn remember(targets: &[Target], plan: &FlashPlan, report: &mut Report) {
    let Some(kept) = LastWritten::of_user() else {
        return;
    };
    for target in targets {
        let Target::Project(path) = target else {
            continue;
        };
        for write in &plan.writes {
            if recognise(&write.bytes).kind != Kind::Bin {
                continue;
            }
            if let Err(error) = kept.put(path, &write.target, &write.bytes) {
                report.note(&format!(
                    "The next write will move more files than needed: {error}"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_files_are_told_apart() {
        assert_eq!(parse("last"), Ok(KeepOffsets::Last));
        assert_eq!(parse("none"), Ok(KeepOffsets::Nobody));
        assert_eq!(
            parse("bin=old=1.bin"),
            Ok(KeepOffsets::File {
                partition: "bin".into(),
                file: "old=1.bin".into(),
            })
        );
        for wrong in ["", "lost", "=file", "bin="] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
