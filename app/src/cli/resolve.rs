//! What the words of a command line mean: files become bytes, `NAME=FILE` a target, `OFFSET:SIZE` a region. The one
//! place of the command line that reads files and prepares to write them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args;
use super::failure::Failure;
use super::report::Report;
use crate::engine::pack::entries_from_paths;
use crate::model::cause::Cause;
use crate::model::number::parse_bytes;
use crate::model::partition_table::{PartitionTable, TableSettings};
use crate::model::project::{PackEntry, Packed};
use crate::model::region::Region;
use crate::model::table_extra::ExtraSubtypes;
use crate::store::near_path::absolute;
use crate::store::read_whole::{IMAGE_LIMIT, read_whole};
use crate::store::replace::replace;

/// What a `write` or a `verify` is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Project(PathBuf),
    File {
        place: TargetPlace,
        file: PathBuf,
        bytes: Arc<[u8]>,
    },
}

/// Where a file belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPlace {
    Offset(u32),
    Partition(String),
}

/// A part of the flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Area {
    All,
    Region(Region),
    Partition(String),
}

/// Reads `NAME=FILE`, `OFFSET=FILE` or a project's path, with the file itself.
pub fn target(text: &str) -> Result<Target, Failure> {
    // A project may have `=` in its name; a file of exactly this name is meant as such.
    let Some((left, file)) = text.split_once('=').filter(|_| !Path::new(text).is_file()) else {
        return Ok(Target::Project(text.into()));
    };
    if left.is_empty() || file.is_empty() {
        return Err(Failure::usage(
            format!("“{text}” is not a target"),
            text,
            "Write PARTITION=FILE or OFFSET=FILE, such as bin=pack.bin or 0x10000=app.bin",
        ));
    }
    let place = match offset(left) {
        Some(offset) => {
            TargetPlace::Offset(offset.map_err(|reason| Failure::usage(reason, text, OFFSETS))?)
        }
        None => TargetPlace::Partition(left.to_owned()),
    };
    let file = PathBuf::from(file);
    let bytes = read_image(&file)?.into();
    Ok(Target::File { place, file, bytes })
}

const OFFSETS: &str = "Write an offset such as 0x10000 or 64K";

/// An offset if it is meant as one: a partition's name may not begin with a digit on the command line.
fn offset(text: &str) -> Option<Result<u32, String>> {
    text.starts_with(|c: char| c.is_ascii_digit())
        .then(|| parse_bytes(text))
}

/// Reads `all`, `OFFSET:SIZE` or a partition's name.
pub fn area(text: &str) -> Result<Area, Failure> {
    if text == "all" {
        return Ok(Area::All);
    }
    match region(text) {
        Some(region) => region.map(Area::Region),
        None => Ok(Area::Partition(text.to_owned())),
    }
}

/// Reads `OFFSET:SIZE`; `None` if the text does not look like one.
pub fn region(text: &str) -> Option<Result<Region, Failure>> {
    let (left, right) = text.split_once(':')?;
    let both =
        offset(left)?.and_then(|offset| parse_bytes(right).map(|size| Region::new(offset, size)));
    Some(
        both.map_err(|reason| {
            Failure::usage(reason, text, "Write OFFSET:SIZE, such as 0x10000:64K")
        })
        .and_then(|region| {
            if region.size == 0 || region.end() > 1 << 32 {
                let message = format!("“{text}” is no region of flash");
                return Err(Failure::usage(
                    message,
                    text,
                    "Give a size of at least 1 that ends below 4 GiB",
                ));
            }
            Ok(region)
        }),
    )
}

/// Reads `OFFSET` or `OFFSET:SIZE`, `default_size` long in the first case.
pub fn region_or_offset(text: &str, default_size: u32) -> Result<Region, Failure> {
    if let Some(region) = region(text) {
        return region;
    }
    parse_bytes(text)
        .map(|offset| Region::new(offset, default_size))
        .map_err(|reason| {
            Failure::usage(
                reason,
                text,
                "Write OFFSET or OFFSET:SIZE, such as 0x8000:64",
            )
        })
}

/// The bytes of an image.
pub fn read_image(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(read_whole(path, IMAGE_LIMIT)?)
}

/// Files and folders as typed: a file's entry is its last path component, a folder a nested image of its name, `DIR/.`
/// what is in the folder. With `as_typed` the names are the paths exactly as typed.
pub fn typed_entries(
    paths: &[PathBuf],
    as_typed: bool,
    report: &mut Report,
) -> Result<Vec<PackEntry>, Failure> {
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        // `..` and `.` have no name of their own; their folder has.
        let whole = if path.file_name().is_some() {
            path.clone()
        } else {
            absolute(path)
        };
        let (found, wrong) = entries_from_paths(&[whole]);
        problems.extend(wrong);
        for mut entry in found {
            match entry.what {
                Packed::Folder(inside) if means_contents(path) => entries.extend(inside),
                _ => {
                    if as_typed {
                        path.to_str()
                            .unwrap_or_default()
                            .clone_into(&mut entry.name);
                    }
                    entries.push(entry);
                }
            }
        }
    }
    if problems.is_empty() {
        Ok(entries)
    } else {
        Err(report.refusal(&problems, "", "Not everything can be packed"))
    }
}

