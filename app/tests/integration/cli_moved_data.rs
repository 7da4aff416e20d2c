//! A changed table that moves or shrinks partitions with data: never silent, carried along on request, also through a
//! cut in the middle.

use crate::app_images::flash;
use crate::cli_run::{Bench, PracticeProcess};

const NVS: [u8; 0x3000] = [0x4E; 0x3000];
const LOGS: [u8; 0x2000] = [0x4C; 0x2000];

/// A board with data in two partitions, and a table that swaps their places.
fn bench() -> Bench {
    let bench = Bench::new();
    let old = "nvs,data,nvs,0x9000,0x3000\nlogs,data,undefined,0xc000,0x2000\nblank,data,undefined,0xe000,0x1000\n";
    let new = "logs,data,undefined,0x9000,0x2000\nnvs,data,nvs,0xb000,0x3000\nblank,data,undefined,0x20000,0x1000\n";
    let small = "nvs,data,nvs,0x9000,0x3000\nlogs,data,undefined,0xc000,0x1000\nblank,data,undefined,0xe000,0x1000\n";
    for (name, text) in [("old", old), ("new", new), ("small", small)] {
        bench.write(&format!("{name}.csv"), text);
        bench.good(&[
            "table",
            "convert",
            &format!("{name}.csv"),
            &format!("{name}.bin"),
        ]);
    }
    let table = bench.read("old.bin");
    let contents = flash(
        4 << 20,
        &[(0x8000, &table), (0x9000, &NVS), (0xC000, &LOGS)],
    );
    bench.write("flash.bin", contents);
    bench
}

fn board(bench: &Bench, fault: &str) -> PracticeProcess {
    let mut arguments = vec!["--flash", "flash.bin", "--link", "board"];
    if !fault.is_empty() {
        arguments.extend(["--fault", fault]);
    }
    PracticeProcess::start(bench, &arguments)
}

const WRITE: [&str; 5] = ["write", "0x8000=new.bin", "--port", "board", "--yes"];

fn is_carried(bench: &Bench) -> bool {
    let flash = bench.read("flash.bin");
    flash[0x9000..0xB000] == LOGS && flash[0xB000..0xE000] == NVS
}

/// Files that wait in the safe place.
fn saved(bench: &Bench) -> usize {
    let Ok(names) = std::fs::read_dir(bench.path("config").join("kept")) else {
        return 0;
    };
    names
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("moved-")
        })
        .count()
}

