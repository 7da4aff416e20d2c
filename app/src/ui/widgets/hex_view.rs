//! Bytes in hexadecimal and as text: jump, search, select, copy. Only the visible lines are made, whatever the size.
//!
//! Scrolls by whole lines itself, because points in 32-bit floats would not tell the lines of 16 MB apart.

use std::fmt::Write as _;

use eframe::egui::{
    self, Align2, Event, EventFilter, Id, Key, Modifiers, Pos2, Rect, Role, ScrollArea, Sense,
    TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::super::theme;
use super::hex_search;

/// A file in the bytes, to jump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    /// From the first byte.
    pub at: usize,
    pub size: usize,
}

/// What the view holds between frames.
#[derive(Clone, Debug, Default)]
struct Held {
    /// First visible line, and the part of a line that the wheel has left over.
    top: usize,
    rest: f32,
    /// Where a selection began and where it is now, both inside it.
    anchor: Option<usize>,
    head: usize,
    jump: String,
    find: String,
    said: &'static str,
    /// The part with the bytes, to know whether it has the focus.
    area: Option<Id>,
}

/// How bytes are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `68 65 6C`
    Hex,
    /// As text; what is not UTF-8 becomes U+FFFD.
    Text,
}

impl Held {
    /// The selected bytes.
    fn selected(&self) -> Option<(usize, usize)> {
        self.anchor
            .map(|anchor| (anchor.min(self.head), anchor.max(self.head) + 1))
    }

    fn select(&mut self, from: usize, len: usize) {
        self.anchor = Some(from);
        self.head = from + len.max(1) - 1;
    }
}

/// Width of the bar at the right, in points.
pub const BAR: f32 = 12.0;

/// Shows `bytes`; the first has the offset `start`.
pub fn ui(ui: &mut Ui, bytes: &[u8], start: u64) {
    with_places(ui, bytes, start, &[]);
}

/// The same with files to jump to by name.
pub fn with_places(ui: &mut Ui, bytes: &[u8], start: u64, places: &[Place]) {
    let id = ui.scope_id().with(("hex", start, bytes.len()));
    let mut held: Held = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let in_use = held
        .area
        .is_some_and(|area| ui.memory(|memory| memory.has_focus(area)));
    let mut go_to = tools(ui, bytes, start, places, &mut held, in_use);
    // Found by a field: the arrow keys go on from there.
    let came = go_to.is_some();
    let font = theme::small_mono();
    let (wide, high) = ui.fonts_mut(|fonts| {
        (
            fonts.glyph_width(&font, '0').max(1.0),
            fonts.row_height(&font) + 2.0,
        )
    });
    let digits = if start + bytes.len() as u64 > 0x100_0000 {
        8
    } else {
        6
    };
    let (rect, response) = ui.allocate_exact_size(
        ui.available_size().max(vec2(80.0, high)),
        Sense::click_and_drag(),
    );
    let text = rect.with_max_x(rect.right() - BAR);
    let per_line = [16, 8, 4]
        .into_iter()
        .find(|count| ascii_column(digits, *count) + count <= whole(text.width() / wide))
        .unwrap_or(4);
    let lines = bytes.len().div_ceil(per_line);
    let shown = whole(rect.height() / high).max(1);
    if response.contains_pointer() {
        let turned = ui.input(|input| input.smooth_scroll_delta.y) / high;
        let turned = turned + held.rest;
        held.rest = turned.fract();
        held.top = moved(held.top, whole(turned.abs()), turned < 0.0);
    }
    let hit = response
        .interact_pointer_pos()
        .and_then(|at| under(at, text, wide, high, digits, per_line))
        .map(|at| (held.top * per_line + at).min(bytes.len().saturating_sub(1)));
    if let Some(at) = hit.filter(|_| !bytes.is_empty()) {
        if response.drag_started() || response.clicked() {
            let extend = ui.input(|input| input.modifiers.shift) && held.anchor.is_some();
            if !extend {
                held.anchor = Some(at);
            }
        }
        held.head = at;
        response.request_focus();
    }
    held.area = Some(response.id);
    if came {
        response.request_focus();
    }
    if response.has_focus() && !bytes.is_empty() {
        go_to = keys(ui, response.id, &mut held, bytes, per_line, shown).or(go_to);
        if ui.input(|input| input.events.contains(&Event::Copy)) {
            let form = if ui.input(|input| input.modifiers.shift) {
                Form::Text
            } else {
                Form::Hex
            };
            copy(ui, bytes, &held, form);
        }
    }
    if let Some(at) = go_to {
        let line = at / per_line;
        if line < held.top || line >= held.top + shown {
            held.top = line.saturating_sub(shown / 3);
        }
    }
    held.top = held.top.min(lines.saturating_sub(shown));
    bar(
        ui,
        rect.with_min_x(text.right()),
        id,
        &mut held.top,
        lines,
        shown,
    );
    let first = held.top * per_line;
    let last = (first + shown * per_line).min(bytes.len());
    response.widget_info(|| {
        let words = format!(
            "Bytes 0x{:X} to 0x{:X}",
            start + first as u64,
            start + last as u64
        );
        WidgetInfo::labeled(Role::Document, true, words)
    });
    let lay = Lay {
        text,
        wide,
        high,
        digits,
        per_line,
        shown,
    };
    paint(ui, &lay, &held, bytes, start);
    ui.data_mut(|data| data.insert_temp(id, held));
}

