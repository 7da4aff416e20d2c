//! Files from outside: what a drop will do while they hover, the drop itself, and paths pasted with Ctrl+V.
//!
//! No platform tells where dragged files hover, so that they go to the selected partition; the strip afterwards offers
//! to undo.

use std::path::PathBuf;

use eframe::egui::{self, Align2, Event, LayerId, Order, Stroke, StrokeKind, Ui};

use super::super::action::Action;
use super::super::packing_paths::{Given, would_do};
use super::super::state::AppState;
use super::super::theme;

/// What a path given to the window is.
fn is_project(path: &std::path::Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "flashpack" || extension == "csv")
}

/// Takes dropped and pasted files, and draws the overlay while files hover.
pub fn ui(ui: &Ui, state: &mut AppState) {
    let dropped: Vec<PathBuf> = ui.input(|input| {
        input
            .raw
            .dropped_files
            .iter()
            .map(|file| file.path().to_path_buf())
            .collect()
    });
    take(state, dropped);
    if !ui.ctx().text_edit_focused() {
        take(state, pasted(ui));
    }
    let hovered = ui.input(|input| input.raw.hovered_files.clone());
    if hovered.is_empty() {
        return;
    }
    let paths: Vec<PathBuf> = hovered
        .iter()
        .filter_map(|file| file.path.clone())
        .collect();
    let mut given = Given::count(&paths);
    // Some systems do not say what hovers.
    given.files += hovered.len() - paths.len();
    let partition = state.environment.partition.clone().unwrap_or_default();
    let words = match paths.as_slice() {
        [path] if is_project(path) => Ok("Open this project".to_owned()),
        _ => would_do(state.document.project(), &partition, given),
    };
    let tokens = theme::tokens(ui.visuals());
    let painter = ui.ctx().layer_painter(LayerId::new(
        Order::Foreground,
        egui::Id::unique("drop overlay"),
    ));
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, theme::shade(ui.visuals()));
    let (text, ink) = match words {
        Ok(text) => (text, tokens.accent),
        Err(reason) => (reason, tokens.danger),
    };
    painter.rect_stroke(
        rect.shrink(10.0),
        10.0,
        Stroke::new(3.0, ink),
        StrokeKind::Inside,
    );
    let galley = painter.layout_no_wrap(text, theme::font(22.0), tokens.text);
    let plate = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size());
    painter.rect_filled(plate.expand(16.0), 8.0, tokens.raised);
    painter.galley(plate.min, galley, tokens.text);
}

fn take(state: &mut AppState, paths: Vec<PathBuf>) {
    if paths.is_empty() {
        return;
    }
    if let [path] = paths.as_slice()
        && is_project(path)
    {
        state.ask(Action::OpenPath(path.clone()));
        return;
    }
    match state.environment.partition.clone() {
        Some(partition) => state.ask(Action::AddPaths { partition, paths }),
        None => state.ask(Action::Tell(
            "Select a partition first, then drop the files again".to_owned(),
        )),
    }
}

/// Paths on the clipboard: one a line, as file managers put them there, plain or as `file://` addresses.
fn pasted(ui: &Ui) -> Vec<PathBuf> {
    let texts: Vec<String> = ui.input(|input| {
        input
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
            .collect()
    });
    texts.iter().flat_map(|text| paths_in(text)).collect()
}

fn paths_in(text: &str) -> Vec<PathBuf> {
    text.lines()
        .map(str::trim)
        .filter_map(|line| match line.strip_prefix("file://") {
            Some(address) => decoded(address).map(PathBuf::from),
            None => Some(PathBuf::from(line.trim_matches(['\'', '"']))),
        })
        .filter(|path| path.is_absolute())
        .collect()
}

/// The path of a `file://` address.
fn decoded(address: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (code, tail) = tail.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn file_managers_paste_in_several_ways() {
        let text = "file:///tmp/my%20file.txt\r\n/tmp/b\n'/tmp/c'\nnot a path\nfile:///bad%zz\n";
        let expected: Vec<PathBuf> = ["/tmp/my file.txt", "/tmp/b", "/tmp/c"]
            .iter()
            .map(PathBuf::from)
            .collect();
        assert_eq!(paths_in(text), expected);
    }
}
