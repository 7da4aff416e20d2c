//! Wrong usage, output that goes nowhere, and what is asked before something is destroyed.

use std::process::Stdio;

use crate::cli_run::Bench;

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_wrong() {
    let bench = Bench::new();
    bench.write("f", "f");
    bench.bad(2, &["--nonsense"], &["--nonsense"]);
    bench.bad(2, &["table", "frobnicate", "f"], &["frobnicate"]);
    bench.bad(1, &["info"], &["No board was found"]);
    bench.bad(
        2,
        &["info", "--port", "practice", "--chip", "esp99"],
        &["esp99"],
    );
    bench.bad(2, &["info", "--port", "practice", "--baud", "0"], &["0"]);
    bench.bad(2, &["write", "--port", "practice"], &["required"]);
    bench.bad(2, &["write", "=f", "--port", "practice"], &["=f"]);
    bench.bad(2, &["write", "0xZZ=f", "--port", "practice"], &["0xZZ"]);
    bench.bad(1, &["write", "bin=f"], &["No board was found"]);
    bench.bad(
        2,
        &["read", "0x1000:x", "out", "--port", "practice"],
        &["x"],
    );
    bench.bad(2, &["read", "0:0", "out", "--port", "practice"], &["0:0"]);
    bench.bad(
        2,
        &["agent", "peek", "here", "--port", "practice"],
        &["here"],
    );
    bench.bad(2, &["verify", "bin=f"], &["bin=f"]);
    bench.bad(2, &["practice", "--fault", "gremlins"], &["gremlins"]);
    bench.bad(2, &["practice", "--size", "3MB"], &["2, 4, 8 or 16 MB"]);
    bench.bad(2, &["practice", "--mac", "1:2"], &["1:2"]);
}

#[test]
fn a_misspelled_command_opens_no_window() {
    let bench = Bench::new();
    bench.bad(1, &["practise"], &["practise"]);
}

#[test]
fn help_and_version_are_answers() {
    let bench = Bench::new();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["practice", "--help"],
        &["table", "--help"],
    ] {
        let run = bench.run(arguments);
        assert!(
            run.status.success() && run.stderr.is_empty() && !run.stdout.is_empty(),
            "{arguments:?}"
        );
    }
    assert!(
        bench
            .good(&["practice", "--help"])
            .contains("unplug:to-board@N")
    );
}

#[test]
fn without_a_terminal_destruction_needs_a_yes() {
    let bench = Bench::new();
    bench.write("f", "f");
    bench.bad(
        1,
        &["erase", "0x10000:4K", "--port", "practice"],
        &["without a yes", "0x10000"],
    );
    bench.bad(
        1,
        &["erase", "all", "--port", "practice"],
        &["without a yes", "all of the flash"],
    );
    bench.bad(
        1,
        &["write", "0x10000=f", "--port", "practice"],
        &["without a yes"],
    );
    bench.good(&["erase", "0x10000:4K", "--port", "practice", "--yes"]);
    bench.good(&["write", "0x10000=f", "--port", "practice", "--yes"]);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let bench = Bench::with_sample();
    bench.good(&["pack", "pack.bin", "files/."]);
    for arguments in [
        &["inspect", "pack.bin"][..],
        &["inspect", "pack.bin", "--json"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = bench
            .command(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "",
            "{arguments:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let bench = Bench::with_sample();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = bench
        .command(&["inspect", "files/readme"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Cannot write the answer"), "{said}");
}

#[test]
fn ports_are_listed() {
    let bench = Bench::new();
    let answer = bench.json(&["ports"]);
    assert_eq!(
        (answer["practice"].as_bool(), answer["ports"].is_array()),
        (Some(true), true)
    );
    assert!(bench.good(&["ports"]).contains("practice"));
}
