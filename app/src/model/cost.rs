//! Modelled time: what a conversation with a board would take on a wire and with a flash chip of a given kind.
//!
//! There is one model and one set of parameters. The practice board uses it for its report, whichever client is
//! connected, and the engine uses it to choose between ways of doing a job; so a plan and its measurement can differ
//! only by what really went over the wire. Nothing here is a measurement: what comes out is always called modelled.
//! Not modelled: the processor time of either side, and reading flash (it is faster than every wire here).

use std::time::Duration;

use super::region::{BLOCK, Region, SECTOR};

/// Bytes that NOR flash programs at once.
pub const PAGE: u32 = 256;
/// Time to hash one MiB with the stub's or the ROM's MD5. Source: published by idftool's authors for an ESP32-S3.
pub const MD5_PER_MIB: Duration = Duration::from_millis(3300);
/// Time of one MD5 request besides the hashing itself. Same source.
pub const MD5_PER_CALL: Duration = Duration::from_millis(2);
/// Time of the agent to digest one MiB of mapped flash: an assumption, until it is measured on a chip.
pub const AGENT_DIGEST_PER_MIB: Duration = Duration::from_millis(150);
/// Payload bytes of a data block as esptool and espflash send it to the stub.
pub const STUB_BLOCK: u32 = 0x4000;

const MIB: u64 = 1 << 20;

/// How fast a flash chip is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// As typed at a command line.
    pub name: &'static str,
    /// Programming one page of 256 bytes.
    pub page: Duration,
    /// Erasing one sector of 4 KiB.
    pub sector: Duration,
    /// Erasing one block of 64 KiB.
    pub block: Duration,
}

impl Part {
    pub const FAST: Self = Self::new("fast", 400, 30, 120);
    /// Reproduces the published figure of an ESP32-S3: 0.5 s for a run of 64 KiB.
    pub const TYPICAL: Self = Self::new("typical", 900, 45, 200);
    pub const SLOW: Self = Self::new("slow", 1200, 60, 300);
    /// Every part, fastest first.
    pub const ALL: [Self; 3] = [Self::FAST, Self::TYPICAL, Self::SLOW];

    const fn new(
        name: &'static str,
        page_micros: u64,
        sector_millis: u64,
        block_millis: u64,
    ) -> Self {
        Self {
            name,
            page: Duration::from_micros(page_micros),
            sector: Duration::from_millis(sector_millis),
            block: Duration::from_millis(block_millis),
        }
    }

    /// The part as typed: `fast`, `typical`, `slow`.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name == text)
    }
}

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A UART of this many bits per second: ten bits a byte, and 2 ms between a request and its answer.
    Uart(u32),
    /// The chip's own USB: 1.0 MB/s, and 1 ms between a request and its answer.
    Usb,
}

impl Link {
    /// The links of a report, each with its name there.
    pub const REPORTED: [(&'static str, Self); 3] = [
        ("115200", Self::Uart(115_200)),
        ("921600", Self::Uart(921_600)),
        ("usb", Self::Usb),
    ];

    /// Time that `bytes` bytes take one way.
    pub fn carry(self, bytes: u64) -> Duration {
        let nanos_per_byte = |numerator: u64, per_second: u64| {
            let nanos =
                u128::from(bytes) * u128::from(numerator) * 1_000_000_000 / u128::from(per_second);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        match self {
            Self::Uart(baud) => nanos_per_byte(10, u64::from(baud.max(1))),
            Self::Usb => nanos_per_byte(1, 1_000_000),
        }
    }

    /// Time lost once per request, between its last byte and the first of its answer.
    pub const fn turn_round(self) -> Duration {
        match self {
            Self::Uart(_) => Duration::from_millis(2),
            Self::Usb => Duration::from_millis(1),
        }
    }
}

/// What the chip does besides talking. All fields are counts or bytes; works add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Pages of 256 bytes programmed.
    pub pages: u64,
    /// Sectors of 4 KiB erased.
    pub sectors: u64,
    /// Blocks of 64 KiB erased.
    pub blocks: u64,
    /// MD5 requests answered.
    pub md5_calls: u64,
    /// Bytes hashed with MD5.
    pub md5_bytes: u64,
    /// Bytes digested by the agent.
    pub agent_digest_bytes: u64,
}

impl Work {
    /// Nothing.
    pub const NONE: Self = Self {
        pages: 0,
        sectors: 0,
        blocks: 0,
        md5_calls: 0,
        md5_bytes: 0,
        agent_digest_bytes: 0,
    };

