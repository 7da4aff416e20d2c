//! Recognises executables and what describes them.

use super::{Kind, Recognised, u16_at, u32_at};
use crate::formats::app_image::{self, SPI_MODES, merged_table_offset};
use crate::model::number::{hex, human_size};

/// System V ELF: magic, class, byte order, type, machine.
pub(super) fn elf(bytes: &[u8]) -> Option<Recognised> {
    if !bytes.starts_with(b"\x7FELF") || bytes.len() < 20 {
        return None;
    }
    let class = match bytes[4] {
        1 => "32 bits",
        2 => "64 bits",
        _ => return None,
    };
    let machine = match u16_at(bytes, 18)? {
        0x28 => "Arm".to_owned(),
        0x3E => "x86-64".to_owned(),
        0x5E => "Xtensa".to_owned(),
        0xB7 => "AArch64".to_owned(),
        0xF3 => "RISC-V".to_owned(),
        other => format!("number {other}"),
    };
    Some(
        Recognised::certain(Kind::Elf)
            .fact("Machine", machine)
            .fact("Class", class),
    )
}

/// Microsoft UF2: blocks of 512 bytes with three magic words.
pub(super) fn uf2(bytes: &[u8]) -> Option<Recognised> {
    let is_block = |block: &[u8]| {
        u32_at(block, 0) == Some(0x0A32_4655)
            && u32_at(block, 4) == Some(0x9E5D_5157)
            && u32_at(block, 508) == Some(0x0AB1_6F30)
    };
    let first = bytes.get(..512).filter(|block| is_block(block))?;
    let blocks = bytes.chunks_exact(512).take_while(|block| is_block(block));
    let (mut count, mut lowest, mut highest) = (0u32, u32::MAX, 0u64);
    for block in blocks {
        let (addr, len) = (u32_at(block, 12)?, u32_at(block, 16)?);
        count += 1;
        lowest = lowest.min(addr);
        highest = highest.max(u64::from(addr) + u64::from(len));
    }
    let family = (u32_at(first, 8)? & 0x2000 != 0)
        .then(|| u32_at(first, 28))
        .flatten();
    let named = family.map(|id| {
        UF2_FAMILIES
            .iter()
            .find(|(known, _)| *known == id)
            .map_or_else(|| hex(id), |(_, name)| (*name).to_owned())
    });
    Some(
        Recognised::certain(Kind::Uf2)
            .fact_if("Family", named)
            .fact("Blocks", count)
            .fact("Addresses", format!("{} to {}", hex(lowest), hex(highest))),
    )
}

/// From microsoft/uf2, `utils/uf2families.json`.
const UF2_FAMILIES: [(u32, &str); 18] = [
    (0xE48B_FF56, "RP2040"),
    (0xE48B_FF57, "RP2 absolute"),
    (0xE48B_FF58, "RP2 data"),
    (0xE48B_FF59, "RP2350 Arm secure"),
    (0xE48B_FF5A, "RP2350 RISC-V"),
    (0xE48B_FF5B, "RP2350 Arm non-secure"),
    (0xE48B_FF55, "CYW43 firmware"),
    (0x7EAB_61ED, "ESP8266"),
    (0x1C5F_21B0, "ESP32"),
    (0xBFDD_4EEE, "ESP32-S2"),
    (0xC47E_5767, "ESP32-S3"),
    (0xD42B_A06C, "ESP32-C3"),
    (0x2B88_D29C, "ESP32-C2"),
    (0x540D_DF62, "ESP32-C6"),
    (0x3327_26F6, "ESP32-H2"),
    (0x3D30_8E94, "ESP32-P4"),
    (0xF71C_0343, "ESP32-C5"),
    (0x77D8_50C4, "ESP32-C61"),
];

/// Bootloader, partition table and more in one file.
pub(super) fn merged(bytes: &[u8]) -> Option<Recognised> {
    let table = merged_table_offset(bytes)?;
    let bootloader = bytes.iter().position(|byte| *byte != 0xFF)?;
    let chip = app_image::parse(bytes.get(bootloader..)?)
        .ok()
        .and_then(|image| image.chip());
    Some(
        Recognised::certain(Kind::MergedImage)
            .fact_if("Chip", chip)
            .fact("Bootloader at", hex(bootloader as u64))
            .fact("Partition table at", hex(table as u64)),
    )
}

/// An app or a bootloader. A damaged one is still recognised when its header is sound.
pub(super) fn esp_image(bytes: &[u8]) -> Option<Recognised> {
    let image = app_image::parse(bytes).ok()?;
    // E9 and a small count are common bytes; only a right sum is proof.
    let recognised = if image.checksum.is_right() {
        Recognised::certain(Kind::EspImage)
    } else if image.chip().is_some()
        && image
            .segments
            .iter()
            .all(|segment| segment.addr < 0x10_0000 || segment.addr >= 0x3C00_0000)
    {
        Recognised::likely(Kind::EspImage)
    } else {
        return None;
    };
    let sum = |right: bool| if right { "right" } else { "wrong" };
    let descriptor = image.descriptor.as_ref();
    Some(
        recognised
            .fact(
                "Chip",
                image.chip().map_or_else(
                    || format!("number {}", image.chip_id),
                    |chip| chip.to_string(),
                ),
            )
            .fact_if("Project", descriptor.map(|app| &app.project_name))
            .fact_if("Version", descriptor.map(|app| &app.version))
            .fact_if(
                "Built",
                descriptor.map(|app| format!("{} {}", app.date, app.time).trim().to_owned()),
            )
            .fact_if("ESP-IDF", descriptor.map(|app| &app.idf_version))
            .fact("Image", human_size(image.size as u64))
            .fact("Segments", image.segments.len())
            .fact("Entry", hex(image.entry_addr))
            .fact_if(
                "Flash size in header",
                image.flash_size.map(|size| human_size(u64::from(size))),
            )
            .fact_if(
                "Flash mode in header",
                SPI_MODES.get(usize::from(image.spi_mode)),
            )
            .fact("Runs on revisions", revisions(image.revisions))
            .fact("Checksum", sum(image.checksum.is_right()))
            .fact_if("SHA-256", image.sha256.map(|sha| sum(sha.is_right()))),
    )
}

/// `v0.3 to v1.99`, `v0.3 or later`.
fn revisions((lowest, highest): (u16, u16)) -> String {
    let shown = |revision: u16| format!("v{}.{}", revision / 100, revision % 100);
    // Images from before the field existed have 0 there.
    if matches!(highest, 0 | u16::MAX) {
        format!("{} or later", shown(lowest))
    } else {
        format!("{} to {}", shown(lowest), shown(highest))
    }
}

/// Rows of 32 bytes that begin with AA 50, up to a row of FF or the MD5 row.
pub(super) fn partition_table(bytes: &[u8]) -> Option<Recognised> {
    let mut rows = 0;
    let mut names = Vec::new();
    let mut has_md5 = false;
    for row in bytes.chunks_exact(32) {
        match row {
            [0xAA, 0x50, ..] if row[8..12] != [0; 4] => {
                rows += 1;
                let name = row[12..28]
                    .split(|byte| *byte == 0)
                    .next()
                    .unwrap_or_default();
                names.push(String::from_utf8_lossy(name).into_owned());
            }
            [0xEB, 0xEB, ..] => has_md5 = true,
            [0xFF, 0xFF, ..] => break,
            _ => return None,
        }
    }
    (rows > 0).then(|| {
        Recognised::certain(Kind::PartitionTable)
            .fact("Partitions", rows)
            .fact("Names", names.join(", "))
            .fact("MD5 row", if has_md5 { "yes" } else { "no" })
    })
}
