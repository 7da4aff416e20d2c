//! A serial port: opening it, telling why it cannot be opened, and asking what is on the other end before any
//! library talks to it.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use espflash::connection::Port;
use serialport::{ClearBuffer, SerialPort, SerialPortInfo, SerialPortType, UsbPortInfo};

use super::agent_client::{AgentClient, Link};
use super::error::{DeviceError, OpenFailure};
use super::heard;
use super::{port_list, port_owner};

pub use crate::model::baud::START as START_BAUD;

/// How long one hello waits for its answer.
const HELLO_PATIENCE: Duration = Duration::from_millis(250);

/// Bytes of what a port says that are kept to find out what is on it.
const HEARD_LIMIT: usize = 16 * 1024;

/// A `SYNC` request (esptool's serial protocol): command 8 with its 36 bytes, in a SLIP frame.
const SYNC: [u8; 46] = {
    let mut frame = [0x55; 46];
    let head = [0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20];
    let mut index = 0;
    while index < head.len() {
        frame[index] = head[index];
        index += 1;
    }
    frame[45] = 0xC0;
    frame
};

/// What answers on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The ROM loader or, if `stub`, a flasher stub in RAM.
    Loader {
        stub: bool,
    },
    Agent,
    /// Something that is neither; what it said, which may be nothing.
    Other(Vec<u8>),
}

/// An open port whose other end is not known yet.
pub struct OpenPort {
    pub serial: Port,
    pub usb: UsbPortInfo,
    pub name: String,
    /// Whether DTR and RTS exist; a pseudo-terminal has none.
    pub control_lines: bool,
}

impl OpenPort {
    /// Opens a port exclusively.
    pub fn open(name: &str) -> Result<Self, DeviceError> {
        // Not every program locks what it opens, and the system lets a second one in.
        if let Some(holder) = port_owner::holder(Path::new(name)) {
            return Err(DeviceError::Open {
                port: name.to_owned(),
                detail: format!("{holder}"),
                failure: OpenFailure::Busy {
                    holder: Some(holder),
                },
            });
        }
        let mut serial = serialport::new(name, START_BAUD)
            .timeout(Duration::from_millis(100))
            .open_native()
            .map_err(|error| DeviceError::Open {
                port: name.to_owned(),
                failure: open_failure(&error, name),
                detail: error.to_string(),
            })?;
        let control_lines = serial.read_clear_to_send().is_ok();
        Ok(Self {
            serial,
            usb: usb_info(name),
            name: name.to_owned(),
            control_lines,
        })
    }

    /// Asks who is there, without touching control lines: the loader's SYNC, then the agent's hello, in turn, until
    /// one answers or `patience` is over. A loader that has something else to say first, such as what is left of a read, is
    /// given three times as long.
    pub fn probe(&mut self, patience: Duration) -> Result<Answer, DeviceError> {
        let began = Instant::now();
        let wait = patience / 6;
        let mut heard = Vec::new();
        let (mut attempt, mut ended_a_read) = (0u32, false);
        // What came before we asked is a chip's word too, such as its ROM's greeting.
        self.take_input(&mut heard)?;
        loop {
            // A stub that lost one frame delimiter takes gaps for frames until it gets an odd number of them more: every
            // second try begins with a lone one. A stub that ended a read for the first try lost none.
            if attempt > 0 && (attempt + u32::from(ended_a_read)) % 2 == 1 {
                self.send(&[0xC0])?;
            }
            attempt += 1;
            self.send(&SYNC)?;
            let before = heard.len();
            let mut reply = self.sync_reply(wait, &mut heard)?;
            ended_a_read |= attempt == 1 && heard.len() > before;
            if reply.is_none() {
                let mut meanwhile = Vec::new();
                if self.answers_as_agent_within(wait, &mut meanwhile) {
                    return Ok(Answer::Agent);
                }
                // A loader that was busy answers while the agent is asked.
                self.take_input(&mut meanwhile)?;
                reply = find_sync_reply(&meanwhile);
                keep(&mut heard, &meanwhile);
            }
            if let Some(stub) = reply {
                self.wait_for_quiet(Duration::from_millis(30))?;
                return Ok(Answer::Loader { stub });
            }
            let patience = if heard::may_be_a_loader(&heard) {
                patience * 3
            } else {
                patience
            };
            // Both kinds of tries have their turn, however slowly this computer runs.
            if attempt >= 4 && began.elapsed() >= patience {
                return Ok(Answer::Other(heard));
            }
        }
    }

