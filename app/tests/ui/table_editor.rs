//! The partition editor: templates, import and export, the board's table, the map's settings, and every operation.

use crate::window::Window;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use flashpack::engine::request::PortChoice;
use flashpack::formats::{partition_bin, partition_csv};
use flashpack::model::table_names::{FLAG_ENCRYPTED, FLAG_READONLY};
use flashpack::store::project_file;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::panels::table::{COLUMNS, begin};
use flashpack::ui::selection::Selection;
use flashpack::ui::table_files::{TableForm, errors};
use std::sync::Arc;

fn size(window: &Window, partition: &str) -> u32 {
    let row = window.row(partition);
    window.state().region_of(row).expect("it has a place").size
}

fn offset(window: &Window, partition: &str) -> u32 {
    let row = window.row(partition);
    window
        .state()
        .region_of(row)
        .expect("it has a place")
        .offset
}

#[test]
fn a_template_becomes_the_table_and_undo_brings_the_old_one_back() {
    let mut window = Window::sample();
    let original = window.project().clone();
    window.act(Command::NewFromTemplate);
    window.click("Two OTA slots and a file system");
    assert!(window.has_containing("three eighths of the flash"));
    window.click("8 MiB");
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    window.click("Use this table");
    assert!(window.state().dialog.is_none());
    assert_eq!(window.project().flash_size, 8 << 20);
    assert_eq!(size(&window, "ota_0"), 3 << 20);
    assert_eq!(size(&window, "ota_1"), 3 << 20);
    assert_eq!(
        window.state().document.undo_name(),
        Some("new table from Two OTA slots and a file system")
    );
    window.act(Command::Undo);
    assert_eq!(window.project(), &original);
}

#[test]
fn a_template_that_is_not_made_for_a_size_says_so() {
    let mut window = Window::sample();
    window.act(Command::NewFromTemplate);
    window.click("MicroPython with two OTA slots");
    window.click("2 MiB");
    assert!(window.has_containing("is for flash of 4 MiB to 32 MiB"));
    let original = window.project().clone();
    window.click("Use this table");
    assert_eq!(window.project(), &original, "the button is grey");
}

#[test]
fn a_table_is_exported_and_imported_again_in_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    let original = window.project().clone();
    let csv = folder.path().join("partitions.csv");
    let binary = folder.path().join("partitions.bin");
    let picture = folder.path().join("map.svg");
    for (command, path) in [
        (Command::ExportTableCsv, &csv),
        (Command::ExportTableBinary, &binary),
        (Command::ExportMap, &picture),
    ] {
        window.dialogs.choose(std::slice::from_ref(path));
        window.act(command);
        assert!(window.notice().starts_with("Saved"), "{}", window.notice());
    }
    let bytes = std::fs::read(&binary).unwrap();
    assert_eq!(bytes, partition_bin::write(&original.table).unwrap());
    let drawn = std::fs::read_to_string(&picture).unwrap();
    for row in &original.table.rows {
        assert!(drawn.contains(&row.name), "{} is in the picture", row.name);
    }
    // A firmware image with the table at its usual place.
    let image = folder.path().join("firmware.bin");
    let mut flash = vec![0xFF; 0x1_0000];
    flash[0x8000..0x8000 + bytes.len()].copy_from_slice(&bytes);
    std::fs::write(&image, flash).unwrap();
    for path in [&csv, &binary, &image] {
        window.select("vfs");
        window.act(Command::DeletePartition);
        window.dialogs.choose(std::slice::from_ref(path));
        window.act(Command::ImportTable);
        assert_eq!(
            partition_bin::write(&window.project().table).unwrap(),
            bytes,
            "{}: {}",
            path.display(),
            window.notice()
        );
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(
            window.state().document.undo_name(),
            Some(format!("import table of {name}").as_str())
        );
    }
    while window.state().document.undo_name().is_some() {
        window.act(Command::Undo);
    }
    assert_eq!(window.project(), &original);
}

#[test]
fn what_is_no_table_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.bin");
    std::fs::write(&path, [7u8; 5000]).unwrap();
    let mut window = Window::sample();
    let original = window.project().clone();
    window.dialogs.choose(&[path]);
    window.act(Command::ImportTable);
    assert_eq!(window.project(), &original);
    assert!(window.notice().contains("noise.bin"), "{}", window.notice());
}

