//! What `flashpack agent` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{Board, BoardOnly};

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Who answers, and what it sees
    Info(BoardOnly),
    /// The MMU table: which page of flash is seen where
    Map {
        /// Report the entries as they are; without this all of the flash is mapped first
        #[arg(long)]
        as_is: bool,
        #[command(flatten)]
        board: Board,
    },
    /// List a directory as the board sees it
    Ls {
        /// A folder; the top if left out
        #[arg(default_value = "")]
        name: String,
        #[command(flatten)]
        place: InPartition,
    },
    /// Find a file on the board
    Find {
        /// Its name; NAME/NAME for a file in a folder
        name: String,
        #[command(flatten)]
        place: InPartition,
    },
    /// Verify the files of an image on the board
    Verify {
        /// A folder or file; everything if left out
        #[arg(default_value = "")]
        name: String,
        /// Prove every file of this image on the board, instead of the board's own check records
        #[arg(long, value_name = "IMAGE", conflicts_with = "name")]
        image: Option<PathBuf>,
        #[command(flatten)]
        place: InPartition,
    },
    /// Measure what look-ups cost on the chip, by the index and by walking
    Bench {
        /// A file; some of every directory if left out
        #[arg(default_value = "")]
        name: String,
        /// Look-ups of each sort
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        count: u16,
        #[command(flatten)]
        place: InPartition,
    },
    /// Read a file, or a region of flash, through the agent
    Read {
        /// A file's name, or OFFSET:SIZE
        #[arg(value_name = "NAME|OFFSET:SIZE")]
        what: String,
        #[arg(value_name = "OUT")]
        output: PathBuf,
        #[command(flatten)]
        place: InPartition,
    },
    /// Put the agent into flash as an app, for a board whose loader cannot be reached; what it replaces is saved first
    Install {
        /// The app partition to put it into [default: the one that boots now]
        #[arg(long, value_name = "NAME")]
        slot: Option<String>,
        /// Say what would be written, and write nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        board: Board,
    },
    /// Put back what `agent install` replaced on this board
    Restore {
        /// Say what would be written, and write nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        board: Board,
    },
    /// Print bytes of flash in hexadecimal
    Peek {
        /// Where, and how many bytes (64 if left out)
        #[arg(value_name = "OFFSET[:SIZE]")]
        what: String,
        #[command(flatten)]
        board: Board,
    },
}

#[derive(Debug, Args)]
pub struct InPartition {
    /// The partition that holds the image
    #[arg(long, value_name = "NAME", default_value = "bin")]
    pub partition: String,
    #[command(flatten)]
    pub board: Board,
}
