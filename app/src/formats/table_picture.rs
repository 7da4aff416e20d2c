//! The map of a flash as an SVG picture, for documents.
//!
//! To scale, except that tiny stretches get a width that can be seen; colours follow the type of a partition. Legible
//! on light and dark paper because the picture brings its own ground. Nothing here reads or writes a file.

use std::fmt::Write as _;

use crate::model::chip::Chip;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::{APP, DATA, PartitionTable};
use crate::model::region::Region;
use crate::model::table_gaps::{Area, gaps};

/// Measures of the picture, in its own units.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 12.0;
const BAND_TOP: f64 = 34.0;
const BAND: f64 = 60.0;
const HEIGHT: f64 = 108.0;
/// Narrowest stretch.
const SMALLEST: f64 = 12.0;
/// Width of a letter of the labels, generously.
const LETTER: f64 = 7.2;

struct Stretch {
    region: Region,
    name: String,
    fill: &'static str,
    is_partition: bool,
}

/// The picture as the text of an SVG file.
pub fn svg(table: &PartitionTable, flash_size: u32, chip: Chip) -> String {
    let stretches = stretches(table, flash_size, chip);
    let widths = widths(&stretches);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut put = |text: std::fmt::Arguments<'_>| out.write_fmt(text).is_ok();
    put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n"
    ));
    put(format_args!(
        "<title>Flash of {}, {} partitions</title>\n",
        human_size(u64::from(flash_size)),
        table.rows.len()
    ));
    put(format_args!(
        "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"#ffffff\"/>\n"
    ));
    let mut left = MARGIN;
    let mut ruler_end = 0.0;
    for (stretch, width) in stretches.iter().zip(widths) {
        let size = human_size(u64::from(stretch.region.size));
        let name = escaped(&stretch.name);
        let dashes = if stretch.is_partition {
            ""
        } else {
            " stroke-dasharray=\"4 3\""
        };
        put(format_args!(
            "<g><title>{name}, {} at {}</title><rect x=\"{left:.1}\" y=\"{BAND_TOP}\" width=\"{:.1}\" height=\"{BAND}\" rx=\"3\" fill=\"{}\" stroke=\"#5b6470\"{dashes}/>",
            size,
            hex(stretch.region.offset),
            (width - 1.0).max(1.0),
            stretch.fill
        ));
        let fits = |text: &str| text.chars().count() as f64 * LETTER + 8.0 <= width;
        if fits(&stretch.name) {
            put(format_args!(
                "<text x=\"{:.1}\" y=\"{}\" fill=\"#14181d\">{name}</text>",
                left + 5.0,
                BAND_TOP + 26.0
            ));
            if fits(&size) {
                put(format_args!(
                    "<text x=\"{:.1}\" y=\"{}\" fill=\"#14181d\" font-size=\"11\">{size}</text>",
                    left + 5.0,
                    BAND_TOP + 44.0
                ));
            }
        }
        put(format_args!("</g>\n"));
        if left >= ruler_end {
            let offset = hex(stretch.region.offset);
            put(format_args!(
                "<text x=\"{left:.1}\" y=\"24\" fill=\"#4a525c\" font-size=\"11\" font-family=\"monospace\">{offset}</text>\n"
            ));
            ruler_end = left + offset.len() as f64 * LETTER + 6.0;
        }
        left += width;
    }
    put(format_args!("</svg>\n"));
    out
}

/// Everything from offset 0 on, by offset. Partitions that overlap stand side by side.
fn stretches(table: &PartitionTable, flash_size: u32, chip: Chip) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = table
        .layout()
        .iter()
        .map(|placed| Stretch {
            region: placed.region,
            name: placed.row.shown_name().to_owned(),
            fill: fill(placed.row.kind, placed.row.subtype),
            is_partition: true,
        })
        .collect();
    let named = |region: Region| {
        table
            .layout()
            .iter()
            .any(|placed| placed.region.overlaps(region))
    };
    for gap in gaps(table, Some(flash_size), Some(chip)) {
        if gap.area != Area::Free && named(gap.region) {
            continue;
        }
        let (name, fill) = match gap.area {
            Area::Reserved => ("reserved", "#d5d9de"),
            Area::Bootloader => ("bootloader", "#d5d9de"),
            Area::Table => ("partition table", "#d5d9de"),
            Area::Free => ("free", "#ffffff"),
        };
        all.push(Stretch {
            region: gap.region,
            name: name.to_owned(),
            fill,
            is_partition: false,
        });
    }
    all.sort_by_key(|stretch| (stretch.region.offset, stretch.region.size));
    all
}

/// Widths that fill the picture: the narrow ones get what they need, the others share the rest by size.
fn widths(stretches: &[Stretch]) -> Vec<f64> {
    let room = WIDTH - 2.0 * MARGIN;
    let smallest = SMALLEST.min(room / stretches.len().max(1) as f64);
    let sizes: Vec<f64> = stretches
        .iter()
        .map(|stretch| f64::from(stretch.region.size))
        .collect();
    let mut narrow = vec![false; sizes.len()];
    loop {
        let wide: f64 = sizes
            .iter()
            .zip(&narrow)
            .filter(|(_, narrow)| !**narrow)
            .map(|(size, _)| size)
            .sum();
        let taken = narrow.iter().filter(|narrow| **narrow).count() as f64 * smallest;
        let scale = if wide > 0.0 {
            (room - taken) / wide
        } else {
            0.0
        };
        let mut settled = true;
        for (size, narrow) in sizes.iter().zip(&mut narrow) {
            if !*narrow && size * scale < smallest {
                *narrow = true;
                settled = false;
            }
        }
        if settled {
            return sizes
                .iter()
                .zip(&narrow)
                .map(|(size, narrow)| if *narrow { smallest } else { size * scale })
                .collect();
        }
    }
}

/// Okabe and Ito's hues, muted: they stay apart for colour-blind readers.
fn fill(kind: u8, subtype: u8) -> &'static str {
    match (kind, subtype) {
        (APP, _) => "#9cc7e8",
        // otadata, phy, nvs, coredump, nvs_keys, efuse
        (DATA, 0x00..=0x05) => "#f0c27a",
        // fat, spiffs, littlefs
        (DATA, 0x81..=0x83) => "#8fd1b5",
        (DATA | 0x40..=0xFE, _) => "#d6b3d8",
        _ => "#d5d9de",
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
    fn stretches_fill_the_picture_and_can_all_be_seen() {
        let widths = widths(&stretches(&table(), FLASH, Chip::Esp32));
        let sum: f64 = widths.iter().sum();
        assert!((sum - (WIDTH - 2.0 * MARGIN)).abs() < 0.01, "{sum}");
        assert!(widths.iter().all(|width| *width >= SMALLEST - 0.01));
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
