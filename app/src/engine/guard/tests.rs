use std::sync::Arc;

use super::*;
use crate::model::partition_table::{Offset, PartitionTable, Row, Size};
use crate::model::plan_layout::PlanLayout;

fn row(name: &str, kind: u8, subtype: u8, offset: u32, size: u32) -> Arc<Row> {
    Arc::new(Row {
        name: name.into(),
        kind,
        subtype,
        offset: Offset::At(offset),
        size: Size::Bytes(size),
        flags: 0,
        spelling: None,
    })
}

fn table() -> PartitionTable {
    PartitionTable {
        rows: vec![
            row("nvs", 1, 2, 0x9000, 0x6000),
            row("factory", 0, 0, 0x1_0000, 0x1_0000),
            row("bin", 1, 6, 0x2_0000, 0x1_0000),
        ],
        ..PartitionTable::default()
    }
}

fn write(offset: u32, bytes: Vec<u8>) -> PlannedWrite {
    PlannedWrite {
        role: Role::Data,
        target: hex(offset),
        source: "a.bin".into(),
        offset,
        bytes: bytes.into(),
        destroys: Vec::new(),
    }
}

fn board() -> BoardIdentity {
    BoardIdentity {
        revision: Some((0, 4)),
        flash_size: Some(0x40_0000),
        ..BoardIdentity::of_chip(Chip::Esp32c3, Some((0, 0)))
    }
}

fn plan(writes: Vec<PlannedWrite>) -> FlashPlan {
    FlashPlan {
        layout: PlanLayout::of(&table()),
        ..FlashPlan::new(writes)
    }
}

#[track_caller]
fn check(plan: &FlashPlan, board: &BoardIdentity, expected: &[Option<GuardName>], word: &str) {
    let found = guards(plan, Some(board));
    let names: Vec<_> = found.iter().map(|guard| guard.name).collect();
    assert_eq!(names, expected, "{found:?}");
    assert!(
        expected.is_empty() || found.iter().any(|guard| guard.message.contains(word)),
        "{found:?}"
    );
    for guard in &found {
        assert!(!guard.help.is_empty() && !guard.target.is_empty());
    }
    // Without the board's own rules the rest is the same, and a name overrides its guard and no other.
    let forced = FlashPlan {
        forced: expected.iter().copied().flatten().collect(),
        ..plan.clone()
    };
    let firm = expected.iter().filter(|name| name.is_none()).count();
    assert_eq!(refused(&forced, Some(board)).len(), firm);
}

#[test]
fn an_ordinary_write_is_not_refused() {
    check(
        &plan(vec![write(0x2_0000, vec![1; 100])]),
        &board(),
        &[],
        "",
    );
    let bytes = partition_bin::write(&table()).unwrap();
    check(&plan(vec![write(0x8000, bytes)]), &board(), &[], "");
    check(
        &plan(vec![write(0x30_0000, vec![1; 100])]),
        &board(),
        &[],
        "",
    );
}

#[test]
fn places_are_guarded() {
    use GuardName::{Bootloader, Misaligned, PastPartition, TablePlace};
    let data = |offset, len| plan(vec![write(offset, vec![1; len])]);
    check(
        &data(0x2_0010, 100),
        &board(),
        &[Some(Misaligned)],
        "0x20010",
    );
    check(
        &data(0x2000, 100),
        &board(),
        &[Some(Bootloader)],
        "starts from",
    );
    check(
        &data(0, 100),
        &board(),
        &[Some(Bootloader), Some(Bootloader)],
        "no bootloader",
    );
    check(&data(0x8000, 100), &board(), &[Some(TablePlace)], "AA 50");
    let inside = [Some(Misaligned), Some(TablePlace)];
    check(&data(0x8020, 100), &board(), &inside, "inside");
    check(
        &data(0x2_0000, 0x1_0001),
        &board(),
        &[Some(PastPartition)],
        "1 byte would",
    );
    check(&data(0x3F_F000, 0x1001), &board(), &[None], "0x400000");
    let twice = plan(vec![
        write(0x2_0000, vec![1; 0x2000]),
        write(0x2_1000, vec![1]),
    ]);
    check(&twice, &board(), &[None], "overlap");
}

#[test]
fn a_table_elsewhere_moves_its_guards() {
    let mut plan = plan(vec![write(0x8000, vec![1; 100])]);
    plan.layout.settings.table_offset = 0x1_0000;
    plan.layout.partitions = Arc::from([]);
    check(
        &plan,
        &board(),
        &[Some(GuardName::Bootloader)],
        "below its partition table at 0x10000",
    );
}

#[test]
fn the_boards_state_is_guarded() {
    let ordinary = plan(vec![write(0x2_0000, vec![1; 100])]);
    let chip = |flags, count| BoardIdentity {
        flash_size: Some(0x40_0000),
        ..BoardIdentity::of_chip(Chip::Esp32c3, Some((flags, count)))
    };
    check(
        &ordinary,
        &chip(0, 1),
        &[Some(GuardName::Encrypted)],
        "encrypted",
    );
    check(&ordinary, &chip(0, 3), &[], "");
    check(
        &ordinary,
        &chip(1, 0),
        &[Some(GuardName::SecureBoot)],
        "signed",
    );
    check(&ordinary, &chip(4, 0), &[None], "secure download");
    let other = FlashPlan {
        chip: Some(Chip::Esp32s3),
        ..ordinary
    };
    check(&other, &board(), &[Some(GuardName::WrongChip)], "ESP32-S3");
}

