//! MicroPython's ROMFS: a read-only tree of files that is used where it lies in flash.
//!
//! The facts are in MicroPython's `extmod/vfs_rom.c` and in `mpremote`, whose images ours equal byte for byte: records of
//! a kind, a length and a payload; numbers big-endian in groups of seven bits. Unknown records are skipped, as the
//! format asks. Compiling `.py` files is not done here.

use std::collections::BTreeSet;

use super::file_tree::{FileEntry, FileNode, join, total_size};
use super::format_error::FormatError;
use crate::model::number::human_size;
use crate::model::problem::{Place, Problem, any_error};

/// First bytes of an image: the kind of its one record, “RM1” with two high bits set.
pub const MAGIC: [u8; 3] = [0xD2, 0xCD, 0x31];

const WHAT: &str = "ROMFS image";
const UNUSED: u64 = 0;
const VERBATIM: u64 = 2;
const POINTER: u64 = 3;
const DIRECTORY: u64 = 4;
const FILE: u64 = 5;

/// Folders nest no deeper, neither when built nor when read.
const MAX_DEPTH: usize = 64;
/// Files and folders that are read at most.
const MAX_LISTED: usize = 100_000;

/// A file or folder of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RomfsFile {
    /// The bytes of the name.
    pub raw_name: Vec<u8>,
    pub node: RomfsNode,
    /// Bytes in and directly behind the entry that carry nothing: padding and records of unknown kinds.
    pub wasted: usize,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RomfsNode {
    /// Where the data lies, in bytes from the start of the image; it is inside.
    File {
        offset: usize,
        size: usize,
    },
    Folder(Vec<RomfsFile>),
}

impl RomfsFile {
    /// The name for people; what is not UTF-8 is U+FFFD.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.raw_name).into_owned()
    }
}

/// Builds an image; names are sorted in each folder, as `mpremote` sorts them.
///
/// # Errors
/// Names that cannot be looked up, duplicates, and an image larger than `limit`; all at once.
pub fn build(entries: &[FileEntry], limit: Option<u32>) -> Result<Vec<u8>, Vec<Problem>> {
    let mut problems = Vec::new();
    check_names(entries, "", 0, &mut problems);
    if any_error(&problems) {
        return Err(problems);
    }
    let room = u64::from(limit.unwrap_or(u32::MAX));
    let too_large = |needed: u64| {
        vec![Problem::error(
            place(""),
            format!(
                "The files need {} and the partition has {}",
                human_size(needed),
                human_size(room)
            ),
            format!(
                "Remove at least {}, or make the partition larger",
                human_size(needed - room)
            ),
        )]
    };
    let payload_size = total_size(entries);
    if payload_size > room {
        return Err(too_large(payload_size));
    }
    let mut payload = Vec::with_capacity(payload_size as usize + 32 * entries.len());
    write_folder(entries, &mut payload);
    let mut length = Vec::new();
    push_number(&mut length, payload.len() as u64);
    // The size of the whole must be even; a leading 80 adds a byte and no value.
    if (MAGIC.len() + length.len() + payload.len()) % 2 == 1 {
        length.insert(0, 0x80);
    }
    let image = [&MAGIC[..], &length, &payload].concat();
    if image.len() as u64 > room {
        Err(too_large(image.len() as u64))
    } else {
        Ok(image)
    }
}

fn check_names(entries: &[FileEntry], folder: &str, depth: usize, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for entry in entries {
        let shown = entry.name.escape_debug();
        let path = join(folder, &entry.name);
        let reason = if entry.name.is_empty() {
            Some("A name has at least one character".to_owned())
        } else if entry.name.chars().any(char::is_control) {
            Some(format!("“{shown}” contains a control character"))
        } else if entry.name.contains('/') {
            Some(format!(
                "“{shown}” contains a slash, which leads into a folder"
            ))
        } else if matches!(entry.name.as_str(), "." | "..") {
            Some(format!("“{shown}” means a folder"))
        } else if !seen.insert(&entry.name) {
            Some(format!(
                "“{shown}” is there twice; only the first could be found"
            ))
        } else if depth + 1 >= MAX_DEPTH && matches!(entry.node, FileNode::Folder(_)) {
            Some(format!("Folders nest more than {MAX_DEPTH} deep here"))
        } else {
            None
        };
        let sound = reason.is_none();
        problems.extend(
            reason.map(|reason| Problem::error(place(&path), reason, "Rename or remove it")),
        );
        if let FileNode::Folder(inner) = &entry.node
            && sound
        {
            check_names(inner, &path, depth + 1, problems);
        }
    }
}

