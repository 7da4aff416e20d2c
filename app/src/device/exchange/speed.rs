//! The speed of the line while it is changed: telling the other end, and finding out whether the line carries it.

use std::time::{Duration, Instant};

use espflash::command::Command;
use serialport::SerialPort as _;

use super::{END, Exchange, Failure, Found, QUIET, frame, port_failed, who_answers_sync};

impl Exchange {
    /// Sets the speed of this end, and drops what the change itself may have put on the line.
    pub fn set_baud(&mut self, baud: u32) -> Result<(), Failure> {
        self.port.set_baud_rate(baud).map_err(port_failed)?;
        self.wait_for_quiet()?;
        self.forget_input();
        Ok(())
    }

    /// Asks the stub once who it is. Whether everything that came back within `time` was its answers, undamaged: it
    /// sends eight, so that a line is tried both ways by this.
    pub fn answers_cleanly(&mut self, time: Duration) -> Result<bool, Failure> {
        self.forget_input();
        self.send(&frame(&bytes_of(Command::Sync)?), time)?;
        let mut deadline = Instant::now() + time;
        let mut answers = 0;
        loop {
            match self.frame(deadline) {
                Ok(None) => return Ok(answers > 0),
                // A damaged question is answered too: by a status that is not 0.
                Ok(Some(frame)) if is_good(&frame) => {
                    answers += 1;
                    deadline = Instant::now() + QUIET;
                }
                Ok(Some(_)) | Err(Failure::Damaged(_)) => return Ok(false),
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Sends a command whose answer nobody will be able to read, and lets whatever comes back go by. `lone_delimiter`
    /// goes before it: a stub that lost one takes gaps for frames until it gets an odd number more.
    pub fn tell_blindly(
        &mut self,
        command: Command<'_>,
        lone_delimiter: bool,
        time: Duration,
    ) -> Result<(), Failure> {
        if lone_delimiter {
            self.send(&[END], time)?;
        }
        self.send(&frame(&bytes_of(command)?), time)?;
        let deadline = Instant::now() + time;
        while let Ok(Some(_)) | Err(Failure::Damaged(_)) = self.frame(deadline) {}
        Ok(())
    }
}

fn is_good(frame: &[u8]) -> bool {
    who_answers_sync(frame) == Some(Found::Stub) && frame.ends_with(&[0, 0])
}

fn bytes_of(command: Command<'_>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    command.write(&mut bytes).map_err(Failure::Gone)?;
    Ok(bytes)
}