#[test]
fn a_table_with_errors_is_shown_with_them_before_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("partitions.csv");
    let mut window = Window::sample();
    let mut project = window.project().clone();
    let row = window.row("bin");
    let table = Arc::make_mut(&mut project.table);
    Arc::make_mut(&mut table.rows[row]).offset =
        flashpack::model::partition_table::Offset::At(0x20_0000);
    window.act(Action::Edit {
        name: "overlap".into(),
        project: Box::new(project),
    });
    window.act(Command::ExportTableCsv);
    assert!(window.has("This table has errors"));
    assert!(window.has_containing("overlap"));
    window.click("Back");
    assert!(window.state().dialog.is_none());
    window.act(Command::ExportTableCsv);
    window.dialogs.choose(std::slice::from_ref(&path));
    window.click("Export with errors…");
    assert!(path.exists(), "{}", window.notice());
}

#[test]
fn the_board_s_table_is_compared_and_taken_over() {
    let mut window = Window::sample();
    window.connect();
    window.write();
    let original = window.project().clone();
    window.select("vfs");
    window.act(Command::DeletePartition);
    window.act(Command::CompareTable);
    window.wait("the comparison", |window| window.state().dialog.is_some());
    // A dialog is measured in its first frame, and seen from the second on.
    window.settle();
    assert!(window.has_containing("vfs is gone: it was 1 MiB at 0x200000"));
    assert!(
        window.has_containing(
            "vfs, 1 MiB at 0x200000, is stranded: there is no partition vfs any more"
        )
    );
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    window.harness.key_press(Key::Escape);
    window.settle();
    window.act(Command::Write);
    assert!(
        window.has_containing(
            "vfs, 1 MiB at 0x200000, is stranded: there is no partition vfs any more"
        ),
        "the review says it too"
    );
    window.harness.key_press(Key::Escape);
    window.settle();
    window.act(Command::ReadTable);
    window.wait("the board's table", |window| {
        window.project().table.rows.len() == original.table.rows.len()
    });
    assert_eq!(
        partition_bin::write(&window.project().table).unwrap(),
        partition_bin::write(&original.table).unwrap()
    );
}

#[test]
fn a_review_says_what_was_not_checked() {
    let mut window = Window::sample();
    window.packed();
    window.act(Command::Write);
    assert!(window.has_containing("Data on the board: not checked"));
    window.harness.key_press(Key::Escape);
    window.settle();
    window.connect();
    window.act(Command::Write);
    assert!(!window.has_containing("not checked, because"));
    assert!(window.has_containing("Data on the board:"));
}

#[test]
fn neighbours_block_or_are_pushed_as_the_setting_says() {
    let mut window = Window::sample();
    let before = offset(&window, "vfs");
    window.click_containing("Map: bin");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowLeft);
    window.settle();
    let original = window.project().clone();
    window.click_containing("Map: factory");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowRight);
    window.settle();
    assert_eq!(window.project(), &original, "blocked: {}", window.notice());
    window.click("Neighbours: block");
    assert!(window.has("Neighbours: pushed"));
    window.click_containing("Map: bin");
    for _ in 0..16 {
        window
            .harness
            .key_press_modifiers(Modifiers::CTRL, Key::ArrowLeft);
        window.settle();
    }
    window.click_containing("Map: factory");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowRight);
    window.settle();
    assert_eq!(
        offset(&window, "vfs"),
        before + 0x1_0000,
        "{}",
        window.notice()
    );
    assert_eq!(window.state().document.undo_name(), Some("resize factory"));
}

#[test]
fn keys_move_resize_and_use_finer_steps_where_that_is_legal() {
    let mut window = Window::sample();
    window.click_containing("Map: factory");
    let before = size(&window, "factory");
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL, Key::ArrowLeft);
    window.settle();
    assert_eq!(size(&window, "factory"), before - 0x1_0000);
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL.plus(Modifiers::ALT), Key::ArrowLeft);
    window.settle();
    assert_eq!(size(&window, "factory"), before - 0x1_1000);
    window.click_containing("Map: vfs");
    let start = offset(&window, "vfs");
    window
        .harness
        .key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    window.settle();
    assert_eq!(offset(&window, "vfs"), start - 0x1000);
    window
        .harness
        .key_press_modifiers(Modifiers::CTRL.plus(Modifiers::SHIFT), Key::ArrowLeft);
    window.settle();
    assert_eq!(offset(&window, "vfs"), start - 0x2000);
    assert_eq!(size(&window, "vfs"), 0x10_1000);
}

