//! A pseudo-terminal with something on its other end that is no practice board: mute, an echo, or a device that says
//! the same thing again and again.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::OpenptFlags;
use rustix::termios::{self, OptionalActions};

/// What is on the other end.
#[derive(Clone)]
pub enum Voice {
    Mute,
    Echo,
    /// Says this once when it is plugged in.
    Once(Vec<u8>),
    /// Says this ten times a second.
    Again(Vec<u8>),
}

/// The terminal and the thread behind it.
pub struct Talker {
    pub port: PathBuf,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Talker {
    pub fn start(voice: Voice) -> Self {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let port = PathBuf::from(name.into_string().unwrap());
        let slave = open(&port);
        if let Voice::Once(text) = &voice {
            rustix::io::write(&master, text).unwrap();
        }
        let over = Arc::new(AtomicBool::new(false));
        #[expect(
            clippy::disallowed_methods,
            reason = "a device of a test is a thread of the test"
        )]
        let thread = std::thread::spawn({
            let over = Arc::clone(&over);
            move || talk(&master, &slave, &voice, &over)
        });
        Self {
            port,
            over,
            thread: Some(thread),
        }
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The end that programs open, raw, kept open so that nothing is lost between two of them.
fn open(port: &Path) -> OwnedFd {
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let slave = rustix::fs::open(port, flags, rustix::fs::Mode::empty()).unwrap();
    let mut settings = termios::tcgetattr(&slave).unwrap();
    settings.make_raw();
    termios::tcsetattr(&slave, OptionalActions::Now, &settings).unwrap();
    slave
}

fn talk(master: &OwnedFd, _slave: &OwnedFd, voice: &Voice, over: &AtomicBool) {
    let tick = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    while !over.load(Ordering::Relaxed) {
        let mut fds = [PollFd::from_borrowed_fd(master.as_fd(), PollFlags::IN)];
        let ready = poll(&mut fds, Some(&tick)).unwrap_or(0);
        let mut buffer = [0; 4096];
        let heard = if ready > 0 {
            rustix::io::read(master, &mut buffer).unwrap_or(0)
        } else {
            0
        };
        match voice {
            Voice::Echo => {
                rustix::io::write(master, &buffer[..heard]).ok();
            }
            // A reader that does not read would block the writer: then the tick is lost, as on a wire.
            Voice::Again(text) if ready == 0 && room(master) => {
                rustix::io::write(master, text).ok();
            }
            _ => {}
        }
    }
}

fn room(master: &OwnedFd) -> bool {
    let now = Timespec::default();
    let mut fds = [PollFd::from_borrowed_fd(master.as_fd(), PollFlags::OUT)];
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// What a receiver at 115200 baud makes of text that is sent at `baud`: 8 bits, no parity, one stop bit, sampled in the
/// middle of each bit after the start bit's edge.
#[expect(clippy::cast_sign_loss, reason = "no time here is before the start")]
pub fn at_speed(text: &[u8], baud: f64) -> Vec<u8> {
    let mut line = Vec::new();
    for byte in text {
        line.push(false);
        line.extend((0..8).map(|bit| byte >> bit & 1 == 1));
        line.push(true);
    }
    let level = |at: f64| line.get((at * baud) as usize).copied().unwrap_or(true);
    let bit = 1.0 / 115_200.0;
    let (mut at, end) = (0.0, line.len() as f64 / baud);
    let mut received = Vec::new();
    while at < end {
        if level(at) {
            at += bit / 8.0;
            continue;
        }
        let byte = (0..8).filter(|n| level(at + bit * (f64::from(*n) + 1.5)));
        received.push(byte.fold(0, |byte, n| byte | 1 << n));
        at += bit * 9.5;
    }
    received
}
