//! A change of the partition table is a transaction: cut at any flash operation, the old table is on disk and can be
//! brought back, and writing again finishes the new one.

use std::path::PathBuf;
use std::sync::Arc;

use flashpack::engine::backup;
use flashpack::engine::event::{Event, Outcome};
use flashpack::engine::request::Request;
use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use flashpack::model::partition_table::{PartitionTable, TableSettings};
use flashpack::model::region::Region;
use flashpack::store::{backup_file, project_file};

use crate::cli_run::{Bench, PracticeProcess};
use crate::neighbour_bytes::{Place, noise};

const TABLE: Region = Region::new(0x8000, 0x1000);
const BIN: u32 = 0x30_0000;
const FILE: &str = "table-60-55-f9-f0-0d-01.bin";
const NOTE: &str = "table-change-60-55-f9-f0-0d-01.json";

fn sector(table: &PartitionTable) -> Vec<u8> {
    let mut bytes = partition_bin::write(table).unwrap();
    bytes.resize(TABLE.size as usize, 0xFF);
    bytes
}

fn old_table() -> PartitionTable {
    (*project_file::sample().table).clone()
}

/// The same without its last partition.
fn new_table() -> PartitionTable {
    let mut table = old_table();
    table.rows.pop();
    table
}

fn write(role: Role, offset: u32, bytes: Vec<u8>) -> PlannedWrite {
    PlannedWrite {
        role,
        target: if role == Role::Table {
            "partition table".into()
        } else {
            "bin".into()
        },
        source: "test".into(),
        offset,
        bytes: bytes.into(),
        destroys: Vec::new(),
    }
}

/// Data in the old table's `bin`, and the new table.
fn change(seed: u32) -> Request {
    let table = partition_bin::write(&new_table()).unwrap();
    Request::Write(Arc::new(FlashPlan::new(vec![
        write(Role::Table, TABLE.offset, table),
        write(Role::Data, BIN, noise(0x1000, seed)),
    ])))
}

fn kept(place: &Place, name: &str) -> PathBuf {
    place.kept_in().join(name)
}

#[track_caller]
fn finished(ending: &Event) {
    assert!(
        matches!(ending, Event::Finished(Outcome::Written(_))),
        "{ending:?}"
    );
}

#[test]
fn cut_at_any_operation_the_old_table_is_on_disk_and_comes_back() {
    let counting = Place::new();
    counting
        .board
        .test_access()
        .overwrite(TABLE.offset, &sector(&old_table()));
    finished(&counting.run(change(1)).1);
    assert!(
        !kept(&counting, NOTE).exists(),
        "what is proven is finished"
    );
    let operations = counting.board.test_access().operations();
    assert!(operations > 20, "{operations}");

    let place = Place::new();
    let look = place.board.test_access();
    let old = sector(&old_table());
    for cut in 0..operations {
        look.overwrite(TABLE.offset, &old);
        let mut faults = flashpack::device::practice::Faults::default();
        let word = format!("unplug:flash@{}=never", look.operations() + cut);
        faults.add_word(&word).unwrap();
        look.add_flash_faults(&faults);
        let (_, ending) = place.run(change(2 + cut as u32));
        assert!(matches!(ending, Event::Failed(_)), "{cut}: {ending:?}");
        look.replug();
        assert!(kept(&place, NOTE).exists(), "{cut}");
        let (notes, ending) = place.run(Request::Detect);
        let said = notes.join("\n");
        assert!(
            said.contains("did not finish") && said.contains(FILE),
            "{cut}: {said}"
        );
        let Event::Finished(Outcome::Detected(identity)) = ending else {
            panic!("{ending:?}")
        };

        let (manifest, file) = backup_file::load(&kept(&place, FILE)).unwrap();
        assert!(
            file[..] == old[..],
            "{cut}: the backup is not the old table"
        );
        if cut % 2 == 0 {
            let restore = backup::restore(&manifest, &file, &[], "kept", &identity).unwrap();
            assert_eq!(restore.warnings, Vec::<String>::new());
            finished(&place.run(Request::Write(Arc::new(restore.plan))).1);
            assert!(
                look.flash()[TABLE.offset as usize..][..0x1000] == old[..],
                "{cut}"
            );
        } else {
            finished(&place.run(change(2 + cut as u32)).1);
            assert!(
                look.flash()[TABLE.offset as usize..][..0x1000] == sector(&new_table())[..],
                "{cut}"
            );
            assert!(look.flash()[BIN as usize..][..0x1000] == noise(0x1000, 2 + cut as u32)[..]);
            // Finishing it does not take a half-written table for the old one.
            let (_, file) = backup_file::load(&kept(&place, FILE)).unwrap();
            assert!(file[..] == old[..], "{cut}: the backup was replaced");
        }
        assert!(!kept(&place, NOTE).exists(), "{cut}");
        assert_eq!(place.run(Request::Detect).0, Vec::<String>::new(), "{cut}");
    }
}

/// Two slots and otadata; `last` is the size of the second slot.
fn table_with_slots(last: &str) -> Vec<u8> {
    let csv = format!(
        "nvs,data,nvs,0x9000,0x5000,\notadata,data,ota,0xe000,0x2000,\n\
         ota_0,app,ota_0,0x10000,0x100000,\nota_1,app,ota_1,0x110000,{last},\n"
    );
    sector(&partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table)
}

