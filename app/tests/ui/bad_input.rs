//! What is wrong is said in one sentence that names thing, place and fix; the window stays alive.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::window::Window;
use eframe::egui::DroppedFile;
use flashpack::engine::request::PortChoice;
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::file_dialog::Answer;

#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("the window must not read files on the frame".to_owned())
    }
}

fn drop_on(window: &mut Window, paths: &[PathBuf]) {
    for path in paths {
        window
            .harness
            .input_mut()
            .dropped_files
            .push(Arc::new(Dropped(path.clone())));
    }
    window.harness.step();
    window.harness.input_mut().dropped_files.clear();
    window.settle();
}

#[test]
fn a_port_that_is_not_there_is_said() {
    let mut window = Window::of(
        project_file::sample(),
        PortChoice::Path("/dev/there-is-no-such-port".into()),
    );
    window.click("Connect a board");
    window.wait("the failure", |window| !window.notice().is_empty());
    assert!(
        window.notice().contains("there-is-no-such-port"),
        "{}",
        window.notice()
    );
    assert!(
        window
            .state()
            .notice
            .as_ref()
            .unwrap()
            .failure
            .as_ref()
            .is_some_and(|error| !error.help.is_empty())
    );
    // The way out is offered. The strip came a frame ago, and has found its place only now.
    if cfg!(unix) {
        window.settle();
        window.click("Use the practice board");
        window.wait("the practice board", |window| {
            window.state().board.is_connected()
        });
    }
}

#[test]
fn a_project_that_is_none_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.flashpack");
    std::fs::write(&path, b"\xFF\xFE not a project").unwrap();
    let mut window = Window::sample();
    let before = window.project().clone();
    window.act(Action::OpenPath(path));
    assert!(
        window.notice().contains("broken.flashpack"),
        "{}",
        window.notice()
    );
    window.act(Action::OpenPath(folder.path().join("absent.flashpack")));
    assert!(
        window.notice().contains("absent.flashpack"),
        "{}",
        window.notice()
    );
    assert_eq!(window.project(), &before);
}

#[test]
fn dropped_files_go_to_the_selected_partition() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("dir");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("one"), b"1").unwrap();
    std::fs::write(folder.path().join("two"), b"22").unwrap();
    let mut window = Window::sample();
    window.select("bin");
    drop_on(&mut window, &[inner, folder.path().join("two")]);
    window.packed();
    for file in ["File dir", "File dir/one", "File two"] {
        assert!(window.has(file), "{file}");
    }
    window.select("nvs");
    drop_on(
        &mut window,
        &[folder.path().join("two"), folder.path().join("dir")],
    );
    assert!(window.notice().contains("nvs"), "{}", window.notice());
}

#[test]
fn a_name_that_is_too_long_is_shortened_only_when_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photograph.png");
    std::fs::write(&path, b"x").unwrap();
    let mut window = Window::sample();
    window.select("bin");
    drop_on(&mut window, &[path]);
    window.packed();
    window.wait("the problem", |window| {
        window.state().environment.errors > 0
    });
    assert!(window.has("Fix 1 problem"));
    window.click_containing("Use phot.png");
    window.packed();
    window.wait("no problem", |window| {
        window.state().environment.errors == 0
    });
}

#[test]
fn a_file_that_is_gone_stops_the_write_not_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("brief");
    std::fs::write(&path, b"x").unwrap();
    let mut window = Window::sample();
    window.connect();
    window.select("bin");
    drop_on(&mut window, std::slice::from_ref(&path));
    window.packed();
    std::fs::remove_file(&path).unwrap();
    window.act(Command::PackAgain);
    window.packed();
    window.wait("the problem", |window| {
        window.state().environment.errors > 0
    });
    assert!(
        window
            .state()
            .derived
            .problems
            .iter()
            .any(|problem| problem.message.contains("brief"))
    );
    window.act(Command::Write);
    assert!(
        window.state().review.is_none(),
        "nothing with errors is written"
    );
}

#[test]
fn a_pack_that_does_not_fit_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    std::fs::write(&path, vec![7u8; 2 << 20]).unwrap();
    let mut window = Window::sample();
    window.select("bin");
    drop_on(&mut window, &[path]);
    window.packed();
    window.wait("the problem", |window| {
        window.state().environment.errors > 0
    });
    assert!(window.has_containing("of 1 MiB · 1.0"), "by how much");
    assert!(window.has_containing("Not packed: 1 problem"));
    let lines = &window.state().contents.list.lines;
    let size = |name: &str| {
        let line = lines.iter().find(|line| line.entry.path == name);
        line.and_then(|line| line.size)
    };
    assert_eq!(size("big"), Some(2 << 20), "which file is the large one");
    assert_eq!(size("logo.png"), Some(121));
}

#[test]
fn without_a_file_dialog_the_path_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typed");
    std::fs::write(&path, b"x").unwrap();
    let mut window = Window::sample();
    window.select("bin");
    window
        .dialogs
        .answers
        .borrow_mut()
        .push_back(Answer::NoDialog);
    window.act(Command::AddFiles);
    assert!(window.has("Add files to bin"));
    window
        .harness
        .event(eframe::egui::Event::Text(path.display().to_string()));
    window.settle();
    window.click("Use this path");
    window.packed();
    assert!(window.has("File typed"));
}
