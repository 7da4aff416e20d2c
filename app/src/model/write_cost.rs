//! What the ways of finding out and of sending cost on one link with one flash chip: the figures behind every decision
//! of a write. They come from [`super::cost`], as the practice board's reports do, and are modelled.

use std::time::Duration;

use super::cost::{Link, Part, STUB_BLOCK, Work, framed_len};
use super::region::{BLOCK, Region, SECTOR};

/// Bytes on the wire of a question for a digest, and of its answer.
const ASK_WIRE: (u64, u64) = (26, 28);
/// Bytes on the wire of the request that begins a run, and of its answer.
const BEGIN_WIRE: u64 = 26 + 12;
/// Sizes of a chunk that may be asked about as a whole.
const CHUNKS: [u32; 4] = [0x2000, 0x4000, 0x8000, 0x1_0000];
/// Changed places in a MiB that the size of a chunk is chosen for: a file that grew, its directory, and some.
const CHANGES_PER_MIB: u32 = 4;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCost {
    link: Link,
    part: Part,
}

impl WriteCost {
    pub const fn new(link: Link, part: Part) -> Self {
        Self { link, part }
    }

    /// One digest of the stub over this many bytes.
    pub fn ask(self, bytes: u64) -> Duration {
        self.link.carry(ASK_WIRE.0 + ASK_WIRE.1)
            + self.link.turn_round()
            + Work::md5(bytes).time(self.part)
    }

    /// Sending one run of whole sectors and proving it. The chip erases and programs while it receives.
    pub fn write(self, run: Region) -> Duration {
        if run.size == 0 {
            return Duration::ZERO;
        }
        let size = u64::from(run.size);
        let blocks = size.div_ceil(u64::from(STUB_BLOCK)) as u32;
        let wire = self.link.carry(framed_len(size)) + self.link.turn_round() * blocks;
        let flash = (Work::erase(run) + Work::program(run)).time(self.part);
        self.link.carry(BEGIN_WIRE) + self.link.turn_round() + wire.max(flash) + self.ask(size)
    }

    /// Bytes to ask about at once where nothing is known: few questions, and little to look at again around a change.
    pub fn chunk(self) -> u32 {
        let sector = self.ask(u64::from(SECTOR));
        let of = |chunk: u32| {
            let questions = self.ask(u64::from(chunk)) * ((1 << 20) / chunk);
            questions + sector * (chunk / SECTOR * CHANGES_PER_MIB)
        };
        let best = CHUNKS.into_iter().min_by_key(|chunk| of(*chunk));
        best.unwrap_or(STUB_BLOCK)
    }

    /// Whether asking about `rest` by chunks costs less than writing what of it is the same: `likely_same` thousandths.
    pub fn scan_pays(self, rest: Region, likely_same: u32) -> bool {
        let chunk = self.chunk();
        let questions = rest.size.div_ceil(chunk);
        let asking = self.ask(u64::from(chunk)) * questions;
        asking * 1000 <= self.write(rest) * likely_same
    }

    /// `runs`, which are in order inside `whole`, joined where one long run costs less than several: over a gap, or to
    /// a whole block that is erased at once.
    pub fn merged(self, runs: &[Region], whole: Region) -> Vec<Region> {
        let mut joined: Vec<Region> = Vec::new();
        for &run in runs {
            match joined.last_mut() {
                Some(last) if self.joining_pays(*last, run) => *last = hull(*last, run),
                _ => joined.push(run),
            }
        }
        let first = u64::from(whole.offset).div_ceil(u64::from(BLOCK));
        for number in first..whole.end() / u64::from(BLOCK) {
            let block = Region::new(number as u32 * BLOCK, BLOCK);
            let touched: Vec<Region> = joined
                .iter()
                .copied()
                .filter(|run| run.overlaps(block))
                .collect();
            let (Some(&start), Some(&end)) = (touched.first(), touched.last()) else {
                continue;
            };
            let one = hull(hull(start, end), block);
            let apart: Duration = touched.iter().map(|run| self.write(*run)).sum();
            if self.write(one) < apart {
                joined.retain(|run| !run.overlaps(block));
                let place = joined.partition_point(|run| run.offset < one.offset);
                joined.insert(place, one);
            }
        }
        joined
    }

    fn joining_pays(self, one: Region, next: Region) -> bool {
        self.write(hull(one, next)) <= self.write(one) + self.write(next)
    }
}

/// From the start of the first to the end of the last.
fn hull(one: Region, other: Region) -> Region {
    let offset = one.offset.min(other.offset);
    let end = one.end().max(other.end());
    Region::new(offset, (end - u64::from(offset)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Region = Region::new(0x10_0000, 0x10_0000);

    fn sector(index: u32) -> Region {
        Region::new(ALL.offset + index * SECTOR, SECTOR)
    }

    fn typical(link: Link) -> WriteCost {
        WriteCost::new(link, Part::TYPICAL)
    }

    #[test]
    fn sixteen_kib_is_the_best_chunk_on_every_reported_link() {
        for (name, link) in Link::REPORTED {
            assert_eq!(typical(link).chunk(), 0x4000, "{name}");
        }
    }

    #[test]
    fn a_gap_is_written_over_only_where_that_is_cheaper() {
        let cost = typical(Link::Usb);
        let apart = [sector(1), sector(9)];
        assert_eq!(cost.merged(&apart, ALL), apart);
        let touching = [sector(1), sector(2)];
        assert_eq!(
            cost.merged(&touching, ALL),
            [Region::new(sector(1).offset, 0x2000)]
        );
        // Every other sector of a block: one fast erase instead of eight slow ones.
        let comb: Vec<Region> = (16..32).step_by(2).map(sector).collect();
        let slow_erase = Part {
            sector: Duration::from_millis(120),
            ..Part::TYPICAL
        };
        let cost = WriteCost::new(Link::Usb, slow_erase);
        assert_eq!(
            cost.merged(&comb, ALL),
            [Region::new(sector(16).offset, BLOCK)]
        );
    }

    #[test]
    fn merging_never_costs_more_and_loses_nothing() {
        for seed in 0..500u32 {
            let mut state = seed.wrapping_mul(2_654_435_761) | 1;
            let mut index = 0;
            let mut runs = Vec::new();
            while index < 256 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let len = 1 + (state >> 24) % 4;
                runs.push(Region::new(
                    sector(index).offset,
                    len.min(256 - index) * SECTOR,
                ));
                index += len + 1 + (state >> 16) % (1 + seed % 20);
            }
            for link in [Link::Usb, Link::Uart(921_600), Link::Uart(115_200)] {
                let cost = typical(link);
                let merged = cost.merged(&runs, ALL);
                let total =
                    |runs: &[Region]| runs.iter().map(|run| cost.write(*run)).sum::<Duration>();
                assert!(total(&merged) <= total(&runs));
                for run in &runs {
                    assert!(merged.iter().any(|one| one.contains(*run)));
                }
                assert!(merged.is_sorted_by(|a, b| a.end() <= u64::from(b.offset)));
                assert!(merged.iter().all(|run| ALL.contains(*run)));
            }
        }
    }

    #[test]
    fn a_scan_pays_while_enough_is_the_same() {
        let cost = typical(Link::Usb);
        assert!(cost.scan_pays(ALL, 900));
        assert!(!cost.scan_pays(ALL, 100));
        assert!(cost.scan_pays(Region::new(0, 0), 0), "nothing left to ask");
    }
}
