//! The main job from end to end: add a file, write it, ask the chip for it, undo, save, open again.

use crate::window::Window;
use egui_kittest::kittest::Queryable as _;
use flashpack::engine::event::Outcome;
use flashpack::engine::job_state::Ending;
use flashpack::store::project_file;
use flashpack::ui::board_memory::Compared;
use flashpack::ui::command::Command;

fn compared_of_bin(window: &Window) -> Compared {
    let row = window.row("bin");
    let region = window.state().region_of(row).expect("bin has a place");
    window.state().planned(region).expect("bin is planned").1
}

#[test]
fn a_file_goes_all_the_way_to_the_chip_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hello");
    std::fs::write(&file, b"hello from a test").unwrap();

    let mut window = Window::sample();
    window.connect();
    assert!(
        window.has("ESP32-C3 · 4 MB"),
        "the chip and its flash size are shown"
    );

    window.click_containing("Map: bin");
    window.dialogs.choose(&[file]);
    window.click("Add files…");
    window.wait("the file in the list", |window| window.has("File hello"));
    assert_eq!(compared_of_bin(&window), Compared::Unknown);

    window.write();
    assert!(
        window.notice().starts_with("Written and verified"),
        "{}",
        window.notice()
    );
    assert_eq!(compared_of_bin(&window), Compared::Same);
    assert!(window.has_containing("Map: bin, 0x300000, 1 MiB, same as board"));
    assert!(window.has("Nothing to write"));

    // The chip itself finds it where the packer put it.
    window.act(Command::LookUp);
    window.harness.state_mut().state.agent.query = "hello".into();
    window.settle();
    window.click("Look up");
    window.wait("an answer of the agent", |window| {
        !window.state().agent.history.is_empty()
    });
    let found = window.state().agent.history[0]
        .found
        .clone()
        .expect("the board has the file");
    let image = window.state().packing.images()["bin"].clone();
    let entry = image
        .entries
        .iter()
        .find(|entry| entry.path == "hello")
        .unwrap();
    assert_eq!((found.offset, found.size), (entry.offset, entry.size));
    assert_eq!(found.crc32, Some(entry.crc32));
    assert_eq!(found.flash_offset, Some(0x30_0000 + entry.offset));
    assert!(window.has("hello in bin"));
    assert_eq!(
        window.state().steps,
        [true; 3],
        "all first steps ticked themselves"
    );

    // Undo makes the board differ, redo makes it the same again: nothing is asked of the board for that.
    window.click("Undo add hello to bin");
    window.packed();
    assert!(!window.has("File hello"));
    window.wait("a board that differs", |window| {
        compared_of_bin(window) == Compared::Differs
    });
    window.click("Redo add hello to bin");
    window.packed();
    window.wait("a board that is the same", |window| {
        compared_of_bin(window) == Compared::Same
    });

    // What is saved is what is opened.
    let path = folder.path().join("project.flashpack");
    window.dialogs.choose(std::slice::from_ref(&path));
    window.act(Command::SaveAs);
    window.wait("a saved project", |window| {
        window.state().document.path() == Some(path.as_path())
    });
    assert!(!window.state().document.is_dirty());
    assert_eq!(
        &project_file::load(&path).unwrap().project,
        window.project()
    );
}

#[test]
fn a_second_write_sends_nothing() {
    let mut window = Window::sample();
    window.connect();
    window.write();
    window.act(Command::WriteAll);
    assert!(window.state().review.is_some());
    window.click("Back");
    window.act(Command::Compare);
    window.wait("a comparison", |window| {
        window.state().board.running().is_none()
    });
    let ending = window
        .state()
        .board
        .job
        .as_ref()
        .and_then(|job| job.state.ending.clone());
    assert_eq!(
        ending,
        Some(Ending::Finished(Outcome::Compared {
            differing: Vec::new()
        }))
    );
}

#[test]
fn a_name_that_is_not_there_is_said_not_to_be_there() {
    let mut window = Window::sample();
    window.connect();
    window.write();
    window.act(Command::LookUp);
    window.harness.state_mut().state.agent.query = "nothere".into();
    window.settle();
    window.click("Look up");
    window.wait("an answer of the agent", |window| {
        !window.state().agent.history.is_empty()
    });
    assert_eq!(window.state().agent.history[0].found, None);
    assert!(window.has("not on the board"));
}

#[test]
fn files_are_renamed_and_removed_in_place() {
    let mut window = Window::sample();
    window.packed();
    window.click("File readme");
    window.act(Command::RenameFile);
    assert!(window.has("New name"), "the field is open");
    window.harness.get_by_label("New name").type_text("x");
    window.settle();
    window.harness.key_press(eframe::egui::Key::Enter);
    window.wait("the new name", |window| window.has("File readmex"));
    window.click("Undo rename to readmex");
    assert!(window.has("File readme"));
    window.click("File readme");
    window.act(Command::RemoveFile);
    assert!(!window.has("File readme"));
    assert_eq!(window.state().document.undo_name(), Some("remove readme"));
}
