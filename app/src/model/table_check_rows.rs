//! ESP-IDF's rules that concern one row alone: cells that cannot be read, numbers that do not fit, alignment, flags,
//! names. Part of `table_check_esp_idf`.

use super::number::hex;
use super::partition_table::{Extent, Offset, Row, Size};
use super::problem::{Column, Fix, Problem};
use super::region::{BLOCK, SECTOR};
use super::table_check::{Checked, at, place_is_known};
use super::table_names::{
    APP, BOOTLOADER, DATA, DATA_COREDUMP, DATA_NVS, DATA_OTA, FLAG_READONLY, PARTITION_TABLE,
    flags_text, subtype_name, subtypes, type_name, types, unknown_flags,
};

/// Smallest NVS that can be written: one sector is kept free for moving entries.
const NVS_LEAST: i64 = 0x3000;

/// Every rule for one row.
pub(super) fn row_problems(
    checked: &Checked<'_>,
    index: usize,
    row: &Row,
    extent: Extent,
    problems: &mut Vec<Problem>,
) {
    unread_cells(index, row, problems);
    place_can_be_known(checked, index, row, problems);
    if place_is_known(row) {
        fields_fit(index, row, extent, problems);
        alignment(index, row, extent, problems);
    }
    flags(index, row, extent, problems);
    keyword_names(checked, index, row, problems);
}

fn unread_cells(index: usize, row: &Row, problems: &mut Vec<Problem>) {
    for cell in row.unread_cells() {
        problems.push(Problem::error(
            at(index, cell.column),
            &*cell.message,
            &*cell.help,
        ));
    }
}

/// Sizes that are missing, and places that only a setting can tell.
fn place_can_be_known(checked: &Checked<'_>, index: usize, row: &Row, problems: &mut Vec<Problem>) {
    let settings = &checked.table.settings;
    if row.unread(Column::Type).is_some() {
        return;
    }
    let needs_bootloader = row.kind == BOOTLOADER
        && (row.size == Size::Auto || (row.subtype == 0 && row.offset == Offset::Auto));
    if needs_bootloader && settings.primary_bootloader_offset.is_none() {
        problems.push(Problem::error(
            at(index, Column::Offset),
            format!(
                "The place of {} depends on the primary bootloader's offset, which is not set",
                row.shown_name()
            ),
            "Set the primary bootloader offset (--primary-bootloader-offset)",
        ));
    }
    let needs_recovery = row.kind == BOOTLOADER && row.subtype == 2 && row.offset == Offset::Auto;
    if needs_recovery && settings.recovery_bootloader_offset.is_none() {
        problems.push(Problem::error(
            at(index, Column::Offset),
            format!(
                "The place of {} is the recovery bootloader's offset, which is not set",
                row.shown_name()
            ),
            "Set the recovery bootloader offset (--recovery-bootloader-offset)",
        ));
    }
    let may_be_empty = matches!(row.kind, BOOTLOADER | PARTITION_TABLE);
    if row.size == Size::Auto && !may_be_empty && row.unread(Column::Size).is_none() {
        problems.push(Problem::error(
            at(index, Column::Size),
            format!("{} has no size", row.shown_name()),
            "Write a size such as 64K or 0x10000",
        ));
    }
}

/// The binary table has 32 bits for an offset and for a size, and no sign.
fn fields_fit(index: usize, row: &Row, extent: Extent, problems: &mut Vec<Problem>) {
    if u32::try_from(extent.offset).is_err() {
        let message = format!("{} would start beyond 4 GiB", row.shown_name());
        problems.push(Problem::error(
            at(index, Column::Offset),
            message,
            "Make the rows above it smaller",
        ));
    }
    if extent.size < 0 {
        let message = match row.size {
            Size::UpTo(end) => {
                format!(
                    "{} reaches up to {}, but starts behind that, at {}",
                    row.shown_name(),
                    hex(end),
                    hex(extent.offset.unsigned_abs())
                )
            }
            _ => format!("{} has a negative size", row.shown_name()),
        };
        problems.push(Problem::error(
            at(index, Column::Size),
            message,
            "Write a size, or a later end",
        ));
    } else if u32::try_from(extent.size).is_err() {
        let message = format!("{} is larger than 4 GiB", row.shown_name());
        problems.push(Problem::error(
            at(index, Column::Size),
            message,
            "Write a size that fits the flash",
        ));
    }
}

