//! `flashpack monitor`: what the program on the board says, and what is typed to it.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::args::Common;
use super::board;
use super::failure::Failure;
use super::keyboard::{self, RawTerminal, Typed};
use super::monitor_text::{MonitorText, Wanted};
use super::report::Report;
use crate::engine::event::{Event, Monitored, Outcome};
use crate::engine::monitor_input::MonitorInput;
use crate::engine::request::{self, LinkOptions, MonitorElf, Request};
use crate::engine::worker::{Wake, Worker};
use crate::formats::console::level::Level;
use crate::formats::console::view::Filter;
use crate::store::known_boards;

/// Said at the start: nobody is to be caught in a raw terminal.
const KEYS: &str =
    "Ctrl-] or Ctrl-C ends the monitor, Ctrl-R resets the board; every other key goes to the board";

/// How often a signal is looked for.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(
    after_help = "On a terminal every key goes to the board, except Ctrl-R, which resets it, and Ctrl-C or Ctrl-], \
                        which end the monitor.\nIn a pipe the board's bytes come out exactly as they are, and what \
                        comes in goes to the board."
)]
pub struct Monitor {
    /// The board's port, `mac:ADDRESS`, or `practice` for a board inside the program [default: the only known board]
    #[arg(long, value_name = "PORT")]
    port: Option<PathBuf>,
    /// Bits per second
    #[arg(long, value_name = "N", default_value_t = 115_200,
          value_parser = clap::value_parser!(u32).range(300..=12_000_000))]
    baud: u32,
    /// The program's ELF file: addresses become function, file and line, and defmt becomes text
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Take no ELF file by itself: without this, on a terminal, the one that was written to this board last explains
    #[arg(long, conflicts_with = "elf")]
    no_elf: bool,
    /// The time before every line
    #[arg(long)]
    timestamps: bool,
    /// Only lines that hold this text
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    filter: String,
    /// Only lines of this level and worse
    #[arg(long, value_name = "LEVEL", value_enum)]
    level: Option<LevelWord>,
    /// How defmt lines look: with their place in the source, or without
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogFormat::Full)]
    log_format: LogFormat,
    /// Do not reset the board first
    #[arg(long)]
    no_reset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LevelWord {
    Error,
    Warning,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Full,
    Short,
}

#[derive(Serialize)]
struct Answer {
    bytes: u64,
    lines: u64,
}

enum Woke {
    Events,
    Typed(Typed),
}

pub fn run(args: &Monitor, common: Common, report: &mut Report) -> Result<(), Failure> {
    let (sender, woken) = sync_channel(1024);
    let wake: Wake = Arc::new({
        let sender = sender.clone();
        // When the channel is full the loop is awake already.
        move || drop(sender.try_send(Woke::Events))
    });
    let (mut worker, place, note) =
        board::start(args.port.as_deref(), LinkOptions::default(), wake)?;
    if let Some(note) = note {
        report.note(&note);
    }
    let chosen = |path: &PathBuf| MonitorElf {
        path: path.clone(),
        by_itself: false,
    };
    let elf = (args.elf.as_ref().map(chosen)).or_else(|| remembered_elf(args, &place, report));
    let asked_to_end = end_signals().map_err(|error| failed(&error))?;
    let terminal = RawTerminal::enter();
    let input = MonitorInput::default();
    let monitor = request::Monitor {
        baud: args.baud,
        reset: !args.no_reset,
        elf,
        input: input.clone(),
    };
    worker
        .submit(Request::Monitor(monitor))
        .map_err(|busy| Failure::new(busy.to_string(), place.clone(), "Try again"))?;
    keyboard::listen(terminal.is_some(), move |typed| {
        // The loop that listens ends with the program.
        sender.send(Woke::Typed(typed)).ok();
    })
    .map_err(|error| failed(&error))?;
    let mut text = MonitorText::new(Wanted {
        json: common.json,
        timestamps: args.timestamps,
        filter: Filter {
            text: args.filter.clone(),
            level: args.level.map(level),
        },
        short: args.log_format == LogFormat::Short,
        raw_terminal: terminal.is_some(),
    });
    if terminal.is_some() {
        text.port(KEYS, report);
    }
    let ended = loop {
        match woken.recv_timeout(LOOK) {
            Ok(Woke::Typed(Typed::Bytes(bytes))) => {
                if let Err(full) = input.send(bytes) {
                    text.port(&full.to_string(), report);
                }
            }
            Ok(Woke::Typed(Typed::Reset)) => input.reset(),
            Ok(Woke::Typed(Typed::End)) | Err(RecvTimeoutError::Disconnected) => worker.cancel(),
            Ok(Woke::Events) | Err(RecvTimeoutError::Timeout) => {}
        }
        if asked_to_end.load(Ordering::Relaxed) || !report.is_heard() {
            worker.cancel();
        }
        if let Some(ended) = drain(&worker, &mut text, report) {
            break ended;
        }
    };
    text.end(report);
    drop(terminal);
    ended.map_err(|failure| failure.unwrap_or_else(|| gone(&place)))?;
    if common.json {
        let (bytes, lines) = (text.bytes, text.shown);
        report.result(&Answer { bytes, lines }, "");
    }
    Ok(())
}

/// The ELF file of the app that was written to this board last. In a pipe the bytes are left as they come.
fn remembered_elf(args: &Monitor, place: &str, report: &mut Report) -> Option<MonitorElf> {
    if args.no_elf || !io::stdout().is_terminal() {
        return None;
    }
    let known = known_boards::load();
    let elf = known.on(Path::new(place))?.elf.clone()?;
    if !elf.is_file() {
        return None;
    }
    report.note(&format!(
        "Decoding with {}, the app that was written to this board last (--no-elf: without)",
        elf.display()
    ));
    Some(MonitorElf {
        path: elf,
        by_itself: true,
    })
}

/// Shows all that is there; the ending, if it came. `Err(None)`: the worker is gone without a word.
fn drain(
    worker: &Worker,
    text: &mut MonitorText,
    report: &mut Report,
) -> Option<Result<Outcome, Option<Failure>>> {
    loop {
        match worker.try_event() {
            Ok(Some(Event::Monitor(Monitored::Heard(parts, at)))) => text.heard(&parts, at, report),
            Ok(Some(Event::Monitor(Monitored::Port(sentence, _)))) => text.port(&sentence, report),
            Ok(Some(Event::Note(note))) => text.port(&note, report),
            Ok(Some(Event::Finished(outcome))) => return Some(Ok(outcome)),
            Ok(Some(Event::Failed(error))) => return Some(Err(Some(error.into()))),
            Ok(Some(Event::Cancelled { .. })) => return Some(Ok(Outcome::Monitored { bytes: 0 })),
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(_) => return Some(Err(None)),
        }
    }
}

/// Set when the program is asked to end: by Ctrl-C where the terminal is not raw, or by another program.
fn end_signals() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

fn level(word: LevelWord) -> Level {
    match word {
        LevelWord::Error => Level::Error,
        LevelWord::Warning => Level::Warning,
        LevelWord::Info => Level::Info,
        LevelWord::Debug => Level::Debug,
        LevelWord::Trace => Level::Trace,
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::new(
        format!("The monitor does not run: {error}"),
        "monitor",
        "Close other programs and try again",
    )
}

fn gone(place: &str) -> Failure {
    Failure::new(
        "The monitor stopped without a result",
        place,
        "Try again; if it happens again, report it with the log",
    )
}
