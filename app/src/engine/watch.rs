//! Remembers when the files of a pack were changed last, and finds those that have been changed since.
//!
//! Only dates and sizes are asked of the disk, never contents; whoever calls decides how often.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::load::{Stamp, stamp};
use super::pack::PackJob;
use crate::model::project::{Content, PackEntry, Packed, Source};

/// Files by partition, each as it was when it was packed. `None`: it was not there.
#[derive(Debug, Default)]
pub(super) struct Watch {
    partitions: BTreeMap<String, BTreeMap<PathBuf, Option<Stamp>>>,
}

impl Watch {
    /// Whether there is nothing to look at.
    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Notes how the files of a job are now, in place of what was noted for its partition before.
    pub(super) fn remember(&mut self, job: &PackJob) {
        let mut files = BTreeMap::new();
        match &*job.content {
            Content::Raw(source) => note(source, &mut files),
            Content::Files(content) => note_all(&content.entries, &mut files),
        }
        if files.is_empty() {
            self.partitions.remove(&job.partition);
        } else {
            self.partitions.insert(job.partition.clone(), files);
        }
    }

    /// What is not as it was noted, by partition. Each change is told once.
    pub(super) fn changed(&mut self) -> Vec<(String, Vec<PathBuf>)> {
        let mut all = Vec::new();
        for (partition, files) in &mut self.partitions {
            let mut changed = Vec::new();
            for (path, known) in files {
                let now = stamp(path);
                if now != *known {
                    *known = now;
                    changed.push(path.clone());
                }
            }
            if !changed.is_empty() {
                all.push((partition.clone(), changed));
            }
        }
        all
    }
}

fn note(source: &Source, files: &mut BTreeMap<PathBuf, Option<Stamp>>) {
    if let Source::Path(path) = source {
        files.insert(path.clone(), stamp(path));
    }
}

fn note_all(entries: &[PackEntry], files: &mut BTreeMap<PathBuf, Option<Stamp>>) {
    for entry in entries {
        match &entry.what {
            Packed::File(source) => note(source, files),
            Packed::Folder(inside) => note_all(inside, files),
        }
    }
}
