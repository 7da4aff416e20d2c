use device_agent::frame::encode;
use device_agent::message::{MAX_ENCODED, Writer};
use device_agent::request::{Into as RestartInto, Request as AgentRequest};

use super::super::bench::{Bench, firmware};
use super::super::faults::Replug;
use super::super::ram::Segment;
use super::*;
use crate::model::cost::{Link, Part};

const DOWNLOAD: &str = "waiting for download";

fn text(wire: &[u8]) -> String {
    String::from_utf8_lossy(wire).into_owned()
}

fn agent_frame(request: &AgentRequest<'_>) -> Vec<u8> {
    let mut writer = Writer::new();
    request.write(1, &mut writer);
    let mut buffer = [0; MAX_ENCODED];
    encode(writer.message().unwrap(), &mut buffer)
        .unwrap()
        .to_vec()
}

#[test]
fn anything_that_is_loaded_is_the_stub_unless_it_is_the_agent() {
    let mut bench = Bench::new(&[]);
    let mut other = firmware();
    other.segments[0].bytes[299] ^= 1;
    let answers = bench.load(&other);
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0][8..], [0; 4], "the ROM answers MEM_END");
    assert_eq!(answers[1], b"OHAI");
    assert_eq!(bench.machine.running(), "stub");
    let answers = bench.load(&firmware());
    assert_eq!(
        answers.len(),
        1,
        "the stub answers MEM_END, the agent does not greet"
    );
    assert_eq!(answers[0][8..], [0; 2]);
    assert_eq!(bench.machine.running(), "agent");
}

#[test]
fn the_agents_own_app_in_flash_is_the_agent_and_any_other_is_not() {
    use super::super::boot_image::tests::make;
    use super::super::boot_order::tests::row;
    let bootloader = make(5, &[(0x3FCD_5820, &[3; 32])]);
    let table = [row(0, 0, 0x1_0000, 0x1_0000, "factory"), [0xFF; 32]].concat();
    let mut image = firmware().app_image;
    for expected in ["agent", "flash"] {
        let mut bench = Bench::new(&[]);
        for (at, bytes) in [(0, &bootloader), (0x8000, &table), (0x1_0000, &image)] {
            bench.machine.silicon.flash.overwrite(at, bytes);
        }
        let mut wire = Vec::new();
        bench.machine.press_reset(false, &mut wire);
        let said = text(&wire);
        assert!(said.contains("partition at offset 0x10000"), "{said}");
        assert_eq!(bench.machine.running(), expected);
        let answers = bench.send(&agent_frame(&AgentRequest::Info));
        assert_eq!(answers.is_empty(), expected == "flash");
        // As sound, but not the same.
        image = make(5, &[(0x3C00_0020, &[2; 256]), (0x4201_0130, &[0; 4])]);
    }
}

#[test]
fn what_was_loaded_before_a_reset_is_gone() {
    let mut bench = Bench::new(&[]);
    let whole = firmware();
    let Segment { addr, bytes } = whole.segments[0].clone();
    bench.ask(Command::MemBegin, &[bytes.len() as u32, 1, 0x1800, addr]);
    bench.block(Command::MemData, 0, &bytes);
    bench.machine.power_on(&mut Vec::new());
    bench.raw(
        Command::MemEnd,
        0,
        &[[0; 4], whole.entry.to_le_bytes()].concat(),
    );
    assert_eq!(bench.machine.running(), "stub");
}

#[test]
fn the_agent_does_not_answer_loaders_and_loaders_not_the_agent() {
    let hello = agent_frame(&AgentRequest::Info);
    let sync = [
        &[0xC0, 0, 8, 36, 0, 0, 0, 0, 0, 7, 7, 0x12, 0x20][..],
        &[0x55; 32],
        &[0xC0],
    ]
    .concat();
    for mut bench in [Bench::new(&[]), Bench::with_stub(&[])] {
        assert!(bench.send(&hello).is_empty());
        assert!(!bench.send(&sync).is_empty());
        bench.load(&firmware());
        assert!(bench.send(&sync).is_empty());
        assert!(!bench.send(&hello).is_empty());
    }
}

#[test]
fn the_agent_restarts_into_the_loader_or_into_flash() {
    for (into, running, line) in [
        (RestartInto::Loader, "loader", DOWNLOAD),
        (RestartInto::Flash, "flash", "invalid header"),
    ] {
        let mut bench = Bench::new(&[]);
        bench.load(&firmware());
        let said = text(&bench.send(&agent_frame(&AgentRequest::Restart { into })));
        assert!(
            said.contains("rst:0x3 (RTC_SW_SYS_RST)") && said.contains(line),
            "{said}"
        );
        assert_eq!(bench.machine.running(), running);
    }
}

#[test]
fn the_watchdog_resets_into_flash() {
    use super::super::request::Command::WriteReg;
    let mut bench = Bench::with_stub(&[]);
    bench.ask(WriteReg, &[0x6000_80A8, 0x50D8_3AA1, u32::MAX, 0]);
    bench.ask(WriteReg, &[0x6000_8094, 2000, u32::MAX, 0]);
    assert_eq!(bench.machine.watchdog(), None);
    assert!(
        bench
            .ask(
                WriteReg,
                &[0x6000_8090, 1 << 31 | 5 << 28 | 0x102, u32::MAX, 0]
            )
            .is_ok()
    );
    assert!(bench.machine.watchdog().is_some());
    assert!(
        bench.ask(WriteReg, &[0x6000_80A8, 0, u32::MAX, 0]).is_ok(),
        "it still answers"
    );
    let mut wire = Vec::new();
    bench.machine.watchdog_due(&mut wire);
    assert!(text(&wire).contains("RTCWDT_RTC_RST"), "{}", text(&wire));
    assert_eq!(
        (bench.machine.running(), bench.machine.watchdog()),
        ("flash", None)
    );
}

