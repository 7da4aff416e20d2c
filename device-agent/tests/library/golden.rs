//! The bytes of the protocol, frozen. They were computed by another program, from the description in
//! `docs/agent-protocol.md`; that document shows the same bytes. A change here is a change of the protocol.

use device_agent::bin_verify::{Fault, FaultKind, Tally};
use device_agent::error::Error;
use device_agent::frame::{self, Decoder};
use device_agent::message::{
    Fields, Kind, MAX_DECODED, MAX_ENCODED, MAX_MESSAGE, REPLY, ReplyHeader, UNKNOWN, Writer,
};
use device_agent::reply::{
    Benched, CrcSource, Cycles, FileSum, Found, FoundFlags, Info, InfoFlags, Listed, ListedFlags,
    MapHeader, Peeked, RegionSums, SelfTested, Spot, Verified, padded,
};
use device_agent::request::{FindFlags, Into, MapAction, Names, Request, Width};

use crate::support::place;

const SEQUENCE: u16 = 0x1234;

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn framed(message: &[u8]) -> String {
    hex(frame::encode(message, &mut [0; MAX_ENCODED]).unwrap())
}

/// One request of each kind, with its whole frame.
#[expect(clippy::too_many_lines, reason = "a table of all there is")]
fn requests() -> Vec<(Request<'static>, &'static str)> {
    vec![
        (Request::Info, "000201073412c63a6bd100"),
        (
            Request::Find {
                place: place(),
                flags: FindFlags(3),
                path: b"deep/f001",
            },
            "0002020334120280010462696e0101010101010101010101010f03646565702f66303031af0e0b7100",
        ),
        (
            Request::Read {
                offset: 0x0030_0000,
                size: 0x2000,
            },
            "0002030334120102300102200105671d52d300",
        ),
        (
            Request::Restart { into: Into::Flash },
            "00020408341201d45c331f00",
        ),
        (
            Request::FindMany {
                place: place(),
                names: Names::new(b"\x01a\x04f001").unwrap(),
            },
            "0002050334120280010462696e0101010101010101010101010c0161046630303146acc28300",
        ),
        (
            Request::List {
                place: place(),
                start: 42,
                path: b"deep",
            },
            "0002060334120280010462696e010101010101010101010101022a0101096465657053a5d52000",
        ),
        (
            Request::Table {
                table_offset: 0x8000,
                start: 32,
            },
            "0002070334120280010220010105992247c400",
        ),
        (
            Request::Map {
                action: MapAction::All,
            },
            "00020808341201d5b1c3da00",
        ),
        (
            Request::Peek {
                offset: 0x0001_FFFE,
                width: Width::Four,
            },
            "000209063412feff010604c7c6367700",
        ),
        (
            Request::CrcRegion {
                offset: 1,
                size: 0x0010_0000,
            },
            "00020a04341201010101010210057474a4f400",
        ),
        (
            Request::CrcFile {
                place: place(),
                path: b"f001",
            },
            "00020b0334120280010462696e01010101010101010101010109663030314df6aa5900",
        ),
        (
            Request::Verify {
                place: place(),
                path: b"",
            },
            "00020c0334120280010462696e0101010101010101010101010543c8d99d00",
        ),
        (
            Request::Digests {
                offset: 0x0030_0000,
                size: 0x0002_0000,
            },
            "00020d03341201023001010202051bea183000",
        ),
        (
            Request::SelfTest {
                offset: 0,
                size: 4096,
            },
            "00020e0334120101010102100105b4feec6d00",
        ),
        (
            Request::SetBaud { baud: 921_600 },
            "00020f03341203100e0562c26cbb00",
        ),
        (
            Request::Bench {
                place: place(),
                count: 1000,
                flags: FindFlags(4),
                path: b"f001",
            },
            "0002100334120280010462696e0101010101010101010101010ce80304663030315627c08b00",
        ),
    ]
}

#[test]
fn every_request_has_its_bytes() {
    let kinds: Vec<Kind> = requests()
        .iter()
        .map(|(request, _)| request.kind())
        .collect();
    assert_eq!(kinds, Kind::ALL);
    for (request, expected) in requests() {
        let mut writer = Writer::new();
        request.write(SEQUENCE, &mut writer);
        let message = writer.message().unwrap();
        assert_eq!(framed(message), expected, "{request:?}");
        let (kind, zero, sequence, fields) = Request::header(message).unwrap();
        assert_eq!(sequence, SEQUENCE);
        assert_eq!(Request::parse(kind, zero, fields), Ok(request));
    }
}

