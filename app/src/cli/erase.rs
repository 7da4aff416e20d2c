//! `flashpack erase`: a partition, a region of whole sectors, or everything. What it destroys is said first.

use serde::Serialize;

use super::args::{Common, Erase};
use super::board::Board;
use super::board_table::{board_area, look};
use super::confirm::confirm;
use super::failure::Failure;
use super::report::Report;
use super::resolve::{Area, area};
use crate::engine::destroyed::destroyed;
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::number::{hex, human_size};
use crate::model::region::Region;

#[derive(Serialize)]
struct Answer {
    offset: u32,
    size: u32,
    /// What was there, in words; null where the board has no table that can be used.
    destroyed: Option<Vec<String>>,
}

pub fn run(args: &Erase, common: Common, report: &mut Report) -> Result<(), Failure> {
    let area = area(&args.what)?;
    // What can be refused without the board is refused before it is opened.
    if let Area::Region(region) = area
        && !super::confirm::can_ask(common)
    {
        confirm(&[warning(region, "a region")], &args.what, common, report)?;
    }
    let mut board = Board::open(args.board.which(), args.board.link)?;
    let (region, name) = board_area(&area, &mut board, report)?;
    // A board that does not answer is not one without a table.
    let table = look(&mut board, report)?.sound();
    let lost = destroyed(region, table.as_ref());
    let mut lines = vec![warning(region, &name)];
    lines.extend(lost.iter().flatten().map(|line| format!("  {line}")));
    if lost.is_none() {
        lines
            .push("  What lies there is not known: the board has no table that can be read".into());
    }
    lines.push(format!(
        "flashpack backup OUT --port {} keeps a copy first",
        board.name()
    ));
    confirm(&lines, &args.what, common, report)?;
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
            destroyed: lost,
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
