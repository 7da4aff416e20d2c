//! `flashpack reset`: leave the loader and start what the board holds in flash.

use serde::Serialize;

use super::args::BoardOnly;
use super::board::Board;
use super::failure::Failure;
use super::report::Report;
use crate::engine::request::Request;

#[derive(Serialize)]
struct Answer {
    reset: bool,
}

pub fn run(args: &BoardOnly, report: &mut Report) -> Result<(), Failure> {
    Board::open(args.board.which(), args.board.link)?.ask(Request::Reset, report)?;
    report.result(&Answer { reset: true }, "The board was reset\n");
    Ok(())
}
