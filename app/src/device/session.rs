//! One open session with a chip's loader: connect and identify over espflash, then digest, erase, and leave.
//!
//! espflash opens the session (reset, SYNC, chip detection, stub, flash attach) and stays out of it from then on: single
//! commands go through [`super::exchange`] with our own time limits, because espflash's never go below ten seconds and
//! its writer can neither be cancelled nor told where to continue. Writing and reading have files of their own. What can
//! be asked twice without harm is asked again here after an error, once the stub has been found again; what cannot is
//! the engine's business. This file knows nothing of plans or partitions.

use std::time::{Duration, Instant};

use espflash::Error as EspError;
use espflash::command::Command;
use espflash::connection::{Connection, Port, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use serialport::{SerialPort as _, UsbPortInfo};

use super::error::DeviceError;
use super::exchange::{Answer, Exchange, Failure, Found};
use super::loader_error::{connect_error, failed, reset_error};
use super::ram_load;
use super::serial::{OpenPort, START_BAUD};
use super::session_identity::{identify, identify_secured};
use crate::caught::caught;
use crate::model::chip::{BoardIdentity, Chip};
use crate::model::cost::{Link, Part, Work};
use crate::model::region::Region;
use crate::model::write_cost::WriteCost;

pub use super::session_speed::Speed;
pub use super::session_write::{DataBlock, Form, Taken, UNPACKED_MAX, was_not_taken};

/// A register that every chip has and that reading does not change (esptool: `CHIP_DETECT_MAGIC_REG_ADDR`).
const CHIP_MAGIC: u32 = 0x4000_1000;
/// No answer takes less than this to be given up, however little was asked.
const LEAST_PATIENCE: Duration = Duration::from_millis(300);
/// How often a harmless question is asked before it fails.
const TRIES: usize = 5;

/// How the chip is brought into its loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The loader already answers; whether it is the stub.
    AlreadyThere { stub: bool },
    /// DTR and RTS drive RESET and BOOT.
    ControlLines,
    /// The chip's own USB serial port.
    Usb,
}

/// A session with the stub in the chip's RAM.
pub struct Session {
    pub(super) exchange: Exchange,
    pub(super) port: String,
    usb: UsbPortInfo,
    control_lines: bool,
    pub(super) baud: u32,
    /// Multiplies every time limit; tests make it small.
    pub(super) scale: f64,
    /// Whether anything went wrong on the way since the session was opened.
    pub(super) disturbed: bool,
    /// What the board said of itself; it cannot change while the session is open.
    identity: BoardIdentity,
}

impl Session {
    /// Connects, uploads the stub, attaches the flash and asks who is there, all at the speed of the start. `scale`
    /// multiplies every time limit.
    pub fn connect(port: OpenPort, entry: Entry, scale: f64) -> Result<Self, DeviceError> {
        let name = port.name.clone();
        // espflash indexes what a port sent: an answer that noise has shortened makes it panic.
        caught(|| Self::connect_by_espflash(port, entry, scale)).unwrap_or_else(|panic| {
            Err(DeviceError::Protocol {
                port: name,
                detail: format!("an answer was cut short while connecting ({panic})"),
            })
        })
    }

    fn connect_by_espflash(port: OpenPort, entry: Entry, scale: f64) -> Result<Self, DeviceError> {
        let OpenPort {
            serial,
            usb,
            name,
            control_lines,
        } = port;
        let connection = connection(serial, usb.clone(), entry);
        let wrong = |error: EspError| connect_error(&name, &error);
        let mut flasher =
            Flasher::connect(connection, true, false, false, None, None).map_err(wrong)?;
        if flasher.secure_download_mode() {
            let stub = entry == Entry::AlreadyThere { stub: true };
            return Err(identify_secured(flasher, name, stub));
        }
        let identity = identify(&name, &mut flasher)?;
        Ok(Self {
            exchange: Exchange::new(flasher.into_connection().into_serial(), true),
            port: name,
            usb,
            control_lines,
            baud: START_BAUD,
            scale,
            disturbed: false,
            identity,
        })
    }

