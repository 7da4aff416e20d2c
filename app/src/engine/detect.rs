//! Connects and says what is there.

use super::board_link::BoardLink;
use super::error::Stop;
use super::event::Outcome;
use super::job::Job;

pub(super) fn run(link: &mut BoardLink, job: &mut Job<'_>) -> Result<Outcome, Stop> {
    match link.loader(job) {
        Ok(session) => Ok(Outcome::Detected(session.identify()?)),
        // Such a chip can be asked nothing more, but what it said is an answer.
        Err(stop) => link.take_secured().map(Outcome::Detected).ok_or(stop),
    }
}
