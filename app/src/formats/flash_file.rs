//! The flash-file image of the Particle Electron: files in the factory-reset sector of its internal flash.
//!
//! Layout and limits are those of rickkas7/electron-flash-data (`imagetool.js`, `electron-flash-file.h`): a header of 48
//! bytes, 80 bytes for each file, then the data without any padding. The device looks files up with `strcmp`, and
//! checks neither the sum nor any bound, so both are proven here. Writing such an image over DFU is not done here.

use std::collections::HashSet;
use std::sync::Arc;

use super::content_type;
use super::file_tree::{FileEntry, FileNode, join};
use super::format_error::FormatError;
use crate::model::number::{hex, human_size};
use crate::model::problem::{Place, Problem, any_error};

/// First bytes of an image.
pub const MAGIC: [u8; 4] = 0xE091_7763_u32.to_le_bytes();
/// Bytes of the header.
pub const HEADER: usize = 48;
/// Bytes that describe one file.
pub const FILE_INFO: usize = 80;
/// The Electron's factory-reset sector, bytes 0x080A0000 to 0x080BFFFF. DFU would write on into the next sector.
pub const SECTOR_LIMIT: u32 = 131_072;
/// Longest name and longest content type, in bytes; a NUL follows.
pub const TEXT_LIMIT: usize = 31;

const WHAT: &str = "flash-file image";

/// A file to be packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashFileInput {
    pub name: String,
    pub bytes: Arc<[u8]>,
    /// When the file was last changed, in seconds since 1970.
    pub modified: u32,
}

/// How to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashFileOptions {
    /// When the image was made, in seconds since 1970.
    pub made: u32,
    /// Put [`Self::made`] into every file too, so that the same files give the same bytes on every machine.
    pub one_date: bool,
    /// Bytes that the image may have.
    pub limit: u32,
}

impl Default for FlashFileOptions {
    fn default() -> Self {
        Self {
            made: 0,
            one_date: true,
            limit: SECTOR_LIMIT,
        }
    }
}

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltFlashFile {
    pub bytes: Vec<u8>,
    pub files: Vec<FlashFileEntry>,
    /// Content types that were too long to be stored.
    pub notes: Vec<Problem>,
}

/// A file of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashFileEntry {
    /// What is not UTF-8 is U+FFFD.
    pub name: String,
    /// The bytes of the name up to its NUL.
    pub raw_name: Vec<u8>,
    pub content_type: String,
    /// In seconds since 1970.
    pub modified: u32,
    /// From the start of the image; not yet checked.
    pub offset: u32,
    /// Bytes of data; not yet checked.
    pub size: u32,
}

/// An image that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashFile {
    pub version: u32,
    /// Length of the image as its header has it.
    pub total_size: u32,
    /// CRC-32 as the header has it.
    pub crc32: u32,
    /// In seconds since 1970.
    pub made: u32,
    pub files: Vec<FlashFileEntry>,
}

/// The files of a tree, folders as `/` in their names, all with one date.
pub fn inputs_of(entries: &[FileEntry], modified: u32) -> Vec<FlashFileInput> {
    let mut inputs = Vec::new();
    flatten(entries, "", modified, &mut inputs);
    inputs
}

fn flatten(entries: &[FileEntry], folder: &str, modified: u32, inputs: &mut Vec<FlashFileInput>) {
    for entry in entries {
        let name = join(folder, &entry.name);
        match &entry.node {
            FileNode::File(bytes) => inputs.push(FlashFileInput {
                name,
                bytes: Arc::clone(bytes),
                modified,
            }),
            FileNode::Folder(inner) => flatten(inner, &name, modified, inputs),
        }
    }
}

