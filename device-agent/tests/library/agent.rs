//! What the agent answers to each request, against what the flash holds.

use device_agent::agent::Action;
use device_agent::crc::crc32;
use device_agent::error::Error;
use device_agent::frame;
use device_agent::message::{Fields, MAX_DATA, MAX_ENCODED, SECTOR_SIZE, UNKNOWN};
use device_agent::mmu::{PAGE_SIZE, Sharing};
use device_agent::reply::{
    CrcSource, Found, FoundFlags, Info, InfoFlags, Listed, ListedFlags, MapHeader, Spot,
};
use device_agent::request::{FindFlags, Into, MapAction, Names, Place, Request, Width};

use crate::support::{BIN_OFFSET, FakeChip, Host, MIB, Node, Random, flash, image, indexed, place};

pub fn files() -> Vec<(&'static str, Node)> {
    let mut random = Random(3);
    vec![
        ("a", Node::File(b"first".to_vec())),
        ("big", Node::File(random.bytes(150_000))),
        (
            "deep",
            Node::Folder(vec![
                ("f001", Node::File(b"nested".to_vec())),
                ("x", Node::File(Vec::new())),
            ]),
        ),
        ("empty", Node::File(Vec::new())),
    ]
}

pub fn host() -> Host {
    Host::new(flash(2 * MIB, &image(&files())))
}

pub fn found(host: &mut Host, path: &[u8], flags: u8) -> Found {
    Found::parse(&host.one(&Request::Find {
        place: place(),
        flags: FindFlags(flags),
        path,
    }))
    .unwrap()
}

#[test]
fn info_says_who_and_what() {
    let mut host = host();
    let info = Info::parse(&host.one(&Request::Info)).unwrap();
    assert_eq!(
        (info.protocol, info.chip, info.flash_size),
        (device_agent::PROTOCOL_VERSION, 5, 2 << 20)
    );
    assert_eq!(
        (info.mmu_entries, info.mmu_free, info.page_size),
        (128, 128, PAGE_SIZE)
    );
    assert!(info.project.starts_with(b"flashpack-agent\0"));
    assert_eq!((info.capabilities, info.flags), (0x1_FFFE, InfoFlags(0)));
    let mut large = Host::on(FakeChip::new(vec![0xFF; 16 * MIB]), Sharing::Shared);
    let info = Info::parse(&large.one(&Request::Info)).unwrap();
    assert_eq!(
        info.flags,
        InfoFlags(InfoFlags::SLIDING | InfoFlags::SHARED)
    );
}

#[test]
fn a_file_is_found_with_all_that_is_known() {
    let mut host = host();
    let big = found(&mut host, b"big", FindFlags::CYCLES);
    let bytes =
        host.agent.hardware().flash[big.flash_offset as usize..][..big.size as usize].to_vec();
    assert_eq!(
        (big.size, big.flash_offset),
        (150_000, BIN_OFFSET + big.offset)
    );
    assert_eq!(big.partition_offset, BIN_OFFSET);
    assert_eq!(
        (big.crc32, big.crc_source),
        (crc32(&bytes), CrcSource::Record)
    );
    assert_eq!(
        (big.vaddr, big.vaddr_code),
        (
            0x3C00_0000 + big.flash_offset,
            0x4200_0000 + big.flash_offset
        )
    );
    assert!(
        big.flags.has(FoundFlags::CONTIGUOUS)
            && !big.flags.has(FoundFlags::BIN | FoundFlags::SLIDING)
    );
    assert!(big.cycles_cold > 0 && big.cycles_warm > 0 && big.cycles_cold != UNKNOWN);
    let computed = found(&mut host, b"big", FindFlags::COMPUTE_CRC);
    assert_eq!(
        (computed.crc32, computed.crc_source),
        (big.crc32, CrcSource::Computed)
    );
    assert_eq!(computed.cycles_cold, UNKNOWN, "not measured, so not known");
    let nested = found(&mut host, b"deep/f001", 0);
    let start = nested.flash_offset as usize;
    assert_eq!(&host.agent.hardware().flash[start..start + 6], b"nested");
    assert_eq!(
        nested.offset,
        nested.flash_offset - BIN_OFFSET,
        "from the start of the outermost Bin"
    );
    assert!(found(&mut host, b"deep", 0).flags.has(FoundFlags::BIN));
    assert_eq!(found(&mut host, b"empty", FindFlags::COMPUTE_CRC).crc32, 0);
    let walked = found(&mut host, b"big", FindFlags::WALK);
    assert_eq!(
        (walked.offset, walked.crc_source),
        (big.offset, CrcSource::None),
        "without the index, no record"
    );
}

