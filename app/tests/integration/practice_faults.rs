//! What can go wrong with a board, made to go wrong on the practice board, with espflash's library as the client.

use std::path::Path;
use std::time::{Duration, Instant};

use espflash::connection::{Connection, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use espflash::target::DefaultProgressCallback;
use flashpack::device::practice::{Board, Boot, FlashSource, Options};
use serde_json::Value;
use serialport::UsbPortInfo;

const PATIENCE: Duration = Duration::from_secs(20);

fn board(words: &[&str]) -> Board {
    Board::start(options(words)).unwrap()
}

fn options(words: &[&str]) -> Options {
    let mut options = Options::default();
    for word in words {
        options.faults.add_word(word).unwrap();
    }
    options
}

fn try_connect(port: &Path) -> Option<Flasher> {
    let serial = serialport::new(port.to_string_lossy(), 115_200)
        .open_native()
        .ok()?;
    let usb = UsbPortInfo {
        vid: 0,
        pid: 0,
        serial_number: None,
        manufacturer: None,
        product: None,
    };
    let (after, before) = (
        ResetAfterOperation::NoResetNoStub,
        ResetBeforeOperation::NoReset,
    );
    let connection = Connection::new(serial, usb, after, before, 115_200);
    Flasher::connect(connection, true, true, false, None, None).ok()
}

/// Waits for a condition, and panics when it does not come.
#[track_caller]
fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::yield_now();
    }
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn write(flasher: &mut Flasher, offset: u32, bytes: &[u8]) -> bool {
    flasher
        .write_bin_to_flash(offset, bytes, &mut DefaultProgressCallback)
        .is_ok()
}

#[test]
fn a_board_that_is_unplugged_comes_back_at_its_link_with_its_flash() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let mut options = options(&[]);
    options.link = Some(link.clone());
    let board = Board::start(options).unwrap();
    assert_eq!(board.port(), link);
    let inside = board.test_access();
    let mut flasher = try_connect(&link).unwrap();
    assert!(write(&mut flasher, 0x1_0000, &[5; 0x1000]));
    inside.unplug();
    assert_eq!(
        (inside.terminal(), inside.running(), link.is_symlink()),
        (None, "off", false)
    );
    assert!(
        !write(&mut flasher, 0x2_0000, &[5; 0x1000]),
        "the port is gone"
    );
    drop(flasher);
    inside.replug();
    assert_eq!(
        inside.running(),
        "loader",
        "the stub is gone with the power"
    );
    assert!(try_connect(&link).is_some());
    assert_eq!(inside.flash()[0x1_0000..0x1_1000], [5; 0x1000]);
    board.stop().unwrap();
    assert!(!link.is_symlink());
}

#[test]
fn unplugged_in_the_middle_of_a_write_it_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&["unplug:to-board@40000=1"]);
    options.link = Some(folder.path().join("board"));
    let board = Board::start(options).unwrap();
    let data = noise(0x1_0000);
    assert!(!write(
        &mut try_connect(board.port()).unwrap(),
        0x1_0000,
        &data
    ));
    let inside = board.test_access();
    until("the port", || inside.terminal());
    let flash = inside.flash();
    let written = flash[0x1_0000..0x2_0000]
        .iter()
        .zip(&data)
        .take_while(|(is, wanted)| is == wanted)
        .count();
    assert!((0x4000..0x1_0000).contains(&written), "{written:#x}");
    assert!(write(
        &mut try_connect(board.port()).unwrap(),
        0x1_0000,
        &data
    ));
    assert_eq!(inside.flash()[0x1_0000..0x2_0000], data);
}

#[test]
fn power_lost_in_an_operation_leaves_it_half_done() {
    let board = board(&["brown-out:flash@40"]);
    let data = noise(0x4000);
    assert!(!write(
        &mut try_connect(board.port()).unwrap(),
        0x1_0000,
        &data
    ));
    let inside = board.test_access();
    assert_eq!(inside.running(), "loader", "the chip restarted");
    let flash = inside.flash();
    let page = 0x1_0000 + 40 * 256;
    assert_eq!(flash[0x1_0000..page], data[..40 * 256]);
    assert!(
        flash[page + 256..0x1_4000].iter().all(|byte| *byte == 0xFF),
        "nothing was done after it"
    );
    assert_eq!(inside.report().flash.pages_programmed, 41);
}

