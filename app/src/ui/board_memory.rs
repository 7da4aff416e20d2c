//! What has been proven about a board's flash in this session, and how the project compares with it.
//!
//! Kept as the very bytes that were verified, so that an edit turns a partition to *differs* at once and undo turns it
//! back to *same*. Forgotten whenever the board may have become another one. It informs the screen; what is written is
//! decided by the engine, which asks the board.

use std::sync::Arc;

use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::region::{Region, SECTOR};

/// How a planned region compares with the board, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    Same,
    Differs,
    Unknown,
}

/// What is known of one region.
#[derive(Clone, Debug)]
enum Fact {
    /// Holds exactly these bytes.
    Holds(Arc<[u8]>),
    /// Does not hold these bytes: not in these whole sectors, but in all others.
    HoldsNot(Arc<[u8]>, Vec<Region>),
}

/// How much of a planned region differs from the board, in bytes of whole sectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub differs: u64,
    /// Of these nobody knows.
    pub unknown: u64,
    /// All of it.
    pub of: u64,
}

/// What is known of a board.
#[derive(Clone, Debug, Default)]
pub struct BoardMemory {
    facts: Vec<(Region, Fact)>,
    /// The partition table as it was read or written, and where.
    table: Option<(u32, Arc<[u8]>)>,
}

impl BoardMemory {
    /// Every region of the plan has been proven to be on the board.
    pub fn proven(&mut self, plan: &FlashPlan) {
        for write in &plan.writes {
            self.forget(write.region());
            self.facts
                .push((write.region(), Fact::Holds(write.bytes.clone())));
            self.note_table(write);
        }
    }

    fn note_table(&mut self, write: &PlannedWrite) {
        if write.role == Role::Table {
            self.table = Some((write.offset, write.bytes.clone()));
        }
    }

    /// The board's partition table has been read.
    pub fn table_was_read(&mut self, offset: u32, bytes: Arc<[u8]>) {
        self.table = Some((offset, bytes));
    }

    /// The board's partition table, if what lies at this offset is known.
    pub fn table_at(&self, offset: u32) -> Option<&[u8]> {
        let (known, bytes) = self.table.as_ref()?;
        (*known == offset).then_some(bytes)
    }

    /// A comparison found that these regions do not hold what the plan says, and all others do.
    pub fn compared(&mut self, plan: &FlashPlan, differing: &[Region]) {
        for write in &plan.writes {
            let region = write.region();
            let differing = differing.iter().copied();
            let differing: Vec<Region> = differing.filter(|other| other.overlaps(region)).collect();
            let differs = !differing.is_empty();
            self.facts.retain(|(known, _)| !known.overlaps(region));
            if !differs {
                self.note_table(write);
            }
            let bytes = write.bytes.clone();
            self.facts.push((
                region,
                if differs {
                    Fact::HoldsNot(bytes, differing)
                } else {
                    Fact::Holds(bytes)
                },
            ));
        }
    }

    /// Something else was done to this region.
    pub fn forget(&mut self, region: Region) {
        self.facts.retain(|(known, _)| !known.overlaps(region));
        self.table.take_if(|(offset, bytes)| {
            Region::new(*offset, u32::try_from(bytes.len()).unwrap_or(u32::MAX)).overlaps(region)
        });
    }

    /// The board is another one, or may be.
    pub fn forget_all(&mut self) {
        self.facts.clear();
        self.table = None;
    }

    /// How a planned write compares with the board.
    pub fn compare(&self, write: &PlannedWrite) -> Compared {
        let region = write.region();
        let Some((_, fact)) = self.facts.iter().rev().find(|(known, _)| *known == region) else {
            let resized = self.facts.iter().any(|(known, _)| known.overlaps(region));
            return if resized {
                Compared::Differs
            } else {
                Compared::Unknown
            };
        };
        match fact {
            Fact::Holds(bytes) if is_same(bytes, &write.bytes) => Compared::Same,
            Fact::Holds(_) => Compared::Differs,
            Fact::HoldsNot(bytes, _) if is_same(bytes, &write.bytes) => Compared::Differs,
            Fact::HoldsNot(..) => Compared::Unknown,
        }
    }

    /// How much of a planned write differs from the board, sector by sector; `None` where nothing is known of it.
    pub fn difference(&self, write: &PlannedWrite) -> Option<Difference> {
        let region = write.region();
        let mut facts = self.facts.iter().rev();
        let (known, fact) = facts.find(|(known, _)| known.overlaps(region))?;
        let sectors = region.sectors();
        let mut difference = Difference {
            of: u64::from(sectors.size),
            ..Difference::default()
        };
        for offset in (sectors.offset..sectors.end() as u32).step_by(SECTOR as usize) {
            let Some(part) = Region::new(offset, SECTOR).intersection(region) else {
                continue;
            };
            match holds(*known, fact, part, write) {
                Some(true) => {}
                Some(false) => difference.differs += u64::from(SECTOR),
                None => difference.unknown += u64::from(SECTOR),
            }
        }
        Some(difference)
    }

