//! Which names of a pack its reader could not find, why, and what short names would do instead. Pure.
//!
//! What a Bin can hold is decided by the format; this file asks it for every entry, and keeps proposals apart from each
//! other and from the names that are there already.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content_edit::{self, EntryPath};
use crate::formats::bin_image::name::{check_name, propose_short_name};
use crate::model::project::{Content, FilesContent, PackEntry, PackFormat, Packed, Project};

/// What is wrong with one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    pub at: EntryPath,
    /// Names from the top, joined by `/`.
    pub path: String,
    pub name: String,
    pub proposal: String,
    pub why: String,
}

/// What is wrong with the names on screen, and what the user typed instead of the proposals.
#[derive(Clone, Debug, Default)]
pub struct NameAdvice {
    content: Option<Arc<Content>>,
    pub advice: Arc<Vec<Advice>>,
    pub typed: BTreeMap<EntryPath, String>,
}

impl NameAdvice {
    /// Looks again when the files have changed.
    pub fn update(&mut self, content: &Arc<Content>) -> Arc<Vec<Advice>> {
        let same = self
            .content
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, content));
        if !same {
            self.advice = Arc::new(match content.as_ref() {
                Content::Files(files) => advise(files),
                Content::Raw(_) => Vec::new(),
            });
            self.typed.clear();
            self.content = Some(content.clone());
        }
        self.advice.clone()
    }

    /// The name that an entry would get.
    pub fn chosen<'a>(&'a self, advice: &'a Advice) -> &'a str {
        self.typed.get(&advice.at).unwrap_or(&advice.proposal)
    }
}

/// Why the reader would not find an entry of this name among its siblings; `None` when it would.
pub fn fault(
    files: &FilesContent,
    name: &str,
    mut siblings: impl Iterator<Item = impl AsRef<str>>,
) -> Option<String> {
    let limit = content_edit::name_limit(files.format);
    let judged = if files.format == PackFormat::Bin && !files.compat {
        check_name(name)
    } else if name.is_empty() {
        Err("A name has at least one character".to_owned())
    } else if name.len() > limit {
        Err(format!(
            "“{}” is {} bytes long, and an entry holds {limit}",
            name.escape_debug(),
            name.len()
        ))
    } else if files.format == PackFormat::Bin && name.trim_matches([' ', '\0']) != name {
        Err(format!(
            "“{}” has a space at an end, which the reader strips, so it would never be found",
            name.escape_debug()
        ))
    } else {
        Ok(())
    };
    if let Err(why) = judged {
        return Some(why);
    }
    if name.contains('/') && !files.compat {
        return Some(format!(
            "“{name}” contains a slash, which the reader takes for a folder; add a folder instead"
        ));
    }
    siblings
        .any(|sibling| sibling.as_ref() == name)
        .then(|| format!("“{name}” is there twice: the first shadows the second"))
}

/// A name for an entry that the format holds and that is not taken.
pub fn propose(format: PackFormat, name: &str, taken: &BTreeSet<String>) -> String {
    if format == PackFormat::Bin {
        return propose_short_name(name, taken);
    }
    let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
    let whole = name.replace('/', "_");
    content_edit::short_name(&whole, content_edit::name_limit(format), &taken)
}

/// Everything that is wrong with the names of a pack, in the order of the list.
pub fn advise(files: &FilesContent) -> Vec<Advice> {
    let mut all = Vec::new();
    folder(files, &files.entries, &[], "", &mut all);
    all
}

fn folder(
    files: &FilesContent,
    entries: &[PackEntry],
    parent: &[usize],
    prefix: &str,
    all: &mut Vec<Advice>,
) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut bad = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let twice = taken.get(&entry.name);
        match fault(files, &entry.name, twice.into_iter()) {
            Some(why) => bad.push((index, why)),
            None => {
                taken.insert(entry.name.clone());
            }
        }
    }
    for (index, why) in bad {
        let Some(entry) = entries.get(index) else {
            continue;
        };
        let proposal = propose(files.format, &entry.name, &taken);
        taken.insert(proposal.clone());
        all.push(Advice {
            at: parent.iter().copied().chain([index]).collect(),
            path: format!("{prefix}{}", entry.name),
            name: entry.name.clone(),
            proposal,
            why,
        });
    }
    for (index, entry) in entries.iter().enumerate() {
        if let Packed::Folder(inside) = &entry.what {
            let at: EntryPath = parent.iter().copied().chain([index]).collect();
            folder(files, inside, &at, &format!("{prefix}{}/", entry.name), all);
        }
    }
}

/// The project with entries under other names.
pub fn with_names(project: &Project, partition: &str, names: &[(EntryPath, String)]) -> Project {
    names.iter().fold(project.clone(), |project, (at, name)| {
        content_edit::with_renamed(&project, partition, at, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::project::Source;

    fn files(names: &[&str]) -> FilesContent {
        FilesContent {
            entries: names
                .iter()
                .map(|name| PackEntry {
                    name: (*name).into(),
                    what: Packed::File(Source::Bytes([1].into())),
                })
                .collect(),
            ..FilesContent::default()
        }
    }

    #[test]
    fn long_stripped_and_shadowed_names_get_proposals_that_differ() {
        let found = advise(&files(&[
            "good",
            "photo_of_the_sea.png",
            "photo_of_the_sky.png",
            " edge",
            "good",
        ]));
        assert_eq!(found.len(), 4);
        assert!(found[0].why.contains("20 bytes"), "{}", found[0].why);
        assert!(found[2].why.contains("strips"), "{}", found[2].why);
        assert!(found[3].why.contains("shadows"), "{}", found[3].why);
        let proposals: BTreeSet<_> = found.iter().map(|one| one.proposal.clone()).collect();
        assert_eq!(proposals.len(), 4, "{proposals:?}");
        assert!(proposals.iter().all(|name| check_name(name).is_ok()));
    }

    #[test]
    fn other_containers_take_longer_names() {
        let mut romfs = files(&["photo_of_the_sea.png"]);
        romfs.format = PackFormat::Romfs;
        assert!(advise(&romfs).is_empty());
        romfs.format = PackFormat::FlashFile;
        assert!(advise(&romfs).is_empty());
    }
}
