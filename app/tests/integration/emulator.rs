//! The same steps as on the practice board, on Espressif's own ROM in an emulator.
//!
//! `FLASHPACK_QEMU` names the emulator (with a machine `esp32c3`), `FLASHPACK_QEMU_BIOS` its ROM folder. Unset, these
//! tests say that they were skipped. The emulator's UART keeps the real time of 115200 baud.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::seed_path::prove_the_whole_path;

/// An emulated chip held in its download mode; gone when dropped.
pub struct Emulator {
    program: Child,
    port: PathBuf,
    /// Keeps the terminal from hanging up between two openers.
    _held: File,
    folder: tempfile::TempDir,
}

impl Emulator {
    /// A chip with 4 MiB of blank flash; `None` where no emulator is named.
    pub fn start(test: &str) -> Option<Self> {
        let program = std::env::var_os("FLASHPACK_QEMU");
        let bios = std::env::var_os("FLASHPACK_QEMU_BIOS");
        let (Some(program), Some(bios)) = (program, bios) else {
            eprintln!(
                "SKIPPED {test}: FLASHPACK_QEMU and FLASHPACK_QEMU_BIOS do not name an emulator"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let flash = folder.path().join("flash.bin");
        std::fs::write(&flash, vec![0xFF; 4 << 20]).unwrap();
        let mut drive = OsString::from("if=mtd,format=raw,file=");
        drive.push(&flash);
        let mut program = Command::new(program)
            .args([
                "-M", "esp32c3", "-display", "none", "-monitor", "none", "-serial", "pty",
            ])
            // Without a steady instruction clock the emulated stub loses bytes.
            .args(["-icount", "shift=3,align=off,sleep=on"])
            .args([
                "-global",
                "driver=esp32c3.gpio,property=strap_mode,value=0x02",
            ])
            .arg("-L")
            .arg(bios)
            .arg("-drive")
            .arg(drive)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // "char device redirected to /dev/pts/3 (label serial0)"
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find(|line| line.contains("redirected to"));
        let line = line.expect("the emulator says which terminal it uses");
        let port = PathBuf::from(
            line.split_whitespace()
                .find(|word| word.starts_with("/dev/"))
                .unwrap(),
        );
        let held = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&port)
            .unwrap();
        Some(Self {
            program,
            port,
            _held: held,
            folder,
        })
    }

    pub fn port(&self) -> &Path {
        &self.port
    }

    pub fn flash(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("flash.bin")).unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

#[test]
fn the_whole_path_on_the_real_rom() {
    let Some(emulator) = Emulator::start("the_whole_path_on_the_real_rom") else {
        return;
    };
    prove_the_whole_path(emulator.port().to_owned(), 115_200);
    let flash = emulator.flash();
    assert_eq!(&flash[0x8000..0x8002], &[0xAA, 0x50]);
    assert!(
        flash[..0x8000].iter().all(|byte| *byte == 0xFF),
        "something before the table changed"
    );
}