#[test]
fn the_map_zooms_and_scrolls_with_keys_and_commands() {
    let mut window = Window::sample();
    window.click_containing("Map: bin");
    let width = |window: &Window| {
        window
            .harness
            .get_by_label_contains("Map: vfs,")
            .rect()
            .width()
    };
    let before = width(&window);
    window.harness.key_press(Key::Plus);
    window.settle();
    assert!(!window.state().map.view.is_whole());
    window.act(Command::ZoomIn);
    window.harness.key_press(Key::PageDown);
    window.settle();
    assert!((window.state().map.view.zoom() - 4.0).abs() < 0.01);
    window.harness.key_press(Key::Home);
    window.settle();
    window.harness.key_press(Key::Num0);
    window.settle();
    assert!(window.state().map.view.is_whole());
    assert!((width(&window) - before).abs() < 0.5);
    let at = window
        .harness
        .get_by_label_contains("Map: vfs,")
        .rect()
        .center();
    window.harness.event(eframe::egui::Event::PointerMoved(at));
    window.settle();
    window.harness.event(eframe::egui::Event::Zoom(3.0));
    window.settle();
    assert!(
        width(&window) > before,
        "what is under the pointer is larger"
    );
    window.act(Command::ZoomAll);
    assert!(window.state().map.view.is_whole());
}

#[test]
fn every_operation_is_a_command_that_undo_names() {
    let mut window = Window::sample();
    let original = window.project().clone();
    let undo = |window: &Window| window.state().document.undo_name().map(str::to_owned);
    window.select("vfs");
    window.act(Command::ToggleEncrypted);
    assert_eq!(undo(&window).as_deref(), Some("set flags of vfs"));
    window.act(Command::ToggleReadonly);
    let row = window.row("vfs");
    assert_eq!(
        window.project().table.rows[row].flags,
        FLAG_ENCRYPTED | FLAG_READONLY
    );
    window.act(Command::UnpinOffset);
    assert_eq!(undo(&window).as_deref(), Some("unpin vfs"));
    window.act(Command::PinOffset);
    assert_eq!(undo(&window).as_deref(), Some("pin vfs"));
    window.select("bin");
    window.act(Command::DeletePartition);
    window.select("vfs");
    window.act(Command::AddAfter);
    assert_eq!(window.state().selection.row(), Some(row + 1));
    window.act(Command::AddBefore);
    assert!(window.notice().contains("room") || window.state().selection.row() == Some(row + 1));
    window.act(Command::Undo);
    window.select("vfs");
    window.act(Command::GrowPartition);
    assert!(
        undo(&window).is_some_and(|name| name == "grow vfs") || !window.notice().is_empty(),
        "it grows or says why not"
    );
    window.act(Command::ArrangePartitions);
    window.act(Command::MovePartitionUp);
    window.act(Command::SortRows);
    assert_eq!(
        undo(&window).as_deref(),
        Some("sort rows"),
        "{}",
        window.notice()
    );
    window.act(Command::ShrinkPartition);
    assert!(
        window.notice().contains("Nothing is packed for"),
        "{}",
        window.notice()
    );
    while undo(&window).is_some() {
        window.act(Command::Undo);
    }
    assert_eq!(window.project(), &original);
}

#[test]
fn the_place_of_the_table_is_a_setting_that_can_be_undone() {
    let mut window = Window::sample();
    window.act(Command::Settings);
    let label = "Table offset of this project";
    let field = window
        .harness
        .get_by_role_and_label(eframe::egui::accesskit::Role::TextInput, label);
    field.focus();
    window.settle();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.settle();
    window
        .harness
        .get_by_role_and_label(eframe::egui::accesskit::Role::TextInput, label)
        .type_text("0x7000");
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
    assert_eq!(
        window.project().table.settings.table_offset,
        0x7000,
        "{}",
        window.notice()
    );
    assert_eq!(
        window.state().document.undo_name(),
        Some("set table offset to 0x7000")
    );
    window.act(Action::CloseDialog);
    window.act(Command::Undo);
    assert_eq!(window.project().table.settings.table_offset, 0x8000);
}

/// Vigna's splitmix64: the same edits in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

fn press_in_map(window: &mut Window, dice: &mut Dice) {
    let keys = [
        (Modifiers::CTRL, Key::ArrowLeft),
        (Modifiers::CTRL, Key::ArrowRight),
        (Modifiers::SHIFT, Key::ArrowLeft),
        (Modifiers::SHIFT, Key::ArrowRight),
        (Modifiers::CTRL.plus(Modifiers::SHIFT), Key::ArrowLeft),
        (Modifiers::CTRL.plus(Modifiers::ALT), Key::ArrowRight),
    ];
    let (modifiers, key) = keys[dice.below(keys.len())];
    let selection = window.state().selection;
    let segments = window.state().derived.segments.clone();
    let segment = segments.iter().find(|segment| segment.what == selection);
    let label = format!("Map: {},", segment.expect("each row is in the map").name);
    let node = window.harness.query_all_by_label_contains(&label).next();
    node.expect("each stretch has a label").click();
    window.settle();
    window.harness.key_press_modifiers(modifiers, key);
    window.settle();
}

