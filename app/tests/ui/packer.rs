//! The packer in the window: names, other targets, images opened and taken apart, kept offsets, bytes, files on disk.

use std::path::{Path, PathBuf};

use crate::window::Window;
use eframe::egui::{Event, Key};
use egui_kittest::kittest::Queryable as _;
use flashpack::model::project::{Content, PackFormat};
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::content_edit;

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the folder of the test can be written");
    path
}

fn add(window: &mut Window, partition: &str, path: &Path) {
    window.act(Action::AddPaths {
        partition: partition.to_owned(),
        paths: vec![path.to_path_buf()],
    });
    window.packed();
}

fn format_of(window: &Window, partition: &str) -> Option<PackFormat> {
    match window.project().contents.get(partition)?.as_ref() {
        Content::Files(files) => Some(files.format),
        Content::Raw(_) => None,
    }
}

fn type_into(window: &mut Window, label: &str, text: &str) {
    window.harness.get_by_label(label).focus();
    window.settle();
    window.harness.get_by_label(label).type_text(text);
    window.settle();
}

#[test]
fn a_long_name_gets_a_short_one_that_can_be_edited() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    add(
        &mut window,
        "bin",
        &file(&folder, "photo_of_the_sea.txt", b"waves"),
    );
    assert!(window.has_containing("1 name does not fit"));
    assert!(window.has_containing("20 bytes long"), "why is said");
    window.click("Use the short names");
    window.packed();
    assert!(!window.has_containing("not fit"));
    assert!(window.has("File phot.txt"), "{:?}", window.project());
    window.act(Command::Undo);
    window.packed();
    let label = "Short name of photo_of_the_sea.txt";
    type_into(&mut window, label, "X");
    assert!(window.has("9/8"), "the budget is shown while typing");
    window.harness.get_by_label(label).focus();
    window.settle();
    window.harness.key_press(Key::Backspace);
    window.settle();
    assert!(window.has("8/8"));
}

#[test]
fn after_an_add_the_strip_offers_other_targets() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "fs.img", b"any bytes");
    let mut window = Window::sample();
    add(&mut window, "bin", &path);
    assert!(window.has("File fs.img"));
    let (label, action) = window.state().notice.as_ref().unwrap().buttons[0].clone();
    let Action::PutInstead { into, .. } = action else {
        panic!("the first button is {label}");
    };
    window.click(&label);
    window.packed();
    assert!(window.project().contents.contains_key(&into));
    let files = content_edit::files(window.project(), "bin").unwrap();
    assert!(files.entries.iter().all(|entry| entry.name != "fs.img"));
    assert_eq!(window.state().selection.row(), Some(window.row(&into)));
    assert!(window.has("Undo"), "the strip offers to undo");
}

#[test]
fn pasted_paths_are_added_like_dropped_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "pasted", b"text");
    let mut window = Window::sample();
    window
        .harness
        .event(Event::Paste(path.display().to_string()));
    window.wait("the pasted file", |window| window.has("File pasted"));
}

#[test]
fn an_image_is_opened_edited_and_taken_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    window.packed();
    let image = window.state().packing.images()["bin"].clone();
    let path = file(&folder, "old.bin", &image.bytes);
    let before = content_edit::flatten(
        &content_edit::files(window.project(), "bin")
            .unwrap()
            .entries,
    );
    window.act(Command::ClearContents);
    window.dialogs.choose(&[path]);
    window.act(Command::OpenImage);
    window.wait("the files of the image", |window| {
        content_edit::files(window.project(), "bin").is_some()
    });
    window.packed();
    let mut names: Vec<_> = before.into_iter().map(|line| line.path).collect();
    let mut opened: Vec<_> = content_edit::flatten(
        &content_edit::files(window.project(), "bin")
            .unwrap()
            .entries,
    )
    .into_iter()
    .map(|line| line.path)
    .collect();
    names.sort();
    opened.sort();
    assert_eq!(names, opened);

    let into = folder.path().join("out");
    window.dialogs.choose(std::slice::from_ref(&into));
    window.act(Command::ExtractAll);
    window.wait("the files on disk", |window| {
        window.notice().starts_with("Extracted")
    });
    let readme = std::fs::read(into.join("readme")).unwrap();
    let entry = image
        .entries
        .iter()
        .find(|entry| entry.path == "readme")
        .unwrap();
    let from = entry.offset as usize;
    assert_eq!(readme, image.bytes[from..from + entry.size as usize]);
    std::fs::write(into.join("readme"), b"mine").unwrap();
    window.dialogs.choose(std::slice::from_ref(&into));
    window.act(Command::ExtractAll);
    window.settle();
    assert!(window.has("1 file is there already") || window.has_containing("are there already"));
    window.click("Cancel");
    assert_eq!(std::fs::read(into.join("readme")).unwrap(), b"mine");
}

