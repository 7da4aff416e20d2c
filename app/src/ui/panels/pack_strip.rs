//! Above the list of files: the container, what an edit costs, files that changed on disk, and names that do not fit.

use std::sync::Arc;

use eframe::egui::{ComboBox, ScrollArea, TextEdit, Ui};

use super::super::action::Action;
use super::super::command::Command;
use super::super::content_edit;
use super::super::name_advice;
use super::super::state::AppState;
use super::super::text::count;
use super::super::theme;
use super::super::widgets::command_button;
use crate::engine::pack::PackedImage;
use crate::model::number::human_size;
use crate::model::project::{Content, FilesContent, PackFormat};

/// Draws what there is to say about the pack of a partition.
pub fn ui(ui: &mut Ui, state: &mut AppState, partition: &str) {
    let Some(content) = state.document.project().contents.get(partition).cloned() else {
        return;
    };
    let Content::Files(files) = content.as_ref() else {
        return;
    };
    container(ui, state, partition, files);
    if state.environment.packs_a_bin {
        offsets(ui, state, partition, files);
    }
    if let Some(image) = state.packing.images().get(partition).cloned() {
        cost(ui, state, partition, &image);
    }
    changed_on_disk(ui, state, partition);
    names(ui, state, partition, &content);
}

/// Bytes that compacting must save to be offered beside the files; the menu offers it always.
const WORTH_SAYING: u64 = 1024;

fn format_name(format: PackFormat) -> &'static str {
    match format {
        PackFormat::Bin => "Bin",
        PackFormat::FlashFile => "Flash-file",
        PackFormat::Romfs => "ROMFS",
    }
}

/// The choice of container. Each change is an edit that can be undone.
fn container(ui: &mut Ui, state: &mut AppState, partition: &str, files: &FilesContent) {
    let mut wanted = (files.format, files.alignment, files.compat);
    ui.horizontal_wrapped(|ui| {
        ui.weak("Pack as");
        ComboBox::from_id_salt("container")
            .selected_text(format_name(files.format))
            .width(92.0)
            .show_ui(ui, |ui| {
                for (format, tip) in [
                    (
                        PackFormat::Bin,
                        "Read in place through the MMU, names of up to 8 bytes, nested folders",
                    ),
                    (
                        PackFormat::FlashFile,
                        "The Particle Electron's image: names of up to 31 bytes, 128 KiB, no folders",
                    ),
                    (
                        PackFormat::Romfs,
                        "MicroPython's read-only file system, mounted by the firmware",
                    ),
                ] {
                    ui.selectable_value(&mut wanted.0, format, format_name(format))
                        .on_hover_text(tip);
                }
            })
            .response
            .accessible_name(format!("Container: {}", format_name(files.format)));
        if files.format == PackFormat::Bin {
            ui.weak("aligned to");
            ComboBox::from_id_salt("alignment")
                .selected_text(files.alignment.to_string())
                .width(58.0)
                .show_ui(ui, |ui| {
                    for alignment in [4, 16, 32, 4096] {
                        ui.selectable_value(&mut wanted.1, alignment, alignment.to_string());
                    }
                })
                .response
                .accessible_name(format!("Alignment: {} bytes", files.alignment));
            ui.checkbox(&mut wanted.2, "as bin_pack.py").on_hover_text(
                "Byte for byte as the seed's script packs: no index, no check records, nothing kept in place",
            );
        }
    });
    if wanted != (files.format, files.alignment, files.compat) {
        let content = FilesContent {
            format: wanted.0,
            alignment: wanted.1,
            compat: wanted.2,
            erase_removed: files.erase_removed,
            entries: files.entries.clone(),
        };
        let project = content_edit::with_content(
            state.document.project(),
            partition,
            Some(Content::Files(content)),
        );
        state.ask(Action::Edit {
            name: format!("pack {partition} as {}", format_name(wanted.0)),
            project: Box::new(project),
        });
    }
}

/// Whose offsets are kept, and what becomes of removed files.
fn offsets(ui: &mut Ui, state: &mut AppState, partition: &str, files: &FilesContent) {
    ui.horizontal_wrapped(|ui| {
        ui.weak("Offsets kept from");
        let against = state.packing.against(partition).label().to_owned();
        ComboBox::from_id_salt("offsets kept")
            .selected_text(&against)
            .width(112.0)
            .truncate()
            .show_ui(ui, |ui| {
                for command in [
                    Command::KeepLastWrite,
                    Command::KeepFile,
                    Command::KeepBoard,
                    Command::KeepNothing,
                ] {
                    command_button::menu_entry(
                        ui,
                        command,
                        &state.environment,
                        &mut state.actions,
                    );
                }
            })
            .response
            .on_hover_text(
                "A file that did not change stays where this image has it, so that an edit rewrites few sectors",
            )
            .accessible_name(format!("Offsets kept from: {against}"));
        let mut erase = files.erase_removed;
        let tip = Command::EraseRemoved.facts().tooltip;
        if ui
            .checkbox(&mut erase, "erase removed files")
            .on_hover_text(tip)
            .changed()
        {
            state.ask(Command::EraseRemoved);
        }
    });
}