fn alignment(index: usize, row: &Row, extent: Extent, problems: &mut Vec<Problem>) {
    let unit = i64::from(row.offset_unit());
    if extent.offset.rem_euclid(unit) != 0 {
        let next = extent.offset + (unit - extent.offset.rem_euclid(unit));
        let what = if row.kind == APP {
            "an app must start at a multiple of"
        } else {
            "a partition must start at a multiple of"
        };
        let mut problem = Problem::error(
            at(index, Column::Offset),
            format!(
                "{} starts at {}, but {what} {}",
                row.shown_name(),
                hex(extent.offset.unsigned_abs()),
                hex(unit.unsigned_abs())
            ),
            format!(
                "Move it to {}, or leave the offset empty",
                hex(next.unsigned_abs())
            ),
        );
        if let Ok(next) = u32::try_from(next) {
            problem = problem.with_fix(Fix::SetCell {
                row: index,
                column: Column::Offset,
                text: hex(next),
            });
        }
        problems.push(problem);
    }
    let sector = i64::from(SECTOR);
    if row.kind == APP && extent.size.rem_euclid(sector) != 0 {
        let down = extent.size - extent.size.rem_euclid(sector);
        let up = down + sector;
        let mut problem = Problem::error(
            at(index, Column::Size),
            format!(
                "The app {} has {} bytes, but the size of an app must be a multiple of 0x1000",
                row.shown_name(),
                hex(extent.size.unsigned_abs())
            ),
            format!("Make it {}", hex(up.unsigned_abs())),
        );
        if let Ok(up) = u32::try_from(up) {
            problem = problem.with_fix(Fix::SetCell {
                row: index,
                column: Column::Size,
                text: hex(up),
            });
        }
        problems.push(problem);
    }
}

fn flags(index: usize, row: &Row, extent: Extent, problems: &mut Vec<Problem>) {
    let unknown = unknown_flags(row.flags);
    if unknown != 0 {
        problems.push(Problem::warning(
            at(index, Column::Flags),
            format!("{} has unknown flag bits {unknown:#010x}", row.shown_name()),
            "They are kept in a binary table; a CSV cannot hold them",
        ));
    }
    if row.kind != DATA
        || [Column::Type, Column::SubType, Column::Flags]
            .iter()
            .any(|column| row.unread(*column).is_some())
    {
        return;
    }
    let readonly = row.flags & FLAG_READONLY != 0;
    if readonly && matches!(row.subtype, DATA_OTA | DATA_COREDUMP) {
        let text = flags_text(row.flags & !FLAG_READONLY);
        problems.push(
            Problem::error(
                at(index, Column::Flags),
                format!(
                    "{} holds {} data, which the chip must be able to write, but is readonly",
                    row.shown_name(),
                    subtype_name(DATA, row.subtype)
                ),
                "Take the flag away",
            )
            .with_fix(Fix::SetCell {
                row: index,
                column: Column::Flags,
                text,
            }),
        );
    }
    if row.subtype == DATA_NVS
        && extent.size < NVS_LEAST
        && !readonly
        && place_is_known(row)
        && row.size != Size::Auto
    {
        problems.push(
            Problem::error(
                at(index, Column::Size),
                format!(
                    "The NVS partition {} has {} bytes; one that is written needs 0x3000 at least",
                    row.shown_name(),
                    hex(extent.size.unsigned_abs())
                ),
                "Enlarge it to 0x3000, or give it the flag readonly",
            )
            .with_fix(Fix::SetCell {
                row: index,
                column: Column::Flags,
                text: flags_text(row.flags | FLAG_READONLY),
            }),
        );
    }
}

/// A name that is a keyword of another type or subtype: probably two cells were mixed up.
fn keyword_names(checked: &Checked<'_>, index: usize, row: &Row, problems: &mut Vec<Problem>) {
    let extra = checked.table.settings.extra;
    if row.unread(Column::Type).is_some() || row.unread(Column::SubType).is_some() {
        return;
    }
    if let Some((_, kind)) = types().iter().find(|(word, _)| *word == row.name)
        && *kind != row.kind
    {
        problems.push(Problem::warning(
            at(index, Column::Name),
            format!(
                "The name {} is a partition type, but this partition is of type {}",
                row.shown_name(),
                type_name(row.kind)
            ),
            "Check whether name and type are mixed up",
        ));
    }
    let is_subtype = types()
        .iter()
        .any(|(_, kind)| subtypes(*kind).iter().any(|(word, _)| *word == row.name))
        || extra.has_name(&row.name);
    let own = subtypes(row.kind)
        .iter()
        .find(|(word, _)| *word == row.name)
        .map(|(_, number)| *number)
        .or_else(|| {
            let own = extra.of(row.kind).find(|own| own.name == row.name);
            own.map(|own| own.subtype)
        });
    if is_subtype && own != Some(row.subtype) {
        problems.push(Problem::warning(
            at(index, Column::Name),
            format!(
                "The name {} is a partition subtype, but this partition is {}, {}",
                row.shown_name(),
                type_name(row.kind),
                subtype_name(row.kind, row.subtype)
            ),
            "Check whether name and subtype are mixed up",
        ));
    }
}

/// The rule of Secure Boot version 1.
pub(super) fn secure_boot_v1_errors(checked: &Checked<'_>) -> Vec<Problem> {
    let block = i64::from(BLOCK);
    let apps = checked
        .rows()
        .filter(|(_, row, extent)| row.kind == APP && extent.size.rem_euclid(block) != 0);
    apps.map(|(index, row, extent)| {
        Problem::error(
            at(index, Column::Size),
            format!("The app {} has {} bytes; with Secure Boot version 1 it must be a multiple of 0x10000", row.shown_name(), hex(extent.size.unsigned_abs())),
            "Round the size up to the next multiple of 64K",
        )
    })
    .collect()
}