    /// Whether an agent answers right away, asked once.
    pub fn answers_as_agent(&mut self) -> bool {
        self.answers_as_agent_within(HELLO_PATIENCE, &mut Vec::new())
    }

    /// `heard` gets whatever came meanwhile.
    fn answers_as_agent_within(&mut self, wait: Duration, heard: &mut Vec<u8>) -> bool {
        let link = Overheard {
            link: SerialLink::new(&mut self.serial),
            heard,
        };
        AgentClient::new(link).hello(wait).is_ok()
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        let result = self
            .serial
            .write_all(bytes)
            .and_then(|()| self.serial.flush());
        result.map_err(|error| self.gone(&error))
    }

    /// Waits for one reply to SYNC; `Some(true)` if a stub sent it.
    fn sync_reply(
        &mut self,
        patience: Duration,
        heard: &mut Vec<u8>,
    ) -> Result<Option<bool>, DeviceError> {
        let deadline = Instant::now() + patience;
        let mut fresh = Vec::new();
        while Instant::now() < deadline {
            let mut buffer = [0; 512];
            match self.serial.read(&mut buffer) {
                Ok(count) => fresh.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(self.gone(&error)),
            }
            let reply = find_sync_reply(&fresh);
            if reply.is_some() {
                return Ok(reply);
            }
        }
        keep(heard, &fresh);
        Ok(None)
    }

    /// Takes what has arrived so far, without waiting.
    fn take_input(&mut self, heard: &mut Vec<u8>) -> Result<(), DeviceError> {
        let mut buffer = [0; 4096];
        while heard.len() < HEARD_LIMIT {
            let waiting = self.serial.bytes_to_read();
            match waiting.map_err(|error| self.gone(&error.into()))? {
                0 => break,
                count => {
                    let len = buffer.len().min(count as usize);
                    let read = self.serial.read(&mut buffer[..len]);
                    let read = read.map_err(|error| self.gone(&error))?;
                    keep(heard, &buffer[..read]);
                }
            }
        }
        self.discard_input();
        Ok(())
    }

    /// Reads and drops what still arrives (a loader answers SYNC eight times).
    fn wait_for_quiet(&mut self, quiet: Duration) -> Result<(), DeviceError> {
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut last = Instant::now();
        self.serial
            .set_timeout(Duration::from_millis(10))
            .map_err(|error| self.gone(&error.into()))?;
        while last.elapsed() < quiet && Instant::now() < deadline {
            match self.serial.read(&mut [0; 512]) {
                Ok(_) => last = Instant::now(),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(self.gone(&error)),
            }
        }
        self.serial
            .set_timeout(Duration::from_millis(100))
            .map_err(|error| self.gone(&error.into()))
    }

    fn discard_input(&mut self) {
        // A port that cannot be cleared is about to fail at the next read or write, which reports it.
        self.serial.clear(ClearBuffer::Input).ok();
    }

    fn gone(&self, error: &io::Error) -> DeviceError {
        DeviceError::Gone {
            port: self.name.clone(),
            doing: "connecting",
            detail: error.to_string(),
        }
    }
}

/// Whether a stub or, `Some(false)`, the ROM answers SYNC somewhere in these bytes: C0 01 08, u16 length, u32 value. The
/// ROM's value is not 0, every stub's is.
fn find_sync_reply(bytes: &[u8]) -> Option<bool> {
    let mut windows = bytes.windows(9);
    let reply = windows.find(|window| window.starts_with(&[0xC0, 1, 8]))?;
    Some(reply[5..] == [0; 4])
}

/// Adds to what was heard, up to a limit: a program that talks without end must not fill the memory.
fn keep(heard: &mut Vec<u8>, fresh: &[u8]) {
    heard.extend_from_slice(fresh);
    heard.truncate(HEARD_LIMIT);
}

