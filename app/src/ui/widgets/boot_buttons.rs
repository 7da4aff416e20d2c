//! The picture of BOOT and RESET: three small boards, each with what the two buttons are to do. The same steps stand
//! beside it as text, so that nobody needs the picture.

use eframe::egui::{self, Align2, Color32, FontId, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::super::theme;

/// What to do, one step each: words, whether BOOT is held, whether RESET is held.
pub const STEPS: [(&str, bool, bool); 3] = [
    ("1. Hold BOOT", true, false),
    ("2. Press and release RESET", true, true),
    ("3. Release BOOT, then try again", false, false),
];

const BOARD: egui::Vec2 = vec2(104.0, 46.0);

/// Draws the steps beside each other.
pub fn ui(ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::STEP * 4.0;
        for (words, boot, reset) in STEPS {
            ui.vertical(|ui| {
                board(ui, boot, reset);
                ui.label(words);
            });
        }
    });
}

fn board(ui: &mut Ui, boot: bool, reset: bool) {
    let (rect, _) = ui.allocate_exact_size(BOARD, egui::Sense::hover());
    let tokens = theme::tokens(ui.visuals());
    let painter = ui.painter_at(rect);
    let line = Stroke::new(1.0, tokens.weak);
    painter.rect(rect.shrink(1.0), 4, tokens.raised, line, StrokeKind::Inside);
    // The USB socket at the left, the chip in the middle.
    let socket = Rect::from_center_size(rect.left_center() + vec2(5.0, 0.0), vec2(9.0, 16.0));
    painter.rect(socket, 2, tokens.panel, line, StrokeKind::Inside);
    let chip = Rect::from_center_size(rect.center() - vec2(12.0, 0.0), vec2(26.0, 22.0));
    painter.rect(chip, 2, tokens.panel, line, StrokeKind::Inside);
    button(
        &painter,
        pos2(rect.right() - 24.0, rect.top() + 13.0),
        "BOOT",
        boot,
        tokens.accent,
        tokens,
    );
    button(
        &painter,
        pos2(rect.right() - 24.0, rect.bottom() - 13.0),
        "RESET",
        reset,
        tokens.accent,
        tokens,
    );
}

fn button(
    painter: &egui::Painter,
    at: egui::Pos2,
    name: &str,
    held: bool,
    ink: Color32,
    tokens: &theme::Tokens,
) {
    let fill = if held { ink } else { tokens.panel };
    painter.rect(
        Rect::from_center_size(at, vec2(38.0, 15.0)),
        3,
        fill,
        Stroke::new(1.0, tokens.weak),
        StrokeKind::Inside,
    );
    let text = if held {
        theme::text_on(fill)
    } else {
        tokens.text
    };
    painter.text(
        at,
        Align2::CENTER_CENTER,
        name,
        FontId::proportional(9.0),
        text,
    );
}
