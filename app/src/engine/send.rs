//! Brings runs of sectors to the board and proves them, whatever happens on the way.
//!
//! A run is in one of three conditions: still to be sent, sent but not proven, proven. An error moves nothing on: what
//! was sent is asked about by digests, what proves wrong is sent again, in smaller blocks; what is proven stays so as
//! long as the chip was not reset. So nothing is ever repeated blindly, and nothing counts because it was sent.

use super::board_link::BoardLink;
use super::compress::{self, Packing};
use super::error::{JobError, Stop};
use super::event::{RegionState, Stage};
use super::flash_fault;
use super::interruption::{Interruptions, Left};
use super::job::Job;
use super::pace::Pace;
use super::scan;
use super::stray::{self, Begun, Between};
use super::stray_kept;
use super::stray_watch::{self, Care, Meanwhile, Watch};
use super::whole::Whole;
use crate::device::error::DeviceError;
use crate::device::session::{DataBlock, Form, Go, Session, Taken, was_not_taken};
use crate::model::cause::Cause;
use crate::model::number::hex;
use crate::model::region::Region;

/// How often bytes that arrived without an error may prove wrong.
const REWRITES: u32 = 2;

/// How runs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct How {
    /// Everything is sent, without a look at what the board holds.
    pub(super) full: bool,
    /// Nothing is proven afterwards.
    pub(super) no_verify: bool,
}

/// The runs of one region on their way.
pub(super) struct Sending<'a> {
    whole: &'a Whole,
    target: &'a str,
    /// How to go about it: whether to verify, and whether what is sent may be on the board already.
    how: How,
    /// Still to be sent, in order.
    open: Vec<Region>,
    /// Sent, at least in part, and not proven.
    unproven: Vec<Region>,
    /// What the board was told to write and what is not proven yet: a part whose bytes are missing may lie elsewhere.
    begun: Vec<Begun>,
    /// What lies between sending what is unproven and now.
    between: Between,
    /// What lay around before what was sent last.
    around: Watch,
    rewrites: u32,
    /// The fewest bytes that were ever left: less is progress.
    fewest_left: u64,
    /// Bytes of this stage, done and of all.
    done: u64,
    total: u64,
}

impl<'a> Sending<'a> {
    pub(super) fn new(whole: &'a Whole, target: &'a str, how: How, runs: Vec<Region>) -> Self {
        let total = bytes(&runs);
        Self {
            whole,
            target,
            how,
            open: runs,
            unproven: Vec::new(),
            begun: Vec::new(),
            between: Between::Nothing,
            around: Watch::default(),
            rewrites: 0,
            fewest_left: total,
            done: 0,
            total,
        }
    }

    /// Sends and proves until nothing is left.
    pub(super) fn finish(
        mut self,
        link: &mut BoardLink,
        interruptions: &mut Interruptions,
        job: &mut Job<'_>,
    ) -> Result<(), Stop> {
        while !self.open.is_empty() || !self.unproven.is_empty() {
            let result = if self.unproven.is_empty() {
                self.send_some(link, interruptions, job)
            } else {
                self.prove(link, interruptions, job)
            };
            let Err(stop) = result else { continue };
            // A chip that was reset once is not the one that was told, however often it answers afterwards.
            if self.between == Between::Nothing {
                self.between = Between::Error;
            }
            let left = match interruptions.survive(stop, link, job) {
                Ok(left) => left,
                Err(end) => return Err(self.last_look(end, link, job)),
            };
            if left == Left::Nothing {
                // The chip may have run its program meanwhile: everything of this region is asked again.
                self.between = Between::Reset;
                self.open.clear();
                self.unproven = vec![self.whole.region()];
            }
        }
        Ok(())
    }

    /// How a job ends that cannot go on: by what its last command destroyed elsewhere, if the board can still be asked.
    fn last_look(&self, end: Stop, link: &mut BoardLink, job: &mut Job<'_>) -> Stop {
        let is_named = matches!(&end, Stop::Failed(error) if error.lost.is_some());
        let (false, Some(begun)) = (is_named, self.begun.last()) else {
            return end;
        };
        let between = match &end {
            Stop::Cancelled(_) => self.between,
            Stop::Failed(_) => Between::Reset,
        };
        let found = link
            .loader(job)
            .and_then(|session| Ok(self.lost(session, begun, between)?));
        match found {
            Ok(Some(error)) => error.into(),
            Ok(None) => {
                stray_kept::settle(&*link.keep(), link.mac_of_job()).ok();
                end
            }
            // Whoever cannot be asked is what the job ended for.
            Err(_) => end,
        }
    }

