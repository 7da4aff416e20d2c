//! Every kind of image that is recognised, as a person meets it: opened with Ctrl+O, and chosen for a partition. What the
//! window says of it is checked, with its bytes below.
//!
//! The images are made by hand from each format's own description; those of other people's programs are recognised in
//! `tests/integration/recognise_tools.rs`.

use std::path::PathBuf;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use flashpack::formats::bin_image::BinEntry;
use flashpack::formats::flash_file::{self, FlashFileOptions};
use flashpack::ui::command::Command;

use crate::elf_file;
use crate::window::Window;

/// An image, its kind as the window names it, and what else it says: name and value.
struct Sample {
    file: &'static str,
    bytes: Vec<u8>,
    kind: &'static str,
    facts: &'static [(&'static str, &'static str)],
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn littlefs() -> Vec<u8> {
    let mut image = words(&[1, 0xF7FF_0FF0]);
    image.extend(b"littlefs");
    image.extend(words(&[0x1000_E02F, 0x0002_0001, 4096, 16]));
    image.resize(0x1_0000, 0xFF);
    image
}

fn spiffs() -> Vec<u8> {
    let mut image = vec![0xFF; 0x1_0000];
    for block in 0..16u32 {
        let magic = (0x2014_0529_u32 ^ 256 ^ (16 - block)) as u16;
        image[block as usize * 4096 + 0xFC..][..2].copy_from_slice(&magic.to_le_bytes());
    }
    image
}

/// 125 sectors of 4 KiB, behind the sector that ESP-IDF's wear levelling keeps in front.
fn fat() -> Vec<u8> {
    let mut volume = b"\xEB\xFE\x90MSDOS5.0\0\x10\x01\x01\0\x02\0\x02\x7D\0\xF8\x01\0".to_vec();
    volume.resize(510, 0);
    volume.extend([0x55, 0xAA]);
    volume.resize(125 * 4096, 0);
    let mut image = vec![0xFF; 4096];
    image.extend(volume);
    image
}

fn nvs() -> Vec<u8> {
    let mut page = words(&[0xFFFF_FFFE, 0]);
    page.push(0xFE);
    page.resize(28, 0xFF);
    // CRC-32 of bytes 4 to 27, as ESP-IDF starts it.
    page.extend(words(&[0xB9BA_2D84]));
    page.resize(3 * 4096, 0xFF);
    page
}

fn frogfs() -> Vec<u8> {
    let mut image = b"FROG\x01\x00\x05\x00\x40\0\0\0".to_vec();
    image.resize(64, 0);
    image
}

fn mmap() -> Vec<u8> {
    let mut body = b"pic.png\0\0\0\0\0\0\0\0\0".to_vec();
    body.extend([3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0x5A, 0x5A, 1, 2, 3]);
    let sum: u32 = body.iter().copied().map(u32::from).sum();
    let mut image = words(&[1, sum & 0xFFFF, body.len() as u32]);
    image.extend(body);
    image
}

fn uf2() -> Vec<u8> {
    let mut block = words(&[
        0x0A32_4655,
        0x9E5D_5157,
        0x2000,
        0x1000,
        256,
        0,
        1,
        0xD42B_A06C,
    ]);
    block.resize(508, 0);
    block.extend(words(&[0x0AB1_6F30]));
    block
}

/// One segment for the ESP32-C3 with an app descriptor, and a right checksum.
fn esp_image() -> Vec<u8> {
    let data = elf_file::descriptor();
    let mut image = vec![0xE9, 1, 2, 0x2F];
    image.extend(words(&[0x4038_0000]));
    image.extend([0xEE, 0, 0, 0, 5, 0, 0, 3, 0, 199, 0, 0, 0, 0, 0, 0]);
    image.extend(words(&[0x3C00_0020, data.len() as u32]));
    image.extend(&data);
    image.resize(image.len().next_multiple_of(16) + 15, 0);
    image.push(data.iter().fold(0xEF, |sum, byte| sum ^ byte));
    image
}

fn table() -> Vec<u8> {
    let mut rows = Vec::new();
    for (kind, offset, size, name) in [
        ([1, 2], 0x9000_u32, 0x6000_u32, "nvs"),
        ([0, 0], 0x1_0000, 0x10_0000, "only_app"),
    ] {
        rows.extend([0xAA, 0x50]);
        rows.extend(kind);
        rows.extend(words(&[offset, size]));
        rows.extend(name.as_bytes());
        rows.resize(rows.len().next_multiple_of(32), 0);
    }
    rows.resize(0xC00, 0xFF);
    rows
}

fn merged() -> Vec<u8> {
    let mut image = esp_image();
    image.resize(0x8000, 0xFF);
    image.extend(table());
    image.resize(0x1_0000, 0xFF);
    image.extend(esp_image());
    image
}

/// What can only be looked at, or written as it is.
fn samples() -> Vec<Sample> {
    let sample = |file, bytes, kind, facts| Sample {
        file,
        bytes,
        kind,
        facts,
    };
    vec![
        sample(
            "littlefs.img",
            littlefs(),
            "Littlefs",
            &[("Version on disk", "2.1"), ("Blocks", "16 of 4 KiB")],
        ),
        sample(
            "spiffs.img",
            spiffs(),
            "SPIFFS",
            &[("Blocks", "16 of 4 KiB"), ("Page", "256 bytes")],
        ),
        sample(
            "fat.img",
            fat(),
            "FAT",
            &[
                ("Sectors", "125 of 4096 bytes"),
                ("Wear levelling", "yes, as ESP-IDF does it"),
            ],
        ),
        sample("nvs.bin", nvs(), "NVS", &[("Pages", "1 used of 3")]),
        sample("frogfs.bin", frogfs(), "FrogFS", &[("Entries", "5")]),
        sample(
            "assets.bin",
            mmap(),
            "MMAP assets (esp_mmap_assets)",
            &[("Files", "1")],
        ),
        sample(
            "blink.bin",
            esp_image(),
            "ESP app or bootloader image",
            &[
                ("Chip", "ESP32-C3"),
                ("Project", "blink"),
                ("Version", "0.1"),
                ("Checksum", "right"),
            ],
        ),
        sample(
            "blink.elf",
            elf_file::app(),
            "ELF file",
            &[("Machine", "RISC-V"), ("Class", "32 bits")],
        ),
        sample(
            "blink.uf2",
            uf2(),
            "UF2 file",
            &[("Family", "ESP32-C3"), ("Blocks", "1")],
        ),
        sample(
            "blink.hex",
            b":0100000041BE\n:00000001FF\n".to_vec(),
            "Intel HEX file",
            &[("Bytes of data", "1")],
        ),
        sample("noise", vec![0x9A; 300], "Unknown", &[]),
        sample("erased", vec![0xFF; 300], "Erased flash", &[]),
    ]
}

fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the folder of the test can be written");
    path
}

