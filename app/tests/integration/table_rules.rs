//! One test for each rule about partition tables, named after it: what breaks the rule is found, with its place and,
//! where there is one, a fix that mends it; what keeps it is not complained of.

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::chip::Chip;
use flashpack::model::partition_table::{PartitionTable, TableSettings};
use flashpack::model::problem::{Column, Fix, Place, Problem, Severity};
use flashpack::model::table_arrange::Limits;
use flashpack::model::table_check::{
    Form, check, esp_idf_errors, name_for_csv, secure_boot_v1_errors,
};
use flashpack::model::table_edit::apply_fix;

const FLASH_SIZE: u32 = 4 << 20;
/// A row that every table needs, so that only the rule in question is broken.
const APP: &str = "main,app,factory,0x10000,1M\n";

fn read(csv: &str) -> PartitionTable {
    partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
}

fn problems(table: &PartitionTable) -> Vec<Problem> {
    check(table, Some(FLASH_SIZE), Some(Chip::Esp32c3))
}

/// Who refuses: ESP-IDF's tool too, or only we.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    EspIdf,
    Us,
}

/// A table that breaks a rule: the problem is there, its words are right, and its fix (if any) makes it go away.
#[track_caller]
fn broken(
    by: By,
    csv: &str,
    severity: Severity,
    row: Option<usize>,
    column: Option<Column>,
    words: &str,
) -> Problem {
    let table = read(csv);
    let all = problems(&table);
    let place = row.map_or(Place::Table, |row| Place::Row { row, column });
    let found = all.iter().find(|problem| problem.message.contains(words));
    let Some(problem) = found else {
        panic!("no problem says “{words}”: {all:#?}")
    };
    assert_eq!(
        (problem.severity, &problem.place),
        (severity, &place),
        "{problem:?}"
    );
    assert!(
        !problem.help.is_empty() && !problem.help.ends_with('.') && !problem.message.ends_with('.'),
        "{problem:?}"
    );
    let refused = !esp_idf_errors(&table, Some(FLASH_SIZE), Form::Csv).is_empty();
    assert_eq!(
        refused,
        by == By::EspIdf,
        "whether ESP-IDF refuses: {all:#?}"
    );
    if let Some(fix) = &problem.fix {
        let limits = Limits {
            flash_size: Some(FLASH_SIZE),
            ..Limits::default()
        };
        let mended = apply_fix(&table, fix, &limits)
            .expect("a fix can be made")
            .table;
        let left = problems(&mended)
            .into_iter()
            .find(|left| left.message == problem.message);
        assert_eq!(left, None, "after {fix:?}");
        // The mended file says the same when it is read again.
        let again = partition_csv::read(
            &partition_csv::write(&mended),
            TableSettings::default(),
            &|_| None,
        );
        assert!(
            !problems(&again.table)
                .iter()
                .any(|left| left.message == problem.message),
            "{fix:?}"
        );
    }
    problem.clone()
}

#[track_caller]
fn fine(csv: &str) {
    let table = read(csv);
    let serious: Vec<_> = problems(&table)
        .into_iter()
        .filter(|problem| problem.severity > Severity::Note)
        .collect();
    assert_eq!(serious, [], "{csv}");
}

#[track_caller]
fn error(csv: &str, row: usize, column: Column, words: &str) -> Problem {
    broken(
        By::EspIdf,
        csv,
        Severity::Error,
        Some(row),
        Some(column),
        words,
    )
}

#[track_caller]
fn warning(csv: &str, row: usize, column: Column, words: &str) -> Problem {
    broken(
        By::Us,
        csv,
        Severity::Warning,
        Some(row),
        Some(column),
        words,
    )
}

#[track_caller]
fn note(csv: &str, row: Option<usize>, column: Option<Column>, words: &str) -> Problem {
    broken(By::Us, csv, Severity::Note, row, column, words)
}

fn with_app(rows: &str) -> String {
    format!("{APP}{rows}\n")
}

// ---- ESP-IDF's rules ----

#[test]
fn type_is_missing() {
    error("only_a_name\n", 0, Column::Type, "type is missing");
}

