//! What can go wrong at the edge to hardware, in sentences. What espflash and serialport said is kept as the detail:
//! their texts name options that our users do not have.

use device_agent::error::Error as Fault;

use super::agent_client::AgentError;
use super::port_owner::Holder;
use crate::model::cause::{BUTTONS, Cause};
use crate::model::chip::{BoardIdentity, Chip};
use crate::model::number::hex;

/// Why a port could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenFailure {
    NoSuchPort,
    /// With what lets this user open it.
    NoPermission {
        remedy: String,
    },
    /// With the program that has it open, if that can be seen.
    Busy {
        holder: Option<Holder>,
    },
    /// There is something of this name, but no serial port.
    NotSerial,
    Other,
}

impl OpenFailure {
    fn words(&self) -> String {
        match self {
            Self::NoSuchPort => "there is no such port".into(),
            Self::NoPermission { .. } => "no permission".into(),
            Self::Busy { holder: None } => "another program holds it".into(),
            Self::Busy {
                holder: Some(holder),
            } => format!("{holder} has it open"),
            Self::NotSerial => "it is not a serial port".into(),
            Self::Other => "the system refused".into(),
        }
    }
}

/// A failure of the port, the loader or the agent.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("Cannot open {port}: {}", .failure.words())]
    Open {
        port: String,
        failure: OpenFailure,
        detail: String,
    },
    #[error("No answer on {port}: nothing that is connected there spoke")]
    Silent { port: String },
    /// Something spoke, but no loader: `cause` says what it has, `text` what it said.
    #[error("{}", no_loader(.port, *.cause))]
    NoLoader {
        port: String,
        cause: Cause,
        text: String,
    },
    #[error("The port {port} is gone: {doing} was interrupted")]
    Gone {
        port: String,
        doing: &'static str,
        detail: String,
    },
    #[error("The board on {port} stopped answering while {doing} at {}", hex(*.offset))]
    Timeout {
        port: String,
        doing: &'static str,
        offset: u32,
        detail: String,
    },
    #[error("The board on {port} refused: {doing} at {} failed", hex(*.offset))]
    Refused {
        port: String,
        doing: &'static str,
        offset: u32,
        /// The loader's: its error number, with the high byte first.
        status: u16,
    },
    #[error(
        "The board on {port} has erased all of its flash while {doing}: a bit turned over on the line, in a command that nothing protects"
    )]
    Erased { port: String, doing: &'static str },
    #[error("The board on {port} did not answer as a loader does")]
    Protocol { port: String, detail: String },
    /// The line does not carry a speed, and the board stays at it.
    #[error("The board on {port} cannot be understood at {baud} baud, and stays at that speed")]
    TooFast {
        port: String,
        baud: u32,
        /// What to try instead.
        lower: u32,
    },
    #[error("The board on {port} is an {found}, not an {wanted}")]
    WrongChip {
        port: String,
        found: Chip,
        wanted: Chip,
    },
    #[error("The board on {port} is {found}, not {wanted}")]
    OtherBoard {
        port: String,
        /// MAC addresses.
        found: String,
        wanted: String,
    },
    #[error("The board on {port} is an {chip}: the device agent runs on the ESP32-C3 only")]
    NoAgentForChip { port: String, chip: String },
    #[error("The board on {port} is in secure download mode, which allows no stub and no reading")]
    SecureDownload {
        port: String,
        /// What the chip says of itself even so.
        identity: Option<Box<BoardIdentity>>,
    },
    #[error("“{label}” is no partition's name: it is longer than 16 bytes")]
    LongLabel { port: String, label: String },
    #[error("The agent on {port} failed{}: {source}", at(.place))]
    Agent {
        port: String,
        /// What it was asked about: a partition, a file in one, a region; empty for a question about nothing of these.
        place: String,
        source: AgentError,
    },
    #[error("Stopped as asked")]
    Cancelled,
}

fn at(place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!(" at {place}")
    }
}

impl DeviceError {
    /// Where in the flash it happened, if it was about a place there.
    pub fn place(&self) -> &str {
        match self {
            Self::Agent { place, .. } => place,
            _ => "",
        }
    }

    /// Which port it happened on.
    pub fn port(&self) -> &str {
        match self {
            Self::Open { port, .. }
            | Self::Silent { port }
            | Self::NoLoader { port, .. }
            | Self::Gone { port, .. }
            | Self::Erased { port, .. }
            | Self::Timeout { port, .. }
            | Self::Refused { port, .. }
            | Self::Protocol { port, .. }
            | Self::TooFast { port, .. }
            | Self::WrongChip { port, .. }
            | Self::OtherBoard { port, .. }
            | Self::NoAgentForChip { port, .. }
            | Self::SecureDownload { port, .. }
            | Self::LongLabel { port, .. }
            | Self::Agent { port, .. } => port,
            Self::Cancelled => "",
        }
    }

