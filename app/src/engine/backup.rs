//! Which regions a backup takes, and what a restore writes: both decided before anything is read or sent. Files are
//! the front end's business, the bytes are read and written by the ordinary jobs.

use std::sync::Arc;

use super::plan::TABLE;
use crate::formats::backup::{BackedUp, Manifest, TableLine};
use crate::model::chip::BoardIdentity;
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::guard::GuardName;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::{APP, DATA, PartitionTable};
use crate::model::problem::{Place, Problem};
use crate::model::region::Region;

/// What a restore may do without being asked again: it puts back what a board held, and its own warnings name another
/// board, another chip and a smaller flash. Encryption and signatures are the board's own and stay in the way.
const PUT_BACK: [GuardName; 9] = [
    GuardName::AppImage,
    GuardName::Bootloader,
    GuardName::FlashSize,
    GuardName::LeaveData,
    GuardName::Misaligned,
    GuardName::PastPartition,
    GuardName::TablePlace,
    GuardName::WrongChip,
    GuardName::WrongRevision,
];

/// How the second-stage bootloader is called in a backup.
const BOOTLOADER: &str = "bootloader";

/// All of a flash, in order and without gaps: the partitions of its table by their names, the bootloader, the table,
/// and what lies between by its offset. Without a table it is one region.
pub fn all_regions(
    flash: Region,
    board: &BoardIdentity,
    table: Option<&PartitionTable>,
) -> Vec<(String, Region)> {
    let mut named = Vec::new();
    if let Some(table) = table {
        let place = table.settings.table_region();
        named.push((TABLE.to_owned(), place));
        let start = board.chip.facts().bootloader_offset;
        if start < place.offset {
            named.push((
                BOOTLOADER.to_owned(),
                Region::new(start, place.offset - start),
            ));
        }
        let partitions = table.layout();
        named.extend(
            partitions
                .iter()
                .map(|placed| (placed.row.name.clone(), placed.region)),
        );
    }
    named.sort_by_key(|(_, region)| region.offset);
    let mut regions = Vec::new();
    let mut at = flash.offset;
    for (name, region) in named {
        // A row that overlaps, or lies outside, has no bytes of its own; what it names is in the backup all the same.
        if region.size == 0 || region.offset < at || !flash.contains(region) {
            continue;
        }
        if region.offset > at {
            regions.push((hex(at), Region::new(at, region.offset - at)));
        }
        at = region.offset + region.size;
        regions.push((name, region));
    }
    let left = (flash.end() - u64::from(at)) as u32;
    if left > 0 {
        regions.push((hex(at), Region::new(at, left)));
    }
    regions
}

/// A restore that was not carried out yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    pub plan: FlashPlan,
    /// What a person must know first, because this may be the wrong board.
    pub warnings: Vec<String>,
}

/// Plans to write a backup, or the regions of these names, back to a board. What must be there is in `file`, as
/// [`crate::formats::backup::check`] has shown.
///
/// # Errors
/// When there is no region of a name, or the backup ends beyond the board's flash.
#[expect(
    clippy::result_large_err,
    reason = "made once per restore; a box would only hide the problem"
)]
pub fn restore(
    manifest: &Manifest,
    file: &Arc<[u8]>,
    only: &[String],
    source: &str,
    board: &BoardIdentity,
) -> Result<Restore, Problem> {
    for name in only {
        if !manifest.regions.iter().any(|region| region.name == *name) {
            return Err(no_region(manifest, name));
        }
    }
    let wanted = |region: &&BackedUp| only.is_empty() || only.contains(&region.name);
    let mut writes = Vec::new();
    for region in manifest.regions.iter().filter(wanted) {
        if let Some(flash) = board
            .flash()
            .filter(|flash| !flash.contains(region.region()))
        {
            return Err(Problem::error(
                Place::Partition {
                    name: region.name.clone(),
                },
                format!(
                    "“{}” of the backup ends at {}, and this board's flash at {}",
                    region.name,
                    hex(region.region().end()),
                    hex(flash.end())
                ),
                "Restore single partitions that fit, or use a board with more flash",
            ));
        }
        if let Some(bytes) = region.slice(file) {
            writes.push(write(manifest, region, bytes, source));
        }
    }
    Ok(Restore {
        plan: FlashPlan {
            forced: PUT_BACK.to_vec(),
            ..FlashPlan::new(writes)
        },
        warnings: warnings(manifest, board),
    })
}

fn write(manifest: &Manifest, region: &BackedUp, bytes: &[u8], source: &str) -> PlannedWrite {
    PlannedWrite {
        role: role(manifest.table.as_deref().unwrap_or_default(), region),
        target: region.name.clone(),
        source: source.to_owned(),
        offset: region.offset,
        bytes: bytes.into(),
        destroys: vec![format!(
            "Replaces {} at {} by what the backup holds",
            human_size(u64::from(region.size)),
            hex(region.offset)
        )],
    }
}

