//! What is typed while a monitor runs: bytes of standard input, from a terminal letter by letter.
//!
//! Reading standard input cannot be interrupted, so a thread of its own does it; it ends with the program.

use std::io::{self, IsTerminal as _, Read as _};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Ends a monitor: Ctrl-C and Ctrl-].
const END: [u8; 2] = [0x03, 0x1D];
/// Resets the board: Ctrl-R.
const RESET: u8 = 0x12;

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// For the board.
    Bytes(Vec<u8>),
    Reset,
    End,
}

/// A terminal that gives every letter at once, without showing it; dropped, it is as it was.
#[derive(Debug)]
pub struct RawTerminal(());

impl RawTerminal {
    /// `None` if standard input is no terminal, or one that cannot do it.
    pub fn enter() -> Option<Self> {
        (io::stdin().is_terminal() && enable_raw_mode().is_ok()).then_some(Self(()))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // The program is about to end; there is nobody left to tell.
        disable_raw_mode().ok();
    }
}

/// Reads standard input on a thread. With `keys`, Ctrl-C, Ctrl-] and Ctrl-R are not for the board.
#[expect(
    clippy::disallowed_methods,
    reason = "the one thread of the command line: standard input cannot be waited for in another way on every system"
)]
pub fn listen(keys: bool, mut typed: impl FnMut(Typed) + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new()
        .name("keyboard".into())
        .spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                match io::stdin().lock().read(&mut buffer) {
                    // The end of a pipe is not the end of the monitor.
                    Ok(0) => return,
                    Ok(count) if keys => split(&buffer[..count], &mut typed),
                    Ok(count) => typed(Typed::Bytes(buffer[..count].to_vec())),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })
        .map(drop)
}

fn split(bytes: &[u8], typed: &mut dyn FnMut(Typed)) {
    let mut plain = Vec::new();
    for byte in bytes {
        let special = match byte {
            byte if END.contains(byte) => Typed::End,
            &RESET => Typed::Reset,
            byte => {
                plain.push(*byte);
                continue;
            }
        };
        if !plain.is_empty() {
            typed(Typed::Bytes(std::mem::take(&mut plain)));
        }
        typed(special);
    }
    if !plain.is_empty() {
        typed(Typed::Bytes(plain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_text() {
        let mut all = Vec::new();
        split(b"ab\x12c\x1d", &mut |typed| all.push(typed));
        assert_eq!(
            all,
            [
                Typed::Bytes(b"ab".to_vec()),
                Typed::Reset,
                Typed::Bytes(b"c".to_vec()),
                Typed::End
            ]
        );
    }
}
