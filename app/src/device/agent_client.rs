//! The host's side of the device agent's protocol: typed questions over any link, with retries.
//!
//! A question is asked again when its answer is lost or damaged; answers are matched by sequence number, so a late one of
//! an earlier question does no harm, nor does boot text between frames. How long an answer may take is derived from the
//! bytes it moves and the flash it reads, at least 300 ms, times one scale. Opening ports and changing their speed is the
//! caller's business; so is loading the agent ([`super::agent_image`]).

mod exchange;

use std::ops::ControlFlow;
use std::time::Duration;

use device_agent::error::Error as AgentFault;
use device_agent::message::{
    DIGESTS_PER_FRAME, Fields, MAX_DATA, MAX_PAYLOAD, SECTOR_SIZE, UNKNOWN,
};
use device_agent::reply::{
    Benched, FileSum, Found, Info, Listed, MapHeader, Peeked, RegionSums, SelfTested, Spot,
    Verified,
};
use device_agent::request::{
    FindFlags, Into as RestartInto, MAX_NAMES, MapAction, Names, Place, Request, Width,
};
use thiserror::Error;

pub use exchange::Link;
use exchange::{Cost, Exchange};

/// Why the agent could not be asked, or what it refused.
#[derive(Debug, Error)]
pub enum AgentError {
    #[error("The port failed while the agent was asked for {asked}: {source}")]
    Link {
        asked: &'static str,
        source: std::io::Error,
    },
    #[error("The agent did not answer when asked for {asked}, {attempts} times")]
    Silent { asked: &'static str, attempts: u32 },
    #[error("The agent cannot give {asked}: {fault}")]
    Refused {
        asked: &'static str,
        fault: AgentFault,
    },
    #[error(
        "The agent's answer about {asked} is too short for protocol version {}",
        device_agent::PROTOCOL_VERSION
    )]
    Short { asked: &'static str },
    #[error(
        "The path or label is too long to ask the agent for {asked}: shorten it to {MAX_PAYLOAD} bytes in all"
    )]
    TooLong { asked: &'static str },
    #[error("Reading was cancelled after {done} bytes")]
    Cancelled { done: u32 },
}

impl AgentError {
    /// What the agent refused with, when it did.
    pub fn fault(&self) -> Option<AgentFault> {
        match self {
            Self::Refused { fault, .. } => Some(*fault),
            _ => None,
        }
    }
}

/// The two sums of one sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorDigest {
    /// CRC-32 as zlib computes it.
    pub crc32: u32,
    /// CRC-32C (Castagnoli).
    pub crc32c: u32,
}

/// The MMU's entries as the agent sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MmuMap {
    pub header: MapHeader,
    /// One for each entry; see the constants of [`MapHeader`].
    pub entries: Vec<u16>,
}

/// Asks an agent.
pub struct AgentClient<L> {
    exchange: Exchange<L>,
}

impl<L: Link> AgentClient<L> {
    /// A client at 115,200 bits per second, where every agent starts.
    pub fn new(link: L) -> Self {
        Self {
            exchange: Exchange::new(link),
        }
    }

    /// The line's speed, for time-outs, when the client did not change it itself.
    pub fn assume_baud(&mut self, baud: u32) {
        self.exchange.set_baud(baud);
    }

    /// Makes every time-out longer (over 1) or shorter.
    pub fn set_time_scale(&mut self, scale: f64) {
        self.exchange.set_time_scale(scale);
    }

    /// Numbers the questions from here on; otherwise they begin anywhere. For tests that must run the same every time.
    pub fn number_from(&mut self, sequence: u16) {
        self.exchange.set_sequence(sequence);
    }

    /// The link itself.
    pub fn link_mut(&mut self) -> &mut L {
        self.exchange.link_mut()
    }

    /// Gives the link back.
    pub fn into_link(self) -> L {
        self.exchange.into_link()
    }

