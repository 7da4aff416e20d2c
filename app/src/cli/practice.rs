//! `flashpack practice`: a practice board in the foreground, until somebody ends it.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::failure::Failure;
use super::report::Report;
use super::sentence::upper_first;
use crate::device::practice::faults;
use crate::device::practice::{AppOutput, Board, Boot, Faults, FlashSource, Options};
use crate::model::cost::Part;
use crate::model::number::parse_bytes;
use crate::store::read_whole::{IMAGE_LIMIT, read_whole};

#[derive(Debug, Args)]
#[command(after_help = fault_help())]
pub struct Practice {
    /// Keep the flash in this file; made blank if it is not there
    #[arg(long, value_name = "FILE")]
    flash: Option<PathBuf>,
    /// Bytes of flash: 2MB, 4MB, 8MB or 16MB
    #[arg(long, value_name = "N", default_value = "4MB", value_parser = parse_bytes)]
    size: u32,
    /// The board's MAC address
    #[arg(long, value_name = "MAC", value_parser = super::args::mac)]
    mac: Option<[u8; 6]>,
    /// Where it starts: in the ROM loader, as with the BOOT button held, or in flash
    #[arg(long, value_name = "loader|flash", default_value = "loader", value_parser = boot)]
    boot: Boot,
    /// A symbolic link that always leads to the port
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
    /// Write what was counted to this file, after every session and at the end
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// What the app in flash prints: `demo` for a log with a console, or a file; a blank flash gets an app
    #[arg(long, value_name = "FILE|demo")]
    app_output: Option<PathBuf>,
    /// The flash chip whose times the report is about
    #[arg(long, value_name = "fast|typical|slow", default_value = "typical", value_parser = part)]
    part: Part,
    /// Something that goes wrong, in the words below; may be given several times
    #[arg(long = "fault", value_name = "WORD")]
    faults: Vec<String>,
}

#[derive(Serialize)]
struct Answer {
    port: String,
}

pub fn run(args: &Practice, report: &mut Report) -> Result<(), Failure> {
    let mut faults = Faults::default();
    for word in &args.faults {
        faults.add_word(word).map_err(|message| {
            Failure::usage(
                message,
                word.clone(),
                "flashpack practice --help lists the words",
            )
        })?;
    }
    let app_output = args.app_output.as_deref().map(app_output).transpose()?;
    let defaults = Options::default();
    let options = Options {
        flash: args
            .flash
            .clone()
            .map_or(FlashSource::Memory, FlashSource::File),
        size: args.size,
        mac: args.mac.unwrap_or(defaults.mac),
        boot: args.boot,
        link: args.link.clone(),
        report: args.report.clone(),
        part: args.part,
        app_output,
        faults,
        ..defaults
    };
    // Before the port is known to anybody, so that no signal can come too early.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(|error| failed(&error))?;
    let board = Board::start(options).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => {
            let message = upper_first(&error.to_string());
            Failure::usage(message, "practice", "flashpack practice --help says more")
        }
        _ => failed(&error),
    })?;
    let port = board.port().display().to_string();
    report.result(&Answer { port: port.clone() }, &format!("{port}\n"));
    report.talk("The practice board runs until Ctrl+C");
    signals.forever().next();
    board.stop().map_err(|error| failed(&error))
}

fn app_output(typed: &Path) -> Result<AppOutput, Failure> {
    if typed.as_os_str() == "demo" {
        return Ok(AppOutput::Demo);
    }
    Ok(AppOutput::Bytes(read_whole(typed, IMAGE_LIMIT)?.into()))
}

fn failed(error: &io::Error) -> Failure {
    Failure::new(
        format!("The practice board does not run: {error}"),
        "practice",
        "Check the files and the link that were named, or try without them",
    )
}

fn fault_help() -> String {
    format!("Words for --fault:\n{}", faults::HELP)
}

fn boot(text: &str) -> Result<Boot, String> {
    Boot::from_name(text).ok_or_else(|| "a board boots into the loader or into flash".into())
}

fn part(text: &str) -> Result<Part, String> {
    Part::from_name(text).ok_or_else(|| {
        let known = Part::ALL.map(|part| part.name).join(", ");
        format!("known flash parts are {known}")
    })
}
