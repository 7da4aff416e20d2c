//! The loader in the chip's ROM: every command that it has, with its four status bytes and its error numbers.
//!
//! It does all work before it answers. It is careless with frames: what one lacks is taken from what its buffer held
//! before, and an unknown command is answered in the name of the last one. All this was tried on the ROM of an ESP32-C3.
//! Which program runs next is decided by [`super::machine`].

use md5::{Digest as _, Md5};

use super::inflate::{Inflater, Trailer};
use super::program::Next;
use super::registers::Effect;
use super::request::{Answer, Command, Request, append_answer};
use super::rom_write::{Writing, checked_block};
use super::silicon::{FLASH_SIZE_MAX, Silicon};
use crate::model::region::Region;

/// Answers to one SYNC request.
pub const SYNC_ANSWERS: usize = 8;
/// Bytes that one `READ_FLASH_SLOW` returns, whatever was asked for.
const SLOW_READ_LEN: usize = 64;
/// Bytes of its buffer: a block of 16 KiB, its headers, and some room.
pub const FRAME_CAPACITY: usize = 8 + 0x4000 + 0xFF;
const HEADER_LEN: usize = 8;
/// Most bytes that may be loaded into RAM: more than any ESP32 has.
const RAM_LEN_MAX: usize = 0x10_0000;
/// What the ROM takes the flash to be until `SPI_SET_PARAMS` says otherwise.
const DEFAULT_FLASH_SIZE: u32 = 0x40_0000;

/// Error numbers of the ROM.
pub mod error {
    pub const MESSAGE: u8 = 0x05;
    pub const FAILED: u8 = 0x06;
    pub const CHECKSUM: u8 = 0x07;
    pub const WRITE: u8 = 0x08;
    pub const READ: u8 = 0x09;
    pub const READ_LEN: u8 = 0x0A;
    pub const DEFLATE: u8 = 0x0B;
    pub const DEFLATE_PARAMETER: u8 = 0x0D;
    pub const RAM_LEN: u8 = 0x0E;
}

/// Commands that are left in secure download mode.
const SECURE_COMMANDS: [Command; 8] = [
    Command::Sync,
    Command::FlashBegin,
    Command::FlashData,
    Command::FlashEnd,
    Command::SpiSetParams,
    Command::SpiAttach,
    Command::ChangeBaud,
    Command::GetSecurityInfo,
];

/// The loader's own state.
#[derive(Debug)]
pub struct Rom {
    /// Whether the flash pins were set up; flash commands fail before.
    attached: bool,
    flash_size: u32,
    writing: Option<Writing>,
    /// Sequence number of the next block for RAM.
    ram_sequence: u32,
    /// The last frame, over those before it.
    buffer: Vec<u8>,
    /// The last command that was known.
    last_number: u8,
}

type Outcome = Result<Answer, u8>;

impl Rom {
    /// The loader after a reset.
    pub fn new() -> Self {
        Self {
            attached: false,
            flash_size: DEFAULT_FLASH_SIZE,
            writing: None,
            ram_sequence: 0,
            buffer: vec![0; FRAME_CAPACITY],
            last_number: 0,
        }
    }

    /// Answers a frame.
    pub fn handle(&mut self, frame: &[u8], silicon: &mut Silicon, wire: &mut Vec<u8>) -> Next {
        let mut buffer = std::mem::take(&mut self.buffer);
        let len = frame.len().min(buffer.len());
        buffer[..len].copy_from_slice(&frame[..len]);
        let next = self.handle_buffer(&buffer, silicon, wire);
        self.buffer = buffer;
        next
    }

