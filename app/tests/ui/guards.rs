//! What a board must not get is refused in the review sheet, each line with its own tick; and the sheet says what the
//! command line's dry run says.

use std::path::Path;
use std::process::Command as Process;

use egui_kittest::kittest::Queryable as _;
use flashpack::device::practice::{Board, Options};
use flashpack::engine::ports::ListedPort;
use flashpack::engine::request::PortChoice;
use flashpack::model::chip::Chip;
use flashpack::model::cost::Link;
use flashpack::model::partition_table::TableSettings;
use flashpack::model::plan_estimate::estimate;
use flashpack::model::project::Project;
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;

use crate::window::Window;

fn board(fault: &str) -> Board {
    let mut options = Options::default();
    if !fault.is_empty() {
        options.faults.add_word(fault).unwrap();
    }
    Board::start(options).unwrap()
}

fn window_on(board: &Board, project: Project) -> Window {
    let mut window = Window::of(project, PortChoice::Path(board.port().to_owned()));
    window.connect();
    window.packed();
    window
}

fn is_blank(board: &Board) -> bool {
    board.test_access().flash().iter().all(|byte| *byte == 0xFF)
}

/// Opens the sheet, sees the refusal, is refused, ticks it, and writes.
#[track_caller]
fn refused_then_forced(window: &mut Window, board: &Board, message: &str) {
    window.act(Command::Write);
    assert!(window.has_containing(message), "the sheet says: {message}");
    window.click_containing("Write 2 region");
    assert!(window.state().review.is_some(), "the button does nothing");
    assert!(is_blank(board), "nothing was written");
    window.click_containing(message);
    window.click_containing("Write 2 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
    assert!(!is_blank(board));
}

#[test]
fn a_wrong_chip_is_refused_until_it_is_ticked() {
    let board = board("");
    let project = Project {
        chip: Chip::Esp32s3,
        ..project_file::sample()
    };
    let mut window = window_on(&board, project);
    assert!(
        window.notice().contains("This project is for ESP32-S3"),
        "{}",
        window.notice()
    );
    refused_then_forced(
        &mut window,
        &board,
        "made for the ESP32-S3, and the board is an ESP32-C3",
    );
}

#[test]
fn an_encrypted_board_is_refused_until_it_is_ticked() {
    let board = board("encrypted");
    let mut window = window_on(&board, project_file::sample());
    refused_then_forced(&mut window, &board, "The board's flash is encrypted");
    window.act(Command::ShowBoard);
    assert!(window.has_containing("flash encryption"));
}

#[test]
fn a_tick_is_for_one_board_only() {
    let first = board("encrypted");
    let mut window = window_on(&first, project_file::sample());
    window.act(Command::Write);
    window.click_containing("The board's flash is encrypted");
    let second = board("secure-boot");
    window.act(Action::ChoosePort(PortChoice::Path(
        second.port().to_owned(),
    )));
    window.wait("the other board", |window| {
        window.state().board.is_connected() && window.state().board.running().is_none()
    });
    assert!(!window.has_containing("The board's flash is encrypted"));
    assert!(window.has_containing("starts only images that are signed"));
    window.click_containing("Write 2 region");
    assert!(window.state().review.is_some() && is_blank(&second));
}

#[test]
fn a_board_that_allows_nothing_has_no_tick() {
    let board = board("secure-download");
    let mut window = window_on(&board, project_file::sample());
    window.act(Command::ShowBoard);
    assert!(window.has_containing("secure download mode"));
    window.act(Command::Write);
    assert!(window.has_containing("it can neither be compared nor verified"));
    window.click_containing("Write 2 region");
    assert!(window.state().review.is_some());
}

#[test]
fn a_valid_table_needs_no_tick() {
    let board = board("");
    let mut window = window_on(&board, project_file::sample());
    window.act(Command::Write);
    assert!(!window.has_containing("Refused"));
    window.click_containing("Write 2 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
}

#[test]
fn the_sheet_says_what_the_dry_run_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.flashpack");
    let mut project = project_file::sample();
    project.chip = Chip::Esp32c6;
    project_file::save(&path, &project).unwrap();
    let board = board("");
    let project = project_file::load(&path).unwrap().project;
    let mut window = window_on(&board, project);
    window.act(Command::Write);
    let shown = serde_json::to_value(window.state().review.as_ref().unwrap().view()).unwrap();
    let drawn: Vec<String> = shown["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["source"].as_str().unwrap().to_owned())
        .collect();
    for words in drawn {
        assert!(window.has(&words), "{words} is drawn");
    }
    let guard = shown["guards"][0]["message"].as_str().unwrap().to_owned();
    assert!(window.has(&guard));
    window.act(Command::Disconnect);

    let printed = dry_run(&path, &board, 115_200);
    for field in ["bytes", "writes", "guards", "modelled", "full", "verify"] {
        assert_eq!(printed[field], shown[field], "{field}");
    }
}

#[test]
fn the_modelled_time_is_that_of_the_chosen_speed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.flashpack");
    project_file::save(&path, &project_file::sample()).unwrap();
    let board = board("");
    let project = project_file::load(&path).unwrap().project;
    let mut window = window_on(&board, project);
    let modelled = |window: &Window| {
        let review = window.state().review.as_ref().unwrap();
        serde_json::to_value(review.view().modelled).unwrap()
    };
    window.act(Command::Write);
    let slow = modelled(&window);
    window.click("Back");
    window.act(Command::ShowBoard);
    window.click("Speed");
    window.click("921600 baud");
    window.wait("the board at another speed", |window| {
        let board = &window.state().board;
        board.is_connected() && board.running().is_none() && board.baud == 921_600
    });
    window.act(Command::Write);
    let fast = modelled(&window);
    assert_ne!(slow, fast);
    let sentence = window.state().review.as_ref().unwrap().view().modelled;
    assert!(window.has(&sentence.sentence()), "it is drawn");
    // The same port as that of a chip with its own USB.
    let port = ListedPort {
        path: board.port().to_owned(),
        label: "the chip's own".to_owned(),
        product: None,
        serial: None,
        usb: Some("303A:1001".to_owned()),
        recommended: true,
    };
    window.harness.state_mut().state.board.ports = vec![port];
    window.settle();
    let review = window.state().review.as_ref().unwrap();
    let expected = estimate(&review.plan, Link::Usb);
    assert_eq!(review.view().modelled, expected);
    window.act(Command::Disconnect);
    assert_eq!(dry_run(&path, &board, 115_200)["modelled"], slow);
    assert_eq!(dry_run(&path, &board, 921_600)["modelled"], fast);
}

fn dry_run(project: &Path, board: &Board, baud: u32) -> serde_json::Value {
    let output = Process::new(env!("CARGO_BIN_EXE_flashpack"))
        .args(["write", "--dry-run", "--json", "--baud", &baud.to_string()])
        .arg("--port")
        .arg(board.port())
        .arg(project)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().expect("an answer")).unwrap()
}