    /// Asks once who is there and waits no longer than `patience`: to find out whether an agent answers at all.
    pub fn hello(&mut self, patience: Duration) -> Result<Info, AgentError> {
        self.exchange
            .once("its name", &Request::Info, patience, Info::parse)
    }

    /// Who answers, and what it can do.
    pub fn info(&mut self) -> Result<Info, AgentError> {
        self.exchange
            .call("its name", &Request::Info, Cost::SMALL, Info::parse)
    }

    /// Where a file is.
    pub fn find(
        &mut self,
        place: Place,
        path: &[u8],
        flags: FindFlags,
    ) -> Result<Found, AgentError> {
        // Its size is not known before: a whole partition of 16 MiB may be summed.
        let flash = if flags.has(FindFlags::COMPUTE_CRC) {
            16 << 20
        } else {
            1 << 20
        };
        self.exchange.call(
            "a file's place",
            &Request::Find { place, flags, path },
            Cost::flash(flash),
            Found::parse,
        )
    }

    /// Where several files are, several names to a frame and two frames under way; in the order asked.
    pub fn find_many(
        &mut self,
        place: Place,
        paths: &[&[u8]],
    ) -> Result<Vec<Result<Spot, AgentFault>>, AgentError> {
        let asked = "the places of files";
        let batches = batches(paths).ok_or(AgentError::TooLong { asked })?;
        let requests: Option<Vec<Request<'_>>> = batches
            .iter()
            .map(|batch| {
                Some(Request::FindMany {
                    place,
                    names: Names::new(batch)?,
                })
            })
            .collect();
        let requests = requests.ok_or(AgentError::TooLong { asked })?;
        let mut spots = Vec::with_capacity(paths.len());
        self.exchange
            .pipeline(asked, &requests, Cost::flash(1 << 20), |fields| {
                let fields = &mut Fields(fields);
                spots.extend(std::iter::from_fn(|| Spot::parse(fields)).map(found_or_fault));
            })?;
        if spots.len() == paths.len() {
            Ok(spots)
        } else {
            Err(AgentError::Short { asked })
        }
    }

    /// A directory, all of it; the empty path is the outermost Bin.
    pub fn list(&mut self, place: Place, path: &[u8]) -> Result<Vec<Listed>, AgentError> {
        let asked = "a directory";
        let mut lines: Vec<Listed> = Vec::new();
        loop {
            let start = lines.len() as u32;
            let request = Request::List { place, start, path };
            let (total, page) =
                self.exchange
                    .call(asked, &request, Cost::flash(4 << 20), |fields| {
                        let fields = &mut Fields(fields);
                        let (total, _start) = (fields.u32()?, fields.u32()?);
                        let page: Vec<Listed> =
                            std::iter::from_fn(|| Listed::parse(fields)).collect();
                        Some((total, page))
                    })?;
            let more = !page.is_empty();
            lines.extend(page);
            if lines.len() as u32 >= total {
                return Ok(lines);
            }
            if !more {
                return Err(AgentError::Short { asked });
            }
        }
    }

    /// The rows of the partition table as stored, 32 bytes each, the MD5 row included; without what ends them.
    pub fn table(&mut self, table_offset: u32) -> Result<Vec<u8>, AgentError> {
        let asked = "the partition table";
        let mut rows: Vec<u8> = Vec::new();
        loop {
            let start = (rows.len() / 32) as u32;
            let request = Request::Table {
                table_offset,
                start,
            };
            let (total, page) = self.exchange.call(asked, &request, Cost::SMALL, |fields| {
                let fields = &mut Fields(fields);
                let (total, _start) = (fields.u32()?, fields.u32()?);
                Some((total, fields.rest().to_vec()))
            })?;
            let more = page.len() >= 32;
            rows.extend(page.chunks_exact(32).flatten());
            if (rows.len() / 32) as u32 >= total {
                return Ok(rows);
            }
            if !more {
                return Err(AgentError::Short { asked });
            }
        }
    }