    /// The port's name, for messages.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Whether DTR and RTS exist.
    pub fn has_control_lines(&self) -> bool {
        self.control_lines
    }

    /// What USB says of the port.
    pub fn usb(&self) -> &UsbPortInfo {
        &self.usb
    }

    /// Speed of the port in bits per second.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// Which chip it is.
    pub fn chip(&self) -> Option<Chip> {
        Some(self.identity.chip)
    }

    /// Whether anything went wrong on the way since the session was opened: noise may then have changed a question too.
    pub fn is_disturbed(&self) -> bool {
        self.disturbed
    }

    /// From now on the line counts as one that changes bytes: an earlier session was disturbed, or what was answered for is not
    /// there.
    pub fn mark_disturbed(&mut self) {
        self.disturbed = true;
    }

    /// Whether the stub that this session talks to is still there, and nobody spoke since. A chip that was reset meanwhile
    /// may have changed its flash.
    pub fn is_there(&mut self) -> bool {
        if self.exchange.has_input() {
            return false;
        }
        let magic = Command::ReadReg {
            address: CHIP_MAGIC,
        };
        let answer = self.command(magic, self.patience_for(Duration::ZERO), "connecting", 0);
        // The ROM's answer has two bytes more.
        answer.is_ok_and(|answer| answer.data.is_empty())
    }

    /// What the board says of itself.
    pub fn identify(&mut self) -> Result<BoardIdentity, DeviceError> {
        Ok(self.identity.clone())
    }

    /// MD5 of a region, computed by the stub.
    pub fn md5(&mut self, region: Region) -> Result<[u8; 16], DeviceError> {
        let time = self.patience_for(Work::md5(u64::from(region.size)).time(Part::SLOW));
        let command = Command::FlashMd5 {
            offset: region.offset,
            size: region.size,
        };
        let answer = self.ask_again(command, time, "hashing", region.offset)?;
        answer.data.try_into().map_err(|data: Vec<u8>| {
            self.disturbed = true;
            self.protocol(format!("a digest was expected, {} bytes came", data.len()))
        })
    }

    /// Erases whole sectors. Asked once: nothing protects the command, so it may have been taken for another one, and whoever
    /// asked looks before it is repeated.
    pub fn erase(&mut self, region: Region) -> Result<(), DeviceError> {
        let time = self.patience_for(Work::erase(region).time(Part::SLOW));
        let command = Command::EraseRegion {
            offset: region.offset,
            size: region.size,
        };
        self.command(command, time, "erasing", region.offset)
            .map(drop)
    }

    /// Finds the stub again after an error; whatever was under way on the chip is over then. Whether it is still there:
    /// if not, the chip was reset, or nothing is connected any more, and the session is of no use.
    pub fn resync(&mut self) -> Result<bool, DeviceError> {
        let found = self.exchange.resync(self.scale);
        let found = found.map_err(|failure| failed(&self.port, "connecting", 0, failure))?;
        self.disturbed = true;
        Ok(found == Found::Stub)
    }

    /// Leaves the loader as far as the port allows: RESET by the control lines; without them, or if asked, the RTC
    /// watchdog. The session is over.
    pub fn reset(self, watchdog: bool) -> Result<Port, DeviceError> {
        let there = Entry::AlreadyThere { stub: true };
        let mut connection = connection(self.exchange.into_port(), self.usb, there);
        let result = if self.control_lines && !watchdog {
            if self.identity.chip == Chip::Esp32c3 {
                forget_forced_download(&mut connection);
            }
            connection.reset()
        } else {
            watchdog_reset(&mut connection)
        };
        result.map_err(|error| reset_error(&self.port, &error))?;
        let serial = connection.into_serial();
        if watchdog || !self.control_lines {
            wait_for_the_bite(&serial);
        }
        Ok(serial)
    }

