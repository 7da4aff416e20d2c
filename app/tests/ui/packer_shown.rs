//! The packer in the window: what is shown of names, of images of every kind, and of bytes.

use std::path::{Path, PathBuf};

use crate::window::Window;
use eframe::egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use flashpack::formats::bin_image::{BinEntry, BinOptions, build};
use flashpack::formats::romfs;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;

fn add(window: &mut Window, partition: &str, path: &Path) {
    window.act(Action::AddPaths {
        partition: partition.to_owned(),
        paths: vec![path.to_path_buf()],
    });
    window.packed();
}

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the folder of the test can be written");
    path
}

fn type_into(window: &mut Window, label: &str, text: &str) {
    window.harness.get_by_label(label).focus();
    window.settle();
    window.harness.get_by_label(label).type_text(text);
    window.settle();
}

/// Images made by hand from each format's own description, with what must be told of them.
fn images() -> Vec<(&'static str, Vec<u8>, &'static str, Option<&'static str>)> {
    let files = [BinEntry::file("one", *b"1"), BinEntry::file("two", *b"22")];
    let mut elf = b"\x7fELF\x01\x01\x01".to_vec();
    elf.resize(16, 0);
    // An executable for RISC-V, entry 0x42000000.
    elf.extend([2, 0, 243, 0, 1, 0, 0, 0, 0, 0, 0, 0x42]);
    elf.resize(52, 0);
    let mut uf2 = vec![0; 512];
    for (at, word) in [
        (0, 0x0A32_4655_u32),
        (4, 0x9E5D_5157),
        (8, 0x2000),
        (12, 0x1000),
        (16, 256),
        (24, 1),
        (28, 0xD42B_A06C),
        (508, 0x0AB1_6F30),
    ] {
        uf2[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let mut table = vec![0xAA, 0x50, 1, 2, 0, 0x90, 0, 0, 0, 0x60, 0, 0];
    table.extend(b"nvs");
    table.resize(28, 0);
    table.extend([0; 4]);
    table.resize(0xC00, 0xFF);
    vec![
        (
            "bin",
            build(&files, &BinOptions::default(), None)
                .expect("two files fit")
                .bytes,
            "Bin",
            Some("Files"),
        ),
        (
            "romfs",
            romfs::build(&files, None).expect("two files fit"),
            "MicroPython ROMFS",
            Some("Files"),
        ),
        ("elf", elf, "ELF file", None),
        ("uf2", uf2, "UF2 file", None),
        ("table", table, "Partition table", None),
        (
            "hex",
            b":0100000041BE\n:00000001FF\n".to_vec(),
            "Intel HEX file",
            None,
        ),
        ("strange", vec![0x9A; 300], "Unknown", None),
        ("erased", vec![0xFF; 300], "Erased flash", None),
    ]
}

#[test]
fn what_an_image_is_stands_above_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    // Not an app partition: an ELF file would become an app image there.
    window.select("vfs");
    for (name, bytes, kind, fact) in images() {
        add(&mut window, "vfs", &file(&folder, name, &bytes));
        assert!(window.has(kind), "{name}");
        assert!(window.has("Size"), "{name}");
        assert!(fact.is_none_or(|fact| window.has(fact)), "{name}");
        assert!(
            window.has_containing("Bytes 0x0 to"),
            "{name}: the bytes are there"
        );
        window.act(Command::Undo);
        window.packed();
    }
}

#[test]
fn a_new_name_shows_its_budget_while_it_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    add(&mut window, "bin", &file(&folder, "sea", b"~"));
    window.click("File sea");
    window.harness.key_press(Key::F2);
    window.settle();
    assert!(window.has("New name"));
    type_into(&mut window, "New name", "waves1");
    assert!(window.has("9/8"), "{:?}", window.state().contents.rename);
    assert!(window.has_containing("9 bytes long"), "and why that is bad");
    window.harness.key_press(Key::Backspace);
    window.settle();
    assert!(window.has("8/8"));
    window.harness.key_press(Key::Backspace);
    window.settle();
    type_into(&mut window, "New name", "ä");
    assert!(window.has("9/8"), "a letter of two bytes counts as two");
    window.harness.key_press(Key::Backspace);
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
    window.packed();
    assert!(window.has("File seawave"));
    assert_eq!(
        window.state().document.undo_name(),
        Some("rename to seawave")
    );
    window.harness.key_press(Key::F2);
    window.settle();
    type_into(&mut window, "New name", "x");
    window.harness.key_press(Key::Escape);
    window.settle();
    assert!(window.has("File seawave"), "Escape changes nothing");
}

#[test]
fn bytes_are_reached_and_copied_by_keyboard_and_label() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    bytes[0x20_0000..0x20_0006].copy_from_slice("hällo".as_bytes());
    let mut window = Window::sample();
    window.select("factory");
    // The image is larger than the partition, which is said; a smaller one is shown.
    add(&mut window, "factory", &file(&folder, "large", &bytes));
    assert!(window.has_containing("The file has 3 MiB"));
    bytes.drain(..0x1F_0000);
    bytes.truncate(0x10_0000);
    add(&mut window, "factory", &file(&folder, "raw", &bytes));
    type_into(&mut window, "Find bytes or text", "hällo");
    window.harness.key_press(Key::Enter);
    window.settle();
    assert!(window.has("0x10000, 6 bytes selected"));
    // The bytes have the focus now: F3 goes on, Shift extends, Ctrl+G and Ctrl+F lead back to the fields.
    window
        .harness
        .key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    window.settle();
    assert!(window.has("0x10000, 7 bytes selected"));
    window.harness.key_press(Key::F3);
    window.settle();
    assert!(window.has("From the start again"));
    assert!(window.has("0x10000, 6 bytes selected"));
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::G);
    window.settle();
    window.harness.event(Event::Text("FFFF0".into()));
    window.settle();
    window.harness.key_press(Key::Enter);
    window.settle();
    assert!(window.has("0xFFFF0, 1 byte selected"));
    window.harness.key_press(Key::End);
    window.settle();
    assert!(window.has("0xFFFFF, 1 byte selected"));
    window.click("Next");
    assert_eq!(window.copied("Copy hex"), "68 C3 A4 6C 6C 6F");
    assert_eq!(window.copied("Copy text"), "hällo");
}

#[test]
fn the_whole_image_leads_to_each_file() {
    let mut window = Window::sample();
    window.packed();
    assert!(window.has("Whole image"));
    let image = window.state().packing.images()["bin"].clone();
    let entry = image
        .entries
        .iter()
        .find(|entry| entry.path == "deep/f001")
        .unwrap();
    let expected = format!(
        "0x{:X}, {} bytes selected in deep/f001",
        entry.offset, entry.size
    );
    window.click("Files");
    window.click("Go to deep/f001");
    assert!(window.has(&expected), "{expected}");
    type_into(&mut window, "Jump to", "readme");
    window.harness.key_press(Key::Enter);
    window.settle();
    assert!(window.has_containing("selected in readme"));
    type_into(&mut window, "Jump to", "");
}
