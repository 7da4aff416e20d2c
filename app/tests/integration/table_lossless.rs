//! What was not edited is written back byte for byte: for every real table, every row and every kind of edit.

use flashpack::formats::{partition_bin, partition_csv, table_template};
use flashpack::model::partition_table::{PartitionTable, TableSettings};
use flashpack::model::problem::Column;
use flashpack::model::table_edit;

pub const REAL_TABLES: [(&str, &[u8]); 9] = [
    (
        "par_1M_1M.csv",
        include_bytes!("../data/tables/esp32flash_mpy/par_1M_1M.csv"),
    ),
    (
        "partitions-2MiB.csv",
        include_bytes!("../data/tables/micropython/partitions-2MiB.csv"),
    ),
    (
        "partitions-4MiB-ota.csv",
        include_bytes!("../data/tables/micropython/partitions-4MiB-ota.csv"),
    ),
    (
        "partitions-4MiB-romfs.csv",
        include_bytes!("../data/tables/micropython/partitions-4MiB-romfs.csv"),
    ),
    (
        "partitions-4MiBplus.csv",
        include_bytes!("../data/tables/micropython/partitions-4MiBplus.csv"),
    ),
    (
        "partitions-8MiB-ota.csv",
        include_bytes!("../data/tables/micropython/partitions-8MiB-ota.csv"),
    ),
    (
        "partitions-8MiBplus-ota.csv",
        include_bytes!("../data/tables/micropython/partitions-8MiBplus-ota.csv"),
    ),
    (
        "partitions-app3M_fat9M_fact512k_16MiB.csv",
        include_bytes!("../data/tables/micropython/partitions-app3M_fat9M_fact512k_16MiB.csv"),
    ),
    (
        "ota-asym.csv",
        include_bytes!("../data/tables/ota-asym.csv"),
    ),
];

const SEED_TABLE: &[u8] = include_bytes!("../data/tables/esp32flash_mpy/par_1M_1M.bin");

/// Everything that spelling can do to a table, in one file without a line end at its end.
const ODDLY_SPELT: &str = "\u{feff}\r\n# Notes, with, many, commas, here, \r\n\t# Name  , Type, SubType, Offset, Size, Flags\r\n\r\n\
nvs     , DATA , Nvs , 0X9000 , 24k ,\r\n\
\t phy,data,1,,0x1000,encrypted:readonly,,# extra cells, kept\r\n\
# the app\n\
factory,app,factory,0x010000,$APP,  \r\n\
   \r\n\
# storage\n\
st_0,0x40,,,-4M\u{2028}bin,data,,0x4_00000,1_048_576,\r# the end";

fn variables(name: &str) -> Option<String> {
    (name == "APP").then(|| "1M".to_owned())
}

fn read(bytes: &[u8]) -> PartitionTable {
    partition_csv::read(bytes, TableSettings::default(), &variables).table
}

fn all_tables() -> Vec<(String, Vec<u8>)> {
    let mut tables: Vec<_> = REAL_TABLES
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()))
        .collect();
    for template in &table_template::TEMPLATES {
        let csv = template
            .csv(16 << 20)
            .expect("every template is made for 16 MiB");
        tables.push((template.name.to_owned(), csv.into_bytes()));
    }
    tables.push(("oddly spelt".to_owned(), ODDLY_SPELT.as_bytes().to_vec()));
    let utf16 = ODDLY_SPELT
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    tables.push(("oddly spelt in UTF-16".to_owned(), utf16));
    tables.push((
        "not UTF-8".to_owned(),
        b"# gr\xF6\xDFe\nnvs,data,nvs,,24K\nf\xFCr,data,fat,,64K".to_vec(),
    ));
    tables.push((
        "only comments".to_owned(),
        b"# nothing\r\n\r\n# here".to_vec(),
    ));
    tables.push(("empty".to_owned(), Vec::new()));
    tables.push((
        "unreadable cells".to_owned(),
        b"# a, b, c, d, e, f\nonly a name\nnvs,data,nvs,,24K, Encrypted\n\nvfs, dat, fat, 0x100000, 1.5M\nbin,data,,,$NOPE\n".to_vec(),
    ));
    tables
}

