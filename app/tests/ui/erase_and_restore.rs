//! Backup, erase and restore in the window, and the old table after a change that did not finish.

use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;
use flashpack::device::practice::{Board, Options};
use flashpack::engine::request::PortChoice;
use flashpack::store::{backup_file, project_file};
use flashpack::ui::command::Command;

use crate::interrupted::Bench;
use crate::window::Window;

/// Opens the backup dialog from the question about an erase; a dialog that grows needs some frames to find its place.
fn back_up_first(window: &mut Window) {
    window.click("Erase partition…");
    window.click("Back up first…");
    for _ in 0..5 {
        window.settle();
    }
}

/// A board that holds the sample, and the Board drawer open.
fn written() -> Bench {
    let mut bench = Bench::new(&[]);
    bench.begin_write();
    bench.wait_for_notice("Written and verified");
    bench.window.act(Command::ShowBoard);
    bench
}

#[test]
fn a_whole_board_is_backed_up_erased_and_restored() {
    let mut bench = written();
    let before = bench.look().flash();
    let path = bench.folder.path().join("all.bin");
    bench.window.click("Back up…");
    bench.window.dialogs.choose(std::slice::from_ref(&path));
    bench.window.click("Back up 4 MiB to a file…");
    bench.wait_for_notice("Backed up 4 MiB");
    let (manifest, image) = backup_file::load(&path).unwrap();
    assert!(image[..] == before[..]);
    assert_eq!(manifest.mac.as_deref(), Some("60:55:f9:f0:0d:01"));

    bench.window.click("Erase all of the flash…");
    assert!(bench.window.has("all of bin: 1 MiB at 0x300000"));
    assert!(bench.window.has_containing("the partition table at 0x8000"));
    bench.window.click("Erase all of the flash");
    bench.wait_for_notice("Erased 4 MiB");
    assert!(bench.look().flash().iter().all(|byte| *byte == 0xFF));

    bench.window.dialogs.choose(std::slice::from_ref(&path));
    bench.window.click("Restore…");
    assert!(
        !bench.window.has("Restore onto this board anyway"),
        "it is this board"
    );
    let button = format!("Restore {} regions", manifest.regions.len());
    bench.window.click(&button);
    bench.wait_for_notice("Written and verified");
    assert!(bench.look().flash() == before);
    let log = bench.window.state().log.to_text();
    assert!(
        log.contains("flashpack backup ") && log.contains("flashpack restore "),
        "{log}"
    );
}

#[test]
fn an_erase_asks_first_and_offers_a_backup() {
    let mut bench = written();
    let before = bench.look().flash();
    bench.window.select("bin");
    bench.window.click("Erase partition…");
    bench.window.click("Keep it");
    assert!(bench.look().flash() == before);
    back_up_first(&mut bench.window);
    let path = bench.folder.path().join("bin.bin");
    bench.window.dialogs.choose(std::slice::from_ref(&path));
    bench.window.click("Back up 1 MiB to a file…");
    bench.wait_for_notice("Backed up 1 MiB");
    assert!(std::fs::read(&path).unwrap() == before[0x30_0000..]);
    bench.window.click("Erase partition…");
    bench.window.click("Erase bin");
    bench.wait_for_notice("Erased 1 MiB");
    let flash = bench.look().flash();
    assert!(flash[0x30_0000..].iter().all(|byte| *byte == 0xFF));
    assert!(flash[..0x30_0000] == before[..0x30_0000]);
}

