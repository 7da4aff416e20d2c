//! The agent on the practice board: the same library that runs on a chip, over the board's flash and an MMU of 128
//! entries with the cache behind it.
//!
//! The board has no processor, so nothing here has cycles: the clock's frequency is reported as unknown, and so is the
//! length of everything that is measured. What is told from requests and replies here serves only the counters.

use std::cell::Cell;
use std::sync::Arc;

use device_agent::agent::{Action, Agent};
use device_agent::frame::Decoder;
use device_agent::message::{Kind, MAX_DECODED, ReplyHeader};
use device_agent::mmu::{ENTRIES, Hardware, INVALID, PAGE_MASK, PAGE_SIZE, Sharing};
use device_agent::reply::{FileSum, Verified};
use device_agent::request::{Into as RestartInto, Request};

use super::boot::Loaded;
use super::program::Next;
use super::ram::Segment;
use super::silicon::Silicon;

/// The program that a host must have loaded, or the board must have booted, for it to be the agent.
#[derive(Clone, Debug, Default)]
pub struct Firmware {
    pub entry: u32,
    pub segments: Vec<Segment>,
    /// The image of the same program as an app in flash.
    pub app_image: Vec<u8>,
}

impl Firmware {
    /// Whether an app that was booted is this program, byte for byte.
    pub fn is_app(&self, flash: &[u8], app: &Loaded) -> bool {
        let image = flash.get(app.offset as usize..).unwrap_or_default();
        !self.app_image.is_empty() && image.starts_with(&self.app_image)
    }

    /// Whether this is what was loaded and started: every byte, at its address, and nothing else. A loader pads a
    /// segment with zeros to a multiple of 4 bytes.
    pub fn is(&self, entry: u32, loaded: &[Segment]) -> bool {
        // Memory as it is after everything was loaded: what was sent again lies over what came first.
        let in_memory = |wanted: &Segment| {
            let mut memory = vec![None; wanted.bytes.len()];
            for segment in loaded {
                for (at, &byte) in (segment.addr..).zip(&segment.bytes) {
                    let place = at.checked_sub(wanted.addr).map(|place| place as usize);
                    if let Some(cell) = place.and_then(|place| memory.get_mut(place)) {
                        *cell = Some(byte);
                    }
                }
            }
            wanted
                .bytes
                .iter()
                .zip(memory)
                .all(|(wanted, held)| held == Some(*wanted))
        };
        let is_wanted = |at: u32, byte: u8| {
            self.segments.iter().any(|wanted| {
                let place = at.checked_sub(wanted.addr).map(|place| place as usize);
                place.is_some_and(|place| {
                    let len = wanted.bytes.len();
                    place < len || (byte == 0 && place < len.next_multiple_of(4))
                })
            })
        };
        let mut sent = loaded
            .iter()
            .flat_map(|segment| (segment.addr..).zip(&segment.bytes));
        !self.segments.is_empty()
            && entry == self.entry
            && self.segments.iter().all(in_memory)
            && sent.all(|(at, &byte)| is_wanted(at, byte))
    }
}

/// The agent, running.
#[derive(Debug)]
pub struct AgentMode {
    agent: Box<Agent<Chip>>,
    /// Reads requests along with the agent, to count them.
    requests: Box<Decoder<MAX_DECODED>>,
}

/// What a byte has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Name of the request, as counted.
    pub command: &'static str,
    /// What the chip does next.
    pub next: Next,
}

impl AgentMode {
    /// The agent starts, with nothing mapped.
    pub fn start(silicon: &Silicon) -> Self {
        let chip = Chip::new(Arc::clone(silicon.flash.contents()));
        Self {
            agent: Box::new(Agent::new(chip, Sharing::Alone)),
            requests: Box::new(Decoder::new()),
        }
    }

    /// The agent starts as an app: with what the bootloader mapped, which is not its own.
    pub fn start_app(silicon: &Silicon, app: &Loaded) -> Self {
        let mut chip = Chip::new(Arc::clone(silicon.flash.contents()));
        for &(entry, page) in &app.mapped {
            chip.set_entry(entry, u32::from(page));
        }
        Self {
            agent: Box::new(Agent::new(chip, Sharing::Shared)),
            requests: Box::new(Decoder::new()),
        }
    }

