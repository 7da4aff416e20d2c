//! A soak: mixed frames, half of them hostile, to the agent on a practice board or on Espressif's ROM in an emulator.
//!
//! Every frame that must be answered is answered by a twin too: the same library on the host over the same flash. The
//! two answers are compared byte by byte, without the fields that only a chip can know. A frame that is broken must not be
//! answered, a reset would show as text of the ROM, and the flash must be the same afterwards. How many frames there are
//! is told by `FLASHPACK_SOAK_FRAMES`; a reply that does not come is asked for again, and counted.

use std::time::{Duration, Instant};

use device_agent::agent::Agent;
use device_agent::frame::{self, Decoder};
use device_agent::message::{HEADER_SIZE, Kind, MAX_DECODED, MAX_ENCODED, REPLY, UNKNOWN, Writer};
use device_agent::mmu::Sharing;
use device_agent::request::{
    FindFlags, Into as RestartInto, MapAction, Names, Place, Request, Width,
};
use flashpack::device::agent_client::Link;
use flashpack::device::practice::{Board, Options};
use flashpack::engine::plan;

use crate::agent_link::{Chip, Random};
use crate::emulator::Emulator;
use crate::practice_agent::{connection, start_agent};
use crate::seed_path::{packed, sample};

const FLASH: usize = 4 << 20;
/// Frames under way at once; together they fit into the 4 KiB that the agent keeps.
const BATCH: usize = 24;
/// Silence after which a reply is asked for again.
const PATIENCE: Duration = Duration::from_secs(3);

/// 4 MiB with the sample's table and nested pack, and noise where nothing lies.
pub fn filled_flash() -> Vec<u8> {
    let mut random = Random(77);
    let mut flash = vec![0xFF; FLASH];
    for byte in &mut flash[0x2_0000..0x10_0000] {
        *byte = random.below(256) as u8;
    }
    let project = sample();
    let (plan, _) = plan::plan(&project, &packed(&project), None);
    for write in &plan.writes {
        let start = write.offset as usize;
        flash[start..start + write.bytes.len()].copy_from_slice(&write.bytes);
    }
    flash
}

fn place(random: &mut Random) -> Place {
    let label: &[u8] = match random.below(12) {
        0 => b"vfs",
        1 => b"none",
        2 => b"",
        _ => b"bin",
    };
    Place::new(UNKNOWN, label).unwrap()
}

fn path(random: &mut Random) -> &'static [u8] {
    const PATHS: [&[u8]; 8] = [
        b"readme",
        b"logo.png",
        b"tone.wav",
        b"deep/f001",
        b"deep/f002",
        b"deep",
        b"deep/none",
        b"nothere",
    ];
    PATHS[random.below(PATHS.len() as u32) as usize]
}

/// A lawful request, some of them about places that are not there.
fn lawful(random: &mut Random) -> Vec<u8> {
    let offset = match random.below(8) {
        0 => FLASH as u32 - random.below(9),
        1 => (random.below(64) << 16).wrapping_sub(random.below(9)) % FLASH as u32,
        _ => random.below(FLASH as u32),
    };
    let place = place(random);
    let request = match random.below(20) {
        0 => Request::Info,
        1..=5 => Request::Find {
            place,
            flags: FindFlags([0, 1, 4, 5][random.below(4) as usize]),
            path: path(random),
        },
        6..=8 => Request::Read {
            offset,
            size: random.below(150),
        },
        9 => Request::FindMany {
            place,
            names: Names::new(b"\x06readme\x09deep/f001\x01x\x00").unwrap(),
        },
        10 => Request::List {
            place,
            start: random.below(6),
            path: [&b""[..], b"deep", b"readme"][random.below(3) as usize],
        },
        11 => Request::Table {
            table_offset: [0x8000, 0x9000][random.below(2) as usize],
            start: 3,
        },
        12 => Request::Map {
            action: [MapAction::Report, MapAction::All, MapAction::Release]
                [random.below(3) as usize],
        },
        13..=15 => Request::Peek {
            offset,
            width: [Width::One, Width::Two, Width::Four][random.below(3) as usize],
        },
        16 => Request::CrcRegion {
            offset,
            size: random.below(5000),
        },
        17 => Request::CrcFile {
            place,
            path: path(random),
        },
        18 => Request::Digests {
            offset: offset & !0xFFF,
            size: random.below(3) * 4096,
        },
        _ => Request::SelfTest {
            offset,
            size: random.below(300),
        },
    };
    let mut writer = Writer::new();
    request.write(0, &mut writer);
    writer.message().unwrap().to_vec()
}