/// Where things are drawn: points, and characters of a line.
struct Lay {
    text: Rect,
    wide: f32,
    high: f32,
    digits: usize,
    per_line: usize,
    shown: usize,
}

fn paint(ui: &Ui, lay: &Lay, held: &Held, bytes: &[u8], start: u64) {
    let Lay {
        text,
        wide,
        high,
        digits,
        per_line,
        shown,
    } = *lay;
    let painter = ui.painter().with_clip_rect(text);
    let ink = theme::tokens(ui.visuals()).text;
    let ground = theme::selected_fill(ui.visuals());
    for line in 0..shown {
        let from = (held.top + line) * per_line;
        let chunk = bytes
            .get(from..(from + per_line).min(bytes.len()))
            .unwrap_or_default();
        if chunk.is_empty() {
            break;
        }
        let at = pos2(text.left(), text.top() + line as f32 * high);
        if let Some((begin, end)) = held.selected() {
            let begin = begin.max(from) - from;
            let end = end.min(from + chunk.len()).saturating_sub(from);
            if begin < end {
                let column = |column: usize| at.x + column as f32 * wide;
                let rows = at.y..=at.y + high - 1.0;
                let left = column(hex_column(digits, begin));
                let right = column(hex_column(digits, end - 1) + 2);
                painter.rect_filled(
                    Rect::from_x_y_ranges(left..=right, rows.clone()),
                    1.0,
                    ground,
                );
                let ascii = ascii_column(digits, per_line);
                let (left, right) = (column(ascii + begin), column(ascii + end));
                painter.rect_filled(Rect::from_x_y_ranges(left..=right, rows), 1.0, ground);
            }
        }
        let words = line_text(start + from as u64, chunk, per_line, digits);
        painter.text(at, Align2::LEFT_TOP, words, theme::small_mono(), ink);
    }
}

/// The row of fields. Where to go, if a field says so.
fn tools(
    ui: &mut Ui,
    bytes: &[u8],
    start: u64,
    places: &[Place],
    held: &mut Held,
    in_use: bool,
) -> Option<usize> {
    let mut go_to = None;
    let asked = |key, modifiers| in_use && ui.input_mut(|input| input.consume_key(modifiers, key));
    let to_jump = asked(Key::G, Modifiers::COMMAND);
    let to_find = asked(Key::F, Modifiers::COMMAND);
    let again = asked(Key::F3, Modifiers::NONE);
    ui.horizontal_wrapped(|ui| {
        let enter = |ui: &Ui, response: &egui::Response| {
            response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
        };
        let hint = if places.is_empty() {
            "0x1230"
        } else {
            "0x… or file"
        };
        let jump = TextEdit::singleline(&mut held.jump)
            .hint_text(hint)
            .desired_width(92.0);
        let jump = ui.add(jump).accessible_name("Jump to").on_hover_text(
            "Jump to an offset in hexadecimal (# for decimal), or to a file  (Ctrl+G in the bytes)",
        );
        if to_jump {
            jump.request_focus();
        }
        if !places.is_empty()
            && let Some(place) = files(ui, places)
        {
            held.select(place.at, place.size);
            go_to = Some(place.at);
        }
        if enter(ui, &jump) {
            let name = held.jump.trim();
            let named = places.iter().find(|place| place.name == name);
            let found = named
                .map(|place| (place.at, place.size))
                .or_else(|| hex_search::place(name, start, bytes.len()).map(|at| (at, 1)));
            held.said = match found.filter(|(at, _)| *at < bytes.len()) {
                Some((at, size)) => {
                    held.select(at, size.min(bytes.len() - at));
                    go_to = Some(at);
                    ""
                }
                None => "There is no such place",
            };
        }
        let find = TextEdit::singleline(&mut held.find)
            .hint_text("Find text or 68 65")
            .desired_width(116.0);
        let find = ui
            .add(find)
            .accessible_name("Find bytes or text")
            .on_hover_text(
                "Text, or bytes such as 68 65 6C; quotes force text  (Ctrl+F in the bytes)",
            );
        if to_find {
            find.request_focus();
        }
        let next = ui
            .button("Next")
            .on_hover_text("Find the next place  (F3 in the bytes)")
            .clicked();
        if enter(ui, &find) || next || again {
            held.said = match hex_search::pattern(&held.find) {
                None => "Type what to find",
                Some(pattern) => {
                    let from = held.selected().map_or(0, |(begin, _)| begin + 1);
                    match hex_search::find(bytes, &pattern, from) {
                        Some(at) => {
                            held.select(at, pattern.len());
                            go_to = Some(at);
                            if at < from {
                                "From the start again"
                            } else {
                                ""
                            }
                        }
                        None => "Not found",
                    }
                }
            };
        }
        if !held.said.is_empty() {
            ui.weak(held.said);
        }
    });
    // A line of its own, so that the fields stay where they are.
    ui.horizontal_wrapped(|ui| selection(ui, bytes, start, places, held));
    go_to
}

