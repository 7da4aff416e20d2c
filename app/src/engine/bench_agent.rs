//! What look-ups cost on the chip: by the index and by walking, with a cold and a warm cache, in directories of every
//! size that the board holds. CPU cycles are the chip's own; the time of a round trip is this computer's clock over the
//! real port, and depends on both.

use std::time::Instant;

use serde::Serialize;

use super::error::Stop;
use super::job::Job;
use crate::device::agent_answer::LookUpCost;
use crate::device::agent_session::AgentSession;
use crate::device::error::DeviceError;
use crate::device::session::Go;

/// Directories that are measured at most; the largest ones are.
const MAX_DIRECTORIES: usize = 12;
/// Names that are asked for in the round trip at most.
const MAX_NAMES: usize = 1000;
/// How deep directories are looked for: as deep as the chip's own reader goes.
const MAX_DEPTH: usize = 16;
/// Entries that are listed at most to find directories.
const MAX_ENTRIES: usize = 20_000;

/// The cost of looking one path up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchLine {
    pub path: String,
    /// Files in its directory; `None` when it was not listed.
    pub entries: Option<u32>,
    /// Its place among them, counted from 1: so many entries a walk passes.
    pub place: Option<u32>,
    /// By the directory's index; a directory without one is walked.
    pub search: LookUpCost,
    /// As a reader that has never heard of the index.
    pub walk: LookUpCost,
}

/// All that was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchReport {
    pub partition: String,
    /// CPU cycles in a second, where the chip knows.
    pub cpu_hz: Option<u32>,
    pub lines: Vec<BenchLine>,
    /// Names asked for together, several to a frame, and the microseconds until all answers were there, by the clock of
    /// this computer.
    pub round_trip_names: u32,
    pub round_trip_micros: u64,
}

pub(super) fn run(
    agent: &mut AgentSession,
    partition: &str,
    path: &str,
    count: u16,
    job: &mut Job<'_>,
) -> Result<BenchReport, Stop> {
    let (targets, names) = if path.is_empty() {
        let directories = directories(agent, partition, job)?;
        let names = directories.iter().flat_map(Directory::paths).collect();
        (targets(&directories), names)
    } else {
        let target = Target {
            path: path.to_owned(),
            entries: None,
            place: None,
        };
        (vec![target], vec![path.to_owned()])
    };
    let total = targets.len() as u64;
    let mut lines = Vec::new();
    for (done, target) in (1..).zip(targets) {
        let search = agent.look_up_cost(partition, &target.path, count, false)?;
        let walk = agent.look_up_cost(partition, &target.path, count, true)?;
        lines.push(BenchLine {
            path: target.path,
            entries: target.entries,
            place: target.place,
            search,
            walk,
        });
        if job.advanced(done, total) == Go::Stop {
            return Err(DeviceError::Cancelled.into());
        }
    }
    let paths: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .cycle()
        .take(if names.is_empty() { 0 } else { MAX_NAMES })
        .collect();
    let began = Instant::now();
    if !paths.is_empty() {
        agent.spots(partition, &paths)?;
    }
    Ok(BenchReport {
        partition: partition.to_owned(),
        cpu_hz: agent.cpu_hz()?,
        lines,
        round_trip_names: paths.len() as u32,
        round_trip_micros: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
    })
}

/// A directory with the names of its files.
struct Directory {
    path: String,
    names: Vec<String>,
}

impl Directory {
    fn file(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }

    fn paths(&self) -> impl Iterator<Item = String> {
        self.names.iter().map(|name| self.file(name))
    }
}

/// What is measured: a path, and where it stands.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    path: String,
    entries: Option<u32>,
    place: Option<u32>,
}

/// The first, the middle and the last file of every directory.
fn targets(directories: &[Directory]) -> Vec<Target> {
    let mut targets = Vec::new();
    for directory in directories {
        let last = directory.names.len().saturating_sub(1);
        let mut places = vec![0, last / 2, last];
        places.dedup();
        for place in places {
            let Some(name) = directory.names.get(place) else {
                continue;
            };
            targets.push(Target {
                path: directory.file(name),
                entries: Some(directory.names.len() as u32),
                place: Some(place as u32 + 1),
            });
        }
    }
    targets
}

/// The largest directories of a partition, smallest first.
fn directories(
    agent: &mut AgentSession,
    partition: &str,
    job: &mut Job<'_>,
) -> Result<Vec<Directory>, Stop> {
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut folders = vec![(String::new(), 0)];
    while let Some((path, depth)) = folders.pop() {
        if job.go() == Go::Stop {
            return Err(DeviceError::Cancelled.into());
        }
        let mut directory = Directory {
            path,
            names: Vec::new(),
        };
        for entry in agent.list(partition, &directory.path)? {
            seen += 1;
            if entry.folder && depth < MAX_DEPTH && seen < MAX_ENTRIES {
                folders.push((directory.file(&entry.name), depth + 1));
            }
            directory.names.push(entry.name);
        }
        found.push(directory);
    }
    found.sort_by_key(|directory| directory.names.len());
    let surplus = found.len().saturating_sub(MAX_DIRECTORIES);
    Ok(found.split_off(surplus))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_middle_and_the_last_of_each_directory_are_measured() {
        let directory = |path: &str, count: usize| Directory {
            path: path.into(),
            names: (0..count).map(|number| format!("n{number}")).collect(),
        };
        let targets = targets(&[directory("", 0), directory("", 1), directory("deep", 5)]);
        let shown: Vec<(&str, u32)> = targets
            .iter()
            .map(|target| (target.path.as_str(), target.place.unwrap()))
            .collect();
        assert_eq!(
            shown,
            [("n0", 1), ("deep/n0", 1), ("deep/n2", 3), ("deep/n4", 5)]
        );
    }
}