    /// Erasing every sector that `region` touches, each piece by the largest aligned unit that fits.
    pub fn erase(region: Region) -> Self {
        let mut work = Self::NONE;
        if region.size == 0 {
            return work;
        }
        let (block, sector) = (u64::from(BLOCK), u64::from(SECTOR));
        let start = u64::from(region.offset) / sector * sector;
        let end = region.end().div_ceil(sector) * sector;
        let (first_block, last_block) = (start.div_ceil(block) * block, end / block * block);
        if first_block < last_block {
            work.blocks = (last_block - first_block) / block;
            work.sectors = (first_block - start + end - last_block) / sector;
        } else {
            work.sectors = (end - start) / sector;
        }
        work
    }

    /// Programming every byte of `region`.
    pub fn program(region: Region) -> Self {
        if region.size == 0 {
            return Self::NONE;
        }
        let page = u64::from(PAGE);
        Self {
            pages: region.end().div_ceil(page) - u64::from(region.offset) / page,
            ..Self::NONE
        }
    }

    /// One MD5 request over `bytes` bytes.
    pub const fn md5(bytes: u64) -> Self {
        Self {
            md5_calls: 1,
            md5_bytes: bytes,
            ..Self::NONE
        }
    }

    /// The agent's digests over `bytes` bytes, however many requests they come in.
    pub const fn agent_digest(bytes: u64) -> Self {
        Self {
            agent_digest_bytes: bytes,
            ..Self::NONE
        }
    }

    /// How long this takes with that flash chip.
    pub fn time(&self, part: Part) -> Duration {
        times(part.page, self.pages)
            + times(part.sector, self.sectors)
            + times(part.block, self.blocks)
            + times(MD5_PER_CALL, self.md5_calls)
            + per_mib(MD5_PER_MIB, self.md5_bytes)
            + per_mib(AGENT_DIGEST_PER_MIB, self.agent_digest_bytes)
    }
}

impl std::ops::Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            pages: self.pages + other.pages,
            sectors: self.sectors + other.sectors,
            blocks: self.blocks + other.blocks,
            md5_calls: self.md5_calls + other.md5_calls,
            md5_bytes: self.md5_bytes + other.md5_bytes,
            agent_digest_bytes: self.agent_digest_bytes + other.agent_digest_bytes,
        }
    }
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

fn times(each: Duration, count: u64) -> Duration {
    let nanos = each.as_nanos() * u128::from(count);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn per_mib(each: Duration, bytes: u64) -> Duration {
    let nanos = each.as_nanos() * u128::from(bytes) / u128::from(MIB);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// One request with all that is answered to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Bytes on the wire to the board, framing included.
    pub to_board: u64,
    /// Bytes on the wire from the board, framing included.
    pub from_board: u64,
    /// What the chip does before it answers.
    pub before_answer: Work,
    /// What the chip does after it answered. The next answer waits for it: the stub's double buffering.
    pub after_answer: Work,
}

impl Exchange {
    /// A request that is answered without any work.
    pub const fn new(to_board: u64, from_board: u64) -> Self {
        Self {
            to_board,
            from_board,
            before_answer: Work::NONE,
            after_answer: Work::NONE,
        }
    }

    /// The same, with work that is done before the answer.
    #[must_use]
    pub const fn working(mut self, work: Work) -> Self {
        self.before_answer = work;
        self
    }

    /// The same, with work that is done after the answer.
    #[must_use]
    pub const fn then(mut self, work: Work) -> Self {
        self.after_answer = work;
        self
    }
}

/// Adds up a conversation over one link with one flash chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    link: Link,
    part: Part,
    /// When the host had the last answer.
    now: Duration,
    /// When the chip has finished what it does after an answer.
    busy_until: Duration,
}

impl Clock {
    /// A clock at 0.
    pub const fn new(link: Link, part: Part) -> Self {
        Self {
            link,
            part,
            now: Duration::ZERO,
            busy_until: Duration::ZERO,
        }
    }