#[test]
fn data_that_would_stay_behind_is_refused_and_named() {
    let bench = bench();
    let board = board(&bench, "");
    let before = bench.read("flash.bin");
    let run = bench.run(&WRITE);
    assert_eq!(run.status.code(), Some(1));
    for words in [
        "nvs holds data and moves from 0x9000 to 0xB000",
        "logs holds data and moves from 0xC000 to 0x9000",
        "--move-data",
        "--force leave-data",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("blank holds"), "{}", run.stderr);
    let small = ["write", "0x8000=small.bin", "--port", "board", "--yes"];
    for extra in [&[][..], &["--move-data"]] {
        let run = bench.run(&[&small[..], extra].concat());
        assert_eq!(run.status.code(), Some(1));
        assert!(
            run.stderr
                .contains("logs holds data and shrinks from 8 KiB: its last 4 KiB"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(bench.read("flash.bin"), before);
    bench.good(&[&WRITE[..], &["--force", "leave-data"]].concat());
    board.end("TERM");
    let flash = bench.read("flash.bin");
    assert_eq!(flash[0x8000..0x8020], bench.read("new.bin")[..0x20]);
    assert_eq!(
        flash[0x9000..0xC000],
        NVS,
        "what lies there was not touched"
    );
}

#[test]
fn data_is_carried_along_although_the_places_overlap() {
    let bench = bench();
    let board = board(&bench, "");
    let plan = [
        "write",
        "0x8000=new.bin",
        "--move-data",
        "--dry-run",
        "--port",
        "board",
    ];
    let text = bench.good(&plan);
    assert!(
        text.contains("first: nvs: 12 KiB are read from 0x9000, saved, and written to 0xB000"),
        "{text}"
    );
    assert!(!text.contains("refused"), "{text}");
    assert!(text.contains("The data of logs is saved to "), "{text}");
    let json = bench.json(&plan);
    assert_eq!(json["carried"].as_array().unwrap().len(), 2);
    let places: Vec<_> = json["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|backup| backup["place"].as_str().unwrap())
        .collect();
    assert!(
        places.len() == 4 && places.iter().all(|place| place.contains("config")),
        "{places:?}"
    );
    assert!(places[0].contains("table-") && places[1].contains("moved-"));
    assert!(
        places[3].ends_with("beside-60-55-f9-f0-0d-01.json"),
        "a table ends inside its sector: {places:?}"
    );
    assert_eq!(saved(&bench), 0, "a dry run saves nothing");
    bench.good(&[&WRITE[..], &["--move-data"]].concat());
    board.end("TERM");
    assert!(is_carried(&bench));
    assert_eq!(saved(&bench), 0, "what is proven is let go");
}

#[test]
fn a_cut_anywhere_loses_nothing_and_the_next_write_finishes() {
    for operation in [0, 1, 5, 15, 17, 33, 50, 80, 82, 84] {
        let bench = bench();
        let before = bench.read("flash.bin");
        let broken = board(&bench, &format!("unplug:flash@{operation}=never"));
        let run = bench.run(&[&WRITE[..], &["--move-data"]].concat());
        let failed = run.status.code() == Some(1);
        broken.end("TERM");
        if !failed {
            assert!(is_carried(&bench), "{operation}");
            continue;
        }
        assert!(
            saved(&bench) > 0 || bench.read("flash.bin").starts_with(&before),
            "{operation}: {}",
            run.stderr
        );
        let whole = board(&bench, "");
        bench.good(&[&WRITE[..], &["--move-data"]].concat());
        whole.end("TERM");
        assert!(is_carried(&bench), "cut at flash operation {operation}");
    }
}

#[test]
fn a_table_that_moves_nothing_asks_nothing() {
    let bench = bench();
    let board = board(&bench, "");
    bench.good(&["write", "0x8000=old.bin", "--port", "board", "--yes"]);
    // What the same command writes anew need not be carried.
    bench.write("data", "new");
    let rewritten = [
        "write",
        "0x8000=new.bin",
        "nvs=data",
        "logs=data",
        "--port",
        "board",
        "--yes",
    ];
    bench.good(&rewritten);
    board.end("TERM");
    assert!(bench.read("flash.bin")[0xB000..].starts_with(b"new"));
}

#[test]
fn what_was_saved_is_taken_back_while_the_board_is_untouched() {
    let bench = bench();
    let carry = [&WRITE[..], &["--move-data"]].concat();
    // As far as the first flash operation, which is behind the command that asks for it.
    let options = ["--flash", "flash.bin", "--link", "board"];
    let counted = [
        &options[..],
        &["--report", "r.json", "--fault", "unplug:flash@0=never"],
    ]
    .concat();
    let board = PracticeProcess::start(&bench, &counted);
    assert_eq!(bench.run(&carry).status.code(), Some(1));
    board.end("TERM");
    assert!(saved(&bench) > 0, "from the first erase on it is kept");
    std::fs::remove_dir_all(bench.path("config")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&bench.read("r.json")).unwrap();
    let sent = report["wire"]["to_board"].as_u64().unwrap();

    // Within the last question before that command.
    let before = bench.read("flash.bin");
    let read = |report: &serde_json::Value| report["commands"]["READ_FLASH"].as_u64().unwrap();
    let fault = format!("unplug:to-board@{}=never", sent - 50);
    let broken = [&options[..], &["--report", "r2.json", "--fault", &fault]].concat();
    let broken = PracticeProcess::start(&bench, &broken);
    let run = bench.run(&carry);
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    broken.end("TERM");
    assert_eq!(bench.read("flash.bin"), before);
    let cut: serde_json::Value = serde_json::from_slice(&bench.read("r2.json")).unwrap();
    assert_eq!(read(&cut), read(&report), "all that is carried was read");
    assert_eq!(saved(&bench), 0, "{}", run.stderr);

    // What the board's program makes of it meanwhile is what is carried.
    let mut flash = before;
    flash[0x9000..0xC000].fill(0x77);
    bench.write("flash.bin", &flash);
    let whole = self::board(&bench, "");
    bench.good(&carry);
    whole.end("TERM");
    let flash = bench.read("flash.bin");
    assert!(flash[0xB000..0xE000].iter().all(|byte| *byte == 0x77));
    assert_eq!(flash[0x9000..0xB000], LOGS);
}
