//! Whether an image may be written to a slot of a chip.
//!
//! The rules are those of ESP-IDF's bootloader (`esp_image_format.c`) and of what experience adds: the wrong chip, a
//! merged image where an app belongs, an app that is larger than its slot.

use super::{AppImage, parse};
use crate::model::chip::{CHIPS, Chip};
use crate::model::number::{hex, human_size};
use crate::model::problem::{Place, Problem, Severity};

/// What the image is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ImageRole {
    #[default]
    App,
    /// Nothing at boot checks its SHA-256 without secure boot, and flashing tools change its header.
    Bootloader,
}

/// Where the image is to go. What is not known is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ImageTarget {
    pub chip: Option<Chip>,
    /// Major and minor revision of the chip at hand.
    pub revision: Option<(u32, u32)>,
    /// Bytes of the partition.
    pub slot_size: Option<u32>,
    /// Name of the partition, for the place of the problems.
    pub partition: String,
    pub role: ImageRole,
}

/// No app partition may be larger; the bootloader's mapping ends there.
const LARGEST_SLOT: u32 = 0x100_0000;

/// What a problem of an image is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The bytes of the image itself.
    Image,
    Chip,
    Revision,
    /// Bytes of the image against those of its partition.
    Size,
}

/// Everything that is wrong with an image, or worth knowing, for this target.
pub fn check(bytes: &[u8], target: &ImageTarget) -> Vec<Problem> {
    let findings = findings(bytes, target);
    findings.into_iter().map(|(_, problem)| problem).collect()
}

/// The same, each with what it is about.
pub fn findings(bytes: &[u8], target: &ImageTarget) -> Vec<(Subject, Problem)> {
    let place = || Place::Partition {
        name: target.partition.clone(),
    };
    let error = |message: String, help: &str| Problem::error(place(), message, help);
    let image = match parse(bytes) {
        Ok(image) => image,
        Err(reason) => {
            let help = "Choose the .bin or .elf file that the build made for this chip";
            return vec![(Subject::Image, error(reason.to_string(), help))];
        }
    };
    let mut problems = Vec::new();
    if let Some(offset) = merged_table_offset(bytes)
        && target.role == ImageRole::App
    {
        problems.push((Subject::Image, error(
            format!("This is a merged image: it begins with a bootloader and has a partition table at {}", hex(offset as u64)),
            "Choose the app alone, or write the merged image to the start of the flash",
        )));
    }
    if let Some(chip) = target.chip
        && image.chip_id != chip.facts().image_id
    {
        let made_for = image.chip().map_or_else(
            || format!("a chip with number {}", image.chip_id),
            |chip| chip.to_string(),
        );
        let message = format!("The image is made for {made_for}, and the chip is {chip}");
        problems.push((
            Subject::Chip,
            error(message, "Choose the image for this chip"),
        ));
    }
    problems.extend(check_revision(&image, target.revision).map(|message| {
        let help = "Choose an image built for this revision";
        (Subject::Revision, error(message, help))
    }));
    if !image.checksum.is_right() {
        let message = format!(
            "Its checksum is {:02x} and should be {:02x}, so it would not boot",
            image.checksum.stored, image.checksum.computed
        );
        problems.push((Subject::Image, error(message, "Build or copy it again")));
    }
    if image.sha256.as_ref().is_some_and(|sum| !sum.is_right()) {
        let message = "Its SHA-256 is not that of its bytes";
        let problem = match target.role {
            ImageRole::App => error(
                format!("{message}, so it would not boot"),
                "Build or copy it again",
            ),
            ImageRole::Bootloader => Problem::warning(
                place(),
                message,
                "A tool may have changed flash mode or size in its header; only secure boot minds",
            ),
        };
        problems.push((Subject::Image, problem));
    }
    if target.role == ImageRole::App {
        problems.extend(check_mapping(&image).map(|message| {
            let help = "Build it again; its segments were moved";
            (Subject::Image, error(message, help))
        }));
    }
    let size = check_size(bytes, &image, target).into_iter();
    problems.extend(size.map(|problem| (Subject::Size, problem)));
    problems
}

fn check_revision(image: &AppImage, revision: Option<(u32, u32)>) -> Option<String> {
    let (major, minor) = revision?;
    let chip = major.saturating_mul(100).saturating_add(minor);
    let shown = |revision: u16| format!("v{}.{}", revision / 100, revision % 100);
    let (lowest, highest) = image.revisions;
    if chip < u32::from(lowest) {
        return Some(format!(
            "The image needs revision {} or later, and the chip is v{major}.{minor}",
            shown(lowest)
        ));
    }
    // Images from before the field existed have 0 there.
    (!matches!(highest, 0 | u16::MAX) && chip > u32::from(highest)).then(|| {
        format!(
            "The image runs up to revision {}, and the chip is v{major}.{minor}",
            shown(highest)
        )
    })
}

