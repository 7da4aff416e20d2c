//! What ESP-IDF forgets: rules of the bootloader, of MicroPython and of the seed project, and plain good sense.

use std::sync::Arc;

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::chip::Chip;
use flashpack::model::problem::{Column, Fix, Severity};
use flashpack::model::table_check::{check, name_for_csv};

use super::{By, FLASH_SIZE, broken, fine, found, note, problems, read, warning, with_app};

#[test]
fn no_app() {
    broken(
        By::Us,
        fixture!("no_app"),
        Severity::Warning,
        None,
        None,
        "no app partition",
    );
    broken(
        By::Us,
        "# nothing\n",
        Severity::Warning,
        None,
        None,
        "no partitions",
    );
}

#[test]
fn gap_in_ota_numbers() {
    let problem = warning(
        fixture!("gap_in_ota_numbers"),
        2,
        Column::SubType,
        "b is ota_2, but there is no ota_1",
    );
    assert_eq!(
        problem.fix,
        Some(Fix::SetCell {
            row: 2,
            column: Column::SubType,
            text: "ota_1".into()
        })
    );
    fine("o,data,ota,,8K\nb,app,ota_1,,1M\na,app,ota_0,,1M\n");
}

#[test]
fn ota_slots_without_otadata() {
    let problem = broken(
        By::Us,
        fixture!("ota_slots_without_otadata"),
        Severity::Warning,
        None,
        None,
        "no otadata partition",
    );
    assert_eq!(problem.fix, Some(Fix::AddOtaData));
}

#[test]
fn otadata_without_ota_slots() {
    note(
        fixture!("otadata_without_ota_slots"),
        Some(1),
        Some(Column::SubType),
        "but there are none",
    );
}

#[test]
fn only_one_ota_slot() {
    note(
        fixture!("only_one_ota_slot"),
        Some(1),
        Some(Column::SubType),
        "a is the only OTA slot",
    );
}

#[test]
fn unequal_ota_slots_are_explained_not_forbidden() {
    let problem = note(
        fixture!("unequal_ota_slots_are_explained_not_forbidden"),
        Some(2),
        Some(Column::Size),
        "The OTA slots differ: b has 256 KiB, a has 2 MiB",
    );
    assert!(problem.help.contains("Standard OTA clients"));
    fine("o,data,ota,,8K\na,app,ota_0,,2M\nb,app,ota_1,,256K\n");
}

#[test]
fn two_apps_of_one_subtype() {
    warning(
        fixture!("two_apps_of_one_subtype"),
        1,
        Column::SubType,
        "main and b are both factory",
    );
}

#[test]
fn data_size_is_not_in_sectors() {
    let problem = warning(
        fixture!("data_size_is_not_in_sectors"),
        1,
        Column::Size,
        "no whole number of 4 KiB sectors",
    );
    assert_eq!(
        problem.fix,
        Some(Fix::SetCell {
            row: 1,
            column: Column::Size,
            text: "0x2000".into()
        })
    );
    let tight = "x,data,fat,0x9000,0x6123\ny,data,fat,0xF123,4K\n";
    let found = problems(&read(tight));
    assert!(found.iter().any(|problem| problem.fix
        == Some(Fix::SetCell {
            row: 0,
            column: Column::Size,
            text: "0x6000".into()
        })));
}

#[test]
fn size_is_zero() {
    warning(fixture!("size_is_zero"), 1, Column::Size, "its size is 0");
}

#[test]
fn name_is_longer_than_16_bytes() {
    warning(
        fixture!("name_is_longer_than_16_bytes"),
        1,
        Column::Name,
        "has 17 bytes",
    );
    warning(
        &with_app("größengrößengröße,data,fat,,64K"),
        1,
        Column::Name,
        "bytes; the chip sees only the first 16",
    );
    fine(&with_app("sixteen_letters!,data,fat,,64K"));
}

#[test]
fn names_collide_when_cut() {
    let csv = fixture!("names_collide_when_cut");
    broken(
        By::Us,
        csv,
        Severity::Error,
        Some(2),
        Some(Column::Name),
        "are the same in their first 16 bytes",
    );
}

#[test]
fn name_is_empty() {
    warning(fixture!("name_is_empty"), 1, Column::Name, "has no name");
}

