//! Both ends of the agent's protocol in one process, over a link that drops, flips, splits, doubles and inserts bytes
//! from a seed: whatever comes through is right, and nothing waits for ever.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use device_agent::agent::{Action, Agent};
use device_agent::error::Error as Fault;
use device_agent::message::UNKNOWN;
use device_agent::mmu::{ENTRIES, Hardware, INVALID, PAGE_MASK, PAGE_SIZE, Sharing};
use device_agent::reply::ListedFlags;
use device_agent::request::{FindFlags, Into as RestartInto, MapAction, Place, Width};
use flashpack::device::agent_client::{AgentClient, AgentError, Link};

const SIZE: usize = 1 << 20;
const BIN: usize = 0x1_0000;

/// A chip with as much as the agent needs.
pub struct Chip {
    flash: Vec<u8>,
    entries: [u32; ENTRIES as usize],
    time: Cell<u32>,
}

impl Chip {
    /// Nothing is mapped yet.
    pub fn new(flash: Vec<u8>) -> Self {
        Self {
            flash,
            entries: [INVALID; ENTRIES as usize],
            time: Cell::new(0),
        }
    }
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

    fn invalidate(&mut self, _: u8) {}

    fn page(&self, index: u8) -> &[u8] {
        self.time.set(self.time.get().wrapping_add(1));
        let start = (self.entries[usize::from(index)] & PAGE_MASK) as usize * PAGE_SIZE as usize;
        &self.flash[start..start + PAGE_SIZE as usize]
    }

    fn rom_read(&mut self, offset: u32, into: &mut [u8]) -> bool {
        into.copy_from_slice(&self.flash[offset as usize..offset as usize + into.len()]);
        true
    }

    fn cycles(&self) -> u32 {
        self.time.get()
    }
}

/// The same numbers for the same seed (xorshift64*).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32) % bound
    }
}

/// A wire between a client and an agent, with one fault in so many bytes (0: none) in each direction.
struct Wire {
    agent: Agent<Chip>,
    random: Random,
    bytes_per_fault: u32,
    /// Whether the board is there at all.
    dead: bool,
    to_host: VecDeque<u8>,
    sent: [u64; 2],
    action: Option<Action>,
}

impl Wire {
    fn new(flash: Vec<u8>, seed: u64, bytes_per_fault: u32) -> Self {
        Self {
            agent: Agent::new(Chip::new(flash), Sharing::Alone),
            random: Random(seed),
            bytes_per_fault,
            dead: false,
            to_host: VecDeque::new(),
            sent: [0; 2],
            action: None,
        }
    }
}

/// What becomes of a byte on the wire.
fn carry(random: &mut Random, bytes_per_fault: u32, byte: u8) -> Vec<u8> {
    if bytes_per_fault == 0 || random.below(bytes_per_fault) > 0 {
        return vec![byte];
    }
    match random.below(5) {
        0 => vec![],
        1 => vec![byte ^ (1 << random.below(8))],
        2 => vec![byte, byte],
        3 => vec![random.below(256) as u8, byte],
        // A burst of boot text in the middle.
        _ => b"\r\nESP-ROM:esp32c3-api1-20210207\r\n"
            .iter()
            .copied()
            .chain([byte])
            .collect(),
    }
}

impl Link for Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.dead {
            return Ok(());
        }
        self.sent[0] += bytes.len() as u64;
        for &byte in bytes {
            for byte in carry(&mut self.random, self.bytes_per_fault, byte) {
                let (random, to_host, sent) = (&mut self.random, &mut self.to_host, &mut self.sent);
                let faults = self.bytes_per_fault;
                let action = self.agent.receive(byte, &mut |frame| {
                    sent[1] += frame.len() as u64;
                    for &byte in frame {
                        to_host.extend(carry(random, faults, byte));
                    }
                });
                self.action = action.or(self.action);
            }
        }
        Ok(())
    }

    fn receive(&mut self, into: &mut [u8], _: Duration) -> io::Result<usize> {
        // In pieces of any size, as a driver gives them.
        let len = (1 + self.random.below(900) as usize)
            .min(into.len())
            .min(self.to_host.len());
        for (slot, byte) in into.iter_mut().zip(self.to_host.drain(..len)) {
            *slot = byte;
        }
        Ok(len)
    }
}

