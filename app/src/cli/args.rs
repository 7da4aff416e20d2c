//! What was typed, exactly as far as the command line alone can tell: words, numbers, paths. What it means is decided
//! in [`super::resolve`]; nothing here looks at a file or a port.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::args_agent::AgentCommand;
use super::keep_offsets::{self, KeepOffsets};
use crate::device::practice::options::parse_mac;
use crate::model::chip::Chip;
use crate::model::guard::GuardName;
use crate::model::number::parse_bytes;

/// Lay out, pack, write and prove the flash of an ESP32 board
#[derive(Debug, Parser)]
#[command(
    name = "flashpack",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Without a command the window opens. Sizes and offsets: 4096, 0x1000, 64K, 4MB; 1K is 1024.\n\
                  `--port practice` is a practice board inside the program: everything can be tried without hardware."
)]
pub struct Typed {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A project, a table, an image or a folder to open in the window
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Options that every command takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct Common {
    /// One JSON object a line on standard output instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Go ahead without asking
    #[arg(long, global = true)]
    pub yes: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ports, what is on them, and which is recommended
    Ports(Ports),
    /// Chip, revision, MAC, flash and security of a board
    Info(BoardOnly),
    /// Leave the loader: start what the board holds in flash
    Reset(BoardOnly),
    /// Show, check, convert, compare, make, edit and draw partition tables
    #[command(subcommand)]
    Table(TableCommand),
    /// Pack files and folders into one image
    Pack(Pack),
    /// Say what an image is, by its content
    Inspect(Inspect),
    /// Verify an image by its check records, or a board against files
    Verify(Verify),
    /// Take the files out of an image
    Unpack(Unpack),
    /// Find a file in an image the way the chip finds it
    Find {
        image: PathBuf,
        /// Its name; NAME/NAME for a file in a folder
        name: String,
    },
    /// Write to a board what differs, and verify it
    Write(Write),
    /// Read a board's flash into a file
    Read(Read),
    /// Erase a partition, a region, or all of a board's flash
    Erase(Erase),
    /// Keep a board's flash in a file, with a manifest beside it
    Backup(Backup),
    /// Write a backup back to a board
    Restore(Restore),
    /// Ask the agent, which runs from the chip's RAM
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Show what the program on a board says, and send it what is typed
    Monitor(super::monitor::Monitor),
    /// Run a practice board and print its port
    #[cfg(unix)]
    Practice(super::practice::Practice),
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Ports {
    /// Print a udev rule that lets whoever sits at this computer open the ports of ESP boards (Linux)
    #[arg(long)]
    pub udev_rule: bool,
}

/// Which board, and how to reach it.
#[derive(Clone, Debug, Args)]
pub struct Board {
    /// The board's port, `mac:ADDRESS`, or `practice` for a board inside the program [default: the only known board]
    #[arg(long, value_name = "PORT", help_heading = "Board")]
    pub port: Option<PathBuf>,
    /// The board with this MAC address, wherever it is plugged in
    #[arg(long, value_name = "MAC", value_parser = mac, conflicts_with = "port", help_heading = "Board")]
    pub mac: Option<[u8; 6]>,
    #[command(flatten)]
    pub link: Link,
}

impl Board {
    /// Which board is meant.
    pub fn which(&self) -> Which<'_> {
        Which {
            port: self.port.as_deref(),
            mac: self.mac,
        }
    }
}

/// The same where a port is not always needed.
#[derive(Clone, Debug, Args)]
pub struct MaybeBoard {
    /// The board's port, `mac:ADDRESS`, or `practice` for a board inside the program
    #[arg(long, value_name = "PORT", help_heading = "Board")]
    pub port: Option<PathBuf>,
    /// The board with this MAC address, wherever it is plugged in
    #[arg(long, value_name = "MAC", value_parser = mac, conflicts_with = "port", help_heading = "Board")]
    pub mac: Option<[u8; 6]>,
    #[command(flatten)]
    pub link: Link,
}

impl MaybeBoard {
    /// Which board is meant.
    pub fn which(&self) -> Which<'_> {
        Which {
            port: self.port.as_deref(),
            mac: self.mac,
        }
    }
}

