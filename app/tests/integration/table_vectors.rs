//! The cases that ESP-IDF tests its own tool with (`gen_esp32part_tests.py`, `check_sizes_test.py`), written anew: the
//! facts are theirs, the words are ours.

use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::partition_table::{APP, DATA, Offset, PartitionTable, Size, TableSettings};
use flashpack::model::problem::Severity;
use flashpack::model::region::Region;
use flashpack::model::table_check::{Form, check, esp_idf_errors};
use flashpack::model::table_fit::{app_problem, bootloader_problem};

fn read(csv: &str) -> PartitionTable {
    partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
}

#[track_caller]
fn refused(csv: &str, words: &str) {
    let found = esp_idf_errors(&read(csv), None, Form::Csv);
    assert!(
        found.iter().any(|problem| problem.message.contains(words)),
        "{found:?}"
    );
}

#[track_caller]
fn places(csv: &str, expected: &[(u32, u32)]) {
    let table = read(csv);
    let found: Vec<_> = table
        .layout()
        .iter()
        .map(|placed| (placed.region.offset, placed.region.size))
        .collect();
    assert_eq!(found, expected);
}

/// The first bytes of the binary table, without the FF at its end.
fn binary(csv: &str) -> Vec<u8> {
    let mut bytes = partition_bin::write(&read(csv)).expect("it fits");
    assert_eq!(bytes.len(), 0xC00);
    while bytes.ends_with(&[0xFF; 32]) {
        bytes.truncate(bytes.len() - 32);
    }
    bytes
}

#[test]
fn v01_numbers_for_type_and_subtype() {
    let table = read("\n# Name,Type,SubType,Offset,Size,Flags\nfactory,0,2,65536,1048576,\n");
    let row = &table.rows[0];
    assert_eq!(
        (row.kind, row.subtype, row.offset, row.size),
        (0, 2, Offset::At(65536), Size::Bytes(1_048_576))
    );
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
}

#[test]
fn v02_a_name_alone_is_refused() {
    refused("alone,\n", "type is missing");
}

#[test]
fn v03_numbers_and_keywords_are_the_same() {
    let numbers =
        "a,0,0,,1M\nb,0,0x10,,1M\nc,0,0x11,,1M\nd,0,0x1f,,1M\ne,0,0x20,,1M\nf,1,0,,0x2000\n";
    let words = "a,app,factory,,1M\nb,app,ota_0,,1M\nc,app,ota_1,,1M\nd,app,ota_15,,1M\ne,app,test,,1M\nf,data,ota,,0x2000\n";
    assert_eq!(binary(numbers), binary(words));
}

#[test]
fn v04_units() {
    places("x,app,factory,64k,1M\n", &[(0x1_0000, 0x10_0000)]);
}

#[test]
fn v05_offsets_left_empty() {
    let csv =
        "first,app,factory,,1M\nsecond,data,0x15,,1M\nmini,data,0x40,,32K\nother,app,factory,,1M\n";
    places(
        csv,
        &[
            (0x1_0000, 0x10_0000),
            (0x11_0000, 0x10_0000),
            (0x21_0000, 0x8000),
            (0x22_0000, 0x10_0000),
        ],
    );
}

#[test]
fn v06_size_up_to_an_offset() {
    places(
        "first,app,factory,0x10000,-2M\nsecond,data,0x15,,1M\n",
        &[(0x1_0000, 0x1F_0000), (0x20_0000, 0x10_0000)],
    );
}

#[test]
fn v07_overlap_is_refused() {
    refused(
        "first,app,factory,0x100000,2M\nsecond,app,ota_0,0x200000,1M\n",
        "overlaps first",
    );
}

#[test]
fn v08_one_name_twice_is_refused() {
    refused(
        "first,app,factory,0x100000,1M\nfirst,app,ota_0,0x200000,1M\n",
        "taken already",
    );
}

