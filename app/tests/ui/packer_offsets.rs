//! The packer in the window: whose offsets are kept, what that costs, extraction beside existing files, the report.

use std::path::{Path, PathBuf};

use crate::window::Window;
use flashpack::engine::request::PortChoice;
use flashpack::model::project::{Content, FilesContent, PackEntry, Packed, Project, Source};
use flashpack::store::open_any::{Found, open_any};
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::content_edit;
use flashpack::ui::document::Document;

/// The sample with three files of several sectors in `bin`.
fn three() -> Project {
    let file = |name: &str, byte: u8| PackEntry {
        name: name.to_owned(),
        what: Packed::File(Source::Bytes(vec![byte; 20_000].into())),
    };
    let files = FilesContent {
        entries: vec![file("a", 1), file("b", 2), file("c", 3)],
        ..FilesContent::default()
    };
    content_edit::with_content(&project_file::sample(), "bin", Some(Content::Files(files)))
}

fn offset(window: &Window, path: &str) -> u32 {
    let image = &window.state().packing.images()["bin"];
    let entry = image.entries.iter().find(|entry| entry.path == path);
    entry.expect("the file is packed").offset
}

fn remove(window: &mut Window, path: &str) {
    window.click(&format!("File {path}"));
    window.act(Command::RemoveFile);
    window.packed();
}

/// Opens a list and chooses from it, as soon as it has unfolded.
fn choose(window: &mut Window, list: &str, item: &str) {
    window.click(list);
    window.wait(item, |window| window.has(item));
    window.click(item);
}

/// The project in a file of its own, and a place for settings.
fn saved(folder: &Path) -> (PathBuf, PathBuf) {
    let path = folder.join("three.flashpack");
    let project = project_file::save_settled(&path, &three()).expect("the project is saved");
    assert!(content_edit::files(&project, "bin").is_some());
    (path, folder.join("settings").join("settings.json"))
}

fn reopened(path: &Path, settings: &Path) -> Window {
    let Ok(Found::Project(opened)) = open_any(path) else {
        panic!("the project opens");
    };
    let document = Document::new(opened.project, opened.project_path);
    Window::start(document, PortChoice::Practice, Some(settings.to_owned()))
}

#[test]
fn the_last_written_image_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (path, settings) = saved(folder.path());
    let mut window = reopened(&path, &settings);
    window.connect();
    window.write();
    let before = offset(&window, "c");
    drop(window);

    let mut window = reopened(&path, &settings);
    window.packed();
    assert!(window.has("Nothing differs from the last write"));
    remove(&mut window, "a");
    assert_eq!(
        offset(&window, "c"),
        before,
        "it stays where the board has it"
    );
    assert!(window.has_containing("sector differs from the last write"));
    // The choice is the user's.
    choose(
        &mut window,
        "Offsets kept from: last write",
        "Keep no offsets",
    );
    window.packed();
    assert!(offset(&window, "c") < before);
    assert!(!window.has_containing("sector differs from the last write"));
    choose(
        &mut window,
        "Offsets kept from: nothing",
        "Keep offsets of the last write",
    );
    window.packed();
    assert_eq!(offset(&window, "c"), before);
}

#[test]
fn offsets_are_kept_of_a_file_and_of_the_board() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::of(three(), PortChoice::Practice);
    window.packed();
    let old = folder.path().join("old.bin");
    std::fs::write(&old, &window.state().packing.images()["bin"].bytes).unwrap();
    let before = offset(&window, "c");
    window.connect();
    window.write();
    choose(
        &mut window,
        "Offsets kept from: last write",
        "Keep no offsets",
    );
    window.packed();
    remove(&mut window, "a");
    assert!(offset(&window, "c") < before, "nothing is kept");

    window.dialogs.choose(&[old]);
    choose(
        &mut window,
        "Offsets kept from: nothing",
        "Keep offsets of a file…",
    );
    window.packed();
    assert!(window.has("Offsets kept from: old.bin"));
    assert!(window.has_containing("sector differs from old.bin"));
    assert_eq!(offset(&window, "c"), before);

    choose(&mut window, "Offsets kept from: old.bin", "Keep no offsets");
    window.packed();
    choose(
        &mut window,
        "Offsets kept from: nothing",
        "Keep offsets of the board",
    );
    window.wait("what the board holds", |window| {
        window.has("Offsets kept from: the board")
    });
    window.packed();
    assert_eq!(offset(&window, "c"), before);
    assert!(window.has_containing("sector differs from the board"));
}