/// What is sent, and the message in it when it is a whole frame.
fn hostile(random: &mut Random) -> (Vec<u8>, Option<Vec<u8>>) {
    let noise = |random: &mut Random, len: u32| -> Vec<u8> {
        (0..len).map(|_| random.below(256) as u8).collect()
    };
    match random.below(100) {
        // Noise, and the loader's SYNC.
        0..30 => {
            let len = 1 + random.below(60);
            (noise(random, len), None)
        }
        30..40 => {
            let head = [0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20];
            ([&head[..], &[0x55; 32], &[0xC0]].concat(), None)
        }
        // A frame with one bit turned, or cut short.
        40..70 => {
            let mut bytes = framed(&lawful(random));
            let at = 1 + random.below(bytes.len() as u32 - 2) as usize;
            if random.below(2) == 0 {
                bytes[at] ^= 1 << random.below(8);
            } else {
                bytes.truncate(at);
            }
            (bytes, None)
        }
        70 => {
            let len = 1050 + random.below(300);
            let long = noise(random, len).iter().map(|byte| byte | 1).collect();
            (long, None)
        }
        // A whole frame with fields from nowhere.
        _ => {
            let kind = match random.below(20) as u8 {
                // These two would be carried out.
                4 | 15 => 0,
                // And a benchmark of a thousand look-ups takes long without showing more.
                16 => 0x48,
                kind => kind,
            };
            let len = random.below(30);
            let message = [
                &[kind, random.below(8) as u8 / 7, 0, 0][..],
                &noise(random, len),
            ]
            .concat();
            (framed(&message), Some(message))
        }
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut buffer = [0; MAX_ENCODED];
    frame::encode(message, &mut buffer).unwrap().to_vec()
}

fn numbered(message: &[u8], sequence: u16) -> Vec<u8> {
    let mut message = message.to_vec();
    message[2..4].copy_from_slice(&sequence.to_le_bytes());
    message
}

/// A reply without what only a chip knows: cycles, its clock, and what is mapped at the moment.
fn comparable(mut reply: Vec<u8>) -> Vec<u8> {
    let blank = |reply: &mut Vec<u8>, from: usize, len: usize| {
        let from = HEADER_SIZE + from;
        for byte in reply.iter_mut().skip(from).take(len) {
            *byte = 0;
        }
    };
    if reply.get(1) != Some(&0) {
        return reply;
    }
    match Kind::from_number(reply[0] & !REPLY) {
        Some(Kind::Info) => {
            blank(&mut reply, 18, 2);
            blank(&mut reply, 28, 4);
        }
        Some(Kind::Map) => blank(&mut reply, 2, 1024),
        Some(Kind::CrcRegion) => blank(&mut reply, 16, 4),
        Some(Kind::CrcFile | Kind::Verify) => blank(&mut reply, 20, 4),
        Some(Kind::Find) => blank(&mut reply, 28, 8),
        _ => {}
    }
    reply
}

struct Soak<L> {
    link: L,
    decoder: Box<Decoder<MAX_DECODED>>,
    twin: Box<Agent<Chip>>,
    /// Bytes outside of frames that decode: a reset would be seen here.
    heard: Vec<u8>,
    /// Replies that did not come at the first time of asking.
    repeated: u64,
}

impl<L: Link> Soak<L> {
    fn answer_of_twin(&mut self, message: &[u8]) -> Vec<u8> {
        let mut replies = Vec::new();
        let mut decoder = Decoder::<MAX_DECODED>::new();
        for byte in framed(message) {
            self.twin.receive(byte, &mut |frame| {
                for &byte in frame {
                    replies.extend(decoder.push(byte).map(<[u8]>::to_vec));
                }
            });
        }
        assert_eq!(replies.len(), 1, "one reply to {message:02X?}");
        comparable(replies.remove(0))
    }

    /// Takes replies until all that are waited for have come, or nothing comes any more.
    fn collect(&mut self, waiting: &mut Vec<(u16, Vec<u8>, Vec<u8>)>) {
        let mut last = Instant::now();
        let mut buffer = [0; 4096];
        while !waiting.is_empty() && last.elapsed() < PATIENCE {
            let count = self
                .link
                .receive(&mut buffer, Duration::from_millis(50))
                .unwrap();
            for &byte in &buffer[..count] {
                last = Instant::now();
                self.heard.push(byte);
                let Some(message) = self.decoder.push(byte) else {
                    continue;
                };
                let sequence = u16::from_le_bytes([message[2], message[3]]);
                let reply = comparable(message.to_vec());
                let Some(at) = waiting.iter().position(|(number, ..)| *number == sequence) else {
                    assert!(self.repeated > 0, "nobody asked for {message:02X?}");
                    continue;
                };
                let (_, asked, expected) = waiting.remove(at);
                assert_eq!(reply, expected, "a wrong answer to {asked:02X?}");
            }
            let text = String::from_utf8_lossy(&self.heard);
            assert!(!text.contains("ESP-ROM"), "the chip was reset: {text}");
            let surplus = self.heard.len().saturating_sub(64);
            self.heard.drain(..surplus);
        }
    }

    fn batch(&mut self, random: &mut Random, number: &mut u64, frames: u64) {
        let mut bytes = Vec::new();
        let mut waiting = Vec::new();
        for _ in 0..BATCH {
            if *number >= frames || bytes.len() > 2200 {
                break;
            }
            let sequence = *number as u16;
            let whole = if number.is_multiple_of(2) {
                Some(lawful(random))
            } else {
                let (noise, message) = hostile(random);
                if message.is_none() {
                    bytes.push(0);
                    bytes.extend(noise);
                    bytes.push(0);
                }
                message
            };
            *number += 1;
            let Some(message) = whole else { continue };
            let message = numbered(&message, sequence);
            let expected = self.answer_of_twin(&message);
            bytes.extend(framed(&message));
            waiting.push((sequence, message, expected));
        }
        self.link.send(&bytes).unwrap();
        self.collect(&mut waiting);
        // A port may lose bytes; whoever asks again must be answered.
        for attempt in 0..5 {
            for (_, message, _) in &waiting {
                eprintln!("asked again ({attempt}): {message:02X?}");
                self.repeated += 1;
                self.link.send(&framed(message)).unwrap();
            }
            self.collect(&mut waiting);
        }
        assert!(waiting.is_empty(), "no answer: {waiting:02X?}");
    }
}

/// Frames to send: as `FLASHPACK_SOAK_FRAMES` says.
fn frames(otherwise: u64) -> u64 {
    std::env::var("FLASHPACK_SOAK_FRAMES")
        .map_or(otherwise, |text| text.parse().expect("a number of frames"))
}

/// Soaks the agent behind a loader that answers on `port`; it is in the loader again afterwards.
fn soak(port: &std::path::Path, flash: Vec<u8>, frames: u64) {
    let mut connection = connection(port);
    connection.begin().unwrap();
    let mut agent = start_agent(connection);
    agent.info().unwrap();
    // Only the chip's end has a speed here: a pseudo-terminal carries all of them.
    agent.set_baud(2_000_000).unwrap();
    agent.info().unwrap();
    let mut soak = Soak {
        link: agent.into_link(),
        decoder: Box::new(Decoder::new()),
        twin: Box::new(Agent::new(Chip::new(flash), Sharing::Alone)),
        heard: Vec::new(),
        repeated: 0,
    };
    let mut random = Random(0x50AC);
    let (mut number, mut told) = (0, 0);
    let began = Instant::now();
    while number < frames {
        soak.batch(&mut random, &mut number, frames);
        if number / 10_000 > told {
            told = number / 10_000;
            let secs = began.elapsed().as_secs();
            eprintln!("{number} frames in {secs} s, {} asked again", soak.repeated);
        }
    }
    let mut agent = flashpack::device::agent_client::AgentClient::new(soak.link);
    assert_eq!(agent.info().unwrap().flash_size as usize, FLASH);
    agent.restart(RestartInto::Loader).unwrap();
    eprintln!("{number} frames, {} asked again", soak.repeated);
}

#[test]
fn mixed_frames_on_the_practice_board() {
    let board = Board::start(Options::default()).unwrap();
    let flash = filled_flash();
    board.test_access().overwrite(0, &flash);
    soak(board.port(), flash.clone(), frames(4000));
    assert_eq!(board.test_access().running(), "loader");
    assert!(
        board.test_access().flash() == flash,
        "the flash has changed"
    );
}

#[test]
fn mixed_frames_on_the_real_rom() {
    let flash = filled_flash();
    let test = "mixed_frames_on_the_real_rom";
    let Some(emulator) = Emulator::with_flash(test, &flash) else {
        return;
    };
    soak(emulator.port(), flash.clone(), frames(10_000));
    assert!(emulator.flash() == flash, "the flash has changed");
}
