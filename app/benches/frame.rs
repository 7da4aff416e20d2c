//! How long one frame of the window takes: `cargo bench -p flashpack --bench frame`.
//!
//! A project of 94 partitions and 1,000 files, without a display: layout, interaction and tessellation, that is all
//! that this program spends on a frame; what the graphics card does with the triangles is not in it. Measured while the
//! pointer moves over the window, while a partition is dragged, and while the list of files scrolls.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use eframe::App as _;
use eframe::egui::{
    self, Event, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect, pos2, vec2,
};
use flashpack::engine::event::Monitored;
use flashpack::engine::request::PortChoice;
use flashpack::formats::console::decode::Part;
use flashpack::model::partition_table::{DATA, Offset, PartitionTable, Row, Size};
use flashpack::model::project::{Content, FilesContent, PackEntry, Packed, Project, Source};
use flashpack::store::settings::Settings;
use flashpack::ui::app::App;
use flashpack::ui::document::Document;
use flashpack::ui::file_dialog::SystemDialogs;
use flashpack::ui::panels::drawer::Tab;
use flashpack::ui::state::{AppState, Start};

const FRAMES: usize = 600;
const GOAL: Duration = Duration::from_millis(8);
const SIZE: egui::Vec2 = vec2(1280.0, 800.0);

/// A partition of 16 MiB with an image that is written as it is.
fn large_image() -> Project {
    let bytes: Vec<u8> = (0..16_u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let row = Row {
        name: "large".into(),
        kind: DATA,
        subtype: 0x40,
        offset: Offset::At(0x100_0000),
        size: Size::Bytes(16 << 20),
        flags: 0,
        spelling: None,
    };
    Project {
        flash_size: 32 << 20,
        table: Arc::new(PartitionTable {
            rows: vec![Arc::new(row)],
            ..PartitionTable::default()
        }),
        contents: [(
            "large".to_owned(),
            Arc::new(Content::Raw(Source::Bytes(bytes.into()))),
        )]
        .into(),
        ..Project::default()
    }
}

/// The bytes of 16 MiB: scrolled by the wheel, and thrown about by the bar.
fn hex_view() {
    let mut window = Window::new(large_image());
    while window.app.state.packing.is_busy() || window.frames < 10 {
        window.frame(Vec::new());
    }
    println!("16 MiB in the hex view");
    let bytes = pos2(900.0, 500.0);
    let scrolling = (0..FRAMES).map(|_| {
        window.frame(vec![
            Event::PointerMoved(bytes),
            Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, -400.0),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            },
        ])
    });
    report("bytes scroll by the wheel", scrolling.collect());
    let bar = |share: f32| pos2(SIZE.x - 16.0, 380.0 + 200.0 * share);
    window.frame(vec![Event::PointerMoved(bar(0.0))]);
    window.frame(vec![press(bar(0.0), true)]);
    let throwing = (0..FRAMES).map(|frame| {
        let share = (frame as f32 / 50.0).sin().abs();
        window.frame(vec![Event::PointerMoved(bar(share))])
    });
    report("bytes follow the bar", throwing.collect());
    window.frame(vec![press(bar(0.5), false)]);
}

fn project() -> Project {
    let row = |name: String, offset: u32, size: u32| {
        Arc::new(Row {
            name,
            kind: DATA,
            subtype: 0x06,
            offset: Offset::At(offset),
            size: Size::Bytes(size),
            flags: 0,
            spelling: None,
        })
    };
    let mut rows = vec![row("bin".into(), 0x1_0000, 0x20_0000)];
    rows.extend((1..94u32).map(|number| {
        row(
            format!("data{number}"),
            0x20_0000 + number * 0x2_0000,
            0x1_0000,
        )
    }));
    let entries = (0..1000u32).map(|number| PackEntry {
        name: format!("f{number:04}"),
        what: Packed::File(Source::Bytes(vec![number as u8; 1100].into())),
    });
    let files = FilesContent {
        entries: entries.collect(),
        ..FilesContent::default()
    };
    Project {
        flash_size: 16 << 20,
        table: Arc::new(PartitionTable {
            rows,
            ..PartitionTable::default()
        }),
        contents: [("bin".to_owned(), Arc::new(Content::Files(files)))].into(),
        ..Project::default()
    }
}

struct Window {
    ctx: egui::Context,
    app: App,
    frame: eframe::Frame,
    frames: u32,
}

impl Window {
    fn new(project: Project) -> Self {
        let ctx = egui::Context::default();
        let state = AppState::new(Start {
            document: Document::new(project, None),
            port: PortChoice::Practice,
            settings: Settings::default(),
            settings_path: None,
            log_folder: None,
            dialogs: Box::new(SystemDialogs::default()),
            wake: Arc::new(|| ()),
        });
        Self {
            app: App::new(&ctx, state),
            ctx,
            frame: eframe::Frame::_new_kittest(),
            frames: 0,
        }
    }

    /// One frame with these events; how long it took.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
        self.frames += 1;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(f64::from(self.frames) / 60.0),
            events,
            ..RawInput::default()
        };
        let started = Instant::now();
        self.app.logic(&self.ctx, &mut self.frame);
        let (app, frame) = (&mut self.app, &mut self.frame);
        let mut output = self.ctx.run_ui(input, |ui| app.ui(ui, frame));
        let triangles = self
            .ctx
            .tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let taken = started.elapsed();
        // There is no graphics card to hand the textures to.
        output.textures_delta.clear();
        assert!(!triangles.is_empty());
        taken
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    let verdict = if at(99) <= GOAL { "reached" } else { "MISSED" };
    println!(
        "{what:<34} p50 {:>8.2?}   p99 {:>8.2?}   goal p99 {GOAL:?} {verdict}",
        at(50),
        at(99)
    );
}

