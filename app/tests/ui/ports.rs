//! What is said about a port that cannot be used, by what a person sees: the cause, the one thing to do, the buttons.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use eframe::egui::OutputCommand;
use egui_kittest::kittest::Queryable as _;
use flashpack::device::practice::{Board, Boot, Options};
use flashpack::engine::request::PortChoice;
use flashpack::model::cause::Cause;
use flashpack::store::project_file;
use flashpack::ui::command::Command;

use crate::window::Window;

fn on(port: &Path) -> Window {
    Window::of(project_file::sample(), PortChoice::Path(port.to_path_buf()))
}

#[track_caller]
fn fails(window: &mut Window, cause: Cause) {
    window.click("Connect a board");
    window.wait("the failure", |window| !window.notice().is_empty());
    let notice = window.state().notice.as_ref().unwrap();
    let failure = notice.failure.as_ref().expect("a failure");
    assert_eq!(failure.cause, Some(cause), "{failure:?}");
    let help = failure.help.clone();
    assert!(window.has(cause.why()), "the cause is not on the screen");
    assert!(window.has(&help), "what to do is not on the screen");
    assert!(window.has("Copy report") && window.has("Try again"));
}

/// Root may open everything, so that it runs this test once more as somebody else.
#[test]
fn no_permission_names_the_way_to_get_it() {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if root {
        let status = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "ports::no_permission_names_the_way_to_get_it"])
            .current_dir("/")
            .stdout(Stdio::null())
            .uid(65_534)
            .gid(65_534)
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let board = Board::start(Options::default()).unwrap();
    let nobody = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(board.port(), nobody).unwrap();
    let mut window = on(board.port());
    fails(&mut window, Cause::PortNoPermission);
    assert!(window.notice().contains("no permission"));
    // A terminal without a group that may write is opened by the rule.
    assert!(window.has_containing("flashpack ports --udev-rule"));
}

#[test]
fn a_busy_port_names_the_program_that_holds_it() {
    let board = Board::start(Options::default()).unwrap();
    let port = board.port().display();
    let mut holder = Process::new("sh")
        .args(["-c", &format!("exec 9<>{port}; echo open; exec sleep 600")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let mut window = on(board.port());
    // Where the system does not tell, as on macOS, the sentence names no program.
    fails(&mut window, Cause::PortBusy);
    holder.kill().unwrap();
    holder.wait().unwrap();
    if cfg!(target_os = "linux") {
        assert!(window.notice().contains("process"), "{}", window.notice());
    }
    window.click("Try again");
    window.wait("the board", |window| window.state().board.is_connected());
}

#[test]
fn an_unplugged_board_is_said_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("board");
    let board = Board::start(Options {
        link: Some(link.clone()),
        ..Options::default()
    })
    .unwrap();
    let mut window = on(&link);
    window.connect();
    board.test_access().unplug();
    window.packed();
    window.act(Command::Compare);
    window.wait("the failure", |window| !window.notice().is_empty());
    let cause = |window: &Window| {
        let notice = window.state().notice.as_ref().unwrap();
        notice.failure.as_ref().and_then(|failure| failure.cause)
    };
    assert!(
        matches!(cause(&window), Some(Cause::PortGone | Cause::PortMissing)),
        "{:?}",
        cause(&window)
    );
    board.test_access().replug();
    window.act(Command::Connect);
    window.wait("the board", |window| {
        window.state().board.is_connected() && window.state().board.running().is_none()
    });
}

#[test]
fn a_board_that_is_not_in_its_loader_shows_the_buttons() {
    let board = Board::start(Options {
        boot: Boot::Flash,
        ..Options::default()
    })
    .unwrap();
    let mut window = on(board.port());
    fails(&mut window, Cause::FlashBlank);
    for step in [
        "1. Hold BOOT",
        "2. Press and release RESET",
        "3. Release BOOT, then try again",
    ] {
        assert!(window.has(step), "{step}");
    }
}

#[test]
fn a_path_is_typed_where_the_list_has_it_not() {
    let board = Board::start(Options::default()).unwrap();
    let mut window = Window::sample();
    window.act(Command::ShowBoard);
    window.click("Path of the port");
    let path = board.port().display().to_string();
    window
        .harness
        .event(eframe::egui::Event::Text(path.clone()));
    window.settle();
    window.click("Use this port");
    window.wait("the board", |window| window.state().board.is_connected());
    assert_eq!(
        window.state().board.port,
        PortChoice::Path(PathBuf::from(path))
    );
}

#[test]
fn a_report_has_everything_but_private_paths() {
    let home = std::env::var("HOME").unwrap_or_default();
    let port = Path::new(&home).join("there-is-no-such-port");
    let mut window = on(&port);
    fails(&mut window, Cause::PortMissing);
    window.harness.get_by_label("Copy report").click();
    let mut copied = None;
    for _ in 0..4 {
        window.harness.step();
        for command in &window.harness.output().platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                copied = Some(text.clone());
            }
        }
    }
    let report = copied.expect("something was copied");
    for part in [
        "Cannot open",
        "Cause: port-missing",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        "Port:",
        "Chip:",
        "there-is-no-such-port",
        "log",
    ] {
        assert!(report.contains(part), "no {part:?} in:\n{report}");
    }
    if home.len() > 1 {
        assert!(!report.contains(&home), "{report}");
    }
}
