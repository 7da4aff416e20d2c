//! Requests and answers of the loader protocol, shared by the ROM and the stub.
//!
//! A request is direction, command, data length, checksum and data; an answer is direction, command, length, value,
//! data and status. What differs between ROM and stub (status bytes, error numbers) is said by the caller.

use super::slip;

/// Bytes before a request's data and before an answer's data.
const HEADER_LEN: usize = 8;
/// Bytes of the header inside a data block: length, sequence number and two zero words.
pub const DATA_HEADER_LEN: usize = 16;

/// Declares the commands with their numbers, so that a name stands in one place.
macro_rules! commands {
    ($($name:ident = $number:literal $text:literal),+ $(,)?) => {
        /// A command of the loader protocol (espressif/esptool, serial protocol).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Command { $($name = $number),+ }

        impl Command {
            /// The command of this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// The name in Espressif's documents, which is the key in the report.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

commands! {
    FlashBegin = 0x02 "FLASH_BEGIN",
    FlashData = 0x03 "FLASH_DATA",
    FlashEnd = 0x04 "FLASH_END",
    MemBegin = 0x05 "MEM_BEGIN",
    MemEnd = 0x06 "MEM_END",
    MemData = 0x07 "MEM_DATA",
    Sync = 0x08 "SYNC",
    WriteReg = 0x09 "WRITE_REG",
    ReadReg = 0x0A "READ_REG",
    SpiSetParams = 0x0B "SPI_SET_PARAMS",
    SpiAttach = 0x0D "SPI_ATTACH",
    ReadFlashSlow = 0x0E "READ_FLASH_SLOW",
    ChangeBaud = 0x0F "CHANGE_BAUDRATE",
    FlashDeflBegin = 0x10 "FLASH_DEFL_BEGIN",
    FlashDeflData = 0x11 "FLASH_DEFL_DATA",
    FlashDeflEnd = 0x12 "FLASH_DEFL_END",
    SpiFlashMd5 = 0x13 "SPI_FLASH_MD5",
    GetSecurityInfo = 0x14 "GET_SECURITY_INFO",
    EraseFlash = 0xD0 "ERASE_FLASH",
    EraseRegion = 0xD1 "ERASE_REGION",
    ReadFlash = 0xD2 "READ_FLASH",
    RunUserCode = 0xD3 "RUN_USER_CODE",
}

/// What a command answers, before it is framed: the value field and the data. How a failure is told differs between ROM
/// and stub.
#[derive(Debug)]
pub struct Answer {
    pub value: u32,
    pub data: Vec<u8>,
}

impl Answer {
    /// Done, with nothing to tell.
    pub const DONE: Self = Self::value(0);

    /// An answer without data.
    pub const fn value(value: u32) -> Self {
        Self {
            value,
            data: Vec::new(),
        }
    }

    /// An answer with data.
    pub const fn data(data: Vec<u8>) -> Self {
        Self { value: 0, data }
    }
}

/// A request as it came in, its length already compared with what the header says.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The command's number; it may be no known command.
    pub number: u8,
    /// The checksum field; only data blocks use it.
    pub checksum: u32,
    /// What follows the header.
    pub data: &'a [u8],
}

/// Why a frame is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotARequest {
    /// Shorter than a header: neither loader answers.
    TooShort,
    /// The direction byte is not 0; the number is the command's.
    WrongDirection(u8),
    /// The header's length is not the frame's; the number is the command's.
    WrongLength(u8),
}

/// A whole SYNC as every client of a loader sends it, in its frame.
pub fn sync_frame() -> Vec<u8> {
    const DATA_LEN: u8 = 36;
    let mut request = vec![0, Command::Sync as u8, DATA_LEN, 0, 0, 0, 0, 0];
    request.extend([0x07, 0x07, 0x12, 0x20]);
    request.resize(HEADER_LEN + usize::from(DATA_LEN), 0x55);
    let mut frame = Vec::new();
    slip::append_frame(&mut frame, &request);
    frame
}

impl<'a> Request<'a> {
    /// Reads a frame.
    pub fn parse(frame: &'a [u8]) -> Result<Self, NotARequest> {
        let Some((&[direction, number, len_low, len_high, c0, c1, c2, c3], data)) =
            frame.split_first_chunk::<HEADER_LEN>()
        else {
            return Err(NotARequest::TooShort);
        };
        if direction != 0 {
            return Err(NotARequest::WrongDirection(number));
        }
        if data.len() != usize::from(u16::from_le_bytes([len_low, len_high])) {
            return Err(NotARequest::WrongLength(number));
        }
        Ok(Self {
            number,
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            data,
        })
    }

    /// The command, if it is known.
    pub fn command(&self) -> Option<Command> {
        Command::from_number(self.number)
    }

    /// The data as little-endian words, if it is exactly `N` of them.
    pub fn words<const N: usize>(&self) -> Option<[u32; N]> {
        (self.data.len() == N * 4)
            .then(|| self.leading_words())
            .flatten()
    }

    /// The first `N` little-endian words of the data, if there are that many.
    pub fn leading_words<const N: usize>(&self) -> Option<[u32; N]> {
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            *word = read_u32(self.data, index * 4)?;
        }
        Some(words)
    }

    /// Length field, sequence number and payload of a data block.
    pub fn data_block(&self) -> Option<DataBlock<'a>> {
        let [len, sequence] = self.leading_words()?;
        let payload = self.data.get(DATA_HEADER_LEN..)?;
        Some(DataBlock {
            len,
            sequence,
            payload,
        })
    }
}

