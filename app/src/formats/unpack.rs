//! Takes an image apart into files with paths that are safe to create on any computer.
//!
//! Names in an image are bytes from anywhere: `../x`, `/etc/passwd`, `CON`, a cut character. None of them reaches a file
//! system as it is. A name is kept where it is harmless; a harmful part is written as `%` and two digits, as in a web
//! address, so that nothing is lost and nothing escapes. Writing to disk is done elsewhere.

use std::collections::HashMap;

use super::bin_read::{self, BinFile};
use super::flash_file;
use super::format_error::FormatError;
use super::recognise::{Kind, recognise};
use super::romfs::{self, RomfsFile, RomfsNode};
use crate::model::number::human_size;
use crate::model::problem::{Place, Problem, Severity};

/// Longest name of a file or folder, in bytes; what every common file system takes.
const LONGEST_NAME: usize = 255;

/// An image that was taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked<'a> {
    pub kind: Kind,
    /// In the order of the image.
    pub files: Vec<UnpackedFile<'a>>,
    /// Folders without files, which would be lost otherwise; relative, with `/`.
    pub empty_folders: Vec<String>,
    /// Names that were changed, and files that could not be taken out.
    pub problems: Vec<Problem>,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpackedFile<'a> {
    /// Relative, with `/` between folders: no empty part, no `.` or `..`, nothing that a file system takes for
    /// something else, and no two that differ in case only.
    pub path: String,
    pub bytes: &'a [u8],
}

/// Takes an image apart: a Bin, a flash-file image or a ROMFS, whichever it is.
///
/// # Errors
/// [`FormatError::NotThis`] for anything else, [`FormatError::Damaged`] when its directory cannot be read.
pub fn unpack(image: &[u8]) -> Result<Unpacked<'_>, FormatError> {
    let found = recognise(image);
    let mut sheet = Sheet::new(image);
    match found.kind {
        Kind::Bin => {
            let listing = bin_read::list(image)?;
            sheet.problems = listing.problems;
            sheet.bin(&listing.files, "");
        }
        Kind::FlashFile => {
            for entry in flash_file::read(image)?.files {
                let path = safe_path(&entry.raw_name);
                sheet.file(&path, &entry.raw_name, flash_file::bytes_of(image, &entry));
            }
        }
        Kind::Romfs => sheet.romfs(&romfs::read(image)?, ""),
        // An erased partition is an empty Bin.
        Kind::Empty | Kind::Erased => {}
        other => {
            let why = format!("it is recognised as {}", other.name());
            return Err(FormatError::not_this("container that can be unpacked", why));
        }
    }
    Ok(Unpacked {
        kind: found.kind,
        files: sheet.files,
        empty_folders: sheet.empty_folders,
        problems: sheet.problems,
    })
}

/// What was taken out so far.
struct Sheet<'a> {
    image: &'a [u8],
    files: Vec<UnpackedFile<'a>>,
    empty_folders: Vec<String>,
    problems: Vec<Problem>,
    /// Paths in lower case, files and folders alike, because many file systems see no difference.
    taken: HashMap<String, Taken>,
    /// The number that a path, as a file or as a folder, was last told apart by.
    numbers: HashMap<(String, bool), u32>,
    /// Bytes of all files so far.
    total: u64,
    /// Whether files were left out because together they are too large.
    overfull: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    File,
    Folder,
}

impl<'a> Sheet<'a> {
    fn new(image: &'a [u8]) -> Self {
        Self {
            image,
            files: Vec::new(),
            empty_folders: Vec::new(),
            problems: Vec::new(),
            taken: HashMap::new(),
            numbers: HashMap::new(),
            total: 0,
            overfull: false,
        }
    }

    fn bin(&mut self, files: &[BinFile], folder: &str) {
        for file in files {
            let path = under(folder, &safe_path(&file.label));
            if let Some(children) = &file.children {
                self.folder(&path, children.is_empty());
                self.bin(children, &path);
            } else {
                let start = file.offset as usize;
                let bytes = self
                    .image
                    .get(start..start.saturating_add(file.size as usize));
                // What reaches outside was said by the list already.
                if bytes.is_some() {
                    self.file(&path, &file.label, bytes);
                }
            }
        }
    }

    fn romfs(&mut self, files: &[RomfsFile], folder: &str) {
        for file in files {
            let path = under(folder, &safe_path(&file.raw_name));
            match &file.node {
                RomfsNode::Folder(children) => {
                    self.folder(&path, children.is_empty());
                    self.romfs(children, &path);
                }
                RomfsNode::File { offset, size } => {
                    let bytes = self.image.get(*offset..offset.saturating_add(*size));
                    self.file(&path, &file.raw_name, bytes);
                }
            }
        }
    }

