//! Proves every file of a pack on the board: the agent finds it and sums the bytes that lie there. Nothing is taken from
//! check records, and what the board holds beside the pack is named too.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::error::Stop;
use super::event::Stage;
use super::job::Job;
use super::pack::PackedImage;
use crate::device::agent_answer::Spot;
use crate::device::agent_session::AgentSession;
use crate::device::error::DeviceError;
use crate::device::session::Go;
use crate::formats::bin_read::{self, BinFile};
use crate::formats::format_error::FormatError;

/// Entries of the board's directories that are gone through for files that the pack does not have.
const MAX_ENTRIES: usize = 20_000;
/// How deep: as deep as the chip's own reader goes.
const MAX_DEPTH: usize = 16;

/// A file as a pack holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedFile {
    pub path: String,
    /// From the start of the outermost image, in bytes.
    pub offset: u32,
    pub size: u32,
    /// CRC-32 (zlib) of the bytes.
    pub crc32: u32,
    /// A nested Bin: only its place is compared, its files stand for its bytes.
    pub folder: bool,
}

/// How a file on the board compares with the pack's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// The same bytes at the same place.
    Same,
    /// The same bytes at another place.
    Moved,
    /// Other bytes.
    Differs,
    /// The board has no file of this name.
    Missing,
    /// Only the board has it.
    Extra,
}

impl FileState {
    /// As shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Moved => "moved",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Extra => "only on the board",
        }
    }
}

/// What was found out about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileVerdict {
    pub path: String,
    pub state: FileState,
    pub folder: bool,
    /// Where the board has it, from the start of the outermost image.
    pub offset: Option<u32>,
    pub size: Option<u32>,
    /// CRC-32 (zlib) of the bytes on the board; not computed where the size already differs.
    pub crc32: Option<u32>,
}

/// A pack against what the board holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileComparison {
    pub partition: String,
    /// In the order of the pack; what only the board has stands last.
    pub files: Vec<FileVerdict>,
    /// Bytes that the chip summed.
    pub bytes: u64,
}

impl FileComparison {
    /// Files and folders that are not the same bytes at the same place.
    pub fn differing(&self) -> usize {
        let same = |verdict: &&FileVerdict| verdict.state != FileState::Same;
        self.files.iter().filter(same).count()
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        let files = self.files.iter().filter(|verdict| !verdict.folder).count();
        match self.differing() {
            0 => format!(
                "Every one of {files} files in {} is the same on the board: the chip summed {} bytes",
                self.partition, self.bytes
            ),
            differing => format!(
                "{differing} of {} entries in {} differ on the board",
                self.files.len(),
                self.partition
            ),
        }
    }

    /// All of it as lines of text, for a clipboard or a terminal.
    pub fn report(&self) -> String {
        let known = |value: Option<u32>, form: fn(u32) -> String| {
            value.map_or_else(|| "unknown".to_owned(), form)
        };
        let lines = self.files.iter().map(|verdict| {
            let slash = if verdict.folder { "/" } else { "" };
            format!(
                "{:<18} {}{slash}  offset {}  size {}  CRC-32 {}",
                verdict.state.word(),
                verdict.path,
                known(verdict.offset, |offset| format!("0x{offset:X}")),
                known(verdict.size, |size| size.to_string()),
                known(verdict.crc32, |crc32| format!("{crc32:08X}")),
            )
        });
        let mut text: Vec<String> = vec![self.sentence()];
        text.extend(lines);
        text.join("\n") + "\n"
    }
}

/// The files of a packed image.
pub fn expected(image: &PackedImage) -> Arc<[ExpectedFile]> {
    image
        .entries
        .iter()
        .map(|entry| ExpectedFile {
            path: entry.path.clone(),
            offset: entry.offset,
            size: entry.size,
            crc32: entry.crc32,
            folder: entry.folder,
        })
        .collect()
}

/// The files of a Bin in bytes.
///
/// # Errors
/// When it is no Bin, or a damaged one.
pub fn expected_in(image: &[u8]) -> Result<Arc<[ExpectedFile]>, FormatError> {
    let mut files = Vec::new();
    gather(image, &bin_read::list(image)?.files, "", &mut files);
    Ok(files.into())
}