fn name(number: usize) -> String {
    format!("n{number:03}")
}

/// Flash with a table and an image of `files` files, and the files' bytes.
fn flash(files: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut random = Random(11);
    let mut flash = vec![0xFF; SIZE];
    flash[0x8000..0x8020].fill(0);
    flash[0x8000..0x8004].copy_from_slice(&[0xAA, 0x50, 1, 6]);
    flash[0x8004..0x8008].copy_from_slice(&(BIN as u32).to_le_bytes());
    flash[0x8008..0x800C].copy_from_slice(&((SIZE - BIN) as u32).to_le_bytes());
    flash[0x800C..0x800F].copy_from_slice(b"bin");
    let mut at = 16 * (files + 1);
    let mut contents = Vec::new();
    for number in 0..files {
        let bytes: Vec<u8> = (0..random.below(800))
            .map(|_| random.below(256) as u8)
            .collect();
        let entry = &mut flash[BIN + 16 * number..BIN + 16 * (number + 1)];
        entry.fill(0);
        entry[..4].copy_from_slice(&(at as u32).to_le_bytes());
        entry[4..8].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        entry[8..12].copy_from_slice(name(number).as_bytes());
        flash[BIN + at..BIN + at + bytes.len()].copy_from_slice(&bytes);
        at += bytes.len().next_multiple_of(16);
        contents.push(bytes);
    }
    (flash, contents)
}

fn place() -> Place {
    Place::new(UNKNOWN, b"bin").unwrap()
}

fn client(wire: Wire) -> AgentClient<Wire> {
    let mut client = AgentClient::new(wire);
    client.number_from(0x55AA);
    client.assume_baud(921_600);
    client
}

