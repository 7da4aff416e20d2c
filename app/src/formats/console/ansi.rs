//! Bytes to letters and styles: UTF-8 over chunk borders, and the escape sequences that set colours.
//!
//! The states of the sequences are those of the crate `anstyle-parse`, which never fails; what is not a letter, a
//! style or one of four control characters changes nothing on the screen and is left out.

use anstyle_parse::{Params, Parser, Perform, Utf8Parser};

use super::line::{Colour, Style};

/// What bytes mean, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A letter in a style.
    Letter(char, Style),
    Newline,
    /// Back to the first column: what follows replaces the line.
    Return,
    Backspace,
    Tab,
}

/// Reads bytes in chunks of any size.
#[derive(Default)]
pub struct AnsiReader {
    parser: Parser<Utf8Parser>,
    style: Style,
    /// The beginning of a letter whose other bytes have not come yet.
    held: Vec<u8>,
}

impl std::fmt::Debug for AnsiReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnsiReader")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

impl AnsiReader {
    /// Takes bytes; `sign` hears what they mean.
    pub fn read(&mut self, bytes: &[u8], sign: &mut dyn FnMut(Sign)) {
        let mut screen = Screen {
            style: self.style,
            sign,
        };
        // The parser leaves out what is no UTF-8; here it is shown as such.
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let mut chunks = held.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for byte in chunk.valid().bytes() {
                self.parser.advance(&mut screen, byte);
            }
            let rest = chunk.invalid();
            if chunks.peek().is_none() && is_beginning(rest) {
                self.held = rest.to_vec();
            } else if !rest.is_empty() {
                for byte in char::REPLACEMENT_CHARACTER.to_string().bytes() {
                    self.parser.advance(&mut screen, byte);
                }
            }
        }
        self.style = screen.style;
    }
}

/// Whether bytes are the beginning of a letter whose other bytes have not come yet.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

struct Screen<'a> {
    style: Style,
    sign: &'a mut dyn FnMut(Sign),
}

impl Perform for Screen<'_> {
    fn print(&mut self, c: char) {
        (self.sign)(Sign::Letter(c, self.style));
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => (self.sign)(Sign::Newline),
            b'\r' => (self.sign)(Sign::Return),
            8 => (self.sign)(Sign::Backspace),
            b'\t' => (self.sign)(Sign::Tab),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action == b'm' && intermediates.is_empty() && !ignore {
            let numbers: Vec<u16> = params.iter().flatten().copied().collect();
            set_style(&mut self.style, &numbers);
        }
    }
}

/// Select Graphic Rendition (ECMA-48 §8.3.117, and the 256 and true colours of xterm).
fn set_style(style: &mut Style, numbers: &[u16]) {
    if numbers.is_empty() {
        *style = Style::default();
    }
    let mut rest = numbers;
    while let [number, tail @ ..] = rest {
        rest = tail;
        match number {
            0 => *style = Style::default(),
            1 => style.bold = true,
            2 => style.dim = true,
            3 => style.italic = true,
            4 => style.underline = true,
            7 => style.inverse = true,
            9 => style.strikethrough = true,
            22 => (style.bold, style.dim) = (false, false),
            23 => style.italic = false,
            24 => style.underline = false,
            27 => style.inverse = false,
            29 => style.strikethrough = false,
            30..=37 => style.foreground = Some(Colour::Named(*number as u8 - 30)),
            38 => style.foreground = extended(&mut rest).or(style.foreground),
            39 => style.foreground = None,
            40..=47 => style.background = Some(Colour::Named(*number as u8 - 40)),
            48 => style.background = extended(&mut rest).or(style.background),
            49 => style.background = None,
            90..=97 => style.foreground = Some(Colour::Named(*number as u8 - 82)),
            100..=107 => style.background = Some(Colour::Named(*number as u8 - 92)),
            _ => {}
        }
    }
}

