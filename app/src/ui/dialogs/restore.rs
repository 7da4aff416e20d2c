//! What restoring a backup would do: where it came from, what of it is written, and a tick if this is another board.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Align, Checkbox, Grid, Layout, RichText, ScrollArea, Ui};

use super::super::action::Action;
use super::super::log::quoted;
use super::super::restoring;
use super::super::state::AppState;
use super::super::widgets::command_button;
use super::super::{text, theme};
use super::{Dialog, head};
use crate::formats::backup::Manifest;
use crate::model::number::{hex, human_size};

/// The dialog while it is open.
#[derive(Clone, Debug)]
pub struct Sheet {
    path: PathBuf,
    source: String,
    manifest: Arc<Manifest>,
    file: Arc<[u8]>,
    /// Regions by name.
    chosen: BTreeSet<String>,
    /// The user wants this board although the backup is of another one.
    anyway: bool,
}

impl Sheet {
    /// Everything is chosen.
    pub fn new(path: &Path, manifest: Manifest, file: Arc<[u8]>) -> Self {
        let source = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        let chosen = manifest.regions.iter().map(|region| region.name.clone());
        Self {
            path: path.to_path_buf(),
            source,
            chosen: chosen.collect(),
            manifest: Arc::new(manifest),
            file,
            anyway: false,
        }
    }

    /// The command that does the same, without its port.
    fn words(&self) -> String {
        let mut words = format!("restore {}", quoted(&self.path.to_string_lossy()));
        if self.chosen.len() < self.manifest.regions.len() {
            for name in &self.chosen {
                words += " --partition ";
                words += &quoted(name);
            }
        }
        words
    }
}

/// Draws the dialog.
pub fn ui(ui: &mut Ui, state: &mut AppState, mut sheet: Sheet) {
    ui.set_min_width(500.0);
    head(ui, &format!("Restore {}", sheet.source));
    facts(ui, &sheet.manifest);
    ui.add_space(theme::STEP * 2.0);
    regions(ui, &mut sheet);
    ui.add_space(theme::STEP * 2.0);
    let only: Vec<String> = sheet.chosen.iter().cloned().collect();
    let planned = restoring::plan(state, &sheet.manifest, &sheet.file, &only, &sheet.source);
    let tokens = theme::tokens(ui.visuals());
    let mut reason = state
        .environment
        .job
        .as_ref()
        .map(|job| format!("{job} is running"));
    let mut plan = None;
    match planned {
        Ok(restore) => {
            for warning in &restore.warnings {
                ui.colored_label(tokens.danger, warning);
            }
            if !restore.warnings.is_empty() {
                ui.checkbox(&mut sheet.anyway, "Restore onto this board anyway");
                if !sheet.anyway {
                    reason = Some("Tick that you want this board".to_owned());
                }
            }
            ui.weak("Only the sectors that differ from the board are written, then verified");
            plan = Some(Arc::new(restore.plan));
        }
        Err(why) => {
            ui.colored_label(tokens.danger, &why);
            reason = Some(why);
        }
    }
    if sheet.chosen.is_empty() {
        reason = Some("Choose at least one region".to_owned());
    }
    let count = sheet.chosen.len();
    let words = sheet.words();
    ui.add_space(theme::STEP * 3.0);
    state.dialog = Some(Dialog::Restore(sheet));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let label = format!("Restore {}", text::count(count, "region", "regions"));
        let tip = reason
            .clone()
            .unwrap_or_else(|| "Compare, write what differs, verify".to_owned());
        if command_button::prominent(ui, &label, reason.is_none(), &tip)
            && let Some(plan) = plan
        {
            state.ask(Action::CloseDialog);
            state.ask(Action::StartRestore { plan, words });
        }
        if ui.button("Leave the board as it is").clicked() {
            state.ask(Action::CloseDialog);
        }
    });
}

fn facts(ui: &mut Ui, manifest: &Manifest) {
    let size = manifest
        .flash_size
        .map_or_else(|| "unknown".to_owned(), |size| human_size(u64::from(size)));
    let facts = [
        ("Chip", manifest.chip.to_string()),
        (
            "MAC address",
            manifest.mac.clone().unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("Flash", size),
    ];
    Grid::new("backup facts").num_columns(6).show(ui, |ui| {
        for (name, value) in facts {
            ui.weak(name);
            ui.label(RichText::new(value).font(theme::mono()));
        }
        ui.end_row();
    });
}

fn regions(ui: &mut Ui, sheet: &mut Sheet) {
    let manifest = sheet.manifest.clone();
    ui.horizontal(|ui| {
        if ui.button("Choose all").clicked() {
            sheet.chosen = manifest
                .regions
                .iter()
                .map(|region| region.name.clone())
                .collect();
        }
        if ui.button("Choose none").clicked() {
            sheet.chosen.clear();
        }
    });
    ScrollArea::vertical().max_height(240.0).show(ui, |ui| {
        for region in &manifest.regions {
            let mut ticked = sheet.chosen.contains(&region.name);
            ui.horizontal(|ui| {
                let label = format!("Restore {}", region.name);
                if ui.add(Checkbox::new(&mut ticked, label)).changed() {
                    if ticked {
                        sheet.chosen.insert(region.name.clone());
                    } else {
                        sheet.chosen.remove(&region.name);
                    }
                }
                let place = format!(
                    "{} at {}",
                    human_size(u64::from(region.size)),
                    hex(region.offset)
                );
                ui.label(RichText::new(place).weak());
            });
        }
    });
}