/// What a data command carries.
#[derive(Clone, Copy, Debug)]
pub struct DataBlock<'a> {
    /// Length as the block's header says.
    pub len: u32,
    /// Sequence number, from 0.
    pub sequence: u32,
    /// The bytes themselves.
    pub payload: &'a [u8],
}

/// A little-endian word at `at`, if there is one.
pub fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*word))
}

/// The loader's checksum: XOR of all bytes, starting from 0xEF.
pub fn checksum(data: &[u8]) -> u32 {
    u32::from(data.iter().fold(0xEF, |sum, byte| sum ^ byte))
}

/// Appends an answer as a frame to `wire`; `status` is what ends its data.
pub fn append_answer(wire: &mut Vec<u8>, number: u8, value: u32, data: &[u8], status: &[u8]) {
    let len = (data.len() + status.len()) as u16;
    let mut answer = Vec::with_capacity(HEADER_LEN + usize::from(len));
    answer.extend([1, number]);
    answer.extend(len.to_le_bytes());
    answer.extend(value.to_le_bytes());
    answer.extend(data);
    answer.extend(status);
    slip::append_frame(wire, &answer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_request() {
        let frame = [0, 0x0A, 4, 0, 0, 0, 0, 0, 0x00, 0x10, 0x00, 0x40];
        let request = Request::parse(&frame).unwrap();
        assert_eq!(request.command(), Some(Command::ReadReg));
        assert_eq!(request.words(), Some([0x4000_1000]));
        assert_eq!(request.words::<2>(), None);
        assert!(request.data_block().is_none());
    }

    #[test]
    fn refuses_what_is_no_request() {
        assert_eq!(Request::parse(&[0; 7]).unwrap_err(), NotARequest::TooShort);
        assert_eq!(
            Request::parse(&[1, 8, 0, 0, 0, 0, 0, 0]).unwrap_err(),
            NotARequest::WrongDirection(8)
        );
        assert_eq!(
            Request::parse(&[0, 8, 1, 0, 0, 0, 0, 0]).unwrap_err(),
            NotARequest::WrongLength(8)
        );
    }

    #[test]
    fn a_sync_is_a_request_of_36_bytes() {
        let frame = sync_frame();
        let inside = frame.strip_prefix(&[0xC0]).unwrap();
        let request = Request::parse(inside.strip_suffix(&[0xC0]).unwrap()).unwrap();
        assert_eq!(request.command(), Some(Command::Sync));
        assert_eq!(request.data.len(), 36);
        assert_eq!(request.data[..5], [0x07, 0x07, 0x12, 0x20, 0x55]);
    }

    #[test]
    fn every_command_has_its_name() {
        let known: Vec<_> = (0..=u8::MAX).filter_map(Command::from_number).collect();
        assert_eq!(known.len(), 22);
        assert_eq!(Command::FlashDeflData.name(), "FLASH_DEFL_DATA");
        assert_eq!(Command::from_number(0xD4), None);
    }

    #[test]
    fn writes_an_answer() {
        let mut wire = Vec::new();
        append_answer(&mut wire, 0x0A, 0x1B31_506F, &[], &[0, 0]);
        assert_eq!(
            wire,
            [0xC0, 1, 0x0A, 2, 0, 0x6F, 0x50, 0x31, 0x1B, 0, 0, 0xC0]
        );
        assert_eq!(checksum(&[1, 2, 4]), 0xEF ^ 7);
    }
}
