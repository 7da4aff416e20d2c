//! Sends requests of the agent's protocol over a link and collects their answers.
//!
//! Answers are matched by sequence number; a lost or damaged one is asked for again, in a stream from the first byte that
//! is missing. Time is counted twice: by the clock, and by the receives that brought nothing, so that a link inside the
//! process, which never waits, times out too.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::time::{Duration, Instant};

use device_agent::frame::{self, Decoder};
use device_agent::message::{MAX_DECODED, MAX_ENCODED, ReplyHeader, Writer};
use device_agent::request::Request;

use super::AgentError;

/// Bytes to and from a board, whatever carries them.
pub trait Link {
    /// Sends all of them.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits at most `timeout` for bytes and says how many came; 0 when none did.
    fn receive(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize>;
}

impl<L: Link + ?Sized> Link for &mut L {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (**self).send(bytes)
    }

    fn receive(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize> {
        (**self).receive(into, timeout)
    }
}

/// How often a question is asked, without any part of an answer, before the agent counts as silent.
const ATTEMPTS: u32 = 5;
/// Shortest time to wait for an answer.
const LEAST_WAIT: Duration = Duration::from_millis(300);
/// Silence after a damaged frame that counts as a lost answer.
const QUIET: Duration = Duration::from_millis(60);
/// How long one receive may wait, so that time-outs are kept.
const SLICE: Duration = Duration::from_millis(10);
/// Modelled times are multiplied by this before they become time-outs.
const PATIENCE: f64 = 3.0;
/// Bytes of flash that an agent reads and sums in a second at least; for time-outs only.
const SLOWEST_BYTES_PER_SEC: f64 = 1_000_000.0;

/// What one question may cost, for its time-out.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    wire_bytes: usize,
    flash_bytes: u32,
}

impl Cost {
    /// One frame each way.
    pub(super) const SMALL: Self = Self {
        wire_bytes: 2 * MAX_ENCODED,
        flash_bytes: 0,
    };

    /// One frame each way, after so many bytes of flash were read.
    pub(super) fn flash(flash_bytes: u32) -> Self {
        Self {
            flash_bytes,
            ..Self::SMALL
        }
    }
}

/// A wait for the answers to one question.
struct Wait {
    limit: Duration,
    started: Instant,
    /// Time that receives without a byte were given.
    idle: Duration,
    /// The part of it since the last byte.
    quiet: Duration,
    bad_before: u32,
}

/// One end of a link, and what is under way on it.
pub(super) struct Exchange<L> {
    link: L,
    decoder: Box<Decoder<MAX_DECODED>>,
    /// Bytes that came; those before `taken` are dealt with.
    input: Vec<u8>,
    taken: usize,
    request: Box<Writer>,
    sequence: u16,
    baud: u32,
    time_scale: f64,
}

impl<L: Link> Exchange<L> {
    pub(super) fn new(link: L) -> Self {
        Self {
            link,
            decoder: Box::default(),
            input: Vec::new(),
            taken: 0,
            request: Box::default(),
            // Another one for every client on a port, so that a late answer to the one before is not taken for ours.
            sequence: RandomState::new().build_hasher().finish() as u16,
            baud: 115_200,
            time_scale: 1.0,
        }
    }

    pub(super) fn baud(&self) -> u32 {
        self.baud
    }

    pub(super) fn set_baud(&mut self, baud: u32) {
        self.baud = baud.max(1);
    }

    pub(super) fn set_sequence(&mut self, sequence: u16) {
        self.sequence = sequence;
    }

    pub(super) fn set_time_scale(&mut self, scale: f64) {
        self.time_scale = scale;
    }

    pub(super) fn link_mut(&mut self) -> &mut L {
        &mut self.link
    }

    pub(super) fn into_link(self) -> L {
        self.link
    }

