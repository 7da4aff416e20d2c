//! The picture as a PNG file, drawn at twice its size so that it is sharp on the screens of today.
//!
//! Shapes are filled by tiny-skia, letters come from the faces in `lettering`, and the `png` crate writes the file.

use tiny_skia::{
    Color, FillRule, Mask, Paint, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};

use super::{BAND, BAND_TOP, Boxed, GROUND, HEIGHT, Ink, LINE, Label, Picture, WIDTH};
use crate::model::chip::Chip;
use crate::model::partition_table::PartitionTable;

/// Pixels for each unit of the picture.
const SCALE: f32 = 2.0;

/// The picture as the bytes of a PNG file, 2000 pixels wide.
///
/// # Errors
/// A sentence, when the picture cannot be drawn or packed; no table is known for which that happens.
pub fn png(table: &PartitionTable, flash_size: u32, chip: Chip) -> Result<Vec<u8>, String> {
    let picture = Picture::new(table, flash_size, chip);
    let (width, height) = (whole(WIDTH), whole(HEIGHT));
    let mut pixels = Pixmap::new(width, height).ok_or("There is no memory for the picture")?;
    pixels.fill(GROUND.color());
    for boxed in &picture.boxes {
        draw_box(&mut pixels, boxed);
        for label in &boxed.labels {
            draw_label(&mut pixels, label);
        }
    }
    for label in &picture.ruler {
        draw_label(&mut pixels, label);
    }
    // The ground covers everything, so nothing is transparent.
    let colours: Vec<u8> = pixels
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    packed(&picture.title, width, height, &colours)
        .map_err(|error| format!("The picture cannot be packed as PNG: {error}"))
}

/// A measure of the picture in whole pixels.
#[expect(
    clippy::cast_sign_loss,
    reason = "no measure of the picture is negative"
)]
fn whole(measure: f32) -> u32 {
    (measure * SCALE) as u32
}

fn packed(
    title: &str,
    width: u32,
    height: u32,
    colours: &[u8],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk("Title".to_owned(), title.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(colours)?;
    writer.finish()?;
    Ok(bytes)
}

impl Ink {
    fn color(self) -> Color {
        Color::from_rgba8(self.0, self.1, self.2, 0xFF)
    }

    fn paint(self) -> Paint<'static> {
        let mut paint = Paint::default();
        paint.set_color(self.color());
        paint.anti_alias = true;
        paint
    }
}

fn draw_box(pixels: &mut Pixmap, boxed: &Boxed) {
    let Some(rect) = Rect::from_xywh(boxed.left, BAND_TOP, boxed.width, BAND) else {
        return;
    };
    let path = PathBuilder::from_rect(rect);
    let scale = Transform::from_scale(SCALE, SCALE);
    let no_mask: Option<&Mask> = None;
    let rule = FillRule::Winding;
    pixels.fill_path(&path, &boxed.fill.paint(), rule, scale, no_mask);
    let dash = if boxed.is_partition {
        None
    } else {
        StrokeDash::new(vec![4.0, 3.0], 0.0)
    };
    let stroke = Stroke {
        width: 1.0,
        dash,
        ..Stroke::default()
    };
    pixels.stroke_path(&path, &LINE.paint(), &stroke, scale, no_mask);
}

fn draw_label(pixels: &mut Pixmap, label: &Label) {
    if let Some(path) = label.path() {
        let scale = Transform::from_scale(SCALE, SCALE);
        pixels.fill_path(&path, &label.ink.paint(), FillRule::Winding, scale, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::table_template::TEMPLATES;
    use crate::model::partition_table::TableSettings;
    use std::sync::Arc;

    const FLASH: u32 = 4 << 20;

    struct Seen {
        width: usize,
        colours: Vec<u8>,
    }

    impl Seen {
        fn of(bytes: &[u8]) -> Self {
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
                .read_info()
                .unwrap();
            let mut colours = vec![0; reader.output_buffer_size().unwrap()];
            let frame = reader.next_frame(&mut colours).unwrap();
            assert_eq!((frame.width, frame.height), (2000, 216));
            Self {
                width: frame.width as usize,
                colours,
            }
        }

        fn at(&self, x: f32, y: f32) -> [u8; 3] {
            let place = 3 * (whole(y) as usize * self.width + whole(x) as usize);
            self.colours[place..place + 3].try_into().unwrap()
        }

        /// How many pixels of a box of the picture are as dark as letters are.
        fn dark(&self, left: f32, width: f32, top: f32, height: f32) -> usize {
            let span = |from, len| whole(from) as usize..whole(from + len) as usize;
            let (columns, rows) = (span(left, width), span(top, height));
            rows.flat_map(|y| columns.clone().map(move |x| 3 * (y * self.width + x)))
                .filter(|place| self.colours[*place] < 0x60)
                .count()
        }
    }

    #[test]
    fn every_stretch_has_its_colour_and_its_name_in_letters() {
        for template in &TEMPLATES {
            let table = template.table(FLASH, TableSettings::default()).unwrap();
            let seen = Seen::of(&png(&table, FLASH, Chip::Esp32c3).unwrap());
            let picture = Picture::new(&table, FLASH, Chip::Esp32c3);
            for boxed in &picture.boxes {
                let Ink(red, green, blue) = boxed.fill;
                let corner = seen.at(boxed.left + 2.0, BAND_TOP + 3.0);
                assert_eq!(corner, [red, green, blue], "{}", boxed.title);
                let inside = (boxed.left + 3.0, boxed.width - 6.0);
                let letters = seen.dark(inside.0, inside.1, BAND_TOP + 14.0, 16.0);
                assert_eq!(letters > 20, !boxed.labels.is_empty(), "{}", boxed.title);
            }
            assert!(seen.dark(12.0, 20.0, 14.0, 12.0) > 20, "the ruler");
        }
    }

    #[test]
    fn names_of_any_characters_and_94_partitions_are_drawn() {
        let mut table = TEMPLATES[0].table(FLASH, TableSettings::default()).unwrap();
        Arc::make_mut(&mut table.rows[0]).name = "größe 分区 \u{1F600}\u{1}".into();
        table.rows = vec![table.rows[0].clone(); 94];
        Seen::of(&png(&table, FLASH, Chip::Esp32).unwrap());
        Seen::of(&png(&PartitionTable::default(), FLASH, Chip::Esp32).unwrap());
    }
}
