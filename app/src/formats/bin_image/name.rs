//! Which names a Bin can hold, and a short name for those that it cannot.
//!
//! The reader compares 8 stored bytes, stripped of spaces, NUL and FF at both ends; so a name that is longer, or
//! that has such bytes at an end, would be stored but never found. Control characters are refused because nothing
//! may sort before the index `!`.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use device_agent::bin_image::{INDEX_NAME, MAX_DEPTH, NAME_SIZE, strip};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::model::problem::Problem;

use super::super::file_tree::join;
use super::{BinEntry, BinNode, BinOptions};

/// Whether a Bin can hold this name, `/` left aside.
///
/// # Errors
/// One sentence that says what the reader would do with it.
pub fn check_name(name: &str) -> Result<(), String> {
    let shown = name.escape_debug();
    if name.is_empty() {
        return Err("A name has at least one character".to_owned());
    }
    if name.chars().any(char::is_control) {
        return Err(format!("“{shown}” contains a control character"));
    }
    if name.starts_with(' ') || name.ends_with(' ') {
        return Err(format!(
            "“{shown}” has a space at an end, which the reader strips, so it would never be found"
        ));
    }
    if name.as_bytes() == strip(&INDEX_NAME) {
        return Err("“!” is the name of the index of every image".to_owned());
    }
    if name == "." || name == ".." {
        return Err(format!(
            "“{shown}” means a folder, so it could not be unpacked"
        ));
    }
    if name.len() > NAME_SIZE {
        return Err(too_long(name));
    }
    if !is_nfc(name) {
        return Err(format!(
            "“{shown}” is spelled with combining characters, so the usual spelling would not find it"
        ));
    }
    Ok(())
}

fn too_long(name: &str) -> String {
    format!(
        "“{}” is {} bytes long, and an entry holds {NAME_SIZE}",
        name.escape_debug(),
        name.len()
    )
}

/// A name of at most 8 bytes for a file called `long`, free of what [`check_name`] refuses and not in `taken`.
///
/// The extension is kept where there is room; a number makes it unique.
pub fn propose_short_name(long: &str, taken: &BTreeSet<String>) -> String {
    let last = long
        .rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or(long);
    let clean: String = last
        .nfc()
        .filter(|character| !character.is_control())
        .collect();
    let clean = clean.trim_matches(' ');
    let (stem, extension) = match clean.rsplit_once('.') {
        // An extension of more than 4 bytes would leave next to nothing of the name.
        Some((stem, extension)) if !stem.is_empty() && (1..=4).contains(&extension.len()) => {
            (stem, format!(".{extension}"))
        }
        _ => (clean, String::new()),
    };
    let stem = if stem.is_empty() || matches!(stem, "!" | "." | "..") {
        "file"
    } else {
        stem
    };
    let numbered = (0u32..).map(|number| {
        let suffix = if number == 0 {
            extension.clone()
        } else {
            format!("{number}{extension}")
        };
        // With many files of one name the number needs the place of the extension.
        let suffix = if suffix.len() < NAME_SIZE {
            suffix
        } else {
            number.to_string()
        };
        let head = cut_at_character(stem, NAME_SIZE.saturating_sub(suffix.len()));
        format!("{}{suffix}", head.trim_end_matches([' ', '.']))
    });
    // Numbers of up to 8 digits fit, so one of them is free in any list that fits into memory.
    numbered
        .take(100_000_000)
        .find(|name| check_name(name).is_ok() && !taken.contains(name))
        .unwrap_or_default()
}

/// The longest start of `text` that has at most `len` bytes and no part of a character.
pub(super) fn cut_at_character(text: &str, len: usize) -> &str {
    let mut end = len.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The 8 bytes that stand in the directory for an entry's name.
pub(super) fn stored(name: &str, options: &BinOptions) -> [u8; NAME_SIZE] {
    let bytes = if options.compat {
        name.as_bytes()
    } else {
        cut_at_character(name, NAME_SIZE).as_bytes()
    };
    let mut stored = [0; NAME_SIZE];
    for (to, from) in stored.iter_mut().zip(bytes) {
        *to = *from;
    }
    stored
}

/// A name as the image has it: as typed where it fits, else what was left of it.
pub(super) fn as_stored(name: &str, stored: [u8; NAME_SIZE]) -> Cow<'_, str> {
    if name.len() <= NAME_SIZE {
        return Cow::Borrowed(name);
    }
    let end = stored
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    Cow::Owned(String::from_utf8_lossy(stored.get(..end).unwrap_or_default()).into_owned())
}

/// Everything that is wrong with the names of a tree.
pub(super) fn check_tree(entries: &[BinEntry], options: &BinOptions) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_folder(entries, options, "", 0, &mut problems);
    problems
}