#[test]
fn an_unedited_table_is_written_byte_for_byte() {
    for (name, bytes) in all_tables() {
        assert_eq!(partition_csv::write(&read(&bytes)), bytes, "{name}");
    }
}

#[test]
fn an_esp_idf_csv_converts_to_itself() {
    for (name, bytes) in all_tables() {
        let reading = partition_csv::read(&bytes, TableSettings::default(), &variables);
        if reading.dialect == partition_csv::Dialect::EspIdf {
            assert_eq!(
                partition_csv::write(&partition_csv::to_esp_idf(&reading.table)),
                bytes,
                "{name}"
            );
        }
    }
}

/// Edits that touch one row; each gives the text of a cell.
const EDITS: [(Column, &str); 10] = [
    (Column::Name, "renamed"),
    (Column::Name, "x"),
    (Column::Type, "0x41"),
    (Column::SubType, "0x7f"),
    (Column::Offset, "0x123000"),
    (Column::Offset, ""),
    (Column::Size, "1.5M"),
    (Column::Size, "0x1000"),
    (Column::Flags, "encrypted:readonly"),
    (Column::Flags, ""),
];

#[test]
fn editing_a_row_leaves_every_other_byte() {
    for (name, bytes) in all_tables() {
        let table = read(&bytes);
        // Lines by where Python ends them would do as well; what counts is that the bytes around the line stay.
        for (index, row) in table.rows.iter().enumerate() {
            let line = &row.line().expect("the row came from a file").text;
            for (column, text) in EDITS {
                let Ok(edit) = table_edit::set_cell(&table, index, column, text) else {
                    continue;
                };
                let edited = text_of(&partition_csv::write(&edit.table));
                let original = text_of(&bytes);
                let start = place_of_line(&table, index);
                let before = original.get(..start).expect("the line is in the file");
                let after = original
                    .get(start + line.len()..)
                    .expect("the line is in the file");
                assert!(
                    edited.starts_with(before),
                    "{name}, row {index}, {column:?}: {edited:?}"
                );
                assert!(
                    edited.ends_with(after),
                    "{name}, row {index}, {column:?}: {edited:?}"
                );
                if !after.is_empty() {
                    assert!(
                        edited.len() >= before.len() + after.len(),
                        "{name}, row {index}, {column:?}"
                    );
                }
                // And the file says what the table says.
                let again = read(&partition_csv::write(&edit.table));
                assert_eq!(
                    again.layout().len(),
                    edit.table.layout().len(),
                    "{name}: {edited:?}"
                );
                for (one, other) in again.layout().iter().zip(edit.table.layout()) {
                    assert_eq!(
                        one.region, other.region,
                        "{name}, row {index}, {column:?}: {edited:?}"
                    );
                    assert_eq!(one.row.name, other.row.name);
                    assert_eq!(
                        (one.row.kind, one.row.subtype, one.row.flags),
                        (other.row.kind, other.row.subtype, other.row.flags),
                        "{name}: {edited:?}"
                    );
                }
            }
        }
    }
}

/// The characters of a file, whatever its encoding.
fn text_of(bytes: &[u8]) -> String {
    flashpack::formats::partition_csv_text::decode(bytes)
        .expect("a text")
        .0
        .into_owned()
}

fn place_of_line(table: &PartitionTable, index: usize) -> usize {
    let head = table.text.as_ref().map_or(0, |text| text.head.len());
    let len = |row: &flashpack::model::partition_table::Row| {
        let line = row.line().expect("the row came from a file");
        row.text_before().len() + line.text.len() + line.end.len()
    };
    let above: usize = table.rows.iter().take(index).map(|row| len(row)).sum();
    head + above + table.rows[index].text_before().len()
}

#[test]
fn deleting_a_row_takes_its_line_and_no_comment() {
    for (name, bytes) in all_tables() {
        let table = read(&bytes);
        for index in 0..table.rows.len() {
            let edit = table_edit::delete(&table, index).expect("the row is there");
            let line = table.rows[index].line().expect("the row came from a file");
            let original = text_of(&bytes);
            let start = place_of_line(&table, index);
            let end = start + line.text.len() + line.end.len();
            let expected = format!("{}{}", &original[..start], &original[end..]);
            assert_eq!(
                text_of(&partition_csv::write(&edit.table)),
                expected,
                "{name}, row {index}"
            );
        }
    }
}

