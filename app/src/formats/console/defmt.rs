//! defmt: log frames that hold numbers of texts; the texts are in the ELF file.
//!
//! Decoding is the crate's `defmt-decoder`; here frames are told from plain text. esp-println, the usual way of defmt
//! on these chips, sends `FF 00`, a frame in rzcobs, `00`; text may stand between frames.

use defmt_decoder::{Encoding, Locations, Table};

use super::level::Level;
use crate::caught::caught;

/// What begins a frame.
const START: [u8; 2] = [0xFF, 0];
/// Bytes of the longest frame that is waited for; one without an end is cut here, so that nothing is held for ever.
const LONGEST_FRAME: usize = 16 * 1024;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefmtLine {
    pub level: Option<Level>,
    /// The chip's own time, where the program gives one.
    pub timestamp: Option<String>,
    pub text: String,
    /// File and line of the program.
    pub place: Option<(String, u64)>,
}

impl std::fmt::Display for DefmtLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(timestamp) = &self.timestamp {
            write!(f, "{timestamp} ")?;
        }
        if let Some(level) = self.level {
            write!(f, "{:<5} ", level.short())?;
        }
        f.write_str(&self.text)?;
        self.place
            .as_ref()
            .map_or(Ok(()), |(file, line)| write!(f, "  ({file}:{line})"))
    }
}

/// What a piece of the stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(Vec<u8>),
    Line(DefmtLine),
    /// A frame that does not fit the ELF file, as it came.
    Unknown(Vec<u8>),
}

/// The texts of one program, and the frame that is being received.
pub struct Defmt {
    table: Table,
    locations: Locations,
    /// Bytes of a frame, or a start that may become one.
    held: Vec<u8>,
    in_frame: bool,
}

impl Defmt {
    /// Reads the texts of an ELF file; `None` if the program does not use defmt.
    ///
    /// # Errors
    /// With a reason, if it does so in a way that cannot be read.
    pub fn read(elf: &[u8]) -> Result<Option<Self>, String> {
        // The crate wants its bytes aligned, as memory of their own is.
        let elf = elf.to_vec();
        let Some(table) = Table::parse(&elf).map_err(|error| format!("{error:#}"))? else {
            return Ok(None);
        };
        if table.encoding() != Encoding::Rzcobs {
            return Err("its frames are not in the encoding rzcobs".into());
        }
        // Without debug information there are no places, and nothing else is lost.
        let locations = table.get_locations(&elf).unwrap_or_default();
        Ok(Some(Self {
            table,
            locations,
            held: Vec::new(),
            in_frame: false,
        }))
    }

    /// Takes bytes; hands on what is complete.
    pub fn feed(&mut self, bytes: &[u8], piece: &mut dyn FnMut(Piece)) {
        self.held.extend_from_slice(bytes);
        loop {
            let held = self.held.as_slice();
            if self.in_frame {
                // The encoding has no zero bytes; a second start is one more empty frame.
                let end = held.iter().position(|byte| *byte == 0);
                let cut = held.len() > LONGEST_FRAME;
                let Some(end) = end.or(cut.then_some(held.len())) else {
                    return;
                };
                let frame: Vec<u8> = self.held.drain(..end).collect();
                if !cut || !self.held.is_empty() {
                    self.held.drain(..1);
                }
                self.in_frame = false;
                if !frame.is_empty() {
                    piece(self.decode(frame));
                }
            } else if let Some(start) = held.windows(2).position(|window| window == START) {
                let text: Vec<u8> = self.held.drain(..start).collect();
                self.held.drain(..START.len());
                self.in_frame = true;
                if !text.is_empty() {
                    piece(Piece::Text(text));
                }
            } else {
                // The last byte may be the first of a start.
                let keep = usize::from(held.last() == Some(&START[0]));
                let text: Vec<u8> = self.held.drain(..held.len() - keep).collect();
                if !text.is_empty() {
                    piece(Piece::Text(text));
                }
                return;
            }
        }
    }

