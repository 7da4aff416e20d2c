//! `flashpack read`: parts of a board's flash into a file.

use serde::Serialize;

use super::args::Read;
use super::board::Board;
use super::board_table::board_area;
use super::failure::Failure;
use super::pieces::read_into;
use super::report::Report;
use super::resolve::{Area, area, check_output};
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

#[derive(Serialize)]
struct Answer {
    offset: u32,
    size: u32,
    output: String,
    /// All regions, in the order of the file.
    regions: Vec<Region>,
}

pub fn run(args: &Read, report: &mut Report) -> Result<(), Failure> {
    let areas: Vec<Area> = args
        .what
        .iter()
        .map(|text| area(text))
        .collect::<Result<_, _>>()?;
    check_output(&args.output)?;
    let mut board = Board::open(args.board.which(), args.board.link)?;
    let mut regions = Vec::with_capacity(areas.len());
    let mut names = Vec::with_capacity(areas.len());
    for area in &areas {
        let (region, name) = board_area(area, &mut board, report)?;
        names.push(format!("{name} at {}", hex(region.offset)));
        regions.push(region);
    }
    let bytes = read_into(&args.output, &regions, &mut board, report)?;
    let output = args.output.display().to_string();
    let text = format!(
        "Read {}: {} into {output}\n",
        names.join(", "),
        human_size(bytes.len() as u64),
    );
    let answer = Answer {
        offset: regions.first().map_or(0, |region| region.offset),
        size: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        output,
        regions,
    };
    report.result(&answer, &text);
    Ok(())
}
