//! The cable: counts what is sent each way, and damages it where a fault says so.
//!
//! It knows nothing of what the bytes mean. Positions are those of the sender: what a fault drops or adds does not
//! shift them.

use std::time::Duration;

use super::faults::{Direction, Faults, Replug, SECOND_CLIENT_READ, WireFault};
use super::random::Random;

/// Something that interrupts the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Everything from here on arrives this much later.
    Hold(Duration),
    /// The board is unplugged here.
    Unplug(Replug),
    /// Nothing passes from here on; the other direction is to be cut too.
    Cut,
    /// Another program's request reaches the board here, and its read takes this many of the bytes that the board
    /// sends from now on.
    SecondClient(u64),
}

/// One direction of the cable.
#[derive(Debug)]
pub struct Wire {
    /// Bytes that were sent into it.
    sent: u64,
    /// What is still to come, last first.
    faults: Vec<(u64, WireFault)>,
    noise: f64,
    /// Probability of damage per byte by the speed of the line.
    too_fast: f64,
    random: Random,
    cut: bool,
    /// Bytes that another reader of the port still takes when they arrive.
    taken_away: u64,
}

impl Wire {
    /// The wire of this direction.
    pub fn new(direction: Direction, faults: &Faults) -> Self {
        let (noise, stream) = match direction {
            Direction::ToBoard => (faults.noise_to_board, 1),
            Direction::FromBoard => (faults.noise_from_board, 2),
        };
        let mut of_this: Vec<_> = faults
            .wire
            .iter()
            .filter(|(of, ..)| *of == direction)
            .map(|&(_, at, fault)| (at, fault))
            .collect();
        of_this.reverse();
        of_this.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let random = Random::new(faults.seed.wrapping_mul(4).wrapping_add(stream));
        Self {
            sent: 0,
            faults: of_this,
            noise,
            too_fast: 0.0,
            random,
            cut: false,
            taken_away: 0,
        }
    }

    /// Adds faults while the board runs; their positions count from here.
    pub fn add_faults(&mut self, direction: Direction, faults: &Faults) {
        let added = Self::new(direction, faults);
        let here = self.sent;
        self.faults
            .extend(added.faults.iter().map(|&(at, fault)| (here + at, fault)));
        self.faults.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        (self.noise, self.random) = (added.noise, added.random);
    }

    /// Nothing goes wrong any more.
    pub fn mend(&mut self) {
        self.faults.clear();
        (self.noise, self.too_fast) = (0.0, 0.0);
        self.end_session();
    }

    /// Bytes sent into this direction so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The probability with which each byte is damaged at the speed of the line from now on.
    pub fn set_too_fast(&mut self, rate: f64) {
        self.too_fast = rate;
    }

    /// Cuts this direction.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// Another reader of the port takes this many bytes, the next that arrive.
    pub fn take_away(&mut self, bytes: u64) {
        self.taken_away += bytes;
    }

    /// What lasts no longer than a session is over: a cut, and the read of another program.
    pub fn end_session(&mut self) {
        (self.cut, self.taken_away) = (false, 0);
    }

    /// Sends `bytes`; what arrives is appended to `arrived`. Returns how many were taken, and what stopped it there.
    /// Call again with the rest until nothing stops it.
    pub fn carry(&mut self, bytes: &[u8], arrived: &mut Vec<u8>) -> (usize, Option<Interruption>) {
        let noise = self.noise.max(self.too_fast);
        if noise == 0.0 && self.next_fault_at() >= self.sent + bytes.len() as u64 {
            self.sent += bytes.len() as u64;
            self.deliver(bytes, arrived);
            return (bytes.len(), None);
        }
        for (index, &byte) in bytes.iter().enumerate() {
            let mut copies = Some(byte);
            let mut extra = None;
            while self.next_fault_at() == self.sent {
                let Some((_, fault)) = self.faults.pop() else {
                    break;
                };
                match fault {
                    WireFault::Delay(time) => return (index, Some(Interruption::Hold(time))),
                    WireFault::Unplug(replug) => {
                        return (index, Some(Interruption::Unplug(replug)));
                    }
                    WireFault::Cut => {
                        self.cut = true;
                        return (index, Some(Interruption::Cut));
                    }
                    // Behind a cut nobody is heard.
                    WireFault::SecondClient if self.cut => {}
                    WireFault::SecondClient => {
                        let bytes = 1 + self.random.below(SECOND_CLIENT_READ);
                        return (index, Some(Interruption::SecondClient(bytes)));
                    }
                    WireFault::Drop => copies = None,
                    WireFault::Flip(bit) => {
                        let bit = bit.map_or_else(|| self.random.below(8) as u32, u32::from);
                        copies = copies.map(|byte| byte ^ 1u8.wrapping_shl(bit));
                    }
                    WireFault::Duplicate => extra = copies,
                    WireFault::Insert => extra = Some(self.random.next_byte()),
                }
            }
            if noise > 0.0 && self.random.chance(noise) {
                (extra, copies) = self.damage(byte);
            }
            self.sent += 1;
            for byte in [extra, copies].into_iter().flatten() {
                self.deliver(&[byte], arrived);
            }
        }
        (bytes.len(), None)
    }

    /// The far end: what is not cut off arrives, and of that another reader takes its share.
    fn deliver(&mut self, bytes: &[u8], arrived: &mut Vec<u8>) {
        if self.cut {
            return;
        }
        let taken = self.taken_away.min(bytes.len() as u64);
        self.taken_away -= taken;
        arrived.extend(bytes.iter().skip(taken as usize));
    }

    fn next_fault_at(&self) -> u64 {
        self.faults.last().map_or(u64::MAX, |(at, _)| *at)
    }