fn type_into_cell(window: &mut Window, dice: &mut Dice) {
    let texts = [
        "", "64K", "0x10000", "4096", "data", "app", "ota_0", "vfs", "1.5M", "-1", "nonsense",
    ];
    let row = window.state().selection.row().expect("a row is selected");
    let column = COLUMNS[dice.below(COLUMNS.len())];
    begin(&mut window.harness.state_mut().state, row, column);
    window.settle();
    let text = texts[dice.below(texts.len())];
    if let Some(field) = window.harness.query_all_by_label_contains("Edit ").next() {
        field.type_text(text);
    }
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
    window.harness.key_press(Key::Escape);
    window.settle();
}

#[test]
fn random_edits_never_panic_and_undo_to_the_very_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.csv");
    let csv = "# A table with a comment\nnvs, data, nvs, 0x9000, 24K\nphy_init,data,phy,,0x1000, # calibration\nfactory, app , factory, 0x10000, 1M\n\nvfs,data,fat,,1M\nbin,data,undefined,0x300000,512K";
    let source = folder.path().join("in.csv");
    std::fs::write(&source, csv).unwrap();
    let mut project = project_file::sample();
    project.contents.clear();
    let read = flashpack::store::table_file::read(&source, project.table.settings).unwrap();
    project.table = Arc::new(read.table);
    let mut window = Window::of(project.clone(), PortChoice::Practice);
    let mut dice = Dice(20_261_120);
    let commands = [
        Command::AddPartition,
        Command::AddBefore,
        Command::AddAfter,
        Command::DuplicatePartition,
        Command::DeletePartition,
        Command::MovePartitionUp,
        Command::MovePartitionDown,
        Command::ArrangePartitions,
        Command::SortRows,
        Command::GrowPartition,
        Command::ShrinkPartition,
        Command::PinOffset,
        Command::UnpinOffset,
        Command::ToggleEncrypted,
        Command::ToggleReadonly,
        Command::PushNeighbours,
        Command::Undo,
        Command::Redo,
    ];
    let mut exported = 0;
    let mut shown = 0;
    for _ in 0..300 {
        let rows = window.project().table.rows.len();
        if rows > 0 {
            window.act(Action::Select(Selection::Row(dice.below(rows))));
        }
        match dice.below(4) {
            0 if rows > 0 => press_in_map(&mut window, &mut dice),
            1 if rows > 0 => type_into_cell(&mut window, &mut dice),
            _ => window.act(commands[dice.below(commands.len())]),
        }
        if dice.below(10) == 0 {
            let found = errors(window.project(), TableForm::Csv);
            std::fs::remove_file(&out).ok();
            window.dialogs.answers.borrow_mut().clear();
            window.dialogs.choose(std::slice::from_ref(&out));
            window.act(Command::ExportTableCsv);
            assert_eq!(out.exists(), found.is_empty(), "errors stop an export");
            if let Some(error) = found.first() {
                assert!(window.has(&error.message), "{} is shown", error.message);
                window.click("Back");
                shown += 1;
            } else {
                exported += 1;
            }
        }
    }
    assert!(
        exported > 0 && shown > 0,
        "{exported} exported, {shown} shown"
    );
    // As many undos as there were edits, as many redos, and all of it once more.
    let written = |window: &Window| partition_csv::write(&window.project().table);
    let (end, end_bytes) = (window.project().clone(), written(&window));
    let mut undos = 0;
    while window.state().document.undo_name().is_some() {
        window.act(Command::Undo);
        undos += 1;
    }
    assert!(undos > 50, "only {undos} edits were made");
    assert_eq!(window.project(), &project);
    assert_eq!(
        written(&window),
        csv.as_bytes(),
        "byte for byte the file that was read"
    );
    for _ in 0..undos {
        window.act(Command::Redo);
    }
    assert_eq!(window.state().document.redo_name(), None);
    assert_eq!((window.project(), written(&window)), (&end, end_bytes));
    for _ in 0..undos {
        window.act(Command::Undo);
    }
    assert_eq!(written(&window), csv.as_bytes());
}
