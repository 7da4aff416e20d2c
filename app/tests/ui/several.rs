//! Several boards at once, by what a person presses.

use egui_kittest::kittest::Queryable as _;
use flashpack::device::practice::{Board, Faults, Options};
use flashpack::engine::several::Several;
use flashpack::ui::command::Command;

use crate::window::Window;

#[test]
fn eight_boards_are_written_and_the_one_that_fails_touches_no_other() {
    const BAD: usize = 5;
    let boards: Vec<Board> = (0..8u8)
        .map(|number| {
            let mut faults = Faults::default();
            if usize::from(number) == BAD {
                faults.add_word("unplug:flash@2=never").unwrap();
            }
            Board::start(Options {
                mac: [0x60, 0x55, 0xF9, 0, 1, number],
                faults,
                ..Options::default()
            })
            .unwrap()
        })
        .collect();
    let mut window = Window::sample();
    window.packed();
    window.act(Command::WriteSeveral);
    assert!(
        window.has("Write to 0 boards"),
        "nothing is chosen by itself"
    );
    for board in &boards {
        window.click("Another port");
        let path = board.port().display().to_string();
        window.harness.event(eframe::egui::Event::Text(path));
        window.settle();
        window.click("Add port");
    }
    // A table can strand data on boards that nobody asks: it has its own tick.
    window.click("Write to 8 boards");
    let sheet = window.state().several.as_ref().unwrap();
    assert!(sheet.running.is_none(), "the button does nothing");
    assert!(window.has_containing("No board is asked what it holds"));
    window.click("Write this partition table to every board");
    window.click("Write to 8 boards");
    let running = |window: &Window| {
        let sheet = window.state().several.as_ref().unwrap();
        sheet.running.as_ref().is_some_and(Several::is_running)
    };
    window.wait("the end of all", |window| !running(window));
    assert!(window.has("7 written and verified, 1 failed"));
    assert!(window.has("60:55:f9:00:01:07"), "each says who it is");
    let plan = window.state().derived.plan.clone();
    for (number, board) in boards.iter().enumerate() {
        let flash = board.test_access().flash();
        let holds = plan
            .writes
            .iter()
            .all(|write| flash[write.offset as usize..][..write.bytes.len()] == *write.bytes);
        assert_eq!(holds, number != BAD, "board {number}");
    }
    // The board on the first port is swapped.
    let next = window
        .harness
        .query_all_by_label("Write the next one (1 so far)")
        .next()
        .unwrap();
    next.click();
    window.settle();
    window.wait("the next one", |window| !running(window));
    assert!(window.has("Write the next one (2 so far)"));
    assert!(window.has("8 written and verified, 1 failed"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boards.txt");
    window.dialogs.choose(std::slice::from_ref(&path));
    window.click("Save summary…");
    window.wait("the summary", |_| path.exists());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("60:55:f9:00:01:07") && text.contains("FAILED"),
        "{text}"
    );
    window.click("Close");
    assert!(window.state().several.is_none());
}

#[test]
fn what_is_not_verified_is_not_said_to_be() {
    let board = Board::start(Options::default()).unwrap();
    let mut window = Window::sample();
    window.packed();
    let mut plan = (*window.state().derived.plan).clone();
    plan.no_verify = true;
    // Without a table there is nothing to tick.
    plan.writes.retain(|write| write.target == "bin");
    window.harness.state_mut().state.derived.plan = plan.into();
    window.act(Command::WriteSeveral);
    assert!(window.has_containing("none is verified"));
    assert!(!window.has("Write this partition table to every board"));
    window.click("Another port");
    let path = board.port().display().to_string();
    window.harness.event(eframe::egui::Event::Text(path));
    window.settle();
    window.click("Add port");
    window.click("Write to 1 board");
    window.wait("the end of it", |window| {
        let sheet = window.state().several.as_ref().unwrap();
        sheet
            .running
            .as_ref()
            .is_some_and(|several| !several.is_running())
    });
    assert!(window.has("1 written, not verified, 0 failed"));
}