    /// Whether everything that the plan would write is known to be on the board already.
    pub fn holds_all(&self, plan: &FlashPlan) -> bool {
        plan.writes
            .iter()
            .all(|write| self.compare(write) == Compared::Same)
    }
}

/// Whether the board holds this part of a planned write, by what is known of a region; `None`: that does not tell.
fn holds(known: Region, fact: &Fact, part: Region, write: &PlannedWrite) -> Option<bool> {
    let wanted = slice(&write.bytes, write.offset, part)?;
    match fact {
        Fact::Holds(bytes) => Some(slice(bytes, known.offset, part)? == wanted),
        Fact::HoldsNot(bytes, differing) => {
            let is_compared = slice(bytes, known.offset, part)? == wanted;
            let differs = differing.iter().any(|other| other.overlaps(part));
            match (is_compared, differs) {
                // A sector that does not hold one thing may hold the other.
                (false, true) => None,
                (is_compared, differs) => Some(is_compared && !differs),
            }
        }
    }
}

/// The bytes of a part of what begins at an offset; `None` unless all of it is there.
fn slice(bytes: &[u8], offset: u32, part: Region) -> Option<&[u8]> {
    let start = part.offset.checked_sub(offset)? as usize;
    bytes.get(start..start.checked_add(part.size as usize)?)
}

fn is_same(a: &Arc<[u8]>, b: &Arc<[u8]>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(bytes: &[u8]) -> FlashPlan {
        FlashPlan::new(vec![PlannedWrite {
            role: Role::Data,
            target: "bin".into(),
            source: "1 file".into(),
            offset: 0x1000,
            bytes: bytes.into(),
            destroys: Vec::new(),
        }])
    }

    #[track_caller]
    fn check(memory: &BoardMemory, bytes: &[u8], expected: Compared) {
        assert_eq!(memory.compare(&plan(bytes).writes[0]), expected);
    }

    #[test]
    fn nothing_is_known_at_first() {
        check(&BoardMemory::default(), b"one", Compared::Unknown);
        assert!(!BoardMemory::default().holds_all(&plan(b"one")));
    }

    #[test]
    fn an_edit_differs_and_undo_is_the_same_again() {
        let mut memory = BoardMemory::default();
        memory.proven(&plan(b"one"));
        check(&memory, b"one", Compared::Same);
        check(&memory, b"two", Compared::Differs);
        check(&memory, b"one and more", Compared::Differs);
        assert!(memory.holds_all(&plan(b"one")));
    }

    #[track_caller]
    fn differs(memory: &BoardMemory, bytes: &[u8], differs: u64, unknown: u64) {
        let of = bytes.len().next_multiple_of(0x1000) as u64;
        let expected = Difference {
            differs,
            unknown,
            of,
        };
        let write = &plan(bytes).writes[0];
        assert_eq!(memory.difference(write), Some(expected));
    }

    #[test]
    fn what_differs_is_counted_in_sectors() {
        let mut memory = BoardMemory::default();
        assert_eq!(memory.difference(&plan(b"one").writes[0]), None);
        let old = vec![1; 0x3800];
        memory.proven(&plan(&old));
        differs(&memory, &old, 0, 0);
        let mut new = old.clone();
        new[0x1FFF] = 2;
        new[0x37FF] = 2;
        differs(&memory, &new, 0x2000, 0);
        // What is longer than what is known ends in sectors of which nobody knows.
        new.resize(0x5000, 2);
        differs(&memory, &new, 0x1000, 0x2000);
        differs(&memory, &old[..0x800], 0, 0);
    }

    #[test]
    fn a_comparison_counts_what_it_saw() {
        let mut memory = BoardMemory::default();
        let old = vec![1; 0x4000];
        memory.compared(&plan(&old), &[Region::new(0x2000, 0x2000)]);
        differs(&memory, &old, 0x2000, 0);
        let mut new = old;
        new[0] = 2;
        new[0x1000] = 2;
        // The first sector held the old bytes; of the second nobody knows what it holds.
        differs(&memory, &new, 0x2000, 0x1000);
    }

    #[test]
    fn a_comparison_says_only_what_it_saw() {
        let mut memory = BoardMemory::default();
        memory.compared(&plan(b"one"), &[Region::new(0x1000, 0x1000)]);
        check(&memory, b"one", Compared::Differs);
        check(&memory, b"two", Compared::Unknown);
        memory.compared(&plan(b"one"), &[]);
        check(&memory, b"one", Compared::Same);
        memory.forget(Region::new(0x1002, 1));
        check(&memory, b"one", Compared::Unknown);
    }
}