/// The same where there may be several.
#[derive(Clone, Debug, Args)]
pub struct ManyBoards {
    /// The board's port, `mac:ADDRESS`, or `practice`; given several times, all are written at once
    #[arg(long, value_name = "PORT", help_heading = "Board")]
    pub port: Vec<PathBuf>,
    /// The board with this MAC address, wherever it is plugged in; may be given several times, beside --port too
    #[arg(long, value_name = "MAC", value_parser = mac, conflicts_with = "all", help_heading = "Board")]
    pub mac: Vec<[u8; 6]>,
    /// All boards of the same kind as --port, else all known ones
    #[arg(long, help_heading = "Board")]
    pub all: bool,
    /// Then wait for the boards to be swapped, and write the next ones
    #[arg(long, help_heading = "Board")]
    pub next: bool,
    /// Keep a summary of all boards in this file: JSON if its name ends so, else text
    #[arg(long, value_name = "FILE", help_heading = "Board")]
    pub summary: Option<PathBuf>,
    #[command(flatten)]
    pub link: Link,
}

impl ManyBoards {
    /// The first one that is named.
    pub fn which(&self) -> Which<'_> {
        let port = self.port.first().map(PathBuf::as_path);
        Which {
            port,
            mac: self.mac.first().copied().filter(|_| port.is_none()),
        }
    }
}

/// A board as it was named; nothing means the only one that is plugged in.
#[derive(Clone, Copy, Debug)]
pub struct Which<'a> {
    pub port: Option<&'a Path>,
    pub mac: Option<[u8; 6]>,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Link {
    /// How the chip is brought into its loader
    #[arg(long, value_enum, default_value_t = Before::Auto, help_heading = "Board")]
    pub before: Before,
    /// What the board is left in
    #[arg(long, value_enum, default_value_t = After::HardReset, help_heading = "Board")]
    pub after: After,
    /// Bits per second once connected [default: what this board was used with last, else 115200]
    #[arg(long, value_name = "N", help_heading = "Board",
          value_parser = clap::value_parser!(u32).range(1200..=12_000_000))]
    pub baud: Option<u32>,
    /// Refuse any other chip, such as esp32c3
    #[arg(long, value_name = "CHIP", value_parser = chip, help_heading = "Board")]
    pub chip: Option<Chip>,
    /// Where the board's partition table lies [default: the project's, else 0x8000]
    #[arg(long, value_name = "N", value_parser = size, help_heading = "Board")]
    pub table_offset: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Before {
    Auto,
    DefaultReset,
    UsbReset,
    NoReset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "the words are a contract")]
pub enum After {
    HardReset,
    WatchdogReset,
    NoReset,
}

#[derive(Debug, Args)]
pub struct BoardOnly {
    #[command(flatten)]
    pub board: Board,
}

#[derive(Debug, Subcommand)]
pub enum TableCommand {
    /// Print a table with its computed offsets
    Show(TableFile),
    /// Say everything that is wrong with a table
    Check(TableFile),
    /// Convert between CSV and binary, by the extension of OUT
    Convert(TableConvert),
    /// What moves, grows, comes and goes from A to B, and what data would be stranded
    Diff {
        #[arg(value_name = "A")]
        a: PathBuf,
        #[arg(value_name = "B")]
        b: PathBuf,
        #[command(flatten)]
        settings: TableSettings,
    },
    /// Make a table from a template
    New(TableNew),
    /// Edit a table: what is not edited stays as it was, byte for byte
    Edit(super::table::edit::TableEdit),
    /// Draw the map of a table, as SVG or PNG by the extension of OUT
    Picture(super::table::picture::TablePicture),
}