#[test]
fn a_failing_flash_operation_fails_the_write() {
    for word in [
        "fail:flash@5",
        "stuck:flash@0x10010",
        "protected:flash",
        "flip:to-board@20000=0",
    ] {
        let board = board(&[word]);
        let mut data = noise(0x8000);
        data[0x10] = 0;
        assert!(
            !write(&mut try_connect(board.port()).unwrap(), 0x1_0000, &data),
            "{word}"
        );
        assert_ne!(
            board.test_access().flash()[0x1_0000..0x1_8000],
            data,
            "{word}"
        );
    }
}

#[test]
fn a_cut_cable_is_whole_again_after_a_second_of_silence() {
    let board = board(&["cut:to-board@300"]);
    assert!(try_connect(board.port()).is_none());
    assert!(board.test_access().report().wire.to_board > 300);
    until("a connection", || try_connect(board.port()));
}

#[test]
fn an_answer_that_is_held_back_still_arrives() {
    // The boot text is 121 bytes; the first answer to SYNC follows it.
    let board = board(&["delay:from-board@200=30"]);
    assert!(try_connect(board.port()).is_some());
}

#[test]
fn a_chip_in_secure_download_mode_takes_no_stub() {
    let board = board(&["secure-download"]);
    let flasher = try_connect(board.port()).unwrap();
    assert!(flasher.secure_download_mode());
    assert_eq!(board.test_access().running(), "loader");
    assert!(
        !board
            .test_access()
            .report()
            .commands
            .contains_key("MEM_DATA")
    );
}

#[test]
fn the_report_is_written_after_a_session_and_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let mut options = options(&[]);
    options.report = Some(path.clone());
    let board = Board::start(options).unwrap();
    let inside = board.test_access();
    let mut flasher = try_connect(board.port()).unwrap();
    inside.overwrite(0x1_0000, &[0]);
    assert!(write(&mut flasher, 0x1_0000, &noise(0x1000)));
    let read = || {
        let report: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        (report["flash"]["pages_programmed"] == 16).then_some(report)
    };
    let report = until("the report of the session", read);
    assert_eq!(report["flash"]["sectors_erased"], 1);
    assert_eq!(report["flash"]["bytes_hashed"], 0x1000);
    assert_eq!(report["commands"]["SYNC"], 1);
    for link in ["115200", "921600", "usb"] {
        assert!(
            report["modelled_seconds"][link].as_f64().unwrap() > 0.05,
            "{report}"
        );
    }
    let to_board = report["wire"]["to_board"].as_u64().unwrap();
    flasher.checksum_md5(0, 0x1000).unwrap();
    board.stop().unwrap();
    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(report["flash"]["bytes_hashed"], 0x1000 * 2);
    assert!(report["wire"]["to_board"].as_u64().unwrap() > to_board);
}

#[test]
fn a_flash_file_is_created_kept_up_to_date_and_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flash.bin");
    let with_file = |boot: Boot| Options {
        flash: FlashSource::File(path.clone()),
        size: 0x20_0000,
        boot,
        ..Options::default()
    };
    let data = noise(0x1234);
    let board = Board::start(with_file(Boot::Loader)).unwrap();
    assert!(write(
        &mut try_connect(board.port()).unwrap(),
        0x1_0000,
        &data
    ));
    assert_eq!(
        std::fs::read(&path).unwrap(),
        board.test_access().flash(),
        "while the board runs"
    );
    drop(board);
    let board = Board::start(with_file(Boot::Flash)).unwrap();
    let inside = board.test_access();
    assert_eq!(inside.flash()[0x1_0000..][..data.len()], data);
    assert_eq!(inside.running(), "flash");
    assert!(
        try_connect(board.port()).is_none(),
        "what runs from flash is no loader"
    );
    drop(board);
    let other_size = Options {
        size: 0x40_0000,
        ..with_file(Boot::Loader)
    };
    let error = Board::start(other_size).unwrap_err().to_string();
    assert!(
        error.contains("2 MiB") && error.contains("--size"),
        "{error}"
    );
}

#[test]
fn boards_that_cannot_be_are_refused_with_a_sentence() {
    for size in [0, 0x10_0000, 0x30_0000, 0x200_0000] {
        let error = Board::start(Options {
            size,
            ..Options::default()
        })
        .unwrap_err()
        .to_string();
        assert!(error.contains("--size"), "{error}");
    }
}
