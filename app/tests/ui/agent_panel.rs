//! The agent panel, pressed as a person presses it: directory, MMU grid, live bytes, comparison, speed, snippets.

use std::sync::Arc;

use eframe::egui::Key;
use egui_kittest::kittest::Queryable as _;
use flashpack::device::practice::{Board, Options};
use flashpack::engine::event::FileState;
use flashpack::engine::request::PortChoice;
use flashpack::model::partition_table::Offset;
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::panels::agent::View;
use flashpack::ui::selection::Selection;

use crate::window::Window;

/// A written sample on a practice board, with the panel at a view.
fn at(view: &str) -> Window {
    let mut window = Window::sample();
    window.connect();
    window.write();
    // Rows that are out of sight are not drawn.
    window.harness.state_mut().state.layout.drawer = Some(420.0);
    window.act(Command::LookUp);
    window.click(view);
    window
}

#[track_caller]
fn answered(window: &mut Window, what: &str, is_true: impl Fn(&Window) -> bool) {
    window.wait(what, |window| {
        window.state().board.running().is_none() && is_true(window)
    });
}

#[test]
fn every_view_says_what_to_press_before_the_board_was_asked() {
    let mut window = Window::sample();
    window.act(Command::LookUp);
    for (view, button) in [
        ("Find", "Look up"),
        ("Directory", "List the board's files"),
        ("MMU", "Map all"),
        ("Live bytes", "Read from the board"),
        ("Compare", "Compare with my pack"),
        ("Speed", "Measure on the board"),
    ] {
        window.packed();
        window.click(view);
        assert!(window.has(button), "{view}");
        assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    }
}

#[test]
fn the_mmu_grid_has_a_named_cell_for_every_entry_and_leads_to_the_map() {
    let mut window = at("MMU");
    window.click("Map all");
    answered(&mut window, "the table", |window| {
        window.state().agent.map.is_some()
    });
    let cells = window
        .harness
        .query_all_by_label_contains("MMU entry ")
        .count();
    assert_eq!(
        cells,
        128 + 1,
        "a cell each, and the words of the chosen one"
    );
    assert!(window.has("MMU entry 100: free"));
    // The sample's table: vfs at 0x200000, bin at 0x300000.
    window.click("MMU entry 48: bin, flash 0x300000, data 0x3C300000, code 0x42300000");
    assert_eq!(window.state().selection, Selection::Row(window.row("bin")));
    for _ in 0..16 {
        window.harness.key_press(Key::ArrowLeft);
        window.settle();
    }
    assert_eq!(window.state().agent.cursor, 32);
    assert_eq!(window.state().selection, Selection::Row(window.row("vfs")));
    window.click("Release");
    answered(&mut window, "released entries", |window| {
        let map = window.state().agent.map.as_ref();
        map.is_some_and(|map| map.mmu.free == 128)
    });
    assert!(window.has("MMU entry 48: free"));
}

#[test]
fn the_board_lists_its_own_directory() {
    let mut window = at("Directory");
    window.click("List the board's files");
    answered(&mut window, "the directory", |window| {
        window.has("Folder deep on the board")
    });
    window.click("Folder deep on the board");
    answered(&mut window, "the folder", |window| {
        window.has("File deep/f001 on the board")
    });
    window.click("Up");
    answered(&mut window, "the top", |window| {
        window.has("File readme on the board")
    });
    window.click("File readme on the board");
    answered(&mut window, "its place", |window| {
        !window.state().agent.history.is_empty()
    });
    window.click("Find");
    assert!(window.has("readme in bin"));
}

#[test]
fn bytes_are_read_while_one_scrolls() {
    let mut window = at("Live bytes");
    assert!(window.has_containing("not all of it read yet"));
    window.click("Read from the board");
    window.wait("bytes from the board", |window| {
        window.has_containing("as read from the board")
    });
    window.click("Flash offset or partition");
    window
        .harness
        .get_by_label("Flash offset or partition")
        .type_text("bin");
    window.settle();
    window.harness.key_press(Key::Enter);
    answered(&mut window, "the pack's bytes", |window| {
        window.has_containing("Flash from 0x300000 ")
            && window.has_containing("as read from the board")
    });
    // A write may have changed what was read.
    answered(&mut window, "an idle board", |_| true);
    // The drawer leaves little room for the sheet.
    window.act(Command::ToggleDrawer);
    window.act(Command::WriteAll);
    answered(&mut window, "the sheet", |window| {
        window.has_containing("Write 2 region")
    });
    window.settle();
    window.click_containing("Write 2 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    window.act(Command::ShowAgent);
    window.wait("bytes read anew", |window| {
        window.has_containing("as read from the board")
    });
}

#[test]
fn every_file_of_the_pack_is_proven_and_what_differs_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fresh");
    std::fs::write(&file, b"not on the board").unwrap();
    let mut window = at("Compare");
    window.click("Compare with my pack");
    answered(&mut window, "a comparison", |window| {
        window.has_containing("Every one of")
    });
    assert!(window.has("readme: same") && window.has("deep/f001: same"));

    window.dialogs.choose(&[file]);
    window.click("Add files…");
    window.packed();
    window.click("Compare with my pack");
    answered(&mut window, "another comparison", |window| {
        window.has("fresh: missing")
    });
    assert!(window.has_containing("entries in bin differ on the board"));
    let image = window.state().packing.images()["bin"].clone();
    let compared = window.state().agent.compared.as_ref().unwrap();
    let state = |path: &str| compared.verdict(&image, path).unwrap().state;
    assert_eq!(state("fresh"), FileState::Missing);
    assert_eq!(state("readme"), FileState::Same, "its offset was kept");
    window.click("fresh: missing");
    assert!(window.state().contents.selected.is_some());
    window.click("Copy comparison");
}

