//! How the user has arranged the window: splits, drawer, place on the screen. Kept between two starts.

use eframe::egui::{self, ViewportInfo};
use serde::{Deserialize, Serialize};

use super::panels::drawer::Tab;
use super::state::AppState;
use crate::store::settings::WindowPlace;

/// Splits and drawer; lengths in points. What is missing or cannot be read has its default.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Layout {
    /// Width of the table.
    pub table: Option<f32>,
    /// Width of the preview.
    pub preview: Option<f32>,
    /// Height of the open drawer.
    pub drawer: Option<f32>,
    /// The open tab.
    pub tab: Option<Tab>,
    /// Whether neighbours give way in the map unless Shift is held.
    pub push: bool,
}

impl Layout {
    /// From the text in the settings.
    pub fn from_text(text: &str) -> Self {
        // An arrangement is worth no message: the default is as good.
        serde_json::from_str(text).unwrap_or_default()
    }

    /// For the settings.
    pub fn to_text(self) -> String {
        serde_json::to_string(&self).unwrap_or_default()
    }
}

/// Takes the window's place over into the settings, as far as the system tells it.
pub fn note_place(state: &mut AppState, ctx: &egui::Context) {
    if let Some(place) = ctx.input(|input| place(input.viewport())) {
        // A maximised window keeps the size that it will have when it is restored.
        let size = if place.maximized {
            state.settings.window
        } else {
            None
        };
        state.settings.window = Some(match size {
            Some(known) => WindowPlace {
                maximized: true,
                ..known
            },
            None => place,
        });
    }
}

fn place(viewport: &ViewportInfo) -> Option<WindowPlace> {
    let inner = viewport.inner_rect?;
    Some(WindowPlace {
        width: inner.width(),
        height: inner.height(),
        position: viewport.outer_rect.map(|outer| (outer.left(), outer.top())),
        maximized: viewport.maximized.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrangement_survives_and_garbage_does_no_harm() {
        let layout = Layout {
            table: Some(500.0),
            tab: Some(Tab::Agent),
            ..Layout::default()
        };
        assert_eq!(Layout::from_text(&layout.to_text()), layout);
        assert_eq!(Layout::from_text("{"), Layout::default());
        assert_eq!(
            Layout::from_text(r#"{"from-the-future":1}"#),
            Layout::default()
        );
    }
}