#[test]
fn v09_the_bytes_of_one_row() {
    let bytes = binary("first, 0x30, 0xEE, 0x100400, 0x300000\n");
    assert_eq!(bytes.len(), 64);
    assert_eq!(
        bytes[..12],
        [
            0xAA, 0x50, 0x30, 0xEE, 0x00, 0x04, 0x10, 0x00, 0x00, 0x00, 0x30, 0x00
        ]
    );
    assert_eq!(bytes[32..34], [0xEB, 0xEB]);
    assert_eq!(bytes[34..48], [0xFF; 14]);
    let md5 = [
        0x43, 0x03, 0x3F, 0x33, 0x40, 0x87, 0x57, 0x51, 0x69, 0x83, 0x9B, 0x40, 0x61, 0xB1, 0x27,
        0x26,
    ];
    assert_eq!(bytes[48..], md5);
}

#[test]
fn v10_the_bytes_of_two_rows() {
    let bytes = binary("first,0x30,0xEE,0x100400,0x300000\nsecond,0x31,0xEF,,0x100000\n");
    assert_eq!(bytes.len(), 96);
    assert_eq!(
        (&bytes[..2], &bytes[32..34]),
        (&[0xAA, 0x50][..], &[0xAA, 0x50][..])
    );
}

#[test]
fn v11_flags_survive_the_binary() {
    for (text, flags) in [("encrypted", 1), ("readonly", 2), ("encrypted:readonly", 3)] {
        let bytes = partition_bin::write(&read(&format!("first,app,factory,,1M,{text}\n")))
            .expect("it fits");
        assert_eq!(partition_bin::read(&bytes).table.rows[0].flags, flags);
    }
}

#[test]
fn v12_empty_subtype_of_data_is_undefined_and_ota_is_0() {
    let csv = "otadata,data,ota,,0x2000\nfactory,app,factory,,1M\nstorage,data,,,512k\nstorage2,data,undefined,,12k\n";
    let table = read(csv);
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    let subtypes: Vec<_> = table.rows.iter().map(|row| row.subtype).collect();
    assert_eq!(subtypes, [0, 0, 6, 6]);
}

fn row(kind: u8, subtype: u8, offset: u32, size: u32, name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xAA, 0x50, kind, subtype];
    bytes.extend_from_slice(&offset.to_le_bytes());
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(name);
    bytes.resize(32, 0);
    bytes
}

#[test]
fn v13_a_custom_row_is_read() {
    let mut bytes = row(0x30, 0xEE, 0x10_0000, 0x20_0000, b"0123456789abc");
    bytes.resize(64, 0xFF);
    let reading = partition_bin::read(&bytes);
    assert_eq!(reading.refusal, None);
    let placed = reading.table.find("0123456789abc").expect("it is there");
    assert_eq!((placed.row.kind, placed.row.subtype), (0x30, 0xEE));
    assert_eq!(placed.region, Region::new(0x10_0000, 0x20_0000));
}

/// Three rows, one of a reserved type, with their MD5.
fn three_rows() -> Vec<u8> {
    let mut bytes = row(0, 0, 0x1_0000, 0x10_0000, b"factory");
    bytes.extend(row(1, 0x20, 0x11_0000, 0x200, b"data"));
    bytes.extend(row(0x10, 0, 0x15_0000, 0x1000, b"second"));
    bytes.extend([0xEB, 0xEB]);
    bytes.extend([0xFF; 14]);
    bytes.extend([
        0xF9, 0xBD, 0x06, 0x1B, 0x45, 0x68, 0x6F, 0x86, 0x57, 0x1A, 0x2C, 0xD5, 0x2A, 0x1D, 0xA6,
        0x5B,
    ]);
    bytes.extend([0xFF; 32]);
    bytes
}

#[test]
fn v14_a_binary_comes_back_byte_for_byte() {
    let bytes = three_rows();
    let reading = partition_bin::read(&bytes);
    assert_eq!(
        (reading.problems.as_slice(), reading.table.rows.len()),
        (&[][..], 3)
    );
    let again = partition_bin::write(&reading.table).expect("it fits");
    assert_eq!(again[..bytes.len()], bytes);
}

#[test]
fn v15_v16_what_is_no_table_is_refused() {
    let reading = partition_bin::read(b"OHAI\0\0\x10\0\0\0\x20\x000123456789abc\0\0\0\0\0\0\0");
    assert!(
        reading
            .refusal
            .expect("it is refused")
            .message
            .contains("does not begin with AA 50")
    );
    let mut cut = three_rows();
    cut.truncate(100);
    let reading = partition_bin::read(&cut);
    assert!(reading.problems.iter().any(|problem| {
        problem
            .message
            .contains("4 bytes follow the last whole row of 32")
    }));
    let mut no_end = three_rows();
    no_end.truncate(128);
    let reading = partition_bin::read(&no_end);
    assert!(
        reading
            .problems
            .iter()
            .any(|problem| problem.message.contains("no row of FF"))
    );
}

