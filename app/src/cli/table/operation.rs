//! One operation of `table edit` as it is typed: `vfs.size=2M`, `move:vfs=0x200000`, `add:bin,data,undefined,1M`,
//! `sort`. Only words are looked at here; whether a table has such a partition is found out in `edit`.

use std::str::FromStr;

use crate::model::number::parse_bytes;
use crate::model::problem::Column;

/// What an edit does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sets a cell to what was typed.
    Set {
        name: String,
        column: Column,
        text: String,
    },
    /// Does something with the partition of this name.
    Row {
        name: String,
        verb: Verb,
    },
    Add {
        beside: Beside,
        new: NewRow,
    },
    Arrange,
    Sort,
    /// Everything that has a one-click fix in the window.
    Fix,
}

/// What is done with a partition. Numbers are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// To this offset.
    Move(u32),
    /// To this size; the end moves.
    Resize(u32),
    /// The start moves to this offset, the end stays.
    Start(u32),
    Grow,
    /// To the least that holds so many bytes.
    Shrink(u32),
    Pin,
    Unpin,
    Duplicate,
    Delete,
    Up,
    Down,
}

/// Where a partition is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beside {
    FirstGap,
    Before(String),
    After(String),
}

/// A partition to be added, as it was typed; what is empty is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRow {
    pub name: String,
    pub kind: String,
    pub subtype: String,
    pub size: Option<u32>,
}

/// The words, for the help of the command.
pub const WORDS: &str = "Operations, done in this order:\n  \
    NAME.COLUMN=TEXT              set a cell: name, type, subtype, offset, size or flags\n  \
    move:NAME=OFFSET              start there; others stay, or are pushed with --push\n  \
    resize:NAME=SIZE              move its end; start:NAME=OFFSET moves its start\n  \
    grow:NAME, shrink:NAME=BYTES  take the free space behind it; leave just room for so many bytes\n  \
    pin:NAME, unpin:NAME          write its computed offset; leave it to be computed\n  \
    add:NEW                       in the first gap; NEW is NAME[,TYPE[,SUBTYPE[,SIZE]]]\n  \
    before:NAME=NEW, after:NAME=NEW\n  \
    duplicate:NAME, delete:NAME, up:NAME, down:NAME\n  \
    arrange, sort, fix            close the gaps; order rows by offset; make every fix that `table check` offers";

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "arrange" => return Ok(Self::Arrange),
            "sort" => return Ok(Self::Sort),
            "fix" => return Ok(Self::Fix),
            _ => {}
        }
        let (left, value) = match text.split_once('=') {
            Some((left, value)) => (left, Some(value)),
            None => (text, None),
        };
        // A name may hold a point or a colon, so a word counts only where it is one.
        if let Some((word, name)) = left.split_once(':')
            && let Some(operation) = with_word(word, name, value)
        {
            return operation;
        }
        if let Some((name, column)) = left.rsplit_once('.')
            && let (Some(column), Some(text)) = (column_of(column), value)
        {
            return Ok(Self::Set {
                name: name.to_owned(),
                column,
                text: text.to_owned(),
            });
        }
        Err(
            "no operation looks like this: try vfs.size=2M, move:vfs=0x200000, add:bin or sort"
                .into(),
        )
    }
}

/// What a word and its name and value make; `None` if it is no word.
fn with_word(word: &str, name: &str, value: Option<&str>) -> Option<Result<Operation, String>> {
    let row = |verb| Operation::Row {
        name: name.to_owned(),
        verb,
    };
    let add = |beside, new: &str| NewRow::of(new).map(|new| Operation::Add { beside, new });
    // With a number of bytes behind it.
    let bytes = |verb: fn(u32) -> Verb| match value {
        Some(value) => parse_bytes(value).map(|value| row(verb(value))),
        None => Err(format!("{word}:{name} needs a number: {word}:{name}=64K")),
    };
    let bare = |verb| match value {
        None => Ok(row(verb)),
        Some(_) => Err(format!("{word}:{name} takes nothing behind it")),
    };
    let beside = |beside| match value {
        Some(new) => add(beside, new),
        None => Err(format!(
            "{word}:{name} needs the new partition: {word}:{name}=NEW"
        )),
    };
    Some(match word {
        "move" => bytes(Verb::Move),
        "resize" => bytes(Verb::Resize),
        "start" => bytes(Verb::Start),
        "shrink" => bytes(Verb::Shrink),
        "grow" => bare(Verb::Grow),
        "pin" => bare(Verb::Pin),
        "unpin" => bare(Verb::Unpin),
        "duplicate" => bare(Verb::Duplicate),
        "delete" => bare(Verb::Delete),
        "up" => bare(Verb::Up),
        "down" => bare(Verb::Down),
        "add" if value.is_none() => add(Beside::FirstGap, name),
        "add" => Err("a partition is added by NAME,TYPE,SUBTYPE,SIZE".into()),
        "before" => beside(Beside::Before(name.to_owned())),
        "after" => beside(Beside::After(name.to_owned())),
        _ => return None,
    })
}

fn column_of(word: &str) -> Option<Column> {
    Some(match word {
        "name" => Column::Name,
        "type" => Column::Type,
        "subtype" => Column::SubType,
        "offset" => Column::Offset,
        "size" => Column::Size,
        "flags" => Column::Flags,
        _ => return None,
    })
}

impl NewRow {
    fn of(text: &str) -> Result<Self, String> {
        let mut cells = text.split(',').map(str::trim);
        let mut next = || cells.next().unwrap_or_default().to_owned();
        let (name, kind, subtype, size) = (next(), next(), next(), next());
        if cells.next().is_some() {
            return Err("a new partition has a name, a type, a subtype and a size at most".into());
        }
        Ok(Self {
            name,
            kind,
            subtype,
            size: if size.is_empty() {
                None
            } else {
                Some(parse_bytes(&size)?)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, verb: Verb) -> Operation {
        Operation::Row {
            name: name.into(),
            verb,
        }
    }

    #[test]
    fn words_are_understood() {
        let check = |text: &str, expected: Operation| assert_eq!(text.parse(), Ok(expected));
        check(
            "a.b.size=-4M",
            Operation::Set {
                name: "a.b".into(),
                column: Column::Size,
                text: "-4M".into(),
            },
        );
        check("move:vfs=0x200000", row("vfs", Verb::Move(0x20_0000)));
        check("shrink:vfs=1.5M", row("vfs", Verb::Shrink(0x18_0000)));
        check("delete:a:b", row("a:b", Verb::Delete));
        check("sort", Operation::Sort);
        check(
            "after:vfs=bin,data,,1M",
            Operation::Add {
                beside: Beside::After("vfs".into()),
                new: NewRow {
                    name: "bin".into(),
                    kind: "data".into(),
                    subtype: String::new(),
                    size: Some(1 << 20),
                },
            },
        );
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        let check = |text: &str, words: &str| {
            let said = text.parse::<Operation>().unwrap_err();
            assert!(said.contains(words), "{text}: {said}");
        };
        check("vfs", "no operation looks like this");
        check("vfs.colour=blue", "no operation looks like this");
        check("move:vfs", "needs a number");
        check("grow:vfs=1M", "takes nothing behind it");
        check("resize:vfs=much", "much");
        check("before:vfs", "needs the new partition");
        check("add:a,b,c,1,2", "at most");
    }
}
