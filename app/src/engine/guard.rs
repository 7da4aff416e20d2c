//! Looks for what a plan must not do: to this chip, to this flash, to these partitions.
//!
//! Pure over the plan and what the board said of itself; both front ends show the same findings, and the job that
//! writes asks again for those that depend on the board, because another one may have been plugged in since.

mod merged;

use super::plan::TABLE;
use crate::formats::app_image::{self, ImageRole, ImageTarget, Subject};
use crate::formats::partition_bin::{self, Md5Row};
use crate::model::cause::Cause;
use crate::model::chip::{BoardIdentity, Chip};
use crate::model::flash_plan::{FlashPlan, PlannedWrite, Role};
use crate::model::guard::{Guard, GuardName};
use crate::model::number::{hex, human_size};
use crate::model::partition_table::APP;
use crate::model::planned_move::PlannedMove;
use crate::model::problem::Severity;
use crate::model::region::{BLOCK, Region, SECTOR};

/// Everything that is refused about a plan, overridden or not. Without a board its own rules are not looked at.
pub fn guards(plan: &FlashPlan, board: Option<&BoardIdentity>) -> Vec<Guard> {
    let mut found = of_plan(plan);
    match board {
        Some(board) => found.extend(of_board(plan, board)),
        None => found.extend(of_images(plan, plan.chip, None, None)),
    }
    found
}

/// Those of [`guards`] that no name of the plan overrides.
pub fn refused(plan: &FlashPlan, board: Option<&BoardIdentity>) -> Vec<Guard> {
    let mut found = guards(plan, board);
    found.retain(|guard| !guard.is_forced(&plan.forced));
    found
}

/// What the plan alone shows: places that overlap, are misaligned, or belong to the bootloader, the table or another
/// partition.
fn of_plan(plan: &FlashPlan) -> Vec<Guard> {
    let mut found: Vec<Guard> = super::plan::overlaps(plan)
        .into_iter()
        .map(|problem| Guard::firm("plan", problem.message, problem.help).because(Cause::Overlap))
        .collect();
    if let Some(choice) = plan
        .boots
        .as_ref()
        .filter(|choice| choice.holds_app == Some(false))
    {
        found.push(Guard::new(
            GuardName::AppImage,
            &choice.partition,
            format!(
                "{} is chosen to boot and holds no app: the board would start another one",
                choice.partition
            ),
            "Write an app to it first, or choose another slot",
        ));
    }
    found.extend(left_behind(plan));
    for write in &plan.writes {
        found.extend(misaligned(write));
        found.extend(bootloader_place(plan, write));
        found.extend(table_place(plan, write));
        found.extend(past_partition(plan, write));
    }
    found
}

/// What this board does not take.
pub(super) fn of_board(plan: &FlashPlan, board: &BoardIdentity) -> Vec<Guard> {
    let mut found = Vec::new();
    if let Some(wanted) = plan.chip.filter(|chip| *chip != board.chip) {
        found.push(Guard::new(
            GuardName::WrongChip,
            "board",
            format!(
                "This is made for the {wanted}, and the board is an {}",
                board.chip
            ),
            "Choose another board, or change the project's chip",
        ));
    }
    if board.secure_download == Some(true) {
        found.push(
            Guard::firm(
                "board",
                "The board is in secure download mode: it can neither be compared nor verified",
                "Such a board can only be written by its own signed update",
            )
            .because(Cause::SecureDownload),
        );
    }
    if board.flash_encrypted == Some(true) {
        found.push(Guard::new(
            GuardName::Encrypted,
            "board",
            "The board's flash is encrypted: the chip would take these plain bytes for something else",
            "Write it by its own update, or with a tool that encrypts for its key",
        ));
    }
    if board.secure_boot == Some(true) {
        found.push(Guard::new(
            GuardName::SecureBoot,
            "board",
            "The board starts only images that are signed with its key, and signatures are not checked here",
            "Make sure that every image is signed for this board",
        ));
    }
    if let Some(flash) = board.flash_size {
        let outside = |write: &&PlannedWrite| write.region().sectors().end() > u64::from(flash);
        found.extend(plan.writes.iter().filter(outside).map(|write| {
            Guard::firm(
                &write.target,
                format!(
                    "{} does not fit: it ends at {}, the board's flash ends at {}",
                    write.target,
                    hex(write.region().end()),
                    hex(flash)
                ),
                format!("Use a layout for {}", human_size(u64::from(flash))),
            )
            .because(Cause::FlashTooSmall)
        }));
        found.extend(
            plan.writes
                .iter()
                .filter_map(|write| table_size(write, flash)),
        );
    }
    found.extend(of_images(
        plan,
        Some(board.chip),
        board.revision,
        board.flash_size,
    ));
    found
}

