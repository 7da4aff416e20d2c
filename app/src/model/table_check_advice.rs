//! What ESP-IDF's tool forgets to say about a partition table: rules of the bootloader, of MicroPython and of the seed
//! project's `flash.py`, and plain good sense. Facts and their sources are in `docs/formats.md`.

use super::number::{hex, human_size};
use super::partition_table::{Extent, NAME_BYTES, Row, Size};
use super::problem::{Column, Fix, Place, Problem, Severity};
use super::region::{BLOCK, SECTOR};
use super::table_check::{Checked, at, name_for_csv, place_is_known};
use super::table_check_esp_idf::{beyond_the_flash, free_name};
use super::table_names::{
    APP, DATA, DATA_NVS_KEYS, DATA_OTA, FLAG_ENCRYPTED, flags_text, subtype_name, type_name,
};

/// Labels by which MicroPython finds its file system, the one that wins first.
const MICROPYTHON_LABELS: [&str; 2] = ["vfs", "ffat"];
/// Label by which the seed project's `flash.py` and the device agent find packed files.
const BIN_LABEL: &str = "bin";
/// Smaller leftovers are not worth a word.
const WORTH_A_WORD: i64 = BLOCK as i64;

pub(super) fn advice(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    table_place(checked, problems);
    for (index, row, extent) in checked.rows() {
        name(checked, index, row, problems);
        reserved_type(index, row, problems);
        if place_is_known(row) {
            size(checked, index, row, extent, problems);
            if let Some(flash_size) = checked.flash_size
                && extent.end() > i64::from(flash_size)
                && u32::try_from(extent.offset).is_ok()
            {
                problems.push(beyond_the_flash(index, row, extent, flash_size));
            }
        }
        if row.kind == DATA && row.subtype == DATA_NVS_KEYS && row.flags & FLAG_ENCRYPTED == 0 {
            let text = flags_text(row.flags | FLAG_ENCRYPTED);
            problems.push(
                Problem::warning(
                    at(index, Column::Flags),
                    format!(
                        "{} holds the keys of encrypted NVS, but is not marked encrypted",
                        row.shown_name()
                    ),
                    "Give it the flag encrypted, so that flash encryption covers it",
                )
                .with_fix(Fix::SetCell {
                    row: index,
                    column: Column::Flags,
                    text,
                }),
            );
        }
        found_by_label(index, row, problems);
    }
    cut_names_collide(checked, problems);
    apps(checked, problems);
    ota(checked, problems);
    unused_space(checked, problems);
}

/// The table must lie in a sector of its own, behind the bootloader and inside the flash.
fn table_place(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let settings = &checked.table.settings;
    let table_offset = settings.table_offset;
    if !table_offset.is_multiple_of(SECTOR) {
        problems.push(Problem::error(
            Place::Table,
            format!(
                "The partition table's offset {} is not a multiple of 0x1000",
                hex(table_offset)
            ),
            "Use 0x8000 unless the bootloader was built for another offset",
        ));
    }
    if let Some(chip) = checked.chip
        && table_offset <= chip.facts().bootloader_offset
    {
        problems.push(Problem::error(
            Place::Table,
            format!(
                "The partition table at {} lies over the bootloader, which the {chip} starts from {}",
                hex(table_offset),
                hex(chip.facts().bootloader_offset)
            ),
            "Use 0x8000 unless the bootloader was built for another offset",
        ));
    }
    if let Some(flash_size) = checked.flash_size
        && settings.table_region().end() > u64::from(flash_size)
    {
        problems.push(Problem::error(
            Place::Table,
            format!(
                "The partition table at {} lies beyond the {} of flash",
                hex(table_offset),
                human_size(u64::from(flash_size))
            ),
            "Correct the table offset or the flash size",
        ));
    }
}