#[test]
fn type_is_unknown() {
    error(
        &with_app("x,apps,0,,64K"),
        1,
        Column::Type,
        "“apps” is not a partition type",
    );
    fine(&with_app("x,0x40,0,,64K"));
    fine(&with_app("x,DATA,FAT,,64K"));
}

#[test]
fn app_without_subtype() {
    error("x,app,,,1M\n", 0, Column::SubType, "needs a subtype");
    fine(&with_app("x,data,,,64K"));
}

#[test]
fn subtype_is_unknown() {
    error(
        &with_app("x,data,vfs,,64K"),
        1,
        Column::SubType,
        "“vfs” is not a subtype of data",
    );
    error(
        &with_app("x,0x40,fat,,64K"),
        1,
        Column::SubType,
        "not a subtype of 0x40",
    );
    fine(&with_app("x,data,0x8f,,64K"));
}

#[test]
fn offset_is_no_number() {
    error(
        &with_app("x,data,fat,$OFFSET,64K"),
        1,
        Column::Offset,
        "“$OFFSET” is not an offset",
    );
    error(
        &with_app("x,data,fat,-4K,64K"),
        1,
        Column::Offset,
        "negative",
    );
}

#[test]
fn size_is_no_number() {
    error(
        &with_app("x,data,fat,,1.5M"),
        1,
        Column::Size,
        "“1.5M” is not a size",
    );
    error(
        &with_app("x,data,fat,,5000M"),
        1,
        Column::Size,
        "beyond 4 GiB",
    );
}

#[test]
fn size_is_missing() {
    error(&with_app("x,data,fat,,"), 1, Column::Size, "x has no size");
    error(&with_app("x,data,fat"), 1, Column::Size, "x has no size");
}

#[test]
fn flag_is_unknown() {
    error(
        &with_app("x,data,fat,,64K,Encrypted"),
        1,
        Column::Flags,
        "“Encrypted” is not a flag",
    );
    fine(&with_app("x,data,fat,,64K,encrypted:readonly"));
}

#[test]
fn variable_at_the_beginning_of_a_line_is_not_set() {
    error(
        &with_app("$NAME,data,fat,,64K"),
        1,
        Column::Name,
        "The variable NAME is not set",
    );
}

#[test]
fn file_is_not_utf8() {
    let bytes = b"# gr\xF6\xDFe\nmain,app,factory,,1M\n";
    let table = partition_csv::read(bytes, TableSettings::default(), &|_| None).table;
    let found = problems(&table);
    assert_eq!(found[0].fix, Some(Fix::SaveAsUtf8));
    assert!(!esp_idf_errors(&table, None, Form::Csv).is_empty());
    let mended = apply_fix(&table, &Fix::SaveAsUtf8, &Limits::default())
        .expect("it can be")
        .table;
    assert_eq!(
        partition_csv::write(&mended),
        "# größe\nmain,app,factory,,1M\n".as_bytes()
    );
    assert_eq!(esp_idf_errors(&mended, None, Form::Csv), []);
}

#[test]
fn bootloader_row_without_its_setting() {
    let csv = with_app("b,bootloader,primary,N/A,N/A");
    error(
        &csv,
        1,
        Column::Offset,
        "depends on the primary bootloader's offset",
    );
    let mut table = read(&csv);
    table.settings.primary_bootloader_offset = Some(0);
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    table.settings.primary_bootloader_offset = Some(0x8000);
    assert!(
        esp_idf_errors(&table, None, Form::Csv)[0]
            .message
            .contains("not below the partition table")
    );
}

#[test]
fn recovery_bootloader_row_without_its_setting() {
    let mut table = read(&with_app("r,bootloader,recovery,,"));
    table.settings.primary_bootloader_offset = Some(0);
    let found = esp_idf_errors(&table, None, Form::Csv);
    assert!(
        found[0]
            .message
            .contains("the recovery bootloader's offset"),
        "{found:?}"
    );
    table.settings.recovery_bootloader_offset = Some(0x20_0000);
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
}

