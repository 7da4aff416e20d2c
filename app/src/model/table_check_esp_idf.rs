//! The rules of ESP-IDF's `gen_esp32part.py` 1.5, each as a problem with its place and, where there is one, its fix.
//!
//! The tool stops at the first error; here all of them are found. Where it fails without a word of its own (a number
//! that does not fit its field), that is an error here too.

use super::number::hex;
use super::partition_table::{Extent, MAX_ROWS, Offset, Row, Size};
use super::problem::{Column, Fix, Place, Problem, Severity};
use super::table_check::{Checked, Form, at, place_is_known};
use super::table_check_rows::row_problems;
use super::table_names::{DATA, DATA_OTA, DATA_TEE_OTA};
use super::table_spelling::Encoding;

/// Size of otadata: two records, each in a sector of its own.
pub(super) const OTADATA_SIZE: u32 = 0x2000;
/// Every error and warning of the tool. `form` says what file the tool is given; without it, rows that came from a
/// binary table are only warned of when their order would not do in a CSV.
pub(super) fn esp_idf_problems(checked: &Checked<'_>, form: Option<Form>) -> Vec<Problem> {
    let mut problems = Vec::new();
    file(checked, &mut problems);
    settings(checked, &mut problems);
    for (index, row, extent) in checked.rows() {
        row_problems(checked, index, row, extent, &mut problems);
    }
    unique_names(checked, &mut problems);
    if form != Some(Form::Binary) {
        ascending_order(checked, form, &mut problems);
    }
    places(checked, &mut problems);
    otadata(checked, DATA_OTA, "otadata", &mut problems);
    otadata(checked, DATA_TEE_OTA, "TEE otadata", &mut problems);
    // Only writing a binary table counts; one that was read has found its room.
    if form != Some(Form::Binary) {
        row_count(checked, &mut problems);
    }
    problems
}

fn file(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let what = match checked.table.text.as_ref().map(|text| text.encoding) {
        Some(Encoding::Bytes) => "This file is not UTF-8, and ESP-IDF refuses it",
        Some(Encoding::Utf32Le) => {
            "This file is UTF-32, which ESP-IDF takes for UTF-16 and refuses"
        }
        _ => return,
    };
    problems.push(Problem::error(Place::Table, what, "Save it as UTF-8").with_fix(Fix::SaveAsUtf8));
}

fn settings(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let settings = &checked.table.settings;
    if let Some(bootloader) = settings.primary_bootloader_offset
        && bootloader >= settings.table_offset
    {
        problems.push(Problem::error(
            Place::Table,
            format!(
                "The bootloader at {} is not below the partition table at {}",
                hex(bootloader),
                hex(settings.table_offset)
            ),
            "Correct the bootloader offset or the table offset",
        ));
    }
}

fn unique_names(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    if all_differ(checked) {
        return;
    }
    let mut names: Vec<(&str, usize)> = checked
        .rows()
        .map(|(index, row, _)| (row.name.as_str(), index))
        .collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        let [(first, first_row), (second, row)] = pair else {
            continue;
        };
        if first != second {
            continue;
        }
        let free = free_name(checked, first);
        problems.push(
            Problem::error(
                at(*row, Column::Name),
                format!(
                    "The name {first} is taken already, by row {}",
                    first_row + 1
                ),
                format!("Rename one of them, for example to {free}"),
            )
            .with_fix(Fix::SetCell {
                row: *row,
                column: Column::Name,
                text: free,
            }),
        );
    }
}

/// Whether all names surely differ, told by sums of their bytes: numbers are sorted faster than texts, and a table
/// with two equal names is the exception.
fn all_differ(checked: &Checked<'_>) -> bool {
    // FNV-1a, 64 bits wide.
    let sum = |name: &str| {
        name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        })
    };
    let mut sums: Vec<u64> = checked.rows().map(|(_, row, _)| sum(&row.name)).collect();
    sums.sort_unstable();
    sums.is_sorted_by(|one, next| one < next)
}

/// A name like this one that no row has: `vfs_2`.
pub(super) fn free_name(checked: &Checked<'_>, name: &str) -> String {
    super::table_edit::free_name(checked.table, name)
}

/// In a CSV each offset must be at or behind the end of the row above.
fn ascending_order(checked: &Checked<'_>, form: Option<Form>, problems: &mut Vec<Problem>) {
    let mut last_end = i64::from(checked.table.settings.first_usable());
    let mut above: Option<&Row> = None;
    for (index, row, extent) in checked
        .rows()
        .filter(|(_, row, _)| !row.is_primary() && place_is_known(row))
    {
        if let (Offset::At(offset), Some(above)) = (row.offset, above)
            && i64::from(offset) < last_end
            && i64::from(offset) >= i64::from(checked.table.settings.first_usable())
        {
            let binary = form.is_none() && row.is_from_binary() && above.is_from_binary();
            let severity = if binary {
                Severity::Warning
            } else {
                Severity::Error
            };
            let message = format!(
                "{} starts at {}, before the row above it, {}, ends at {}",
                row.shown_name(),
                hex(offset),
                above.shown_name(),
                hex(last_end.unsigned_abs())
            );
            let help =
                "ESP-IDF wants the rows of a CSV in the order of their offsets, without overlap";
            problems.push(
                Problem::new(severity, at(index, Column::Offset), message, help)
                    .with_fix(Fix::SortRows),
            );
        }
        last_end = extent.end();
        above = Some(row);
    }
}

