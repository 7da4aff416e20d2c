//! The window's frame: `logic` drains what happened and carries out what was asked, `ui` draws.

use eframe::egui::{self, Frame, Margin, Panel, Ui, ViewportCommand};

use super::command;
use super::layout::{self, Layout};
use super::monitor_actions;
use super::run_command;
use super::several;
use super::state::AppState;
use super::{board_files, dialogs, files, job_ending, palette, panels, resume, theme};

/// The program's window.
pub struct App {
    pub state: AppState,
    title: String,
}

impl App {
    /// Gives the context its looks and takes the state over.
    pub fn new(ctx: &egui::Context, state: AppState) -> Self {
        theme::install(ctx);
        run_command::apply_theme(ctx, state.settings.theme);
        Self {
            state,
            title: String::new(),
        }
    }

    fn take_shortcuts(&mut self, ctx: &egui::Context) {
        if self.state.environment.covered {
            return;
        }
        let typing = ctx.text_edit_focused();
        // Longer shortcuts first: Ctrl+Shift+Z must not be taken for Ctrl+Z.
        let mut shortcuts: Vec<_> = command::all()
            .filter_map(|facts| facts.shortcut.map(|shortcut| (shortcut, facts.command)))
            .collect();
        shortcuts.sort_by_key(|(shortcut, _)| !shortcut.modifiers.shift);
        for (shortcut, command) in shortcuts {
            // A text field has its own undo.
            let undoing = matches!(shortcut.logical_key, egui::Key::Z);
            if !(typing && undoing) && ctx.input_mut(|input| input.consume_shortcut(&shortcut)) {
                self.state.ask(command);
            }
        }
    }

    fn keep_title(&mut self, ctx: &egui::Context) {
        let dirty = if self.state.document.is_dirty() {
            " •"
        } else {
            ""
        };
        let title = format!(
            "{}{dirty} – {}",
            self.state.document.title(),
            super::text::PROGRAM
        );
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn close_politely(&mut self, ctx: &egui::Context) {
        if ctx.input(|input| input.viewport().close_requested()) && !self.state.may_close {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.state.ask(command::Command::Quit);
        }
        if self.state.may_close {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        files::poll_dialogs(&mut self.state);
        let ended = self.state.board.poll();
        board_files::take_pieces(&mut self.state);
        if let Some(job) = ended {
            job_ending::take_in(&mut self.state, &job);
        }
        if let Some(time) = resume::look(&mut self.state) {
            ctx.request_repaint_after(time);
        }
        monitor_actions::take_in(&mut self.state);
        several::poll(&mut self.state);
        self.state.board.poll_ports();
        self.state.refresh();
        run_command::run_all(&mut self.state, ctx);
        self.close_politely(ctx);
        run_command::run_all(&mut self.state, ctx);
        self.keep_title(ctx);
        layout::note_place(&mut self.state, ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.take_shortcuts(&ui.ctx().clone());
        draw(ui, &mut self.state);
        if !self.state.actions.is_empty() {
            // What was asked for in this frame is carried out, and seen, in the next.
            ui.ctx().request_repaint();
        }
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        let layout = Layout {
            tab: self.state.drawer,
            ..self.state.layout
        };
        self.state.settings.window_state = layout.to_text();
        run_command::keep_settings(&mut self.state);
        // Cancels a running job and closes the port before the process ends.
        self.state.board.disconnect();
    }
}

fn plain(margin: Margin) -> Frame {
    Frame::new().inner_margin(margin)
}

/// Draws the whole window.
pub fn draw(ui: &mut Ui, state: &mut AppState) {
    let tokens = theme::tokens(ui.visuals());
    let panel = plain(Margin::symmetric(8, 4)).fill(tokens.panel);
    Panel::top("top bar")
        .frame(panel)
        .show(ui, |ui| panels::top_bar::ui(ui, state));
    let ground = plain(Margin {
        left: 12,
        right: 12,
        top: 8,
        bottom: 2,
    })
    .fill(tokens.background);
    Panel::top("map")
        .frame(ground)
        .show(ui, |ui| panels::map::ui(ui, state));
    Panel::bottom("drawer line")
        .frame(panel)
        .show(ui, |ui| panels::drawer::line_ui(ui, state));
    if let Some(tab) = state.drawer {
        let drawer = Panel::bottom("drawer")
            .resizable(true)
            .default_size(state.layout.drawer.unwrap_or(200.0))
            .size_range(90.0..=(ui.available_height() * 0.7).max(100.0))
            .frame(plain(Margin::symmetric(12, 8)).fill(tokens.panel))
            .show(ui, |ui| {
                panels::drawer::tab_ui(ui, state, tab);
                ui.take_available_space();
            });
        state.layout.drawer = Some(drawer.response.rect.height());
    }
    if panels::steps::is_open(state) {
        Panel::bottom("steps")
            .frame(Frame::new().fill(tokens.panel))
            .show(ui, |ui| panels::steps::ui(ui, state));
    }
    if state.notice.is_some() {
        let strip = Panel::bottom("notice")
            .frame(Frame::new().fill(tokens.panel))
            .show(ui, |ui| panels::notice::ui(ui, state));
        settle(ui, strip.response.rect.height());
    }
    ui.scope(|ui| {
        // Under an open drawer less room may be left than it needs: what is too much must not lie over the strip.
        ui.shrink_clip_rect(ui.available_rect_before_wrap());
        work_area(ui, state);
    });
    panels::drop_overlay::ui(ui, state);
    palette::ui(ui, state);
    dialogs::ui(ui, state);
}

/// A panel has the height that its content had in the frame before. When a strip of another height has come, nothing else
/// may ask for a frame, and a gap or what is cut off would stay.
fn settle(ui: &Ui, height: f32) {
    let key = egui::Id::unique("height of the strip");
    let before = ui.data_mut(|data| {
        let before = data.get_temp(key);
        data.insert_temp(key, height);
        before
    });
    if before != Some(height) {
        ui.ctx().request_repaint();
    }
}

fn work_area(ui: &mut Ui, state: &mut AppState) {
    let fill = theme::tokens(ui.visuals()).panel;
    if state.several.is_some() {
        let frame = plain(Margin::same(16)).fill(fill);
        egui::CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| panels::several::ui(ui, state));
        return;
    }
    if state.review.is_some() {
        let frame = plain(Margin::same(16)).fill(fill);
        egui::CentralPanel::no_frame()
            .frame(frame)
            .show(ui, |ui| dialogs::review_plan::ui(ui, state));
        return;
    }
    let width = ui.available_width();
    let table = Panel::left("table")
        .resizable(true)
        .default_size(
            state
                .layout
                .table
                .unwrap_or((width * 0.44).clamp(420.0, 760.0)),
        )
        .size_range(380.0..=(width - 340.0).max(400.0))
        .frame(
            plain(Margin {
                left: 12,
                right: 8,
                top: 8,
                bottom: 8,
            })
            .fill(fill),
        )
        .show(ui, |ui| {
            panels::table::ui(ui, state);
            ui.take_available_space();
        });
    state.layout.table = Some(table.response.rect.width());
    egui::CentralPanel::no_frame()
        .frame(
            plain(Margin {
                left: 12,
                right: 12,
                top: 8,
                bottom: 8,
            })
            .fill(fill),
        )
        .show(ui, |ui| panels::contents::ui(ui, state));
}
