//! How much a plan sends and how long that takes, by the one model of [`super::cost`]: between *nothing differs* and
//! *everything differs*, because only the board knows which of its sectors do. Nothing here is a measurement.

use std::time::Duration;

use serde::Serialize;

use super::cost::{Clock, Exchange, Link, Part, STUB_BLOCK, Work, framed_len};
use super::flash_plan::FlashPlan;
use super::planned_move::PlannedMove;
use super::region::Region;

/// Bytes of a request and of an answer that carry no data, framing included.
const REQUEST: u64 = 26;
const ANSWER: u64 = 12;

/// Modelled bounds of a write.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Bytes on the wire to the board if every sector differs and nothing can be compressed.
    pub bytes_at_most: u64,
    /// Seconds if the board holds everything already.
    pub seconds_at_least: f64,
    /// Seconds if every sector differs.
    pub seconds_at_most: f64,
}

/// Estimates a plan over a link, with a typical flash chip.
pub fn estimate(plan: &FlashPlan, link: Link) -> Estimate {
    let mut least = Clock::new(link, Part::TYPICAL);
    let mut most = Clock::new(link, Part::TYPICAL);
    let mut bytes_at_most = 0;
    for write in &plan.writes {
        let region = write.region().sectors();
        for piece in pieces(region) {
            if !plan.full {
                least.exchange(&hash(piece));
            }
            let frame = framed_len(u64::from(piece.size) + 24);
            bytes_at_most += frame;
            let work = Work::erase(piece) + Work::program(piece);
            most.exchange(&Exchange::new(frame, ANSWER).then(work));
        }
        most.exchange(&Exchange::new(REQUEST, ANSWER));
        bytes_at_most += REQUEST;
        if !plan.no_verify {
            most.exchange(&hash(region));
            bytes_at_most += REQUEST;
        }
    }
    // What is carried along is read in any case.
    let carried = plan.moves.iter().filter(|_| plan.carry);
    for (from, to) in carried.filter_map(PlannedMove::carried) {
        let read = Exchange::new(REQUEST, framed_len(u64::from(from.size)));
        let new = Region::new(to, from.size);
        least.exchange(&read);
        least.exchange(&hash(new));
        most.exchange(&read);
        for piece in pieces(new) {
            let frame = framed_len(u64::from(piece.size) + 24);
            bytes_at_most += frame;
            let work = Work::erase(piece) + Work::program(piece);
            most.exchange(&Exchange::new(frame, ANSWER).then(work));
        }
        most.exchange(&hash(new));
    }
    let least = if plan.full { most } else { least };
    Estimate {
        bytes_at_most,
        seconds_at_least: seconds(least.elapsed()),
        seconds_at_most: seconds(most.elapsed().max(least.elapsed())),
    }
}

fn hash(region: Region) -> Exchange {
    Exchange::new(REQUEST, REQUEST).working(Work::md5(u64::from(region.size)))
}

fn pieces(region: Region) -> impl Iterator<Item = Region> {
    (0..region.size.div_ceil(STUB_BLOCK)).map(move |index| {
        let start = index * STUB_BLOCK;
        Region::new(
            region.offset.saturating_add(start),
            STUB_BLOCK.min(region.size - start),
        )
    })
}

/// To a tenth of a second: more would promise what a model does not know.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).ceil() / 10.0
}

impl Estimate {
    /// `at most 1.1 MiB over the wire; modelled 0.2 to 12.3 s`.
    pub fn sentence(&self) -> String {
        let bytes = super::number::human_size(self.bytes_at_most);
        let (least, most) = (self.seconds_at_least, self.seconds_at_most);
        if least < most {
            format!(
                "at most {bytes} over the wire; modelled {least:.1} s if nothing differs, {most:.1} s if everything does"
            )
        } else {
            format!("at most {bytes} over the wire; modelled {most:.1} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::flash_plan::{PlannedWrite, Role};
    use super::*;

    fn plan(len: usize) -> FlashPlan {
        FlashPlan::new(vec![PlannedWrite {
            role: Role::Data,
            target: "bin".into(),
            source: "a".into(),
            offset: 0x1_0000,
            bytes: vec![0; len].into(),
            destroys: Vec::new(),
        }])
    }

    #[test]
    fn a_faster_link_and_fewer_bytes_take_less() {
        let slow = estimate(&plan(0x1_0000), Link::Uart(115_200));
        let fast = estimate(&plan(0x1_0000), Link::Uart(921_600));
        let half = estimate(&plan(0x8000), Link::Uart(115_200));
        assert!(slow.seconds_at_most > fast.seconds_at_most);
        assert!(slow.seconds_at_most > half.seconds_at_most);
        assert!(slow.seconds_at_least < slow.seconds_at_most);
        // 64 KiB at 115200 baud are 5.7 s on the wire alone.
        assert!((5.7..8.0).contains(&slow.seconds_at_most), "{slow:?}");
        assert!((0x1_0000..0x1_1000).contains(&slow.bytes_at_most));
    }

    #[test]
    fn writing_everything_has_one_figure() {
        let full = FlashPlan {
            full: true,
            ..plan(0x4000)
        };
        let estimate = estimate(&full, Link::Usb);
        assert!((estimate.seconds_at_least - estimate.seconds_at_most).abs() < f64::EPSILON);
        assert!(!estimate.sentence().contains("nothing differs"));
        assert!(estimate.seconds_at_most > 0.0);
    }

    #[test]
    fn what_is_carried_along_is_read_and_written() {
        let planned = PlannedMove {
            name: "nvs".into(),
            from: Region::new(0x9000, 0x8000),
            to: Region::new(0x2_0000, 0x8000),
        };
        let carried = FlashPlan {
            moves: vec![planned],
            carry: true,
            ..plan(0x1000)
        };
        let left = FlashPlan {
            carry: false,
            ..carried.clone()
        };
        let link = Link::Uart(115_200);
        let (carried, left) = (estimate(&carried, link), estimate(&left, link));
        assert_eq!(left, estimate(&plan(0x1000), link));
        assert!(carried.bytes_at_most > left.bytes_at_most + 0x8000);
        // 32 KiB there and back are 5.7 s on the wire.
        assert!(carried.seconds_at_most > left.seconds_at_most + 5.7);
        assert!(carried.seconds_at_least > left.seconds_at_least + 2.8);
    }

    #[test]
    fn nothing_costs_nothing() {
        let estimate = estimate(&FlashPlan::default(), Link::Usb);
        assert_eq!(estimate.bytes_at_most, 0);
    }
}
