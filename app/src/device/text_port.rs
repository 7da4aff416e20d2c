//! A serial port that is only listened to and written to, as a monitor does: no protocol, no loader.
//!
//! Reading waits for a bounded time, writing never waits for long: what the port does not take is left to the caller.

use std::io::{ErrorKind, Read as _, Write as _};
use std::thread;
use std::time::Duration;

use serialport::SerialPort as _;

use super::error::DeviceError;
use super::serial::OpenPort;

/// How long RESET is held, as esptool holds it.
const RESET_HELD: Duration = Duration::from_millis(100);
/// How long a write may wait for room.
const WRITE_PATIENCE: Duration = Duration::from_millis(20);

/// An open port at the speed of the program on the chip.
pub struct TextPort {
    port: OpenPort,
    patience: Duration,
}

impl TextPort {
    /// Takes a port over. `baud` in bits per second.
    pub fn new(port: OpenPort, baud: u32) -> Result<Self, DeviceError> {
        let mut port = Self {
            port,
            patience: Duration::ZERO,
        };
        port.set_baud(baud)?;
        Ok(port)
    }

    /// Gives the port back.
    pub fn into_port(self) -> OpenPort {
        self.port
    }

    /// Whether RESET can be pulled from here.
    pub fn has_control_lines(&self) -> bool {
        self.port.control_lines
    }

    /// Changes the speed, in bits per second.
    pub fn set_baud(&mut self, baud: u32) -> Result<(), DeviceError> {
        let result = self.port.serial.set_baud_rate(baud);
        result.map_err(|error| self.gone(&error))
    }

    /// Reads what is there; waits for the first byte no longer than `patience`. 0 means that nothing came.
    pub fn read(&mut self, into: &mut [u8], patience: Duration) -> Result<usize, DeviceError> {
        self.be_patient(patience)?;
        match self.port.serial.read(into) {
            // A terminal that has been hung up reads as the end of a file.
            Ok(0) => Err(self.gone(&"the port was closed at its other end")),
            Ok(count) => Ok(count),
            Err(error) if is_nothing(error.kind()) => Ok(0),
            Err(error) => Err(self.gone(&error)),
        }
    }

    /// Writes as much as the port takes now; returns how many bytes that were.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, DeviceError> {
        self.be_patient(WRITE_PATIENCE)?;
        match self.port.serial.write(bytes) {
            Ok(count) => Ok(count),
            Err(error) if is_nothing(error.kind()) => Ok(0),
            Err(error) => Err(self.gone(&error)),
        }
    }

    /// Pulls RESET with BOOT released; the port must have control lines.
    pub fn reset(&mut self) -> Result<(), DeviceError> {
        let serial = &mut self.port.serial;
        let result = serial
            .write_data_terminal_ready(false)
            .and_then(|()| serial.write_request_to_send(true));
        let result = result.and_then(|()| {
            thread::sleep(RESET_HELD);
            serial.write_request_to_send(false)
        });
        result.map_err(|error| self.gone(&error))
    }

    fn be_patient(&mut self, patience: Duration) -> Result<(), DeviceError> {
        let patience = patience.max(Duration::from_millis(1));
        if self.patience != patience {
            let result = self.port.serial.set_timeout(patience);
            result.map_err(|error| self.gone(&error))?;
            self.patience = patience;
        }
        Ok(())
    }

    fn gone(&self, detail: &dyn std::fmt::Display) -> DeviceError {
        DeviceError::Gone {
            port: self.port.name.clone(),
            doing: "listening",
            detail: detail.to_string(),
        }
    }
}

fn is_nothing(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}