/// Partitions below the end of the table, and partitions that overlap.
fn places(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let first_usable = i64::from(checked.table.settings.first_usable());
    let mut last: Option<(&Row, Extent)> = None;
    for (index, row, extent) in checked.by_offset.iter().copied() {
        if extent.offset < first_usable && !row.is_primary() {
            problems.push(below_the_table(checked, index, row, extent));
        }
        if let Some((other, before)) = last
            && extent.offset < before.end()
        {
            problems.push(
                Problem::error(
                    at(index, Column::Offset),
                    format!(
                        "{} at {} overlaps {}, which ends at {}",
                        row.shown_name(),
                        hex(extent.offset.unsigned_abs()),
                        other.shown_name(),
                        hex(before.end().unsigned_abs())
                    ),
                    "Move or shrink one of them, or arrange all of them anew",
                )
                .with_fix(Fix::AutoArrange),
            );
        }
        last = Some((row, extent));
    }
}

fn below_the_table(checked: &Checked<'_>, index: usize, row: &Row, extent: Extent) -> Problem {
    let settings = &checked.table.settings;
    let what = if extent.end() <= i64::from(settings.table_offset) {
        "where the bootloader lies"
    } else {
        "over the partition table itself"
    };
    let first = hex(settings.first_usable());
    Problem::error(
        at(index, Column::Offset),
        format!(
            "{} starts at {}, {what}",
            row.shown_name(),
            hex(extent.offset.unsigned_abs())
        ),
        format!("The first offset that is free is {first}"),
    )
    .with_fix(Fix::AutoArrange)
}

fn otadata(checked: &Checked<'_>, subtype: u8, what: &str, problems: &mut Vec<Problem>) {
    let readable =
        |row: &Row| row.unread(Column::Type).is_none() && row.unread(Column::SubType).is_none();
    let mut found = checked
        .rows()
        .filter(|(_, row, _)| row.kind == DATA && row.subtype == subtype && readable(row));
    let Some((index, row, extent)) = found.next() else {
        return;
    };
    let mut only = true;
    for (index, other, _) in found {
        only = false;
        problems.push(
            Problem::error(
                at(index, Column::SubType),
                format!(
                    "{} is a second {what} partition, besides {}",
                    other.shown_name(),
                    row.shown_name()
                ),
                "A table may have one only: remove one of them",
            )
            .with_fix(Fix::RemoveRow { row: index }),
        );
    }
    let known = place_is_known(row) && row.size != Size::Auto;
    if only && known && extent.size != i64::from(OTADATA_SIZE) {
        problems.push(
            Problem::error(
                at(index, Column::Size),
                format!(
                    "The {what} partition {} has {} bytes, but must have exactly 0x2000",
                    row.shown_name(),
                    hex(extent.size.unsigned_abs())
                ),
                "Make it 0x2000",
            )
            .with_fix(Fix::SetCell {
                row: index,
                column: Column::Size,
                text: "0x2000".to_owned(),
            }),
        );
    }
}

fn row_count(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let count = checked.table.rows.len();
    if count > MAX_ROWS {
        problems.push(Problem::error(
            Place::Table,
            format!("The table has {count} partitions, but only {MAX_ROWS} fit"),
            "Remove or merge some",
        ));
    }
}

/// The check behind `--flash-size`: it looks at the partition with the highest offset only.
pub(super) fn flash_size_errors(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let Some(flash_size) = checked.flash_size else {
        return;
    };
    let last = checked
        .rows()
        .fold(None::<(usize, &Row, Extent)>, |last, row| match last {
            Some(last) if last.2.offset >= row.2.offset => Some(last),
            _ => Some(row),
        });
    if let Some((index, row, extent)) = last
        && extent.end() > i64::from(flash_size)
    {
        problems.push(beyond_the_flash(index, row, extent, flash_size));
    }
}

/// The problem of a partition that ends behind the end of the flash.
pub(super) fn beyond_the_flash(
    index: usize,
    row: &Row,
    extent: Extent,
    flash_size: u32,
) -> Problem {
    let starts_beyond = extent.offset >= i64::from(flash_size);
    Problem::error(
        at(
            index,
            if starts_beyond {
                Column::Offset
            } else {
                Column::Size
            },
        ),
        format!(
            "{} ends at {}, beyond the {} of flash",
            row.shown_name(),
            hex(extent.end().unsigned_abs()),
            super::number::human_size(u64::from(flash_size))
        ),
        if starts_beyond {
            "Make room below, or choose a larger flash"
        } else {
            "Shrink it, or choose a larger flash"
        },
    )
}
