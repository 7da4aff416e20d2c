//! What is shown of a selection that holds no files: an image written as it is, a partition that is left alone,
//! reserved and free space.

use eframe::egui::{Grid, RichText, Ui};

use super::super::command::Command;
use super::super::selection::{Reserved, Selection};
use super::super::state::AppState;
use super::super::table_ops;
use super::super::widgets::{command_button, gauge, hex_view};
use super::super::{text, theme};
use super::boot_slots;
use super::contents::drop_area;
use crate::formats::recognise::{Kind, Recognised};
use crate::model::number::{exact_size, hex};
use crate::model::partition_table::{APP, DATA, Row};
use crate::model::project::{Content, Source};
use crate::model::region::{Region, SECTOR};
use crate::model::table_names::DATA_OTA;

/// Facts of an image that are shown above its bytes.
const MOST_FACTS: usize = 16;
/// From this width on facts stand in two columns, in points; the height of a row of them, and the room for a name.
const TWO_COLUMNS: f32 = 480.0;
const FACT_HEIGHT: f32 = 20.0;
const FACT_NAME: f32 = 170.0;

/// An image that is written as it is.
pub fn raw(ui: &mut Ui, state: &mut AppState, row: &Row, region: Region) {
    let source = match state
        .document
        .project()
        .contents
        .get(&row.name)
        .map(AsRef::as_ref)
    {
        Some(Content::Raw(Source::Path(path))) => path.display().to_string(),
        Some(Content::Raw(Source::Bytes(_))) => "bytes kept in the project".to_owned(),
        _ => String::new(),
    };
    let image = state.packing.images().get(&row.name).cloned();
    let used = image.as_ref().map_or(0, |image| image.used);
    gauge::ui(ui, used, 0, u64::from(region.size));
    ui.add_space(theme::STEP);
    ui.horizontal(|ui| {
        ui.weak("Written as it is");
        ui.add(eframe::egui::Label::new(source).truncate());
    });
    ui.add_space(theme::STEP);
    match image {
        Some(image) if !image.bytes.is_empty() => {
            if let Some(recognised) = &image.recognised {
                facts(ui, recognised);
            }
            hex_view::ui(ui, &image.bytes, 0);
        }
        Some(image) => {
            for problem in &image.problems {
                ui.colored_label(theme::tokens(ui.visuals()).danger, &problem.message);
                ui.weak(&problem.help);
            }
        }
        None => {
            ui.weak("Reading…");
        }
    }
}

/// What bytes turned out to be.
pub fn facts(ui: &mut Ui, recognised: &Recognised) {
    ui.horizontal(|ui| {
        ui.strong(capital(recognised.kind.name()));
        if !recognised.certain && recognised.kind != Kind::Unknown {
            ui.weak("by its structure only");
        }
    });
    let shown = recognised
        .facts
        .get(..MOST_FACTS)
        .unwrap_or(&recognised.facts);
    // Many facts stand side by side, so that there is room for the bytes below.
    let side_by_side = if shown.len() > 4 && ui.available_width() > TWO_COLUMNS {
        2
    } else {
        1
    };
    let rows = shown.len().div_ceil(side_by_side);
    let widest = ui.available_width() / side_by_side as f32 - FACT_NAME;
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = FACT_HEIGHT;
        Grid::new("recognised")
            .num_columns(2 * side_by_side)
            .spacing([16.0, 2.0])
            .min_row_height(FACT_HEIGHT)
            .show(ui, |ui| {
                for row in 0..rows {
                    for (name, value) in shown.iter().skip(row).step_by(rows.max(1)) {
                        ui.weak(name);
                        ui.scope(|ui| {
                            ui.set_max_width(widest.max(60.0));
                            ui.add(eframe::egui::Label::new(value).truncate())
                                .on_hover_text(value);
                        });
                    }
                    ui.end_row();
                }
            });
    });
    ui.add_space(theme::STEP);
}

