//! `flashpack pack`, `inspect`, `find`, `verify` and `unpack`, with the sample's files and with hostile bytes.

use serde_json::{Value, json};

use crate::cli_run::Bench;

const NAMES: [&str; 6] = [
    "deep/f001",
    "deep/f002",
    "deep/f003",
    "logo.png",
    "readme",
    "tone.wav",
];

fn packed() -> Bench {
    let bench = Bench::with_sample();
    bench.good(&["pack", "pack.bin", "files/."]);
    bench
}

#[test]
fn what_is_packed_is_found_and_unpacked() {
    let bench = packed();
    let image = bench.read("pack.bin");
    for name in NAMES {
        let found = bench.json(&["find", "pack.bin", name]);
        let bytes = bench.read(&format!("files/{name}"));
        let (offset, size) = (
            found["offset"].as_u64().unwrap() as usize,
            found["size"].as_u64().unwrap() as usize,
        );
        assert_eq!(&image[offset..offset + size], bytes, "{name}");
        assert_eq!(found["crc32"], crc32fast::hash(&bytes), "{name}");
        for unknown in ["partition", "flash_offset", "vaddr", "vaddr_code", "cycles"] {
            assert_eq!(found.get(unknown), Some(&Value::Null), "{unknown}");
        }
    }
    let answer = bench.json(&["unpack", "pack.bin", "--into", "out"]);
    assert_eq!(answer["files"], json!(NAMES));
    for name in NAMES {
        assert_eq!(
            bench.read(&format!("out/{name}")),
            bench.read(&format!("files/{name}")),
            "{name}"
        );
    }
    let answer = bench.json(&["verify", "pack.bin"]);
    assert_eq!(
        (&answer["verified"], &answer["unchecked"]),
        (&json!(true), &json!(0))
    );
}

