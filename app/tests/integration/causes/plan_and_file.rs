//! What does not go together, and faults of files and folders.

use super::scene::{Injection, Peer, Scene, chmod};

const fn row(name: &'static str, expected: &'static str, make: fn(&mut Scene)) -> Injection {
    Injection {
        name,
        expected,
        make,
        peer: Peer::NotAsked,
        telling: &[],
    }
}

fn prepared(scene: &mut Scene) {
    scene
        .bench
        .good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    scene.bench.good(&["pack", "pack.bin", "files/."]);
}

pub const PLAN_AND_FILE: &[Injection] = &[
    row(
        "a file that is larger than its partition",
        "too-large-for-partition",
        |scene| {
            prepared(scene);
            scene.bench.write("2MB", vec![7; 2 << 20]);
            scene.board(&[]);
            scene.ask(&["write", "0x8000=par.bin", "bin=2MB"]);
        },
    ),
    row(
        "a table with two partitions in one place",
        "bad-table",
        |scene| {
            scene.bench.write(
                "bad.csv",
                "nvs,data,nvs,0x9000,0x6000\nbin,data,undefined,0xa000,1M\n",
            );
            scene.ask(&["table", "check", "bad.csv"]);
        },
    ),
    row("a CSV for the table's place", "not-a-table", |scene| {
        scene.board(&[]);
        scene.ask(&["write", "0x8000=par_1M_1M.csv"]);
    }),
    row("two files for one place", "overlap", |scene| {
        prepared(scene);
        scene.board(&[]);
        scene.ask(&["write", "0x10000=pack.bin", "0x11000=par.bin"]);
    }),
    row("half a sector to erase", "unaligned", |scene| {
        scene.board(&[]);
        scene.ask(&["erase", "0x10800:2K", "--yes"]);
    }),
    row("a file without bytes", "empty-file", |scene| {
        scene.bench.write("none", "");
        scene.ask(&["write", "0x10000=none", "--dry-run"]);
    }),
    row("a project that is none", "broken-project", |scene| {
        scene.ask(&["write", "par_1M_1M.csv", "--dry-run"]);
    }),
    row("a project of a later version", "newer-project", |scene| {
        let text = String::from_utf8(scene.bench.read("sample.flashpack")).unwrap();
        let later: String = text
            .lines()
            .map(|line| match line.split_once('=') {
                Some((key, _)) if key.trim() == "flashpack" => "flashpack = 99\n".to_owned(),
                _ => format!("{line}\n"),
            })
            .collect();
        assert!(later.contains("flashpack = 99"), "{text}");
        scene.bench.write("later.flashpack", later);
        scene.ask(&["write", "later.flashpack", "--dry-run"]);
    }),
    row("an image with a flipped bit", "damaged-image", |scene| {
        prepared(scene);
        let mut pack = scene.bench.read("pack.bin");
        let at = pack.len() - 24;
        pack[at] ^= 4;
        scene.bench.write("pack.bin", pack);
        scene.ask(&["verify", "pack.bin"]);
    }),
    row("an image that was cut off", "damaged-image", |scene| {
        prepared(scene);
        let pack = scene.bench.read("pack.bin");
        scene.bench.write("pack.bin", &pack[..pack.len() / 2]);
        scene.ask(&["unpack", "pack.bin", "--into", "files2"]);
    }),
    row("a file that the image has not", "not-in-image", |scene| {
        prepared(scene);
        scene.ask(&["find", "pack.bin", "nosuch"]);
    }),
    row("a file that is not there", "file-missing", |scene| {
        scene.ask(&["write", "0x10000=nothere", "--dry-run"]);
    }),
    row("a folder for a file", "folder-instead", |scene| {
        scene.ask(&["inspect", "files"]);
    }),
    row("a device for a file", "not-ordinary", |scene| {
        scene.ask(&["inspect", "/dev/zero"]);
    }),
    row("a file longer than any flash", "file-too-long", |scene| {
        let file = std::fs::File::create(scene.bench.path("huge")).unwrap();
        file.set_len(5 << 30).unwrap();
        scene.ask(&["inspect", "huge"]);
    }),
    row(
        "a file that only its owner may read",
        "file-no-permission",
        |scene| {
            scene.bench.write("secret", "bytes");
            chmod(&scene.bench.path("secret"), 0o000);
            scene.as_nobody = true;
            scene.ask(&["inspect", "secret"]);
        },
    ),
    row(
        "an output in a folder that is not there",
        "folder-missing",
        |scene| {
            scene.ask(&["pack", "none/out.bin", "files/."]);
        },
    ),
    row(
        "an output in a folder that only its owner may write",
        "read-only-folder",
        |scene| {
            chmod(&scene.bench.path("."), 0o555);
            scene.as_nobody = true;
            scene.ask(&["table", "convert", "par_1M_1M.csv", "out.bin"]);
        },
    ),
    row("no room for the output", "disk-full", |scene| {
        scene.limits = Some("trap '' XFSZ; ulimit -f 1");
        scene.ask(&["pack", "out.bin", "files/."]);
    }),
];
