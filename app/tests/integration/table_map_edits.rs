//! Edits on the map: move, resize, add, grow, shrink, arrange, one by one.

use flashpack::formats::partition_csv;
use flashpack::model::partition_table::{Offset, PartitionTable, TableSettings};
use flashpack::model::problem::Column;
use flashpack::model::region::Region;
use flashpack::model::table_arrange::{
    Edge, Limits, Neighbours, NewPartition, Where, add, auto_arrange, duplicate, grow, move_to,
    resize, shrink,
};
use flashpack::model::table_edit::{self, Edited};

const SEED_LIKE: &str = "nvs, data, nvs, 0x9000, 0x6000\nphy_init, data, phy, 0xf000, 0x1000\n\
    factory, app, factory, 0x10000, 0x1f0000\nvfs, data, fat, 0x200000, 0x100000\nbin, data, undefined, 0x300000, 0x80000\n";
const FLOWING: &str =
    "nvs,data,nvs,,24K\nphy_init,data,phy,,4K\nfactory,app,factory,,1M\nvfs,data,fat,,1M\n";

fn read(csv: &str) -> PartitionTable {
    partition_csv::read(csv.as_bytes(), TableSettings::default(), &|_| None).table
}

fn limits(neighbours: Neighbours) -> Limits {
    Limits {
        flash_size: Some(4 << 20),
        neighbours,
        fine: false,
    }
}

const BLOCK: Neighbours = Neighbours::Block;
const PUSH: Neighbours = Neighbours::Push;

#[track_caller]
fn check(edited: Edited, name: &str, expected: &[(&str, u32, u32)]) -> PartitionTable {
    let edit = edited.expect("the edit is possible");
    assert_eq!(edit.name, name);
    let layout = edit.table.layout();
    let found: Vec<_> = layout
        .iter()
        .map(|placed| {
            (
                placed.row.name.as_str(),
                placed.region.offset,
                placed.region.size,
            )
        })
        .collect();
    assert_eq!(found, expected);
    edit.table.clone()
}

