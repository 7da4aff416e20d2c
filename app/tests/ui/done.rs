//! What is offered once a write is done, and what *Cancel* says before it is pressed.

use flashpack::device::practice::{Board, Options};
use flashpack::engine::event::RegionState;
use flashpack::ui::action::Action;
use flashpack::ui::command::Command;
use flashpack::ui::listening::Phase;
use flashpack::ui::panels::agent::View;
use flashpack::ui::panels::drawer::Tab;

use crate::interrupted::Bench;

fn written() -> Bench {
    let mut bench = Bench::new(&[]);
    bench.begin_write();
    bench.wait_for_notice("Written and verified");
    bench
}

#[test]
fn the_next_board_gets_the_same_after_a_look_at_it() {
    let mut bench = written();
    bench.window.click("Write the next board");
    bench.wait_for_notice("still has the board that was just written (60:55:f9:");
    assert!(
        bench.window.state().review.is_none(),
        "the board before is not taken for the next one"
    );
    let other = Board::start(Options {
        link: Some(bench.folder.path().join("board")),
        mac: [0x60, 0x55, 0xF9, 0, 0, 0x99],
        ..Options::default()
    })
    .unwrap();
    bench.window.click("Write the next board");
    bench.window.wait("the sheet for the next board", |window| {
        window.state().review.is_some() && window.state().board.running().is_none()
    });
    let identity = bench.window.state().board.identity.clone().unwrap();
    assert_eq!(identity.mac.as_deref(), Some("60:55:f9:00:00:99"));
    assert_eq!(
        other.test_access().operations(),
        0,
        "nothing is written yet"
    );
    assert!(bench.window.has("not checked"), "nothing is known of it");
    bench.window.click_containing("Write 2 region");
    bench.wait_for_notice("Written and verified");
    let image = bench.window.state().packing.images()["bin"].clone();
    let flash = other.test_access().flash();
    assert!(flash[0x30_0000..][..image.bytes.len()] == image.bytes[..]);
    assert!(bench.window.has("Write the next board"), "and so on");
}

#[test]
fn a_next_board_that_does_not_answer_is_asked_again() {
    let mut bench = written();
    bench.look().unplug();
    bench.window.click("Write the next board");
    bench
        .window
        .wait("the failure", |window| window.has("Try again"));
    let other = Board::start(Options {
        link: Some(bench.folder.path().join("board")),
        mac: [0x60, 0x55, 0xF9, 0, 0, 0x98],
        ..Options::default()
    })
    .unwrap();
    bench.window.click("Try again");
    bench.window.wait("the sheet for the next board", |window| {
        window.state().review.is_some() && window.state().board.running().is_none()
    });
    assert_eq!(
        other.test_access().operations(),
        0,
        "nothing is written yet"
    );
}

#[test]
fn what_was_made_for_one_board_is_not_offered_to_the_next() {
    let mut bench = written();
    assert!(bench.window.state().environment.written);
    let plan = flashpack::model::flash_plan::FlashPlan {
        writes: bench.window.state().derived.plan.writes[..1].to_vec(),
        ..flashpack::model::flash_plan::FlashPlan::default()
    };
    bench.window.act(Action::StartRestore {
        plan: plan.into(),
        words: "restore it".to_owned(),
    });
    bench.wait_for_notice("Nothing had to be written");
    assert!(bench.window.has("Look it up"));
    assert!(!bench.window.has("Write the next board"));
}

#[test]
fn the_monitor_is_opened_from_there() {
    let mut bench = written();
    bench.window.click("Open monitor");
    bench.window.wait("listening", |window| {
        window.state().board.listening.phase() == Phase::Listening
    });
    assert_eq!(bench.window.state().drawer, Some(Tab::Monitor));
}

#[test]
fn a_look_up_begins_from_there() {
    let mut bench = written();
    bench.window.click("Look it up");
    assert_eq!(bench.window.state().drawer, Some(Tab::Agent));
    assert!(matches!(bench.window.state().agent.view, View::LookUp));
}

#[test]
fn cancel_says_beforehand_what_it_will_leave() {
    // The cable holds what comes, so that the write cannot have ended before the button is looked at.
    let mut bench = Bench::new(&["delay:to-board@200000=1500"]);
    bench.add_big_file();
    bench.window.harness.ctx.all_styles_mut(|style| {
        style.interaction.tooltip_delay = 0.0;
        style.interaction.show_tooltips_only_when_still = false;
    });
    bench.begin_write();
    bench.window.wait("written bytes", |window| {
        let job = window.state().board.job.as_ref();
        job.is_some_and(|job| {
            let mut regions = job.state.regions.iter();
            regions.any(|(_, state)| *state == RegionState::Written)
        })
    });
    bench.window.hover("Cancel");
    assert!(
        bench
            .window
            .has_containing("the next write sends only what is missing"),
        "the tooltip says it"
    );
    bench.wait_for_notice("Written and verified");
    let environment = &bench.window.state().environment;
    let idle = Command::Cancel.tooltip(environment, None);
    assert!(!idle.contains("missing"), "no job runs: {idle}");
}
