//! One run of a campaign: a reference job on a practice board, something that goes wrong, and what must hold then.
//!
//! Everything follows from the campaign's seed and the run's number. A lane is one board that is used run after run;
//! its flash is full of a background pattern, so that a byte that is touched outside the target is seen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flashpack::device::practice::{Board, Options, TestAccess};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::read::pieces;
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::model::cause::Cause;
use flashpack::model::region::Region;
use md5::{Digest as _, Md5};

pub use faults::Kind;
use faults::{Length, faults};
pub use jobs::NAMES;
use jobs::{JOBS, Job, Random, TABLE, job};

// By their names: the campaigns program finds this file in another way than the tests do.
#[path = "campaign_faults.rs"]
mod faults;
#[path = "campaign_jobs.rs"]
mod jobs;

const FLASH: usize = 0x20_0000;
/// A lost answer costs 100 ms.
const PATIENCE_PERCENT: u32 = 33;
/// What the engine keeps of a change of this board's partition table: the old one, and that the change is under way.
const KEPT_TABLE: &str = "table-60-55-f9-f0-0d-01.bin";
const KEPT_NOTE: &str = "table-change-60-55-f9-f0-0d-01.json";
/// A job that says nothing for longer than this hangs.
const HANG: Duration = Duration::from_secs(10);

/// How a run ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The job itself did it.
    ByItself,
    /// The job failed with a sentence, the next one finished.
    Resumed,
    /// The job failed and named the place outside the target where bytes were lost, the next one finished.
    Named,
}

/// A board that is used run after run.
pub struct Lane {
    _board: Board,
    inside: TestAccess,
    port: PathBuf,
    _folder: tempfile::TempDir,
    background: Vec<u8>,
    /// What the flash must be after the job of the moment; the background everywhere else.
    expected: Vec<u8>,
    jobs: Vec<Arc<Job>>,
    /// The longest job so far.
    longest: Duration,
    /// Jobs that took longer than [`HANG`] in all, however often they said something.
    long_jobs: u64,
    /// What first jobs failed with, without their numbers, and in which runs.
    said: BTreeMap<String, Vec<u64>>,
    /// Bytes to the board, bytes from it and flash operations of each job when nothing goes wrong.
    lengths: Vec<Length>,
    /// Runs of each job.
    runs: [u64; JOBS as usize],
    /// Pieces that the read of the moment has reported as proven, by offset.
    read: BTreeMap<u32, Vec<u8>>,
}

