//! `flashpack restore`: a backup back to a board, as an ordinary write: only what differs, verified.

use super::args::{Common, Restore};
use super::board::Board;
use super::confirm::confirm;
use super::failure::Failure;
use super::report::Report;
use super::write::finished;
use crate::engine::backup;
use crate::engine::event::Outcome;
use crate::engine::request::Request;
use crate::model::number::{hex, human_size};
use crate::store::backup_file;

pub fn run(args: &Restore, common: Common, report: &mut Report) -> Result<(), Failure> {
    let (manifest, file) = backup_file::load(&args.input)?;
    let source = args.input.display().to_string();
    let mut board = Board::open(args.board.which(), args.board.link)?;
    let Outcome::Detected(identity) = board.ask(Request::Detect, report)? else {
        return Err(board.unexpected());
    };
    let restore = backup::restore(&manifest, &file, &args.partitions, &source, &identity)
        .map_err(|problem| report.refusal(&[problem], &source, "Nothing was restored"))?;
    for warning in &restore.warnings {
        report.note(&format!("warning: {warning}"));
    }
    let mut lines = vec![format!(
        "This replaces {} on the board by what {source} holds:",
        human_size(restore.plan.total_bytes())
    )];
    lines.extend(restore.plan.writes.iter().map(|write| {
        let size = human_size(write.bytes.len() as u64);
        format!("{:>10}  {}: {size}", hex(write.offset), write.target)
    }));
    confirm(&lines, &source, common, report)?;
    let Outcome::Written(summary) = board.ask(Request::Write(restore.plan.into()), report)? else {
        return Err(board.unexpected());
    };
    finished(&summary, report);
    Ok(())
}
