//! The report of an image's files as lines of text: place, size, sum, waste, cost. What is not known is a dash.

use crate::model::number::hex;

/// One file or folder.
pub struct FileLine<'a> {
    pub name: &'a str,
    pub folder: bool,
    pub offset: Option<u32>,
    pub size: Option<u32>,
    pub crc32: Option<u32>,
    pub wasted: Option<u32>,
    pub sectors_changed: Option<usize>,
    /// Said with the sectors only.
    pub change: Option<&'static str>,
}

/// What the columns are; with `compared` there is a previous image.
pub fn head(compared: bool) -> String {
    let cost = if compared { "  sectors  change " } else { "" };
    format!("    offset        size    crc-32  wasted{cost}  name\n")
}

/// One line.
pub fn line(file: &FileLine<'_>) -> String {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let cost = file.sectors_changed.map_or_else(String::new, |sectors| {
        format!("  {sectors:>7}  {:<7}", file.change.unwrap_or_default())
    });
    format!(
        "{:>10}  {:>10}  {:>8}  {:>6}{cost}  {}{}\n",
        or_dash(file.offset.map(hex)),
        or_dash(file.size.map(|size| size.to_string())),
        or_dash(file.crc32.map(|sum| format!("{sum:08X}"))),
        or_dash(file.wasted.map(|bytes| bytes.to_string())),
        file.name,
        if file.folder { "/" } else { "" }
    )
}
