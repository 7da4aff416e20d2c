//! What a program on the chip asks for when it has answered a frame: the only ways in which the chip's mode changes.

use std::time::Duration;

/// What the chip does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same program goes on.
    Stay,
    /// Jump to what was loaded into RAM.
    RunRam {
        entry: u32,
    },
    /// Leave the loader without anything to run.
    LeaveLoader,
    /// A reset. A loader does not answer the request that caused it.
    Reset(Into),
    /// The RTC watchdog will reset the chip after this time, into flash.
    StartWatchdog(Duration),
    StopWatchdog,
}

/// Where a reset leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    Loader,
    Flash,
    /// As the BOOT button was when power came.
    Strapped,
}

impl Next {
    /// A software reset by its register.
    pub const fn software_reset(force_download: bool) -> Self {
        let into = if force_download {
            Into::Loader
        } else {
            Into::Flash
        };
        Self::Reset(into)
    }
}
