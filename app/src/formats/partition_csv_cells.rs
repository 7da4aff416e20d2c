//! The cells of one line of a partition CSV: what `PartitionDefinition.from_csv` of `gen_esp32part.py` 1.5 makes of
//! them, and, for a cell that it refuses, why.

use std::sync::Arc;

use crate::model::partition_table::{Offset, Size};
use crate::model::problem::Column;
use crate::model::table_extra::ExtraSubtypes;
use crate::model::table_names::{
    APP, BOOTLOADER, DATA, PARTITION_TABLE, UNDEFINED, flag_bit, subtypes, type_name, types,
};
use crate::model::table_number::{esp_idf_number, esp_idf_value, python_strip};
use crate::model::table_spelling::{Dialect, Unread};

/// The six cells of a line, in ESP-IDF's order; empty where the line is too short.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cells<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub subtype: &'a str,
    pub offset: &'a str,
    pub size: &'a str,
    pub flags: &'a str,
}

impl<'a> Cells<'a> {
    /// Takes a line apart. There are no quotes: every comma separates.
    pub fn new(line: &'a str, dialect: Dialect) -> Self {
        let mut rest = Some(line);
        // Cells are so short that looking at each byte is faster than a search made for long texts.
        let mut next = || {
            let whole = rest.unwrap_or_default();
            let comma = whole.bytes().position(|byte| byte == b',');
            let cell = comma.and_then(|at| whole.get(..at)).unwrap_or(whole);
            rest = comma.and_then(|at| whole.get(at + 1..));
            python_strip(cell)
        };
        match dialect {
            Dialect::EspIdf => Self {
                name: next(),
                kind: next(),
                subtype: next(),
                offset: next(),
                size: next(),
                flags: next(),
            },
            Dialect::Seed => Self {
                kind: next(),
                subtype: next(),
                offset: next(),
                size: next(),
                name: next(),
                flags: next(),
            },
        }
    }
}

/// What the cells mean, with stand-ins for those that cannot be read.
#[derive(Debug)]
pub struct Meaning {
    pub kind: u8,
    pub subtype: u8,
    pub offset: Offset,
    pub size: Size,
    pub flags: u32,
    pub unread: Vec<Unread>,
    /// A size or an offset stands where ESP-IDF fills in its own: the column and the text.
    pub ignored: Option<(Column, String)>,
}

/// Reads all cells of a line except the name, which can be anything.
pub fn meaning(cells: &Cells<'_>, dialect: Dialect, extra: ExtraSubtypes) -> Meaning {
    let mut unread = Vec::new();
    let kind = read_kind(cells.kind).unwrap_or_else(|why| {
        unread.push(cell(Column::Type, cells.kind, why));
        None
    });
    // Without its type a row cannot be understood, but the other cells are looked at as well as can be.
    let subtype = read_subtype(cells.subtype, kind, extra).unwrap_or_else(|why| {
        unread.push(cell(Column::SubType, cells.subtype, why));
        UNDEFINED
    });
    let kind = kind.unwrap_or(DATA);
    let mut ignored = None;
    let place_is_a_setting = match kind {
        BOOTLOADER => subtype == 0 || subtype == 2,
        PARTITION_TABLE => subtype == 0,
        _ => false,
    };
    let offset = if place_is_a_setting {
        note_ignored(&mut ignored, Column::Offset, cells.offset);
        Offset::Auto
    } else {
        read_offset(cells.offset, dialect).unwrap_or_else(|why| {
            unread.push(cell(Column::Offset, cells.offset, why));
            Offset::Auto
        })
    };
    let size = if matches!(kind, BOOTLOADER | PARTITION_TABLE) {
        note_ignored(&mut ignored, Column::Size, cells.size);
        Size::Auto
    } else {
        read_size(cells.size, dialect).unwrap_or_else(|why| {
            unread.push(cell(Column::Size, cells.size, why));
            Size::Auto
        })
    };
    let flags = read_flags(cells.flags).unwrap_or_else(|why| {
        unread.push(cell(Column::Flags, cells.flags, why));
        0
    });
    Meaning {
        kind,
        subtype,
        offset,
        size,
        flags,
        unread,
        ignored,
    }
}

/// Why a cell cannot be read, and what to do about it.
type Refusal = (String, String);

fn cell(column: Column, text: &str, (message, help): Refusal) -> Unread {
    Unread {
        column,
        text: Arc::from(text),
        message: Arc::from(message),
        help: Arc::from(help),
    }
}

fn note_ignored(ignored: &mut Option<(Column, String)>, column: Column, text: &str) {
    if !text.is_empty() && !text.eq_ignore_ascii_case("n/a") {
        *ignored = Some((column, text.to_owned()));
    }
}

