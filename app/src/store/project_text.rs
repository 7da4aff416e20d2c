//! The text of a `.flashpack` file: TOML, versioned, meant to be read and written by people too.
//!
//! Text to values and back; no file is touched here ([`super::project_file`] does that). Paths are kept as they stand
//! in the text, with `/` on every system. Unknown keys are refused with their line: they are spelling mistakes, since
//! newer keys come with a newer version.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::chip::Chip;
use crate::model::number::{hex, parse_bytes};
use crate::model::project::PackFormat;

/// The version that this program writes.
pub const VERSION: i64 = 1;

/// A project file as it is spelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProjectText {
    /// Version of this layout.
    pub flashpack: i64,
    #[serde(with = "chip_id")]
    pub chip: Chip,
    #[serde(with = "bytes_text")]
    pub flash_size: u32,
    /// Path of the partition table.
    pub table: String,
    #[serde(with = "bytes_text", default = "default_table_offset")]
    pub table_offset: u32,
    #[serde(
        with = "optional_bytes_text",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub primary_bootloader_offset: Option<u32>,
    #[serde(
        with = "optional_bytes_text",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub recovery_bootloader_offset: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contents: BTreeMap<String, ContentText>,
}

/// What goes into one partition: `raw`, or `files`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContentText {
    /// Path of a file that is written as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    #[serde(
        with = "optional_format",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub format: Option<PackFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compat: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erase_removed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<EntryText>>,
}

/// A file (`path`) or a folder (`files`) of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EntryText {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<EntryText>>,
}

/// Why a text is no project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Made by a later program.
    Newer(i64),
    /// Line, counted from 1, and what is wrong there.
    Wrong {
        line: Option<usize>,
        message: String,
    },
}

/// Reads the text of a project file.
pub fn parse(text: &str) -> Result<ProjectText, TextError> {
    // The version first: a newer file may have any shape, and the reason must not be one of its new keys.
    let version = toml::from_str::<VersionOnly>(text)
        .map_err(|error| wrong(text, &error))?
        .flashpack;
    match version {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => return Err(TextError::Newer(newer)),
        Some(other) => {
            let message = format!("there is no project version {other}");
            return Err(TextError::Wrong {
                line: None,
                message,
            });
        }
        None => {
            let message = format!("it has no line “flashpack = {VERSION}”");
            return Err(TextError::Wrong {
                line: None,
                message,
            });
        }
    }
    toml::from_str(text).map_err(|error| wrong(text, &error))
}

/// Writes the text of a project file.
pub fn print(project: &ProjectText) -> String {
    let body = toml::to_string_pretty(project).unwrap_or_else(|error| unprintable(&error));
    format!("# A Flashpack project. Paths count from the folder of this file.\n{body}")
}

/// Strings, numbers, lists and maps with text keys always have a TOML form, so this is never reached; an empty file
/// would be worse than a wrong one if that ever changed.
fn unprintable(error: &toml::ser::Error) -> String {
    format!("# This project could not be written: {error}\n")
}

#[derive(Deserialize)]
struct VersionOnly {
    flashpack: Option<i64>,
}

fn wrong(text: &str, error: &toml::de::Error) -> TextError {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    TextError::Wrong {
        line,
        message: error.message().lines().collect::<Vec<_>>().join("; "),
    }
}

fn default_table_offset() -> u32 {
    crate::model::partition_table::TableSettings::default().table_offset
}

/// `4MB`, `64K` or `0x123`: the shortest exact spelling.
fn spell_bytes(value: u32) -> String {
    const MIB: u32 = 1 << 20;
    if value > 0 && value.is_multiple_of(MIB) {
        format!("{}MB", value / MIB)
    } else {
        hex(value)
    }
}

/// A size as `"4MB"`, `"0x8000"` or a plain number.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a size such as \"4MB\", \"0x8000\" or 32768")]
enum BytesText {
    Number(u32),
    Text(String),
}

impl BytesText {
    fn value<E: serde::de::Error>(self) -> Result<u32, E> {
        match self {
            Self::Number(value) => Ok(value),
            Self::Text(text) => parse_bytes(&text).map_err(E::custom),
        }
    }
}

