//! What becomes of the bytes of removed and older files.
//!
//! A sector that changes anyway is cleaned: what no entry uses becomes FF. A sector in which nothing else changes is
//! left as it is, because cleaning it would wear it and cost a person the time of an erase. The count of what is left is
//! told, so that nobody publishes an image with a deleted password in it unknowingly.

use std::ops::Range;

use super::BinOptions;
use crate::model::number::human_size;
use crate::model::problem::{Problem, Severity};
use crate::model::region::SECTOR;

/// Puts the bytes of `previous` back into the gaps of every sector of `bytes` that would then be as before. `gaps` are in
/// ascending order. Returns how many bytes in gaps are not FF afterwards.
pub(super) fn keep(bytes: &mut [u8], gaps: &[Range<usize>], previous: &[u8]) -> u64 {
    let sector = SECTOR as usize;
    let mut stale = 0;
    let mut first_gap = 0;
    for start in (0..bytes.len()).step_by(sector) {
        let end = (start + sector).min(bytes.len());
        while gaps.get(first_gap).is_some_and(|gap| gap.end <= start) {
            first_gap += 1;
        }
        let inside: Vec<Range<usize>> = gaps[first_gap..]
            .iter()
            .take_while(|gap| gap.start < end)
            .map(|gap| gap.start.max(start)..gap.end.min(end))
            .filter(|gap| !gap.is_empty())
            .collect();
        let Some(before) = previous.get(start..end).filter(|_| !inside.is_empty()) else {
            continue;
        };
        let mut mended = bytes[start..end].to_vec();
        for gap in &inside {
            let gap = gap.start - start..gap.end - start;
            mended[gap.clone()].copy_from_slice(&before[gap]);
        }
        if mended == before {
            bytes[start..end].copy_from_slice(&mended);
            stale += inside
                .iter()
                .flat_map(|gap| &bytes[gap.clone()])
                .filter(|byte| **byte != 0xFF)
                .count() as u64;
        }
    }
    stale
}

/// Tells how much is left.
pub(super) fn note(stale: u64, options: &BinOptions) -> Option<Problem> {
    (stale > 0).then(|| {
        Problem::new(
            Severity::Note,
            options.place(""),
            format!(
                "{} of removed or older files can still be seen in the image's free space",
                human_size(stale)
            ),
            "Compact, or pack without the previous image, before you give the image away",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_that_changes_anyway_is_cleaned() {
        let previous: Vec<u8> = (0..3 * 4096u32).map(|index| (index % 251) as u8).collect();
        let mut bytes = previous.clone();
        let gaps = [4000..4200, 9000..9010];
        for gap in &gaps {
            bytes[gap.clone()].fill(0xFF);
        }
        bytes[0] ^= 1;
        let stale = keep(&mut bytes, &gaps, &previous);
        assert!(bytes[4000..4096].iter().all(|byte| *byte == 0xFF));
        assert_eq!(bytes[4096..], previous[4096..]);
        assert_eq!(stale, 104 + 10);
    }
}