fn role(table: &[TableLine], region: &BackedUp) -> Role {
    let line = table
        .iter()
        .find(|line| line.name == region.name && line.offset == region.offset);
    match line.map(|line| (line.kind, line.subtype)) {
        Some((APP, _)) => Role::App,
        Some((DATA, 0)) => Role::OtaData,
        None if region.name == TABLE => Role::Table,
        None if region.name == BOOTLOADER => Role::Bootloader,
        Some(_) | None => Role::Data,
    }
}

fn warnings(manifest: &Manifest, board: &BoardIdentity) -> Vec<String> {
    let mut warnings = Vec::new();
    match (&manifest.mac, &board.mac) {
        (Some(theirs), Some(this)) if theirs != this => warnings.push(format!(
            "This backup is of another board: it was made of {theirs}, and this is {this}"
        )),
        (Some(_), Some(_)) => {}
        _ => warnings.push("Nobody can tell whether this backup is of this board".to_owned()),
    }
    if manifest.chip != board.chip {
        warnings.push(format!(
            "This backup is of an {}, and this board is an {}: what is restored may not start",
            manifest.chip, board.chip
        ));
    }
    if let (Some(theirs), Some(this)) = (manifest.flash_size, board.flash_size)
        && theirs != this
    {
        warnings.push(format!(
            "This backup is of a board with {} of flash, and this one has {}",
            human_size(u64::from(theirs)),
            human_size(u64::from(this))
        ));
    }
    warnings
}

fn no_region(manifest: &Manifest, name: &str) -> Problem {
    let names: Vec<&str> = manifest
        .regions
        .iter()
        .map(|region| &*region.name)
        .collect();
    Problem::error(
        Place::Partition { name: name.into() },
        format!("The backup has no “{name}”"),
        format!("It has {}", names.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::backup;
    use crate::model::chip::Chip;
    use crate::store::project_file;

    fn board(mac: &str, chip: Chip, flash_size: u32) -> BoardIdentity {
        BoardIdentity {
            mac: Some(mac.into()),
            flash_size: Some(flash_size),
            ..BoardIdentity::of_chip(chip, None)
        }
    }

    fn this() -> BoardIdentity {
        board("60:55:f9:00:00:01", Chip::Esp32c3, 0x40_0000)
    }

    #[test]
    fn all_of_a_flash_has_no_gaps_whatever_the_table_says() {
        let mut table = (*project_file::sample().table).clone();
        for broken in [false, true] {
            let regions = all_regions(Region::new(0, 0x40_0000), &this(), Some(&table));
            let mut at = 0;
            for (name, region) in &regions {
                assert_eq!(region.offset, at, "{name}");
                at += region.size;
            }
            assert_eq!(at, 0x40_0000);
            if !broken {
                let names: Vec<&str> = regions.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(names[..3], ["bootloader", "partition table", "nvs"]);
            }
            // The same row twice: one of the two has no bytes of its own.
            let first = table.rows[0].clone();
            table.rows.push(first);
        }
        let regions = all_regions(Region::new(0, 0x40_0000), &this(), None);
        assert_eq!(regions, [("0x0".to_owned(), Region::new(0, 0x40_0000))]);
    }

    fn made() -> (Manifest, Arc<[u8]>) {
        let table = project_file::sample().table;
        let regions = [
            (TABLE.to_owned(), Region::new(0x8000, 4)),
            ("bin".to_owned(), Region::new(0x30_0000, 4)),
        ];
        let file = b"tablbin!";
        let manifest = backup::manifest(&this(), Some(&table), &regions, file, None).unwrap();
        (manifest, file.to_vec().into())
    }

    #[test]
    fn the_table_goes_last_and_a_single_region_alone() {
        let (manifest, file) = made();
        let all = restore(&manifest, &file, &[], "b.bin", &this()).unwrap();
        let targets: Vec<&str> = all.plan.writes.iter().map(|write| &*write.target).collect();
        assert_eq!(targets, ["bin", TABLE]);
        assert_eq!(all.plan.writes[1].role, Role::Table);
        assert_eq!(all.warnings, Vec::<String>::new());
        let one = restore(&manifest, &file, &["bin".into()], "b.bin", &this()).unwrap();
        assert_eq!(&one.plan.writes[0].bytes[..], b"bin!");
        let none = restore(&manifest, &file, &["vfs".into()], "b.bin", &this()).unwrap_err();
        assert!(none.help.contains("bin"), "{none:?}");
    }

    #[test]
    fn another_board_chip_or_size_is_warned_of_and_too_little_flash_refused() {
        let (manifest, file) = made();
        let other = board("60:55:f9:00:00:02", Chip::Esp32s3, 0x80_0000);
        let warnings = restore(&manifest, &file, &[], "b.bin", &other)
            .unwrap()
            .warnings;
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].contains("60:55:f9:00:00:02"));
        let small = board("60:55:f9:00:00:01", Chip::Esp32c3, 0x20_0000);
        let refused = restore(&manifest, &file, &[], "b.bin", &small).unwrap_err();
        assert!(refused.message.contains("0x200000"), "{refused:?}");
    }
}
