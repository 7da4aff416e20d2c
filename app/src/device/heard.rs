//! What the bytes say that came from a port where no loader answered: which of its own troubles a chip has, or that
//! it is none. Pure: [`super::serial`] listens, this reads.
//!
//! The lines are those of the ROMs and of ESP-IDF's bootloader and panic handler, as their sources and the
//! documentation of esptool (boot mode selection) give them.

use crate::model::cause::Cause;

/// Marks in what a chip prints, most telling first, each with what it means.
const MARKS: [(&str, Cause); 18] = [
    ("Brownout detector was triggered", Cause::BrownOut),
    ("BROWNOUT_RST", Cause::BrownOut),
    ("brownout", Cause::BrownOut),
    ("Guru Meditation", Cause::CrashLoop),
    ("abort() was called", Cause::CrashLoop),
    ("Backtrace:", Cause::CrashLoop),
    ("invalid header: 0xffffffff", Cause::FlashBlank),
    ("invalid header", Cause::BootloaderDamaged),
    ("csum err", Cause::BootloaderDamaged),
    ("invalid segment", Cause::BootloaderDamaged),
    ("load partition table error", Cause::NothingToStart),
    ("No bootable app", Cause::NothingToStart),
    ("Image hash failed", Cause::NothingToStart),
    ("waiting for download", Cause::BoardDeaf),
    ("DOWNLOAD_BOOT", Cause::BoardDeaf),
    ("DOWNLOAD(", Cause::BoardDeaf),
    ("SPI_FAST_FLASH_BOOT", Cause::RunsProgram),
    ("entry 0x", Cause::RunsProgram),
];

/// Resets that a watchdog made, as the ROMs name them.
const WATCHDOG: [&str; 4] = ["WDT_SYS_RST", "WDT_SYS_RESET", "RTCWDT", "WDT_CPU"];

/// The head of every answer of a loader, and of every request.
const ANSWER: [u8; 2] = [0xC0, 1];
const REQUEST: [u8; 4] = [0xC0, 0, 8, 36];

/// Whether a chip said that it waits in its loader, or a loader anything, even if it was no answer to what was asked: what is
/// left of a read is no text either.
pub fn may_be_a_loader(heard: &[u8]) -> bool {
    contains(heard, &ANSWER)
        || matches!(
            diagnose(heard),
            Cause::BoardDeaf | Cause::NoisyLine | Cause::WrongSpeed
        )
}

/// What bytes from a port mean, when nothing on it answers as a loader or agent.
pub fn diagnose(heard: &[u8]) -> Cause {
    if heard.is_empty() {
        return Cause::Silent;
    }
    if contains(heard, &REQUEST) {
        return Cause::Echo;
    }
    let text = String::from_utf8_lossy(heard);
    if let Some((_, cause)) = MARKS.iter().find(|(mark, _)| text.contains(mark)) {
        return match cause {
            // A program that starts and is restarted by a watchdog hangs; one that starts once runs.
            Cause::RunsProgram if watchdog_resets(&text) >= 2 => Cause::WatchdogLoop,
            other => *other,
        };
    }
    if watchdog_resets(&text) >= 2 {
        return Cause::WatchdogLoop;
    }
    if (text.contains("rst:0x") && text.contains("boot:0x")) || text.lines().any(is_of_a_program) {
        return Cause::RunsProgram;
    }
    if contains(heard, &ANSWER) || heard.len() < 8 {
        return Cause::NoisyLine;
    }
    let printable = heard.iter().filter(|byte| is_text(**byte)).count();
    // Wrongly sampled text has about as many control and high bytes as others; text of any language has none of the
    // first, and of the second none that is not UTF-8.
    if printable * 10 >= heard.len() * 9 || std::str::from_utf8(heard).is_ok_and(is_calm) {
        Cause::OtherDevice
    } else {
        Cause::WrongSpeed
    }
}

