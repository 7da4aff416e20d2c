//! How a job can fail, in sentences that name the thing, the place and what to do.

use serde::Serialize;

use crate::device::error::DeviceError;
use crate::model::cause::Cause;
use crate::model::number::hex;
use crate::model::region::Region;

/// A failed job. The texts are for a person; `detail` is what the library below said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{message}")]
pub struct JobError {
    /// What failed, as one sentence without a full stop: `Cannot open /dev/ttyUSB0: no permission`.
    pub message: String,
    /// Which port, file or region.
    pub place: String,
    /// The one thing to do.
    pub help: String,
    /// Why, where the evidence was enough to name it.
    pub cause: Option<Cause>,
    /// What the layer below said, for *Details*.
    pub detail: String,
    /// Whether the same request again goes on where this one stopped.
    pub resumable: bool,
    /// Whether it says no more than that nobody could be reached: what went wrong before says more.
    #[serde(skip)]
    pub unreachable: bool,
    /// A region outside of what the job was about whose bytes may be lost. `place` names it for a person.
    #[serde(skip)]
    pub lost: Option<Region>,
}

impl JobError {
    /// An error without details that cannot be resumed.
    pub fn new(
        message: impl Into<String>,
        place: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            message: message.into(),
            place: place.into(),
            help: help.into(),
            cause: None,
            detail: String::new(),
            resumable: false,
            unreachable: false,
            lost: None,
        }
    }

    /// An error about bytes outside of the job that may be lost. Going on is of no use: what was there is gone.
    pub fn lost(message: impl Into<String>, lost: Region, help: impl Into<String>) -> Self {
        let place = format!("{}:{}", hex(lost.offset), hex(lost.size));
        Self {
            lost: Some(lost),
            ..Self::new(message, place, help)
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The cause as a sentence, if it is known.
    pub fn why(&self) -> Option<&'static str> {
        self.cause.map(Cause::why)
    }

    /// The same with what the layer below said.
    #[must_use]
    pub fn with_detail(mut self, detail: impl std::fmt::Display) -> Self {
        self.detail = detail.to_string();
        self
    }
}

/// How a job ends when it does not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Failed(JobError),
    /// As asked by the user; says what state the board is in.
    Cancelled(String),
}

impl From<JobError> for Stop {
    fn from(error: JobError) -> Self {
        Self::Failed(error)
    }
}

impl From<DeviceError> for JobError {
    fn from(error: DeviceError) -> Self {
        Self {
            message: error.to_string(),
            place: match error.place() {
                "" => error.port().to_owned(),
                place => place.to_owned(),
            },
            help: error.help(),
            cause: error.cause(),
            detail: error.detail(),
            resumable: matches!(
                error,
                DeviceError::Gone { .. }
                    | DeviceError::Timeout { .. }
                    | DeviceError::Protocol { .. }
                    // A damaged request is refused too; only a second try tells it from one that cannot be done.
                    | DeviceError::Refused { .. }
            ),
            unreachable: matches!(
                error,
                DeviceError::Silent { .. }
                    | DeviceError::NoLoader { .. }
                    | DeviceError::Open { .. }
                    | DeviceError::Gone { .. }
            ),
            lost: matches!(error, DeviceError::Erased { .. }).then(|| Region::new(0, u32::MAX)),
        }
    }
}

impl From<DeviceError> for Stop {
    fn from(error: DeviceError) -> Self {
        match error {
            // What state the board is in only the job knows; it replaces this sentence.
            DeviceError::Cancelled => {
                Self::Cancelled("Stopped; nothing on the board was changed".into())
            }
            other => Self::Failed(other.into()),
        }
    }
}
/// The error of a job whose board does not stay in one session.
pub(super) fn reset_again_and_again() -> JobError {
    JobError::new(
        "The board is reset again and again, so that nothing stays proven",
        "board",
        "Check its power supply and cable, and try again",
    )
}