#[test]
fn a_software_reset_by_register_is_not_answered() {
    use super::super::request::Command::WriteReg;
    let mut bench = Bench::with_stub(&[]);
    bench.ask(WriteReg, &[0x6000_80F4, 1, 1, 0]);
    assert_eq!(
        bench
            .raw(
                WriteReg,
                0,
                &[0x6000_8000u32, 1 << 31, 1 << 31, 0]
                    .map(u32::to_le_bytes)
                    .concat()
            )
            .len(),
        0
    );
    assert_eq!(bench.machine.running(), "loader");
}

#[test]
fn a_brown_out_restarts_the_chip_and_an_unplugged_one_is_silent() {
    use super::super::request::Command::{EraseRegion, ReadReg};
    let mut bench = Bench::with_stub(&["brown-out:flash@0"]);
    bench.machine.silicon.flash.overwrite(0, &[0; 0x1000]);
    let erase = [0u32, 0x1000].map(u32::to_le_bytes).concat();
    assert!(bench.raw(EraseRegion, 0, &erase).is_empty());
    assert_eq!((bench.machine.running(), bench.loss), ("loader", None));
    assert_ne!(bench.flash(0, 0x1000), [0xFF; 0x1000]);
    assert!(bench.ask(ReadReg, &[0]).is_ok());
    let mut bench = Bench::with_stub(&["unplug:flash@0=never"]);
    assert!(bench.raw(EraseRegion, 0, &erase).is_empty());
    assert_eq!(bench.loss, Some(PowerLoss::Unplug(Replug::Never)));
}

#[test]
fn a_stub_that_lost_a_delimiter_stays_deaf_until_it_gets_one_more() {
    let mut bench = Bench::with_stub(&[]);
    let read = [&[0xC0, 0, 0x0A, 4, 0][..], &[0; 4], &[0; 4], &[0xC0]].concat();
    let answer = bench.send(&read);
    assert!(!answer.is_empty());
    assert!(bench.send(&read[1..]).is_empty());
    for _ in 0..3 {
        assert!(bench.send(&read).is_empty(), "it takes the gaps for frames");
    }
    bench.send(&[0xC0]);
    assert_eq!(bench.send(&read), answer);
}

#[test]
fn no_bytes_make_it_panic_and_it_comes_back_after_all_of_them() {
    use super::super::random::Random;
    use super::super::request::Command::{self, ReadReg};
    use super::super::slip::append_frame;
    let mut random = Random::new(20_261_120);
    let known: Vec<u8> = (0..=u8::MAX)
        .filter(|number| Command::from_number(*number).is_some())
        .collect();
    for round in 0..3000u32 {
        let mut bench = match round % 3 {
            0 => Bench::new(&["brown-out:flash@3", "fail:flash@9"]),
            1 => Bench::with_stub(&[]),
            _ => {
                let mut bench = Bench::new(&[]);
                bench.load(&firmware());
                bench
            }
        };
        for _ in 0..20 {
            let len = [0, 4, 8, 16, 20, 24, 36, 300][random.below(8) as usize];
            let mut data: Vec<u8> = (0..len).map(|_| random.next_byte()).collect();
            // Small words get further than random ones.
            data.iter_mut()
                .skip(1)
                .step_by(2)
                .for_each(|byte| *byte = 0);
            let number = known[random.below(known.len() as u64) as usize];
            let mut frame = vec![0, number];
            frame.extend((data.len() as u16).to_le_bytes());
            frame.extend([random.next_byte(), 0, 0, 0]);
            frame.extend(data);
            let mut wire = Vec::new();
            append_frame(&mut wire, &frame);
            if random.chance(0.2) {
                let at = random.below(wire.len() as u64) as usize;
                wire[at] = random.next_byte();
            }
            bench.send(&wire);
        }
        bench.machine.power_on(&mut Vec::new());
        assert_eq!(
            bench.ask(ReadReg, &[0x4000_1000]).value,
            0x1B31_506F,
            "{round}"
        );
    }
}

#[test]
fn modelled_time_is_that_of_the_one_model() {
    use super::super::request::Command::{FlashBegin, FlashData, FlashEnd};
    use crate::model::cost::Clock;
    use crate::model::region::Region;
    let mut bench = Bench::with_stub(&[]);
    let before = bench.machine.counters.modelled_seconds();
    bench.machine.silicon.flash.overwrite(0, &vec![0; 0x1_0000]);
    bench.ask(FlashBegin, &[0x1_0000, 4, 0x4000, 0]);
    for sequence in 0..4 {
        bench.block(FlashData, sequence, &[0x11; 0x4000]);
    }
    bench.ask(FlashEnd, &[1]);
    let mut clock = Clock::new(Link::Usb, Part::TYPICAL);
    clock.exchange(&Exchange::new(26, 12).then(Work::erase(Region::new(0, 0x1_0000))));
    for block in 0..4 {
        clock.exchange(
            &Exchange::new(26 + 0x4000, 12)
                .then(Work::program(Region::new(block * 0x4000, 0x4000))),
        );
    }
    clock.exchange(&Exchange::new(14, 12));
    let measured = bench.machine.counters.modelled_seconds()["usb"] - before["usb"];
    assert!(
        (measured - clock.elapsed().as_secs_f64()).abs() < 1e-6,
        "{measured} {:?}",
        clock.elapsed()
    );
}