#[test]
fn the_three_formats_are_recognised_and_hold_the_files() {
    let bench = Bench::with_sample();
    for (format, kind) in [
        ("bin", "bin"),
        ("flash-file", "flash-file"),
        ("romfs", "romfs"),
    ] {
        // The Electron's image has no folders: its files are named by their path.
        bench.good(&[
            "pack",
            "i",
            "files/logo.png",
            "files/readme",
            "--format",
            format,
        ]);
        let answer = bench.json(&["inspect", "i"]);
        assert_eq!(answer["format"], kind, "{answer}");
        let names: Vec<&Value> = answer["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["name"])
            .collect();
        assert_eq!(names, ["logo.png", "readme"], "{format}");
        let image = bench.read("i");
        let found = bench.json(&["find", "i", "readme"]);
        let at = found["offset"].as_u64().unwrap() as usize;
        assert!(
            image[at..].starts_with(&bench.read("files/readme")),
            "{format}"
        );
        bench.good(&["verify", "i"]);
        bench.good(&["unpack", "i", "--into", format]);
        assert_eq!(
            bench.read(&format!("{format}/readme")),
            bench.read("files/readme")
        );
        bench.bad(1, &["find", "i", "nothere"], &["nothere"]);
    }
}

#[test]
fn paths_become_names_as_documented() {
    let bench = Bench::with_sample();
    let names = |arguments: &[&str]| -> Vec<String> {
        let answer = bench.json(&[&["pack", "i.bin"], arguments].concat());
        let entries = answer["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&[]), [""; 0]);
    assert_eq!(names(&["files/readme"]), ["readme"]);
    assert_eq!(
        names(&["files/deep"]),
        ["deep", "deep/f001", "deep/f002", "deep/f003"]
    );
    assert_eq!(names(&["files/deep/."]), ["f001", "f002", "f003"]);
    bench.write("f1", "1");
    assert_eq!(names(&["--compat", "./f1", "f1"]), ["./f1", "f1"]);
}

#[test]
fn the_golden_vector_of_bin_pack() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("sub")).unwrap();
    for (name, text) in [
        ("a", "hello"),
        ("empty", ""),
        ("eightchr", "0123456789abcdef"),
        ("ninechars", "Z"),
        ("sub/x", "S"),
    ] {
        bench.write(name, text);
    }
    let files = ["a", "empty", "eightchr", "ninechars", "sub/x"];
    bench.good(&[&["pack", "g.bin", "--compat", "--cut-names"][..], &files].concat());
    let image = bench.read("g.bin");
    assert_eq!(image.len(), 0xA0);
    assert_eq!(image[0x38..0x40], *b"ninechar");
    assert_eq!(image[0x48..0x50], *b"sub/x\0\0\0");
    assert_eq!(image[0x50..0x60], [0xFF; 16]);
    assert_eq!(image[0x60..0x65], *b"hello");
    bench.bad(
        1,
        &[&["pack", "h.bin", "--compat"][..], &files].concat(),
        &["ninechars"],
    );
}

#[test]
fn kept_offsets_are_reported() {
    let bench = packed();
    bench.write("files/readme", "a shorter text\n");
    let answer = bench.json(&["pack", "new.bin", "files/.", "--previous", "pack.bin"]);
    let change = |name: &str| {
        let entries = answer["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["name"] == name).unwrap()["change"].clone()
    };
    assert_eq!(
        (change("readme"), change("tone.wav")),
        (json!("changed"), json!("same"))
    );
    assert!(answer["sectors_changed"].as_u64().unwrap() <= 5, "{answer}");
    bench.bad(
        1,
        &["pack", "x.bin", "files/.", "--previous", "none.bin"],
        &["There is no file none.bin"],
    );
}

#[test]
fn what_cannot_be_packed_is_refused_and_nothing_is_written() {
    let bench = Bench::with_sample();
    bench.write("ninechars", "Z");
    bench.write("pack.bin", "what was there before");
    bench.bad(
        1,
        &["pack", "pack.bin", "ninechars"],
        &["ninechars", "9 bytes"],
    );
    bench.bad(
        1,
        &["pack", "pack.bin", "files/readme", "files/readme"],
        &["readme"],
    );
    bench.bad(1, &["pack", "pack.bin", "none"], &["none", "no such file"]);
    bench.bad(
        1,
        &["pack", "pack.bin", "files/.", "--size", "4K"],
        &["4 KiB"],
    );
    bench.bad(
        1,
        &["pack", "none/pack.bin", "files/."],
        &["There is no folder none"],
    );
    bench.bad(
        1,
        &["pack", "files", "files/readme"],
        &["files is a folder"],
    );
    bench.bad(1, &["pack", "pack.bin", "/dev/zero"], &["/dev/zero"]);
    bench.bad(
        2,
        &["pack", "pack.bin", "files/.", "--format", "zip"],
        &["zip"],
    );
    bench.bad(
        2,
        &["pack", "pack.bin", "files/.", "--size", "big"],
        &["big"],
    );
    bench.bad(2, &["pack", "pack.bin", "files/.", "--align", "5"], &["5"]);
    bench.bad(
        2,
        &[
            "pack", "pack.bin", "files/.", "--compat", "--format", "romfs",
        ],
        &["--compat"],
    );
    assert_eq!(bench.read("pack.bin"), b"what was there before");
}

#[test]
fn unpack_never_overwrites_unasked_and_never_leaves_its_folder() {
    let bench = packed();
    std::fs::create_dir(bench.path("out")).unwrap();
    bench.write("out/readme", "mine");
    bench.bad(
        1,
        &["unpack", "pack.bin", "--into", "out"],
        &["out/readme is there already"],
    );
    bench.good(&["unpack", "pack.bin", "--into", "out", "--yes"]);
    assert_eq!(bench.read("out/readme"), bench.read("files/readme"));
    bench.bad(
        1,
        &["unpack", "pack.bin", "--into", "pack.bin"],
        &["pack.bin"],
    );

    // An entry named `../x` in the seed's form: address, size, name.
    let mut hostile = Vec::new();
    hostile.extend(32u32.to_le_bytes());
    hostile.extend(4u32.to_le_bytes());
    hostile.extend(b"../x\0\0\0\0");
    hostile.extend([0xFF; 16]);
    hostile.extend(b"evil");
    hostile.extend([0xFF; 12]);
    bench.write("hostile.bin", hostile);
    bench.good(&["unpack", "hostile.bin", "--into", "safe"]);
    assert!(!bench.path("x").exists());
    assert_eq!(std::fs::read_dir(bench.path("safe")).unwrap().count(), 1);
    std::fs::create_dir(bench.path("links")).unwrap();
    std::os::unix::fs::symlink(bench.path("files/deep"), bench.path("links/deep")).unwrap();
    bench.bad(
        1,
        &["unpack", "pack.bin", "--into", "links", "--yes"],
        &["links/deep is a link"],
    );
}

#[test]
fn damaged_and_foreign_images_are_named() {
    let bench = packed();
    let image = bench.read("pack.bin");
    let tone = bench.json(&["find", "pack.bin", "tone.wav"])["offset"]
        .as_u64()
        .unwrap() as usize;
    let mut damaged = image.clone();
    damaged[tone + 100] ^= 1;
    bench.write("damaged.bin", damaged);
    bench.bad(1, &["verify", "damaged.bin"], &["tone.wav"]);
    bench.write("cut.bin", &image[..image.len() - 4000]);
    let run = bench.run(&["verify", "cut.bin"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        run.stderr.contains("error: cut.bin") || run.stderr.contains("tone.wav"),
        "{}",
        run.stderr
    );
    for verb in [&["verify"][..], &["find"], &["unpack"], &["inspect"]] {
        let tail: &[&str] = match verb[0] {
            "find" => &["x"],
            "unpack" => &["--into", "out"],
            _ => &[],
        };
        let with = |file| [verb, &[file], tail].concat();
        bench.bad(1, &with("none.bin"), &["There is no file none.bin"]);
        bench.bad(1, &with("files"), &["files is a folder"]);
        bench.bad(
            1,
            &with("/dev/zero"),
            &["/dev/zero is not an ordinary file"],
        );
        if verb[0] != "inspect" {
            bench.bad(1, &with("files/tone.wav"), &["files/tone.wav"]);
        }
    }
    assert_eq!(
        bench.json(&["inspect", "files/tone.wav"])["format"],
        "unknown"
    );
    bench.bad(1, &["find", "pack.bin", "Readme"], &["pack.bin", "Readme"]);
    bench.bad(1, &["find", "pack.bin", ""], &["pack.bin"]);
}

#[test]
fn what_was_removed_can_be_erased() {
    let bench = packed();
    let secret = b"a secret that nobody should find in the flash later";
    bench.write("files/secret", secret);
    bench.good(&["pack", "with.bin", "files/."]);
    let holds = |image: &[u8]| image.windows(secret.len()).any(|window| window == secret);
    assert!(holds(&bench.read("with.bin")));
    std::fs::remove_file(bench.path("files/secret")).unwrap();
    let kept = ["pack", "new.bin", "files/.", "--previous", "with.bin"];
    let erasing = [&kept[..], &["--erase-removed"]].concat();
    bench.good(&erasing);
    assert!(!holds(&bench.read("new.bin")));
    for name in NAMES {
        bench.json(&["find", "new.bin", name]);
    }
}