#[test]
fn size_up_to_an_offset_in_front_of_the_partition() {
    error(
        &with_app("x,data,fat,0x200000,-1M"),
        1,
        Column::Size,
        "reaches up to 0x100000, but starts behind that",
    );
    fine(&with_app("x,data,fat,0x200000,-4M"));
}

#[test]
fn place_beyond_4_gib() {
    let csv = with_app("x,data,fat,0xFFFFF000,64K\ny,data,fat,,64K");
    error(&csv, 2, Column::Offset, "y would start beyond 4 GiB");
}

#[test]
fn app_offset_is_not_aligned() {
    let problem = error(
        "x,app,factory,0x19000,1M\n",
        0,
        Column::Offset,
        "x starts at 0x19000",
    );
    assert_eq!(
        problem.fix,
        Some(Fix::SetCell {
            row: 0,
            column: Column::Offset,
            text: "0x20000".into()
        })
    );
}

#[test]
fn data_offset_is_not_aligned() {
    error(
        &with_app("x,data,fat,0x200800,64K"),
        1,
        Column::Offset,
        "a multiple of 0x1000",
    );
    error(
        &with_app("x,0x40,0,0x200800,64K"),
        1,
        Column::Offset,
        "a multiple of 0x1000",
    );
}

#[test]
fn app_size_is_not_aligned() {
    let problem = error(
        "x,app,factory,0x10000,0x100800\n",
        0,
        Column::Size,
        "a multiple of 0x1000",
    );
    assert_eq!(
        problem.fix,
        Some(Fix::SetCell {
            row: 0,
            column: Column::Size,
            text: "0x101000".into()
        })
    );
    fine("x,app,factory,0x10000,0x101000\n");
}

#[test]
fn app_size_for_secure_boot_v1() {
    let table = read("ota_0,app,ota_0,,0x101000\nota_1,app,ota_1,,0x110000\n");
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    let found = secure_boot_v1_errors(&table);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("ota_0"), "{found:?}");
}

#[test]
fn readonly_where_the_chip_writes() {
    error(
        &with_app("o,data,ota,,8K,readonly"),
        1,
        Column::Flags,
        "but is readonly",
    );
    error(
        &with_app("c,data,coredump,,64K,encrypted:readonly"),
        1,
        Column::Flags,
        "but is readonly",
    );
    fine(&with_app("c,data,fat,,64K,readonly"));
}

#[test]
fn nvs_is_too_small_to_be_written() {
    error(
        &with_app("n,data,nvs,,8K"),
        1,
        Column::Size,
        "needs 0x3000 at least",
    );
    fine(&with_app("n,data,nvs,,12K"));
    fine(&with_app("n,data,nvs,,4K,readonly"));
}

#[test]
fn names_are_not_unique() {
    let problem = error(
        &with_app("x,data,fat,,64K\nx,data,spiffs,,64K"),
        2,
        Column::Name,
        "The name x is taken already, by row 2",
    );
    assert_eq!(
        problem.fix,
        Some(Fix::SetCell {
            row: 2,
            column: Column::Name,
            text: "x_2".into()
        })
    );
}

#[test]
fn rows_are_not_in_the_order_of_offsets() {
    let problem = error(
        "a,data,fat,0x200000,64K\nmain,app,factory,0x10000,1M\n",
        1,
        Column::Offset,
        "before the row above it",
    );
    assert_eq!(problem.fix, Some(Fix::SortRows));
}

#[test]
fn rows_of_a_binary_table_may_be_in_any_order() {
    let mut table = read("a,data,fat,0x200000,64K\nmain,app,factory,0x10000,1M\n");
    table
        .rows
        .iter_mut()
        .for_each(|row| std::sync::Arc::make_mut(row).spelling = None);
    table.text = None;
    let read_back = partition_bin::read(&partition_bin::write(&table).expect("it fits")).table;
    assert_eq!(esp_idf_errors(&read_back, None, Form::Binary), []);
    assert!(!esp_idf_errors(&read_back, None, Form::Csv).is_empty());
    let found = problems(&read_back);
    assert!(
        found
            .iter()
            .any(|problem| problem.severity == Severity::Warning
                && problem.fix == Some(Fix::SortRows))
    );
}

