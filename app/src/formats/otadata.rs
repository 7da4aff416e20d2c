//! The otadata partition: two records in a sector each, of which the newer valid one names the OTA slot that boots.
//!
//! Layout as in ESP-IDF, `bootloader_common_loader.c` and `esp_ota_ops.c`; both are written so that a cut between
//! erasing one sector and programming it leaves the other record in force. Which app a choice leads to, when an image
//! is not sound, is [`super::boot_order`].

use crate::model::region::SECTOR;

/// Bytes of a record.
pub const RECORD_BYTES: usize = 32;
/// Bytes of the partition as ESP-IDF defines it: a sector for each record.
pub const OTADATA_BYTES: usize = 2 * SECTOR as usize;

/// Whether an app has proven itself, for bootloaders that go back to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not started yet.
    New,
    /// Started once; the app has not called itself sound yet.
    PendingVerify,
    Valid,
    /// Refused by the app itself.
    Invalid,
    /// Did not call itself sound in time.
    Aborted,
    /// Nothing is kept: a bootloader without rollback wrote it.
    Undefined,
    /// A number that ESP-IDF does not know; it forbids nothing.
    Other(u32),
}

impl State {
    const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::New,
            1 => Self::PendingVerify,
            2 => Self::Valid,
            3 => Self::Invalid,
            4 => Self::Aborted,
            u32::MAX => Self::Undefined,
            other => Self::Other(other),
        }
    }

    /// The number that is stored.
    pub const fn number(self) -> u32 {
        match self {
            Self::New => 0,
            Self::PendingVerify => 1,
            Self::Valid => 2,
            Self::Invalid => 3,
            Self::Aborted => 4,
            Self::Undefined => u32::MAX,
            Self::Other(number) => number,
        }
    }

    /// As ESP-IDF calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PendingVerify => "pending verify",
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Aborted => "aborted",
            Self::Undefined => "undefined",
            Self::Other(_) => "unknown",
        }
    }
}

/// One record as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// From 1 on; the larger one counts. `u32::MAX` is an erased record.
    pub sequence: u32,
    pub state: State,
    /// Whether the sum over the sequence number is right.
    pub crc_is_right: bool,
}

impl Record {
    /// Reads a record; `None` when the bytes are too few.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        let sequence = word(0)?;
        Some(Self {
            sequence,
            state: State::from_number(word(24)?),
            crc_is_right: word(28)? == sequence_crc(sequence),
        })
    }

    /// Whether nothing was written here.
    pub const fn is_erased(&self) -> bool {
        self.sequence == u32::MAX
    }

    /// Whether the app that it names must call itself sound, or else the bootloader goes back to another.
    pub const fn is_on_trial(&self) -> bool {
        matches!(self.state, State::New | State::PendingVerify)
    }

    /// Whether the bootloader heeds it. It takes a sequence number of 0 too and counts below slot 0 from it; no tool
    /// writes one, so it is not heeded here.
    pub fn is_valid(&self) -> bool {
        !self.is_erased()
            && self.sequence != 0
            && self.crc_is_right
            && !matches!(self.state, State::Invalid | State::Aborted)
    }
}

/// Both records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtaData {
    /// `None` where the partition is too short.
    pub records: [Option<Record>; 2],
}

impl OtaData {
    /// Reads the partition from its first byte on.
    pub fn read(bytes: &[u8]) -> Self {
        let at = |start: usize| Record::read(bytes.get(start..).unwrap_or_default());
        Self {
            records: [at(0), at(SECTOR as usize)],
        }
    }

    /// The record that counts, with its number: of the valid ones that with the larger sequence number.
    pub fn newest(&self) -> Option<(usize, Record)> {
        let valid = |index: usize| {
            self.records[index]
                .filter(Record::is_valid)
                .map(|record| (index, record))
        };
        match (valid(0), valid(1)) {
            // Of two that are equal the bootloader takes the first.
            (Some(first), Some(second)) if second.1.sequence > first.1.sequence => Some(second),
            (Some(first), _) => Some(first),
            (None, second) => second,
        }
    }

    /// The slot that it names among so many OTA slots; `None` when it has nothing to say.
    pub fn slot(&self, slots: u32) -> Option<u32> {
        let (_, record) = self.newest()?;
        (record.sequence - 1).checked_rem(slots)
    }
}