/// Builds an image of these files, in this order.
///
/// # Errors
/// Names that are empty, too long, doubled or cannot be stored, and an image above the limit; all at once.
pub fn build(
    inputs: &[FlashFileInput],
    options: &FlashFileOptions,
) -> Result<BuiltFlashFile, Vec<Problem>> {
    let mut problems = check_names(inputs);
    let data_start = HEADER + inputs.len() * FILE_INFO;
    let total = data_start as u64
        + inputs
            .iter()
            .map(|input| input.bytes.len() as u64)
            .sum::<u64>();
    if total > u64::from(options.limit) {
        problems.push(Problem::error(
            place(""),
            format!(
                "The image needs {} and its sector has {}",
                human_size(total),
                human_size(u64::from(options.limit))
            ),
            format!(
                "Remove at least {}",
                human_size(total - u64::from(options.limit))
            ),
        ));
    }
    if any_error(&problems) {
        return Err(problems);
    }
    let mut files = Vec::with_capacity(inputs.len());
    let mut offset = data_start as u32;
    for input in inputs {
        let mut content_type = content_type::of_name(&input.name);
        if content_type.len() > TEXT_LIMIT {
            problems.push(Problem::warning(
                place(&input.name),
                format!("Its content type “{content_type}” is longer than {TEXT_LIMIT} bytes; {} is stored", content_type::UNKNOWN),
                "",
            ));
            content_type = content_type::UNKNOWN;
        }
        files.push(FlashFileEntry {
            name: input.name.clone(),
            raw_name: input.name.clone().into_bytes(),
            content_type: content_type.to_owned(),
            modified: if options.one_date {
                options.made
            } else {
                input.modified
            },
            offset,
            size: input.bytes.len() as u32,
        });
        offset += input.bytes.len() as u32;
    }
    let mut bytes = Vec::with_capacity(total as usize);
    bytes.extend_from_slice(&MAGIC);
    for word in [1, files.len() as u32, total as u32, 0, options.made] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.resize(HEADER, 0);
    for file in &files {
        let start = bytes.len();
        bytes.extend_from_slice(&file.raw_name);
        bytes.resize(start + 32, 0);
        for word in [file.modified, file.size, file.offset, 0] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(file.content_type.as_bytes());
        bytes.resize(start + FILE_INFO, 0);
    }
    for input in inputs {
        bytes.extend_from_slice(&input.bytes);
    }
    let crc32 = crc32fast::hash(&bytes);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc32.to_le_bytes());
    Ok(BuiltFlashFile {
        bytes,
        files,
        notes: problems,
    })
}

/// Where the header has its CRC-32, which is computed with these bytes 0.
const CRC_AT: usize = 16;

fn check_names(inputs: &[FlashFileInput]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = HashSet::with_capacity(inputs.len());
    for FlashFileInput { name, .. } in inputs {
        let shown = name.escape_debug();
        let reason = if name.is_empty() {
            Some("A name has at least one character".to_owned())
        } else if name.chars().any(char::is_control) {
            Some(format!("“{shown}” contains a control character"))
        } else if name.len() > TEXT_LIMIT {
            Some(format!(
                "“{shown}” is {} bytes long, and an entry holds {TEXT_LIMIT}",
                name.len()
            ))
        } else if !seen.insert(name) {
            Some(format!(
                "“{shown}” is there twice; only the first could be found"
            ))
        } else {
            None
        };
        problems.extend(reason.map(|reason| Problem::error(place(name), reason, "Rename it")));
    }
    problems
}

/// Reads header and file entries. Sums and bounds are [`verify`]'s to judge.
///
/// # Errors
/// [`FormatError::NotThis`] for other bytes, [`FormatError::Damaged`] when the list of files is cut off.
pub fn read(image: &[u8]) -> Result<FlashFile, FormatError> {
    if image.get(..4) != Some(&MAGIC) {
        return Err(FormatError::not_this(
            WHAT,
            "its first four bytes are not 63 77 91 E0",
        ));
    }
    let header = image
        .get(..HEADER)
        .ok_or_else(|| FormatError::damaged(WHAT, image.len() as u64, "the header is cut off"))?;
    let version = word(header, 4);
    if version > 1 {
        return Err(FormatError::not_this(
            WHAT,
            format!("version {version} is newer than what is known"),
        ));
    }
    let count = word(header, 8) as usize;
    let list = count
        .checked_mul(FILE_INFO)
        .and_then(|size| image.get(HEADER..HEADER.checked_add(size)?))
        .ok_or_else(|| {
            FormatError::damaged(
                WHAT,
                image.len() as u64,
                format!("the list of {count} files is cut off"),
            )
        })?;
    let files = list
        .chunks_exact(FILE_INFO)
        .map(|info| FlashFileEntry {
            name: String::from_utf8_lossy(text(&info[..32])).into_owned(),
            raw_name: text(&info[..32]).to_vec(),
            content_type: String::from_utf8_lossy(text(&info[48..])).into_owned(),
            modified: word(info, 32),
            size: word(info, 36),
            offset: word(info, 40),
        })
        .collect();
    Ok(FlashFile {
        version,
        total_size: word(header, 12),
        crc32: word(header, CRC_AT),
        made: word(header, 20),
        files,
    })
}

