//! One damaged input, and all that must hold for it. Shared by the tests and `examples/fuzz_tables.rs`, which make their
//! inputs from seeds, and by the targets of cargo-fuzz in `app/fuzz`, which are given them.

use std::fmt::Display;

use flashpack::formats::second_opinion::{self, Opinion};
use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::chip::Chip;
use flashpack::model::partition_table::{PartitionTable, TableSettings};
use flashpack::model::problem::any_error;
use flashpack::model::table_check::{Form, check, esp_idf_errors};
use flashpack::model::table_gaps::gaps;

use super::table_random::{Random, binary, csv, damaged, encoded, variable};

const FLASH_SIZE: u32 = 4 << 20;

/// Reads one damaged CSV.
pub fn check_csv_once(seed: u64) {
    let mut random = Random::new(seed);
    let text = csv(&mut random, 5);
    let text = (0..random.below(4)).fold(text, |text, _| damaged(&mut random, &text));
    let mut bytes = encoded(&mut random, &text);
    if random.once_in(3) {
        damage_bytes(&mut random, &mut bytes);
    }
    check_csv(&bytes, &seed);
}

/// Reads any bytes as a CSV; `from` says where they come from.
pub fn check_csv(bytes: &[u8], from: &dyn Display) {
    let reading = partition_csv::read(bytes, TableSettings::default(), &variable);
    if reading.table.text.is_some() {
        assert_eq!(
            partition_csv::write(&reading.table),
            bytes,
            "seed {from}: an unedited table changes"
        );
    } else {
        assert!(reading.refusal.is_some(), "seed {from}");
    }
    let _ = partition_csv::all_problems(&reading, Some(FLASH_SIZE), Some(Chip::Esp32));
    look_at(&reading.table, Form::Csv, from);
    let converted = partition_csv::to_esp_idf(&reading.table);
    let _ = partition_csv::write(&converted);
}

/// Reads one damaged binary table, alone and in an image.
pub fn check_binary_once(seed: u64) {
    let mut random = Random::new(seed);
    let mut bytes = binary(&mut random);
    if random.once_in(2) {
        damage_bytes(&mut random, &mut bytes);
    }
    check_binary(&bytes, &seed);
    if random.once_in(50) {
        let mut image = vec![0xFF; random.pick(&[0x1000, 0x6000, 0x7000, 0x8000, 0xA000])];
        image.extend_from_slice(&bytes);
        check_image(&image);
    }
}

/// Reads any bytes as a binary table; `from` says where they come from.
pub fn check_binary(bytes: &[u8], from: &dyn Display) {
    let reading = partition_bin::read(bytes);
    look_at(&reading.table, Form::Binary, from);
    if !any_error(&reading.problems) {
        let written = partition_bin::write(&reading.table).expect("what was read can be written");
        let rows = 32 * reading.table.rows.len();
        assert_eq!(written[..rows], bytes[..rows], "seed {from}: a row changes");
    }
}

/// Looks for a table in any bytes.
pub fn check_image(image: &[u8]) {
    let _ = partition_bin::find_in_image(image);
    let _ = partition_csv::read(image, TableSettings::default(), &variable);
}

fn look_at(table: &PartitionTable, form: Form, from: &dyn Display) {
    let problems = check(table, Some(FLASH_SIZE), Some(Chip::Esp32c3));
    let _ = (
        table.layout(),
        gaps(table, Some(FLASH_SIZE), None),
        partition_csv::obstacles(table),
    );
    let refused = esp_idf_errors(table, Some(FLASH_SIZE), form);
    if refused.is_empty() {
        let Ok(bytes) = partition_bin::write(table) else {
            // Only a binary table with no room for an MD5 row is accepted, and still cannot be written.
            assert!(form == Form::Binary && table.rows.len() > 94, "seed {from}");
            return;
        };
        let read_back = partition_bin::read(&bytes);
        assert_eq!(
            read_back.table.layout().len(),
            table.layout().len(),
            "seed {from}"
        );
        let opinion = second_opinion::check(table, &bytes);
        assert!(
            !matches!(opinion, Opinion::Disagrees(_)),
            "seed {from}: {opinion:?}"
        );
        assert_ne!(
            opinion,
            Opinion::OutsideItsDomain("esp-idf-part panicked on this table".to_owned()),
            "seed {from}"
        );
    } else {
        assert!(any_error(&problems), "seed {from}: {refused:?}");
    }
}

fn damage_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.insert(at, random.next() as u8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ if at < bytes.len() => {
                bytes[at] = random.pick(&[0, 0xFF, b',', b'\n', b'$', 0xEB, 0xAA, 0x50]);
            }
            _ => {}
        }
    }
}
