//! Every operation of the partition editor as a person gives it: from the menu, by its label, with what comes of it.

use crate::window::Window;
use eframe::egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use flashpack::model::region::Region;
use flashpack::model::table_names::{FLAG_ENCRYPTED, FLAG_READONLY};
use flashpack::ui::command::Command;

/// Opens a menu of the bar and takes an entry.
#[track_caller]
fn menu(window: &mut Window, title: &str, entry: &str) {
    let bar = window
        .harness
        .query_all_by_role_and_label(Role::Button, title)
        .next();
    bar.expect("the menu is in the bar").click();
    window.settle();
    let found = window.harness.query_all_by_label_contains(entry).next();
    found.expect("the entry is in the menu").click();
    window.settle();
}

#[track_caller]
fn select(window: &mut Window, name: &str) {
    window.click(&format!("Name of {name}: {name}"));
}

#[track_caller]
fn region(window: &Window, name: &str) -> Region {
    let row = window.row(name);
    window.state().region_of(row).expect("it has a place")
}

fn undo_name(window: &Window) -> String {
    window
        .state()
        .document
        .undo_name()
        .unwrap_or_default()
        .to_owned()
}

fn names(window: &Window) -> Vec<String> {
    let rows = &window.project().table.rows;
    rows.iter().map(|row| row.name.clone()).collect()
}

#[test]
fn shrink_to_contents_and_grow_into_free_space() {
    let mut window = Window::sample();
    window.packed();
    let before = region(&window, "bin");
    select(&mut window, "bin");
    menu(&mut window, "Table", "Shrink to contents");
    let packed = window.state().packing.images()["bin"].bytes.len() as u32;
    let after = region(&window, "bin");
    assert_eq!(after.offset, before.offset);
    assert_eq!(after.size, packed.next_multiple_of(0x1000));
    assert!(after.size < before.size);
    assert_eq!(undo_name(&window), "shrink bin");
    menu(&mut window, "Table", "Shrink to contents");
    assert!(
        window.notice().contains("its content needs all of it"),
        "{}",
        window.notice()
    );
    menu(&mut window, "Table", "Grow into free space");
    assert_eq!(region(&window, "bin"), before);
    assert_eq!(undo_name(&window), "grow bin");
    menu(&mut window, "Table", "Grow into free space");
    assert!(
        window.notice().contains("no free space behind bin"),
        "{}",
        window.notice()
    );
}

#[test]
fn partitions_are_added_before_after_and_in_a_gap() {
    let mut window = Window::sample();
    let original = window.project().clone();
    select(&mut window, "vfs");
    menu(&mut window, "Edit", "Delete vfs");
    assert_eq!(names(&window), ["nvs", "phy_init", "factory", "bin"]);
    // In the gap, which it fills.
    window.click_containing("Map: free,");
    menu(&mut window, "Edit", "Add partition");
    assert_eq!(region(&window, "data"), Region::new(0x20_0000, 0x10_0000));
    assert_eq!(undo_name(&window), "add data");
    window.act(Command::Undo);
    select(&mut window, "factory");
    menu(&mut window, "Table", "Add partition after");
    assert_eq!(
        names(&window),
        ["nvs", "phy_init", "factory", "data", "bin"]
    );
    assert_eq!(region(&window, "data"), Region::new(0x20_0000, 0x1_0000));
    select(&mut window, "bin");
    menu(&mut window, "Table", "Add partition before");
    assert_eq!(
        names(&window),
        ["nvs", "phy_init", "factory", "data", "data_2", "bin"]
    );
    assert_eq!(region(&window, "data_2").offset, 0x21_0000);
    // Where neighbours block, no room is said to be none.
    select(&mut window, "nvs");
    menu(&mut window, "Table", "Add partition after");
    assert!(window.notice().contains("no room"), "{}", window.notice());
    while window.state().document.undo_name().is_some() {
        window.act(Command::Undo);
    }
    assert_eq!(window.project(), &original);
}

#[test]
fn rows_are_duplicated_reordered_arranged_and_sorted() {
    let mut window = Window::sample();
    select(&mut window, "vfs");
    menu(&mut window, "Edit", "Delete vfs");
    select(&mut window, "nvs");
    menu(&mut window, "Edit", "Duplicate partition");
    assert_eq!(region(&window, "nvs_2").size, region(&window, "nvs").size);
    assert_eq!(undo_name(&window), "duplicate nvs");
    select(&mut window, "factory");
    menu(&mut window, "Edit", "Move partition up");
    assert_eq!(window.row("factory"), 1);
    assert_eq!(undo_name(&window), "move factory up");
    menu(&mut window, "Edit", "Move partition down");
    menu(&mut window, "Edit", "Move partition down");
    assert_eq!(undo_name(&window), "move factory down");
    menu(&mut window, "Table", "Sort rows by offset");
    assert_eq!(undo_name(&window), "sort rows");
    assert_eq!(
        names(&window),
        ["nvs", "phy_init", "factory", "nvs_2", "bin"]
    );
    menu(&mut window, "Table", "Arrange partitions");
    assert_eq!(undo_name(&window), "arrange partitions");
    assert_eq!(
        region(&window, "bin").offset,
        region(&window, "nvs_2").offset + 0x6000,
        "no gap is left"
    );
}