/// Everything that is wrong with an image: its length, its sum, entries that leave it, names that hide each other.
pub fn verify(image: &[u8]) -> Vec<Problem> {
    let file = match read(image) {
        Ok(file) => file,
        Err(error) => return vec![Problem::error(place(""), error.to_string(), "")],
    };
    let mut problems = Vec::new();
    let total = file.total_size as usize;
    match image.get(..total) {
        Some(whole) if total >= HEADER + file.files.len() * FILE_INFO => {
            let found = crc_of(whole);
            if found != file.crc32 {
                problems.push(Problem::error(
                    place(""),
                    format!(
                        "The CRC-32 of the image is {found:08x} and its header has {:08x}",
                        file.crc32
                    ),
                    "Write the image again, or pack it anew from its files",
                ));
            }
        }
        Some(_) => problems.push(Problem::error(
            place(""),
            format!("A length of {total} bytes cannot hold its list of files"),
            "",
        )),
        None => problems.push(Problem::error(
            place(""),
            format!(
                "The image should have {total} bytes and {} are there",
                image.len()
            ),
            "Read or copy it again",
        )),
    }
    if file.total_size > SECTOR_LIMIT {
        problems.push(Problem::warning(
            place(""),
            format!(
                "With {} the image is larger than the Electron's sector",
                human_size(u64::from(file.total_size))
            ),
            "Remove files",
        ));
    }
    let mut seen = HashSet::new();
    for entry in &file.files {
        let end = u64::from(entry.offset) + u64::from(entry.size);
        if end > u64::from(file.total_size) || (entry.offset as usize) < HEADER {
            problems.push(Problem::error(
                place(&entry.name),
                format!(
                    "“{}” reaches from {} to {}, outside the image",
                    entry.name,
                    hex(entry.offset),
                    hex(end)
                ),
                "",
            ));
        }
        if !seen.insert(&entry.raw_name) {
            problems.push(Problem::warning(
                place(&entry.name),
                format!(
                    "“{}” is there twice; only the first is ever found",
                    entry.name
                ),
                "",
            ));
        }
    }
    problems
}

/// The bytes of a file; of several with one name, the first, as on the device.
///
/// # Errors
/// [`FormatError::NotFound`], or [`FormatError::Damaged`] when it reaches outside the image.
pub fn extract<'a>(image: &'a [u8], name: &str) -> Result<&'a [u8], FormatError> {
    let file = read(image)?;
    let entry = file
        .files
        .iter()
        .find(|entry| entry.raw_name == name.as_bytes())
        .ok_or_else(|| FormatError::not_found(WHAT, name))?;
    bytes_of(image, entry).ok_or_else(|| {
        FormatError::damaged(
            WHAT,
            u64::from(entry.offset),
            format!("“{name}” reaches outside the image"),
        )
    })
}

/// The bytes of an entry, if they are all there.
pub fn bytes_of<'a>(image: &'a [u8], entry: &FlashFileEntry) -> Option<&'a [u8]> {
    let start = entry.offset as usize;
    image.get(start..start.checked_add(entry.size as usize)?)
}

fn crc_of(image: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&image[..CRC_AT]);
    hasher.update(&[0; 4]);
    hasher.update(&image[CRC_AT + 4..]);
    hasher.finalize()
}

fn place(path: &str) -> Place {
    Place::File {
        partition: String::new(),
        path: path.to_owned(),
    }
}

/// A little-endian word of a structure whose length was checked.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|raw| raw.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
