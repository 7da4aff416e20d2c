//! Colours, spacing and text sizes: the only place in the program that makes a colour.
//!
//! Ten tokens for each of the two themes, and the hues of partitions by type (Okabe-Ito, muted, told apart by people
//! who see colours differently). Text keeps a contrast of 4.5:1 to what it stands on, lines that mean something 3:1;
//! the tests below compute it.

use eframe::egui::{
    self, Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, Visuals,
};

use crate::model::partition_table::{APP, BOOTLOADER, DATA, PARTITION_TABLE};

/// Height of a row in every list, in points.
pub const ROW_HEIGHT: f32 = 26.0;
/// Height of the top bar and of a sheet's head, in points.
pub const BAR_HEIGHT: f32 = 44.0;
/// The step that all distances are multiples of, in points.
pub const STEP: f32 = 4.0;
/// Text sizes in points: body, secondary, ruler, heads of sections.
pub const BODY: f32 = 13.5;
pub const SMALL: f32 = 12.5;
pub const RULER: f32 = 11.0;
pub const HEAD: f32 = 16.0;

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub background: Color32,
    pub panel: Color32,
    pub raised: Color32,
    pub line: Color32,
    pub text: Color32,
    pub weak: Color32,
    pub accent: Color32,
    pub danger: Color32,
    pub warning: Color32,
    pub good: Color32,
}

const fn rgb(value: u32) -> Color32 {
    Color32::from_rgb((value >> 16) as u8, (value >> 8) as u8, value as u8)
}

/// The dark theme.
pub const DARK: Tokens = Tokens {
    background: rgb(0x12_15_1A),
    panel: rgb(0x1A_1E_25),
    raised: rgb(0x27_2D_37),
    line: rgb(0x39_41_4E),
    text: rgb(0xE8_EC_F1),
    weak: rgb(0xA4_AE_BC),
    accent: rgb(0x5A_A9_FF),
    danger: rgb(0xFF_86_7A),
    warning: rgb(0xF2_B8_4B),
    good: rgb(0x5F_CF_9A),
};

/// The light theme.
pub const LIGHT: Tokens = Tokens {
    background: rgb(0xE9_EC_F0),
    panel: rgb(0xF8_F9_FB),
    raised: rgb(0xFF_FF_FF),
    line: rgb(0xC9_CF_D8),
    text: rgb(0x1A_20_29),
    weak: rgb(0x4C_57_65),
    accent: rgb(0x15_60_BD),
    danger: rgb(0xB3_26_1E),
    warning: rgb(0x8A_55_00),
    good: rgb(0x1B_6E_46),
};

/// The tokens of the theme in use.
pub fn tokens(visuals: &Visuals) -> &'static Tokens {
    if visuals.dark_mode { &DARK } else { &LIGHT }
}

/// What a stretch of the map is, as far as its colour goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A factory or test app.
    App,
    /// An OTA slot by its number; neighbours differ in lightness.
    Ota(u8),
    /// nvs and nvs keys.
    Nvs,
    /// phy, otadata, core dump and other small system data.
    System,
    FileSystem,
    /// Raw data and Bin images.
    Raw,
    /// Boot loader and partition table.
    Reserved,
}

/// How a partition of this type looks.
pub fn look(kind: u8, subtype: u8) -> Look {
    match (kind, subtype) {
        (APP, 0x10..=0x1F) => Look::Ota(subtype - 0x10),
        (APP, _) => Look::App,
        (DATA, 0x02 | 0x04) => Look::Nvs,
        (DATA, 0x00 | 0x01 | 0x03 | 0x05) => Look::System,
        (DATA, 0x80..=0x83) => Look::FileSystem,
        (BOOTLOADER | PARTITION_TABLE, _) => Look::Reserved,
        _ => Look::Raw,
    }
}

