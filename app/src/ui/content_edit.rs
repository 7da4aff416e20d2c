//! Edits of what goes into a partition: add, rename, remove. Pure: a project in, a project out.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::project::{
    Content, FilesContent, PackEntry, PackFormat, Packed, Project, Source,
};

/// Where an entry stands: its place among its siblings, from the top folder down.
pub type EntryPath = Vec<usize>;

/// One line of the contents, a folder's entries following it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatEntry {
    pub at: EntryPath,
    pub name: String,
    /// Names from the top, joined by `/`, as the image's own list has it.
    pub path: String,
    pub folder: bool,
    /// Files below a folder, at any depth.
    pub files: usize,
    /// Where the bytes come from.
    pub source: String,
}

/// Longest name that a format takes, in bytes of UTF-8.
pub fn name_limit(format: PackFormat) -> usize {
    match format {
        PackFormat::Bin => 8,
        PackFormat::FlashFile => 31,
        PackFormat::Romfs => 255,
    }
}

/// All entries as lines of a list.
pub fn flatten(entries: &[PackEntry]) -> Vec<FlatEntry> {
    let mut lines = Vec::new();
    flatten_into(entries, &[], "", &mut lines);
    lines
}

fn flatten_into(entries: &[PackEntry], parent: &[usize], prefix: &str, lines: &mut Vec<FlatEntry>) {
    for (index, entry) in entries.iter().enumerate() {
        let at: EntryPath = parent.iter().copied().chain([index]).collect();
        let path = if prefix.is_empty() {
            entry.name.clone()
        } else {
            format!("{prefix}/{}", entry.name)
        };
        let (folder, source) = match &entry.what {
            Packed::File(Source::Path(path)) => (false, path.display().to_string()),
            Packed::File(Source::Bytes(bytes)) => {
                (false, format!("{} bytes kept in the project", bytes.len()))
            }
            Packed::Folder(_) => (true, String::new()),
        };
        lines.push(FlatEntry {
            at: at.clone(),
            name: entry.name.clone(),
            path: path.clone(),
            folder,
            files: count_files(entry),
            source,
        });
        if let Packed::Folder(children) = &entry.what {
            flatten_into(children, &at, &path, lines);
        }
    }
}

/// Files in an entry, at any depth.
pub fn count_files(entry: &PackEntry) -> usize {
    match &entry.what {
        Packed::File(_) => 1,
        Packed::Folder(children) => children.iter().map(count_files).sum(),
    }
}

/// The files that go into a partition, if it is packed.
pub fn files<'a>(project: &'a Project, partition: &str) -> Option<&'a FilesContent> {
    match project.contents.get(partition).map(Arc::as_ref) {
        Some(Content::Files(files)) => Some(files),
        _ => None,
    }
}

/// The project with entries added to a partition; an entry of the same name is replaced.
pub fn with_added(project: &Project, partition: &str, added: Vec<PackEntry>) -> Project {
    let mut content = files(project, partition).cloned().unwrap_or_default();
    for entry in added {
        match content
            .entries
            .iter_mut()
            .find(|known| known.name == entry.name)
        {
            Some(known) => *known = entry,
            None => content.entries.push(entry),
        }
    }
    with_content(project, partition, Some(Content::Files(content)))
}

/// The project with one entry under another name.
pub fn with_renamed(project: &Project, partition: &str, at: &[usize], name: &str) -> Project {
    change_entry(project, partition, at, |siblings, index| {
        if let Some(entry) = siblings.get_mut(index) {
            name.clone_into(&mut entry.name);
        }
    })
}

/// The project without one entry.
pub fn with_removed(project: &Project, partition: &str, at: &[usize]) -> Project {
    change_entry(project, partition, at, |siblings, index| {
        if index < siblings.len() {
            siblings.remove(index);
        }
    })
}

/// The project with a file written into a partition as it is.
pub fn with_image(project: &Project, partition: &str, path: PathBuf) -> Project {
    with_content(project, partition, Some(Content::Raw(Source::Path(path))))
}

