//! What a look-up costs: measured by the chip in CPU cycles, and counted by a model over directories of every size.
//! Which is which is said; a practice board has no processor, so its cycles are unknown.

use std::sync::Arc;

use eframe::egui::{Grid, RichText, ScrollArea, Ui, Visuals, vec2};

use super::super::super::state::AppState;
use super::super::super::theme::{self, Look};
use super::super::super::widgets::plot::{self, Line};
use super::{ask_button, partition};
use crate::engine::event::{BenchLine, BenchReport, Cycles, LookUpCost};
use crate::engine::request::Question;
use crate::formats::look_up_cost::{Way, fetches};

/// Look-ups of each sort for a measurement.
const COUNT: u16 = 100;
/// Files of the modelled directories.
const SIZES: [u32; 7] = [1, 4, 16, 64, 256, 1024, 4096];

const WAYS: [(Way, &str, Look); 3] = [
    (Way::Sorted, "sorted: lines of the cache", Look::App),
    (Way::Unsorted, "unsorted: lines of the cache", Look::Nvs),
    (
        Way::SeedWalk,
        "the seed's walk: reads of 16 bytes",
        Look::Raw,
    ),
];

/// Points of a line: files and what they cost.
type Points = Vec<(f64, f64)>;

/// The model's lines, made once.
#[derive(Clone, Debug, Default)]
pub struct Modelled(Option<Arc<[Points]>>);

impl Modelled {
    fn lines(&mut self) -> Arc<[Points]> {
        self.0
            .get_or_insert_with(|| {
                WAYS.iter()
                    .map(|(way, _, _)| {
                        SIZES
                            .iter()
                            .map(|files| (f64::from(*files), fetches(*files, *way).max(1.0)))
                            .collect()
                    })
                    .collect()
            })
            .clone()
    }
}

/// Draws the view.
pub fn ui(ui: &mut Ui, state: &mut AppState) {
    let partition = partition(state);
    let modelled = state.agent.modelled.lines();
    let bench = state.agent.bench.clone();
    ui.horizontal_wrapped(|ui| {
        let question = Question::Bench {
            partition: partition.clone(),
            path: String::new(),
            count: COUNT,
        };
        let tip = "Let the chip count the CPU cycles of look-ups, by the index and by walking";
        ask_button(ui, state, "Measure on the board", tip, question);
        if let Some(bench) = &bench {
            ui.label(summary(bench));
        }
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            let wide = (ui.available_width() * 0.5).clamp(260.0, 620.0);
            let size = vec2(wide, 190.0);
            ui.vertical(|ui| {
                ui.weak("Fetches from flash, counted by a model of the cache");
                let lines = model_lines(&modelled, ui.visuals());
                plot::ui(
                    ui,
                    size,
                    &lines,
                    "files in the directory",
                    "fetches",
                    &model_words(&modelled),
                );
            });
            ui.vertical(|ui| match &bench {
                None => {
                    ui.weak("The board has not been measured yet");
                }
                Some(bench) => measured(ui, bench, size),
            });
        });
        if let Some(bench) = &bench {
            table(ui, bench);
        }
    });
}

fn model_lines(modelled: &[Points], visuals: &Visuals) -> Vec<Line> {
    WAYS.iter()
        .zip(modelled)
        .map(|((_, name, look), points)| Line {
            name: (*name).to_owned(),
            color: theme::fill(*look, visuals),
            points: points.clone(),
            marks: false,
        })
        .collect()
}

fn model_words(modelled: &[Points]) -> String {
    let largest = WAYS
        .iter()
        .zip(modelled)
        .filter_map(|((_, name, _), points)| {
            let (files, fetches) = points.last()?;
            Some(format!("{name} {fetches:.0} among {files:.0} files"))
        });
    format!(
        "Modelled fetches of a look-up: {}",
        largest.collect::<Vec<_>>().join("; ")
    )
}

