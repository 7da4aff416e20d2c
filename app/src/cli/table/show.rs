//! `flashpack table show`: the rows with their places computed.

use serde::Serialize;

use super::super::args::TableFile;
use super::super::failure::Failure;
use super::super::report::Report;
use super::read;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::{
    PartitionTable, Placed, Row, flags_text, subtype_name, type_name,
};

/// A table as JSON.
#[derive(Serialize)]
pub struct TableAnswer {
    table_offset: u32,
    partitions: Vec<RowAnswer>,
}

#[derive(Serialize)]
struct RowAnswer {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    subtype: String,
    offset: u32,
    size: u32,
    flags: String,
}

pub fn run(args: &TableFile, report: &mut Report) -> Result<(), Failure> {
    let read = read(&args.file, &args.settings)?;
    report.problems(&read.reading);
    report.result(&answer(&read.table), &text(&read.table));
    Ok(())
}

fn answer(table: &PartitionTable) -> TableAnswer {
    let row = |placed: Placed<'_>| RowAnswer {
        name: placed.row.name.clone(),
        kind: type_name(placed.row.kind).into_owned(),
        subtype: subtype(table, placed.row),
        offset: placed.region.offset,
        size: placed.region.size,
        flags: flags_text(placed.row.flags),
    };
    TableAnswer {
        table_offset: table.settings.table_offset,
        partitions: table.layout().into_iter().map(row).collect(),
    }
}

/// The subtype's keyword, of ESP-IDF or of the project; else its number.
fn subtype(table: &PartitionTable, row: &Row) -> String {
    let keyword = table.settings.extra.keyword(row.kind, row.subtype);
    keyword.map_or_else(
        || subtype_name(row.kind, row.subtype).into_owned(),
        str::to_owned,
    )
}

fn text(table: &PartitionTable) -> String {
    let answer = answer(table);
    let mut text = format!(
        "{:16} {:15} {:10} {:>10} {:>10}  Flags\n",
        "Name", "Type", "Subtype", "Offset", "Size"
    );
    for row in &answer.partitions {
        text += format!(
            "{:16} {:15} {:10} {:>10} {:>10}  {}",
            row.name,
            row.kind,
            row.subtype,
            hex(row.offset),
            human_size(row.size.into()),
            row.flags
        )
        .trim_end();
        text.push('\n');
    }
    text
}
