//! The map of a flash as a picture for documents: SVG, or PNG at twice the size.
//!
//! To scale, except that tiny stretches get a width that can be seen; colours follow the type of a partition. Legible
//! on light and dark paper because the picture brings its own ground. [`Picture`] says what is where; [`svg()`] and
//! [`png()`] draw the same from it. Nothing here reads or writes a file.

mod lettering;
mod pixels;
mod svg;

pub use pixels::png;
pub use svg::svg;

use lettering::Face;

use crate::model::chip::Chip;
use crate::model::number::{hex, human_size};
use crate::model::partition_table::{APP, DATA, PartitionTable};
use crate::model::region::Region;
use crate::model::table_gaps::{Area, gaps};

/// Measures of the picture, in its own units.
const WIDTH: f32 = 1000.0;
const HEIGHT: f32 = 108.0;
const MARGIN: f32 = 12.0;
const BAND_TOP: f32 = 34.0;
const BAND: f32 = 60.0;
/// Narrowest stretch.
const SMALLEST: f32 = 12.0;
/// Room on both sides of a label.
const PADDING: f32 = 5.0;

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ink(u8, u8, u8);

const GROUND: Ink = Ink(0xFF, 0xFF, 0xFF);
const RESERVED: Ink = Ink(0xD5, 0xD9, 0xDE);
const LINE: Ink = Ink(0x5B, 0x64, 0x70);
const TEXT: Ink = Ink(0x14, 0x18, 0x1D);
const RULER: Ink = Ink(0x4A, 0x52, 0x5C);

/// A line of text: where it begins, and the height of its base line.
#[derive(Clone, Debug)]
struct Label {
    left: f32,
    base: f32,
    size: f32,
    face: Face,
    ink: Ink,
    text: String,
}

/// A box of the band.
#[derive(Clone, Debug)]
struct Boxed {
    /// For who points at it: name, size and place.
    title: String,
    left: f32,
    width: f32,
    fill: Ink,
    is_partition: bool,
    labels: Vec<Label>,
}

/// All that is drawn.
#[derive(Clone, Debug)]
struct Picture {
    title: String,
    boxes: Vec<Boxed>,
    ruler: Vec<Label>,
}

struct Stretch {
    region: Region,
    name: String,
    fill: Ink,
    is_partition: bool,
}

impl Picture {
    fn new(table: &PartitionTable, flash_size: u32, chip: Chip) -> Self {
        let stretches = stretches(table, flash_size, chip);
        let widths = widths(&stretches);
        let mut boxes = Vec::with_capacity(stretches.len());
        let mut ruler = Vec::new();
        let mut left = MARGIN;
        let mut ruler_end = 0.0;
        for (stretch, width) in stretches.iter().zip(widths) {
            boxes.push(boxed(stretch, left, width));
            if left >= ruler_end {
                let label = Label {
                    left,
                    base: 24.0,
                    size: 11.0,
                    face: Face::Figures,
                    ink: RULER,
                    text: hex(stretch.region.offset),
                };
                ruler_end = left + label.width() + 6.0;
                if ruler_end < WIDTH {
                    ruler.push(label);
                }
            }
            left += width;
        }
        Self {
            title: format!(
                "Flash of {}, {} partitions",
                human_size(u64::from(flash_size)),
                table.rows.len()
            ),
            boxes,
            ruler,
        }
    }
}

