//! The text of the monitor: only the lines in sight are laid out, each in its colours.

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Color32, Frame, Label, Margin, ScrollArea, Stroke, Ui};

use super::super::super::state::AppState;
use super::super::super::{text as words, theme, theme_ansi};
use crate::formats::console::level::Level;
use crate::formats::console::line::{Colour, Line, Speaker, Style};
use crate::store::local_time::LocalTime;

/// Height of a line, in points.
const LINE: f32 = 16.0;

/// Draws the lines.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let lines = state.monitor.shown();
    if lines == 0 {
        let said = if state.monitor.log.is_empty() {
            words::MONITOR_EMPTY
        } else {
            words::MONITOR_FILTERED
        };
        ui.weak(said);
        return;
    }
    let ground = theme_ansi::screen(ui.visuals());
    let frame = Frame::new()
        .fill(ground)
        .inner_margin(Margin::symmetric(8, 4));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let monitor = &mut state.monitor;
        let mut area = ScrollArea::both()
            .id_salt("monitor text")
            .auto_shrink(false)
            .stick_to_bottom(monitor.follow && monitor.paused.is_none());
        if std::mem::take(&mut monitor.to_end) {
            area = area.vertical_scroll_offset(lines as f32 * LINE);
        }
        if std::mem::take(&mut monitor.search.scroll)
            && let Some(number) = monitor.search.found
        {
            let place = monitor.view.place_of(&monitor.log, number) as f32;
            let middle = place * LINE - ui.available_height() / 2.0;
            area = area.vertical_scroll_offset(middle.max(0.0));
        }
        let output = area.show_rows(ui, LINE, lines, |ui, range| {
            for index in range {
                if let Some(line) = monitor.view.line(&monitor.log, index) {
                    let found = monitor.search.found == Some(line.number);
                    ui.add(
                        Label::new(job(ui, line, monitor.timestamps, found, ground))
                            .selectable(true)
                            .extend(),
                    );
                }
            }
        });
        let hidden = output.content_size.y - output.inner_rect.height();
        // Who scrolls to the end follows again; who scrolls up stays there.
        let at_end = output.state.clamped_offset().y >= hidden - LINE;
        let scrolled =
            ui.input(|input| input.smooth_scroll_delta.y != 0.0 || input.pointer.any_down());
        if at_end || scrolled {
            monitor.follow = at_end;
        }
    });
}

fn job(ui: &Ui, line: &Line, timestamps: bool, found: bool, ground: Color32) -> LayoutJob {
    let tokens = theme::tokens(ui.visuals());
    let mut job = LayoutJob::default();
    if timestamps {
        let clock = format!("{}  ", LocalTime::of(line.at).clock());
        job.append(&clock, 0.0, format(tokens.weak));
    }
    let plain = match (line.speaker, line.level) {
        (Speaker::Meaning, _) => tokens.accent,
        (Speaker::Port, _) => tokens.weak,
        (Speaker::Defmt, Some(Level::Error)) => tokens.danger,
        (Speaker::Defmt, Some(Level::Warning)) => tokens.warning,
        _ => tokens.text,
    };
    match line.speaker {
        Speaker::Meaning => job.append("    ", 0.0, format(plain)),
        Speaker::Port => job.append("--- ", 0.0, format(plain)),
        Speaker::Chip | Speaker::Defmt => {}
    }
    for (part, style) in line.parts() {
        job.append(part, 0.0, styled(style, plain, ground));
    }
    if job.text.is_empty() {
        // An empty line is as high as any other.
        job.append(" ", 0.0, format(plain));
    }
    if found {
        for section in &mut job.sections {
            section.format.background = theme::selected_fill(ui.visuals());
        }
    }
    job
}

fn styled(style: Style, plain: Color32, ground: Color32) -> TextFormat {
    let (front, back) = if style.inverse {
        (
            style.background,
            style.foreground.or(Some(Colour::Named(7))),
        )
    } else {
        (style.foreground, style.background)
    };
    let on = back.map_or(ground, theme_ansi::ground);
    let color = match front {
        Some(colour) => theme_ansi::letter(colour, on),
        None if back.is_some() => theme::text_on(on),
        None => plain,
    };
    let line = |wanted: bool| {
        if wanted {
            Stroke::new(1.0, color)
        } else {
            Stroke::NONE
        }
    };
    let mut format = format(color);
    format.italics = style.italic;
    format.underline = line(style.underline);
    format.strikethrough = line(style.strikethrough);
    if back.is_some() {
        format.background = on;
    }
    format
}

/// Every line has the same height: only so can those out of sight be left out.
fn format(color: Color32) -> TextFormat {
    TextFormat {
        line_height: Some(LINE),
        ..TextFormat::simple(theme::small_mono(), color)
    }
}