#[test]
fn a_request_with_a_byte_too_few_or_too_many_is_malformed() {
    for (request, _) in requests() {
        let mut writer = Writer::new();
        request.write(SEQUENCE, &mut writer);
        let message = writer.message().unwrap();
        let (kind, _, _, fields) = Request::header(message).unwrap();
        assert_eq!(
            Request::parse(kind, 1, fields),
            Err(Error::Malformed),
            "{request:?}"
        );
        // A path may be cut and still be a path; everything before it may not.
        let ends_with_path = matches!(
            request.kind(),
            Kind::Find | Kind::List | Kind::CrcFile | Kind::Verify | Kind::Bench
        );
        if !ends_with_path {
            let mut longer = fields.to_vec();
            longer.push(9);
            assert_eq!(
                Request::parse(kind, 0, &longer),
                Err(Error::Malformed),
                "{request:?}"
            );
        }
        let path_len = match request {
            Request::Find { path, .. }
            | Request::List { path, .. }
            | Request::CrcFile { path, .. }
            | Request::Verify { path, .. }
            | Request::Bench { path, .. } => path.len(),
            // Names can be none at all: the place alone is a request.
            Request::FindMany { .. } => 7,
            _ => 0,
        };
        for len in 0..fields.len() - path_len {
            assert_eq!(
                Request::parse(kind, 0, &fields[..len]),
                Err(Error::Malformed),
                "{request:?} of {len}"
            );
        }
    }
}

/// A reply's message: what `write` appends behind the header.
fn reply(kind: Kind, write: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer::new();
    writer.begin(kind.number() | REPLY, 0, SEQUENCE);
    write(&mut writer);
    hex(writer.message().unwrap())
}

/// Writes a value, compares its bytes, and reads it back.
fn check<T: PartialEq + std::fmt::Debug>(
    kind: Kind,
    value: &T,
    write: impl FnOnce(&T, &mut Writer),
    parse: impl Fn(&[u8]) -> Option<T>,
    expected: &str,
) {
    let mut writer = Writer::new();
    writer.begin(kind.number() | REPLY, 0, SEQUENCE);
    write(value, &mut writer);
    let message = writer.message().unwrap();
    assert_eq!(hex(message), expected);
    let (header, fields) = ReplyHeader::parse(message).unwrap();
    assert_eq!(
        header,
        ReplyHeader {
            kind: kind.number(),
            status: Ok(()),
            sequence: SEQUENCE
        }
    );
    assert_eq!(parse(fields).as_ref(), Some(value));
    let mut longer = fields.to_vec();
    longer.push(1);
    assert_eq!(
        parse(&longer).as_ref(),
        Some(value),
        "a newer agent may append"
    );
    for len in 0..fields.len() {
        assert_eq!(parse(&fields[..len]), None, "of {len} bytes");
    }
}

#[test]
fn info_has_its_bytes() {
    let info = Info {
        protocol: 1,
        chip: 5,
        capabilities: 0x1_FFFE,
        flash_size: 4 << 20,
        table_offset: 0x8000,
        mmu_entries: 128,
        mmu_free: 64,
        page_size: 65_536,
        max_request: 1040,
        flags: InfoFlags(0),
        cpu_hz: 160_000_000,
        project: padded("flashpack-agent"),
        version: padded("0.1.0"),
    };
    check(
        Kind::Info,
        &info,
        Info::write,
        Info::parse,
        "8100341201000500feff0100000040000080000080004000000001001004000000688909666c6173687061636b2d6167656e740000000000000000000000000000000000302e312e3000000000000000000000000000000000000000",
    );
}

