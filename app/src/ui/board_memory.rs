//! What has been proven about a board's flash in this session, and how the project compares with it.
//!
//! Kept as the very bytes that were verified, so that an edit turns a partition to *differs* at once and undo turns it
//! back to *same*. Forgotten whenever the board may have become another one. It informs the screen; what is written is
//! decided by the engine, which asks the board.

use std::sync::Arc;

use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::region::Region;

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
    /// Does not hold these bytes.
    HoldsNot(Arc<[u8]>),
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
            let differs = differing.iter().any(|other| other.overlaps(region));
            self.facts.retain(|(known, _)| !known.overlaps(region));
            if !differs {
                self.note_table(write);
            }
            let bytes = write.bytes.clone();
            self.facts.push((
                region,
                if differs {
                    Fact::HoldsNot(bytes)
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
            Fact::HoldsNot(bytes) if is_same(bytes, &write.bytes) => Compared::Differs,
            Fact::HoldsNot(_) => Compared::Unknown,
        }
    }

    /// Whether everything that the plan would write is known to be on the board already.
    pub fn holds_all(&self, plan: &FlashPlan) -> bool {
        plan.writes
            .iter()
            .all(|write| self.compare(write) == Compared::Same)
    }
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
