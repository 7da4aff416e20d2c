//! `flashpack erase`: a partition, a region of whole sectors, or everything.

use serde::Serialize;

use super::args::{Common, Erase};
use super::board::Board;
use super::board_table::board_area;
use super::confirm::confirm;
use super::failure::Failure;
use super::report::Report;
use super::resolve::{Area, area};
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

#[derive(Serialize)]
struct Answer {
    offset: u32,
    size: u32,
}

pub fn run(args: &Erase, common: Common, report: &mut Report) -> Result<(), Failure> {
    let area = area(&args.what)?;
    // What can be refused without the board is refused before it is opened.
    if let Area::Region(region) = area {
        confirm(&[warning(region, "a region")], &args.what, common, report)?;
    }
    let mut board = Board::open(&args.board.port, args.board.link)?;
    let (region, name) = board_area(&area, &mut board, report)?;
    if !matches!(area, Area::Region(_)) {
        confirm(&[warning(region, &name)], &args.what, common, report)?;
    }
    let Outcome::Erased(region) = board.ask(Request::Erase(region), report)? else {
        return Err(board.unexpected());
    };
    let text = format!(
        "Erased {name}: {} at {}\n",
        human_size(region.size.into()),
        hex(region.offset)
    );
    report.result(
        &Answer {
            offset: region.offset,
            size: region.size,
        },
        &text,
    );
    Ok(())
}

fn warning(region: Region, name: &str) -> String {
    let size = human_size(region.size.into());
    format!(
        "This erases {name} on the board: {size} at {}",
        hex(region.offset)
    )
}
