//! Words that the window says in more than one place or that need care, ready to be translated.
//!
//! Rules: sentence case; no full stop after a single sentence; an ellipsis where more is asked; no colon after a
//! label; errors say what happened, to what, and what to do.

pub const PROGRAM: &str = "Flashpack";
pub const UNSAVED_PROJECT: &str = "Sample project";
pub const FREE: &str = "free";
pub const BOOTLOADER: &str = "bootloader";
pub const PARTITION_TABLE: &str = "partition table";

pub const SEARCH_COMMANDS: &str = "Search commands";
pub const NO_COMMAND_MATCHES: &str = "No command of this name";

pub const DROP_HERE: &str = "Drop files or folders here";
pub const PREVIEW_EMPTY: &str = "Select a file to see what is in it";
pub const PREVIEW_AFTER_PACKING: &str =
    "The preview shows the packed bytes; mend the problems of this partition first";
pub const SELECT_SOMETHING: &str = "Select a partition in the map or in the table";
pub const LEFT_AS_IT_IS: &str = "Flashpack leaves this partition as it is on the board";

pub const SAME: &str = "same as board";
pub const DIFFERS: &str = "differs";
pub const UNKNOWN: &str = "not checked";
pub const LEFT_ALONE: &str = "left as it is";

pub const NO_PROBLEMS: &str = "No problems: this project can be written";
pub const LOG_EMPTY: &str =
    "What Flashpack does appears here, each step with the command line that does the same";
pub const MONITOR_EMPTY: &str = "What the program on the board says appears here: start the monitor (Ctrl+M). A job may have the port meanwhile; the monitor takes it back";
pub const MONITOR_FILTERED: &str = "No line passes the filter";
pub const NO_LOOK_UPS: &str = "Ask the chip itself: the agent is loaded into its RAM, maps the flash and looks the name up. The flash is not changed";

pub const STEPS: [&str; 3] = ["Drop a file on bin", "Write to board", "Look it up"];

pub const RESERVED_BOOTLOADER: &str = "Reserved for the second-stage bootloader. The boot ROM looks for it here; a project leaves it as it is unless the table has a bootloader row";
pub const RESERVED_TABLE: &str = "Reserved for the partition table itself: one sector, with an MD5 over its rows. It is written together with what it names";
pub const FREE_SPACE: &str = "No partition uses this space";

pub const PRACTICE_BOARD: &str = "Practice board";
pub const PRACTICE_NEEDS_UNIX: &str = "The practice board needs a pseudo-terminal, which this system does not have. Connect a board to begin";

pub const ABOUT: &str = "Lay out, pack, write and prove the flash of an ESP32 board";

/// How many of what: `1 file`, `3 files`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}