/// A full line at 2 Mbaud: 10 bits a byte, 60 frames a second.
const BYTES_A_FRAME: usize = 2_000_000 / 10 / 60;

/// Frames while the monitor is open and text comes at 2 Mbaud, with the longest log that is kept, and with a filter.
fn monitor_frames(window: &mut Window) {
    let text: Vec<u8> = (0..20_000)
        .flat_map(|line| {
            format!(
                "\x1b[0;32mI ({line}) bench: channel {} reads {line}\x1b[0m\r\n",
                line % 8
            )
            .into_bytes()
        })
        .collect();
    let mut pieces = text.chunks(BYTES_A_FRAME).cycle();
    let mut hear = |window: &mut Window| {
        let piece = pieces.next().unwrap_or_default().to_vec();
        let part = Monitored::Heard(vec![Part::Text(piece)], SystemTime::now());
        let started = Instant::now();
        window.app.state.monitor.take_in(vec![part]);
        started.elapsed() + window.frame(Vec::new())
    };
    window.app.state.drawer = Some(Tab::Monitor);
    window.frame(Vec::new());
    report(
        "monitor at 2 Mbaud",
        (0..FRAMES).map(|_| hear(window)).collect(),
    );
    while window.app.state.monitor.log.first() == 0 {
        let part = Monitored::Heard(vec![Part::Text(text.clone())], SystemTime::now());
        window.app.state.monitor.take_in(vec![part]);
    }
    report(
        "the same with a full log",
        (0..FRAMES).map(|_| hear(window)).collect(),
    );
    window.app.state.monitor.filter.push_str("channel 3");
    report(
        "the same with a filter",
        (0..FRAMES).map(|_| hear(window)).collect(),
    );
    window.app.state.monitor.clear();
    window.app.state.drawer = None;
    window.frame(Vec::new());
}

fn press(at: Pos2, pressed: bool) -> Event {
    Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

fn main() {
    let mut window = Window::new(project());
    // The first frames make fonts, and wait for the packer.
    while window.app.state.packing.is_busy() || window.frames < 10 {
        window.frame(Vec::new());
    }
    println!("94 partitions, 1,000 files, {} x {} points", SIZE.x, SIZE.y);
    report(
        "idle",
        (0..FRAMES).map(|_| window.frame(Vec::new())).collect(),
    );
    let wandering = (0..FRAMES).map(|frame| {
        let share = frame as f32 / FRAMES as f32;
        window.frame(vec![Event::PointerMoved(pos2(
            SIZE.x * share,
            SIZE.y * (share * 7.0).fract(),
        ))])
    });
    report("pointer moves over the window", wandering.collect());
    monitor_frames(&mut window);
    let list = pos2(700.0, 400.0);
    let scrolling = (0..FRAMES).map(|_| {
        window.frame(vec![
            Event::PointerMoved(list),
            Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, -40.0),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            },
        ])
    });
    report("1,000 files scroll", scrolling.collect());
    // The right edge of `bin`: the first stretch behind the table.
    let region = window.app.state.region_of(0).expect("bin has a place");
    let segments = window.app.state.derived.segments.clone();
    let scale = flashpack::ui::widgets::flash_map::scale(&segments, 16 << 20, 13.0, SIZE.x - 13.0);
    let edge = pos2(scale.x(region.end()) - 1.0, 106.0);
    window.frame(vec![Event::PointerMoved(edge)]);
    window.frame(vec![press(edge, true)]);
    let dragging = (0..FRAMES).map(|frame| {
        let x = edge.x - 10.0 - 60.0 * (frame as f32 / 40.0).sin().abs();
        window.frame(vec![Event::PointerMoved(pos2(x, edge.y))])
    });
    let times: Vec<_> = dragging.collect();
    assert!(
        window.app.state.preview.is_some(),
        "the edge was not caught: nothing was dragged"
    );
    report("an edge is dragged", times);
    window.frame(vec![press(edge, false)]);
    // The same edge the other way: all the partitions behind it give way.
    window.app.state.layout.push = true;
    for _ in 0..3 {
        window.frame(Vec::new());
    }
    let region = window.app.state.region_of(0).expect("bin has a place");
    let segments = window.app.state.derived.segments.clone();
    let scale = flashpack::ui::widgets::flash_map::scale(&segments, 16 << 20, 13.0, SIZE.x - 13.0);
    let edge = pos2(scale.x(region.end()) - 1.0, 106.0);
    window.frame(vec![Event::PointerMoved(edge)]);
    window.frame(vec![press(edge, true)]);
    let mut most_moved = 0;
    let pushing = (0..FRAMES).map(|frame| {
        let x = edge.x + 10.0 + 60.0 * (frame as f32 / 40.0).sin().abs();
        let taken = window.frame(vec![Event::PointerMoved(pos2(x, edge.y))]);
        let shown = window.app.state.preview.as_ref();
        let moved = shown.map_or(0, |shown| {
            let old = &window.app.state.derived.regions;
            let both = shown.regions.iter().zip(old);
            both.filter(|(now, before)| now != before).count()
        });
        most_moved = most_moved.max(moved);
        taken
    });
    let times: Vec<_> = pushing.collect();
    assert!(
        most_moved > 0,
        "the edge was not caught: nothing was pushed"
    );
    report("an edge pushes its neighbours", times);
    println!("{most_moved} partitions moved at once");
    hex_view();
}
