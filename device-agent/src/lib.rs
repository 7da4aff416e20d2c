//! What an ESP32-C3 runs from its RAM to answer where a file lies in its flash, and what the studio reads images with.
//!
//! One library serves both ends, so that what the studio shows is what the chip does: no allocation, no I/O, and no panic
//! that bytes from a wire or from flash could reach. [`bin_image`] and [`partition_table`] read flash in place through the
//! [`flash::Flash`] trait; [`mmu`] turns the chip's 128 page entries into such a flash; [`frame`], [`request`] and [`reply`]
//! are the wire; [`agent`] takes bytes in and gives bytes out. Only the firmware binary touches registers.
//!
//! What must never change: the numbers in [`error::Error`] and [`message::Kind`], the layouts in [`request`] and
//! [`reply`], and the framing. New kinds, errors and trailing fields are only appended; `docs/agent-protocol.md` and the
//! golden bytes in `tests/golden.rs` say what they are.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

pub mod agent;
pub mod answer;
pub mod bin_image;
pub mod bin_verify;
pub mod crc;
pub mod error;
pub mod flash;
pub mod frame;
pub mod message;
pub mod mmu;
pub mod partition_table;
pub mod reply;
pub mod request;

/// Version of the protocol; it grows when something is appended.
pub const PROTOCOL_VERSION: u16 = 1;

/// Name that the firmware image carries in its descriptor and that `info` reports.
pub const PROJECT_NAME: &str = "flashpack-agent";

/// Version of this crate, as the firmware image and `info` carry it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
