//! What stands in for an app on the practice board: text on the serial port, so that a monitor has something to show.
//!
//! It runs only where a real app would: behind a bootloader that found an app sound. The demo has a console, as many
//! apps have; it says of itself that it is no app. A file is sent once, as fast as the port takes it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::options::AppOutput;
use super::program::{Into, Next};

/// Bytes that are given to the port at once.
const PIECE: usize = 16 * 1024;
/// Letters of a typed line that are kept.
const LONGEST_LINE: usize = 80;

const HELLO: &str = "\x1b[0;32mI (24) practice: the practice board speaks in place of an app\x1b[0m\r\n\
    \x1b[0;32mI (25) app_init: type help and press Enter\x1b[0m\r\n\
    D (26) heap_init: 280 KiB of RAM\r\n\
    \x1b[0;33mW (31) wifi: no network configured\x1b[0m\r\n";

const HELP: &str = "help        this list\r\n\
    colours     every colour that a line can have\r\n\
    crash       a crash with registers and a stack\r\n\
    restart     start again\r\n\
    bootloader  restart into the loader\r\n";

/// As ESP-IDF prints a crash of an ESP32-C3.
const CRASH: &str = "\r\nGuru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\r\n\r\n\
    Core  0 register dump:\r\n\
    MEPC    : 0x42000060  RA      : 0x420000d2  SP      : 0x3fc98f60  GP      : 0x3fc8a800\r\n\
    TP      : 0x3fc99010  T0      : 0x4005890e  T1      : 0x3fc98e7c  T2      : 0x00000000\r\n\
    S0/FP   : 0x00000003  S1      : 0x00000103  A0      : 0x00000003  A1      : 0x00000000\r\n\
    MSTATUS : 0x00001881  MTVEC   : 0x40380001  MCAUSE  : 0x00000005  MTVAL   : 0x00000000\r\n\r\n\
    Stack memory:\r\n\
    3fc98f60: 0x00000000 0x420000d2 0x3fc98fb0 0x00000003\r\n\
    3fc98f70: 0xa5a5a5a5 0x4200003a 0x00000000 0x00000000\r\n\r\n\
    ELF file SHA256: 0000000000000000\r\n\r\nRebooting...\r\n";

/// A running app.
#[derive(Debug)]
pub struct App {
    output: AppOutput,
    /// Bytes of the file that were given, or lines of the demo.
    given: usize,
    /// When it says the next thing.
    next: Option<Instant>,
    began: Instant,
    typed: String,
}

impl App {
    /// Starts it.
    pub fn start(output: AppOutput, wire: &mut Vec<u8>) -> Self {
        let began = Instant::now();
        if output == AppOutput::Demo {
            wire.extend_from_slice(HELLO.as_bytes());
        }
        let first = match output {
            AppOutput::Demo => began + Duration::from_secs(1),
            AppOutput::Bytes(_) => began,
        };
        Self {
            output,
            given: 0,
            next: Some(first),
            began,
            typed: String::new(),
        }
    }

    /// When it wants to speak.
    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// It is due: what it says goes to `wire`.
    pub fn speak(&mut self, wire: &mut Vec<u8>) {
        match &self.output {
            AppOutput::Bytes(bytes) => {
                let rest = bytes.get(self.given..).unwrap_or_default();
                let piece = &rest[..rest.len().min(PIECE)];
                wire.extend_from_slice(piece);
                self.given += piece.len();
                if self.given >= bytes.len() {
                    self.next = None;
                }
            }
            AppOutput::Demo => {
                self.given += 1;
                let millis = self.began.elapsed().as_millis();
                let (colour, level) = match self.given % 7 {
                    0 => ("\x1b[0;31m", 'E'),
                    3 => ("\x1b[0;33m", 'W'),
                    _ => ("\x1b[0;32m", 'I'),
                };
                let reading = 200 + self.given * 37 % 91;
                let mut line = String::new();
                // Writing to a string cannot fail.
                write!(
                    line,
                    "{colour}{level} ({millis}) sensor: channel {} reads {reading}\x1b[0m\r\n",
                    self.given % 4
                )
                .ok();
                wire.extend(line.into_bytes());
                self.next = Some(Instant::now() + Duration::from_secs(1));
            }
        }
    }

    /// Takes a byte that was typed.
    pub fn receive(&mut self, byte: u8, wire: &mut Vec<u8>) -> Next {
        if self.output != AppOutput::Demo {
            return Next::Stay;
        }
        if !matches!(byte, b'\r' | b'\n') {
            if (byte.is_ascii_graphic() || byte == b' ') && self.typed.len() < LONGEST_LINE {
                self.typed.push(char::from(byte));
            }
            return Next::Stay;
        }
        let line = std::mem::take(&mut self.typed);
        match line.trim() {
            "" => Next::Stay,
            "help" => say(wire, HELP),
            "colours" | "colors" => say(wire, &colours()),
            "crash" => {
                say(wire, CRASH);
                Next::Reset(Into::Flash)
            }
            "restart" => Next::Reset(Into::Flash),
            "bootloader" => Next::Reset(Into::Loader),
            other => say(wire, &format!("unknown command: {other}\r\n")),
        }
    }
}

fn say(wire: &mut Vec<u8>, text: &str) -> Next {
    wire.extend_from_slice(text.as_bytes());
    Next::Stay
}

fn colours() -> String {
    let named = (30..38).chain(90..98);
    let line = |start: &mut dyn Iterator<Item = String>| -> String {
        start.collect::<String>() + "\x1b[0m\r\n"
    };
    line(&mut named.clone().map(|code| format!("\x1b[{code}m {code} ")))
        + &line(&mut named.map(|code| format!("\x1b[1;{code}m {code} ")))
        + &line(&mut (40..48).map(|code| format!("\x1b[{code}m {code} ")))
        + &line(
            &mut (0..18).map(|step| format!("\x1b[38;5;{}m {:3} ", 16 + step * 13, 16 + step * 13)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(app: &mut App, text: &str) -> (String, Next) {
        let mut wire = Vec::new();
        let mut next = Next::Stay;
        for byte in text.bytes() {
            next = app.receive(byte, &mut wire);
        }
        (String::from_utf8(wire).unwrap(), next)
    }

    #[test]
    fn the_console_answers() {
        let mut wire = Vec::new();
        let mut app = App::start(AppOutput::Demo, &mut wire);
        assert!(
            String::from_utf8(wire)
                .unwrap()
                .contains("in place of an app")
        );
        assert!(typed(&mut app, "help\r\n").0.contains("restart"));
        assert!(typed(&mut app, "colours\n").0.contains("\x1b[38;5;16m"));
        assert_eq!(typed(&mut app, "restart\r").1, Next::Reset(Into::Flash));
        assert_eq!(typed(&mut app, "bootloader\r").1, Next::Reset(Into::Loader));
        let (text, next) = typed(&mut app, "crash\r");
        assert!(text.contains("MEPC    : 0x42000060") && next == Next::Reset(Into::Flash));
        assert!(
            typed(&mut app, "x\u{1}y\r")
                .0
                .contains("unknown command: xy")
        );
        assert_eq!(typed(&mut app, &"z".repeat(1000)).0, "");
    }

    #[test]
    fn a_file_is_given_once_and_whole() {
        let bytes: Vec<u8> = (0..100_000u32).map(|number| number as u8).collect();
        let mut wire = Vec::new();
        let mut app = App::start(AppOutput::Bytes(bytes.clone().into()), &mut wire);
        while app.due().is_some() {
            app.speak(&mut wire);
        }
        assert!(wire == bytes);
    }
}