#[test]
fn moving_a_row_there_and_back_restores_every_byte() {
    for (name, bytes) in all_tables()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("oddly"))
    {
        let table = read(&bytes);
        for (from, to) in
            (0..table.rows.len()).flat_map(|from| (0..table.rows.len()).map(move |to| (from, to)))
        {
            let Ok(edit) = table_edit::move_row(&table, from, to) else {
                continue;
            };
            let back = table_edit::move_row(&edit.table, to, from)
                .expect("it was there")
                .table;
            let mut lines: Vec<String> = text_of(&partition_csv::write(&edit.table))
                .lines()
                .map(str::to_owned)
                .collect();
            let mut expected: Vec<String> = text_of(&bytes).lines().map(str::to_owned).collect();
            lines.sort();
            expected.sort();
            assert_eq!(
                lines, expected,
                "{name}: moving row {from} to {to} loses or adds a line"
            );
            // What stands above a blank line stays where it is, so it has no way back.
            let has_blank = table
                .rows
                .iter()
                .any(|row| row.text_before().lines().any(|line| line.trim().is_empty()));
            if bytes.ends_with(b"\n") && !has_blank {
                assert_eq!(
                    partition_csv::write(&back),
                    bytes,
                    "{name}: row {from} to {to} and back"
                );
            }
        }
    }
}

#[test]
fn the_seed_table_becomes_esp_idfs_with_its_columns_in_order() {
    let table = read(REAL_TABLES[0].1);
    let converted = partition_csv::write(&partition_csv::to_esp_idf(&table));
    let expected = "# Name, Type, SubType, Offset, Size, Flags\n\
        nvs, data, nvs, 0x9000, 0x6000,\n\
        phy_init, data, phy, 0xf000, 0x1000,\n\
        factory, app, factory, 0x10000, 0x1f0000,\n\
        vfs, data, fat, 0x200000, 0x100000,\n\
        bin, data, undefined, 0x300000, 0x100000,\n";
    assert_eq!(String::from_utf8_lossy(&converted), expected);
    let again = partition_csv::read(&converted, TableSettings::default(), &variables);
    assert_eq!(again.dialect, partition_csv::Dialect::EspIdf);
    assert_eq!(
        partition_bin::write(&again.table),
        partition_bin::write(&table)
    );
}

#[test]
fn comments_of_a_seed_table_are_kept() {
    let text = "# type, subtype, offset, size, label, flags\n# my board\ndata,nvs,0x9000,4096*6,nvs,\n\n  # app here\napp, factory, 0x10000, 1M, main, encrypted\n# end\n";
    let table = read(text.as_bytes());
    assert_eq!(table.layout()[0].region.size, 0x6000);
    let converted = partition_csv::write(&partition_csv::to_esp_idf(&table));
    let expected = "# Name, Type, SubType, Offset, Size, Flags\n# my board\nnvs,data,nvs,0x9000,0x6000,\n\n  # app here\nmain, app, factory, 0x10000, 1M, encrypted\n# end\n";
    assert_eq!(String::from_utf8_lossy(&converted), expected);
    assert_eq!(partition_csv::write(&table), text.as_bytes());
}

#[test]
fn the_seed_binary_and_csv_are_the_same_table() {
    let csv = read(REAL_TABLES[0].1);
    let reading = partition_bin::read(SEED_TABLE);
    assert_eq!(reading.md5, partition_bin::Md5Row::Right);
    assert_eq!(reading.problems, []);
    let ours = partition_bin::write(&csv).expect("it fits");
    assert_eq!(partition_bin::write(&reading.table).expect("it fits"), ours);
    // Only the filler of the MD5 row differs: 14 times FF, as ESP-IDF writes it, instead of 00.
    let differs: Vec<usize> = (0..0xC00)
        .filter(|at| ours[*at] != SEED_TABLE[*at])
        .collect();
    assert_eq!(differs, (0xA2..0xB0).collect::<Vec<_>>());
    assert!(
        differs
            .iter()
            .all(|at| ours[*at] == 0xFF && SEED_TABLE[*at] == 0)
    );
}