#[test]
fn partitions_overlap() {
    let problem = error(
        "a,app,factory,0x10000,2M\nb,app,test,0x100000,1M\n",
        1,
        Column::Offset,
        "b at 0x100000 overlaps a",
    );
    assert_eq!(problem.fix, Some(Fix::AutoArrange));
}

#[test]
fn partition_over_the_table_or_the_bootloader() {
    error(
        &format!("n,data,nvs,0x8000,16K\n{APP}"),
        0,
        Column::Offset,
        "over the partition table itself",
    );
    error(
        &format!("n,data,nvs,0x0,16K\n{APP}"),
        0,
        Column::Offset,
        "where the bootloader lies",
    );
}

#[test]
fn otadata_has_the_wrong_size() {
    let problem = error(
        &with_app("o,data,ota,,12K"),
        1,
        Column::Size,
        "must have exactly 0x2000",
    );
    assert_eq!(
        problem.fix,
        Some(Fix::SetCell {
            row: 1,
            column: Column::Size,
            text: "0x2000".into()
        })
    );
    error(
        &with_app("o,data,tee_ota,,4K"),
        1,
        Column::Size,
        "The TEE otadata partition o has",
    );
}

#[test]
fn second_otadata() {
    error(
        &with_app("o,data,ota,,8K\np,data,ota,,8K"),
        2,
        Column::SubType,
        "p is a second otadata partition, besides o",
    );
    error(
        &with_app("o,data,tee_ota,,8K\np,data,tee_ota,,8K"),
        2,
        Column::SubType,
        "second TEE otadata",
    );
}

#[test]
fn too_many_rows() {
    let rows = |count: usize| -> String {
        let lines: Vec<_> = (0..count)
            .map(|index| format!("p{index},data,fat,,4K"))
            .collect();
        lines.join("\n")
    };
    let table = read(&rows(95));
    let found = esp_idf_errors(&table, None, Form::Csv);
    assert!(
        found[0].message.contains("95 partitions, but only 94 fit"),
        "{found:?}"
    );
    assert!(partition_bin::write(&table).is_err());
    let table = read(&rows(94));
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    assert_eq!(
        partition_bin::write(&table).map(|bytes| bytes.len()),
        Ok(0xC00)
    );
}

#[test]
fn beyond_the_flash() {
    error(
        &with_app("x,data,fat,,4M"),
        1,
        Column::Size,
        "beyond the 4 MiB of flash",
    );
    error(
        &with_app("x,data,fat,0x400000,64K"),
        1,
        Column::Offset,
        "beyond the 4 MiB of flash",
    );
    let table = read(&with_app("x,data,fat,,4M"));
    assert_eq!(
        esp_idf_errors(&table, None, Form::Csv),
        [],
        "without a flash size nothing is said about it"
    );
}

#[test]
fn name_is_a_type_or_a_subtype() {
    warning(
        "app,data,fat,,64K\nmain,app,factory,,1M\n",
        0,
        Column::Name,
        "The name app is a partition type",
    );
    warning(
        "main,app,ota_1,,1M\nota_0,app,factory,,1M\n",
        1,
        Column::Name,
        "The name ota_0 is a partition subtype",
    );
    fine(&with_app("nvs,data,nvs,,16K"));
}

#[test]
fn unknown_flag_bits() {
    let mut table = read(APP);
    std::sync::Arc::make_mut(&mut table.rows[0]).flags = 0x14;
    let found = problems(&table);
    let problem = found
        .iter()
        .find(|problem| problem.message.contains("0x00000014"))
        .expect("it is said");
    assert_eq!(problem.severity, Severity::Warning);
    assert_eq!(partition_csv::obstacles(&table).len(), 1);
    let bytes = partition_bin::write(&table).expect("it fits");
    assert_eq!(
        partition_bin::read(&bytes).table.rows[0].flags,
        0x14,
        "they are kept"
    );
}

// ---- What ESP-IDF forgets ----

