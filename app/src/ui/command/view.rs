//! The menu *View*: the drawer, the map's zoom, the theme.

use eframe::egui::{Context, Key, OpenUrl};

use super::Command;
use super::row::{Facts, Menu, ctrl, need, row};
use crate::model::problem::Severity;
use crate::store::day_log::DayLog;
use crate::store::settings::Theme;
use crate::ui::dialogs::Dialog;
use crate::ui::panels::drawer::Tab;
use crate::ui::run_command::{sentence, set_theme};
use crate::ui::state::AppState;

/// How much a zoom command changes the width of the map.
const ZOOM_STEP: f32 = 2.0;

/// The rows of this menu.
pub const VIEW: &[Facts] = &[
    row(
        Menu::View,
        Command::ShowProblems,
        "Problems",
        "Show what is wrong with this project",
    )
    .keys(ctrl(Key::Num1))
    .runs(|state, _| toggle(state, Tab::Problems)),
    row(
        Menu::View,
        Command::ShowBoard,
        "Board",
        "Show the port and what the board says of itself",
    )
    .keys(ctrl(Key::Num2))
    .runs(|state, _| toggle(state, Tab::Board)),
    row(
        Menu::View,
        Command::ShowAgent,
        "Agent",
        "Show the look-up by the chip itself",
    )
    .keys(ctrl(Key::Num3))
    .runs(|state, _| toggle(state, Tab::Agent)),
    row(
        Menu::View,
        Command::ShowMonitor,
        "Monitor",
        "Show what the program on the board says",
    )
    .keys(ctrl(Key::Num4))
    .runs(|state, _| toggle(state, Tab::Monitor)),
    row(
        Menu::View,
        Command::ShowLog,
        "Log",
        "Show what happened, with command lines",
    )
    .keys(ctrl(Key::Num5))
    .runs(|state, _| toggle(state, Tab::Log)),
    row(
        Menu::View,
        Command::OpenLogFolder,
        "Open log folder",
        "Show the folder with the log of every day",
    )
    .unless(|now| need(now.log_folder.is_some(), "No daily log is kept"))
    .runs(open_log_folder),
    row(
        Menu::View,
        Command::ToggleDrawer,
        "Open or close the drawer",
        "Open or close the drawer at the bottom",
    )
    .keys(ctrl(Key::Backtick))
    .runs(|state, _| {
        state.drawer = if state.drawer.is_some() {
            None
        } else {
            Some(Tab::Problems)
        };
    }),
    row(
        Menu::View,
        Command::ZoomIn,
        "Zoom map in",
        "Show less of the map, larger; Ctrl with the wheel, or + in the map",
    )
    .begins_group()
    .runs(|state, _| state.map.view.zoom_by(ZOOM_STEP, 0.5)),
    row(
        Menu::View,
        Command::ZoomOut,
        "Zoom map out",
        "Show more of the map; Ctrl with the wheel, or - in the map",
    )
    .runs(|state, _| state.map.view.zoom_by(1.0 / ZOOM_STEP, 0.5)),
    row(
        Menu::View,
        Command::ZoomAll,
        "Show all of the map",
        "Show the map from end to end; 0 in the map",
    )
    .runs(|state, _| state.map.view.show_all()),
    row(
        Menu::View,
        Command::ThemeSystem,
        "Theme of the system",
        "Dark or light as the system says",
    )
    .begins_group()
    .runs(|state, ctx| set_theme(state, ctx, Theme::System)),
    row(
        Menu::View,
        Command::ThemeDark,
        "Dark theme",
        "Light text on dark ground",
    )
    .runs(|state, ctx| set_theme(state, ctx, Theme::Dark)),
    row(
        Menu::View,
        Command::ThemeLight,
        "Light theme",
        "Dark text on light ground",
    )
    .runs(|state, ctx| set_theme(state, ctx, Theme::Light)),
    row(
        Menu::View,
        Command::Settings,
        "Settings…",
        "Theme, port speed, and what is remembered",
    )
    .keys(ctrl(Key::Comma))
    .begins_group()
    .runs(|state, _| state.dialog = Some(Dialog::Settings)),
];

fn open_log_folder(state: &mut AppState, ctx: &Context) {
    let Some(made) = state.day_log.as_ref().map(DayLog::make_folder) else {
        return;
    };
    let folder = match made {
        Ok(folder) => folder,
        Err(error) => {
            return state.tell(Severity::Error, sentence(&error.to_string(), &error.help()));
        }
    };
    let url = format!("file://{}", folder.display());
    ctx.open_url(OpenUrl::new_tab(url));
    state.note(
        Severity::Note,
        format!("The log is in {}", folder.display()),
        None,
    );
}

fn toggle(state: &mut AppState, tab: Tab) {
    state.drawer = if state.drawer == Some(tab) {
        None
    } else {
        Some(tab)
    };
}