    /// A byte that noise has hit: an additional byte before it, and itself if it survived.
    fn damage(&mut self, byte: u8) -> (Option<u8>, Option<u8>) {
        match self.random.below(4) {
            0 => (None, None),
            1 => (Some(byte), Some(byte)),
            2 => (Some(self.random.next_byte()), Some(byte)),
            _ => (
                None,
                Some(byte ^ 1u8.wrapping_shl(self.random.below(8) as u32)),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(words: &[&str]) -> Wire {
        let mut faults = Faults::default();
        for word in words {
            faults.add_word(word).unwrap();
        }
        Wire::new(Direction::ToBoard, &faults)
    }

    #[track_caller]
    fn check(words: &[&str], expected: &[u8]) {
        let mut arrived = Vec::new();
        assert_eq!(
            wire(words).carry(&[10, 11, 12, 13], &mut arrived),
            (4, None)
        );
        assert_eq!(arrived, expected, "{words:?}");
    }

    #[test]
    fn damages_the_byte_that_was_named() {
        check(&[], &[10, 11, 12, 13]);
        check(&["drop:to-board@1"], &[10, 12, 13]);
        check(&["flip:to-board@1=0"], &[10, 10, 12, 13]);
        check(&["duplicate:to-board@2"], &[10, 11, 12, 12, 13]);
        check(
            &["drop:to-board@0", "drop:to-board@3", "drop:from-board@1"],
            &[11, 12],
        );
        let mut arrived = Vec::new();
        wire(&["insert:to-board@3", "seed:5"]).carry(&[1, 2, 3, 4], &mut arrived);
        assert_eq!(
            (arrived.len(), &arrived[..3], arrived[4]),
            (5, &[1u8, 2, 3][..], 4)
        );
    }

    #[test]
    fn stops_where_it_is_interrupted_and_goes_on_there() {
        let words = [
            "delay:to-board@2=30",
            "unplug:to-board@3=never",
            "cut:to-board@4",
        ];
        let mut wire = wire(&words);
        let mut arrived = Vec::new();
        let hold = Interruption::Hold(Duration::from_millis(30));
        assert_eq!(wire.carry(&[10, 11, 12, 13], &mut arrived), (2, Some(hold)));
        assert_eq!(
            wire.carry(&[12, 13], &mut arrived),
            (1, Some(Interruption::Unplug(Replug::Never)))
        );
        let cut = Some(Interruption::Cut);
        assert_eq!(wire.carry(&[13, 14, 15], &mut arrived), (1, cut));
        assert_eq!(wire.carry(&[14, 15], &mut arrived), (2, None));
        wire.end_session();
        assert_eq!(wire.carry(&[16], &mut arrived), (1, None));
        assert_eq!(arrived, [10, 11, 12, 13, 16]);
        assert_eq!(wire.sent(), 7);
    }

    #[test]
    fn a_second_client_comes_in_between_and_is_not_heard_behind_a_cut() {
        let carry = |seed: &str| {
            let mut wire = wire(&["second-client:to-board@2", seed]);
            let mut arrived = Vec::new();
            let (taken, interruption) = wire.carry(&[10, 11, 12, 13], &mut arrived);
            let Some(Interruption::SecondClient(bytes)) = interruption else {
                panic!("{interruption:?}")
            };
            assert!((1..=SECOND_CLIENT_READ).contains(&bytes), "{bytes}");
            assert_eq!((taken, &arrived[..]), (2, &[10u8, 11][..]));
            assert_eq!(wire.carry(&[12, 13], &mut arrived), (2, None));
            assert_eq!(arrived, [10, 11, 12, 13]);
            bytes
        };
        assert_eq!(carry("seed:1"), carry("seed:1"));
        assert_ne!(carry("seed:1"), carry("seed:2"));
        let mut cut = wire(&["cut:to-board@0", "second-client:to-board@1"]);
        let mut arrived = Vec::new();
        assert_eq!(
            cut.carry(&[1, 2], &mut arrived),
            (0, Some(Interruption::Cut))
        );
        assert_eq!(cut.carry(&[1, 2], &mut arrived), (2, None));
        assert!(arrived.is_empty(), "{arrived:?}");
    }

    #[test]
    fn what_another_reader_takes_is_sent_and_does_not_arrive() {
        let mut wire = wire(&["duplicate:to-board@1", "drop:to-board@6"]);
        wire.take_away(4);
        let mut arrived = Vec::new();
        // 1, 2, 2, 3 are taken.
        assert_eq!(wire.carry(&[1, 2, 3, 4, 5], &mut arrived), (5, None));
        assert_eq!((&arrived[..], wire.sent()), (&[4u8, 5][..], 5));
        wire.take_away(2);
        assert_eq!(wire.carry(&[6], &mut arrived), (1, None));
        // The one that is lost is not there to be taken.
        assert_eq!(wire.carry(&[7, 8, 9], &mut arrived), (3, None));
        assert_eq!(arrived, [4, 5, 9]);
        wire.take_away(9);
        wire.end_session();
        assert_eq!(wire.carry(&[10], &mut arrived), (1, None));
        assert_eq!(arrived, [4, 5, 9, 10]);
    }

    #[test]
    fn noise_comes_at_its_rate_and_again_with_its_seed() {
        let damaged = |seed: &str| {
            let mut arrived = Vec::new();
            wire(&["noise:to-board@0.01", seed]).carry(&vec![0; 100_000], &mut arrived);
            arrived
        };
        let arrived = damaged("seed:1");
        assert_eq!(arrived, damaged("seed:1"));
        assert_ne!(arrived, damaged("seed:2"));
        let flipped = arrived.iter().filter(|byte| **byte != 0).count();
        // A quarter of the hits flip a bit, and a quarter insert a byte that is seldom 0.
        assert!((400..600).contains(&flipped), "{flipped}");
    }
}
