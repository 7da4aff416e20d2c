//! What the board would start: its table, otadata and the headers of its apps, by the rules of the bootloader.
//!
//! Only headers are read, so the answer takes a moment and not a minute; that checksum and SHA-256 of the app are
//! right is not claimed. Nothing on the board is changed.

use std::sync::Arc;

use super::board_link::BoardLink;
use super::error::Stop;
use super::event::{Outcome, Stage};
use super::job::Job;
use crate::formats::app_image::{self, AppDescriptor};
use crate::formats::boot_order::{self, Candidate};
use crate::formats::otadata::{OTADATA_BYTES, OtaData, Record};
use crate::formats::partition_bin::{self, Md5Row, TABLE_BYTES};
use crate::model::boots::{AppFacts, BootCandidate, Boots, FoundOtaData};
use crate::model::number::hex;
use crate::model::partition_table::{APP, PartitionTable};
use crate::model::region::{Region, SECTOR};

/// Bytes of an app that hold its header and its descriptor.
const HEAD: u32 = 0x120;

pub(super) fn run(
    link: &mut BoardLink,
    table_offset: u32,
    job: &mut Job<'_>,
) -> Result<Outcome, Stop> {
    look(link, table_offset, job).map(Outcome::Boots)
}

/// The same for another job.
pub(super) fn look(
    link: &mut BoardLink,
    table_offset: u32,
    job: &mut Job<'_>,
) -> Result<Boots, Stop> {
    let identity = link.loader(job)?.identify()?;
    job.stage(Stage::Reading);
    let table_region = Region::new(table_offset, TABLE_BYTES as u32);
    let Some(bytes) = read_inside(link, table_region, job)? else {
        return Ok(nothing(
            table_offset,
            Arc::from([]),
            format!("{} is beyond the end of the flash", hex(table_offset)),
        ));
    };
    let table = match table(&bytes, table_offset) {
        Ok(table) => table,
        Err(why) => {
            let why = if identity.flash_encrypted == Some(true) {
                "the flash is encrypted, so its table cannot be read".to_owned()
            } else {
                why
            };
            return Ok(nothing(table_offset, bytes, why));
        }
    };
    let otadata = otadata(link, &table, job)?;
    let layout = table.layout();
    let app = |subtype: u8| {
        let mut rows = layout.iter();
        rows.find(|placed| placed.row.kind == APP && placed.row.subtype == subtype)
    };
    let records = otadata.as_ref().map(|found| OtaData::read(&found.bytes));
    let order = boot_order::order(&app, records);
    let mut found = Vec::new();
    for Candidate { slot, partition } in &order.candidates {
        let head = Region::new(partition.region.offset, partition.region.size.min(HEAD));
        let head = read_inside(link, head, job)?.unwrap_or_default();
        found.push(BootCandidate {
            partition: partition.row.name.clone(),
            slot: *slot,
            region: partition.region,
            app: app_facts(&head),
        });
    }
    let boots = found.iter().find(|candidate| candidate.app.is_some());
    Ok(Boots {
        table_offset,
        partition: boots.map(|candidate| candidate.partition.clone()),
        offset: boots.map(|candidate| candidate.region.offset),
        app: boots.and_then(|candidate| candidate.app.clone()),
        why: why(&found, boots, records, order.slots),
        slots: order.slots,
        order: found,
        otadata,
        table: bytes,
    })
}

/// The bytes of a region, or nothing when it is not inside the flash.
pub(super) fn read_inside(
    link: &mut BoardLink,
    region: Region,
    job: &mut Job<'_>,
) -> Result<Option<Arc<[u8]>>, Stop> {
    let session = link.loader(job)?;
    let flash = session.identify()?.flash();
    if flash.is_some_and(|flash| !flash.contains(region)) {
        return Ok(None);
    }
    Ok(Some(session.read(region, &mut |_| job.go())?.into()))
}