/// `5;N` or `2;R;G;B` behind 38 and 48.
fn extended(rest: &mut &[u16]) -> Option<Colour> {
    let byte = |number: u16| u8::try_from(number).ok();
    match **rest {
        [5, index, ref tail @ ..] => {
            *rest = tail;
            let index = byte(index)?;
            Some(if index < 16 {
                Colour::Named(index)
            } else {
                Colour::Indexed(index)
            })
        }
        [2, red, green, blue, ref tail @ ..] => {
            *rest = tail;
            Some(Colour::Rgb(byte(red)?, byte(green)?, byte(blue)?))
        }
        _ => {
            // What follows belongs to a form that nobody uses here; it must not be taken for other numbers.
            *rest = &[];
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(chunks: &[&[u8]]) -> Vec<Sign> {
        let mut reader = AnsiReader::default();
        let mut all = Vec::new();
        for chunk in chunks {
            reader.read(chunk, &mut |sign| all.push(sign));
        }
        all
    }

    fn last_style(text: &str) -> Style {
        match signs(&[text.as_bytes(), b"x"]).last() {
            Some(Sign::Letter('x', style)) => *style,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn colours_are_read() {
        let red = Style {
            foreground: Some(Colour::Named(1)),
            ..Style::default()
        };
        assert_eq!(last_style("\x1b[0;31m"), red);
        assert_eq!(last_style("\x1b[31m\x1b[m"), Style::default());
        assert_eq!(last_style("\x1b[1;91m").foreground, Some(Colour::Named(9)));
        assert_eq!(
            last_style("\x1b[38;5;208m").foreground,
            Some(Colour::Indexed(208))
        );
        assert_eq!(
            last_style("\x1b[48;2;1;2;3;4m"),
            Style {
                background: Some(Colour::Rgb(1, 2, 3)),
                underline: true,
                ..Style::default()
            }
        );
        assert_eq!(
            last_style("\x1b[38:5:9m").foreground,
            Some(Colour::Named(9))
        );
        assert_eq!(last_style("\x1b[38;9;1m"), Style::default());
        assert_eq!(last_style("\x1b[38;5;999m"), Style::default());
        assert_eq!(last_style("\x1b[38m"), Style::default());
    }

    #[test]
    fn letters_and_sequences_may_lie_across_chunks() {
        let text = "\x1b[1;32mgrün → ok\x1b[0m\r\n".as_bytes();
        let whole = signs(&[text]);
        assert!(whole.contains(&Sign::Newline));
        for cut in 0..text.len() {
            assert_eq!(signs(&[&text[..cut], &text[cut..]]), whole, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(signs(&bytes), whole);
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        let letters = |chunks: &[&[u8]]| -> String {
            let all = signs(chunks);
            let letters = all.iter().filter_map(|sign| match sign {
                Sign::Letter(letter, _) => Some(*letter),
                _ => None,
            });
            letters.collect()
        };
        let bytes = b"a\xFF\x80b\xE2\x82c\xC3";
        assert_eq!(letters(&[bytes]), "a\u{fffd}\u{fffd}b\u{fffd}c");
        assert_eq!(
            letters(&[bytes, b"\xBC"]),
            "a\u{fffd}\u{fffd}b\u{fffd}c\u{fc}"
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut reader = AnsiReader::default();
        let mut letters = 0u64;
        for _ in 0..3000 {
            let bytes: Vec<u8> = (0..100)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    // Escape, brackets, digits and everything else: sequences of all kinds begin and break off.
                    match state >> 60 {
                        0..=2 => 0x1B,
                        3..=5 => b'[',
                        6..=8 => b'0' + (state >> 8) as u8 % 12,
                        9 => b'm',
                        _ => state as u8,
                    }
                })
                .collect();
            reader.read(&bytes, &mut |_| letters += 1);
        }
        assert!(letters > 0);
        // A broken sequence swallows what belongs to it, and no more than that.
        let mut end = Vec::new();
        reader.read(b"\x18\x1b\\\x1b[0mdone\n", &mut |sign| end.push(sign));
        assert_eq!(end.last(), Some(&Sign::Newline));
    }
}
