//! Every panel, dialog and selection in both themes: each control has a name, each letter a glyph, nothing panics.

use crate::window::Window;
use flashpack::model::partition_table::{DATA, Offset, Row, Size};
use flashpack::model::region::Region;
use flashpack::store::settings::Theme;
use flashpack::ui::action::Action;
use flashpack::ui::command::{self, Command};
use flashpack::ui::selection::{Reserved, Selection};
use std::sync::Arc;

#[track_caller]
fn look(window: &mut Window, what: &str) {
    window.settle();
    assert_eq!(
        window.harness.unnamed_widgets(),
        Vec::<String>::new(),
        "{what}"
    );
}

#[test]
fn everything_opens_in_both_themes() {
    let mut window = Window::sample();
    window.connect();
    window.write();
    for theme in [Theme::Dark, Theme::Light] {
        window.act(Action::SetTheme(theme));
        for tab in [
            Command::ShowProblems,
            Command::ShowBoard,
            Command::ShowAgent,
            Command::ShowMonitor,
            Command::ShowLog,
        ] {
            window.act(tab);
            look(&mut window, &format!("{tab:?}"));
        }
        for dialog in [
            Command::About,
            Command::Settings,
            Command::Shortcuts,
            Command::Palette,
        ] {
            window.act(dialog);
            look(&mut window, &format!("{dialog:?}"));
            window.harness.key_press(eframe::egui::Key::Escape);
            window.settle();
            assert!(
                window.state().dialog.is_none() && window.state().palette.is_none(),
                "{dialog:?} closes"
            );
        }
        window.act(Command::WriteAll);
        look(&mut window, "review");
        window.harness.key_press(eframe::egui::Key::Escape);
        window.settle();
        assert!(window.state().review.is_none(), "the sheet closes");
        for row in 0..window.project().table.rows.len() {
            window.act(Action::Select(Selection::Row(row)));
            look(&mut window, "a partition");
        }
        for selection in [
            Selection::Nothing,
            Selection::Free(Region::new(0x1000, 0x1000)),
            Selection::Reserved(Reserved::Bootloader),
            Selection::Reserved(Reserved::PartitionTable),
        ] {
            window.act(Action::Select(selection));
            look(&mut window, &format!("{selection:?}"));
        }
    }
}

#[test]
fn all_shortcuts_are_listed() {
    let mut window = Window::sample();
    window.harness.key_press(eframe::egui::Key::F1);
    window.settle();
    for facts in command::all().filter(|facts| facts.shortcut.is_some()) {
        let label = facts.command.label(&window.state().environment);
        assert!(window.has(&label), "{label}");
    }
}

#[test]
fn a_command_is_found_and_run_by_its_name() {
    let mut window = Window::sample();
    window
        .harness
        .key_press_modifiers(eframe::egui::Modifiers::COMMAND, eframe::egui::Key::K);
    window.settle();
    window
        .harness
        .event(eframe::egui::Event::Text("light theme".into()));
    window.settle();
    window.harness.key_press(eframe::egui::Key::Enter);
    window.settle();
    assert_eq!(window.state().settings.theme, Theme::Light);
    assert!(window.state().palette.is_none());
}

/// A table of the most rows that fit, with the widest names.
fn many_rows() -> flashpack::model::project::Project {
    let mut project = flashpack::store::project_file::sample();
    project.flash_size = 16 << 20;
    let mut table = (*project.table).clone();
    while table.rows.len() < 94 {
        let number = table.rows.len() as u32;
        table.rows.push(Arc::new(Row {
            name: format!("WWWWWWWWWWWWWW{number:02}"),
            kind: DATA,
            subtype: 0x06,
            offset: Offset::At(0x40_0000 + number * 0x1_0000),
            size: Size::Bytes(0x8000),
            flags: 0,
            spelling: None,
        }));
    }
    project.table = Arc::new(table);
    project
}

#[test]
fn many_rows_with_wide_names_are_drawn_one_screenful_at_a_time() {
    let mut window = Window::of(
        many_rows(),
        flashpack::engine::request::PortChoice::Practice,
    );
    look(&mut window, "94 partitions");
    let rows = window.project().table.rows.len();
    let drawn = (0..rows)
        .filter(|row| window.has_containing(&format!("Offset of WWWWWWWWWWWWWW{row:02}")))
        .count();
    assert!(drawn < 40, "{drawn} of {rows} rows were drawn");
    window.act(Action::Select(Selection::Row(93)));
    assert!(
        window.has_containing("Offset of WWWWWWWWWWWWWW93"),
        "the selected row is scrolled into sight"
    );
}
