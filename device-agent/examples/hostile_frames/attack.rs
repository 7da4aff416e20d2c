//! Hostile frames against the agent, each answer compared with what a plain reading of the flash says.
//!
//! Half of the frames are requests with lawful and unlawful fields, the other half are damaged, cut, glued or invented.
//! Used by the tests (a slice) and by the example (as many as asked for).

use device_agent::agent::Agent;
use device_agent::frame::{self, Decoder};
use device_agent::message::{MAX_DECODED, MAX_ENCODED, MAX_MESSAGE, REPLY};
use device_agent::mmu::{ENTRIES, Hardware, INVALID, PAGE_MASK, PAGE_SIZE, Sharing};

/// Bytes of the flash that is attacked.
const FLASH_SIZE: usize = 1 << 20;
const TABLE: usize = 0x8000;
const BIN: usize = 0x1_0000;
const FILES: usize = 40;

/// What happened.
#[derive(Debug, Default)]
pub struct Report {
    pub frames: u64,
    /// Frames that the agent answered.
    pub answered: u64,
    /// Frames that it left unanswered, as it must.
    pub dropped: u64,
    /// Answers whose bytes were compared with the flash.
    pub compared: u64,
}

/// The same numbers for the same seed (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }
}

/// A chip that plays by the rules; what it holds is fixed.
struct Chip {
    flash: Vec<u8>,
    entries: [u32; ENTRIES as usize],
    time: std::cell::Cell<u32>,
}

impl Hardware for Chip {
    fn flash_size(&self) -> u32 {
        self.flash.len() as u32
    }

    fn entry(&self, index: u8) -> u32 {
        self.entries[usize::from(index)]
    }

    fn set_entry(&mut self, index: u8, value: u32) {
        self.entries[usize::from(index)] = value;
    }

    fn invalidate(&mut self, index: u8) {
        assert!(index < ENTRIES, "there is no entry {index}");
    }

    fn page(&self, index: u8) -> &[u8] {
        self.time.set(self.time.get().wrapping_add(1));
        let value = self.entries[usize::from(index)];
        assert_eq!(value & INVALID, 0, "entry {index} shows nothing");
        let start = (value & PAGE_MASK) as usize * PAGE_SIZE as usize;
        &self.flash[start..start + PAGE_SIZE as usize]
    }

    fn rom_read(&mut self, offset: u32, into: &mut [u8]) -> bool {
        let start = offset as usize;
        into.copy_from_slice(&self.flash[start..start + into.len()]);
        true
    }

    fn cycles(&self) -> u32 {
        self.time.get()
    }

    fn invalidate_all(&mut self) {}
}

fn name(number: usize) -> String {
    format!("n{number:03}")
}

/// Flash with a table, an unindexed image of [`FILES`] files, and noise behind it.
fn flash(dice: &mut Dice) -> Vec<u8> {
    let mut flash = vec![0xFF; FLASH_SIZE];
    let row = &mut flash[TABLE..TABLE + 32];
    row.fill(0);
    row[..4].copy_from_slice(&[0xAA, 0x50, 1, 6]);
    row[4..8].copy_from_slice(&(BIN as u32).to_le_bytes());
    row[8..12].copy_from_slice(&((FLASH_SIZE - BIN) as u32).to_le_bytes());
    row[12..15].copy_from_slice(b"bin");
    let mut at = 16 * (FILES + 1);
    for number in 0..FILES {
        let size = dice.below(3000) as usize;
        let entry = &mut flash[BIN + 16 * number..BIN + 16 * (number + 1)];
        entry.fill(0);
        entry[..4].copy_from_slice(&(at as u32).to_le_bytes());
        entry[4..8].copy_from_slice(&(size as u32).to_le_bytes());
        entry[8..12].copy_from_slice(name(number).as_bytes());
        for byte in &mut flash[BIN + at..BIN + at + size] {
            *byte = dice.next() as u8;
        }
        at += size.next_multiple_of(16);
    }
    for byte in &mut flash[0x8_0000..] {
        *byte = dice.next() as u8;
    }
    flash
}

/// Sends `frames` frames; panics at the first wrong answer.
pub fn run(seed: u64, frames: u64) -> Report {
    let mut dice = Dice(seed);
    let flash = flash(&mut dice);
    let chip = Chip {
        flash: flash.clone(),
        entries: [INVALID; ENTRIES as usize],
        time: std::cell::Cell::new(0),
    };
    let mut agent = Agent::new(chip, Sharing::Alone);
    let mut report = Report::default();
    let mut replies = Vec::new();
    let mut decoder = Decoder::<MAX_DECODED>::new();
    while report.frames < frames {
        report.frames += 1;
        let message = request(&mut dice);
        let mut encoded = [0; MAX_ENCODED];
        let mut bytes = frame::encode(&message, &mut encoded)
            .expect("it has room")
            .to_vec();
        let damaged = dice.below(2) == 0;
        if damaged {
            damage(&mut dice, &mut bytes);
        }
        replies.clear();
        for &byte in &bytes {
            agent.receive(byte, &mut |frame| {
                for &byte in frame {
                    if let Some(reply) = decoder.push(byte) {
                        replies.push(reply.to_vec());
                    }
                }
            });
        }
        // What damage cannot break must not be answered; an undamaged request must be.
        if damaged {
            assert!(
                replies.is_empty(),
                "a damaged frame was answered: {bytes:?}"
            );
            report.dropped += 1;
            // Parts the damaged frame from the next one, as its delimiter would have.
            agent.receive(0, &mut |_| {});
            continue;
        }
        assert!(!replies.is_empty(), "no answer to {message:?}");
        report.answered += 1;
        for reply in &replies {
            assert_eq!(
                (reply[0], &reply[2..4]),
                (message[0] | REPLY, &message[2..4]),
                "another request's answer"
            );
        }
        report.compared += u64::from(compare(&flash, &message, &replies));
    }
    assert_eq!(decoder.bad(), 0, "every frame of the agent is good");
    report
}