/// Ctrl+O, and this file.
fn open(window: &mut Window, path: PathBuf) {
    window.dialogs.choose(&[path]);
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::O);
    window.settle();
}

#[track_caller]
fn says(window: &Window, sample: &Sample) {
    let file = sample.file;
    assert!(window.has(sample.kind), "{file}: {}", sample.kind);
    for (name, value) in sample.facts {
        assert!(window.has(name), "{file}: {name}");
        assert!(window.has(value), "{file}: {name} {value}");
    }
    assert!(window.has_containing("Bytes 0x0 to"), "{file}: its bytes");
}

#[test]
fn what_is_opened_is_named_with_its_facts_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    let before = window.project().clone();
    for sample in samples() {
        open(&mut window, write(&folder, sample.file, &sample.bytes));
        assert!(window.has(sample.file), "{}", sample.file);
        says(&window, &sample);
        assert_eq!(window.project(), &before, "{}", sample.file);
        window.harness.key_press(Key::Escape);
        window.settle();
        assert!(!window.has("Close file"), "Escape closes it");
    }
    assert_eq!(window.state().document.undo_name(), None);
}

#[test]
fn what_a_partition_gets_is_named_with_its_facts_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    // No app partition: an ELF file would become an app image there.
    window.select("vfs");
    let merged = Sample {
        file: "merged.bin",
        bytes: merged(),
        kind: "Merged ESP image",
        facts: &[("Chip", "ESP32-C3"), ("Partition table at", "0x8000")],
    };
    let files = flash_file::inputs_of(&[BinEntry::file("index.htm", *b"<p>")], 0);
    let flash_file = Sample {
        file: "files.bin",
        bytes: flash_file::build(&files, &FlashFileOptions::default())
            .unwrap()
            .bytes,
        kind: "Flash-file image (Particle Electron)",
        facts: &[("Files", "1"), ("CRC-32", "right")],
    };
    for sample in samples().into_iter().chain([merged, flash_file]) {
        let path = write(&folder, sample.file, &sample.bytes);
        window.dialogs.choose(&[path]);
        window.click("Choose image…");
        window.packed();
        says(&window, &sample);
        window.act(Command::Undo);
        window.packed();
    }
}

#[test]
fn a_merged_image_opens_as_its_table_and_a_flash_file_as_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    open(&mut window, write(&folder, "merged.bin", &merged()));
    assert!(window.has_containing("Map: only_app, 0x10000, 1 MiB"));
    assert!(!window.has("Close file"));
    let files = flash_file::inputs_of(&[BinEntry::file("index.htm", *b"<p>")], 0);
    let image = flash_file::build(&files, &FlashFileOptions::default()).unwrap();
    open(&mut window, write(&folder, "files.bin", &image.bytes));
    window.packed();
    assert!(window.has("File index.htm"));
    assert!(
        window.has("Container: Flash-file"),
        "and is packed as one again"
    );
}

#[test]
fn a_file_that_is_looked_at_can_be_put_into_a_partition() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    open(&mut window, write(&folder, "littlefs.img", &littlefs()));
    window.click("Put into");
    for words in [
        "Use as app image for factory",
        "Write the file as it is into vfs",
        "Pack 1 file into bin",
    ] {
        assert!(window.has(words), "{words}");
    }
    window.click("Write the file as it is into vfs");
    window.packed();
    assert_eq!(window.state().selection.row(), Some(window.row("vfs")));
    assert!(window.has("Littlefs") && !window.has("Close file"));
    assert_eq!(
        window.state().document.undo_name(),
        Some("add littlefs.img to vfs")
    );
    // Selecting anything on the map closes a file too.
    open(&mut window, write(&folder, "noise", &[0x9A; 300]));
    assert!(window.has("Close file"));
    window.click_containing("Map: vfs");
    assert!(window.has("Littlefs") && !window.has("Close file"));
    assert!(window.harness.query_by_label("noise").is_none());
}

#[test]
fn a_table_that_cannot_be_read_is_said_and_nothing_is_shown_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::sample();
    let before = window.project().clone();
    open(&mut window, write(&folder, "table.csv", b"\xFF\xFEx"));
    assert!(window.notice().contains("table.csv"), "{}", window.notice());
    assert!(!window.has("Close file"));
    assert_eq!(window.project(), &before);
}