#[test]
fn v17_v18_a_csv_is_made_of_a_table() {
    let table = partition_bin::read(&three_rows()).table;
    let csv = partition_csv::write(&table);
    let expected = "# ESP-IDF Partition Table\n# Name, Type, SubType, Offset, Size, Flags\n\
        factory,app,factory,0x10000,1M,\ndata,data,32,0x110000,0x200,\nsecond,16,0,0x150000,4K,\n";
    assert_eq!(String::from_utf8_lossy(&csv), expected);
}

#[test]
fn v19_binary_to_csv_to_binary_is_the_same_without_a_warning() {
    let bytes = three_rows();
    let csv = partition_csv::write(&partition_bin::read(&bytes).table);
    let reading = partition_csv::read(&csv, TableSettings::default(), &|_| None);
    assert_eq!(reading.problems, []);
    assert_eq!(
        partition_bin::write(&reading.table).expect("it fits")[..bytes.len()],
        bytes
    );
}

#[test]
fn v21_offsets_that_are_not_aligned() {
    refused(
        "app,app,factory,32K,1M\n",
        "an app must start at a multiple of 0x10000",
    );
    refused(
        "nvs,data,nvs,0x9420,0x6000\n",
        "a partition must start at a multiple of 0x1000",
    );
}

#[test]
fn v22_over_the_table() {
    refused("nvs,data,nvs,0x0,0x6000\n", "where the bootloader lies");
}

#[test]
fn v23_v24_otadata() {
    refused("a,data,ota,,0x2000\nb,data,ota,,0x2000\n", "second otadata");
    refused("a,data,ota,,0x3000\n", "exactly 0x2000");
}

#[test]
fn v25_an_app_needs_a_subtype() {
    refused("factory,app,,,1M\n", "needs a subtype");
}

#[test]
fn v26_names_that_are_keywords_are_warned_of() {
    let warned = |csv: &str| {
        check(&read(csv), None, None)
            .iter()
            .filter(|problem| problem.message.starts_with("The name "))
            .count()
    };
    assert_eq!(warned("app,data,fat,,64K\n"), 1);
    assert_eq!(warned("ota_0,app,ota_1,,1M\n"), 1);
    assert_eq!(warned("nvs,data,nvs,,24K\n"), 0);
}

#[test]
fn v27_beyond_the_flash() {
    let table = read("factory,app,factory,,20M\n");
    assert_eq!(esp_idf_errors(&table, None, Form::Csv), []);
    assert!(
        esp_idf_errors(&table, Some(16 << 20), Form::Csv)[0]
            .message
            .contains("beyond the 16 MiB of flash")
    );
}

#[test]
fn v28_partitions_are_found() {
    let csv = "nvs,data,nvs,0x9000,0x4000\notadata,data,ota,0xd000,0x2000\nphy_init,data,phy,0xf000,0x1000,encrypted\n\
        factory,app,factory,0x10000,1M\nota_0,app,ota_0,,1M\nota_1,app,ota_1,,1M\nnvs1,data,nvs,,0x10000\n";
    let table = read(csv);
    let names = |kind, subtype| -> Vec<String> {
        table
            .find_by_type(kind, subtype)
            .iter()
            .map(|placed| placed.row.name.clone())
            .collect()
    };
    assert_eq!(names(DATA, Some(2)), ["nvs", "nvs1"]);
    assert_eq!(names(APP, None), ["factory", "ota_0", "ota_1"]);
    assert_eq!(names(DATA, Some(0x81)), [""; 0]);
    assert_eq!(
        table.find("ota_1").map(|placed| placed.region),
        Some(Region::new(0x21_0000, 0x10_0000))
    );
    assert_eq!(
        table.find("phy_init").map(|placed| placed.row.flags),
        Some(1)
    );
    assert_eq!(table.find("no_such"), None);
}