    fn decode(&self, frame: Vec<u8>) -> Piece {
        let Ok(bytes) = rzcobs::decode(&frame) else {
            return Piece::Unknown(frame);
        };
        // The decoder trusts that frame and ELF belong together; where they do not, it may index what is not there.
        let line = caught(|| {
            let (decoded, _) = self.table.decode(&bytes).ok()?;
            let level = decoded.level().and_then(|level| match level.as_str() {
                "error" => Some(Level::Error),
                "warn" => Some(Level::Warning),
                "info" => Some(Level::Info),
                "debug" => Some(Level::Debug),
                "trace" => Some(Level::Trace),
                _ => None,
            });
            let timestamp = decoded.display_timestamp().map(|time| time.to_string());
            Some(DefmtLine {
                level,
                timestamp: timestamp.filter(|time| !time.trim().is_empty()),
                text: decoded.display_message().to_string(),
                place: self
                    .locations
                    .get(&decoded.index())
                    .map(|location| (location.file.display().to_string(), location.line)),
            })
        });
        match line {
            Ok(Some(line)) => Piece::Line(line),
            _ => Piece::Unknown(frame),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::symbols::tests::DEMO;
    use super::*;

    /// `defmt::info!("channel {=u32} reads {=u32} of {=str}", 3, 259, "sensor")` of the demo program, as it sends it.
    pub fn info_frame() -> Vec<u8> {
        // Number of the text (2 bytes), then the arguments: u32, u32, length and bytes of a str.
        let mut message = vec![1, 0, 3, 0, 0, 0, 3, 1, 0, 0, 6, 0, 0, 0];
        message.extend(b"sensor");
        framed(&message)
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        [&START[..], &rzcobs::encode(message), &[0]].concat()
    }

    fn pieces(defmt: &mut Defmt, chunks: &[&[u8]]) -> Vec<Piece> {
        let mut all = Vec::new();
        for chunk in chunks {
            defmt.feed(chunk, &mut |piece| match (all.last_mut(), piece) {
                (Some(Piece::Text(text)), Piece::Text(more)) => text.extend(more),
                (_, piece) => all.push(piece),
            });
        }
        all
    }

    fn demo() -> Defmt {
        Defmt::read(DEMO).unwrap().unwrap()
    }

    #[test]
    fn frames_become_lines_between_text() {
        let stream = [
            b"boot\n".to_vec(),
            info_frame(),
            b"text\xFF more".to_vec(),
            framed(&[2, 0]),
        ]
        .concat();
        let expected = pieces(&mut demo(), &[&stream]);
        let Piece::Line(info) = &expected[1] else {
            panic!("{expected:?}")
        };
        assert_eq!(info.text, "channel 3 reads 259 of sensor");
        assert_eq!(info.level, Some(Level::Info));
        let (file, line) = info.place.clone().unwrap();
        assert_eq!((file.ends_with("main.rs"), line), (true, 29));
        assert_eq!(expected[0], Piece::Text(b"boot\n".to_vec()));
        assert_eq!(expected[2], Piece::Text(b"text\xFF more".to_vec()));
        let Piece::Line(warning) = &expected[3] else {
            panic!("{expected:?}")
        };
        assert!(
            warning.to_string().starts_with("WARN  started  ("),
            "{warning}"
        );
        for cut in 0..stream.len() {
            let (left, right) = stream.split_at(cut);
            assert_eq!(pieces(&mut demo(), &[left, right]), expected, "{cut}");
        }
    }

    #[test]
    fn what_fits_not_is_kept_as_it_came() {
        let stranger = framed(&[0x77, 0x66, 1]);
        let broken = [&START[..], &[5], &[0]].concat();
        let found = pieces(&mut demo(), &[&stranger, &broken, b"on\n"]);
        assert!(
            matches!(&found[0], Piece::Unknown(bytes) if !bytes.is_empty()),
            "{found:?}"
        );
        assert!(
            matches!(&found[1], Piece::Unknown(bytes) if *bytes == [5]),
            "{found:?}"
        );
        assert_eq!(found[2], Piece::Text(b"on\n".to_vec()));
    }

    #[test]
    fn a_frame_without_end_holds_nothing_back_for_ever() {
        let mut defmt = demo();
        let found = pieces(&mut defmt, &[&START, &vec![1; LONGEST_FRAME + 1], b"text"]);
        assert!(matches!(&found[0], Piece::Unknown(bytes) if bytes.len() == LONGEST_FRAME + 1));
        assert_eq!(found[1], Piece::Text(b"text".to_vec()));
    }

    #[test]
    fn other_elf_files_have_no_defmt() {
        assert!(Defmt::read(b"no elf").is_err());
    }
}
