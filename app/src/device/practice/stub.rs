//! The flasher stub in the chip's RAM, as espressif/esp-flasher-stub v1.1 behaves.
//!
//! It is double-buffered: it answers a data block, then writes it. An error of that shows as the status of the next
//! command, which is then not carried out. One thing is kinder here: a stream that is longer than announced makes the
//! real stub spin for ever; this one says that there was too much data.

use md5::{Digest as _, Md5};

use super::erasing::Erasing;
use super::flash::FlashError;
use super::inflate::{Inflater, Trailer};
use super::program::Next;
use super::request::{self, Answer, Command, NotARequest, Request, append_answer};
use super::rom::SYNC_ANSWERS;
use super::silicon::{FLASH_SIZE_MAX, Silicon};
use super::slip;
use super::stub_read::Reading;
use super::stub_write::Writing;
use crate::model::region::{Region, SECTOR};

/// Most bytes of a request: a block of 16 KiB, its headers, and some room.
pub const FRAME_CAPACITY: usize = 8 + 0x4000 + 0xFF;
/// What the stub says when it starts, as a frame without a header.
const GREETING: &[u8] = b"OHAI";
/// Most bytes of one packet of `READ_FLASH`.
const READ_PACKET_MAX: u32 = 4096;

/// Error numbers of the stub, sent with the high byte first.
pub mod error {
    pub const DATA_LEN: u16 = 0xC000;
    pub const CHECKSUM: u16 = 0xC100;
    pub const COMMAND: u16 = 0xC300;
    pub const SPI: u16 = 0xC400;
    pub const NOT_WRITING: u16 = 0xC600;
    pub const INFLATE: u16 = 0xC700;
    pub const NOT_ENOUGH: u16 = 0xC800;
    pub const TOO_MUCH: u16 = 0xC900;
}

/// What is done after the answer.
#[derive(Debug)]
enum Pending {
    Program(Vec<u8>),
    Inflate { sequence: u32, block: Vec<u8> },
    StartReading { region: Region, packet: u32 },
}

/// The stub's own state.
#[derive(Debug)]
pub struct Stub {
    flash_size: u32,
    writing: Option<Writing>,
    reading: Option<Reading>,
    pending: Option<Pending>,
    /// Error of what was done after the last answer.
    late_error: Option<u16>,
}

type Outcome = Result<Answer, u16>;

impl Stub {
    /// The stub starts: it identifies the flash and greets.
    pub fn start(silicon: &Silicon, wire: &mut Vec<u8>) -> Self {
        slip::append_frame(wire, GREETING);
        Self {
            flash_size: silicon.flash.size(),
            writing: None,
            reading: None,
            pending: None,
            late_error: None,
        }
    }

    /// Answers a frame. [`Self::finish`] does what comes after the answer.
    pub fn handle(&mut self, frame: &[u8], silicon: &mut Silicon, wire: &mut Vec<u8>) -> Next {
        if let Some(reading) = &mut self.reading {
            let over = reading.acknowledge(frame, &silicon.flash, wire);
            self.late_error = reading.error().or(self.late_error);
            if over {
                self.reading = None;
            }
            return Next::Stay;
        }
        let request = match Request::parse(frame) {
            Ok(request) => request,
            Err(NotARequest::TooShort) => {
                // Without a command's number there is nothing to answer to.
                let Some(&number) = frame.get(1) else {
                    return Next::Stay;
                };
                append_answer(wire, number, 0, &[], &error::DATA_LEN.to_be_bytes());
                return Next::Stay;
            }
            Err(NotARequest::WrongDirection(number)) => {
                append_answer(wire, number, 0, &[], &error::COMMAND.to_be_bytes());
                return Next::Stay;
            }
            Err(NotARequest::WrongLength(number)) => {
                append_answer(wire, number, 0, &[], &error::DATA_LEN.to_be_bytes());
                return Next::Stay;
            }
        };
        let mut next = Next::Stay;
        let outcome = match (self.late_error.take(), request.command()) {
            (Some(error), _) => Err(error),
            (None, None) => Err(error::COMMAND),
            (None, Some(Command::RunUserCode)) => return Next::Stay,
            (None, Some(command)) => self.run(command, &request, silicon, &mut next),
        };
        if matches!(next, Next::Reset(_)) {
            return next;
        }
        let copies = if request.command() == Some(Command::Sync) && outcome.is_ok() {
            SYNC_ANSWERS
        } else {
            1
        };
        for _ in 0..copies {
            match &outcome {
                Ok(answer) => {
                    append_answer(wire, request.number, answer.value, &answer.data, &[0; 2]);
                }
                Err(error) => append_answer(wire, request.number, 0, &[], &error.to_be_bytes()),
            }
        }
        next
    }