/// `DIR/.` and `.`: the standard library's own path parts hide the last dot, so the text is looked at.
fn means_contents(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    text == b"." || text.ends_with(b"/.") || (cfg!(windows) && text.ends_with(b"\\."))
}

/// Replaces a named output file, whole or not at all.
pub fn write_output(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(replace(path, bytes)?)
}

/// Finds out early whether an output file can be made at all, so that nobody waits for bytes that have no place.
pub fn check_output(path: &Path) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let failure = |message: String, help: &str, cause| {
        Err(Failure::new(message, path.display().to_string(), help).because(cause))
    };
    if path.is_dir() {
        return failure(
            format!("{} is a folder", path.display()),
            "Name a file in it",
            Cause::FolderInstead,
        );
    }
    match folder {
        Some(folder) if !folder.is_dir() => failure(
            format!("There is no folder {}", folder.display()),
            "Make the folder first, or choose another place",
            Cause::FolderMissing,
        ),
        _ => Ok(()),
    }
}

/// Settings of a table from its options.
pub fn table_settings(typed: &args::TableSettings) -> Result<TableSettings, Failure> {
    let default = TableSettings::default();
    let extra = ExtraSubtypes::read(&typed.extra_partition_subtypes).map_err(|reason| {
        let help = "Write it as in the project's build: data, settings, 0xA0";
        Failure::usage(reason, "--extra-partition-subtypes", help)
    })?;
    Ok(TableSettings {
        table_offset: typed.table_offset.unwrap_or(default.table_offset),
        primary_bootloader_offset: typed.primary_bootloader_offset,
        recovery_bootloader_offset: typed.recovery_bootloader_offset,
        extra,
    })
}

/// Where the partition of this name lies; a failure names those that there are. `whose` is `the board`, a file, ...
pub fn partition(table: &PartitionTable, name: &str, whose: &str) -> Result<Region, Failure> {
    table
        .find(name)
        .map(|placed| placed.region)
        .ok_or_else(|| no_partition(table, name, whose))
}

/// There is no such partition; these are the ones there are.
pub fn no_partition(table: &PartitionTable, name: &str, whose: &str) -> Failure {
    let names: Vec<&str> = table.rows.iter().map(|row| row.name.as_str()).collect();
    let help = if names.is_empty() {
        "Write a table first, or give an offset".to_owned()
    } else {
        format!("Its partitions are {}", names.join(", "))
    };
    Failure::new(
        format!("The table of {whose} has no partition “{name}”"),
        name,
        help,
    )
    .because(Cause::NoPartition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Status;

    #[test]
    fn areas() {
        assert_eq!(area("all").unwrap(), Area::All);
        assert_eq!(area("bin").unwrap(), Area::Partition("bin".into()));
        assert_eq!(
            area("0x1000:4K").unwrap(),
            Area::Region(Region::new(0x1000, 0x1000))
        );
        assert_eq!(area("a:b").unwrap(), Area::Partition("a:b".into()));
        for wrong in ["0x1000:", "0:0", "0x1000:x", "4095M:2M", "9x:1"] {
            assert_eq!(area(wrong).unwrap_err().status, Status::Usage, "{wrong}");
        }
    }

    #[test]
    fn peeks() {
        assert_eq!(
            region_or_offset("0x8000", 64).unwrap(),
            Region::new(0x8000, 64)
        );
        assert_eq!(
            region_or_offset("0x8000:1K", 64).unwrap(),
            Region::new(0x8000, 1024)
        );
        assert_eq!(
            region_or_offset("bin", 64).unwrap_err().status,
            Status::Usage
        );
    }

    #[test]
    fn targets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a=b.bin");
        std::fs::write(&file, b"ab").unwrap();
        let name = file.to_str().unwrap();
        assert_eq!(target(name).unwrap(), Target::Project(file.clone()));
        let place = |text: String| match target(&text).unwrap() {
            Target::File { place, bytes, .. } => (place, bytes.len()),
            Target::Project(_) => panic!("{text}"),
        };
        assert_eq!(
            place(format!("bin={name}")),
            (TargetPlace::Partition("bin".into()), 2)
        );
        assert_eq!(
            place(format!("64K={name}")),
            (TargetPlace::Offset(0x1_0000), 2)
        );
        assert_eq!(target("=x").unwrap_err().status, Status::Usage);
        assert_eq!(target("bin=").unwrap_err().status, Status::Usage);
        assert_eq!(
            target(&format!("0xZZ={name}")).unwrap_err().status,
            Status::Usage
        );
        assert_eq!(target("bin=none.bin").unwrap_err().status, Status::Failed);
    }
}
