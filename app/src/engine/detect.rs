//! Connects and says what is there, and what an earlier write left unfinished there.

use super::board_link::BoardLink;
use super::error::Stop;
use super::event::Outcome;
use super::job::Job;
use super::{agent_replaced, table_change};

pub(super) fn run(link: &mut BoardLink, job: &mut Job<'_>) -> Result<Outcome, Stop> {
    let keep = link.keep();
    let identity = match link.loader(job) {
        Ok(session) => session.identify()?,
        // Such a chip can be asked nothing more, but what it said is an answer.
        Err(stop) => return link.take_secured().map(Outcome::Detected).ok_or(stop),
    };
    if let Some(unfinished) = table_change::unfinished(&*keep, identity.mac.as_deref()) {
        job.note(unfinished.sentence());
    }
    if let Some(sentence) = agent_replaced::unfinished(&*keep, identity.mac.as_deref()) {
        job.note(sentence);
    }
    Ok(Outcome::Detected(identity))
}