#[test]
fn a_table_for_a_larger_flash_is_guarded() {
    let mut large = table();
    large.rows.push(row("huge", 1, 6, 0x10_0000, 0x70_0000));
    let mut write = write(0x8000, partition_bin::write(&large).unwrap());
    write.role = Role::Table;
    check(
        &plan(vec![write]),
        &board(),
        &[Some(GuardName::FlashSize)],
        "huge",
    );
}

/// Header, one segment of 4 bytes, checksum.
fn small_app() -> Vec<u8> {
    let mut bytes = vec![0xE9, 1, 2, 0x2F, 0, 0, 0x38, 0x40, 0xEE, 0, 0, 0, 5, 0, 0];
    bytes.extend([0, 0, 199, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0, 0, 0x38, 0x40, 4, 0, 0, 0, 1, 2, 3, 4]);
    bytes.resize(47, 0);
    bytes.push(0xEF ^ 1 ^ 2 ^ 3 ^ 4);
    bytes
}

#[test]
fn the_apps_of_a_file_in_pieces_are_guarded_too() {
    use GuardName::{AppImage, WrongChip};
    // From the partition in front of the app up to that behind it, cut in the middle of the app.
    let merged = |app: &[u8]| {
        let mut bytes = vec![0xFF; 0x3_0000 - 0x9000];
        bytes[0x7000..][..app.len()].copy_from_slice(app);
        let behind = bytes.split_off(0x7010);
        FlashPlan {
            whole_files: vec![Region::new(0x9000, 0x3_0000 - 0x9000)],
            ..plan(vec![write(0x9000, bytes), write(0x1_0010, behind)])
        }
    };
    let aligned = |plan: FlashPlan| FlashPlan {
        forced: vec![GuardName::Misaligned, GuardName::PastPartition],
        ..plan
    };
    let found = |app: &[u8]| {
        let found = refused(&aligned(merged(app)), Some(&board()));
        found
            .into_iter()
            .map(|guard| (guard.name, guard.target, guard.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&small_app()), []);
    assert_eq!(found(&[]), [], "a slot without an app");
    let mut other_chip = small_app();
    other_chip[12] = 9;
    let names = |found: Vec<(Option<GuardName>, String, String)>| {
        found
            .into_iter()
            .map(|(name, target, _)| (name, target))
            .collect::<Vec<_>>()
    };
    let factory = |name| [(Some(name), "factory".to_owned())];
    assert_eq!(names(found(&other_chip)), factory(WrongChip));
    let mut broken = small_app();
    broken[47] ^= 1;
    assert_eq!(names(found(&broken)), factory(AppImage));
    // It reaches over the end of its slot.
    let mut long = small_app();
    long.truncate(32);
    long[28..32].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    long.resize(32 + 0x1_0000, 0);
    long.extend([0; 15]);
    long.push(0xEF);
    let found = found(&long);
    assert!(found[0].2.contains("its partition 64 KiB"), "{found:?}");
    assert_eq!(names(found), factory(AppImage));
}

#[test]
fn app_images_are_guarded() {
    use GuardName::{AppImage, FlashSize, Misaligned, WrongChip, WrongRevision};
    let app = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = small_app();
        change(&mut bytes);
        plan(vec![PlannedWrite {
            role: Role::App,
            target: "factory".into(),
            ..write(0x1_0000, bytes)
        }])
    };
    check(&app(&|_| ()), &board(), &[], "");
    check(
        &app(&|bytes| bytes[12] = 9),
        &board(),
        &[Some(WrongChip)],
        "ESP32-S3",
    );
    check(
        &app(&|bytes| bytes[15] = 100),
        &board(),
        &[Some(WrongRevision)],
        "v1.0",
    );
    check(
        &app(&|bytes| bytes[47] ^= 1),
        &board(),
        &[Some(AppImage)],
        "checksum",
    );
    check(
        &app(&|bytes| bytes.truncate(30)),
        &board(),
        &[Some(AppImage)],
        "cut off",
    );
    check(
        &app(&|bytes| bytes[0] = 0),
        &board(),
        &[Some(AppImage)],
        "E9",
    );
    check(
        &app(&|bytes| bytes[3] = 0x3F),
        &board(),
        &[Some(FlashSize)],
        "8 MiB",
    );
    let mut moved = app(&|_| ());
    moved.writes[0].offset = 0x3_1000;
    check(&moved, &board(), &[Some(Misaligned)], "64 KiB");
    // By its place it is an app too, whatever it is called.
    let mut by_offset = app(&|bytes| bytes[12] = 9);
    by_offset.writes[0].role = Role::Data;
    check(&by_offset, &board(), &[Some(WrongChip)], "ESP32-S3");
}

#[test]
fn a_bootloader_is_looked_at_where_the_rom_does() {
    use GuardName::{Bootloader, FlashSize, WrongChip};
    let header = |chip: u8, flash: u8| {
        let mut bytes = vec![0xE9, 1, 2, flash << 4, 0, 0, 0, 0, 0, 0, 0, 0, chip, 0];
        bytes.resize(100, 0);
        bytes
    };
    let at_start = |bytes| plan(vec![write(0, bytes)]);
    check(
        &at_start(header(5, 2)),
        &board(),
        &[Some(Bootloader)],
        "starts from",
    );
    check(
        &at_start(header(9, 2)),
        &board(),
        &[Some(Bootloader), Some(WrongChip)],
        "ESP32-S3",
    );
    check(
        &at_start(header(5, 4)),
        &board(),
        &[Some(Bootloader), Some(FlashSize)],
        "16 MiB",
    );
}
