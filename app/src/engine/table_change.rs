//! A change of the partition table as a transaction: before the first erase of a plan that changes the table, the old
//! table is backed up with the otadata that it names, and a note says that the change is under way, all on disk. The
//! note goes away when the plan is proven; as long as it is there, the board's front end offers the old table.

use serde::{Deserialize, Serialize};

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::job::Job;
use super::plan::TABLE;
use crate::formats::otadata::OTADATA_BYTES;
use crate::formats::{backup, partition_bin};
use crate::model::chip::BoardIdentity;
use crate::model::flash_plan::{FlashPlan, Role};
use crate::model::keep::{Keep, KeepError, board_name};
use crate::model::partition_table::PartitionTable;
use crate::model::region::Region;

/// The note of a change that is under way.
#[derive(Debug, Serialize, Deserialize)]
struct UnderWay {
    flashpack_table_change: u32,
    mac: String,
}

/// A change of a board's table that did not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The file of the old table, which `flashpack restore` takes; `None`: the board had no table before.
    pub backup: Option<String>,
}

impl Unfinished {
    /// For a person, as one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let begun = "A write that changes this board's partition table did not finish";
        match &self.backup {
            Some(place) => format!(
                "{begun}: write again to finish it, or flashpack restore {place} brings the old table back"
            ),
            None => format!("{begun}: write again to finish it"),
        }
    }
}

/// Where the old table goes before a plan changes it, for who shows the plan; `None` if the plan has no table.
pub fn backup_place(keep: &dyn Keep, plan: &FlashPlan, mac: Option<&str>) -> Option<String> {
    plan.writes
        .iter()
        .any(|write| write.role == Role::Table)
        .then(|| keep.place(&backup_name(mac.unwrap_or("unknown"))))
}

/// The change of this board's table that did not finish, if there is one.
pub fn unfinished(keep: &dyn Keep, mac: Option<&str>) -> Option<Unfinished> {
    let mac = mac?;
    let note: UnderWay = serde_json::from_slice(&keep.get(&note_name(mac)).ok()??).ok()?;
    let name = backup_name(mac);
    let is_there = keep.get(&manifest_name(mac)).ok()?.is_some();
    (note.mac == mac).then(|| Unfinished {
        backup: is_there.then(|| keep.place(&name)),
    })
}

/// A change that has begun; [`finish`] ends it.
#[derive(Debug)]
#[must_use]
pub(super) struct Begun {
    mac: String,
    table: Region,
    digest: [u8; 16],
}

/// Backs the old table up, if the plan changes it. Nothing has been erased yet.
pub(super) fn begin(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<Option<Begun>, Stop> {
    let Some(write) = plan.writes.iter().find(|write| write.role == Role::Table) else {
        return Ok(None);
    };
    let keep = link.keep();
    let session = link.loader(job)?;
    let identity = session.identify()?;
    let Some(mac) = identity.mac.clone() else {
        return Err(not_backed_up(&KeepError {
            message: "the board did not tell its MAC address".into(),
            help: "Reset the board and try again".into(),
        }));
    };
    let begun = Begun {
        mac: mac.clone(),
        table: write.region(),
        digest: md5(&write.bytes),
    };
    let under_way = unfinished(&*keep, Some(&mac)).is_some();
    if !under_way && session.md5(begun.table)? == begun.digest {
        return Ok(None);
    }
    // What an unfinished change left on the board is no table to go back to: the first backup stays.
    if !under_way {
        let sector = write.region().sectors();
        let mut old = session.read(sector, &mut |_| job.go())?;
        let reading = partition_bin::read(&old);
        let table = reading.refusal.is_none().then_some(&reading.table);
        let had_table = old.iter().any(|byte| *byte != 0xFF);
        let mut regions = vec![(TABLE.to_owned(), sector)];
        // Which app boots is said by the table and otadata together: what brings one back brings back both.
        if let Some((name, otadata)) = table.and_then(|table| otadata_of(table, &identity)) {
            old.extend(session.read(otadata, &mut |_| job.go())?);
            regions.push((name, otadata));
        }
        keep.remove(&manifest_name(&mac))
            .map_err(|error| not_backed_up(&error))?;
        if had_table {
            let manifest = backup::manifest(&identity, table, &regions, &old, None)
                .map_err(|reason| JobError::new(reason, TABLE, "Try again"))?;
            keep.put(&backup_name(&mac), &old)
                .and_then(|()| keep.put(&manifest_name(&mac), &backup::write(&manifest)))
                .map_err(|error| not_backed_up(&error))?;
            job.note(format!(
                "The old partition table is in {}",
                keep.place(&backup_name(&mac))
            ));
        }
        let note = UnderWay {
            flashpack_table_change: 1,
            mac: mac.clone(),
        };
        // A number and a text: there is nothing in it that JSON could refuse.
        let note = serde_json::to_vec(&note).unwrap_or_default();
        keep.put(&note_name(&mac), &note)
            .map_err(|error| not_backed_up(&error))?;
    }
    Ok(Some(begun))
}

/// All of the plan was written: ends the change, when the table is `proven` or the board shows it now.
pub(super) fn finish(
    link: &mut BoardLink,
    begun: &Begun,
    proven: bool,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let keep = link.keep();
    if proven || link.loader(job)?.md5(begun.table)? == begun.digest {
        forget(&*keep, &begun.mac)?;
    }
    Ok(())
}

/// The table was erased on purpose: there is nothing to finish any more.
pub(super) fn erased(keep: &dyn Keep, mac: Option<&str>, region: Region) -> Result<(), Stop> {
    let Some(mac) = mac else { return Ok(()) };
    let Some(text) = keep.get(&manifest_name(mac)).ok().flatten() else {
        return Ok(());
    };
    let was_there = backup::read(&text).is_ok_and(|manifest| {
        manifest
            .regions
            .iter()
            .any(|old| old.name == TABLE && region.contains(old.region()))
    });
    if was_there {
        forget(keep, mac)?;
    }
    Ok(())
}

/// The otadata of a board's table, where all of it lies in the board's flash and has the size that a bootloader reads.
fn otadata_of(table: &PartitionTable, board: &BoardIdentity) -> Option<(String, Region)> {
    let placed = table.otadata()?;
    let inside = board
        .flash()
        .is_none_or(|flash| flash.contains(placed.region));
    (inside && placed.region.size as usize == OTADATA_BYTES)
        .then(|| (placed.row.name.clone(), placed.region))
}

fn forget(keep: &dyn Keep, mac: &str) -> Result<(), Stop> {
    keep.remove(&note_name(mac))
        .map_err(|error| JobError::new(error.message, TABLE, error.help).into())
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::{Digest as _, Md5};
    Md5::digest(bytes).into()
}

fn not_backed_up(error: &KeepError) -> Stop {
    JobError::new(
        format!(
            "Nothing was erased, because the board's partition table could not be backed up first: {}",
            error.message
        ),
        TABLE,
        error.help.clone(),
    )
    .into()
}

fn backup_name(mac: &str) -> String {
    format!("table-{}.bin", board_name(mac))
}

fn manifest_name(mac: &str) -> String {
    backup_name(mac) + ".json"
}

fn note_name(mac: &str) -> String {
    format!("table-change-{}.json", board_name(mac))
}