    fn handle_buffer(&mut self, buffer: &[u8], silicon: &mut Silicon, wire: &mut Vec<u8>) -> Next {
        let Some((&[direction, number, len_low, len_high, c0, c1, c2, c3], data)) =
            buffer.split_first_chunk::<HEADER_LEN>()
        else {
            return Next::Stay;
        };
        let len = usize::from(u16::from_le_bytes([len_low, len_high]));
        let request = Request {
            number,
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            data,
        };
        let mut next = Next::Stay;
        let outcome = match request.command() {
            Some(command) if direction == 0 && !is_of_the_stub(command) => {
                self.last_number = number;
                if silicon.secure_download && !SECURE_COMMANDS.contains(&command) {
                    Err(error::MESSAGE)
                } else {
                    self.run(command, &request, len, silicon, &mut next)
                }
            }
            _ => Err(error::MESSAGE),
        };
        let number = self.last_number;
        // A reset by register happens before there is an answer.
        if matches!(next, Next::Reset(_)) {
            return next;
        }
        let copies = if Command::from_number(number) == Some(Command::Sync) {
            SYNC_ANSWERS
        } else {
            1
        };
        for _ in 0..copies {
            match &outcome {
                Ok(answer) => append_answer(wire, number, answer.value, &answer.data, &[0; 4]),
                Err(error) => append_answer(wire, number, 0, &[], &[1, *error, 0, 0]),
            }
        }
        next
    }

    fn run(
        &mut self,
        command: Command,
        request: &Request<'_>,
        len: usize,
        silicon: &mut Silicon,
        next: &mut Next,
    ) -> Outcome {
        match command {
            Command::Sync => sync(request),
            Command::FlashBegin => self.flash_begin(request, silicon, None),
            Command::FlashDeflBegin => {
                self.flash_begin(request, silicon, Some(Inflater::new(Trailer::Checked)))
            }
            Command::FlashData | Command::FlashDeflData => self.flash_data(request, len, silicon),
            Command::FlashEnd | Command::FlashDeflEnd => self.flash_end(next),
            Command::MemBegin => self.mem_begin(request, silicon),
            Command::MemData => self.mem_data(request, len, silicon),
            Command::MemEnd => mem_end(request, silicon, next),
            Command::WriteReg => self.write_reg(request, silicon, next),
            Command::ReadReg => {
                let [addr] = request.leading_words().ok_or(error::MESSAGE)?;
                Ok(Answer::value(silicon.registers.read(addr)))
            }
            Command::SpiSetParams => {
                let [_, size, ..] = request.leading_words::<6>().ok_or(error::MESSAGE)?;
                self.flash_size = size.min(FLASH_SIZE_MAX);
                Ok(Answer::DONE)
            }
            Command::SpiAttach => {
                self.attached = true;
                Ok(Answer::DONE)
            }
            Command::ReadFlashSlow => self.read_flash_slow(request, silicon),
            Command::ChangeBaud => Ok(Answer::DONE),
            Command::SpiFlashMd5 => self.md5(request, silicon),
            Command::GetSecurityInfo => Ok(Answer::data(silicon.security_info().to_vec())),
            Command::EraseFlash
            | Command::EraseRegion
            | Command::ReadFlash
            | Command::RunUserCode => Err(error::MESSAGE),
        }
    }

    fn checked_region(&self, offset: u32, size: u32, failure: u8) -> Result<Region, u8> {
        let region = Region::new(offset, size);
        let fits = self.attached && region.end() <= u64::from(self.flash_size);
        if fits { Ok(region) } else { Err(failure) }
    }

    fn flash_begin(
        &mut self,
        request: &Request<'_>,
        silicon: &mut Silicon,
        inflater: Option<Inflater>,
    ) -> Outcome {
        let [size, blocks, _, offset] = request.leading_words().ok_or(error::MESSAGE)?;
        let region = self.checked_region(offset, size, error::FAILED)?;
        self.writing = Some(Writing::begin(
            region,
            blocks,
            inflater,
            &mut silicon.flash,
        )?);
        Ok(Answer::DONE)
    }

    /// A block as it is, or of a stream: whichever was begun.
    fn flash_data(&mut self, request: &Request<'_>, len: usize, silicon: &mut Silicon) -> Outcome {
        let writing = self.writing.as_mut().ok_or(error::MESSAGE)?;
        writing.take(request, len, &mut silicon.flash)?;
        Ok(Answer::DONE)
    }

    fn mem_begin(&mut self, request: &Request<'_>, silicon: &mut Silicon) -> Outcome {
        let [size, _, _, addr] = request.leading_words().ok_or(error::MESSAGE)?;
        silicon.ram.begin(addr, size);
        self.ram_sequence = 0;
        Ok(Answer::DONE)
    }

