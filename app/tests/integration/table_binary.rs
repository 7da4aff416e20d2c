//! The binary reader on what boards and images really hold: other fillers, missing and wrong MD5, odd flags, tables in
//! the middle of an image.

use flashpack::formats::partition_bin::{
    Md5Row, WriteError, find_in_image, found_at, looks_like_table, read, write,
};
use flashpack::formats::partition_csv;
use flashpack::model::partition_table::{Offset, PartitionTable, Row, Size, TableSettings};
use flashpack::model::problem::{Problem, Severity, any_error};

const SEED_TABLE: &[u8] = include_bytes!("../data/tables/esp32flash_mpy/par_1M_1M.bin");

fn table() -> PartitionTable {
    let csv = "nvs,data,nvs,,24K\nfactory,app,factory,,1M\nbin,data,,,1M,readonly\n";
    partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
}

fn bytes() -> Vec<u8> {
    write(&table()).expect("it fits")
}

fn names(table: &PartitionTable) -> Vec<&str> {
    table.rows.iter().map(|row| row.name.as_str()).collect()
}

fn says<'a>(problems: &'a [Problem], words: &str) -> Option<&'a Problem> {
    problems
        .iter()
        .find(|problem| problem.message.contains(words))
}

#[test]
fn md5_row_with_any_filler_is_right() {
    for filler in [0, 0xFF, 0x5A] {
        let mut bytes = bytes();
        bytes[98..112].fill(filler);
        let reading = read(&bytes);
        assert_eq!(
            (reading.md5, reading.problems.as_slice()),
            (Md5Row::Right, &[][..])
        );
    }
    assert_eq!(read(SEED_TABLE).md5, Md5Row::Right);
}

#[test]
fn missing_md5_is_said_and_the_table_shown() {
    let mut bytes = bytes();
    bytes[96..128].fill(0xFF);
    let reading = read(&bytes);
    assert_eq!(
        (reading.md5, names(&reading.table).len()),
        (Md5Row::Missing, 3)
    );
    assert_eq!(
        says(&reading.problems, "no MD5 row").map(|problem| problem.severity),
        Some(Severity::Warning)
    );
}

#[test]
fn wrong_md5_is_said_and_the_table_shown() {
    let mut bytes = bytes();
    bytes[0x48] ^= 1;
    let reading = read(&bytes);
    assert_eq!(
        (reading.md5, names(&reading.table).len()),
        (Md5Row::Wrong, 3)
    );
    assert_eq!(
        says(&reading.problems, "does not match").map(|problem| problem.severity),
        Some(Severity::Error)
    );
}

#[test]
fn unknown_flags_types_and_names_are_kept() {
    let mut original = table();
    let row = Row {
        name: "sixteen_letters!".to_owned(),
        kind: 0x77,
        subtype: 0xEE,
        offset: Offset::At(0x30_0000),
        size: Size::Bytes(0x1000),
        flags: 0xF000_0005,
        spelling: None,
    };
    original.rows.push(std::sync::Arc::new(row.clone()));
    let mut bytes = write(&original).expect("it fits");
    let reading = read(&bytes);
    let back = Row {
        spelling: None,
        ..Row::clone(&reading.table.rows[3])
    };
    assert_eq!(back, row);
    assert_eq!(write(&reading.table), Ok(bytes.clone()));
    // A name that was cut in the middle of a character is no UTF-8; it is shown, and goes back as it was.
    bytes[12..28].copy_from_slice(b"aaaaaaaaaaaaaaa\xC3");
    let reading = read(&bytes);
    assert_eq!(names(&reading.table)[0], "aaaaaaaaaaaaaaa\u{FFFD}");
    assert!(says(&reading.problems, "not UTF-8").is_some());
    assert_eq!(write(&reading.table).expect("it fits")[..32], bytes[..32]);
}

#[test]
fn damage_is_said_with_its_row_and_what_was_read_is_shown() {
    let mut bytes = bytes();
    bytes[32] = 0x55;
    let reading = read(&bytes);
    assert_eq!(names(&reading.table), ["nvs"]);
    let problem = says(&reading.problems, "Row 2 begins with 55 50").expect("it is said");
    assert_eq!(problem.severity, Severity::Error);

    for (input, words) in [
        (&b""[..], "does not begin with AA 50"),
        (b"\xAA", "does not begin"),
        (&[0xFF; 64], "does not begin"),
    ] {
        let refusal = read(input).refusal.expect("it is refused");
        assert!(refusal.message.contains(words), "{refusal:?}");
        assert!(!looks_like_table(input));
    }
}

