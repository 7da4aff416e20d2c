//! `flashpack table …`, with the real tables, and with everything that is none.

use crate::cli_run::{Bench, json_lines, sample};

#[test]
fn the_seeds_csv_becomes_the_bytes_of_gen_esp32part() {
    let bench = Bench::with_sample();
    let answer = bench.json(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    assert_eq!(answer["partitions"], 5);
    let bytes = bench.read("par.bin");
    assert_eq!(bytes.len(), 0xC00);
    // The last row before the MD5 row: type, subtype, offset, size, name, flags.
    let mut last = vec![0xAA, 0x50, 1, 6];
    last.extend(0x30_0000u32.to_le_bytes());
    last.extend(0x10_0000u32.to_le_bytes());
    last.extend(b"bin\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(&bytes[0x80..0xA0], last);
    assert_eq!(bytes[0xA0..0xB0], [&[0xEB; 2][..], &[0xFF; 14]].concat());
    assert!(bytes[0xC0..].iter().all(|byte| *byte == 0xFF));
}

#[test]
fn a_table_goes_to_csv_and_back_without_a_change() {
    let bench = Bench::with_sample();
    bench.good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    bench.good(&["table", "convert", "par.bin", "from_bin.csv"]);
    bench.good(&["table", "convert", "par_1M_1M.csv", "esp_idf.csv"]);
    let text = String::from_utf8(bench.read("esp_idf.csv")).unwrap();
    assert!(
        text.lines()
            .any(|line| line.starts_with("bin, data, undefined, 0x300000, 0x100000")),
        "{text}"
    );
    for csv in ["from_bin.csv", "esp_idf.csv"] {
        bench.good(&["table", "convert", csv, "again.bin"]);
        assert_eq!(bench.read("again.bin"), bench.read("par.bin"), "{csv}");
    }
    // A CSV of ESP-IDF's dialect comes out byte for byte.
    let odd =
        "# mine\r\n\r\n nvs ,data,nvs,, 0x6000 # not the size\r\n".replace(" # not the size", "");
    bench.write("odd.csv", &odd);
    bench.good(&["table", "convert", "odd.csv", "copy.csv"]);
    assert_eq!(bench.read("copy.csv"), odd.as_bytes());
}

#[test]
fn a_table_is_found_inside_a_firmware_image() {
    let bench = Bench::with_sample();
    bench.good(&["table", "convert", "par_1M_1M.csv", "par.bin"]);
    let mut firmware = vec![0xE9; 0x8000];
    firmware.extend(bench.read("par.bin"));
    firmware.resize(0x1_2000, 0x55);
    bench.write("firmware.bin", firmware);
    let answer = bench.json(&["table", "show", "firmware.bin"]);
    let names: Vec<&str> = answer["partitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["nvs", "phy_init", "factory", "vfs", "bin"]);
    assert_eq!(
        (&answer["table_offset"], &answer["partitions"][4]["offset"]),
        (&0x8000.into(), &0x30_0000.into())
    );
}

#[test]
fn check_tells_everything_at_once() {
    let bench = Bench::with_sample();
    assert!(
        bench
            .good(&["table", "check", "par_1M_1M.csv"])
            .contains("5 partitions, no errors")
    );
    bench.write(
        "wrong.csv",
        "nvs,data,nvs,0x9000,0x6000\nnvs,data,nvs,0xa000,1.5K\n",
    );
    let run = bench.run(&["table", "check", "wrong.csv"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        run.stdout.contains("error: line 2, size: “1.5K”"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("error: line 2, name: "),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.starts_with("error: wrong.csv has 2 errors"),
        "{}",
        run.stderr
    );
    let run = bench.run(&["table", "check", "wrong.csv", "--json"]);
    let lines = json_lines(&run.stdout);
    assert!(
        lines
            .iter()
            .filter(|line| line["severity"] == "error")
            .count()
            == 2,
        "{}",
        run.stdout
    );
    assert_eq!(
        lines[0]["place"]["line"],
        serde_json::json!({ "line": 2, "column": "size" })
    );
}

#[test]
fn tables_are_compared() {
    let bench = Bench::with_sample();
    bench.write("new.csv", "nvs,data,nvs,0x9000,0x6000\nfactory,app,factory,0x10000,0x1f0000\nbin,data,6,0x200000,1M\n");
    let answer = bench.json(&["table", "diff", "par_1M_1M.csv", "new.csv"]);
    let stranded: Vec<&str> = answer["stranded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| lost["name"].as_str().unwrap())
        .collect();
    assert!(
        stranded.contains(&"vfs") && stranded.contains(&"bin"),
        "{answer}"
    );
    let text = bench.good(&["table", "diff", "par_1M_1M.csv", "new.csv"]);
    assert!(
        text.contains("bin moves from 0x300000 to 0x200000"),
        "{text}"
    );
    assert_eq!(
        bench.good(&["table", "diff", "new.csv", "new.csv"]),
        "The tables are equal\n"
    );
}

#[test]
fn templates_are_tables_that_pass() {
    let bench = Bench::new();
    bench.good(&[
        "table",
        "new",
        "--template",
        "micropython-bin",
        "t.csv",
        "--flash-size",
        "8MB",
    ]);
    assert!(
        bench
            .good(&["table", "check", "t.csv", "--flash-size", "8MB"])
            .contains("no errors")
    );
    bench.good(&[
        "table",
        "new",
        "--template",
        "micropython-bin",
        "t.bin",
        "--flash-size",
        "8MB",
    ]);
    bench.good(&["table", "convert", "t.csv", "u.bin"]);
    assert_eq!(bench.read("t.bin"), bench.read("u.bin"));
    bench.bad(
        2,
        &["table", "new", "--template", "none", "n.csv"],
        &["no template “none”"],
    );
    bench.bad(
        1,
        &[
            "table",
            "new",
            "--template",
            "two-ota",
            "n.csv",
            "--flash-size",
            "1MB",
        ],
        &["two-ota", "1 MiB"],
    );
    bench.bad(
        2,
        &["table", "new", "--template", "two-ota", "n.txt"],
        &["n.txt"],
    );
}

#[test]
fn what_is_no_table_is_refused() {
    let bench = Bench::with_sample();
    bench.write("text.txt", "Dear Sir,\nthis is a letter.\n");
    for (verb, extra) in [
        ("show", None),
        ("check", None),
        ("convert", Some("out.bin")),
    ] {
        let with = |file: &'static str| {
            let mut arguments = vec!["table", verb, file];
            arguments.extend(extra);
            arguments
        };
        bench.bad(1, &with("none.csv"), &["There is no file none.csv"]);
        bench.bad(1, &with("files"), &["files is a folder"]);
        bench.bad(
            1,
            &with("files/tone.wav"),
            &["files/tone.wav", "not a partition table"],
        );
        bench.bad(1, &with("text.txt"), &["text.txt", "not a partition table"]);
    }
    bench.bad(
        1,
        &["table", "show", "/dev/zero"],
        &["/dev/zero is not an ordinary file"],
    );
    let mut cut = std::fs::read(sample().join("partitions.csv")).unwrap();
    cut.push(0xFF);
    bench.write("bytes.csv", cut);
    bench.bad(
        1,
        &["table", "convert", "bytes.csv", "out.bin"],
        &["bytes.csv"],
    );
}

#[test]
fn a_table_that_gen_esp32part_refuses_is_not_converted() {
    let bench = Bench::with_sample();
    let convert = |bench: &Bench, name: &str, extra: &[&str], parts: &[&str]| {
        bench.bad(
            1,
            &[&["table", "convert", name, "out.bin"], extra].concat(),
            parts,
        );
    };
    convert(
        &bench,
        "par_1M_1M.csv",
        &["--flash-size", "2MB"],
        &["par_1M_1M.csv", "bin", "2 MiB"],
    );
    for (name, text, part) in [
        ("fraction.csv", "nvs,data,nvs,0x9000,1.5K\n", "line 1, size"),
        (
            "overlap.csv",
            "a,data,nvs,0x9000,0x6000\nb,data,nvs,0xa000,0x6000\n",
            "b",
        ),
        ("unaligned.csv", "a,app,factory,0x11000,1M\n", "a"),
        ("nvs.csv", "a,data,nvs,0x9000,0x1000\n", "a"),
        ("below.csv", "a,data,nvs,0x1000,0x6000\n", "a"),
        ("boot.csv", "b,bootloader,primary,N/A,N/A\n", "b"),
    ] {
        bench.write(name, text);
        convert(&bench, name, &[], &[name, part]);
    }
    bench.write(
        "boot.csv",
        "b,bootloader,primary,N/A,N/A\nfactory,app,factory,,1M\n",
    );
    bench.good(&[
        "table",
        "convert",
        "boot.csv",
        "boot.bin",
        "--primary-bootloader-offset",
        "0",
    ]);
    bench.bad(
        2,
        &["table", "convert", "par_1M_1M.csv", "out.txt"],
        &["out.txt"],
    );
    bench.bad(
        1,
        &["table", "convert", "par_1M_1M.csv", "none/out.bin"],
        &["There is no folder none"],
    );
    std::fs::create_dir(bench.path("folder.bin")).unwrap();
    bench.bad(
        1,
        &["table", "convert", "par_1M_1M.csv", "folder.bin"],
        &["folder.bin is a folder"],
    );
}