    /// The MMU's entries, after an action.
    pub fn map(&mut self, action: MapAction) -> Result<MmuMap, AgentError> {
        self.exchange.call(
            "the MMU's entries",
            &Request::Map { action },
            Cost::SMALL,
            |fields| {
                let fields = &mut Fields(fields);
                let header = MapHeader::parse(fields)?;
                let entries: Option<Vec<u16>> = (0..header.entries).map(|_| fields.u16()).collect();
                Some(MmuMap {
                    header,
                    entries: entries?,
                })
            },
        )
    }

    /// One byte, half-word or word, aligned or not.
    pub fn peek(&mut self, offset: u32, width: Width) -> Result<Peeked, AgentError> {
        self.exchange.call(
            "a word of flash",
            &Request::Peek { offset, width },
            Cost::SMALL,
            Peeked::parse,
        )
    }

    /// Sums of a region.
    pub fn crc_region(&mut self, offset: u32, size: u32) -> Result<RegionSums, AgentError> {
        self.exchange.call(
            "a region's sum",
            &Request::CrcRegion { offset, size },
            Cost::flash(size),
            RegionSums::parse,
        )
    }

    /// Sum of a file's bytes, beside what its check record holds.
    pub fn crc_file(&mut self, place: Place, path: &[u8]) -> Result<FileSum, AgentError> {
        self.exchange.call(
            "a file's sum",
            &Request::CrcFile { place, path },
            Cost::flash(16 << 20),
            FileSum::parse,
        )
    }

    /// Proof of a Bin and all in it; the empty path is the outermost.
    pub fn verify(&mut self, place: Place, path: &[u8]) -> Result<Verified, AgentError> {
        self.exchange.call(
            "a proof",
            &Request::Verify { place, path },
            Cost::flash(16 << 20),
            Verified::parse,
        )
    }

    /// Mapped reads against the ROM's own, over a region; keep it below some 100 KiB, the ROM is slow.
    pub fn self_test(&mut self, offset: u32, size: u32) -> Result<SelfTested, AgentError> {
        let cost = Cost::flash(size.saturating_mul(8));
        self.exchange.call(
            "a self-test",
            &Request::SelfTest { offset, size },
            cost,
            SelfTested::parse,
        )
    }

    /// Cycles of `count` look-ups of one path.
    pub fn bench(
        &mut self,
        place: Place,
        path: &[u8],
        count: u16,
        flags: FindFlags,
    ) -> Result<Benched, AgentError> {
        let cost = Cost::flash(u32::from(count).saturating_mul(64 * 1024));
        self.exchange.call(
            "a benchmark",
            &Request::Bench {
                place,
                count,
                flags,
                path,
            },
            cost,
            Benched::parse,
        )
    }

    /// Makes the agent change its speed. The caller changes the port's when this is back.
    pub fn set_baud(&mut self, baud: u32) -> Result<(), AgentError> {
        self.exchange.call(
            "another speed",
            &Request::SetBaud { baud },
            Cost::SMALL,
            |_| Some(()),
        )?;
        self.exchange.set_baud(baud);
        Ok(())
    }

    /// Resets the chip into the loader or into flash; the agent is gone when this is back.
    pub fn restart(&mut self, into: RestartInto) -> Result<(), AgentError> {
        self.exchange
            .call("a restart", &Request::Restart { into }, Cost::SMALL, |_| {
                Some(())
            })
    }