/// The colour of a stretch of the map.
pub fn fill(look: Look, visuals: &Visuals) -> Color32 {
    let (dark, light) = match look {
        Look::App => (0x3F_7F_B5, 0x8F_BD_E3),
        Look::Ota(slot) if slot % 2 == 0 => (0x34_6C_9C, 0x7F_B0_D9),
        Look::Ota(_) => (0x4F_93_CA, 0xA6_CC_EB),
        Look::Nvs => (0xCB_8A_2E, 0xF0_C2_7B),
        Look::System => (0xB0_6A_35, 0xE3_A8_7C),
        Look::FileSystem => (0x2F_92_72, 0x84_CC_B3),
        Look::Raw => (0xA2_6F_9C, 0xD8_AE_D2),
        Look::Reserved => (0x4C_54_61, 0xBC_C3_CD),
    };
    rgb(if visuals.dark_mode { dark } else { light })
}

/// Black or white, whichever reads better on `fill`.
pub fn text_on(fill: Color32) -> Color32 {
    if contrast(fill, Color32::WHITE) >= contrast(fill, Color32::BLACK) {
        Color32::WHITE
    } else {
        Color32::BLACK
    }
}

/// Behind a selected row.
pub fn selected_fill(visuals: &Visuals) -> Color32 {
    mix(tokens(visuals).panel, tokens(visuals).accent, 0.20)
}

/// Behind a row under the pointer.
pub fn hovered_fill(visuals: &Visuals) -> Color32 {
    mix(tokens(visuals).panel, tokens(visuals).text, 0.06)
}

/// Monospace figures: their strokes are heavier than the text's, so that their ink is lighter.
pub fn figure(visuals: &Visuals) -> Color32 {
    mix(tokens(visuals).weak, tokens(visuals).text, 0.55)
}

/// Over what a sheet covers.
pub fn shade(visuals: &Visuals) -> Color32 {
    Color32::from_black_alpha(if visuals.dark_mode { 140 } else { 70 })
}

/// `share` of `over` on `under`, 0 to 1.
pub fn mix(under: Color32, over: Color32, share: f32) -> Color32 {
    under.lerp_to_gamma(over, share.clamp(0.0, 1.0))
}

/// Monospace text of the body's size, for offsets and sizes.
pub fn mono() -> FontId {
    FontId::new(BODY - 1.5, FontFamily::Monospace)
}

/// Monospace text for dumps, where many columns must fit.
pub fn small_mono() -> FontId {
    FontId::new(RULER, FontFamily::Monospace)
}

/// Proportional text of a size.
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Gives a context both themes; which of them is used follows its theme preference.
pub fn install(ctx: &egui::Context) {
    for (theme, tokens) in [(Theme::Dark, &DARK), (Theme::Light, &LIGHT)] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme, tokens);
            style.text_styles = [
                (TextStyle::Body, font(BODY)),
                (TextStyle::Button, font(BODY)),
                (TextStyle::Small, font(SMALL)),
                (TextStyle::Heading, font(HEAD)),
                (TextStyle::Monospace, mono()),
            ]
            .into();
            style.spacing.item_spacing = egui::vec2(8.0, 4.0);
            style.spacing.button_padding = egui::vec2(10.0, 4.0);
            style.spacing.interact_size = egui::vec2(24.0, 26.0);
            style.spacing.menu_margin = Margin::same(6);
            style.spacing.window_margin = Margin::same(16);
            style.spacing.combo_height = 320.0;
            style.spacing.tooltip_width = 420.0;
            style.interaction.tooltip_delay = 0.35;
            // Labels are read, not copied: selectable text swallows clicks on rows and adds tab stops.
            style.interaction.selectable_labels = false;
            // No motion beyond progress.
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
        });
    }
}