#[test]
fn places_are_named_or_left_to_the_agent() {
    let mut host = host();
    let mut ask = |place: Place, path: &'static [u8]| {
        let replies = host.ask(&Request::Find {
            place,
            flags: FindFlags(0),
            path,
        });
        replies[0].0
    };
    assert_eq!(ask(Place::new(UNKNOWN, b"").unwrap(), b"a"), Ok(()));
    assert_eq!(ask(Place::new(0x8000, b"").unwrap(), b"a"), Ok(()));
    assert_eq!(
        ask(Place::new(0x8000, b"none").unwrap(), b"a"),
        Err(Error::NoPartition)
    );
    assert_eq!(
        ask(Place::new(0x9000, b"bin").unwrap(), b"a"),
        Err(Error::NoTable)
    );
    assert_eq!(
        ask(Place::new(0x8000, b"other").unwrap(), b"a"),
        Err(Error::NotFound)
    );
    assert_eq!(ask(place(), b"deep/none"), Err(Error::NotFound));
    assert!(Place::new(0, b"seventeen letters").is_none());
}

#[test]
fn many_names_give_offsets_and_sizes_only() {
    let files: Vec<(String, Vec<u8>)> = (0..1000)
        .map(|number| (format!("f{number:03}"), vec![7; number % 97]))
        .collect();
    let mut host = Host::new(flash(2 * MIB, &indexed(&files)));
    let mut wire = [0, 0];
    for batch in files.chunks(113) {
        let mut names = Vec::new();
        for (name, _) in batch {
            names.push(name.len() as u8);
            names.extend(name.as_bytes());
        }
        let request = Request::FindMany {
            place: place(),
            names: Names::new(&names).unwrap(),
        };
        let fields = host.one(&request);
        wire[0] += frame::encoded_size(4 + 20 + names.len());
        wire[1] += frame::encoded_size(4 + fields.len());
        let fields = &mut Fields(&fields);
        for (name, bytes) in batch {
            let spot = Spot::parse(fields).unwrap();
            assert_eq!(spot.size as usize, bytes.len());
            assert_eq!(spot.offset, found(&mut host, name.as_bytes(), 0).offset);
        }
        assert!(fields.end().is_some());
    }
    assert!(
        wire[0] <= 12_000 && wire[1] <= 12_000,
        "{wire:?} bytes for 1,000 names"
    );
    let fields = host.one(&Request::FindMany {
        place: place(),
        names: Names::new(b"\x03zzz\0\x04f000").unwrap(),
    });
    let fields = &mut Fields(&fields);
    let missing = Spot {
        offset: UNKNOWN,
        size: 6,
    };
    assert_eq!(
        (Spot::parse(fields), Spot::parse(fields)),
        (Some(missing), Some(missing))
    );
    assert_eq!(Spot::parse(fields).unwrap().size, 0);
    assert!(Names::new(&[0; 129]).is_none() && Names::new(&[0; 128]).is_some());
    assert!(Names::new(b"\x05abcd").is_none());
}