#[test]
fn a_saved_plan_is_the_command_that_overrides_what_was_ticked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.flashpack");
    let script = folder.path().join("write.sh");
    let board = board("encrypted");
    let mut window = window_on(&board, project_file::sample());
    window.dialogs.choose(std::slice::from_ref(&path));
    window.act(Command::SaveAs);
    window.wait("a saved project", |window| {
        window.state().document.path() == Some(path.as_path())
    });
    window.packed();
    window.act(Command::WriteAll);
    window.click_containing("The board's flash is encrypted");
    window.dialogs.choose(std::slice::from_ref(&script));
    window.click("Save this plan as a command line…");
    window.wait("the script", |_| script.exists());
    let text = std::fs::read_to_string(&script).unwrap();
    let port = board.port().display();
    assert!(text.starts_with("#!/bin/sh\nflashpack write "), "{text}");
    assert!(
        text.contains("it.flashpack --full --force encrypted"),
        "{text}"
    );
    assert!(
        text.trim_end().ends_with(&format!("--port {port}")),
        "{text}"
    );
    assert!(window.harness.query_by_label("Copy command").is_some());
}

/// A board with a table whose partitions lie elsewhere, and data in one of them.
fn board_with_data(project: &Project, offset: u32, data: &[u8]) -> Board {
    let board = board("");
    let bytes = flashpack::formats::partition_bin::write(&project.table).unwrap();
    board.test_access().overwrite(0x8000, &bytes);
    board.test_access().overwrite(offset, data);
    board
}