#[test]
fn speed_is_modelled_and_measured_and_says_which() {
    let mut window = at("Speed");
    assert!(window.has_containing("Modelled fetches of a look-up"));
    window.click("Measure on the board");
    answered(&mut window, "a measurement", |window| {
        window.state().agent.bench.is_some()
    });
    assert!(window.has_containing("CPU cycles are unknown"));
    assert!(window.has_containing("round trip by this computer's clock"));
    let bench = window.state().agent.bench.as_ref().unwrap();
    assert!(bench.lines.iter().all(|line| line.search.cold.is_none()));
    assert!(bench.lines.iter().any(|line| line.path == "deep/f001"));
}

#[test]
fn a_file_has_lines_of_micropython_to_copy() {
    let mut window = Window::sample();
    window.packed();
    window.click("File deep/f001");
    window.click("MicroPython");
    assert!(window.has_containing("flash.bin.findsub('deep').findsub('f001')"));
    window.click("Copy: Find it by name");
    window.click("Copy: Its place in flash");
}

#[test]
fn another_board_forgets_what_the_last_one_said() {
    let mut window = at("MMU");
    window.click("Map all");
    answered(&mut window, "the table", |window| {
        window.state().agent.map.is_some()
    });
    window.act(Command::Disconnect);
    assert!(window.state().agent.map.is_none());
    assert_eq!(window.state().agent.view, View::Mmu);
    assert!(window.has("The board has not been asked yet"));
}

#[test]
fn flash_of_16_mib_slides_through_the_grid_and_says_so() {
    let options = Options {
        size: 16 << 20,
        ..Options::default()
    };
    let board = Board::start(options).unwrap();
    let mut project = project_file::sample();
    // The sample's `bin`, behind the middle of the flash.
    let mut table = (*project.table).clone();
    let bin = table.rows.iter_mut().find(|row| row.name == "bin").unwrap();
    Arc::make_mut(bin).offset = Offset::At(0x81_0000);
    project.table = table.into();
    project.flash_size = 16 << 20;
    let mut window = Window::of(project, PortChoice::Path(board.port().to_owned()));
    window.connect();
    window.write();
    window.harness.state_mut().state.layout.drawer = Some(420.0);
    window.act(Command::LookUp);
    window.act(Action::LookUp {
        partition: "bin".into(),
        path: "tone.wav".into(),
    });
    answered(&mut window, "a look-up", |window| {
        !window.state().agent.history.is_empty()
    });
    assert!(window.has_containing("right until the next question"));
    let found = window.state().agent.history[0].found.clone().unwrap();
    let flash = found.flash_offset.unwrap();
    assert!(flash > 0x81_0000 && found.sliding, "{found:?}");
    assert_eq!(found.vaddr, Some(0x3C00_0000 + flash % 0x80_0000));

    window.click("MMU");
    window.click("Map all");
    answered(&mut window, "the table", |window| {
        window.state().agent.map.is_some()
    });
    assert!(window.has_containing("0 of 128 entries free, 128 taken by the agent"));
    assert!(window.has_containing("pages slide"));
    assert!(
        window.has("MMU entry 127: no partition, flash 0x7F0000, data 0x3C7F0000, code 0x427F0000")
    );

    window.click("Compare");
    window.click("Compare with my pack");
    answered(&mut window, "a comparison", |window| {
        window.has_containing("Every one of")
    });
    window.click("MMU");
    window.click("Read the table");
    // The page of the table is back in entry 0.
    let bin = "MMU entry 1: bin, flash 0x810000, data 0x3C010000, code 0x42010000";
    answered(&mut window, "the upper half", |window| window.has(bin));
    window.click(bin);
    assert_eq!(window.state().selection, Selection::Row(window.row("bin")));
}
