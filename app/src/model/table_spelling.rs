//! How a table was spelled in the CSV file it came from: kept beside the rows, so that writing gives back every byte
//! that nobody edited.
//!
//! A row keeps its own line and the comments above it; the table keeps what stands before the first row and behind
//! the last. All of it are slices of one shared text, cheap to clone. Nothing here decides what a cell means
//! (`formats::partition_csv`) or how an edited line is put together (`table_respell`).

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::partition_table::{Offset, Row, Size};
use super::problem::Column;

/// A piece of a shared text. Equal when the characters are.
#[derive(Clone, Default)]
pub struct Slice {
    /// `None` for an empty piece: most rows have several, and none of them needs a text.
    source: Option<Arc<str>>,
    start: usize,
    end: usize,
}

impl Slice {
    /// A piece of `source`; empty if the range is not one of whole characters.
    pub fn new(source: &Arc<str>, range: Range<usize>) -> Self {
        if range.is_empty() || source.get(range.clone()).is_none() {
            return Self::default();
        }
        Self {
            source: Some(Arc::clone(source)),
            start: range.start,
            end: range.end,
        }
    }
}

impl Deref for Slice {
    type Target = str;

    fn deref(&self) -> &str {
        self.source
            .as_deref()
            .and_then(|source| source.get(self.start..self.end))
            .unwrap_or_default()
    }
}

impl From<&str> for Slice {
    fn from(text: &str) -> Self {
        Self {
            source: Some(Arc::from(text)),
            start: 0,
            end: text.len(),
        }
    }
}

impl PartialEq for Slice {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Slice {}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Which columns a CSV has, in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Name, Type, `SubType`, Offset, Size, Flags.
    #[default]
    EspIdf,
    /// Type, subtype, offset, size, label, flags: the order of the `esp32flash_mpy` project.
    Seed,
}

impl Dialect {
    /// The columns in the order of the file.
    pub const fn columns(self) -> [Column; 6] {
        match self {
            Self::EspIdf => [
                Column::Name,
                Column::Type,
                Column::SubType,
                Column::Offset,
                Column::Size,
                Column::Flags,
            ],
            Self::Seed => [
                Column::Type,
                Column::SubType,
                Column::Offset,
                Column::Size,
                Column::Name,
                Column::Flags,
            ],
        }
    }

    /// The place of a column in the file, counted from 0.
    pub fn index_of(self, column: Column) -> usize {
        self.columns()
            .iter()
            .position(|other| *other == column)
            .unwrap_or(0)
    }
}

/// The encoding of a CSV, with or without the mark at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Encoding {
    #[default]
    Utf8,
    /// UTF-8 with a byte order mark.
    Utf8Marked,
    Utf16Le,
    Utf16Be,
    /// ESP-IDF takes this one for UTF-16 and refuses it.
    Utf32Le,
    Utf32Be,
    /// Not Unicode at all: each byte kept as the character of its number, so that nothing is lost. ESP-IDF refuses it.
    Bytes,
}

/// What stands around the rows of a CSV.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TableText {
    pub dialect: Dialect,
    pub encoding: Encoding,
    /// Whole lines before the first row; all of them if there is no row.
    pub head: Slice,
    /// What follows the last row.
    pub tail: Slice,
    /// The file's line end, for lines that are added.
    pub line_end: Slice,
}

/// What the cells of a line said when it was read; a cell is edited when the row says something else now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCells {
    pub name: Slice,
    pub kind: u8,
    pub subtype: u8,
    pub offset: Offset,
    pub size: Size,
    pub flags: u32,
}

/// A cell that could not be read. The row holds a stand-in; the text stays in the file until the cell is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub column: Column,
    /// The cell as it stands in the file, variables replaced.
    pub text: Arc<str>,
    /// What is the matter, as one sentence without a full stop.
    pub message: Arc<str>,
    /// What to do about it, as one sentence without a full stop.
    pub help: Arc<str>,
}

/// The line of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line without its end.
    pub text: Slice,
    /// The line's end; empty at the end of a file that does not end with one.
    pub end: Slice,
    /// The line in the file that was read, counted from 1; not kept up to date by edits.
    pub number: usize,
    pub read: ReadCells,
    pub unread: Vec<Unread>,
    /// A variable put commas into the line: cells of the text are no cells of the row, and an edit rewrites them all.
    pub cells_moved: bool,
}

/// How a row was spelled.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Spelling {
    /// Whole lines above the row: comments and blank lines.
    pub before: Slice,
    /// The row's own line; `None` for a row that was added, or read from a binary table.
    pub line: Option<Line>,
    /// The name's 16 bytes in the binary table that the row was read from.
    pub stored_name: Option<[u8; 16]>,
    /// What the user typed into cells, where ESP-IDF takes it; used while it still means the row's value.
    pub typed: Vec<(Column, Arc<str>)>,
}

impl Row {
    /// The line of the file that the row came from.
    pub fn line(&self) -> Option<&Line> {
        self.spelling.as_ref()?.line.as_ref()
    }

    /// Comments and blank lines above the row.
    pub fn text_before(&self) -> &str {
        self.spelling
            .as_ref()
            .map_or("", |spelling| &spelling.before)
    }

    /// The cell that could not be read, if this column of this row is one and was not edited since.
    pub fn unread(&self, column: Column) -> Option<&Unread> {
        let line = self.line()?;
        line.unread
            .iter()
            .find(|cell| cell.column == column)
            .filter(|_| !self.is_edited(line, column))
    }

    /// All cells that could not be read.
    pub fn unread_cells(&self) -> impl Iterator<Item = &Unread> {
        let line = self.line();
        line.into_iter()
            .flat_map(|line| &line.unread)
            .filter(|cell| self.unread(cell.column).is_some())
    }

    /// Whether the row says something else in this column than its line did.
    pub fn is_edited(&self, line: &Line, column: Column) -> bool {
        let read = &line.read;
        match column {
            Column::Name => *read.name != *self.name,
            Column::Type => read.kind != self.kind,
            // The same word, or number, means something else under another type.
            Column::SubType => read.subtype != self.subtype || read.kind != self.kind,
            Column::Offset => read.offset != self.offset,
            Column::Size => read.size != self.size,
            Column::Flags => read.flags != self.flags,
        }
    }

    /// Whether any cell of the row's line was edited, or typed anew.
    pub fn is_line_edited(&self, line: &Line) -> bool {
        let typed = self
            .spelling
            .as_ref()
            .is_some_and(|spelling| !spelling.typed.is_empty());
        typed
            || Dialect::default()
                .columns()
                .iter()
                .any(|column| self.is_edited(line, *column))
    }

    /// What the user typed into this cell.
    pub fn typed(&self, column: Column) -> Option<&str> {
        let spelling = self.spelling.as_ref()?;
        spelling
            .typed
            .iter()
            .find(|(other, _)| *other == column)
            .map(|(_, text)| &**text)
    }

    /// Whether the row was read from a binary table and has no line of a CSV.
    pub fn is_from_binary(&self) -> bool {
        self.spelling
            .as_ref()
            .is_some_and(|spelling| spelling.stored_name.is_some())
    }
}