/// Moves the first partition with data to where nothing is, and opens the sheet.
fn move_vfs(window: &mut Window, at: u32) {
    window.select("vfs");
    let mut changed = window.project().clone();
    let table = std::sync::Arc::make_mut(&mut changed.table);
    let row = table.rows.iter().position(|row| row.name == "vfs").unwrap();
    let moved = std::sync::Arc::make_mut(&mut table.rows[row]);
    moved.offset = flashpack::model::partition_table::Offset::At(at + 0x8_0000);
    moved.size = flashpack::model::partition_table::Size::Bytes(0x8_0000);
    window.act(Action::Edit {
        name: "move vfs".to_owned(),
        project: Box::new(changed),
    });
    window.packed();
    window.act(Command::Write);
}

#[test]
fn a_damaged_table_of_the_board_is_not_taken_for_one_that_moves_nothing() {
    let project = project_file::sample();
    let at = project.table.find("vfs").unwrap().region.offset;
    let board = board_with_data(&project, at, &[0x56; 0x1000]);
    // Its last row is none any more; those before it still tell what moves.
    let rows = project.table.rows.len() as u32;
    board
        .test_access()
        .overwrite(0x8000 + 32 * (rows - 1), &[0x00]);
    let mut window = window_on(&board, project);
    move_vfs(&mut window, at);
    window.wait("the answer of the board", |window| {
        window.has_containing("its own table cannot be used")
            && window.state().board.running().is_none()
    });
    let sheet = window.state().review.as_ref().unwrap();
    assert_eq!(sheet.accepted().forced, [], "nothing is ticked");
    window.click_containing("Write 2 region");
    assert!(window.state().review.is_some(), "it is not written");
}

#[test]
fn data_of_a_moved_partition_is_carried_by_a_tick() {
    let project = project_file::sample();
    let data = [0x56; 0x3000];
    let at = project.table.find("vfs").unwrap().region.offset;
    let board = board_with_data(&project, at, &data);
    let mut window = window_on(&board, project);
    move_vfs(&mut window, at);
    window.wait("the answer whether vfs holds data", |window| {
        window.has_containing("vfs holds data and moves from 0x200000 to 0x280000")
            && window.state().board.running().is_none()
    });
    window.click("Carry the data of moved partitions along");
    assert!(window.has_containing("read from 0x200000, saved, and written to 0x280000"));
    // It shrinks too: what has no place is still a line of its own.
    window.click_containing("its last 512 KiB have no place any more");
    window.click_containing("Write 2 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
    let flash = board.test_access().flash();
    assert_eq!(flash[at as usize + 0x8_0000..][..data.len()], data);
}

#[test]
fn a_slot_is_booted_from_the_inspector_of_otadata() {
    let text = "otadata,data,ota,0xd000,0x2000\nfactory,app,factory,0x10000,0x10000\napp0,app,ota_0,0x20000,0x10000\n";
    let read =
        flashpack::formats::partition_csv::read(text.as_bytes(), TableSettings::default(), &|_| {
            None
        });
    let project = Project {
        table: std::sync::Arc::new(read.table),
        contents: std::collections::BTreeMap::new(),
        ..project_file::sample()
    };
    // A header is enough for the question what boots.
    let mut header = vec![0u8; 0x200];
    header[..4].copy_from_slice(&[0xE9, 1, 2, 0x20]);
    header[12] = 5;
    let board = board_with_data(&project, 0x1_0000, &header);
    board.test_access().overwrite(0x2_0000, &header);
    let mut window = window_on(&board, project);
    window.wait("what boots", |window| window.state().board.boots.is_some());
    window.select("otadata");
    assert!(window.has_containing("factory at 0x10000, an app without a descriptor"));
    window.click("Boot app0");
    assert!(window.has("choice of app0"), "the sheet shows the plan");
    assert!(window.has_containing("The board starts app0 from its next reset on"));
    window.click_containing("Write 1 region");
    window.wait("the end of the write", |window| {
        window.state().board.running().is_none() && window.state().review.is_none()
    });
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
    window.act(Command::WhatBoots);
    window.wait("the answer", |window| {
        window.state().board.running().is_none()
    });
    assert!(
        window.notice().contains("Boots app0 at 0x20000"),
        "{}",
        window.notice()
    );
}
