//! Proves an image: what the agent proves, and what only a computer has the memory for.

use std::collections::HashMap;

use device_agent::bin_image::{Bin, INDEX_SIZE, strip};
use device_agent::bin_verify::{self, Fault, FaultKind};
use device_agent::crc::Digests;
use device_agent::flash::Bytes;

use super::{BinFile, MAX_LISTED, len, list};
use crate::formats::file_tree::join;
use crate::model::number::hex;
use crate::model::problem::{Place, Problem, Severity};

/// What [`verify()`] came to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Errors are what the agent's own verify counts; the rest is worth knowing.
    pub problems: Vec<Problem>,
    /// Directories that were read.
    pub bins: u32,
    /// Files whose bytes have the CRC-32 of their check record, nested Bins included.
    pub proven: u32,
    /// Files without a check record.
    pub unchecked: u32,
}

/// Proves an image as the agent does (bounds, order, names, nesting, every check record), and adds what only the host
/// has the memory for: files that overlap, and names that hide each other.
///
/// `partition` names the place of the problems and may be empty.
pub fn verify(image: &[u8], partition: &str) -> Verdict {
    let place = |path: String| Place::File {
        partition: partition.to_owned(),
        path,
    };
    let listing = list(image).unwrap_or_default();
    let mut folders = vec![Folder::new(
        image,
        String::new(),
        0,
        len(image),
        &listing.files,
    )];
    collect_folders(image, &listing.files, "", &mut folders);
    let mut faults = Vec::new();
    let mut show = |fault: &Fault| {
        if faults.len() < MAX_LISTED {
            faults.push(*fault);
        }
    };
    let tally = bin_verify::verify(
        &mut Bytes(image),
        0,
        len(image),
        &mut Digests::new(),
        &mut show,
    )
    .unwrap_or_default();
    // The outermost first, so that it keeps its name in an image whose folders share their place.
    let mut paths = HashMap::new();
    for folder in &folders {
        paths.entry(folder.offset).or_insert(&folder.path);
    }
    let path_of = |offset: u32| {
        paths
            .get(&offset)
            .map_or_else(|| hex(offset), |path| (*path).clone())
    };
    let mut problems: Vec<Problem> = faults
        .iter()
        .map(|fault| {
            describe(
                fault,
                place(join(&path_of(fault.bin_offset), &stored_name(fault))),
            )
        })
        .collect();
    for folder in &folders {
        folder.overlaps(&mut problems, &place);
        folder.twins(&mut problems, &place);
    }
    if tally.unchecked > 0 {
        problems.push(Problem::new(
            Severity::Note,
            place(String::new()),
            format!(
                "{} of {} files have no check record, so their bytes cannot be proven",
                tally.unchecked, tally.files
            ),
            "Pack the files again with Flashpack to give each a check record",
        ));
    }
    // Faults of whole directories have no name.
    let unproven = faults
        .iter()
        .filter(|fault| {
            matches!(
                fault.kind,
                FaultKind::Record | FaultKind::Checksum | FaultKind::Outside
            ) && fault.name != [0; 8]
        })
        .count() as u32;
    Verdict {
        problems,
        bins: tally.bins,
        proven: tally
            .files
            .saturating_sub(tally.unchecked)
            .saturating_sub(unproven),
        unchecked: tally.unchecked,
    }
}

const REPACK: &str = "Write the image again, or pack it anew from its files";

fn describe(fault: &Fault, place: Place) -> Problem {
    let sums = if fault.expected == fault.found {
        String::new()
    } else {
        format!(
            " (recorded {:08x}, found {:08x})",
            fault.expected, fault.found
        )
    };
    let mut message = fault.kind.sentence().to_owned();
    // Sentences of the library begin in lower case, because the agent's report puts a name before them.
    if let Some(first) = message.get(..1).map(str::to_uppercase) {
        message.replace_range(..1, &first);
    }
    Problem::error(place, message + &sums, REPACK)
}

fn stored_name(fault: &Fault) -> String {
    String::from_utf8_lossy(strip(&fault.name)).into_owned()
}

/// One Bin of the image.
struct Folder<'a> {
    /// Empty for the outermost.
    path: String,
    /// From the start of the image.
    offset: u32,
    /// One past directory and index, from the start of the image; the offset itself without an index.
    directory_end: u32,
    files: &'a [BinFile],
}

impl<'a> Folder<'a> {
    fn new(image: &[u8], path: String, offset: u32, size: u32, files: &'a [BinFile]) -> Self {
        let bin = Bin::open(&mut Bytes(image), offset, size).ok();
        let index = bin.and_then(|bin| bin.index());
        let directory_end = index.map_or(offset, |index| offset + index.offset + INDEX_SIZE);
        Self {
            path,
            offset,
            directory_end,
            files,
        }
    }

    /// Warns of files that share bytes with each other or with the directory.
    fn overlaps(&self, problems: &mut Vec<Problem>, place: &impl Fn(String) -> Place) {
        let mut sorted: Vec<&BinFile> = self.files.iter().filter(|file| file.size > 0).collect();
        sorted.sort_by_key(|file| (file.offset, file.size));
        let mut end = u64::from(self.directory_end);
        let mut before = "the directory".to_owned();
        for file in sorted {
            let name = file.name();
            if u64::from(file.offset) < end {
                problems.push(Problem::warning(
                    place(join(&self.path, &name)),
                    format!("“{name}” shares bytes with {before}"),
                    "Pack the files again if that was not meant",
                ));
            }
            let file_end = u64::from(file.offset) + u64::from(file.size);
            if file_end > end {
                end = file_end;
                before = format!("“{name}”");
            }
        }
    }

    /// Warns of names that stand more than once.
    fn twins(&self, problems: &mut Vec<Problem>, place: &impl Fn(String) -> Place) {
        let mut first: HashMap<&[u8], u32> = HashMap::new();
        for file in self.files {
            if let Some(offset) = first.get(file.label.as_slice()) {
                problems.push(Problem::warning(
                    place(join(&self.path, &file.name())),
                    format!(
                        "“{}” is there more than once; only the one at {} is ever found",
                        file.name(),
                        hex(*offset)
                    ),
                    "Rename or remove the others",
                ));
            } else {
                first.insert(&file.label, file.offset);
            }
        }
    }
}

fn collect_folders<'a>(
    image: &[u8],
    files: &'a [BinFile],
    path: &str,
    folders: &mut Vec<Folder<'a>>,
) {
    for file in files {
        if let Some(children) = &file.children {
            let path = join(path, &file.name());
            collect_folders(image, children, &path, folders);
            folders.push(Folder::new(image, path, file.offset, file.size, children));
        }
    }
}