#[test]
fn type_is_reserved() {
    warning(
        fixture!("type_is_reserved"),
        1,
        Column::Type,
        "reserved for ESP-IDF",
    );
    warning(
        &with_app("x,0xff,0,,64K"),
        1,
        Column::Type,
        "marks the end of the table",
    );
    fine(&with_app("x,0xfe,0,,64K"));
}

#[test]
fn nvs_keys_are_not_encrypted() {
    warning(
        fixture!("nvs_keys_are_not_encrypted"),
        1,
        Column::Flags,
        "not marked encrypted",
    );
    fine(&with_app("k,data,nvs_keys,,4K,encrypted"));
}

#[test]
fn micropython_finds_vfs_by_its_label() {
    warning(
        fixture!("micropython_finds_vfs_by_its_label"),
        1,
        Column::Type,
        "MicroPython finds its file system in a data partition named vfs",
    );
    note(
        &with_app("VFS,data,fat,,64K"),
        Some(1),
        Some(Column::Name),
        "VFS is not found",
    );
    fine(&with_app("vfs,data,fat,,64K"));
}

#[test]
fn flash_py_and_the_agent_find_bin_by_its_label() {
    warning(
        fixture!("flash_py_and_the_agent_find_bin_by_its_label"),
        1,
        Column::Type,
        "find packed files in a data partition named bin",
    );
    note(
        &with_app("Bin,data,,,64K"),
        Some(1),
        Some(Column::Name),
        "Bin is not found",
    );
    fine(&with_app("bin,data,,,64K"));
}

#[test]
fn room_behind_the_last_partition_is_micropythons_file_system() {
    let problem = note(
        fixture!("room_behind_the_last_partition_is_micropythons_file_system"),
        None,
        None,
        "behind main, from 0x110000",
    );
    assert!(
        problem.help.contains("MicroPython 1.29 and later"),
        "{problem:?}"
    );
    let problem = note(&with_app("vfs,data,fat,,1M"), None, None, "behind vfs");
    assert!(!problem.help.contains("MicroPython"), "{problem:?}");
    let full = read(&with_app("x,data,fat,,-4M"));
    assert!(
        !problems(&full)
            .iter()
            .any(|problem| problem.message.contains("in no partition"))
    );
}

#[test]
fn room_between_partitions() {
    note(
        fixture!("room_between_partitions"),
        Some(1),
        Some(Column::Offset),
        "960 KiB between main and x",
    );
    let aligned = read("n,data,nvs,,16K\nmain,app,factory,,1M\n");
    assert!(
        !problems(&aligned)
            .iter()
            .any(|problem| problem.message.contains("between"))
    );
}

#[test]
fn table_lies_where_it_cannot() {
    let at = |table_offset, chip, words: &str| {
        let mut table = read(fixture!("table_lies_where_it_cannot"));
        table.settings.table_offset = table_offset;
        let found = check(&table, Some(FLASH_SIZE), Some(chip));
        assert!(
            found
                .iter()
                .any(|problem| problem.severity == Severity::Error
                    && problem.message.contains(words)),
            "{found:?}"
        );
    };
    at(0x8100, Chip::Esp32c3, "not a multiple of 0x1000");
    at(
        0x1000,
        Chip::Esp32,
        "lies over the bootloader, which the ESP32 starts from 0x1000",
    );
    at(0x40_0000, Chip::Esp32, "beyond the 4 MiB of flash");
}

#[test]
fn name_cannot_stand_in_a_csv() {
    let reading = partition_bin::read(binary!("name_cannot_stand_in_a_csv"));
    for (name, words) in [
        ("a,b", "comma"),
        ("a\nb", "line end"),
        ("#a", "comment"),
        (" a", "space"),
        ("$a", "variable"),
    ] {
        assert!(
            name_for_csv(name).is_err_and(|why| why.contains(words)),
            "{name:?}"
        );
        let mut table = reading.table.clone();
        let row = Arc::make_mut(&mut table.rows[1]);
        if name != row.name {
            row.name = name.to_owned();
            row.spelling = None;
        }
        found(&problems(&table), words);
        assert_eq!(partition_csv::obstacles(&table).len(), 1, "{name:?}");
    }
    assert_eq!(name_for_csv("größe 1"), Ok(()));
}

#[test]
fn md5_is_missing() {
    let reading = partition_bin::read(binary!("md5_is_missing"));
    let problem = found(&reading.problems, "MD5");
    assert_eq!(problem.severity, Severity::Warning);
}