/// A CSV (ESP-IDF's or the seed's order), a binary table, or a firmware image that contains one.
#[derive(Debug, Args)]
pub struct TableFile {
    /// A CSV, a binary table, or a firmware image that contains one
    pub file: PathBuf,
    #[command(flatten)]
    pub settings: TableSettings,
}

/// Settings of ESP-IDF's own tool, under its names.
#[derive(Clone, Debug, Args)]
pub struct TableSettings {
    /// Where the table lies in flash [default: 0x8000]
    #[arg(long, value_name = "N", value_parser = size)]
    pub table_offset: Option<u32>,
    /// Where the bootloader lies; needed by tables with a bootloader row
    #[arg(long, value_name = "N", value_parser = size)]
    pub primary_bootloader_offset: Option<u32>,
    /// Where the recovery bootloader lies; needed by tables with such a row
    #[arg(long, value_name = "N", value_parser = size)]
    pub recovery_bootloader_offset: Option<u32>,
    /// Check that the table fits a flash of this size
    #[arg(long, value_name = "N", value_parser = size)]
    pub flash_size: Option<u32>,
    /// A subtype of the project's own, such as `data, settings, 0xA0`; may be given several times
    #[arg(long, value_name = "TYPE,NAME,NUMBER")]
    pub extra_partition_subtypes: Vec<String>,
    /// The column order of a CSV, instead of recognising it
    #[arg(long, value_enum)]
    pub dialect: Option<Dialect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Name, Type, `SubType`, Offset, Size, Flags
    EspIdf,
    /// type, subtype, offset, size, label, flags
    Seed,
}

#[derive(Debug, Args)]
pub struct TableConvert {
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub settings: TableSettings,
}

#[derive(Debug, Args)]
pub struct TableNew {
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Name of the template; an unknown one lists them
    #[arg(long, value_name = "NAME")]
    pub template: String,
    /// The flash that the table is made for
    #[arg(long, value_name = "N", value_parser = size, default_value = "4MB")]
    pub flash_size: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Read in place on the chip
    Bin,
    /// The Particle Electron's image
    FlashFile,
    /// `MicroPython`'s read-only file system
    Romfs,
}

#[derive(Debug, Args)]
pub struct Pack {
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Files, folders (each becomes a nested image), or DIR/. for what is in a folder
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Bin)]
    pub format: Format,
    /// An earlier image, whose unchanged files keep their offsets
    #[arg(long, value_name = "OLD")]
    pub previous: Option<PathBuf>,
    /// As the seed's `bin_pack.py` writes it: no index, no check records, names and order as typed
    #[arg(long)]
    pub compat: bool,
    /// Cut names that are too long, instead of refusing them
    #[arg(long)]
    pub cut_names: bool,
    /// Erase what removed and older files left behind, even where that costs a sector each
    #[arg(long)]
    pub erase_removed: bool,
    /// Fail if the image is larger than this
    #[arg(long, value_name = "N", value_parser = size)]
    pub size: Option<u32>,
    /// Alignment of file data: 4, 16, 32 or 4096
    #[arg(long, value_name = "N", value_parser = alignment, default_value = "16")]
    pub align: u32,
    /// The date that a flash-file carries, in seconds since 1970; the same date gives the same bytes
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub date: u32,
}

#[derive(Debug, Args)]
pub struct Inspect {
    pub image: PathBuf,
    /// An earlier image: say how many sectors differ from it, as a whole and under each file
    #[arg(long, value_name = "OLD")]
    pub previous: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// An image; with --port, PARTITION=FILE or OFFSET=FILE
    #[arg(value_name = "IMAGE|TARGET=FILE", required = true)]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub board: MaybeBoard,
}

