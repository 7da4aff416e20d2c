//! A second opinion on a binary table before it goes to a board: it is read back by the crate `esp-idf-part`, which
//! shares no code with ours.
//!
//! That crate panics on tables that ESP-IDF accepts (unknown subtypes, unknown flags, sums beyond 32 bits), and has
//! rules of its own. So whether a table is in its domain is decided beforehand, by looking at the bytes; and should it
//! panic all the same, that is caught and counts as "outside". `docs/formats.md` lists the domain.

use esp_idf_part::{AppType, DataType, Flags, SubType, Type};

use super::partition_bin::{MD5_MAGIC, ROW_BYTES, ROW_MAGIC};
use crate::caught::caught;
use crate::model::number::hex;
use crate::model::partition_table::PartitionTable;
use crate::model::table_names::{APP, DATA, DATA_OTA};

/// Largest app that the crate takes, in bytes.
const LARGEST_APP: u32 = 0x100_0000;
/// The only size of otadata that it takes.
const OTADATA_SIZE: u32 = 0x2000;

/// What the second reader says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It read the same table.
    Agrees,
    /// It read something else, or refused: a sentence that says what. The table must not be written.
    Disagrees(String),
    /// It cannot read this table, for a reason that is no fault of the table's.
    OutsideItsDomain(String),
}

/// Has the table's bytes read by the other crate, and compares what it found with what was meant.
pub fn check(table: &PartitionTable, binary: &[u8]) -> Opinion {
    if let Err(why) = in_its_domain(binary) {
        return Opinion::OutsideItsDomain(why);
    }
    let bytes = binary.to_vec();
    let read = caught(|| esp_idf_part::PartitionTable::try_from_bytes(bytes));
    match read {
        Err(_) => Opinion::OutsideItsDomain("esp-idf-part panicked on this table".to_owned()),
        Ok(Err(error)) => Opinion::Disagrees(format!("esp-idf-part refuses this table: {error}")),
        Ok(Ok(theirs)) => compare(table, &theirs),
    }
}

/// A row of the bytes, as far as the domain is concerned.
struct RawRow<'a> {
    kind: u8,
    subtype: u8,
    offset: u32,
    size: u32,
    name: &'a [u8],
    flags: u32,
}

fn raw_row(row: &[u8]) -> Option<RawRow<'_>> {
    let word = |at: usize| Some(u32::from_le_bytes(row.get(at..at + 4)?.try_into().ok()?));
    Some(RawRow {
        kind: *row.get(2)?,
        subtype: *row.get(3)?,
        offset: word(4)?,
        size: word(8)?,
        name: row.get(12..28)?,
        flags: word(28)?,
    })
}

