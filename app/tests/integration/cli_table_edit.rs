//! `flashpack table edit` and `table picture`: every operation of the window, in a file that otherwise stays as it was.

use crate::cli_run::Bench;

const CSV: &str = "# mine\r\nnvs,  data, nvs, 0x9000, 24K\r\n\r\nfactory, app , factory, 0x10000, 1M\r\nvfs,data,fat,0x200000,1M # old\r\n";

fn bench() -> Bench {
    let bench = Bench::with_sample();
    bench.write("in.csv", CSV.replace(" # old", ""));
    bench
}

fn edited(bench: &Bench, operations: &[&str]) -> String {
    let mut words = vec!["table", "edit", "in.csv", "out.csv"];
    words.extend(operations);
    bench.good(&words);
    String::from_utf8(bench.read("out.csv")).unwrap()
}

#[track_caller]
fn check(operations: &[&str], lines: &[&str]) {
    let text = edited(&bench(), operations);
    let rows: Vec<&str> = text
        .split("\r\n")
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(rows, lines, "{text}");
    assert!(text.starts_with("# mine\r\n"), "{text}");
}

const NVS: &str = "nvs,  data, nvs, 0x9000, 24K";
const FACTORY: &str = "factory, app , factory, 0x10000, 1M";
const VFS: &str = "vfs,data,fat,0x200000,1M";

#[test]
fn every_operation_of_the_window_is_there() {
    let flash = "--flash-size=4MB";
    check(
        &["vfs.size=2M"],
        &[NVS, FACTORY, "vfs,data,fat,0x200000,2M"],
    );
    check(
        &["vfs.name=files"],
        &[NVS, FACTORY, "files,data,fat,0x200000,1M"],
    );
    check(
        &["move:vfs=0x300000"],
        &[NVS, FACTORY, "vfs,data,fat,0x300000,1M"],
    );
    check(
        &["resize:factory=1.5M"],
        &[NVS, "factory, app , factory, 0x10000, 1536K", VFS],
    );
    check(
        &["start:vfs=0x180000"],
        &[NVS, FACTORY, "vfs,data,fat,0x180000,1536K"],
    );
    check(
        &["grow:vfs", flash],
        &[NVS, FACTORY, "vfs,data,fat,0x200000,2M"],
    );
    check(
        &["shrink:vfs=5000"],
        &[NVS, FACTORY, "vfs,data,fat,0x200000,8K"],
    );
    check(&["unpin:vfs"], &[NVS, FACTORY, "vfs,data,fat,,1M"]);
    check(
        &["unpin:vfs", "pin:vfs"],
        &[NVS, FACTORY, "vfs,data,fat,0x110000,1M"],
    );
    check(&["delete:vfs"], &[NVS, FACTORY]);
    check(&["arrange"], &[NVS, FACTORY, "vfs,data,fat,0x110000,1M"]);
    // A new row has the style of the one above it.
    check(
        &["add:bin,data,undefined,64K", flash],
        &[NVS, FACTORY, "bin, data    , undefined, 0x110000, 64K", VFS],
    );
    check(
        &["after:vfs=bin,0x40,1,64K", flash],
        &[NVS, FACTORY, VFS, "bin,0x40,0x01,0x300000,64K"],
    );
    check(
        &["move:factory=0x300000", "up:factory", "sort"],
        &[NVS, VFS, "factory, app , factory, 0x300000, 1M"],
    );
    check(
        &["--push", "resize:factory=2M"],
        &[
            NVS,
            "factory, app , factory, 0x10000, 2M",
            "vfs,data,fat,0x210000,1M",
        ],
    );
}