#[test]
fn what_the_board_holds_becomes_files_again() {
    let mut window = Window::sample();
    window.connect();
    window.write();
    window.act(Command::ClearContents);
    window.act(Command::ReadFiles);
    window.wait("the files of the board", |window| {
        content_edit::files(window.project(), "bin").is_some()
    });
    window.packed();
    assert!(window.has("File readme"));
}

#[test]
fn after_a_write_offsets_are_kept_and_compacting_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    add(&mut window, "bin", &file(&folder, "aaa", &vec![7; 60_000]));
    add(&mut window, "bin", &file(&folder, "zzz", &vec![9; 60_000]));
    window.connect();
    window.write();
    assert!(window.state().packing.compared_with("bin").is_some());
    let place = |window: &Window| {
        let image = &window.state().packing.images()["bin"];
        let entry = image.entries.iter().find(|entry| entry.path == "zzz");
        entry.map(|entry| entry.offset)
    };
    let before = place(&window);
    window.click("File aaa");
    window.act(Command::RemoveFile);
    window.packed();
    assert_eq!(place(&window), before, "the other file stays where it is");
    assert!(window.has_containing("differ"), "the cost is said");
    assert!(window.has_containing("Holes: compacting saves"));
    window.click("Compact");
    window.packed();
    assert!(place(&window) < before);
    assert!(!window.has_containing("Holes:"));
}

#[test]
fn bytes_are_jumped_to_found_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = vec![0; 0x10_0000];
    bytes[0xF_0000..0xF_0006].copy_from_slice(b"needle");
    let path = file(&folder, "raw.img", &bytes);
    let mut window = Window::sample();
    window.select("factory");
    add(&mut window, "factory", &path);
    assert!(window.has_containing("Bytes 0x0 to"));
    type_into(&mut window, "Find bytes or text", "needle");
    window.click("Next");
    assert!(window.has_containing("0xF0000, 6 bytes selected"));
    assert!(!window.has_containing("Bytes 0x0 to"), "it has scrolled");
    type_into(&mut window, "Jump to", "0x10");
    window.harness.key_press(Key::Enter);
    window.settle();
    assert!(window.has_containing("Bytes 0x0 to"));
    assert!(window.has_containing("0x10, 1 byte selected"));
    type_into(&mut window, "Jump to", "zz");
    window.harness.key_press(Key::Enter);
    window.settle();
    assert!(window.has("There is no such place"));
}

#[test]
fn a_file_that_changed_on_disk_is_shown_and_packed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "live", b"one");
    let mut window = Window::sample();
    add(&mut window, "bin", &path);
    std::fs::write(&path, b"two and more").unwrap();
    window.wait("the change", |window| {
        window.has("live has changed on disk")
    });
    window.click("Read files again");
    window.packed();
    assert!(!window.has("live has changed on disk"));
    let image = window.state().packing.images()["bin"].clone();
    let entry = image.entries.iter().find(|entry| entry.path == "live");
    assert_eq!(entry.unwrap().size, 12);
}

#[test]
fn the_container_can_be_chosen() {
    let mut window = Window::sample();
    window.packed();
    assert_eq!(format_of(&window, "bin"), Some(PackFormat::Bin));
    window.click("Container: Bin");
    window.click("ROMFS");
    window.packed();
    assert_eq!(format_of(&window, "bin"), Some(PackFormat::Romfs));
    let image = window.state().packing.images()["bin"].clone();
    assert!(
        image.bytes.starts_with(&[0xD2, 0xCD, 0x31]),
        "it is a ROMFS"
    );
    assert_eq!(
        window.state().document.undo_name(),
        Some("pack bin as ROMFS")
    );
}

#[test]
fn what_is_added_is_selected_and_in_sight() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    // More than the list has room for.
    let many: Vec<_> = (0..40)
        .map(|number| {
            let path = folder.path().join(format!("n{number:02}"));
            std::fs::write(&path, b"x").unwrap();
            path
        })
        .collect();
    window.select("bin");
    window.act(Action::AddPaths {
        partition: "bin".to_owned(),
        paths: many,
    });
    window.packed();
    assert!(window.has("File n00") && !window.has("File n39"));
    let path = folder.path().join("last");
    std::fs::write(&path, b"hello").unwrap();
    window.act(Action::AddPaths {
        partition: "bin".to_owned(),
        paths: vec![path],
    });
    window.packed();
    assert!(window.has("File last"), "scrolled to");
    assert!(window.has_containing("hello"), "and previewed");
}
