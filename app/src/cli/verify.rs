//! `flashpack verify`: an image by its own check records, or a board against files.

use std::path::Path;

use serde::Serialize;

use super::args::{Link, Verify};
use super::board::Board;
use super::failure::Failure;
use super::plan::{BoardFacts, make_plan};
use super::report::Report;
use super::resolve::{Target, target};
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::number::{hex, human_size};

#[derive(Serialize)]
struct BoardAnswer {
    verified: bool,
    bytes: u64,
}

pub fn run(args: &Verify, report: &mut Report) -> Result<(), Failure> {
    let named = args.board.port.is_some() || args.board.mac.is_some();
    match (named.then_some(()), args.targets.as_slice()) {
        (Some(()), targets) => {
            let board = Board::open(args.board.which(), args.board.link)?;
            on_board(targets, board, &args.board.link, report)
        }
        (None, [image]) if Path::new(image).exists() || !image.contains('=') => {
            super::verify_image::run(Path::new(image), report)
        }
        (None, [target, ..]) => Err(Failure::usage(
            format!("“{target}” can only be verified on a board, or one image at a time"),
            target.clone(),
            "Add --port to compare with a board, or name one image",
        )),
        (None, []) => Err(Failure::usage(
            "Nothing to verify",
            "verify",
            "Name an image",
        )),
    }
}

fn on_board(
    targets: &[String],
    mut board: Board,
    link: &Link,
    report: &mut Report,
) -> Result<(), Failure> {
    let targets: Vec<Target> = targets
        .iter()
        .map(|text| target(text))
        .collect::<Result<_, _>>()?;
    let facts = BoardFacts::ask(Some(&mut board), link, report)?;
    let plan = make_plan(&targets, &[], Some(&mut board), &facts, report)?;
    let bytes = plan.total_bytes();
    let Outcome::Compared { differing } = board.ask(Request::Verify(plan.into()), report)? else {
        return Err(board.unexpected());
    };
    if let Some(first) = differing.first() {
        let size: u64 = differing.iter().map(|region| u64::from(region.size)).sum();
        return Err(Failure::new(
            format!(
                "The board differs: {} in {} places, the first at {}",
                human_size(size),
                differing.len(),
                hex(first.offset)
            ),
            hex(first.offset),
            "flashpack write sends what differs",
        ));
    }
    let text = format!("Verified: the board holds these {}\n", human_size(bytes));
    report.result(
        &BoardAnswer {
            verified: true,
            bytes,
        },
        &text,
    );
    Ok(())
}