#[test]
fn an_empty_table_is_a_table() {
    let bytes = write(&PartitionTable::default()).expect("it fits");
    assert_eq!(bytes.len(), 0xC00);
    let reading = read(&bytes);
    assert_eq!(
        (reading.md5, reading.refusal, reading.table.rows.len()),
        (Md5Row::Right, None, 0)
    );
}

#[test]
fn rows_behind_the_md5_row_and_a_second_md5_row_are_said() {
    let mut bytes = bytes();
    let md5_row = bytes[96..128].to_vec();
    bytes[128..160].copy_from_slice(&md5_row);
    assert!(says(&read(&bytes).problems, "two MD5 rows").is_some());
    let row: Vec<u8> = bytes[..32].to_vec();
    bytes[128..160].copy_from_slice(&row);
    let reading = read(&bytes);
    assert!(says(&reading.problems, "behind the MD5 row").is_some());
    assert_eq!(reading.table.rows.len(), 4);
}

#[test]
fn a_table_is_found_in_an_image() {
    // The usual places stand for 0x8000 of the flash, because images start at the bootloader's offset.
    for (place, table_offset) in [
        (0x8000, 0x8000),
        (0x7000, 0x8000),
        (0x6000, 0x8000),
        (0x1_0000, 0x1_0000),
        (0, 0),
        (0xF000, 0xF000),
    ] {
        let mut image = vec![0xE9; place];
        image.extend(bytes());
        image.extend(vec![0x33; 0x5000]);
        let (found, reading) = find_in_image(&image).expect("it is there");
        assert_eq!(
            (found as usize, reading.table.settings.table_offset),
            (place, table_offset)
        );
        assert_eq!(names(&reading.table), ["nvs", "factory", "bin"]);
        assert!(found_at(found, &reading).ends_with("with the right MD5"));
    }
}

#[test]
fn a_table_with_the_right_md5_wins() {
    let mut old = bytes();
    old[0x48] ^= 1;
    let mut image = vec![0xFF; 0x7000];
    image.extend(&old);
    image.resize(0x9000, 0xFF);
    assert_eq!(
        find_in_image(&image).map(|(place, reading)| (place, reading.md5)),
        Some((0x7000, Md5Row::Wrong))
    );
    image.extend(SEED_TABLE);
    assert_eq!(
        find_in_image(&image).map(|(place, reading)| (place, reading.md5)),
        Some((0x9000, Md5Row::Right))
    );
}

#[test]
fn no_table_is_found_where_there_is_none() {
    assert_eq!(find_in_image(&[]), None);
    assert_eq!(find_in_image(&vec![0xFF; 0x10000]), None);
    let mut decoy = vec![0; 0x9000];
    decoy[0x8000..0x8002].copy_from_slice(&[0xAA, 0x50]);
    decoy[0x8020] = 0x12;
    assert_eq!(find_in_image(&decoy), None);
}

#[test]
fn what_does_not_fit_its_field_is_refused_with_its_name() {
    let mut wrong = table();
    std::sync::Arc::make_mut(&mut wrong.rows[2]).size = Size::UpTo(0x1000);
    let refused = write(&wrong);
    assert_eq!(
        refused,
        Err(WriteError::DoesNotFit {
            name: "bin".to_owned()
        })
    );
    assert!(
        refused
            .expect_err("it is refused")
            .to_string()
            .contains("the place of bin does not fit")
    );
    let many = PartitionTable {
        rows: vec![table().rows[0].clone(); 95],
        ..PartitionTable::default()
    };
    assert!(
        write(&many)
            .expect_err("it is refused")
            .to_string()
            .contains("95 partitions, but only 94 fit")
    );
}

#[test]
fn a_right_table_has_no_problem() {
    let reading = read(&bytes());
    assert!(!any_error(&reading.problems));
    assert_eq!(reading.table.layout().len(), 3);
}