/// What is wrong with the images that go to app partitions and to the bootloader's place.
fn of_images(
    plan: &FlashPlan,
    chip: Option<Chip>,
    revision: Option<(u32, u32)>,
    flash: Option<u32>,
) -> Vec<Guard> {
    let app_target = |partition: &str, slot_size| ImageTarget {
        chip,
        revision,
        slot_size,
        partition: partition.to_owned(),
        role: ImageRole::App,
    };
    let mut found = Vec::new();
    for write in &plan.writes {
        let bootloader = chip.and_then(|chip| {
            let at = chip.facts().bootloader_offset.checked_sub(write.offset)?;
            write
                .bytes
                .get(at as usize..)
                .filter(|bytes| !bytes.is_empty())
        });
        if let Some(bytes) = bootloader.filter(|_| reaches_bootloader(plan, write)) {
            found.extend(bootloader_image(write, bytes, chip));
            found.extend(flash_size(&write.source, &write.target, bytes, flash));
        } else if plan.whole_file(write).is_none() && is_app(plan, write) {
            // Whether it fits its slot is looked at as for any other file.
            let target = app_target(&write.target, None);
            found.extend(image_guards(&write.source, &write.bytes, &target));
            found.extend(flash_size(
                &write.source,
                &write.target,
                &write.bytes,
                flash,
            ));
        }
    }
    for app in merged::apps(plan) {
        let target = app_target(&app.slot.name, Some(app.slot.region.size));
        found.extend(image_guards(app.source, &app.bytes, &target));
        found.extend(flash_size(app.source, &app.slot.name, &app.bytes, flash));
    }
    found
}

fn reaches_bootloader(plan: &FlashPlan, write: &PlannedWrite) -> bool {
    write.offset < plan.layout.settings.table_offset
}

/// Whether the write begins where an app partition does.
fn is_app(plan: &FlashPlan, write: &PlannedWrite) -> bool {
    write.role == Role::App
        || plan
            .layout
            .at(write.offset)
            .is_some_and(|place| place.kind == APP && place.region.offset == write.offset)
}

fn image_guards(source: &str, bytes: &[u8], target: &ImageTarget) -> Vec<Guard> {
    let findings = app_image::findings(bytes, target).into_iter();
    let errors = findings.filter(|(_, problem)| problem.severity == Severity::Error);
    let guards = errors.map(|(subject, problem)| {
        let name = match subject {
            Subject::Chip => GuardName::WrongChip,
            Subject::Revision => GuardName::WrongRevision,
            Subject::Image | Subject::Size => GuardName::AppImage,
        };
        let message = format!("{source} for {}: {}", target.partition, problem.message);
        Guard::new(name, &target.partition, message, problem.help)
    });
    guards.collect()
}

fn bootloader_image(write: &PlannedWrite, bytes: &[u8], chip: Option<Chip>) -> Option<Guard> {
    let Some(header) = app_image::header(bytes) else {
        return Some(Guard::new(
            GuardName::Bootloader,
            &write.target,
            format!(
                "{} holds no bootloader: the board would not start",
                write.source
            ),
            "Choose the bootloader that the build made for this chip",
        ));
    };
    let chip = chip.filter(|chip| header.chip_id != chip.facts().image_id)?;
    let made_for = header.chip().map_or_else(
        || format!("a chip with number {}", header.chip_id),
        |chip| chip.to_string(),
    );
    Some(Guard::new(
        GuardName::WrongChip,
        &write.target,
        format!(
            "The bootloader in {} is made for {made_for}, and the chip is {chip}",
            write.source
        ),
        "Choose the bootloader for this chip",
    ))
}

fn flash_size(source: &str, target: &str, bytes: &[u8], flash: Option<u32>) -> Option<Guard> {
    let flash = flash?;
    let named = app_image::header(bytes)?.flash_size?;
    (named > flash).then(|| {
        Guard::new(
            GuardName::FlashSize,
            target,
            format!(
                "The header of {source} says {} of flash, and the board has {}: it would not start",
                human_size(u64::from(named)),
                human_size(u64::from(flash))
            ),
            "Build it for this flash size",
        )
    })
}

fn table_size(write: &PlannedWrite, flash: u32) -> Option<Guard> {
    if write.role != Role::Table {
        return None;
    }
    let table = partition_bin::read(&write.bytes).table;
    let layout = table.layout();
    let beyond = layout
        .iter()
        .find(|placed| placed.region.end() > u64::from(flash))?;
    Some(Guard::new(
        GuardName::FlashSize,
        &write.target,
        format!(
            "{} of the table ends at {}, and the board has {} of flash",
            beyond.row.shown_name(),
            hex(beyond.region.end()),
            human_size(u64::from(flash))
        ),
        "Use a layout for this flash",
    ))
}