#[test]
fn v29_what_boots_when_otadata_is_blank() {
    let boots = |csv: &str| {
        read(csv)
            .default_boot_app()
            .map(|placed| placed.row.name.clone())
    };
    assert_eq!(
        boots("f,app,factory,,1M\na,app,ota_0,,1M\n").as_deref(),
        Some("f")
    );
    assert_eq!(
        boots("b,app,ota_1,,1M\na,app,ota_0,,1M\n").as_deref(),
        Some("a")
    );
    assert_eq!(
        boots("b,app,ota_2,,1M\na,app,ota_1,,1M\n").as_deref(),
        Some("a")
    );
}

#[test]
fn utf8_with_and_without_mark_is_the_same_table() {
    let csv = "nvs,data,nvs,0x9000,24K,\nphy_инит_,data,phy,0xf000,0x1000,\nfactory,app,factory,0x10000,1M,\n";
    assert_eq!(binary(csv), binary(&format!("\u{feff}{csv}")));
    let read_back = partition_bin::read(&partition_bin::write(&read(csv)).expect("it fits")).table;
    assert_eq!(read_back.rows[1].name, "phy_инит_");
    // A mark that an older tool took for a part of the name is left in it.
    let mut bytes = row(1, 2, 0x9000, 0x6000, "\u{feff}nvs".as_bytes());
    bytes.resize(64, 0xFF);
    assert_eq!(
        partition_bin::read(&bytes).table.rows[0].name,
        "\u{feff}nvs"
    );
}

#[test]
fn s1_to_s4_apps_against_their_partitions() {
    let one = read("f,app,factory,,1M\n");
    assert_eq!(app_problem(&one, 0x10_0000), None);
    assert_eq!(
        app_problem(&one, 0x10_0001).map(|problem| problem.severity),
        Some(Severity::Error)
    );
    let three = read("f,app,factory,,1M\na,app,ota_0,,1M\nb,app,ota_1,,1M\n");
    assert_eq!(app_problem(&three, 0xF_0000), None);
    assert_eq!(
        app_problem(&three, 0x11_0000).map(|problem| problem.severity),
        Some(Severity::Error)
    );
    let unequal = read("f,app,factory,,1M\na,app,ota_0,,2M\nb,app,ota_1,,2M\n");
    let problem = app_problem(&unequal, 0x11_0000).expect("one is too small");
    assert_eq!(
        (problem.severity, problem.message.contains("does not fit f")),
        (Severity::Warning, true)
    );
    assert!(
        app_problem(&read("x,data,fat,,64K\n"), 1)
            .expect("no app")
            .message
            .contains("has no app partition")
    );
}

#[test]
fn s5_s6_bootloader_against_the_table() {
    let mut table = read("");
    assert_eq!(bootloader_problem(&table, 0x1000, 0x7000), None);
    assert!(bootloader_problem(&table, 0x1000, 0x7001).is_some());
    table.settings.table_offset = 0xB000;
    assert_eq!(bootloader_problem(&table, 0x1000, 0x7001), None);
    assert!(
        bootloader_problem(&table, 0x1000, 0xA001)
            .expect("too long")
            .message
            .contains("begins at 0xB000")
    );
    assert!(bootloader_problem(&table, u32::MAX, u32::MAX).is_some());
}

#[test]
fn new_types_of_esp_idf_5_4() {
    let csv = "tee_0,app,tee_0,,256K\ntee_1,app,tee_1,,256K\ntee_otadata,data,tee_ota,,8K\nsecure_storage,data,nvs,,56K\n\
        ota_0,app,ota_0,,1536K\nota_1,app,ota_1,,1536K\notadata,data,ota,,8K\nnvs,data,nvs,,24K\nphy_init,data,phy,,4K\n";
    let table = read(csv);
    assert_eq!(esp_idf_errors(&table, Some(4 << 20), Form::Csv), []);
    let offsets: Vec<_> = table
        .layout()
        .iter()
        .map(|placed| placed.region.offset)
        .collect();
    assert_eq!(
        offsets,
        [
            0x1_0000, 0x5_0000, 0x9_0000, 0x9_2000, 0xA_0000, 0x22_0000, 0x3A_0000, 0x3A_2000,
            0x3A_8000
        ]
    );
}
