//! What can be made to go wrong with a practice board: the words of the command line, and the values they mean.
//!
//! Bytes are counted from 0 in each direction, flash operations (a sector erased, a block erased, a page programmed)
//! from 0 as well, both since the board was started. Everything random comes from one seed, so a run can be repeated.

use std::time::Duration;

use crate::model::chip::Chip;
use crate::model::number;

/// The words that [`Faults::add_word`] takes, for `--help`.
pub const HELP: &str = "\
drop:to-board@N            lose byte N on its way (from-board: the other way; so for all of these)
flip:to-board@N[=BIT]      invert a bit of byte N
duplicate:to-board@N       send byte N twice
insert:to-board@N          send a byte of noise before byte N
delay:to-board@N=MS        hold byte N and all after it back for so many milliseconds
cut:to-board@N             from byte N on nothing passes either way, until 1 s of silence
unplug:to-board@N[=MS]     unplug the board at byte N; plug it in again after MS milliseconds (1000; never: not at all)
second-client:to-board@N   another program asks SYNC at byte N, and takes up to 512 bytes of what is sent next
noise:to-board@RATE        damage each byte with this probability, such as 1e-5
limit:line@BAUD[=RATE]     above this speed the line damages each byte with this probability (0.05)
fail:flash@N               flash operation N fails
brown-out:flash@N          power dips during flash operation N: the chip restarts
unplug:flash@N[=MS]        unplug the board during flash operation N
stuck:flash@OFFSET         the byte at this offset can no longer be programmed
protected:flash            the flash ignores erasing and programming
chip:NAME                  be another chip: esp32s3 or esp32c6
secure-download            the chip is in secure download mode
encrypted                  the chip has flash encryption switched on
secure-boot                the chip starts only signed images
seed:N                     seed of everything random";

/// Share of the bytes that a line damages above its limit: enough that no question and its answer pass whole, not so
/// much that no request ever does.
const LIMIT_RATE: f64 = 0.05;

/// Most bytes that one read of a second client takes.
pub const SECOND_CLIENT_READ: u64 = 512;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToBoard,
    FromBoard,
}

/// How long a board stays unplugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replug {
    After(Duration),
    Never,
}

/// What happens to one byte of the wire, or from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    Drop,
    /// Inverts this bit, 0 to 7; `None` is a random one.
    Flip(Option<u8>),
    Duplicate,
    Insert,
    Delay(Duration),
    Cut,
    Unplug(Replug),
    /// Another program that has the same port open asks SYNC in between, and its read takes the next bytes that the
    /// board sends: a random number, at most [`SECOND_CLIENT_READ`].
    SecondClient,
}

/// What happens instead of, or during, one flash operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashFault {
    /// The operation is not done, and the loader hears of it.
    Fail,
    /// Power is lost in the middle of the operation.
    PowerLoss(PowerLoss),
}

/// How the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// The port vanishes too.
    Unplug(Replug),
    /// The port stays, as with a separate USB bridge; the chip restarts at once.
    BrownOut,
}