fn open_failure(error: &serialport::Error, name: &str) -> OpenFailure {
    use serialport::ErrorKind;
    let text = error.to_string().to_lowercase();
    let path = Path::new(name);
    let busy = || OpenFailure::Busy {
        holder: port_owner::holder(path),
    };
    let no_permission = || OpenFailure::NoPermission {
        remedy: port_owner::permission_remedy(path),
    };
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::NotFound) => OpenFailure::NoSuchPort,
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => no_permission(),
        // serialport folds several causes into this one; the system's own words tell them apart.
        ErrorKind::NoDevice if cfg!(unix) && !path.exists() => OpenFailure::NoSuchPort,
        ErrorKind::NoDevice if text.contains("permission") || text.contains("denied") => {
            no_permission()
        }
        // A file, a folder, a device that knows nothing of speeds: ENOTTY and EISDIR.
        _ if path.is_dir()
            || path.is_file()
            || text.contains("inappropriate ioctl")
            || text.contains("not a typewriter") =>
        {
            OpenFailure::NotSerial
        }
        ErrorKind::NoDevice
        | ErrorKind::Io(io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock) => busy(),
        _ if text.contains("busy") || text.contains("lock") => busy(),
        _ => OpenFailure::Other,
    }
}

/// What USB says of the port; made up where the port is not on USB, because espflash wants one.
pub(crate) fn usb_info(name: &str) -> UsbPortInfo {
    let ports = if port_owner::is_pseudo_terminal(Path::new(name)) {
        Vec::new()
    } else {
        // Every USB device is looked at for this.
        serialport::available_ports().unwrap_or_default()
    };
    usb_of(ports, Path::new(name))
}

fn usb_of(ports: Vec<SerialPortInfo>, port: &Path) -> UsbPortInfo {
    let name = port_list::listed_name(port);
    ports
        .into_iter()
        .find(|listed| Path::new(&listed.port_name) == name)
        .and_then(|port| match port.port_type {
            SerialPortType::UsbPort(info) => Some(info),
            _ => None,
        })
        .unwrap_or(UsbPortInfo {
            vid: 0,
            pid: 0,
            serial_number: None,
            manufacturer: None,
            product: None,
        })
}

/// A link that keeps what came over it.
struct Overheard<'a, L> {
    link: L,
    heard: &'a mut Vec<u8>,
}

impl<L: Link> Link for Overheard<'_, L> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.link.send(bytes)
    }

    fn receive(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize> {
        let count = self.link.receive(into, timeout)?;
        keep(self.heard, &into[..count]);
        Ok(count)
    }
}

/// The agent's way over a serial port.
pub struct SerialLink<P>(P);

impl<P: std::ops::DerefMut<Target = Port>> SerialLink<P> {
    pub fn new(port: P) -> Self {
        Self(port)
    }

    /// Gives the port back.
    pub fn into_port(self) -> P {
        self.0
    }
}

impl<P: std::ops::DerefMut<Target = Port>> Link for SerialLink<P> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.flush()
    }

    fn receive(&mut self, into: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.0.set_timeout(timeout.max(Duration::from_millis(1)))?;
        match self.0.read(into) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(0),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn usb_is_asked_about_the_port_that_a_link_leads_to() {
        use super::*;

        let (folder, real, link) = port_list::tests::port_with_a_link();
        let ids = |port: &Path| {
            let usb = UsbPortInfo {
                vid: 0x303A,
                pid: 0x1001,
                serial_number: None,
                manufacturer: None,
                product: None,
            };
            let listed = SerialPortInfo {
                port_name: real.display().to_string(),
                port_type: SerialPortType::UsbPort(usb),
            };
            let usb = usb_of(vec![listed], port);
            (usb.vid, usb.pid)
        };
        assert_eq!(ids(&link), (0x303A, 0x1001));
        assert_eq!(ids(&real), (0x303A, 0x1001));
        assert_eq!(ids(&folder.path().join("none")), (0, 0));
    }
}
