//! The whole chip: which program runs on it, and how one follows another.
//!
//! Bytes go in, bytes come out; there is no port and no thread here, and nothing waits. Programs change only as on a
//! chip: by what the running one asks for ([`Next`]), by the watchdog, or by power.

use std::time::Instant;

use super::agent_mode::{AgentMode, Firmware};
use super::app_output::App;
use super::boot::{self, Cause};
use super::counters::Counters;
use super::faults::PowerLoss;
use super::options::{AppOutput, Boot};
use super::program::{Into, Next};
use super::request::{Command, Request};
use super::rom::{self, Rom};
use super::silicon::Silicon;
use super::slip::{EmptyFrame, SlipReceiver};
use super::stub::{self, Stub};
use crate::model::baud::START as START_BAUD;
use crate::model::cost::{Exchange, Work};

/// What runs on the chip.
#[derive(Debug)]
enum Program {
    Rom {
        rom: Rom,
        receiver: SlipReceiver,
    },
    Stub {
        stub: Stub,
        receiver: SlipReceiver,
    },
    Agent(AgentMode),
    /// Nothing: there is no power.
    Off,
    /// Whatever is in flash, or the ROM failing to start it or anything: deaf to the loader protocol.
    Flash,
}

/// A chip that is powered or not, with the program that runs on it.
#[derive(Debug)]
pub struct Machine {
    pub silicon: Silicon,
    pub counters: Counters,
    /// What has to be loaded for the chip to run the agent.
    firmware: Firmware,
    /// What an app in flash prints, if anything.
    pub app_output: Option<AppOutput>,
    app: Option<App>,
    program: Program,
    strapped: Boot,
    watchdog: Option<Instant>,
    /// Bits per second of the chip's serial port.
    baud: u32,
    /// Bytes received since the last request was complete.
    unaccounted: u64,
}

impl Machine {
    /// A chip without power. `strapped` is where it goes when power comes.
    pub fn new(silicon: Silicon, counters: Counters, strapped: Boot, firmware: Firmware) -> Self {
        let program = Program::Off;
        Self {
            silicon,
            counters,
            firmware,
            app_output: None,
            app: None,
            program,
            strapped,
            watchdog: None,
            baud: START_BAUD,
            unaccounted: 0,
        }
    }

    /// Power comes: RAM is empty, registers are as made. Says how it was lost again, if it was.
    pub fn power_on(&mut self, wire: &mut Vec<u8>) -> Option<PowerLoss> {
        self.silicon.flash.power_on();
        self.reset(Cause::PowerOn, Into::Strapped, wire);
        self.mind_power(wire)
    }

    /// Power goes: nothing runs, and nothing will happen.
    pub fn power_off(&mut self) {
        self.program = Program::Off;
        self.watchdog = None;
        self.app = None;
    }

    /// RESET is pressed, with BOOT held or not. Nothing happens without power.
    pub fn press_reset(&mut self, boot_held: bool, wire: &mut Vec<u8>) -> Option<PowerLoss> {
        if matches!(self.program, Program::Off) {
            return None;
        }
        let into = if boot_held { Into::Loader } else { Into::Flash };
        self.reset(Cause::PowerOn, into, wire);
        self.mind_power(wire)
    }

    /// When the app wants to speak, if one runs.
    pub fn app_due(&self) -> Option<Instant> {
        self.app.as_ref().and_then(App::due)
    }

    /// The app is due.
    pub fn let_app_speak(&mut self, wire: &mut Vec<u8>) {
        if let Some(app) = &mut self.app {
            app.speak(wire);
        }
    }

    /// Takes bytes; what is answered is appended to `wire`. Stops where power is lost, and says how.
    pub fn receive(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Option<PowerLoss> {
        for &byte in bytes {
            self.unaccounted += 1;
            match &mut self.program {
                Program::Rom { receiver, .. } | Program::Stub { receiver, .. } => {
                    if let Some(frame) = receiver.receive(byte) {
                        self.answer(&frame, wire);
                    }
                }
                Program::Agent(_) => self.ask_agent(byte, wire),
                Program::Flash => {
                    let next = self.app.as_mut().map(|app| app.receive(byte, wire));
                    self.follow(next.unwrap_or(Next::Stay), wire);
                }
                Program::Off => {}
            }
            if let Some(loss) = self.mind_power(wire) {
                return Some(loss);
            }
        }
        None
    }

    /// What runs, in a word.
    pub fn running(&self) -> &'static str {
        match self.program {
            Program::Rom { .. } => "loader",
            Program::Stub { .. } => "stub",
            Program::Agent(_) => "agent",
            Program::Flash => "flash",
            Program::Off => "off",
        }
    }

    /// Bits per second of the chip's serial port, as it will be when everything was sent that was answered so far.
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// When the watchdog is due, if it runs.
    pub fn watchdog(&self) -> Option<Instant> {
        self.watchdog
    }

    /// The watchdog is due: the chip resets into flash.
    pub fn watchdog_due(&mut self, wire: &mut Vec<u8>) -> Option<PowerLoss> {
        self.reset(Cause::Watchdog, Into::Flash, wire);
        self.mind_power(wire)
    }

    /// The end of a session: bytes that never made a request are added to the modelled time.
    pub fn settle(&mut self) {
        self.counters.carry(std::mem::take(&mut self.unaccounted));
    }

