//! Keeps the packed images of a project up to date, off the frame.
//!
//! Every content that changed is handed to the engine's packer; the image packed before stays on screen meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kept_against::{KeptAgainst, Older, previous};
use crate::engine::elf::AppFor;
use crate::engine::pack::{PackJob, PackedImage};
use crate::engine::packer::Packer;
use crate::model::flash_plan::FlashPlan;
use crate::model::partition_table::APP;
use crate::model::project::{Content, Project};
use crate::store::last_written::LastWritten;

/// What was asked of the packer for one partition.
#[derive(Clone, Debug)]
struct Asked {
    content: Arc<Content>,
    limit: Option<u32>,
    app_for: Option<AppFor>,
    done: bool,
}

/// The packer and what it has packed.
pub struct Packing {
    packer: Option<Packer>,
    asked: BTreeMap<String, Asked>,
    images: BTreeMap<String, Arc<PackedImage>>,
    /// What a board was proven to hold last, by partition: its offsets are kept.
    written: BTreeMap<String, Arc<[u8]>>,
    /// Whose offsets are kept, where that is not the last write.
    against: BTreeMap<String, KeptAgainst>,
    /// Partitions that are packed anew next time, whatever lies where.
    anew: BTreeSet<String>,
    /// Files that have changed on disk since they were packed.
    changed: BTreeMap<String, BTreeSet<PathBuf>>,
    revision: u64,
}

impl Packing {
    /// Starts the packer; `wake` is called from its thread when an image is ready.
    pub fn start(wake: Arc<dyn Fn() + Send + Sync>) -> (Self, Option<String>) {
        let (packer, fault) = match Packer::start(wake) {
            Ok(packer) => (Some(packer), None),
            Err(error) => (
                None,
                Some(format!(
                    "Cannot start packing: {error}. Close other programs and start again"
                )),
            ),
        };
        let packing = Self {
            packer,
            asked: BTreeMap::new(),
            images: BTreeMap::new(),
            written: BTreeMap::new(),
            against: BTreeMap::new(),
            anew: BTreeSet::new(),
            changed: BTreeMap::new(),
            revision: 0,
        };
        (packing, fault)
    }

    /// Hands over what changed. `sizes` are the partitions' sizes by name.
    pub fn ask(&mut self, project: &Project, sizes: &BTreeMap<&str, u32>) {
        let before = self.images.len();
        self.images
            .retain(|name, _| project.contents.contains_key(name));
        self.asked
            .retain(|name, _| project.contents.contains_key(name));
        self.changed
            .retain(|name, _| project.contents.contains_key(name));
        if self.images.len() != before {
            self.revision += 1;
        }
        let Some(packer) = &self.packer else { return };
        let rows = project.table.rows.iter();
        let apps: Vec<&str> = rows
            .filter(|row| row.kind == APP)
            .map(|row| row.name.as_str())
            .collect();
        for (name, content) in &project.contents {
            // A content without a partition is packed too, so that its problems are seen.
            let limit = sizes.get(name.as_str()).copied();
            let is_app = apps.contains(&name.as_str());
            let app_for = is_app.then_some(AppFor {
                chip: project.chip,
                flash_size: project.flash_size,
            });
            let known = self.asked.get(name);
            if known.is_some_and(|asked| {
                (Arc::ptr_eq(&asked.content, content) || asked.content == *content)
                    && asked.limit == limit
                    && asked.app_for == app_for
            }) {
                continue;
            }
            let asked = Asked {
                content: content.clone(),
                limit,
                app_for,
                done: false,
            };
            packer.submit(PackJob {
                partition: name.clone(),
                content: asked.content.clone(),
                limit,
                previous: self.previous(name, content),
                date: 0,
                cut_names: false,
                app_for,
            });
            self.anew.remove(name);
            self.asked.insert(name.clone(), asked);
        }
    }

    /// Takes what is ready; whether anything was.
    pub fn poll(&mut self) -> bool {
        let mut any = false;
        while let Some((name, paths)) = self.packer.as_ref().and_then(Packer::try_changed) {
            self.changed.entry(name).or_default().extend(paths);
        }
        while let Some((name, image)) = self.packer.as_ref().and_then(Packer::try_result) {
            if let Some(asked) = self.asked.get_mut(&name) {
                asked.done = true;
                self.changed.remove(&name);
                self.images.insert(name, image);
                any = true;
            }
        }
        self.revision += u64::from(any);
        any
    }

    /// Packs everything again: files on disk may have changed.
    pub fn pack_again(&mut self) {
        self.asked.clear();
    }

    /// Files of a partition that have changed on disk since they were packed.
    pub fn changed(&self, partition: &str) -> Option<&BTreeSet<PathBuf>> {
        self.changed.get(partition)
    }

    /// A board holds what this plan says: the next images keep these offsets.
    pub fn remember_written(&mut self, plan: &FlashPlan) {
        for write in &plan.writes {
            self.written
                .insert(write.target.clone(), write.bytes.clone());
        }
    }

    /// Puts what was proven to be written last on disk, for the next start.
    pub fn keep_written(&self, kept: &LastWritten, project: &Path) -> Result<(), String> {
        for (partition, image) in &self.written {
            kept.put(project, partition, image)
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Takes back what an earlier start has put there.
    pub fn recall_written(&mut self, kept: &LastWritten, path: &Path, project: &Project) {
        for (partition, content) in &project.contents {
            if let Content::Files(_) = content.as_ref()
                && let Some(image) = kept.get(path, partition)
            {
                self.written.insert(partition.clone(), image.into());
            }
        }
    }

    /// Whose offsets a partition's image keeps.
    pub fn against(&self, partition: &str) -> &KeptAgainst {
        self.against
            .get(partition)
            .unwrap_or(&KeptAgainst::LastWrite)
    }

    /// Chooses whose offsets are kept, and packs again.
    pub fn keep_against(&mut self, partition: &str, against: KeptAgainst) {
        self.against.insert(partition.to_owned(), against);
        self.asked.remove(partition);
    }

    /// What the image is compared with, in words; `None` when only with what was packed before.
    pub fn compared_with(&self, partition: &str) -> Option<String> {
        match self.against(partition) {
            KeptAgainst::LastWrite => self
                .written
                .contains_key(partition)
                .then(|| "the last write".to_owned()),
            KeptAgainst::Nothing => None,
            other => Some(other.label().to_owned()),
        }
    }

    fn previous(&self, name: &str, content: &Content) -> Option<Arc<[u8]>> {
        let older = Older {
            written: &self.written,
            packed: &self.images,
        };
        (!self.anew.contains(name))
            .then(|| previous(self.against(name), older, name, content))
            .flatten()
    }

    /// Packs a partition anew, without the holes that edits left.
    pub fn compact(&mut self, partition: &str) {
        self.written.remove(partition);
        self.against.remove(partition);
        self.anew.insert(partition.to_owned());
        self.asked.remove(partition);
    }

    /// Forgets what was written: another project is open.
    pub fn forget_written(&mut self) {
        self.written.clear();
        self.against.clear();
        self.anew.clear();
        self.changed.clear();
    }

    /// Whether an image on screen is older than the project.
    pub fn is_busy(&self) -> bool {
        self.asked.values().any(|asked| !asked.done)
    }

    /// The images packed by now, by partition.
    pub fn images(&self) -> &BTreeMap<String, Arc<PackedImage>> {
        &self.images
    }

    /// Changes whenever an image does.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}
