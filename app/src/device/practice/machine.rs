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
mod tests {
    use device_agent::frame::encode;
    use device_agent::message::{MAX_ENCODED, Writer};
    use device_agent::request::{Into as RestartInto, Request as AgentRequest};

    use super::super::bench::{Bench, firmware};
    use super::super::faults::Replug;
    use super::super::ram::Segment;
    use super::*;
    use crate::model::cost::{Link, Part};

    const DOWNLOAD: &str = "waiting for download";

    fn text(wire: &[u8]) -> String {
        String::from_utf8_lossy(wire).into_owned()
    }

    fn agent_frame(request: &AgentRequest<'_>) -> Vec<u8> {
        let mut writer = Writer::new();
        request.write(1, &mut writer);
        let mut buffer = [0; MAX_ENCODED];
        encode(writer.message().unwrap(), &mut buffer)
            .unwrap()
            .to_vec()
    }

    #[test]
    fn anything_that_is_loaded_is_the_stub_unless_it_is_the_agent() {
        let mut bench = Bench::new(&[]);
        let mut other = firmware();
        other.segments[0].bytes[299] ^= 1;
        let answers = bench.load(&other);
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0][8..], [0; 4], "the ROM answers MEM_END");
        assert_eq!(answers[1], b"OHAI");
        assert_eq!(bench.machine.running(), "stub");
        let answers = bench.load(&firmware());
        assert_eq!(
            answers.len(),
            1,
            "the stub answers MEM_END, the agent does not greet"
        );
        assert_eq!(answers[0][8..], [0; 2]);
        assert_eq!(bench.machine.running(), "agent");
    }

    #[test]
    fn the_agents_own_app_in_flash_is_the_agent_and_any_other_is_not() {
        use super::super::boot_image::tests::make;
        use super::super::boot_order::tests::row;
        let bootloader = make(5, &[(0x3FCD_5820, &[3; 32])]);
        let table = [row(0, 0, 0x1_0000, 0x1_0000, "factory"), [0xFF; 32]].concat();
        let mut image = firmware().app_image;
        for expected in ["agent", "flash"] {
            let mut bench = Bench::new(&[]);
            for (at, bytes) in [(0, &bootloader), (0x8000, &table), (0x1_0000, &image)] {
                bench.machine.silicon.flash.overwrite(at, bytes);
            }
            let mut wire = Vec::new();
            bench.machine.press_reset(false, &mut wire);
            let said = text(&wire);
            assert!(said.contains("partition at offset 0x10000"), "{said}");
            assert_eq!(bench.machine.running(), expected);
            let answers = bench.send(&agent_frame(&AgentRequest::Info));
            assert_eq!(answers.is_empty(), expected == "flash");
            // As sound, but not the same.
            image = make(5, &[(0x3C00_0020, &[2; 256]), (0x4201_0130, &[0; 4])]);
        }
    }

    #[test]
    fn what_was_loaded_before_a_reset_is_gone() {
        let mut bench = Bench::new(&[]);
        let whole = firmware();
        let Segment { addr, bytes } = whole.segments[0].clone();
        bench.ask(Command::MemBegin, &[bytes.len() as u32, 1, 0x1800, addr]);
        bench.block(Command::MemData, 0, &bytes);
        bench.machine.power_on(&mut Vec::new());
        bench.raw(
            Command::MemEnd,
            0,
            &[[0; 4], whole.entry.to_le_bytes()].concat(),
        );
        assert_eq!(bench.machine.running(), "stub");
    }

    #[test]
    fn the_agent_does_not_answer_loaders_and_loaders_not_the_agent() {
        let hello = agent_frame(&AgentRequest::Info);
        let sync = [
            &[0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20][..],
            &[0x55; 32],
            &[0xC0],
        ]
        .concat();
        for mut bench in [Bench::new(&[]), Bench::with_stub(&[])] {
            assert!(bench.send(&hello).is_empty());
            assert!(!bench.send(&sync).is_empty());
            bench.load(&firmware());
            assert!(bench.send(&sync).is_empty());
            assert!(!bench.send(&hello).is_empty());
        }
    }

    #[test]
    fn the_agent_restarts_into_the_loader_or_into_flash() {
        for (into, running, line) in [
            (RestartInto::Loader, "loader", DOWNLOAD),
            (RestartInto::Flash, "flash", "invalid header"),
        ] {
            let mut bench = Bench::new(&[]);
            bench.load(&firmware());
            let said = text(&bench.send(&agent_frame(&AgentRequest::Restart { into })));
            assert!(
                said.contains("rst:0x3 (RTC_SW_SYS_RST)") && said.contains(line),
                "{said}"
            );
            assert_eq!(bench.machine.running(), running);
        }
    }

    #[test]
    fn the_watchdog_resets_into_flash() {
        use super::super::request::Command::WriteReg;
        let mut bench = Bench::with_stub(&[]);
        bench.ask(WriteReg, &[0x6000_80A8, 0x50D8_3AA1, u32::MAX, 0]);
        bench.ask(WriteReg, &[0x6000_8094, 2000, u32::MAX, 0]);
        assert_eq!(bench.machine.watchdog(), None);
        assert!(
            bench
                .ask(
                    WriteReg,
                    &[0x6000_8090, 1 << 31 | 5 << 28 | 0x102, u32::MAX, 0]
                )
                .is_ok()
        );
        assert!(bench.machine.watchdog().is_some());
        assert!(
            bench.ask(WriteReg, &[0x6000_80A8, 0, u32::MAX, 0]).is_ok(),
            "it still answers"
        );
        let mut wire = Vec::new();
        bench.machine.watchdog_due(&mut wire);
        assert!(text(&wire).contains("RTCWDT_RTC_RST"), "{}", text(&wire));
        assert_eq!(
            (bench.machine.running(), bench.machine.watchdog()),
            ("flash", None)
        );
    }

    #[test]
    fn a_software_reset_by_register_is_not_answered() {
        use super::super::request::Command::WriteReg;
        let mut bench = Bench::with_stub(&[]);
        bench.ask(WriteReg, &[0x6000_80F4, 1, 1, 0]);
        assert_eq!(
            bench
                .raw(
                    WriteReg,
                    0,
                    &[0x6000_8000u32, 1 << 31, 1 << 31, 0]
                        .map(u32::to_le_bytes)
                        .concat()
                )
                .len(),
            0
        );
        assert_eq!(bench.machine.running(), "loader");
    }

    #[test]
    fn a_brown_out_restarts_the_chip_and_an_unplugged_one_is_silent() {
        use super::super::request::Command::{EraseRegion, ReadReg};
        let mut bench = Bench::with_stub(&["brown-out:flash@0"]);
        bench.machine.silicon.flash.overwrite(0, &[0; 0x1000]);
        assert!(
            bench
                .raw(
                    EraseRegion,
                    0,
                    &[0u32, 0x1000].map(u32::to_le_bytes).concat()
                )
                .is_empty()
        );
        assert_eq!((bench.machine.running(), bench.loss), ("loader", None));
        assert_ne!(bench.flash(0, 0x1000), [0xFF; 0x1000]);
        assert!(bench.ask(ReadReg, &[0]).is_ok());
        let mut bench = Bench::with_stub(&["unplug:flash@0=never"]);
        assert!(
            bench
                .raw(
                    EraseRegion,
                    0,
                    &[0u32, 0x1000].map(u32::to_le_bytes).concat()
                )
                .is_empty()
        );
        assert_eq!(bench.loss, Some(PowerLoss::Unplug(Replug::Never)));
    }

    #[test]
    fn a_stub_that_lost_a_delimiter_stays_deaf_until_it_gets_one_more() {
        let mut bench = Bench::with_stub(&[]);
        let read = [&[0xC0, 0, 0x0A, 4, 0][..], &[0; 4], &[0; 4], &[0xC0]].concat();
        let answer = bench.send(&read);
        assert!(!answer.is_empty());
        assert!(bench.send(&read[1..]).is_empty());
        for _ in 0..3 {
            assert!(bench.send(&read).is_empty(), "it takes the gaps for frames");
        }
        bench.send(&[0xC0]);
        assert_eq!(bench.send(&read), answer);
    }

    #[test]
    fn no_bytes_make_it_panic_and_it_comes_back_after_all_of_them() {
        use super::super::random::Random;
        use super::super::request::Command::{self, ReadReg};
        use super::super::slip::append_frame;
        let mut random = Random::new(20_261_120);
        let known: Vec<u8> = (0..=u8::MAX)
            .filter(|number| Command::from_number(*number).is_some())
            .collect();
        for round in 0..3000u32 {
            let mut bench = match round % 3 {
                0 => Bench::new(&["brown-out:flash@3", "fail:flash@9"]),
                1 => Bench::with_stub(&[]),
                _ => {
                    let mut bench = Bench::new(&[]);
                    bench.load(&firmware());
                    bench
                }
            };
            for _ in 0..20 {
                let len = [0, 4, 8, 16, 20, 24, 36, 300][random.below(8) as usize];
                let mut data: Vec<u8> = (0..len).map(|_| random.next_byte()).collect();
                // Small words get further than random ones.
                data.iter_mut()
                    .skip(1)
                    .step_by(2)
                    .for_each(|byte| *byte = 0);
                let number = known[random.below(known.len() as u64) as usize];
                let mut frame = vec![0, number];
                frame.extend((data.len() as u16).to_le_bytes());
                frame.extend([random.next_byte(), 0, 0, 0]);
                frame.extend(data);
                let mut wire = Vec::new();
                append_frame(&mut wire, &frame);
                if random.chance(0.2) {
                    let at = random.below(wire.len() as u64) as usize;
                    wire[at] = random.next_byte();
                }
                bench.send(&wire);
            }
            bench.machine.power_on(&mut Vec::new());
            assert_eq!(
                bench.ask(ReadReg, &[0x4000_1000]).value,
                0x1B31_506F,
                "{round}"
            );
        }
    }

    #[test]
    fn modelled_time_is_that_of_the_one_model() {
        use super::super::request::Command::{FlashBegin, FlashData, FlashEnd};
        use crate::model::cost::Clock;
        use crate::model::region::Region;
        let mut bench = Bench::with_stub(&[]);
        let before = bench.machine.counters.modelled_seconds();
        bench.machine.silicon.flash.overwrite(0, &vec![0; 0x1_0000]);
        bench.ask(FlashBegin, &[0x1_0000, 4, 0x4000, 0]);
        for sequence in 0..4 {
            bench.block(FlashData, sequence, &[0x11; 0x4000]);
        }
        bench.ask(FlashEnd, &[1]);
        let mut clock = Clock::new(Link::Usb, Part::TYPICAL);
        clock.exchange(&Exchange::new(26, 12).then(Work::erase(Region::new(0, 0x1_0000))));
        for block in 0..4 {
            clock.exchange(
                &Exchange::new(26 + 0x4000, 12)
                    .then(Work::program(Region::new(block * 0x4000, 0x4000))),
            );
        }
        clock.exchange(&Exchange::new(14, 12));
        let measured = bench.machine.counters.modelled_seconds()["usb"] - before["usb"];
        assert!(
            (measured - clock.elapsed().as_secs_f64()).abs() < 1e-6,
            "{measured} {:?}",
            clock.elapsed()
        );
    }
}
