//! What keeps a write from doing harm: the names that a person overrides it by, and the finding itself.
//!
//! A guard is found by looking at a plan and at what is known of the board (`engine::guard`); it is refused with its
//! reason unless its name was given. A guard without a name cannot be overridden, because there is nothing to do.

use serde::Serialize;

use super::cause::Cause;

/// A rule that can be overridden, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardName {
    /// What goes to an app partition is no sound app image.
    AppImage,
    /// The region that the boot ROM starts from.
    Bootloader,
    /// Flash encryption is on.
    Encrypted,
    /// The flash size in an image's header, or the table, is larger than the board's flash.
    FlashSize,
    /// A partition that holds data moves or shrinks, and its data stays behind.
    LeaveData,
    /// An offset inside a sector, or an app that does not start at a multiple of 64 KiB.
    Misaligned,
    /// Longer than its partition.
    PastPartition,
    /// Only signed images start.
    SecureBoot,
    /// No valid table at the table's offset.
    TablePlace,
    /// For another chip.
    WrongChip,
    /// For other revisions of the chip.
    WrongRevision,
}

impl GuardName {
    /// Every name, in the order of the help.
    pub const ALL: [Self; 11] = [
        Self::AppImage,
        Self::Bootloader,
        Self::Encrypted,
        Self::FlashSize,
        Self::LeaveData,
        Self::Misaligned,
        Self::PastPartition,
        Self::SecureBoot,
        Self::TablePlace,
        Self::WrongChip,
        Self::WrongRevision,
    ];

    /// As typed: `wrong-chip`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppImage => "app-image",
            Self::Bootloader => "bootloader",
            Self::Encrypted => "encrypted",
            Self::FlashSize => "flash-size",
            Self::LeaveData => "leave-data",
            Self::Misaligned => "misaligned",
            Self::PastPartition => "past-partition",
            Self::SecureBoot => "secure-boot",
            Self::TablePlace => "table-place",
            Self::WrongChip => "wrong-chip",
            Self::WrongRevision => "wrong-revision",
        }
    }

    /// The rule of this name.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == text)
    }

    /// The cause that a failure of this rule has, where it says more than the rule.
    const fn cause(self) -> Option<Cause> {
        match self {
            Self::Misaligned => Some(Cause::Unaligned),
            Self::PastPartition => Some(Cause::TooLargeForPartition),
            Self::TablePlace => Some(Cause::NotATable),
            Self::Encrypted => Some(Cause::EncryptedFlash),
            Self::SecureBoot => Some(Cause::SecureBoot),
            Self::WrongChip => Some(Cause::WrongChip),
            Self::WrongRevision => Some(Cause::WrongRevision),
            Self::AppImage | Self::Bootloader | Self::FlashSize | Self::LeaveData => None,
        }
    }

    /// What overriding it allows, for the help.
    pub const fn about(self) -> &'static str {
        match self {
            Self::AppImage => "write to an app partition what is no sound app image",
            Self::Bootloader => "write below the partition table, where the bootloader lies",
            Self::Encrypted => "write plain bytes to a board with flash encryption",
            Self::FlashSize => "write an image or a table made for a larger flash",
            Self::LeaveData => "leave data behind that a changed table moves or cuts off",
            Self::Misaligned => {
                "write to an offset inside a sector, or an app not at a multiple of 64K"
            }
            Self::PastPartition => "write beyond the end of a partition",
            Self::SecureBoot => "write to a board that starts only signed images",
            Self::TablePlace => "write something else where the partition table lies",
            Self::WrongChip => "write what is made for another chip",
            Self::WrongRevision => "write an app that is not made for this chip's revision",
        }
    }
}

impl std::fmt::Display for GuardName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Something about a plan that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// What overrides it; `None`: nothing does.
    pub name: Option<GuardName>,
    /// What of the plan it is about: a partition, an offset, the board.
    pub target: String,
    /// Why it is refused, as one sentence without a full stop.
    pub message: String,
    /// What to do instead, as one sentence without a full stop.
    pub help: String,
    /// The same among the causes of failures, where it is one of them.
    pub cause: Option<Cause>,
}

impl Guard {
    /// One that a name overrides.
    pub fn new(
        name: GuardName,
        target: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            name: Some(name),
            target: target.into(),
            message: message.into(),
            help: help.into(),
            cause: name.cause(),
        }
    }

    /// One that nothing overrides.
    pub fn firm(
        target: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            name: None,
            target: target.into(),
            message: message.into(),
            help: help.into(),
            cause: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Whether one of these names overrides it.
    pub fn is_forced(&self, forced: &[GuardName]) -> bool {
        self.name.is_some_and(|name| forced.contains(&name))
    }

    /// What to do, with the name that overrides it.
    pub fn way_out(&self) -> String {
        match self.name {
            Some(name) => format!("{}; --force {name} does it all the same", self.help),
            None => self.help.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again() {
        for guard in GuardName::ALL {
            assert_eq!(GuardName::from_name(guard.name()), Some(guard));
            assert_eq!(
                serde_json::to_string(&guard).unwrap(),
                format!("\"{}\"", guard.name())
            );
        }
        assert_eq!(GuardName::from_name("everything"), None);
        assert!(GuardName::ALL.is_sorted_by_key(|guard| guard.name()));
    }
}
