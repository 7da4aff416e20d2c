//! Which sectors of the board differ from what it should hold, found by asking for digests.
//!
//! Pure over a digest function: large chunks are asked first, and only inside a chunk that differs single sectors. A
//! region is asked in order, so that the first difference is known early; nothing is asked twice. Two things end a scan
//! early: no match among a few sectors spread over the region, or so many differences that asking for the rest costs
//! more, by the cost model, than writing what of it is the same.

use std::ops::Range;

use md5::{Digest as _, Md5};

use crate::model::region::{Region, SECTOR};
use crate::model::write_cost::WriteCost;

/// Sectors that are probed before a scan is begun.
const PROBES: u32 = 6;
/// Sectors that must have been asked about before a scan is given up for what they told.
const EVIDENCE: u32 = 16;

/// The MD5 of a region on the board.
pub type Digest = [u8; 16];

/// The digest of bytes in hand, as the board would give it.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Md5::digest(bytes).into()
}

/// What is known before anything is asked.
pub struct Known<'a> {
    /// Whether the board holds these bytes in this sector, where that is certain.
    pub certain: &'a dyn Fn(Region, &[u8]) -> Option<bool>,
    /// The same where it is only likely: it decides what is asked together, and nothing else.
    pub likely: &'a dyn Fn(Region, &[u8]) -> Option<bool>,
}

