//! One open session with a chip's loader, over espflash: identify, digest, erase, write, read.
//!
//! espflash opens the session (reset, SYNC, chip detection, stub, flash attach) and stays open until dropped: the
//! stub is kept, so the next job starts at once. Everything after that is single commands of the loader protocol with
//! our own time limits, because espflash's never go below ten seconds and its writer can neither be cancelled nor told
//! where to continue. This file knows nothing of plans or partitions.

use std::io::Write as _;
use std::time::Duration;

use espflash::Error as EspError;
use espflash::command::{Command, CommandResponseValue};
use espflash::connection::{Connection, Port, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use md5::{Digest as _, Md5};
use serialport::UsbPortInfo;

use super::error::DeviceError;
use super::loader_error::{connect_error, device_error};
use super::ram_load;
use super::serial::{OpenPort, START_BAUD};
use crate::model::chip::{BoardIdentity, Chip};
use crate::model::cost::{Link, Part, Work};
use crate::model::region::Region;

/// Bytes of one data block; the stub has room for this much.
const WRITE_BLOCK: usize = 0x4000;
/// Bytes of one compressed stream. Small enough that compressing it never delays its first byte by more than 20 ms.
const STREAM: usize = 0x4_0000;
/// Bytes of one packet of a read; the stub sends no larger ones.
const READ_PACKET: u32 = 0x1000;
/// No answer takes less than this to be given up, however little was asked.
const LEAST_PATIENCE: Duration = Duration::from_millis(300);

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
    flasher: Flasher,
    port: String,
    usb: UsbPortInfo,
    control_lines: bool,
    baud: u32,
    /// Multiplies every time limit; tests make it small.
    patience: f64,
    /// What the board said of itself; it cannot change while the session is open.
    identity: Option<BoardIdentity>,
}