#[test]
fn a_backup_of_another_board_needs_its_own_tick() {
    let mut bench = written();
    let path = bench.folder.path().join("bin.bin");
    bench.window.select("bin");
    back_up_first(&mut bench.window);
    bench.window.dialogs.choose(std::slice::from_ref(&path));
    bench.window.click("Back up 1 MiB to a file…");
    bench.wait_for_notice("Backed up 1 MiB");

    let other = Board::start(Options {
        mac: [0x60, 0x55, 0xF9, 0, 0, 0x99],
        ..Options::default()
    })
    .unwrap();
    let port = PortChoice::Path(other.port().to_owned());
    let mut window = Window::of(project_file::sample(), port);
    window.connect();
    window.act(Command::ShowBoard);
    window.dialogs.choose(std::slice::from_ref(&path));
    window.click("Restore…");
    assert!(window.has_containing("This backup is of another board"));
    window.click("Restore 1 region");
    assert!(
        window.has("Restore onto this board anyway"),
        "the dialog stays"
    );
    assert_eq!(other.test_access().operations(), 0);
    window.click("Restore onto this board anyway");
    window.click("Restore 1 region");
    window.wait("the end of the restore", |window| {
        window.notice().starts_with("Written and verified")
    });
    let image = std::fs::read(&path).unwrap();
    assert!(other.test_access().flash()[0x30_0000..] == image[..]);
}

#[test]
fn a_read_that_was_unplugged_goes_on() {
    let mut bench = written();
    let path = bench.folder.path().join("bin.bin");
    bench.window.select("bin");
    bench.window.dialogs.choose(std::slice::from_ref(&path));
    bench.window.click("Read partition to a file…");
    bench.window.wait("a piece", |window| {
        window
            .state()
            .board
            .running()
            .is_none_or(|job| job.state.done >= 0x1_0000)
    });
    bench.look().unplug();
    bench.window.wait("the end of the read", |window| {
        window.state().board.running().is_none()
    });
    bench.look().replug();
    // A fast machine may have read all of it before the plug was pulled.
    if !path.exists() {
        bench.window.wait("an offer", |window| window.has("Resume"));
        bench.window.click("Resume");
    }
    bench.wait_for_notice("Saved ");
    assert!(std::fs::read(&path).unwrap() == bench.look().flash()[0x30_0000..]);
}

#[test]
fn after_a_restart_the_old_table_is_offered() {
    let bench = written();
    let old = bench.look().flash()[0x8000..0x9000].to_vec();
    let mut project = project_file::sample();
    Arc::make_mut(&mut project.table).rows.pop();
    project.contents.remove("bin");
    let settings = Some(bench.folder.path().join("settings.json"));
    let port = PortChoice::Path(bench.board.port().to_owned());
    let Bench {
        folder,
        board,
        window,
    } = bench;
    drop(window);
    let mut window = Window::with_settings(project.clone(), port.clone(), settings.clone());
    window.connect();
    let mut faults = flashpack::device::practice::Faults::default();
    let inside = board.test_access();
    let word = format!("unplug:flash@{}=never", inside.operations() + 2);
    faults.add_word(&word).unwrap();
    inside.add_flash_faults(&faults);
    window.packed();
    window.click("Write to board");
    assert!(
        window.has_containing("table-60-55-f9-f0-0d-01.bin first"),
        "the sheet names the backup"
    );
    window.click_containing("Write 1 region");
    window.wait("a failed write", |window| {
        window.state().board.running().is_none() && window.has("Resume")
    });
    drop(window);
    inside.replug();
    assert!(
        inside.flash()[0x8000..0x9000] != old[..],
        "the table is torn"
    );

    let mut window = Window::with_settings(project, port, settings);
    window.connect();
    assert!(
        window.notice().contains("did not finish"),
        "{}",
        window.notice()
    );
    assert!(window.harness.query_by_label("Finish the write").is_some());
    window.click("Restore old table");
    window.click("Restore 1 region");
    window.wait("the end of the restore", |window| {
        window.notice().starts_with("Written and verified")
    });
    assert!(inside.flash()[0x8000..0x9000] == old[..]);
    window.act(Command::Disconnect);
    window.connect();
    assert!(
        !window.notice().contains("did not finish"),
        "{}",
        window.notice()
    );
    drop(folder);
}
