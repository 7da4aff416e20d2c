//! The rules of ESP-IDF's `gen_esp32part.py`: what it refuses, we refuse, with all reasons at once.

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::partition_table::TableSettings;
use flashpack::model::problem::{Column, Fix, Severity};
use flashpack::model::table_arrange::Limits;
use flashpack::model::table_check::{Form, esp_idf_errors, secure_boot_v1_errors};
use flashpack::model::table_edit::apply_fix;

use super::{APP, error, fine, found, problems, read, warning, with_app};

#[test]
fn type_is_missing() {
    error(
        fixture!("type_is_missing"),
        0,
        Column::Type,
        "type is missing",
    );
}

#[test]
fn type_is_unknown() {
    error(
        fixture!("type_is_unknown"),
        1,
        Column::Type,
        "“apps” is not a partition type",
    );
    fine(&with_app("x,0x40,0,,64K"));
    fine(&with_app("x,DATA,FAT,,64K"));
}

#[test]
fn app_without_subtype() {
    error(
        fixture!("app_without_subtype"),
        0,
        Column::SubType,
        "needs a subtype",
    );
    fine(&with_app("x,data,,,64K"));
}

#[test]
fn subtype_is_unknown() {
    error(
        fixture!("subtype_is_unknown"),
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
        fixture!("offset_is_no_number"),
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
        fixture!("size_is_no_number"),
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
    error(
        fixture!("size_is_missing"),
        1,
        Column::Size,
        "x has no size",
    );
    error(&with_app("x,data,fat"), 1, Column::Size, "x has no size");
}

#[test]
fn flag_is_unknown() {
    error(
        fixture!("flag_is_unknown"),
        1,
        Column::Flags,
        "“Encrypted” is not a flag",
    );
    fine(&with_app("x,data,fat,,64K,encrypted:readonly"));
}

#[test]
fn variable_at_the_beginning_of_a_line_is_not_set() {
    error(
        fixture!("variable_at_the_beginning_of_a_line_is_not_set"),
        1,
        Column::Name,
        "The variable NAME is not set",
    );
}

#[test]
fn bootloader_row_without_its_setting() {
    let csv = fixture!("bootloader_row_without_its_setting");
    error(
        csv,
        1,
        Column::Offset,
        "depends on the primary bootloader's offset",
    );
    let mut table = read(csv);
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
    let mut table = read(fixture!("recovery_bootloader_row_without_its_setting"));
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
        fixture!("size_up_to_an_offset_in_front_of_the_partition"),
        1,
        Column::Size,
        "reaches up to 0x100000, but starts behind that",
    );
    fine(&with_app("x,data,fat,0x200000,-4M"));
}

#[test]
fn place_beyond_4_gib() {
    let csv = fixture!("place_beyond_4_gib");
    error(csv, 2, Column::Offset, "y would start beyond 4 GiB");
}

#[test]
fn app_offset_is_not_aligned() {
    let problem = error(
        fixture!("app_offset_is_not_aligned"),
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
        fixture!("data_offset_is_not_aligned"),
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
        fixture!("app_size_is_not_aligned"),
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
    let table = read(fixture!("app_size_for_secure_boot_v1"));
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    let found = secure_boot_v1_errors(&table);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("ota_0"), "{found:?}");
}

#[test]
fn readonly_where_the_chip_writes() {
    error(
        fixture!("readonly_where_the_chip_writes"),
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
        fixture!("nvs_is_too_small_to_be_written"),
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
        fixture!("names_are_not_unique"),
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
        fixture!("rows_are_not_in_the_order_of_offsets"),
        1,
        Column::Offset,
        "before the row above it",
    );
    assert_eq!(problem.fix, Some(Fix::SortRows));
}

#[test]
fn partitions_overlap() {
    let problem = error(
        fixture!("partitions_overlap"),
        1,
        Column::Offset,
        "b at 0x100000 overlaps a",
    );
    assert_eq!(problem.fix, Some(Fix::AutoArrange));
}

#[test]
fn partition_over_the_table_or_the_bootloader() {
    error(
        fixture!("partition_over_the_table_or_the_bootloader"),
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
        fixture!("otadata_has_the_wrong_size"),
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
        fixture!("second_otadata"),
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
fn beyond_the_flash() {
    error(
        fixture!("beyond_the_flash"),
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
        fixture!("name_is_a_type_or_a_subtype"),
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
    let reading = partition_bin::read(binary!("unknown_flag_bits"));
    let problem = found(&problems(&reading.table), "0x00000014");
    assert_eq!(problem.severity, Severity::Warning);
    assert_eq!(partition_csv::obstacles(&reading.table).len(), 1);
    let bytes = partition_bin::write(&reading.table).expect("it fits");
    assert_eq!(bytes, binary!("unknown_flag_bits"), "they are kept");
}

#[test]
fn md5_is_wrong() {
    let reading = partition_bin::read(binary!("md5_is_wrong"));
    let problem = found(&reading.problems, "MD5");
    assert_eq!(problem.severity, Severity::Error);
    assert_eq!(reading.table.rows.len(), 1, "it is shown all the same");
}

#[test]
fn file_is_not_utf8() {
    let bytes = include_bytes!("../../data/tables/rules/file_is_not_utf8.csv");
    let table = partition_csv::read(bytes, TableSettings::default(), &|_| None).table;
    assert_eq!(problems(&table)[0].fix, Some(Fix::SaveAsUtf8));
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
fn too_many_rows() {
    let csv = fixture!("too_many_rows");
    let table = read(csv);
    let errors = esp_idf_errors(&table, None, Form::Csv);
    found(&errors, "95 partitions, but only 94 fit");
    assert!(partition_bin::write(&table).is_err());
    let fewer = csv.lines().take(94).collect::<Vec<_>>().join("\n");
    let table = read(&fewer);
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    assert_eq!(
        partition_bin::write(&table).map(|bytes| bytes.len()),
        Ok(0xC00)
    );
}