#[test]
fn found_has_its_bytes() {
    let found = Found {
        offset: 0x1230,
        size: 77,
        flash_offset: 0x30_1230,
        vaddr: 0x3C30_1230,
        vaddr_code: 0x4230_1230,
        crc32: 0xCBF4_3926,
        crc_source: CrcSource::Record,
        flags: FoundFlags(FoundFlags::CONTIGUOUS | FoundFlags::BIN),
        cycles_cold: 5000,
        cycles_warm: 700,
        partition_offset: 0x30_0000,
    };
    check(
        Kind::Find,
        &found,
        Found::write,
        Found::parse,
        "82003412301200004d000000301230003012303c301230422639f4cb0105000088130000bc02000000003000",
    );
}

#[test]
fn spots_have_their_bytes() {
    let spots = [
        Spot {
            offset: 0x1230,
            size: 77,
        },
        Spot {
            offset: UNKNOWN,
            size: u32::from(Error::NotFound.number()),
        },
    ];
    let expected = "85003412301200004d000000ffffffff06000000";
    assert_eq!(
        reply(Kind::FindMany, |to| spots
            .iter()
            .for_each(|spot| spot.write(to))),
        expected
    );
}

#[test]
fn a_listed_entry_has_its_bytes() {
    let listed = Listed {
        name: *b"f001\0\0\0\0",
        offset: 0x1230,
        size: 77,
        crc32: 0xCBF4_3926,
        flags: ListedFlags(ListedFlags::RECORD),
    };
    let bytes = reply(Kind::List, |to| {
        to.u32(3);
        to.u32(2);
        listed.write(to);
    });
    assert_eq!(
        bytes,
        "8600341203000000020000006630303100000000301200004d0000002639f4cb02000000"
    );
    let mut writer = Writer::new();
    listed.write(&mut writer);
    assert_eq!(
        Listed::parse(&mut Fields(writer.message().unwrap())),
        Some(listed)
    );
}

#[test]
fn a_map_has_its_bytes() {
    let header = MapHeader {
        entries: 128,
        free: 126,
        own: 2,
        flags: InfoFlags(0),
    };
    let bytes = reply(Kind::Map, |to| {
        header.write(to);
        to.u16(MapHeader::OWN);
        to.u16(MapHeader::OWN | 1);
    });
    assert_eq!(bytes, "8800341280007e000200000000800180");
}

#[test]
fn small_replies_have_their_bytes() {
    let peeked = Peeked {
        offset: 0x1_FFFE,
        value: 0x0403_0201,
        vaddr: 0x3C01_FFFE,
    };
    check(
        Kind::Peek,
        &peeked,
        Peeked::write,
        Peeked::parse,
        "89003412feff010001020304feff013c",
    );
    let sums = RegionSums {
        offset: 1,
        size: 9,
        crc32: 0xCBF4_3926,
        crc32c: 0xE306_9283,
        cycles: 1234,
    };
    check(
        Kind::CrcRegion,
        &sums,
        RegionSums::write,
        RegionSums::parse,
        "8a00341201000000090000002639f4cb839206e3d2040000",
    );
    let sum = FileSum {
        flash_offset: 0x30_1230,
        size: 9,
        computed: 0xCBF4_3926,
        recorded: Some(0xCBF4_3926),
        cycles: 99,
    };
    check(
        Kind::CrcFile,
        &sum,
        FileSum::write,
        FileSum::parse,
        "8b00341230123000090000002639f4cb010000002639f4cb63000000",
    );
    let tested = SelfTested {
        compared: 4096,
        different: 0,
        first: UNKNOWN,
    };
    check(
        Kind::SelfTest,
        &tested,
        SelfTested::write,
        SelfTested::parse,
        "8e0034120010000000000000ffffffff",
    );
    let benched = Benched {
        count: 2,
        cold: Cycles {
            least: 10,
            most: 20,
            total: 30,
        },
        warm: Cycles {
            least: 1,
            most: 2,
            total: 3,
        },
    };
    check(
        Kind::Bench,
        &benched,
        Benched::write,
        Benched::parse,
        "90003412020000000a000000140000001e0000000000000001000000020000000300000000000000",
    );
}