fn check_folder(
    entries: &[BinEntry],
    options: &BinOptions,
    folder: &str,
    depth: usize,
    problems: &mut Vec<Problem>,
) {
    let mut seen: HashMap<[u8; NAME_SIZE], &str> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let path = || join(folder, &entry.name);
        if let Err((message, help)) = check_entry_name(&entry.name, options) {
            problems.push(Problem::error(options.place(&path()), message, help));
        }
        let stored = stored(&entry.name, options);
        if let Some(first) = seen.insert(stored, &entry.name)
            && !(options.compat && options.cut_names)
        {
            let message = if first == entry.name {
                format!(
                    "“{}” is there twice; only the first could be found",
                    entry.name
                )
            } else {
                format!(
                    "“{first}” and “{}” have the same first {NAME_SIZE} bytes; only the first could be found",
                    entry.name
                )
            };
            problems.push(Problem::error(
                options.place(&path()),
                message,
                "Rename or remove one of them",
            ));
        }
        if let BinNode::Folder(inner) = &entry.node {
            if depth + 1 >= MAX_DEPTH {
                problems.push(Problem::error(
                    options.place(&path()),
                    format!("Folders nest more than {MAX_DEPTH} deep here"),
                    "Move the folder up",
                ));
            } else {
                check_folder(inner, options, &path(), depth + 1, problems);
            }
        }
    }
}

fn check_entry_name(name: &str, options: &BinOptions) -> Result<(), (String, &'static str)> {
    const SHORTEN: &str = "Rename it, or accept a shorter name";
    if options.compat && options.cut_names {
        // What the seed's script does with it is what was asked for.
        return Ok(());
    }
    if options.compat {
        return check_typed_name(name)
            .map_err(|message| (message, "Rename it, or cut names as the seed does"));
    }
    let judged = if options.cut_names {
        cut_at_character(name, NAME_SIZE)
    } else {
        name
    };
    check_name(judged).map_err(|message| (message, SHORTEN))?;
    if name.contains('/') && !options.slash_in_names {
        return Err((
            format!("“{name}” contains a slash"),
            "Pack a folder instead, or allow slashes in names",
        ));
    }
    Ok(())
}

/// A name exactly as typed: refused only where the seed's reader would lose it.
fn check_typed_name(name: &str) -> Result<(), String> {
    let shown = name.escape_debug();
    if name.is_empty() {
        Err("A name has at least one character".to_owned())
    } else if name.len() > NAME_SIZE {
        Err(too_long(name))
    } else if strip(name.as_bytes()) != name.as_bytes() {
        Err(format!(
            "“{shown}” has a space or NUL at an end, which the reader strips, so it would never be found"
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, fine: bool) {
        assert_eq!(
            check_name(name).is_ok(),
            fine,
            "{name:?}: {:?}",
            check_name(name)
        );
    }

    #[test]
    fn names_that_the_reader_would_lose_are_refused() {
        for name in [
            "a", "eightchr", "f001.txt", "!a", "a b", "größe", "日本", "sub/x", "-", "..a",
        ] {
            check(name, true);
        }
        for name in [
            "",
            "ninechars",
            " a",
            "a ",
            "a\0",
            "\ta",
            "a\u{7f}",
            "\u{85}",
            "!",
            ".",
            "..",
            "日本語",
            "u\u{308}",
        ] {
            check(name, false);
        }
    }

    #[track_caller]
    fn check_proposal(long: &str, taken: &[&str], expected: &str) {
        let taken = taken.iter().map(|name| (*name).to_owned()).collect();
        let name = propose_short_name(long, &taken);
        assert_eq!(name, expected, "{long}");
        assert_eq!(check_name(&name), Ok(()));
    }

    #[test]
    fn proposed_names_are_short_and_free() {
        check_proposal("index.html", &[], "ind.html");
        check_proposal("photo.png", &[], "phot.png");
        check_proposal("photo.png", &["phot.png", "pho1.png"], "pho2.png");
        check_proposal("some/folder/measurements", &[], "measurem");
        check_proposal("日本語.txt", &[], "日.txt");
        check_proposal("u\u{308}.txt", &[], "ü.txt");
        check_proposal("  x  ", &[], "x");
        check_proposal("a  long name", &[], "a  long");
        check_proposal("", &[], "file");
        check_proposal("!", &[], "file");
        check_proposal(".gitignore", &[], ".gitigno");
        check_proposal("archive.tar.extension", &[], "archive");
    }

    #[test]
    fn numbers_never_run_out() {
        let mut taken = BTreeSet::new();
        for _ in 0..1200 {
            let name = propose_short_name("photo of the cat.jpeg", &taken);
            assert!(taken.insert(name));
        }
    }
}
