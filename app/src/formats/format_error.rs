//! Why bytes could not be understood, or a file in them could not be found: one error for all containers.

use thiserror::Error;

/// What went wrong while reading a container.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The bytes are something else.
    #[error("This is not a {what}: {why}")]
    NotThis { what: &'static str, why: String },
    /// The bytes contradict themselves at a place.
    #[error("The {what} is damaged at 0x{offset:X}: {why}")]
    Damaged {
        what: &'static str,
        offset: u64,
        why: String,
    },
    /// There is no file of that name.
    #[error(
        "There is no “{path}” in this {what}; look-up is case-sensitive, and “/” leads into a folder"
    )]
    NotFound { what: &'static str, path: String },
}

impl FormatError {
    pub(crate) fn not_this(what: &'static str, why: impl Into<String>) -> Self {
        Self::NotThis {
            what,
            why: why.into(),
        }
    }

    pub(crate) fn damaged(what: &'static str, offset: u64, why: impl Into<String>) -> Self {
        Self::Damaged {
            what,
            offset,
            why: why.into(),
        }
    }

    pub(crate) fn not_found(what: &'static str, path: &str) -> Self {
        Self::NotFound {
            what,
            path: path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_well() {
        for (error, expected) in [
            (
                FormatError::not_this("flash-file image", "its first bytes are wrong"),
                "This is not a flash-file image: its first bytes are wrong",
            ),
            (
                FormatError::damaged("Bin", 0x1A0, "an entry reaches outside"),
                "The Bin is damaged at 0x1A0: an entry reaches outside",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
        assert!(
            FormatError::not_found("Bin", "a/b")
                .to_string()
                .contains("“a/b”")
        );
    }
}
