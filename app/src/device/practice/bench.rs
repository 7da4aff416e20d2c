//! A host for tests: it speaks to a chip without a port between them.

use super::agent_mode::Firmware;
use super::chips;
use super::counters::Counters;
use super::faults::{Faults, PowerLoss};
use super::flash::Flash;
use super::machine::Machine;
use super::options::Boot;
use super::ram::{Ram, Segment};
use super::registers::Registers;
use super::request::{Command, checksum};
use super::silicon::Silicon;
use super::slip::{EmptyFrame, SlipReceiver, append_frame};
use crate::model::chip::Chip;
use crate::model::cost::Part;

/// One answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub number: u8,
    pub value: u32,
    /// Data with the status bytes at its end.
    pub data: Vec<u8>,
}

/// A chip in its loader, and the host's end of the wire.
pub struct Bench {
    pub machine: Machine,
    pub loss: Option<PowerLoss>,
}

/// What the bench's board takes for the agent.
pub fn firmware() -> Firmware {
    Firmware {
        entry: 0x403A_0000,
        segments: vec![Segment {
            addr: 0x403A_0000,
            bytes: vec![0x13; 300],
        }],
        app_image: super::boot_image::tests::make(
            5,
            &[
                (0x3C00_0020, &[1; 256]),
                (0x403A_0000, &[0x13; 300]),
                (0x4201_0264, &[0; 4]),
            ],
        ),
    }
}

impl Bench {
    /// 2 MiB of blank flash, in the ROM loader, with these faults.
    pub fn new(words: &[&str]) -> Self {
        let mut faults = Faults::default();
        for word in words {
            faults.add_word(word).unwrap();
        }
        let row = chips::row(faults.chip.unwrap_or(Chip::Esp32c3)).unwrap();
        let silicon = Silicon {
            row,
            flash: Flash::new(vec![0xFF; 0x20_0000], &faults),
            registers: Registers::new(row, [0x60, 0x55, 0xF9, 0, 0, 1], faults.encrypted),
            ram: Ram::default(),
            secure_download: faults.secure_download,
            encrypted: faults.encrypted,
            secure_boot: faults.secure_boot,
        };
        let mut machine = Machine::new(
            silicon,
            Counters::new(Part::TYPICAL),
            Boot::Loader,
            firmware(),
        );
        assert_eq!(machine.power_on(&mut Vec::new()), None);
        Self {
            machine,
            loss: None,
        }
    }

    /// The same, with the stub loaded.
    pub fn with_stub(words: &[&str]) -> Self {
        let mut bench = Self::new(words);
        bench.load(&Firmware {
            entry: 0x4038_0000,
            segments: vec![Segment {
                addr: 0x4038_0000,
                bytes: vec![1; 8],
            }],
            app_image: Vec::new(),
        });
        assert_eq!(bench.machine.running(), "stub");
        bench
    }

    /// Sends bytes; returns what came back.
    pub fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        self.loss = self.machine.receive(bytes, &mut wire);
        wire
    }

    /// Sends a frame; returns the frames that came back.
    pub fn frame(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        let mut wire = Vec::new();
        append_frame(&mut wire, frame);
        frames(&self.send(&wire))
    }

    /// Sends a request with this checksum; returns all frames.
    pub fn raw(&mut self, command: Command, sum: u32, data: &[u8]) -> Vec<Vec<u8>> {
        let number = (0..=u8::MAX)
            .find(|number| Command::from_number(*number) == Some(command))
            .unwrap();
        let mut frame = vec![0, number];
        frame.extend((data.len() as u16).to_le_bytes());
        frame.extend(sum.to_le_bytes());
        frame.extend(data);
        self.frame(&frame)
    }

    /// Sends a request of words; returns its one answer.
    #[track_caller]
    pub fn ask(&mut self, command: Command, words: &[u32]) -> Answer {
        let data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        first(&self.raw(command, 0, &data))
    }

    /// Sends a data block with its right checksum; returns its answer.
    #[track_caller]
    pub fn block(&mut self, command: Command, sequence: u32, payload: &[u8]) -> Answer {
        let data = block_data(sequence, payload);
        first(&self.raw(command, checksum(payload), &data))
    }

    /// Loads a program and starts it; returns the frames that followed the start.
    pub fn load(&mut self, program: &Firmware) -> Vec<Vec<u8>> {
        for segment in &program.segments {
            let len = segment.bytes.len() as u32;
            let answer = self.ask(Command::MemBegin, &[len, 1, 0x1800, segment.addr]);
            assert!(answer.is_ok());
            assert!(self.block(Command::MemData, 0, &segment.bytes).is_ok());
        }
        let entry = program.entry.to_le_bytes();
        self.raw(Command::MemEnd, 0, &[[0; 4], entry].concat())
    }

    /// Contents of the flash.
    pub fn flash(&self, offset: usize, len: usize) -> &[u8] {
        &self.machine.silicon.flash.bytes()[offset..offset + len]
    }
}

impl Answer {
    /// Whether all status bytes are 0; the answer must have no other data.
    pub fn is_ok(&self) -> bool {
        self.data.iter().all(|byte| *byte == 0)
    }
}

/// A data block: its header and payload.
pub fn block_data(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let header = [payload.len() as u32, sequence, 0, 0];
    header
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .chain(payload.iter().copied())
        .collect()
}

/// Bytes of zlib's best effort.
pub fn compress(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn frames(wire: &[u8]) -> Vec<Vec<u8>> {
    let mut receiver = SlipReceiver::new(EmptyFrame::Opens, 1 << 20);
    wire.iter()
        .filter_map(|byte| receiver.receive(*byte))
        .collect()
}

#[track_caller]
fn first(frames: &[Vec<u8>]) -> Answer {
    let frame = frames.first().expect("no answer came");
    assert_eq!(frame[0], 1, "an answer begins with 1");
    assert_eq!(
        usize::from(u16::from_le_bytes([frame[2], frame[3]])),
        frame.len() - 8
    );
    Answer {
        number: frame[1],
        value: u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]),
        data: frame[8..].to_vec(),
    }
}