/// The project with another content for a partition; `None` leaves the partition alone.
pub fn with_content(project: &Project, partition: &str, content: Option<Content>) -> Project {
    let mut project = project.clone();
    match content {
        Some(content) => project
            .contents
            .insert(partition.to_owned(), Arc::new(content)),
        None => project.contents.remove(partition),
    };
    project
}

fn change_entry(
    project: &Project,
    partition: &str,
    at: &[usize],
    change: impl FnOnce(&mut Vec<PackEntry>, usize),
) -> Project {
    let Some(mut content) = files(project, partition).cloned() else {
        return project.clone();
    };
    let Some((&last, parents)) = at.split_last() else {
        return project.clone();
    };
    let mut siblings = &mut content.entries;
    for &index in parents {
        match siblings.get_mut(index).map(|entry| &mut entry.what) {
            Some(Packed::Folder(children)) => siblings = children,
            _ => return project.clone(),
        }
    }
    change(siblings, last);
    with_content(project, partition, Some(Content::Files(content)))
}

/// A name of at most `limit` bytes that is not taken, made from a longer one: the extension goes first, then the end.
pub fn short_name(name: &str, limit: usize, taken: &[&str]) -> String {
    let stem = name
        .rsplit_once('.')
        .map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    let cut = |text: &str, bytes: usize| -> String {
        let mut end = bytes.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default().trim_end().to_owned()
    };
    let candidate = if name.len() <= limit {
        name.to_owned()
    } else {
        cut(stem, limit)
    };
    if !candidate.is_empty() && !taken.contains(&candidate.as_str()) {
        return candidate;
    }
    (1..10_000)
        .map(|number: u32| {
            let number = number.to_string();
            format!("{}{number}", cut(stem, limit.saturating_sub(number.len())))
        })
        .find(|candidate| !taken.contains(&candidate.as_str()))
        .unwrap_or(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PackEntry {
        PackEntry {
            name: name.into(),
            what: Packed::File(Source::Bytes([1, 2, 3].into())),
        }
    }

    fn sample() -> Project {
        let folder = PackEntry {
            name: "deep".into(),
            what: Packed::Folder(vec![file("f1"), file("f2")]),
        };
        with_added(&Project::default(), "bin", vec![file("a"), folder])
    }

    fn paths(project: &Project) -> Vec<String> {
        flatten(&files(project, "bin").unwrap().entries)
            .into_iter()
            .map(|line| line.path)
            .collect()
    }

    #[test]
    fn folders_are_followed_by_what_is_in_them() {
        assert_eq!(paths(&sample()), ["a", "deep", "deep/f1", "deep/f2"]);
        assert_eq!(
            flatten(&files(&sample(), "bin").unwrap().entries)[1].files,
            2
        );
    }

    #[test]
    fn entries_are_renamed_and_removed_where_they_stand() {
        let renamed = with_renamed(&sample(), "bin", &[1, 0], "first");
        assert_eq!(paths(&renamed), ["a", "deep", "deep/first", "deep/f2"]);
        assert_eq!(paths(&with_removed(&sample(), "bin", &[1])), ["a"]);
        assert_eq!(with_removed(&sample(), "bin", &[7]), sample());
        assert_eq!(with_removed(&sample(), "bin", &[0, 3]), sample());
        assert_eq!(with_removed(&sample(), "none", &[0]), sample());
    }

    #[test]
    fn a_file_of_the_same_name_is_replaced() {
        assert_eq!(
            paths(&with_added(&sample(), "bin", vec![file("a"), file("b")])),
            ["a", "deep", "deep/f1", "deep/f2", "b"]
        );
    }

    #[test]
    fn short_names_fit_and_are_free() {
        assert_eq!(short_name("readme.txt", 8, &[]), "readme");
        assert_eq!(short_name("photo_of_the_sea.png", 8, &[]), "photo_of");
        assert_eq!(
            short_name("photo_of_the_sea.png", 8, &["photo_of"]),
            "photo_o1"
        );
        assert_eq!(short_name("äöüßäöü.txt", 8, &[]), "äöüß");
        assert_eq!(short_name("fits.txt", 8, &[]), "fits.txt");
    }
}
