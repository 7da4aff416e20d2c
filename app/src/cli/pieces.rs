//! Reads regions of a board into a file that was named: piece by piece, from where an earlier read was cut.

use std::path::Path;
use std::sync::Arc;

use super::board::Board;
use super::failure::Failure;
use super::report::Report;
use crate::engine::event::Outcome;
use crate::engine::read::{PiecesWanted, pieces};
use crate::engine::request::Request;
use crate::model::number::human_size;
use crate::model::region::Region;
use crate::store::partial_read::PartialRead;

/// Reads the regions one behind the other into `output`, which is replaced at the end; its bytes.
pub fn read_into(
    output: &Path,
    regions: &[Region],
    board: &mut Board,
    report: &mut Report,
) -> Result<Vec<u8>, Failure> {
    let mut partial = PartialRead::begin(output, &pieces(regions))?;
    let wanted = PiecesWanted {
        regions: regions.to_vec(),
        in_hand: partial.left_over()?,
    };
    let request = Request::ReadPieces(Arc::new(wanted));
    let outcome = board.ask_for_pieces(request, report, &mut |piece, bytes| {
        Ok(partial.take(piece, bytes)?)
    })?;
    let Outcome::PiecesRead { kept } = outcome else {
        return Err(board.unexpected());
    };
    if kept > 0 {
        report.note(&format!(
            "{} were there from an earlier read, and are what the board holds",
            human_size(kept)
        ));
    }
    Ok(partial.finish()?)
}
