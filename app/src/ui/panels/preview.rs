//! What is in the selected file: text, picture or bytes, taken from the packed image, so that what is seen is what
//! the chip will read.

use std::sync::Arc;

use eframe::egui::{
    self, ColorImage, Label, RichText, ScrollArea, TextureHandle, TextureOptions, Ui,
};

use super::super::content_edit;
use super::super::state::AppState;
use super::super::widgets::hex_view::{self, Place};
use super::super::{text, theme};
use super::file_list::Line;
use super::snippets;
use crate::engine::pack::PackedImage;
use crate::model::micropython::{self, PackedPlace, Snippet};
use crate::model::number::human_size;

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum View {
    #[default]
    Text,
    Picture,
    Hex,
    /// Lines of MicroPython that reach the file.
    Python,
}

/// What was found out about the bytes on screen.
#[derive(Clone, Default)]
pub struct PreviewCache {
    image: Option<Arc<PackedImage>>,
    path: String,
    view: View,
    text: Option<Arc<str>>,
    picture: Option<TextureHandle>,
    places: Option<(Arc<PackedImage>, Arc<[Place]>)>,
}

impl std::fmt::Debug for PreviewCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreviewCache")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The most text that is laid out; the rest is said to be there.
const TEXT_LIMIT: usize = 64 * 1024;
/// The widest picture that is shown.
const PICTURE_LIMIT: u32 = 4096;

/// Draws the preview.
pub fn ui(ui: &mut Ui, state: &mut AppState, partition: &str) {
    let selected = state.contents.selected.clone();
    let line = state
        .contents
        .list
        .lines
        .iter()
        .find(|line| Some(&line.entry.at) == selected.as_ref())
        .cloned();
    let image = state.packing.images().get(partition).cloned();
    if let (None, Some(image)) = (&line, &image)
        && !image.bytes.is_empty()
    {
        whole_image(ui, state, image);
        return;
    }
    let (Some(line), Some(image)) = (line, image) else {
        empty(ui, text::PREVIEW_EMPTY);
        return;
    };
    if line.entry.folder {
        empty(
            ui,
            &format!(
                "{} in this folder",
                text::count(line.entry.files, "file", "files")
            ),
        );
        return;
    }
    let bytes = line.packed.as_ref().and_then(|packed| {
        let from = packed.offset as usize;
        image
            .bytes
            .get(from..from.checked_add(packed.size as usize)?)
    });
    let Some(bytes) = bytes else {
        empty(ui, text::PREVIEW_AFTER_PACKING);
        return;
    };
    let cache = &mut state.contents.preview;
    let fresh = cache.path != line.entry.path
        || !cache
            .image
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &image));
    if fresh {
        look(ui.ctx(), cache, &line.entry.path, bytes);
        cache.image = Some(image.clone());
    }
    let snippets = snippets_for(state, partition, &line);
    let cache = &mut state.contents.preview;
    bar(
        ui,
        cache,
        &line.entry.name,
        bytes.len(),
        !snippets.is_empty(),
    );
    ui.add_space(theme::STEP);
    let offset = line
        .packed
        .as_ref()
        .map_or(0, |packed| u64::from(packed.offset));
    if cache.view == View::Python && !snippets.is_empty() {
        snippets::ui(ui, &snippets, &mut state.actions);
        return;
    }
    match (cache.view, &cache.text, &cache.picture) {
        (View::Text, Some(text), _) => {
            ScrollArea::vertical()
                .auto_shrink(false)
                .id_salt("text")
                .show(ui, |ui| {
                    ui.add(
                        Label::new(RichText::new(text.as_ref()).font(theme::mono()))
                            .wrap()
                            .selectable(true),
                    );
                    if bytes.len() > TEXT_LIMIT {
                        ui.weak(format!(
                            "The first {} of {}",
                            human_size(TEXT_LIMIT as u64),
                            human_size(bytes.len() as u64)
                        ));
                    }
                });
        }
        (View::Picture, _, Some(picture)) => {
            let size = picture.size_vec2();
            ui.weak(format!("{} × {}", size.x, size.y));
            let room = ui.available_size();
            let scale = (room.x / size.x).min(room.y / size.y).min(4.0);
            ui.centered_and_justified(|ui| ui.image((picture.id(), size * scale)));
        }
        _ => hex_view::ui(ui, bytes, offset),
    }
}

/// The file's name and how it can be shown.
fn bar(ui: &mut Ui, cache: &mut PreviewCache, name: &str, len: usize, python: bool) {
    ui.horizontal(|ui| {
        ui.strong(name);
        // Four views and a long name leave no room for it in a narrow preview; the list has it too.
        if ui.available_width() > 320.0 {
            ui.weak(human_size(len as u64));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            for (view, label, there) in [
                (View::Python, "MicroPython", python),
                (View::Hex, "Hex", true),
                (View::Picture, "Picture", cache.picture.is_some()),
                (View::Text, "Text", cache.text.is_some()),
            ] {
                if there && ui.selectable_label(cache.view == view, label).clicked() {
                    cache.view = view;
                }
            }
        });
    });
}