#[test]
fn the_old_table_comes_back_with_its_otadata() {
    const OTADATA: Region = Region::new(0xE000, 0x2000);
    let (old, new) = (table_with_slots("0x100000"), table_with_slots("0x80000"));
    let chosen = noise(OTADATA.size as usize, 5);
    let change = || {
        Request::Write(Arc::new(FlashPlan::new(vec![
            write(Role::Table, TABLE.offset, new.clone()),
            write(
                Role::OtaData,
                OTADATA.offset,
                noise(OTADATA.size as usize, 6),
            ),
        ])))
    };
    let place = Place::new();
    let look = place.board.test_access();
    let before = || {
        look.overwrite(TABLE.offset, &old);
        look.overwrite(OTADATA.offset, &chosen);
    };
    before();
    let counted = look.operations();
    finished(&place.run(change()).1);
    let operations = look.operations() - counted;

    before();
    let mut faults = flashpack::device::practice::Faults::default();
    // The table is new by now, and half of otadata is gone.
    let cut = look.operations() + operations - 4;
    faults
        .add_word(&format!("unplug:flash@{cut}=never"))
        .unwrap();
    look.add_flash_faults(&faults);
    let (_, ending) = place.run(change());
    assert!(matches!(ending, Event::Failed(_)), "{ending:?}");
    look.replug();
    let flash = look.flash();
    assert!(flash[TABLE.offset as usize..].starts_with(&new));
    assert!(!flash[OTADATA.offset as usize..].starts_with(&chosen));

    let Event::Finished(Outcome::Detected(identity)) = place.run(Request::Detect).1 else {
        panic!("the board is there again")
    };
    let (manifest, file) = backup_file::load(&kept(&place, FILE)).unwrap();
    let restore = backup::restore(&manifest, &file, &[], "kept", &identity).unwrap();
    assert_eq!(restore.warnings, Vec::<String>::new());
    finished(&place.run(Request::Write(Arc::new(restore.plan))).1);
    let flash = look.flash();
    assert!(flash[TABLE.offset as usize..].starts_with(&old));
    assert!(flash[OTADATA.offset as usize..].starts_with(&chosen));
    assert!(!kept(&place, NOTE).exists());
}

#[test]
fn the_same_table_needs_no_backup() {
    let place = Place::new();
    place
        .board
        .test_access()
        .overwrite(TABLE.offset, &sector(&new_table()));
    finished(&place.run(change(1)).1);
    assert!(!kept(&place, FILE).exists());
}

#[test]
fn without_a_place_for_the_old_table_nothing_is_erased() {
    let place = Place::new();
    place
        .board
        .test_access()
        .overwrite(TABLE.offset, &sector(&old_table()));
    std::fs::write(place.kept_in(), "a file where the folder should be").unwrap();
    let (_, ending) = place.run(change(1));
    let Event::Failed(error) = ending else {
        panic!("{ending:?}")
    };
    assert!(
        error.message.contains("could not be backed up"),
        "{error:?}"
    );
    assert_eq!(place.board.test_access().operations(), 0);
}

#[test]
fn erasing_the_table_ends_the_change() {
    let place = Place::new();
    let look = place.board.test_access();
    look.overwrite(TABLE.offset, &sector(&old_table()));
    let mut faults = flashpack::device::practice::Faults::default();
    faults.add_word("unplug:flash@3=never").unwrap();
    look.add_flash_faults(&faults);
    assert!(matches!(place.run(change(1)).1, Event::Failed(_)));
    look.replug();
    let (_, ending) = place.run(Request::Erase(Region::new(0, 0x40_0000)));
    assert!(
        matches!(ending, Event::Finished(Outcome::Erased(_))),
        "{ending:?}"
    );
    assert!(!kept(&place, NOTE).exists());
    assert!(kept(&place, FILE).exists(), "the old table itself is kept");
}

#[test]
fn the_command_line_names_the_backup_before_and_offers_it_after() {
    let bench = Bench::with_sample();
    bench.good(&["table", "convert", "par_1M_1M.csv", "old.bin"]);
    let csv = String::from_utf8(bench.read("par_1M_1M.csv")).unwrap();
    let fewer: Vec<&str> = csv.lines().filter(|line| !line.contains("vfs")).collect();
    bench.write("new.csv", fewer.join("\n") + "\n");
    bench.good(&["table", "convert", "new.csv", "new.bin"]);
    bench.write("data", noise(0x4000, 1));
    let first = ["--flash", "flash.bin", "--link", "board"];
    let board = PracticeProcess::start(&bench, &first);
    bench.good(&["write", "0x8000=old.bin", "--port", "board", "--yes"]);
    let change = [
        "write",
        "0x8000=new.bin",
        "0x300000=data",
        "--port",
        "board",
    ];
    let dry = bench.run(&[&change[..], &["--dry-run"]].concat());
    assert!(dry.stdout.contains(FILE), "{}", dry.stdout);
    board.end("TERM");

    let faults = [&first[..], &["--fault", "unplug:flash@5=never"]].concat();
    let board = PracticeProcess::start(&bench, &faults);
    let run = bench.run(&[&change[..], &["--yes"]].concat());
    assert_eq!(run.status.code(), Some(1), "{}", run.stderr);
    board.end("TERM");

    let board = PracticeProcess::start(&bench, &first);
    let info = bench.run(&["info", "--port", "board"]);
    let line = info
        .stderr
        .lines()
        .find(|line| line.contains("flashpack restore "))
        .expect("info offers the old table");
    let path = line.split("flashpack restore ").nth(1).unwrap();
    let path = path.split(" brings").next().unwrap();
    bench.good(&["restore", path, "--port", "board", "--yes"]);
    let info = bench.run(&["info", "--port", "board"]);
    assert!(!info.stderr.contains("did not finish"), "{}", info.stderr);
    let shown = bench.good(&["read", "0x8000:0xC00", "table.bin", "--port", "board"]);
    assert!(shown.contains("table.bin"));
    assert_eq!(bench.read("table.bin"), bench.read("old.bin"));
    board.end("TERM");
}