fn name(checked: &Checked<'_>, index: usize, row: &Row, problems: &mut Vec<Problem>) {
    if row.name.is_empty() {
        let text = free_name(checked, "part");
        problems.push(
            Problem::warning(
                at(index, Column::Name),
                "This partition has no name",
                "Give it one, so that it can be found",
            )
            .with_fix(Fix::SetCell {
                row: index,
                column: Column::Name,
                text,
            }),
        );
        return;
    }
    if row.name.len() > NAME_BYTES {
        let cut = whole_characters(&row.name, NAME_BYTES);
        let mut problem = Problem::warning(
            at(index, Column::Name),
            format!(
                "The name {} has {} bytes; the chip sees only the first 16",
                row.shown_name(),
                row.name.len()
            ),
            format!("Shorten it, for example to {cut}"),
        );
        if !checked.rows().any(|(_, other, _)| other.name == cut) {
            problem = problem.with_fix(Fix::SetCell {
                row: index,
                column: Column::Name,
                text: cut.to_owned(),
            });
        }
        problems.push(problem);
    }
    if row.line().is_none()
        && let Err(why) = name_for_csv(&row.name)
    {
        problems.push(Problem::warning(
            at(index, Column::Name),
            why,
            "Rename the partition before writing a CSV",
        ));
    }
}

