//! What the agent answers to requests that read all bytes of something.

use device_agent::bin_verify::FaultKind;
use device_agent::crc::crc32;
use device_agent::error::Error;
use device_agent::message::{Fields, SECTOR_SIZE, UNKNOWN};
use device_agent::reply::{Benched, FileSum, Peeked, RegionSums, SelfTested, Verified};
use device_agent::request::{FindFlags, Request, Width};

use crate::agent::{found, host};
use crate::support::{BIN_OFFSET, Host, place};

#[test]
fn every_sector_of_a_region_is_summed() {
    let mut host = host();
    let (offset, size) = (BIN_OFFSET - 8 * SECTOR_SIZE, 70 * SECTOR_SIZE);
    let replies = host.ask(&Request::Digests { offset, size });
    assert_eq!(replies.len(), 3);
    let mut at = offset;
    for (status, fields) in replies {
        status.unwrap();
        let fields = &mut Fields(&fields);
        assert_eq!(fields.u32(), Some(at));
        for _ in 0..fields.u32().unwrap() {
            let sector = &host.agent.hardware().flash[at as usize..(at + SECTOR_SIZE) as usize];
            assert_eq!(fields.u32(), Some(crc32(sector)));
            fields.u32().unwrap();
            at += SECTOR_SIZE;
        }
        assert!(fields.end().is_some());
    }
    assert_eq!(at, offset + size);
    let blank = host
        .ask(&Request::Digests {
            offset: 0,
            size: SECTOR_SIZE,
        })
        .remove(0)
        .1;
    // Of 4096 bytes of FF, computed by zlib and by a bitwise CRC-32C in another language.
    let mut expected = vec![0, 0, 0, 0, 1, 0, 0, 0];
    expected.extend(0xF154_670A_u32.to_le_bytes());
    expected.extend(0x25C1_FE13_u32.to_le_bytes());
    assert_eq!(blank, expected);
}

#[test]
fn sums_and_peeks_are_right() {
    let mut host = host();
    let whole = RegionSums::parse(&host.one(&Request::CrcRegion {
        offset: 0,
        size: 2 << 20,
    }))
    .unwrap();
    assert_eq!(whole.crc32, crc32(&host.agent.hardware().flash));
    let sum = FileSum::parse(&host.one(&Request::CrcFile {
        place: place(),
        path: b"big",
    }))
    .unwrap();
    assert_eq!((sum.recorded, sum.size), (Some(sum.computed), 150_000));
    let at = sum.flash_offset as usize + 5;
    host.agent.hardware_mut().flash[at] ^= 1;
    let sum = FileSum::parse(&host.one(&Request::CrcFile {
        place: place(),
        path: b"big",
    }))
    .unwrap();
    assert_ne!(sum.recorded, Some(sum.computed));
    let offset = 0x11_FFFE;
    let bytes = host.agent.hardware().flash[offset..offset + 4].to_vec();
    for (width, len) in [(Width::One, 1), (Width::Two, 2), (Width::Four, 4)] {
        let peeked = Peeked::parse(&host.one(&Request::Peek {
            offset: offset as u32,
            width,
        }))
        .unwrap();
        assert_eq!(peeked.value.to_le_bytes()[..len], bytes[..len]);
        assert_eq!(peeked.vaddr, 0x3C11_FFFE);
    }
}

#[test]
fn a_proof_counts_and_shows_the_first_fault() {
    let mut host = host();
    let proof = |host: &mut Host, path| {
        Verified::parse(&host.one(&Request::Verify {
            place: place(),
            path,
        }))
        .unwrap()
    };
    let good = proof(&mut host, b"");
    assert_eq!(
        (
            good.tally.files,
            good.tally.bins,
            good.tally.faults,
            good.first
        ),
        (6, 2, 0, None)
    );
    let nested = found(&mut host, b"deep/f001", 0).flash_offset;
    host.agent.hardware_mut().flash[nested as usize] ^= 1;
    let bad = proof(&mut host, b"");
    assert_eq!(bad.tally.faults, 2, "the file, and the Bin around it");
    assert_eq!(bad.first.unwrap().kind, FaultKind::Checksum);
    let inner = proof(&mut host, b"deep");
    assert_eq!(
        (inner.tally.faults, inner.first.unwrap().name),
        (1, *b"f001\0\0\0\0")
    );
}

#[test]
fn the_self_test_compares_with_the_rom() {
    let mut host = host();
    let request = Request::SelfTest {
        offset: 0x0F_FF01,
        size: 0x2_0000,
    };
    let tested = SelfTested::parse(&host.one(&request)).unwrap();
    assert_eq!(
        tested,
        SelfTested {
            compared: 0x2_0000,
            different: 0,
            first: UNKNOWN
        }
    );
    // Another page than the planner was told of: the agent must notice.
    host.agent.hardware_mut().entries[0x10] = 0x1F;
    device_agent::mmu::Hardware::invalidate(host.agent.hardware_mut(), 0x10);
    host.agent.hardware_mut().entries[0x10] = 0x10;
    let tested = SelfTested::parse(&host.one(&request)).unwrap();
    assert!(
        tested.different > 0 && tested.first >= 0x10_0000,
        "{tested:?}"
    );
    host.agent.hardware_mut().rom_works = false;
    assert_eq!(host.refusal(&request), Error::RomRead);
}

#[test]
fn a_bench_counts_cycles() {
    let mut host = host();
    let request = Request::Bench {
        place: place(),
        count: 10,
        flags: FindFlags(0),
        path: b"big",
    };
    let benched = Benched::parse(&host.one(&request)).unwrap();
    assert_eq!(benched.count, 10);
    assert!(benched.warm.least > 0 && benched.warm.least <= benched.warm.most);
    assert!(benched.warm.total >= 10 * u64::from(benched.warm.least));
    let missing = Request::Bench {
        place: place(),
        count: 10,
        flags: FindFlags(0),
        path: b"none",
    };
    assert_eq!(host.refusal(&missing), Error::NotFound);
}
