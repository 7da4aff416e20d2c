//! The same steps as on the practice board, on Espressif's own ROM in an emulator.
//!
//! `FLASHPACK_QEMU` names the emulator (with a machine `esp32c3`), `FLASHPACK_QEMU_BIOS` its ROM folder. Unset, these
//! tests say that they were skipped. The emulator's UART keeps the real time of 115200 baud. It talks TCP to a
//! terminal that is made here, and is kept awake: see [`keep_awake`].

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::seed_path::prove_the_whole_path;

/// Boot straps: BOOT held, or not.
const DOWNLOAD: &str = "0x02";
const NORMAL: &str = "0x08";

/// An emulated chip, gone when dropped.
pub struct Emulator {
    program: Child,
    port: PathBuf,
    /// Keeps the terminal from hanging up between two openers.
    held: File,
    /// The byte on its way to the chip that is lost, counted from 1; 0: none is.
    until_loss: Arc<AtomicUsize>,
    /// Ends the thread that keeps the emulator awake.
    _awake: Sender<()>,
    folder: tempfile::TempDir,
}

impl Emulator {
    /// A chip with 4 MiB of blank flash; `None` where no emulator is named.
    pub fn start(test: &str) -> Option<Self> {
        Self::with_flash(test, &vec![0xFF; 4 << 20])
    }

    /// A chip that holds these bytes.
    pub fn with_flash(test: &str, contents: &[u8]) -> Option<Self> {
        let named = |name| std::env::var_os(name);
        let (Some(_), Some(_)) = (named("FLASHPACK_QEMU"), named("FLASHPACK_QEMU_BIOS")) else {
            eprintln!(
                "SKIPPED {test}: FLASHPACK_QEMU and FLASHPACK_QEMU_BIOS do not name an emulator"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("flash.bin"), contents).unwrap();
        Some(Self::launch(folder, DOWNLOAD))
    }

    /// The same flash in a chip that is not held in its download mode; returns when it has printed `marker`.
    pub fn boot(self, marker: &str) -> (Self, String) {
        let booted = self.powered_anew(NORMAL);
        let text = booted.printed(marker);
        (booted, text)
    }

    /// The same flash in a chip that is held in its download mode.
    pub fn hold_boot(self) -> Self {
        self.powered_anew(DOWNLOAD)
    }

    fn powered_anew(mut self, strap: &str) -> Self {
        self.program.kill().ok();
        self.program.wait().ok();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Self::launch(folder, strap)
    }

    /// What the chip prints up to `marker`.
    fn printed(&self, marker: &str) -> String {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut text = Vec::new();
        let mut held = &self.held;
        loop {
            let so_far = String::from_utf8_lossy(&text).into_owned();
            if so_far.contains(marker) {
                return so_far;
            }
            assert!(Instant::now() < deadline, "no “{marker}” in: {so_far}");
            let tick = Timespec {
                tv_sec: 0,
                tv_nsec: 100_000_000,
            };
            let mut waiting = [PollFd::new(&self.held, PollFlags::IN)];
            if poll(&mut waiting, Some(&tick)).unwrap() > 0 {
                let mut buffer = [0; 512];
                let count = held.read(&mut buffer).unwrap();
                text.extend_from_slice(&buffer[..count]);
            }
        }
    }

    fn launch(folder: tempfile::TempDir, strap: &str) -> Self {
        let mut drive = OsString::from("if=mtd,format=raw,file=");
        drive.push(folder.path().join("flash.bin"));
        let serial = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let line = |listener: &TcpListener| format!("tcp:{}", listener.local_addr().unwrap());
        let strap = format!("driver=esp32c3.gpio,property=strap_mode,value={strap}");
        let mut program = Command::new(std::env::var_os("FLASHPACK_QEMU").unwrap())
            .args(["-M", "esp32c3", "-display", "none"])
            .args(["-monitor", "none"])
            .args(["-serial", &line(&serial), "-qmp", &line(&control)])
            // Without a steady instruction clock the emulated stub loses bytes.
            .args(["-icount", "shift=3,align=off,sleep=on"])
            .args(["-global", &strap])
            .arg("-L")
            .arg(std::env::var_os("FLASHPACK_QEMU_BIOS").unwrap())
            .arg("-drive")
            .arg(drive)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wire = accept(&serial, &mut program);
        let awake = keep_awake(accept(&control, &mut program));
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let port = PathBuf::from(ptsname(&master, Vec::new()).unwrap().to_str().unwrap());
        let held = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&port)
            .unwrap();
        let mut raw = tcgetattr(&held).unwrap();
        raw.make_raw();
        tcsetattr(&held, OptionalActions::Now, &raw).unwrap();
        let master = File::from(master);
        carry(wire.try_clone().unwrap(), master.try_clone().unwrap());
        let until_loss = Arc::new(AtomicUsize::new(0));
        carry(master, Losing(wire, Arc::clone(&until_loss)));
        Self {
            program,
            port,
            held,
            until_loss,
            _awake: awake,
            folder,
        }
    }

    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Loses a byte on its way to the chip: the one that comes as this many, from 1 on.
    pub fn lose_byte(&self, number: usize) {
        self.until_loss.store(number, Relaxed);
    }

    pub fn flash(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("flash.bin")).unwrap()
    }
}

/// The emulator's end of a line to it.
fn accept(listener: &TcpListener, program: &mut Child) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                stream.set_nodelay(true).unwrap();
                return stream;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        let ended = program.try_wait().unwrap();
        assert!(ended.is_none(), "the emulator ended: {ended:?}");
        std::thread::yield_now();
    }
}

/// The emulator's main loop may fall asleep with bytes for its UART still to be taken, and nothing on that line wakes it; a
/// question on its control line (QMP), which another of its threads reads, does.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own wire; the program starts its threads elsewhere"
)]
fn keep_awake(mut control: TcpStream) -> Sender<()> {
    let (sender, end) = channel();
    carry(control.try_clone().unwrap(), io::sink());
    std::thread::spawn(move || {
        let mut question: &[u8] = b"{\"execute\":\"qmp_capabilities\"}\n";
        while control.write_all(question).is_ok()
            && end.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout)
        {
            question = b"{\"execute\":\"query-status\"}\n";
        }
    });
    sender
}

/// A line that loses one byte when its count runs out.
struct Losing(TcpStream, Arc<AtomicUsize>);

impl Write for Losing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.1.load(Relaxed);
        self.1.store(left.saturating_sub(bytes.len()), Relaxed);
        if (1..=bytes.len()).contains(&left) {
            self.0.write_all(&bytes[..left - 1])?;
            self.0.write_all(&bytes[left..])?;
        } else {
            self.0.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Carries bytes until either end is gone.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's own wire; the program starts its threads elsewhere"
)]
fn carry(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    std::thread::spawn(move || io::copy(&mut from, &mut to).ok());
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

#[test]
fn the_whole_path_on_the_real_rom() {
    let Some(emulator) = Emulator::start("the_whole_path_on_the_real_rom") else {
        return;
    };
    prove_the_whole_path(emulator.port().to_owned(), 115_200);
    let flash = emulator.flash();
    assert_eq!(&flash[0x8000..0x8002], &[0xAA, 0x50]);
    assert!(
        flash[..0x8000].iter().all(|byte| *byte == 0xFF),
        "something before the table changed"
    );
}