/// A request: usually of a known kind and nearly lawful.
fn request(dice: &mut Dice) -> Vec<u8> {
    let kind = if dice.below(20) == 0 {
        dice.below(128) as u8
    } else {
        1 + dice.below(16) as u8
    };
    let mut message = vec![kind, u8::from(dice.below(50) == 0)];
    message.extend((dice.next() as u16).to_le_bytes());
    let offset = match dice.below(4) {
        0 => dice.next(),
        1 => FLASH_SIZE as u32 - dice.below(9),
        _ => dice.below(FLASH_SIZE as u32),
    };
    let size = if dice.below(8) == 0 {
        dice.next()
    } else {
        dice.below(6000)
    };
    match kind {
        2 | 5 | 6 | 11 | 12 | 16 => {
            message.extend(
                if dice.below(8) == 0 {
                    dice.next()
                } else {
                    TABLE as u32
                }
                .to_le_bytes(),
            );
            let label: &[u8; 16] = if dice.below(8) == 0 {
                b"some other label"
            } else {
                b"bin\0\0\0\0\0\0\0\0\0\0\0\0\0"
            };
            message.extend(label);
            let path = name(dice.below(FILES as u32 + 4) as usize);
            match kind {
                2 => message.push(dice.below(9) as u8),
                5 => message.push(path.len() as u8),
                6 => message.extend(dice.below(60).to_le_bytes()),
                16 => message.extend([dice.below(4) as u8, 0, dice.below(9) as u8]),
                _ => {}
            }
            if kind != 12 || dice.below(30) == 0 {
                message.extend(path.as_bytes());
            }
        }
        3 | 10 | 14 => {
            message.extend(offset.to_le_bytes());
            message.extend(size.to_le_bytes());
        }
        13 => {
            message.extend((offset & !0xFFF).to_le_bytes());
            message.extend((size & 0xFFFF_F000).to_le_bytes());
        }
        7 => message.extend([0, 0x80, 0, 0, dice.below(3) as u8, 0, 0, 0]),
        9 => {
            message.extend(offset.to_le_bytes());
            message.push([1, 2, 4, 3][dice.below(4) as usize]);
        }
        15 => message.extend(dice.next().to_le_bytes()),
        4 | 8 => message.push(dice.below(4) as u8),
        _ => {}
    }
    if dice.below(10) == 0 {
        let len = dice.below(60) as usize;
        message.truncate(4 + len.min(message.len() - 4));
    }
    if dice.below(30) == 0 {
        message.resize(
            4 + dice.below(MAX_MESSAGE as u32 - 3) as usize,
            dice.next() as u8,
        );
    }
    message
}

/// Breaks a frame so that it is one no more. The leading delimiter may go, everything else is missed.
fn damage(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let inside = 1 + dice.below(bytes.len() as u32 - 2) as usize;
    match dice.below(6) {
        0 => bytes[inside] ^= 1 << dice.below(8),
        1 => {
            bytes.remove(inside);
        }
        2 => bytes.insert(inside, 1 + dice.below(255) as u8),
        3 => bytes.truncate(bytes.len() - 1),
        4 => bytes[inside] = 0,
        _ => {
            let len = bytes.len();
            bytes.clear();
            bytes.extend((0..len).map(|_| dice.next() as u8));
        }
    }
    // A flip may give the byte it was, and an insertion in a run of the same byte may be none that counts; then it must be
    // broken for sure.
    let mut decoder = Decoder::<MAX_DECODED>::new();
    if bytes
        .iter()
        .chain(&[0])
        .any(|&byte| decoder.push(byte).is_some())
    {
        bytes.truncate(bytes.len() / 2);
        bytes.push(0x55);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Compares what was answered with the flash; whether there was anything to compare.
fn compare(flash: &[u8], message: &[u8], replies: &[Vec<u8>]) -> bool {
    if replies[0][1] != 0 {
        return false;
    }
    let fields = &message[4..];
    match message[0] {
        2 => {
            let path = String::from_utf8_lossy(&fields[21..]).into_owned();
            let (offset, size) = (word(&replies[0], 4), word(&replies[0], 8));
            let place = (0..FILES)
                .find(|&number| name(number) == path)
                .expect("only files are found");
            assert_eq!(
                (offset, size),
                (
                    word(flash, BIN + 16 * place),
                    word(flash, BIN + 16 * place + 4)
                )
            );
        }
        3 => {
            let (offset, size) = (word(fields, 0) as usize, word(fields, 4) as usize);
            let bytes: Vec<u8> = replies
                .iter()
                .flat_map(|reply| reply[8..].to_vec())
                .collect();
            assert_eq!(bytes, flash[offset..offset + size]);
        }
        9 => {
            let (offset, width) = (word(fields, 0) as usize, usize::from(fields[4]));
            assert_eq!(
                word(&replies[0], 8).to_le_bytes()[..width],
                flash[offset..offset + width]
            );
        }
        10 => {
            let (offset, size) = (word(fields, 0) as usize, word(fields, 4) as usize);
            assert_eq!(
                word(&replies[0], 12),
                device_agent::crc::crc32(&flash[offset..offset + size])
            );
        }
        14 => assert_eq!(
            word(&replies[0], 8),
            0,
            "mapped and direct reads are the same"
        ),
        _ => return false,
    }
    true
}
