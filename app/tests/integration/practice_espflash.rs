//! espflash's own library on the practice board's port: it must not notice that the board is not real.

use std::path::Path;

use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use espflash::image_format::Segment;
use espflash::target::{Chip, DefaultProgressCallback};
use flashpack::device::practice::{Board, Options};
use serialport::{FlowControl, UsbPortInfo};

fn connection(port: &Path) -> Connection {
    let serial = serialport::new(port.to_string_lossy(), 115_200)
        .flow_control(FlowControl::None)
        .open_native()
        .unwrap();
    let usb = UsbPortInfo {
        vid: 0,
        pid: 0,
        serial_number: None,
        manufacturer: None,
        product: None,
    };
    Connection::new(
        serial,
        usb,
        ResetAfterOperation::NoResetNoStub,
        ResetBeforeOperation::NoReset,
        115_200,
    )
}

fn connect(port: &Path, use_stub: bool) -> Flasher {
    Flasher::connect(connection(port), use_stub, true, false, None, None).unwrap()
}

/// Text that compresses well, and bytes that do not.
fn image(len: usize, compressible: bool) -> Vec<u8> {
    let mut state = 1u32;
    (0..len)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if compressible {
                (at / 64) as u8
            } else {
                (state >> 24) as u8
            }
        })
        .collect()
}

fn write_and_read_back(use_stub: bool) {
    let board = Board::start(Options::default()).unwrap();
    let mut flasher = connect(board.port(), use_stub);
    assert_eq!(flasher.chip(), Chip::Esp32c3);
    let info = flasher.device_info().unwrap();
    assert_eq!(info.flash_size.size(), 0x40_0000);
    assert_eq!(info.mac_address.as_deref(), Some("60:55:f9:f0:0d:01"));
    let (text, noise) = (image(100_001, true), image(50_000, false));
    let mut segments = vec![Segment::new(0x1_0000, &text)];
    if use_stub {
        segments.push(Segment::new(0x20_0000, &noise));
    }
    flasher
        .write_bins_to_flash(&segments, &mut DefaultProgressCallback)
        .unwrap();
    let inside = board.test_access();
    assert_eq!(inside.flash()[0x1_0000..][..text.len()], text);
    if use_stub {
        assert_eq!(inside.flash()[0x20_0000..][..noise.len()], noise);
    }
    let report = inside.report();
    assert_eq!(report.flash.program_violations, 0);
    assert_eq!(report.commands["SYNC"], 1);
    assert!(report.modelled_seconds["115200"] > report.modelled_seconds["921600"]);
    assert_eq!(report.commands.contains_key("FLASH_DEFL_DATA"), use_stub);
}

#[test]
fn espflash_writes_with_its_stub() {
    write_and_read_back(true);
}

#[test]
fn espflash_writes_through_the_rom_alone() {
    write_and_read_back(false);
}

#[test]
fn espflash_hashes_erases_and_reads() {
    let board = Board::start(Options::default()).unwrap();
    let inside = board.test_access();
    let data = image(0x3000, false);
    inside.overwrite(0x8000, &data);
    let mut flasher = connect(board.port(), true);
    let before = flasher.checksum_md5(0x8000, 0x3000).unwrap();
    assert_eq!(before, u128::from_be_bytes(md5(&data)));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.bin");
    flasher
        .read_flash(0x8000, 0x3000, 0x1000, 1, copy.clone())
        .unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), data);
    flasher.erase_region(0x9000, 0x1000).unwrap();
    let flash = inside.flash();
    assert_eq!(flash[0x8000..0x9000], data[..0x1000]);
    assert!(flash[0x9000..0xA000].iter().all(|byte| *byte == 0xFF));
    assert_eq!(flash[0xA000..0xB000], data[0x2000..]);
    assert!(
        flasher.erase_region(0x9000, 0x800).is_err(),
        "half a sector cannot be erased"
    );
    flasher.erase_flash().unwrap();
    assert!(inside.flash().iter().all(|byte| *byte == 0xFF));
}

#[test]
fn a_second_connection_finds_the_stub_and_may_load_it_again() {
    let board = Board::start(Options::default()).unwrap();
    drop(connect(board.port(), true));
    assert_eq!(board.test_access().running(), "stub");
    let mut flasher = connect(board.port(), true);
    assert_eq!(flasher.chip(), Chip::Esp32c3);
    assert_eq!(
        flasher.checksum_md5(0, 0x1000).unwrap(),
        u128::from_be_bytes(md5(&[0xFF; 0x1000]))
    );
    assert_eq!(board.test_access().report().commands["MEM_END"], 2);
}

#[test]
fn another_chip_is_told_apart() {
    for (word, chip) in [
        ("chip:esp32s3", Chip::Esp32s3),
        ("chip:esp32c6", Chip::Esp32c6),
    ] {
        let mut options = Options::default();
        options.faults.add_word(word).unwrap();
        let board = Board::start(options).unwrap();
        assert_eq!(connect(board.port(), true).chip(), chip, "{word}");
    }
}

fn md5(data: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(data).into()
}
