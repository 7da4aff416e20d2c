//! esptool 5.x from PyPI drives the practice board as it drives a real one.
//!
//! The program is named by `FLASHPACK_ESPTOOL`; without it these tests say that they were skipped.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use flashpack::device::practice::{Board, Options};

/// One board, one folder, and esptool.
struct Bench {
    esptool: OsString,
    board: Board,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(test: &str) -> Option<Self> {
        let Some(esptool) = std::env::var_os("FLASHPACK_ESPTOOL") else {
            eprintln!("SKIPPED {test}: FLASHPACK_ESPTOOL does not name an esptool 5.x");
            return None;
        };
        let board = Board::start(Options::default()).unwrap();
        Some(Self {
            esptool,
            board,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs esptool with these arguments; returns its success and all that it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(&self.esptool)
            .args([
                "--chip",
                "esp32c3",
                "--before",
                "no-reset",
                "--after",
                "no-reset-stub",
                "--port",
            ])
            .arg(self.board.port())
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    #[track_caller]
    fn succeed(&self, arguments: &[&str]) -> String {
        let (success, said) = self.run(arguments);
        assert!(success, "{arguments:?}:\n{said}");
        said
    }

    fn flash(&self, offset: usize, len: usize) -> Vec<u8> {
        self.board.test_access().flash()[offset..offset + len].to_vec()
    }
}

fn text(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| b"practice makes perfect. "[at % 24] ^ (at / 4096) as u8)
        .collect()
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn as_str(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn esptool_does_everything_with_its_stub() {
    let Some(bench) = Bench::new("esptool_does_everything_with_its_stub") else {
        return;
    };
    let said = bench.succeed(&["flash-id"]);
    assert!(
        said.contains("60:55:f9:f0:0d:01") && said.contains("4MB"),
        "{said}"
    );

    let (text, noise) = (text(70_001), noise(40_000));
    let (first, second) = (
        bench.file("text.bin", &text),
        bench.file("noise.bin", &noise),
    );
    bench.succeed(&[
        "write-flash",
        "0x10000",
        as_str(&first),
        "0x200000",
        as_str(&second),
    ]);
    assert_eq!(bench.flash(0x1_0000, text.len()), text);
    assert_eq!(bench.flash(0x20_0000, noise.len()), noise);
    bench.succeed(&["verify-flash", "0x200000", as_str(&second)]);

    bench
        .board
        .test_access()
        .overwrite(0x20_0100, &[!noise[0x100]]);
    let (success, said) = bench.run(&["verify-flash", "0x200000", as_str(&second)]);
    assert!(!success && said.contains("Verification failed"), "{said}");

    bench.succeed(&["read-flash", "0x10000", "70001", "copy.bin"]);
    assert_eq!(
        std::fs::read(bench.folder.path().join("copy.bin")).unwrap(),
        text
    );

    bench.succeed(&["erase-region", "0x10000", "0x10000"]);
    assert!(
        bench
            .flash(0x1_0000, 0x1_0000)
            .iter()
            .all(|byte| *byte == 0xFF)
    );
    assert_eq!(bench.flash(0x2_0000, 70_001 - 0x1_0000), text[0x1_0000..]);

    let report = bench.board.test_access().report();
    assert_eq!(
        report.commands["MEM_END"], 1,
        "every later run found the stub"
    );
    assert_eq!(report.flash.program_violations, 0);
}

#[test]
fn esptool_does_everything_without_its_stub() {
    let Some(bench) = Bench::new("esptool_does_everything_without_its_stub") else {
        return;
    };
    let said = bench.succeed(&["--no-stub", "flash-id"]);
    assert!(said.contains("4MB"), "{said}");
    let text = text(30_001);
    let file = bench.file("text.bin", &text);
    bench.succeed(&["--no-stub", "write-flash", "0x10000", as_str(&file)]);
    assert_eq!(bench.flash(0x1_0000, text.len()), text);
    bench.succeed(&[
        "--no-stub",
        "write-flash",
        "--no-compress",
        "0x20000",
        as_str(&file),
    ]);
    assert_eq!(bench.flash(0x2_0000, text.len()), text);
    bench.succeed(&["--no-stub", "verify-flash", "0x20000", as_str(&file)]);
    bench.succeed(&["--no-stub", "read-flash", "0x10000", "3000", "copy.bin"]);
    assert_eq!(
        std::fs::read(bench.folder.path().join("copy.bin")).unwrap(),
        text[..3000]
    );
    assert_eq!(bench.board.test_access().running(), "loader");
    assert!(
        !bench
            .board
            .test_access()
            .report()
            .commands
            .contains_key("MEM_END")
    );
}
