//! Why a command ends without having done what was asked: a sentence, the place, what to do, and the exit status.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::engine::error::JobError;
use crate::formats::format_error::FormatError;
use crate::store::StoreError;

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What failed, as one sentence without a full stop.
    pub message: String,
    /// Which file, port, partition or argument.
    pub place: String,
    /// The one thing to do.
    pub help: String,
    #[serde(skip)]
    pub status: Status,
}

/// Exit status of the program; 0 is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Failed, not found, or at least one problem of severity error.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
}

impl Failure {
    /// Something that was asked for rightly and did not work.
    pub fn new(
        message: impl Into<String>,
        place: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            message: message.into(),
            place: place.into(),
            help: help.into(),
            status: Status::Failed,
        }
    }

    /// Something that was asked for wrongly.
    pub fn usage(
        message: impl Into<String>,
        place: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Usage,
            ..Self::new(message, place, help)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if self.help.is_empty() {
            Ok(())
        } else {
            write!(f, "\n{}", self.help)
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(
            error.to_string(),
            error.path().display().to_string(),
            error.help(),
        )
    }
}

impl Failure {
    /// An image that could not be understood, or has no such file.
    pub fn format(image: &Path, error: &FormatError) -> Self {
        let help = match error {
            FormatError::NotFound { .. } => "flashpack inspect lists what is in an image",
            FormatError::NotThis { .. } => "flashpack inspect says what it is",
            FormatError::Damaged { .. } => {
                "Take the image from where it was made once more, or pack it anew"
            }
        };
        let place = image.display().to_string();
        Self::new(format!("{place}: {error}"), place, help)
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::new(error.message, error.place, error.help)
    }
}
