//! One zlib stream that arrives in blocks, taken apart in windows of 32 KiB as the loaders do it: bytes reach the
//! flash only when a window is full or the stream has ended.
//!
//! The stub never compares the stream's Adler-32 (it asks its inflater to read the header, not the trailer, of a
//! stream of several blocks); the ROM does.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes of the loaders' window.
const WINDOW_LEN: usize = 0x8000;
/// Bytes of the zlib header.
const HEADER_LEN: usize = 2;

/// Whether the checksum behind the stream is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailer {
    Checked,
    Ignored,
}

/// The stream is no deflate stream, or its trailer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// What one step brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A full window, or the last bytes of the stream.
    Write(Vec<u8>),
    /// All input is taken; nothing to write yet.
    NeedsInput,
}

/// A stream under way.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    /// `WINDOW_LEN` bytes, of which the first `filled` wait to be written.
    window: Vec<u8>,
    filled: usize,
    /// Bytes of the header that are still to be skipped.
    header_left: usize,
    ended: bool,
}

impl Inflater {
    /// The beginning of a stream.
    pub fn new(trailer: Trailer) -> Self {
        let checked = trailer == Trailer::Checked;
        Self {
            stream: Decompress::new(checked),
            window: vec![0; WINDOW_LEN],
            filled: 0,
            header_left: if checked { 0 } else { HEADER_LEN },
            ended: false,
        }
    }

    /// Forgets what is in the window. The stub does it whenever a block says that it is the first.
    pub fn rewind_window(&mut self) {
        self.filled = 0;
    }

    /// Takes bytes off `input` until a window is full, the stream ends, or there is no more input.
    pub fn step(&mut self, input: &mut &[u8]) -> Result<Step, Corrupt> {
        let skipped = self.header_left.min(input.len());
        self.header_left -= skipped;
        *input = input.get(skipped..).unwrap_or_default();
        while !self.ended && self.filled < WINDOW_LEN {
            let (taken, given) = (self.stream.total_in(), self.stream.total_out());
            let room = self.window.get_mut(self.filled..).unwrap_or_default();
            let status = self.stream.decompress(input, room, FlushDecompress::None);
            let taken = (self.stream.total_in() - taken) as usize;
            let given = (self.stream.total_out() - given) as usize;
            *input = input.get(taken..).unwrap_or_default();
            self.filled += given;
            match status {
                Err(_) => return Err(Corrupt),
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(Status::Ok | Status::BufError) if taken == 0 && given == 0 => {
                    return Ok(Step::NeedsInput);
                }
                Ok(Status::Ok | Status::BufError) => {}
            }
        }
        let filled = std::mem::take(&mut self.filled);
        Ok(if filled == 0 {
            Step::NeedsInput
        } else {
            Step::Write(self.window[..filled].to_vec())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn compress(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(trailer: Trailer, stream: &[u8], block: usize) -> Result<Vec<usize>, Corrupt> {
        let mut inflater = Inflater::new(trailer);
        let mut writes = Vec::new();
        for block in stream.chunks(block) {
            let mut input = block;
            while let Step::Write(bytes) = inflater.step(&mut input)? {
                writes.push(bytes.len());
            }
        }
        assert!(inflater.ended);
        Ok(writes)
    }

    #[test]
    fn writes_full_windows_and_the_rest_at_the_end() {
        let data: Vec<u8> = (0..70_000u32)
            .map(|at| (at.wrapping_mul(at) >> 7) as u8)
            .collect();
        for trailer in [Trailer::Checked, Trailer::Ignored] {
            for block in [1, 1000, 1 << 20] {
                assert_eq!(
                    inflate(trailer, &compress(&data), block),
                    Ok(vec![0x8000, 0x8000, 70_000 - 0x1_0000])
                );
            }
            assert_eq!(
                inflate(trailer, &compress(&vec![0; 0x1_0000]), 16),
                Ok(vec![0x8000, 0x8000])
            );
            assert_eq!(inflate(trailer, &compress(&[]), 3), Ok(vec![]));
        }
    }

    #[test]
    fn only_the_rom_compares_the_trailer() {
        let mut stream = compress(b"practice");
        *stream.last_mut().unwrap() ^= 1;
        assert_eq!(inflate(Trailer::Ignored, &stream, 5), Ok(vec![8]));
        assert_eq!(inflate(Trailer::Checked, &stream, 5), Err(Corrupt));
    }

    #[test]
    fn garbage_is_corrupt() {
        assert_eq!(inflate(Trailer::Checked, &[0xFF; 20], 20), Err(Corrupt));
        assert_eq!(inflate(Trailer::Ignored, &[0xFF; 20], 20), Err(Corrupt));
    }
}
