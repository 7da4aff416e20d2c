//! One run of a campaign: a reference job on a practice board, something that goes wrong, and what must hold then.
//!
//! Everything follows from the campaign's seed and the run's number. A lane is one board that is used run after run;
//! its flash is full of a background pattern, so that a byte that is touched outside the target is seen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flashpack::device::practice::faults::{Direction, FlashFault, PowerLoss, Replug, WireFault};
use flashpack::device::practice::{Board, Faults, Options, TestAccess};
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::{LinkOptions, PortChoice, Request};
use flashpack::engine::surroundings::Surroundings;
use flashpack::engine::worker::Worker;
use flashpack::model::cause::Cause;
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::region::Region;

const FLASH: usize = 0x20_0000;
/// A lost answer costs 100 ms.
const PATIENCE_PERCENT: u32 = 33;
/// A job that says nothing for longer than this hangs.
const HANG: Duration = Duration::from_secs(10);

/// What a campaign does to its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One cut, at every byte of either direction and at every flash operation.
    Cuts,
    /// One to three faults of any sort.
    Faulty,
    /// Damaged bytes at this rate, in parts per million.
    Noise(u32),
}

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

/// A seeded generator: xorshift with a multiplication (Vigna's xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

/// A job of 64 KiB: what the board holds before, what it is asked to do, and what it must hold then.
struct Job {
    before: Vec<(u32, Vec<u8>)>,
    request: Request,
    after: Vec<(u32, Vec<u8>)>,
    /// The sectors that it may touch.
    target: Vec<Region>,
}

impl Job {
    fn write(before: Vec<(u32, Vec<u8>)>, writes: Vec<PlannedWrite>) -> Self {
        let after = writes
            .iter()
            .map(|write| (write.offset, write.bytes.to_vec()));
        Self {
            before,
            after: after.collect(),
            target: writes
                .iter()
                .map(|write| write.region().sectors())
                .collect(),
            request: Request::Write(Arc::new(FlashPlan::new(writes))),
        }
    }

    fn erase(region: Region) -> Self {
        Self {
            before: Vec::new(),
            after: vec![(region.offset, vec![0xFF; region.size as usize])],
            target: vec![region],
            request: Request::Erase(region),
        }
    }
}

fn write(role: Role, target: &str, offset: u32, bytes: &[u8]) -> PlannedWrite {
    PlannedWrite {
        role,
        target: target.into(),
        source: "campaign".into(),
        offset,
        bytes: bytes.to_vec().into(),
        destroys: Vec::new(),
    }
}

/// Reference jobs, one per number from 0.
const JOBS: u64 = 5;

