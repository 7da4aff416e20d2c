//! Unsaved work is asked about once, and every answer does what it says.

use crate::window::Window;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;

fn edited() -> Window {
    let mut window = Window::sample();
    window.select("vfs");
    window.act(Command::DeletePartition);
    assert!(window.state().document.is_dirty());
    window
}

#[test]
fn keeping_on_working_keeps_everything() {
    let mut window = edited();
    window.act(Command::Quit);
    assert!(window.has("Save the changes?"));
    window.click("Keep working");
    assert!(!window.state().may_close && window.state().document.is_dirty());
}

#[test]
fn discarding_closes() {
    let mut window = edited();
    window.act(Command::Quit);
    window.click("Discard changes");
    assert!(window.state().may_close);
}

#[test]
fn saving_saves_and_then_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.flashpack");
    let mut window = edited();
    window.act(Command::Quit);
    window.dialogs.choose(std::slice::from_ref(&path));
    window.click("Save changes");
    window.wait("the end", |window| window.state().may_close);
    assert!(path.exists());
}

#[test]
fn a_cancelled_dialog_does_not_close() {
    let mut window = edited();
    window.act(Command::Quit);
    window.click("Save changes");
    window.settle();
    assert!(!window.state().may_close && window.state().document.is_dirty());
}

#[test]
fn opening_another_project_asks_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = edited();
    let path = folder.path().join("first.flashpack");
    window.dialogs.choose(std::slice::from_ref(&path));
    window.act(Command::Save);
    window.wait("a saved project", |window| {
        !window.state().document.is_dirty()
    });
    let saved = window.project().clone();
    window.select("nvs");
    window.act(Command::DeletePartition);
    window.act(Action::OpenPath(path));
    assert!(window.has("Save the changes?"));
    window.click("Discard changes");
    assert_eq!(window.project(), &saved);
}

#[test]
fn a_file_that_is_only_looked_at_needs_no_question() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise");
    std::fs::write(&path, [0x9A; 300]).unwrap();
    let mut window = edited();
    window.dialogs.choose(std::slice::from_ref(&path));
    window.act(Command::Open);
    assert!(window.has("Close file") && !window.has("Save the changes?"));
    assert!(window.state().document.is_dirty());
    // A table would take the project's place.
    std::fs::write(&path, "nvs, data, nvs, 0x9000, 0x6000\n").unwrap();
    window.dialogs.choose(&[path]);
    window.act(Command::Open);
    assert!(window.has("Save the changes?"));
    window.click("Discard changes");
    assert_eq!(window.project().table.rows.len(), 1);
}