#[test]
fn offsets_are_pinned_and_flags_set() {
    let mut window = Window::sample();
    select(&mut window, "vfs");
    menu(&mut window, "Table", "Unpin offset");
    assert_eq!(undo_name(&window), "unpin vfs");
    assert!(window.has("Offset of vfs: 0x200000"), "computed now");
    menu(&mut window, "Table", "Pin offset");
    assert_eq!(undo_name(&window), "pin vfs");
    menu(&mut window, "Table", "Set or clear encrypted");
    menu(&mut window, "Table", "Set or clear readonly");
    assert!(window.has("Flags of vfs: encrypted:readonly"));
    let row = window.row("vfs");
    let flags = FLAG_ENCRYPTED | FLAG_READONLY;
    assert_eq!(window.project().table.rows[row].flags, flags);
    menu(&mut window, "Table", "Set or clear encrypted");
    assert!(window.has("Flags of vfs: readonly"));
}

#[test]
fn types_and_subtypes_are_offered_by_name_and_numbers_are_taken() {
    let mut window = Window::sample();
    for _ in 0..2 {
        window.click("Subtype of vfs: fat");
    }
    for offered in ["nvs", "spiffs", "littlefs"] {
        assert!(window.has(offered), "{offered} is offered");
    }
    // What is typed leaves what begins like it.
    window
        .harness
        .get_by_label("Edit Subtype of vfs")
        .type_text("li");
    window.settle();
    assert!(!window.has("spiffs"));
    window.click("littlefs");
    assert!(
        window.has("Subtype of vfs: littlefs"),
        "{}",
        window.notice()
    );
    assert_eq!(undo_name(&window), "set subtype of vfs");
    for _ in 0..2 {
        window.click("Type of vfs: data");
    }
    window
        .harness
        .get_by_label("Edit Type of vfs")
        .type_text("0x40");
    window.settle();
    window.harness.key_press(eframe::egui::Key::Enter);
    window.settle();
    assert!(window.has("Type of vfs: 0x40"), "{}", window.notice());
}

#[test]
fn a_table_is_compared_with_a_file_from_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.csv");
    std::fs::write(
        &path,
        "nvs,data,nvs,0x9000,24K\nfactory,app,factory,0x10000,0x1f0000\nvfs,data,fat,0x200000,512K\nlogs,data,spiffs,0x280000,512K\nbin,data,undefined,0x300000,1M\n",
    )
    .unwrap();
    let mut window = Window::sample();
    let original = window.project().clone();
    window.dialogs.choose(std::slice::from_ref(&path));
    menu(&mut window, "Table", "Compare table with file");
    // A dialog is measured in its first frame, and seen from the second on.
    window.settle();
    assert!(window.has("Table of this project and of old.csv"));
    for sentence in [
        "vfs grows from 512 KiB to 1 MiB",
        "phy_init is new: 4 KiB at 0xF000",
        "logs is gone: it was 512 KiB at 0x280000",
        "logs, 512 KiB at 0x280000, is stranded: there is no partition logs any more",
    ] {
        assert!(window.has_containing(sentence), "{sentence}");
    }
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    window.click("From this project to old.csv");
    for sentence in [
        "vfs shrinks from 1 MiB to 512 KiB",
        "vfs, 1 MiB at 0x200000, is stranded: the last 512 KiB are cut off",
    ] {
        assert!(window.has_containing(sentence), "{sentence}");
    }
    window.click("Close");
    assert_eq!(window.project(), &original);
    std::fs::write(&path, [7u8; 3000]).unwrap();
    window.dialogs.choose(std::slice::from_ref(&path));
    menu(&mut window, "Table", "Compare table with file");
    assert!(window.state().dialog.is_none());
    assert!(window.notice().contains("old.csv"), "{}", window.notice());
}

#[test]
fn the_map_is_exported_as_png_with_its_errors_told_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.png");
    let mut window = Window::sample();
    window.dialogs.choose(std::slice::from_ref(&path));
    menu(&mut window, "Table", "Export map as PNG");
    assert!(window.notice().starts_with("Saved"), "{}", window.notice());
    assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"));
    std::fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        window.click("Size of vfs: 1 MiB");
    }
    window
        .harness
        .get_by_label("Edit Size of vfs")
        .type_text("3M");
    window.settle();
    window.harness.key_press(eframe::egui::Key::Enter);
    window.settle();
    menu(&mut window, "Table", "Export map as PNG");
    assert!(window.has("This table has errors"));
    assert!(window.has_containing("overlaps vfs"));
    window.dialogs.choose(std::slice::from_ref(&path));
    window.click("Export with errors…");
    assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_problem_is_mended_in_one_click() {
    let mut window = Window::sample();
    for _ in 0..2 {
        window.click("Size of vfs: 1 MiB");
    }
    window
        .harness
        .get_by_label("Edit Size of vfs")
        .type_text("0x1234");
    window.settle();
    window.harness.key_press(eframe::egui::Key::Enter);
    window.settle();
    assert_eq!(region(&window, "vfs").size, 0x1234);
    window.act(Command::ShowProblems);
    assert!(window.has_containing("vfs, size: vfs has 0x1234 bytes"));
    window.click("Set size to 0x2000");
    assert_eq!(region(&window, "vfs").size, 0x2000);
    assert_eq!(undo_name(&window), "resize vfs");
    assert!(!window.has_containing("vfs, size:"));
}