    /// A request and its answers. The request travels while the chip may still be busy with the one before.
    pub fn exchange(&mut self, exchange: &Exchange) {
        let received = self.now + self.link.carry(exchange.to_board) + self.link.turn_round();
        let answered = received.max(self.busy_until) + exchange.before_answer.time(self.part);
        self.busy_until = answered + exchange.after_answer.time(self.part);
        self.now = answered + self.link.carry(exchange.from_board);
    }

    /// Bytes that belong to no request: noise, boot text, requests that were lost.
    pub fn carry(&mut self, bytes: u64) {
        self.now += self.link.carry(bytes);
    }

    /// The modelled time so far, until the chip is done too.
    pub fn elapsed(&self) -> Duration {
        self.now.max(self.busy_until)
    }
}

/// Bytes on the wire of a SLIP frame that carries `len` bytes of data without any pattern: one byte in 128 is escaped.
pub const fn framed_len(len: u64) -> u64 {
    2 + len + len.div_ceil(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_costs_ten_bits_a_byte() {
        assert_eq!(Link::Uart(115_200).carry(11_520), Duration::from_secs(1));
        assert_eq!(Link::Usb.carry(1_000_000), Duration::from_secs(1));
        assert_eq!(
            Link::Uart(0).carry(u64::MAX),
            Duration::from_nanos(u64::MAX)
        );
    }

    #[test]
    fn erases_by_the_largest_aligned_unit() {
        #[track_caller]
        fn check(offset: u32, size: u32, blocks: u64, sectors: u64) {
            let work = Work::erase(Region::new(offset, size));
            assert_eq!(
                (work.blocks, work.sectors),
                (blocks, sectors),
                "{offset:#x} {size:#x}"
            );
        }
        check(0, 0x1_0000, 1, 0);
        check(0xF000, 0x1_2000, 1, 2);
        check(0x8000, 0x8000, 0, 8);
        check(0x8000, 0xC000, 0, 12);
        check(0x1FFF, 2, 0, 2);
        check(0, 0, 0, 0);
        check(0xFFFF_F000, 0x1000, 0, 1);
    }

    #[test]
    fn counts_every_page_that_is_touched() {
        assert_eq!(Work::program(Region::new(0, 0x4000)).pages, 64);
        assert_eq!(Work::program(Region::new(0xFF, 2)).pages, 2);
        assert_eq!(Work::program(Region::new(7, 0)).pages, 0);
    }

    #[test]
    fn the_typical_part_reproduces_the_published_run_of_64_kib() {
        // idftool's authors: 0.50 s for one run of 64 KiB over USB on an ESP32-S3, connection not included.
        let region = Region::new(0x1_0000, 0x1_0000);
        let mut clock = Clock::new(Link::Usb, Part::TYPICAL);
        clock.exchange(&Exchange::new(34, 12).then(Work::erase(region)));
        for block in 0..4 {
            let piece = Region::new(region.offset + block * STUB_BLOCK, STUB_BLOCK);
            clock.exchange(&Exchange::new(framed_len(24 + 0x4000), 12).then(Work::program(piece)));
        }
        clock.exchange(&Exchange::new(14, 12));
        let seconds = clock.elapsed().as_secs_f64();
        assert!((0.4..0.55).contains(&seconds), "{seconds}");
    }

    #[test]
    fn programming_overlaps_the_next_request_and_delays_its_answer() {
        let part = Part::TYPICAL;
        let work = Work {
            pages: 64,
            ..Work::NONE
        };
        let block = Exchange::new(16_384, 12).then(work);
        let mut clock = Clock::new(Link::Usb, part);
        clock.exchange(&block);
        let first = clock.elapsed();
        clock.exchange(&block);
        // 16 ms of reception and 1 ms of turn-round vanish behind 57.6 ms of programming.
        assert_eq!(clock.elapsed(), first + work.time(part));
    }

    #[test]
    fn work_before_the_answer_is_never_hidden() {
        let mut clock = Clock::new(Link::Uart(115_200), Part::FAST);
        clock.exchange(&Exchange::new(0, 0).working(Work::md5(1 << 20)));
        assert_eq!(clock.elapsed(), Duration::from_millis(2 + 2 + 3300));
    }

    #[test]
    fn parts_are_found_by_name() {
        for part in Part::ALL {
            assert_eq!(Part::from_name(part.name), Some(part));
        }
        assert_eq!(Part::from_name("quick"), None);
    }
}
