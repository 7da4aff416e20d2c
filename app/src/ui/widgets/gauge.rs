//! A bar that shows how full something is: used, slack, free; in words beside it.

use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

use super::super::theme;
use super::segment_paint::hatch;
use crate::model::number::{exact_size, human_size};

/// Bytes used of a limit; the slack is part of what is used.
pub fn ui(ui: &mut Ui, used: u64, slack: u64, limit: u64) {
    let tokens = theme::tokens(ui.visuals());
    let words = words(used, slack, limit);
    let over = used > limit;
    let ink = if over { tokens.danger } else { tokens.weak };
    ui.horizontal(|ui| {
        let galley = ui
            .painter()
            .layout_no_wrap(words.clone(), theme::font(theme::SMALL), ink);
        let width = (ui.available_width() - galley.size().x - 12.0).max(60.0);
        let (rect, response) = ui.allocate_exact_size(vec2(width, 10.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, &words));
        let painter = ui.painter();
        painter.rect_filled(rect, 3.0, tokens.background);
        let part = |bytes: u64| rect.width() * (bytes as f64 / limit.max(1) as f64).min(1.0) as f32;
        let solid = used.saturating_sub(slack);
        let bar = if over { tokens.danger } else { tokens.good };
        painter.rect_filled(
            Rect::from_min_size(rect.min, vec2(part(solid), 10.0)),
            3.0,
            bar.gamma_multiply(0.85),
        );
        let from = rect.left() + part(solid);
        let to = rect.left() + part(used);
        if to - from >= 1.0 {
            hatch(
                painter,
                Rect::from_x_y_ranges(from..=to, rect.y_range()),
                bar,
                4.0,
            );
        }
        response.on_hover_text(format!(
            "Used {}\nof which slack (alignment, spare entries, holes) {}\nfree {}",
            exact_size(used),
            exact_size(slack),
            exact_size(limit.saturating_sub(used))
        ));
        ui.label(
            eframe::egui::RichText::new(words)
                .size(theme::SMALL)
                .color(ink),
        );
    });
}

/// `412 KiB of 1 MiB · slack 3 %`.
fn words(used: u64, slack: u64, limit: u64) -> String {
    let of = format!("{} of {}", human_size(used), human_size(limit));
    if used > limit {
        format!("{of} · {} too much", human_size(used - limit))
    } else if used > 0 {
        format!("{of} · slack {:.0} %", slack as f64 * 100.0 / used as f64)
    } else {
        of
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_words_say_what_is_left_over() {
        assert_eq!(
            super::words(412 * 1024, 12 * 1024, 1 << 20),
            "412 KiB of 1 MiB · slack 3 %"
        );
        assert_eq!(
            super::words(6000, 0, 4096),
            "5.86 KiB of 4 KiB · 1.86 KiB too much"
        );
        assert_eq!(super::words(0, 0, 4096), "0 bytes of 4 KiB");
    }
}