/// The text after one edit.
#[track_caller]
fn edited(text: &str, row: usize, column: Column, typed: &str, expected_line: &str) {
    let table = read(text.as_bytes());
    let edit = table_edit::set_cell(&table, row, column, typed).expect("the edit is possible");
    let written = partition_csv::write(&edit.table);
    let written = String::from_utf8_lossy(&written);
    assert!(
        written.lines().any(|line| line == expected_line),
        "{written}"
    );
}

#[test]
fn an_edited_row_keeps_its_style() {
    let micropython = String::from_utf8_lossy(REAL_TABLES[7].1).into_owned();
    edited(
        &micropython,
        0,
        Column::Name,
        "settings",
        "settings, data, nvs,        0x9000,   0x5000,",
    );
    edited(
        &micropython,
        2,
        Column::Size,
        "0x100000",
        "app0,     app,  ota_0,     0x10000, 0x100000,",
    );
    edited(
        &micropython,
        4,
        Column::Offset,
        "0x10000",
        "ffat,     data, fat,       0x10000, 0x960000,",
    );
    let template = table_template::find("single-app")
        .expect("it is there")
        .csv(4 << 20)
        .expect("it is made for that");
    edited(
        &template,
        2,
        Column::Size,
        "1.5M",
        "factory,  app,  factory, ,        1536K,",
    );
    edited(
        &template,
        2,
        Column::Size,
        "64K",
        "factory,  app,  factory, ,        64K,",
    );
    edited(
        &template,
        0,
        Column::Offset,
        "0x9000",
        "nvs,      data, nvs,     0x9000,  0x6000,",
    );
    edited(
        &template,
        0,
        Column::Flags,
        "readonly",
        "nvs,      data, nvs,     ,        0x6000, readonly",
    );
    edited(
        "a,app,factory,,1M # no\nb,data,nvs,,24K\n",
        0,
        Column::Size,
        "2M",
        "a,app,factory,,2M",
    );
    edited(
        "bin, data, undefined, , $APP\n",
        0,
        Column::Name,
        "x",
        "x, data, undefined, , $APP",
    );
}

#[test]
fn a_new_row_follows_its_neighbours() {
    use flashpack::model::table_arrange::{Limits, NewPartition, Where, add};
    let limits = Limits {
        flash_size: Some(16 << 20),
        ..Limits::default()
    };
    let line_of_new = |bytes: &[u8], size: Option<u32>| {
        let table = read(bytes);
        let new = NewPartition {
            size,
            ..NewPartition::data(&table)
        };
        let edit = add(&table, Where::AtEnd, &new, &limits).expect("there is room");
        let written = text_of(&partition_csv::write(&edit.table));
        assert!(written.starts_with(&text_of(bytes)), "{written}");
        written.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(
        line_of_new(REAL_TABLES[0].1, None),
        "data, undefined, 0x400000, 0x10000, data, "
    );
    assert_eq!(
        line_of_new(REAL_TABLES[4].1, Some(0x2000)),
        "data,     data, undefined, 0x200000, 0x2000,"
    );
    assert_eq!(
        line_of_new(b"nvs,data,nvs,,24K\r\n", None),
        "data,data,undefined,,64K"
    );
    assert_eq!(
        line_of_new(b"nvs,data,nvs,,24K", None),
        "data,data,undefined,,64K"
    );
    let template = table_template::find("single-app")
        .expect("it is there")
        .csv(4 << 20)
        .expect("it is made for that");
    assert_eq!(
        line_of_new(template.as_bytes(), None),
        "data,     data, undefined, ,      64K,"
    );
}

#[test]
fn a_table_from_a_binary_is_written_as_gen_esp32part_does() {
    let table = partition_bin::read(SEED_TABLE).table;
    let expected = "# ESP-IDF Partition Table\n# Name, Type, SubType, Offset, Size, Flags\n\
        nvs,data,nvs,0x9000,24K,\nphy_init,data,phy,0xf000,4K,\nfactory,app,factory,0x10000,1984K,\n\
        vfs,data,fat,0x200000,1M,\nbin,data,undefined,0x300000,1M,\n";
    assert_eq!(
        String::from_utf8_lossy(&partition_csv::write(&table)),
        expected
    );
}