fn read_kind(text: &str) -> Result<Option<u8>, Refusal> {
    if text.is_empty() {
        return Err((
            "The type is missing".to_owned(),
            "Write app, data, bootloader, partition_table or a number from 0x40 to 0xFE".to_owned(),
        ));
    }
    byte(text, types()).map(Some).ok_or_else(|| {
        (
            format!("“{text}” is not a partition type"),
            "Use app, data, bootloader, partition_table or a number from 0x40 to 0xFE".to_owned(),
        )
    })
}

fn read_subtype(text: &str, kind: Option<u8>, extra: ExtraSubtypes) -> Result<u8, Refusal> {
    let names = kind.map_or(&[][..], subtypes);
    let known = || match names {
        [] => "Use a number from 0 to 0xFE".to_owned(),
        names => {
            let own = kind.into_iter().flat_map(|kind| extra.of(kind));
            let words: Vec<&str> = (names.iter().map(|(name, _)| *name))
                .chain(own.map(|extra| extra.name))
                .collect();
            format!("Use a number or one of {}", words.join(", "))
        }
    };
    if text.is_empty() {
        return match kind {
            Some(APP) => Err(("An app needs a subtype".to_owned(), known())),
            _ => Ok(UNDEFINED),
        };
    }
    let value = match kind {
        Some(kind) => extra.value(kind, text),
        None => byte(text, names),
    };
    match (value, kind) {
        (Some(subtype), _) => Ok(subtype),
        // The subtype's words depend on the type; without it nothing can be said against them.
        (None, None) => Ok(UNDEFINED),
        (None, Some(kind)) => Err((
            format!("“{text}” is not a subtype of {}", type_name(kind)),
            known(),
        )),
    }
}

fn byte(text: &str, names: &[(&str, u8)]) -> Option<u8> {
    esp_idf_value(text, names).and_then(|value| u8::try_from(value).ok())
}

fn read_offset(text: &str, dialect: Dialect) -> Result<Offset, Refusal> {
    if text.is_empty() {
        return Ok(Offset::Auto);
    }
    let value = number(text, dialect).ok_or_else(|| not_a_number(text, "offset"))?;
    u32::try_from(value).ok().map(Offset::At).ok_or_else(|| {
        if value < 0 {
            (
                format!("The offset {text} is negative"),
                "Write the place in flash where the partition starts".to_owned(),
            )
        } else {
            (
                format!("The offset {text} is beyond 4 GiB"),
                "Write a place inside the flash".to_owned(),
            )
        }
    })
}

fn read_size(text: &str, dialect: Dialect) -> Result<Size, Refusal> {
    if text.is_empty() {
        return Ok(Size::Auto);
    }
    let value = number(text, dialect).ok_or_else(|| not_a_number(text, "size"))?;
    let bytes = u32::try_from(value.unsigned_abs()).ok().ok_or_else(|| {
        (
            format!("The size {text} is beyond 4 GiB"),
            "Write a size that fits the flash".to_owned(),
        )
    })?;
    Ok(if value < 0 {
        Size::UpTo(bytes)
    } else {
        Size::Bytes(bytes)
    })
}

fn not_a_number(text: &str, what: &str) -> Refusal {
    let help = if text.contains('$') {
        "Set the variable, or write the number itself"
    } else if text.contains('.') {
        "ESP-IDF takes no fractions: write 1536K instead of 1.5M"
    } else {
        "Write a number such as 0x10000, 65536, 64K or 1M"
    };
    (
        format!(
            "“{text}” is not {what} in bytes",
            what = if what == "size" {
                "a size"
            } else {
                "an offset"
            }
        ),
        help.to_owned(),
    )
}

fn read_flags(text: &str) -> Result<u32, Refusal> {
    let mut flags = 0;
    for name in text.split(':').filter(|name| !name.is_empty()) {
        flags |= flag_bit(name).ok_or_else(|| {
            (
                format!("“{name}” is not a flag"),
                "Use encrypted, readonly, or both as encrypted:readonly, in lower case".to_owned(),
            )
        })?;
    }
    Ok(flags)
}

/// A number; in the seed project's files also sums and products, which its tool computes (`1024*4`).
fn number(text: &str, dialect: Dialect) -> Option<i128> {
    esp_idf_number(text).or_else(|| {
        if dialect == Dialect::Seed {
            expression(text)
        } else {
            None
        }
    })
}

fn expression(text: &str) -> Option<i128> {
    text.split('+')
        .map(|product| {
            product
                .split('*')
                .map(esp_idf_number)
                .try_fold(1_i128, |value, factor| Some(value.saturating_mul(factor?)))
        })
        .try_fold(0_i128, |sum, value| Some(sum.saturating_add(value?)))
}

/// Whether a line looks like one of the seed project's: a type first, two numbers in the third and fourth place, and
/// a name in the fifth. `app, app, ota_0, 0x10000, 0x380000` is ESP-IDF's, although it starts with a type.
pub fn looks_like_seed(line: &str) -> bool {
    let cells = Cells::new(line, Dialect::Seed);
    ["app", "data"]
        .iter()
        .any(|word| cells.kind.eq_ignore_ascii_case(word))
        && number(cells.offset, Dialect::Seed).is_some()
        && number(cells.size, Dialect::Seed).is_some()
        && !cells.name.is_empty()
        && number(cells.name, Dialect::Seed).is_none()
}