/// The sectors of `wanted` that differ from the board, as merged runs of whole sectors, in order.
///
/// `offset` is where `wanted` belongs and must be a multiple of 4 KiB, and so must its length. `digest` asks the
/// board; `asked` hears how many bytes of the region are settled.
///
/// # Errors
/// Whatever `digest` fails with; the scan ends there.
pub fn differing<E>(
    offset: u32,
    wanted: &[u8],
    known: &Known<'_>,
    cost: WriteCost,
    digest: &mut dyn FnMut(Region) -> Result<Digest, E>,
    asked: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<Vec<Region>, E> {
    let sectors = wanted.len() as u32 / SECTOR;
    let at = |index: u32| sector(offset, index);
    let tell = |of: &dyn Fn(Region, &[u8]) -> Option<bool>| -> Vec<Option<bool>> {
        (0..sectors)
            .map(|index| of(at(index), slice(wanted, offset, at(index))))
            .collect()
    };
    let mut settled = tell(known.certain);
    let likely = tell(known.likely);
    let mut same = |indices: Range<u32>| {
        let region = Region::new(
            offset + indices.start * SECTOR,
            (indices.end - indices.start) * SECTOR,
        );
        Ok::<bool, E>(digest(region)? == digest_of(slice(wanted, offset, region)))
    };
    let nothing_known = settled.iter().chain(&likely).all(Option::is_none);
    if sectors > 2 * PROBES && nothing_known {
        let mut any_same = false;
        for probe in 0..PROBES {
            let index = probe * (sectors - 1) / (PROBES - 1);
            let matches = same(index..index + 1)?;
            settled[index as usize] = Some(matches);
            any_same |= matches;
            // One that matches is enough to know that a scan pays.
            if any_same {
                break;
            }
        }
        if !any_same {
            asked(wanted.len() as u64)?;
            return Ok(vec![Region::new(offset, wanted.len() as u32)]);
        }
    }
    let per_chunk = cost.chunk() / SECTOR;
    let mut told = Told::default();
    for first in (0..sectors).step_by(per_chunk as usize) {
        let last = (first + per_chunk).min(sectors);
        for group in groups(first..last, &settled, &likely) {
            told.count += group.end - group.start;
            settle(group.clone(), &mut settled, &mut same)?;
            told.same += group
                .filter(|index| settled[*index as usize] == Some(true))
                .count() as u32;
        }
        let rest = Region::new(offset + last * SECTOR, (sectors - last) * SECTOR);
        if told.count >= EVIDENCE && !cost.scan_pays(rest, told.likely_same()) {
            asked(wanted.len() as u64)?;
            break;
        }
        asked(u64::from(last) * u64::from(SECTOR))?;
    }
    Ok(runs(offset, &settled))
}

/// What the questions of a scan have told so far, in sectors.
#[derive(Default)]
struct Told {
    count: u32,
    same: u32,
}

impl Told {
    /// The share of the rest that is likely to be the same, in thousandths (Laplace's rule of succession).
    fn likely_same(&self) -> u32 {
        1000 * (self.same + 1) / (self.count + 2)
    }
}

/// Neighbouring sectors of a chunk that are not settled and of which the same is likely: each is one question.
fn groups(
    sectors: Range<u32>,
    settled: &[Option<bool>],
    likely: &[Option<bool>],
) -> Vec<Range<u32>> {
    let mut groups: Vec<Range<u32>> = Vec::new();
    for index in sectors {
        let of = |index: u32| likely[index as usize].unwrap_or(true);
        if settled[index as usize].is_some() {
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.end == index && of(group.start) == of(index) => group.end += 1,
            _ => groups.push(index..index + 1),
        }
    }
    groups
}

/// Settles the sectors of one group: all of them at once, then one by one if something in there differs.
fn settle<E>(
    sectors: Range<u32>,
    settled: &mut [Option<bool>],
    same: &mut dyn FnMut(Range<u32>) -> Result<bool, E>,
) -> Result<(), E> {
    let all_the_same = same(sectors.clone())?;
    if all_the_same || sectors.end - sectors.start == 1 {
        for index in sectors {
            settled[index as usize] = Some(all_the_same);
        }
        return Ok(());
    }
    // The last one need not be asked if all others are the same.
    let mut all_before = true;
    for index in sectors.clone() {
        let answer = if all_before && index + 1 == sectors.end {
            false
        } else {
            same(index..index + 1)?
        };
        all_before &= answer;
        settled[index as usize] = Some(answer);
    }
    Ok(())
}

fn sector(offset: u32, index: u32) -> Region {
    Region::new(offset + index * SECTOR, SECTOR)
}

fn slice(wanted: &[u8], offset: u32, region: Region) -> &[u8] {
    let start = (region.offset - offset) as usize;
    &wanted[start..start + region.size as usize]
}

fn runs(offset: u32, known: &[Option<bool>]) -> Vec<Region> {
    let mut runs: Vec<Region> = Vec::new();
    for (index, same) in known.iter().enumerate() {
        if *same == Some(true) {
            continue;
        }
        let region = sector(offset, index as u32);
        match runs.last_mut() {
            Some(run) if run.end() == u64::from(region.offset) => run.size += SECTOR,
            _ => runs.push(region),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::model::cost::{Link, Part};

    const AT: u32 = 0x30_0000;

    const CHUNK: u32 = 0x4000;

    fn unknown(_: Region, _: &[u8]) -> Option<bool> {
        None
    }

    fn cost() -> WriteCost {
        WriteCost::new(Link::Uart(921_600), Part::TYPICAL)
    }

    /// Runs a scan of `wanted` against `board`; returns the runs and how many bytes were hashed.
    fn scan(board: &[u8], wanted: &[u8]) -> (Vec<Region>, u64) {
        scan_guessing(board, wanted, &unknown)
    }

    fn scan_guessing(
        board: &[u8],
        wanted: &[u8],
        likely: &dyn Fn(Region, &[u8]) -> Option<bool>,
    ) -> (Vec<Region>, u64) {
        let known = Known {
            certain: &unknown,
            likely,
        };
        let mut hashed = 0;
        let mut digest = |region: Region| {
            hashed += u64::from(region.size);
            Ok::<_, Infallible>(Md5::digest(slice(board, AT, region)).into())
        };
        let Ok(runs) = differing(AT, wanted, &known, cost(), &mut digest, &mut |_| Ok(()));
        (runs, hashed)
    }

    fn image(sectors: usize) -> Vec<u8> {
        (0..sectors * SECTOR as usize)
            .map(|index| (index / 7) as u8)
            .collect()
    }

    #[test]
    fn an_equal_board_costs_one_pass() {
        let wanted = image(64);
        let (runs, hashed) = scan(&wanted, &wanted);
        assert_eq!(runs, []);
        assert!(hashed <= wanted.len() as u64 + u64::from(SECTOR));
    }

    #[test]
    fn one_changed_sector_is_found_for_the_price_of_its_chunk() {
        for changed in 0..64 {
            let wanted = image(64);
            let mut board = wanted.clone();
            board[changed * SECTOR as usize + 5] ^= 1;
            let (runs, hashed) = scan(&board, &wanted);
            assert_eq!(runs, [sector(AT, changed as u32)], "{changed}");
            let limit = wanted.len() as u64 * 11 / 10 + u64::from(CHUNK);
            assert!(hashed <= limit, "{changed}: {hashed} > {limit}");
        }
    }

    #[test]
    fn neighbours_are_merged() {
        let wanted = image(12);
        let mut board = wanted.clone();
        for index in [3, 4, 5, 9] {
            board[index * SECTOR as usize] ^= 0xFF;
        }
        let (runs, _) = scan(&board, &wanted);
        assert_eq!(runs, [Region::new(AT + 0x3000, 0x3000), sector(AT, 9)]);
    }

    #[test]
    fn a_blank_board_is_not_scanned() {
        let wanted = image(256);
        let (runs, hashed) = scan(&vec![0xFF; wanted.len()], &wanted);
        assert_eq!(runs, [Region::new(AT, wanted.len() as u32)]);
        assert_eq!(hashed, u64::from(PROBES * SECTOR));
    }

    #[test]
    fn what_is_known_is_not_asked() {
        let wanted = image(32);
        let certain = |region: Region, _: &[u8]| Some(region.offset != AT + 0x5000);
        let known = Known {
            certain: &certain,
            likely: &unknown,
        };
        let mut digest =
            |_: Region| -> Result<Digest, Infallible> { panic!("everything is known") };
        let Ok(runs) = differing(AT, &wanted, &known, cost(), &mut digest, &mut |_| Ok(()));
        assert_eq!(runs, [sector(AT, 5)]);
    }

    #[test]
    fn a_good_guess_costs_one_pass_and_a_bad_one_changes_nothing() {
        let wanted = image(64);
        let mut board = wanted.clone();
        for index in [5, 6, 40] {
            board[index * SECTOR as usize] ^= 1;
        }
        let differs = |region: Region| [5, 6, 40].contains(&((region.offset - AT) / SECTOR));
        let truth = [Region::new(AT + 0x5000, 0x2000), sector(AT, 40)];
        let right = |region: Region, _: &[u8]| Some(!differs(region));
        let (runs, hashed) = scan_guessing(&board, &wanted, &right);
        assert_eq!(runs, truth);
        // The two neighbours are asked together before each of them is.
        assert!(
            hashed <= wanted.len() as u64 + 2 * u64::from(SECTOR),
            "{hashed}"
        );
        let wrong = |region: Region, _: &[u8]| Some(differs(region));
        assert_eq!(scan_guessing(&board, &wanted, &wrong).0, truth);
    }

    #[test]
    fn a_scan_is_given_up_when_nearly_everything_differs() {
        let wanted = image(256);
        let mut board = vec![0; wanted.len()];
        // Only the first sector, which is probed first, is as it should be.
        board[..SECTOR as usize].copy_from_slice(&wanted[..SECTOR as usize]);
        let (runs, hashed) = scan(&board, &wanted);
        assert_eq!(runs, [Region::new(AT + SECTOR, 255 * SECTOR)]);
        assert!(hashed < wanted.len() as u64 / 2, "{hashed}");
    }

    #[test]
    fn k_differences_cost_one_pass_and_a_chunk_for_each() {
        for count in 0..16 {
            let wanted = image(256);
            let mut board = wanted.clone();
            for index in 0..count {
                board[(index * 16 + index) * SECTOR as usize + 9] ^= 4;
            }
            let (runs, hashed) = scan(&board, &wanted);
            assert_eq!(runs.len(), count);
            let limit = wanted.len() as u64 * 11 / 10 + count as u64 * u64::from(CHUNK);
            assert!(hashed <= limit, "{count}: {hashed} > {limit}");
        }
    }

    #[test]
    fn random_differences_are_all_found() {
        let mut seed = 0x1234_5678_u32;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed
        };
        for _ in 0..200 {
            let wanted = image(1 + next() as usize % 40);
            let mut board = wanted.clone();
            let mut changed = std::collections::BTreeSet::new();
            for _ in 0..next() % 6 {
                let index = next() as usize % (wanted.len() / SECTOR as usize);
                board[index * SECTOR as usize + next() as usize % SECTOR as usize] ^=
                    1 << (next() % 8);
                changed.insert(index);
            }
            let differs = |index: usize| {
                let at = index * SECTOR as usize..(index + 1) * SECTOR as usize;
                board[at.clone()] != wanted[at]
            };
            let (runs, _) = scan(&board, &wanted);
            let covered = |index: usize| {
                runs.iter()
                    .any(|run| run.contains(sector(AT, index as u32)))
            };
            for index in 0..wanted.len() / SECTOR as usize {
                assert!(covered(index) || !differs(index));
            }
        }
    }
}
