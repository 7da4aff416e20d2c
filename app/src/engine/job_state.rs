//! Folds a job's events into what a screen shows. Time is passed in, so that any history can be tested.

use std::time::Duration;

use super::error::JobError;
use super::event::{Event, Outcome, RegionState, Stage};
use crate::model::number::human_size;
use crate::model::region::Region;

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Finished(Outcome),
    Failed(JobError),
    Cancelled { state: String },
}

/// A job as a screen shows it. Times count from the start of the job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobState {
    pub name: &'static str,
    pub stage: Option<Stage>,
    stage_began: Duration,
    now: Duration,
    /// Bytes done of this stage.
    pub done: u64,
    /// Bytes of this stage, 0 while unknown.
    pub total: u64,
    /// What became known of which region, in order; later entries win.
    pub regions: Vec<(Region, RegionState)>,
    pub notes: Vec<String>,
    /// The speed that the port is at, where the line did not carry the one that was asked for.
    pub slower: Option<u32>,
    pub ending: Option<Ending>,
}

impl JobState {
    /// A job that has just been asked for.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            stage: None,
            stage_began: Duration::ZERO,
            now: Duration::ZERO,
            done: 0,
            total: 0,
            regions: Vec::new(),
            notes: Vec::new(),
            slower: None,
            ending: None,
        }
    }

    /// Takes in one event that arrived `now` after the start. Events after the ending change nothing.
    pub fn fold(&mut self, event: Event, now: Duration) {
        if self.ending.is_some() {
            return;
        }
        self.now = now;
        match event {
            Event::Started { name } => self.name = name,
            Event::Stage(stage) => {
                self.stage = Some(stage);
                self.stage_began = now;
                (self.done, self.total) = (0, 0);
            }
            Event::Advanced { done, total } => (self.done, self.total) = (done.min(total), total),
            Event::Region { region, state } => self.regions.push((region, state)),
            // Pieces and text are for who keeps them; they say nothing of how the job goes.
            Event::Piece { .. } | Event::Monitor(_) => {}
            Event::Note(note) => self.notes.push(note),
            Event::Slower(baud) => self.slower = Some(baud),
            Event::Finished(outcome) => self.ending = Some(Ending::Finished(outcome)),
            Event::Failed(error) => self.ending = Some(Ending::Failed(error)),
            Event::Cancelled { state } => self.ending = Some(Ending::Cancelled { state }),
        }
    }

    /// The worker is gone without a word: a failure, not a hang.
    pub fn worker_stopped(&mut self) {
        if self.ending.is_none() {
            self.ending = Some(Ending::Failed(JobError::new(
                format!("{} stopped without a result", self.name),
                "worker",
                "Try again; if it happens again, report it with the log",
            )));
        }
    }

    /// Whether the job still runs.
    pub fn is_running(&self) -> bool {
        self.ending.is_none()
    }

    /// Share of this stage that is done, 0 to 1; `None` while the total is unknown.
    pub fn fraction(&self) -> Option<f32> {
        (self.total > 0).then(|| (self.done as f64 / self.total as f64) as f32)
    }

    /// Bytes per second of this stage; `None` before anything can be said.
    pub fn rate_bytes_per_sec(&self) -> Option<f64> {
        let elapsed = self.now.saturating_sub(self.stage_began).as_secs_f64();
        (self.done > 0 && elapsed > 0.05).then(|| self.done as f64 / elapsed)
    }

    /// Time left of this stage at its rate so far.
    pub fn time_left(&self) -> Option<Duration> {
        let rate = self.rate_bytes_per_sec()?;
        let left = (self.total - self.done) as f64 / rate;
        Duration::try_from_secs_f64(left).ok()
    }

    /// The running job in one line: `Writing 62 % · 88 KiB/s · 0:04`.
    pub fn line(&self) -> String {
        let mut parts = self.stage.map_or(self.name, Stage::label).to_owned();
        if let Some(fraction) = self.fraction() {
            parts = format!("{parts} {:.0} %", fraction * 100.0);
        }
        let rate = self
            .rate_bytes_per_sec()
            .map(|rate| format!("{}/s", human_size(whole(rate))));
        let left = self.time_left().map(|left| {
            let secs = left.as_secs();
            format!("{}:{:02}", secs / 60, secs % 60)
        });
        let parts = [Some(parts), rate, left];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Bytes per second as a whole number; a rate is never negative.
#[expect(clippy::cast_sign_loss, reason = "rates are quotients of two counts")]
fn whole(rate: f64) -> u64 {
    rate as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn writing() -> JobState {
        let mut state = JobState::new("Write");
        state.fold(Event::Stage(Stage::Writing), at(1000));
        state.fold(
            Event::Advanced {
                done: 50 * 1024,
                total: 100 * 1024,
            },
            at(2000),
        );
        state
    }

    #[test]
    fn rate_and_time_left_count_from_the_start_of_the_stage() {
        let state = writing();
        assert_eq!(state.fraction(), Some(0.5));
        assert_eq!(state.rate_bytes_per_sec(), Some(51_200.0));
        assert_eq!(state.time_left(), Some(at(1000)));
        assert_eq!(state.line(), "Writing 50 % · 50 KiB/s · 0:01");
    }

    #[test]
    fn nothing_is_said_before_it_is_known() {
        let mut state = JobState::new("Write");
        assert_eq!(
            (
                state.fraction(),
                state.rate_bytes_per_sec(),
                state.time_left()
            ),
            (None, None, None)
        );
        state.fold(Event::Advanced { done: 0, total: 0 }, at(5));
        assert_eq!(state.fraction(), None);
        assert_eq!(state.line(), "Write");
    }

    #[test]
    fn a_new_stage_starts_at_zero() {
        let mut state = writing();
        state.fold(Event::Stage(Stage::Verifying), at(3000));
        assert_eq!((state.done, state.total), (0, 0));
    }

    #[test]
    fn ending_twice_changes_nothing() {
        let mut state = writing();
        state.fold(
            Event::Cancelled {
                state: "stopped".into(),
            },
            at(3000),
        );
        let ended = state.clone();
        state.fold(Event::Finished(Outcome::Reset), at(4000));
        state.worker_stopped();
        assert_eq!(state, ended);
    }

    #[test]
    fn a_lost_worker_is_a_failure() {
        let mut state = writing();
        state.worker_stopped();
        assert!(matches!(state.ending, Some(Ending::Failed(_))));
    }
}