fn write_folder(entries: &[FileEntry], into: &mut Vec<u8>) {
    let mut sorted: Vec<&FileEntry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in sorted {
        let mut payload = Vec::new();
        push_number(&mut payload, entry.name.len() as u64);
        payload.extend_from_slice(entry.name.as_bytes());
        match &entry.node {
            FileNode::File(bytes) => {
                push_number(&mut payload, VERBATIM);
                push_number(&mut payload, bytes.len() as u64);
                push_number(into, FILE);
                push_number(into, (payload.len() + bytes.len()) as u64);
                into.extend_from_slice(&payload);
                into.extend_from_slice(bytes);
            }
            FileNode::Folder(inner) => {
                write_folder(inner, &mut payload);
                push_number(into, DIRECTORY);
                push_number(into, payload.len() as u64);
                into.extend_from_slice(&payload);
            }
        }
    }
}

fn push_number(into: &mut Vec<u8>, value: u64) {
    for group in (1..10).rev() {
        if value >> (7 * group) != 0 {
            into.push(0x80 | (value >> (7 * group)) as u8 & 0x7F);
        }
    }
    into.push(value as u8 & 0x7F);
}

/// Reads the tree of an image, which may be followed by anything.
///
/// # Errors
/// [`FormatError::NotThis`] for other bytes; [`FormatError::Damaged`] for a record that leaves its parent, data that
/// leaves the image, an unused record among used ones, or a tree without end.
pub fn read(image: &[u8]) -> Result<Vec<RomfsFile>, FormatError> {
    if image.get(..3) != Some(&MAGIC) {
        return Err(FormatError::not_this(
            WHAT,
            "its first three bytes are not D2 CD 31",
        ));
    }
    let mut cursor = Cursor {
        image,
        at: MAGIC.len(),
        end: image.len(),
    };
    let length = cursor.number()?;
    let end = cursor.span(length)?;
    let payload = cursor.at;
    let mut reader = Reader {
        image,
        payload,
        payload_end: end,
        left: MAX_LISTED,
    };
    reader.folder(payload, end, 0)
}

/// Bytes of the image itself, without what follows it.
///
/// # Errors
/// As [`read`], for the header only.
pub fn image_len(image: &[u8]) -> Result<usize, FormatError> {
    if image.get(..3) != Some(&MAGIC) {
        return Err(FormatError::not_this(
            WHAT,
            "its first three bytes are not D2 CD 31",
        ));
    }
    let mut cursor = Cursor {
        image,
        at: MAGIC.len(),
        end: image.len(),
    };
    let length = cursor.number()?;
    cursor.span(length)
}

/// The bytes of a file.
///
/// # Errors
/// As [`read`], and [`FormatError::NotFound`].
pub fn extract<'a>(image: &'a [u8], path: &str) -> Result<&'a [u8], FormatError> {
    let mut files = read(image)?;
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    loop {
        let (name, deeper) = rest
            .split_once('/')
            .map_or((rest, None), |(name, deeper)| (name, Some(deeper)));
        let found = files
            .into_iter()
            .find(|file| file.raw_name == name.as_bytes());
        match (found.map(|file| file.node), deeper) {
            (Some(RomfsNode::File { offset, size }), None) => {
                return Ok(image.get(offset..offset + size).unwrap_or_default());
            }
            (Some(RomfsNode::Folder(inner)), Some(deeper)) => (files, rest) = (inner, deeper),
            _ => return Err(FormatError::not_found(WHAT, path)),
        }
    }
}

struct Reader<'a> {
    image: &'a [u8],
    /// Where the payload starts: pointers count from here.
    payload: usize,
    payload_end: usize,
    left: usize,
}

