//! Which app the bootloader tries, and in which order, as ESP-IDF's bootloader decides it (`bootloader_utility.c`).
//!
//! Pure over the partitions and otadata: whether an image is sound is for whoever has its bytes. The practice board
//! boots by these rules, and the answer *what boots* is made with them.

use super::otadata::OtaData;

/// Subtypes of app partitions.
pub const FACTORY: u8 = 0x00;
pub const FIRST_OTA: u8 = 0x10;
pub const TEST: u8 = 0x20;
/// Most OTA slots of a table.
const SLOTS_MAX: u8 = 16;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<P> {
    /// `None` is the factory app or the test app, else the number of the OTA slot.
    pub slot: Option<u32>,
    pub partition: P,
}

/// The apps in the order of trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order<P> {
    pub candidates: Vec<Candidate<P>>,
    /// OTA slots that the table has: they count from `ota_0` without a gap.
    pub slots: u32,
    /// Whether otadata had nothing to say.
    pub by_default: bool,
    /// Whether the bootloader writes into otadata which slot it took: it does when otadata names none and there is no
    /// factory app.
    pub records_choice: bool,
}

/// Puts the apps in order. `app` finds the app partition of a subtype; `otadata` is `None` for a table without one.
pub fn order<P: Copy>(app: &dyn Fn(u8) -> Option<P>, otadata: Option<OtaData>) -> Order<P> {
    let factory = app(FACTORY);
    let slots: Vec<P> = (FIRST_OTA..FIRST_OTA + SLOTS_MAX).map_while(app).collect();
    let chosen = otadata.and_then(|otadata| otadata.slot(slots.len() as u32));
    let numbered = || {
        (0u32..).zip(&slots).map(|(slot, partition)| Candidate {
            slot: Some(slot),
            partition: *partition,
        })
    };
    let unnumbered = |partition| Candidate {
        slot: None,
        partition,
    };
    let start = chosen.or(if factory.is_some() { None } else { Some(0) });
    let below = numbered().filter(|candidate| candidate.slot <= start && start.is_some());
    let mut candidates: Vec<Candidate<P>> = below.collect();
    candidates.reverse();
    candidates.extend(factory.map(unnumbered));
    candidates.extend(numbered().filter(|candidate| candidate.slot > start));
    candidates.extend(app(TEST).map(unnumbered));
    Order {
        candidates,
        slots: slots.len() as u32,
        by_default: chosen.is_none(),
        records_choice: otadata.is_some()
            && chosen.is_none()
            && factory.is_none()
            && !slots.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::otadata::{OTADATA_BYTES, State, record};
    use super::*;

    fn otadata(first: Option<u32>, second: Option<u32>) -> OtaData {
        let mut bytes = vec![0xFF; OTADATA_BYTES];
        for (at, sequence) in [(0, first), (0x1000, second)] {
            if let Some(sequence) = sequence {
                bytes[at..at + 32].copy_from_slice(&record(sequence, State::Valid));
            }
        }
        OtaData::read(&bytes)
    }

    /// The subtypes that are tried, in order.
    fn tried(subtypes: &[u8], otadata: Option<OtaData>) -> Vec<u8> {
        let app = |subtype: u8| subtypes.contains(&subtype).then_some(subtype);
        let order = order(&app, otadata);
        order
            .candidates
            .iter()
            .map(|candidate| candidate.partition)
            .collect()
    }

    #[test]
    fn otadata_chooses_and_lower_slots_come_next() {
        let slots = [0x10, 0x11, 0x12];
        assert_eq!(tried(&slots, Some(otadata(None, None))), [0x10, 0x11, 0x12]);
        assert_eq!(
            tried(&slots, Some(otadata(Some(2), None))),
            [0x11, 0x10, 0x12]
        );
        assert_eq!(
            tried(&slots, Some(otadata(Some(2), Some(3)))),
            [0x12, 0x11, 0x10]
        );
        assert_eq!(
            tried(&slots, Some(otadata(Some(4), Some(3)))),
            [0x10, 0x11, 0x12]
        );
    }

    #[test]
    fn factory_comes_first_unless_otadata_says_otherwise_and_test_last() {
        let all = [0x20, 0x11, 0x10, 0x00];
        assert_eq!(tried(&all, None), [0x00, 0x10, 0x11, 0x20]);
        assert_eq!(
            tried(&all, Some(otadata(Some(2), None))),
            [0x11, 0x10, 0x00, 0x20]
        );
        assert_eq!(
            tried(&all, Some(otadata(Some(1), None))),
            [0x10, 0x00, 0x11, 0x20]
        );
    }

    #[test]
    fn a_gap_ends_the_slots() {
        assert_eq!(tried(&[0x10, 0x12], Some(otadata(Some(3), None))), [0x10]);
        let nothing = |_: u8| -> Option<u8> { None };
        assert_eq!(order(&nothing, Some(otadata(Some(3), None))).candidates, []);
    }

    #[test]
    fn the_bootloader_records_its_choice_only_without_factory() {
        let records = |subtypes: &[u8], otadata: Option<OtaData>| {
            let app = |subtype: u8| subtypes.contains(&subtype).then_some(subtype);
            order(&app, otadata).records_choice
        };
        assert!(records(&[0x10], Some(otadata(None, None))));
        assert!(!records(&[0x10], Some(otadata(Some(1), None))));
        assert!(!records(&[0x10, 0], Some(otadata(None, None))));
        assert!(!records(&[0x10], None));
    }
}