/// Data that a changed table moves or cuts off, unless all of it is carried along.
fn left_behind(plan: &FlashPlan) -> impl Iterator<Item = Guard> {
    let carried =
        |planned: &&PlannedMove| plan.carry && planned.carried().is_some() && planned.lost() == 0;
    let left = plan.moves.iter().filter(move |planned| !carried(planned));
    let unknown = plan.moves_unknown.iter().map(|unknown| {
        let message = unknown.sentence();
        Guard::new(GuardName::LeaveData, TABLE, message, unknown.help())
    });
    let left = left.map(|planned| {
        let help = if planned.carried().is_some() && !plan.carry {
            "Carry it along: --move-data, or the tick in the window; or back it up first"
        } else {
            "Back it up first: flashpack backup, or keep the partition's size"
        };
        Guard::new(
            GuardName::LeaveData,
            &planned.name,
            planned.sentence(),
            help,
        )
    });
    left.chain(unknown)
}

fn misaligned(write: &PlannedWrite) -> Option<Guard> {
    let app = write.role == Role::App && !write.offset.is_multiple_of(BLOCK);
    let (unit, why) = if !write.offset.is_multiple_of(SECTOR) {
        (
            "4 KiB",
            "flash is erased by sectors, so what shares the first one is written again",
        )
    } else if app {
        ("64 KiB", "the chip maps an app in pages of that size")
    } else {
        return None;
    };
    Some(Guard::new(
        GuardName::Misaligned,
        &write.target,
        format!("{} is no multiple of {unit}: {why}", hex(write.offset)),
        format!("Write to a multiple of {unit}"),
    ))
}

fn bootloader_place(plan: &FlashPlan, write: &PlannedWrite) -> Option<Guard> {
    let place = Region::new(0, plan.layout.settings.table_offset);
    write.region().overlaps(place).then(|| {
        Guard::new(
            GuardName::Bootloader,
            &write.target,
            format!(
                "{} at {} lies where the board starts from, below its partition table at {}",
                write.source,
                hex(write.offset),
                hex(place.size)
            ),
            "Write behind the partition table; a board without its bootloader starts only into its loader",
        )
    })
}

/// Why what would lie at the table's offset is no table; `None` when it is one, or nothing would lie there.
fn table_place(plan: &FlashPlan, write: &PlannedWrite) -> Option<Guard> {
    let place = plan.layout.settings.table_region();
    if !write.region().overlaps(place) {
        return None;
    }
    let start = place.offset.checked_sub(write.offset);
    let bytes = start.and_then(|start| write.bytes.get(start as usize..));
    let why = bytes.map_or_else(
        || Some("it begins inside the table's sector".to_owned()),
        |bytes| no_table(&bytes[..bytes.len().min(place.size as usize)]),
    )?;
    Some(Guard::new(
        GuardName::TablePlace,
        &write.target,
        format!(
            "{} cannot go to {}, the table's place: {why}",
            write.source,
            hex(place.offset)
        ),
        "Make a binary table of a CSV with flashpack table convert, or give another offset",
    ))
}

/// Why these bytes are no table that a board could use; `None` when they are one.
pub fn no_table(bytes: &[u8]) -> Option<String> {
    let reading = partition_bin::read(bytes);
    let error = reading
        .problems
        .iter()
        .find(|problem| problem.severity == Severity::Error);
    match (reading.refusal.as_ref().or(error), reading.md5) {
        (Some(problem), _) => Some(uncapital(&problem.message)),
        (None, Md5Row::Wrong) => Some("its MD5 is wrong".to_owned()),
        (None, _) if reading.table.rows.is_empty() => Some("it names no partition".to_owned()),
        (None, _) => None,
    }
}

fn past_partition(plan: &FlashPlan, write: &PlannedWrite) -> Option<Guard> {
    // Of a file that is written in pieces the whole is looked at, once.
    if plan.goes_on(write) {
        return None;
    }
    let region = plan.whole_file(write).unwrap_or_else(|| write.region());
    // A file for the start of the flash goes over everything, and is refused for that.
    let place = plan.layout.at(region.offset)?;
    let over = region.end().checked_sub(place.region.end())?;
    if over == 0 {
        return None;
    }
    Some(Guard::new(
        GuardName::PastPartition,
        &write.target,
        format!(
            "{} has {} and “{}” has {}: {} would lie behind it",
            write.source,
            human_size(u64::from(region.size)),
            place.name,
            human_size(u64::from(place.region.size)),
            human_size(over)
        ),
        "Make the partition larger, or write a smaller file",
    ))
}

fn uncapital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests;