/// Whether these bytes are an otadata partition, whole: blank, as a build makes it, or with a record whose sum is right.
pub fn is_otadata(bytes: &[u8]) -> bool {
    let names_an_app =
        |record: &Record| !record.is_erased() && record.sequence != 0 && record.crc_is_right;
    bytes.len() == OTADATA_BYTES
        && (bytes.iter().all(|byte| *byte == 0xFF)
            || (OtaData::read(bytes).records.iter().flatten()).any(names_an_app))
}

/// A record of [`RECORD_BYTES`] bytes with its sum.
pub fn record(sequence: u32, state: State) -> [u8; RECORD_BYTES] {
    let mut record = [0xFF; RECORD_BYTES];
    record[..4].copy_from_slice(&sequence.to_le_bytes());
    record[24..28].copy_from_slice(&state.number().to_le_bytes());
    record[28..].copy_from_slice(&sequence_crc(sequence).to_le_bytes());
    record
}

/// The bytes of an otadata partition that names `slot` of `slots`, made from what the board holds now: only the record
/// that does not count is replaced, so that a cut leaves the present choice. `None` as slot is the factory app: both
/// records are erased. The state is *undefined*, which bootloaders with and without rollback start; a record that names
/// the slot on trial is replaced too, because the bootloader would turn away from an app that never calls itself sound.
///
/// # Errors
/// One sentence when there is no such slot, or when the sequence numbers are used up.
pub fn select(current: &[u8], slot: Option<u32>, slots: u32) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0xFF; OTADATA_BYTES];
    let Some(slot) = slot else { return Ok(bytes) };
    if slot >= slots {
        return Err(format!(
            "There is no OTA slot {slot}: the table has {slots}"
        ));
    }
    let kept = current.len().min(OTADATA_BYTES);
    bytes[..kept].copy_from_slice(&current[..kept]);
    let otadata = OtaData::read(&bytes);
    let (index, sequence) = match otadata.newest() {
        None => (0, Some(slot + 1)),
        Some((_, record)) if (record.sequence - 1) % slots == slot && !record.is_on_trial() => {
            return Ok(bytes);
        }
        Some((newest, record)) => {
            let now = (record.sequence - 1) % slots;
            // From 1 to a whole round.
            let step = (slot + slots - now - 1) % slots + 1;
            let next = record.sequence.checked_add(step);
            (1 - newest, next.filter(|next| *next != u32::MAX))
        }
    };
    let sequence = sequence.ok_or("The sequence numbers of otadata are used up: erase otadata")?;
    let start = index * SECTOR as usize;
    bytes[start..start + SECTOR as usize].fill(0xFF);
    bytes[start..start + RECORD_BYTES].copy_from_slice(&record(sequence, State::Undefined));
    Ok(bytes)
}

