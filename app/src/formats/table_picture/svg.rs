//! The picture as the text of an SVG file, with a title on each stretch for who points at it.

use std::fmt::{self, Write as _};

use super::lettering::Face;
use super::{BAND, BAND_TOP, GROUND, HEIGHT, Ink, LINE, Label, Picture, WIDTH};
use crate::model::chip::Chip;
use crate::model::partition_table::PartitionTable;

/// The picture as the text of an SVG file.
pub fn svg(table: &PartitionTable, flash_size: u32, chip: Chip) -> String {
    let picture = Picture::new(table, flash_size, chip);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut put = |text: fmt::Arguments<'_>| out.write_fmt(text).is_ok();
    put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\">\n"
    ));
    put(format_args!(
        "<title>{}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"{GROUND}\"/>\n",
        escaped(&picture.title)
    ));
    for boxed in &picture.boxes {
        let dashes = if boxed.is_partition {
            ""
        } else {
            " stroke-dasharray=\"4 3\""
        };
        put(format_args!(
            "<g><title>{}</title><rect x=\"{:.1}\" y=\"{BAND_TOP}\" width=\"{:.1}\" height=\"{BAND}\" rx=\"3\" fill=\"{}\" stroke=\"{LINE}\"{dashes}/>",
            escaped(&boxed.title),
            boxed.left,
            boxed.width,
            boxed.fill
        ));
        for label in &boxed.labels {
            put(format_args!("{label}"));
        }
        put(format_args!("</g>\n"));
    }
    for label in &picture.ruler {
        put(format_args!("{label}\n"));
    }
    put(format_args!("</svg>\n"));
    out
}

impl fmt::Display for Ink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let face = match self.face {
            Face::Words => "",
            Face::Figures => " font-family=\"monospace\"",
        };
        write!(
            f,
            "<text x=\"{:.1}\" y=\"{}\" fill=\"{}\" font-size=\"{}\"{face}>{}</text>",
            self.left,
            self.base,
            self.ink,
            self.size,
            escaped(&self.text)
        )
    }
}

/// Text as it may stand in XML. Control characters, which XML forbids, become a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            character if character.is_control() || matches!(character, '\u{FFFE}' | '\u{FFFF}') => {
                out.push('\u{FFFD}');
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::table_template::TEMPLATES;
    use crate::model::number::{hex, human_size};
    use crate::model::partition_table::TableSettings;
    use std::sync::Arc;

    const FLASH: u32 = 4 << 20;

    fn table() -> PartitionTable {
        TEMPLATES[0].table(FLASH, TableSettings::default()).unwrap()
    }

    #[test]
    fn every_partition_and_the_free_space_are_named_with_size_and_place() {
        for template in &TEMPLATES {
            let table = template.table(FLASH, TableSettings::default()).unwrap();
            let picture = svg(&table, FLASH, Chip::Esp32);
            assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
            for placed in table.layout() {
                let title = format!(
                    "<title>{}, {} at {}</title>",
                    placed.row.name,
                    human_size(u64::from(placed.region.size)),
                    hex(placed.region.offset)
                );
                assert!(picture.contains(&title), "{}: {title}", template.name);
            }
            assert!(picture.contains("<title>partition table, 4 KiB at 0x8000</title>"));
        }
    }

    #[test]
    fn names_cannot_break_out_of_their_place() {
        let mut table = table();
        Arc::make_mut(&mut table.rows[0]).name = "a<b>&\"\u{1}".into();
        let picture = svg(&table, FLASH, Chip::Esp32);
        assert!(picture.contains("a&lt;b&gt;&amp;&quot;\u{FFFD}"));
        assert!(!picture.contains("a<b"));
    }

    #[test]
    fn an_empty_table_and_94_tiny_ones_are_drawn() {
        let empty = svg(&PartitionTable::default(), FLASH, Chip::Esp32);
        assert!(empty.contains("<title>free, "));
        let row = table().rows[0].clone();
        let many = PartitionTable {
            rows: vec![row; 94],
            ..PartitionTable::default()
        };
        let picture = svg(&many, FLASH, Chip::Esp32);
        assert!(picture.matches("<g>").count() >= 94);
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }
}