    /// Takes a byte; what is answered is appended to `wire`. `None` if it completed no request.
    pub fn receive(
        &mut self,
        byte: u8,
        silicon: &mut Silicon,
        wire: &mut Vec<u8>,
    ) -> Option<Answered> {
        let request = self.requests.push(byte).map(<[u8]>::to_vec);
        if request.is_some() {
            // A test may have changed the flash behind the chip's back.
            self.agent.hardware_mut().flash = Arc::clone(silicon.flash.contents());
        }
        let start = wire.len();
        let action = self
            .agent
            .receive(byte, &mut |frame| wire.extend_from_slice(frame));
        let request = request?;
        let (kind, zero, _, fields) = Request::header(&request)?;
        if let Ok(request) = Request::parse(kind, zero, fields) {
            let digested = digested_bytes(&request, wire.get(start..).unwrap_or_default());
            if digested > 0 {
                silicon.flash.count_agent_digest(digested);
            }
        }
        let next = match action {
            Some(Action::Restart(into)) => restart(into, silicon),
            // The board takes bytes at any speed.
            Some(Action::SetBaud(_)) | None => Next::Stay,
        };
        Some(Answered {
            command: name(Kind::from_number(kind)),
            next,
        })
    }
}

/// What the firmware does: the forced download bit as wanted, then the software reset.
fn restart(into: RestartInto, silicon: &mut Silicon) -> Next {
    let row = silicon.row;
    let force = u32::from(into == RestartInto::Loader);
    silicon.registers.write(row.force_download, force, 1, None);
    Next::of_register(silicon.registers.write(row.reset, 1 << 31, 1 << 31, None))
}

/// Bytes that the agent put through its sums for this request; 0 if it refused.
fn digested_bytes(request: &Request<'_>, replies: &[u8]) -> u64 {
    let mut decoder = Decoder::<MAX_DECODED>::new();
    let mut digested = 0;
    for &byte in replies {
        let Some((header, fields)) = decoder.push(byte).and_then(ReplyHeader::parse) else {
            continue;
        };
        if header.status.is_err() {
            return 0;
        }
        digested = match request {
            Request::Digests { size, .. } | Request::CrcRegion { size, .. } => u64::from(*size),
            Request::CrcFile { .. } => FileSum::parse(fields).map_or(0, |sum| sum.size.into()),
            Request::Verify { .. } => {
                Verified::parse(fields).map_or(0, |proof| proof.tally.bytes.into())
            }
            _ => 0,
        };
    }
    digested
}

/// The name under which a request is counted.
fn name(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Info) => "AGENT_INFO",
        Some(Kind::Find) => "AGENT_FIND",
        Some(Kind::Read) => "AGENT_READ",
        Some(Kind::Restart) => "AGENT_RESTART",
        Some(Kind::FindMany) => "AGENT_FIND_MANY",
        Some(Kind::List) => "AGENT_LIST",
        Some(Kind::Table) => "AGENT_TABLE",
        Some(Kind::Map) => "AGENT_MAP",
        Some(Kind::Peek) => "AGENT_PEEK",
        Some(Kind::CrcRegion) => "AGENT_CRC_REGION",
        Some(Kind::CrcFile) => "AGENT_CRC_FILE",
        Some(Kind::Verify) => "AGENT_VERIFY",
        Some(Kind::Digests) => "AGENT_DIGESTS",
        Some(Kind::SelfTest) => "AGENT_SELF_TEST",
        Some(Kind::SetBaud) => "AGENT_SET_BAUD",
        Some(Kind::Bench) => "AGENT_BENCH",
        None => "AGENT_UNKNOWN",
    }
}

/// The chip as the agent's MMU planner needs it.
///
/// The cache shows what an entry mapped when it was first read through, until it is invalidated: an agent that forgets
/// that reads the wrong page here too.
#[derive(Debug)]
struct Chip {
    flash: Arc<Vec<u8>>,
    entries: [u32; ENTRIES as usize],
    cached: [Cell<Option<u32>>; ENTRIES as usize],
    cycles: Cell<u32>,
}

impl Chip {
    fn new(flash: Arc<Vec<u8>>) -> Self {
        Self {
            flash,
            entries: [INVALID; ENTRIES as usize],
            cached: [const { Cell::new(None) }; ENTRIES as usize],
            cycles: Cell::new(0),
        }
    }
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