/// A partition that the project leaves alone.
pub fn nothing_goes_in(ui: &mut Ui, state: &mut AppState, row: &Row) {
    ui.add_space(theme::STEP * 2.0);
    ui.label(about(row));
    ui.add_space(theme::STEP);
    ui.weak(text::LEFT_AS_IT_IS);
    ui.add_space(theme::STEP * 3.0);
    let (command, words) = if table_ops::takes_files(row) {
        let words = "Drop files or folders here: they are packed into one image that the chip reads in place";
        (Command::AddFiles, words)
    } else if row.kind == APP {
        (
            Command::ChooseImage,
            "Drop an app image here (.bin, or .elf)",
        )
    } else {
        (
            Command::ChooseImage,
            "Drop an image here: it is written as it is",
        )
    };
    drop_area(ui, state, command, words, 72.0);
    ui.add_space(theme::STEP * 2.0);
    ui.horizontal(|ui| {
        for command in [Command::ReadPartition, Command::ErasePartition] {
            command_button::ui(ui, command, &state.environment, &mut state.actions);
        }
    });
    if (row.kind, row.subtype) == (DATA, DATA_OTA) {
        boot_slots::ui(ui, state);
    }
}

/// What a partition of this type is for.
fn about(row: &Row) -> &'static str {
    match (row.kind, row.subtype) {
        (APP, 0x00) => "The app that boots unless otadata names another",
        (APP, 0x10..=0x1F) => "An OTA slot: an update is written here while the other slot runs",
        (APP, 0x20) => "The test app, booted on request of the bootloader",
        (APP, _) => "An app image",
        (1, 0x00) => "otadata: which OTA slot boots. Erased, it means factory or the first slot",
        (1, 0x01) => "Calibration data of the radio",
        (1, 0x02) => {
            "Key-value storage (NVS) of the firmware: Wi-Fi settings and more. The firmware fills it itself"
        }
        (1, 0x03) => "Core dumps after a crash",
        (1, 0x04) => "Keys of an encrypted NVS partition",
        (1, 0x80..=0x83) => "A file system. The firmware makes and fills it itself",
        (1, 0x06) => "Raw data, read in place through the MMU",
        _ => "A partition of the application's own type",
    }
}

/// Whatever is selected beside partitions.
pub fn other(ui: &mut Ui, state: &mut AppState, selection: Selection) {
    let (title, region, words) = match selection {
        Selection::Free(region) => (text::FREE, region, text::FREE_SPACE),
        Selection::Reserved(Reserved::Bootloader) => {
            let project = state.document.project();
            let boot = project.chip.facts().bootloader_offset;
            let end = project.table.settings.table_offset;
            (
                text::BOOTLOADER,
                Region::new(boot, end.saturating_sub(boot)),
                text::RESERVED_BOOTLOADER,
            )
        }
        Selection::Reserved(Reserved::PartitionTable) => {
            let offset = state.document.project().table.settings.table_offset;
            (
                text::PARTITION_TABLE,
                Region::new(offset, SECTOR),
                text::RESERVED_TABLE,
            )
        }
        Selection::Nothing | Selection::Row(_) => {
            ui.centered_and_justified(|ui| ui.weak(text::SELECT_SOMETHING));
            return;
        }
    };
    ui.heading(capital(title));
    ui.add_space(theme::STEP);
    Grid::new("stretch")
        .num_columns(2)
        .spacing([16.0, 4.0])
        .show(ui, |ui| {
            ui.weak("From");
            ui.label(RichText::new(hex(region.offset)).font(theme::mono()));
            ui.end_row();
            ui.weak("To");
            ui.label(RichText::new(hex(region.end())).font(theme::mono()));
            ui.end_row();
            ui.weak("Size");
            ui.label(RichText::new(exact_size(u64::from(region.size))).font(theme::mono()));
            ui.end_row();
        });
    ui.add_space(theme::STEP * 2.0);
    ui.label(words);
    if matches!(selection, Selection::Free(_)) {
        ui.add_space(theme::STEP * 2.0);
        command_button::labelled(
            ui,
            Command::AddPartition,
            "Add partition here",
            &state.environment,
            &mut state.actions,
        );
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