    /// The announced size is not looked at.
    fn mem_data(&mut self, request: &Request<'_>, len: usize, silicon: &mut Silicon) -> Outcome {
        silicon.ram.remaining().ok_or(error::MESSAGE)?;
        let block = checked_block(request, len, &mut self.ram_sequence)?;
        if silicon.ram.loaded_len() + block.payload.len() > RAM_LEN_MAX {
            return Err(error::RAM_LEN);
        }
        silicon.ram.append(block.payload);
        Ok(Answer::DONE)
    }

    /// Leaves the loader whatever the flag says and whether or not all has come, and finds no user code to run.
    fn flash_end(&mut self, next: &mut Next) -> Outcome {
        *next = Next::LeaveLoader;
        match self.writing.take() {
            Some(writing) if writing.is_complete() => Ok(Answer::DONE),
            _ => Err(error::FAILED),
        }
    }

    fn write_reg(&self, request: &Request<'_>, silicon: &mut Silicon, next: &mut Next) -> Outcome {
        let [addr, value, mask, _] = request.leading_words().ok_or(error::MESSAGE)?;
        let flash_id = self.attached.then(|| silicon.flash.id());
        *next = Next::of_register(silicon.registers.write(addr, value, mask, flash_id));
        Ok(Answer::DONE)
    }

    fn read_flash_slow(&self, request: &Request<'_>, silicon: &Silicon) -> Outcome {
        let [offset, len] = request.leading_words().ok_or(error::MESSAGE)?;
        if len as usize > SLOW_READ_LEN {
            return Err(error::READ_LEN);
        }
        self.checked_region(offset, len, error::READ)?;
        Ok(Answer::data(silicon.flash.read(offset, SLOW_READ_LEN)))
    }

    fn md5(&self, request: &Request<'_>, silicon: &mut Silicon) -> Outcome {
        let [offset, size, _, _] = request.leading_words().ok_or(error::MESSAGE)?;
        self.checked_region(offset, size, error::READ)?;
        silicon.flash.count_md5(u64::from(size));
        let digest = Md5::digest(silicon.flash.read(offset, size as usize));
        let hex = format!("{digest:x}").into_bytes();
        Ok(Answer::data(hex))
    }
}

impl Next {
    /// What follows from writing a register.
    pub fn of_register(effect: Effect) -> Self {
        match effect {
            Effect::Nothing => Self::Stay,
            Effect::SoftwareReset { force_download } => Self::software_reset(force_download),
            Effect::WatchdogStarted(time) => Self::StartWatchdog(time),
            Effect::WatchdogStopped => Self::StopWatchdog,
        }
    }
}

/// The ROM does not look at what a SYNC carries, and gives its first word back.
fn sync(request: &Request<'_>) -> Outcome {
    let [value] = request.leading_words().ok_or(error::MESSAGE)?;
    Ok(Answer::value(value))
}

/// Commands that the ROM has never heard of.
fn is_of_the_stub(command: Command) -> bool {
    matches!(
        command,
        Command::EraseFlash | Command::EraseRegion | Command::ReadFlash | Command::RunUserCode
    )
}