    fn folder(&mut self, path: &str, is_empty: bool) {
        // Other folders are made when their files come.
        if is_empty {
            let free = self.free_path(path, Taken::Folder);
            self.take(&free, Taken::Folder);
            self.empty_folders.push(free);
        }
    }

    fn file(&mut self, path: &str, raw_name: &[u8], bytes: Option<&'a [u8]>) {
        let Some(bytes) = bytes else {
            self.problem(
                Severity::Error,
                path,
                "This file reaches outside its image, so it was left out".to_owned(),
            );
            return;
        };
        self.total += bytes.len() as u64;
        // In an honest image no byte belongs to two files; a hostile one could fill a disk by sharing.
        if self.total > 2 * self.image.len() as u64 {
            if !self.overfull {
                let size = human_size(self.image.len() as u64);
                self.problem(Severity::Error, path, format!("Files share so many bytes that they are more than twice the image's {size}; the rest was left out"));
            }
            self.overfull = true;
            self.total -= bytes.len() as u64;
            return;
        }
        let free = self.free_path(path, Taken::File);
        if free != path {
            self.problem(
                Severity::Warning,
                path,
                format!(
                    "“{path}” is there twice, or differs in case only; this one is called “{free}”"
                ),
            );
        }
        if !path.as_bytes().ends_with(raw_name) || raw_name.is_empty() {
            let shown = String::from_utf8_lossy(raw_name);
            self.problem(
                Severity::Note,
                path,
                format!(
                    "The name “{}” was made safe as “{path}”",
                    shown.escape_debug()
                ),
            );
        }
        self.take(&free, Taken::File);
        self.files.push(UnpackedFile { path: free, bytes });
    }

    /// The path itself, or the first of `path~2`, `path~3`, … that no file or folder has; the same for its folders.
    fn free_path(&mut self, path: &str, what: Taken) -> String {
        let mut free = String::new();
        let parts: Vec<&str> = path.split('/').collect();
        for (index, part) in parts.iter().enumerate() {
            let is_file = what == Taken::File && index + 1 == parts.len();
            let wanted = under(&free, part);
            let fits = |taken: &HashMap<String, Taken>, candidate: &str| match taken
                .get(&candidate.to_lowercase())
            {
                None => true,
                Some(taken) => !is_file && *taken == Taken::Folder,
            };
            free.clone_from(&wanted);
            while !fits(&self.taken, &free) {
                // Folders of one name share a number, files do not; going on from the last number keeps this quick.
                let number = self
                    .numbers
                    .entry((wanted.to_lowercase(), is_file))
                    .or_insert(1);
                let folder = format!("{wanted}~{number}");
                if *number > 1 && fits(&self.taken, &folder) {
                    free = folder;
                } else {
                    *number += 1;
                    free = format!("{wanted}~{number}");
                }
            }
        }
        free
    }

    fn take(&mut self, path: &str, what: Taken) {
        for (at, _) in path.match_indices('/') {
            self.taken
                .entry(path[..at].to_lowercase())
                .or_insert(Taken::Folder);
        }
        self.taken.insert(path.to_lowercase(), what);
    }

    fn problem(&mut self, severity: Severity, path: &str, message: String) {
        let place = Place::File {
            partition: String::new(),
            path: path.to_owned(),
        };
        self.problems
            .push(Problem::new(severity, place, message, ""));
    }
}

