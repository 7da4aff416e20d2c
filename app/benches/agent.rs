//! What the device agent costs on the wire and in the cache: counts and a model of the line, no clock. CPU cycles are
//! the chip's own business: `flashpack agent bench` asks a board for them.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use device_agent::agent::Agent;
use device_agent::message::UNKNOWN;
use device_agent::mmu::{ENTRIES, Hardware, INVALID, PAGE_MASK, PAGE_SIZE, Sharing};
use device_agent::request::Place;
use flashpack::device::agent_client::{AgentClient, Link};
use flashpack::formats::bin_image::{BinEntry, BinOptions, build};
use flashpack::formats::look_up_cost::{Way, fetches};

/// Flash of 4 MiB with an MMU.
struct Chip {
    flash: Vec<u8>,
    entries: [u32; ENTRIES as usize],
}

impl Hardware for Chip {
    fn flash_size(&self) -> u32 {
        self.flash.len() as u32
    }

    fn entry(&self, index: u8) -> u32 {
        self.entries
            .get(usize::from(index))
            .copied()
            .unwrap_or(INVALID)
    }

    fn set_entry(&mut self, index: u8, value: u32) {
        if let Some(entry) = self.entries.get_mut(usize::from(index)) {
            *entry = value;
        }
    }

    fn invalidate(&mut self, _: u8) {}

    fn page(&self, index: u8) -> &[u8] {
        let start = (self.entry(index) & PAGE_MASK) as usize * PAGE_SIZE as usize;
        self.flash
            .get(start..start + PAGE_SIZE as usize)
            .unwrap_or_default()
    }

    fn rom_read(&mut self, _: u32, _: &mut [u8]) -> bool {
        false
    }

    fn cycles(&self) -> u32 {
        0
    }
}

/// A line that counts its bytes.
struct Line {
    agent: Agent<Chip>,
    to_host: VecDeque<u8>,
    up: u64,
    down: u64,
}

impl Link for Line {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.up += bytes.len() as u64;
        for &byte in bytes {
            let to_host = &mut self.to_host;
            self.agent.receive(byte, &mut |frame| to_host.extend(frame));
        }
        Ok(())
    }

    fn receive(&mut self, into: &mut [u8], _: Duration) -> io::Result<usize> {
        let len = into.len().min(self.to_host.len());
        for (slot, byte) in into.iter_mut().zip(self.to_host.drain(..len)) {
            *slot = byte;
        }
        self.down += len as u64;
        Ok(len)
    }
}

fn names() -> Vec<String> {
    (0..1000).map(|number| format!("f{number:04}")).collect()
}

/// Flash with a table and a Bin of a thousand files.
fn flash() -> Vec<u8> {
    let mut flash = vec![0xFF; 4 << 20];
    let mut row = [0; 32];
    row[..4].copy_from_slice(&[0xAA, 0x50, 1, 6]);
    row[4..8].copy_from_slice(&0x30_0000_u32.to_le_bytes());
    row[8..12].copy_from_slice(&0x10_0000_u32.to_le_bytes());
    row[12..15].copy_from_slice(b"bin");
    flash[0x8000..0x8020].copy_from_slice(&row);
    let entries: Vec<BinEntry> = names()
        .into_iter()
        .map(|name| BinEntry::file(name, vec![7; 100]))
        .collect();
    let Ok(built) = build(&entries, &BinOptions::default(), None) else {
        return flash;
    };
    flash[0x30_0000..0x30_0000 + built.bytes.len()].copy_from_slice(&built.bytes);
    flash
}

/// Milliseconds of a UART line of 8N1, both directions at once, so that the longer one counts.
fn millis(bytes: u64, baud: u64) -> f64 {
    bytes as f64 * 10.0 * 1000.0 / baud as f64
}

#[expect(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]
fn main() {
    println!(
        "Fetches from flash of a look-up with a cold cache, modelled; goal: at most 12 among 1,000 sorted names"
    );
    for files in [10, 100, 1000, 4000] {
        println!(
            "  {files:5} files: sorted {:5.1} lines, unsorted {:6.1} lines, the seed's walk {:6.1} reads",
            fetches(files, Way::Sorted),
            fetches(files, Way::Unsorted),
            fetches(files, Way::SeedWalk),
        );
    }
    let chip = Chip {
        flash: flash(),
        entries: [INVALID; ENTRIES as usize],
    };
    let line = Line {
        agent: Agent::new(chip, Sharing::Alone),
        to_host: VecDeque::new(),
        up: 0,
        down: 0,
    };
    let mut client = AgentClient::new(line);
    client.assume_baud(921_600);
    let names = names();
    let paths: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    let place = Place::new(UNKNOWN, b"bin").unwrap();
    let spots = client.find_many(place, &paths).unwrap();
    assert!(spots.iter().all(Result::is_ok));
    let line = client.link_mut();
    println!(
        "1,000 look-ups, several names to a frame: {} bytes up, {} down, {:.0} ms on a line of 921,600 (modelled); goal 150 ms",
        line.up,
        line.down,
        millis(line.up.max(line.down), 921_600),
    );
    (line.up, line.down) = (0, 0);
    let size = 1 << 20;
    let bytes = client
        .read(0, size, &mut |_| ControlFlow::Continue(()))
        .unwrap();
    let down = client.link_mut().down;
    println!(
        "Reading {} bytes: {down} bytes down, {:.1} % of the line's rate is flash (modelled); goal 90 %",
        bytes.len(),
        100.0 * bytes.len() as f64 / down as f64,
    );
}