fn mem_end(request: &Request<'_>, silicon: &mut Silicon, next: &mut Next) -> Outcome {
    let [stay, entry] = request.leading_words().ok_or(error::MESSAGE)?;
    if stay == 0 {
        *next = Next::RunRam { entry };
    } else {
        silicon.ram.end();
    }
    Ok(Answer::DONE)
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    const ATTACH: [u32; 2] = [0, 0];

    fn attached(words: &[&str]) -> Bench {
        let mut bench = Bench::new(words);
        assert_eq!(bench.ask(Command::SpiAttach, &ATTACH).data, [0; 4]);
        bench
    }

    #[test]
    fn sync_is_answered_eight_times_with_its_first_word() {
        for filler in [0x55, 0x54] {
            let mut frame = vec![0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20];
            frame.extend([filler; 32]);
            let answers = Bench::new(&[]).frame(&frame);
            assert_eq!(answers.len(), 8);
            for answer in answers {
                assert_eq!(answer, [1, 8, 4, 0, 0x07, 0x07, 0x12, 0x20, 0, 0, 0, 0]);
            }
        }
    }

    #[test]
    fn what_a_frame_lacks_is_taken_from_the_one_before() {
        let mut bench = Bench::new(&[]);
        let magic = bench.ask(Command::ReadReg, &[0x4000_1000]);
        let again = [1, 0x0A, 4, 0, 0x6F, 0x50, 0x31, 0x1B, 0, 0, 0, 0];
        assert_eq!(bench.frame(&[0, 0x0A, 4, 0, 0, 0, 0, 0]), [again]);
        assert_eq!(bench.frame(&[0, 0x0A]), [again]);
        assert_eq!(magic.value, 0x1B31_506F);
    }

    #[test]
    fn unknown_commands_are_answered_in_the_name_of_the_last_one() {
        let mut bench = attached(&[]);
        let refusal = [1, 0x0D, 4, 0, 0, 0, 0, 0, 1, 5, 0, 0];
        assert_eq!(bench.frame(&[0, 0x77, 0, 0, 0, 0, 0, 0]), [refusal]);
        assert_eq!(bench.frame(&[1, 0x0D, 0, 0, 0, 0, 0, 0]), [refusal]);
        for (command, words) in [
            (Command::EraseFlash, &[][..]),
            (Command::EraseRegion, &[0, 0x1000]),
            (Command::ReadFlash, &[0, 0x1000, 0x1000, 1]),
            (Command::RunUserCode, &[]),
        ] {
            let answer = bench.ask(command, words);
            assert_eq!(
                (answer.number, &answer.data[..]),
                (0x0D, &[1, 5, 0, 0][..]),
                "{command:?}"
            );
        }
    }

    #[test]
    fn flash_has_to_be_attached_first() {
        let mut bench = Bench::new(&[]);
        assert_eq!(
            bench.ask(Command::FlashBegin, &[0x1000, 1, 0x400, 0]).data,
            [1, 6, 0, 0]
        );
        assert_eq!(
            bench.ask(Command::SpiFlashMd5, &[0, 0x1000, 0, 0]).data,
            [1, 9, 0, 0]
        );
    }

    #[test]
    fn the_end_of_a_write_leaves_the_loader_for_nothing() {
        for (blocks, status) in [(0, [0, 0, 0, 0]), (1, [1, 6, 0, 0])] {
            let mut bench = attached(&[]);
            bench.ask(Command::FlashBegin, &[blocks * 0x400, blocks, 0x400, 0, 0]);
            assert_eq!(bench.ask(Command::FlashEnd, &[0]).data, status);
            assert_eq!(bench.machine.running(), "flash");
            assert!(bench.raw(Command::ReadReg, 0, &[0; 4]).is_empty());
        }
    }

    #[test]
    fn reads_64_bytes_at_a_time() {
        let mut bench = attached(&[]);
        bench.machine.silicon.flash.overwrite(0x100, &[1, 2, 3]);
        let data = bench.ask(Command::ReadFlashSlow, &[0x100, 3]).data;
        assert_eq!((data.len(), &data[..4]), (68, &[1, 2, 3, 0xFF][..]));
        assert_eq!(
            bench.ask(Command::ReadFlashSlow, &[0x100, 65]).data,
            [1, 0x0A, 0, 0]
        );
    }

    #[test]
    fn secure_download_mode_leaves_few_commands() {
        let mut bench = attached(&["secure-download", "encrypted"]);
        let info = bench.ask(Command::GetSecurityInfo, &[]).data;
        assert_eq!((info.len(), info[0], info[4], info[12]), (24, 4, 1, 5));
        assert_eq!(
            bench.ask(Command::ReadReg, &[0x4000_1000]).data,
            [1, 5, 0, 0]
        );
        assert_eq!(
            bench.ask(Command::MemBegin, &[8, 1, 8, 0x4038_0000]).data,
            [1, 5, 0, 0]
        );
        assert_eq!(
            bench.ask(Command::SpiFlashMd5, &[0, 0x1000, 0, 0]).data,
            [1, 5, 0, 0]
        );
        assert!(
            bench
                .ask(Command::FlashBegin, &[0x400, 1, 0x400, 0, 0])
                .is_ok()
        );
        assert!(bench.block(Command::FlashData, 0, &[5; 0x400]).is_ok());
    }
}
