//! What putting the agent into flash replaced: on disk before the first erase, until it was put back.
//!
//! It is kept as any backup is, an image with its manifest, by the board's MAC address; a note beside it names the slot
//! and says whether the install was proven. The note is made last and removed first, so that without it there is nothing
//! half-kept to believe.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::board_link::BoardLink;
use super::error::{JobError, Stop};
use super::event::Stage;
use super::job::Job;
use crate::formats::backup::{self, Manifest};
use crate::formats::partition_bin::{self, TABLE_BYTES};
use crate::model::flash_plan::{AgentInFlash, FlashPlan};
use crate::model::keep::{Keep, KeepError, board_name};
use crate::model::region::Region;

/// Version of the note's layout.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    flashpack_agent_install: u32,
    mac: String,
    slot: String,
    proven: bool,
}

/// What is kept of one board.
#[derive(Clone, Debug)]
pub(super) struct Replaced {
    /// Name of the partition that the agent went into.
    pub slot: String,
    /// Whether the install was carried out to its end.
    pub proven: bool,
    pub manifest: Manifest,
    pub bytes: Arc<[u8]>,
    /// Where a person finds the image.
    pub place: String,
}

impl Replaced {
    /// Where the agent's image was put.
    pub fn slot_region(&self) -> Option<Region> {
        let mut regions = self.manifest.regions.iter();
        let slot = regions.find(|region| region.name == self.slot)?;
        Some(slot.region())
    }

    fn covers(&self, wanted: Region) -> bool {
        let mut regions = self.manifest.regions.iter();
        regions.any(|kept| kept.region().contains(wanted))
    }
}

/// Where what an install replaces goes, for who shows the plan; `None` if the plan installs nothing.
pub fn place(keep: &dyn Keep, plan: &FlashPlan, mac: Option<&str>) -> Option<String> {
    let installs = matches!(plan.agent, Some(AgentInFlash::Install { .. }));
    installs.then(|| keep.place(&image_name(mac.unwrap_or("unknown"))))
}

/// That an install on this board did not come to its end, as one sentence without a full stop.
pub(super) fn unfinished(keep: &dyn Keep, mac: Option<&str>) -> Option<String> {
    let kept = load(keep, mac?).ok().flatten()?;
    (!kept.proven).then(|| {
        format!(
            "An install of the agent to {} did not finish: flashpack agent install finishes it, or flashpack agent restore puts back what it replaced",
            kept.slot
        )
    })
}

/// What is kept of this board, if anything is.
///
/// # Errors
/// What is kept cannot be read, or is damaged.
pub(super) fn load(keep: &dyn Keep, mac: &str) -> Result<Option<Replaced>, JobError> {
    let get = |name: &str| keep.get(name).map_err(|error| failed(&error));
    let Some(note) = get(&note_name(mac))? else {
        return Ok(None);
    };
    let place = keep.place(&image_name(mac));
    let damaged = |why: &str| {
        JobError::new(
            format!("What the agent replaced on this board is kept in {place}, which {why}"),
            place.clone(),
            format!(
                "Bring the file back; or delete {}, and it is forgotten",
                keep.place(&note_name(mac))
            ),
        )
    };
    let note: Note = serde_json::from_slice(&note)
        .ok()
        .filter(|note: &Note| note.flashpack_agent_install == VERSION && note.mac == mac)
        .ok_or_else(|| damaged("has a damaged note beside it"))?;
    let manifest = get(&manifest_name(mac))?.ok_or_else(|| damaged("has lost its manifest"))?;
    let bytes = get(&image_name(mac))?.ok_or_else(|| damaged("is not there any more"))?;
    let manifest = backup::read(&manifest).map_err(|why| damaged(&why))?;
    backup::check(&manifest, &bytes).map_err(|why| damaged(&why))?;
    Ok(Some(Replaced {
        slot: note.slot,
        proven: note.proven,
        manifest,
        bytes: bytes.into(),
        place,
    }))
}