fn under(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// A relative path for a stored name. A name with `/` becomes folders when every part of it is harmless; else it is one
/// file whose `/` are escaped too.
pub fn safe_path(raw: &[u8]) -> String {
    let parts: Vec<&[u8]> = raw.split(|byte| *byte == b'/').collect();
    let harmless = |part: &&[u8]| !matches!(**part, [] | [b'.'] | [b'.', b'.']);
    if parts.iter().all(harmless) {
        parts
            .iter()
            .map(|part| safe_name(part))
            .collect::<Vec<_>>()
            .join("/")
    } else {
        safe_name(raw)
    }
}

/// One name without anything that a file system of Linux, macOS or Windows takes for something else.
fn safe_name(raw: &[u8]) -> String {
    if raw.is_empty() {
        return "%".to_owned();
    }
    let mut name = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for character in chunk.valid().chars() {
            // Marks that change the direction of writing can make `exe.txt` of `txt.exe`.
            let turns = matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
            if character.is_control() || turns || "/\\:*?\"<>|%".contains(character) {
                escape(&mut name, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                name.push(character);
            }
        }
        escape(&mut name, chunk.invalid());
    }
    // Windows drops dots and spaces at the end; `.` and `..` mean folders everywhere.
    if let Some(last @ ('.' | ' ')) = name.chars().last() {
        name.pop();
        escape(&mut name, &[last as u8]);
    }
    if is_device(&name) {
        let first = name.remove(0);
        name = format!("%{:02X}{name}", first as u32);
    }
    if name.len() > LONGEST_NAME {
        let sum = crc32fast::hash(raw);
        let mut end = LONGEST_NAME - 9;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name = format!("{}~{sum:08x}", &name[..end]);
    }
    name
}

fn escape(name: &mut String, bytes: &[u8]) {
    for byte in bytes {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
        ];
        name.extend([
            '%',
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
}

/// Names that Windows keeps for devices, with any extension.
fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            matches!(
                rest,
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        })
    };
    matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::bin_image::{self, BinOptions};
    use crate::formats::file_tree::FileEntry;

    #[track_caller]
    fn check(raw: &[u8], expected: &str) {
        assert_eq!(safe_path(raw), expected);
    }

    #[test]
    fn names_from_anywhere_become_harmless() {
        check(b"readme.txt", "readme.txt");
        check("größe".as_bytes(), "größe");
        check(b"sub/x", "sub/x");
        check(b"../x", "..%2Fx");
        check(b"..", ".%2E");
        check(b".", "%2E");
        check(b"/etc/pw", "%2Fetc%2Fpw");
        check(b"a//b", "a%2F%2Fb");
        check(b"a/../b", "a%2F..%2Fb");
        check(b"", "%");
        check(b"c:\\x", "c%3A%5Cx");
        check(b"a\0b\n", "a%00b%0A");
        check(b"con", "%63on");
        check(b"Com1.txt", "%43om1.txt");
        check(b"console", "console");
        check(b"dot.", "dot%2E");
        check(b"a b ", "a b%20");
        check(b"50%", "50%25");
        check(b"caf\xC3", "caf%C3");
        check("exe\u{202E}txt".as_bytes(), "exe%E2%80%AEtxt");
        assert_eq!(safe_path(&[b'x'; 400]).len(), LONGEST_NAME);
    }

    #[test]
    fn names_that_meet_are_told_apart() {
        let entries = vec![
            FileEntry::file("A", *b"1"),
            FileEntry::file("a", *b"2"),
            FileEntry::file("a/b", *b"3"),
            FileEntry::file("../x", *b"4"),
            FileEntry::folder("empty", vec![]),
        ];
        let options = BinOptions {
            slash_in_names: true,
            ..BinOptions::default()
        };
        let image = bin_image::build(&entries, &options, None).unwrap().bytes;
        let unpacked = unpack(&image).unwrap();
        let paths: Vec<(&str, &[u8])> = unpacked
            .files
            .iter()
            .map(|file| (file.path.as_str(), file.bytes))
            .collect();
        let expected: [(&str, &[u8]); 4] = [
            ("..%2Fx", b"4"),
            ("A", b"1"),
            ("a~2", b"2"),
            ("a~3/b", b"3"),
        ];
        assert_eq!(paths, expected);
        assert_eq!(unpacked.empty_folders, ["empty"]);
        assert_eq!(unpacked.problems.len(), 3);
    }

    #[test]
    fn shared_bytes_do_not_fill_the_disk() {
        let mut image = Vec::new();
        let count = 100u32;
        for number in 0..count {
            image.extend_from_slice(&(16 * (count + 1)).to_le_bytes());
            image.extend_from_slice(&10_000u32.to_le_bytes());
            image.extend_from_slice(format!("f{number:07}").as_bytes());
        }
        image.extend_from_slice(&[0xFF; 16]);
        image.resize(16 * (count as usize + 1) + 10_000, 1);
        let unpacked = unpack(&image).unwrap();
        assert_eq!(unpacked.files.len(), 2);
        assert!(
            unpacked
                .problems
                .iter()
                .any(|problem| problem.severity == Severity::Error)
        );
    }

    #[test]
    fn a_name_that_stands_often_is_told_apart_quickly() {
        let input = |_| flash_file::FlashFileInput {
            name: "same".to_owned(),
            bytes: (*b"x").into(),
            modified: 0,
        };
        let mut inputs: Vec<_> = (0..20_000).map(input).collect();
        for (number, input) in inputs.iter_mut().enumerate() {
            input.name = format!("{number:05}");
        }
        let options = flash_file::FlashFileOptions {
            limit: u32::MAX,
            ..flash_file::FlashFileOptions::default()
        };
        let mut image = flash_file::build(&inputs, &options).unwrap().bytes;
        for number in 0..inputs.len() {
            let at = flash_file::HEADER + number * flash_file::FILE_INFO;
            image[at..at + 5].copy_from_slice(b"same\0");
        }
        let unpacked = unpack(&image).unwrap();
        assert_eq!(unpacked.files.len(), 20_000);
        assert_eq!(unpacked.files[19_999].path, "same~20000");
    }

    #[test]
    fn other_bytes_are_not_unpacked() {
        let error = unpack(b"\x7FELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\0\0\xF3\0").unwrap_err();
        assert!(error.to_string().contains("ELF"), "{error}");
        assert_eq!(unpack(&[0xFF; 4096]).unwrap().files, []);
    }
}