    /// Asks once, and waits no longer than `patience`.
    pub(super) fn once<T>(
        &mut self,
        asked: &'static str,
        request: &Request<'_>,
        patience: Duration,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, AgentError> {
        let sequence = self.ask(asked, request)?;
        let mut wait = self.wait(patience);
        match self.answer(asked, sequence, &mut wait)? {
            Some(fields) => parse(&fields).ok_or(AgentError::Short { asked }),
            None => Err(AgentError::Silent { asked, attempts: 1 }),
        }
    }

    /// Asks until there is an answer.
    pub(super) fn call<T>(
        &mut self,
        asked: &'static str,
        request: &Request<'_>,
        cost: Cost,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, AgentError> {
        for _ in 0..ATTEMPTS {
            let sequence = self.ask(asked, request)?;
            let mut wait = self.wait(self.time_for(cost));
            if let Some(fields) = self.answer(asked, sequence, &mut wait)? {
                return parse(&fields).ok_or(AgentError::Short { asked });
            }
        }
        Err(AgentError::Silent {
            asked,
            attempts: ATTEMPTS,
        })
    }

    /// Asks several questions of one sort, the next one always sent before the last one is answered. The answers are
    /// given to `take` in the order of the questions.
    pub(super) fn pipeline(
        &mut self,
        asked: &'static str,
        requests: &[Request<'_>],
        cost: Cost,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), AgentError> {
        let mut ahead = None;
        for (index, request) in requests.iter().enumerate() {
            let sequence = match ahead.take() {
                Some(sequence) => sequence,
                None => self.ask(asked, request)?,
            };
            if let Some(next) = requests.get(index + 1) {
                ahead = Some(self.ask(asked, next)?);
            }
            let mut wait = self.wait(self.time_for(cost));
            if let Some(fields) = self.answer(asked, sequence, &mut wait)? {
                take(&fields);
            } else {
                // What was sent ahead may be answered meanwhile and dropped, so it is asked anew as well.
                ahead = None;
                self.call(asked, request, cost, |fields| {
                    take(fields);
                    Some(())
                })?;
            }
        }
        Ok(())
    }

    /// Collects a stream of `goal` units. `request` asks for what is behind the first `done` units; `take` gets each frame and
    /// says how many units it brought, or `None` when it does not follow on what is there. `step` is the units in a frame,
    /// which are also the bytes of flash behind it.
    pub(super) fn stream(
        &mut self,
        asked: &'static str,
        goal: u32,
        step: u32,
        request: impl Fn(u32) -> Request<'static>,
        mut take: impl FnMut(u32, &[u8]) -> Option<u32>,
    ) -> Result<(), AgentError> {
        let mut done = 0;
        let mut attempts = 0;
        loop {
            let sequence = self.ask(asked, &request(done))?;
            // Behind a stream that is cut off here, its other frames may still be on the way.
            let backlog = if attempts == 0 {
                Duration::ZERO
            } else {
                self.wire_time((goal - done) as usize)
            };
            let time = self.time_for(Cost::flash(step)) + backlog;
            let mut wait = self.wait(time);
            while let Some(fields) = self.answer(asked, sequence, &mut wait)? {
                let Some(units) = take(done, &fields) else {
                    break;
                };
                done += units;
                if done >= goal {
                    return Ok(());
                }
                if units == 0 {
                    return Err(AgentError::Short { asked });
                }
                attempts = 0;
                wait = self.wait(time);
            }
            attempts += 1;
            if attempts >= ATTEMPTS {
                return Err(AgentError::Silent { asked, attempts });
            }
        }
    }

    /// Sends a request under a new sequence number, which is returned.
    fn ask(&mut self, asked: &'static str, request: &Request<'_>) -> Result<u16, AgentError> {
        self.sequence = self.sequence.wrapping_add(1);
        request.write(self.sequence, &mut self.request);
        let mut encoded = [0; MAX_ENCODED];
        let frame = self
            .request
            .message()
            .and_then(|message| frame::encode(message, &mut encoded));
        let frame = frame.ok_or(AgentError::TooLong { asked })?;
        self.link
            .send(frame)
            .map_err(|source| AgentError::Link { asked, source })?;
        Ok(self.sequence)
    }

    /// The fields of the next answer of this number, or `None` when the wait is over.
    fn answer(
        &mut self,
        asked: &'static str,
        sequence: u16,
        wait: &mut Wait,
    ) -> Result<Option<Vec<u8>>, AgentError> {
        loop {
            while let Some(&byte) = self.input.get(self.taken) {
                self.taken += 1;
                let Some((header, fields)) = self.decoder.push(byte).and_then(ReplyHeader::parse)
                else {
                    continue;
                };
                if header.sequence != sequence {
                    continue;
                }
                return match header.status {
                    Ok(()) => Ok(Some(fields.to_vec())),
                    Err(fault) => Err(AgentError::Refused { asked, fault }),
                };
            }
            if wait.is_over(self.decoder.bad()) {
                return Ok(None);
            }
            self.receive(asked, wait)?;
        }
    }

    fn receive(&mut self, asked: &'static str, wait: &mut Wait) -> Result<(), AgentError> {
        self.input.resize(4 * MAX_ENCODED, 0);
        self.taken = 0;
        let received = self.link.receive(&mut self.input, SLICE);
        let count = received.as_ref().map_or(0, |count| *count);
        self.input.truncate(count);
        received.map_err(|source| AgentError::Link { asked, source })?;
        if count == 0 {
            wait.idle += SLICE;
            wait.quiet += SLICE;
        } else {
            wait.quiet = Duration::ZERO;
        }
        Ok(())
    }

    fn wait(&self, limit: Duration) -> Wait {
        Wait {
            limit,
            started: Instant::now(),
            idle: Duration::ZERO,
            quiet: Duration::ZERO,
            bad_before: self.decoder.bad(),
        }
    }

    fn wire_time(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 * 10.0 / f64::from(self.baud))
    }

    fn time_for(&self, cost: Cost) -> Duration {
        let flash = Duration::from_secs_f64(f64::from(cost.flash_bytes) / SLOWEST_BYTES_PER_SEC);
        let modelled = (self.wire_time(cost.wire_bytes) + flash).mul_f64(PATIENCE);
        modelled.max(LEAST_WAIT).mul_f64(self.time_scale)
    }
}

impl Wait {
    /// Whether no answer is to be expected any more.
    fn is_over(&self, bad: u32) -> bool {
        let damaged = bad != self.bad_before && self.quiet >= QUIET;
        damaged || self.idle >= self.limit || self.started.elapsed() >= self.limit
    }
}