    /// Whether the answer to this command does not wait for the work that it starts.
    pub fn answers_first(command: Command) -> bool {
        matches!(command, Command::FlashBegin | Command::FlashDeflBegin)
    }

    /// Does what the stub does after it answered.
    pub fn finish(&mut self, silicon: &mut Silicon, wire: &mut Vec<u8>) {
        let result = match self.pending.take() {
            None => return,
            Some(Pending::Program(bytes)) => match &mut self.writing {
                Some(writing) => writing.take(&bytes, silicon),
                None => Err(error::NOT_WRITING),
            },
            Some(Pending::Inflate { sequence, block }) => match &mut self.writing {
                Some(writing) => writing.inflate(sequence, &block, silicon),
                None => Err(error::NOT_WRITING),
            },
            Some(Pending::StartReading { region, packet }) => {
                if packet > READ_PACKET_MAX {
                    Err(error::DATA_LEN)
                } else {
                    let mut reading = Reading::new(region, packet, self.flash_size);
                    let over = reading.start(&silicon.flash, wire);
                    let error = reading.error();
                    self.reading = (!over).then_some(reading);
                    error.map_or(Ok(()), Err)
                }
            }
        };
        self.late_error = result.err();
    }

    fn run(
        &mut self,
        command: Command,
        request: &Request<'_>,
        silicon: &mut Silicon,
        next: &mut Next,
    ) -> Outcome {
        match command {
            Command::Sync if request.data.len() == 36 => Ok(Answer::DONE),
            Command::FlashBegin => self.flash_begin(request, silicon, None),
            Command::FlashDeflBegin => {
                self.flash_begin(request, silicon, Some(Inflater::new(Trailer::Ignored)))
            }
            Command::FlashData => self.flash_data(request),
            Command::FlashDeflData => self.flash_defl_data(request),
            Command::FlashEnd | Command::FlashDeflEnd => self.flash_end(request),
            Command::MemBegin => mem_begin(request, silicon),
            Command::MemData => mem_data(request, silicon),
            Command::MemEnd => mem_end(request, silicon, next),
            Command::WriteReg => write_registers(request, silicon, next),
            Command::ReadReg => {
                let [addr] = request.words().ok_or(error::DATA_LEN)?;
                Ok(Answer::value(silicon.registers.read(addr)))
            }
            Command::SpiSetParams => {
                let [_, size, ..] = request.words::<6>().ok_or(error::DATA_LEN)?;
                self.flash_size = size.min(FLASH_SIZE_MAX);
                Ok(Answer::DONE)
            }
            Command::SpiAttach => request
                .words::<1>()
                .map(|_| Answer::DONE)
                .ok_or(error::DATA_LEN),
            Command::ChangeBaud => request
                .words::<2>()
                .map(|_| Answer::DONE)
                .ok_or(error::DATA_LEN),
            Command::SpiFlashMd5 => self.md5(request, silicon),
            Command::GetSecurityInfo if request.data.is_empty() => {
                Ok(Answer::data(silicon.security_info().to_vec()))
            }
            Command::Sync | Command::GetSecurityInfo => Err(error::DATA_LEN),
            Command::EraseFlash => erase_flash(silicon),
            Command::EraseRegion => erase_region(request, silicon),
            Command::ReadFlash => self.read_flash(request),
            Command::ReadFlashSlow | Command::RunUserCode => Err(error::COMMAND),
        }
    }

    fn flash_begin(
        &mut self,
        request: &Request<'_>,
        silicon: &mut Silicon,
        inflater: Option<Inflater>,
    ) -> Outcome {
        if !matches!(request.data.len(), 16 | 20) {
            return Err(error::DATA_LEN);
        }
        let [remaining, _, _, offset] = request.leading_words().ok_or(error::DATA_LEN)?;
        let writing = Writing::new(Region::new(offset, remaining), self.flash_size, inflater);
        self.writing.insert(writing).erase_next(silicon)?;
        Ok(Answer::DONE)
    }