/// The places of `SEED_LIKE`, with these instead of those of the same name, in the order of their offsets.
fn with(changed: &[(&'static str, u32, u32)]) -> Vec<(&'static str, u32, u32)> {
    let mut places = vec![
        ("nvs", 0x9000, 0x6000),
        ("phy_init", 0xF000, 0x1000),
        ("factory", 0x1_0000, 0x1F_0000),
        ("vfs", 0x20_0000, 0x10_0000),
        ("bin", 0x30_0000, 0x8_0000),
    ];
    for place in &mut places {
        if let Some(new) = changed.iter().find(|new| new.0 == place.0) {
            *place = *new;
        }
    }
    places.sort_by_key(|place| place.1);
    places
}

#[test]
fn move_snaps_and_stays_out_of_the_way() {
    let table = read(SEED_LIKE);
    let moved = move_to(&table, 4, 0x33_3333, &limits(BLOCK));
    check(moved, "Move bin", &with(&[("bin", 0x33_3000, 0x8_0000)]));
    // Beyond the flash it stops at its end, at a place that is taken beside it.
    let moved = move_to(&table, 4, u32::MAX, &limits(BLOCK));
    check(moved, "Move bin", &with(&[("bin", 0x38_0000, 0x8_0000)]));
    let stays = move_to(&table, 3, 0x20_1000, &limits(BLOCK));
    assert!(
        stays
            .expect_err("no room")
            .contains("vfs stays at 0x200000")
    );
    assert!(
        move_to(&table, 9, 0, &limits(BLOCK))
            .expect_err("no row")
            .contains("no row 10")
    );
}

#[test]
fn move_pushes_those_behind_and_changes_the_order() {
    let table = read(SEED_LIKE);
    let moved = move_to(&table, 3, 0x23_0000, &limits(PUSH));
    check(
        moved,
        "Move vfs",
        &with(&[("vfs", 0x23_0000, 0x10_0000), ("bin", 0x33_0000, 0x8_0000)]),
    );
    // Into the first half of another: in front of it.
    let moved = move_to(&table, 4, 0x21_0000, &limits(PUSH));
    let after = check(
        moved,
        "Move bin",
        &with(&[("bin", 0x20_0000, 0x8_0000), ("vfs", 0x28_0000, 0x10_0000)]),
    );
    let text = String::from_utf8(partition_csv::write(&after)).expect("it is text");
    assert!(
        text.ends_with(
            "bin, data, undefined, 0x200000, 0x80000\nvfs, data, fat, 0x280000, 0x100000\n"
        ),
        "{text}"
    );
    let too_far = move_to(&table, 2, 0x20_0000, &limits(PUSH));
    assert!(
        too_far
            .expect_err("no room")
            .starts_with("There is no room")
    );
}

#[test]
fn resize_snaps_apps_to_64_kib_and_data_to_4_kib() {
    let table = read(SEED_LIKE);
    let shrunk = resize(&table, 2, Edge::End, 0x10_1234, &limits(BLOCK));
    check(
        shrunk,
        "Resize factory",
        &with(&[("factory", 0x1_0000, 0xF_0000)]),
    );
    let fine = Limits {
        fine: true,
        ..limits(BLOCK)
    };
    let shrunk = resize(&table, 2, Edge::End, 0x10_1234, &fine);
    check(
        shrunk,
        "Resize factory",
        &with(&[("factory", 0x1_0000, 0xF_1000)]),
    );
    let grown = resize(&table, 4, Edge::End, 0x3A_1234, &limits(BLOCK));
    check(grown, "Resize bin", &with(&[("bin", 0x30_0000, 0xA_1000)]));
    let grown = resize(&table, 4, Edge::End, u32::MAX, &limits(PUSH));
    check(grown, "Resize bin", &with(&[("bin", 0x30_0000, 0x10_0000)]));
}

#[test]
fn resize_is_blocked_by_a_neighbour_or_pushes_it() {
    let table = read(SEED_LIKE);
    assert!(
        resize(&table, 3, Edge::End, 0x34_0000, &limits(BLOCK))
            .expect_err("blocked")
            .contains("vfs stays as it is")
    );
    let pushed = resize(&table, 3, Edge::End, 0x34_0000, &limits(PUSH));
    check(
        pushed,
        "Resize vfs",
        &with(&[("vfs", 0x20_0000, 0x14_0000), ("bin", 0x34_0000, 0x8_0000)]),
    );
    let start = resize(&table, 4, Edge::Start, 0x2F_0000, &limits(PUSH));
    assert!(
        start
            .expect_err("no room")
            .contains("pushed onto the partition table")
    );
    let room = read("a,data,fat,0x20000,64K\nb,data,fat,0x30000,64K\n");
    let pushed = resize(&room, 1, Edge::Start, 0x28000, &limits(PUSH));
    check(
        pushed,
        "Resize b",
        &[("a", 0x1_8000, 0x1_0000), ("b", 0x2_8000, 0x1_8000)],
    );
    let start = resize(&room, 1, Edge::Start, 0x3F_FFFF, &limits(BLOCK));
    check(
        start,
        "Resize b",
        &[("a", 0x2_0000, 0x1_0000), ("b", 0x3_F000, 0x1000)],
    );
}

#[test]
fn computed_offsets_follow_when_pushing_and_are_pinned_when_blocking() {
    let table = read(FLOWING);
    let pushed = resize(&table, 0, Edge::End, 0xA000, &limits(PUSH));
    let pushed = check(
        pushed,
        "Resize nvs",
        &[
            ("nvs", 0x9000, 0x1000),
            ("phy_init", 0xA000, 0x1000),
            ("factory", 0x1_0000, 0x10_0000),
            ("vfs", 0x11_0000, 0x10_0000),
        ],
    );
    assert!(pushed.rows.iter().all(|row| row.offset == Offset::Auto));
    let blocked = resize(&table, 0, Edge::End, 0xA000, &limits(BLOCK));
    let blocked = check(
        blocked,
        "Resize nvs",
        &[
            ("nvs", 0x9000, 0x1000),
            ("phy_init", 0xF000, 0x1000),
            ("factory", 0x1_0000, 0x10_0000),
            ("vfs", 0x11_0000, 0x10_0000),
        ],
    );
    let pinned: Vec<_> = blocked.rows.iter().map(|row| row.offset).collect();
    assert_eq!(
        pinned,
        [Offset::Auto, Offset::At(0xF000), Offset::Auto, Offset::Auto]
    );
}

#[test]
fn grow_takes_the_free_space_behind() {
    let table = read(SEED_LIKE);
    check(
        grow(&table, 4, &limits(BLOCK)),
        "Grow bin",
        &with(&[("bin", 0x30_0000, 0x10_0000)]),
    );
    assert_eq!(
        grow(&table, 3, &limits(BLOCK)),
        Err("There is no free space behind vfs".to_owned())
    );
    assert!(
        grow(&table, 4, &Limits::default())
            .expect_err("no end")
            .contains("flash size is not known")
    );
}

#[test]
fn shrink_keeps_what_the_content_needs() {
    let table = read(SEED_LIKE);
    check(
        shrink(&table, 3, 0x1_2345, &limits(PUSH)),
        "Shrink vfs",
        &with(&[("vfs", 0x20_0000, 0x1_3000)]),
    );
    assert!(
        shrink(&table, 3, 0x10_0000, &limits(BLOCK))
            .expect_err("full")
            .contains("needs all of it")
    );
}

#[test]
fn arrange_puts_all_close_together() {
    let table = read("a,data,fat,0x20000,64K\nb,app,factory,0x100000,1M\nc,data,fat,,64K\n");
    let arranged = check(
        auto_arrange(&table, &limits(BLOCK)),
        "Arrange partitions",
        &[
            ("a", 0x9000, 0x1_0000),
            ("b", 0x2_0000, 0x10_0000),
            ("c", 0x12_0000, 0x1_0000),
        ],
    );
    assert_eq!(arranged.rows[2].offset, Offset::Auto);
    assert!(auto_arrange(&arranged, &limits(BLOCK)).is_err());
    let overlapping = read("a,data,fat,0x20000,1M\nb,app,factory,0x30000,1M\n");
    check(
        auto_arrange(&overlapping, &limits(BLOCK)),
        "Arrange partitions",
        &[("a", 0x9000, 0x10_0000), ("b", 0x11_0000, 0x10_0000)],
    );
    let large = read("a,data,fat,0x20000,4M\n");
    assert!(
        auto_arrange(&large, &limits(BLOCK))
            .expect_err("too large")
            .contains("do not fit")
    );
}

#[test]
fn add_before_after_and_in_a_gap() {
    let table = read(SEED_LIKE);
    let new = NewPartition::data(&table);
    let added = add(&table, Where::AtEnd, &new, &limits(BLOCK)).expect("there is room");
    assert_eq!((added.name.as_str(), added.row), ("Add data", Some(5)));
    assert_eq!(
        added.table.find("data").map(|placed| placed.region),
        Some(Region::new(0x38_0000, 0x1_0000))
    );
    let gap = add(
        &table,
        Where::InGap(Region::new(0x38_0000, 0x8_0000)),
        &new,
        &limits(BLOCK),
    )
    .expect("there is room");
    assert_eq!(
        gap.table.find("data").map(|placed| placed.region),
        Some(Region::new(0x38_0000, 0x8_0000))
    );
    let blocked = add(&table, Where::After(2), &new, &limits(BLOCK));
    assert!(
        blocked
            .expect_err("no room")
            .contains("There is no room for data there")
    );
    let pushed = add(&table, Where::After(2), &new, &limits(PUSH)).expect("others give way");
    assert_eq!(pushed.row, Some(3));
    assert_eq!(
        pushed.table.find("data").map(|placed| placed.region),
        Some(Region::new(0x20_0000, 0x1000))
    );
    assert_eq!(
        pushed.table.find("vfs").map(|placed| placed.region.offset),
        Some(0x20_1000)
    );
    let flowing =
        add(&read(FLOWING), Where::Before(0), &new, &limits(PUSH)).expect("others give way");
    assert_eq!(
        (flowing.row, flowing.table.rows[0].offset),
        (Some(0), Offset::Auto)
    );
    assert_eq!(
        flowing.table.find("nvs").map(|placed| placed.region.offset),
        Some(0xA000)
    );
}

#[test]
fn duplicate_goes_where_there_is_room() {
    let table = read(SEED_LIKE);
    let copy = duplicate(&table, 1, &limits(BLOCK)).expect("there is room");
    assert_eq!(
        (copy.name.as_str(), copy.row),
        ("Duplicate phy_init", Some(5))
    );
    let placed = copy.table.find("phy_init_2").expect("it is there");
    assert_eq!(
        (placed.region, placed.row.subtype),
        (Region::new(0x38_0000, 0x1000), 1)
    );
    assert!(duplicate(&table, 2, &limits(BLOCK)).is_err());
    let apps = duplicate(&read("a,app,factory,,1M,encrypted\n"), 0, &limits(BLOCK))
        .expect("there is room");
    assert_eq!(
        (apps.table.rows[1].subtype, apps.table.rows[1].flags),
        (0x10, 1)
    );
}

#[test]
fn pin_and_unpin_do_not_move() {
    let table = read(FLOWING);
    let pinned = table_edit::pin(&table, 3).expect("it is computed");
    assert_eq!(
        (pinned.table.rows[3].offset, pinned.name.as_str()),
        (Offset::At(0x11_0000), "Pin vfs")
    );
    assert!(table_edit::pin(&pinned.table, 3).is_err());
    let back = table_edit::unpin(&pinned.table, 3).expect("it is pinned");
    assert_eq!(partition_csv::write(&back.table), FLOWING.as_bytes());
}

#[test]
fn what_people_type_is_understood() {
    let table = read(FLOWING);
    let typed = |column, text: &str| {
        table_edit::set_cell(&table, 3, column, text).map(|edit| {
            let csv = String::from_utf8(partition_csv::write(&edit.table)).expect("it is text");
            csv.lines().nth(3).unwrap_or_default().to_owned()
        })
    };
    for (column, text, line) in [
        (Column::Size, "0x10000", "vfs,data,fat,,0x10000"),
        (Column::Size, "64K", "vfs,data,fat,,64K"),
        (Column::Size, "1.5M", "vfs,data,fat,,1536K"),
        (Column::Size, "64 KiB", "vfs,data,fat,,64K"),
        (Column::Size, "2 MB", "vfs,data,fat,,2M"),
        (Column::Size, "-4M", "vfs,data,fat,,-4M"),
        (Column::Offset, "0x200000", "vfs,data,fat,0x200000,1M"),
        (Column::Offset, "2M", "vfs,data,fat,2M,1M"),
        (Column::Offset, "auto", "vfs,data,fat,,1M"),
        (Column::Type, "0x40", "vfs,0x40,0x06,,1M"),
        (Column::Type, "app", "vfs,app,ota_0,,1M"),
        (Column::SubType, "littlefs", "vfs,data,littlefs,,1M"),
        (Column::SubType, "0x8f", "vfs,data,0x8f,,1M"),
        (Column::SubType, "", "vfs,data,undefined,,1M"),
        (
            Column::Flags,
            "readonly, encrypted",
            "vfs,data,fat,,1M,encrypted:readonly",
        ),
        (Column::Name, " storage ", "storage,data,fat,,1M"),
    ] {
        assert_eq!(typed(column, text).as_deref(), Ok(line), "{text}");
    }
    for (column, text, words) in [
        (Column::Size, "", "needs a size"),
        (Column::Size, "1.3K", "whole number of bytes"),
        (Column::Size, "5000M", "more than 4 GiB"),
        (Column::Offset, "-4K", "negative"),
        (Column::Offset, "here", "“here” is not a size"),
        (Column::Type, "appp", "not a partition type"),
        (Column::SubType, "ota_0", "not a subtype of data"),
        (Column::Flags, "hidden", "“hidden” is not a flag"),
        (Column::Name, "", "needs a name"),
        (Column::Name, "nvs", "taken already; use nvs_2"),
        (Column::Name, "a,b", "comma"),
        (Column::Name, "seventeen_letters", "17 bytes"),
    ] {
        let why = typed(column, text).expect_err(text);
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn mending_an_unreadable_cell_replaces_it_and_nothing_else() {
    let csv = "# keep\nvfs, dat, fatt, 0x100000, 1M,\nbin, data, , , 1.5M\n";
    let table = read(csv);
    let once = table_edit::set_cell(&table, 0, Column::Type, "data")
        .expect("it is a type")
        .table;
    assert_eq!(
        String::from_utf8_lossy(&partition_csv::write(&once)),
        "# keep\nvfs, data, fatt, 0x100000, 1M,\nbin, data, , , 1.5M\n"
    );
    assert!(
        once.rows[0]
            .unread(Column::SubType)
            .expect("now it is seen")
            .message
            .contains("“fatt”")
    );
    let twice = table_edit::set_cell(&once, 0, Column::SubType, "fat")
        .expect("it is a subtype")
        .table;
    let thrice = table_edit::set_cell(&twice, 1, Column::Size, "1.5M")
        .expect("it is a size")
        .table;
    assert_eq!(
        String::from_utf8_lossy(&partition_csv::write(&thrice)),
        "# keep\nvfs, data, fat, 0x100000, 1M,\nbin, data, , , 1536K\n"
    );
    let other = table_edit::set_cell(&table, 0, Column::Type, "app")
        .expect("it is a type")
        .table;
    assert!(other.rows[0].unread(Column::SubType).is_some());
    assert!(
        String::from_utf8_lossy(&partition_csv::write(&other)).contains("vfs, app, fatt, 0x100000")
    );
    let typed = read("a, apps, ota_1, , 1M\n");
    let mended = table_edit::set_cell(&typed, 0, Column::Type, "app")
        .expect("it is a type")
        .table;
    assert_eq!(
        mended.rows[0].subtype, 0x11,
        "the subtype that stood there counts"
    );
    // The stand-in of an unreadable type is data: choosing data must replace the text all the same.
    let stand_in = read("a, apps, 6, , 64K\n");
    let mended = table_edit::set_cell(&stand_in, 0, Column::Type, "1")
        .expect("it is a type")
        .table;
    assert_eq!(partition_csv::write(&mended), b"a, 1, 6, , 64K\n");
}
