//! The table: cells editable in place, refusals in sentences, rows added, copied, moved and deleted.

use crate::window::Window;
use eframe::egui::Key;
use egui_kittest::kittest::Queryable as _;
use flashpack::ui::command::Command;

#[track_caller]
fn edit(window: &mut Window, cell: &str, field: &str, text: &str) {
    // The first click selects the cell, the second edits it.
    window.click(cell);
    window.click(cell);
    let field = window.harness.get_by_label(field);
    field.type_text(text);
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
}

#[test]
fn a_cell_is_edited_in_place_and_undone() {
    let mut window = Window::sample();
    let original = window.project().clone();
    edit(&mut window, "Name of vfs: vfs", "Edit Name of vfs", "files");
    assert!(window.has("Name of files: files"));
    edit(
        &mut window,
        "Size of files: 1 MiB",
        "Edit Size of files",
        "512K",
    );
    assert!(window.has("Size of files: 512 KiB"));
    assert_eq!(window.state().document.undo_name(), Some("resize files"));
    window.act(Command::Undo);
    window.act(Command::Undo);
    assert_eq!(window.project(), &original);
    window.act(Command::Redo);
    assert!(window.has("Name of files: files"));
}

#[test]
fn contents_follow_their_partition() {
    let mut window = Window::sample();
    edit(
        &mut window,
        "Name of bin: bin",
        "Edit Name of bin",
        "assets",
    );
    assert!(window.project().contents.contains_key("assets"));
    assert!(!window.project().contents.contains_key("bin"));
}

#[test]
fn what_cannot_be_taken_is_refused_in_a_sentence() {
    let mut window = Window::sample();
    let original = window.project().clone();
    edit(
        &mut window,
        "Size of vfs: 1 MiB",
        "Edit Size of vfs",
        "plenty",
    );
    assert_eq!(window.project(), &original);
    assert!(window.notice().contains("plenty"), "{}", window.notice());
    window.harness.key_press(Key::Escape);
    window.settle();
    assert!(window.has("Size of vfs: 1 MiB"));
}

#[test]
fn rows_are_added_copied_moved_and_deleted() {
    let mut window = Window::sample();
    let original = window.project().clone();
    let rows = original.table.rows.len();
    window.select("vfs");
    window.act(Command::MovePartitionUp);
    assert_eq!(window.row("vfs"), 2);
    window.act(Command::MovePartitionDown);
    window.select("factory");
    window.act(Command::DeletePartition);
    assert_eq!(window.project().table.rows.len(), rows - 1);
    window.select("nvs");
    window.act(Command::DuplicatePartition);
    window.act(Command::AddPartition);
    assert_eq!(
        window.project().table.rows.len(),
        rows + 1,
        "{}",
        window.notice()
    );
    while window.state().document.undo_name().is_some() {
        window.act(Command::Undo);
    }
    assert_eq!(window.project(), &original);
}

#[test]
fn arrow_keys_walk_over_the_cells() {
    let mut window = Window::sample();
    window.click("Name of nvs: nvs");
    for key in [Key::ArrowDown, Key::ArrowDown, Key::ArrowRight] {
        window.harness.key_press(key);
        window.settle();
    }
    assert_eq!(window.state().selection.row(), Some(window.row("factory")));
    assert!(
        window
            .harness
            .get_by_label("Type of factory: app")
            .is_focused()
    );
    window.harness.key_press(Key::Enter);
    window.settle();
    assert!(window.has("Edit Type of factory"));
    window.harness.key_press(Key::Escape);
    window.settle();
    assert!(!window.has("Edit Type of factory"));
}

#[test]
fn a_problem_leads_to_its_place() {
    let mut window = Window::sample();
    edit(
        &mut window,
        "Size of factory: 1.94 MiB",
        "Edit Size of factory",
        "3M",
    );
    assert!(window.state().environment.errors > 0);
    window.act(Command::ShowProblems);
    assert!(
        window.has("Error"),
        "the problem is listed with its severity in words"
    );
    window.select("nvs");
    let show = window.harness.get_all_by_label("Show").next().unwrap();
    show.click();
    window.settle();
    assert_ne!(window.state().selection.row(), Some(window.row("nvs")));
}
