//! A file for an offset, written in pieces: the partition table and otadata inside of it have their own places in the
//! order that survives power loss, and a table its backup.

use std::path::Path;

use super::failure::Failure;
use crate::engine::guard;
use crate::engine::plan::TABLE;
use crate::formats::partition_bin::{self, TABLE_BYTES};
use crate::formats::second_opinion::{self, Opinion};
use crate::model::flash_plan::{PlannedWrite, Role};
use crate::model::number::hex;
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::region::Region;

/// The table that a file brings to the table's place, and the file in pieces around it; `None` where it brings none: what
/// is no table there is refused as such, by its guard.
pub fn around_table(
    write: &PlannedWrite,
    settings: TableSettings,
    file: &Path,
) -> Result<Option<(PartitionTable, Vec<PlannedWrite>)>, Failure> {
    let place = settings.table_region();
    let begins_inside = write.offset > place.offset;
    let Some(mut sector) = piece(write, place).filter(|_| !begins_inside) else {
        return Ok(None);
    };
    if guard::no_table(&sector.bytes).is_some() {
        return Ok(None);
    }
    let mut table = partition_bin::read(&sector.bytes).table;
    table.settings = settings;
    let rows = sector.bytes.get(..TABLE_BYTES).unwrap_or(&sector.bytes);
    if let Opinion::Disagrees(reason) = second_opinion::check(&table, rows) {
        let place = file.display().to_string();
        let message = format!("{place} is understood differently by a second reader: {reason}");
        return Err(Failure::new(
            message,
            place,
            "Please report this table; it is not written",
        ));
    }
    sector.role = Role::Table;
    TABLE.clone_into(&mut sector.target);
    sector.destroys = vec!["Replaces the partition table on the board".to_owned()];
    Ok(Some((table, around(write, sector))))
}

/// A write with a piece of it as a write of its own: what lies before it, itself, and what lies behind it.
pub fn around(write: &PlannedWrite, middle: PlannedWrite) -> Vec<PlannedWrite> {
    let inside = middle.region();
    let before = Region::new(write.offset, inside.offset - write.offset);
    let after = write.region().end().saturating_sub(inside.end());
    let after = match u32::try_from(inside.end()) {
        Ok(end) => piece(write, Region::new(end, after as u32)),
        Err(_) => None,
    };
    [piece(write, before), Some(middle), after]
        .into_iter()
        .flatten()
        .collect()
}

/// What of a write lies in a region, by its offset; `None` if nothing does.
pub fn piece(write: &PlannedWrite, region: Region) -> Option<PlannedWrite> {
    let inside = write.region().intersection(region)?;
    let start = (inside.offset - write.offset) as usize;
    let bytes = write.bytes.get(start..start + inside.size as usize)?;
    Some(PlannedWrite {
        target: hex(inside.offset),
        offset: inside.offset,
        bytes: bytes.into(),
        destroys: vec![format!(
            "Replaces {} bytes at {}",
            bytes.len(),
            hex(inside.offset)
        )],
        ..write.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::partition_csv;

    fn file(offset: u32, bytes: Vec<u8>) -> PlannedWrite {
        PlannedWrite {
            role: Role::Data,
            target: hex(offset),
            source: "merged.bin".to_owned(),
            offset,
            bytes: bytes.into(),
            destroys: Vec::new(),
        }
    }

    fn pieces(offset: u32, bytes: &[u8]) -> Option<Vec<(Role, u32, usize)>> {
        let write = file(offset, bytes.to_vec());
        let found = around_table(&write, TableSettings::default(), Path::new("merged.bin"));
        let (_, pieces) = found.unwrap()?;
        let all: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.bytes.to_vec())
            .collect();
        assert_eq!(all, bytes, "nothing is lost and nothing comes twice");
        let piece = |piece: &PlannedWrite| (piece.role, piece.offset, piece.bytes.len());
        Some(pieces.iter().map(piece).collect())
    }

    fn table() -> Vec<u8> {
        let csv = "nvs,data,nvs,0x9000,0x6000\nfactory,app,factory,0x10000,1M\n";
        let table = partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table;
        partition_bin::write(&table).unwrap()
    }

    #[test]
    fn the_table_alone_is_cut_out_wherever_the_file_begins_and_ends() {
        let table = table();
        assert_eq!(
            pieces(0x8000, &table),
            Some(vec![(Role::Table, 0x8000, 0xC00)])
        );
        let mut merged = vec![7; 0x8000];
        merged.extend_from_slice(&table);
        let head = (Role::Data, 0, 0x8000);
        assert_eq!(
            pieces(0, &merged),
            Some(vec![head, (Role::Table, 0x8000, 0xC00)])
        );
        merged.resize(0x1_2345, 0xFF);
        let rest = (Role::Data, 0x9000, 0x9345);
        let all = vec![head, (Role::Table, 0x8000, 0x1000), rest];
        assert_eq!(pieces(0, &merged), Some(all));
        let later = vec![
            (Role::Data, 0x1000, 0x7000),
            (Role::Table, 0x8000, 0x1000),
            rest,
        ];
        assert_eq!(pieces(0x1000, &merged[0x1000..]), Some(later));
        assert_eq!(
            pieces(0x8020, &table),
            None,
            "it begins inside the table's sector"
        );
        let filled = [7; 0x1000].repeat(9);
        assert_eq!(pieces(0, &filled), None, "there is no table in it");
        assert_eq!(pieces(0x9000, &[7; 0x1000]), None);
        assert_eq!(pieces(0, &filled[..0x8000]), None);
    }
}