/// Lines of MicroPython for a file, as it is packed now.
fn snippets_for(state: &AppState, partition: &str, line: &Line) -> Vec<Snippet> {
    let project = state.document.project();
    let files = content_edit::files(project, partition);
    let (Some(placed), Some(files), Some(packed)) =
        (project.table.find(partition), files, &line.packed)
    else {
        return Vec::new();
    };
    micropython::snippets(&PackedPlace {
        partition,
        region: placed.region,
        format: files.format,
        path: &line.entry.path,
        offset: packed.offset,
        size: packed.size,
    })
}

/// Without a file the image itself is shown, as it will lie in flash.
fn whole_image(ui: &mut Ui, state: &mut AppState, image: &Arc<PackedImage>) {
    let cache = &mut state.contents.preview;
    let known = cache
        .places
        .as_ref()
        .filter(|(known, _)| Arc::ptr_eq(known, image))
        .map(|(_, places)| places.clone());
    let places = known.unwrap_or_else(|| {
        let files = image.entries.iter().filter(|entry| !entry.folder);
        let places: Arc<[Place]> = files
            .map(|entry| Place {
                name: entry.path.clone(),
                at: entry.offset as usize,
                size: entry.size as usize,
            })
            .collect();
        cache.places = Some((image.clone(), places.clone()));
        places
    });
    ui.horizontal(|ui| {
        ui.strong("Whole image");
        ui.weak(human_size(image.bytes.len() as u64));
        ui.weak(text::PREVIEW_EMPTY);
    });
    hex_view::with_places(ui, &image.bytes, 0, &places);
}

fn empty(ui: &mut Ui, words: &str) {
    ui.take_available_space();
    let at = ui.max_rect().center();
    let weak = theme::tokens(ui.visuals()).weak;
    let galley = ui.painter().layout(
        words.to_owned(),
        theme::font(theme::SMALL),
        weak,
        (ui.max_rect().width() - 16.0).max(40.0),
    );
    let size = galley.size();
    ui.painter().galley(at - size / 2.0, galley, weak);
}

fn look(ctx: &egui::Context, cache: &mut PreviewCache, path: &str, bytes: &[u8]) {
    path.clone_into(&mut cache.path);
    cache.text = as_text(bytes).map(Into::into);
    cache.picture = as_picture(bytes)
        .map(|picture| ctx.load_texture("preview", picture, TextureOptions::NEAREST));
    cache.view = if cache.picture.is_some() {
        View::Picture
    } else if cache.text.is_some() {
        View::Text
    } else {
        View::Hex
    };
}

/// The bytes as text, if they are.
fn as_text(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(TEXT_LIMIT)).unwrap_or_default();
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The limit may have cut a character in two.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let odd = text
        .chars()
        .filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        .count();
    (odd == 0 && !text.is_empty()).then(|| text.replace('\t', "    ").replace('\r', ""))
}

/// The bytes as a picture, if they are one that can be decoded (PNG).
fn as_picture(bytes: &[u8]) -> Option<ColorImage> {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return None;
    }
    // Width and height stand in the first chunk; a hostile file may claim any.
    let claimed = |at: usize| {
        bytes
            .get(at..at + 4)?
            .try_into()
            .ok()
            .map(u32::from_be_bytes)
    };
    if claimed(16)? > PICTURE_LIMIT || claimed(20)? > PICTURE_LIMIT {
        return None;
    }
    let icon = eframe::icon_data::from_png_bytes(bytes).ok()?;
    let size = [icon.width as usize, icon.height as usize];
    (size[0] > 0 && size[1] > 0).then(|| ColorImage::from_rgba_unmultiplied(size, &icon.rgba))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_bytes() {
        assert_eq!(
            as_text(b"hello\tworld\r\n").as_deref(),
            Some("hello    world\n")
        );
        assert_eq!(as_text(&[0, 1, 2]), None);
        assert_eq!(as_text(&[0xFF, 0xFE]), None);
        assert_eq!(as_text(b""), None);
        let long = "ä".repeat(TEXT_LIMIT);
        assert!(as_text(&long.as_bytes()[1..]).is_none());
        assert!(as_text(format!("x{long}").as_bytes()).is_some());
    }

    #[test]
    fn a_picture_that_lies_about_its_size_is_refused() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(u32::MAX.to_be_bytes());
        png.extend(u32::MAX.to_be_bytes());
        assert!(as_picture(&png).is_none());
        assert!(as_picture(b"\x89PNG\r\n\x1a\n").is_none());
    }
}
