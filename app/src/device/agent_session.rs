//! A port on whose other end the device agent runs: loading it, asking it in plain values, and leaving it. The MMU is
//! `mapping`'s, what reads all bytes of something is `proof`'s.

mod mapping;
mod proof;

use std::ops::ControlFlow;

use device_agent::error::Error as Fault;
use device_agent::message::UNKNOWN;
use device_agent::reply::{self, CrcSource, FoundFlags, InfoFlags, ListedFlags};
use device_agent::request::{FindFlags, Into as RestartInto, Place};
use espflash::connection::Port;
use serialport::UsbPortInfo;

use super::agent_answer::{AgentInfo, Found, ListedEntry};
use super::agent_client::{AgentClient, AgentError, SectorDigest};
use super::agent_image::{self, AgentImage};
use super::error::DeviceError;
use super::serial::{OpenPort, SerialLink};
use super::session::{Entry, Go, Session, run_in_ram_from_loader};
use crate::model::chip::Chip;
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

/// The agent, ready for questions.
pub struct AgentSession {
    client: AgentClient<SerialLink<Box<Port>>>,
    port: String,
    usb: UsbPortInfo,
    control_lines: bool,
    table_offset: u32,
}

impl AgentSession {
    /// Where the partition table is looked for, in bytes from the start of the flash.
    pub fn look_for_table_at(&mut self, offset: u32) {
        self.table_offset = offset;
    }

    /// Loads the bundled agent into the chip's RAM through an open loader session.
    pub fn load(session: Session) -> Result<Self, DeviceError> {
        accept(session.port(), session.chip())?;
        let (port, control_lines) = (session.port().to_owned(), session.has_control_lines());
        let (usb, baud) = (session.usb().clone(), session.baud());
        let image = agent_image::bundled();
        let serial = session.run_in_ram(&segments(&image), image.entry)?;
        Self::greet(
            OpenPort {
                serial,
                usb,
                name: port,
                control_lines,
            },
            baud,
        )
    }

    /// Loads the bundled agent through the ROM loader (or a stub that is there), without uploading a stub first.
    pub fn load_cold(port: OpenPort, entry: Entry, baud: u32) -> Result<Self, DeviceError> {
        let image = agent_image::bundled();
        let name = port.name.clone();
        let port =
            run_in_ram_from_loader(port, entry, baud, &segments(&image), image.entry, &|chip| {
                accept(&name, chip)
            })?;
        Self::greet(port, baud)
    }

    /// Waits until the agent that was just started answers.
    fn greet(port: OpenPort, baud: u32) -> Result<Self, DeviceError> {
        let mut agent = Self::over(port);
        agent.client.assume_baud(baud);
        agent.client.info().map_err(|error| agent.failed(error))?;
        Ok(agent)
    }

    /// Takes over a port whose agent has just answered.
    pub fn adopt(port: OpenPort) -> Self {
        Self::over(port)
    }

    fn over(port: OpenPort) -> Self {
        let OpenPort {
            serial,
            usb,
            name,
            control_lines,
        } = port;
        Self {
            client: AgentClient::new(SerialLink::new(Box::new(serial))),
            port: name,
            usb,
            control_lines,
            table_offset: UNKNOWN,
        }
    }

    /// Who answers and what it sees.
    pub fn info(&mut self) -> Result<AgentInfo, DeviceError> {
        let info = self.client.info().map_err(|error| self.failed(error))?;
        Ok(AgentInfo {
            project: text(&info.project),
            version: text(&info.version),
            protocol: info.protocol,
            flash_size: info.flash_size,
            table_offset: info.table_offset,
            mmu_entries: info.mmu_entries,
            mmu_free: info.mmu_free,
            page_size: info.page_size,
            sliding: info.flags.has(InfoFlags::SLIDING),
            in_flash: info.flags.has(InfoFlags::SHARED),
        })
    }

    /// Where a file is; `None` when there is none of this name.
    pub fn find(&mut self, partition: &str, path: &str) -> Result<Option<Found>, DeviceError> {
        let place = self.place(partition)?;
        let flags = FindFlags(FindFlags::CYCLES);
        match self.client.find(place, path.as_bytes(), flags) {
            Ok(found) => Ok(Some(answer(partition, path, &found))),
            Err(error) if error.fault() == Some(Fault::NotFound) => Ok(None),
            Err(error) => Err(self.failed_in(error, partition, path)),
        }
    }

    /// A directory; the empty path is the outermost Bin.
    pub fn list(&mut self, partition: &str, path: &str) -> Result<Vec<ListedEntry>, DeviceError> {
        let place = self.place(partition)?;
        let listed = self
            .client
            .list(place, path.as_bytes())
            .map_err(|error| self.failed_in(error, partition, path))?;
        Ok(listed
            .into_iter()
            .map(|entry| ListedEntry {
                name: text(&entry.name),
                offset: entry.offset,
                size: entry.size,
                folder: entry.flags.has(ListedFlags::BIN),
                crc32: entry.flags.has(ListedFlags::RECORD).then_some(entry.crc32),
                corrupt: entry.flags.has(ListedFlags::CORRUPT),
            })
            .collect())
    }

    /// Bytes of flash, as mapped.
    pub fn read(
        &mut self,
        region: Region,
        received: &mut dyn FnMut(u64) -> Go,
    ) -> Result<Vec<u8>, DeviceError> {
        let mut progress = |done: u32| match received(u64::from(done)) {
            Go::On => ControlFlow::Continue(()),
            Go::Stop => ControlFlow::Break(()),
        };
        self.client
            .read(region.offset, region.size, &mut progress)
            .map_err(|error| match error {
                AgentError::Cancelled { .. } => DeviceError::Cancelled,
                error => self.failed_at(
                    error,
                    format!(
                        "{} from {}",
                        human_size(region.size.into()),
                        hex(region.offset)
                    ),
                ),
            })
    }

