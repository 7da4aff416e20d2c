//! What a job does about errors on its way: which of them it survives, how the board is found again, and when it gives
//! up. What has to be done again is not decided here: whoever was interrupted asks the board by digests.

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::job::Job;
use super::pace::Pace;
use crate::device::session::Go;

/// Errors in a row, without anything proven in between, that end a job.
const FRUITLESS_MAX: u32 = 16;

/// Errors in a row after which the board is connected anew, although its stub still answers: what it was told of its flash may
/// have been damaged on the way, and then it refuses whatever it is asked.
const STUBBORN: u32 = 5;

/// How often what was proven is looked at once more because the chip was reset, before that is the end of the job.
pub(super) const PROOFS_AGAIN: u32 = 8;

/// The errors of one job so far.
pub(super) struct Interruptions {
    /// The first one since something was proven: it says more than that the board could not be reached again.
    first: Option<JobError>,
    fruitless: u32,
    pace: Pace,
}

/// What is left of the session after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The stub answers again: the chip was not reset.
    Session,
    /// The next command connects anew; whatever was known of the flash is not known any more.
    Nothing,
}

impl Interruptions {
    pub(super) fn new(baud: u32) -> Self {
        Self {
            first: None,
            fruitless: 0,
            pace: Pace::new(baud),
        }
    }

    /// How carefully to go on.
    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// The line showed damage, even if this job survived it without an error.
    pub(super) fn not_bold(&mut self) {
        if self.pace.is_bold() {
            self.pace = self.pace.slower();
        }
    }

    /// Something was proven: the errors before it were survived.
    pub(super) fn progress(&mut self) {
        self.first = None;
        self.fruitless = 0;
    }

    /// Does `step` until it succeeds, with errors survived in between. For steps that change nothing on the board.
    pub(super) fn retry<T>(
        &mut self,
        link: &mut BoardLink,
        job: &mut Job<'_>,
        step: &mut dyn FnMut(&mut BoardLink, &mut Job<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        loop {
            match step(link, job) {
                Ok(value) => return Ok(value),
                Err(error) => self.survive(error, link, job)?,
            };
        }
    }

    /// Whether a write goes on although the stub did not take one of its blocks: a step more carefully, as long as that does
    /// not mean another speed. `proven` says whether a digest has shown more of it than after the refusal before.
    pub(super) fn go_on_in_write(
        &mut self,
        refusal: &JobError,
        proven: bool,
        job: &mut Job<'_>,
    ) -> bool {
        if proven {
            self.progress();
        }
        let slower = self.pace.slower();
        let is_over = job.go() == Go::Stop || self.fruitless + 1 >= FRUITLESS_MAX;
        if is_over || slower.baud() != self.pace.baud() {
            return false;
        }
        self.fruitless += 1;
        self.pace = slower;
        job.note(format!("{}; sending it again", refusal.message));
        true
    }

    /// Finds the board again after `stop`, a step more carefully.
    ///
    /// # Errors
    /// What ends the job: being cancelled, an error that trying again cannot help, or too many in a row.
    pub(super) fn survive(
        &mut self,
        stop: Stop,
        link: &mut BoardLink,
        job: &mut Job<'_>,
    ) -> Result<Left, Stop> {
        let error = match stop {
            Stop::Failed(error) => error,
            cancelled @ Stop::Cancelled(_) => return Err(cancelled),
        };
        if job.go() == Go::Stop {
            // What state that leaves, whoever was interrupted says.
            return Err(Stop::Cancelled(String::new()));
        }
        self.fruitless += 1;
        if !error.resumable && !error.unreachable {
            // Whatever went wrong before, this is what a person has to know.
            return Err(error.into());
        }
        if !error.resumable || self.fruitless >= FRUITLESS_MAX {
            return Err(self.first.take().unwrap_or(error).into());
        }
        job.note(format!("{}; finding out what is missing", error.message));
        self.first.get_or_insert(error);
        let before = self.pace;
        self.pace = self.pace.slower();
        if self.pace.baud() != before.baud() {
            job.note(format!("Going on at {} baud", self.pace.baud()));
            link.set_baud(self.pace.baud());
            return Ok(Left::Nothing);
        }
        if link.recover()? && !self.fruitless.is_multiple_of(STUBBORN) {
            return Ok(Left::Session);
        }
        link.close();
        Ok(Left::Nothing)
    }
}
