//! Requests to a loader and its answers, over an open port: framing, matching, one time limit for a whole answer, and
//! finding the stub again after something went wrong.
//!
//! espflash connects and uploads the stub; from then on its commands are written here, as bytes, and the answers are
//! judged here. Its own reading waits anew for every byte, takes an answer apart by its length alone, and cannot send
//! the lone delimiter that a stub needs which lost one. Nothing here knows of flash, regions or jobs.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use espflash::command::Command;
use espflash::connection::Port;
use serialport::{ClearBuffer, SerialPort as _};

mod speed;

const END: u8 = 0xC0;
const ESCAPE: u8 = 0xDB;
/// Bytes before an answer's data: direction, command, length, value.
const HEADER_LEN: usize = 8;
/// Status bytes at the end of every answer of a stub, and of a ROM loader.
const STUB_STATUS: usize = 2;
const ROM_STATUS: usize = 4;
/// How often a loader that does not answer is asked who it is.
const SYNC_ATTEMPTS: u32 = 6;
/// How long one of these waits.
const SYNC_PATIENCE: Duration = Duration::from_millis(250);
/// Silence after which no further answer to a SYNC is expected; the stub sends eight.
const QUIET: Duration = Duration::from_millis(20);

/// `ERASE_FLASH`, which is never asked for: an erase goes by regions.
const ERASE_FLASH: u8 = 0xD0;

/// Why a request has no good answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing that is a frame came in time.
    Silent,
    /// The port failed.
    Gone(io::Error),
    /// The stub's status, as espressif/esp-flasher-stub writes it: `C100` is a wrong checksum.
    Refused(u16),
    /// Something came that is no answer to this.
    Damaged(String),
    /// The board erased all of its flash, which nobody asked for.
    Erased,
}

/// What answers after something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The stub: its RAM was kept, so the chip was not reset meanwhile.
    Stub,
    /// The ROM loader: the chip was reset, and the stub is gone.
    Rom,
    Nothing,
}

/// One end of the conversation.
pub(super) struct Exchange {
    port: Port,
    /// Status bytes at the end of an answer.
    status_len: usize,
    decoder: Decoder,
    /// Received, not yet looked at.
    unread: Vec<u8>,
}

/// An answer without its frame, header and status.
#[derive(Debug)]
pub(super) struct Answer {
    pub data: Vec<u8>,
}

impl Exchange {
    /// Takes over a port on whose other end the stub runs or, without `stub`, the ROM loader.
    pub fn new(port: Port, stub: bool) -> Self {
        Self {
            port,
            status_len: if stub { STUB_STATUS } else { ROM_STATUS },
            decoder: Decoder::default(),
            unread: Vec::new(),
        }
    }

    /// Gives the port back.
    pub fn into_port(self) -> Port {
        self.port
    }

    /// Whether something came that nobody asked for, or the port is gone.
    pub fn has_input(&self) -> bool {
        !self.unread.is_empty() || self.port.bytes_to_read().map_or(true, |count| count > 0)
    }

    /// Sends a command and waits for its answer, at most `time` from the last byte sent.
    pub fn request(&mut self, command: Command<'_>, time: Duration) -> Result<Answer, Failure> {
        let number = command.command_type() as u8;
        let mut request = Vec::new();
        command.write(&mut request).map_err(Failure::Gone)?;
        self.forget_input();
        self.send(&frame(&request), time)?;
        let deadline = Instant::now() + time;
        loop {
            let Some(frame) = self.frame(deadline)? else {
                return Err(Failure::Silent);
            };
            match answer(&frame, self.status_len) {
                // `READ_FLASH` differs from it in one bit, and some stubs do not look at the length of what they take for it.
                Some((ERASE_FLASH, _, 0)) => return Err(Failure::Erased),
                // A late copy of an answer to SYNC, or to a request that was given up.
                Some((other, ..)) if other != number => {}
                Some((_, data, 0)) => return Ok(Answer { data }),
                Some((_, _, status)) => return Err(Failure::Refused(status)),
                None => {
                    return Err(Failure::Damaged(format!(
                        "{} bytes came that are no answer",
                        frame.len()
                    )));
                }
            }
        }
    }

    /// Sends bytes as a frame without any header: an acknowledgement.
    pub fn send_raw(&mut self, bytes: &[u8], time: Duration) -> Result<(), Failure> {
        self.send(&frame(bytes), time)
    }

    /// The next frame, whatever it holds, within `time`.
    pub fn next_frame(&mut self, time: Duration) -> Result<Vec<u8>, Failure> {
        self.frame(Instant::now() + time)?.ok_or(Failure::Silent)
    }