    /// Both sums of every sector of a region of whole sectors, computed by the chip from mapped flash.
    pub fn digests(
        &mut self,
        region: Region,
        received: &mut dyn FnMut(u64) -> Go,
    ) -> Result<Vec<SectorDigest>, DeviceError> {
        let mut progress = |done: u32| match received(u64::from(done)) {
            Go::On => ControlFlow::Continue(()),
            Go::Stop => ControlFlow::Break(()),
        };
        self.client
            .digests(region.offset, region.size, &mut progress)
            .map_err(|error| match error {
                AgentError::Cancelled { .. } => DeviceError::Cancelled,
                error => self.failed_at(
                    error,
                    format!(
                        "{} from {}",
                        human_size(region.size.into()),
                        hex(region.offset)
                    ),
                ),
            })
    }

    /// Sends the chip back into its ROM loader and gives the port back. The agent is gone.
    pub fn restart_into_loader(mut self) -> Result<OpenPort, DeviceError> {
        self.client
            .restart(RestartInto::Loader)
            .map_err(|error| self.failed(error))?;
        let Self {
            client,
            port,
            usb,
            control_lines,
            ..
        } = self;
        let mut serial = *client.into_link().into_port();
        // The loader starts at its own speed, whatever the agent spoke at.
        serialport::SerialPort::set_baud_rate(&mut serial, super::serial::START_BAUD).map_err(
            |error| DeviceError::Gone {
                port: port.clone(),
                doing: "restarting",
                detail: error.to_string(),
            },
        )?;
        Ok(OpenPort {
            serial,
            usb,
            name: port,
            control_lines,
        })
    }

    /// Lets the board run what it holds in flash. The agent is gone.
    pub fn restart_into_flash(mut self) -> Result<(), DeviceError> {
        self.client
            .restart(RestartInto::Flash)
            .map_err(|error| self.failed(error))
    }

    /// The same; the port stays open, so that nothing is lost of what the board says next.
    pub fn restart_and_listen(mut self) -> Result<OpenPort, DeviceError> {
        self.client
            .restart(RestartInto::Flash)
            .map_err(|error| self.failed(error))?;
        Ok(OpenPort {
            serial: *self.client.into_link().into_port(),
            usb: self.usb,
            name: self.port,
            control_lines: self.control_lines,
        })
    }

    /// Leaves the board as a command line does by default: into flash where it can be reset into its loader again by
    /// control lines, else into the loader, so that the next command finds it. Where the agent is what the board holds in
    /// flash, it is left running: there is nothing else to go back to.
    pub fn leave(mut self) -> Result<(), DeviceError> {
        if self.control_lines {
            self.restart_into_flash()
        } else if self.info()?.in_flash {
            Ok(())
        } else {
            self.restart_into_loader().map(drop)
        }
    }

    fn place(&self, partition: &str) -> Result<Place, DeviceError> {
        Place::new(self.table_offset, partition.as_bytes()).ok_or_else(|| DeviceError::LongLabel {
            port: self.port.clone(),
            label: partition.to_owned(),
        })
    }

    fn failed(&self, error: AgentError) -> DeviceError {
        match error {
            AgentError::Link { asked, source } => DeviceError::Gone {
                port: self.port.clone(),
                doing: asked,
                detail: source.to_string(),
            },
            source => DeviceError::Agent {
                port: self.port.clone(),
                place: String::new(),
                source,
            },
        }
    }

    /// The same for a question about a place: what was looked at is part of the sentence.
    fn failed_at(&self, error: AgentError, asked: String) -> DeviceError {
        match self.failed(error) {
            DeviceError::Agent { port, source, .. } => DeviceError::Agent {
                port,
                place: asked,
                source,
            },
            other => other,
        }
    }

    fn failed_in(&self, error: AgentError, partition: &str, path: &str) -> DeviceError {
        let asked = match error.fault() {
            // Without a table there is no partition to speak of.
            Some(Fault::NoTable) if self.table_offset != UNKNOWN => hex(self.table_offset),
            _ if path.is_empty() => partition.to_owned(),
            _ => format!("{path} in {partition}"),
        };
        self.failed_at(error, asked)
    }
}

/// The agent is made for one chip.
fn accept(port: &str, chip: Option<Chip>) -> Result<(), DeviceError> {
    match chip {
        Some(Chip::Esp32c3) => Ok(()),
        other => Err(DeviceError::NoAgentForChip {
            port: port.to_owned(),
            chip: other.map_or_else(|| "unknown chip".to_owned(), |chip| chip.to_string()),
        }),
    }
}

fn segments<'a>(image: &AgentImage<'a>) -> Vec<(u32, &'a [u8])> {
    image
        .segments()
        .map(|segment| (segment.addr, segment.bytes))
        .collect()
}

fn answer(partition: &str, path: &str, found: &reply::Found) -> Found {
    let known = |value: u32| (value != UNKNOWN).then_some(value);
    Found {
        name: path.to_owned(),
        partition: Some(partition.to_owned()),
        offset: found.offset,
        size: found.size,
        flash_offset: known(found.flash_offset),
        vaddr: known(found.vaddr),
        vaddr_code: known(found.vaddr_code),
        crc32: (found.crc_source != CrcSource::None).then_some(found.crc32),
        cycles: known(found.cycles_cold),
        sliding: found.flags.has(FoundFlags::SLIDING),
        parted: !found.flags.has(FoundFlags::CONTIGUOUS),
    }
}

/// A NUL-padded text of the wire.
fn text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