#[test]
fn a_directory_is_listed_in_pages() {
    let files: Vec<(String, Vec<u8>)> = (0..100)
        .map(|number| (format!("f{number:03}"), vec![1; number]))
        .collect();
    let mut host = Host::new(flash(2 * MIB, &indexed(&files)));
    let mut seen = Vec::new();
    while seen.len() < 100 {
        let fields = host.one(&Request::List {
            place: place(),
            start: seen.len() as u32,
            path: b"",
        });
        let fields = &mut Fields(&fields);
        assert_eq!(
            (fields.u32(), fields.u32()),
            (Some(100), Some(seen.len() as u32))
        );
        let before = seen.len();
        seen.extend(std::iter::from_fn(|| Listed::parse(fields)));
        assert!(seen.len() > before);
    }
    for (listed, (name, bytes)) in seen.iter().zip(&files) {
        assert!(listed.name.starts_with(name.as_bytes()));
        assert_eq!(
            (listed.size as usize, listed.crc32),
            (bytes.len(), crc32(bytes))
        );
        assert_eq!(listed.flags, ListedFlags(ListedFlags::RECORD));
    }
    let mut host = self::host();
    let fields = host.one(&Request::List {
        place: place(),
        start: 2,
        path: b"",
    });
    let deep = Listed::parse(&mut Fields(&fields[8..])).unwrap();
    assert!(deep.flags.has(ListedFlags::BIN | ListedFlags::RECORD));
    let fields = host.one(&Request::List {
        place: place(),
        start: 0,
        path: b"deep",
    });
    let inner = Listed::parse(&mut Fields(&fields[8..])).unwrap();
    assert_eq!(
        inner.offset,
        found(&mut host, b"deep/f001", 0).offset,
        "from the start of the outermost Bin"
    );
    let past = host.one(&Request::List {
        place: place(),
        start: 99,
        path: b"deep",
    });
    assert_eq!(past, [2, 0, 0, 0, 99, 0, 0, 0]);
}

#[test]
fn bytes_are_streamed_in_frames() {
    let mut host = host();
    for (offset, size) in [
        (0, 5),
        (0x0F_FFF0, 70_000),
        (2 * MIB as u32 - 1, 1),
        (77, 0),
        (2 * MIB as u32, 0),
    ] {
        let replies = host.ask(&Request::Read { offset, size });
        assert_eq!(replies.len(), (size as usize).div_ceil(MAX_DATA).max(1));
        let mut bytes: Vec<u8> = Vec::new();
        for (status, fields) in replies {
            status.unwrap();
            let fields = &mut Fields(&fields);
            assert_eq!(fields.u32(), Some(offset + bytes.len() as u32));
            bytes.extend(fields.rest());
        }
        assert_eq!(
            bytes,
            host.agent.hardware().flash[offset as usize..(offset + size) as usize]
        );
    }
}

