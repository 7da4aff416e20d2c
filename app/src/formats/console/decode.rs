//! What a chip sends, with what it means: text as it came, defmt frames decoded, and under a line with addresses what
//! lies there. Runs where the bytes are read, so that a screen only has to draw.

use std::fmt::Write as _;

use super::addresses;
use super::ansi::{AnsiReader, Sign};
pub use super::defmt::DefmtLine;
use super::defmt::{Defmt, Piece};
use super::symbols::Symbols;

/// Bytes of a line that are searched for addresses.
const SEARCHED: usize = 4096;

/// One part of what came, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes of text exactly as they came.
    Text(Vec<u8>),
    /// A defmt frame in words.
    Defmt(DefmtLine),
    /// A defmt frame that does not fit the ELF file, as it came.
    Unknown(Vec<u8>),
    /// What an address of the line above means.
    Meaning(String),
}

/// What is shown for a frame that does not fit the ELF file.
pub fn unknown_text(frame: &[u8]) -> String {
    let mut text = "defmt frame that is not of this ELF file: ".to_owned();
    for byte in frame {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// Goes over what one port sends.
#[derive(Default)]
pub struct Decoder {
    symbols: Option<Symbols>,
    defmt: Option<Defmt>,
    /// The line so far, while symbols are known.
    line: Vec<u8>,
}

impl Decoder {
    /// With the symbols of a program. The sentence says what is known, or why defmt is not.
    ///
    /// # Errors
    /// With a reason, if the ELF file cannot be used.
    pub fn with_elf(elf: &[u8]) -> Result<(Self, String), String> {
        let symbols = Symbols::read(elf)?;
        let (defmt, known) = match Defmt::read(elf) {
            Ok(Some(defmt)) => (Some(defmt), "addresses and defmt are decoded".to_owned()),
            Ok(None) => (None, "addresses are decoded".to_owned()),
            Err(reason) => (
                None,
                format!("addresses are decoded, defmt is not: {reason}"),
            ),
        };
        let decoder = Self {
            symbols: Some(symbols),
            defmt,
            line: Vec::new(),
        };
        Ok((decoder, known))
    }

    /// Takes bytes; parts are added in order. The bytes of all `Text` and `Unknown` parts, with the frames that were
    /// decoded, are all bytes that came, except for a start of a frame that is still held.
    pub fn feed(&mut self, bytes: &[u8], parts: &mut Vec<Part>) {
        let Some(mut defmt) = self.defmt.take() else {
            return self.text(bytes, parts);
        };
        defmt.feed(bytes, &mut |piece| match piece {
            Piece::Text(text) => self.text(&text, parts),
            Piece::Line(line) => parts.push(Part::Defmt(line)),
            Piece::Unknown(frame) => parts.push(Part::Unknown(frame)),
        });
        self.defmt = Some(defmt);
    }

    fn text(&mut self, bytes: &[u8], parts: &mut Vec<Part>) {
        let Some(symbols) = &self.symbols else {
            return add_text(parts, bytes);
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            add_text(parts, piece);
            let room = SEARCHED.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let line = plain_text(&self.line);
                self.line.clear();
                parts.extend(meanings(symbols, &line).into_iter().map(Part::Meaning));
            }
        }
    }
}

fn add_text(parts: &mut Vec<Part>, bytes: &[u8]) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.extend_from_slice(bytes),
        _ => parts.push(Part::Text(bytes.to_vec())),
    }
}

fn plain_text(line: &[u8]) -> String {
    let mut text = String::new();
    if line.windows(2).any(|window| window == b"0x") {
        AnsiReader::default().read(line, &mut |sign| match sign {
            Sign::Letter(letter, _) => text.push(letter),
            Sign::Tab => text.push(' '),
            Sign::Newline | Sign::Return | Sign::Backspace => {}
        });
    }
    text
}

/// One sentence for every address of a line that is in the program's code.
fn meanings(symbols: &Symbols, line: &str) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for address in addresses::in_line(line) {
        // The instruction behind a call may belong to the next line, or to the next function.
        let looked_up = address.addr.saturating_sub(u64::from(address.returns));
        let Some(place) = symbols.place(looked_up) else {
            continue;
        };
        let name = match (&address.name, address.on_stack) {
            (_, true) => "on the stack, ".to_owned(),
            (Some(name), false) => format!("{name} "),
            (None, false) => String::new(),
        };
        let sentence = format!("{name}{:#010x}: {place}", address.addr);
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::defmt::tests::info_frame;
    use super::super::symbols::tests::DEMO;
    use super::*;

    fn parts(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<Part> {
        let mut all: Vec<Part> = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk, &mut all);
        }
        all
    }

    fn demo() -> Decoder {
        Decoder::with_elf(DEMO).unwrap().0
    }

    const CRASH: &str = "\x1b[0;31mGuru Meditation Error: Core  0 panic'ed (Load access fault). \x1b[0m\r\n\
        MEPC    : 0x42000060  RA      : 0x420000d2  SP      : 0x3fc98f60\r\n\
        3fc98f60: 0x3c023000 0x420000d2\r\n";

    #[test]
    fn addresses_of_a_crash_are_explained_under_their_line() {
        let found = parts(&mut demo(), &[CRASH.as_bytes()]);
        let said: Vec<&str> = found
            .iter()
            .filter_map(|part| match part {
                Part::Meaning(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(
            said[0],
            "MEPC 0x42000060: demo::read_sensor at demo/src/main.rs:27"
        );
        assert!(said[1].starts_with("RA 0x420000d2: "), "{said:?}");
        assert!(
            said[2].starts_with("on the stack, 0x420000d2: "),
            "{said:?}"
        );
        assert!(
            said[1].ends_with("demo::average at demo/src/main.rs:36"),
            "{said:?}"
        );
        // The text itself is untouched, and each meaning stands behind its own line.
        let Part::Text(first) = &found[0] else {
            panic!("{found:?}")
        };
        assert!(first.ends_with(b"SP      : 0x3fc98f60\r\n"));
        let text: Vec<u8> = found
            .iter()
            .filter_map(|part| match part {
                Part::Text(text) => Some(text.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(text, CRASH.as_bytes());
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let stream = [CRASH.as_bytes(), &info_frame(), b"0x42000060\n"].concat();
        let join = |parts: Vec<Part>| {
            let mut joined: Vec<Part> = Vec::new();
            for part in parts {
                match part {
                    Part::Text(text) => add_text(&mut joined, &text),
                    other => joined.push(other),
                }
            }
            joined
        };
        let whole = join(parts(&mut demo(), &[&stream]));
        assert!(whole.iter().any(|part| matches!(part, Part::Defmt(_))));
        for cut in 0..stream.len() {
            let (left, right) = stream.split_at(cut);
            assert_eq!(join(parts(&mut demo(), &[left, right])), whole, "{cut}");
        }
    }

    #[test]
    fn without_an_elf_file_nothing_is_touched() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
        let found = parts(&mut Decoder::default(), &[&bytes[..1000], &bytes[1000..]]);
        assert_eq!(found, [Part::Text(bytes)]);
    }
}
