//! The manifest of a backup: what board the bytes came from, where each stretch of them belongs, and the SHA-256 that
//! proves it. JSON beside a plain image, so that any other tool can use the image. Layout in `docs/formats.md`.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::chip::{BoardIdentity, Chip};
use crate::model::number::hex;
use crate::model::partition_table::PartitionTable;
use crate::model::region::Region;

/// Version of the layout.
const VERSION: u32 = 1;

/// Everything that is known of a backup besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout; its name says what the file is.
    flashpack_backup: u32,
    /// When it was made, in seconds since 1970; `None` if it was not told.
    pub made: Option<u64>,
    /// Base MAC address of the board, as esptool prints it.
    pub mac: Option<String>,
    pub chip: Chip,
    /// Bytes of the board's flash.
    pub flash_size: Option<u32>,
    /// The partition table that was on the board; `None` if it had none that can be read.
    pub table: Option<Vec<TableLine>>,
    /// In the order of the file, one behind the other.
    pub regions: Vec<BackedUp>,
}

/// A partition, as the board's table names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLine {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: u8,
    pub subtype: u8,
    pub offset: u32,
    pub size: u32,
}

/// A stretch of flash in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// The partition's name, `partition table`, `bootloader`, or the offset.
    pub name: String,
    /// First byte in flash.
    pub offset: u32,
    /// Bytes in flash and in the file.
    pub size: u32,
    /// First byte in the file.
    pub file_offset: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}

impl BackedUp {
    /// Where it belongs.
    pub fn region(&self) -> Region {
        Region::new(self.offset, self.size)
    }

    /// Its bytes in the backup's file; [`check`] has shown that they are there.
    pub fn slice<'a>(&self, file: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.file_offset).ok()?;
        file.get(start..start.checked_add(self.size as usize)?)
    }
}

/// Makes the manifest of a file that holds these regions one behind the other.
///
/// # Errors
/// When the file is shorter or longer than its regions.
pub fn manifest(
    board: &BoardIdentity,
    table: Option<&PartitionTable>,
    regions: &[(String, Region)],
    file: &[u8],
    made: Option<u64>,
) -> Result<Manifest, String> {
    let mut at = 0usize;
    let mut backed_up = Vec::with_capacity(regions.len());
    for (name, region) in regions {
        let bytes = file
            .get(at..at + region.size as usize)
            .ok_or_else(|| format!("{name} is not all there"))?;
        backed_up.push(BackedUp {
            name: name.clone(),
            offset: region.offset,
            size: region.size,
            file_offset: at as u64,
            sha256: sha256(bytes),
        });
        at += bytes.len();
    }
    if at != file.len() {
        return Err("there is more than was asked for".into());
    }
    Ok(Manifest {
        flashpack_backup: VERSION,
        made,
        mac: board.mac.clone(),
        chip: board.chip,
        flash_size: board.flash_size,
        table: table.map(table_lines),
        regions: backed_up,
    })
}

fn table_lines(table: &PartitionTable) -> Vec<TableLine> {
    let layout = table.layout();
    let line = |placed: &crate::model::partition_table::Placed<'_>| TableLine {
        name: placed.row.name.clone(),
        kind: placed.row.kind,
        subtype: placed.row.subtype,
        offset: placed.region.offset,
        size: placed.region.size,
    };
    layout.iter().map(line).collect()
}

/// The bytes of the manifest's file.
pub fn write(manifest: &Manifest) -> Vec<u8> {
    // Numbers and text only: there is nothing in it that JSON could refuse.
    let mut bytes = serde_json::to_vec_pretty(manifest).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a manifest's file.
///
/// # Errors
/// What is wrong with it, as the end of a sentence: `is damaged …`.
pub fn read(bytes: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| {
        format!(
            "is no manifest of a backup, or a damaged one (line {})",
            error.line().max(1)
        )
    })?;
    if manifest.flashpack_backup != VERSION {
        return Err(format!(
            "was made by a newer Flashpack (version {} of its layout)",
            manifest.flashpack_backup
        ));
    }
    let beyond = |region: &&BackedUp| region.region().end() > 1 << 32;
    if let Some(region) = manifest.regions.iter().find(beyond) {
        return Err(format!("names {} beyond 4 GiB", region.name));
    }
    Ok(manifest)
}

/// Whether the file holds what the manifest says.
///
/// # Errors
/// Which region does not fit, as the end of a sentence.
pub fn check(manifest: &Manifest, file: &[u8]) -> Result<(), String> {
    for region in &manifest.regions {
        let fits = region
            .slice(file)
            .is_some_and(|bytes| sha256(bytes) == region.sha256);
        if !fits {
            return Err(format!(
                "does not hold what its manifest says of {} at {}",
                region.name,
                hex(region.offset)
            ));
        }
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> BoardIdentity {
        BoardIdentity {
            mac: Some("60:55:f9:00:00:01".into()),
            flash_size: Some(0x40_0000),
            ..BoardIdentity::of_chip(Chip::Esp32c3, None)
        }
    }

    fn regions() -> Vec<(String, Region)> {
        vec![
            ("nvs".into(), Region::new(0x9000, 4)),
            ("bin".into(), Region::new(0x30_0000, 3)),
        ]
    }

    #[test]
    fn what_is_written_is_read_and_fits_its_file() {
        let file = b"nvs.bin";
        let made = manifest(&board(), None, &regions(), file, Some(7)).unwrap();
        assert_eq!(made.regions[1].slice(file), Some(&b"bin"[..]));
        let found = read(&write(&made)).unwrap();
        assert_eq!(found, made);
        assert_eq!(check(&found, file), Ok(()));
        let wrong = check(&found, b"nvs.bix").unwrap_err();
        assert!(wrong.contains("bin at 0x300000"), "{wrong}");
        assert!(check(&found, b"nvs.").is_err());
    }

    #[test]
    fn a_file_of_another_length_makes_no_manifest() {
        assert!(manifest(&board(), None, &regions(), b"nvs.bi", None).is_err());
        assert!(manifest(&board(), None, &regions(), b"nvs.bin.", None).is_err());
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_a_reason() {
        assert!(read(b"{}").unwrap_err().contains("no manifest"));
        let text = String::from_utf8(write(
            &manifest(&board(), None, &regions(), b"nvs.bin", None).unwrap(),
        ))
        .unwrap();
        let newer = text.replace("\"flashpack_backup\": 1", "\"flashpack_backup\": 2");
        assert!(read(newer.as_bytes()).unwrap_err().contains("newer"));
        let beyond = text.replace("\"offset\": 3145728", "\"offset\": 4294967295");
        assert!(read(beyond.as_bytes()).unwrap_err().contains("bin"));
    }
}