    /// Asks who is there until somebody answers. A stub that lost one delimiter takes gaps for frames and frames for
    /// gaps until it gets an odd number more: after silence, every second attempt begins with a lone one. Whatever was under way on
    /// the chip is ended by this. `scale` multiplies the waiting.
    pub fn resync(&mut self, scale: f64) -> Result<Found, Failure> {
        self.find(SYNC_ATTEMPTS, SYNC_PATIENCE.mul_f64(scale))
    }

    /// The same with as many attempts as this, each waiting for so long.
    pub fn find(&mut self, attempts: u32, patience: Duration) -> Result<Found, Failure> {
        let mut sync = Vec::new();
        Command::Sync.write(&mut sync).map_err(Failure::Gone)?;
        let sync = frame(&sync);
        let mut lone_delimiter = false;
        for _ in 0..attempts {
            self.forget_input();
            if lone_delimiter {
                self.send(&[END], patience)?;
            }
            self.send(&sync, patience)?;
            let mut deadline = Instant::now() + patience;
            let mut heard = false;
            loop {
                match self.frame(deadline) {
                    Ok(None) => break,
                    Ok(Some(frame)) => {
                        // The late answer to what a question was taken for: erasing all of the flash takes its time.
                        if matches!(answer(&frame, self.status_len), Some((ERASE_FLASH, _, 0))) {
                            return Err(Failure::Erased);
                        }
                        if let Some(found) = who_answers_sync(&frame) {
                            self.wait_for_quiet()?;
                            return Ok(found);
                        }
                    }
                    Err(Failure::Damaged(_)) => {}
                    Err(failure) => return Err(failure),
                }
                // Somebody is awake, and took this for something else: it is asked again as soon as it is done.
                heard = true;
                deadline = deadline.min(Instant::now() + QUIET);
            }
            lone_delimiter = !heard && !lone_delimiter;
        }
        Ok(Found::Nothing)
    }

    fn send(&mut self, bytes: &[u8], time: Duration) -> Result<(), Failure> {
        // Time to hand over the bytes themselves is not the chip's: what a slow wire still holds is waited for.
        let patience = time.max(Duration::from_secs(1));
        self.port.set_timeout(patience).map_err(port_failed)?;
        self.port
            .write_all(bytes)
            .and_then(|()| self.port.flush())
            .map_err(read_failed)
    }

    /// The next frame that is not empty; `None` when the deadline passes.
    fn frame(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            for (index, &byte) in self.unread.iter().enumerate() {
                match self.decoder.take(byte) {
                    Ok(None) => {}
                    Ok(Some(frame)) => {
                        self.unread.drain(..=index);
                        return Ok(Some(frame));
                    }
                    Err(BadEscape) => {
                        self.unread.drain(..=index);
                        return Err(Failure::Damaged("a frame with a bad escape came".into()));
                    }
                }
            }
            self.unread.clear();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.port
                .set_timeout(left.max(Duration::from_millis(1)))
                .map_err(port_failed)?;
            let mut buffer = [0; 4096];
            match self.port.read(&mut buffer) {
                // A closed terminal reads as its end.
                Ok(0) => return Err(Failure::Gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(Failure::Gone(error)),
            }
        }
    }

