//! Every fault that can be made here is made, on the practice board, on the wire or in the operating system; the real
//! program runs into it; and the cause that it shows first is counted against the one that it was.

mod board;
mod connection;
mod page;
mod peers;
mod plan_and_file;
mod port;
mod scene;
mod talker;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Mutex;

use flashpack::model::cause::CAUSES;
use scene::{Injection, Scene};

use crate::cli_run::json_lines;

/// At least this share of all injections must show the right cause first.
const GOAL: f64 = 0.95;

fn injections() -> impl Iterator<Item = &'static Injection> {
    [
        port::PORT,
        connection::CONNECTION,
        board::BOARD,
        plan_and_file::PLAN_AND_FILE,
    ]
    .into_iter()
    .flatten()
}

/// The program's command, run by whom and within what the scene says.
fn command(scene: &Scene, program: &str, arguments: &[String]) -> Command {
    let mut words = vec![program.to_owned()];
    words.extend_from_slice(arguments);
    if let Some(limits) = scene.limits {
        let shell = format!("{limits}; exec \"$@\"");
        words = [vec!["sh".into(), "-c".into(), shell, "sh".into()], words].concat();
    }
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(scene.bench.path("."))
        .env("FLASHPACK_CONFIG_DIR", scene.bench.path("config"))
        .env("FLASHPACK_PORTS", &scene.plugged);
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if scene.as_nobody && root {
        command.uid(65_534).gid(65_534);
    }
    command
}

/// What Flashpack shows first: the name of the cause, or the message where it names none.
fn shown(injection: &Injection) -> String {
    let mut scene = Scene::new();
    (injection.make)(&mut scene);
    let mut arguments = scene.arguments.clone();
    if !scene.port.is_empty() {
        arguments.extend(["--port".into(), scene.port.clone()]);
    }
    arguments.push("--json".into());
    let output = command(&scene, env!("CARGO_BIN_EXE_flashpack"), &arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let lines = json_lines(&text);
    let Some(error) = lines.last().filter(|line| line["kind"] == "error") else {
        return format!("no error: {text}{said}");
    };
    assert_eq!(output.status.code(), Some(1), "{}: {error}", injection.name);
    for key in ["message", "place", "help"] {
        let text = error[key].as_str().unwrap();
        assert!(!text.is_empty(), "{}: no {key} in {error}", injection.name);
    }
    error["cause"]
        .as_str()
        .map_or_else(|| error["message"].to_string(), str::to_owned)
}

/// Runs every injection through something, eight at a time.
fn with_each<T: Send>(run: impl Fn(&'static Injection) -> T + Sync) -> BTreeMap<&'static str, T> {
    let waiting = Mutex::new(injections().collect::<Vec<_>>());
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                loop {
                    let Some(injection) = waiting.lock().unwrap().pop() else {
                        break;
                    };
                    let result = run(injection);
                    results.lock().unwrap().insert(injection.name, result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    assert_eq!(results.len(), injections().count(), "a name stands twice");
    results
}

#[test]
fn the_right_cause_is_shown_first() {
    let results = with_each(shown);
    let all = injections().count();
    let wrong: Vec<String> = injections()
        .filter(|injection| results[injection.name] != injection.expected)
        .map(|injection| {
            format!(
                "{}: {} instead of {}",
                injection.name, results[injection.name], injection.expected
            )
        })
        .collect();
    let right = all - wrong.len();
    println!(
        "{right} of {all} injections: the right cause first\n{}",
        wrong.join("\n")
    );
    assert!(right as f64 >= GOAL * all as f64, "{wrong:#?}");
}

/// Measures others; the scores are kept in the file that `FLASHPACK_SCORES` names, from which the page of causes is made.
/// It runs only when asked for, and alone: where the port of a fault is gone, esptool would meet the board of another test
/// that was given the same path.
#[test]
fn esptool_and_espflash_meet_the_same_faults() {
    let named = (
        std::env::var("FLASHPACK_ESPTOOL"),
        std::env::var("FLASHPACK_SCORES"),
    );
    let (Ok(esptool), Ok(_)) = named else {
        eprintln!(
            "SKIPPED: FLASHPACK_ESPTOOL and FLASHPACK_SCORES do not name an esptool 5.x and a file for scores"
        );
        return;
    };
    let results = with_each(|injection| {
        (
            shown(injection),
            peers::esptool(&esptool, injection),
            peers::espflash(injection),
        )
    });
    let mut lines = Vec::new();
    for injection in injections() {
        let (shown, esptool, espflash) = &results[injection.name];
        let own = if shown == injection.expected {
            "yes"
        } else {
            "no"
        };
        println!("--- {}\n{esptool:?}\n{espflash:?}", injection.name);
        let fields = [
            injection.name,
            injection.expected,
            own,
            esptool.word(),
            espflash.word(),
        ];
        lines.push(fields.join("\t") + "\n");
    }
    if let Ok(path) = std::env::var("FLASHPACK_SCORES") {
        std::fs::write(path, lines.concat()).unwrap();
    }
    let right = results
        .values()
        .filter(|(shown, ..)| injections().any(|one| one.expected == shown));
    assert!(right.count() as f64 >= GOAL * results.len() as f64);
}

#[test]
fn every_cause_is_injected() {
    let injected: BTreeSet<_> = injections().map(|injection| injection.expected).collect();
    let known: BTreeSet<_> = CAUSES.iter().map(|facts| facts.name).collect();
    let never: Vec<_> = known.difference(&injected).collect();
    assert!(never.is_empty(), "no test makes these: {never:?}");
    assert!(injected.is_subset(&known));
    assert!(injected.len() >= 40, "{}", injected.len());
}