fn gather(image: &[u8], listed: &[BinFile], above: &str, into: &mut Vec<ExpectedFile>) {
    for file in listed {
        let path = format!("{above}{}", file.name());
        let start = file.offset as usize;
        let bytes = start
            .checked_add(file.size as usize)
            .and_then(|end| image.get(start..end))
            .unwrap_or_default();
        into.push(ExpectedFile {
            path: path.clone(),
            offset: file.offset,
            size: file.size,
            crc32: crc32fast::hash(bytes),
            folder: file.children.is_some(),
        });
        if let Some(children) = &file.children {
            gather(image, children, &format!("{path}/"), into);
        }
    }
}

pub(super) fn run(
    agent: &mut AgentSession,
    partition: &str,
    files: &[ExpectedFile],
    job: &mut Job<'_>,
) -> Result<FileComparison, Stop> {
    job.stage(Stage::Comparing);
    let total: u64 = files
        .iter()
        .filter(|file| !file.folder)
        .map(|file| u64::from(file.size))
        .sum();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let spots = agent.spots(partition, &paths)?;
    let (mut verdicts, mut bytes) = (Vec::with_capacity(files.len()), 0);
    for (file, spot) in files.iter().zip(spots) {
        if job.go() == Go::Stop {
            return Err(DeviceError::Cancelled.into());
        }
        let (state, crc32) = match spot {
            Spot::NotFound => (FileState::Missing, None),
            Spot::Unreadable => (FileState::Differs, None),
            Spot::At { size, .. } if size != file.size => (FileState::Differs, None),
            Spot::At { offset, .. } if file.folder => (placed(file, offset), None),
            Spot::At { offset, size } => {
                let sum = agent.file_sum(partition, &file.path)?;
                bytes += u64::from(size);
                job.advanced(bytes, total);
                let state = if sum.computed == file.crc32 {
                    placed(file, offset)
                } else {
                    FileState::Differs
                };
                (state, Some(sum.computed))
            }
        };
        let (offset, size) = match spot {
            Spot::At { offset, size } => (Some(offset), Some(size)),
            Spot::NotFound | Spot::Unreadable => (None, None),
        };
        verdicts.push(FileVerdict {
            path: file.path.clone(),
            state,
            folder: file.folder,
            offset,
            size,
            crc32,
        });
    }
    verdicts.extend(extras(agent, partition, files, job)?);
    Ok(FileComparison {
        partition: partition.to_owned(),
        files: verdicts,
        bytes,
    })
}

fn placed(file: &ExpectedFile, offset: u32) -> FileState {
    if file.offset == offset {
        FileState::Same
    } else {
        FileState::Moved
    }
}

/// What the board has and the pack has not.
fn extras(
    agent: &mut AgentSession,
    partition: &str,
    files: &[ExpectedFile],
    job: &mut Job<'_>,
) -> Result<Vec<FileVerdict>, Stop> {
    let expected: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let (mut extras, mut seen) = (Vec::new(), 0);
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if job.go() == Go::Stop {
            return Err(DeviceError::Cancelled.into());
        }
        let entries = match agent.list(partition, &folder) {
            Ok(entries) => entries,
            // A damaged folder was marked already, with every file of the pack that it should hold.
            Err(DeviceError::Agent { source, .. }) if source.fault().is_some() => {
                job.note(format!(
                    "{folder} in {partition} cannot be listed: {source}"
                ));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            seen += 1;
            if seen > MAX_ENTRIES {
                job.note(format!(
                    "{partition} has over {MAX_ENTRIES} entries; those behind were not looked at"
                ));
                return Ok(extras);
            }
            let path = if folder.is_empty() {
                entry.name.clone()
            } else {
                format!("{folder}/{}", entry.name)
            };
            if entry.folder && depth < MAX_DEPTH {
                folders.push((path.clone(), depth + 1));
            }
            if !expected.contains(path.as_str()) {
                extras.push(FileVerdict {
                    path,
                    state: FileState::Extra,
                    folder: entry.folder,
                    offset: Some(entry.offset),
                    size: Some(entry.size),
                    crc32: None,
                });
            }
        }
    }
    Ok(extras)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_differs() {
        let verdict = |path: &str, state| FileVerdict {
            path: path.into(),
            state,
            folder: false,
            offset: Some(0x40),
            size: Some(3),
            crc32: None,
        };
        let mut comparison = FileComparison {
            partition: "bin".into(),
            files: vec![verdict("a", FileState::Same)],
            bytes: 3,
        };
        assert!(comparison.sentence().starts_with("Every one of 1 files"));
        comparison.files.push(verdict("b", FileState::Extra));
        assert_eq!(comparison.differing(), 1);
        let report = comparison.report();
        assert!(
            report.contains("only on the board  b  offset 0x40  size 3  CRC-32 unknown"),
            "{report}"
        );
    }
}
