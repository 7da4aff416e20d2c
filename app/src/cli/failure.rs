//! Why a command ends without having done what was asked: the engine's error with its texts and cause, and the exit
//! status.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::engine::error::JobError;
use crate::formats::format_error::FormatError;
use crate::model::cause::Cause;
use crate::store::StoreError;

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    #[serde(flatten)]
    pub error: JobError,
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
        JobError::new(message, place, help).into()
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

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.error.cause = Some(cause);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error.message)?;
        for line in [self.error.why().unwrap_or_default(), &self.error.help] {
            if !line.is_empty() {
                write!(f, "\n{line}")?;
            }
        }
        Ok(())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let mut failure = Self::new(
            error.to_string(),
            error.path().display().to_string(),
            error.help(),
        );
        failure.error.cause = error.cause();
        failure
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
        let failure = Self::new(format!("{place}: {error}"), place, help);
        match error {
            FormatError::NotFound { .. } => failure.because(Cause::NotInImage),
            FormatError::Damaged { .. } => failure.because(Cause::DamagedImage),
            FormatError::NotThis { .. } => failure,
        }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self {
            error,
            status: Status::Failed,
        }
    }
}