/// A stretch with its name and, below it, its size, each only where it fits.
fn boxed(stretch: &Stretch, left: f32, width: f32) -> Boxed {
    let size = human_size(u64::from(stretch.region.size));
    let label = |text: &str, base: f32, size: f32| Label {
        left: left + PADDING,
        base: BAND_TOP + base,
        size,
        face: Face::Words,
        ink: TEXT,
        text: text.to_owned(),
    };
    let fits = |label: &Label| label.width() + 2.0 * PADDING <= width;
    let labels = [label(&stretch.name, 26.0, 12.0), label(&size, 44.0, 11.0)];
    Boxed {
        title: format!("{}, {size} at {}", stretch.name, hex(stretch.region.offset)),
        left,
        width: (width - 1.0).max(1.0),
        fill: stretch.fill,
        is_partition: stretch.is_partition,
        labels: labels.into_iter().take_while(fits).collect(),
    }
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
            Area::Reserved => ("reserved", RESERVED),
            Area::Bootloader => ("bootloader", RESERVED),
            Area::Table => ("partition table", RESERVED),
            Area::Free => ("free", GROUND),
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
fn widths(stretches: &[Stretch]) -> Vec<f32> {
    let room = WIDTH - 2.0 * MARGIN;
    // However many there are, half of the room stays to scale, so that a large one is seen to be large.
    let smallest = SMALLEST.min(room / 2.0 / stretches.len().max(1) as f32);
    let sizes: Vec<f32> = stretches
        .iter()
        .map(|stretch| stretch.region.size as f32)
        .collect();
    let mut narrow = vec![false; sizes.len()];
    loop {
        let wide: f32 = sizes
            .iter()
            .zip(&narrow)
            .filter(|(_, narrow)| !**narrow)
            .map(|(size, _)| size)
            .sum();
        let taken = narrow.iter().filter(|narrow| **narrow).count() as f32 * smallest;
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
fn fill(kind: u8, subtype: u8) -> Ink {
    match (kind, subtype) {
        (APP, _) => Ink(0x9C, 0xC7, 0xE8),
        // otadata, phy, nvs, coredump, nvs_keys, efuse
        (DATA, 0x00..=0x05) => Ink(0xF0, 0xC2, 0x7A),
        // fat, spiffs, littlefs
        (DATA, 0x81..=0x83) => Ink(0x8F, 0xD1, 0xB5),
        (DATA | 0x40..=0xFE, _) => Ink(0xD6, 0xB3, 0xD8),
        _ => RESERVED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::table_template::TEMPLATES;
    use crate::model::partition_table::TableSettings;

    const FLASH: u32 = 4 << 20;

    fn table() -> PartitionTable {
        TEMPLATES[0].table(FLASH, TableSettings::default()).unwrap()
    }

    #[test]
    fn stretches_fill_the_picture_and_can_all_be_seen() {
        let widths = widths(&stretches(&table(), FLASH, Chip::Esp32));
        let sum: f32 = widths.iter().sum();
        assert!((sum - (WIDTH - 2.0 * MARGIN)).abs() < 0.1, "{sum}");
        assert!(widths.iter().all(|width| *width >= SMALLEST - 0.01));
    }

    #[test]
    fn a_large_partition_is_wide_among_a_hundred_small_ones() {
        let stretch = |offset, size| Stretch {
            region: Region::new(offset, size),
            name: String::new(),
            fill: GROUND,
            is_partition: true,
        };
        let mut all: Vec<Stretch> = (0..99).map(|row| stretch(row * 0x1000, 0x1000)).collect();
        all.push(stretch(0x10_0000, 0x10_0000));
        let widths = widths(&all);
        assert!(widths[99] > 80.0 * widths[0], "{widths:?}");
    }

    #[test]
    fn labels_stay_inside_their_box() {
        let mut table = table();
        std::sync::Arc::make_mut(&mut table.rows[0]).name = "WWWWWWWWWWWWWWWW".into();
        for template in &TEMPLATES {
            let table = template.table(FLASH, TableSettings::default()).unwrap();
            let picture = Picture::new(&table, FLASH, Chip::Esp32c3);
            for boxed in &picture.boxes {
                for label in &boxed.labels {
                    assert!(
                        label.left + label.width() <= boxed.left + boxed.width,
                        "{label:?}"
                    );
                }
            }
        }
        let picture = Picture::new(&table, FLASH, Chip::Esp32c3);
        assert!(picture.boxes.iter().any(|boxed| boxed.labels.is_empty()));
        assert!(picture.boxes.iter().any(|boxed| boxed.labels.len() == 2));
    }
}
