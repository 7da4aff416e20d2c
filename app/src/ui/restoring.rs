//! Restoring a backup in the window: the file is read and checked, what it holds is shown, and what was ticked becomes
//! an ordinary write.

use std::path::Path;
use std::sync::Arc;

use super::action::Action;
use super::command::Command;
use super::dialogs::Dialog;
use super::dialogs::restore::Sheet;
use super::job_ending::say;
use super::run_command::sentence;
use super::state::AppState;
use crate::engine::backup::{self, Restore};
use crate::engine::table_change;
use crate::formats::backup::Manifest;
use crate::model::problem::Severity;
use crate::store::backup_file;

/// Opens a backup that was chosen, and shows what restoring it would do.
pub fn open(state: &mut AppState, path: &Path) {
    match backup_file::load(path) {
        Ok((manifest, file)) => {
            state.dialog = Some(Dialog::Restore(Sheet::new(path, manifest, file)));
        }
        Err(error) => state.tell(Severity::Error, sentence(&error.to_string(), &error.help())),
    }
}

/// What the ticked regions of a backup would write to the connected board.
pub fn plan(
    state: &AppState,
    manifest: &Manifest,
    file: &Arc<[u8]>,
    only: &[String],
    source: &str,
) -> Result<Restore, String> {
    let identity = state
        .board
        .identity
        .as_ref()
        .ok_or("Connect a board first")?;
    backup::restore(manifest, file, only, source, identity)
        .map_err(|problem| sentence(&problem.message, &problem.help))
}

/// Offers to finish or to take back a change of the table that an earlier write did not finish on this board.
pub fn offer_old_table(state: &mut AppState) {
    let keep = state.board.around().keep().clone();
    let mac = state
        .board
        .identity
        .as_ref()
        .and_then(|identity| identity.mac.as_deref());
    let Some(unfinished) = table_change::unfinished(&*keep, mac) else {
        return;
    };
    let mut buttons = vec![("Finish the write".to_owned(), Action::from(Command::Write))];
    // A window without a settings folder keeps nothing on disk.
    if let Some(place) = unfinished.backup.filter(|place| Path::new(place).is_file()) {
        buttons.push((
            "Restore old table".to_owned(),
            Action::RestoreFrom(place.into()),
        ));
    }
    let text = "A write that changes this board's partition table did not finish".to_owned();
    say(state, Severity::Warning, false, text, buttons);
}