mod bytes_text {
    use super::{BytesText, Deserialize, Deserializer, Serializer, spell_bytes};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde prescribes the signature"
    )]
    pub fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&spell_bytes(*value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        BytesText::deserialize(deserializer)?.value()
    }
}

mod optional_bytes_text {
    use super::{BytesText, Deserialize, Deserializer, Serializer, spell_bytes};

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde prescribes the signature"
    )]
    pub fn serialize<S: Serializer>(value: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_str(&spell_bytes(*value)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u32>, D::Error> {
        Option::<BytesText>::deserialize(deserializer)?
            .map(BytesText::value)
            .transpose()
    }
}

mod chip_id {
    use super::{Chip, Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde prescribes the signature"
    )]
    pub fn serialize<S: Serializer>(chip: &Chip, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(chip.facts().id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Chip, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = || crate::model::chip::CHIPS.map(|facts| facts.id).join(", ");
        Chip::from_name(&name).ok_or_else(|| {
            serde::de::Error::custom(format!("there is no chip “{name}”; known are {}", known()))
        })
    }
}

/// The names of the containers, as in the project file and on the command line.
pub const FORMATS: [(&str, PackFormat); 3] = [
    ("bin", PackFormat::Bin),
    ("flash-file", PackFormat::FlashFile),
    ("romfs", PackFormat::Romfs),
];

mod optional_format {
    use super::{Deserialize, Deserializer, FORMATS, PackFormat, Serializer};

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde prescribes the signature"
    )]
    pub fn serialize<S: Serializer>(
        value: &Option<PackFormat>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match FORMATS.iter().find(|(_, format)| Some(*format) == *value) {
            Some((name, _)) => serializer.serialize_str(name),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PackFormat>, D::Error> {
        let Some(name) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        match FORMATS.iter().find(|(known, _)| *known == name) {
            Some((_, format)) => Ok(Some(*format)),
            None => Err(serde::de::Error::custom(format!(
                "there is no format “{name}”; known are {}",
                FORMATS.map(|(known, _)| known).join(", ")
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"
flashpack = 1
chip = "esp32c3"
flash-size = "4MB"
table = "partitions.csv"

[contents.nvs]
raw = "nvs.bin"

[contents.bin]
format = "romfs"
alignment = 32

[[contents.bin.files]]
name = "readme"
path = "files/readme"

[[contents.bin.files]]
name = "deep"

[[contents.bin.files.files]]
name = "f001"
path = "files/deep/f001"
"#;

    #[test]
    fn an_example_reads_and_prints_back_equal() {
        let project = parse(EXAMPLE).unwrap();
        assert_eq!(
            (project.flash_size, project.table_offset),
            (0x40_0000, 0x8000)
        );
        let bin = &project.contents["bin"];
        assert_eq!(bin.format, Some(PackFormat::Romfs));
        assert_eq!(
            bin.files.as_ref().unwrap()[1].files.as_ref().unwrap()[0].name,
            "f001"
        );
        assert_eq!(parse(&print(&project)).unwrap(), project);
    }

    #[track_caller]
    fn refused(text: &str, line: Option<usize>, part: &str) {
        match parse(text) {
            Err(TextError::Wrong {
                line: found,
                message,
            }) => {
                assert_eq!(found, line, "{message}");
                assert!(message.contains(part), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        refused("", None, "flashpack = 1");
        refused("flashpack = 0", None, "version 0");
        refused(
            "flashpack = 1\nchip = \"esp99\"\nflash-size = 1\ntable = \"\"",
            Some(2),
            "esp32c3",
        );
        refused(
            "flashpack = 1\nchip = \"esp32c3\"\nflash-size = \"big\"\ntable = \"\"",
            Some(3),
            "64K",
        );
        refused(&EXAMPLE.replace("romfs", "zip"), Some(11), "flash-file");
        refused(
            &EXAMPLE.replace("alignment", "aligment"),
            Some(12),
            "aligment",
        );
        refused("flashpack = 1\nchip = ", Some(2), "");
    }

    #[test]
    fn a_newer_file_is_told_from_a_broken_one() {
        assert_eq!(
            parse("flashpack = 2\nwhatever = {}"),
            Err(TextError::Newer(2))
        );
    }
}