fn check_size(bytes: &[u8], image: &AppImage, target: &ImageTarget) -> Vec<Problem> {
    let place = || Place::Partition {
        name: target.partition.clone(),
    };
    let mut problems = Vec::new();
    if let Some(slot) = target.slot_size {
        if bytes.len() as u64 > u64::from(slot) {
            problems.push(Problem::error(
                place(),
                format!(
                    "The image has {} and its partition {}",
                    human_size(bytes.len() as u64),
                    human_size(u64::from(slot))
                ),
                format!(
                    "Make the partition larger by at least {}",
                    human_size(bytes.len() as u64 - u64::from(slot))
                ),
            ));
        }
        if slot > LARGEST_SLOT && target.role == ImageRole::App {
            problems.push(Problem::error(
                place(),
                "An app partition above 16 MiB cannot boot",
                "Make it 16 MiB or smaller",
            ));
        }
    }
    let behind = bytes.get(image.size..).unwrap_or_default();
    if behind.iter().any(|byte| *byte != 0xFF) {
        problems.push(Problem::new(
            Severity::Note,
            place(),
            format!(
                "{} follow the image: a signature, or data that was appended",
                human_size(behind.len() as u64)
            ),
            "",
        ));
    }
    problems
}

/// Flash is mapped in whole pages, so a mapped segment lies in its page as its address does.
fn check_mapping(image: &AppImage) -> Option<String> {
    const PAGE: usize = 0x1_0000;
    let ranges = mapped_ranges(image.chip()?);
    let wrong = image.segments.iter().find(|segment| {
        ranges.iter().any(|range| range.contains(&segment.addr))
            && segment.offset % PAGE != segment.addr as usize % PAGE
    })?;
    Some(format!(
        "Its segment for address {} cannot be mapped from offset {}",
        hex(wrong.addr),
        hex(wrong.offset as u64)
    ))
}

/// Addresses at which a chip sees its flash, data bus first (ESP-IDF, `ext_mem_defs.h`); empty where the page size varies.
fn mapped_ranges(chip: Chip) -> &'static [std::ops::Range<u32>] {
    match chip {
        Chip::Esp32 => &[0x3F40_0000..0x3F80_0000, 0x400D_0000..0x4040_0000],
        Chip::Esp32s2 => &[0x3F00_0000..0x3F40_0000, 0x4008_0000..0x4040_0000],
        Chip::Esp32s3 => &[0x3C00_0000..0x3E00_0000, 0x4200_0000..0x4400_0000],
        Chip::Esp32c3 => &[0x3C00_0000..0x3C80_0000, 0x4200_0000..0x4280_0000],
        _ => &[],
    }
}

/// Where the partition table of a merged image lies, counted from the start of the file; `None` if it is no such image.
///
/// A merged image starts at the bootloader's offset (0, 0x1000 or 0x2000) or at the start of the flash, with the table at
/// 0x8000 of the flash.
pub fn merged_table_offset(bytes: &[u8]) -> Option<usize> {
    const TABLE: usize = 0x8000;
    let starts_with_image = |at: usize| {
        bytes.get(at) == Some(&super::MAGIC)
            && bytes
                .get(at + 1)
                .is_some_and(|count| (1..=16).contains(count))
    };
    CHIPS
        .iter()
        .map(|facts| facts.bootloader_offset as usize)
        .flat_map(|bootloader| [(0, TABLE - bootloader), (bootloader, TABLE)])
        .find(|(bootloader, table)| {
            starts_with_image(*bootloader) && is_table(bytes.get(*table..).unwrap_or_default())
        })
        .map(|(_, table)| table)
}

/// Whether bytes begin like a partition table: a row with a size, then another row, the MD5 row or the end.
fn is_table(bytes: &[u8]) -> bool {
    let row = |index: usize| bytes.get(32 * index..32 * index + 32);
    row(0).is_some_and(|row| row.starts_with(&[0xAA, 0x50]) && row[8..12] != [0; 4])
        && row(1).is_some_and(|row| matches!(row[..2], [0xAA, 0x50] | [0xEB, 0xEB] | [0xFF, 0xFF]))
}