#[test]
fn removed_files_are_erased_when_asked() {
    let mut window = Window::of(three(), PortChoice::Practice);
    window.connect();
    window.write();
    let ones = |window: &Window| {
        let bytes = window.state().packing.images()["bin"].bytes.clone();
        bytes
            .windows(100)
            .any(|bytes| bytes.iter().all(|byte| *byte == 1))
    };
    remove(&mut window, "a");
    assert!(
        ones(&window),
        "its bytes are left where erasing costs sectors"
    );
    window.click("erase removed files");
    window.packed();
    assert!(!ones(&window));
    assert_eq!(
        window.state().document.undo_name(),
        Some("erase removed files of bin")
    );
    window.act(Command::Undo);
    window.packed();
    assert!(ones(&window));
}

#[test]
fn a_file_that_is_there_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().to_path_buf();
    let read = |name: &str| std::fs::read(into.join(name)).ok();
    std::fs::write(into.join("b"), b"mine").unwrap();
    let mut window = Window::of(three(), PortChoice::Practice);
    window.packed();
    let ask = |window: &mut Window| {
        window.dialogs.choose(std::slice::from_ref(&into));
        window.act(Command::ExtractAll);
        window.wait("the question", |window| {
            window.has("1 file is there already")
        });
    };
    ask(&mut window);
    window.click("Cancel");
    assert!(!window.has("1 file is there already"));
    assert_eq!((read("a"), read("b")), (None, Some(b"mine".to_vec())));
    ask(&mut window);
    window.click("Keep both");
    assert_eq!(
        window.notice(),
        format!("Extracted 3 files into {}", into.display())
    );
    assert_eq!(read("b").unwrap(), b"mine");
    assert_eq!(read("b~2").unwrap(), vec![2; 20_000]);

    // One file alone, and over the old one.
    window.dialogs.choose(std::slice::from_ref(&into));
    window.click("File b");
    window.act(Command::ExtractFile);
    window.wait("the question", |window| {
        window.has("1 file is there already")
    });
    window.click("Replace");
    assert_eq!(
        window.notice(),
        format!("Extracted 1 file into {}", into.display())
    );
    assert_eq!(read("b").unwrap(), vec![2; 20_000]);
}

#[test]
fn the_report_has_every_file_and_its_cost() {
    let mut window = Window::of(three(), PortChoice::Practice);
    window.connect();
    window.write();
    remove(&mut window, "a");
    let report = window.copied_by(Command::CopyReport);
    let lines: Vec<Vec<&str>> = report
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(
        lines[0],
        [
            "name",
            "offset",
            "size",
            "crc32",
            "change",
            "wasted",
            "sectors changed"
        ]
    );
    assert_eq!(lines.len(), 4, "{report}");
    let b = &lines[1];
    let sum = format!("{:08X}", crc32fast::hash(&vec![2; 20_000]));
    assert_eq!(
        (b[0], b[2], b[3], b[4]),
        ("b", "20000", sum.as_str(), "same")
    );
    assert_eq!(b[1], format!("0x{:X}", offset(&window, "b")));
    assert!(b[5].parse::<u32>().is_ok() && b[6] == "0", "{report}");
    assert!(report.contains("sectors changed 1"), "{report}");
}

#[test]
fn alignment_and_the_seeds_form_are_chosen() {
    let mut window = Window::of(three(), PortChoice::Practice);
    window.packed();
    window.click("Alignment: 16 bytes");
    window.click("4096");
    window.packed();
    assert!(
        ["a", "b", "c"]
            .iter()
            .all(|path| offset(&window, path).is_multiple_of(4096))
    );
    window.click("Alignment: 4096 bytes");
    window.click("16");
    window.click("as bin_pack.py");
    window.packed();
    assert_eq!(
        offset(&window, "a"),
        4 * 16,
        "three entries and the end, no index"
    );
    assert!(
        !window.has_containing("Offsets kept from"),
        "that form keeps none"
    );
    window.act(Action::from(Command::Undo));
    window.packed();
    assert!(window.has_containing("Offsets kept from"));
}