    /// Reads a region of flash. `progress` is told how many bytes are there; its wish to stop is kept at the end of a
    /// chunk of at most half a second.
    pub fn read(
        &mut self,
        offset: u32,
        size: u32,
        progress: &mut dyn FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, AgentError> {
        let asked = "bytes of flash";
        let chunk = (self.exchange.baud() / 20)
            .next_multiple_of(SECTOR_SIZE)
            .clamp(SECTOR_SIZE, 64 * 1024);
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            let before = bytes.len() as u32;
            let len = chunk.min(size - before);
            let start = offset.saturating_add(before);
            let mut stop = ControlFlow::Continue(());
            let request = |done: u32| Request::Read {
                offset: start.saturating_add(done),
                size: len - done,
            };
            self.exchange
                .stream(asked, len, MAX_DATA as u32, request, |done, fields| {
                    let fields = &mut Fields(fields);
                    let follows = fields.u32()? == start.saturating_add(done);
                    let data = fields.rest();
                    if !follows || data.len() > (len - done) as usize {
                        return None;
                    }
                    bytes.extend_from_slice(data);
                    stop = progress(bytes.len() as u32);
                    Some(data.len() as u32)
                })?;
            let done = bytes.len() as u32;
            if done >= size {
                return Ok(bytes);
            }
            if stop.is_break() {
                return Err(AgentError::Cancelled { done });
            }
        }
    }

    /// Both sums of every sector of a region; offset and size are multiples of 4096. `progress` is told how many bytes
    /// are summed; its wish to stop is kept at the end of a MiB.
    pub fn digests(
        &mut self,
        offset: u32,
        size: u32,
        progress: &mut dyn FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<SectorDigest>, AgentError> {
        const CHUNK: u32 = 1 << 20;
        let asked = "digests of flash";
        let mut digests: Vec<SectorDigest> = Vec::new();
        loop {
            let before = (digests.len() as u32).saturating_mul(SECTOR_SIZE);
            let len = CHUNK.min(size - before);
            let start = offset.saturating_add(before);
            let mut stop = ControlFlow::Continue(());
            let request = |done: u32| Request::Digests {
                offset: start.saturating_add(done),
                size: len - done,
            };
            let per_frame = DIGESTS_PER_FRAME * SECTOR_SIZE;
            self.exchange
                .stream(asked, len, per_frame, request, |done, fields| {
                    let fields = &mut Fields(fields);
                    let (at, count) = (fields.u32()?, fields.u32()?);
                    if at != start.saturating_add(done) || count > (len - done) / SECTOR_SIZE {
                        return None;
                    }
                    let sector = |_| {
                        Some(SectorDigest {
                            crc32: fields.u32()?,
                            crc32c: fields.u32()?,
                        })
                    };
                    let page: Option<Vec<SectorDigest>> = (0..count).map(sector).collect();
                    digests.extend(page?);
                    stop = progress((digests.len() as u32).saturating_mul(SECTOR_SIZE));
                    Some(count * SECTOR_SIZE)
                })?;
            let done = (digests.len() as u32).saturating_mul(SECTOR_SIZE);
            if done >= size {
                return Ok(digests);
            }
            if stop.is_break() {
                return Err(AgentError::Cancelled { done });
            }
        }
    }
}

/// The names of each request: a byte of length and the bytes. `None` when one has over 255 bytes.
fn batches(paths: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    /// Bytes of names in one request, after the place.
    const ROOM: usize = MAX_PAYLOAD - 20;
    let mut batches: Vec<Vec<u8>> = Vec::new();
    let mut names = 0;
    for path in paths {
        let len = u8::try_from(path.len()).ok()?;
        let fits = batches
            .last()
            .is_some_and(|batch| batch.len() + 1 + path.len() <= ROOM && names < MAX_NAMES);
        if !fits {
            batches.push(Vec::with_capacity(ROOM));
            names = 0;
        }
        let batch = batches.last_mut()?;
        batch.push(len);
        batch.extend_from_slice(path);
        names += 1;
    }
    Some(batches)
}

/// A spot, or the fault that stands in its place.
fn found_or_fault(spot: Spot) -> Result<Spot, AgentFault> {
    if spot.offset != UNKNOWN {
        return Ok(spot);
    }
    Err(u8::try_from(spot.size)
        .ok()
        .and_then(AgentFault::from_number)
        .unwrap_or(AgentFault::Unsupported))
}