#[derive(Debug, Args)]
pub struct Unpack {
    pub image: PathBuf,
    /// The folder to put the files into; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = force_help())]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line of its own"
)]
pub struct Write {
    /// A project, PARTITION=FILE or OFFSET=FILE; an app may be an ELF file
    #[arg(value_name = "PROJECT|TARGET=FILE", required_unless_present = "boot")]
    pub targets: Vec<String>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write everything, whether it differs or not
    #[arg(long)]
    pub full: bool,
    /// Do not prove what was written
    #[arg(long)]
    pub no_verify: bool,
    /// Carry the data of partitions that the new table moves from their old place to the new one
    #[arg(long)]
    pub move_data: bool,
    /// Boot this app from the next reset on: a partition's name, `ota_0` to `ota_15`, or factory
    #[arg(long, value_name = "SLOT")]
    pub boot: Option<String>,
    /// Override what would be refused, by the names below
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',', value_parser = guard)]
    pub force: Vec<GuardName>,
    /// Whose offsets a project's files keep, so that an edit changes few sectors: those of the image written last, of
    /// what the board holds, of an image in a file, or nobody's
    #[arg(long, value_name = "last|board|none|PARTITION=FILE", value_parser = keep_offsets::parse)]
    pub keep_offsets: Vec<KeepOffsets>,
    #[command(flatten)]
    pub board: ManyBoards,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What has arrived stays beside OUT after a cut, and the same command goes on from there."
)]
pub struct Read {
    /// A partition's name, OFFSET:SIZE, or all; several come one behind the other
    #[arg(value_name = "PARTITION|OFFSET:SIZE|all", required = true, num_args = 1..)]
    pub what: Vec<String>,
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub board: Board,
}

#[derive(Debug, Args)]
pub struct Erase {
    /// A partition's name, OFFSET:SIZE, or all
    #[arg(value_name = "PARTITION|OFFSET:SIZE|all")]
    pub what: String,
    #[command(flatten)]
    pub board: Board,
}

#[derive(Debug, Args)]
#[command(
    after_help = "OUT is a plain image that any tool can use; OUT.json says where it came from and proves it."
)]
pub struct Backup {
    /// The image; its manifest goes to OUT.json
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Only this partition; may be given several times
    #[arg(long = "partition", value_name = "NAME")]
    pub partitions: Vec<String>,
    #[command(flatten)]
    pub board: Board,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Only what differs is written, and it is verified. Another board than that of the backup is warned of."
)]
pub struct Restore {
    /// The image of a backup, with its manifest beside it
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Only this region of the backup; may be given several times
    #[arg(long = "partition", value_name = "NAME")]
    pub partitions: Vec<String>,
    #[command(flatten)]
    pub board: Board,
}

fn guard(text: &str) -> Result<GuardName, String> {
    GuardName::from_name(text).ok_or_else(|| {
        let known = GuardName::ALL.map(GuardName::name).join(", ");
        format!("names of what can be overridden are {known}")
    })
}

fn force_help() -> String {
    let lines = GuardName::ALL.map(|guard| format!("{:15}  {}\n", guard.name(), guard.about()));
    format!(
        "Names for --force:\n{}The end of the flash, inputs that overlap and secure download mode cannot be overridden.",
        lines.concat()
    )
}

/// A MAC address as typed.
pub fn mac(text: &str) -> Result<[u8; 6], String> {
    parse_mac(text).ok_or_else(|| "a MAC address looks like 60:55:f9:00:00:01".into())
}

fn size(text: &str) -> Result<u32, String> {
    parse_bytes(text)
}

fn alignment(text: &str) -> Result<u32, String> {
    match parse_bytes(text)? {
        value @ (4 | 16 | 32 | 4096) => Ok(value),
        _ => Err("an alignment is 4, 16, 32 or 4096".into()),
    }
}

pub fn chip(text: &str) -> Result<Chip, String> {
    Chip::from_name(text).ok_or_else(|| {
        let known = crate::model::chip::CHIPS.map(|facts| facts.id).join(", ");
        format!("known chips are {known}")
    })
}