    /// What a run destroyed outside, as the error of the job.
    fn lost(
        &self,
        session: &mut Session,
        begun: &Begun,
        between: Between,
    ) -> Result<Option<JobError>, DeviceError> {
        let meanwhile = match between {
            Between::Nothing | Between::Error => Meanwhile::LoaderOnly,
            Between::Reset => Meanwhile::Reset,
        };
        if let Some(lost) = self.around.lost_behind(session, meanwhile)? {
            return Ok(Some(stray::erased_too_much(self.target, lost)));
        }
        let place = match self.around.lost_elsewhere(session, meanwhile)? {
            None => stray::find(session, self.whole, begun, &self.around)?,
            place => place,
        };
        Ok(place.map(|place| stray::went_elsewhere(self.target, begun.region.offset, place)))
    }

    /// Looks around before these parts are sent, and keeps what is seen in case that this job cannot look again.
    fn look_around(
        &mut self,
        parts: &[Region],
        link: &mut BoardLink,
        job: &mut Job<'_>,
    ) -> Result<(), Stop> {
        let keep = link.keep();
        let session = link.loader(job)?;
        // Where the board may hold these bytes already, none that is missing tells that they went elsewhere.
        let care = if self.how.full || session.is_disturbed() {
            Care::Thorough
        } else {
            Care::Light
        };
        let whole = self.whole.region();
        self.around = Watch::set(session, whole, parts, care, Some(self.whole))?;
        let mac = session.identify()?.mac;
        stray_kept::put(&*keep, mac.as_deref(), self.target, &self.around, job);
        Ok(())
    }

    /// What is sent next and may then be unproven at once: everything, or a little on a line that showed damage; and in which
    /// form. A stream that breaks is lost, so on such a line it has to be worth it.
    fn next_parts(&self, pace: Pace) -> (Form, Vec<Region>) {
        if pace.is_bold() {
            return (Form::Stream, self.open.clone());
        }
        let parts = self.first_parts(pace.unproven_max(Form::Plain));
        let bytes: Vec<&[u8]> = parts.iter().map(|part| self.whole.part(*part)).collect();
        if compress::packs_to_half(&bytes.concat()) {
            let room = pace.unproven_max(Form::Stream);
            (Form::Stream, self.first_parts(room))
        } else {
            (Form::Plain, parts)
        }
    }

    /// As much of what is still to be sent, in order.
    fn first_parts(&self, mut room: u32) -> Vec<Region> {
        let parts = self.open.iter().map(|run| {
            let part = Region::new(run.offset, run.size.min(room));
            room -= part.size;
            part
        });
        parts.filter(|part| part.size > 0).collect()
    }

    /// Sends what is next.
    fn send_some(
        &mut self,
        link: &mut BoardLink,
        interruptions: &mut Interruptions,
        job: &mut Job<'_>,
    ) -> Result<(), Stop> {
        if link.loader(job)?.is_disturbed() {
            interruptions.not_bold();
        }
        let pace = interruptions.pace();
        let (form, parts) = self.next_parts(pace);
        self.look_around(&parts, link, job)?;
        link.set_changing();
        let (session, proven) = link.loader_and_proven(job)?;
        job.stage(Stage::Writing);
        self.between = Between::Nothing;
        for part in parts {
            // From here on the flash changes, whether or not anybody hears of it.
            proven.forget(part);
            self.unproven.push(part);
            if let Some(run) = self.open.first_mut() {
                *run = Region::new(part.end() as u32, run.size - part.size);
                if run.size == 0 {
                    self.open.remove(0);
                }
            }
            self.send_part(session, part, form, interruptions, job)?;
            if !session.end_write(part, form)?
                && let Some(behind) = stray::blank_behind(session, part)?
            {
                proven.clear();
                return Err(stray::erased_too_much(self.target, behind).into());
            }
            if self.how.no_verify {
                self.unproven.pop();
                self.begun.pop();
            }
        }
        // Where the right bytes were there before, or nothing is proven, nothing that is missing would tell.
        if (self.how.full || self.how.no_verify)
            && let Some(lost) = self.around.lost(session, Meanwhile::LoaderOnly)?
        {
            proven.clear();
            return Err(stray_watch::lost_outside(lost).into());
        }
        Ok(())
    }

    /// Begins a write and sends its bytes. A block that the stub did not take is sent again, smaller, where nothing depends on
    /// it but itself and a digest has shown what came before it: a new begin could go astray.
    fn send_part(
        &mut self,
        session: &mut Session,
        part: Region,
        form: Form,
        interruptions: &mut Interruptions,
        job: &mut Job<'_>,
    ) -> Result<(), Stop> {
        let (before, total) = (self.done, self.total);
        let (mut taken, mut shown) = (Taken::default(), 0);
        let block = interruptions.pace().block();
        // Packing goes on while the chip erases.
        let mut data = blocks(self.whole, part, form, 0, block)?;
        self.begun.push(Begun::new(part));
        session.begin_write(part, form, block)?;
        loop {
            let mut marked = taken.bytes as u32;
            let sent = session.send_blocks(part, form, &mut taken, &mut data, &mut |sent| {
                let sent_now = Region::new(part.offset + marked, sent as u32 - marked);
                if sent_now.size > 0 {
                    job.region(sent_now, RegionState::Written);
                }
                marked = sent as u32;
                job.advanced((before + sent).min(total), total)
            });
            self.done = (before + taken.bytes).min(total);
            let so_far = Region::new(part.offset, taken.bytes as u32);
            if let Some(begun) = self.begun.last_mut() {
                begun.sent = so_far.size;
            }
            let Err(error) = sent else { return Ok(()) };
            if form != Form::Plain || !was_not_taken(&error) {
                return Err(error.into());
            }
            self.between = Between::Error;
            if so_far.size > 0 && !scan::holds(session, self.whole, so_far)? {
                return Err(error.into());
            }
            let refusal = JobError::from(error);
            if !interruptions.go_on_in_write(&refusal, so_far.size > shown, job) {
                return Err(refusal.into());
            }
            shown = so_far.size;
            let block = interruptions.pace().block();
            data = blocks(self.whole, part, form, taken.bytes, block)?;
        }
    }

