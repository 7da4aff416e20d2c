//! Connects and says what is there.

use super::board_link::BoardLink;
use super::error::Stop;
use super::event::Outcome;
use super::job::Job;

pub(super) fn run(link: &mut BoardLink, job: &mut Job<'_>) -> Result<Outcome, Stop> {
    let session = link.loader(job)?;
    Ok(Outcome::Detected(session.identify()?))
}