#[test]
fn the_table_comes_as_stored() {
    let mut host = host();
    let fields = host.one(&Request::Table {
        table_offset: UNKNOWN,
        start: 0,
    });
    assert_eq!(fields[..8], [4, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(fields[8..], host.agent.hardware().flash[0x8000..0x8080]);
    assert_eq!(
        host.one(&Request::Table {
            table_offset: 0x8000,
            start: 3
        })
        .len(),
        8 + 32
    );
    assert_eq!(
        host.refusal(&Request::Table {
            table_offset: 0x4000,
            start: 0
        }),
        Error::NoTable
    );
}

#[test]
fn the_map_shows_every_entry() {
    let mut host = host();
    let fields = host.one(&Request::Map {
        action: MapAction::All,
    });
    let fields = &mut Fields(&fields);
    let header = MapHeader::parse(fields).unwrap();
    assert_eq!((header.entries, header.free, header.own), (128, 96, 32));
    for index in 0..128 {
        let expected = if index < 32 {
            MapHeader::OWN | index
        } else {
            MapHeader::INVALID
        };
        assert_eq!(fields.u16(), Some(expected));
    }
    let fields = host.one(&Request::Map {
        action: MapAction::Release,
    });
    assert_eq!(MapHeader::parse(&mut Fields(&fields)).unwrap().free, 128);
}

#[test]
fn actions_follow_their_reply() {
    let mut host = host();
    for (request, action) in [
        (Request::SetBaud { baud: 921_600 }, Action::SetBaud(921_600)),
        (
            Request::Restart { into: Into::Loader },
            Action::Restart(Into::Loader),
        ),
        (
            Request::Restart { into: Into::Flash },
            Action::Restart(Into::Flash),
        ),
    ] {
        assert_eq!(host.one(&request), []);
        assert_eq!(host.action, Some(action));
    }
    for baud in [0, 9_599, 5_000_001] {
        assert_eq!(host.refusal(&Request::SetBaud { baud }), Error::Malformed);
    }
}

#[test]
fn regions_that_straddle_the_end_are_refused() {
    let mut host = host();
    let end = 2 * MIB as u32;
    for (offset, size) in [
        (end, SECTOR_SIZE),
        (end - SECTOR_SIZE, 2 * SECTOR_SIZE),
        (0x_FFFF_F000, 0x1000),
        (0, 0xFFFF_F000),
    ] {
        for request in [
            Request::Read { offset, size },
            Request::Digests { offset, size },
            Request::CrcRegion { offset, size },
            Request::SelfTest { offset, size },
        ] {
            assert_eq!(host.refusal(&request), Error::OutOfRange, "{request:?}");
        }
    }
    for offset in [end - 3, end, u32::MAX] {
        assert_eq!(
            host.refusal(&Request::Peek {
                offset,
                width: Width::Four
            }),
            Error::OutOfRange
        );
    }
    assert_eq!(
        host.one(&Request::Peek {
            offset: end - 4,
            width: Width::Four
        })
        .len(),
        12
    );
}

#[test]
fn an_unknown_request_is_not_a_malformed_one() {
    let mut host = host();
    let mut ask = |message: &[u8]| {
        let frame = frame::encode(message, &mut [0; MAX_ENCODED])
            .unwrap()
            .to_vec();
        host.feed(&frame)
    };
    assert_eq!(ask(&[99, 0, 7, 0]), [[0xE3, 1, 7, 0]]);
    assert_eq!(ask(&[0, 0, 7, 0]), [[0x80, 1, 7, 0]]);
    assert_eq!(ask(&[1, 0, 7, 0, 5]), [[0x81, 2, 7, 0]]);
    assert_eq!(ask(&[1, 9, 7, 0]), [[0x81, 2, 7, 0]]);
    assert!(
        ask(&[0x81, 0, 7, 0]).is_empty(),
        "a reply that comes back is not answered"
    );
    assert!(
        ask(&[1, 0, 7]).is_empty(),
        "without a whole header there is nothing to echo"
    );
    assert!(ask(&[]).is_empty());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut host = host();
    let mut bytes = Vec::new();
    for sequence in 0..50_u16 {
        let [low, high] = sequence.to_le_bytes();
        bytes.extend_from_slice(frame::encode(&[1, 0, low, high], &mut [0; MAX_ENCODED]).unwrap());
    }
    let sequences: Vec<u8> = host.feed(&bytes).iter().map(|message| message[2]).collect();
    assert_eq!(sequences, (0..50).collect::<Vec<u8>>());
}

#[test]
fn flash_without_a_table_or_without_a_size_is_an_answer() {
    let mut blank = Host::new(vec![0xFF; MIB]);
    assert_eq!(
        blank.refusal(&Request::Verify {
            place: place(),
            path: b""
        }),
        Error::NoTable
    );
    let mut none = Host::new(Vec::new());
    assert_eq!(
        Info::parse(&none.one(&Request::Info)).unwrap().flash_size,
        0
    );
    assert_eq!(
        none.refusal(&Request::Read { offset: 0, size: 1 }),
        Error::OutOfRange
    );
    assert_eq!(
        none.refusal(&Request::Table {
            table_offset: UNKNOWN,
            start: 0
        }),
        Error::OutOfRange
    );
}