impl Reader<'_> {
    fn folder(
        &mut self,
        start: usize,
        end: usize,
        depth: usize,
    ) -> Result<Vec<RomfsFile>, FormatError> {
        if depth >= MAX_DEPTH {
            return Err(FormatError::damaged(
                WHAT,
                start as u64,
                format!("folders nest more than {MAX_DEPTH} deep"),
            ));
        }
        let mut files = Vec::new();
        let mut cursor = Cursor {
            image: self.image,
            at: start,
            end,
        };
        let mut begin = cursor.at;
        while let Some((kind, at, end)) = cursor.record()? {
            let record = std::mem::replace(&mut begin, end);
            if kind != DIRECTORY && kind != FILE {
                if let Some(RomfsFile { wasted, .. }) = files.last_mut() {
                    *wasted += end - record;
                }
                continue;
            }
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                FormatError::damaged(WHAT, at as u64, format!("more than {MAX_LISTED} entries"))
            })?;
            let mut inside = Cursor {
                image: self.image,
                at,
                end,
            };
            let name_len = inside.number()?;
            let name_end = inside.span(name_len)?;
            let raw_name = self
                .image
                .get(inside.at..name_end)
                .unwrap_or_default()
                .to_vec();
            let (node, wasted) = if kind == DIRECTORY {
                (RomfsNode::Folder(self.folder(name_end, end, depth + 1)?), 0)
            } else {
                self.file(name_end, end)?
            };
            files.push(RomfsFile {
                raw_name,
                node,
                wasted,
            });
        }
        Ok(files)
    }

    /// The first data record decides; the rest of the file's record is wasted.
    fn file(&self, start: usize, file_end: usize) -> Result<(RomfsNode, usize), FormatError> {
        let mut cursor = Cursor {
            image: self.image,
            at: start,
            end: file_end,
        };
        let mut begin = start;
        while let Some((kind, at, end)) = cursor.record()? {
            let wasted = begin - start + (file_end - end);
            begin = end;
            if kind == VERBATIM {
                let node = RomfsNode::File {
                    offset: at,
                    size: end - at,
                };
                return Ok((node, wasted));
            }
            if kind == POINTER {
                let mut pointer = Cursor {
                    image: self.image,
                    at,
                    end,
                };
                let (size, offset) = (pointer.number()?, pointer.number()?);
                let mut data = Cursor {
                    image: self.image,
                    at: self.payload,
                    end: self.payload_end,
                };
                data.at = data.span(offset)?;
                let end = data.span(size)?;
                let node = RomfsNode::File {
                    offset: data.at,
                    size: end - data.at,
                };
                return Ok((node, wasted));
            }
        }
        Err(FormatError::damaged(
            WHAT,
            start as u64,
            "a file has no data",
        ))
    }
}

/// A place in the image, and the end that it must not pass.
struct Cursor<'a> {
    image: &'a [u8],
    at: usize,
    end: usize,
}

impl Cursor<'_> {
    fn number(&mut self) -> Result<u64, FormatError> {
        let mut value = 0u64;
        loop {
            let byte = self
                .image
                .get(self.at)
                .filter(|_| self.at < self.end)
                .ok_or_else(|| self.cut())?;
            if value >> 57 != 0 {
                return Err(FormatError::damaged(
                    WHAT,
                    self.at as u64,
                    "a number has more than 64 bits",
                ));
            }
            value = value << 7 | u64::from(byte & 0x7F);
            self.at += 1;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    /// One past so many bytes from here.
    fn span(&self, size: u64) -> Result<usize, FormatError> {
        let end = usize::try_from(size)
            .ok()
            .and_then(|size| self.at.checked_add(size));
        end.filter(|end| *end <= self.end).ok_or_else(|| self.cut())
    }

    /// Kind, start and end of the next record's payload; `None` at the end.
    fn record(&mut self) -> Result<Option<(u64, usize, usize)>, FormatError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let kind = self.number()?;
        if kind == UNUSED {
            return Err(FormatError::damaged(
                WHAT,
                self.at as u64,
                "an unused record lies among used ones",
            ));
        }
        let length = self.number()?;
        let start = self.at;
        self.at = self.span(length)?;
        Ok(Some((kind, start, self.at)))
    }

    fn cut(&self) -> FormatError {
        FormatError::damaged(
            WHAT,
            self.at as u64,
            "a record reaches past the end of its parent",
        )
    }
}

fn place(path: &str) -> Place {
    Place::File {
        partition: String::new(),
        path: path.to_owned(),
    }
}
