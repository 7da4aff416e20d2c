//! `flashpack read`: a part of a board's flash into a file.

use serde::Serialize;

use super::args::Read;
use super::board::Board;
use super::board_table::board_area;
use super::failure::Failure;
use super::report::Report;
use super::resolve::{area, check_output, write_output};
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::number::{hex, human_size};

#[derive(Serialize)]
struct Answer {
    offset: u32,
    size: u32,
    output: String,
}

pub fn run(args: &Read, report: &mut Report) -> Result<(), Failure> {
    let area = area(&args.what)?;
    check_output(&args.output)?;
    let mut board = Board::open(&args.board.port, args.board.link)?;
    let (region, name) = board_area(&area, &mut board, report)?;
    let Outcome::Read { bytes, .. } = board.ask(Request::Read(region), report)? else {
        return Err(board.unexpected());
    };
    write_output(&args.output, &bytes)?;
    let output = args.output.display().to_string();
    let text = format!(
        "Read {name}: {} from {} into {output}\n",
        human_size(region.size.into()),
        hex(region.offset)
    );
    report.result(
        &Answer {
            offset: region.offset,
            size: region.size,
            output,
        },
        &text,
    );
    Ok(())
}