    fn invalidate(&mut self, index: u8) {
        if let Some(cached) = self.cached.get(usize::from(index)) {
            cached.set(None);
        }
    }

    fn page(&self, index: u8) -> &[u8] {
        let Some(cached) = self.cached.get(usize::from(index)) else {
            return &[];
        };
        let entry = cached.get().unwrap_or_else(|| self.entry(index));
        if entry & INVALID != 0 {
            return &[];
        }
        cached.set(Some(entry));
        let start = (entry & PAGE_MASK) as usize * PAGE_SIZE as usize;
        let rest = self.flash.get(start..).unwrap_or_default();
        rest.get(..PAGE_SIZE as usize).unwrap_or(rest)
    }

    fn rom_read(&mut self, offset: u32, into: &mut [u8]) -> bool {
        let from = self
            .flash
            .get(offset as usize..)
            .and_then(|rest| rest.get(..into.len()));
        if let Some(from) = from {
            into.copy_from_slice(from);
        }
        from.is_some()
    }

    /// One less each time it is read: whatever is measured then takes [`device_agent::message::UNKNOWN`] cycles, which
    /// is the truth about a board without a processor.
    fn cycles(&self) -> u32 {
        self.cycles.set(self.cycles.get().wrapping_sub(1));
        self.cycles.get()
    }
}

#[cfg(test)]
mod tests {
    use device_agent::frame::encode;
    use device_agent::message::{MAX_ENCODED, UNKNOWN, Writer};

    use super::super::chips;
    use super::super::faults::Faults;
    use super::super::flash::Flash;
    use super::super::program::Into;
    use super::super::ram::Ram;
    use super::super::registers::Registers;
    use super::*;

    fn silicon(size: usize) -> Silicon {
        let row = chips::row(crate::model::chip::Chip::Esp32c3).unwrap();
        let bytes = (0..size)
            .map(|at| (at / 251) as u8 ^ (at >> 16) as u8)
            .collect();
        Silicon {
            row,
            flash: Flash::new(bytes, &Faults::default()),
            registers: Registers::new(row, [0; 6], false),
            ram: Ram::default(),
            secure_download: false,
            encrypted: false,
            secure_boot: false,
        }
    }

    /// Asks; returns what was answered, and the fields of all replies.
    fn ask(
        agent: &mut AgentMode,
        silicon: &mut Silicon,
        request: &Request<'_>,
    ) -> (Answered, Vec<Vec<u8>>) {
        let mut writer = Writer::new();
        request.write(7, &mut writer);
        let mut buffer = [0; MAX_ENCODED];
        let frame = encode(writer.message().unwrap(), &mut buffer).unwrap();
        let mut wire = Vec::new();
        let answered = frame
            .iter()
            .find_map(|byte| agent.receive(*byte, silicon, &mut wire))
            .unwrap();
        let mut decoder = Decoder::<MAX_DECODED>::new();
        let mut replies = Vec::new();
        for byte in wire {
            if let Some((header, fields)) = decoder.push(byte).and_then(ReplyHeader::parse) {
                assert_eq!((header.status, header.sequence), (Ok(()), 7));
                replies.push(fields.to_vec());
            }
        }
        (answered, replies)
    }

    #[test]
    fn reads_flash_across_every_page_of_a_chip_that_is_larger_than_the_mmu() {
        let mut silicon = silicon(0x100_0000);
        let mut agent = AgentMode::start(&silicon);
        for offset in (0..0x100_0000u32).step_by(0xF_FFF0) {
            let size = 40.min(0x100_0000 - offset);
            let (answered, replies) =
                ask(&mut agent, &mut silicon, &Request::Read { offset, size });
            assert_eq!(
                (answered.command, answered.next),
                ("AGENT_READ", Next::Stay)
            );
            let data: Vec<u8> = replies
                .iter()
                .flat_map(|fields| fields[4..].to_vec())
                .collect();
            assert_eq!(
                data,
                silicon.flash.read(offset, size as usize),
                "{offset:#x}"
            );
        }
    }