/// A line of ESP-IDF's log, `I (5213) main: …`, or what MicroPython greets with.
fn is_of_a_program(line: &str) -> bool {
    if line.starts_with(">>> ") || line.contains("MicroPython v") {
        return true;
    }
    // Colours come before the letter.
    let plain = line.rsplit('\u{1b}').next().unwrap_or(line);
    let plain =
        plain.split_once('m').map_or(
            plain,
            |(code, rest)| {
                if code.starts_with('[') { rest } else { plain }
            },
        );
    let Some((level, rest)) = plain.split_once(" (") else {
        return false;
    };
    let time = rest.split_once(')').map_or("", |(time, _)| time);
    matches!(level, "E" | "W" | "I" | "D" | "V")
        && !time.is_empty()
        && time.bytes().all(|digit| digit.is_ascii_digit())
}

fn watchdog_resets(text: &str) -> usize {
    text.match_indices("rst:0x")
        .filter(|(at, _)| {
            let line = text[*at..].lines().next().unwrap_or_default();
            WATCHDOG.iter().any(|mark| line.contains(mark))
        })
        .count()
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0x1B)
}

fn is_calm(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t' | '\u{1b}'))
}

fn contains(heard: &[u8], part: &[u8]) -> bool {
    heard.windows(part.len()).any(|window| window == part)
}

/// The text among the bytes, for *Details*: no control characters, at most 2000 characters.
pub fn readable(heard: &[u8]) -> String {
    String::from_utf8_lossy(heard)
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .take(2000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(heard: impl AsRef<[u8]>, expected: Cause) {
        let heard = heard.as_ref();
        assert_eq!(diagnose(heard), expected, "{}", readable(heard));
    }

    #[test]
    fn what_a_chip_prints_is_told_apart() {
        check("", Cause::Silent);
        let banner = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n";
        check(
            format!(
                "{banner}rst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/1))\r\nwaiting for download\r\n"
            ),
            Cause::BoardDeaf,
        );
        check(
            format!(
                "{banner}rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\nI (24) boot: ESP-IDF\r\n"
            ),
            Cause::RunsProgram,
        );
        check(
            format!(
                "{banner}rst:0x7 (TG0WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n"
            ),
            Cause::FlashBlank,
        );
        check("invalid header: 0x12345678\r\n", Cause::BootloaderDamaged);
        check("csum err:0x9a!=0x5f\r\n", Cause::BootloaderDamaged);
        check(
            "E (90) boot: No bootable app partitions in the partition table",
            Cause::NothingToStart,
        );
        check(
            format!("{banner}rst:0xf (BROWNOUT_RST),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n"),
            Cause::BrownOut,
        );
        check(
            "\r\nBrownout detector was triggered\r\n\r\n",
            Cause::BrownOut,
        );
        check(
            "Guru Meditation Error: Core  0 panic'ed (Load access fault)",
            Cause::CrashLoop,
        );
        let hang = format!(
            "{banner}rst:0x8 (TG1WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)\r\nentry 0x403ce000\r\n"
        );
        check(hang.repeat(3), Cause::WatchdogLoop);
        check(hang, Cause::RunsProgram);
    }

    #[test]
    fn what_is_no_chip_is_told_apart() {
        check(
            "$GPGGA,120000.00,5224.0,N,01331.0,E,1,08,0.9,44.0,M\r\n",
            Cause::OtherDevice,
        );
        check("Température: 21 °C\r\n", Cause::OtherDevice);
        check(
            [0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20],
            Cause::Echo,
        );
        let garbage: Vec<u8> = (0..200u32).map(|n| (n * 97 % 251) as u8 | 0x80).collect();
        check(garbage, Cause::WrongSpeed);
        check([0xC0, 1, 9, 4, 0, 0, 7, 7, 0x12, 0x20], Cause::NoisyLine);
        check([0x55, 3], Cause::NoisyLine);
    }

    #[test]
    fn nothing_that_comes_makes_it_fail() {
        let mut state = 1u32;
        for len in 0..300 {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let cause = diagnose(&bytes);
            assert_eq!(cause == Cause::Silent, bytes.is_empty());
            assert!(readable(&bytes).chars().count() <= 2000);
        }
    }
}
