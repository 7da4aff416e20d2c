//! `flashpack monitor` as a program: in pipes, with filters and dates, as JSON, and on a terminal.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use super::cli_run::Bench;
use super::monitor_engine::Peer;

/// A running monitor.
struct Run {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Run {
    fn start(bench: &Bench, peer: &Peer, more: &[&str]) -> Self {
        let port = peer.path.display().to_string();
        let arguments = [&["monitor", "--port", &port][..], more].concat();
        let mut child = bench
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.output.read_until(b'\n', &mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.output.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Asks it to end as a shell does; it must end well.
    fn end(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

#[test]
fn in_a_pipe_bytes_go_through_as_they_are_both_ways() {
    let (bench, mut peer) = (Bench::new(), Peer::new());
    let mut run = Run::start(&bench, &peer, &[]);
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let sent = all.clone();
    let came = std::thread::scope(|scope| {
        scope.spawn(|| peer.say(&sent));
        run.read(all.len())
    });
    assert!(came == all, "the bytes differ");
    let mut input = run.child.stdin.take().unwrap();
    input.write_all(&all[..256]).unwrap();
    assert_eq!(peer.hear(256), &all[..256]);
    // The end of what is sent is not the end of listening.
    drop(input);
    peer.say(b"still here\n");
    assert_eq!(run.line(), "still here\n");
    peer.say(b"no end of line");
    assert_eq!(run.read(14), b"no end of line");
    run.end();
}

#[test]
fn lines_are_filtered_dated_and_explained() {
    let (bench, mut peer) = (Bench::new(), Peer::new());
    let elf = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/monitor/demo.elf");
    let mut run = Run::start(
        &bench,
        &peer,
        &["--filter", "MEPC", "--timestamps", "--elf", elf],
    );
    peer.say(b"I (1) a: b\r\nMEPC    : 0x42000060\r\nI (2) a: 0x42000060\r\n");
    let line = run.line();
    let (clock, rest) = line.split_once(' ').unwrap();
    assert_eq!((clock.len(), rest), (12, "MEPC    : 0x42000060\r\n"));
    assert!(
        run.line()
            .ends_with("= MEPC 0x42000060: demo::read_sensor at demo/src/main.rs:27\n")
    );
    assert_eq!(run.end(), "");
}

#[test]
fn json_has_a_line_for_each_line_and_a_result() {
    let (bench, mut peer) = (Bench::new(), Peer::new());
    let mut run = Run::start(&bench, &peer, &["--json", "--level", "warning"]);
    peer.say(b"I (1) a: quiet\r\n\x1b[0;31mE (2) a: loud \xff!\x1b[0m\r\n");
    let line: Value = serde_json::from_str(&run.line()).unwrap();
    assert_eq!(
        (&line["kind"], &line["level"], &line["from"], &line["text"]),
        (
            &"line".into(),
            &"error".into(),
            &"chip".into(),
            &"E (2) a: loud \u{fffd}!".into()
        )
    );
    assert!(line["at_ms"].as_u64().unwrap() > 1_600_000_000_000);
    let rest = run.end();
    let last: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["kind"], &last["lines"]),
        (&"result".into(), &1.into())
    );
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let (bench, mut peer) = (Bench::new(), Peer::new());
    let mut run = Run::start(&bench, &peer, &[]);
    peer.say(b"one\n");
    assert_eq!(run.line(), "one\n");
    let Run { mut child, output } = run;
    drop(output);
    peer.say(b"two\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_port_that_is_not_there_is_a_failure() {
    let bench = Bench::new();
    bench.bad(
        1,
        &["monitor", "--port", "/dev/nowhere"],
        &["/dev/nowhere", "no such port"],
    );
    bench.bad(1, &["monitor"], &["No board was found"]);
    bench.bad(
        1,
        &["monitor", "--port", "/dev/null", "--elf", "none.elf"],
        &["none.elf", "no such file"],
    );
}

#[test]
fn every_run_is_in_the_daily_log() {
    let bench = Bench::with_sample();
    bench.good(&["table", "check", "partitions.csv"]);
    bench.run(&["info", "--port", "/dev/nowhere"]);
    let folder = bench.path("config/log");
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert!(!names.is_empty());
    let text: String = names
        .into_iter()
        .map(|name| std::fs::read_to_string(name.unwrap().path()).unwrap())
        .collect();
    assert!(
        text.contains("$ flashpack table check partitions.csv\n"),
        "{text}"
    );
    assert!(text.contains(" Done\n"), "{text}");
    assert!(text.contains("Failed: Cannot open /dev/nowhere"), "{text}");
}

#[test]
fn a_log_that_cannot_be_kept_stops_nothing_and_is_said_once() {
    let bench = Bench::with_sample();
    bench.write("file", "in the way");
    let output = bench
        .command(&["table", "check", "partitions.csv"])
        .env("FLASHPACK_CONFIG_DIR", bench.path("file"))
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said.matches("The daily log is not kept").count(),
        1,
        "{said}"
    );
}
