//! The colours that a chip asks for, made legible: on both grounds every letter keeps a contrast of 4.5:1.

use eframe::egui::{Color32, Visuals};

use super::theme::{contrast, mix, tokens};
use crate::formats::console::line::Colour;

/// The least contrast of a letter to its ground.
const LEGIBLE: f32 = 4.5;

/// The sixteen named colours, before they are made legible: the muted ones of widespread terminals.
const NAMED: [(u8, u8, u8); 16] = [
    (0x2E, 0x34, 0x36),
    (0xCC, 0x24, 0x1D),
    (0x4E, 0x9A, 0x06),
    (0xC4, 0xA0, 0x00),
    (0x34, 0x65, 0xA4),
    (0x98, 0x5C, 0xA8),
    (0x06, 0x98, 0x9A),
    (0xB8, 0xBE, 0xB4),
    (0x7A, 0x80, 0x7C),
    (0xEF, 0x4B, 0x3F),
    (0x73, 0xD2, 0x2E),
    (0xE8, 0xC5, 0x2A),
    (0x72, 0x9F, 0xCF),
    (0xC0, 0x8F, 0xC8),
    (0x34, 0xD2, 0xD2),
    (0xEE, 0xEE, 0xEC),
];

/// What a colour looks like, as a ground.
pub fn ground(colour: Colour) -> Color32 {
    match colour {
        Colour::Named(number) => {
            let (r, g, b) = NAMED[usize::from(number % 16)];
            Color32::from_rgb(r, g, b)
        }
        Colour::Indexed(index @ 232..) => {
            let grey = 8 + 10 * (index - 232);
            Color32::from_gray(grey)
        }
        Colour::Indexed(index) => {
            let step = |number: u8| if number == 0 { 0 } else { 55 + 40 * number };
            let cube = index.saturating_sub(16);
            Color32::from_rgb(step(cube / 36), step(cube / 6 % 6), step(cube % 6))
        }
        Colour::Rgb(r, g, b) => Color32::from_rgb(r, g, b),
    }
}

/// A letter's colour on a ground: as asked for if it can be read, else as near to it as can be read.
pub fn letter(colour: Colour, on: Color32) -> Color32 {
    let wanted = ground(colour);
    let towards = if contrast(on, Color32::WHITE) >= contrast(on, Color32::BLACK) {
        Color32::WHITE
    } else {
        Color32::BLACK
    };
    (0u8..=10)
        .map(|step| mix(wanted, towards, f32::from(step) / 10.0))
        .find(|colour| contrast(*colour, on) >= LEGIBLE)
        .unwrap_or(towards)
}

/// The ground on which a monitor's text stands.
pub fn screen(visuals: &Visuals) -> Color32 {
    tokens(visuals).background
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Colour> {
        let named = (0..16).map(Colour::Named);
        let indexed = (16..=255).map(Colour::Indexed);
        let rgb = (0..512u16).map(|number| {
            let part = |shift: u16| ((number >> shift) & 7) as u8 * 36;
            Colour::Rgb(part(0), part(3), part(6))
        });
        named.chain(indexed).chain(rgb)
    }

    #[test]
    fn every_colour_can_be_read_on_both_grounds() {
        for visuals in [Visuals::dark(), Visuals::light()] {
            let on = screen(&visuals);
            for colour in all() {
                let shown = letter(colour, on);
                assert!(
                    contrast(shown, on) >= LEGIBLE,
                    "{colour:?} on {on:?}: {shown:?}"
                );
            }
        }
    }

    #[test]
    fn every_colour_can_be_read_on_every_named_ground() {
        for on in (0..16).map(|number| ground(Colour::Named(number))) {
            for colour in all() {
                assert!(
                    contrast(letter(colour, on), on) >= LEGIBLE,
                    "{colour:?} on {on:?}"
                );
            }
        }
    }

    #[test]
    fn what_can_be_read_stays_as_it_is() {
        let on = Color32::BLACK;
        assert_eq!(letter(Colour::Named(11), on), ground(Colour::Named(11)));
    }
}
