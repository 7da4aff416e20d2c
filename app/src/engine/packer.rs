//! The window's packer: packs on a thread of its own, newest first, so that no frame waits for a disk. Between jobs it
//! looks whether a packed file has changed on disk.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::pack::{PackJob, PackedImage, pack};
use super::watch::Watch;
use super::worker::{self, Wake};

/// How often the files of what was packed are looked at, by their dates only.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Packs in the background.
pub struct Packer {
    jobs: Sender<PackJob>,
    results: Receiver<(String, Arc<PackedImage>)>,
    changes: Receiver<(String, Vec<PathBuf>)>,
}

impl Packer {
    /// Starts the thread; it ends when the packer is dropped. `wake` is called after each result.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(wake: Wake) -> io::Result<Self> {
        let (jobs, inbox) = channel();
        let (outbox, results) = channel();
        let (news, changes) = channel();
        worker::spawn_named("packer", move || serve(&inbox, &outbox, &news, &wake))?;
        Ok(Self {
            jobs,
            results,
            changes,
        })
    }

    /// Packs when the thread is free; of several jobs for one partition only the newest is done.
    pub fn submit(&self, job: PackJob) {
        // The thread ends only with this value; a job that finds it gone has nobody to ask for its result.
        self.jobs.send(job).ok();
    }

    /// A finished image and its partition, if there is one.
    pub fn try_result(&self) -> Option<(String, Arc<PackedImage>)> {
        self.results.try_recv().ok()
    }

    /// Files of a partition that have changed on disk since they were packed, each change once.
    pub fn try_changed(&self) -> Option<(String, Vec<PathBuf>)> {
        self.changes.try_recv().ok()
    }
}

fn serve(
    inbox: &Receiver<PackJob>,
    outbox: &Sender<(String, Arc<PackedImage>)>,
    news: &Sender<(String, Vec<PathBuf>)>,
    wake: &Wake,
) {
    let mut waiting: BTreeMap<String, PackJob> = BTreeMap::new();
    let mut watch = Watch::default();
    loop {
        if waiting.is_empty() {
            match next(inbox, &watch) {
                Ok(job) => {
                    waiting.insert(job.partition.clone(), job);
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    for change in watch.changed() {
                        if news.send(change).is_err() {
                            return;
                        }
                        wake();
                    }
                }
            }
        }
        while let Ok(job) = inbox.try_recv() {
            waiting.insert(job.partition.clone(), job);
        }
        if let Some((partition, job)) = waiting.pop_first() {
            // Before the files are read, so that a change while they are read is seen later.
            watch.remember(&job);
            let image = Arc::new(pack(&job));
            if outbox.send((partition, image)).is_err() {
                return;
            }
            wake();
        }
    }
}

/// The next job. Waits for ever where no file is watched, so that an idle window costs nothing.
fn next(inbox: &Receiver<PackJob>, watch: &Watch) -> Result<PackJob, RecvTimeoutError> {
    if watch.is_empty() {
        inbox.recv().map_err(|_gone| RecvTimeoutError::Disconnected)
    } else {
        inbox.recv_timeout(LOOK_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::model::project::{Content, FilesContent, PackEntry, Packed, Source};

    #[test]
    fn the_newest_job_of_a_partition_wins() {
        let (woken, wakes) = sync_channel(100);
        let packer = Packer::start(Arc::new(move || woken.send(()).unwrap())).unwrap();
        let job = |count: u8| PackJob {
            partition: "bin".into(),
            content: Arc::new(Content::Files(FilesContent {
                entries: (0..count)
                    .map(|index| PackEntry {
                        name: format!("f{index}"),
                        what: Packed::File(Source::Bytes(vec![index; 9].into())),
                    })
                    .collect(),
                ..FilesContent::default()
            })),
            limit: None,
            previous: None,
            date: 0,
            cut_names: false,
            app_for: None,
        };
        for count in 1..=20 {
            packer.submit(job(count));
        }
        let mut last = None;
        while last != Some(20) {
            wakes.recv().unwrap();
            let (partition, image) = packer.try_result().unwrap();
            assert_eq!(partition, "bin");
            last = Some(image.entries.len());
        }
    }

    #[test]
    fn a_file_that_changes_on_disk_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"one").unwrap();
        let (woken, wakes) = sync_channel(100);
        let packer = Packer::start(Arc::new(move || woken.send(()).unwrap())).unwrap();
        packer.submit(PackJob {
            partition: "bin".into(),
            content: Arc::new(Content::Raw(Source::Path(path.clone()))),
            limit: None,
            previous: None,
            date: 0,
            cut_names: false,
            app_for: None,
        });
        wakes.recv().unwrap();
        assert_eq!(&*packer.try_result().unwrap().1.bytes, b"one");
        assert_eq!(packer.try_changed(), None);
        std::fs::write(&path, b"two and more").unwrap();
        wakes.recv().unwrap();
        assert_eq!(packer.try_changed(), Some(("bin".to_owned(), vec![path])));
        assert_eq!(packer.try_changed(), None);
    }
}