    /// The one thing to do.
    pub fn help(&self) -> String {
        match self {
            Self::Open { port, failure, .. } => match failure {
                OpenFailure::NoSuchPort => "Plug the board in with a data cable, or choose a port from the list (flashpack ports)".into(),
                OpenFailure::NoPermission { remedy } => remedy.clone(),
                OpenFailure::Busy { holder: Some(holder) } => format!("Close {}, then try again", holder.program),
                OpenFailure::Busy { holder: None } => format!("Close the program that uses {port} (a serial monitor, perhaps) and try again"),
                OpenFailure::NotSerial => Cause::NotSerial.todo().into(),
                OpenFailure::Other => "Unplug the board, plug it in again and try once more".into(),
            },
            Self::Silent { .. } => Cause::Silent.todo().into(),
            Self::NoLoader { cause, .. } => cause.todo().into(),
            Self::Gone { .. } => "Plug the board in again; the same command then goes on where this one stopped".into(),
            Self::Erased { .. } => "Write everything again, from a backup if there is one, with a shorter cable or at a lower speed".into(),
            Self::Timeout { .. } => "Check cable and power, then run the same command again: it goes on where this one stopped".into(),
            Self::Refused { .. } => "Check that the region lies inside the flash; if it does, the flash may be write-protected or failing".into(),
            Self::Protocol { .. } => "Reset the board into its loader (hold BOOT, press RESET) and try again".into(),
            Self::TooFast { lower, .. } => {
                format!("{BUTTONS} at {lower} baud (--baud {lower})")
            }
            Self::WrongChip { found, .. } => format!("Choose another port, or set the project's chip to {found}"),
            Self::OtherBoard { .. } => Cause::OtherBoard.todo().into(),
            Self::NoAgentForChip { .. } => "Use read and verify instead: they work on every chip".into(),
            Self::SecureDownload { .. } => "Such a board can only be written by its own signed update".into(),
            Self::LongLabel { .. } => "Use a name from the board's partition table".into(),
            Self::Agent { source, .. } => match source.fault() {
                Some(Fault::NoTable) => "Write a partition table to the board first, or say with --table-offset (in the window: Settings) where it is".into(),
                Some(Fault::NoPartition) => "Write a table that has this partition, or name another one".into(),
                Some(Fault::Corrupt) => "Write the image again: what the board holds is damaged".into(),
                Some(Fault::OutOfRange) => "Ask for a region inside the flash".into(),
                Some(Fault::NotFound) => "List the files to see what is there".into(),
                _ => "Try again; if the board was reset meanwhile, the agent is loaded anew".into(),
            },
            Self::Cancelled => String::new(),
        }
    }

    /// Why, where it can be named.
    pub fn cause(&self) -> Option<Cause> {
        Some(match self {
            Self::Open { failure, .. } => match failure {
                OpenFailure::NoSuchPort => Cause::PortMissing,
                OpenFailure::NoPermission { .. } => Cause::PortNoPermission,
                OpenFailure::Busy { .. } => Cause::PortBusy,
                OpenFailure::NotSerial => Cause::NotSerial,
                OpenFailure::Other => return None,
            },
            Self::Silent { .. } => Cause::Silent,
            Self::NoLoader { cause, .. } => *cause,
            Self::Gone { .. } => Cause::PortGone,
            Self::Timeout { .. } => Cause::StoppedAnswering,
            Self::Refused { doing, .. } => match *doing {
                "erasing" => Cause::EraseFailed,
                "writing" => Cause::ProgramFailed,
                _ => return None,
            },
            Self::Erased { .. } | Self::Protocol { .. } => Cause::NoisyLine,
            Self::TooFast { .. } => Cause::SpeedTooHigh,
            Self::WrongChip { .. } => Cause::WrongChip,
            Self::OtherBoard { .. } => Cause::OtherBoard,
            Self::NoAgentForChip { .. } => Cause::NoAgentForChip,
            Self::SecureDownload { .. } => Cause::SecureDownload,
            Self::Agent { source, .. } => match source.fault() {
                Some(Fault::NoTable) => Cause::NoTable,
                Some(Fault::NoPartition) => Cause::NoPartition,
                Some(Fault::Corrupt) => Cause::DamagedOnBoard,
                Some(Fault::NotFound) => Cause::NotOnBoard,
                _ => return None,
            },
            Self::LongLabel { .. } => Cause::NoPartition,
            Self::Cancelled => return None,
        })
    }

    /// What the layer below said.
    pub fn detail(&self) -> String {
        match self {
            Self::Open { detail, .. }
            | Self::Gone { detail, .. }
            | Self::Timeout { detail, .. }
            | Self::Protocol { detail, .. } => detail.clone(),
            Self::Refused { status, .. } => format!("the loader's status is {status:04X}"),
            Self::NoLoader { text, .. } => text.clone(),
            Self::Agent { source, .. } => source.to_string(),
            _ => String::new(),
        }
    }

    /// Whether the session is of no use any more.
    pub fn ends_session(&self) -> bool {
        !matches!(
            self,
            Self::Refused { .. }
                | Self::Cancelled
                | Self::WrongChip { .. }
                | Self::OtherBoard { .. }
                | Self::LongLabel { .. }
        )
    }
}

/// What the other end does instead of answering.
fn no_loader(port: &str, cause: Cause) -> String {
    let does = match cause {
        Cause::RunsProgram => "runs its program instead of its loader",
        Cause::FlashBlank => "restarts for ever: its flash is empty",
        Cause::BootloaderDamaged => "restarts for ever: its bootloader is damaged",
        Cause::NothingToStart => "finds nothing to start, and is not in its loader",
        Cause::BrownOut => "restarts for lack of power",
        Cause::WatchdogLoop => "is restarted by a watchdog again and again",
        Cause::CrashLoop => "runs a program that crashes",
        Cause::BoardDeaf => "waits for a download, but does not hear what is sent",
        Cause::WrongSpeed => "sends what cannot be read at 115200 baud",
        Cause::Echo => "sends back what it is sent",
        Cause::NoisyLine => "answers, but its answers arrive damaged",
        _ => "is no Espressif chip in its loader",
    };
    format!("The board on {port} {does}")
}
