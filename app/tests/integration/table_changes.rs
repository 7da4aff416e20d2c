//! What a new table changes, and which data on a board it strands.

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::partition_table::{PartitionTable, TableSettings};
use flashpack::model::region::Region;
use flashpack::model::table_diff::{diff, stranded};

const OLD: &str = "nvs,data,nvs,0x9000,24K\notadata,data,ota,0xf000,8K\nfactory,app,factory,0x20000,1M\n\
    vfs,data,fat,0x120000,1M\nbin,data,,0x220000,1M\n";
const FLASH_SIZE: Option<u32> = Some(4 << 20);

fn read(csv: &str) -> PartitionTable {
    partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
}

#[track_caller]
fn check(new: &str, changes: &[&str], lost: &[(&str, &str)]) {
    let (old, new) = (read(OLD), read(new));
    let sentences: Vec<_> = diff(&old, &new)
        .iter()
        .map(flashpack::model::table_diff::Change::sentence)
        .collect();
    assert_eq!(sentences, changes);
    let found = stranded(&old, &new, FLASH_SIZE);
    assert_eq!(found.len(), lost.len(), "{found:#?}");
    for (stranded, (name, words)) in found.iter().zip(lost) {
        assert_eq!(stranded.name, *name);
        assert!(stranded.why.contains(words), "{stranded:?}");
    }
}

#[test]
fn nothing_changes() {
    check(OLD, &[], &[]);
    // Through the binary and back there is no difference either.
    let old = read(OLD);
    let board = partition_bin::read(&partition_bin::write(&old).expect("it fits")).table;
    assert_eq!(diff(&board, &old), []);
}

#[test]
fn moved() {
    check(
        &OLD.replace("0x220000,1M", "0x230000,1M"),
        &["bin moves from 0x220000 to 0x230000"],
        &[(
            "bin",
            "bin starts at 0x230000 from then on, where this data is not",
        )],
    );
}

#[test]
fn moved_onto_others_data() {
    let new = OLD.replace(
        "vfs,data,fat,0x120000,1M\nbin,data,,0x220000,1M",
        "bin,data,,0x120000,1M\nvfs,data,fat,0x220000,1M",
    );
    check(
        &new,
        &[
            "bin moves from 0x220000 to 0x120000",
            "vfs moves from 0x120000 to 0x220000",
        ],
        &[
            ("bin", "it is overwritten as soon as vfs is written"),
            ("vfs", "it is overwritten as soon as bin is written"),
        ],
    );
}

#[test]
fn resized() {
    check(
        &OLD.replace("0x220000,1M", "0x220000,1792K"),
        &["bin grows from 1 MiB to 1.75 MiB"],
        &[],
    );
    check(
        &OLD.replace("0x120000,1M", "0x120000,512K"),
        &["vfs shrinks from 1 MiB to 512 KiB"],
        &[("vfs", "the last 512 KiB are cut off")],
    );
}

#[test]
fn gone_and_new() {
    check(
        &OLD.replace("vfs,data,fat", "store,data,spiffs"),
        &[
            "store is new: 1 MiB at 0x120000",
            "vfs is gone: it was 1 MiB at 0x120000",
        ],
        &[(
            "vfs",
            "nothing finds its data; it is overwritten as soon as store is written",
        )],
    );
}

#[test]
fn renamed() {
    check(
        &OLD.replace("bin,", "assets,"),
        &["assets was named bin"],
        &[("bin", "programs that look for bin do not find it")],
    );
}

#[test]
fn changed_type_and_flags() {
    check(
        &OLD.replace("vfs,data,fat", "vfs,data,littlefs"),
        &["vfs changes from data fat to data littlefs"],
        &[("vfs", "is taken for data littlefs instead of data fat")],
    );
    check(
        &OLD.replace("0x220000,1M", "0x220000,1M,readonly"),
        &["bin changes its flags from none to readonly"],
        &[],
    );
}

#[test]
fn an_app_and_otadata_that_move_are_told_apart_from_data() {
    let new = OLD
        .replace("otadata,data,ota,0xf000", "otadata,data,ota,0x11000")
        .replace("0x20000,1M", "0x20000,960K");
    let found = stranded(&read(OLD), &read(&new), FLASH_SIZE);
    assert_eq!(found[0].why, "the choice of the app to start is forgotten");
    assert!(
        found[1].is_app && found[1].why.contains("cut off"),
        "{found:?}"
    );
}

#[test]
fn the_file_system_that_micropython_makes_at_run_time() {
    let micropython = "nvs,data,nvs,0x9000,24K\nphy_init,data,phy,0xf000,4K\nfactory,app,factory,0x10000,0x1f0000\n";
    let appended = format!("{micropython}bin,data,,0x200000,1M\n");
    let found = stranded(&read(micropython), &read(&appended), FLASH_SIZE);
    assert_eq!(
        (found.len(), found[0].region),
        (1, Region::new(0x20_0000, 0x20_0000))
    );
    assert!(
        found[0].why.contains("begins at 0x300000 from then on"),
        "{found:?}"
    );
    let with_row = format!("{micropython}vfs,data,fat,0x200000,2M\n");
    assert_eq!(
        stranded(&read(micropython), &read(&with_row), FLASH_SIZE),
        []
    );
    let elsewhere = format!("{micropython}bin,data,,0x200000,1M\nvfs,data,fat,0x300000,1M\n");
    assert!(
        stranded(&read(micropython), &read(&elsewhere), FLASH_SIZE)[0]
            .why
            .contains("a partition of its own")
    );
    assert_eq!(stranded(&read(micropython), &read(&appended), None), []);
    assert_eq!(stranded(&read(&with_row), &read(&with_row), FLASH_SIZE), []);
}

#[test]
fn empty_tables() {
    assert_eq!(
        diff(&PartitionTable::default(), &PartitionTable::default()),
        []
    );
    assert_eq!(
        stranded(&PartitionTable::default(), &read(OLD), FLASH_SIZE),
        []
    );
    assert_eq!(diff(&PartitionTable::default(), &read(OLD)).len(), 5);
    assert_eq!(
        stranded(&read(OLD), &PartitionTable::default(), FLASH_SIZE).len(),
        5
    );
}
