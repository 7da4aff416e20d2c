//! One row of a list: columns of text that never overflow, a ground for selection and hover, and one response.

use eframe::egui::{
    Align, Color32, FontId, Layout, Rect, Sense, Ui, UiBuilder, Vec2, epaint::text::TextWrapping,
    pos2, text::LayoutJob, vec2,
};

use super::super::theme;

/// Takes the whole width for a row, and paints its ground.
pub fn ground(ui: &mut Ui, selected: bool) -> Rect {
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), theme::ROW_HEIGHT),
        Sense::hover(),
    );
    let visuals = ui.visuals();
    if selected {
        ui.painter()
            .rect_filled(rect, 4.0, theme::selected_fill(visuals));
    } else if response.contains_pointer() {
        ui.painter()
            .rect_filled(rect, 4.0, theme::hovered_fill(visuals));
    }
    rect
}

/// Columns of these widths in a rectangle; a width of 0 shares what is left.
pub fn columns(rect: Rect, widths: &[f32]) -> Vec<Rect> {
    let fixed: f32 = widths.iter().sum();
    let flexible = widths.iter().filter(|width| **width == 0.0).count().max(1);
    let share = ((rect.width() - fixed) / flexible as f32).max(0.0);
    let mut left = rect.left();
    widths
        .iter()
        .map(|width| {
            let width = if *width == 0.0 { share } else { *width };
            let column = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
            left += width;
            column
        })
        .collect()
}

/// Text in a cell, cut with an ellipsis where it does not fit. Whether it was cut.
pub fn text(ui: &Ui, cell: Rect, text: &str, font: FontId, ink: Color32, align: Align) -> bool {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = TextWrapping::truncate_at_width((cell.width() - 8.0).max(4.0));
    let galley = ui.painter().layout_job(job);
    let size: Vec2 = galley.size();
    let x = match align {
        Align::Min => cell.left() + 4.0,
        Align::Center => cell.center().x - size.x / 2.0,
        Align::Max => cell.right() - 4.0 - size.x,
    };
    let cut = galley.elided;
    ui.painter()
        .galley(pos2(x, cell.center().y - size.y / 2.0), galley, ink);
    cut
}

/// The names of columns.
pub fn head(ui: &mut Ui, widths: &[f32], names: &[(&str, Align)]) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    let ink = theme::tokens(ui.visuals()).weak;
    for (cell, (name, align)) in columns(rect, widths).into_iter().zip(names) {
        text(ui, cell, name, theme::font(theme::SMALL), ink, *align);
    }
    let line = theme::tokens(ui.visuals()).line;
    ui.painter().hline(
        rect.x_range(),
        rect.bottom() - 0.5,
        eframe::egui::Stroke::new(1.0, line),
    );
}

/// A child in a cell, for widgets.
pub fn cell_ui<R>(ui: &mut Ui, cell: Rect, add: impl FnOnce(&mut Ui) -> R) -> R {
    let mut child = ui.new_child(
        UiBuilder::new()
            .max_rect(cell)
            .layout(Layout::left_to_right(Align::Center)),
    );
    add(&mut child)
}
