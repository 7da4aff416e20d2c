//! A job on the board as the window knows it: what was asked for, what became known of which part of the flash, and what
//! stopping it would leave.

use std::time::Instant;

use crate::engine::event::RegionState;
use crate::engine::job_state::JobState;
use crate::engine::request::Request;
use crate::model::flash_plan::PlannedWrite;
use crate::model::region::Region;

/// A job on the board, running or just ended.
#[derive(Clone, Debug)]
pub struct Job {
    pub request: Request,
    pub state: JobState,
    pub started: Instant,
    /// The user asked to stop.
    pub stopping: bool,
}

impl Job {
    /// What this job knows of a region by now; the latest word wins.
    pub fn region_state(&self, region: Region) -> Option<RegionState> {
        self.state
            .regions
            .iter()
            .rev()
            .find(|(known, _)| known.overlaps(region))
            .map(|(_, state)| *state)
    }

    /// The share of a region that is written by now, 0 to 1, as far as this job has told.
    pub fn filled(&self, region: Region) -> Option<f32> {
        let Request::Write(plan) = &self.request else {
            return None;
        };
        let planned = plan
            .writes
            .iter()
            .map(PlannedWrite::region)
            .find(|write| region.contains(*write))?;
        let done = there(&self.state.regions, planned);
        Some((done as f32 / planned.size.max(1) as f32).min(1.0))
    }

    /// What stopping it at its next block leaves, as sentences without the last full stop.
    pub fn cancel_leaves(&self) -> &'static str {
        match &self.request {
            Request::Write(plan) if plan.full => {
                "What is written so far stays, and the region under way is incomplete until all is written again"
            }
            Request::Write(_) => {
                "What is written so far stays, and the region under way is incomplete; the next write sends only what is missing"
            }
            Request::Erase(_) => "What is erased so far stays erased, the rest is untouched",
            Request::ReadPieces(_) => {
                "Nothing on the board changes and no file is touched; the same read goes on from there"
            }
            Request::Verify(_) => {
                "Nothing on the board changes; what was compared so far is forgotten"
            }
            Request::Agent(_) => "The board's flash does not change",
            Request::AgentInFlash { .. } => "Nothing on the board changes, and no plan is made",
            Request::Reset => "The board may run its program already, or stay in its loader",
            Request::Detect
            | Request::Read(_)
            | Request::WhatBoots { .. }
            | Request::Monitor(_) => "Nothing on the board changes",
        }
    }
}

/// Bytes of `planned` of which the latest word is that they are there: written, verified, or the same all along. What
/// is told of twice, as a piece is that is written and then proven, counts once.
fn there(told: &[(Region, RegionState)], planned: Region) -> u64 {
    let mut seen = Vec::new();
    let mut bytes = 0;
    for (region, state) in told.iter().rev() {
        let Some(part) = region.intersection(planned) else {
            continue;
        };
        let new = add(&mut seen, part);
        if matches!(
            state,
            RegionState::Written | RegionState::Verified | RegionState::Same
        ) {
            bytes += new;
        }
    }
    bytes
}

/// Adds a region to others, which lie in order and do not touch; returns how many of its bytes were in none of them.
fn add(seen: &mut Vec<Region>, part: Region) -> u64 {
    let first = seen.partition_point(|known| known.end() < u64::from(part.offset));
    let last = seen.partition_point(|known| u64::from(known.offset) <= part.end());
    let (mut merged, mut known_bytes) = (part, 0);
    for known in seen.drain(first..last) {
        let shared = known.intersection(part);
        known_bytes += shared.map_or(0, |shared| u64::from(shared.size));
        let offset = merged.offset.min(known.offset);
        let end = merged.end().max(known.end());
        merged = Region::new(offset, (end - u64::from(offset)) as u32);
    }
    seen.insert(first, merged);
    u64::from(part.size) - known_bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::event::Event;
    use crate::engine::request::Question;
    use crate::model::flash_plan::{FlashPlan, Role};

    const BASE: u32 = 0x30_0000;
    const PARTITION: Region = Region::new(BASE, 0x10_0000);

    fn job(request: Request) -> Job {
        Job {
            state: JobState::new(request.name()),
            request,
            started: Instant::now(),
            stopping: false,
        }
    }

    /// A write of 64 KiB, and what it has told: offsets within them.
    fn writing(told: &[(u32, u32, RegionState)]) -> Job {
        let plan = FlashPlan::new(vec![PlannedWrite {
            role: Role::Data,
            target: "bin".into(),
            source: "1 file".into(),
            offset: BASE,
            bytes: vec![7; 0x1_0000].into(),
            destroys: Vec::new(),
        }]);
        let mut job = job(Request::Write(Arc::new(plan)));
        for (offset, size, state) in told {
            let event = Event::Region {
                region: Region::new(BASE + offset, *size),
                state: *state,
            };
            job.state.fold(event, Duration::ZERO);
        }
        job
    }

    #[track_caller]
    fn fills(told: &[(u32, u32, RegionState)], expected: f32) {
        let filled = writing(told).filled(PARTITION).unwrap();
        assert!((filled - expected).abs() < 1e-6, "{filled}");
    }

    #[test]
    fn pieces_that_are_written_and_proven_in_turn_fill_once() {
        use RegionState::{Differs, Verified, Written};
        let turns = [
            (0, 0x1_0000, Differs),
            (0, 0x4000, Written),
            (0, 0x4000, Verified),
            (0x4000, 0x4000, Written),
            (0x4000, 0x4000, Verified),
        ];
        fills(&turns, 0.5);
        fills(&turns[..2], 0.25);
        fills(&turns[..1], 0.0);
    }

    #[test]
    fn overlapping_words_count_once_and_the_latest_wins() {
        use RegionState::{Differs, Same, Written};
        fills(
            &[
                (0x8000, 0x4000, Written),
                (0, 0x4000, Same),
                (0x2000, 0x8000, Written),
            ],
            0.75,
        );
        // After an error it was looked at again: half of it is not there after all.
        fills(&[(0, 0x1_0000, Written), (0x8000, 0x8000, Differs)], 0.5);
        fills(&[(0, 0x1_0000, Same), (0, 0x1_0000, Same)], 1.0);
    }

    #[test]
    fn only_a_write_fills() {
        assert_eq!(job(Request::Detect).filled(PARTITION), None);
    }

    #[test]
    fn each_job_says_what_stopping_it_leaves() {
        let full = FlashPlan {
            full: true,
            ..FlashPlan::default()
        };
        let plan = || Arc::new(FlashPlan::default());
        for (request, words) in [
            (Request::Write(plan()), "sends only what is missing"),
            (Request::Write(Arc::new(full)), "until all is written again"),
            (Request::Erase(PARTITION), "stays erased"),
            (Request::Verify(plan()), "Nothing on the board changes"),
            (Request::Read(PARTITION), "Nothing on the board changes"),
            (Request::Agent(Question::Info), "flash does not change"),
        ] {
            let name = request.name();
            let said = job(request).cancel_leaves();
            assert!(
                said.contains(words) && !said.ends_with('.'),
                "{name}: {said}"
            );
        }
    }
}
