//! Listens to what the program on the chip says, until somebody wants the port back.
//!
//! Bytes are handed on in order and whole, in chunks that are bounded in size and in age; addresses and defmt are
//! decoded here, off the screen. A port that goes away is waited for. Sending and resetting come in by a
//! [`MonitorInput`]; nothing here knows how the text is shown.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::{Monitored, Outcome};
use super::job::Job;
use super::load;
use super::monitor_input::{MonitorInput, Wish};
use crate::device::error::DeviceError;
use crate::device::session::Go;
use crate::device::text_port::TextPort;
use crate::formats::console::decode::Decoder;

/// Bytes that are handed on at once at most.
const CHUNK: usize = 16 * 1024;
/// Age of the first byte of a chunk when it is handed on.
const HAND_ON: Duration = Duration::from_millis(12);
/// How long an idle port is listened to before wishes are looked at again.
const IDLE: Duration = Duration::from_millis(20);
/// How often a port that is gone is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Bytes that had arrived already when the port is given up, and are still shown.
const LAST_WORDS: usize = 256 * 1024;

/// The program's ELF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorElf {
    pub path: PathBuf,
    /// Nobody chose it: if it cannot be used, that is said, and stops nothing.
    pub by_itself: bool,
}

/// How to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// Bits per second.
    pub baud: u32,
    /// Reset the board first, where the port can.
    pub reset: bool,
    /// The program's ELF file, for addresses and defmt.
    pub elf: Option<MonitorElf>,
    pub input: MonitorInput,
}

/// Listens until it is stopped, which is its good end.
pub(super) fn run(
    link: &mut BoardLink,
    monitor: &Monitor,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    let decoder = decoder(monitor, job)?;
    let port = link.text_port(monitor.baud, job)?;
    let mut listener = Listener {
        link,
        port: Some(port),
        baud: monitor.baud,
        decoder,
        outgoing: Vec::new(),
        chunk: Vec::new(),
        since: None,
        received: 0,
    };
    job.monitored(Monitored::Listening);
    if monitor.reset {
        listener.reset(false, job);
    }
    while job.go() == Go::On {
        while let Some(wish) = monitor.input.take() {
            listener.grant(wish, job);
        }
        if let Err(error) = listener.turn(job) {
            listener.lose(&error, job);
        }
        if listener.port.is_none() {
            monitor.input.wait(LOOK_AGAIN);
            listener.look_again(job);
        }
    }
    listener.end(job);
    Ok(Outcome::Monitored {
        bytes: listener.received,
    })
}

fn decoder(monitor: &Monitor, job: &mut Job<'_>) -> Result<Decoder, Stop> {
    let Some(MonitorElf { path, by_itself }) = &monitor.elf else {
        return Ok(Decoder::default());
    };
    let place = path.display().to_string();
    let help = "Give the ELF file that the program on the board was built as";
    let made = load::file(path).and_then(|bytes| {
        Decoder::with_elf(&bytes).map_err(|reason| format!("Cannot use {place}: {reason}"))
    });
    match made {
        Ok((decoder, known)) => {
            job.note(format!("{place}: {known}"));
            Ok(decoder)
        }
        Err(reason) if *by_itself => {
            job.note(format!("{reason}; the text is shown as it comes"));
            Ok(Decoder::default())
        }
        Err(reason) => Err(JobError::new(reason, &place, help).into()),
    }
}

struct Listener<'a> {
    link: &'a mut BoardLink,
    /// `None` while the board is unplugged.
    port: Option<TextPort>,
    baud: u32,
    decoder: Decoder,
    /// What the port did not take yet.
    outgoing: Vec<u8>,
    chunk: Vec<u8>,
    /// When the chunk's first byte came.
    since: Option<Instant>,
    received: u64,
}

impl Listener<'_> {
    /// Reads once and writes once.
    fn turn(&mut self, job: &mut Job<'_>) -> Result<(), DeviceError> {
        let Some(port) = &mut self.port else {
            return Ok(());
        };
        if !self.outgoing.is_empty() {
            let taken = port.write(&self.outgoing)?;
            self.outgoing.drain(..taken);
        }
        let patience = self
            .since
            .map_or(IDLE, |since| HAND_ON.saturating_sub(since.elapsed()));
        let mut buffer = [0; CHUNK];
        let count = port.read(&mut buffer, patience)?;
        if count > 0 {
            self.since.get_or_insert_with(Instant::now);
            self.chunk.extend_from_slice(&buffer[..count]);
        }
        let due = self.since.is_some_and(|since| since.elapsed() >= HAND_ON);
        if due || self.chunk.len() >= CHUNK {
            self.hand_on(job);
        }
        Ok(())
    }

    fn hand_on(&mut self, job: &mut Job<'_>) {
        self.since = None;
        if self.chunk.is_empty() {
            return;
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.received += chunk.len() as u64;
        let mut parts = Vec::new();
        self.decoder.feed(&chunk, &mut parts);
        if !parts.is_empty() {
            job.monitored(Monitored::Heard(parts, SystemTime::now()));
        }
    }

    fn grant(&mut self, wish: Wish, job: &mut Job<'_>) {
        match wish {
            Wish::Send(bytes) => self.outgoing.extend(bytes),
            Wish::Reset => self.reset(true, job),
            Wish::Baud(baud) => {
                self.baud = baud;
                let result = self.port.as_mut().map(|port| port.set_baud(baud));
                if let Some(Err(error)) = result {
                    self.lose(&error, job);
                }
            }
        }
    }

    /// Resets the board; says why not if it was asked for and cannot be done.
    fn reset(&mut self, asked: bool, job: &mut Job<'_>) {
        let Some(port) = &mut self.port else {
            return;
        };
        let result = if port.has_control_lines() {
            port.reset().map(|()| true)
        } else {
            Ok(self.link.press_reset())
        };
        match result {
            Ok(true) => self.say("The board was reset", job),
            Ok(false) if asked => {
                self.say(
                    "This port has no control lines: press RESET on the board",
                    job,
                );
            }
            Ok(false) => {}
            Err(error) => self.lose(&error, job),
        }
    }

    fn lose(&mut self, error: &DeviceError, job: &mut Job<'_>) {
        self.hand_on(job);
        self.port = None;
        self.outgoing.clear();
        self.say(
            &format!("The port {} is gone; waiting for it", error.port()),
            job,
        );
    }

    fn look_again(&mut self, job: &mut Job<'_>) {
        if job.go() == Go::Stop {
            return;
        }
        // Whatever fails now is tried again in a moment: the system may still be making the port.
        if let Ok(port) = self.link.open_text_port(self.baud) {
            self.port = Some(port);
            self.say("The port is back", job);
        }
    }

    fn say(&mut self, sentence: &str, job: &mut Job<'_>) {
        self.hand_on(job);
        job.monitored(Monitored::Port(sentence.to_owned(), SystemTime::now()));
    }

    /// Takes what has arrived already, and leaves the port open for the next job.
    fn end(&mut self, job: &mut Job<'_>) {
        let mut left = LAST_WORDS;
        while let Some(port) = self.port.as_mut().filter(|_| left > 0) {
            let mut buffer = [0; CHUNK];
            match port.read(&mut buffer, Duration::ZERO) {
                Ok(count @ 1..) => {
                    left = left.saturating_sub(count);
                    self.chunk.extend_from_slice(&buffer[..count]);
                    self.hand_on(job);
                }
                Ok(0) | Err(_) => break,
            }
        }
        self.hand_on(job);
        if let Some(port) = self.port.take() {
            self.link.keep_port(port);
        }
    }
}