/// Keeps what the plan will replace, if it installs the agent. Nothing has been erased yet.
pub(super) fn begin(link: &mut BoardLink, plan: &FlashPlan, job: &mut Job<'_>) -> Result<(), Stop> {
    let Some(AgentInFlash::Install { slot, saved, anew }) = &plan.agent else {
        return Ok(());
    };
    let keep = link.keep();
    let session = link.loader(job)?;
    let identity = session.identify()?;
    let mac = known_mac(identity.mac.as_deref())?;
    let kept = load(&*keep, mac).map_err(|error| JobError {
        message: format!("Nothing was erased. {}", error.message),
        ..error
    })?;
    if let Some(kept) = kept {
        if !anew {
            let same = kept.slot == *slot && saved.iter().all(|(_, region)| kept.covers(*region));
            return if same {
                Ok(())
            } else {
                Err(elsewhere(&kept.slot).into())
            };
        }
        set_aside(&*keep, mac, &kept).map_err(|error| not_kept(&error))?;
    }
    job.stage(Stage::Reading);
    let mut bytes = Vec::new();
    for (_, region) in saved {
        bytes.extend(session.read(*region, &mut |_| job.go())?);
    }
    let table_region = Region::new(plan.layout.settings.table_offset, TABLE_BYTES as u32);
    let mut reading = partition_bin::read(&session.read(table_region, &mut |_| job.go())?);
    reading.table.settings.table_offset = table_region.offset;
    let table = reading.refusal.is_none().then_some(&reading.table);
    let manifest = backup::manifest(&identity, table, saved, &bytes, None)
        .map_err(|reason| JobError::new(reason, slot.clone(), "Try again"))?;
    keep.put(&image_name(mac), &bytes)
        .and_then(|()| keep.put(&manifest_name(mac), &backup::write(&manifest)))
        .and_then(|()| put_note(&*keep, mac, slot, false))
        .map_err(|error| not_kept(&error))?;
    job.note(format!(
        "What the agent replaces is in {}",
        keep.place(&image_name(mac))
    ));
    Ok(())
}

/// All of the plan was written and proven: an install is complete, or what it had replaced is back.
pub(super) fn finish(
    link: &mut BoardLink,
    plan: &FlashPlan,
    job: &mut Job<'_>,
) -> Result<(), Stop> {
    let Some(change) = &plan.agent else {
        return Ok(());
    };
    let keep = link.keep();
    let identity = link.loader(job)?.identify()?;
    let mac = known_mac(identity.mac.as_deref())?;
    let kept = match change {
        AgentInFlash::Install { slot, .. } => put_note(&*keep, mac, slot, true),
        AgentInFlash::Restore => forget(&*keep, mac),
    };
    Ok(kept.map_err(|error| failed(&error))?)
}

/// The agent is in another slot, or on its way there.
pub(super) fn elsewhere(slot: &str) -> JobError {
    JobError::new(
        format!("Flashpack has put the agent into {slot} of this board already"),
        slot,
        format!(
            "Put back what it replaced with flashpack agent restore, or install to {slot} again"
        ),
    )
}

/// Without it nothing can be kept by board.
pub(super) fn known_mac(mac: Option<&str>) -> Result<&str, JobError> {
    mac.ok_or_else(|| {
        JobError::new(
            "The board did not tell its MAC address, by which what the agent replaces is kept",
            "board",
            "Reset the board and try again",
        )
    })
}

fn put_note(keep: &dyn Keep, mac: &str, slot: &str, proven: bool) -> Result<(), KeepError> {
    let note = Note {
        flashpack_agent_install: VERSION,
        mac: mac.to_owned(),
        slot: slot.to_owned(),
        proven,
    };
    // Numbers and texts: there is nothing in it that JSON could refuse.
    let note = serde_json::to_vec_pretty(&note).unwrap_or_default();
    keep.put(&note_name(mac), &note)
}

fn forget(keep: &dyn Keep, mac: &str) -> Result<(), KeepError> {
    keep.remove(&note_name(mac))?;
    keep.remove(&manifest_name(mac))?;
    keep.remove(&image_name(mac))
}

/// Somebody else's app lies where the agent was, but what was there before the agent may still be wanted.
fn set_aside(keep: &dyn Keep, mac: &str, kept: &Replaced) -> Result<(), KeepError> {
    let earlier = format!("agent-replaced-earlier-{}.bin", board_name(mac));
    keep.put(&earlier, &kept.bytes)?;
    keep.put(&(earlier + ".json"), &backup::write(&kept.manifest))?;
    forget(keep, mac)
}

fn failed(error: &KeepError) -> JobError {
    JobError::new(error.message.clone(), "kept files", error.help.clone())
}

fn not_kept(error: &KeepError) -> JobError {
    JobError::new(
        format!(
            "Nothing was erased, because what the agent would replace could not be saved first: {}",
            error.message
        ),
        "kept files",
        error.help.clone(),
    )
}

fn image_name(mac: &str) -> String {
    format!("agent-replaced-{}.bin", board_name(mac))
}

fn manifest_name(mac: &str) -> String {
    image_name(mac) + ".json"
}

fn note_name(mac: &str) -> String {
    format!("agent-install-{}.json", board_name(mac))
}
