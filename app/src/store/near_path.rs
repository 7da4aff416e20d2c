//! Paths as a project file spells them: relative to its folder when that reads well, with `/` on every system.
//!
//! All of it is arithmetic on names; the disk is not asked, so that a project can name files that are not there.

use std::path::{Component, Path, PathBuf};

/// How many folders up a relative path may climb; beyond that the absolute path is easier to follow.
const MOST_STEPS_UP: usize = 3;

/// `path`, made absolute, without `.` and with `..` taken away by name.
pub fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut plain = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The path that `spelled` means in a project that lies in `folder`.
pub fn from_spelled(spelled: &str, folder: &Path) -> PathBuf {
    absolute(&folder.join(spelled))
}

/// How a project in `folder` spells `path`; `None` if its name is not text.
pub fn spell(path: &Path, folder: &Path) -> Option<String> {
    let (path, folder) = (absolute(path), absolute(folder));
    let shared = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    let names_shared = path
        .components()
        .take(shared)
        .filter(|part| matches!(part, Component::Normal(_)))
        .count();
    let steps_up = folder.components().count() - shared;
    // A path that shares only the root is somewhere else altogether.
    if steps_up > MOST_STEPS_UP || (steps_up > 0 && names_shared == 0) {
        return path.to_str().map(str::to_owned);
    }
    let mut parts = vec![".."; steps_up];
    for component in path.components().skip(shared) {
        parts.push(component.as_os_str().to_str()?);
    }
    Some(parts.join("/"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, folder: &str, spelled: &str) {
        assert_eq!(
            spell(Path::new(path), Path::new(folder)).as_deref(),
            Some(spelled)
        );
        assert_eq!(from_spelled(spelled, Path::new(folder)), Path::new(path));
    }

    #[test]
    fn near_files_are_relative_and_far_ones_absolute() {
        check("/home/me/board/a/b.txt", "/home/me/board", "a/b.txt");
        check("/home/me/other/b.txt", "/home/me/board", "../other/b.txt");
        check("/home/me/b", "/home/me/1/2/3", "../../../b");
        check("/home/me/b", "/home/me/1/2/3/4", "/home/me/b");
        check("/data/b", "/home/me", "/data/b");
        check("/home/b", "/", "home/b");
    }

    #[test]
    fn dots_are_taken_away_by_name() {
        assert_eq!(absolute(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(absolute(Path::new("/../a")), Path::new("/a"));
    }
}
