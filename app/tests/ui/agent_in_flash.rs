//! The agent is put into flash and taken out again from the menu *Board*, by way of the review sheet.

use flashpack::device::agent_image;
use flashpack::ui::command::Command;

use crate::interrupted::Bench;

#[test]
fn the_agent_is_installed_asked_in_flash_and_taken_out_again() {
    let mut bench = Bench::new(&[]);
    bench.begin_write();
    bench.wait_for_notice("Written and verified");
    let before = bench.look().flash();

    bench.window.act(Command::InstallAgent);
    bench.window.wait("the sheet", |window| {
        window.has_containing("Write 2 region")
    });
    assert!(
        bench
            .window
            .has_containing("What the agent replaces is saved to")
    );
    assert!(bench.window.has("espflash's bootloader"));
    assert!(bench.look().flash() == before, "a plan writes nothing");
    let copied = bench.window.copied("Copy command");
    assert!(
        copied.starts_with("flashpack agent install --slot factory --port "),
        "{copied}"
    );
    bench.window.click_containing("Write 2 region");
    bench.wait_for_notice("The agent is in factory");
    assert!(bench.look().flash()[0x1_0000..].starts_with(agent_image::bundled_app()));
    bench.window.act(Command::ResetBoard);
    bench.wait_for_notice("was reset");
    let look = bench.look();
    bench
        .window
        .wait("the bootloader to start it", |_| look.running() == "agent");

    // It answers without being loaded.
    let loaded = bench.look().report().commands.get("MEM_BEGIN").copied();
    bench.window.harness.state_mut().state.layout.drawer = Some(420.0);
    bench.window.act(Command::LookUp);
    bench.window.click("MMU");
    bench.window.click("Read the table");
    bench.window.wait("the table", |window| {
        window.state().board.running().is_none() && window.state().agent.map.is_some()
    });
    assert!(
        bench
            .window
            .has_containing("MMU entry 0: factory, flash 0x10000")
    );
    assert!(
        bench
            .window
            .has_containing("MMU entry 127: factory, flash 0x10000")
    );
    let now = bench.look().report().commands.get("MEM_BEGIN").copied();
    assert_eq!(now, loaded);
    bench.window.act(Command::ToggleDrawer);

    bench.window.act(Command::Connect);
    bench.window.wait("a connected board", |window| {
        window.state().board.is_connected() && window.state().board.running().is_none()
    });
    bench.window.act(Command::RestoreAgent);
    bench.window.wait("the sheet", |window| {
        window.has_containing("Write 2 region")
    });
    bench.window.click_containing("Write 2 region");
    bench.wait_for_notice("What the agent had replaced is back");
    assert!(bench.look().flash() == before, "the flash is as it was");

    bench.window.act(Command::RestoreAgent);
    bench.wait_for_notice("Nothing is saved of 60:55:f9:f0:0d:01");
    assert!(bench.window.state().review.is_none());
}