impl Session {
    /// Connects, uploads the stub and attaches the flash. `baud` applies after the connection is made.
    pub fn connect(port: OpenPort, entry: Entry, baud: u32) -> Result<Self, DeviceError> {
        let OpenPort {
            serial,
            usb,
            name,
            control_lines,
        } = port;
        let connection = connection(serial, usb.clone(), entry);
        let faster = (baud > START_BAUD).then_some(baud);
        let mut flasher = Flasher::connect(connection, true, false, false, None, faster)
            .map_err(|error| connect_error(&name, &error))?;
        if flasher.secure_download_mode() {
            return Err(Self::identify_secured(flasher, name));
        }
        flasher
            .connection()
            .set_timeout(LEAST_PATIENCE)
            .map_err(|error| connect_error(&name, &error))?;
        Ok(Self {
            flasher,
            port: name,
            usb,
            control_lines,
            baud,
            patience: 1.0,
            identity: None,
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

    /// The chip, as espflash detected it; `None` for one that Flashpack has no row for.
    pub fn chip(&self) -> Option<Chip> {
        Chip::from_name(&self.flasher.chip().to_string())
    }

    /// What the board says of itself.
    pub fn identify(&mut self) -> Result<BoardIdentity, DeviceError> {
        if let Some(identity) = &self.identity {
            return Ok(identity.clone());
        }
        let port = self.port.clone();
        let protocol = |error: EspError| device_error(&port, "identifying the chip", 0, &error);
        let info = self.flasher.device_info().map_err(protocol)?;
        let security = self.flasher.security_info().ok();
        let chip = self.known_chip()?;
        let identity = BoardIdentity {
            revision: info.revision,
            mac: info.mac_address,
            flash_size: Some(info.flash_size.size()),
            flash_id: self.flash_id(),
            ..BoardIdentity::of_chip(
                chip,
                security.map(|info| (info.flags, info.flash_crypt_cnt)),
            )
        };
        self.identity = Some(identity.clone());
        Ok(identity)
    }

    /// What a chip in secure download mode says of itself: what it is, and how it is secured.
    fn identify_secured(mut flasher: Flasher, port: String) -> DeviceError {
        let security = flasher.security_info().ok();
        let identity = Chip::from_name(&flasher.chip().to_string()).map(|chip| {
            let security = security.map(|info| (info.flags, info.flash_crypt_cnt));
            Box::new(BoardIdentity::of_chip(chip, security))
        });
        DeviceError::SecureDownload { port, identity }
    }

    fn known_chip(&self) -> Result<Chip, DeviceError> {
        self.chip().ok_or_else(|| {
            self.protocol(format!(
                "{} is not a chip that Flashpack knows",
                self.flasher.chip()
            ))
        })
    }

    /// The answer of the flash chip to `RDID`: espflash asks it for the size and leaves it in the first data register
    /// of the SPI controller. `None` when no flash answers.
    fn flash_id(&mut self) -> Option<u32> {
        self.flasher.flash_detect().ok()?;
        let answer = self.flasher.chip().spi_registers().w0();
        let id = self.flasher.connection().read_reg(answer).ok()? & 0xFF_FFFF;
        (id != 0 && id != 0xFF_FFFF).then_some(id)
    }

    /// MD5 of a region, computed by the stub.
    pub fn md5(&mut self, region: Region) -> Result<[u8; 16], DeviceError> {
        let time = self.patience_for(Work::md5(u64::from(region.size)).time(Part::SLOW));
        let command = Command::FlashMd5 {
            offset: region.offset,
            size: region.size,
        };
        match self.command(command, time, "hashing", region.offset)? {
            CommandResponseValue::ValueU128(digest) => Ok(digest.to_be_bytes()),
            other => Err(DeviceError::Protocol {
                port: self.port.clone(),
                detail: format!("a digest was expected, {other:?} came"),
            }),
        }
    }

    /// Erases whole sectors.
    pub fn erase(&mut self, region: Region) -> Result<(), DeviceError> {
        let time = self.patience_for(Work::erase(region).time(Part::SLOW));
        let command = Command::EraseRegion {
            offset: region.offset,
            size: region.size,
        };
        self.command(command, time, "erasing", region.offset)
            .map(drop)
    }

    /// Erases and writes whole sectors from `offset` on. `sent` hears how many bytes are with the board and returns
    /// whether to go on; stopping leaves everything before the last full block written.
    ///
    /// Nothing is proven by this: the stub answers a block before it programs it. Digests prove.
    pub fn write(
        &mut self,
        offset: u32,
        bytes: &[u8],
        sent: &mut dyn FnMut(u64) -> Go,
    ) -> Result<(), DeviceError> {
        let mut done = 0u64;
        for stream in bytes.chunks(STREAM) {
            let at = offset + done as u32;
            self.write_stream(at, stream, &mut |within| sent(done + within))?;
            done += stream.len() as u64;
        }
        Ok(())
    }

    fn write_stream(
        &mut self,
        offset: u32,
        bytes: &[u8],
        sent: &mut dyn FnMut(u64) -> Go,
    ) -> Result<(), DeviceError> {
        let size = bytes.len() as u32;
        let region = Region::new(offset, size);
        let time = self.patience_for(
            (Work::erase(region) + Work::program(region)).time(Part::SLOW)
                + self.link().carry(WRITE_BLOCK as u64),
        );
        let packed = compress(bytes);
        // What does not shrink goes as it is: nothing to unpack on the chip.
        let deflated = packed.len() < bytes.len();
        let wire = if deflated { packed.as_slice() } else { bytes };
        let blocks = wire.len().div_ceil(WRITE_BLOCK) as u32;
        let begin = if deflated {
            Command::FlashDeflBegin {
                size,
                blocks,
                block_size: WRITE_BLOCK as u32,
                offset,
                supports_encryption: false,
            }
        } else {
            Command::FlashBegin {
                size,
                blocks,
                block_size: WRITE_BLOCK as u32,
                offset,
                supports_encryption: false,
            }
        };
        self.command(begin, time, "writing", offset)?;
        for (sequence, data) in wire.chunks(WRITE_BLOCK).enumerate() {
            let sequence = sequence as u32;
            let command = if deflated {
                Command::FlashDeflData {
                    data,
                    pad_to: 0,
                    pad_byte: 0xFF,
                    sequence,
                }
            } else {
                Command::FlashData {
                    data,
                    pad_to: 0,
                    pad_byte: 0xFF,
                    sequence,
                }
            };
            self.command(command, time, "writing", offset)?;
            let wire_done = ((sequence as usize + 1) * WRITE_BLOCK).min(wire.len()) as u64;
            if sent(bytes.len() as u64 * wire_done / wire.len() as u64) == Go::Stop {
                return Err(DeviceError::Cancelled);
            }
        }
        Ok(())
    }

    /// Reads a region; every packet is acknowledged, and the stub's MD5 of the whole must match what arrived.
    ///
    /// `received` hears how many bytes are here and returns whether to go on; stopping leaves the session usable.
    pub fn read(
        &mut self,
        region: Region,
        received: &mut dyn FnMut(u64) -> Go,
    ) -> Result<Vec<u8>, DeviceError> {
        let time = self.patience_for(self.link().carry(u64::from(READ_PACKET)));
        let command = Command::ReadFlash {
            offset: region.offset,
            size: region.size,
            block_size: READ_PACKET,
            max_in_flight: 1,
        };
        self.command(command, time, "reading", region.offset)?;
        let mut bytes = Vec::with_capacity(region.size as usize);
        while bytes.len() < region.size as usize {
            let at = region.offset + bytes.len() as u32;
            let data = self.packet(time, at)?;
            bytes.extend_from_slice(&data);
            if data.is_empty() || bytes.len() > region.size as usize {
                return Err(self.protocol(format!("a packet of {} bytes did not fit", data.len())));
            }
            if received(bytes.len() as u64) == Go::Stop && bytes.len() < region.size as usize {
                self.end_read_early(time, at)?;
                return Err(DeviceError::Cancelled);
            }
            let acknowledged = self.flasher.connection().write_raw(bytes.len() as u32);
            acknowledged.map_err(|error| device_error(&self.port, "reading", at, &error))?;
        }
        let digest = self.packet(
            time + self.patience_for(Work::md5(u64::from(region.size)).time(Part::SLOW)),
            region.offset,
        )?;
        if digest != Md5::digest(&bytes).as_slice() {
            return Err(
                self.protocol("the digest of the read bytes differs from the board's".into())
            );
        }
        Ok(bytes)
    }

    /// One frame of a read: data, or the digest at its end.
    fn packet(&mut self, time: Duration, offset: u32) -> Result<Vec<u8>, DeviceError> {
        let frame = self.flasher.connection().with_timeout(time, |connection| {
            // Two frame delimiters in a row make an empty frame; it means nothing.
            loop {
                if let Some(frame) = connection.read_flash_response()? {
                    return frame.value.try_into();
                }
            }
        });
        frame.map_err(|error| device_error(&self.port, "reading", offset, &error))
    }

    /// Ends a read: the stub takes any frame that is no acknowledgement for the end, and sends its digest.
    fn end_read_early(&mut self, time: Duration, offset: u32) -> Result<(), DeviceError> {
        let sent = self.flasher.connection().write_command(Command::Sync);
        sent.map_err(|error| device_error(&self.port, "reading", offset, &error))?;
        while self.packet(time, offset)?.len() != 16 {}
        Ok(())
    }

    /// Leaves the loader as far as the port allows: RESET by the control lines; without them, or if asked, the RTC
    /// watchdog. The session is over.
    pub fn reset(mut self, watchdog: bool) -> Result<Port, DeviceError> {
        let result = if self.control_lines && !watchdog {
            self.flasher.connection().reset()
        } else {
            self.watchdog_reset()
        };
        result.map_err(|error| device_error(&self.port, "resetting", 0, &error))?;
        Ok(self.flasher.into_connection().into_serial())
    }

    /// Lets the RTC watchdog of the C3 and its kin reset the chip, as esptool's `watchdog-reset` does: registers of
    /// ESP-IDF's `rtc_cntl_reg.h` (`RTC_CNTL_WDTWPROTECT`, `WDTCONFIG1`, `WDTCONFIG0`).
    fn watchdog_reset(&mut self) -> Result<(), EspError> {
        const BASE: u32 = 0x6000_8000;
        const WPROTECT: u32 = BASE + 0xA8;
        const CONFIG0: u32 = BASE + 0x90;
        const CONFIG1: u32 = BASE + 0x94;
        const KEY: u32 = 0x50D8_3AA1;
        let connection = self.flasher.connection();
        connection.write_reg(WPROTECT, KEY, None)?;
        connection.write_reg(CONFIG1, 2000, None)?;
        connection.write_reg(CONFIG0, (1 << 31) | (5 << 28) | (1 << 8) | 2, None)?;
        // The dog bites within moments: protecting its registers again is tried, but an answer may not come any more.
        connection.write_reg(WPROTECT, 0, None).ok();
        Ok(())
    }

    /// Loads a program into the chip's RAM and starts it; the port then belongs to that program.
    pub fn run_in_ram(
        mut self,
        segments: &[(u32, &[u8])],
        entry: u32,
    ) -> Result<Port, DeviceError> {
        let time = self.patience_for(self.link().carry(0x1800));
        ram_load::send(self.flasher.connection(), segments, entry, time)
            .map_err(|error| device_error(&self.port, "loading the agent", entry, &error))?;
        Ok(self.flasher.into_connection().into_serial())
    }

    fn command(
        &mut self,
        command: Command<'_>,
        time: Duration,
        doing: &'static str,
        offset: u32,
    ) -> Result<CommandResponseValue, DeviceError> {
        self.flasher
            .connection()
            .with_timeout(time, |connection| connection.command(command))
            .map_err(|error| device_error(&self.port, doing, offset, &error))
    }

    fn protocol(&self, detail: String) -> DeviceError {
        DeviceError::Protocol {
            port: self.port.clone(),
            detail,
        }
    }

    /// How long to wait for an answer: three times what the slowest part would need, plus the wire.
    fn patience_for(&self, modelled: Duration) -> Duration {
        (modelled * 3).max(LEAST_PATIENCE).mul_f64(self.patience)
    }

    fn link(&self) -> Link {
        Link::Uart(self.baud.max(1))
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
    let failed = |error: EspError| connect_error(&name, &error);
    connection.begin().map_err(failed)?;
    connection.set_timeout(LEAST_PATIENCE).map_err(failed)?;
    let chip = connection.detect_chip(stub).map_err(failed)?;
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
            .map_err(failed)?;
    }
    let time = (Link::Uart(baud.max(START_BAUD)).carry(0x1800) * 3).max(LEAST_PATIENCE);
    ram_load::send(&mut connection, segments, start_addr, time)
        .map_err(|error| device_error(&name, "loading the agent", start_addr, &error))?;
    Ok(OpenPort {
        serial: connection.into_serial(),
        usb,
        name,
        control_lines,
    })
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

/// Whether a long transfer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    Stop,
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    // Level 6: level 9 takes three times as long for less than 1 % of size.
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::new(6));
    // Writing to a vector cannot fail; should it ever, the empty result is larger than nothing and is not used.
    match encoder.write_all(bytes).and_then(|()| encoder.finish()) {
        Ok(packed) => packed,
        Err(_) => bytes.to_vec(),
    }
}