    #[test]
    fn digests_are_counted_and_the_self_test_agrees() {
        let mut silicon = silicon(0x20_0000);
        let mut agent = AgentMode::start(&silicon);
        ask(
            &mut agent,
            &mut silicon,
            &Request::Digests {
                offset: 0,
                size: 0x1_0000,
            },
        );
        assert_eq!(silicon.flash.counters().bytes_hashed, 0x1_0000);
        assert_eq!(silicon.flash.take_work().agent_digest_bytes, 0x1_0000);
        let (_, replies) = ask(
            &mut agent,
            &mut silicon,
            &Request::SelfTest {
                offset: 0xFFF0,
                size: 0x40,
            },
        );
        let tested = device_agent::reply::SelfTested::parse(&replies[0]).unwrap();
        assert_eq!(
            (tested.compared, tested.different, tested.first),
            (0x40, 0, UNKNOWN)
        );
    }

    #[test]
    fn nothing_has_a_length_in_cycles() {
        let mut silicon = silicon(0x20_0000);
        let mut agent = AgentMode::start(&silicon);
        let request = Request::CrcRegion {
            offset: 0,
            size: 0x1000,
        };
        let (_, replies) = ask(&mut agent, &mut silicon, &request);
        let sums = device_agent::reply::RegionSums::parse(&replies[0]).unwrap();
        assert_eq!(sums.cycles, UNKNOWN);
        assert_eq!(sums.crc32, crc32fast::hash(&silicon.flash.read(0, 0x1000)));
    }

    #[test]
    fn a_restart_leads_where_it_was_told() {
        for (into, expected) in [
            (RestartInto::Loader, Into::Loader),
            (RestartInto::Flash, Into::Flash),
        ] {
            let mut silicon = silicon(0x20_0000);
            let mut agent = AgentMode::start(&silicon);
            let (answered, replies) = ask(&mut agent, &mut silicon, &Request::Restart { into });
            assert_eq!(replies.len(), 1, "it answers before it resets");
            assert_eq!(answered.next, Next::Reset(expected));
        }
    }

    #[test]
    fn damaged_requests_and_the_loaders_are_not_answered() {
        let mut silicon = silicon(0x20_0000);
        let mut agent = AgentMode::start(&silicon);
        let mut wire = Vec::new();
        let mut sync = vec![0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20];
        sync.extend([0x55; 32]);
        sync.extend([0xC0, 0, 1, 2, 3, 0]);
        for byte in sync {
            assert_eq!(agent.receive(byte, &mut silicon, &mut wire), None);
        }
        assert!(wire.is_empty());
    }

    #[test]
    fn only_the_firmware_itself_is_the_agent() {
        let segment = |addr, bytes: &[u8]| Segment {
            addr,
            bytes: bytes.to_vec(),
        };
        let firmware = Firmware {
            entry: 0x403A_0000,
            segments: vec![segment(0x403A_0000, &[1, 2, 3]), segment(0x3FCA_8000, &[4])],
            app_image: vec![7, 8],
        };
        let code = || segment(0x403A_0000, &[1, 2, 3, 0]);
        let data = || segment(0x3FCA_8000, &[4]);
        assert!(firmware.is(0x403A_0000, &[code(), data()]));
        assert!(firmware.is(0x403A_0000, &[data(), code()]));
        assert!(!firmware.is(0x403A_0004, &[code(), data()]));
        assert!(!firmware.is(0x403A_0000, &[code()]));
        assert!(!firmware.is(0x403A_0000, &[segment(0x403A_0000, &[1, 2, 9]), data()]));
        assert!(!firmware.is(0x403A_0000, &[segment(0x403A_0000, &[1, 2, 3, 1]), data()]));
        assert!(!firmware.is(0x403A_0000, &[segment(0x403A_0000, &[1, 2]), data()]));
        assert!(!firmware.is(0x403A_0000, &[code(), data(), segment(0, &[7])]));
        // Sent in pieces, one of them twice.
        let pieces = [
            segment(0x403A_0001, &[9]),
            code(),
            data(),
            segment(0x403A_0001, &[2]),
        ];
        assert!(firmware.is(0x403A_0000, &pieces));
        assert!(!firmware.is(0x403A_0000, &pieces[..1]));
        assert!(!Firmware::default().is(0, &[]));
        let at = |offset| Loaded {
            offset,
            mapped: Vec::new(),
        };
        assert!(firmware.is_app(&[0, 7, 8, 9], &at(1)));
        assert!(!firmware.is_app(&[0, 7, 8, 9], &at(0)));
        assert!(!firmware.is_app(&[0, 7], &at(1)));
        assert!(!Firmware::default().is_app(&[7, 8], &at(0)));
    }
}