/// What is selected, and the ways to copy it.
fn selection(ui: &mut Ui, bytes: &[u8], start: u64, places: &[Place], held: &Held) {
    let Some((begin, end)) = held.selected() else {
        return;
    };
    let inside = places
        .iter()
        .find(|place| (place.at..place.at + place.size).contains(&begin));
    let inside = inside.map_or_else(String::new, |place| format!(" in {}", place.name));
    ui.weak(format!(
        "0x{:X}, {} selected{inside}",
        start + begin as u64,
        super::super::text::count(end - begin, "byte", "bytes")
    ));
    for (label, tip, form) in [
        (
            "Copy hex",
            "Copy the selected bytes as 68 65 6C  (Ctrl+C)",
            Form::Hex,
        ),
        (
            "Copy text",
            "Copy the selected bytes as text  (Ctrl+Shift+C)",
            Form::Text,
        ),
    ] {
        if ui.button(label).on_hover_text(tip).clicked() {
            copy(ui, bytes, held, form);
        }
    }
}

/// A list of the files to go to; the one that was chosen.
fn files<'a>(ui: &mut Ui, places: &'a [Place]) -> Option<&'a Place> {
    let mut chosen = None;
    ui.menu_button("Files", |ui| {
        ScrollArea::vertical()
            .max_height(theme::ROW_HEIGHT * 10.0)
            .show_rows(ui, theme::ROW_HEIGHT, places.len(), |ui, range| {
                for place in places.get(range).unwrap_or_default() {
                    if ui.button(format!("Go to {}", place.name)).clicked() {
                        chosen = Some(place);
                        ui.close();
                    }
                }
            });
    })
    .response
    .on_hover_text("Go to a file and select its bytes");
    chosen
}

fn copy(ui: &Ui, bytes: &[u8], held: &Held, form: Form) {
    let Some((begin, end)) = held.selected() else {
        return;
    };
    let chosen = bytes.get(begin..end.min(bytes.len())).unwrap_or_default();
    ui.ctx().copy_text(copied(chosen, form));
}

/// Bytes as they go onto the clipboard.
fn copied(bytes: &[u8], form: Form) -> String {
    if form == Form::Text {
        // A clipboard holds text: what is behind a NUL would be lost in many programs.
        return String::from_utf8_lossy(bytes).replace('\0', "\u{FFFD}");
    }
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let gap = if text.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        write!(text, "{gap}{byte:02X}").ok();
    }
    text
}

/// Moves the cursor; where it went.
fn keys(
    ui: &Ui,
    id: Id,
    held: &mut Held,
    bytes: &[u8],
    per_line: usize,
    shown: usize,
) -> Option<usize> {
    let filter = EventFilter {
        vertical_arrows: true,
        horizontal_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let last = bytes.len() - 1;
    let steps = [
        (Key::ArrowLeft, 1, false),
        (Key::ArrowRight, 1, true),
        (Key::ArrowUp, per_line, false),
        (Key::ArrowDown, per_line, true),
        (Key::PageUp, per_line * shown, false),
        (Key::PageDown, per_line * shown, true),
    ];
    let to = ui.input(|input| {
        let stepped = steps.iter().find(|(key, ..)| input.key_pressed(*key));
        if input.key_pressed(Key::Home) {
            Some(0)
        } else if input.key_pressed(Key::End) {
            Some(last)
        } else {
            stepped.map(|(_, by, down)| moved(held.head, *by, *down).min(last))
        }
    })?;
    held.head = to;
    if !ui.input(|input| input.modifiers.shift) || held.anchor.is_none() {
        held.anchor = Some(to);
    }
    Some(to)
}

/// So many lines up or down, never past the first.
pub fn moved(from: usize, by: usize, down: bool) -> usize {
    if down {
        from.saturating_add(by)
    } else {
        from.saturating_sub(by)
    }
}

/// How many whole ones a length holds.
#[expect(
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates: what is below nothing becomes 0"
)]
pub fn whole(length: f32) -> usize {
    length as usize
}

