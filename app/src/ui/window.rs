//! Opens the window of the running system.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{self, ViewportBuilder};

use super::app::App;
use super::command::Command;
use super::document::Document;
use super::file_dialog::SystemDialogs;
use super::files;
use super::state::{AppState, Start};
use super::text;
use crate::engine::request::PortChoice;
use crate::store::{day_log, project_file, settings};

const SIZE: [f32; 2] = [1280.0, 800.0];
const SMALLEST: [f32; 2] = [860.0, 560.0];
const ICON: &[u8] = include_bytes!("../../../assets/icon.png");

/// Opens the window with a project, a table, an image or a folder; without any with the sample project. Returns when
/// the window has been closed.
///
/// # Errors
/// If the system has no display, or no OpenGL.
pub fn run(file: Option<PathBuf>) -> anyhow::Result<()> {
    let (settings, warnings) = settings::load();
    let mut viewport = ViewportBuilder::default()
        .with_title(text::PROGRAM)
        .with_app_id("flashpack")
        .with_inner_size(SIZE)
        .with_min_inner_size(SMALLEST);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(ICON) {
        viewport = viewport.with_icon(icon);
    }
    if let Some(window) = &settings.window {
        viewport = viewport.with_inner_size([
            window.width.max(SMALLEST[0]),
            window.height.max(SMALLEST[1]),
        ]);
        viewport = viewport.with_maximized(window.maximized);
    }
    let options = eframe::NativeOptions {
        viewport,
        #[cfg(target_os = "linux")]
        event_loop_builder: Some(Box::new(|builder| {
            use winit::platform::wayland::EventLoopBuilderExtWayland as _;
            use winit::platform::x11::EventLoopBuilderExtX11 as _;
            // winit 0.30 has no file drop on Wayland, so that X11 comes first wherever there is one.
            if std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty()) {
                builder.with_x11();
            } else {
                builder.with_wayland();
            }
        })),
        ..Default::default()
    };
    let create: eframe::AppCreator<'_> = Box::new(move |context| {
        let ctx = context.egui_ctx.clone();
        let port = first_port(settings.last_port.as_deref());
        let mut state = AppState::new(Start {
            document: Document::new(project_file::sample(), None),
            port,
            settings,
            settings_path: settings::settings_path(),
            log_folder: day_log::user_folder(),
            dialogs: Box::new(SystemDialogs::default()),
            wake: waker(&ctx),
        });
        for warning in warnings {
            state.tell(crate::model::problem::Severity::Warning, warning);
        }
        if let Some(file) = file {
            files::open(&mut state, &file);
        }
        if state.board.port == PortChoice::Practice {
            // The practice board is always there; a real port is opened only when asked for.
            state.ask(Command::Connect);
        }
        Ok(Box::new(App::new(&ctx, state)))
    });
    eframe::run_native("flashpack", options, create).map_err(|error| {
        anyhow::anyhow!(
            "Cannot open a window: {error}. The commands work without one: see flashpack --help"
        )
    })
}

/// Wakes the window from another thread.
pub fn waker(ctx: &egui::Context) -> Arc<dyn Fn() + Send + Sync> {
    let ctx = ctx.clone();
    Arc::new(move || ctx.request_repaint())
}

/// The port used last; at first the practice board, where there is one.
fn first_port(last: Option<&str>) -> PortChoice {
    match last {
        Some(path) if path != "practice" => PortChoice::Path(path.into()),
        _ if cfg!(unix) => PortChoice::Practice,
        _ => PortChoice::Path(PathBuf::new()),
    }
}