/// Whether a line looks like one of ESP-IDF's: a type in the second place and a subtype behind it.
pub fn looks_like_esp_idf(line: &str, extra: ExtraSubtypes) -> bool {
    let cells = Cells::new(line, Dialect::EspIdf);
    byte(cells.kind, types())
        .is_some_and(|kind| read_subtype(cells.subtype, Some(kind), extra).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, kind: u8, subtype: u8, offset: Offset, size: Size, flags: u32) {
        let meaning = meaning(
            &Cells::new(line, Dialect::EspIdf),
            Dialect::EspIdf,
            ExtraSubtypes::default(),
        );
        assert!(meaning.unread.is_empty(), "{:?}", meaning.unread);
        assert_eq!((meaning.kind, meaning.subtype), (kind, subtype));
        assert_eq!(
            (meaning.offset, meaning.size, meaning.flags),
            (offset, size, flags)
        );
    }

    #[test]
    fn cells_mean_what_esp_idf_takes_them_for() {
        check(
            "a,DATA,Nvs,,0x4000",
            1,
            2,
            Offset::Auto,
            Size::Bytes(0x4000),
            0,
        );
        check(
            "a,0,2,65536,1M,encrypted:readonly:",
            0,
            2,
            Offset::At(0x1_0000),
            Size::Bytes(1 << 20),
            3,
        );
        check("a,data,,,-4M", 1, 6, Offset::Auto, Size::UpTo(4 << 20), 0);
        check("a,data,,,-0", 1, 6, Offset::Auto, Size::Bytes(0), 0);
        check("a,0x40,,,1", 0x40, 6, Offset::Auto, Size::Bytes(1), 0);
        check(
            "b,bootloader,primary,N/A,whatever",
            2,
            0,
            Offset::Auto,
            Size::Auto,
            0,
        );
        check("b,bootloader,ota,,N/A", 2, 1, Offset::Auto, Size::Auto, 0);
        check(
            "t,partition_table,ota,0x20000,",
            3,
            1,
            Offset::At(0x2_0000),
            Size::Auto,
            0,
        );
        check(
            "a,app,tee_1,,64K,,# a note, really",
            0,
            0x31,
            Offset::Auto,
            Size::Bytes(0x1_0000),
            0,
        );
    }

    #[track_caller]
    fn refused(line: &str, column: Column, words: &str) {
        let meaning = meaning(
            &Cells::new(line, Dialect::EspIdf),
            Dialect::EspIdf,
            ExtraSubtypes::default(),
        );
        let unread = meaning.unread.iter().find(|cell| cell.column == column);
        assert!(
            unread.unwrap().message.contains(words),
            "{:?}",
            meaning.unread
        );
    }

    #[test]
    fn cells_that_cannot_be_read_say_why() {
        refused("only a name", Column::Type, "type is missing");
        refused(
            "a,apps,0,,1",
            Column::Type,
            "“apps” is not a partition type",
        );
        refused("a,0x100,0,,1", Column::Type, "not a partition type");
        refused("a,app,,,1M", Column::SubType, "needs a subtype");
        refused(
            "a,data,vfs,,1M",
            Column::SubType,
            "“vfs” is not a subtype of data",
        );
        refused("a,0x40,nvs,,1M", Column::SubType, "not a subtype of 0x40");
        refused(
            "a,data,nvs,010,1M",
            Column::Offset,
            "“010” is not an offset",
        );
        refused("a,data,nvs,-1,1M", Column::Offset, "negative");
        refused("a,data,nvs,,4.5K", Column::Size, "not a size");
        refused("a,data,nvs,,5000M", Column::Size, "beyond 4 GiB");
        refused(
            "a,data,nvs,,1M,Encrypted",
            Column::Flags,
            "“Encrypted” is not a flag",
        );
        refused("a,data,nvs,,1M, # note", Column::Flags, "not a flag");
    }

    #[test]
    fn dialects_are_told_apart() {
        assert!(looks_like_seed("data, nvs, 0x9000, 0x6000, nvs, "));
        assert!(looks_like_seed("app, factory, 1024*64, 0x10000, factory"));
        assert!(!looks_like_seed(
            "app,      app,  ota_0,   0x010000, 0x380000,"
        ));
        assert!(!looks_like_seed("app, bootloader, primary, N/A, N/A"));
        assert!(!looks_like_seed("data, data, fat, , 1M"));
        assert!(looks_like_esp_idf(
            "app,      app,  ota_0,   0x010000, 0x380000,",
            ExtraSubtypes::default()
        ));
        assert!(!looks_like_esp_idf(
            "data, nvs, 0x9000, 0x6000, nvs, ",
            ExtraSubtypes::default()
        ));
    }
}
