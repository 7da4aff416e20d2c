//! The practice board: a virtual ESP32-C3 on a pseudo-terminal, which any program that talks to a real one takes for
//! a real one. Nobody outside knows more of it than its port; what tests may see is [`TestAccess`].
//!
//! From the outside in: [`board`](self) owns the thread and the port, `wire` counts and damages bytes, `machine` is
//! the chip with the program that runs on it (`rom`, `stub`, `agent_mode`, or what is in flash, see `boot`), and
//! `silicon` is what all of them work on: `flash`, `registers`, `ram`. It answers at once: time is modelled, in
//! [`crate::model::cost`], and only a `delay` fault makes anybody wait.

mod chips;
pub mod faults;
pub mod options;
mod report;

#[cfg(unix)]
mod agent_mode;
#[cfg(unix)]
mod app_output;
#[cfg(unix)]
mod board;
#[cfg(unix)]
mod boot;
#[cfg(unix)]
mod boot_image;
#[cfg(unix)]
mod boot_order;
#[cfg(unix)]
mod counters;
#[cfg(unix)]
mod demo_flash;
#[cfg(unix)]
mod erasing;
#[cfg(unix)]
mod event_loop;
#[cfg(unix)]
mod flash;
#[cfg(unix)]
mod flash_file;
#[cfg(unix)]
mod inflate;
#[cfg(unix)]
mod machine;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod pty;
#[cfg(unix)]
mod ram;
#[cfg(unix)]
mod random;
#[cfg(unix)]
mod registers;
#[cfg(unix)]
mod request;
#[cfg(unix)]
mod rom;
#[cfg(unix)]
mod rom_write;
#[cfg(unix)]
mod silicon;
#[cfg(unix)]
mod slip;
#[cfg(unix)]
mod stub;
#[cfg(unix)]
mod stub_read;
#[cfg(unix)]
mod stub_write;
#[cfg(unix)]
mod test_access;
#[cfg(unix)]
mod wire;

#[cfg(not(unix))]
#[path = "board_elsewhere.rs"]
mod board;

pub use board::{Board, Button};
pub use faults::Faults;
pub use options::{AppOutput, Boot, FlashSource, Options};
pub use report::{FlashCount, Report, WireCount};
#[cfg(unix)]
pub use test_access::TestAccess;

#[cfg(test)]
#[cfg(unix)]
mod bench;