/// Whether the crate can be asked about these bytes.
fn in_its_domain(binary: &[u8]) -> Result<(), String> {
    let mut rows = Vec::new();
    for chunk in binary.chunks(ROW_BYTES) {
        if chunk.len() < ROW_BYTES {
            return Err("the table is cut in the middle of a row".to_owned());
        }
        if chunk.starts_with(&MD5_MAGIC) {
            if chunk
                .get(2..16)
                .is_none_or(|filler| filler.iter().any(|byte| *byte != 0xFF))
            {
                return Err("its MD5 row is not filled with FF".to_owned());
            }
            continue;
        }
        if chunk.iter().all(|byte| *byte == 0xFF) {
            break;
        }
        if !chunk.starts_with(&ROW_MAGIC) {
            return Err("a row does not begin with AA 50".to_owned());
        }
        rows.extend(raw_row(chunk));
    }
    for row in &rows {
        row_in_its_domain(row)?;
    }
    let count =
        |wanted: &dyn Fn(&RawRow<'_>) -> bool| rows.iter().filter(|row| wanted(row)).count();
    if count(&|row| row.kind == APP) == 0 {
        return Err("it has no app, which the crate wants".to_owned());
    }
    if count(&|row| row.kind == APP && row.subtype == 0) > 1 {
        return Err("it has two factory apps, of which the crate allows one".to_owned());
    }
    if count(&|row| row.kind == DATA && row.subtype == DATA_OTA) > 1 {
        return Err("it has two otadata partitions".to_owned());
    }
    let mut names: Vec<&[u8]> = rows.iter().map(|row| row.name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.get(1)) {
        return Err("two names are the same in their first 16 bytes".to_owned());
    }
    Ok(())
}

fn row_in_its_domain(row: &RawRow<'_>) -> Result<(), String> {
    let name = String::from_utf8_lossy(row.name);
    let name = name.trim_end_matches('\0');
    let subtype = usize::from(row.subtype);
    let known = match row.kind {
        APP => AppType::from_repr(subtype).is_some(),
        DATA => DataType::from_repr(subtype).is_some(),
        0xFF => false,
        _ => true,
    };
    if !known {
        return Err(format!(
            "the crate does not know the type or subtype of {name}"
        ));
    }
    if Flags::from_bits(row.flags).is_none() {
        return Err(format!("{name} has flag bits that the crate does not know"));
    }
    if row.offset.checked_add(row.size).is_none() {
        return Err(format!("{name} ends beyond 4 GiB"));
    }
    if row.kind == APP && row.size > LARGEST_APP {
        return Err(format!(
            "the app {name} is larger than the 16 MiB that the crate allows"
        ));
    }
    let aligned = row
        .offset
        .is_multiple_of(crate::model::partition_table::offset_unit(row.kind));
    if !aligned || (row.kind == DATA && row.subtype == DATA_OTA && row.size != OTADATA_SIZE) {
        return Err(format!(
            "{name} breaks a rule of ESP-IDF, which our own check reports"
        ));
    }
    if row.name.first() == Some(&0) || std::str::from_utf8(row.name).is_err() {
        return Err("a name is empty or no UTF-8".to_owned());
    }
    Ok(())
}

fn compare(table: &PartitionTable, theirs: &esp_idf_part::PartitionTable) -> Opinion {
    let ours = table.layout();
    let theirs = theirs.partitions();
    if ours.len() != theirs.len() {
        return Opinion::Disagrees(format!(
            "esp-idf-part reads {} partitions instead of {}",
            theirs.len(),
            ours.len()
        ));
    }
    for (placed, other) in ours.iter().zip(theirs) {
        let row = placed.row;
        // Behind the first zero a name may hold anything; the crate shows it, the chip does not look.
        let their_name = other
            .name()
            .split('\0')
            .next()
            .unwrap_or_default()
            .to_owned();
        let differs = |what: &str, ours: String, theirs: String| {
            Opinion::Disagrees(format!(
                "esp-idf-part reads {what} {theirs} of {}, instead of {ours}",
                row.name
            ))
        };
        if their_name.as_bytes() != row.stored_name() {
            return differs("the name", row.name.clone(), their_name);
        }
        let (kind, subtype) = numbers(other.ty(), other.subtype());
        if kind != row.kind || subtype != row.subtype {
            let pair = |kind: u8, subtype: u8| format!("{kind:#04x}/{subtype:#04x}");
            return differs("the type", pair(row.kind, row.subtype), pair(kind, subtype));
        }
        if other.offset() != placed.region.offset {
            return differs("the offset", hex(placed.region.offset), hex(other.offset()));
        }
        if other.size() != placed.region.size {
            return differs("the size", hex(placed.region.size), hex(other.size()));
        }
        if other.flags().bits() != row.flags {
            return differs("the flags", hex(row.flags), hex(other.flags().bits()));
        }
    }
    Opinion::Agrees
}

fn numbers(kind: Type, subtype: SubType) -> (u8, u8) {
    (u8::from(kind), u8::from(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{partition_bin, partition_csv};
    use crate::model::partition_table::TableSettings;

    fn opinion(csv: &str) -> Opinion {
        let table = partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table;
        check(&table, &partition_bin::write(&table).unwrap())
    }

    #[test]
    fn agrees_on_an_ordinary_table() {
        let csv = "nvs,data,nvs,,24K\notadata,data,ota,,8K\na,app,ota_0,,1M,encrypted\nx,0x40,7,,4K,readonly\n";
        assert_eq!(opinion(csv), Opinion::Agrees);
    }

    /// As `gen_esp32part.py` does, we write what stands behind the zero, and nobody reads it. Only a CSV in UTF-16 can
    /// have one.
    #[test]
    fn agrees_on_a_name_with_a_zero_in_it() {
        let text = "\u{FEFF}a,app,factory,,1M\nK \0b,data,nvs,,16K\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let table = partition_csv::read(&bytes, TableSettings::default(), &|_| None).table;
        let binary = partition_bin::write(&table).unwrap();
        assert_eq!(binary[32 + 12..][..5], *b"K \0b\0");
        assert_eq!(check(&table, &binary), Opinion::Agrees);
    }

    #[test]
    fn disagrees_when_the_bytes_are_not_the_table() {
        let read = |csv: &str| {
            partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
        };
        let meant = read("nvs,data,nvs,,24K\na,app,factory,,1M\n");
        for (other, words) in [
            (
                "nvs,data,nvs,,24K\na,app,factory,,2M\n",
                "the size 0x200000 of a",
            ),
            ("nvs,data,nvs,,24K\nb,app,factory,,1M\n", "the name b"),
            (
                "nvs,data,phy,,24K\na,app,factory,,1M\n",
                "the type 0x01/0x01 of nvs",
            ),
            (
                "nvs,data,nvs,0xA000,20K\na,app,factory,,1M\n",
                "the offset 0xA000",
            ),
            (
                "nvs,data,nvs,,24K,readonly\na,app,factory,,1M\n",
                "the flags 0x2",
            ),
            ("a,app,factory,,1M\n", "1 partitions instead of 2"),
        ] {
            let bytes = partition_bin::write(&read(other)).unwrap();
            let Opinion::Disagrees(why) = check(&meant, &bytes) else {
                panic!("{other}")
            };
            assert!(why.contains(words), "{why}");
        }
        let mut damaged = partition_bin::write(&meant).unwrap();
        damaged[0x50] ^= 1;
        assert!(matches!(check(&meant, &damaged), Opinion::Disagrees(_)));
    }

    #[test]
    fn is_not_asked_where_it_would_panic_or_has_rules_of_its_own() {
        for csv in [
            "a,app,factory,,1M\nromfs,data,0x8f,,64K\n",
            "a,app,factory,,1M\nt,app,tee_0,,64K\n",
            "a,app,factory,,1M\nt,data,tee_ota,,8K\n",
            "a,app,2,,1M\n",
            "nvs,data,nvs,,24K\n",
            "a,app,factory,,1M\nb,app,factory,,1M\n",
            "a,app,factory,,32M\n",
            "a,app,factory,,1M\nb,data,nvs,0xFFFFF000,8K\n",
            "a,app,factory,,1M\naaaaaaaaaaaaaaaab,data,nvs,,16K\naaaaaaaaaaaaaaaac,data,nvs,,16K\n",
            "a,app,factory,,1M\nb,0xff,1,,64K\n",
            "",
        ] {
            assert!(
                matches!(opinion(csv), Opinion::OutsideItsDomain(_)),
                "{csv}"
            );
        }
        let table = PartitionTable::default();
        assert!(matches!(check(&table, &[]), Opinion::OutsideItsDomain(_)));
        assert!(matches!(
            check(&table, &[0xAA]),
            Opinion::OutsideItsDomain(_)
        ));
    }
}