    /// The same; the port stays open, so that nothing is lost of what the board says next.
    pub fn reset_and_listen(self, watchdog: bool) -> Result<OpenPort, DeviceError> {
        let (name, usb, control_lines) = (self.port.clone(), self.usb.clone(), self.control_lines);
        Ok(OpenPort {
            serial: self.reset(watchdog)?,
            usb,
            name,
            control_lines,
        })
    }

    /// Loads a program into the chip's RAM and starts it; the port then belongs to that program.
    pub fn run_in_ram(
        mut self,
        segments: &[(u32, &[u8])],
        entry: u32,
    ) -> Result<Port, DeviceError> {
        let time = self.patience_for(self.link().carry(0x1800));
        ram_load::send(&mut self.exchange, segments, entry, time, self.scale)
            .map_err(|failure| failed(&self.port, "loading the agent", entry, failure))?;
        Ok(self.exchange.into_port())
    }

    /// One request that must not be repeated blindly.
    pub(super) fn command(
        &mut self,
        command: Command<'_>,
        time: Duration,
        doing: &'static str,
        offset: u32,
    ) -> Result<Answer, DeviceError> {
        self.exchange.request(command, time).map_err(|failure| {
            self.disturbed |= is_damage(&failure);
            failed(&self.port, doing, offset, failure)
        })
    }

    /// A request that does no harm twice: after an error the stub is found again, then it is asked once more.
    fn ask_again(
        &mut self,
        command: Command<'_>,
        time: Duration,
        doing: &'static str,
        offset: u32,
    ) -> Result<Answer, DeviceError> {
        let mut tries = 1;
        loop {
            let failure = match self.exchange.request(command, time) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            self.disturbed |= is_damage(&failure);
            let over = tries >= TRIES || matches!(failure, Failure::Gone(_) | Failure::Erased);
            let error = failed(&self.port, doing, offset, failure);
            if over || !self.resync()? {
                return Err(error);
            }
            tries += 1;
        }
    }

    pub(super) fn protocol(&self, detail: String) -> DeviceError {
        DeviceError::Protocol {
            port: self.port.clone(),
            detail,
        }
    }

    /// How long to wait for an answer: three times what the slowest part would need, plus the wire.
    pub(super) fn patience_for(&self, modelled: Duration) -> Duration {
        (modelled * 3).max(LEAST_PATIENCE).mul_f64(self.scale)
    }

    /// What asking and sending cost here; the flash chip is taken for a typical one.
    pub fn cost(&self) -> WriteCost {
        WriteCost::new(self.link(), Part::TYPICAL)
    }

    pub(crate) fn link(&self) -> Link {
        if is_chips_own_usb(&self.usb) {
            Link::Usb
        } else {
            Link::Uart(self.baud.max(1))
        }
    }
}

/// Loads a program into the RAM of a chip whose loader has not been talked to yet, without the stub, and starts it.
/// `accept` looks at the chip first. The port then belongs to that program, at `baud`.
pub fn run_in_ram_from_loader(
    port: OpenPort,
    entry: Entry,
    baud: u32,
    segments: &[(u32, &[u8])],
    start_addr: u32,
    accept: &dyn Fn(Option<Chip>) -> Result<(), DeviceError>,
) -> Result<OpenPort, DeviceError> {
    let OpenPort {
        serial,
        usb,
        name,
        control_lines,
    } = port;
    let stub = entry == Entry::AlreadyThere { stub: true };
    let mut connection = connection(serial, usb.clone(), entry);
    let wrong = |error: EspError| connect_error(&name, &error);
    connection.begin().map_err(wrong)?;
    connection.set_timeout(LEAST_PATIENCE).map_err(wrong)?;
    let chip = connection.detect_chip(stub).map_err(wrong)?;
    accept(Chip::from_name(&chip.to_string()))?;
    if baud > START_BAUD {
        let prior_baud = if stub { START_BAUD } else { 0 };
        let change = Command::ChangeBaudrate {
            new_baud: baud,
            prior_baud,
        };
        connection
            .with_timeout(LEAST_PATIENCE, |connection| connection.command(change))
            .and_then(|_| connection.set_baud(baud))
            .map_err(wrong)?;
    }
    let time = (Link::Uart(baud.max(START_BAUD)).carry(0x1800) * 3).max(LEAST_PATIENCE);
    let mut exchange = Exchange::new(connection.into_serial(), stub);
    ram_load::send(&mut exchange, segments, start_addr, time, 1.0)
        .map_err(|failure| failed(&name, "loading the agent", start_addr, failure))?;
    Ok(OpenPort {
        serial: exchange.into_port(),
        usb,
        name,
        control_lines,
    })
}