#[test]
fn what_is_not_edited_stays_as_it_was() {
    let bench = bench();
    let text = edited(&bench, &["vfs.size=2M", "vfs.size=1M"]);
    assert_eq!(text.as_bytes(), bench.read("in.csv"));
    // In place, and from a binary table.
    bench.good(&["table", "edit", "in.csv", "in.csv", "vfs.flags=readonly"]);
    let text = String::from_utf8(bench.read("in.csv")).unwrap();
    assert!(text.contains("vfs,data,fat,0x200000,1M,readonly"), "{text}");
    bench.good(&["table", "convert", "in.csv", "in.bin"]);
    let answer = bench.json(&[
        "table",
        "edit",
        "in.bin",
        "out.bin",
        "delete:vfs",
        "duplicate:nvs",
    ]);
    assert_eq!(
        answer["edits"],
        serde_json::json!(["Delete vfs", "Duplicate nvs"])
    );
    assert_eq!(
        bench.json(&["table", "show", "out.bin"])["partitions"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn fixes_are_made_and_errors_are_never_written() {
    let bench = bench();
    bench.write(
        "wrong.csv",
        "a,app,ota_0,0x19000,1M\na,data,nvs,,4K\nx,data,fat,,0x1234\n",
    );
    let run = bench.run(&["table", "edit", "wrong.csv", "out.csv", "x.size=8K"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        run.stderr.contains("wrong.csv was not edited"),
        "{}",
        run.stderr
    );
    assert!(!bench.path("out.csv").exists());
    bench.good(&["table", "edit", "wrong.csv", "out.csv", "fix"]);
    assert!(
        bench
            .good(&["table", "check", "out.csv"])
            .contains("no errors")
    );
    // The one that blocks is named.
    let run = bench.run(&[
        "table",
        "edit",
        "in.csv",
        "out.csv",
        "resize:factory=2M",
        "resize:factory=3M",
    ]);
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stderr.contains("vfs is in the way"), "{}", run.stderr);
    let run = bench.run(&["table", "edit", "in.csv", "out.csv", "grow:nothing"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(run.stderr.contains("nvs, factory, vfs"), "{}", run.stderr);
    let run = bench.run(&["table", "edit", "in.csv", "out.csv", "dance"]);
    assert_eq!(run.status.code(), Some(2), "{}", run.stderr);
}

#[test]
fn the_map_is_drawn_as_svg_and_as_png() {
    let bench = bench();
    let answer = bench.json(&["table", "picture", "in.csv", "map.png"]);
    assert_eq!(answer["flash_size"], 4 << 20);
    assert!(bench.read("map.png").starts_with(b"\x89PNG\r\n\x1a\n"));
    bench.good(&[
        "table",
        "picture",
        "in.csv",
        "map.svg",
        "--flash-size",
        "8MB",
    ]);
    let svg = String::from_utf8(bench.read("map.svg")).unwrap();
    assert!(svg.contains("vfs, 1 MiB at 0x200000") && svg.contains("free, 5 MiB at 0x300000"));
    let run = bench.run(&["table", "picture", "in.csv", "map.gif"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(run.stderr.contains(".svg or .png"), "{}", run.stderr);
}

#[test]
fn subtypes_of_a_project_s_own_have_names() {
    let bench = bench();
    bench.write(
        "own.csv",
        "a,app,factory,,1M\ns,data,settings,,64K\nx,data,0xA1,,64K\n",
    );
    let run = bench.run(&["table", "convert", "own.csv", "own.bin"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        run.stderr.contains("“settings” is not a subtype of data"),
        "{}",
        run.stderr
    );
    let own = ["--extra-partition-subtypes", "data, settings, 0xA0"];
    let convert = |from, to| bench.good(&[&["table", "convert", from, to][..], &own].concat());
    convert("own.csv", "own.bin");
    assert_eq!(&bench.read("own.bin")[0x22..0x24], [1, 0xA0]);
    convert("own.bin", "back.csv");
    let back = String::from_utf8(bench.read("back.csv")).unwrap();
    assert!(back.contains("\ns,data,settings,0x110000,64K,\n"), "{back}");
    assert!(back.contains("\nx,data,161,0x120000,64K,\n"), "{back}");
    // An edit keeps the word, and takes it.
    let edit = [
        "table",
        "edit",
        "own.csv",
        "new.csv",
        "s.size=128K",
        "x.subtype=settings",
    ];
    bench.good(&[&edit[..], &own].concat());
    let new = String::from_utf8(bench.read("new.csv")).unwrap();
    assert_eq!(
        new,
        "a,app,factory,,1M\ns,data,settings,,128K\nx,data,settings,,64K\n"
    );
    let run = bench.run(&[
        "table",
        "check",
        "own.csv",
        "--extra-partition-subtypes",
        "data, nvs, 0xA0",
    ]);
    assert_eq!(run.status.code(), Some(2), "{}", run.stderr);
}