/// ESP-IDF's `crc32_le(UINT32_MAX, …)` over the sequence number: the ROM inverts its seed, so this is the usual
/// CRC-32 begun with a register of 0, not the ordinary one.
pub fn sequence_crc(sequence: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(&sequence.to_le_bytes());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(first: &[u8], second: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF; OTADATA_BYTES];
        bytes[..first.len()].copy_from_slice(first);
        bytes[0x1000..0x1000 + second.len()].copy_from_slice(second);
        bytes
    }

    #[test]
    fn the_sum_is_that_of_esp_idf() {
        // Made with ESP-IDF's otatool.py and its ROM's crc32_le.
        for (sequence, crc) in [
            (1, 0x4743_989A),
            (2, 0x55F6_3774),
            (3, 0xED4A_5011),
            (4, 0x709D_68A8),
        ] {
            assert_eq!(sequence_crc(sequence), crc);
        }
    }

    #[test]
    fn a_record_has_these_very_bytes() {
        let mut golden = [0xFF; 32];
        golden[..4].copy_from_slice(&[1, 0, 0, 0]);
        golden[24..28].copy_from_slice(&[2, 0, 0, 0]);
        golden[28..].copy_from_slice(&[0x9A, 0x98, 0x43, 0x47]);
        assert_eq!(record(1, State::Valid), golden);
        let read = Record::read(&golden).unwrap();
        assert!(read.is_valid());
        assert_eq!((read.sequence, read.state), (1, State::Valid));
    }

    #[test]
    fn the_newer_valid_record_counts() {
        let newest = |first: &[u8], second: &[u8]| {
            OtaData::read(&partition(first, second))
                .newest()
                .map(|(index, record)| (index, record.sequence))
        };
        let valid = |sequence| record(sequence, State::Valid);
        assert_eq!(newest(&[], &[]), None);
        assert_eq!(newest(&valid(1), &[]), Some((0, 1)));
        assert_eq!(newest(&valid(1), &valid(2)), Some((1, 2)));
        assert_eq!(newest(&valid(3), &valid(2)), Some((0, 3)));
        assert_eq!(newest(&valid(2), &valid(2)), Some((0, 2)));
        for state in [State::Invalid, State::Aborted] {
            assert_eq!(newest(&valid(1), &record(2, state)), Some((0, 1)));
        }
        for state in [
            State::New,
            State::PendingVerify,
            State::Undefined,
            State::Other(9),
        ] {
            assert_eq!(newest(&valid(1), &record(2, state)), Some((1, 2)));
        }
        let mut broken = valid(2);
        broken[28] ^= 1;
        assert_eq!(newest(&valid(1), &broken), Some((0, 1)));
        assert_eq!(newest(&[0; 32], &[]), None);
        assert_eq!(OtaData::read(&[]).newest(), None);
    }

    #[test]
    fn otadata_is_told_from_other_files() {
        let one = record(1, State::Undefined);
        assert!(is_otadata(&partition(&[], &[])));
        assert!(is_otadata(&partition(&one, &[])));
        assert!(is_otadata(&partition(&[], &one)));
        assert!(!is_otadata(&partition(&one, &[])[..0x1FFF]));
        assert!(!is_otadata(&[0xFF; 0x3000]));
        assert!(!is_otadata(&[0; OTADATA_BYTES]));
        let mut broken = one;
        broken[28] ^= 1;
        assert!(!is_otadata(&partition(&broken, &[])));
    }

    #[test]
    fn a_choice_replaces_only_the_record_that_does_not_count() {
        let blank = vec![0xFF; OTADATA_BYTES];
        let chosen = select(&blank, Some(1), 2).unwrap();
        assert_eq!(chosen, partition(&record(2, State::Undefined), &[]));
        let other = select(&chosen, Some(0), 2).unwrap();
        assert_eq!(other[..0x1000], chosen[..0x1000]);
        assert_eq!(OtaData::read(&other).newest().unwrap().1.sequence, 3);
        assert_eq!(select(&other, Some(0), 2).unwrap(), other, "nothing to do");
        assert_eq!(select(&other, None, 2).unwrap(), blank);
        assert!(select(&blank, Some(2), 2).unwrap_err().contains("slot 2"));
        let last = partition(&record(u32::MAX - 1, State::Valid), &[]);
        assert!(select(&last, Some(0), 2).is_err() || OtaData::read(&last).slot(2) == Some(0));
    }

    #[test]
    fn a_slot_on_trial_is_chosen_by_a_record_that_is_not() {
        for state in [State::New, State::PendingVerify] {
            let now = partition(&record(1, State::Valid), &record(2, state));
            let chosen = select(&now, Some(1), 2).unwrap();
            assert_eq!(
                chosen,
                partition(&record(4, State::Undefined), &record(2, state))
            );
            assert_eq!(OtaData::read(&chosen).slot(2), Some(1));
        }
    }

    #[test]
    fn every_choice_out_of_every_state_is_heeded() {
        for slots in 1..=16 {
            for first in 0..20 {
                for second in 0..20 {
                    let now = partition(&record(first, State::Valid), &record(second, State::New));
                    for slot in 0..slots {
                        let chosen = select(&now, Some(slot), slots).unwrap();
                        assert_eq!(OtaData::read(&chosen).slot(slots), Some(slot));
                        let same = |at: usize| chosen[at..at + 0x1000] == now[at..at + 0x1000];
                        assert!(same(0) || same(0x1000));
                    }
                }
            }
        }
    }
}