/// The table as the bootloader takes it, or why it takes none.
pub(super) fn table(bytes: &[u8], offset: u32) -> Result<PartitionTable, String> {
    let mut reading = partition_bin::read(bytes);
    if reading.refusal.is_some() || reading.table.rows.is_empty() {
        return Err(format!("there is no partition table at {}", hex(offset)));
    }
    if reading.md5 == Md5Row::Wrong {
        return Err(format!(
            "the partition table at {} has a wrong MD5, so the bootloader refuses it",
            hex(offset)
        ));
    }
    reading.table.settings.table_offset = offset;
    Ok(reading.table)
}

fn otadata(
    link: &mut BoardLink,
    table: &PartitionTable,
    job: &mut Job<'_>,
) -> Result<Option<FoundOtaData>, Stop> {
    let Some(placed) = table.otadata() else {
        return Ok(None);
    };
    let region = placed.region;
    let mut bytes = vec![0xFF; OTADATA_BYTES];
    for start in [0, SECTOR] {
        // A record is 32 bytes; the rest of its sector is not looked at by anybody, but written back.
        if region.size >= start + SECTOR
            && let Some(read) = read_inside(link, Region::new(region.offset + start, SECTOR), job)?
        {
            bytes[start as usize..][..SECTOR as usize].copy_from_slice(&read);
        }
    }
    Ok(Some(FoundOtaData {
        partition: placed.row.name.clone(),
        region,
        bytes: bytes.into(),
    }))
}

/// What a header says; `None` when no app begins there.
fn app_facts(head: &[u8]) -> Option<AppFacts> {
    let header = app_image::header(head)?;
    let descriptor = app_image::descriptor(head);
    let text = |of: fn(&AppDescriptor) -> &String| {
        descriptor
            .as_ref()
            .map(|descriptor| of(descriptor).trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let built = descriptor
        .as_ref()
        .map(|descriptor| {
            format!("{} {}", descriptor.date, descriptor.time)
                .trim()
                .to_owned()
        })
        .filter(|built| !built.is_empty());
    Some(AppFacts {
        project: text(|descriptor| &descriptor.project_name),
        version: text(|descriptor| &descriptor.version),
        built,
        idf_version: text(|descriptor| &descriptor.idf_version),
        chip: header.chip().map_or_else(
            || format!("number {}", header.chip_id),
            |chip| chip.to_string(),
        ),
    })
}

fn why(
    order: &[BootCandidate],
    boots: Option<&BootCandidate>,
    otadata: Option<OtaData>,
    slots: u32,
) -> String {
    let first = match otadata.and_then(|otadata| Some((otadata, otadata.newest()?))) {
        Some((_, (index, record))) if slots > 0 => format!(
            "otadata names slot {}: record {index}, sequence {}, {}",
            (record.sequence - 1) % slots,
            record.sequence,
            record.state.name()
        ),
        _ => {
            let erased = |record: &Option<Record>| record.is_none_or(|record| record.is_erased());
            let otadata = match otadata {
                None => "there is no otadata",
                Some(otadata) if otadata.records.iter().all(erased) => "otadata is erased",
                Some(_) => "otadata has no valid record",
            };
            match order.first() {
                None => return "the table has no app partition".to_owned(),
                Some(first) => format!("{otadata}, so {} comes first", first.partition),
            }
        }
    };
    let empty = |candidate: &&BootCandidate| candidate.app.is_none();
    let skipped: Vec<&str> = order
        .iter()
        .take_while(empty)
        .map(|candidate| candidate.partition.as_str())
        .collect();
    match (boots, skipped.as_slice()) {
        (None, _) => format!("{first}, and no app partition holds an app"),
        (Some(_), []) => first,
        (Some(_), [one]) => format!("{first}, but there is no app in {one}"),
        (Some(_), several) => format!("{first}, but there is no app in {}", several.join(", ")),
    }
}

fn nothing(table_offset: u32, table: Arc<[u8]>, why: String) -> Boots {
    Boots {
        table_offset,
        partition: None,
        offset: None,
        app: None,
        why,
        order: Vec::new(),
        slots: 0,
        otadata: None,
        table,
    }
}