fn summary(bench: &BenchReport) -> String {
    let clock = bench.cpu_hz.map_or_else(
        || "this board has no processor to count cycles".to_owned(),
        |hz| format!("CPU at {} MHz", hz / 1_000_000),
    );
    format!(
        "{clock}; {} names in {:.1} ms, round trip by this computer's clock",
        bench.round_trip_names,
        bench.round_trip_micros as f64 / 1000.0
    )
}

/// Points of one sort: the place in the directory, and the mean of the cycles.
fn points(bench: &BenchReport, cost: impl Fn(&BenchLine) -> Option<Cycles>) -> Points {
    let mut points: Points = bench
        .lines
        .iter()
        .filter_map(|line| {
            let cycles = cost(line)?;
            Some((f64::from(line.entries?), f64::from(cycles.mean.max(1))))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

fn measured(ui: &mut Ui, bench: &BenchReport, size: eframe::egui::Vec2) {
    let line = |name: &str, look, points| Line {
        name: name.to_owned(),
        color: theme::fill(look, ui.visuals()),
        points,
        marks: true,
    };
    let lines = [
        line(
            "by the index, cold",
            Look::App,
            points(bench, |line| line.search.cold),
        ),
        line(
            "by the index, warm",
            Look::FileSystem,
            points(bench, |line| line.search.warm),
        ),
        line(
            "walking, cold",
            Look::Nvs,
            points(bench, |line| line.walk.cold),
        ),
        line(
            "walking, warm",
            Look::Raw,
            points(bench, |line| line.walk.warm),
        ),
    ];
    if lines.iter().all(|line| line.points.is_empty()) {
        ui.weak("CPU cycles are unknown: this board has no processor to count them");
        return;
    }
    ui.weak("CPU cycles, measured by the chip in the directories that it holds");
    plot::ui(
        ui,
        size,
        &lines,
        "files in the directory",
        "cycles",
        "Measured CPU cycles of look-ups",
    );
}

fn table(ui: &mut Ui, bench: &BenchReport) {
    Grid::new("look-up costs")
        .striped(true)
        .spacing([18.0, 4.0])
        .show(ui, |ui| {
            for head in [
                "File",
                "Place",
                "Index, cold",
                "Index, warm",
                "Walk, cold",
                "Walk, warm",
            ] {
                ui.weak(head);
            }
            ui.end_row();
            for line in &bench.lines {
                ui.label(&line.path);
                let place = match (line.place, line.entries) {
                    (Some(place), Some(entries)) => format!("{place} of {entries}"),
                    _ => "not listed".to_owned(),
                };
                ui.label(place);
                let LookUpCost { cold, warm, .. } = line.search;
                for cycles in [cold, warm, line.walk.cold, line.walk.warm] {
                    let text = cycles
                        .map_or_else(|| "unknown".to_owned(), |cycles| cycles.mean.to_string());
                    ui.label(RichText::new(text).font(theme::mono()));
                }
                ui.end_row();
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_has_a_line_for_each_way() {
        let lines = Modelled::default().lines();
        assert_eq!(lines.len(), WAYS.len());
        assert!(lines.iter().all(|line| line.len() == SIZES.len()));
        let words = model_words(&lines);
        assert!(words.contains("among 4096 files"), "{words}");
    }

    #[test]
    fn cycles_that_nobody_counted_are_no_points() {
        let cost = |mean: Option<u32>| LookUpCost {
            count: 1,
            cold: mean.map(|mean| Cycles {
                fewest: mean,
                most: mean,
                mean,
            }),
            warm: None,
        };
        let line = |entries, mean| BenchLine {
            path: "a".into(),
            entries: Some(entries),
            place: Some(1),
            search: cost(mean),
            walk: cost(None),
        };
        let bench = BenchReport {
            partition: "bin".into(),
            cpu_hz: None,
            lines: vec![line(9, Some(70)), line(3, Some(50)), line(5, None)],
            round_trip_names: 3,
            round_trip_micros: 1500,
        };
        assert_eq!(
            points(&bench, |line| line.search.cold),
            [(3.0, 50.0), (9.0, 70.0)]
        );
        assert!(points(&bench, |line| line.walk.cold).is_empty());
        assert!(summary(&bench).contains("no processor") && summary(&bench).contains("1.5 ms"));
    }
}