#[test]
fn no_app() {
    broken(
        By::Us,
        "x,data,fat,,64K\n",
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
        "o,data,ota,,8K\na,app,ota_0,,1M\nb,app,ota_2,,1M\n",
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
        "n,data,nvs,0x9000,16K\na,app,ota_0,0x10000,1M\nb,app,ota_1,,1M\n",
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
        &with_app("o,data,ota,,8K"),
        Some(1),
        Some(Column::SubType),
        "but there are none",
    );
}

#[test]
fn only_one_ota_slot() {
    note(
        "o,data,ota,,8K\na,app,ota_0,,1M\n",
        Some(1),
        Some(Column::SubType),
        "a is the only OTA slot",
    );
}

#[test]
fn unequal_ota_slots_are_explained_not_forbidden() {
    let problem = note(
        "o,data,ota,,8K\na,app,ota_0,,2M\nb,app,ota_1,,256K\n",
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
        &with_app("b,app,factory,,1M"),
        1,
        Column::SubType,
        "main and b are both factory",
    );
}

#[test]
fn data_size_is_not_in_sectors() {
    let problem = warning(
        &with_app("x,data,fat,,0x1234"),
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
    warning(&with_app("x,data,fat,,0"), 1, Column::Size, "its size is 0");
}

#[test]
fn name_is_longer_than_16_bytes() {
    warning(
        &with_app("seventeen_letters,data,fat,,64K"),
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
    let csv = with_app("seventeen_letters,data,fat,,64K\nseventeen_lettera,data,spiffs,,64K");
    broken(
        By::Us,
        &csv,
        Severity::Error,
        Some(2),
        Some(Column::Name),
        "are the same in their first 16 bytes",
    );
}

#[test]
fn name_is_empty() {
    warning(&with_app(",data,fat,,64K"), 1, Column::Name, "has no name");
}

#[test]
fn name_cannot_stand_in_a_csv() {
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
        let mut table = read(APP);
        let row = std::sync::Arc::make_mut(&mut table.rows[0]);
        row.name = name.to_owned();
        row.spelling = None;
        assert!(
            problems(&table)
                .iter()
                .any(|problem| problem.message.contains(words)),
            "{name:?}"
        );
        assert_eq!(partition_csv::obstacles(&table).len(), 1, "{name:?}");
    }
    assert_eq!(name_for_csv("größe 1"), Ok(()));
}

#[test]
fn type_is_reserved() {
    warning(
        &with_app("x,0x10,0,,64K"),
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
        &with_app("k,data,nvs_keys,,4K"),
        1,
        Column::Flags,
        "not marked encrypted",
    );
    fine(&with_app("k,data,nvs_keys,,4K,encrypted"));
}

#[test]
fn micropython_finds_vfs_by_its_label() {
    warning(
        &with_app("vfs,0x40,0,,64K"),
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
        &with_app("bin,0x40,0,,64K"),
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
    let problem = note(APP, None, None, "behind main, from 0x110000");
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
        &with_app("x,data,fat,0x200000,64K"),
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
        let mut table = read("");
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
fn problems_come_most_serious_first_and_in_the_order_of_rows() {
    let table = read("a,data,fat,,0\nb,app,,,1M\nc,data,fat,0x123,64K\nVFS,data,fat,,64K\n");
    let severities: Vec<_> = problems(&table)
        .into_iter()
        .map(|problem| problem.severity)
        .collect();
    assert!(
        severities.is_sorted_by(|one, other| one >= other),
        "{severities:?}"
    );
    assert!(severities.len() >= 4);
}

#[test]
fn a_problem_of_a_cell_is_told_once_with_its_line() {
    let reading = partition_csv::read(
        b"# titles\n\nx,data,vfs,,64K\n",
        TableSettings::default(),
        &|_| None,
    );
    let all = partition_csv::all_problems(&reading, Some(FLASH_SIZE), None);
    let about: Vec<_> = all
        .iter()
        .filter(|problem| problem.message.contains("“vfs”"))
        .collect();
    assert_eq!(about.len(), 1);
    assert_eq!(
        about[0].place,
        Place::Line {
            line: 3,
            column: Some(Column::SubType)
        }
    );
}