/// Whether a failure tells of a line that changes bytes. A cable that was pulled out changed none.
fn is_damage(failure: &Failure) -> bool {
    !matches!(failure, Failure::Gone(_))
}

/// An agent that sent the chip into its loader has forced that mode, and not every reset by control lines takes it back
/// (`RTC_CNTL_OPTION1_REG`). Where this is not answered, the reset is tried all the same.
fn forget_forced_download(connection: &mut Connection) {
    connection.write_reg(0x6000_80F4, 0, Some(1)).ok();
}

/// Lets the RTC watchdog of the C3 and its kin reset the chip, as esptool's `watchdog-reset` does: registers of
/// ESP-IDF's `rtc_cntl_reg.h` (`RTC_CNTL_WDTWPROTECT`, `WDTCONFIG1`, `WDTCONFIG0`).
fn watchdog_reset(connection: &mut Connection) -> Result<(), EspError> {
    const BASE: u32 = 0x6000_8000;
    const WPROTECT: u32 = BASE + 0xA8;
    const CONFIG0: u32 = BASE + 0x90;
    const CONFIG1: u32 = BASE + 0x94;
    const KEY: u32 = 0x50D8_3AA1;
    connection.write_reg(WPROTECT, KEY, None)?;
    connection.write_reg(CONFIG1, 2000, None)?;
    connection.write_reg(CONFIG0, (1 << 31) | (5 << 28) | (1 << 8) | 2, None)?;
    // The dog bites within moments: protecting its registers again is tried, but an answer may not come any more.
    connection.write_reg(WPROTECT, 0, None).ok();
    Ok(())
}

/// The watchdog bites some 15 ms later, and who asks before finds the loader still there. What the chip says when it
/// starts is the sign, and is left for whoever listens; a port that vanishes is a sign too.
fn wait_for_the_bite(serial: &Port) {
    const LONGEST: Duration = Duration::from_millis(100);
    const STEP: Duration = Duration::from_millis(2);
    let began = Instant::now();
    while began.elapsed() < LONGEST && matches!(serial.bytes_to_read(), Ok(0)) {
        std::thread::sleep(STEP);
    }
}

fn connection(serial: Port, usb: UsbPortInfo, entry: Entry) -> Connection {
    let before = match entry {
        Entry::AlreadyThere { .. } => ResetBeforeOperation::NoReset,
        Entry::ControlLines => ResetBeforeOperation::DefaultReset,
        Entry::Usb => ResetBeforeOperation::UsbReset,
    };
    Connection::new(
        serial,
        usb,
        ResetAfterOperation::NoResetNoStub,
        before,
        START_BAUD,
    )
}

/// Whether this is the USB serial port inside an Espressif chip: its speed is not that of a UART.
pub(crate) fn is_chips_own_usb(usb: &UsbPortInfo) -> bool {
    (usb.vid, usb.pid) == (0x303A, 0x1001)
}

/// Whether a long transfer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    Stop,
}