    /// After a brown-out the chip starts again by itself; any other loss is the caller's business.
    fn mind_power(&mut self, wire: &mut Vec<u8>) -> Option<PowerLoss> {
        while let Some(loss) = self.silicon.flash.power_loss() {
            if loss != PowerLoss::BrownOut {
                return Some(loss);
            }
            self.silicon.flash.power_on();
            self.reset(Cause::BrownOut, Into::Strapped, wire);
        }
        None
    }

    fn answer(&mut self, frame: &[u8], wire: &mut Vec<u8>) {
        let start = wire.len();
        let silicon = &mut self.silicon;
        let command = Request::parse(frame)
            .ok()
            .and_then(|request| request.command());
        if let Some(command) = command {
            self.counters.count(command.name());
        }
        let asked_baud = asked_baud(frame);
        let next = match &mut self.program {
            Program::Rom { rom, .. } => rom.handle(frame, silicon, wire),
            Program::Stub { stub, .. } => stub.handle(frame, silicon, wire),
            Program::Agent(_) | Program::Flash | Program::Off => Next::Stay,
        };
        if silicon.flash.power_loss().is_some() {
            wire.truncate(start);
            return;
        }
        let mut before_answer = silicon.flash.take_work();
        let mut after_answer = Work::NONE;
        if let Program::Stub { stub, .. } = &mut self.program {
            if command.is_some_and(Stub::answers_first) {
                after_answer = std::mem::take(&mut before_answer);
            }
            stub.finish(silicon, wire);
        }
        after_answer += silicon.flash.take_work();
        // The answer still goes at the old speed.
        self.baud = asked_baud.unwrap_or(self.baud);
        self.follow(next, wire);
        self.counters.exchange(&Exchange {
            to_board: std::mem::take(&mut self.unaccounted),
            from_board: (wire.len() - start) as u64,
            before_answer,
            after_answer,
        });
    }

    fn ask_agent(&mut self, byte: u8, wire: &mut Vec<u8>) {
        let Program::Agent(agent) = &mut self.program else {
            return;
        };
        let start = wire.len();
        let Some(answered) = agent.receive(byte, &mut self.silicon, wire) else {
            return;
        };
        self.counters.count(answered.command);
        let work = self.silicon.flash.take_work();
        self.follow(answered.next, wire);
        let to_board = std::mem::take(&mut self.unaccounted);
        self.counters
            .exchange(&Exchange::new(to_board, (wire.len() - start) as u64).working(work));
    }

    fn follow(&mut self, next: Next, wire: &mut Vec<u8>) {
        match next {
            Next::Stay => {}
            Next::RunRam { entry } => self.run_ram(entry, wire),
            Next::LeaveLoader => {
                self.program = Program::Flash;
                wire.extend_from_slice(boot::USER_CODE_DONE.as_bytes());
            }
            Next::Reset(into) => self.reset(Cause::Software, into, wire),
            Next::StartWatchdog(time) => self.watchdog = Some(Instant::now() + time),
            Next::StopWatchdog => self.watchdog = None,
        }
    }

    /// What was loaded is the agent if it is the agent byte for byte; anything else is taken for the stub.
    fn run_ram(&mut self, entry: u32, wire: &mut Vec<u8>) {
        let loaded = self.silicon.ram.take();
        self.program = if self.firmware.is(entry, &loaded) {
            Program::Agent(AgentMode::start(&self.silicon))
        } else {
            let stub = Stub::start(&self.silicon, wire);
            Program::Stub {
                stub,
                receiver: SlipReceiver::new(EmptyFrame::Closes, stub::FRAME_CAPACITY),
            }
        };
    }

    fn reset(&mut self, cause: Cause, into: Into, wire: &mut Vec<u8>) {
        self.watchdog = None;
        self.app = None;
        self.baud = START_BAUD;
        self.silicon.ram.take();
        let forced = self.silicon.registers.reset(cause == Cause::Software);
        let into_loader = match into {
            Into::Loader => true,
            Into::Flash => false,
            Into::Strapped => forced || self.strapped == Boot::Loader,
        };
        if into_loader {
            let receiver = SlipReceiver::new(EmptyFrame::Opens, rom::FRAME_CAPACITY);
            self.program = Program::Rom {
                rom: Rom::new(),
                receiver,
            };
            wire.extend(boot::to_download(self.silicon.row, cause).into_bytes());
        } else {
            self.program = Program::Flash;
            let started = boot::from_flash(&mut self.silicon, cause);
            wire.extend(started.text.into_bytes());
            let Some(app) = started.app else { return };
            if self.firmware.is_app(self.silicon.flash.bytes(), &app) {
                self.program = Program::Agent(AgentMode::start_app(&self.silicon, &app));
                return;
            }
            let output = self.app_output.clone();
            self.app = output.map(|output| App::start(output, wire));
        }
    }
}

/// The speed that a request asks the chip to change to.
fn asked_baud(frame: &[u8]) -> Option<u32> {
    let request = Request::parse(frame).ok()?;
    if request.command() != Some(Command::ChangeBaud) {
        return None;
    }
    let [baud] = request.leading_words()?;
    Some(baud)
}

#[cfg(test)]
mod tests;