/// The bar at the right; sets the first visible line.
pub fn bar(ui: &Ui, rect: Rect, id: Id, top: &mut usize, lines: usize, shown: usize) {
    if lines <= shown {
        return;
    }
    let tokens = theme::tokens(ui.visuals());
    let most = (lines - shown) as f64;
    // Not `clamp`: where there is no room for the shortest thumb, it would have no answer.
    let length = (rect.height() * (shown as f64 / lines as f64) as f32)
        .max(18.0)
        .min(rect.height());
    let room = (rect.height() - length).max(1.0);
    let response = ui.interact(rect, id.with("bar"), Sense::click_and_drag());
    if let Some(at) = response.interact_pointer_pos() {
        let share = ((at.y - rect.top() - length / 2.0) / room).clamp(0.0, 1.0);
        *top = whole((most * f64::from(share)).round() as f32);
    }
    let from = rect.top() + room * (*top as f64 / most).min(1.0) as f32;
    let thumb = Rect::from_min_size(pos2(rect.left() + 4.0, from), vec2(BAR - 5.0, length));
    let ink = if response.hovered() || response.dragged() {
        tokens.weak
    } else {
        tokens.line
    };
    ui.painter().rect_filled(thumb, 3.0, ink);
}

/// The byte of the visible part that lies under the pointer.
fn under(
    at: Pos2,
    rect: Rect,
    wide: f32,
    high: f32,
    digits: usize,
    per_line: usize,
) -> Option<usize> {
    if at.x > rect.right() {
        return None;
    }
    let line = whole((at.y.clamp(rect.top(), rect.bottom() - 1.0) - rect.top()) / high);
    let column = whole((at.x - rect.left()) / wide);
    let ascii = ascii_column(digits, per_line);
    let place = if column >= ascii {
        (column - ascii).min(per_line - 1)
    } else {
        (0..per_line)
            .rev()
            .find(|place| hex_column(digits, *place) <= column)
            .unwrap_or(0)
    };
    Some(line * per_line + place)
}

/// Column of a byte's first digit, in characters.
fn hex_column(digits: usize, place: usize) -> usize {
    digits + 2 + 3 * place + place / 8
}

/// Column of the text, in characters.
fn ascii_column(digits: usize, per_line: usize) -> usize {
    digits + 2 + 3 * per_line + per_line.div_ceil(8)
}

/// `001230  68 65 6C 6C 6F  hello`.
pub fn line_text(offset: u64, chunk: &[u8], per_line: usize, digits: usize) -> String {
    let mut line = format!("{offset:0digits$X} ");
    for place in 0..per_line {
        if place % 8 == 0 {
            line.push(' ');
        }
        match chunk.get(place) {
            Some(byte) => {
                // Writing to a String cannot fail.
                write!(line, "{byte:02X} ").ok();
            }
            None => line.push_str("   "),
        }
    }
    line.push(' ');
    for byte in chunk {
        line.push(if (0x20..0x7F).contains(byte) {
            char::from(*byte)
        } else {
            '.'
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_bytes_and_text() {
        assert_eq!(
            line_text(0x1230, b"hello\0", 8, 6),
            "001230  68 65 6C 6C 6F 00        hello."
        );
    }

    #[test]
    fn bytes_are_copied_as_digits_or_as_text() {
        assert_eq!(copied(b"hel", Form::Hex), "68 65 6C");
        assert_eq!(
            copied("hä\0\u{1F600}".as_bytes(), Form::Text),
            "hä\u{FFFD}\u{1F600}"
        );
        assert_eq!(copied(&[0x68, 0xFF], Form::Text), "h\u{FFFD}");
        assert_eq!(copied(b"", Form::Hex), "");
    }

    #[test]
    fn columns_are_those_of_the_text() {
        for per_line in [4, 8, 16] {
            let chunk: Vec<u8> = (0x61..).take(per_line).collect();
            let line = line_text(0, &chunk, per_line, 6);
            for (place, byte) in chunk.iter().enumerate() {
                let column = hex_column(6, place);
                assert_eq!(line[column..column + 2], format!("{byte:02X}"));
                assert_eq!(line.as_bytes()[ascii_column(6, per_line) + place], *byte);
            }
        }
    }
}