    /// Reads and drops what still arrives.
    fn wait_for_quiet(&mut self) -> Result<(), Failure> {
        let end = Instant::now() + 20 * QUIET;
        while Instant::now() < end {
            match self.frame(Instant::now() + QUIET) {
                Ok(None) => break,
                Ok(Some(_)) | Err(Failure::Damaged(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    fn forget_input(&mut self) {
        self.unread.clear();
        self.decoder = Decoder::default();
        // A port that cannot be cleared is about to fail at the next read or write, which reports it.
        self.port.clear(ClearBuffer::Input).ok();
    }
}

fn port_failed(error: serialport::Error) -> Failure {
    Failure::Gone(error.into())
}

fn read_failed(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::TimedOut {
        Failure::Silent
    } else {
        Failure::Gone(error)
    }
}

/// Number, data and status of an answer; `None` for anything else. The status is big-endian: 0 is good, whatever the
/// loader; the stub's is espressif/esp-flasher-stub's code, the ROM's its flag and error number.
fn answer(frame: &[u8], status_len: usize) -> Option<(u8, Vec<u8>, u16)> {
    let (&[direction, number, len_low, len_high, ..], rest) =
        frame.split_first_chunk::<HEADER_LEN>()?;
    let len = usize::from(u16::from_le_bytes([len_low, len_high]));
    if direction != 1 || rest.len() != len {
        return None;
    }
    let (data, status) = rest.split_at_checked(len.checked_sub(status_len)?)?;
    let status = status.first_chunk()?;
    Some((number, data.to_vec(), u16::from_be_bytes(*status)))
}

/// Who sent this answer to SYNC, if it is one. A status that is not 0 is a late error of the command before.
fn who_answers_sync(frame: &[u8]) -> Option<Found> {
    let sync = Command::Sync.command_type() as u8;
    let status_len = frame.len().checked_sub(HEADER_LEN)?;
    let is_answer = frame[..4] == [1, sync, status_len as u8, 0];
    match status_len {
        STUB_STATUS if is_answer && frame[4..8] == [0; 4] => Some(Found::Stub),
        ROM_STATUS if is_answer => Some(Found::Rom),
        _ => None,
    }
}

/// A frame of SLIP around `bytes`.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 2);
    frame.push(END);
    for &byte in bytes {
        match byte {
            END => frame.extend([ESCAPE, 0xDC]),
            ESCAPE => frame.extend([ESCAPE, 0xDD]),
            _ => frame.push(byte),
        }
    }
    frame.push(END);
    frame
}

/// Takes frames out of a stream. Whatever stands between two delimiters is one; empty ones mean nothing.
#[derive(Debug, Default)]
struct Decoder {
    frame: Vec<u8>,
    escaped: bool,
    /// A bad escape was met: everything up to the next delimiter belongs to the frame that it spoiled.
    spoiled: bool,
}

/// An escape byte before something that is not escaped.
#[derive(Debug, PartialEq, Eq)]
struct BadEscape;

impl Decoder {
    fn take(&mut self, byte: u8) -> Result<Option<Vec<u8>>, BadEscape> {
        if byte == END {
            let frame = std::mem::take(&mut self.frame);
            let spoiled = std::mem::take(&mut self.spoiled) || std::mem::take(&mut self.escaped);
            return match (spoiled, frame.is_empty()) {
                (true, _) => Err(BadEscape),
                (false, true) => Ok(None),
                (false, false) => Ok(Some(frame)),
            };
        }
        match (std::mem::take(&mut self.escaped), byte) {
            (true, 0xDC) => self.frame.push(END),
            (true, 0xDD) => self.frame.push(ESCAPE),
            (true, _) => self.spoiled = true,
            (false, ESCAPE) => self.escaped = true,
            (false, _) => self.frame.push(byte),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(stream: &[u8]) -> Vec<Result<Vec<u8>, BadEscape>> {
        let mut decoder = Decoder::default();
        stream
            .iter()
            .filter_map(|byte| decoder.take(*byte).transpose())
            .collect()
    }

    #[test]
    fn frames_survive_their_own_delimiters() {
        let bytes = [1, END, 2, ESCAPE, 3];
        assert_eq!(frames(&frame(&bytes)), [Ok(bytes.to_vec())]);
        assert_eq!(frames(&[END, END, END, 7, END]), [Ok(vec![7])]);
        assert_eq!(
            frames(&[END, 1, ESCAPE, 9, 2, END, 3, END]),
            [Err(BadEscape), Ok(vec![3])]
        );
        assert_eq!(
            frames(&[1, ESCAPE, END, 5, END]),
            [Err(BadEscape), Ok(vec![5])]
        );
    }

    #[test]
    fn an_answer_must_be_whole() {
        let good = [1, 0x13, 4, 0, 0, 0, 0, 0, 8, 9, 0, 0];
        assert_eq!(answer(&good, 2), Some((0x13, vec![8, 9], 0)));
        for len in 0..good.len() {
            assert_eq!(answer(&good[..len], 2), None, "{len}");
        }
        let mut longer = good.to_vec();
        longer.insert(9, 0);
        assert_eq!(answer(&longer, 2), None);
        assert_eq!(
            answer(&[1, 3, 2, 0, 0, 0, 0, 0, 0xC1, 0], 2),
            Some((3, vec![], 0xC100))
        );
        let of_the_rom = [1, 7, 4, 0, 0, 0, 0, 0, 1, 7, 0, 0];
        assert_eq!(answer(&of_the_rom, 4), Some((7, vec![], 0x0107)));
    }

    #[test]
    fn rom_and_stub_are_told_apart_by_their_answer_to_sync() {
        assert_eq!(
            who_answers_sync(&[1, 8, 2, 0, 0, 0, 0, 0, 0, 0]),
            Some(Found::Stub)
        );
        // A late error, told by the answer to the SYNC that followed.
        assert_eq!(
            who_answers_sync(&[1, 8, 2, 0, 0, 0, 0, 0, 0xC4, 0]),
            Some(Found::Stub)
        );
        assert_eq!(
            who_answers_sync(&[1, 8, 4, 0, 7, 7, 0x12, 0x20, 0, 0, 0, 0]),
            Some(Found::Rom)
        );
        for other in [
            &[1, 3, 2, 0, 0, 0, 0, 0, 0, 0][..],
            &[1, 8, 2, 0, 1, 0, 0, 0, 0, 0],
            &[1, 8],
            b"rst:0x1 (POWERON)",
        ] {
            assert_eq!(who_answers_sync(other), None);
        }
    }
}