fn job(number: u64) -> Job {
    let mut random = Random::new(1000 + number);
    let blank = |len: usize| vec![0xFF; len];
    match number {
        // A blank chip.
        0 => Job::write(
            vec![(0x10_0000, blank(0x1_0000))],
            vec![write(Role::Data, "bin", 0x10_0000, &random.bytes(0x1_0000))],
        ),
        // Some sectors of an image changed; long runs of one value, as packs have them.
        1 => {
            let mut old = random.bytes(0x1_0000);
            old[0x6000..0x9000].fill(0xFF);
            old[0xC000..].fill(0);
            let mut new = old.clone();
            for at in [0x10, 0x3FFF, 0x4000, 0x8800, 0xF123] {
                new[at] ^= 0x5A;
            }
            new[0x2000..0x3000].fill(0xFF);
            Job::write(
                vec![(0x11_0000, old)],
                vec![write(Role::Data, "bin", 0x11_0000, &new)],
            )
        }
        // Ends that share their sectors with somebody else.
        2 => Job::write(
            Vec::new(),
            vec![write(Role::Data, "bin", 0x12_0200, &random.bytes(0xEE00))],
        ),
        // Text that packs well, in two places, the second after the first.
        3 => {
            let text: Vec<u8> = (0..0xF000u32)
                .flat_map(|at| format!("{} ", at % 1013).into_bytes())
                .take(0xF000)
                .collect();
            Job::write(
                vec![(0x14_0000, blank(0x4000))],
                vec![
                    write(Role::Data, "bin", 0x14_0000, &text),
                    write(Role::OtaData, "otadata", 0xD000, &random.bytes(0x1000)),
                ],
            )
        }
        // Sectors and a whole block.
        _ => Job::erase(Region::new(0x15_E000, 0x1_4000)),
    }
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
    /// What first jobs failed with, without their numbers, and how often.
    said: BTreeMap<String, u64>,
    /// Bytes to the board, bytes from it and flash operations of each job when nothing goes wrong.
    lengths: Vec<[u64; 3]>,
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

    fn counts(&self) -> [u64; 3] {
        let report = self.inside.report();
        [
            report.wire.to_board,
            report.wire.from_board,
            self.inside.operations(),
        ]
    }

    /// Puts what a job finds on the board, which is then switched off and on.
    fn prepare(&self, job: &Job) {
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
            .submit(job.request.clone())
            .expect("a new worker is free");
        let began = Instant::now();
        let mut last = began;
        loop {
            let event = worker.wait_event().expect("a job ends with an event");
            if last.elapsed() > HANG {
                return Err(format!("HANG of {:?} before {event:?}", last.elapsed()));
            }
            last = Instant::now();
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
        let (job_number, faults) = self.faults(kind, number, &mut random);
        let job = Arc::clone(&self.jobs[job_number as usize]);
        if !self.inside.flash_is(&self.expected) {
            let what = self.difference();
            self.inside.overwrite(0, &self.background);
            return Err(format!("CHANGED BETWEEN RUNS, before run {number}: {what}"));
        }
        self.expect(&job);
        self.prepare(&job);
        self.inside.add_faults_from_here(&faults);
        let what = format!(
            "{kind:?} seed {seed} run {number}, job {job_number}, {:?} {:?} {:?}",
            faults.wire, faults.flash, faults.write_protected
        );
        let result = self.judge(&job, &what);
        self.inside.mend();
        self.clean(&job);
        if !matches!(result, Ok(Ending::ByItself | Ending::Resumed)) {
            // Whatever was lost must not be taken for the work of the runs that follow.
            self.inside.overwrite(0, &self.background);
        }
        result
    }

    /// The longest job so far, and how many took longer than 10 s in all.
    #[cfg_attr(test, expect(dead_code, reason = "the campaigns program tells it"))]
    pub fn long_jobs(&self) -> (Duration, u64) {
        (self.longest, self.long_jobs)
    }

    fn judge(&mut self, job: &Job, what: &str) -> Result<Ending, String> {
        // What a job saved on its way is there for the next one, as it is on a disk.
        let around = Surroundings::in_memory();
        let first = self
            .perform(job, &around)
            .map_err(|hang| format!("{hang}: {what}"))?;
        let finished = match &first {
            Event::Finished(Outcome::Written(summary)) => summary.verified,
            Event::Finished(Outcome::Erased(_)) => true,
            _ => false,
        };
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
        let words = words
            .filter(|word| *word != port && !word.contains(|letter: char| letter.is_ascii_digit()));
        let sentence = words.collect::<Vec<_>>().join(" ");
        *self.said.entry(sentence).or_default() += 1;
        self.inside.mend();
        if said.cause == Some(Cause::Silent) {
            // A damaged command can send the chip out of its loader for good. Then the sentence says what a person has
            // to do, and this is the person.
            self.inside.power_cycle();
        }
        let second = self
            .perform(job, &around)
            .map_err(|hang| format!("{hang} in resume: {what}"))?;
        match second {
            Event::Finished(_) if self.inside.flash_is(&self.expected) => Ok(Ending::Resumed),
            Event::Finished(_) if self.differs_only_in(said.lost) => Ok(Ending::Named),
            Event::Finished(_) => Err(format!(
                "FALSE SUCCESS of resume: {what}: {}",
                self.difference()
            )),
            other => Err(format!("NO RESUME after “{said}”: {what}: {other:?}")),
        }
    }

    /// Whether every byte that is not as expected lies in the region that an error named as lost.
    fn differs_only_in(&self, lost: Option<Region>) -> bool {
        let Some(lost) = lost else {
            return false;
        };
        let (start, end) = (lost.offset as usize, lost.end() as usize);
        let flash = self.inside.flash();
        flash[..start] == self.expected[..start] && flash[end..] == self.expected[end..]
    }

    /// What first jobs failed with, without their numbers, and how often.
    #[cfg_attr(test, expect(dead_code, reason = "the campaigns program tells it"))]
    pub fn said(&self) -> &BTreeMap<String, u64> {
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

    /// Which job, and what goes wrong.
    fn faults(&self, kind: Kind, number: u64, random: &mut Random) -> (u64, Faults) {
        let mut faults = Faults {
            seed: random.next(),
            ..Faults::default()
        };
        match kind {
            Kind::Cuts => {
                let (job, fault) = self.cut(number);
                match fault {
                    Cut::Wire(direction, at, fault) => faults.wire.push((direction, at, fault)),
                    Cut::Flash(at, fault) => faults.flash.push((at, fault)),
                }
                return (job, faults);
            }
            Kind::Noise(per_million) => {
                faults.noise_to_board = f64::from(per_million) / 1e6;
                faults.noise_from_board = faults.noise_to_board;
                return (random.below(JOBS), faults);
            }
            Kind::Faulty => {}
        }
        let job = random.below(JOBS);
        let [to_board, from_board, operations] = self.lengths[job as usize];
        for _ in 0..=random.below(3) {
            let (direction, len) = match random.below(2) {
                0 => (Direction::ToBoard, to_board),
                _ => (Direction::FromBoard, from_board),
            };
            let at = random.below(len + len / 8);
            let operation = random.below(operations + 8);
            let soon = Replug::After(Duration::from_millis(random.below(30)));
            let wire = match random.below(13) {
                0 | 1 => WireFault::Drop,
                2 | 3 => WireFault::Flip(Some(random.below(8) as u8)),
                4 => WireFault::Duplicate,
                5 => WireFault::Insert,
                6 => WireFault::Delay(Duration::from_millis(random.below(300))),
                7 => WireFault::Cut,
                8 => WireFault::Unplug(soon),
                9 => {
                    faults.flash.push((operation, FlashFault::Fail));
                    continue;
                }
                10 => {
                    let loss = FlashFault::PowerLoss(PowerLoss::BrownOut);
                    faults.flash.push((operation, loss));
                    continue;
                }
                11 => {
                    let loss = FlashFault::PowerLoss(PowerLoss::Unplug(soon));
                    faults.flash.push((operation, loss));
                    continue;
                }
                _ => {
                    faults.write_protected = random.below(4) == 0;
                    faults
                        .stuck_bytes
                        .push(0x10_0000 + random.below(0x8_0000) as u32);
                    continue;
                }
            };
            faults.wire.push((direction, at, wire));
        }
        (job, faults)
    }

    /// All cuts of all jobs, one per number, in an order that covers them evenly however many are run.
    fn cut(&self, number: u64) -> (u64, Cut) {
        let total: u64 = self.cuts();
        // A step without a common divisor visits every one before any comes twice.
        let mut step = (total * 382 / 1000) | 1;
        while gcd(step, total) != 1 {
            step += 2;
        }
        let mut place = (u128::from(number) * u128::from(step) % u128::from(total)) as u64;
        for (job, [to_board, from_board, operations]) in (0..).zip(&self.lengths) {
            let never = Replug::Never;
            let loss = |loss| FlashFault::PowerLoss(loss);
            for (len, cut) in [
                (*to_board, Cut::Wire(Direction::ToBoard, 0, WireFault::Cut)),
                (
                    *from_board,
                    Cut::Wire(Direction::FromBoard, 0, WireFault::Cut),
                ),
                (
                    *to_board,
                    Cut::Wire(Direction::ToBoard, 0, WireFault::Unplug(never)),
                ),
                (
                    *from_board,
                    Cut::Wire(Direction::FromBoard, 0, WireFault::Unplug(never)),
                ),
                (*operations, Cut::Flash(0, loss(PowerLoss::Unplug(never)))),
                (*operations, Cut::Flash(0, loss(PowerLoss::BrownOut))),
                (*operations, Cut::Flash(0, FlashFault::Fail)),
            ] {
                if place < len {
                    return (job, cut.at(place));
                }
                place -= len;
            }
        }
        unreachable!("the place is below the total")
    }

    /// How many cuts there are.
    pub fn cuts(&self) -> u64 {
        let of_job = |[to_board, from_board, operations]: &[u64; 3]| {
            2 * to_board + 2 * from_board + 3 * operations
        };
        self.lengths.iter().map(of_job).sum()
    }
}

enum Cut {
    Wire(Direction, u64, WireFault),
    Flash(u64, FlashFault),
}

impl Cut {
    fn at(self, place: u64) -> Self {
        match self {
            Self::Wire(direction, _, fault) => Self::Wire(direction, place, fault),
            Self::Flash(_, fault) => Self::Flash(place, fault),
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