impl Lane {
    /// Starts a board and finds out how long the jobs are.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the port");
        let port = folder.path().join("board");
        let options = Options {
            size: FLASH as u32,
            link: Some(port.clone()),
            ..Options::default()
        };
        let board = Board::start(options).expect("a board starts");
        let inside = board.test_access();
        let background = Random::new(7).bytes(FLASH);
        inside.overwrite(0, &background);
        let mut lane = Self {
            _board: board,
            inside,
            port,
            _folder: folder,
            expected: background.clone(),
            background,
            jobs: (0..JOBS).map(|number| Arc::new(job(number))).collect(),
            longest: Duration::ZERO,
            long_jobs: 0,
            said: BTreeMap::new(),
            lengths: Vec::new(),
            runs: [0; JOBS as usize],
            read: BTreeMap::new(),
        };
        for job in lane.jobs.clone() {
            lane.prepare(&job);
            let before = lane.counts();
            let ending = lane.perform(&job, &Surroundings::in_memory());
            assert!(matches!(ending, Ok(Event::Finished(_))), "{ending:?}");
            let after = lane.counts();
            lane.lengths
                .push(std::array::from_fn(|index| after[index] - before[index]));
            lane.clean(&job);
        }
        lane
    }

    fn counts(&self) -> Length {
        let report = self.inside.report();
        [
            report.wire.to_board,
            report.wire.from_board,
            self.inside.operations(),
        ]
    }

    /// Puts what a job finds on the board, which is then switched off and on.
    fn prepare(&mut self, job: &Job) {
        self.read.clear();
        self.inside.mend();
        self.inside.power_cycle();
        for (offset, bytes) in &job.before {
            self.inside.overwrite(*offset, bytes);
        }
    }

    /// Puts the background back where a job was, on the board and in what is expected of it.
    fn clean(&mut self, job: &Job) {
        let before = job.before.iter();
        let regions = before
            .map(|(offset, bytes)| Region::new(*offset, bytes.len() as u32))
            .chain(job.target.iter().copied());
        for region in regions {
            let range = region.offset as usize..region.end() as usize;
            let background = &self.background[range.clone()];
            self.inside.overwrite(region.offset, background);
            self.expected[range].copy_from_slice(background);
        }
    }

    /// Puts into `expected` what the flash must be after a job.
    fn expect(&mut self, job: &Job) {
        for (offset, bytes) in job.before.iter().chain(&job.after) {
            self.expected[*offset as usize..][..bytes.len()].copy_from_slice(bytes);
        }
    }

    /// What the job asks for; a read that goes on has in hand what was read before.
    fn request(&self, job: &Job) -> Request {
        let Request::ReadPieces(wanted) = &job.request else {
            return job.request.clone();
        };
        let mut wanted = (**wanted).clone();
        let digest = |bytes: &Vec<u8>| Md5::digest(bytes).into();
        let pieces = self.read.iter();
        wanted.in_hand = pieces.map(|(at, bytes)| (*at, digest(bytes))).collect();
        Request::ReadPieces(Arc::new(wanted))
    }

    /// What of the read is not what the flash must hold, or does where something was named as lost, wherever a piece was
    /// reported as proven; what is missing too when all is said to be there.
    fn wrong_read(&self, job: &Job, lost: Option<Region>, finished: bool) -> Option<String> {
        let Request::ReadPieces(wanted) = &job.request else {
            return None;
        };
        let flash = lost.map(|_| self.inside.flash());
        for (at, bytes) in &self.read {
            let piece = Region::new(*at, bytes.len() as u32);
            let is_there = |flash: &[u8]| flash[*at as usize..][..bytes.len()] == bytes[..];
            let is_lost = lost.is_some_and(|lost| lost.overlaps(piece));
            let is_as_lost = is_lost && flash.as_deref().is_some_and(is_there);
            if !is_there(&self.expected) && !is_as_lost {
                return Some(format!("what was read at {at:#x} is not what is there"));
            }
        }
        let missing = pieces(&wanted.regions).into_iter().find(|piece| {
            let read = self.read.get(&piece.offset);
            read.is_none_or(|bytes| bytes.len() != piece.size as usize)
        });
        let missing = missing.filter(|_| finished)?;
        Some(format!("nothing was read at {:#x}", missing.offset))
    }

    /// What is wrong with what is kept of a change of the table: the old one must be there while the board has it no
    /// more, and a finished change must not be offered.
    fn wrong_kept(&self, job: &Job, around: &Surroundings, finished: bool) -> Option<String> {
        let old = job.old_table.as_ref()?;
        let kept = |name| around.keep().get(name).ok().flatten();
        if finished {
            return kept(KEPT_NOTE).map(|_| "a finished change of the table is offered".into());
        }
        let flash = self.inside.flash();
        let untouched = flash[TABLE as usize..].starts_with(old);
        let is_kept = kept(KEPT_TABLE).is_some_and(|kept| kept.starts_with(old));
        let lost = !(untouched || is_kept && kept(KEPT_NOTE).is_some());
        lost.then(|| "the old table is neither on the board nor kept".into())
    }

    /// Runs the job once; its ending.
    fn perform(&mut self, job: &Job, around: &Surroundings) -> Result<Event, String> {
        let options = LinkOptions {
            patience_percent: PATIENCE_PERCENT,
            ..LinkOptions::default()
        };
        let choice = PortChoice::Path(self.port.clone());
        let mut worker =
            Worker::start_in(around, &choice, options, Arc::new(|| ())).expect("a worker starts");
        worker
            .submit(self.request(job))
            .expect("a new worker is free");
        let began = Instant::now();
        let mut last = began;
        let mut notes = Vec::new();
        loop {
            let event = worker.wait_event().expect("a job ends with an event");
            if last.elapsed() > HANG {
                let silence = last.elapsed();
                return Err(format!(
                    "HANG of {silence:?} before {event:?} after {notes:?}"
                ));
            }
            last = Instant::now();
            if let Event::Note(note) = &event {
                notes.push((began.elapsed(), note.clone()));
            }
            if let Event::Piece {
                region,
                bytes: Some(bytes),
            } = &event
            {
                self.read.insert(region.offset, bytes.to_vec());
            }
            if event.is_ending() {
                self.longest = self.longest.max(began.elapsed());
                self.long_jobs += u64::from(began.elapsed() > HANG);
                return Ok(event);
            }
        }
    }

    /// One run.
    ///
    /// # Errors
    /// What must never happen, with what led to it.
    pub fn run(&mut self, kind: Kind, seed: u64, number: u64) -> Result<Ending, String> {
        let mut random = Random::new(seed ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
        let (job_number, faults) = faults(kind, number, &self.lengths, &mut random);
        let job = Arc::clone(&self.jobs[job_number as usize]);
        if !self.inside.flash_is(&self.expected) {
            let what = self.difference();
            self.inside.overwrite(0, &self.background);
            return Err(format!("CHANGED BETWEEN RUNS, before run {number}: {what}"));
        }
        self.runs[job_number as usize] += 1;
        self.expect(&job);
        self.prepare(&job);
        self.inside.add_faults_from_here(&faults);
        let what = format!(
            "{kind:?} seed {seed} run {number}, job {job_number}, {:?} {:?} {:?}",
            faults.wire, faults.flash, faults.write_protected
        );
        let result = self.judge(&job, number, &what);
        self.inside.mend();
        self.clean(&job);
        if !matches!(result, Ok(Ending::ByItself | Ending::Resumed)) {
            // Whatever was lost must not be taken for the work of the runs that follow.
            self.inside.overwrite(0, &self.background);
        }
        result
    }

    /// Runs of each job, in the order of [`NAMES`].
    pub fn runs(&self) -> &[u64] {
        &self.runs
    }

    /// The longest job so far, and how many took longer than 10 s in all.
    #[cfg_attr(test, expect(dead_code, reason = "the campaigns program tells it"))]
    pub fn long_jobs(&self) -> (Duration, u64) {
        (self.longest, self.long_jobs)
    }

    fn judge(&mut self, job: &Job, number: u64, what: &str) -> Result<Ending, String> {
        // What a job saved on its way is there for the next one, as it is on a disk.
        let around = Surroundings::in_memory();
        let first = self
            .perform(job, &around)
            .map_err(|hang| format!("{hang}: {what}"))?;
        let finished = match &first {
            Event::Finished(Outcome::Written(summary)) => summary.verified,
            Event::Finished(Outcome::Erased(_) | Outcome::PiecesRead { .. }) => true,
            _ => false,
        };
        if let Some(wrong) = self.wrong_beside(job, &around, None, finished) {
            return Err(format!("{wrong}: {what}: {first:?}"));
        }
        let said = match first {
            Event::Finished(_) if finished => {
                return if self.inside.flash_is(&self.expected) {
                    Ok(Ending::ByItself)
                } else {
                    Err(format!("FALSE SUCCESS: {what}: {}", self.difference()))
                };
            }
            Event::Failed(error) if !error.message.is_empty() && !error.help.is_empty() => error,
            other => return Err(format!("ODD ENDING: {what}: {other:?}")),
        };
        let port = self.port.display().to_string();
        let words = said.message.split_whitespace();
        let words = words.filter(|word| {
            word.trim_end_matches(':') != port
                && !word.contains(|letter: char| letter.is_ascii_digit())
        });
        let sentence = words.collect::<Vec<_>>().join(" ");
        self.said.entry(sentence).or_default().push(number);
        self.inside.mend();
        if said.cause == Some(Cause::Silent) {
            // A damaged command can send the chip out of its loader for good. Then the sentence says what a person has
            // to do, and this is the person.
            self.inside.power_cycle();
        }
        let mut lost = said.lost;
        let mut second = self.resume(job, &around, lost, what)?;
        if let (Event::Failed(error), None) = (&second, lost)
            && error.lost.is_some()
        {
            // What the first job could not look at any more, the second one names; it is said once.
            lost = error.lost;
            second = self.resume(job, &around, lost, what)?;
        }
        match second {
            Event::Finished(Outcome::Written(summary)) if !summary.verified => {
                Err(format!("NOT VERIFIED after resume: {what}"))
            }
            Event::Finished(_) if self.inside.flash_is(&self.expected) => Ok(match lost {
                None => Ending::Resumed,
                // Nothing was lost but what the job wrote again.
                Some(_) => Ending::Named,
            }),
            Event::Finished(_) if self.differs_only_in(lost, job) => Ok(Ending::Named),
            Event::Finished(_) => Err(format!(
                "FALSE SUCCESS of resume: {what}: {}",
                self.difference()
            )),
            other => Err(format!("NO RESUME after “{said}”: {what}: {other:?}")),
        }
    }

    /// The same job once more, on a board that is whole again.
    fn resume(
        &mut self,
        job: &Job,
        around: &Surroundings,
        lost: Option<Region>,
        what: &str,
    ) -> Result<Event, String> {
        let event = self
            .perform(job, around)
            .map_err(|hang| format!("{hang} in resume: {what}"))?;
        let finished = matches!(event, Event::Finished(_));
        match self.wrong_beside(job, around, lost, finished) {
            Some(wrong) => Err(format!("{wrong} after resume: {what}: {event:?}")),
            None => Ok(event),
        }
    }

    /// What else must not be after a job, besides what its flash holds.
    fn wrong_beside(
        &self,
        job: &Job,
        around: &Surroundings,
        lost: Option<Region>,
        finished: bool,
    ) -> Option<String> {
        let read = self.wrong_read(job, lost, finished);
        let read = read.map(|wrong| format!("FALSE SUCCESS of a read: {wrong}"));
        let kept = || self.wrong_kept(job, around, finished);
        read.or_else(|| kept().map(|wrong| format!("TABLE LOST: {wrong}")))
    }

    /// Whether every byte that is not as expected lies in the region that an error named as lost, and none in what the job
    /// was about.
    fn differs_only_in(&self, lost: Option<Region>, job: &Job) -> bool {
        let Some(lost) = lost else {
            return false;
        };
        let flash = self.inside.flash();
        let (start, end) = (lost.offset as usize, (lost.end() as usize).min(flash.len()));
        let beside =
            flash[..start] == self.expected[..start] && flash[end..] == self.expected[end..];
        let mut targets = job
            .target
            .iter()
            .map(|target| target.offset as usize..target.end() as usize);
        beside && targets.all(|target| flash[target.clone()] == self.expected[target])
    }

    /// What first jobs failed with, without their numbers, and in which runs.
    #[cfg_attr(test, expect(dead_code, reason = "the campaigns program tells it"))]
    pub fn said(&self) -> &BTreeMap<String, Vec<u64>> {
        &self.said
    }

    fn difference(&self) -> String {
        let flash = self.inside.flash();
        let differing: Vec<usize> = (0..flash.len())
            .filter(|at| flash[*at] != self.expected[*at])
            .collect();
        let blank = differing.iter().filter(|at| flash[**at] == 0xFF).count();
        format!(
            "{} bytes differ from {:#x} to {:#x}, {blank} of them are blank",
            differing.len(),
            differing.first().copied().unwrap_or_default(),
            differing.last().copied().unwrap_or_default()
        )
    }
}
