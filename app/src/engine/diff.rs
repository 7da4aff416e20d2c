//! Which sectors of the board differ from what it should hold, found by asking for digests.
//!
//! Pure over a digest function: large chunks are asked first, and only inside a chunk that differs single sectors. A
//! region is asked in order, so that the first difference is known early; nothing is asked twice. When a probe of
//! sectors spread over the region finds none that matches, everything is taken for different without a scan, because
//! hashing is slower than writing.

use md5::{Digest as _, Md5};

use crate::model::region::{Region, SECTOR};

/// Bytes of a chunk that is asked as a whole before its sectors are.
pub const CHUNK: u32 = 0x4000;
/// Sectors that are probed before a scan is begun.
const PROBES: u32 = 8;

/// The MD5 of a region on the board.
pub type Digest = [u8; 16];

/// The digest of bytes in hand, as the board would give it.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Md5::digest(bytes).into()
}

/// The sectors of `wanted` that differ from the board, as merged runs of whole sectors, in order.
///
/// `offset` is where `wanted` belongs and must be a multiple of 4 KiB, and so must its length. `known` tells of a
/// sector and the bytes wanted there whether the board holds them, where that is known without asking; `digest` asks
/// the board; `asked` hears how many bytes of the region are settled.
///
/// # Errors
/// Whatever `digest` fails with; the scan ends there.
pub fn differing<E>(
    offset: u32,
    wanted: &[u8],
    known: &dyn Fn(Region, &[u8]) -> Option<bool>,
    digest: &mut dyn FnMut(Region) -> Result<Digest, E>,
    asked: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<Vec<Region>, E> {
    let sectors = wanted.len() as u32 / SECTOR;
    let at = |index: u32| sector(offset, index);
    let mut settled: Vec<Option<bool>> = (0..sectors)
        .map(|index| known(at(index), slice(wanted, offset, at(index))))
        .collect();
    let same = |region: Region, digest: &mut dyn FnMut(Region) -> Result<Digest, E>| {
        let bytes = slice(wanted, offset, region);
        Ok::<bool, E>(digest(region)? == digest_of(bytes))
    };
    if sectors > 2 * PROBES && settled.iter().all(Option::is_none) {
        let mut any_same = false;
        for probe in 0..PROBES {
            let index = probe * (sectors - 1) / (PROBES - 1);
            let matches = same(at(index), digest)?;
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
    let per_chunk = CHUNK / SECTOR;
    for first in (0..sectors).step_by(per_chunk as usize) {
        let last = (first + per_chunk).min(sectors);
        settle(first..last, &mut settled, &mut |indices| {
            let region = Region::new(
                offset + indices.start * SECTOR,
                (indices.end - indices.start) * SECTOR,
            );
            same(region, digest)
        })?;
        asked(u64::from(last) * u64::from(SECTOR))?;
    }
    Ok(runs(offset, &settled))
}

/// Settles the sectors of one chunk: the chunk as a whole if nothing of it is known, then halves of what differs.
fn settle<E>(
    sectors: std::ops::Range<u32>,
    known: &mut [Option<bool>],
    same: &mut dyn FnMut(std::ops::Range<u32>) -> Result<bool, E>,
) -> Result<(), E> {
    let unknown = |index: &u32| known[*index as usize].is_none();
    let open: Vec<u32> = sectors.clone().filter(unknown).collect();
    let whole = open.len() == sectors.len();
    let differs_somewhere = sectors
        .clone()
        .any(|index| known[index as usize] == Some(false));
    if whole && !differs_somewhere && open.len() > 1 {
        if same(sectors.clone())? {
            for index in sectors {
                known[index as usize] = Some(true);
            }
            return Ok(());
        }
        // Something in here differs: sector by sector; the last one need not be asked if all others are the same.
        let mut all_same = true;
        for index in sectors.clone() {
            let answer = if all_same && index + 1 == sectors.end {
                false
            } else {
                same(index..index + 1)?
            };
            all_same &= answer;
            known[index as usize] = Some(answer);
        }
        return Ok(());
    }
    for index in open {
        known[index as usize] = Some(same(index..index + 1)?);
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

    const AT: u32 = 0x30_0000;

    /// Runs a scan of `wanted` against `board`; returns the runs and how many bytes were hashed.
    fn scan(board: &[u8], wanted: &[u8]) -> (Vec<Region>, u64) {
        let mut hashed = 0;
        let mut digest = |region: Region| {
            hashed += u64::from(region.size);
            Ok::<_, Infallible>(Md5::digest(slice(board, AT, region)).into())
        };
        let Ok(runs) = differing(AT, wanted, &|_, _| None, &mut digest, &mut |_| Ok(()));
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
        let known = |region: Region, _: &[u8]| Some(region.offset != AT + 0x5000);
        let mut digest =
            |_: Region| -> Result<Digest, Infallible> { panic!("everything is known") };
        let Ok(runs) = differing(AT, &wanted, &known, &mut digest, &mut |_| Ok(()));
        assert_eq!(runs, [sector(AT, 5)]);
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