    fn flash_data(&mut self, request: &Request<'_>) -> Outcome {
        let block = request.data_block().ok_or(error::NOT_ENOUGH)?;
        self.writing.as_ref().ok_or(error::NOT_WRITING)?;
        if block.len as usize != block.payload.len() {
            return Err(error::TOO_MUCH);
        }
        if request::checksum(block.payload) != request.checksum {
            return Err(error::CHECKSUM);
        }
        self.pending = Some(Pending::Program(block.payload.to_vec()));
        Ok(Answer::DONE)
    }

    fn flash_defl_data(&mut self, request: &Request<'_>) -> Outcome {
        let block = request.data_block().ok_or(error::DATA_LEN)?;
        self.writing.as_ref().ok_or(error::NOT_WRITING)?;
        // The stub believes the length in the block's header; past the payload it finds what was there before.
        let payload = block
            .payload
            .get(..block.len as usize)
            .ok_or(error::CHECKSUM)?;
        if request::checksum(payload) != request.checksum {
            return Err(error::CHECKSUM);
        }
        self.pending = Some(Pending::Inflate {
            sequence: block.sequence,
            block: payload.to_vec(),
        });
        Ok(Answer::DONE)
    }

    fn flash_end(&mut self, request: &Request<'_>) -> Outcome {
        // The flag asks for a reboot, which this stub does not do.
        let [_] = request.words().ok_or(error::DATA_LEN)?;
        let writing = self.writing.as_ref().ok_or(error::NOT_WRITING)?;
        if !writing.is_complete() {
            return Err(error::DATA_LEN);
        }
        self.writing = None;
        Ok(Answer::DONE)
    }

    fn md5(&mut self, request: &Request<'_>, silicon: &mut Silicon) -> Outcome {
        let [offset, size, _, _] = request.words().ok_or(error::DATA_LEN)?;
        if Region::new(offset, size).end() > u64::from(self.flash_size) {
            return Err(error::SPI);
        }
        silicon.flash.count_md5(u64::from(size));
        let digest = Md5::digest(silicon.flash.read(offset, size as usize));
        Ok(Answer::data(digest.to_vec()))
    }

    fn read_flash(&mut self, request: &Request<'_>) -> Outcome {
        // The fourth word is the number of packets in flight; this stub always takes 1.
        let [offset, size, packet, _] = request.words().ok_or(error::DATA_LEN)?;
        self.pending = Some(Pending::StartReading {
            region: Region::new(offset, size),
            packet,
        });
        Ok(Answer::DONE)
    }
}

fn spi_failed(_: FlashError) -> u16 {
    error::SPI
}

fn mem_begin(request: &Request<'_>, silicon: &mut Silicon) -> Outcome {
    let [size, _, _, addr] = request.words().ok_or(error::DATA_LEN)?;
    silicon.ram.begin(addr, size);
    Ok(Answer::DONE)
}

/// The stub does not look at this command's checksum.
fn mem_data(request: &Request<'_>, silicon: &mut Silicon) -> Outcome {
    let block = request.data_block().ok_or(error::NOT_ENOUGH)?;
    let remaining = silicon.ram.remaining().ok_or(error::NOT_WRITING)?;
    if remaining < block.len || block.len as usize != block.payload.len() {
        return Err(error::TOO_MUCH);
    }
    silicon.ram.append(block.payload);
    Ok(Answer::DONE)
}

fn mem_end(request: &Request<'_>, silicon: &mut Silicon, next: &mut Next) -> Outcome {
    let [stay, entry] = request.words().ok_or(error::DATA_LEN)?;
    silicon.ram.remaining().ok_or(error::NOT_WRITING)?;
    silicon.ram.end();
    if stay == 0 {
        *next = Next::RunRam { entry };
    }
    Ok(Answer::DONE)
}

/// Any number of registers in one request.
fn write_registers(request: &Request<'_>, silicon: &mut Silicon, next: &mut Next) -> Outcome {
    if request.data.is_empty() || !request.data.len().is_multiple_of(16) {
        return Err(error::NOT_ENOUGH);
    }
    for at in (0..request.data.len()).step_by(16) {
        let word =
            |index: usize| request::read_u32(request.data, at + index * 4).ok_or(error::NOT_ENOUGH);
        let flash_id = Some(silicon.flash.id());
        let effect = silicon
            .registers
            .write(word(0)?, word(1)?, word(2)?, flash_id);
        match Next::of_register(effect) {
            Next::Stay => {}
            other => *next = other,
        }
    }
    Ok(Answer::DONE)
}