    /// Asks for the digests of what was sent; what is wrong is to be sent again.
    fn prove(
        &mut self,
        link: &mut BoardLink,
        interruptions: &mut Interruptions,
        job: &mut Job<'_>,
    ) -> Result<(), Stop> {
        let (session, proven) = link.loader_and_proven(job)?;
        job.stage(Stage::Verifying);
        // All but the last one told that they ended as they were announced.
        if let Some(last) = self
            .begun
            .last()
            .filter(|_| self.between != Between::Nothing)
            && let Some(lost) = self.lost(session, last, self.between)?
        {
            proven.clear();
            return Err(lost.into());
        }
        let total = bytes(&self.unproven);
        let mut done = 0;
        while let Some(region) = self.unproven.first().copied() {
            let Some(piece) = scan::pieces(region).next() else {
                self.unproven.remove(0);
                continue;
            };
            let wrong = if self.between == Between::Nothing
                && scan::holds(session, self.whole, piece)?
            {
                proven.learn(piece, self.whole.part(piece));
                job.region(piece, RegionState::Verified);
                Vec::new()
            } else {
                let scanned = scan::scan(session, proven, self.whole, piece, &scan::unknown, job)?;
                job.stage(Stage::Verifying);
                scanned.differing
            };
            for begun in &self.begun {
                if wrong.iter().any(|run| run.overlaps(begun.region))
                    && let Some(lost) = self.lost(session, begun, self.between)?
                {
                    proven.clear();
                    return Err(lost.into());
                }
            }
            if let (Some(first), false) = (wrong.first(), self.between != Between::Nothing) {
                // A command went astray without an error: what was called the same may be erased instead.
                session.mark_disturbed();
                self.rewrites += 1;
                if self.rewrites > REWRITES {
                    let cause = flash_fault::find(session, *first, self.whole.part(*first));
                    return Err(does_not_hold(self.target, first.offset, cause).into());
                }
                job.note(format!(
                    "{} at {} proved wrong and is written again",
                    self.target,
                    hex(first.offset)
                ));
            }
            self.total += bytes(&wrong);
            self.open.extend(wrong);
            self.unproven[0] = Region::new(piece.end() as u32, region.size - piece.size);
            let left = bytes(&self.open) + bytes(&self.unproven);
            if left < self.fewest_left {
                self.fewest_left = left;
                interruptions.progress();
            }
            done += u64::from(piece.size);
            if job.advanced(done.min(total), total) == Go::Stop && done < total {
                return Err(Stop::Cancelled(String::new()));
            }
        }
        self.open.sort_by_key(|run| run.offset);
        self.begun.clear();
        self.between = Between::Nothing;
        Ok(())
    }
}

/// What of `whole` goes to `part`, in blocks; as it is, only what is not `taken`.
fn blocks<'a>(
    whole: &'a Whole,
    part: Region,
    form: Form,
    taken: u64,
    block: u32,
) -> Result<Box<dyn Iterator<Item = DataBlock> + 'a>, Stop> {
    Ok(match form {
        Form::Plain => Box::new(compress::plain(whole.part(part), taken, block)),
        Form::Stream => {
            let packing = Packing::start(whole.bytes.clone(), whole.range(part), block as usize);
            Box::new(packing.map_err(no_thread)?)
        }
    })
}

fn bytes(regions: &[Region]) -> u64 {
    regions.iter().map(|region| u64::from(region.size)).sum()
}

fn no_thread(error: std::io::Error) -> Stop {
    JobError::new(
        "Cannot pack what is to be sent: the system starts no thread",
        "this computer",
        "Close other programs and try again",
    )
    .with_detail(error)
    .into()
}

fn does_not_hold(target: &str, offset: u32, cause: Option<Cause>) -> JobError {
    let unknown = "Check power and cable and write again; if it stays, the flash is write-protected or failing";
    let mut error = JobError::new(
        format!(
            "{target}: the board does not hold what was written at {}",
            hex(offset)
        ),
        hex(offset),
        cause.map_or(unknown, Cause::todo),
    );
    error.cause = cause;
    error
}