fn visuals(theme: Theme, tokens: &Tokens) -> Visuals {
    let mut visuals = if theme == Theme::Dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    let radius = CornerRadius::same(5);
    let hover = mix(tokens.raised, tokens.text, 0.10);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.bg_fill = tokens.panel;
    widgets.noninteractive.weak_bg_fill = tokens.panel;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, tokens.line);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, tokens.text);
    widgets.inactive.bg_fill = tokens.raised;
    widgets.inactive.weak_bg_fill = tokens.raised;
    widgets.inactive.bg_stroke = Stroke::new(1.0, tokens.line);
    widgets.inactive.fg_stroke = Stroke::new(1.0, tokens.text);
    widgets.hovered.bg_fill = hover;
    widgets.hovered.weak_bg_fill = hover;
    widgets.hovered.bg_stroke = Stroke::new(1.0, tokens.weak);
    widgets.hovered.fg_stroke = Stroke::new(1.0, tokens.text);
    // `active` is also what a widget under keyboard focus looks like.
    widgets.active.bg_fill = hover;
    widgets.active.weak_bg_fill = hover;
    widgets.active.bg_stroke = Stroke::new(2.0, tokens.accent);
    widgets.active.fg_stroke = Stroke::new(1.0, tokens.text);
    widgets.open = widgets.hovered;
    for state in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    visuals.weak_text_color = Some(tokens.weak);
    visuals.selection.bg_fill = mix(tokens.panel, tokens.accent, 0.35);
    visuals.selection.stroke = Stroke::new(1.0, tokens.text);
    visuals.hyperlink_color = tokens.accent;
    visuals.faint_bg_color = mix(tokens.panel, tokens.text, 0.03);
    visuals.extreme_bg_color = tokens.background;
    visuals.text_edit_bg_color = Some(mix(tokens.panel, tokens.background, 0.7));
    visuals.code_bg_color = tokens.raised;
    visuals.warn_fg_color = tokens.warning;
    visuals.error_fg_color = tokens.danger;
    visuals.window_fill = tokens.panel;
    visuals.window_stroke = Stroke::new(1.0, tokens.line);
    visuals.panel_fill = tokens.panel;
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke = Stroke::new(2.0, tokens.accent);
    visuals
}

/// WCAG 2 contrast of two opaque colours, 1 to 21.
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(color: Color32) -> f32 {
    let linear = |channel: u8| {
        let value = f32::from(channel) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: [Look; 8] = [
        Look::App,
        Look::Ota(0),
        Look::Ota(1),
        Look::Nvs,
        Look::System,
        Look::FileSystem,
        Look::Raw,
        Look::Reserved,
    ];

    #[test]
    fn text_reads_on_every_ground() {
        for (name, tokens) in [("dark", DARK), ("light", LIGHT)] {
            for ground in [tokens.background, tokens.panel, tokens.raised] {
                for ink in [
                    tokens.text,
                    tokens.weak,
                    tokens.accent,
                    tokens.danger,
                    tokens.warning,
                    tokens.good,
                ] {
                    assert!(
                        contrast(ink, ground) >= 4.5,
                        "{name}: {ink:?} on {ground:?}"
                    );
                }
            }
            assert!(
                contrast(text_on(tokens.accent), tokens.accent) >= 4.5,
                "{name}: main button"
            );
            let selected = mix(tokens.panel, tokens.accent, 0.20);
            assert!(
                contrast(tokens.text, selected) >= 4.5,
                "{name}: selected row"
            );
            assert!(
                contrast(tokens.weak, selected) >= 4.5,
                "{name}: weak text in a selected row"
            );
        }
    }

    #[test]
    fn partitions_stand_out_and_carry_text() {
        for visuals in [Visuals::dark(), Visuals::light()] {
            for look in LOOKS {
                let fill = fill(look, &visuals);
                assert!(contrast(text_on(fill), fill) >= 4.5, "{look:?}: text");
            }
        }
    }

    #[test]
    fn types_have_the_looks_of_the_design() {
        assert_eq!(look(APP, 0), Look::App);
        assert_eq!(look(APP, 0x11), Look::Ota(1));
        assert_eq!(look(DATA, 0x02), Look::Nvs);
        assert_eq!(look(DATA, 0x81), Look::FileSystem);
        assert_eq!(look(DATA, 0x06), Look::Raw);
        assert_eq!(look(0x40, 0), Look::Raw);
    }
}