fn erase_flash(silicon: &mut Silicon) -> Outcome {
    let all = Region::new(0, silicon.flash.size());
    Erasing::new(all)
        .erase_rest(&mut silicon.flash)
        .map_err(spi_failed)?;
    Ok(Answer::DONE)
}

/// The end of the flash is not looked at: past it the flash wraps around. Only what no address of 24 bits reaches is
/// refused; the real stub would be busy with it for hours.
fn erase_region(request: &Request<'_>, silicon: &mut Silicon) -> Outcome {
    let [offset, size] = request.words().ok_or(error::DATA_LEN)?;
    let region = Region::new(offset, size);
    if !region.is_aligned(SECTOR) {
        return Err(error::DATA_LEN);
    }
    if region.end() > u64::from(FLASH_SIZE_MAX) {
        return Err(error::SPI);
    }
    Erasing::new(region)
        .erase_rest(&mut silicon.flash)
        .map_err(spi_failed)?;
    Ok(Answer::DONE)
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    #[test]
    fn it_greets_and_answers_sync_eight_times_with_zero() {
        let mut bench = Bench::with_stub(&[]);
        let mut frame = vec![0, 8, 36, 0, 0, 0, 0, 0];
        frame.extend([0x55; 36]);
        let answers = bench.frame(&frame);
        assert_eq!(answers.len(), 8);
        for answer in answers {
            assert_eq!(answer, [1, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
        }
        assert_eq!(
            bench.frame(&[0, 8, 0, 0, 0, 0, 0, 0]),
            [[1, 8, 2, 0, 0, 0, 0, 0, 0xC0, 0]]
        );
    }

    #[test]
    fn lengths_are_looked_at_command_by_command() {
        let mut bench = Bench::with_stub(&[]);
        for (command, words, status) in [
            (Command::SpiAttach, &[0, 0][..], error::DATA_LEN),
            (Command::SpiAttach, &[0], 0),
            (Command::GetSecurityInfo, &[0], error::DATA_LEN),
            (Command::ReadReg, &[], error::DATA_LEN),
            (Command::WriteReg, &[0x100, 1, 1], error::NOT_ENOUGH),
            (Command::FlashBegin, &[0, 0, 0], error::DATA_LEN),
            (Command::EraseRegion, &[0x800, 0x1000], error::DATA_LEN),
            (Command::EraseRegion, &[0x1000, 0x800], error::DATA_LEN),
            (Command::ReadFlashSlow, &[0, 4], error::COMMAND),
            (Command::MemEnd, &[1, 0], error::NOT_WRITING),
            (Command::SpiFlashMd5, &[0x1F_F000, 0x1001, 0, 0], error::SPI),
        ] {
            assert_eq!(
                bench.ask(command, words).data,
                status.to_be_bytes(),
                "{command:?} {words:?}"
            );
        }
        assert_eq!(bench.frame(&[0, 0x55, 0, 0, 0, 0, 0, 0])[0][8..], [0xC3, 0]);
        assert_eq!(bench.frame(&[1, 8, 0, 0, 0, 0, 0, 0])[0][8..], [0xC3, 0]);
        assert_eq!(bench.frame(&[0, 8, 9, 0, 0, 0, 0, 0])[0][8..], [0xC0, 0]);
        assert!(bench.raw(Command::RunUserCode, 0, &[]).is_empty());
    }

    #[test]
    fn several_registers_are_written_by_one_request() {
        let mut bench = Bench::with_stub(&[]);
        assert!(
            bench
                .ask(
                    Command::WriteReg,
                    &[0x100, 7, u32::MAX, 0, 0x104, 0xFF, 0x0F, 0]
                )
                .is_ok()
        );
        assert_eq!(bench.ask(Command::ReadReg, &[0x100]).value, 7);
        assert_eq!(bench.ask(Command::ReadReg, &[0x104]).value, 0x0F);
    }

    #[test]
    fn erases_the_whole_chip_by_blocks() {
        let mut bench = Bench::with_stub(&[]);
        bench.machine.silicon.flash.overwrite(0x12_3456, &[0]);
        assert!(bench.ask(Command::EraseFlash, &[]).is_ok());
        assert_eq!(bench.machine.silicon.flash.counters().blocks_erased, 32);
        assert!(
            bench
                .machine
                .silicon
                .flash
                .bytes()
                .iter()
                .all(|byte| *byte == 0xFF)
        );
    }
}