/// Every question there is, each answer compared with the flash.
fn ask_everything(client: &mut AgentClient<Wire>, flash: &[u8], contents: &[Vec<u8>]) {
    let on = |_| ControlFlow::Continue(());
    assert_eq!(client.info().unwrap().flash_size as usize, SIZE);
    for number in [0, 7, contents.len() - 1] {
        let found = client
            .find(
                place(),
                name(number).as_bytes(),
                FindFlags(FindFlags::COMPUTE_CRC),
            )
            .unwrap();
        assert_eq!(found.crc32, crc32fast::hash(&contents[number]));
        let bytes = client
            .read(found.flash_offset, found.size, &mut |done| on(done))
            .unwrap();
        assert_eq!(bytes, contents[number]);
        let sum = client.crc_file(place(), name(number).as_bytes()).unwrap();
        assert_eq!((sum.computed, sum.recorded), (found.crc32, None));
    }
    let missing = client.find(place(), b"none", FindFlags(0)).unwrap_err();
    assert_eq!(missing.fault(), Some(Fault::NotFound));
    let names: Vec<String> = (0..contents.len() + 3).map(name).collect();
    let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    let spots = client.find_many(place(), &names).unwrap();
    for (number, spot) in spots.iter().enumerate() {
        match contents.get(number) {
            Some(bytes) => assert_eq!(spot.unwrap().size as usize, bytes.len()),
            None => assert_eq!(*spot, Err(Fault::NotFound)),
        }
    }
    let listed = client.list(place(), b"").unwrap();
    assert_eq!(listed.len(), contents.len());
    for (line, (number, bytes)) in listed.iter().zip(contents.iter().enumerate()) {
        assert!(
            line.name.starts_with(name(number).as_bytes()) && !line.flags.has(ListedFlags::CORRUPT)
        );
        let start = BIN + line.offset as usize;
        assert_eq!(&flash[start..start + line.size as usize], bytes);
    }
    let bytes = client.read(0x7000, 0x1_2345, &mut |done| on(done)).unwrap();
    assert_eq!(bytes, flash[0x7000..0x7000 + 0x1_2345]);
    let digests = client
        .digests(0, SIZE as u32, &mut |done| on(done))
        .unwrap();
    let expected: Vec<u32> = flash.chunks(4096).map(crc32fast::hash).collect();
    assert_eq!(
        digests
            .iter()
            .map(|digest| digest.crc32)
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(client.table(UNKNOWN).unwrap(), flash[0x8000..0x8020]);
    assert_eq!(client.map(MapAction::All).unwrap().header.own, 16);
    let value = client.peek(0x1_0001, Width::Four).unwrap().value;
    assert_eq!(value.to_le_bytes(), flash[0x1_0001..0x1_0005]);
    assert_eq!(
        client.crc_region(1, 77_777).unwrap().crc32,
        crc32fast::hash(&flash[1..77_778])
    );
    assert_eq!(
        client.verify(place(), b"").unwrap().tally.files as usize,
        contents.len()
    );
    assert_eq!(client.self_test(0x8001, 5000).unwrap().different, 0);
    assert_eq!(
        client
            .bench(place(), b"n001", 5, FindFlags(0))
            .unwrap()
            .count,
        5
    );
}

#[test]
fn a_good_link_carries_every_question() {
    let (flash, contents) = flash(400);
    let mut client = client(Wire::new(flash.clone(), 1, 0));
    ask_everything(&mut client, &flash, &contents);
    client.set_baud(921_600).unwrap();
    assert_eq!(client.link_mut().action, Some(Action::SetBaud(921_600)));
    client.restart(RestartInto::Loader).unwrap();
    assert_eq!(
        client.link_mut().action,
        Some(Action::Restart(RestartInto::Loader))
    );
}

#[test]
fn a_faulty_link_makes_no_answer_wrong() {
    let (flash, contents) = flash(400);
    for seed in 1..=12 {
        let mut client = client(Wire::new(flash.clone(), seed, 12_000));
        ask_everything(&mut client, &flash, &contents);
    }
}

#[test]
fn a_very_faulty_link_gives_right_answers_or_none() {
    let (flash, contents) = flash(400);
    let (mut right, mut silent) = (0, 0);
    for seed in 1..=200 {
        let mut client = client(Wire::new(flash.clone(), seed, 150));
        let number = (seed % 400) as usize;
        match client.find(place(), name(number).as_bytes(), FindFlags(0)) {
            Ok(found) => {
                assert_eq!(found.size as usize, contents[number].len());
                right += 1;
            }
            Err(AgentError::Silent { .. }) => silent += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(right > 150, "{right} right, {silent} silent");
}

#[test]
fn a_dead_link_is_silent_and_not_for_ever() {
    let (flash, _) = flash(4);
    let mut wire = Wire::new(flash, 1, 0);
    wire.dead = true;
    let mut client = client(wire);
    assert!(matches!(
        client.hello(Duration::from_millis(250)),
        Err(AgentError::Silent { attempts: 1, .. })
    ));
    assert!(matches!(client.info(), Err(AgentError::Silent { .. })));
    let read = client.read(0, 100_000, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(read, Err(AgentError::Silent { .. })));
}

#[test]
fn reading_stops_when_asked() {
    let (flash, _) = flash(4);
    let mut client = client(Wire::new(flash, 1, 0));
    let stop = |done: u32| {
        if done >= 50_000 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    match client.read(0, SIZE as u32, &mut |done| stop(done)) {
        Err(AgentError::Cancelled { done }) => assert!((50_000..200_000).contains(&done), "{done}"),
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
    assert!(client.info().is_ok(), "the link is of use afterwards");
}

#[test]
fn the_wire_carries_no_more_than_promised() {
    let (flash, contents) = flash(400);
    let mut client = client(Wire::new(flash, 1, 0));
    let names: Vec<String> = (0..1000)
        .map(|number| name(number % contents.len()))
        .collect();
    let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    client.find_many(place(), &names).unwrap();
    let [up, down] = std::mem::take(&mut client.link_mut().sent);
    // 921,600 bits per second are 92,160 bytes; both directions at once, so the longer one counts.
    let millis = up.max(down) * 1000 / 92_160;
    assert!(
        millis <= 150,
        "{millis} ms for 1,000 look-ups: {up} bytes up, {down} down"
    );
    client
        .read(0, 1 << 19, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    let [_, down] = client.link_mut().sent;
    assert!(
        (1_u64 << 19) * 10 >= down * 9,
        "{down} bytes on the wire for half a MiB"
    );
}
