//! The bundled agent on the practice board: it runs when it was loaded byte for byte, through the ROM or the stub, and
//! gives the board back when it is told to restart.

use std::path::Path;
use std::time::Duration;

use device_agent::request::Into as RestartInto;
use espflash::command::Command;
use espflash::connection::{Connection, Port, ResetAfterOperation, ResetBeforeOperation};
use espflash::flasher::Flasher;
use flashpack::device::agent_client::AgentClient;
use flashpack::device::agent_image;
use flashpack::device::practice::{Board, Options};
use flashpack::device::serial::SerialLink;
use serialport::UsbPortInfo;

pub fn connection(port: &Path) -> Connection {
    let serial = serialport::new(port.to_string_lossy(), 115_200)
        .open_native()
        .unwrap();
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
    Connection::new(serial, usb, after, before, 115_200)
}

/// Loads segments and starts them.
fn load(connection: &mut Connection, segments: &[(u32, Vec<u8>)], entry: u32) {
    connection.set_timeout(Duration::from_secs(10)).unwrap();
    for (addr, bytes) in segments {
        let begin = Command::MemBegin {
            size: bytes.len() as u32,
            blocks: bytes.len().div_ceil(0x1800) as u32,
            block_size: 0x1800,
            offset: *addr,
            supports_encryption: false,
        };
        connection.command(begin).unwrap();
        for (sequence, data) in (0..).zip(bytes.chunks(0x1800)) {
            connection
                .command(Command::MemData {
                    data,
                    pad_to: 4,
                    pad_byte: 0,
                    sequence,
                })
                .unwrap();
        }
    }
    connection
        .command(Command::MemEnd {
            no_entry: false,
            entry,
        })
        .unwrap();
}

fn bundled() -> (Vec<(u32, Vec<u8>)>, u32) {
    let image = agent_image::bundled();
    (
        image
            .segments()
            .map(|segment| (segment.addr, segment.bytes.to_vec()))
            .collect(),
        image.entry,
    )
}

/// Loads the agent through a loader that answers.
pub fn start_agent(mut connection: Connection) -> AgentClient<SerialLink<Box<Port>>> {
    let (segments, entry) = bundled();
    load(&mut connection, &segments, entry);
    AgentClient::new(SerialLink::new(Box::new(connection.into_serial())))
}

fn ask_everything(board: &Board, connection: Connection) {
    let inside = board.test_access();
    let noise: Vec<u8> = (0..0x2_0000u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    inside.overwrite(0x1F_0000, &noise);
    let mut agent = start_agent(connection);
    let info = agent.info().unwrap();
    assert_eq!(
        (info.flash_size, info.mmu_entries, info.cpu_hz),
        (0x40_0000, 128, 0)
    );
    let read = agent
        .read(0x1F_0000, 0x2_0000, &mut |_| {
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(read, noise);
    let sums = agent.crc_region(0x1F_1000, 0x1000).unwrap();
    assert_eq!(sums.crc32, crc32fast::hash(&noise[0x1000..0x2000]));
    assert_eq!(inside.running(), "agent");
    let report = inside.report();
    assert_eq!(report.flash.bytes_hashed, 0x1000);
    assert_eq!(
        (report.flash.pages_programmed, report.flash.sectors_erased),
        (0, 0),
        "flash is not touched"
    );
    assert!(report.commands["AGENT_READ"] >= 1);

    agent.restart(RestartInto::Loader).unwrap();
    assert_eq!(inside.running(), "loader");
    drop(agent);
    // What it printed when it restarted lies before the first answer: espflash reads over it.
    let mut flasher = Flasher::connect(
        self::connection(board.port()),
        true,
        true,
        false,
        None,
        None,
    )
    .unwrap();
    assert_eq!(
        flasher.checksum_md5(0, 0).unwrap(),
        0xD41D_8CD9_8F00_B204_E980_0998_ECF8_427E
    );
}

#[test]
fn the_agent_runs_from_the_rom_loader_and_gives_the_board_back() {
    let board = Board::start(Options::default()).unwrap();
    let mut connection = connection(board.port());
    connection.begin().unwrap();
    ask_everything(&board, connection);
}

#[test]
fn the_agent_runs_from_the_stub_and_gives_the_board_back() {
    let board = Board::start(Options::default()).unwrap();
    let flasher =
        Flasher::connect(connection(board.port()), true, true, false, None, None).unwrap();
    assert_eq!(board.test_access().running(), "stub");
    ask_everything(&board, flasher.into_connection());
}

#[test]
fn a_program_that_differs_by_a_bit_is_not_the_agent() {
    let board = Board::start(Options::default()).unwrap();
    let mut connection = connection(board.port());
    connection.begin().unwrap();
    let (mut segments, entry) = bundled();
    *segments[0].1.last_mut().unwrap() ^= 0x80;
    load(&mut connection, &segments, entry);
    assert_eq!(board.test_access().running(), "stub");
}

#[test]
fn after_a_restart_into_flash_nobody_answers() {
    let board = Board::start(Options::default()).unwrap();
    let mut first = connection(board.port());
    first.begin().unwrap();
    let mut agent = start_agent(first);
    agent.restart(RestartInto::Flash).unwrap();
    assert_eq!(board.test_access().running(), "flash");
    assert!(agent.hello(Duration::from_millis(50)).is_err());
    drop(agent);
    assert!(connection(board.port()).begin().is_err());
}
