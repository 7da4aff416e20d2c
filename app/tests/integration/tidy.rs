//! The house rules that no lint knows: which folder may use which, and who may touch the disk or start a thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder of `app/src` and the folders that it may name.
const ARROWS: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("formats", &["model"]),
    ("device", &["model"]),
    ("device/practice", &["model", "formats", "device"]),
    ("engine", &["model", "formats", "device"]),
    ("store", &["model", "formats"]),
    (
        "cli",
        &["model", "formats", "engine", "store", "device/practice"],
    ),
    ("ui", &["model", "formats", "engine", "store"]),
];

/// Words that only these places may use.
const FENCED: [(&str, &[&str]); 8] = [
    ("espflash", &["device/"]),
    ("serialport", &["device/"]),
    ("egui", &["ui/", "ui.rs"]),
    ("rfd", &["ui/file_dialog.rs"]),
    (
        "std::fs",
        &[
            "store/",
            "cli/resolve.rs",
            "engine/load.rs",
            "device/practice/flash_file.rs",
            // What the system tells of a port: /proc and /etc.
            "device/port_owner.rs",
        ],
    ),
    (
        "thread::Builder",
        &[
            "engine/worker.rs",
            "device/practice/board.rs",
            "ui/file_dialog.rs",
            // Standard input cannot be waited for in another way on every system.
            "cli/keyboard.rs",
        ],
    ),
    ("thread::spawn", &[]),
    // Keeps saved bytes in memory only; a front end says `start_in`.
    ("Worker::start", &[]),
];

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_string_lossy()
                    .replace('\\', "/");
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(found.len() > 40, "the sources were not found");
    found
}

/// The lines of a file that ship: no comments, and nothing from its test module on.
fn shipped(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn folder_of(file: &str) -> Option<&'static str> {
    ARROWS
        .iter()
        .map(|(folder, _)| *folder)
        .filter(|folder| file.starts_with(&format!("{folder}/")) || file == format!("{folder}.rs"))
        .max_by_key(|folder| folder.len())
}

#[test]
fn folders_name_only_what_they_may() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        let Some(folder) = folder_of(&file) else {
            continue;
        };
        let (_, allowed) = ARROWS.iter().find(|(name, _)| *name == folder).unwrap();
        for (number, line) in shipped(&text) {
            for (named, _) in ARROWS {
                let path = format!("crate::{}", named.replace('/', "::"));
                let names_it = line.match_indices(&path).any(|(at, _)| {
                    !line[at + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                });
                // `device::practice` is more than `device`: it counts as itself only.
                let is_deeper = named == "device" && line.contains("crate::device::practice");
                let same = folder == named || folder.starts_with(&format!("{named}/"));
                let inside = named.starts_with(&format!("{folder}/"));
                let practice = named == "device/practice" && allowed.contains(&"device");
                let may = is_deeper || same || inside || practice || allowed.contains(&named);
                if names_it && !may {
                    broken.push(format!("{file}:{number}: {folder} may not name {named}"));
                }
            }
        }
    }
    assert!(
        broken.is_empty(),
        "arrows between folders are broken:\n{}",
        broken.join("\n")
    );
}

#[test]
fn fenced_words_stay_inside_their_fences() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        for (number, line) in shipped(&text) {
            for (word, places) in FENCED {
                let found = line.match_indices(word).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + word.len()..].chars().next();
                    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                    !part(before) && !part(after) && !inside_text(line, at)
                });
                if found && !places.iter().any(|place| file.starts_with(place)) {
                    broken.push(format!("{file}:{number}: {word} is not used here"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Whether a position of a line is inside a string literal.
fn inside_text(line: &str, at: usize) -> bool {
    line[..at].matches('"').count() % 2 == 1
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let marks = [
        "todo!",
        "unimplemented!",
        "TODO",
        "FIXME",
        "#[ignore",
        "HACK",
    ];
    let mut left = Vec::new();
    for (file, text) in sources() {
        for (index, line) in text.lines().enumerate() {
            // The typeface Hack is no mark.
            let line = line.replace("HACK_REGULAR", "");
            if marks.iter().any(|mark| line.contains(mark)) {
                left.push(format!("{file}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn files_stay_small_enough_to_read_in_one_sitting() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(file, text)| (shipped(&text).count(), file))
        .filter(|(lines, _)| *lines > 600)
        .map(|(lines, file)| format!("{file}: {lines} lines without comments and tests"))
        .collect();
    assert!(
        long.is_empty(),
        "which second thing lives there?\n{}",
        long.join("\n")
    );
}