/// What writing this image costs, and what compacting would save.
fn cost(ui: &mut Ui, state: &mut AppState, partition: &str, image: &PackedImage) {
    let compared = state.packing.compared_with(partition);
    let sectors = image.sectors_changed.zip(compared);
    if sectors.is_none() && image.compaction.is_none() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        if let Some((sectors, with)) = sectors {
            let words = match sectors {
                0 => format!("Nothing differs from {with}"),
                1 => format!("1 sector differs from {with}"),
                _ => format!("{sectors} sectors differ from {with}"),
            };
            ui.weak(words);
        }
        // A hole of some bytes is nothing to talk of.
        if let Some(worth) = image.compaction.filter(|worth| worth.saves >= WORTH_SAYING) {
            ui.weak(format!(
                "Holes: compacting saves {}, rewrites {}",
                human_size(worth.saves),
                count(worth.rewrites_sectors, "sector", "sectors")
            ));
            command_button::ui(ui, Command::Compact, &state.environment, &mut state.actions);
        }
    });
}

fn changed_on_disk(ui: &mut Ui, state: &mut AppState, partition: &str) {
    let Some(changed) = state
        .packing
        .changed(partition)
        .filter(|set| !set.is_empty())
    else {
        return;
    };
    let words = match changed.first() {
        Some(only) if changed.len() == 1 => {
            let name = only.file_name().unwrap_or_default().to_string_lossy();
            format!("{name} has changed on disk")
        }
        _ => format!("{} files have changed on disk", changed.len()),
    };
    let list: Vec<String> = changed
        .iter()
        .take(20)
        .map(|path| path.display().to_string())
        .collect();
    ui.horizontal_wrapped(|ui| {
        ui.colored_label(theme::tokens(ui.visuals()).warning, words)
            .on_hover_text(list.join("\n"));
        command_button::ui(
            ui,
            Command::PackAgain,
            &state.environment,
            &mut state.actions,
        );
    });
}

/// Names that the reader could not find, each with a shorter one to accept or to edit.
fn names(ui: &mut Ui, state: &mut AppState, partition: &str, content: &Arc<Content>) {
    let Content::Files(files) = content.as_ref() else {
        return;
    };
    let advice = state.contents.names.update(content);
    if advice.is_empty() {
        return;
    }
    let tokens = theme::tokens(ui.visuals());
    let limit = content_edit::name_limit(files.format);
    let mut chosen: Vec<(content_edit::EntryPath, String)> = Vec::new();
    ui.horizontal_wrapped(|ui| {
        let number = count(advice.len(), "name does", "names do");
        ui.colored_label(tokens.danger, format!("{number} not fit"));
        if ui
            .button("Use the short names")
            .on_hover_text("Rename all of them as proposed below; this can be undone")
            .clicked()
        {
            chosen = advice
                .iter()
                .map(|one| (one.at.clone(), state.contents.names.chosen(one).to_owned()))
                .collect();
        }
    });
    ScrollArea::vertical()
        .id_salt("names that do not fit")
        .max_height(theme::ROW_HEIGHT * 4.0)
        .auto_shrink([false, true])
        .show_rows(ui, theme::ROW_HEIGHT - 2.0, advice.len(), |ui, range| {
            for one in advice.get(range).unwrap_or_default() {
                ui.horizontal(|ui| {
                    let mut name = state.contents.names.chosen(one).to_owned();
                    let field = TextEdit::singleline(&mut name).desired_width(86.0);
                    let response = ui
                        .add(field)
                        .accessible_name(format!("Short name of {}", one.path));
                    if response.changed() {
                        state
                            .contents
                            .names
                            .typed
                            .insert(one.at.clone(), name.clone());
                    }
                    let left = format!("{}/{limit}", name.len());
                    if name.len() > limit {
                        ui.colored_label(tokens.danger, left);
                    } else {
                        ui.weak(left);
                    }
                    if ui
                        .button("Use")
                        .on_hover_text(format!("Call it {name} in the image"))
                        .clicked()
                    {
                        chosen = vec![(one.at.clone(), name.clone())];
                    }
                    ui.add(eframe::egui::Label::new(&one.why).truncate())
                        .on_hover_text(&one.why);
                });
            }
        });
    if let [first, rest @ ..] = chosen.as_slice() {
        let name = if rest.is_empty() {
            format!("rename to {}", first.1)
        } else {
            format!("shorten {} names", chosen.len())
        };
        let project = name_advice::with_names(state.document.project(), partition, &chosen);
        state.ask(Action::Edit {
            name,
            project: Box::new(project),
        });
    }
}
