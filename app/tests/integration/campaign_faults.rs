//! What goes wrong in a campaign's run: everything follows from the kind, the run's number and its random numbers.

use std::time::Duration;

use flashpack::device::practice::Faults;
use flashpack::device::practice::faults::{Direction, FlashFault, PowerLoss, Replug, WireFault};

use super::jobs::{JOBS, Random};

/// What a campaign does to its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One cut, at every byte of either direction and at every flash operation.
    Cuts,
    /// One to three faults of any sort.
    Faulty,
    /// Damaged bytes at this rate, in parts per million.
    Noise(u32),
}

/// Bytes to the board, bytes from it and flash operations of a job when nothing goes wrong.
pub type Length = [u64; 3];

/// Which job, and what goes wrong.
pub fn faults(kind: Kind, number: u64, lengths: &[Length], random: &mut Random) -> (u64, Faults) {
    let mut faults = Faults {
        seed: random.next(),
        ..Faults::default()
    };
    match kind {
        Kind::Cuts => {
            let (job, fault) = cut(number, lengths);
            match fault {
                Cut::Wire(direction, at, fault) => faults.wire.push((direction, at, fault)),
                Cut::Flash(at, fault) => faults.flash.push((at, fault)),
            }
            return (job, faults);
        }
        Kind::Noise(per_million) => {
            faults.noise_to_board = f64::from(per_million) / 1e6;
            faults.noise_from_board = faults.noise_to_board;
            return (random.below(JOBS), faults);
        }
        Kind::Faulty => {}
    }
    let job = random.below(JOBS);
    let [to_board, from_board, operations] = lengths[job as usize];
    for _ in 0..=random.below(3) {
        let (direction, len) = match random.below(2) {
            0 => (Direction::ToBoard, to_board),
            _ => (Direction::FromBoard, from_board),
        };
        let at = random.below(len + len / 8);
        let operation = random.below(operations + 8);
        let soon = Replug::After(Duration::from_millis(random.below(30)));
        let wire = match random.below(14) {
            0 | 1 => WireFault::Drop,
            2 | 3 => WireFault::Flip(Some(random.below(8) as u8)),
            4 => WireFault::Duplicate,
            5 => WireFault::Insert,
            6 => WireFault::Delay(Duration::from_millis(random.below(300))),
            7 => WireFault::Cut,
            8 => WireFault::Unplug(soon),
            12 => WireFault::SecondClient,
            9 => {
                faults.flash.push((operation, FlashFault::Fail));
                continue;
            }
            10 => {
                let loss = FlashFault::PowerLoss(PowerLoss::BrownOut);
                faults.flash.push((operation, loss));
                continue;
            }
            11 => {
                let loss = FlashFault::PowerLoss(PowerLoss::Unplug(soon));
                faults.flash.push((operation, loss));
                continue;
            }
            _ => {
                faults.write_protected = random.below(4) == 0;
                faults
                    .stuck_bytes
                    .push(0x10_0000 + random.below(0x8_0000) as u32);
                continue;
            }
        };
        faults.wire.push((direction, at, wire));
    }
    (job, faults)
}

/// All cuts of all jobs, one per number, in an order that covers them evenly however many are run.
fn cut(number: u64, lengths: &[Length]) -> (u64, Cut) {
    let total: u64 = cuts(lengths);
    // A step without a common divisor visits every one before any comes twice.
    let mut step = (total * 382 / 1000) | 1;
    while gcd(step, total) != 1 {
        step += 2;
    }
    let mut place = (u128::from(number) * u128::from(step) % u128::from(total)) as u64;
    for (job, [to_board, from_board, operations]) in (0..).zip(lengths) {
        let never = Replug::Never;
        let loss = |loss| FlashFault::PowerLoss(loss);
        for (len, cut) in [
            (*to_board, Cut::Wire(Direction::ToBoard, 0, WireFault::Cut)),
            (
                *from_board,
                Cut::Wire(Direction::FromBoard, 0, WireFault::Cut),
            ),
            (
                *to_board,
                Cut::Wire(Direction::ToBoard, 0, WireFault::Unplug(never)),
            ),
            (
                *from_board,
                Cut::Wire(Direction::FromBoard, 0, WireFault::Unplug(never)),
            ),
            (*operations, Cut::Flash(0, loss(PowerLoss::Unplug(never)))),
            (*operations, Cut::Flash(0, loss(PowerLoss::BrownOut))),
            (*operations, Cut::Flash(0, FlashFault::Fail)),
        ] {
            if place < len {
                return (job, cut.at(place));
            }
            place -= len;
        }
    }
    unreachable!("the place is below the total")
}

/// How many cuts there are.
fn cuts(lengths: &[Length]) -> u64 {
    let of_job = |[to_board, from_board, operations]: &Length| {
        2 * to_board + 2 * from_board + 3 * operations
    };
    lengths.iter().map(of_job).sum()
}

enum Cut {
    Wire(Direction, u64, WireFault),
    Flash(u64, FlashFault),
}

impl Cut {
    fn at(self, place: u64) -> Self {
        match self {
            Self::Wire(direction, _, fault) => Self::Wire(direction, place, fault),
            Self::Flash(_, fault) => Self::Flash(place, fault),
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