#[test]
fn a_verdict_has_its_bytes() {
    let fault = Fault {
        kind: FaultKind::Checksum,
        name: *b"f001\0\0\0\0",
        bin_offset: 0x30_0000,
        expected: 0xCBF4_3926,
        found: 0xDEAD_BEEF,
    };
    let tally = Tally {
        bins: 2,
        files: 5,
        unchecked: 1,
        bytes: 4096,
        faults: 1,
    };
    let verified = Verified {
        tally,
        cycles: 777,
        first: Some(fault),
    };
    check(
        Kind::Verify,
        &verified,
        Verified::write,
        Verified::parse,
        "8c00341202000000050000000100000000100000010000000903000005000000000030002639f4cbefbeadde6630303100000000",
    );
}

#[test]
fn an_error_has_its_bytes() {
    let mut writer = Writer::new();
    writer.begin(
        Kind::Find.number() | REPLY,
        Error::NotFound.number(),
        SEQUENCE,
    );
    let message = writer.message().unwrap();
    assert_eq!(framed(message), "000982063412a15f0a2a00");
    let (header, fields) = ReplyHeader::parse(message).unwrap();
    assert_eq!((header.status, fields), (Err(Error::NotFound), &[][..]));
}

#[test]
fn a_frame_with_runs_of_over_254_bytes_has_its_bytes() {
    let mut writer = Writer::new();
    writer.begin(Kind::Read.number() | REPLY, 0, SEQUENCE);
    writer.u32(0);
    for _ in 0..2 {
        (1..=255).for_each(|byte| writer.u8(byte));
    }
    assert_eq!(
        framed(writer.message().unwrap()),
        "000283033412010101ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeffff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfd07feff51b4172a00"
    );
}

#[test]
fn every_length_goes_through_a_frame() {
    for len in 0..=MAX_MESSAGE {
        for body in [
            vec![0; len],
            vec![7; len],
            (0..len).map(|at| at as u8).collect(),
        ] {
            let mut encoded = [0xAA; MAX_ENCODED];
            let frame = frame::encode(&body, &mut encoded).unwrap();
            assert!(frame.len() <= frame::encoded_size(len));
            let (inside, ends) = (
                &frame[1..frame.len() - 1],
                [frame[0], frame[frame.len() - 1]],
            );
            assert_eq!((ends, inside.contains(&0)), ([0, 0], false));
            let mut decoder = Decoder::<MAX_DECODED>::new();
            let bodies: Vec<Vec<u8>> = frame
                .iter()
                .filter_map(|&byte| decoder.push(byte).map(<[u8]>::to_vec))
                .collect();
            assert_eq!((bodies, decoder.bad()), (vec![body], 0));
        }
    }
}

#[test]
fn errors_keep_their_numbers_and_read_well() {
    let names: Vec<&str> = Error::ALL.iter().map(|error| error.name()).collect();
    let expected = [
        "unknown-request",
        "malformed",
        "out-of-range",
        "no-table",
        "no-partition",
        "not-found",
        "corrupt",
        "too-deep",
        "no-free-entry",
        "rom-read",
        "unsupported",
    ];
    assert_eq!(names, expected);
    for (number, error) in (1_u8..).zip(Error::ALL) {
        assert_eq!(error.number(), number);
        assert_eq!(Error::from_number(number), Some(error));
        assert!(error.to_string().split(' ').count() >= 5, "{error}");
    }
    assert_eq!(
        (Error::from_number(0), Error::from_number(12)),
        (None, None)
    );
    for (number, kind) in (1_u8..).zip(FaultKind::ALL) {
        assert_eq!(
            (kind.number(), FaultKind::from_number(number)),
            (number, Some(kind))
        );
        assert!(
            kind.sentence().split(' ').count() >= 5,
            "{}",
            kind.sentence()
        );
    }
}

#[test]
fn the_document_shows_the_same_bytes() {
    let document = include_str!("../../../docs/agent-protocol.md");
    for (request, frame) in requests() {
        assert!(document.contains(&format!("`{frame}`")), "{request:?}");
    }
    for error in Error::ALL {
        assert!(
            document.contains(&format!("| {} | {} |", error.number(), error.name())),
            "{error:?}"
        );
    }
    let tests = include_str!("golden.rs");
    let replies = tests
        .split('"')
        .filter(|text| text.len() > 20 && text.contains("003412") && text.starts_with(['8', '9']));
    assert_eq!(replies.clone().count(), 11);
    for message in replies {
        assert!(document.contains(&format!("`{message}`")), "{message}");
    }
}