/// The longest beginning of at most this many bytes that ends between two characters.
fn whole_characters(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

/// Two names that differ only behind the 16th byte are one name to the chip.
fn cut_names_collide(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let mut names: Vec<(&[u8], usize, &Row)> = checked
        .rows()
        .filter(|(_, row, _)| row.name.len() >= NAME_BYTES)
        .map(|(index, row, _)| (row.stored_name(), index, row))
        .collect();
    names.sort_by_key(|(stored, index, _)| (*stored, *index));
    for pair in names.windows(2) {
        let [(first, _, row), (second, index, other)] = pair else {
            continue;
        };
        if first != second || row.name == other.name {
            continue;
        }
        let text = free_name(checked, &other.name);
        problems.push(
            Problem::error(
                at(*index, Column::Name),
                format!("The names {} and {} are the same in their first 16 bytes, all that the chip sees", row.shown_name(), other.shown_name()),
                format!("Rename one of them, for example to {text}"),
            )
            .with_fix(Fix::SetCell { row: *index, column: Column::Name, text }),
        );
    }
}

fn reserved_type(index: usize, row: &Row, problems: &mut Vec<Problem>) {
    let message = match row.kind {
        0x04..=0x3F => format!(
            "{} is of type {}, which is reserved for ESP-IDF",
            row.shown_name(),
            type_name(row.kind)
        ),
        0xFF => format!(
            "{} is of type 0xff, which marks the end of the table",
            row.shown_name()
        ),
        _ => return,
    };
    problems.push(Problem::warning(
        at(index, Column::Type),
        message,
        "Use a number from 0x40 to 0xFE for types of your own",
    ));
}

fn size(
    checked: &Checked<'_>,
    index: usize,
    row: &Row,
    extent: Extent,
    problems: &mut Vec<Problem>,
) {
    if row.size == Size::Auto {
        return;
    }
    if extent.size == 0 {
        problems.push(
            Problem::warning(
                at(index, Column::Size),
                format!("{} has no room: its size is 0", row.shown_name()),
                "Enlarge or remove it",
            )
            .with_fix(Fix::RemoveRow { row: index }),
        );
        return;
    }
    let sector = i64::from(SECTOR);
    let over = extent.size.rem_euclid(sector);
    if row.kind == APP || over == 0 || extent.size < 0 {
        return;
    }
    let up = extent.size - over + sector;
    let next = checked
        .rows()
        .map(|(_, _, other)| other.offset)
        .filter(|offset| *offset > extent.offset)
        .min();
    let end = checked
        .flash_size
        .map(i64::from)
        .into_iter()
        .chain(next)
        .min()
        .unwrap_or(i64::MAX);
    let down = extent.size - over;
    let better = if extent.offset.saturating_add(up) <= end || down == 0 {
        up
    } else {
        down
    };
    let mut problem = Problem::warning(
        at(index, Column::Size),
        format!(
            "{} has {} bytes, which is no whole number of 4 KiB sectors",
            row.shown_name(),
            hex(extent.size.unsigned_abs())
        ),
        format!(
            "Flash is erased by sectors: make it {}",
            hex(better.unsigned_abs())
        ),
    );
    if let Ok(better) = u32::try_from(better) {
        problem = problem.with_fix(Fix::SetCell {
            row: index,
            column: Column::Size,
            text: hex(better),
        });
    }
    problems.push(problem);
}

/// Partitions that programs find by their label, whatever their subtype.
fn found_by_label(index: usize, row: &Row, problems: &mut Vec<Problem>) {
    let labels = MICROPYTHON_LABELS
        .iter()
        .map(|label| (*label, "MicroPython finds its file system"));
    for (label, finder) in
        labels.chain([(BIN_LABEL, "flash.py and the device agent find packed files")])
    {
        if row.name == label && row.kind != DATA && row.unread(Column::Type).is_none() {
            problems.push(
                Problem::warning(
                    at(index, Column::Type),
                    format!(
                        "{finder} in a data partition named {label}, but this one is of type {}",
                        type_name(row.kind)
                    ),
                    "Make it a data partition, or give it another name",
                )
                .with_fix(Fix::SetCell {
                    row: index,
                    column: Column::Type,
                    text: "data".to_owned(),
                }),
            );
        } else if row.name != label && row.name.eq_ignore_ascii_case(label) {
            problems.push(
                Problem::new(
                    Severity::Note,
                    at(index, Column::Name),
                    format!(
                        "{finder} by the name {label}, in lower case; {} is not found",
                        row.shown_name()
                    ),
                    format!("Name it {label}, if it is meant for that"),
                )
                .with_fix(Fix::SetCell {
                    row: index,
                    column: Column::Name,
                    text: label.to_owned(),
                }),
            );
        }
    }
}

fn apps(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let apps: Vec<_> = checked
        .rows()
        .filter(|(_, row, _)| row.kind == APP && row.unread(Column::SubType).is_none())
        .collect();
    if apps.is_empty() {
        let (message, help) = if checked.table.rows.is_empty() {
            (
                "The table has no partitions",
                "Add some, or start from a template",
            )
        } else {
            (
                "The table has no app partition, so the board has nothing to start",
                "Add an app partition",
            )
        };
        problems.push(Problem::warning(Place::Table, message, help));
    }
    for (position, (index, row, _)) in apps.iter().enumerate() {
        let twin = apps
            .iter()
            .take(position)
            .find(|(_, other, _)| other.subtype == row.subtype);
        if let Some((_, twin, _)) = twin {
            let subtype = subtype_name(APP, row.subtype);
            problems.push(Problem::warning(
                at(*index, Column::SubType),
                format!(
                    "{} and {} are both {subtype}; the bootloader uses only the last one",
                    twin.shown_name(),
                    row.shown_name()
                ),
                "Give one of them another subtype",
            ));
        }
    }
}

fn ota(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let mut slots: Vec<_> = checked
        .rows()
        .filter_map(|(index, row, extent)| Some((row.ota_slot()?, index, row, extent)))
        .collect();
    slots.sort_by_key(|(slot, index, _, _)| (*slot, *index));
    let mut expected = 0;
    for (slot, index, row, _) in &slots {
        if *slot > expected {
            problems.push(
                Problem::warning(
                    at(*index, Column::SubType),
                    format!("{} is ota_{slot}, but there is no ota_{expected}", row.shown_name()),
                    "The bootloader counts the slots and numbers them from 0: a gap makes it start the wrong one or none",
                )
                .with_fix(Fix::SetCell { row: *index, column: Column::SubType, text: format!("ota_{expected}") }),
            );
        }
        expected = (*slot).max(expected) + 1;
    }
    let otadata = checked
        .rows()
        .find(|(_, row, _)| row.kind == DATA && row.subtype == DATA_OTA);
    match (slots.as_slice(), otadata) {
        ([_, ..], None) => problems.push(
            Problem::warning(
                Place::Table,
                "There are OTA slots, but no otadata partition to remember which one to start",
                "Add a data partition of subtype ota, 0x2000 bytes",
            )
            .with_fix(Fix::AddOtaData),
        ),
        ([], Some((index, row, _))) => problems.push(Problem::new(
            Severity::Note,
            at(index, Column::SubType),
            format!(
                "{} chooses between OTA slots, but there are none",
                row.shown_name()
            ),
            "Add app partitions ota_0 and ota_1, or remove it",
        )),
        _ => {}
    }
    if let [(_, index, row, _)] = slots.as_slice()
        && otadata.is_some()
    {
        problems.push(Problem::new(
            Severity::Note,
            at(*index, Column::SubType),
            format!("{} is the only OTA slot: a running app cannot write over itself, so it needs another app to be updated from", row.shown_name()),
            "Add a second slot, or keep a factory app that writes the update",
        ));
    }
    unequal_slots(&slots, problems);
}

/// Asymmetric OTA is a proper layout, but not what OTA clients expect.
fn unequal_slots(slots: &[(u8, usize, &Row, Extent)], problems: &mut Vec<Problem>) {
    let smallest = slots.iter().min_by_key(|(_, _, _, extent)| extent.size);
    let largest = slots.iter().max_by_key(|(_, _, _, extent)| extent.size);
    if let (Some((_, index, small, small_extent)), Some((_, _, large, large_extent))) =
        (smallest, largest)
        && small_extent.size < large_extent.size
    {
        let size = |extent: &Extent| human_size(extent.size.unsigned_abs());
        problems.push(Problem::new(
            Severity::Note,
            at(*index, Column::Size),
            format!(
                "The OTA slots differ: {} has {}, {} has {}",
                small.shown_name(),
                size(small_extent),
                large.shown_name(),
                size(large_extent)
            ),
            "Standard OTA clients write to the next slot in turn and assume that all are equal: an image that fits the large \
             slot fails in the small one. This works when the small one holds a program that only updates the large one",
        ));
    }
}

/// Room between partitions, and behind the last one, where newer MicroPython makes its file system.
fn unused_space(checked: &Checked<'_>, problems: &mut Vec<Problem>) {
    let mut end = i64::from(checked.table.settings.first_usable());
    let mut last: Option<&Row> = None;
    for (index, row, extent) in checked.by_offset.iter().copied() {
        if row.is_primary() {
            continue;
        }
        let gap = extent.offset - end;
        let aligned_away = row.kind == APP && gap < WORTH_A_WORD;
        if gap >= WORTH_A_WORD && !aligned_away {
            let behind = last.map_or("the partition table", |last| last.shown_name());
            problems.push(Problem::new(
                Severity::Note,
                at(index, Column::Offset),
                format!(
                    "{} between {behind} and {} are in no partition",
                    human_size(gap.unsigned_abs()),
                    row.shown_name()
                ),
                "Enlarge a partition or add one, if the room is not left free on purpose",
            ));
        }
        end = end.max(extent.end());
        last = Some(row);
    }
    let has_file_system = checked
        .rows()
        .any(|(_, row, _)| row.kind == DATA && MICROPYTHON_LABELS.contains(&row.shown_name()));
    let Some(flash_size) = checked.flash_size.map(i64::from) else {
        return;
    };
    let Some(last) = last.filter(|_| flash_size - end >= WORTH_A_WORD) else {
        return;
    };
    let help = if has_file_system {
        "Enlarge the last partition or add one, if the room is not left free on purpose"
    } else {
        "MicroPython 1.29 and later makes its file system vfs there, from the end of the last partition: a partition that is \
         added behind it moves that file system, and the files are lost"
    };
    problems.push(Problem::new(
        Severity::Note,
        Place::Table,
        format!(
            "{} behind {}, from {}, are in no partition",
            human_size((flash_size - end).unsigned_abs()),
            last.shown_name(),
            hex(end.unsigned_abs())
        ),
        help,
    ));
}