/// Everything that is to go wrong.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a list of independent faults, each named by a word of the command line"
)]
pub struct Faults {
    /// Direction and byte number.
    pub wire: Vec<(Direction, u64, WireFault)>,
    /// Probability per byte to the board and from the board.
    pub noise_to_board: f64,
    pub noise_from_board: f64,
    /// The fastest speed that the line carries, and the probability per byte of damage above it.
    pub limit: Option<(u32, f64)>,
    /// Operation number.
    pub flash: Vec<(u64, FlashFault)>,
    /// Offsets of bytes that cannot be programmed any more.
    pub stuck_bytes: Vec<u32>,
    /// Erasing and programming have no effect, and nobody is told.
    pub write_protected: bool,
    /// Another chip than the one that was asked for.
    pub chip: Option<Chip>,
    pub secure_download: bool,
    pub encrypted: bool,
    pub secure_boot: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl Faults {
    /// Adds what one word of [`HELP`] says.
    ///
    /// # Errors
    /// A sentence that names the word and what was expected.
    pub fn add_word(&mut self, word: &str) -> Result<(), String> {
        let unknown =
            || format!("“{word}” is no fault of a practice board: see `flashpack practice --help`");
        let (kind, place) = word.split_once(':').unwrap_or((word, ""));
        let (target, position) = place.split_once('@').unwrap_or((place, ""));
        let (position, value) = match position.split_once('=') {
            Some((position, value)) => (position, Some(value)),
            None => (position, None),
        };
        let at = || {
            number::parse_bytes(position)
                .map(u64::from)
                .map_err(|_error| {
                    format!("“{word}” needs the number of a byte or of a flash operation after @")
                })
        };
        let direction = match target {
            "to-board" => Some(Direction::ToBoard),
            "from-board" => Some(Direction::FromBoard),
            _ => None,
        };
        match (kind, target, direction) {
            ("noise", _, Some(direction)) => {
                let rate = position
                    .parse()
                    .ok()
                    .filter(|rate| (0.0..=1.0).contains(rate));
                let rate = rate
                    .ok_or_else(|| format!("“{word}” needs a probability from 0 to 1 after @"))?;
                match direction {
                    Direction::ToBoard => self.noise_to_board = rate,
                    Direction::FromBoard => self.noise_from_board = rate,
                }
            }
            ("limit", "line", _) => {
                let rate = value.map_or(Some(LIMIT_RATE), |rate| {
                    rate.parse().ok().filter(|rate| (0.0..=1.0).contains(rate))
                });
                let limit = position.parse().ok().zip(rate);
                self.limit = Some(limit.ok_or_else(|| {
                    format!("“{word}” needs bits per second after @, and a probability after =")
                })?);
            }
            (_, _, Some(direction)) => {
                let fault = wire_fault(kind, word, value)?.ok_or_else(unknown)?;
                self.wire.push((direction, at()?, fault));
            }
            ("fail", "flash", _) => self.flash.push((at()?, FlashFault::Fail)),
            ("brown-out", "flash", _) => {
                self.flash
                    .push((at()?, FlashFault::PowerLoss(PowerLoss::BrownOut)));
            }
            ("unplug", "flash", _) => {
                let loss = PowerLoss::Unplug(replug(word, value)?);
                self.flash.push((at()?, FlashFault::PowerLoss(loss)));
            }
            ("stuck", "flash", _) => self.stuck_bytes.push(at()? as u32),
            ("protected", "flash", _) => self.write_protected = true,
            ("chip", name, _) => {
                let chip = Chip::from_name(name).filter(|chip| super::chips::row(*chip).is_some());
                self.chip = Some(chip.ok_or_else(|| {
                    format!("“{word}” is no chip that a practice board can be: esp32c3, esp32s3 or esp32c6")
                })?);
            }
            ("secure-download", "", _) => self.secure_download = true,
            ("encrypted", "", _) => self.encrypted = true,
            ("secure-boot", "", _) => self.secure_boot = true,
            ("seed", seed, _) => {
                self.seed = seed
                    .parse()
                    .map_err(|_error| format!("“{word}” needs a whole number as its seed"))?;
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

fn wire_fault(kind: &str, word: &str, value: Option<&str>) -> Result<Option<WireFault>, String> {
    Ok(Some(match (kind, value) {
        ("drop", None) => WireFault::Drop,
        ("flip", None) => WireFault::Flip(None),
        ("flip", Some(bit)) => {
            let bit = bit.parse().ok().filter(|bit| *bit < 8);
            WireFault::Flip(Some(
                bit.ok_or_else(|| format!("“{word}” needs a bit from 0 to 7 after ="))?,
            ))
        }
        ("duplicate", None) => WireFault::Duplicate,
        ("insert", None) => WireFault::Insert,
        ("delay", millis) => WireFault::Delay(milliseconds(word, millis.unwrap_or_default())?),
        ("cut", None) => WireFault::Cut,
        ("unplug", value) => WireFault::Unplug(replug(word, value)?),
        ("second-client", None) => WireFault::SecondClient,
        _ => return Ok(None),
    }))
}

fn replug(word: &str, value: Option<&str>) -> Result<Replug, String> {
    match value {
        None => Ok(Replug::After(Duration::from_secs(1))),
        Some("never") => Ok(Replug::Never),
        Some(millis) => milliseconds(word, millis).map(Replug::After),
    }
}

fn milliseconds(word: &str, text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_millis)
        .map_err(|_error| format!("“{word}” needs a number of milliseconds after ="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(words: &[&str]) -> Faults {
        let mut faults = Faults::default();
        for word in words {
            faults.add_word(word).unwrap();
        }
        faults
    }

    #[test]
    fn reads_the_words_of_the_help() {
        let all = faults(&[
            "drop:to-board@1234",
            "flip:from-board@7=3",
            "delay:to-board@0x10=250",
            "unplug:to-board@9=never",
            "second-client:from-board@11",
            "unplug:flash@2=50",
            "brown-out:flash@3",
            "fail:flash@0",
            "stuck:flash@0x10000",
            "noise:from-board@1e-5",
            "limit:line@460800",
            "protected:flash",
            "chip:esp32s3",
            "secure-download",
            "encrypted",
            "secure-boot",
            "seed:42",
        ]);
        assert_eq!(
            all.wire,
            [
                (Direction::ToBoard, 1234, WireFault::Drop),
                (Direction::FromBoard, 7, WireFault::Flip(Some(3))),
                (
                    Direction::ToBoard,
                    16,
                    WireFault::Delay(Duration::from_millis(250))
                ),
                (Direction::ToBoard, 9, WireFault::Unplug(Replug::Never)),
                (Direction::FromBoard, 11, WireFault::SecondClient),
            ]
        );
        let unplug = PowerLoss::Unplug(Replug::After(Duration::from_millis(50)));
        assert_eq!(
            all.flash,
            [
                (2, FlashFault::PowerLoss(unplug)),
                (3, FlashFault::PowerLoss(PowerLoss::BrownOut)),
                (0, FlashFault::Fail)
            ]
        );
        assert_eq!(all.stuck_bytes, [0x1_0000]);
        assert_eq!((all.noise_to_board, all.noise_from_board), (0.0, 1e-5));
        assert_eq!(all.limit, Some((460_800, LIMIT_RATE)));
        assert_eq!(faults(&["limit:line@230400=1"]).limit, Some((230_400, 1.0)));
        assert!(all.write_protected && all.secure_download && all.encrypted && all.secure_boot);
        assert_eq!((all.chip, all.seed), (Some(Chip::Esp32s3), 42));
    }

    #[test]
    fn every_word_of_the_help_is_known() {
        for line in HELP.lines() {
            let word = line.split_whitespace().next().unwrap();
            let word = word.split('[').next().unwrap();
            let word = word
                .replace("RATE", "0.5")
                .replace("BAUD", "460800")
                .replace("OFFSET", "1")
                .replace("NAME", "esp32c6");
            let word = word.replace("=MS", "=5").replace('N', "5");
            assert_eq!(Faults::default().add_word(&word), Ok(()), "{word}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_sentence() {
        for word in [
            "",
            "drop",
            "drop:to-board",
            "drop:to-board@x",
            "drop:sideways@1",
            "drop:to-board@1=2",
            "flip:to-board@1=8",
            "delay:to-board@1",
            "noise:to-board@2",
            "noise:to-board@x",
            "limit:line",
            "limit:line@fast",
            "limit:line@460800=2",
            "chip:esp32h2",
            "chip:z80",
            "seed:x",
            "fail:to-board@1",
            "drop:flash@1",
            "second-client:to-board",
            "second-client:to-board@1=9",
            "second-client:flash@1",
            "encrypted:now",
            "unplug:flash@1=soon",
        ] {
            let message = Faults::default().add_word(word).unwrap_err();
            assert!(message.contains(word) && message.contains(' '), "{message}");
        }
    }
}
