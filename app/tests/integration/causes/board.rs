//! Faults of the chip, its flash, and of what is on it.

use super::scene::{Injection, Peer};
use crate::app_images::Made;

fn failing_from(first: u64) -> Vec<String> {
    (first..first + 60)
        .map(|n| format!("fail:flash@{n}"))
        .collect()
}

pub const BOARD: &[Injection] = &[
    Injection {
        name: "another chip than --chip says",
        expected: "wrong-chip",
        make: |scene| {
            scene.board(&[]);
            scene.ask(&["info", "--chip", "esp32s3"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "another chip than the project is for",
        expected: "wrong-chip",
        make: |scene| {
            scene.faulty(&["chip:esp32s3"]);
            scene.ask(&["write", "sample.flashpack", "--yes"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "an app that wants a newer revision of the chip",
        expected: "wrong-revision",
        make: |scene| write_app_for(scene, (101, 199)),
        peer: Peer::WriteApp,
        telling: &["revision"],
    },
    Injection {
        name: "an app that only older revisions of the chip may run",
        expected: "wrong-revision",
        make: |scene| write_app_for(scene, (0, 3)),
        peer: Peer::WriteApp,
        telling: &["revision"],
    },
    Injection {
        name: "a chip with flash encryption",
        expected: "encrypted-flash",
        make: |scene| {
            scene.faulty(&["encrypted"]);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &["encrypt"],
    },
    Injection {
        name: "a chip with secure boot",
        expected: "secure-boot",
        make: |scene| {
            scene.faulty(&["secure-boot"]);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &["secure boot"],
    },
    Injection {
        name: "another board where the one with this MAC address was",
        expected: "other-board",
        make: |scene| {
            scene.board(&["--mac", "60:55:f9:00:00:02"]);
            let port = scene.port.clone();
            let known = format!(
                r#"{{"boards":[{{"mac":"60:55:f9:00:00:01","chip":"esp32c3","port":"{port}"}}]}}"#
            );
            std::fs::create_dir_all(scene.bench.path("config")).unwrap();
            scene.bench.write("config/boards.json", known);
            scene.noise("big", 8192);
            scene.ask(&[
                "write",
                "0x10000=big",
                "--mac",
                "60:55:f9:00:00:01",
                "--yes",
            ]);
            scene.port.clear();
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "the agent on a chip that it is not made for",
        expected: "no-agent-for-chip",
        make: |scene| {
            scene.faulty(&["chip:esp32s3"]);
            scene.ask(&["agent", "info"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "a chip in secure download mode",
        expected: "secure-download",
        make: |scene| {
            scene.faulty(&["secure-download"]);
            scene.ask(&["read", "0:4K", "out"]);
        },
        peer: Peer::Read,
        telling: &["secure download"],
    },
    Injection {
        name: "a write-protected blank flash",
        expected: "flash-locked",
        make: |scene| {
            scene.faulty(&["protected:flash"]);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &["protect", "locked"],
    },
    Injection {
        name: "a write-protected flash that holds something",
        expected: "flash-locked",
        make: |scene| {
            scene.bench.write("flash.bin", vec![0x5A; 4 << 20]);
            scene.board(&["--flash", "flash.bin", "--fault", "protected:flash"]);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &["protect", "locked"],
    },
    Injection {
        name: "a byte of the flash that can no longer be programmed",
        expected: "flash-worn",
        make: |scene| {
            scene.faulty(&["stuck:flash@0x12345"]);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &["worn", "failing", "defect", "damaged flash"],
    },
    Injection {
        name: "a flash that fails to erase",
        expected: "erase-failed",
        make: |scene| {
            let words = failing_from(0);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            scene.faulty(&words);
            scene.ask(&["erase", "0x10000:64K", "--yes"]);
        },
        peer: Peer::Erase,
        telling: &["erase"],
    },
    Injection {
        name: "a flash that fails to program",
        expected: "program-failed",
        make: |scene| {
            let words = failing_from(0);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            scene.faulty(&words);
            scene.ask_write();
        },
        peer: Peer::Write,
        telling: &[
            "failed to write",
            "flash write",
            "write to target flash",
            "failed to erase",
            "program",
        ],
    },
    Injection {
        name: "a write behind the end of the flash",
        expected: "flash-too-small",
        make: |scene| {
            scene.board(&["--size", "2MB"]);
            scene.noise("big", 200_000);
            scene.ask(&["write", "0x1f0000=big", "--yes"]);
        },
        peer: Peer::WriteBehindEnd,
        telling: &[
            "will not fit",
            "doesn't fit",
            "does not fit",
            "flash size",
            "too large",
            "too big",
            "exceeds",
        ],
    },
    Injection {
        name: "a read behind the end of the flash",
        expected: "flash-too-small",
        make: |scene| {
            scene.board(&["--size", "2MB"]);
            scene.ask(&["read", "0x1ff000:64K", "out"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "a partition's name on a board without a table",
        expected: "no-table",
        make: |scene| {
            scene.board(&[]);
            scene.ask(&["read", "bin", "out"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "the agent on a board without a table",
        expected: "no-table",
        make: |scene| {
            scene.board(&[]);
            scene.ask(&["agent", "ls"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "a partition that the board's table has not",
        expected: "no-partition",
        make: |scene| {
            scene.board(&[]);
            write_sample(scene);
            scene.ask(&["read", "nosuch", "out"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "the agent in a partition that is not there",
        expected: "no-partition",
        make: |scene| {
            scene.board(&[]);
            write_sample(scene);
            scene.ask(&["agent", "ls", "--partition", "nosuch"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "a bit of an image on the board has flipped",
        expected: "damaged-on-board",
        make: |scene| {
            scene.board(&[]);
            write_sample(scene);
            let pack = scene.bench.read("pack.bin");
            let at = pack.len() - 24;
            scene.bench.write("flipped", [pack[at] ^ 4]);
            let target = format!("{}=flipped", 0x30_0000 + at);
            let port = scene.port.clone();
            scene.bench.good(&[
                "write",
                &target,
                "--force",
                "misaligned",
                "--port",
                &port,
                "--yes",
            ]);
            scene.ask(&["agent", "verify"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
    Injection {
        name: "a file that the image on the board has not",
        expected: "not-on-board",
        make: |scene| {
            scene.board(&[]);
            write_sample(scene);
            scene.ask(&["agent", "find", "nosuch"]);
        },
        peer: Peer::NotAsked,
        telling: &[],
    },
];

/// An app for these revisions of the chip, on its way to a board that holds the sample.
fn write_app_for(scene: &mut super::scene::Scene, revisions: (u16, u16)) {
    scene.board(&[]);
    write_sample(scene);
    let app = Made {
        revisions,
        ..Made::default()
    };
    scene.bench.write("app.bin", app.bytes());
    scene.ask(&["write", "factory=app.bin", "--yes"]);
}

/// Puts the sample's table and files on the board.
fn write_sample(scene: &super::scene::Scene) {
    let bench = &scene.bench;
    bench.good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    bench.good(&["pack", "pack.bin", "files/."]);
    let port = scene.port.as_str();
    bench.good(&[
        "write",
        "0x8000=par.bin",
        "bin=pack.bin",
        "--port",
        port,
        "--yes",
    ]);
}
